"""What a reader is, and how the bytes of a file become the text that readers see.

A `Reader` turns decoded text into a `Document`: structure found, spans exact. Decoding lies
before all readers, so that they agree on it: UTF-8, or UTF-16 where a byte order mark says so,
and every newline a line feed.
"""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath
from typing import Protocol, runtime_checkable

from tamis.errors import UnreadableDocumentError
from tamis.types import Document

#: Byte order marks and the encodings they announce.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: A file with a larger share of undecodable bytes is taken for binary: text in a Western
#: single-byte encoding stays well below, compressed data lies well above.
_UNDECODABLE = 0.25


@runtime_checkable
class Reader(Protocol):
    """Turns the text of one format into a `Document`.

    Attributes
    ----------
    name : str
        The format's name, for messages.
    suffixes : frozenset of str
        The file suffixes it reads, in lower case, each with its dot.
    """

    name: str
    suffixes: frozenset[str]

    def read(self, data: str, *, id: str, source: str) -> Document:
        """Return the document.

        Parameters
        ----------
        data : str
            The decoded file, with line feeds as newlines; may be empty.
        id : str
            The document's id.
        source : str
            The path or URI it came from, for the title of a text without one.
        """
        ...


def decode(data: bytes, *, source: str) -> tuple[str, str]:
    """Return the text of a file, and a note on what its decoding replaced.

    Parameters
    ----------
    data : bytes
        The whole file.
    source : str
        Its path, for messages.

    Returns
    -------
    text : str
        Without byte order mark, with line feeds as newlines.
    note : str
        For example ``"utf-8, 3 bytes replaced"``; empty when every byte was valid.

    Raises
    ------
    UnreadableDocumentError
        If the data is binary: it holds NUL characters, or more than a quarter of its bytes is
        not valid in its encoding.
    """
    encoding = "utf-8"
    for mark, announced in _MARKS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], announced
            break
    note = ""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        replaced = len(data) - len(data.decode(encoding, "ignore").encode(encoding))
        if replaced > _UNDECODABLE * len(data):
            raise UnreadableDocumentError(
                f"{source} is not text: {replaced} of its {len(data)} bytes are not valid "
                f"{encoding}, the first at offset {error.start}; convert it to UTF-8 if it is "
                "text in another encoding"
            ) from None
        text = data.decode(encoding, "replace")
        note = f"{encoding}, {replaced} byte{'s' if replaced != 1 else ''} replaced"
    if "\0" in text:
        raise UnreadableDocumentError(
            f"{source} is not text: it holds a NUL at character {text.index(chr(0))}; convert it "
            "to UTF-8 if it is text in another encoding"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n"), note


def title_from(source: str) -> str:
    """Return a title made from a file's name: ``docs/getting-started.md`` is "Getting started"."""
    words = re.sub(r"[-_\s]+", " ", PurePath(source).stem).strip()
    return words[:1].upper() + words[1:] if words.islower() else words


def words(text: str) -> frozenset[str]:
    """Return the set of the words of a text: a long set of names, written shortly."""
    return frozenset(text.split())
