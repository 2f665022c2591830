"""Is one run better than another? Both are measured on the same queries, so compare them paired.

Queries differ far more in difficulty than two runs differ on one query, so the difference is
taken per query first. The interval of its mean comes from the percentile bootstrap: queries are
drawn again with replacement, many times, and the middle 95% of the means is kept (Efron and
Tibshirani, An Introduction to the Bootstrap, chapter 13).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidInputError
from tamis.evaluation.measures import Evaluation

_N_RESAMPLES = 10_000
_QUANTILES = (0.025, 0.975)
_DRAWS_AT_ONCE = 1 << 20  # bounds the memory of a batch of resamples to some 16 MB


@dataclass(frozen=True, slots=True)
class Comparison:
    """The change of one measure from a run to another.

    Attributes
    ----------
    measure : str
        As `tamis.evaluate` was asked for it.
    difference : float
        Mean of the second run less mean of the first; above 0 the second is better.
    low, high : float
        The 95% interval of that difference over queries like these. With few queries it is
        too narrow rather than too wide; with a single one it has no width.
    differences : dict
        Query id -> value of the second run less value of the first, the worst loss first;
        equal differences by query id.
    """

    measure: str
    difference: float
    low: float
    high: float
    differences: dict[str, float]

    @property
    def is_significant(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def compare(before: Evaluation, after: Evaluation, measure: str, *, seed: int = 0) -> Comparison:
    """Compare two evaluations of the same queries by a paired bootstrap.

    Parameters
    ----------
    before, after : Evaluation
        Both over the same qrels and with this measure.
    measure : str
        For example ``"nDCG@10"``.
    seed : int
        Of the 10,000 resamples. The same seed gives the same interval, whatever the order of
        the queries.

    Returns
    -------
    Comparison
        The mean difference, its interval, and the difference of each query.

    Raises
    ------
    InvalidInputError
        If an evaluation lacks the measure, or the two have different queries.
    """
    first, second = _values(before, measure, "first"), _values(after, measure, "second")
    if first.keys() != second.keys():
        raise InvalidInputError(
            "the two evaluations have different queries, so they cannot be paired: "
            f"{_named(first.keys() - second.keys())} only in the first, "
            f"{_named(second.keys() - first.keys())} only in the second; evaluate both runs "
            "against the same qrels"
        )
    differences = {query: second[query] - first[query] for query in sorted(first)}
    low, high = np.quantile(
        _resampled_means(np.fromiter(differences.values(), np.float64), seed), _QUANTILES
    )
    return Comparison(
        measure=measure,
        difference=math.fsum(differences.values()) / len(differences),
        low=float(low),
        high=float(high),
        differences=dict(sorted(differences.items(), key=lambda item: item[1])),
    )


def _values(evaluation: Evaluation, measure: str, which: str) -> dict[str, float]:
    try:
        return evaluation.per_query[measure]
    except KeyError:
        raise InvalidInputError(
            f"the {which} evaluation lacks {measure!r}; it has {', '.join(evaluation.per_query)}"
        ) from None


def _named(queries: set[str]) -> str:
    examples = ", ".join(map(repr, sorted(queries)[:3]))
    return f"{len(queries)} ({examples})" if queries else "none"


def _resampled_means(values: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    """Return the means of 10,000 samples, each drawn from the values with replacement."""
    random = np.random.default_rng(seed)
    n_at_once = max(1, _DRAWS_AT_ONCE // len(values))
    means = np.empty(_N_RESAMPLES)
    for start in range(0, _N_RESAMPLES, n_at_once):
        batch = means[start : start + n_at_once]
        rows = random.integers(len(values), size=(len(batch), len(values)))
        batch[:] = values[rows].mean(axis=1)
    return means
