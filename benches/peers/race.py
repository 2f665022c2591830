"""One process's share of the dense benchmark: a group of contestants in one state of memory."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benches.peers import dense, harness, timing, vectors
from benches.peers.harness import Line, Task
from benches.peers.timing import Timing
from tamis import DenseIndex
from tamis.types import FloatArray, IntArray

N_TUNING = 200
BATCH = 64
SHARES = (1.0, 0.9, 0.5, 0.1, 0.05, 0.01, 0.001)
#: A matrix that fits the last cache is also searched again and again, with nothing between.
CACHED_BYTES = 24_000_000


@dataclass(frozen=True)
class Job(Task):
    """A ``"race"``, ``"exactness"`` or ``"opening"``.

    Attributes
    ----------
    matrix, truth : str
        Files: rows (.npy), queries and their best rows (.npz).
    peers : list of str
        The names of those that take part.
    rounds, threads : int
        How many queries are timed, half as many for k = 100; the most threads.
    index : str
        Where the index is saved, or is opened; empty for neither. A race that saves it also
        times filters.
    """

    matrix: str
    truth: str
    peers: list[str]
    rounds: int
    threads: int
    index: str = ""


def run(path: Path) -> None:
    """Do the job that a file describes."""
    harness.work(path, Job, {"race": race, "exactness": exactness, "opening": opening})


@dataclass(frozen=True)
class Entry:
    """A contestant at one setting."""

    name: str
    peer: dense.Peer
    effort: float | None

    def way(self, queries: FloatArray, k: int, threads: int) -> Callable[[int], IntArray]:
        """Return the search of one query by its number."""

        def search(number: int) -> IntArray:
            return self.peer.search(queries[number : number + 1], k, self.effort, threads)

        return search


def race(job: Job) -> Line:
    """Build the contestants, tune them, and time them in turns."""
    matrix, truth = np.load(job.matrix), load_truth(job.truth)
    tuning = part(truth, slice(0, N_TUNING))
    timed = part(truth, slice(N_TUNING, N_TUNING + job.rounds))
    peers, built, missing = build(job, matrix)

    timing.pin(job.threads)
    curves = {k: tune(peers, matrix, tuning, k, job.threads) for k in (10, 100)}
    lines: list[Line] = []
    for k, part_timed in ((10, timed), (100, part(timed, slice(job.rounds // 2)))):
        entries = list(chosen(peers, curves[k]))
        single = [entry for entry in entries if entry.peer.singles]
        found = {"read": {"name": "read", "k": k}}
        found |= {entry.name: line(entry, k) for entry in (entries if k == 10 else single)}
        time_single(found, single, matrix, part_timed, k)
        if k == 10:
            time_pair(found, single, matrix, timed)
            time_batch(found, entries, matrix, timed)
            if matrix.nbytes <= CACHED_BYTES:
                time_in_a_row(found, single, timed)
        lines += found.values()
    for each in lines:
        each.update(built.get(each["name"].partition(" >=")[0], {}))

    ours = next(peer for peer in peers if isinstance(peer, dense.TamisExact))
    result = {
        "lines": lines,
        "missing": missing,
        "curve": time_curve(peers, curves[10], timed),
        "memory": ours.index.memory(),
        "work": list(work(peers, curves, timed)),
        "filters": [],
    }
    if job.index:
        result["filters"] = time_filters(ours.index, timed.queries)
        ours.index.save(job.index)
    return result


def save_truth(path: Path, truth: vectors.Truth) -> None:
    """Write queries and their best rows."""
    np.savez(path, queries=truth.queries, rows=truth.rows, cosines=truth.cosines)


def load_truth(path: str) -> vectors.Truth:
    """Read queries and their best rows."""
    with np.load(path) as file:
        return vectors.Truth(file["queries"], file["rows"], file["cosines"])


def part(truth: vectors.Truth, some: slice) -> vectors.Truth:
    """Return the truth about some of the queries."""
    return vectors.Truth(truth.queries[some], truth.rows[some], truth.cosines[some])


def build(job: Job, matrix: FloatArray) -> tuple[list[dense.Peer], dict[str, Line], dict[str, str]]:
    """Return the contestants, what each took to build, and why others are missing."""
    peers: dict[type[dense.Peer], dense.Peer] = {}
    built: dict[str, Line] = {}
    missing = {}
    for kind in dense.OURS + dense.THEIRS:
        if kind.name not in job.peers:
            continue
        try:
            peer = kind()
        except ImportError as error:
            missing[kind.name] = str(error)
            continue
        timing.pin(job.threads)
        if kind.shares:
            peer.index = peers[kind.shares].index
        else:
            cost = timing.cost(partial(peer.build, matrix, job.threads))
            built[kind.name] = {
                "build_s": cost.seconds,
                "build_cpu_s": cost.cpu_seconds,
                "resident": cost.resident_bytes,
                "bytes": peer.n_bytes(),
            }
        peers[kind] = peer
    return list(peers.values()), built, missing


def tune(
    peers: list[dense.Peer], matrix: FloatArray, tuning: vectors.Truth, k: int, threads: int
) -> dict[str, dict[float, float]]:
    """Return the recall of each effort of each contestant, up to where it is as good as exact."""
    curves: dict[str, dict[float, float]] = {}
    for peer in peers:
        curve = curves[peer.name] = {}
        for effort in peer.efforts:
            found = peer.search(tuning.queries, k, effort, threads)
            curve[effort] = mean_recall(dict(enumerate(found)), matrix, tuning, k)
            if curve[effort] > 0.9995:
                break
    return curves


def mean_recall(
    answers: dict[int, IntArray], matrix: FloatArray, truth: vectors.Truth, k: int
) -> float:
    """Return the mean recall of answers by the number of the query."""
    return statistics.fmean(
        vectors.recall(rows.ravel(), query, truth, matrix, k) for query, rows in answers.items()
    )


def chosen(peers: list[dense.Peer], curves: dict[str, dict[float, float]]) -> Iterator[Entry]:
    """Yield each contestant at the least effort that reaches its target, or at its best."""
    for peer in peers:
        curve = curves[peer.name]
        if not curve:
            yield Entry(peer.name, peer, None)
            continue
        for target in peer.targets:
            enough = [effort for effort, recall in curve.items() if recall >= target]
            effort = min(enough) if enough else max(curve)
            name = f"{peer.name} >= {target}" if len(peer.targets) > 1 else peer.name
            yield Entry(name, peer, effort)


def line(entry: Entry, k: int) -> Line:
    """Begin a line of the result."""
    setting = "" if entry.effort is None else entry.peer.setting(entry.effort, k)
    return {"name": entry.name, "k": k, "setting": setting}


def ways(
    entries: list[Entry], queries: FloatArray, k: int, threads: int
) -> dict[str, Callable[[int], IntArray]]:
    """Return the search of each entry by its name."""
    return {entry.name: entry.way(queries, k, threads) for entry in entries}


def reading(matrix: FloatArray) -> Callable[[int], IntArray]:
    """Return the physical mark: the sum of squares by BLAS, which reads each value once."""
    values, nothing = matrix.ravel(), np.empty(0, np.int64)

    def read(_: int) -> IntArray:
        values.dot(values)
        return nothing

    return read


def time_single(
    found: dict[str, Line], entries: list[Entry], matrix: FloatArray, timed: vectors.Truth, k: int
) -> None:
    """Time one query on one thread."""
    timing.pin(1)
    turns = {"read": reading(matrix), **ways(entries, timed.queries, k, 1)}
    for name, times in timing.interleave(turns, len(timed.queries)).items():
        found[name] |= {"p50": times.ms(), "p99": times.ms(99), "calls": len(times.seconds)}
        if name != "read":
            found[name]["recall"] = mean_recall(times.answers, matrix, timed, k)


def time_pair(
    found: dict[str, Line], entries: list[Entry], matrix: FloatArray, timed: vectors.Truth
) -> None:
    """Time one query on two threads, for those that can split it, and on one in the same turns."""
    timing.pin(2)
    able = [entry for entry in entries if entry.peer.splits]
    ours = [entry for entry in able if isinstance(entry.peer, dense.TamisExact)]
    alone = ways(ours, timed.queries, 10, 1)
    turns = {"read": reading(matrix), **ways(able, timed.queries, 10, 2)}
    turns |= {f"{name}, alone": way for name, way in alone.items()}
    rounds = max(len(timed.queries) // 3, 1)
    # Long enough for helpers that spin, and too short for the second core to be put to sleep.
    times = timing.interleave(turns, rounds, pause=0.001)
    for name in ("read", *(entry.name for entry in able)):
        found[name]["pair_p50"] = times[name].ms()
    for name in alone:
        found[name]["pair_ratio"] = times[name].ms() / times[f"{name}, alone"].ms()
    timing.pin(1)


def time_batch(
    found: dict[str, Line], entries: list[Entry], matrix: FloatArray, timed: vectors.Truth
) -> None:
    """Time 64 queries at once on one thread; slow contestants once, others again in turns."""
    numbers = np.arange(BATCH) % len(timed.queries)
    queries = timed.queries[numbers]

    def batch(entry: Entry) -> Callable[[int], IntArray]:
        return lambda _: entry.peer.search(queries, 10, entry.effort, 1)

    again = {}
    for entry in entries:
        first, rows = timing.seconds(batch(entry), 0)
        found[entry.name]["batch"] = BATCH / first
        answers = dict(zip(numbers.tolist(), rows, strict=True))
        found[entry.name].setdefault("recall", mean_recall(answers, matrix, timed, 10))
        if first < 1:
            again[entry.name] = batch(entry)
    for name, times in timing.interleave(again, 3, turn=np.inf).items():
        found[name]["batch"] = BATCH / statistics.median(times.seconds)


def time_in_a_row(found: dict[str, Line], entries: list[Entry], timed: vectors.Truth) -> None:
    """Time queries with nothing between them, so that the caches hold what they can."""
    for name, way in ways(entries, timed.queries, 10, 1).items():
        for number in range(min(20, len(timed.queries))):  # others have filled the caches
            way(number)
        times: Timing[IntArray] = Timing()
        for number in range(len(timed.queries)):
            times.seconds.append(timing.seconds(way, number)[0])
        found[name]["row_p50"] = times.ms()


def time_curve(
    peers: list[dense.Peer], curves: dict[str, dict[float, float]], timed: vectors.Truth
) -> list[Line]:
    """Time all efforts that give a recall of at least 0.8, for the plot."""
    entries, recalls = [], {}
    for peer in peers:
        for effort, recall in curves[peer.name].items():
            if recall >= 0.8:
                entry = Entry(f"{peer.name} {effort}", peer, effort)
                entries.append(entry)
                recalls[entry.name] = (peer.name, recall)
    timings = timing.interleave(ways(entries, timed.queries, 10, 1), min(len(timed.queries), 30))
    return [
        {"name": recalls[name][0], "recall": recalls[name][1], "p50": times.ms()}
        for name, times in timings.items()
    ]


def work(
    peers: list[dense.Peer], curves: dict[int, dict[str, dict[float, float]]], timed: vectors.Truth
) -> Iterator[Line]:
    """Yield how many rows tamis looked at, and at which level."""
    for k, curve in curves.items():
        for entry in chosen(peers, curve):
            if not isinstance(entry.peer, dense.TamisExact):
                continue
            options: dict[str, Any] = {"k": k, "precision": entry.peer.precision, "threads": 1}
            if entry.effort is not None:
                options["oversample"] = entry.effort
            counts = []
            for query in timed.queries[:50]:
                stats = entry.peer.index.search(query[np.newaxis], stats=True, **options)[2]
                counts.append(
                    [int(np.sum(each)) for each in (stats.passed, stats.refined, stats.rescored)]
                )
            passed, refined, rescored = np.array(counts).T
            found: Line = {"name": entry.name, "k": k, "level": str(stats.level)}
            for what, each in (("passed", passed), ("refined", refined), ("rescored", rescored)):
                found[what] = round(float(np.median(each)))
                found[f"{what}_p90"] = round(float(np.percentile(each, 90)))
            yield found


def time_filters(index: DenseIndex, queries: FloatArray) -> list[Line]:
    """Time the exact search among a random share of the rows, and check its answers."""
    rng = np.random.default_rng(vectors.SEED)
    masks = {share: rng.random(len(index)) < share for share in SHARES}
    masks[SHARES[-1]][:100] = True

    def way(share: float | None) -> Callable[[int], IntArray]:
        where = None if share is None else masks[share]

        def search(number: int) -> IntArray:
            rows: IntArray = index.search(
                queries[number : number + 1], k=10, threads=1, where=where
            )[1]
            return rows

        return search

    turns = {"none": way(None)} | {f"{share:.1%}": way(share) for share in SHARES}
    timings = timing.interleave(turns, min(len(queries), 100))
    lines: list[Line] = [{"share": "none", "p50": timings["none"].ms(), "differences": None}]
    for share, mask in masks.items():
        times = timings[f"{share:.1%}"]
        differences = 0
        for number in list(times.answers)[:10]:
            query = queries[number : number + 1]
            all_rows = index.search(query, k=10, precision="f32", where=mask, threads=1)[1]
            differences += not np.array_equal(all_rows, times.answers[number])
        lines.append({"share": f"{share:.1%}", "p50": times.ms(), "differences": differences})
    return lines


def opening(job: Job) -> Line:
    """Open a saved index five times, then ask it 200 queries; all anew when it is not cached."""
    queries = load_truth(job.truth).queries
    size = Path(job.index).stat().st_size
    timing.forget(Path(job.index))
    read = timing.bytes_read()
    ask_in_turn(DenseIndex.open(job.index), queries)
    read = timing.bytes_read() - read
    before = timing.resident_bytes()
    times: Timing[DenseIndex] = Timing()
    for _ in range(5):
        elapsed, index = timing.seconds(lambda _: DenseIndex.open(job.index), 0)
        times.seconds.append(elapsed)
    opened = timing.resident_bytes() - before
    first, _ = timing.seconds(lambda _: index.search(queries[:1], k=10, threads=1), 0)
    first_asked = timing.resident_bytes() - before
    ask_in_turn(index, queries)
    return {
        "read": read,
        "open_ms": times.ms(),
        "first_ms": first * 1e3,
        "opened": opened,
        "first_asked": first_asked,
        "asked": timing.resident_bytes() - before,
        "file": size,
        "vectors": len(index) * index.dim * 4,
    }


def ask_in_turn(index: DenseIndex, queries: FloatArray) -> None:
    """Ask an index 200 queries, one by one."""
    for number in range(200):
        index.search(queries[number % len(queries)], k=10, threads=1)


def exactness(job: Job) -> Line:
    """Count where the exact answers differ from the exhaustive ones, and those from float64."""
    matrix, queries = np.load(job.matrix), load_truth(job.truth).queries
    timing.pin(job.threads)
    index = DenseIndex(matrix.shape[1])
    index.add(matrix)
    index.build(threads=job.threads)
    # Of two rows, each product of float32 is off by at most this much, however it is summed.
    slack = 2 * (matrix.shape[1] + 8) * 2.0**-24
    counts = dict.fromkeys(
        ["batch_10", "single_10", "batch_100", "single_100", "float64", "beyond"], 0
    )
    score_error = regret = 0.0
    for start in range(0, len(queries), 256):
        some = queries[start : start + 256]
        scores, rows = index.search(some, k=100, precision="f32", threads=job.threads)
        for k in (10, 100):
            expected = [bits(*each) for each in zip(scores[:, :k], rows[:, :k], strict=True)]
            batch = index.search(some, k=k, threads=job.threads)
            found = [bits(*each) for each in zip(*batch, strict=True)]
            counts[f"batch_{k}"] += unequal(found, expected)
            found = [
                bits(*index.search(query, k=k, threads=1 + number % job.threads))
                for number, query in enumerate(some)
            ]
            counts[f"single_{k}"] += unequal(found, expected)
        known = vectors.truth(matrix, some, 100)
        for number, query in enumerate(some):
            cosines = vectors.cosine(matrix[rows[number]], query)
            score_error = max(score_error, float(np.abs(scores[number] - cosines).max()))
            worse = float((known.cosines[number] - cosines).max())
            regret = max(regret, worse)
            counts["float64"] += not np.array_equal(rows[number], known.rows[number])
            counts["beyond"] += worse > slack
        print(f"{start + len(some)} of {len(queries)} queries: {counts}", flush=True)
    return {
        "queries": len(queries),
        **counts,
        "score_error": score_error,
        "regret": regret,
        "slack": slack,
    }


def bits(scores: FloatArray, rows: IntArray) -> bytes:
    """Return scores and rows of one query as bytes, to compare every bit."""
    return scores.tobytes() + rows.tobytes()


def unequal(found: list[bytes], expected: list[bytes]) -> int:
    """Count the queries whose answers differ."""
    return sum(one != other for one, other in zip(found, expected, strict=True))
