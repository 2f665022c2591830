"""The levels of `DenseIndex`: exact by codes, full and fast; filters, files, threads, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

from tamis.dense import DenseIndex, DenseStats
from tamis.errors import CorruptIndexError, InvalidInputError, ZeroVectorError
from tamis.types import FloatArray
from tests.unit.test_dense import assert_same, index_of, random_rows

N, DIM = 20_000, 96


def text_like(n: int, dim: int, seed: int = 0) -> FloatArray:
    """Return clusters under a falling spectrum and a common mean, as encoders give them."""
    rng = np.random.default_rng(seed)
    spectrum = (1 + np.arange(dim) / 8) ** -0.75
    centres = rng.normal(size=(200, dim))
    rows = (centres[rng.integers(200, size=n)] + rng.normal(size=(n, dim))) * spectrum + 0.3
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def vectors() -> FloatArray:
    return text_like(N, DIM)


@pytest.fixture(scope="module")
def queries(vectors: FloatArray) -> FloatArray:
    noise = text_like(40, DIM, seed=1) - 0.3
    return (vectors[:: N // 40][:40] + noise).astype(np.float32)


@pytest.fixture(scope="module")
def index(vectors: FloatArray) -> DenseIndex:
    index = DenseIndex(DIM)
    index.add(vectors)
    return index


def hard_rows(kind: str, n: int, dim: int) -> FloatArray:
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(n, dim))
    match kind:
        case "all alike":
            rows[:] = rows[0]
        case "near ties":
            rows = rows[0] + 1e-7 * rows
        case "huge dynamic range":
            rows *= 10.0 ** rng.integers(-18, 18, size=(n, 1))
        case "one giant component":
            rows[:, 3] += 1e6
        case "axes":
            rows = np.eye(dim)[rng.integers(dim, size=n)]
    return rows.astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "dot"])
@pytest.mark.parametrize(
    "kind", ["all alike", "near ties", "huge dynamic range", "one giant component", "axes"]
)
@pytest.mark.parametrize("dim", [5, 70, 384])
def test_exact_is_exact_on_data_that_codes_are_bad_at(
    kind: str, metric: Literal["cosine", "dot"], dim: int
) -> None:
    rows = hard_rows(kind, 3_000, dim)
    index = index_of(rows, metric)
    queries = np.vstack([rows[:5], hard_rows("plain", 3, dim)])
    for k in (1, 10, 90):
        exact = index.search(queries, k, precision="exact", stats=True)
        assert exact[2].level == ("codes" if dim > 63 and k < 90 else "f32")
        assert_same(exact[:2], index.search(queries, k, precision="f32"))


def test_exact_reads_codes_and_scores_few_rows(index: DenseIndex, queries: FloatArray) -> None:
    exact = index.search(queries, 10, stats=True)
    full = index.search(queries, 10, precision="f32", stats=True)
    assert_same(exact[:2], full[:2])
    assert full[2] == DenseStats("f32", exact[2].simd, 40 * N, 0, 0, 0, 0)
    assert exact[2].level == "codes"
    assert exact[2].scanned == 40 * N
    assert 400 <= exact[2].rescored <= 40 * N / 20
    assert exact[2].rescored <= exact[2].refined <= exact[2].passed < 40 * N / 5


def test_fast_finds_nearly_all_and_more_with_more(index: DenseIndex, queries: FloatArray) -> None:
    best = index.search(queries, 10)[1]

    def recall(oversample: float) -> float:
        scores, rows, stats = index.search(
            queries, 10, precision="fast", oversample=oversample, stats=True
        )
        assert stats.level == "bits"
        assert stats.rescored <= stats.passed <= 40 * 10 * oversample
        truth = dict(zip(*np.array(index.search(queries[0], 200))[::-1], strict=True))
        for score, row in zip(scores[0], rows[0], strict=True):
            assert truth.get(row, score) == score  # what it gives is exact
        return float(np.mean([np.isin(a, b).mean() for a, b in zip(best, rows, strict=True)]))

    assert recall(1) < recall(5) < recall(30)
    assert recall(30) >= 0.9
    assert recall(500) == 1.0


@pytest.mark.parametrize("precision", ["exact", "f32", "fast"])
@pytest.mark.parametrize("share", [0.002, 0.02, 0.2, 0.6])
@pytest.mark.parametrize("shape", ["scattered", "in one piece"])
def test_filters_and_threads_change_no_answer(
    index: DenseIndex,
    vectors: FloatArray,
    queries: FloatArray,
    precision: Literal["exact", "f32", "fast"],
    share: float,
    shape: str,
) -> None:
    where = np.zeros(N, dtype=bool)
    if shape == "scattered":
        where = np.random.default_rng(3).random(N) < share
    else:
        where[N // 3 : N // 3 + int(share * N)] = True
    options: dict[str, Any] = {"precision": precision, "oversample": 1_000, "where": where}
    alone = index.search(queries, 10, threads=1, **options)
    assert_same(index.search(queries, 10, threads=3, **options), alone)
    places = np.flatnonzero(where)
    scores, rows = index_of(vectors[where]).search(queries, 10, precision="f32")
    assert_same(alone, (scores, places[rows]))


def test_few_rows_are_picked_out(index: DenseIndex, queries: FloatArray) -> None:
    where = np.arange(N) % 1_000 == 5
    stats = index.search(queries, 10, where=where, stats=True)[2]
    assert (stats.level, stats.scanned, stats.gathered) == ("gather", 0, 40 * 20)


def test_single_queries_and_batches_of_any_size_give_the_same_bits(
    index: DenseIndex, queries: FloatArray
) -> None:
    for precision in ("exact", "fast"):
        scores, rows = index.search(queries, 10, precision=precision)
        for size in (1, 2, 9, 17):
            found = index.search(queries[:size], 10, precision=precision)
            assert_same(found, (scores[:size], rows[:size]))


def test_an_index_that_grows_stays_exact(vectors: FloatArray, queries: FloatArray) -> None:
    index = DenseIndex(DIM)
    for start, end in [(0, 500), (500, 1_500), (1_500, 1_501), (1_501, 9_000), (9_000, N)]:
        index.add(vectors[start:end])
        exact = index.search(queries, 7, stats=True)
        assert exact[2].level == ("f32" if end < 1_024 else "codes")
        assert_same(exact[:2], index.search(queries, 7, precision="f32"))
    memory = index.memory()
    assert memory["f32"] == N * DIM * 4
    assert 0 < memory["bits"] < memory["fine"] == memory["codes"] < memory["f32"] / 3


# Files


def test_an_opened_index_searches_its_codes_and_grows(
    tmp_path: Path, index: DenseIndex, vectors: FloatArray, queries: FloatArray
) -> None:
    path = tmp_path / "file"
    index.save(path)
    opened = DenseIndex.open(path)
    assert opened.memory() == index.memory()
    for precision in ("exact", "f32", "fast"):
        expected = index.search(queries, 10, precision=precision)
        assert_same(opened.search(queries, 10, precision=precision), expected)
    assert opened.search(queries, stats=True)[2].level == "codes"

    more = text_like(5_000, DIM, seed=5)
    assert opened.add(more) == range(N, N + 5_000)
    both = index_of(np.vstack([vectors, more]))
    where = np.arange(N + 5_000) % 3 > 0
    for mask in (None, where):
        expected = both.search(queries, 10, where=mask)
        assert_same(opened.search(queries, 10, where=mask), expected)
    opened.save(path)
    again = DenseIndex.open(path, verify=True)
    assert len(again) == N + 5_000
    assert_same(again.search(queries, 10), both.search(queries, 10))


def test_a_damaged_large_section_is_found_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    index_of(random_rows(45_000, 128)).save(path)  # 23 MB of vectors
    data = bytearray(path.read_bytes())
    data[1_000_000] ^= 1
    path.write_bytes(data)
    assert len(DenseIndex.open(path)) == 45_000
    with pytest.raises(CorruptIndexError, match='section "vectors"'):
        DenseIndex.open(path, verify=True)


# Options


def test_zero_vectors_are_kept_when_told_to(tmp_path: Path) -> None:
    index = DenseIndex(3, on_zero="keep")
    assert index.add([[0, 0, 0], [1, 0, 0], [-1, 0, 0]]) == range(3)
    scores, rows = index.search([2.0, 0.0, 0.0], k=3)
    assert (rows.tolist(), scores.tolist()) == ([1, 0, 2], [1.0, 0.0, -1.0])
    with pytest.raises(ZeroVectorError, match="row 0"):
        index.search([0.0, 0.0, 0.0])
    index.save(tmp_path / "file")
    opened = DenseIndex.open(tmp_path / "file")
    assert (index.on_zero, opened.on_zero) == ("keep", "keep")
    assert DenseIndex(3).on_zero == "error"
    with pytest.raises(ZeroVectorError, match='on_zero="keep"'):
        DenseIndex(3).add([[0, 0, 0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int8"}, 'precision is \'int8\'; it must be "exact", "f32" or "fast"'),
        ({"oversample": 0.5}, "oversample is 0.5; it takes a number of at least 1"),
        ({"oversample": float("nan")}, "oversample is nan"),
        ({"oversample": float("inf")}, "oversample is inf"),
        ({"oversample": 0}, "oversample is 0"),
    ],
)
def test_options_without_meaning_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        index_of(random_rows(5, 3)).search(np.ones(3), **options)
    with pytest.raises(InvalidInputError, match="on_zero is 'drop'"):
        DenseIndex(3, on_zero="drop")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="at most 16777216 dimensions"):
        DenseIndex(10**30)
    many: dict[str, Any] = {"threads": 10**30, "oversample": 10**30, "precision": "fast"}
    assert len(index_of(random_rows(5, 3)).search(np.ones(3), **many)[1]) == 5
    with pytest.raises(InvalidInputError, match="threads is 0"):
        index_of(random_rows(5, 3)).build(threads=0)


# Threads, forks, signals


def test_many_threads_search_one_index_at_once(index: DenseIndex, queries: FloatArray) -> None:
    expected = index.search(queries, 10)
    failures: list[int] = []

    def work(own: int) -> None:
        for _ in range(10):
            found = index.search(queries[own], 10, threads=2)
            if found[1].tolist() != expected[1][own].tolist():
                failures.append(own)

    workers = [threading.Thread(target=work, args=(own,)) for own in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_searches_with_threads_of_its_own(
    index: DenseIndex, queries: FloatArray
) -> None:
    expected = index.search(queries, 10, threads=2)  # the parent's threads are at hand
    child = os.fork()
    if child == 0:
        found = index.search(queries, 10, threads=2)
        os._exit(0 if np.array_equal(found[1], expected[1]) else 1)
    deadline = time.monotonic() + 30
    while (status := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    if status == (0, 0):
        os.kill(child, signal.SIGKILL)
    assert status == (child, 0)
    assert_same(index.search(queries, 10, threads=2), expected)


LONG_WORK = """
import os, signal, sys, threading, time
import numpy as np
from tamis.dense import DenseIndex

