"""The pinned models give the published numbers, one text at a time or many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tamis.errors import ModelUnavailableError
from tamis.models import Encoder, Reranker, fetch, find, verify
from tests.tiny_models import Plain

pytestmark = pytest.mark.models

BERLIN = "How many people live in Berlin?"
POPULATION = (
    "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square "
    "kilometers."
)
MUSEUM = "Berlin is well known for its museums."
TEXTS = [
    POPULATION,
    MUSEUM,
    "",
    "Termination. Either party may terminate this agreement under Section 4.2(b) by notice.",
    "Ünïcode, 漢字 and emoji 🙂 are text as well.",
    " ".join(f"Clause {number} of a long contract says nothing." for number in range(120)),
    "ERR_CONN_42",
]


def model_folder(name: str) -> Path:
    """Return the folder of a pinned model, or skip where it cannot be fetched."""
    try:
        return fetch(find(name))
    except ModelUnavailableError as error:
        pytest.skip(f"{name} cannot be fetched: {error}")


@pytest.fixture(scope="module", autouse=True)
def _registry_of_tamis_alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TAMIS_MODELS", raising=False)
        yield


@pytest.fixture(scope="module")
def encoder_folder() -> Path:
    return model_folder("bge-small-en-v1.5")


@pytest.fixture(scope="module")
def reranker_folder() -> Path:
    return model_folder("ms-marco-MiniLM-L-12-v2")


@pytest.mark.usefixtures("encoder_folder", "reranker_folder")
@pytest.mark.parametrize("name", ["bge-small-en-v1.5", "ms-marco-MiniLM-L-12-v2"])
def test_the_files_are_the_pinned_ones(name: str) -> None:
    verify(find(name))


@pytest.mark.usefixtures("reranker_folder")
def test_the_published_example_has_its_logits() -> None:
    population, museum = Reranker().score(BERLIN, [POPULATION, MUSEUM])
    assert population == pytest.approx(9.2, abs=0.5)
    assert museum == pytest.approx(-4.1, abs=0.5)


def test_vectors_are_those_of_a_plain_computation(encoder_folder: Path) -> None:
    encoder = Encoder()
    plain = Plain(encoder_folder, 512, "longest_first")
    np.testing.assert_allclose(encoder.encode(TEXTS), plain.vectors(TEXTS), rtol=0, atol=1e-6)
    query = "Represent this sentence for searching relevant passages: " + BERLIN
    np.testing.assert_allclose(
        encoder.encode([BERLIN], "query"), plain.vectors([query]), rtol=0, atol=1e-6
    )


@pytest.mark.usefixtures("encoder_folder")
def test_a_vector_has_the_same_bits_alone_in_any_batch_and_with_any_threads() -> None:
    encoders = [Encoder(threads=threads) for threads in (1, 2, 5)]
    alone = [encoders[0].encode([text]).tobytes() for text in TEXTS]
    for encoder in encoders:
        assert [row.tobytes() for row in encoder.encode(TEXTS)] == alone
        assert [row.tobytes() for row in encoder.encode(TEXTS[::-1])] == alone[::-1]


@pytest.mark.usefixtures("encoder_folder")
def test_a_word_too_long_for_the_tokenizer_is_not_one_token() -> None:
    encoder = Encoder()
    short, long = encoder.count_tokens(["zebra", "zebra " + "y" * 60_000])
    assert short == 1
    assert long >= 5000


def test_a_question_is_nearest_to_its_answer() -> None:
    encoder = Encoder()
    (query,) = encoder.encode([BERLIN], "query")
    cosines = encoder.encode(TEXTS) @ query
    assert int(cosines.argmax()) == 0


def test_logits_are_those_of_a_plain_computation(reranker_folder: Path) -> None:
    expected = Plain(reranker_folder, 512, "only_second").logits(BERLIN, TEXTS)
    for threads in (1, 3):
        logits = Reranker(threads=threads).score(BERLIN, TEXTS)
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-6)


@pytest.mark.usefixtures("encoder_folder")
def test_what_is_cut_is_known() -> None:
    encoder = Encoder()
    counts = encoder.count_tokens(TEXTS)
    assert encoder.is_truncated(TEXTS) == [count + 2 > 512 for count in counts]
    assert encoder.is_truncated(TEXTS).count(True) == 1
