"""Measures of a ranking, by the definitions of trec_eval.

Each measure sees one query as two lists of grades: those of the documents returned, best place
first, and the positive ones among the judgments, highest first. A grade of at least 1 means
relevant; a document without a judgment has grade 0, and so has one with a negative grade.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tamis.errors import InvalidInputError
from tamis.evaluation.qrels import Qrels
from tamis.evaluation.runs import Run, ranking


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of one run.

    Attributes
    ----------
    means : dict
        Measure -> its mean over all queries of the qrels, 0 to 1, higher is better.
    per_query : dict
        Measure -> query id -> value, in the order of the qrels.
    n_queries : int
        Over how many queries the means are taken.
    n_missed : int
        For how many of them the run returned nothing; each of these scores 0.
    """

    means: dict[str, float]
    per_query: dict[str, dict[str, float]]
    n_queries: int
    n_missed: int


def evaluate(
    run: Run,
    qrels: Qrels,
    measures: Sequence[str] = ("nDCG@10", "recall@100", "MRR@10"),
) -> Evaluation:
    """Measure a run against judgments.

    Parameters
    ----------
    run : mapping
        Query id -> ranked document ids, best first, or document id -> score. A ranking keeps
        its order; scores are sorted as trec_eval sorts them, ties by falling id (see
        `tamis.evaluation.ranking`). Queries without judgments are ignored.
    qrels : mapping
        Query id -> document id -> grade. All its queries are in the means: one that the run
        misses scores 0, and so does one without a relevant document (which
        `tamis.evaluation.load` leaves out).
    measures : sequence of str
        Any of ``nDCG``, ``MAP`` and ``MRR``, over the whole ranking or cut off as in
        ``nDCG@10``, and ``recall@k``, ``precision@k`` and ``hit_rate@k``:

        - nDCG: the grades, each divided by log2(1 + rank), summed; divided by the sum of the
          ideal ranking, cut off at the same rank.
        - recall: the share of the relevant documents that is among the first k.
        - precision: the share of k places that holds a relevant document, also where fewer
          than k were returned.
        - MRR: 1 / rank of the first relevant document.
        - MAP: the precision at each relevant document returned, summed; divided by the number
          of all relevant documents.
        - hit_rate: 1 where a relevant document is among the first k (trec_eval's success).

    Returns
    -------
    Evaluation
        Keyed by the measures as they were written.

    Raises
    ------
    InvalidInputError
        If a measure is unknown, there are no qrels, or the results of a query are no ranking:
        an id that is no string or occurs twice, a score that is not finite.

    Examples
    --------
    >>> qrels = {"q1": {"a": 2, "b": 1}, "q2": {"c": 1}}
    >>> result = evaluate({"q1": ["b", "x", "a"]}, qrels, ["recall@3", "MRR@3"])
    >>> result.means  # q2 was missed: it scores 0
    {'recall@3': 0.5, 'MRR@3': 0.5}
    """
    if not qrels:
        raise InvalidInputError("the qrels hold no query, so there is nothing to measure")
    scorers = {measure: _parse(measure) for measure in measures}
    per_query: dict[str, dict[str, float]] = {measure: {} for measure in scorers}
    n_missed = 0
    for query, judged in qrels.items():
        returned = [max(judged.get(document, 0), 0) for document in ranking(run.get(query, ()))]
        relevant = sorted((grade for grade in judged.values() if grade > 0), reverse=True)
        n_missed += not returned
        for measure, (score, cutoff) in scorers.items():
            per_query[measure][query] = score(returned[:cutoff], relevant, cutoff)
    return Evaluation(
        means={
            measure: math.fsum(values.values()) / len(qrels)
            for measure, values in per_query.items()
        },
        per_query=per_query,
        n_queries=len(qrels),
        n_missed=n_missed,
    )


#: Takes the grades of the documents returned (cut off), the positive grades of the judgments
#: (highest first) and the cutoff; gives the value of one query.
_Scorer: TypeAlias = Callable[[list[int], list[int], int], float]

_WHOLE_RANKING = sys.maxsize


def _ndcg(returned: list[int], relevant: list[int], cutoff: int) -> float:
    return _dcg(returned) / _dcg(relevant[:cutoff]) if relevant else 0.0


def _dcg(grades: list[int]) -> float:
    return math.fsum(grade / math.log2(1 + rank) for rank, grade in enumerate(grades, start=1))


def _recall(returned: list[int], relevant: list[int], _cutoff: int) -> float:
    return _n_relevant(returned) / len(relevant) if relevant else 0.0


def _precision(returned: list[int], _relevant: list[int], cutoff: int) -> float:
    return _n_relevant(returned) / cutoff


def _n_relevant(grades: list[int]) -> int:
    return sum(grade > 0 for grade in grades)


def _reciprocal_rank(returned: list[int], _relevant: list[int], _cutoff: int) -> float:
    return next((1 / rank for rank, grade in enumerate(returned, start=1) if grade > 0), 0.0)


def _average_precision(returned: list[int], relevant: list[int], _cutoff: int) -> float:
    ranks = [rank for rank, grade in enumerate(returned, start=1) if grade > 0]
    precisions = (n / rank for n, rank in enumerate(ranks, start=1))
    return math.fsum(precisions) / len(relevant) if relevant else 0.0


def _hit_rate(returned: list[int], _relevant: list[int], _cutoff: int) -> float:
    return float(_n_relevant(returned) > 0)


_WITH_OR_WITHOUT_CUTOFF: dict[str, _Scorer] = {
    "nDCG": _ndcg,
    "MAP": _average_precision,
    "MRR": _reciprocal_rank,
}
_WITH_CUTOFF: dict[str, _Scorer] = {
    "recall": _recall,
    "precision": _precision,
    "hit_rate": _hit_rate,
}
_SCORERS = _WITH_OR_WITHOUT_CUTOFF | _WITH_CUTOFF


def _parse(measure: str) -> tuple[_Scorer, int]:
    """Return the scorer and the cutoff that a name such as ``"nDCG@10"`` asks for."""
    match = re.fullmatch(r"(?P<name>\w+)@(?P<cutoff>[1-9][0-9]*)", measure)
    if match and match["name"] in _SCORERS:
        return _SCORERS[match["name"]], int(match["cutoff"])
    if measure in _WITH_OR_WITHOUT_CUTOFF:
        return _WITH_OR_WITHOUT_CUTOFF[measure], _WHOLE_RANKING
    known = [f"{name}@k" for name in _SCORERS] + list(_WITH_OR_WITHOUT_CUTOFF)
    raise InvalidInputError(
        f"unknown measure {measure!r}; known are {', '.join(known)}, with k a whole number from "
        "1 on and upper and lower case as written here"
    )
