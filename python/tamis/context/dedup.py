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


def numbers(text: str) -> frozenset[str]:
    """Return the runs of digits of a text: amounts, dates, the numbers of clauses and codes."""
    return frozenset(re.findall(r"\d+", text))


def without_repeats(hits: Sequence[Hit]) -> list[Hit]:
    """Leave out each hit of which one better hit holds four fifths and every number.

    Containment of shingles, not resemblance: a short passage inside a long one is a repeat, the
    long one with more to say is not. Nor is one that differs by a number alone: 60 days instead
    of 30 is what was to be found, or a contradiction to be seen.
    """
    kept: list[Hit] = []
    seen: list[tuple[frozenset[tuple[str, ...]], frozenset[str]]] = []
    for hit in hits:
        runs, found = shingles(hit.text), numbers(hit.text)
        if not any(
            found <= other_found and len(runs & other_runs) >= _REPEATED * len(runs)
            for other_runs, other_found in seen
        ):
            kept.append(hit)
            seen.append((runs, found))
    return kept
