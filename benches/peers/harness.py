"""What the commands of all races share: options, processes, what stands first and last.

A command prepares cases one by one and has processes work on them: it writes a task as JSON and
starts itself again for it, so that a group of contestants begins with empty memory, an
instruction set can be forced, and a contestant that crashes takes nothing with it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from benches.peers import timing
from tamis import _core

ROOT = Path(__file__).parents[2]

Line = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What a process does.

    Attributes
    ----------
    kind : str
        The name of the work.
    result : str
        The file to write what it found to.
    """

    kind: str
    result: str


AnyTask = TypeVar("AnyTask", bound=Task)


def parser(doc: str, sizes: Sequence[str], size_help: str) -> argparse.ArgumentParser:
    """Return the options that all commands have."""
    options = argparse.ArgumentParser(description=doc.partition("\n\n")[0])
    options.add_argument("--sizes", nargs="+", default=sizes, help=size_help)
    options.add_argument("--only", nargs="+", default=[""], help="peers whose names begin so")
    options.add_argument("--threads", type=int, default=2, help="where more than one is allowed")
    cache = Path.home() / ".cache" / "tamis" / "bench"
    options.add_argument("--cache", type=Path, default=cache)
    options.add_argument("--plots", type=Path, default=ROOT / "benches" / "plots")
    options.add_argument("--json", type=Path, help="where to write all figures")
    options.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    return options


def data() -> Path:
    """Return the folder of the evaluation sets."""
    return Path(os.environ.get("TAMIS_DATA") or ROOT.parent / "shared" / "data")


def note(text: str) -> None:
    """Say on the terminal what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Report(Protocol):
    """Makes text and plots of figures; a module of these functions is one."""

    def case(self, result: Line) -> Iterable[str]:
        """Return the lines to print of a case."""

    def goals(self, results: list[Line]) -> str:
        """Return what is printed of all cases together."""

    def draw(self, results: list[Line], folder: Path) -> None:
        """Write the plots."""


class Runner:
    """Prepares one case and has processes work on it.

    Attributes
    ----------
    options : Namespace
        From `parser`.
    folder : Path
        Its own, for as long as it runs.
    failed : list of str
        What went wrong.
    """

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.failed: list[str] = []
        self.load = os.getloadavg()[0]

    def run(self, size: str) -> Line:
        """Return all figures of a case.

        Raises
        ------
        FileNotFoundError
            If its data are not there.
        """
        raise NotImplementedError

    def start(self, what: str, task: Task, environment: Mapping[str, str]) -> Line | None:
        """Have a new process work on a task; return what it found, or nothing if it failed."""
        note(what)
        path = Path(task.result).with_suffix(".job")
        path.write_text(json.dumps(asdict(task)), encoding="utf-8")
        threads = str(self.options.threads)
        pools = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, sys.argv[0], "--job", str(path)]
        # What contestants print of their own accord does not belong between the tables.
        if subprocess.run(
            command, env=os.environ | pools | dict(environment), stdout=sys.stderr, check=False
        ).returncode:
            self.failed.append(what)
            return None
        result: Line = json.loads(Path(task.result).read_text(encoding="utf-8"))
        return result


def run(
    options: argparse.Namespace,
    packages: Iterable[str],
    runner: Callable[[argparse.Namespace, Path], Runner],
    report: Report,
    *,
    compared: bool = True,
) -> None:
    """Work on all sizes, print what was found, and leave the process.

    Parameters
    ----------
    options : Namespace
        From `parser`.
    packages : iterable of str
        Those whose versions stand first.
    runner : callable
        Makes the `Runner` of a case.
    report : Report
    compared : bool
        Whether the cases are compared with goals and drawn.
    """
    start = time.monotonic()
    print(timing.machine())
    print(timing.versions(packages))
    print(f"`python benches/{Path(sys.argv[0]).name} {' '.join(sys.argv[1:])}`", flush=True)
    results: list[Line] = []
    options.cache.mkdir(parents=True, exist_ok=True)
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.cache, prefix="run-") as name:
            try:
                result = runner(options, Path(name)).run(size)
            except FileNotFoundError as error:
                print(f"\n{size} is skipped: {error}")
                continue
        results.append(result)
        print("\n".join(["", *report.case(result)]), flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    if compared:
        print(report.goals(results))
        report.draw(results, options.plots)
        print(f"\nPlots are in {options.plots}")
    print(f"\n{(time.monotonic() - start) / 60:.1f} minutes", flush=True)
    sys.exit(any(result["failed"] for result in results))


def work(
    path: Path,
    task_type: Callable[..., AnyTask],
    kinds: Mapping[str, Callable[[AnyTask], Line]],
) -> None:
    """Do the task that a file describes."""
    task = task_type(**json.loads(path.read_text(encoding="utf-8")))
    result = {"level": _core.simd_level(), **kinds[task.kind](task)}
    Path(task.result).write_text(json.dumps(result), encoding="utf-8")