rows = np.random.default_rng(0).normal(size=(200_000, 256)).astype(np.float32)
index = DenseIndex(256)
index.add(rows)
work = {"build": lambda: index.build(threads=1),
        "f32": lambda: index.search(rows[:20_000], precision="f32", threads=2),
        "exact": lambda: index.search(rows[:20_000], threads=2),
        "fast": lambda: index.search(rows[:20_000], k=50, precision="fast", threads=1)}[sys.argv[1]]
if sys.argv[1] != "build":
    index.build()
sent = []
def interrupt():
    time.sleep(0.2)
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
try:
    work()
    print("done")
except KeyboardInterrupt:
    print((time.monotonic() - sent[0]) * 1000)
    assert len(index.search(rows[0], k=3)[1]) == 3  # nothing is broken
"""


@pytest.mark.parametrize("work", ["build", "f32", "exact", "fast"])
def test_ctrl_c_ends_long_work_soon(work: str) -> None:
    output = subprocess.run(
        [sys.executable, "-c", LONG_WORK, work], capture_output=True, text=True, check=True
    ).stdout.strip()
    if output == "done" and work == "build":
        pytest.skip("too quick to interrupt here")
    # A tenth of a second on a machine that is free; this one may not be.
    assert float(output) < 1_000


def test_a_signal_handler_that_uses_the_index_at_work_is_told_so() -> None:
    code = LONG_WORK.replace(
        "try:", "def handler(*_):\n    len(index)\nsignal.signal(signal.SIGINT, handler)\ntry:"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, "exact"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "RuntimeError: a signal handler cannot use an index" in run.stderr


def test_a_short_search_does_not_wait_for_a_long_one(
    index: DenseIndex, queries: FloatArray
) -> None:
    index.search(queries, 10, threads=2)
    many = np.tile(queries, (500, 1))
    long = threading.Thread(target=lambda: index.search(many, 10, precision="f32", threads=2))
    long.start()
    time.sleep(0.05)
    for query in queries[:5]:
        index.search(query, 10, threads=2)
    assert long.is_alive()
    long.join()


def test_the_nearest_row_of_very_wide_vectors_is_found_fast() -> None:
    rows = random_rows(1_100, 8_192)
    for precision in ("exact", "fast"):
        _, found, stats = index_of(rows).search(rows[77], k=1, precision=precision, stats=True)
        assert (found.tolist(), stats.level) == ([77], "codes")


def test_a_filter_of_odd_bytes_passes_what_numpy_takes_for_true() -> None:
    index = index_of(random_rows(40, 8))
    where = np.tile(np.array([0, 0, 0, 2, 0, 0, 255, 1], dtype=np.uint8), 5).view(np.bool_)
    rows = index.search(np.ones(8), k=40, where=where)[1]
    assert sorted(rows.tolist()) == np.flatnonzero(where).tolist()


def test_vectors_of_half_precision_are_taken(queries: FloatArray) -> None:
    halves: npt.NDArray[np.float16] = queries.astype(np.float16)
    index = index_of(halves)
    assert_same(index.search(halves, 5), index_of(halves.astype(np.float32)).search(halves, 5))
