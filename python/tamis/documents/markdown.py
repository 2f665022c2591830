"""Markdown, with the tables of GitHub: the document's text is the source itself.

So every span points into the file that the author can open. The blocks come from markdown-it-py,
which says for each element between which lines it stands; inline markup is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest
from typing import TYPE_CHECKING, Any

from tamis.documents.base import title_from
from tamis.types import Block, BlockKind, Document

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_LEAVES: dict[str, BlockKind] = {
    "paragraph_open": "paragraph",
    "html_block": "paragraph",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
}
_LISTS = frozenset({"bullet_list_open", "ordered_list_open"})
#: What parts a list item's text, and is a block of its own.
_PARTING = frozenset({"fence", "code_block", "table_open"}) | _LISTS

#: A quote that is nested too deeply to be parsed; a heading in a quote is no heading of this text.
_UNPARSED = ("blockquote_open", "blockquote_close")

_SPACE = re.compile(r"\s*")
_SPACE_OR_QUOTE = re.compile(r"^[\s>]*")
_COMMENT = re.compile(r"\s*<!--(?:(?!-->).)*-->\s*", re.DOTALL)


class MarkdownReader:
    """Reads Markdown; the document's text is the file itself."""

    name = "Markdown"
    suffixes = frozenset({".md", ".markdown", ".mkd"})

    def read(self, data: str, *, id: str, source: str) -> Document:
        """Return the document; its title is the first heading of level 1."""
        from markdown_it import MarkdownIt

        parser = MarkdownIt("commonmark").enable("table").disable("inline")
        references: dict[str, Any] = {}
        tokens = parser.parse(data, references)
        return Document(
            id=id,
            text=data,
            title=_title(parser, tokens, references) or title_from(source),
            blocks=tuple(_Source(data).blocks(tokens)),
            source=source,
        )


def _title(parser: MarkdownIt, tokens: Sequence[Token], references: dict[str, Any]) -> str:
    """Return the first heading of level 1 without its markup, or an empty string."""
    for heading, content in pairwise(tokens):
        if heading.type == "heading_open" and heading.tag == "h1" and heading.level == 0:
            inline = parser.inline.parse(content.content, parser, references, [])
            return "".join(_shown(token) for token in inline).strip()
    return ""


def _shown(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return "" if token.type == "html_inline" else token.content


@dataclass(slots=True)
class _Item:
    """An open list item: the lines of its text that are in no block yet."""

    start: int
    end: int


class _Source:
    """The lines of a text, where blocks are cut from."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]

    def blocks(self, tokens: Sequence[Token]) -> Iterator[Block]:
        """Yield the blocks that the parser's tokens stand for, in order."""
        items: list[_Item] = []
        for token, following in zip_longest(tokens, tokens[1:]):
            first, last = token.map or (0, 0)
            if token.type == "list_item_open":
                items.append(_Item(first, last))
            elif token.type == "list_item_close":
                yield from self._cut("list_item", items[-1].start, items[-1].end, len(items))
                items.pop()
            elif not items:
                yield from self._outside_lists(token, following)
            elif token.type in _PARTING:
                yield from self._cut("list_item", items[-1].start, first, len(items))
                items[-1].start = last
                if token.type in _LEAVES:
                    yield from self._cut(_LEAVES[token.type], first, last)

    def _outside_lists(self, token: Token, following: Token | None) -> Iterator[Block]:
        first, last = token.map or (0, 0)
        inside = following.type if following is not None else ""
        if token.type == "heading_open" and following is not None and token.level == 0:
            yield self._heading(token, following.content)
        elif token.type == "heading_open" or (token.type, inside) == _UNPARSED:
            yield from self._cut("paragraph", first, last)
        elif token.type in _LEAVES and not _COMMENT.fullmatch(token.content):
            yield from self._cut(_LEAVES[token.type], first, last)

    def _heading(self, token: Token, content: str) -> Block:
        """Return the block of a heading, without the marks that make it one."""
        first, last = token.map or (0, 0)
        line, at, level = self._lines[first], self._starts[first], int(token.tag[1:])
        if token.markup.startswith("#"):
            start = line.index(content, line.index("#") + len(token.markup))
            return Block("heading", at + start, at + start + len(content), level)
        start = at + len(line) - len(line.lstrip(" \t"))
        end = self._starts[last - 2] + len(self._lines[last - 2].rstrip(" \t"))
        return Block("heading", start, end, level)

    def _cut(self, kind: BlockKind, first: int, last: int, level: int = 0) -> Iterator[Block]:
        """Yield the block of some lines, without blank ones at its ends, if any is left."""
        blank = _SPACE if kind == "code" else _SPACE_OR_QUOTE
        while first < last and blank.fullmatch(self._lines[first]):
            first += 1
        while first < last and blank.fullmatch(self._lines[last - 1]):
            last -= 1
        if first == last:
            return
        start, line, final = self._starts[first], self._lines[first], self._lines[last - 1]
        if kind != "code":  # whose indentation belongs to it
            start += len(line) - len(_SPACE_OR_QUOTE.sub("", line, count=1))
        yield Block(kind, start, self._starts[last - 1] + len(final.rstrip()), level)
