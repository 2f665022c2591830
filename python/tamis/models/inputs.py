"""Checks of the arguments that encoders and rerankers share."""

from __future__ import annotations

from tamis.errors import InvalidInputError
from tamis.models.spec import ModelSpec

#: Room for the special tokens of a pair and some of its text.
_MIN_TOKENS = 8


def checked_max_tokens(max_tokens: int | None, spec: ModelSpec) -> int:
    """Return where inputs are cut: `max_tokens`, or else the model's own limit.

    Raises
    ------
    InvalidInputError
        If the model cannot read as many, or too few to be of use are left.
    """
    if max_tokens is None:
        return spec.max_tokens
    if not _MIN_TOKENS <= max_tokens <= spec.max_tokens:
        raise InvalidInputError(
            f"max_tokens is {max_tokens}, {spec.name} reads {_MIN_TOKENS} to {spec.max_tokens}"
        )
    return max_tokens


def check_threads(threads: int | None) -> None:
    """Check a number of threads, of which None means as many as there are cores.

    Raises
    ------
    InvalidInputError
        If it is less than 1.
    """
    if threads is not None and threads < 1:
        raise InvalidInputError(
            f"threads is {threads}, it must be at least 1, or None for as many as there are cores"
        )
