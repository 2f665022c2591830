"""HTML: what a page says, without what surrounds it.

The document's text is extracted: headings, paragraphs, list items, tables and code of the page's
main part, where it marks one. Navigation, scripts, forms and hidden elements are left out. The
tree is walked without recursion, so that no nesting is too deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.documents.base import title_from, words
from tamis.documents.builder import DocumentBuilder, Item, ordinal
from tamis.types import Document

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CELLS = frozenset({"td", "th"})
_LISTS = frozenset({"dl", "menu", "ol", "ul"})
_ITEMS = frozenset({"dd", "dt", "li"})
#: Elements whose text is one line.
_LINES = _CELLS | _HEADINGS.keys() | {"caption"}
#: Elements that begin and end a paragraph.
_BLOCKS = (
    _LINES
    | _LISTS
    | _ITEMS
    | words(
        "address article aside blockquote body center details dialog div fieldset figcaption "
        "figure form header hgroup hr legend main p pre search section summary table tbody tfoot "
        "thead tr"
    )
)
_DROPPED = words(
    "audio button canvas datalist embed footer frameset head iframe input nav noscript object "
    "script select style svg template textarea video"
)
_DROPPED_ROLES = words("banner complementary contentinfo navigation search")
#: What documentation tools put beside the text: links to headings, numbers of lines.
_DROPPED_CLASSES = frozenset({"headerlink", "linenos"})
#: Asides that belong to the text.
_NOTES = frozenset({"admonition", "callout", "note", "tip", "warning"})
#: Parts that are dropped unless they hold this.
_DROPPED_WITHOUT = {"form": "main, article, h1", "header": "h1"}

_INVISIBLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_ANCHORS = frozenset({"#", "¶", "§", "🔗"})
#: What a table that only arranges the page holds.
_ARRANGED = {"table", "pre"} | _HEADINGS.keys()
#: Characters that allow or forbid a line break and are no part of a word.
_BREAK_HINTS = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_TITLE_PARTS = re.compile(r"\s+[-|·•»\u2013\u2014]\s+|\s*:\s+")
_LIST_STYLES = {"a": "loweralpha", "A": "upperalpha", "i": "lowerroman", "I": "upperroman"}


class HtmlReader:
    """Reads HTML pages; the document's text is extracted from them."""

    name = "HTML"
    suffixes = frozenset({".html", ".htm", ".xhtml"})

    def read(self, data: str, *, id: str, source: str) -> Document:
        """Return the document.

        Its title is the page's, or its main heading where the page's title is that with a
        site's name added. Its text is that of the page's main part, if it marks one, or its only
        article, or else of the whole page.
        """
        from selectolax.lexbor import LexborHTMLParser

        page = LexborHTMLParser(data)
        out = DocumentBuilder()
        for root in _roots(page):
            out = _Extractor(root).out
            if out.blocks:
                break
        return out.document(id=id, title=_title(page, out) or title_from(source), source=source)


def _roots(page: LexborHTMLParser) -> Iterator[LexborNode]:
    """Yield where the page's text may be, the best place first."""
    main = page.css_first("main, [role=main]")
    if main is not None:
        yield main
    articles = page.css("article")
    if len(articles) == 1:
        yield articles[0]
    if page.body is not None:
        yield page.body


def _title(page: LexborHTMLParser, out: DocumentBuilder) -> str:
    element = page.css_first("head > title")
    title = " ".join(element.text().split()) if element is not None else ""
    heading = out.first_heading(1)
    return heading if not title or heading in _TITLE_PARTS.split(title) else title


@dataclass(slots=True)
class _List:
    """An open list: how its next item is marked."""

    style: str = ""  # of its numbers, if they are shown
    number: int = 1
    term: Item | None = None  # the last one, in a list of definitions


