"""The top k of `DenseIndex` is the exact one, whatever the data, the filter and the machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.dense import DenseIndex
from tamis.errors import (
    CorruptIndexError,
    DimensionError,
    FormatTooNewError,
    IndexNotFoundError,
    InvalidInputError,
    NonFiniteError,
    StorageError,
    ZeroVectorError,
)
from tamis.types import FloatArray, IntArray

Hits = tuple[FloatArray, IntArray]

#: What a float32 sum of products of unit vectors may be off by.
ROUNDING = 1e-6


def index_of(vectors: npt.ArrayLike, metric: Literal["cosine", "dot"] = "cosine") -> DenseIndex:
    index = DenseIndex(np.shape(vectors)[1], metric)
    index.add(vectors)
    return index


def random_rows(n: int, dim: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def clustered_rows(n: int, dim: int) -> FloatArray:
    """Return rows close around ten centres: many scores nearly alike."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(10, dim))
    rows = centres[rng.integers(10, size=n)] + 1e-2 * rng.normal(size=(n, dim))
    return rows.astype(np.float32)


def unit(rows: FloatArray) -> FloatArray:
    """Scale rows to unit length: in float64, rounded once."""
    wide = rows.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / lengths, dtype=np.float32)


def assert_same(found: Hits, expected: Hits) -> None:
    """Compare bits."""
    assert found[1].tolist() == expected[1].tolist()
    assert found[0].tobytes() == expected[0].tobytes()


def assert_ordered(scores: FloatArray, rows: IntArray) -> None:
    """Check the order of one query's hits: score falling, equal scores by row."""
    pairs = list(zip((-scores).tolist(), rows.tolist(), strict=True))
    assert pairs == sorted(pairs)
    assert len(set(rows.tolist())) == len(rows)


# The answer


