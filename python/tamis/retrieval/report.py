"""What a search did: stages, times, terms, and everything that fell short."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage that ran.

    Attributes
    ----------
    name : {"lexical", "encode", "dense", "fuse", "rerank"}
        Which.
    candidates : int
        How many chunks it ranked; for ``"encode"`` the number of queries.
    ms : float
        How long it took, in milliseconds.
    """

    name: str
    candidates: int
    ms: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a search did.

    Attributes
    ----------
    version : int
        The version of the index that answered.
    stages : tuple of Stage
        In the order in which they ran.
    terms : tuple of str
        The terms that the lexical search looked for.
    degraded : tuple of str
        What fell short of a whole search, in words; empty if nothing did.
    """

    version: int
    stages: tuple[Stage, ...]
    terms: tuple[str, ...]
    degraded: tuple[str, ...]

    @property
    def ms(self) -> float:
        """The time of all stages, in milliseconds."""
        return sum(stage.ms for stage in self.stages)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)
