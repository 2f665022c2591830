"""Readers use both ends of a long context best: there the strongest passages stand."""

from __future__ import annotations

from pathlib import Path

import tamis
from tests.fakes import OverlapReranker, WordEncoder


def test_the_strongest_passages_stand_at_both_ends(tmp_path: Path) -> None:
    index = tamis.open(tmp_path / "x.tamis", encoder=WordEncoder(), reranker=OverlapReranker())
    words = ["alpha", "beta", "gamma", "delta", "epsilon"]
    # The n-th document holds n of the query's words, and words of its own.
    index.add(
        {"id": f"d{n}", "text": " ".join(words[:n]) + f" own{n} more{n} other{n} rest{n} last{n}."}
        for n in range(1, 6)
    )
    index.commit()
    results = index.search(" ".join(words), k=5)
    assert [hit.document_id for hit in results] == ["d5", "d4", "d3", "d2", "d1"]
    context = results.context()
    assert [p.document_id for p in context.passages] == ["d5", "d3", "d1", "d2", "d4"]
    assert [p.number for p in context.passages] == [1, 3, 5, 4, 2]
    assert context.text.startswith("[1] d5")
