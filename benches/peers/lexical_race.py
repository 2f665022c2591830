"""One process's share of the lexical benchmark: an index built, or all of them asked in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benches.peers import corpora, harness, lexical, timing
from benches.peers.corpora import Query, Truth
from benches.peers.harness import Line, Task
from benches.peers.lexical import Peer
from tamis.types import IntArray

#: How many passages are asked for.
DEPTHS = (10, 1000)
#: Queries that a contestant answers one after the other before it is another's turn; and single
#: ones, with cold caches.
ROW, N_COLD = 25, 300
#: Pairs of words that are asked for as phrases.
N_PHRASES = 500
#: Queries whose answers are checked before any is timed.
N_CHECKED = 300
#: Rounds of many queries at once, and the seconds that one of them may take.
N_BATCHES, BATCH_SECONDS = 5, 3.0


@dataclass(frozen=True)
class Job(Task):
    """A ``"build"`` of one index, or a ``"race"``.

    Attributes
    ----------
    folder : str
        Of the corpus, of the truth, and of the folders of all indexes.
    analyzer : str
        By which tamis cuts texts.
    peers : list of str
        The names of those that take part.
    rounds, threads : int
        How many queries are timed; the most threads.
    """

    folder: str
    analyzer: str
    peers: list[str]
    rounds: int
    threads: int


def run(path: Path) -> None:
    """Do the job that a file describes."""
    harness.work(path, Job, {"build": build, "race": race, "phrases": phrases})


def contestants(job: Job) -> list[Peer]:
    """Return those that take part."""
    kinds = (*lexical.OURS, *lexical.THEIRS)
    return [kind(job.analyzer) for kind in kinds if kind.name in job.peers]


def build(job: Job) -> Line:
    """Build one index from passages in memory to files."""
    try:
        (peer,) = contestants(job)
    except ImportError as error:
        return {"missing": str(error)}
    passages = corpora.saved_passages(Path(job.folder), raw=peer.raw)
    folder = Path(job.folder, peer.folder())
    folder.mkdir()
    peer.warm()
    cost = timing.cost(partial(peer.build, passages, folder))
    return {
        "build_s": cost.seconds,
        "build_cpu_s": cost.cpu_seconds,
        "per_cpu_s": len(passages) / cost.cpu_seconds,
        "bytes": peer.n_bytes(folder),
    }


def race(job: Job) -> Line:
    """Open the indexes, check the answers of all, and time them in turns."""
    folder = Path(job.folder)
    queries = corpora.saved_queries(folder)
    truths = {name: Truth.load(folder / f"{name}.npz") for name in corpora.IDF}
    peers = contestants(job)
    timing.pin(1)
    found: dict[str, Line] = {}
    for peer in peers:
        found[peer.name] = {
            "open_ms": opening(peer, folder / peer.folder()),
            "same": same(peer, queries, truths[peer.idf]),
        }
    ours = [peer for peer in peers if isinstance(peer, lexical.OURS)]
    exact = [exactness(peer, queries, truths[peer.idf], k) for peer in ours for k in DEPTHS]
    lines = [line for k in DEPTHS for line in time_single(peers, queries, k, job.rounds, ROW)]
    cold = [line for k in DEPTHS for line in time_single(peers, queries, k, N_COLD, 1)]
    for name, ms in time_cutting(peers, queries, job.rounds).items():
        found[name]["cut_p50"] = ms
    means = {line["name"]: line["mean"] for line in lines if line["k"] == DEPTHS[0]}
    for name, rate in time_many(peers, queries, means, job).items():
        found[name]["many"] = rate
    return {"peers": found, "lines": lines, "cold": cold, "exact": exact}


def phrases(job: Job) -> Line:
    """Open the indexes with positions, and time them on pairs of words that stand together."""
    folder = Path(job.folder)
    pairs = list(neighbours(corpora.saved_passages(folder, raw=False)))
    peers = contestants(job)
    timing.pin(1)
    for peer in peers:
        peer.open(folder / peer.folder())

    def way(peer: Peer) -> Callable[[int], Any]:
        prepared = [peer.prepare_phrase(pair) for pair in pairs]
        return lambda number: peer.search(prepared[number % len(prepared)], DEPTHS[-1])

    turns = {peer.name: way(peer) for peer in peers}
    found = {
        peer.name: [found_rows(peer, turns[peer.name], i) for i in range(100)] for peer in peers
    }
    expected = next(iter(found.values()))
    lines = single_lines(timing.interleave(turns, N_PHRASES, keep=False, row=ROW), DEPTHS[-1])
    for line in lines:
        pairs_found = zip(found[line["name"]], expected, strict=True)
        line["same"] = statistics.fmean(rows == others for rows, others in pairs_found)
    return {"lines": lines}


def neighbours(passages: list[str]) -> Iterator[list[str]]:
    """Yield words that follow one another somewhere."""
    rng = np.random.default_rng(0)
    for _ in range(N_PHRASES):
        words = passages[rng.integers(len(passages))].split()
        start = int(rng.integers(max(1, len(words) - 1)))
        yield words[start : start + 2]


def found_rows(peer: Peer, way: Callable[[int], Any], number: int) -> set[int] | int:
    """Return the rows of an answer; of one that is full, only how many there are."""
    rows = peer.hits(way(number))[1].tolist()
    return len(rows) if len(rows) == DEPTHS[-1] else set(rows)


def opening(peer: Peer, folder: Path) -> float:
    """Open an index five times; return the median in ms."""
    times = [timing.seconds(lambda _: peer.open(folder), 0)[0] for _ in range(5)]
    return statistics.median(times) * 1e3


def same(peer: Peer, queries: list[Query], truth: Truth) -> float:
    """Return the share of queries whose best 10 are those of float64, in any order."""
    differ = [
        truth.differs(number, peer.hits(peer.search(peer.prepare(query), 10))[1], 10)
        for number, query in enumerate(queries[: len(truth.rows)])
    ]
    return 1 - statistics.fmean(differ)


def exactness(peer: Peer, queries: list[Query], truth: Truth, k: int) -> Line:
    """Count answers that are not float64's in number, order or scores; ties may change places."""
    wrong = swapped = 0
    score_error = 0.0
    for number, query in enumerate(queries[: len(truth.rows)]):
        scores, rows = peer.hits(peer.search(peer.prepare(query), k))
        expected = int(np.count_nonzero(truth.rows[number, :k] >= 0))
        best = truth.rows[number, :expected]
        if len(rows) != expected:
            wrong += 1
            continue
        error = float(np.abs(scores - truth.scores[number, :expected]).max(initial=0))
        score_error = max(score_error, error)
        wrong += error > 1e-5 or not tied(rows, truth, number)
        swapped += not np.array_equal(rows, best)
    return {
        "name": peer.name,
        "k": k,
        "queries": len(truth.rows),
        "wrong": wrong,
        "swapped": swapped,
        "score_error": score_error,
    }


