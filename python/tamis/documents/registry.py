"""Which reader reads which file; from a path to a `Document`.

Readers are found by suffix. A reader of one's own takes the suffixes that it names, even those
of a reader that comes with tamis::

    class LogReader:
        name = "log"
        suffixes = frozenset({".log"})

        def read(self, data, *, id, source):
            return Document(id=id, text=data, source=source)

    register(LogReader())
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

from tamis.documents.base import Reader, decode
from tamis.documents.html import HtmlReader
from tamis.documents.markdown import MarkdownReader
from tamis.documents.restructuredtext import PlainOrRestructuredTextReader, RestructuredTextReader
from tamis.documents.text import TextReader
from tamis.errors import (
    InvalidInputError,
    SourceNotFoundError,
    TamisError,
    UnreadableDocumentError,
    UnsupportedFormatError,
)
from tamis.types import Document

#: The largest file that is read unless told otherwise.
MAX_BYTES = 64 * 2**20

_readers: dict[str, Reader] = {}


def register(reader: Reader) -> None:
    """Let a reader read the files with its suffixes, in the whole process from now on.

    Parameters
    ----------
    reader : Reader
        Takes the place of earlier readers of the same suffixes.

    Raises
    ------
    InvalidInputError
        If it names no suffix, or one that is not in lower case or lacks its dot.
    """
    for suffix in reader.suffixes:
        if not suffix.startswith(".") or suffix != suffix.lower() or "." in suffix[1:]:
            raise InvalidInputError(
                f"the suffix {suffix!r} of reader {reader.name!r} can match no file; write it in "
                'lower case with one dot before it, such as ".csv"'
            )
    if not reader.suffixes:
        raise InvalidInputError(f"reader {reader.name!r} names no suffix, so nothing would use it")
    _readers.update(dict.fromkeys(reader.suffixes, reader))


for _reader in (
    HtmlReader(),
    MarkdownReader(),
    PlainOrRestructuredTextReader(),
    RestructuredTextReader(),
    TextReader(),
):
    register(_reader)


def readable(path: str | os.PathLike[str]) -> bool:
    """Whether a reader is registered for the suffix of a path; the file is not looked at."""
    return Path(path).suffix.lower() in _readers


def read(
    path: str | os.PathLike[str],
    *,
    id: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Document:
    """Return the document in a file.

    Parameters
    ----------
    path : path-like
        The file. Its suffix, in upper or lower case, chooses the reader.
    id : str, optional
        The document's id; without one, the path with forward slashes.
    max_bytes : int, default 64 MiB
        Larger files are refused before they are read.

    Returns
    -------
    Document
        An empty file gives a document with an empty text. Where bytes were not valid in the
        file's encoding, ``metadata["decoding"]`` says how many were replaced.

    Raises
    ------
    SourceNotFoundError
        If there is no such file.
    UnsupportedFormatError
        If no reader is registered for its suffix.
    UnreadableDocumentError
        If it is no regular file, is larger than `max_bytes`, may not be read, or is binary.

    Examples
    --------
    >>> read("handbook/termination.md")  # doctest: +SKIP
    Document(id='handbook/termination.md', title='Termination', ...)
    """
    path = Path(path)
    source = shown(path)
    text, note = decode(_bytes(path, source, max_bytes), source=source)
    reader = _readers[path.suffix.lower()]
    try:
        document = reader.read(text, id=source if id is None else id, source=source)
    except TamisError:
        raise
    except Exception as error:
        # A parser may fail in its own ways on what people write: one file, not the whole sync.
        raise UnreadableDocumentError(
            f"{source} cannot be parsed by the reader {reader.name!r}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if note:
        return replace(document, metadata={**document.metadata, "decoding": note})
    return document


def shown(path: Path) -> str:
    """Return a path as text that can be stored, also where its name is no valid Unicode."""
    return os.fsencode(path.as_posix()).decode(errors="replace")


def _bytes(path: Path, source: str, max_bytes: int) -> bytes:
    """Return the content of a file that is fit to be read, and there is a reader for."""
    if "\0" in source:
        raise SourceNotFoundError(f"there is no file {source!r}: no name holds a NUL")
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder; find() lists its files" if path.is_dir() else "no regular file"
            raise UnreadableDocumentError(f"{source} cannot be read: it is {kind}")
        if not readable(path):
            raise UnsupportedFormatError(
                f"{source} cannot be read: no reader is registered for "
                f"{path.suffix!r} files; known are {', '.join(sorted(_readers))}; "
                "add one with tamis.documents.register()"
            )
        if status.st_size > max_bytes:
            raise UnreadableDocumentError(
                f"{source} has {status.st_size} bytes, more than max_bytes={max_bytes}; split it, "
                "or pass a larger max_bytes"
            )
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise SourceNotFoundError(f"there is no file {source}; give an existing one") from None
    except OSError as error:
        raise UnreadableDocumentError(
            f"{source} cannot be read: {error.strerror}; check its permissions"
        ) from error
