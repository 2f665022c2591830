"""Passages that say again what a better one says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tamis.types import Hit

_SHINGLE = 5
_REPEATED = 0.8


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Return the runs of five words of a text, folded in case; a shorter text is one run."""
    words = text.casefold().split()
    if len(words) <= _SHINGLE:
        return frozenset([tuple(words)])
    return frozenset(tuple(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1))


def words(text: str) -> frozenset[str]:
    """Return the words and numbers of a text, folded in case."""
    return frozenset(re.findall(r"\w+", text.casefold()))


def without_repeats(hits: Sequence[Hit]) -> list[Hit]:
    """Leave out each hit of which one better hit holds every word, and four fifths in its order.

    Containment, not resemblance: a short passage inside a long one is a repeat, the long one with
    more to say is not. Nor is one that differs by a single word or number: 60 days instead of 30,
    "never" instead of "always" is what was to be found, or a contradiction to be seen.
    """
    kept: list[Hit] = []
    seen: list[tuple[frozenset[tuple[str, ...]], frozenset[str]]] = []
    for hit in hits:
        runs, found = shingles(hit.text), words(hit.text)
        if not any(
            found <= other_found and len(runs & other_runs) >= _REPEATED * len(runs)
            for other_runs, other_found in seen
        ):
            kept.append(hit)
            seen.append((runs, found))
    return kept
