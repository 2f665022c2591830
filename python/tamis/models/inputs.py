"""Checks of the arguments that encoders and rerankers share."""

from __future__ import annotations

from collections.abc import Sequence

from tamis.errors import InvalidInputError
from tamis.models.spec import ModelSpec

#: Room for the special tokens of a pair and some of its text.
_MIN_TOKENS = 8


def checked_texts(texts: Sequence[str], name: str) -> list[str]:
    """Return the texts as a list.

    Raises
    ------
    InvalidInputError
        If this is one string, or not all are strings that UTF-8 can express.
    """
    if isinstance(texts, str):
        raise InvalidInputError(f"{name} is a single string; pass a list: [{texts[:40]!r}]")
    checked = list(texts)
    for position, text in enumerate(checked):
        check_text(text, f"{name}[{position}]")
    return checked


def check_text(text: object, name: str) -> None:
    """Check that this is a string that UTF-8 can express.

    Raises
    ------
    InvalidInputError
        If not.
    """
    if not isinstance(text, str):
        raise InvalidInputError(f"{name} is of type {type(text).__name__}, it must be a string")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{name} holds a lone surrogate at character {error.start}, which is no text; decode "
            "its bytes with errors='replace' first"
        ) from None


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