@pytest.mark.parametrize("rows_of", [random_rows, clustered_rows])
@pytest.mark.parametrize(
    ("n", "dim"),
    [(1, 1), (7, 3), (20_000, 1), (20_000, 16), (3_001, 100), (20_000, 384), (1_000, 1_000)],
)
def test_the_top_k_is_that_of_float64(rows_of: Any, n: int, dim: int) -> None:
    vectors = rows_of(n, dim)
    queries = np.vstack([vectors[n // 2] + 0.01, random_rows(2, dim, seed=2)])
    index = index_of(vectors)
    exact = unit(queries).astype(np.float64) @ unit(vectors).astype(np.float64).T
    best = -np.sort(-exact, axis=1)
    for k in (1, 10, 100):
        scores, rows = index.search(queries, k)
        assert (str(scores.dtype), str(rows.dtype)) == ("float32", "int64")
        assert scores.shape == rows.shape == (3, min(k, n))
        for found, hits, all_scores, expected in zip(scores, rows, exact, best, strict=True):
            assert_ordered(found, hits)
            np.testing.assert_allclose(found, all_scores[hits], rtol=0, atol=ROUNDING)
            np.testing.assert_allclose(all_scores[hits], expected[:k], rtol=0, atol=2 * ROUNDING)


@settings(max_examples=100)
@given(data=st.data())
def test_ties_are_ordered_by_row_and_a_top_k_begins_every_longer_one(data: st.DataObject) -> None:
    # Products and sums of small integers are exact, and ties are the rule.
    n, dim = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    vectors = rng.integers(-2, 3, size=(n, dim))
    queries = rng.integers(-2, 3, size=(data.draw(st.integers(1, 4)), dim))
    where = rng.random(n) < data.draw(st.sampled_from([0.05, 0.5, 1.0]))
    k = data.draw(st.integers(1, 40))

    index = index_of(vectors, "dot")
    scores, rows = index.search(queries, k, where=where)
    for query, found, hits in zip(queries, scores, rows, strict=True):
        exact = vectors @ query
        order = [row for row in np.lexsort((np.arange(n), -exact)).tolist() if where[row]]
        assert hits.tolist() == order[:k]
        assert found.tolist() == exact[order[:k]].tolist()
    twice = index.search(queries, 2 * k, where=where)
    assert_same((twice[0][:, :k], twice[1][:, :k]), (scores, rows))


def test_equal_rows_are_found_in_order() -> None:
    vectors = np.tile(random_rows(50, 24), (40, 1))
    scores, rows = index_of(vectors).search(vectors[7], k=40)
    assert rows.tolist() == list(range(7, 2_000, 50))
    assert len(set(scores.tolist())) == 1


def test_a_single_query_and_a_batch_give_the_same_bits() -> None:
    index, queries = index_of(random_rows(500, 33)), random_rows(9, 33, seed=1)
    scores, rows = index.search(queries, k=20)
    for i, query in enumerate(queries):
        assert_same(index.search(query, k=20), (scores[i], rows[i]))
        assert index.search(query, k=20)[0].shape == (20,)
        assert index.search(queries[i : i + 1], k=20)[0].shape == (1, 20)


def test_threads_change_nothing() -> None:
    # Enough work that the scan is really split.
    index, queries = index_of(clustered_rows(20_000, 128)), random_rows(8, 128)
    where = np.arange(20_000) % 3 > 0
    for mask in (None, where):
        alone = index.search(queries, k=50, threads=1, where=mask)
        for threads in (2, 3, 16, None):
            assert_same(index.search(queries, k=50, threads=threads, where=mask), alone)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.9, 1.0])
def test_a_filter_finds_what_an_index_of_those_rows_finds(share: float) -> None:
    vectors, queries = random_rows(4_000, 48), random_rows(3, 48, seed=1)
    where = np.random.default_rng(2).random(4_000) < share
    scores, rows = index_of(vectors).search(queries, k=30, where=where)
    assert scores.shape == rows.shape == (3, min(30, int(where.sum())))
    if where.any():
        fewer, places = index_of(vectors[where]).search(queries, k=30)
        assert_same((scores, rows), (fewer, np.flatnonzero(where)[places]))


def test_filters_may_lie_in_any_way_in_memory() -> None:
    index = index_of(random_rows(200, 8))
    where = np.arange(200) % 2 == 0
    expected = index.search(np.ones(8), k=10, where=where)
    strided = np.repeat(where, 3)[::3]
    assert not strided.flags.c_contiguous
    assert_same(index.search(np.ones(8), k=10, where=strided), expected)


def test_dot_takes_lengths_into_account_and_cosine_does_not() -> None:
    vectors = np.array([[1.0, 0.0], [3.0, 4.0], [0.0, 0.0], [-1.0, 0.0]])
    scores, rows = index_of(vectors, "dot").search([2.0, 0.0], k=4)
    assert (scores.tolist(), rows.tolist()) == ([6.0, 2.0, 0.0, -2.0], [1, 0, 2, 3])
    scores, rows = index_of(vectors[[0, 1, 3]]).search([2.0, 0.0], k=4)
    assert rows.tolist() == [0, 1, 2]
    np.testing.assert_allclose(scores, [1.0, 0.6, -1.0], rtol=0, atol=ROUNDING)


def test_lengths_from_denormal_to_the_largest_keep_their_direction() -> None:
    direction = random_rows(1, 16)[0] / 4
    sizes = np.array([1e-40, 1e-20, 1.0, 1e20, 1e38])
    scores, rows = index_of(np.outer(sizes, direction)).search(direction * 1e-30, k=5)
    assert sorted(rows.tolist()) == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(scores, 1.0, rtol=0, atol=1e-4)  # denormals have few bits


# Shapes and types


@pytest.mark.parametrize("n", [0, 3])
def test_shapes_hold_at_the_edges(n: int) -> None:
    index = DenseIndex(4)
    assert index.add(random_rows(n, 4)) == range(n)
    assert [part.shape for part in index.search(np.ones((2, 4)), k=10)] == [(2, n), (2, n)]
    assert [part.shape for part in index.search(np.ones(4), k=10)] == [(n,), (n,)]
    nothing = np.zeros(n, dtype=bool)
    assert index.search(np.ones((2, 4)), where=nothing)[1].shape == (2, 0)


def test_no_queries_have_the_width_of_some() -> None:
    index, none = index_of(random_rows(20, 4)), np.empty((0, 4))
    for k in (3, 20, 50):
        scores, rows = index.search(none, k)
        assert scores.shape == rows.shape == (0, min(k, 20))
    few = np.arange(20) < 7
    assert index.search(none, k=10, where=few)[0].shape == (0, 7)
    batches = [index.search(queries, k=5)[1] for queries in (np.eye(4), none)]
    assert np.concatenate(batches).shape == (4, 5)


@pytest.mark.parametrize("k", [5, 6, 10**9, 2**62, 2**63, 10**30])
def test_more_than_there_are_is_all(k: int) -> None:
    index = index_of(random_rows(5, 3))
    assert sorted(index.search(np.ones(3), k)[1].tolist()) == [0, 1, 2, 3, 4]


def test_numbers_of_numpy_are_taken_as_numbers() -> None:
    index = index_of(random_rows(50, 3))
    expected = index.search(np.ones(3), 7, threads=1)
    assert_same(index.search(np.ones(3), np.int32(7), threads=np.int64(1)), expected)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "convert",
    [
        lambda rows: rows.astype(np.float16),
        lambda rows: rows.astype(np.float64),
        lambda rows: rows.astype(np.longdouble),
        lambda rows: rows.astype(">f4"),
        lambda rows: rows.astype(np.int8),
        lambda rows: rows.astype(np.uint64),
        lambda rows: rows > 3,
        np.asfortranarray,
        lambda rows: np.repeat(rows, 2, axis=1)[:, ::2],
        lambda rows: rows[::-1],
        lambda rows: rows.tolist(),
    ],
    ids=[
        "float16",
        "float64",
        "longdouble",
        "big endian",
        "int8",
        "uint64",
        "bool",
        "Fortran order",
        "strided",
        "reversed",
        "lists",
    ],
)
def test_vectors_of_any_type_and_layout_are_float32_rows(convert: Any) -> None:
    rows = np.random.default_rng(0).integers(1, 7, size=(60, 20)).astype(np.float32)
    rows[:, 0] = 5
    given = convert(rows)
    plain = np.array(np.asarray(given).tolist(), dtype=np.float32)
    assert_same(
        index_of(given, "dot").search(given[:9], k=60),
        index_of(plain, "dot").search(plain[:9], k=60),
    )


