"""Parts a document at its headings: each section with the path of headings that leads to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tamis.types import Block, Document

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks between two headings.

    Attributes
    ----------
    headings : tuple of str
        The path that leads to it, outermost first; the document's title is its first element,
        unless the first heading says the same.
    blocks : tuple of Block
        Never empty. Where nothing stands under a heading, its own block, and `headings` is the
        path above it.
    """

    headings: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    text: str  # empty if it is too long to stand in a path
    block: Block


def heading_texts(document: Document) -> list[str]:
    """Return what may stand in a path: the title and the headings, each on one line."""
    headings = (document.text_of(block) for block in document.blocks if block.kind == "heading")
    return [" ".join(text.split()) for text in (document.title, *headings)]


def sections(document: Document, fits_path: Callable[[str], bool]) -> Iterator[Section]:
    """Yield the sections of a document in reading order.

    Parameters
    ----------
    document : Document
        A document without blocks is one section of paragraphs, parted by blank lines. Blank
        blocks are passed over.
    fits_path : callable
        Whether a heading, as `heading_texts` gives it, may stand in a path. One that may not
        still begins a section, as the first block of its text.
    """
    title = " ".join(document.title.split())
    title = title if fits_path(title) else ""
    path: list[_Heading] = []
    body: list[Block] = []
    for block in document.blocks or _paragraphs(document.text):
        text = document.text_of(block)
        if not text or text.isspace():
            continue
        if block.kind != "heading":
            body.append(block)
            continue
        yield from _section(title, path, body, next_level=block.level)
        path = [heading for heading in path if heading.level < block.level]
        text = " ".join(text.split())
        body = [] if fits_path(text) else [block]
        path.append(_Heading(block.level, "" if body else text, block))
    yield from _section(title, path, body, next_level=0)


def _section(
    title: str, path: Sequence[_Heading], body: Sequence[Block], *, next_level: int
) -> Iterator[Section]:
    if body:
        yield Section(_texts(title, path), tuple(body))
    elif path and path[-1].text and next_level <= path[-1].level:
        # Nothing is under this heading, and no later path will hold it.
        above = _texts(title, path[:-1])
        if above[-1:] and _same(above[-1], path[-1].text):
            above = above[:-1]
        yield Section(above, (path[-1].block,))


def _texts(title: str, path: Sequence[_Heading]) -> tuple[str, ...]:
    texts = tuple(heading.text for heading in path if heading.text)
    return texts if not title or (texts and _same(title, texts[0])) else (title, *texts)


def _same(one: str, other: str) -> bool:
    """Whether two headings differ only in case, punctuation and markup."""
    letters, others = ("".join(filter(str.isalnum, text.casefold())) for text in (one, other))
    return one == other or (letters == others and letters != "")


def _paragraphs(text: str) -> Iterator[Block]:
    start = 0
    for end, following in [
        *((match.start(), match.end()) for match in _BLANK_LINES.finditer(text)),
        (len(text), len(text)),
    ]:
        if text[start:end].strip():
            yield Block("paragraph", start, end)
        start = following
