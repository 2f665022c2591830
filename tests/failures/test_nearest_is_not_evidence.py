"""Something is always nearest. Whether it answers, the reranker says."""

from __future__ import annotations

import pytest

import tamis

pytestmark = pytest.mark.models


def test_an_unanswerable_question_is_called_so(handbook_index: tamis.Index) -> None:
    results = handbook_index.search("Can I bring my dog to the office?")
    assert len(results) == 10
    context = results.context()
    assert not context.sufficient
    assert "confidence 0.00 only" in context.reason


def test_an_identifier_that_no_document_holds_is_named(handbook_index: tamis.Index) -> None:
    results = handbook_index.search("What does ERR_CONN_99 mean?")
    assert any("no chunk holds ERR_CONN_99" in reason for reason in results.report.degraded)
    known = handbook_index.search("What does ERR_CONN_42 mean? And Section 4.2(b)?")
    assert known.report.degraded == ()


def test_an_answerable_one_is_sufficient(handbook_index: tamis.Index) -> None:
    context = handbook_index.search("Where do I turn off the water in the building?").context()
    assert context.sufficient
    assert context.confidence is not None
    assert context.confidence > 0.9


def test_without_the_reranker_no_confidence_is_claimed(handbook_index: tamis.Index) -> None:
    results = handbook_index.search("Can I bring my dog to the office?", rerank=False)
    assert results.confidence is None