def test_what_is_added_is_a_copy_and_the_input_is_left_alone() -> None:
    vectors = random_rows(10, 5)
    before = vectors.copy()
    vectors.flags.writeable = False
    index = index_of(vectors)
    vectors.flags.writeable = True
    expected = index.search(np.ones(5))
    assert vectors.tobytes() == before.tobytes()
    vectors[:] = 1
    assert_same(index.search(np.ones(5)), expected)


def test_added_in_pieces_is_added_at_once() -> None:
    vectors, queries = random_rows(1_000, 24), random_rows(4, 24, seed=1)
    pieces = DenseIndex(24)
    assert pieces.add(vectors[0]) == range(1)
    assert pieces.add(vectors[1:1]) == range(1, 1)
    assert pieces.add(vectors[1:70]) == range(1, 70)
    assert pieces.add(vectors[70:]) == range(70, 1_000)
    assert len(pieces) == 1_000
    assert_same(pieces.search(queries, k=100), index_of(vectors).search(queries, k=100))


def test_it_says_what_it_is() -> None:
    index = DenseIndex(3, "dot")
    assert (index.dim, index.metric, len(index)) == (3, "dot", 0)
    assert repr(index) == "<DenseIndex: 0 vectors, 3 dimensions, dot>"


# Files


@pytest.mark.parametrize("metric", ["cosine", "dot"])
@pytest.mark.parametrize("n", [0, 1, 500])
def test_what_was_saved_is_opened_and_grows(
    tmp_path: Path, metric: Literal["cosine", "dot"], n: int
) -> None:
    vectors, queries = random_rows(n + 10, 17), random_rows(3, 17, seed=1)
    index = DenseIndex(17, metric)
    index.add(vectors[:n])
    index.save(tmp_path / "file")
    opened = DenseIndex.open(str(tmp_path / "file"))
    assert repr(opened) == repr(index)
    assert_same(opened.search(queries, k=50), index.search(queries, k=50))
    assert opened.add(vectors[n:]) == range(n, n + 10)
    assert_same(opened.search(queries, k=50), index_of(vectors, metric).search(queries, k=50))
    opened.save(tmp_path / "file")
    assert len(DenseIndex.open(tmp_path / "file")) == n + 10
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_damaged_file_is_named_and_never_gives_another_answer(tmp_path: Path) -> None:
    path = tmp_path / "vectors.dense"
    index = index_of(random_rows(20, 8))
    index.save(path)
    expected = index.search(np.ones(8), k=20)
    whole = path.read_bytes()
    refusals = []
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            assert_same(DenseIndex.open(path).search(np.ones(8), k=20), expected)
        except (CorruptIndexError, FormatTooNewError) as error:
            refusals.append(str(error))
    assert len(refusals) >= len(whole) - 64  # the padding between sections says nothing
    assert all("vectors.dense" in message for message in refusals)
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptIndexError, match=r"vectors\.dense is damaged"):
            DenseIndex.open(path)


