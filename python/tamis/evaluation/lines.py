"""Text files of evaluation sets: plain or gzip, one record a line, errors with file and line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from tamis.errors import DatasetError


def open_bytes(path: Path, mode: Literal["rb", "wb"]) -> gzip.GzipFile | BinaryIO:
    """Open a file, through gzip where its name ends in ``.gz``."""
    return gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank, with its number from 1 and without its line end.

    The file is read as it is consumed, never as a whole.

    Raises
    ------
    DatasetError
        If the file cannot be read, is a damaged gzip file, or has a line that is not UTF-8.
    """
    number = 0
    try:
        with open_bytes(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                if text.strip():
                    yield number, text
    except UnicodeDecodeError as error:
        raise malformed(
            path, number, f"byte {error.start} is not UTF-8; convert the file to UTF-8"
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise malformed(
            path, number + 1, f"the gzip data ends or breaks here ({error}); fetch the file again"
        ) from None
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error


def malformed(path: Path, number: int, what: str) -> DatasetError:
    """Return the error for one line of a file, ``PATH:LINE: WHAT``, to be raised by the caller."""
    return DatasetError(f"{path}:{number}: {what}")
