"""A search keeps every score, orders by the last stage, and says what fell short."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import _core
from tamis.dense import DenseIndex
from tamis.errors import InvalidInputError
from tamis.fusion import hybrid
from tamis.lexical import Analyzer, BM25Index
from tamis.retrieval import Pipeline, Ranked, Report, Results, Stage, confidence
from tamis.types import Chunk, Context, FloatArray, Hit, TokenCounter
from tests.fakes import OverlapReranker, WordEncoder

QUERY = "how many days until the deposit is paid back"

VOCABULARY = [*QUERY.split(), "boat", "pilot", "rope", "anchor", "tide", "mast", "buoy", "quay"]


def texts_of(count: int) -> list[str]:
    """Return texts of five words, some of them the query's."""
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(VOCABULARY, size=5)) for _ in range(count)]


TEXTS = texts_of(250)


def snapshot_of(path: Path, texts: Sequence[str], *, dim: int | None) -> _core.Snapshot:
    """Index texts, one document of one chunk each, in order."""
    _core.create(path, dim, "default", "lucene", 1.2, 0.75, [("text", 1)], "{}")
    writer = _core.Writer.open(_core.Snapshot.open(path, None))
    for text in texts:
        vectors = None if dim is None else WordEncoder().encode([text])
        writer.add(0, b"{}", [], text, [(0, text.encode(), [text])], vectors)
    return writer.commit("{}")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> _core.Snapshot:
    return snapshot_of(tmp_path_factory.mktemp("index"), TEXTS, dim=WordEncoder.dim)


def pipeline_of(
    snapshot: _core.Snapshot,
    encoder: WordEncoder | None = None,
    reranker: OverlapReranker | None = None,
) -> Pipeline:
    return Pipeline(
        snapshot, Analyzer(), encoder, reranker, lambda row: snapshot.chunk(row).decode()
    )


def whole(snapshot: _core.Snapshot) -> Pipeline:
    return pipeline_of(snapshot, WordEncoder(), OverlapReranker())