def test_many_threads_save_to_one_file(tmp_path: Path) -> None:
    index = index_of(random_rows(2_000, 64))
    failures: list[BaseException] = []

    def save() -> None:
        try:
            for _ in range(5):
                index.save(tmp_path / "file")
        except StorageError as error:
            failures.append(error)

    run_together(save, save, save)
    assert failures == []
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert len(DenseIndex.open(tmp_path / "file")) == 2_000


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere") as caught:
        DenseIndex.open(tmp_path / "nowhere")
    assert isinstance(caught.value, IndexNotFoundError)
    with pytest.raises(StorageError, match="no_folder"):
        index_of(random_rows(2, 2)).save(tmp_path / "no_folder" / "file")


# Bad input


@pytest.mark.parametrize(
    ("vectors", "error", "message"),
    [
        ([[1, 2, 3], [1, np.nan, 3]], NonFiniteError, "row 1 .* holds NaN at dimension 1"),
        ([[np.inf, 2, 3]], NonFiniteError, "row 0 .* holds inf at dimension 0"),
        ([[1, 2, -np.inf]], NonFiniteError, "row 0 .* holds -inf at dimension 2"),
        ([[1, 2, 1e300]], NonFiniteError, "row 0 .* holds inf at dimension 2"),
        ([[1, 2, 3], [0, 0, 0]], ZeroVectorError, "row 1 .* has length zero"),
        ([[1e-60, 0, 0]], ZeroVectorError, "row 0 .* has length zero"),
        (np.ones((5, 4)), DimensionError, r"shape \(5, 4\); the index takes \(n, 3\) or \(3,\)"),
        ([1.0, 2.0], DimensionError, r"shape \(2,\)"),
        (np.ones((1, 1, 3)), DimensionError, r"shape \(1, 1, 3\)"),
        (1.0, DimensionError, r"shape \(\)"),
        (["a", "b", "c"], InvalidInputError, "type <U1; they must be real numbers"),
        ([[1, 2, None]], InvalidInputError, "type object"),
        (None, InvalidInputError, "type object"),
        (np.ones(3) * 1j, InvalidInputError, "type complex128"),
        (np.array(["2020-01-01"] * 3, "M8[D]"), InvalidInputError, r"type datetime64\[D\]"),
        ([[1, 2, 3], [1, 2]], InvalidInputError, "no array: .*inhomogeneous"),
    ],
)
def test_vectors_without_meaning_are_refused_and_change_nothing(
    vectors: Any, error: type[Exception], message: str
) -> None:
    index = index_of(np.eye(3))
    with pytest.raises(error, match=message) as caught:
        index.add(vectors)
    assert type(caught.value) is error
    with pytest.raises(error, match=message):
        index.search(vectors)
    assert len(index) == 3


def test_under_dot_what_could_overflow_is_refused_and_all_else_is_finite() -> None:
    index = index_of([[1e19, -1e18], [-1e19, 1e18]], "dot")
    scores, rows = index.search([1e19, 1e18], k=2)
    assert np.isfinite(scores).all()
    assert rows.tolist() == [0, 1]
    with pytest.raises(InvalidInputError, match=r"row 1 .* length 1\.414e38; .* scale them down"):
        index.add([[1.0, 1.0], [1e38, -1e38]])
    with pytest.raises(InvalidInputError, match=r"row 0 .* may overflow"):
        index.search([1e38, 1e38])
    assert len(index) == 2


