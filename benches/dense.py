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

import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benches.peers import dense, harness, race, report, timing, vectors
from benches.peers.harness import Line, note
from benches.peers.race import Job
from tamis.types import FloatArray

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
        return f"{'real, ' if self.real else ''}{timing.rounded(self.rows)} x {self.dim}"


def main() -> None:
    parser = harness.parser(__doc__, SIZES, "N, NxDIM or real")
    parser.add_argument("--full", action="store_true", help="768 dimensions, too")
    parser.add_argument("--rounds", type=int, help="queries timed; 200, 80 from a gigabyte on")
    parser.add_argument("--levels", nargs="*", default=["avx2"], help="forced beside the best")
    parser.add_argument("--exactness", type=int, metavar="Q", help="check Q queries, time none")
    parser.add_argument("--real-rows", type=int, default=100_000, help="most passages encoded")
    parser.add_argument("--memory-gb", type=float, default=12, help="for one group")
    options = parser.parse_args()
    if options.job:
        race.run(options.job)
        return
    options.sizes = [*options.sizes, *(FULL if options.full else [])]
    compared = not options.exactness
    harness.run(options, dense.PACKAGES, Runner, report, compared=compared)


class Runner(harness.Runner):
    """Prepares one case and has processes work on it."""

    def run(self, size: str) -> Line:
        """Return all figures of a matrix."""
        matrix, queries = self._vectors(size)
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
            folder, cache = harness.data(), self.options.cache
            return vectors.real(folder, cache, self.options.real_rows, n_queries)
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
        job = Job(
            kind=kind,
            result=str(self.folder / "result.json"),
            matrix=str(self.folder / "matrix.npy"),
            truth=str(self.folder / "truth.npz"),
            peers=peers,
            rounds=self.options.rounds or (80 if case.rows * case.dim * 4 > 10**9 else 200),
            threads=self.options.threads,
            index=index,
        )
        what = f"{case.label}: {kind} {level} {', '.join(peers)}"
        return self.start(what, job, {"TAMIS_SIMD": level} if level else {})


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
