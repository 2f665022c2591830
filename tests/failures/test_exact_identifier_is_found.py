"""Vectors hardly see digits: six error codes look alike to them. Words tell them apart."""

from __future__ import annotations

import pytest

import tamis
from benches.peers.identifier_rows import ROWS, Row

QUESTION = "What does ERR_CONN_42 mean?"


def first_heading(index: tamis.Index, question: str, mode: str) -> str:
    hit = index.search(question, mode=mode, rerank=False)[0]  # type: ignore[arg-type]
    return hit.chunk.headings[-1]


@pytest.mark.models
def test_dense_alone_takes_another_code(handbook_index: tamis.Index) -> None:
    assert first_heading(handbook_index, QUESTION, "dense") != "ERR_CONN_42"


@pytest.mark.models
def test_hybrid_finds_the_code(handbook_index: tamis.Index) -> None:
    assert first_heading(handbook_index, QUESTION, "hybrid") == "ERR_CONN_42"
    assert handbook_index.search(QUESTION)[0].chunk.headings[-1] == "ERR_CONN_42"


@pytest.mark.models
def test_the_clause_that_is_named_stands_first(handbook_index: tamis.Index) -> None:
    results = handbook_index.search("What does Section 4.2(b) say?")
    assert "4.2(b) From the end of the second Contract Year" in results[0].text


@pytest.mark.parametrize("reverse", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: ascii(row.query))
def test_what_is_named_is_strictly_above_what_nearly_is(row: Row, reverse: bool) -> None:
    lines = row.lines(reverse=reverse)
    index = tamis.BM25Index()
    index.add(lines)
    scores, rows = index.search(row.query)
    assert lines[rows[0]] == row.wanted
    assert (scores[0] > scores[1:]).all()
