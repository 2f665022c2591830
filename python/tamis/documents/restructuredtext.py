"""reStructuredText, that of Sphinx included: parsed by docutils, rendered to plain text.

The source is not shown as it is, since its markup hides what readers search for: the text of a
document is what its pages would show. Directive arguments and bodies are kept, whatever the
directive, and what docutils cannot place is kept as it was written.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tamis.documents.base import title_from
from tamis.documents.text import TextReader
from tamis.types import Document

#: How much of a text is looked at to tell what it is, in characters.
_SAMPLE = 65_536
_DIRECTIVE_OR_ROLE = re.compile(
    r"^ *\.\. (?:[A-Za-z][\w:+.-]*::|_[^\s:][^:\n]*:)(?: |$)"
    r"|(?:^|[\s(]):[A-Za-z][\w:+.-]*:`[^`\n]+`",
    re.MULTILINE,
)
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,} *")


class RestructuredTextReader:
    """Reads reStructuredText; the document's text is rendered from it."""

    name = "reStructuredText"
    suffixes = frozenset({".rst", ".rest"})

    def read(self, data: str, *, id: str, source: str) -> Document:
        """Return the document; its title is the first heading of the highest level.

        What is nested too deeply for docutils, some hundred levels, is read as plain text;
        ``metadata["reading"]`` then says so.
        """
        from tamis.documents.doctree_parser import parse
        from tamis.documents.doctree_writer import render

        try:
            out = render(parse(data, source))
        except RecursionError:
            document = TextReader().read(data, id=id, source=source)
            note = "as plain text: nested too deeply for reStructuredText"
            return replace(document, metadata={"reading": note})
        title = out.first_heading(1) or title_from(source)
        return out.document(id=id, title=title, source=source)


class PlainOrRestructuredTextReader:
    """Reads ``.txt`` files: reStructuredText where they look like it, or else plain text."""

    name = "text"
    suffixes = frozenset({".txt"})

    def __init__(self) -> None:
        self._plain = TextReader()
        self._restructured = RestructuredTextReader()

    def read(self, data: str, *, id: str, source: str) -> Document:
        """Return the document as the fitting reader reads it."""
        reader = self._restructured if looks_restructured(data) else self._plain
        return reader.read(data, id=id, source=source)


def looks_restructured(text: str) -> bool:
    """Whether a text is reStructuredText: it has a directive, a role or an underlined title."""
    sample = text[:_SAMPLE]
    if _DIRECTIVE_OR_ROLE.search(sample):
        return True
    lines = ["", *sample.split("\n")]
    for before, title, underline in zip(lines, lines[1:], lines[2:], strict=False):
        if (
            _UNDERLINE.fullmatch(underline)
            and title[:1].strip()
            and any(map(str.isalnum, title))
            and len(title.rstrip()) <= len(underline.rstrip()) <= 2 * len(title.rstrip()) + 4
            and (not before.strip() or _UNDERLINE.fullmatch(before))
        ):
            return True
    return False
