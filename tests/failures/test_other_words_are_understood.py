"""The policy says "sick" and "annual leave"; the question says "ill" and "vacation"."""

from __future__ import annotations

import pytest

import tamis

pytestmark = pytest.mark.models

QUESTION = "What happens if I am ill while on vacation?"
ANSWER = "the affected days are credited back"


def test_lexical_alone_misses_it(handbook_index: tamis.Index) -> None:
    results = handbook_index.search(QUESTION, mode="lexical", rerank=False)
    assert not any(ANSWER in hit.text for hit in results[:3])


def test_hybrid_finds_it(handbook_index: tamis.Index) -> None:
    assert ANSWER in handbook_index.search(QUESTION, rerank=False)[0].text
    assert ANSWER in handbook_index.search(QUESTION)[0].text
