"""Passages that say again what a better one says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tamis.types import Hit

_SHINGLE = 5
_REPEATED = 0.8


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Return the runs of five words of a text, folded in case; a shorter text is one run."""
    words = text.casefold().split()
    if len(words) <= _SHINGLE:
        return frozenset([tuple(words)])
    return frozenset(tuple(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1))


def without_repeats(hits: Sequence[Hit]) -> list[Hit]:
    """Leave out each hit of which at least four fifths stand in better ones.

    Containment of shingles, not resemblance: a short passage inside a long one is a repeat, the
    long one with more to say is not.
    """
    kept: list[Hit] = []
    seen: list[frozenset[tuple[str, ...]]] = []
    for hit in hits:
        own = shingles(hit.text)
        if not _contained(own, seen):
            kept.append(hit)
            seen.append(own)
    return kept


def _contained(own: frozenset[tuple[str, ...]], seen: Iterable[frozenset[tuple[str, ...]]]) -> bool:
    return any(len(own & other) >= _REPEATED * len(own) for other in seen)
