"""Renders docutils' document tree to plain text: what the pages made from it would show.

docutils is imported with this module, so import it where a file is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

from docutils import nodes

from tamis.documents.builder import DocumentBuilder, Item, ordinal
from tamis.documents.doctree_parser import argument

#: Nodes that show nothing.
_HIDDEN = (
    nodes.comment,
    nodes.label,
    nodes.pending,
    nodes.raw,
    nodes.substitution_definition,
    nodes.target,
    nodes.transition,
)
#: Nodes that may stand between a directive and the section it announces.
_BEFORE_SECTIONS = (*_HIDDEN, argument, nodes.section, nodes.title)
#: From this level on, the text that a system message quotes is nowhere else in the tree.
_ERROR = 3


def render(tree: nodes.document) -> DocumentBuilder:
    """Return the blocks of a tree that `tamis.documents.doctree_parser.parse` gave."""
    return _Writer(tree).out


class _Writer:
    """Writes the blocks of a tree; `out` then holds them.

    Each handler writes one kind of node, in so many sections, and in a list item where one is
    given. A node without a handler is only its children.
    """

    def __init__(self, tree: nodes.document) -> None:
        self.out = DocumentBuilder()
        self._substitutions: Mapping[str, nodes.Element] = tree.substitution_defs
        self._announced: list[tuple[argument, Item | None]] = []
        self._children(tree, 0, None)
        self._place_announced()

    def _children(self, parent: nodes.Node, depth: int, item: Item | None) -> None:
        for node in _elements(parent):
            if not isinstance(node, _BEFORE_SECTIONS):
                self._place_announced()
            if not isinstance(node, _HIDDEN):
                handle = self._handlers.get(type(node), _Writer._children)
                handle(self, node, depth, item)

    def _section(self, node: nodes.section, depth: int, item: Item | None) -> None:
        self._children(node, depth + 1, item)

    def _argument(self, node: argument, depth: int, item: Item | None) -> None:
        if node["announces"]:
            self._announced.append((node, item))
        else:
            self._place_announced()
            self._paragraph(node, depth, item)

    def _title(self, node: nodes.title, depth: int, _item: Item | None) -> None:
        """Write a heading, and under it the directives just above it that speak of it."""
        title = self._line(node)
        below = [entry for entry in self._announced if _speaks_of(entry[0], title)]
        self._announced = [entry for entry in self._announced if entry not in below]
        self._place_announced()
        self.out.heading(title, depth)
        for announcing, item in below:
            if announcing["announces"].lower() not in title.lower():
                self._paragraph(announcing, depth, item)

    def _place_announced(self) -> None:
        announced, self._announced = self._announced, []
        for node, item in announced:
            self._paragraph(node, 0, item)

    def _paragraph(self, node: nodes.TextElement, _depth: int, item: Item | None) -> None:
        self.out.paragraph(self._line(node), item)

    def _line_block(self, node: nodes.line_block, _depth: int, item: Item | None) -> None:
        lines = node.findall(nodes.line)
        self.out.paragraph("\n".join(self._line(line) for line in lines), item)

    def _code(self, node: nodes.TextElement, _depth: int, _item: Item | None) -> None:
        self.out.code(self._text(node))

    def _table(self, node: nodes.table, _depth: int, item: Item | None) -> None:
        for title in node.findall(nodes.title):
            self.out.paragraph(self._line(title), item)
        rows = ([self._line(cell) for cell in _elements(row)] for row in node.findall(nodes.row))
        self.out.table(list(rows))

    def _bullet_list(self, node: nodes.bullet_list, depth: int, item: Item | None) -> None:
        for child in _elements(node):
            self._children(child, depth, Item(_level_in(item), "- "))

    def _enumerated_list(self, node: nodes.enumerated_list, depth: int, item: Item | None) -> None:
        for number, child in enumerate(_elements(node), node.get("start", 1)):
            marker = f"{node['prefix']}{ordinal(number, node['enumtype'])}{node['suffix']} "
            self._children(child, depth, Item(_level_in(item), marker))

    def _definition(self, node: nodes.Element, depth: int, item: Item | None) -> None:
        inner = Item(_level_in(item))
        *terms, body = _elements(node)
        self.out.paragraph(" : ".join(map(self._line, terms)), inner)
        self._children(body, depth, inner)

    def _field(self, node: nodes.field, depth: int, item: Item | None) -> None:
        name, body = _elements(node)
        self._children(body, depth, Item(_level_in(item), f"{self._line(name)}: "))

    def _option(self, node: nodes.option_list_item, depth: int, item: Item | None) -> None:
        names, body = _elements(node)
        self._children(body, depth, Item(_level_in(item), f"{names.astext()}  "))

    def _footnote(self, node: nodes.Element, depth: int, item: Item | None) -> None:
        label = next((label.astext() for label in node.findall(nodes.label)), "")
        self._children(node, depth, Item(_level_in(item), f"[{label}] " if label else ""))

    def _message(self, node: nodes.system_message, _depth: int, _item: Item | None) -> None:
        """Keep the source that docutils could not place, not its complaint."""
        if node["level"] >= _ERROR:
            for quoted in node.findall(nodes.literal_block):
                self.out.code(self._text(quoted))

    _handlers: ClassVar[Mapping[type[nodes.Element], _Handler]] = {
        argument: _argument,
        nodes.attribution: _paragraph,
        nodes.bullet_list: _bullet_list,
        nodes.citation: _footnote,
        nodes.definition_list_item: _definition,
        nodes.doctest_block: _code,
        nodes.enumerated_list: _enumerated_list,
        nodes.field: _field,
        nodes.footnote: _footnote,
        nodes.line_block: _line_block,
        nodes.literal_block: _code,
        nodes.math_block: _code,
        nodes.option_list_item: _option,
        nodes.paragraph: _paragraph,
        nodes.section: _section,
        nodes.system_message: _message,
        nodes.table: _table,
        nodes.title: _title,
    }

    def _line(self, node: nodes.Node) -> str:
        """Return what a node shows, on one line."""
        return " ".join(self._text(node).split())

    def _text(self, node: nodes.Node) -> str:
        """Return what a node shows, with its own line breaks."""
        if isinstance(node, nodes.Text):
            return node.astext()
        if isinstance(node, (*_HIDDEN, nodes.system_message)):
            return ""
        if isinstance(node, nodes.substitution_reference):
            definition = self._substitutions.get(node["refname"])
            if definition is not None:
                return definition.astext()
        inline = isinstance(node, nodes.TextElement)
        shown = ("" if inline else "\n").join(map(self._text, node.children))
        if isinstance(node, (nodes.footnote_reference, nodes.citation_reference)):
            return f"[{shown}]" if shown else ""
        return shown


_Handler: TypeAlias = Callable[[_Writer, Any, int, Item | None], None]


def _elements(node: nodes.Node) -> Iterator[nodes.Element]:
    """Yield the children of a node that are not text."""
    return (child for child in node.children if isinstance(child, nodes.Element))


def _level_in(item: Item | None) -> int:
    return item.level + 1 if item else 1


def _speaks_of(announcing: argument, title: str) -> bool:
    """Whether a directive announces the section of this title: one names the other."""
    name, heading = _name(announcing["announces"]), _name(title)
    return name in heading or heading in name


def _name(text: str) -> str:
    """Return the text without the arguments that follow its name."""
    return re.split(r"[\s(]", text.lower(), maxsplit=1)[0]
