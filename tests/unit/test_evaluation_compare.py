"""Two evaluations are compared query by query, with an interval that covers as it says."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.errors import InvalidInputError
from tamis.evaluation import Evaluation, compare


def evaluation(values: dict[str, float], measure: str = "MRR") -> Evaluation:
    mean = sum(values.values()) / len(values)
    return Evaluation({measure: mean}, {measure: values}, len(values), 0)


def test_the_differences_are_paired_and_the_worst_loss_comes_first() -> None:
    before = evaluation({"q1": 0.5, "q2": 1.0, "q3": 0.25, "q4": 0.5})
    after = evaluation({"q2": 0.5, "q1": 0.5, "q3": 1.0, "q4": 0.5})
    comparison = compare(before, after, "MRR")
    assert list(comparison.differences.items()) == [
        ("q2", -0.5), ("q1", 0.0), ("q4", 0.0), ("q3", 0.75)
    ]  # fmt: skip
    assert comparison.difference == 0.25 / 4
    assert comparison.low < 0 < comparison.high
    assert not comparison.is_significant


def test_a_constant_gain_has_no_width_and_its_reverse_is_a_loss() -> None:
    worse = evaluation({f"q{n}": 0.25 for n in range(10)})
    better = evaluation({f"q{n}": 0.5 for n in range(10)})
    gain, loss = compare(worse, better, "MRR"), compare(better, worse, "MRR")
    assert (gain.difference, gain.low, gain.high) == (0.25, 0.25, 0.25)
    assert (loss.difference, loss.low, loss.high) == (-0.25, -0.25, -0.25)
    assert gain.is_significant
    assert loss.is_significant


def test_the_seed_decides_and_the_order_of_the_queries_does_not() -> None:
    values = np.random.default_rng(1).random((2, 40))
    before, after = (
        evaluation({f"q{n}": float(value) for n, value in enumerate(row)}) for row in values
    )
    shuffled = evaluation(dict(reversed(after.per_query["MRR"].items())))
    first = compare(before, after, "MRR", seed=7)
    assert compare(before, shuffled, "MRR", seed=7) == first
    assert compare(before, after, "MRR", seed=8).low != first.low


def test_the_interval_is_that_of_the_normal_approximation_on_many_queries() -> None:
    changes = np.random.default_rng(2).normal(0.01, 0.2, 2_000)
    before = evaluation({f"q{n}": 0.0 for n in range(2_000)})
    after = evaluation({f"q{n}": float(change) for n, change in enumerate(changes)})
    comparison = compare(before, after, "MRR")
    half_width = 1.96 * changes.std() / np.sqrt(2_000)
    assert comparison.low == pytest.approx(changes.mean() - half_width, abs=0.0005)
    assert comparison.high == pytest.approx(changes.mean() + half_width, abs=0.0005)


def test_the_interval_covers_the_true_difference_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)
    zeros = evaluation({f"q{n}": 0.0 for n in range(60)})
    covered = 0
    for _ in range(100):
        changes = random.uniform(-0.4, 0.6, 60)  # mean 0.1
        after = evaluation({f"q{n}": float(change) for n, change in enumerate(changes)})
        comparison = compare(zeros, after, "MRR")
        covered += comparison.low <= 0.1 <= comparison.high
    assert 88 <= covered <= 100


def test_different_queries_are_an_error() -> None:
    before = evaluation({"q1": 1.0, "q2": 1.0})
    after = evaluation({"q2": 1.0, "q3": 1.0, "q4": 1.0})
    with pytest.raises(
        InvalidInputError,
        match=r"1 \('q1'\) only in the first, 2 \('q3', 'q4'\) only in the second",
    ):
        compare(before, after, "MRR")


def test_a_measure_that_was_not_taken_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match="the second evaluation lacks 'MRR'; it has MAP"):
        compare(evaluation({"q1": 1.0}), evaluation({"q1": 1.0}, "MAP"), "MRR")