class Stops(OverlapReranker):
    """Comes to the deadline after so many passages, whatever the clock says."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after
        self.deadlines: list[float | None] = []

    def rerank(
        self, query: str, passages: Sequence[str], *, deadline: float | None = None
    ) -> FloatArray:
        self.deadlines.append(deadline)
        logits = super().rerank(query, passages)
        logits[self.after :] = np.nan
        return logits


def rows_of(ranked: list[Ranked]) -> list[int]:
    return [found.row for found in ranked]


def stages_of(report: Report) -> list[tuple[str, int]]:
    return [(stage.name, stage.candidates) for stage in report.stages]


# Scores and order


def test_every_stage_can_be_computed_again(snapshot: _core.Snapshot) -> None:
    lexical, dense = BM25Index(), DenseIndex(WordEncoder.dim)
    lexical.add(TEXTS)
    dense.add(WordEncoder().encode(TEXTS))
    bm25, bm25_rows = lexical.search(QUERY, k=100)
    cosine, cosine_rows = dense.search(WordEncoder().encode([QUERY])[0], k=100)
    fused, fused_rows = hybrid((bm25, bm25_rows), (cosine, cosine_rows))
    logits = OverlapReranker().rerank(QUERY, [TEXTS[row] for row in fused_rows[:20]])

    ranked, report = whole(snapshot).run(QUERY, k=20)
    expected = {
        "bm25": dict(zip(bm25_rows.tolist(), bm25.tolist(), strict=True)),
        "cosine": dict(zip(cosine_rows.tolist(), cosine.tolist(), strict=True)),
        "fused": dict(zip(fused_rows.tolist(), fused.tolist(), strict=True)),
        "logit": dict(zip(fused_rows[:20].tolist(), logits.tolist(), strict=True)),
    }
    for found in ranked:
        assert found.stage == "logit"
        assert found.scores == {
            name: scores[found.row] for name, scores in expected.items() if found.row in scores
        }
    # By logit; equal ones keep their fused order.
    order = sorted(fused_rows[:20].tolist(), key=lambda row: -expected["logit"][row])
    assert rows_of(ranked) == order
    assert len(set(logits.tolist())) < 20
    assert stages_of(report) == [
        ("lexical", 100),
        ("encode", 1),
        ("dense", 100),
        ("fuse", len(fused_rows)),
        ("rerank", 20),
    ]
    assert report.terms == tuple(Analyzer().terms(QUERY))
    assert (report.version, report.degraded) == (1, ())
    assert report.ms == pytest.approx(sum(stage.ms for stage in report.stages))
    assert json.loads(json.dumps(report.to_dict()))["stages"][0]["name"] == "lexical"


@pytest.mark.parametrize(
    ("mode", "stage", "stages"),
    [("lexical", "bm25", ["lexical"]), ("dense", "cosine", ["encode", "dense"])],
)
def test_a_single_retriever_keeps_its_order_and_has_no_fused_score(
    snapshot: _core.Snapshot, mode: Any, stage: str, stages: list[str]
) -> None:
    encoder = WordEncoder()
    search = pipeline_of(snapshot, encoder, OverlapReranker())
    ranked, report = search.run(QUERY, k=30, mode=mode, rerank=False)
    assert [name for name, _ in stages_of(report)] == stages
    assert {found.stage for found in ranked} == {stage}
    assert all(list(found.scores) == [stage] for found in ranked)
    order = [(-found.scores[stage], found.row) for found in ranked]
    assert order == sorted(order)
    assert bool(report.terms) == (mode == "lexical")
    assert encoder.encoded == ([QUERY] if mode == "dense" else [])

    reranked, report = search.run(QUERY, k=20, mode=mode)
    assert stages_of(report)[-1] == ("rerank", 20)
    assert {frozenset(found.scores) for found in reranked} == {frozenset([stage, "logit"])}


def test_without_the_reranker_the_fused_order_stands(snapshot: _core.Snapshot) -> None:
    encoder = WordEncoder()
    without, report = pipeline_of(snapshot, encoder).run(QUERY, k=250)
    switched_off, _ = whole(snapshot).run(QUERY, k=250, rerank=False)
    assert without == switched_off
    fused = [found for found in without if found.stage == "fused"]
    order = [(-found.scores["fused"], found.row) for found in fused]
    assert order == sorted(order)
    # Behind the candidates of both: what only the vectors found, in their order.
    rest = without[len(fused) :]
    assert {found.stage for found in rest} == {"cosine"}
    cosines = [-found.scores["cosine"] for found in rest]
    assert cosines == sorted(cosines)
    assert report.degraded == ()
    assert "rerank" not in dict(stages_of(report))


@pytest.mark.parametrize("k", [1, 20, 60])
def test_the_reranker_reads_the_best_20_whatever_is_asked_for(
    snapshot: _core.Snapshot, k: int
) -> None:
    reranker = OverlapReranker()
    ranked, report = pipeline_of(snapshot, WordEncoder(), reranker).run(QUERY, k=k)
    fused, _ = pipeline_of(snapshot, WordEncoder()).run(QUERY, k=20)
    assert reranker.read == [TEXTS[found.row] for found in fused]
    assert stages_of(report)[-1] == ("rerank", 20)
    assert [found.stage for found in ranked] == ["logit"] * min(k, 20) + ["fused"] * (k - 20)


def test_more_results_than_candidates_ask_for_more_candidates(snapshot: _core.Snapshot) -> None:
    ranked, report = pipeline_of(snapshot, WordEncoder()).run(QUERY, k=10_000)
    assert sorted(rows_of(ranked)) == list(range(250))
    assert dict(stages_of(report))["dense"] == 250


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
@pytest.mark.parametrize("rerank", [True, False])
def test_fewer_results_are_the_beginning_of_more(
    snapshot: _core.Snapshot, mode: Any, rerank: bool
) -> None:
    search = whole(snapshot)
    longest, _ = search.run(QUERY, k=20, mode=mode, rerank=rerank)
    for k in (1, 2, 5, 10, 19):
        ranked, _ = search.run(QUERY, k=k, mode=mode, rerank=rerank)
        assert ranked == longest[:k]


# What falls short


def test_a_deadline_leaves_the_rest_in_fused_order_below(snapshot: _core.Snapshot) -> None:
    fused, _ = pipeline_of(snapshot, WordEncoder()).run(QUERY, k=40)
    reranker = Stops(after=6)
    ranked, report = pipeline_of(snapshot, WordEncoder(), reranker).run(QUERY, k=15, deadline=60)
    assert sorted(rows_of(ranked[:6])) == sorted(rows_of(fused[:6]))
    assert ranked[6:] == fused[6:15]
    assert [found.stage for found in ranked] == ["logit"] * 6 + ["fused"] * 9
    logits = [found.scores["logit"] for found in ranked[:6]]
    assert logits == sorted(logits, reverse=True)
    assert stages_of(report)[-1] == ("rerank", 6)
    [reason] = report.degraded
    assert "deadline" in reason
    assert "the deadline came: 6 of 20 candidates" in reason
    [left] = reranker.deadlines
    assert left is not None
    assert 0 < left < 60  # what the other stages took is gone


def test_a_deadline_that_is_over_leaves_the_fused_order(snapshot: _core.Snapshot) -> None:
    fused, _ = pipeline_of(snapshot, WordEncoder()).run(QUERY, k=20)
    ranked, report = whole(snapshot).run(QUERY, k=20, deadline=1e-9)
    assert ranked == fused
    assert "the deadline came: 0 of 20 candidates" in report.degraded[0]


def test_a_slow_reranker_is_stopped_by_the_clock(snapshot: _core.Snapshot) -> None:
    reranker = OverlapReranker(seconds=0.1)
    start = time.monotonic()
    ranked, report = pipeline_of(snapshot, WordEncoder(), reranker).run(QUERY, k=100, deadline=0.2)
    assert time.monotonic() - start < 1.5  # all 20 would take 2 seconds
    assert len(reranker.read) <= 2
    assert len(ranked) == 100
    assert f"the deadline came: {len(reranker.read)} of 20 candidates" in report.degraded[0]


def test_no_deadline_is_no_deadline(snapshot: _core.Snapshot) -> None:
    reranker = Stops(after=100)
    _, report = pipeline_of(snapshot, WordEncoder(), reranker).run(QUERY, k=5)
    assert reranker.deadlines == [None]
    assert report.degraded == ()


@pytest.mark.parametrize("query", ["Übersee", "?!", "zzz qqq"])
def test_a_query_of_unknown_words_says_that_the_words_found_nothing(
    snapshot: _core.Snapshot, query: str
) -> None:
    ranked, report = whole(snapshot).run(query, k=3)
    assert len(ranked) == 3
    assert all("bm25" not in found.scores for found in ranked)
    [reason] = report.degraded
    assert "no chunk holds a term of the query" in reason
    assert dict(stages_of(report))["lexical"] == 0

    reranker = OverlapReranker()
    nothing, report = pipeline_of(snapshot, None, reranker).run(query, k=3, mode="lexical")
    assert (nothing, reranker.read) == ([], [])
    assert len(report.degraded) == 1


def test_vectors_without_an_encoder_are_not_searched_and_it_is_said(
    snapshot: _core.Snapshot,
) -> None:
    ranked, report = pipeline_of(snapshot, None, OverlapReranker()).run(QUERY, k=5)
    assert [name for name, _ in stages_of(report)] == ["lexical", "rerank"]
    assert report.degraded == ("opened without an encoder: the dense search did not run",)
    lexical, report = pipeline_of(snapshot, None, OverlapReranker()).run(QUERY, k=5, mode="lexical")
    assert lexical == ranked
    assert report.degraded == ()  # it was asked for


def test_a_query_longer_than_the_encoder_reads_says_so(snapshot: _core.Snapshot) -> None:
    tokens = len(QUERY.split())
    for limit in (tokens - 1, tokens):
        search = pipeline_of(snapshot, WordEncoder(max_tokens=limit))
        _, report = search.run(QUERY, k=5, mode="dense")
        reason = f"the query is longer than the encoder reads, {limit} tokens: the rest was cut off"
        assert report.degraded == ((reason,) if limit < tokens else ())


@pytest.mark.parametrize("dim", [None, WordEncoder.dim])
def test_an_empty_index_finds_nothing_and_nothing_is_wrong(tmp_path: Path, dim: int | None) -> None:
    encoder, reranker = WordEncoder(), OverlapReranker()
    search = pipeline_of(snapshot_of(tmp_path / "x", [], dim=dim), encoder, reranker)
    ranked, report = search.run(QUERY, k=5)
    assert ranked == []
    assert report.degraded == ()
    assert reranker.read == []


def test_an_index_without_vectors_is_searched_by_words(tmp_path: Path) -> None:
    encoder = WordEncoder()
    search = pipeline_of(snapshot_of(tmp_path / "x", TEXTS[:30], dim=None), encoder)
    ranked, report = search.run(QUERY, k=5)
    assert {found.stage for found in ranked} == {"bm25"}
    assert report.degraded == ()
    assert encoder.encoded == []
    with pytest.raises(InvalidInputError, match="this index was made without an encoder"):
        search.run(QUERY, k=5, mode="dense")


# Bad input


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("", {}, "the query is empty"),
        (" \n\t", {}, "the query is empty"),
        (QUERY, {"k": 0}, "k is 0; ask for at least 1"),
        (QUERY, {"k": -3}, "k is -3"),
        (QUERY, {"mode": "sparse"}, 'mode is \'sparse\'; it must be "hybrid", "dense" or'),
        (QUERY, {"deadline": 0}, "deadline is 0; it is a number of seconds above 0"),
        (QUERY, {"deadline": -1.5}, "deadline is -1.5"),
        (QUERY, {"deadline": math.nan}, "deadline is nan"),
    ],
)
def test_queries_without_meaning_are_refused(
    snapshot: _core.Snapshot, query: str, options: dict[str, Any], message: str
) -> None:
    encoder = WordEncoder()
    with pytest.raises(InvalidInputError, match=message):
        pipeline_of(snapshot, encoder).run(query, **{"k": 5, **options})
    assert encoder.encoded == []


def test_the_dense_mode_needs_an_encoder(snapshot: _core.Snapshot) -> None:
    with pytest.raises(InvalidInputError, match="needs an encoder; open the index with one"):
        pipeline_of(snapshot).run(QUERY, k=5, mode="dense")


# Confidence


def test_confidence_is_the_logistic_of_the_best_logit() -> None:
    assert confidence([]) is None
    assert confidence([0.0]) == 0.5
    assert confidence([-3.0, math.log(3), -9.0]) == pytest.approx(0.75)
    assert confidence(iter([-math.log(3)])) == pytest.approx(0.25)
    assert confidence([1e5]) == 1.0
    assert confidence([-1e5]) == 0.0


@given(st.lists(st.floats(-1e4, 1e4), min_size=1), st.floats(-1e4, 1e4))
def test_another_passage_never_lowers_the_confidence(logits: list[float], more: float) -> None:
    before, after = confidence(logits), confidence([*logits, more])
    assert before is not None
    assert after is not None
    assert 0.0 <= before <= after <= 1.0


# Results


def results_of(count: int, calls: list[tuple[Any, ...]]) -> Results:
    def assemble(
        results: Results, most: int, least: float, count_tokens: TokenCounter | None
    ) -> Context:
        calls.append((results, most, least, count_tokens))
        return Context("", (), 0, None, False, "nothing was found")

    hits = tuple(
        Hit(
            Chunk(f"c{i}", "a.md", "text", i, i + 4, ("Head",)),
            score=1.0 / (i + 1),
            stage="fused",
            rank=i + 1,
            scores={"bm25": 3.5, "fused": 1.0 / (i + 1)},
            metadata={"team": "legal"},
        )
        for i in range(count)
    )
    report = Report(7, (Stage("lexical", 3, 0.25), Stage("fuse", 3, 0.5)), ("a",), ())
    return Results("what?", hits, 0.25, report, assemble)


def test_results_are_a_sequence_of_hits() -> None:
    results = results_of(3, [])
    assert (len(results), bool(results), bool(results_of(0, []))) == (3, True, False)
    assert [hit.rank for hit in results] == [1, 2, 3]
    assert results[0] is results.hits[0]
    assert results[-1].rank == 3
    assert [hit.rank for hit in results[1:]] == [2, 3]
    assert results[1] in results
    assert repr(results) == "<Results: 3 hits for 'what?', confidence 0.25>"
    assert results.report.ms == 0.75
    with pytest.raises(IndexError):
        results[3]


def test_results_are_json_too() -> None:
    value = json.loads(json.dumps(results_of(2, []).to_dict()))
    assert (value["query"], value["confidence"], value["report"]["version"]) == ("what?", 0.25, 7)
    assert value["hits"][1] == {
        "rank": 2,
        "score": 0.5,
        "stage": "fused",
        "scores": {"bm25": 3.5, "fused": 0.5},
        "citation": "a.md § Head, chars 1-5",
        "document_id": "a.md",
        "span": [1, 5],
        "headings": ["Head"],
        "text": "text",
        "title": "",
        "source": "",
        "metadata": {"team": "legal"},
        "offsets": [],
        "version": "",
        "status": "current",
        "superseded_by": "",
    }


def test_a_context_is_made_with_what_was_asked_for() -> None:
    calls: list[tuple[Any, ...]] = []
    results = results_of(1, calls)

    def count(texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    results.context()
    results.context(300, min_confidence=0.9, count_tokens=count)
    assert calls == [(results, 2000, 0.5, None), (results, 300, 0.9, count)]
