"""The reranker scores pairs one by one, cuts what is too long, and stops at the deadline."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import InvalidInputError, ModelError, ModelNotFoundError
from tamis.models import Reranker
from tamis.models.model import Model
from tamis.types import FloatArray, PassageReranker
from tests.tiny_models import (
    RERANKER,
    Plain,
    entry,
    write_registry,
    write_reranker,
    write_tokenizer,
)

QUERY = "How long is the term?"
PASSAGES = ["The term is 30 days.", "", "A cat and a dog", "the contract " * 50, "may"]


@pytest.fixture(scope="module")
def reranker(models: Path) -> Reranker:
    return Reranker(RERANKER, max_tokens=24, threads=3)


class SlowModel:
    """Stands before a model: each pair takes a while, and is noted when it is begun."""

    def __init__(self, seconds: float, patch: pytest.MonkeyPatch) -> None:
        self.begun: list[str] = []
        self._lock = threading.Lock()
        real = Model.run

        def run(model: Model, pair: str | tuple[str, str]) -> FloatArray:
            with self._lock:
                self.begun.append(pair[1])
            time.sleep(seconds)
            return real(model, pair)

        patch.setattr(Model, "run", run)


def test_it_is_what_an_index_needs(reranker: Reranker) -> None:
    assert isinstance(reranker, PassageReranker)
    assert (reranker.name, reranker.max_tokens) == (RERANKER, 24)
    assert repr(reranker) == "Reranker('tiny-reranker', max_tokens=24)"
    assert reranker.count_tokens(["The cat", ""]) == [2, 0]


def test_logits_are_those_of_a_plain_computation(models: Path, reranker: Reranker) -> None:
    logits = reranker.score(QUERY, PASSAGES)
    assert logits.dtype == np.float32
    assert logits.shape == (len(PASSAGES),)
    expected = Plain(models / RERANKER, 24, "only_second").logits(QUERY, PASSAGES)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-6)
    assert len(set(logits.tolist())) == len(PASSAGES)


@settings(max_examples=25)
@given(
    query=st.text(max_size=60),
    passages=st.lists(st.text(max_size=60), max_size=6),
    threads=st.integers(1, 4),
)
def test_any_pair_has_a_logit_that_depends_on_no_other(
    models: Path, query: str, passages: list[str], threads: int
) -> None:
    together = Reranker(RERANKER, max_tokens=16, threads=threads).score(query, passages)
    assert np.isfinite(together).all()
    alone = Reranker(RERANKER, max_tokens=16, threads=1)
    for passage, logit in zip(passages, together, strict=True):
        assert alone.score(query, [passage])[0] == logit


def test_a_long_passage_gives_way_to_the_query(models: Path, reranker: Reranker) -> None:
    query = "the cat and the dog of the term"
    rest = 24 - 3 - reranker.count_tokens([query])[0]
    fits = "may " * rest
    same = reranker.score(query, [fits, fits + "must", fits + "must " * 500])
    assert len(set(same.tolist())) == 1
    assert reranker.score(query, ["may " * (rest - 1)])[0] != same[0]


@pytest.mark.parametrize("tokens", [15, 16, 20, 21, 22, 500])
def test_a_long_query_is_cut_so_that_the_passage_is_read(reranker: Reranker, tokens: int) -> None:
    # Of 24 tokens, 3 are special; three quarters of the others are 15.
    longer = reranker.score("cat " * tokens + "dog", ["may", "may must", "of the notice"])
    assert (
        longer.tolist()
        == reranker.score("cat " * 15, ["may", "may must", "of the notice"]).tolist()
    )
    assert len(set(longer.tolist())) == 3


def test_baked_in_padding_and_truncation_are_overridden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    write_reranker(tmp_path / "own" / "model.onnx")
    monkeypatch.setenv("TAMIS_MODELS", str(tmp_path / "registry.toml"))
    logits = []
    for baked_in in (False, True):
        write_tokenizer(tmp_path / "own" / "tokenizer.json", baked_in=baked_in)
        own = entry(tmp_path / "own", "own", "reranker")
        write_registry(tmp_path / "registry.toml", own)
        logits.append(Reranker("own", max_tokens=32).score(QUERY, PASSAGES).tolist())
    assert logits[0] == logits[1]


@pytest.mark.parametrize("labels", [2, 3])
def test_a_network_of_several_labels_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: int
) -> None:
    (tmp_path / "own").mkdir()
    write_reranker(tmp_path / "own" / "model.onnx", labels=labels)
    write_tokenizer(tmp_path / "own" / "tokenizer.json")
    own = entry(tmp_path / "own", "own", "reranker")
    monkeypatch.setenv("TAMIS_MODELS", str(write_registry(tmp_path / "registry.toml", own)))
    with pytest.raises(ModelError, match=rf"shape \(1, {labels}\) for one pair"):
        Reranker("own", max_tokens=32).score(QUERY, PASSAGES)


@pytest.mark.parametrize("threads", [1, 3])
def test_at_the_deadline_it_stops_in_the_order_given(
    models: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    reranker = Reranker(RERANKER, max_tokens=24, threads=threads)
    passages = [f"passage {number}" for number in range(200)]
    whole = reranker.score(QUERY, passages)
    slow = SlowModel(0.01, monkeypatch)

    start = time.monotonic()
    logits = reranker.rerank(QUERY, passages, deadline=0.1)
    elapsed = time.monotonic() - start

    scored = int(np.isfinite(logits).sum())
    assert 0 < scored <= 10 * threads
    assert elapsed < 1  # all would take 2 seconds with one thread; a busy machine is forgiven
    assert np.isnan(logits[scored:]).all()
    assert logits[:scored].tolist() == whole[:scored].tolist()
    assert sorted(slow.begun) == sorted(passages[:scored])


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("deadline", [0, 0.0, -1.0, -np.inf])
def test_without_time_nothing_is_scored(reranker: Reranker, deadline: float) -> None:
    assert np.isnan(reranker.rerank(QUERY, PASSAGES, deadline=deadline)).all()


@pytest.mark.parametrize("deadline", [None, 60, np.inf])
def test_with_time_enough_everything_is_scored(reranker: Reranker, deadline: float | None) -> None:
    logits = reranker.rerank(QUERY, PASSAGES, deadline=deadline)
    assert logits.tolist() == reranker.score(QUERY, PASSAGES).tolist()


@pytest.mark.usefixtures("models")
def test_no_passages_give_no_logits_and_load_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "fetch", None)
    assert Reranker(RERANKER, max_tokens=24).score(QUERY, []).shape == (0,)


@pytest.mark.parametrize(
    ("query", "passages", "message"),
    [
        (QUERY, "one passage", r"passages is one string; give a list, such as \['one passage'\]"),
        (QUERY, ["a", None], r"passages\[1\] is of type NoneType; it must be a string"),
        (["a"], PASSAGES, "query is of type list; it must be a string"),
        ("\udc00", PASSAGES, "query holds a lone surrogate at character 0"),
    ],
)
def test_what_is_no_text_is_refused(
    reranker: Reranker, query: Any, passages: Any, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        reranker.score(query, passages)


def test_a_deadline_that_is_no_number_is_refused(reranker: Reranker) -> None:
    with pytest.raises(InvalidInputError, match="deadline is NaN"):
        reranker.rerank(QUERY, PASSAGES, deadline=np.nan)


@pytest.mark.usefixtures("models")
def test_arguments_outside_the_models_range_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="max_tokens is 256, tiny-reranker reads 8 to 32"):
        Reranker(RERANKER, max_tokens=256)
    with pytest.raises(InvalidInputError, match="threads is -1, it must be at least 1"):
        Reranker(RERANKER, max_tokens=32, threads=-1)
    with pytest.raises(
        ModelNotFoundError, match="the task of 'tiny-encoder' is encoder, not reranker"
    ):
        Reranker("tiny-encoder")
