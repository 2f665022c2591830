"""What a sync did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from tamis.sync.changes import Change

StaleReason: TypeAlias = Literal["changed", "gone", "unreadable", "expired", "review"]


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
class Stale:
    """A document that may answer with text that holds no more.

    Attributes
    ----------
    document_id : str
        Which.
    reason : {"changed", "gone", "unreadable", "expired", "review"}
        Its file has other bytes now, or is gone, or cannot be read; its ``valid_to`` has passed,
        or the date ``review_by`` in its metadata.
    """

    document_id: str
    reason: StaleReason


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
    changes : tuple of Change
        The sentences that differ in changed documents, in order; `significant` has those of them
        that change what the text says.
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
    changes: tuple[Change, ...]
    seconds: float

    @property
    def significant(self) -> tuple[Change, ...]:
        """The changes of a number, a date, an amount, a negation, a name or the like."""
        return tuple(change for change in self.changes if change.significant)

    def __str__(self) -> str:
        counts = ", ".join(
            f"{len(ids)} {name}"
            for name in ("added", "changed", "moved", "unchanged", "removed", "skipped")
            if (ids := getattr(self, name))
        )
        matter = len(self.significant)
        said = f"{matter} of {len(self.changes)} changed sentences matter, " if matter else ""
        return (
            f"version {self.version}: {counts or 'nothing found'}; {self.chunks} chunks, "
            f"{self.embedded} embedded, {self.reused} reused, {said}{self.seconds:.1f} s"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)
