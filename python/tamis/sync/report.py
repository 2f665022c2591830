"""What a sync did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not indexed.

    Attributes
    ----------
    path : str
        Which.
    reason : str
        Why, in words.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did.

    Attributes
    ----------
    version : int
        The version of the index that holds the result; a sync that found nothing to do makes no
        new one.
    added, changed, unchanged, removed : tuple of str
        Document ids, in order. What could not be read now keeps its last version in the index and
        is among the unchanged.
    moved : tuple of (str, str)
        The old and the new id of documents whose file was moved or renamed, and not changed.
    skipped : tuple of Skipped
        Files and folders that could not be read.
    chunks : int
        Chunks in the added, changed and moved documents.
    embedded : int
        How many of them the encoder read.
    reused : int
        How many kept the vector of an equal chunk.
    seconds : float
        How long it took.
    """

    version: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[tuple[str, str], ...]
    skipped: tuple[Skipped, ...]
    chunks: int
    embedded: int
    reused: int
    seconds: float

    def __str__(self) -> str:
        counts = ", ".join(
            f"{len(ids)} {name}"
            for name in ("added", "changed", "moved", "unchanged", "removed", "skipped")
            if (ids := getattr(self, name))
        )
        return (
            f"version {self.version}: {counts or 'nothing found'}; {self.chunks} chunks, "
            f"{self.embedded} embedded, {self.reused} reused, {self.seconds:.1f} s"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)
