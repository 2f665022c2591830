"""Plain text: paragraphs parted by blank lines, and headings where they are plain to see.

A wrong heading does more harm than a missed one, since it would stand in the path of all that
follows, so a line must stand alone and look like nothing else: a numbered title ("4.2
Termination"), a named part ("ARTICLE IV"), or a line in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from tamis.documents.base import title_from, words
from tamis.types import Block, Document

_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
_LONGEST_HEADING = 80
_MOST_WORDS = 12

_NUMBERED = re.compile(r"(?:§ ?)?(?P<number>\d{1,3}(?:\.\d{1,3})*)[.)]?\s+(?P<title>[^\W\d_].*)")
_PART = re.compile(
    r"(?:article|chapter|part|section|appendix|annex|schedule|exhibit)"
    r"\s+(?:\d{1,3}(?:\.\d{1,3})*|[ivxlc]+|[a-z])(?:\s*[-.:\u2013\u2014]?\s+(?P<title>\S.*))?",
    re.IGNORECASE,
)
#: Words that a title does not capitalise.
_MINOR = words("a an and as at but by for from in into of on or per the to upon vs with")


class _Paragraph(NamedTuple):
    start: int
    end: int
    style: tuple[str, int] | None  # how it looks as a heading: kind and depth


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
    paragraphs = [
        _Paragraph(start, end, _heading_style(text[start : min(end, start + 200)]))
        for start, end in _paragraphs(text)
    ]
    for this, following in pairwise([*paragraphs, _Paragraph(0, 0, None)]):
        # Items of a list look alike and follow each other; a heading has something under it.
        last = following.end == 0
        if this.style is None or this.style == following.style or last:
            yield Block("paragraph", this.start, this.end)
        else:
            yield Block("heading", this.start, this.end, level=this.style[1])


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end, following in [*((m.start(), m.end()) for m in _BREAK.finditer(text)), (len(text), 0)]:
        paragraph = text[start:end]
        lead = len(paragraph) - len(paragraph.lstrip())
        if lead < len(paragraph):
            yield start + lead, start + len(paragraph.rstrip())
        start = following


def _heading_style(line: str) -> tuple[str, int] | None:
    """Return what kind of heading a paragraph looks like, and of which level, if any."""
    parts = line.split()
    if "\n" in line or len(line) > _LONGEST_HEADING or len(parts) > _MOST_WORDS:
        return None
    if line[-1] in ".,;:!?":
        return None
    part = _PART.fullmatch(line)
    if part and line[0].isupper() and _is_title(part["title"] or ""):
        return parts[0].lower(), 2
    numbered = _NUMBERED.fullmatch(line)
    if numbered:
        depth = numbered["number"].count(".") + 1
        return ("numbered", depth + 1) if _is_title(numbered["title"]) else None
    if line.isupper() and sum(map(str.isalpha, line)) >= 4 and line[0].isalnum():
        return "capitals", 2
    return None


def _is_title(text: str) -> bool:
    """Whether every word that a title capitalises is capitalised."""
    found = re.findall(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*", text)
    return all(word[0].isupper() or word in _MINOR for word in found)
