"""Writes a document's text and its blocks together, so that spans are exact by construction.

For formats whose source is not fit to be read as it is (HTML, reStructuredText): their readers
say what comes next, and the builder decides how it looks in plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tamis.types import Block, BlockKind, Document

_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc")),
    *((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
#: Items nested deeper than this are indented no further.
_DEEPEST_INDENT = 8


@dataclass(slots=True)
class Item:
    """A list item while it is being written.

    Attributes
    ----------
    level : int
        Its nesting depth, from 1.
    marker : str
        What stands before its text, such as ``"- "``; written once.
    """

    level: int
    marker: str = ""


class DocumentBuilder:
    """Collects blocks in reading order.

    Text that is empty or only white space makes no block. The markers and line breaks between
    blocks belong to none, except that a list item's marker opens its block.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self._item: Item | None = None  # the list item that the last block belongs to

    @property
    def blocks(self) -> Sequence[Block]:
        """The blocks so far."""
        return self._blocks

    def heading(self, text: str, level: int) -> None:
        """Add a heading; `level` 1 is the outermost."""
        self._add("heading", text.strip(), level)

    def paragraph(self, text: str, item: Item | None = None) -> None:
        """Add a paragraph, of a list item if one is given.

        The paragraphs of an item are lines of one block, until another block comes between.
        """
        text = text.strip()
        if item is None:
            self._add("paragraph", text)
        elif item is self._item and text:
            self._write("\n" + text)
            self._blocks[-1] = replace(self._blocks[-1], end=self._length)
        elif text:
            self._add("list_item", item.marker + text, item.level)
            self._item, item.marker = item, ""

    def code(self, text: str) -> None:
        """Add a block of code, its lines and their indentation kept."""
        self._add("code", text.rstrip().lstrip("\n"))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Add a table, a line a row, with ``" | "`` between its cells."""
        self._add("table", "\n".join(" | ".join(row) for row in rows if any(row)).strip())

    def document(self, *, id: str, title: str, source: str) -> Document:
        """Return what was written as a document."""
        return Document(
            id=id,
            text="".join(self._parts),
            title=title,
            blocks=tuple(self._blocks),
            source=source,
        )

    def first_heading(self, level: int) -> str:
        """Return the text of the first heading of a level, or an empty string."""
        for block in self._blocks:
            if block.kind == "heading" and block.level == level:
                return "".join(self._parts)[block.start : block.end]
        return ""

    def _add(self, kind: BlockKind, text: str, level: int = 0) -> None:
        if not text:
            return
        if self._blocks:
            listed = kind == "list_item" == self._blocks[-1].kind
            self._write("\n" if listed else "\n\n")
        if kind == "list_item":
            self._write("  " * min(level - 1, _DEEPEST_INDENT))
        start = self._length
        self._write(text)
        self._blocks.append(Block(kind, start, self._length, level))
        self._item = None

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def ordinal(number: int, style: str = "arabic") -> str:
    """Return the number of a list item as its author had it shown.

    Parameters
    ----------
    number : int
        Counted from 1.
    style : {"arabic", "loweralpha", "upperalpha", "lowerroman", "upperroman"}
        How it is shown; numbers that the style cannot show are arabic.
    """
    shown = ""
    if style.endswith("alpha") and 1 <= number <= 26:
        shown = chr(ord("a") + number - 1)
    elif style.endswith("roman") and 1 <= number < 4000:
        rest = number
        for value, digits in _ROMAN:
            shown += digits * (rest // value)
            rest %= value
    if not shown:
        return str(number)
    return shown.upper() if style.startswith("upper") else shown
