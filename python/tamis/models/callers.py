"""How much runs at once: the cores this process really has, and work spread over that many threads.

Threads live only as long as the call that needs them, so that nothing is left to break when the
process forks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tamis.errors import InvalidInputError

#: The environment variable that sets the number of threads.
THREADS_VARIABLE = "TAMIS_THREADS"

T = TypeVar("T")


def cores() -> int:
    """Return how many threads this process should compute with, at least 1.

    It is the number of cores that the process may run on, or less where a control group limits
    its share of time (a share of 2.5 cores counts as 2); ``TAMIS_THREADS`` overrides both.

    Raises
    ------
    InvalidInputError
        If ``TAMIS_THREADS`` is not a whole number of at least 1.
    """
    override = os.environ.get(THREADS_VARIABLE)
    if override:
        if not override.isdecimal() or int(override) < 1:
            raise InvalidInputError(
                f"the environment variable {THREADS_VARIABLE} is {override!r}, it must be a "
                "whole number of at least 1"
            )
        return int(override)
    if hasattr(os, "sched_getaffinity"):
        available = len(os.sched_getaffinity(0))
    else:
        available = os.cpu_count() or 1
    quotas = cpu_quotas(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    return max(1, min([available, *map(int, quotas)]))


def cpu_quotas(membership: Path, mount: Path) -> list[float]:
    """Return each limit, in cores, that Linux control groups set for this process.

    Parameters
    ----------
    membership : Path
        ``/proc/self/cgroup``: lines of ``hierarchy:controllers:path``.
    mount : Path
        ``/sys/fs/cgroup``, the second version itself, or the first one's controllers below it.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux
        return []
    quotas = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = mount / "cpu" if controllers else mount
        # A quota holds for all groups below it. In a container the path may be the host's, of
        # which only the root is there.
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(root):
                quotas += _quota(folder)
    return quotas


def _quota(folder: Path) -> list[float]:
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((folder / name).read_text() for name in names).split()
        except OSError:
            continue
        if quota not in ("max", "-1"):
            return [int(quota) / int(period)]
    return []


def spread(work: Callable[[T], object], items: Iterable[T], callers: int) -> None:
    """Call `work` on each item, in the order given, by that many threads at once.

    Parameters
    ----------
    work : callable
        What to do with an item; it should let go of the interpreter lock while it computes.
    items : iterable
        Taken one by one, never by two threads at once, each when a thread is free for it.
    callers : int
        Number of threads; up to 1, the caller's own does the work.

    Raises
    ------
    Exception
        The first that `work` or `items` raised. As on an interrupt, what is under way is waited
        for, and nothing more is begun.
    """
    if callers <= 1:
        for item in items:
            work(item)
        return
    waiting = iter(items)
    lock = threading.Lock()
    stopped = threading.Event()

    def take() -> Iterator[T]:
        while True:
            with lock:
                if stopped.is_set():
                    return
                try:
                    item = next(waiting)
                except StopIteration:
                    return
            yield item

    def call() -> None:
        try:
            for item in take():
                work(item)
        finally:  # nothing is left, or something failed: either way the others may end
            stopped.set()

    with ThreadPoolExecutor(callers) as pool:
        calls = [pool.submit(call) for _ in range(callers)]
        try:
            for each in calls:
                each.result()
        finally:
            stopped.set()
