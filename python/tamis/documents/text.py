"""Plain text: paragraphs parted by blank lines, and headings where they are plain to see.

A wrong heading does more harm than a missed one, since it would stand in the path of all that
follows. So a line must stand alone and look like nothing else: a numbered title ("4.2
Termination"), a named part ("ARTICLE IV"), or a line in capitals. A numbered or named line may
also begin a paragraph, where the document does so more than once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tamis.documents.base import title_from, words
from tamis.types import Block, Document

_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
_LONGEST_HEADING = 80
_MOST_WORDS = 12
#: How long a heading may be, compared with the longest line of the text it begins.
_CLEARLY_SHORTER = 0.6

_NUMBERED = re.compile(
    r"(?P<sign>§\s*)?(?P<number>\d{1,3}(?:\.\d{1,3})*)(?P<stop>[.)]?)\s+(?P<title>[^\W\d_].*)"
)
_PART = re.compile(
    r"(?:article|chapter|part|section|appendix|annex|schedule|exhibit)"
    r"\s+(?:\d{1,3}(?:\.\d{1,3})*|[ivxlc]+|[a-z])(?:\s*[-.:\u2013\u2014]?\s+(?P<title>\S.*))?",
    re.IGNORECASE,
)
#: Words that a title does not capitalise.
_MINOR = words("a an and as at but by for from in into of on or per the to upon vs with")


class _Style(NamedTuple):
    """What kind of heading a line looks like, and of which level."""

    kind: str
    level: int


class _Paragraph(NamedTuple):
    start: int
    heading_end: int  # of its first line, or of all, if that looks like a heading
    end: int
    style: _Style | None = None

    @property
    def is_alone(self) -> bool:
        """Whether it is nothing but what looks like a heading."""
        return self.heading_end == self.end


class TextReader:
    """Reads plain text; the document's text is the file itself."""

    name = "plain text"
    suffixes = frozenset({".text"})

    def read(self, data: str, *, id: str, source: str) -> Document:
        """Return the document; its title is the file's name made readable."""
        return Document(
            id=id, text=data, title=title_from(source), blocks=tuple(_blocks(data)), source=source
        )


def _blocks(text: str) -> Iterator[Block]:
    paragraphs = [_paragraph(text, start, end) for start, end in _paragraph_spans(text)]
    n_led = sum(not p.is_alone for p in paragraphs if p.style)
    for before, this, following in zip(
        [None, *paragraphs], paragraphs, [*paragraphs[1:], None], strict=False
    ):
        # Items of a list look alike and follow each other; a heading has something under it.
        alike = [other for other in (before, following) if other and other.is_alone]
        in_list = following is None or this.style in [other.style for other in alike]
        if this.style is None or (in_list if this.is_alone else n_led < 2):
            yield Block("paragraph", this.start, this.end)
            continue
        yield Block("heading", this.start, this.heading_end, this.style.level)
        if not this.is_alone:
            yield Block("paragraph", this.heading_end + 1, this.end)


def _paragraph_spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end, following in [*((m.start(), m.end()) for m in _BREAK.finditer(text)), (len(text), 0)]:
        paragraph = text[start:end]
        lead = len(paragraph) - len(paragraph.lstrip())
        if lead < len(paragraph):
            yield start + lead, start + len(paragraph.rstrip())
        start = following


def _paragraph(text: str, start: int, end: int) -> _Paragraph:
    first, *others = text[start : min(end, start + 1000)].split("\n")
    style = _style(first)
    if style and others:
        shorter = len(first) <= _CLEARLY_SHORTER * max(map(len, others))
        begins = others[0].strip()[:1]
        if not shorter or begins.islower() or style.kind == "capitals":
            style = None
    return _Paragraph(start, start + len(first), end, style)


def _style(line: str) -> _Style | None:
    """Return what kind of heading a line looks like, if any."""
    if len(line) > _LONGEST_HEADING or len(line.split()) > _MOST_WORDS or line[-1] in ".,;:!?":
        return None
    part = _PART.fullmatch(line)
    if part and line[0].isupper() and _is_title(part["title"] or ""):
        return _Style("part", 2)
    numbered = _NUMBERED.fullmatch(line)
    if numbered:
        depth = numbered["number"].count(".") + 1
        is_marked = numbered["sign"] or numbered["stop"]
        if is_marked or (depth > 1 and _is_title(numbered["title"])):
            return _Style("numbered", depth + 1)
        return None
    if line.isupper() and sum(map(str.isalpha, line)) >= 4 and line[0].isalnum():
        return _Style("capitals", 2)
    return None


def _is_title(text: str) -> bool:
    """Whether every word that a title capitalises is capitalised."""
    found = re.findall(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*", text)
    return all(word[0].isupper() or word in _MINOR for word in found)