def tied(rows: IntArray, truth: Truth, query: int) -> bool:
    """Whether each row is the one expected there, or has its score but for rounding."""
    scores = dict(zip(truth.rows[query].tolist(), truth.scores[query].tolist(), strict=True))
    # A row beyond the depth of the truth can only tie with the last one there.
    last = float(truth.scores[query, -1])
    found = np.array([scores.get(row, last) for row in rows.tolist()])
    return bool(np.all(np.abs(found - truth.scores[query, : len(rows)]) < corpora.ROUNDING))


def ways(
    peers: Iterable[Peer], queries: list[Query], ask: Callable[[Peer], Callable[[Any], Any]]
) -> dict[str, Callable[[int], Any]]:
    """Return for each contestant a call by the number of the query, which is prepared already."""

    def way(peer: Peer) -> Callable[[int], Any]:
        call, prepared = ask(peer), [peer.prepare(query) for query in queries]
        return lambda number: call(prepared[number % len(prepared)])

    return {peer.name: way(peer) for peer in peers}


def time_single(
    peers: list[Peer], queries: list[Query], k: int, rounds: int, row: int
) -> list[Line]:
    """Time one query on one thread, so many in a row."""
    turns = ways(peers, queries, lambda peer: partial(peer.search, k=k))
    return single_lines(timing.interleave(turns, rounds, keep=False, row=row), k)


def single_lines(timings: Mapping[str, timing.Timing[Any]], k: int) -> list[Line]:
    """Return what the calls of each contestant took, in ms."""
    return [
        {
            "name": name,
            "k": k,
            "mean": times.mean_ms(),
            "p50": times.ms(),
            "p99": times.ms(99),
            "calls": len(times.seconds),
        }
        for name, times in timings.items()
    ]


def time_cutting(peers: list[Peer], queries: list[Query], rounds: int) -> dict[str, float]:
    """Time what turns a query into its terms, where the library does it; return medians in ms."""

    def way(peer: Peer) -> Callable[[int], Any]:
        return lambda number: peer.cut(queries[number % len(queries)])

    turns = {peer.name: way(peer) for peer in peers if peer.cuts}
    timings = timing.interleave(turns, min(rounds, 300), keep=False, row=ROW)
    return {name: times.ms() for name, times in timings.items()}


def time_many(
    peers: list[Peer], queries: list[Query], means: dict[str, float], job: Job
) -> dict[str, float]:
    """Time many queries at once on all threads; return queries a second."""
    sizes = {}

    def way(peer: Peer) -> Callable[[int], Any]:
        fitting = int(BATCH_SECONDS * 1e3 / means[peer.name])
        some = [peer.prepare(query) for query in queries[: max(fitting, 1)]]
        sizes[peer.name] = len(some)
        return lambda _: peer.search_many(some, DEPTHS[0], job.threads)

    turns = {peer.name: way(peer) for peer in peers if peer.splits}
    timings = timing.interleave(turns, N_BATCHES, turn=np.inf, pause=0.01, keep=False)
    return {name: sizes[name] / (times.ms() / 1e3) for name, times in timings.items()}
