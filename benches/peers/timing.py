"""Timing that is fair, the machine it happened on, and tables of it.

Contestants take turns in a new order each round, so that each meets the same disturbances: query
by query, or several queries in a row. Before a single call the caches are filled with something
else, as the encoding of a question does it in use: what a call finds in them does not depend on
who takes part. In a row, it finds what the contestant's own calls before have left, as in a service
that does nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")

#: What is read between two calls: twice the last cache of most machines.
OTHER_BYTES = 64_000_000


@dataclass
class Timing(Generic[T]):
    """The calls of one contestant.

    Attributes
    ----------
    seconds : list of float
        One a call.
    answers : dict
        Round -> what the call returned.
    """

    seconds: list[float] = field(default_factory=list)
    answers: dict[int, T] = field(default_factory=dict)

    def ms(self, percentile: float = 50) -> float:
        """Return a percentile of the calls, in milliseconds."""
        return float(np.percentile(self.seconds, percentile)) * 1e3

    def mean_ms(self) -> float:
        """Return the mean of the calls, in milliseconds."""
        return statistics.fmean(self.seconds) * 1e3


@dataclass(frozen=True)
class Cost:
    """What a piece of work took: seconds, seconds of all cores, growth of resident bytes."""

    seconds: float
    cpu_seconds: float
    resident_bytes: int


def interleave(
    ways: Mapping[str, Callable[[int], T]],
    rounds: int,
    *,
    turn: float = 0.04,
    pause: float = 0.0,
    keep: bool = True,
    row: int = 1,
) -> dict[str, Timing[T]]:
    """Time all ways in turns.

    Parameters
    ----------
    ways : mapping
        Name -> a call that is given the number of the round.
    rounds : int
        A way that needs longer than `turn` takes part in every second, third, ... round, but
        never less than in a tenth of them.
    turn : float
        Seconds.
    pause : float
        Seconds of sleep before each call, for helper threads of the call before it that spin.
    keep : bool
        Whether answers stay; they are freed between the calls else.
    row : int
        How many calls, for the next rounds, make a turn; between those of one nothing is read.
    """
    shuffler = random.Random(0)
    other = np.ones(OTHER_BYTES // 4, np.float32)
    every = {}
    for name, way in ways.items():
        first = min(seconds(way, 0)[0] for _ in range(2))
        every[name] = max(1, min(math.ceil(first / turn), rounds // row // 10))
    timings: dict[str, Timing[T]] = {name: Timing() for name in ways}
    for first in range(0, rounds, row):
        names = [name for name in ways if first // row % every[name] == 0]
        shuffler.shuffle(names)
        for name in names:
            other.dot(other)
            if pause:
                time.sleep(pause)
            for number in range(first, min(first + row, rounds)):
                elapsed, answer = seconds(ways[name], number)
                timings[name].seconds.append(elapsed)
                if keep:
                    timings[name].answers[number] = answer
    return timings


def seconds(way: Callable[[int], T], number: int) -> tuple[float, T]:
    """Call once; return the time and the answer."""
    start = time.perf_counter()
    answer = way(number)
    return time.perf_counter() - start, answer


def cost(work: Callable[[], object]) -> Cost:
    """Do the work once and return what it took."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # else the work might fill what earlier work gave back
    resident, start, cpu = resident_bytes(), time.perf_counter(), time.process_time()
    work()
    elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu
    return Cost(elapsed, cpu, resident_bytes() - resident)


def forget(path: Path) -> None:
    """Ask the system to drop what it has cached of a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bytes_read() -> int:
    """Return the bytes that this process has read from disks; 0 where unknown."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name == "read_bytes":
                return int(value)
    return 0


def resident_bytes() -> int:
    """Return the memory that the process holds now, mapped files included; 0 where unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def pin(threads: int) -> None:
    """Make every BLAS and OpenMP pool loaded so far use this many threads."""
    import_module("threadpoolctl").threadpool_limits(limits=threads)


def machine() -> str:
    """Describe the machine in one line."""
    model = platform.processor() or platform.machine()
    facts: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    model = facts.get("model name", model)
    flags = facts.get("flags", "").split()
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_vpopcntdq")
    if extensions := " ".join(flag for flag in wanted if flag in flags):
        model += f" ({extensions})"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{cores} cores of {model}, {memory:.0f} GB, {platform.system()} {platform.release()}; "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def versions(packages: Iterable[str]) -> str:
    """Name the installed ones of these packages with their versions."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; the first column is text, the others are aligned right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)]]
    lines += [[short(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def rounded(count: int) -> str:
    """Write a count of passages, as ``100k``."""
    if count % 1_000_000 == 0:
        return f"{count // 1_000_000}M"
    return f"{count:,}" if count % 1000 else f"{count // 1000}k"


def shown(value: float) -> str:
    """Write a figure, or a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def goal_table(rows: Iterable[Sequence[str]]) -> str:
    """Return a table of what must be reached and what was; what has no figures is left out."""
    rows = [row for row in rows if row[2].strip("-/ ")]
    return f"\n## Against the goals\n\n{table(['what', 'goal', 'here'], rows)}" if rows else ""


def short(value: object) -> str:
    """Write a number with three digits that count, anything else as it is; nothing for None."""
    if value is None:
        return ""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{2 - math.floor(math.log10(abs(value)))}f}" if abs(value) >= 1e-4 else "0"
