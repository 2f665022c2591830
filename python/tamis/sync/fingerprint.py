"""By what a file is recognised."""

from __future__ import annotations

import hashlib
from pathlib import Path


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