def test_what_rounds_to_zero_or_infinity_is_no_matter_of_numpys_settings() -> None:
    index = DenseIndex(2)
    with np.errstate(all="raise"):
        index.add([1e-60, 1.0])
        with pytest.raises(NonFiniteError):
            index.add([1e300, 1.0])
    assert index.search([0.0, 1.0])[0].tolist() == [1.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k is 0; ask for at least 1"),
        ({"k": -1}, "k is -1"),
        ({"k": -(2**70)}, f"k is {-(2**70)}"),
        ({"threads": 0}, "threads is 0; it takes at least 1"),
        ({"threads": -2}, "threads is -2"),
        ({"where": np.ones(3, bool)}, "3 flags, the index has 5 rows"),
        ({"where": np.ones(6, bool)}, "6 flags, the index has 5 rows"),
        ({"where": np.ones(5, int)}, "array of int64 with 1 dimensions; it must be one flag"),
        ({"where": np.ones((5, 1), bool)}, "array of bool with 2 dimensions"),
        ({"where": np.bool_(1)}, "array of bool with 0 dimensions"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    index = index_of(random_rows(5, 3))
    with pytest.raises(InvalidInputError, match=message):
        index.search(np.ones(3), **options)


def test_an_index_without_meaning_is_refused() -> None:
    for dim in (0, -3):
        with pytest.raises(InvalidInputError, match=f"dim is {dim}"):
            DenseIndex(dim)
    with pytest.raises(InvalidInputError, match='metric is "l2"; it must be "cosine" or "dot"'):
        DenseIndex(3, "l2")  # type: ignore[arg-type]


# Machines and threads

HASH_OF_SCORES = """
import hashlib, numpy as np
from tamis._core import simd_level
from tamis.dense import DenseIndex

digest = hashlib.sha256()
for dim in (1, 3, 15, 16, 17, 100, 384, 1000):
    rng = np.random.default_rng(dim)
    for metric in ("cosine", "dot"):
        index = DenseIndex(dim, metric)
        index.add(rng.normal(size=(1203, dim)) * 10.0 ** rng.integers(-9, 9, size=(1203, 1)))
        for precision in ("exact", "fast", "f32"):
            for part in index.search(rng.normal(size=(3, dim)), k=20, precision=precision):
                digest.update(part.tobytes())
print(simd_level(), digest.hexdigest())
"""


def test_every_instruction_set_gives_the_same_bits() -> None:
    def run(level: str) -> tuple[str, str]:
        output = subprocess.run(
            [sys.executable, "-c", HASH_OF_SCORES],
            env={**os.environ, "TAMIS_SIMD": level},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        used, digest = output.split()
        return used, digest

    used, expected = run("scalar")
    assert used == "scalar"
    assert expected != hashlib.sha256().hexdigest()
    for level in ("avx2", "avx512", "neon", ""):
        _, digest = run(level)  # a level that this processor lacks is its fastest
        assert digest == expected, level


def run_together(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_each_of_many_threads_learns_the_rows_that_it_added() -> None:
    index, rows = DenseIndex(8), random_rows(4, 8)
    added: list[tuple[int, range]] = []

    def work(own: int) -> None:
        mine = np.tile(rows[own], (3_000, 1))
        added.extend((own, index.add(mine)) for _ in range(150))

    run_together(*(partial(work, own) for own in range(4)))
    assert sorted(span.start for _, span in added) == list(range(0, 1_800_000, 3_000))
    for own, span in added[:: len(added) // 20]:
        where = np.zeros(len(index), dtype=bool)
        where[span.start : span.stop] = True
        assert index.search(rows[own], k=1, where=where)[0][0] > 0.999


def test_a_filter_that_rows_outrun_is_refused() -> None:
    index, rows = DenseIndex(8), random_rows(2_000, 8)
    unexpected: list[BaseException] = []
    done = threading.Event()

    def add() -> None:
        for _ in range(100):
            index.add(rows)
        done.set()

    def search() -> None:
        while not done.is_set():
            try:
                index.search(rows[0], k=5, where=np.ones(len(index), dtype=bool))
            except InvalidInputError:
                pass
            except BaseException as error:  # noqa: BLE001 (a panic is no Exception)
                unexpected.append(error)

    run_together(add, add, add, search, search)
    assert unexpected == []


def test_many_threads_search_while_one_adds() -> None:
    vectors = random_rows(4_000, 32)
    index = index_of(vectors[:1_000])
    expected = index.search(vectors[:4], k=1)
    done = threading.Event()
    failures: list[str] = []
    searches: list[int] = []

    def search() -> None:
        while not done.is_set():
            scores, rows = index.search(vectors[:4], k=5)
            if rows[:, 0].tolist() != [0, 1, 2, 3] or scores.shape != (4, 5):
                failures.append(f"{rows.tolist()} at {len(index)} rows")
            searches.append(len(index))

    readers = [threading.Thread(target=search) for _ in range(3)]
    for reader in readers:
        reader.start()
    for start in range(1_000, 4_000, 50):
        assert index.add(vectors[start : start + 50]) == range(start, start + 50)
    while len(searches) < 10:
        done.wait(0.01)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert_same(index.search(vectors[:4], k=1), expected)
    assert_same(index.search(vectors[:9], k=9), index_of(vectors).search(vectors[:9], k=9))
