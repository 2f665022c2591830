"""The measures give what their definitions give by hand, and what trec_eval gives on any run."""

from __future__ import annotations

import math
from typing import Any

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import InvalidInputError
from tamis.evaluation import Qrels, Run, evaluate

# Query q1 has three relevant documents: a (grade 2), b and c (grade 1); z is judged irrelevant.
# The run returns b first, a third and nothing else of them.
QRELS: Qrels = {"q1": {"a": 2, "b": 1, "c": 1, "z": 0}}
RUN: Run = {"q1": ["b", "x", "a", "z"]}


def value(measure: str, run: Run = RUN, qrels: Qrels = QRELS) -> float:
    return evaluate(run, qrels, [measure]).means[measure]


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        # gains 1, 0, 2: 1/log2(2) + 2/log2(4) = 1 + 1 = 2
        # ideal 2, 1, 1: 2/log2(2) + 1/log2(3) + 1/log2(4) = 2 + 0.63093 + 0.5 = 3.13093
        ("nDCG@3", 2 / (2 + 1 / math.log2(3) + 1 / 2)),
        # gain 1 over the ideal first place, 2
        ("nDCG@1", 1 / 2),
        # beyond the list: as nDCG@3, since fourth place and the rest gain nothing
        ("nDCG@100", 2 / (2 + 1 / math.log2(3) + 1 / 2)),
        ("nDCG", 2 / (2 + 1 / math.log2(3) + 1 / 2)),
        # 1 of 3 relevant documents, then 2 of 3
        ("recall@2", 1 / 3),
        ("recall@100", 2 / 3),
        # 2 of 3 places; 2 of 10, though only 4 were returned
        ("precision@3", 2 / 3),
        ("precision@10", 2 / 10),
        ("MRR", 1 / 1),
        ("MRR@10", 1 / 1),
        # precision 1/1 at b and 2/3 at a, over all 3 relevant documents
        ("MAP", (1 / 1 + 2 / 3) / 3),
        ("MAP@2", (1 / 1) / 3),
        ("hit_rate@1", 1.0),
    ],
)
def test_a_small_ranking_by_hand(measure: str, expected: float) -> None:
    assert value(measure) == pytest.approx(expected, abs=1e-12)


def test_the_first_relevant_document_in_third_place() -> None:
    run = {"q1": ["x", "z", "c"]}
    assert value("MRR", run) == pytest.approx(1 / 3)
    assert value("MRR@2", run) == 0.0
    assert value("hit_rate@2", run) == 0.0
    assert value("hit_rate@3", run) == 1.0


def test_a_query_that_the_run_misses_scores_zero_and_stays_in_the_mean() -> None:
    qrels = {"found": {"a": 1}, "missed": {"b": 1}, "empty": {"c": 1}}
    result = evaluate({"found": ["a"], "empty": [], "unjudged": ["a"]}, qrels, ["MRR"])
    assert result.per_query["MRR"] == {"found": 1.0, "missed": 0.0, "empty": 0.0}
    assert result.means["MRR"] == pytest.approx(1 / 3)
    assert (result.n_queries, result.n_missed) == (3, 2)


def test_a_query_without_a_relevant_document_scores_zero() -> None:
    qrels = {"q1": {"a": 0, "b": -1}}
    measures = ["nDCG@10", "recall@10", "precision@10", "MRR", "MAP", "hit_rate@10"]
    assert set(evaluate({"q1": ["a", "b"]}, qrels, measures).means.values()) == {0.0}


def test_the_default_measures() -> None:
    assert list(evaluate(RUN, QRELS).means) == ["nDCG@10", "recall@100", "MRR@10"]


@pytest.mark.parametrize(
    "measure",
    ["nDCG@", "nDCG@0", "ndcg@10", "recall", "precision", "MRR@-1", "MRR@1.5", "F1@3", ""],
)
def test_an_unknown_measure_names_the_known_ones(measure: str) -> None:
    with pytest.raises(InvalidInputError, match=r"unknown measure .* known are nDCG@k, MAP@k"):
        evaluate(RUN, QRELS, [measure])


def test_no_qrels_are_an_error() -> None:
    with pytest.raises(InvalidInputError, match="nothing to measure"):
        evaluate(RUN, {})


def test_a_document_twice_in_one_ranking_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match="'a' occurs more than once"):
        evaluate({"q1": ["a", "b", "a"]}, QRELS)


ORACLE = {
    "nDCG": ir_measures.nDCG,
    "nDCG@1": ir_measures.nDCG @ 1,
    "nDCG@5": ir_measures.nDCG @ 5,
    "nDCG@20": ir_measures.nDCG @ 20,
    "recall@5": ir_measures.R @ 5,
    "recall@20": ir_measures.R @ 20,
    "precision@5": ir_measures.P @ 5,
    "precision@20": ir_measures.P @ 20,
    "MRR": ir_measures.RR,
    "MAP": ir_measures.AP,
    "MAP@5": ir_measures.AP @ 5,
    "hit_rate@5": ir_measures.Success @ 5,
}

# Few documents, so that judged and returned ones overlap; returned ones reach beyond the judged.
queries = st.integers(0, 5).map("q{}".format)
documents = st.integers(0, 14).map("d{}".format)
qrels_of_trec = st.dictionaries(
    queries, st.dictionaries(documents, st.integers(0, 3), min_size=1, max_size=12), min_size=1
)
scores = st.integers(-8, 8).map(lambda n: n / 4)  # exact in single precision, with many ties
scored_runs = st.dictionaries(queries, st.dictionaries(documents, scores, min_size=1), min_size=1)


def assert_as_oracle(run: Run, scores: Run, qrels: Qrels, measures: dict[str, Any]) -> None:
    """Check a run against what ir_measures gives for the same run as scores."""
    result = evaluate(run, qrels, list(measures))
    names = {measure: name for name, measure in measures.items()}
    expected: dict[str, dict[str, float]] = {name: {} for name in measures}
    for metric in ir_measures.iter_calc(list(names), qrels, scores):
        expected[names[metric.measure]][metric.query_id] = metric.value
    for measure, values in result.per_query.items():
        assert values == pytest.approx(expected[measure], abs=1e-9), measure


@settings(max_examples=200)
@given(run=scored_runs, qrels=qrels_of_trec)
def test_scored_runs_measure_as_in_trec_eval(
    run: dict[str, dict[str, float]], qrels: dict[str, dict[str, int]]
) -> None:
    assert_as_oracle(run, run, qrels, ORACLE)


@settings(max_examples=100)
@given(
    run=st.dictionaries(queries, st.lists(documents, unique=True, min_size=1), min_size=1),
    qrels=qrels_of_trec,
)
def test_rankings_measure_as_in_trec_eval(
    run: dict[str, list[str]], qrels: dict[str, dict[str, int]]
) -> None:
    falling = {
        query: {document: -float(place) for place, document in enumerate(ranking)}
        for query, ranking in run.items()
    }
    # A cutoff of MRR is unknown to trec_eval; what ir_measures takes instead breaks ties its
    # own way, so it is an oracle only here, where there are none.
    assert_as_oracle(run, falling, qrels, ORACLE | {"MRR@3": ir_measures.RR @ 3})
