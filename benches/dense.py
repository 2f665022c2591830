"""How fast `tamis.DenseIndex` is, beside what else Python users install.

Made vectors: 2,000 unequal clusters and noise under a decaying spectrum, hidden by a rotation;
queries are rows with noise. Real ones: passages and queries of the evaluation sets in $TAMIS_DATA,
by default ../shared/data, encoded by bge-small-en-v1.5 (once; kept in the cache). Truth is float64.

All contestants of a group live in one process and take turns, query by query, in a new order each
round. Where memory does not hold all of them there are several groups, each with the exact search
and with the physical mark, a plain read of the matrix; every ratio is to the mark of its own
group. Approximate contestants are tuned on 200 queries that are not timed.

    python benches/dense.py [--sizes N NxDIM real ...] [--full] [--only NAME ...]
    python benches/dense.py --exactness 10000 [--sizes ...]

The peers are those of requirements/bench.lock; what is not installed is named and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benches.peers import dense, race, report, timing, vectors
from benches.peers.race import Job, Line
from tamis.types import FloatArray

ROOT = Path(__file__).parents[1]
SIZES = ["10000", "100000", "1000000", "real"]
FULL = ["100000x768", "1000000x768"]
#: Indexes from here on are also saved and opened, and searched through filters.
LARGE = 20_000


@dataclass(frozen=True)
class Case:
    """A matrix to search in: made of so many rows, or real."""

    rows: int
    dim: int
    real: bool = False

    @property
    def label(self) -> str:
        """Its name in tables, as ``100k x 384``."""
        thousands, rest = divmod(self.rows, 1000)
        number = f"{self.rows:,}" if rest else f"{thousands}k"
        if self.rows % 1_000_000 == 0:
            number = f"{self.rows // 1_000_000}M"
        return f"{'real, ' if self.real else ''}{number} x {self.dim}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="N, NxDIM or real")
    parser.add_argument("--full", action="store_true", help="768 dimensions, too")
    parser.add_argument("--only", nargs="+", default=[""], help="peers whose names begin so")
    parser.add_argument("--rounds", type=int, help="queries timed; 200, 80 from a gigabyte on")
    parser.add_argument("--threads", type=int, default=2, help="for building, and the pair column")
    parser.add_argument("--levels", nargs="*", default=["avx2"], help="forced beside the best")
    parser.add_argument("--exactness", type=int, metavar="Q", help="check Q queries, time none")
    parser.add_argument("--real-rows", type=int, default=25_000, help="most passages encoded")
    parser.add_argument("--memory-gb", type=float, default=12, help="for one group")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "tamis" / "bench")
    parser.add_argument("--plots", type=Path, default=ROOT / "benches" / "plots")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        race.run(options.job)
        return

    start = time.monotonic()
    print(timing.machine())
    print(timing.versions(dense.PACKAGES))
    print(f"`python benches/dense.py {' '.join(sys.argv[1:])}`", flush=True)
    results: list[Line] = []
    options.cache.mkdir(parents=True, exist_ok=True)
    for size in options.sizes + (FULL if options.full else []):
        with tempfile.TemporaryDirectory(dir=options.cache, prefix="run-") as name:
            result = Runner(options, Path(name)).run(size)
        if result:
            results.append(result)
            print("\n".join(["", *report.case(result)]), flush=True)
            if options.json:
                options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    if not options.exactness:
        print(report.goals(results))
        report.draw(results, options.plots)
        print(f"\nPlots are in {options.plots}")
    print(f"\n{(time.monotonic() - start) / 60:.1f} minutes", flush=True)
    sys.exit(any(result["failed"] for result in results))


class Runner:
    """Prepares one case and has processes work on it."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.failed: list[str] = []
        self.load = os.getloadavg()[0]

    def run(self, size: str) -> Line | None:
        """Return all figures of a case, or nothing if its data are not there."""
        try:
            matrix, queries = self._vectors(size)
        except FileNotFoundError as error:
            print(f"{size} is skipped: {error}")
            return None
        case = Case(len(matrix), matrix.shape[1], size == "real")
        note(f"{case.label}: truth")
        result: Line = {
            "case": asdict(case),
            "label": case.label,
            "load": self.load,
            "failed": self.failed,
        }
        np.save(self.folder / "matrix.npy", matrix)
        timing.pin(self.options.threads)
        truth = vectors.truth(matrix, queries[: 0 if self.options.exactness else None], 100)
        ranks = [rank for rank in (0, 9, 99) if rank < truth.cosines.shape[1]]
        result["cosines"] = np.median(truth.cosines[:, ranks], axis=0).tolist()
        np.savez(self.folder / "truth.npz", queries=queries, rows=truth.rows, cosines=truth.cosines)
        del matrix, truth
        if self.options.exactness:
            result["exactness"] = [
                self._start(case, "exactness", [], level) for level in ["", *self.options.levels]
            ]
            return result
        groups = list(grouped(case, self.options.only, self.options.memory_gb))
        index = str(self.folder / "index") if case.rows >= LARGE else ""
        result["groups"] = [
            self._start(case, "race", group, index="" if number else index)
            for number, group in enumerate(groups)
        ]
        ours = [kind.name for kind in dense.OURS]
        result["forced"] = [self._start(case, "race", ours, level) for level in self.options.levels]
        result["opening"] = self._start(case, "opening", [], index=index) if index else None
        return result

    def _vectors(self, size: str) -> tuple[FloatArray, FloatArray]:
        n_queries = self.options.exactness or race.N_TUNING + (self.options.rounds or 200)
        if size == "real":
            default = ROOT.parent / "shared" / "data"
            data = Path(os.environ.get("TAMIS_DATA") or default)
            return vectors.real(data, self.options.cache, self.options.real_rows, n_queries)
        note(f"{size}: rows")
        if (match := re.fullmatch(r"(\d+)(?:x(\d+))?", size)) is None:
            raise SystemExit(f"--sizes takes N, NxDIM or real, not {size!r}")
        n, dim = map(int, match.groups("384"))
        made = vectors.Clustered(dim)
        timing.pin(1)
        matrix = made.rows(n, self.options.threads)
        return matrix, made.queries(matrix, n_queries)

    def _start(
        self, case: Case, kind: str, peers: list[str], level: str = "", index: str = ""
    ) -> Line | None:
        note(f"{case.label}: {kind} {level} {', '.join(peers)}")
        job = Job(
            kind=kind,
            matrix=str(self.folder / "matrix.npy"),
            truth=str(self.folder / "truth.npz"),
            result=str(self.folder / "result.json"),
            peers=peers,
            rounds=self.options.rounds or (80 if case.rows * case.dim * 4 > 10**9 else 200),
            threads=self.options.threads,
            index=index,
        )
        path = self.folder / "job.json"
        path.write_text(json.dumps(asdict(job)), encoding="utf-8")
        threads = str(self.options.threads)
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        if level:
            environment["TAMIS_SIMD"] = level
        command = [sys.executable, __file__, "--job", str(path)]
        if subprocess.run(command, env=environment, check=False).returncode:
            self.failed.append(f"{kind} {level} {', '.join(peers)}")
            return None
        result: Line = json.loads(Path(job.result).read_text(encoding="utf-8"))
        return result


def note(text: str) -> None:
    """Say on the terminal what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def grouped(case: Case, only: list[str], memory_gb: float) -> Iterator[list[str]]:
    """Yield groups of contestants that fit into memory together, the exact search in each."""
    room = memory_gb * 2**30 / (case.rows * case.dim * 4) - 1  # the matrix itself
    room -= sum(kind.copies for kind in dense.OURS if not kind.shares)
    group, left, peers = [kind.name for kind in dense.OURS], room, 0
    for kind in dense.THEIRS:
        if case.rows > kind.most_rows or not kind.name.startswith(tuple(only)):
            continue
        if kind.shares:
            if kind.shares.name in group:
                group.append(kind.name)
            continue
        if kind.copies > left and peers:
            yield group
            group, left, peers = [dense.TamisExact.name], room, 0
        group.append(kind.name)
        left, peers = left - kind.copies, peers + 1
    yield group


if __name__ == "__main__":
    main()
