"""Moments: dates and times as people write them, and as numbers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from tamis.errors import InvalidInputError

#: A date, a time (UTC unless it says otherwise), or either in ISO 8601.
Moment: TypeAlias = date | str

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII
)
_DAY = timedelta(days=1) - timedelta(microseconds=1)


def read(text: str) -> datetime | None:
    """Return the moment that a text is, word for word, in ISO 8601; None if it is none."""
    if not text[:1].isdigit() or not _WRITTEN.fullmatch(text):
        return None
    try:
        return _aware(datetime.fromisoformat(text))
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def moment_of(value: object, name: str, *, end_of_day: bool = False) -> datetime:
    """Return a moment, with a time zone; a date alone is its beginning, or its end.

    Raises
    ------
    InvalidInputError
        If it is none; the message calls it by `name`.
    """
    if isinstance(value, datetime):
        return _aware(value)
    is_day = isinstance(value, str) and len(value) == len("2024-03-01")
    found = read(value) if isinstance(value, str) else None
    if isinstance(value, date):
        found, is_day = datetime(value.year, value.month, value.day, tzinfo=UTC), True
    if found is None:
        raise InvalidInputError(
            f'{name} is {value!r}; it must be a date, a datetime, or one written like "2024-03-01"'
        )
    return found + _DAY if is_day and end_of_day else found


def micros(moment: datetime) -> int:
    """Return the microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
