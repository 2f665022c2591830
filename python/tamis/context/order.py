"""Where in the prompt a passage stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def best_at_both_ends(passages: Sequence[T]) -> list[T]:
    """Order passages given best first as 1, 3, 5, ... 6, 4, 2.

    Readers, people and models, use the beginning and the end of a long context best (Liu et al.,
    "Lost in the Middle", TACL 2024): so the weakest stand in the middle.
    """
    return [*passages[::2], *reversed(passages[1::2])]
