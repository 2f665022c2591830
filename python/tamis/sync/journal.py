"""Vectors of a sync or commit that was cut short: what was encoded need not be encoded again.

A file beside the index that only ever grows: a line that says who made the vectors, then records
of a text's hash (16 bytes), its vector (float32) and the CRC-32 of both. What was torn at its end
by a crash is left out, whatever it is. It goes when the vectors are in the index.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tamis.types import FloatArray

NAME = "encoded"


class Journal:
    """Keeps vectors until they are in the index.

    Parameters
    ----------
    path : Path
        The index.
    dim : int
        The width of the vectors.
    encoder : mapping
        The fingerprint of what makes them.
    """

    def __init__(self, path: Path, dim: int, encoder: Mapping[str, Any]) -> None:
        self._path = path / NAME
        self._vector = 4 * dim
        self._head = json.dumps(dict(encoder), sort_keys=True).encode() + b"\n"
        self.known: dict[str, FloatArray] = {}
        self._whole = self._read()

    def _read(self) -> int:
        """Read the records that are whole, and return how far they go."""
        try:
            content = self._path.read_bytes()
        except OSError:
            return 0
        if not content.startswith(self._head):
            return 0
        size = 16 + self._vector + 4
        at = len(self._head)
        while at + size <= len(content):
            record, check = content[at : at + size - 4], content[at + size - 4 : at + size]
            if zlib.crc32(record) != int.from_bytes(check, "little"):
                break
            self.known[record[:16].hex()] = np.frombuffer(record[16:], "<f4").astype(np.float32)
            at += size
        return at

    def keep(self, hashes: Sequence[str], vectors: FloatArray) -> None:
        """Add vectors; where the disk refuses them, they are encoded again some day."""
        records = [] if self._whole else [self._head]
        for hash, vector in zip(hashes, vectors, strict=True):
            if not np.isfinite(vector).all() or not vector.any():
                continue  # the index will refuse it
            self.known[hash] = vector
            record = bytes.fromhex(hash) + vector.astype("<f4").tobytes()
            records += [record, zlib.crc32(record).to_bytes(4, "little")]
        with suppress(OSError), self._path.open("r+b" if self._whole else "wb") as file:
            file.truncate(self._whole)
            file.seek(self._whole)
            file.writelines(records)
            file.flush()
            self._whole = file.tell()

    def close(self, written: AbstractSet[str]) -> None:
        """Leave out what is in the index now; the file goes if nothing is left."""
        left = {hash: vector for hash, vector in self.known.items() if hash not in written}
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.known, self._whole = {}, 0
        if left:
            self.keep(list(left), np.stack(list(left.values())))
