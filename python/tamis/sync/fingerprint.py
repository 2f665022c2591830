"""By what a file is recognised."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

#: What the system says of a file: size, times of the last change of its bytes and of anything
#: about it, and its number on the disk.
Stat = tuple[int, int, int, int]

#: A file that was changed so short ago may be changed again at what is the same time to the disk.
RACY_NS = 2_000_000_000


def file_hash(path: Path) -> str:
    """Return the BLAKE2b hash of a file's bytes, 128 bits, hexadecimal.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    return digest.hexdigest()


def file_stat(path: Path) -> Stat | None:
    """Return what stays the same as long as a file does; None if it was changed just now.

    To be asked for before the file is read.

    Raises
    ------
    OSError
        If there is no such file.
    """
    found = path.stat()
    if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) < RACY_NS:
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
