"""Fused scores are those of the formulas, in one order, whatever the lists look like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import InvalidInputError
from tamis.fusion import DENSE_WEIGHT, fuse, hybrid, rrf
from tamis.types import IntArray

Fused = tuple[npt.NDArray[np.float64], IntArray]
Normalise = Literal["minmax", "zscore"]

IDS = st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5), unique=True, max_size=12)
#: Weights and scores of one magnitude; equal ones are common.
WEIGHTS = st.integers(0, 12).map(lambda quarters: quarters / 4)
SCORES = (st.integers(-5, 5) | st.integers(-4_000, 4_000)).map(lambda quarters: quarters / 4)


def assert_fused(fused: Fused, expected: dict[int, float]) -> None:
    """Compare scores by id, and check the order: score falling, equal scores by ascending id."""
    scores, ids = fused
    assert (str(scores.dtype), str(ids.dtype)) == ("float64", "int64")
    assert sorted(ids.tolist()) == sorted(expected)
    np.testing.assert_allclose(scores, [expected[id] for id in ids.tolist()], rtol=0, atol=1e-9)
    pairs = list(zip((-scores).tolist(), ids.tolist(), strict=True))
    assert pairs == sorted(pairs)


def rrf_reference(lists: Sequence[Sequence[int]], k: float, weights: Sequence[float]) -> Any:
    fused: dict[int, float] = {}
    for ids, weight in zip(lists, weights, strict=True):
        for rank, id in enumerate(ids, 1):
            fused[id] = fused.get(id, 0.0) + weight / (k + rank)
    return fused


def convex_reference(
    lists: Sequence[tuple[Sequence[float], Sequence[int]]],
    normalise: Normalise,
    weights: Sequence[float],
) -> dict[int, float]:
    fused = {id: 0.0 for _, ids in lists for id in ids}
    for (scores, ids), weight in zip(lists, weights, strict=True):
        scaled = [0.0] * len(scores)
        if normalise == "minmax" and scores:
            low, high = min(scores), max(scores)
            scaled = [1.0 if high == low else (s - low) / (high - low) for s in scores]
        elif normalise == "zscore" and len(set(scores)) > 1:
            scaled = ((np.array(scores) - np.mean(scores)) / np.std(scores)).tolist()
        absent = min(scaled, default=0.0) if normalise == "zscore" else 0.0
        own = dict(zip(ids, scaled, strict=True))
        for id in fused:
            fused[id] += weight / sum(weights) * own.get(id, absent)
    return fused


# Ranks


def test_rrf_by_hand() -> None:
    scores, ids = rrf([[7, 3], [3, 9]])
    assert ids.tolist() == [3, 7, 9]
    assert scores.tolist() == [1 / 62 + 1 / 61, 1 / 61, 1 / 62]
    # A hit that two lists rank fourth is above the best of one.
    assert rrf([[1, 2, 3, 9], [4, 5, 6, 9]])[1][0] == 9
    assert rrf([[1, 2, 3, 9], [4, 5, 6, 9]], k=0)[1].tolist()[:2] == [1, 4]


@given(
    lists=st.lists(st.tuples(IDS, WEIGHTS), max_size=5),
    k=st.sampled_from([0, 1, 60]) | st.floats(0, 1e6),
)
def test_rrf_is_the_formula(lists: list[tuple[list[int], float]], k: float) -> None:
    ids, weights = [ids for ids, _ in lists], [weight for _, weight in lists]
    assert_fused(rrf(ids, k, weights), rrf_reference(ids, k, weights))
    assert_fused(rrf(ids, k), rrf_reference(ids, k, [1.0] * len(ids)))


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", ">i4"]
)
def test_ids_are_of_any_integer_type(dtype: str) -> None:
    lists = [np.array([7, 3, 120], dtype), np.array([3, 9], dtype)]
    expected = rrf([[7, 3, 120], [3, 9]])
    fused = rrf(lists)
    assert fused[1].tolist() == expected[1].tolist()
    assert fused[0].tolist() == expected[0].tolist()
    strided = np.repeat(lists[0], 2)[::2]
    assert rrf([strided, (3, 9)])[1].tolist() == expected[1].tolist()


def test_ids_reach_from_the_least_to_the_largest_of_64_bits() -> None:
    ends = [2**63 - 1, -(2**63), 0]
    assert rrf([ends])[1].tolist() == ends
    assert rrf([np.array([2**63 - 1], np.uint64)])[1].tolist() == [2**63 - 1]


def test_equal_scores_are_ordered_by_id_and_the_order_of_lists_does_not_matter() -> None:
    lists = [[5, 1], [2, 8], [9, -3]]
    assert rrf(lists)[1].tolist() == [2, 5, 9, -3, 1, 8]
    assert rrf(lists[::-1])[1].tolist() == [2, 5, 9, -3, 1, 8]


@pytest.mark.parametrize("lists", [[], [[]], [[], []], [np.empty((0, 3))]])
def test_nothing_fuses_to_nothing(lists: Any) -> None:
    for scores, ids in (rrf(lists), fuse([(found, found) for found in lists])):
        assert (scores.shape, ids.shape) == ((0,), (0,))
        assert (str(scores.dtype), str(ids.dtype)) == ("float64", "int64")


def test_an_empty_list_adds_nothing() -> None:
    assert_fused(rrf([[], [4, 2]]), {4: 1 / 61, 2: 1 / 62})
    assert_fused(fuse([([], []), ([3.0, 1.0], [4, 2])]), {4: 0.5, 2: 0.0})
    assert_fused(hybrid(([], []), ([3.0, 1.0], [4, 2])), {4: DENSE_WEIGHT, 2: 0.0})


# Scores


def test_minmax_by_hand() -> None:
    lists = [([9.0, 6.0, 5.0], [1, 2, 3]), ([0.8, 0.6], [3, 4])]
    assert_fused(fuse(lists, weights=[2, 3]), {3: 0.6, 1: 0.4, 2: 0.1, 4: 0.0})
    assert_fused(fuse(lists), {3: 0.5, 1: 0.5, 2: 0.125, 4: 0.0})
    assert fuse(lists)[1].tolist() == [1, 3, 2, 4]


def test_zscore_by_hand() -> None:
    lists = [([3.0, 1.0], [1, 2]), ([5.0], [3])]
    # The only score of a list is its mean, 0; who is absent from the first list has its least.
    assert_fused(fuse(lists, normalise="zscore"), {1: 0.5, 2: -0.5, 3: -0.5})


@pytest.mark.parametrize("normalise", ["minmax", "zscore"])
@given(data=st.data())
def test_convex_is_the_formula(normalise: Normalise, data: st.DataObject) -> None:
    lists: list[tuple[list[float], list[int]]] = []
    for ids in data.draw(st.lists(IDS, min_size=1, max_size=4)):
        scores = data.draw(st.lists(SCORES, min_size=len(ids), max_size=len(ids)))
        lists.append((sorted(scores, reverse=True), ids))
    weights = data.draw(st.lists(WEIGHTS, min_size=len(lists), max_size=len(lists)))
    weights[0] += 1  # not all may be 0
    fused = fuse(lists, normalise=normalise, weights=weights)
    assert_fused(fused, convex_reference(lists, normalise, weights))
    equal = convex_reference(lists, normalise, [1.0] * len(lists))
    assert_fused(fuse(lists, normalise=normalise), equal)


@given(
    scores=st.lists(st.integers(-50, 50), min_size=2, max_size=12, unique=True),
    shift=st.integers(-100, 100),
    stretch=st.integers(1, 100),
)
def test_a_retrievers_scale_does_not_matter(scores: list[int], shift: int, stretch: int) -> None:
    ids, other = list(range(len(scores))), ([1.0, 0.2], [1, 99])
    for normalise in ("minmax", "zscore"):
        plain = fuse([(scores, ids), other], normalise=normalise)
        moved = fuse([(np.array(scores) * stretch + shift, ids), other], normalise=normalise)
        np.testing.assert_allclose(np.sort(moved[0]), np.sort(plain[0]), rtol=0, atol=1e-9)


def test_what_absence_is_worth_is_added_before_the_order() -> None:
    # The small parts vanish beside what absence from the second list is worth.
    lists = [([2.0, 1.0, 0.0], [9, 3, 5]), ([1.0, 0.0, 0.0], [7, 8, 6])]
    scores, ids = fuse(lists, normalise="zscore", weights=[1e-17, 1.0])
    pairs = list(zip((-scores).tolist(), ids.tolist(), strict=True))
    assert pairs == sorted(pairs)


@pytest.mark.parametrize("score", [0.1, 0.7, 1e-300, 1e300])
def test_scores_that_are_all_equal_have_no_deviation(score: float) -> None:
    assert_fused(fuse([([score] * 3, [1, 2, 3])], normalise="zscore"), {1: 0.0, 2: 0.0, 3: 0.0})


def test_what_overflows_is_refused() -> None:
    for normalise in ("minmax", "zscore"):
        with pytest.raises(InvalidInputError, match="range of a list's scores overflows"):
            fuse([([1e308, -1e308], [1, 2])], normalise=normalise)
    with pytest.raises(InvalidInputError, match="sum of the weights overflows"):
        fuse([([1.0], [1]), ([1.0], [2])], weights=[1e308, 1e308])


def test_fuse_by_ranks_is_rrf() -> None:
    lists = [([9.0, 6.0], [7, 3]), ([0.8, 0.6], [3, 9])]
    fused = fuse(lists, method="rrf", k=10, weights=[1, 2])
    expected = rrf([[7, 3], [3, 9]], 10, [1, 2])
    assert [part.tolist() for part in fused] == [part.tolist() for part in expected]


def test_hybrid_is_what_a_search_does() -> None:
    lexical, dense = ([12.0, 6.0, 3.0], [1, 2, 3]), ([0.9, 0.5], [3, 4])
    expected = {1: 1 - DENSE_WEIGHT, 2: (1 - DENSE_WEIGHT) / 3, 3: DENSE_WEIGHT, 4: 0.0}
    assert_fused(hybrid(lexical, dense), expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", ">f4"])
def test_scores_are_of_any_real_type(dtype: str) -> None:
    scores = np.array([9, 6, 5], dtype)
    assert_fused(fuse([(scores, np.array([1, 2, 3], np.int32))]), {1: 1.0, 2: 0.25, 3: 0.0})


def test_lists_may_come_from_an_iterator() -> None:
    expected = fuse([([2.0, 1.0], [1, 2]), ([3.0, 1.0], [2, 3])])
    fused = fuse(zip([[2.0, 1.0], [3.0, 1.0]], [[1, 2], [2, 3]], strict=True))  # type: ignore[arg-type]
    assert [part.tolist() for part in fused] == [part.tolist() for part in expected]
    assert rrf(iter([[1, 2], [2, 3]]))[1].tolist() == [2, 1, 3]  # type: ignore[arg-type]


# Bad input


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([3, 7, 3], "id 3 stands twice in one list"),
        ([1.0, 2.0], "list of ids is an array of float64 with 1 dimensions; .* integers"),
        ([True], "array of bool"),
        (["a"], "array of <U1"),
        ([None], "array of object"),
        ([[1, 2], [3, 4]], "array of int64 with 2 dimensions"),
        (5, "array of int64 with 0 dimensions"),
        ([2**63], f"id {2**63} is beyond the largest"),
        ([2**64], "array of object"),
        ([[1], [2, 3]], "list of ids is no array: .*inhomogeneous"),
    ],
)
def test_ids_without_meaning_are_refused(ids: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        rrf([[1], ids])
    for method in ("convex", "rrf"):
        with pytest.raises(InvalidInputError, match=message):
            fuse([([3.0, 2.0, 1.0], ids)], method=method)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0], "2 ids and 1 scores; it needs one score an id"),
        ([], "2 ids and 0 scores"),
        ([1.0, math.nan], "a score is NaN; only finite scores"),
        ([math.inf, 1.0], "a score is inf"),
        (["9", "8"], "list of scores is an array of <U1 .* real numbers"),
        ([9.0, None], "list of scores is an array of object"),
        ([1j, 2j], "list of scores is an array of complex128"),
        ([[9.0, 8.0]], "list of scores is an array of float64 with 2 dimensions"),
        ([[9.0], [8.0, 7.0]], "list of scores is no array: .*inhomogeneous"),
    ],
)
def test_scores_without_meaning_are_refused(scores: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        fuse([(scores, [1, 2])])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": -1}, "k is -1; it must be finite and at least 0"),
        ({"k": math.nan}, "k is NaN"),
        ({"k": math.inf}, "k is inf"),
        ({"weights": [1.0]}, "1 weights for 2 lists; give one weight a list"),
        ({"weights": []}, "0 weights for 2 lists"),
        ({"weights": [1.0, -0.5]}, "a weight is -0.5; weights are finite and at least 0"),
        ({"weights": [1.0, math.nan]}, "a weight is NaN"),
        ({"weights": [math.inf, 1.0]}, "a weight is inf"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        rrf([[1], [2]], **options)
    with pytest.raises(InvalidInputError, match=message):
        fuse([([1.0], [1]), ([1.0], [2])], method="rrf", **options)


def test_names_and_weights_without_meaning_are_refused() -> None:
    lists = [([1.0], [1])]
    with pytest.raises(InvalidInputError, match='method is \'sum\'; it must be "convex" or "rrf"'):
        fuse(lists, method="sum")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match='normalise is "l2"; it must be "minmax" or'):
        fuse(lists, normalise="l2")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="all weights are 0; at least one must be positive"):
        fuse(lists, weights=[0.0])