class _Extractor:
    """Walks the elements of a page; `out` then holds what they show.

    Text is gathered until an element begins or ends a paragraph. Within a heading, a table cell
    or a caption, the *line*, it is gathered until that ends.
    """

    def __init__(self, root: LexborNode) -> None:
        self.out = DocumentBuilder()
        self._words: list[str] = []
        self._line: LexborNode | None = None
        self._lists: list[_List] = []
        self._items: list[Item] = []
        self._rows: list[list[str]] | None = None  # of the open table
        self._walk(root)
        self._end_paragraph()

    def _walk(self, root: LexborNode) -> None:
        pending = [(root, False)]
        while pending:
            node, is_end = pending.pop()
            if is_end:
                self._leave(node)
            elif node.is_text_node:
                self._words.append((node.text_content or "").replace("\n", " "))
            elif self._enter(node):
                pending.append((node, True))
                pending.extend((child, False) for child in reversed(_children(node)))

    def _enter(self, node: LexborNode) -> bool:
        """Begin an element; whether its children are to be visited."""
        tag = node.tag or ""
        if tag == "br":
            self._words.append("\n")
        if tag == "br" or _is_dropped(node, tag):
            return False
        if self._line is not None:
            self._words.append(" " if tag in _BLOCKS else "")
            return True
        if tag in _BLOCKS:
            self._end_paragraph()
        if tag == "pre":
            self.out.code(_verbatim(node))
            return False
        self._open(node, tag)
        return True

    def _open(self, node: LexborNode, tag: str) -> None:
        if tag in _LINES and (tag not in _CELLS or self._rows is not None):
            self._line = node
        elif tag == "table" and self._rows is None and not _holds(node, _ARRANGED):
            self._rows = []
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in _LISTS:
            self._lists.append(_list(node, tag))
        elif tag in _ITEMS:
            self._items.append(self._item(node, tag))

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if self._line is not None:
            if node.mem_id == self._line.mem_id:
                self._end_line(tag)
            elif tag in _BLOCKS:
                self._words.append(" ")
            return
        if tag in _BLOCKS:
            self._end_paragraph()
        if tag == "table" and self._rows is not None:
            self.out.table(self._rows)
            self._rows = None
        elif tag in _LISTS:
            self._lists.pop()
        elif tag in _ITEMS:
            self._items.pop()

    def _item(self, node: LexborNode, tag: str) -> Item:
        level = max(1, len(self._lists))
        within = self._lists[-1] if self._lists else _List()
        if tag == "dd" and within.term is not None:
            return within.term
        if tag != "li":
            within.term = Item(level)
            return within.term
        if not within.style:
            return Item(level, "- ")
        number = _integer(node.attributes.get("value"), within.number)
        within.number = number + 1
        return Item(level, f"{ordinal(number, within.style)}. ")

    def _end_line(self, tag: str) -> None:
        """Write the heading, cell or caption that ends here."""
        text = " ".join(self._text().split())
        self._line = None
        if tag in _HEADINGS:
            self.out.heading(text, _HEADINGS[tag])
        elif tag in _CELLS and self._rows is not None:
            self._rows[-1].append(text)  # the parser puts every cell into a row
        else:
            self.out.paragraph(text, self._items[-1] if self._items else None)

    def _end_paragraph(self) -> None:
        lines = [" ".join(line.split()) for line in self._text().split("\n")]
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
        self.out.paragraph(text, self._items[-1] if self._items else None)

    def _text(self) -> str:
        text = "".join(self._words).translate(_BREAK_HINTS)
        self._words.clear()
        return text


def _children(node: LexborNode) -> list[LexborNode]:
    return list(node.iter(include_text=True))


def _is_dropped(node: LexborNode, tag: str) -> bool:
    """Whether an element, or what else is no text, shows nothing of the page's own text."""
    if tag in _DROPPED or not node.is_element_node:
        return True
    if tag in _DROPPED_WITHOUT and node.css_first(_DROPPED_WITHOUT[tag]) is None:
        return True
    attributes = node.attributes
    classes = set((attributes.get("class") or "").split())
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or attributes.get("role") in _DROPPED_ROLES
        or bool(_INVISIBLE.search(attributes.get("style") or ""))
        or not classes.isdisjoint(_DROPPED_CLASSES)
        or (tag == "aside" and classes.isdisjoint(_NOTES))
        or (tag == "a" and (_only_text(node) or "").strip() in _ANCHORS)
    )


def _only_text(node: LexborNode) -> str | None:
    """Return the text of an element that holds nothing but that."""
    child = node.child
    return child.text_content if child is not None and child.next is None else None


def _verbatim(node: LexborNode) -> str:
    """Return the text of an element as it was written."""
    pieces: list[str] = []
    pending = [node]
    while pending:
        inner = pending.pop()
        if inner.is_text_node:
            pieces.append(inner.text_content or "")
        elif inner.tag == "br":
            pieces.append("\n")
        elif not _is_dropped(inner, inner.tag or ""):
            pending.extend(reversed(_children(inner)))
    return "".join(pieces)


def _holds(node: LexborNode, tags: AbstractSet[str]) -> bool:
    """Whether an element with one of these tags is inside of an element."""
    pending = _children(node)
    while pending:
        inner = pending.pop()
        if inner.tag in tags:
            return True
        pending.extend(_children(inner))
    return False


def _list(node: LexborNode, tag: str) -> _List:
    if tag != "ol":
        return _List()
    style = _LIST_STYLES.get(node.attributes.get("type") or "", "arabic")
    return _List(style, _integer(node.attributes.get("start"), 1))


def _integer(text: str | None, otherwise: int) -> int:
    try:
        return int(text or otherwise)
    except ValueError:
        return otherwise
