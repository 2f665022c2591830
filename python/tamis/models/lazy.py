"""Values made at first use, once in each process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value made at first use, by one thread however many ask, and anew in a forked child.

    Parameters
    ----------
    make : callable
        Makes the value; if it raises, the next use tries again.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: tuple[int, T] | None = None
        # A lock for each process: one that another thread held during a fork stays locked in
        # the child for good.
        self._locks: dict[int, threading.Lock] = {}

    def get(self) -> T:
        """Return the value of this process."""
        process = os.getpid()
        made = self._made
        if made is None or made[0] != process:
            with self._locks.setdefault(process, threading.Lock()):
                made = self._made
                if made is None or made[0] != process:
                    made = self._made = (process, self._make())
        return made[1]
