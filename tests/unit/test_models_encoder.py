"""The encoder gives each text its own vector: the same bits alone, in a batch, in any process.

The models are tiny ones made here; `test_models_real.py` says the same of the real ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tamis.errors import (
    InvalidInputError,
    ModelChecksumError,
    ModelError,
    ModelNotFoundError,
    ModelUnavailableError,
)
from tamis.models import Encoder
from tamis.types import FloatArray, TextEncoder, TextKind
from tests.tiny_models import (
    DIM,
    ENCODER,
    Plain,
    entry,
    write_encoder,
    write_registry,
    write_tokenizer,
)

TEXTS = [
    "The contract may end.",
    "",
    "Notice of 30 days must be given; the term of the contract is " + "long " * 40,
    "cat",
    "The dog, a cat & the contract",
]


@pytest.fixture(scope="module")
def encoder(models: Path) -> Encoder:
    return Encoder(ENCODER, threads=3)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnModel:
    return OwnModel(tmp_path, monkeypatch)


class OwnModel:
    """A model that a test spoils as it likes."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = root / "own"
        self.folder.mkdir()
        self.registry = root / "registry.toml"
        patch.setenv("TAMIS_MODELS", str(self.registry))
        patch.setenv("TAMIS_CACHE", str(root / "cache"))
        write_encoder(self.folder / "model.onnx")
        write_tokenizer(self.folder / "tokenizer.json")

    def encoder(self, **fields: Any) -> Encoder:
        """Register the files as they are now."""
        write_registry(self.registry, entry(self.folder, "own", "encoder", **fields))
        return Encoder("own")


def plain(folder: Path, max_tokens: int = 32) -> Plain:
    return Plain(folder, max_tokens, "longest_first")


def test_it_is_what_an_index_needs(encoder: Encoder) -> None:
    assert isinstance(encoder, TextEncoder)
    assert (encoder.name, encoder.dim, encoder.max_tokens) == (ENCODER, DIM, 32)
    assert repr(encoder) == "Encoder('tiny-encoder', max_tokens=32)"


@pytest.mark.parametrize(("kind", "prefix"), [("passage", ""), ("query", "a query of : ")])
def test_vectors_are_those_of_a_plain_computation(
    models: Path, encoder: Encoder, kind: TextKind, prefix: str
) -> None:
    vectors = encoder.encode(TEXTS, kind)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), DIM)
    expected = plain(models / ENCODER).vectors([prefix + text for text in TEXTS])
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=0, atol=1e-6)


def test_mean_pooling_is_the_mean_over_all_tokens(own: OwnModel) -> None:
    vectors = own.encoder(pooling="mean").encode(TEXTS)
    expected = plain(own.folder).vectors(TEXTS, pooling="mean")
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-6)
    assert not np.allclose(vectors, own.encoder(pooling="cls").encode(TEXTS))


@settings(max_examples=25)
@given(texts=st.lists(st.text(max_size=60), max_size=8), threads=st.integers(1, 4))
def test_a_vector_has_the_same_bits_alone_and_in_any_batch(
    models: Path, encoder: Encoder, texts: list[str], threads: int
) -> None:
    together = Encoder(ENCODER, threads=threads).encode(texts)
    assert together.shape == (len(texts), DIM)
    for text, vector in zip(texts, together, strict=True):
        assert encoder.encode([text]).tobytes() == vector.tobytes()


def test_many_texts_come_back_in_their_order(encoder: Encoder) -> None:
    texts = [f"{'long ' * (number % 7)}text {number}" for number in range(250)]
    reports: list[tuple[str, int, int]] = []
    vectors = encoder.encode(texts, progress=lambda *report: reports.append(report))
    for number in (0, 95, 96, 249):
        assert vectors[number].tobytes() == encoder.encode([texts[number]]).tobytes()
    assert reports == [("encode", done, 250) for done in (96, 192, 250)]


def test_no_texts_give_no_rows_and_load_nothing(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.models.model.Model.fetch", None)
    assert Encoder(ENCODER).encode([]).shape == (0, DIM)


def test_baked_in_padding_and_truncation_are_overridden(own: OwnModel) -> None:
    expected = own.encoder().encode(TEXTS)
    write_tokenizer(own.folder / "tokenizer.json", baked_in=True)
    assert own.encoder().encode(TEXTS).tobytes() == expected.tobytes()
    assert own.encoder().count_tokens(["cat", "cat " * 100]) == [1, 100]


def test_max_tokens_counts_special_tokens_and_prefix(models: Path) -> None:
    encoder = Encoder(ENCODER, max_tokens=8)
    same, other = encoder.encode(["cat dog cat dog cat dog" + more for more in (" the", "")])
    assert same.tobytes() == other.tobytes()  # [CLS], six tokens, [SEP]
    longer = ["cat " * 6, "cat " * 7]
    assert encoder.is_truncated(longer) == [False, True]
    assert encoder.is_truncated([]) == []
    # The query prefix has 8 tokens, so 22 of 32 are left.
    assert Encoder(ENCODER).is_truncated(["cat " * 22, "cat " * 23], "query") == [False, True]
    np.testing.assert_allclose(
        encoder.encode(longer),
        plain(models / ENCODER, 8).vectors(longer),
        rtol=0,
        atol=1e-6,
    )


def test_tokens_are_counted_whole_and_without_special_ones(encoder: Encoder) -> None:
    assert encoder.count_tokens(["", "cat", "cats", "The cat " * 500]) == [0, 1, 2, 1000]
    assert encoder.count_tokens([]) == []


def test_the_fingerprint_is_plain_data_and_loads_nothing(
    own: OwnModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.models.model.Model.fetch", None)
    one = own.encoder()
    assert json.loads(json.dumps(one.fingerprint())) == one.fingerprint()
    assert one.fingerprint()["pooling"] == "cls"
    assert one.fingerprint() == own.encoder().fingerprint()
    changes: list[dict[str, Any]] = [
        {"pooling": "mean"},
        {"query_prefix": "q"},
        {"passage_prefix": "p"},
        {"max_tokens": 16},
    ]
    for change in changes:
        assert own.encoder(**change).fingerprint() != one.fingerprint()
    write_encoder(own.folder / "model.onnx", scale=2)
    assert own.encoder().fingerprint() != one.fingerprint()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one text", r"texts is one string; give a list, such as \['one text'\]"),
        (["a", 3], r"texts\[1\] is of type int; it must be a string"),
        (["a", b"b"], r"texts\[1\] is of type bytes; it must be a string"),
        (["ab\ud800"], r"texts\[0\] holds a lone surrogate at character 2"),
    ],
)
def test_texts_that_are_none_are_refused(encoder: Encoder, texts: Any, message: str) -> None:
    for use in (encoder.encode, encoder.count_tokens, encoder.is_truncated):
        with pytest.raises(InvalidInputError, match=message):
            use(texts)


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_tokens": 33}, "max_tokens is 33, tiny-encoder reads 8 to 32"),
        ({"max_tokens": 7}, "max_tokens is 7, tiny-encoder reads 8 to 32"),
        ({"threads": 0}, "threads is 0, it must be at least 1"),
    ],
)
def test_arguments_outside_the_models_range_are_refused(
    arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Encoder(ENCODER, max_tokens=arguments.get("max_tokens"), threads=arguments.get("threads"))


def test_another_kind_of_text_is_refused(encoder: Encoder) -> None:
    kind: Any = "document"
    with pytest.raises(InvalidInputError, match="kind is 'document', it must be one of"):
        encoder.encode(["a"], kind)


@pytest.mark.usefixtures("models")
def test_a_reranker_is_no_encoder() -> None:
    with pytest.raises(
        ModelNotFoundError, match="the task of 'tiny-reranker' is reranker, not encoder"
    ):
        Encoder("tiny-reranker")


def test_files_are_looked_for_at_first_use_only(own: OwnModel) -> None:
    encoder = own.encoder()
    (own.folder / "model.onnx").unlink()
    with pytest.raises(ModelUnavailableError, match=r"model\.onnx: No such file"):
        encoder.encode(["a"])
    write_encoder(own.folder / "model.onnx")
    assert encoder.encode(["a"]).shape == (1, DIM)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_found_when_it_is_opened(own: OwnModel, name: str) -> None:
    encoder = own.encoder()
    data = bytearray((own.folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (own.folder / name).write_bytes(data)
    with pytest.raises(ModelChecksumError) as caught:
        encoder.encode(["a"])
    assert str(own.folder / name) in str(caught.value)
    assert "tamis models fetch own" in str(caught.value)


def test_a_file_replaced_after_it_was_checked_is_found(own: OwnModel) -> None:
    own.encoder().encode(["a"])
    path = own.folder / "model.onnx"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))
    with pytest.raises(ModelChecksumError, match=r"model\.onnx is damaged or was replaced"):
        Encoder("own").encode(["a"])


def test_a_network_without_the_output_is_explained(own: OwnModel) -> None:
    encoder = own.encoder(output="sentence_embedding")
    message = "no output 'sentence_embedding', which its spec names; it has: last_hidden_state"
    with pytest.raises(ModelError, match=message):
        encoder.encode(["a"])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["input_ids", "pixels"], r"asks for the inputs pixels \(tensor\(int64\)\); supported"),
        (["input_ids", "position_ids"], "asks for the inputs position_ids"),
    ],
)
def test_a_network_with_other_inputs_is_explained(
    own: OwnModel, inputs: list[str], message: str
) -> None:
    write_encoder(own.folder / "model.onnx", inputs=inputs)
    with pytest.raises(ModelError, match=message):
        own.encoder().encode(["a"])


def test_a_network_needs_no_more_than_token_ids(own: OwnModel) -> None:
    expected = own.encoder().encode(TEXTS)
    write_encoder(own.folder / "model.onnx", inputs=["input_ids"])
    assert own.encoder().encode(TEXTS).tobytes() == expected.tobytes()


def test_a_network_of_another_width_is_explained(own: OwnModel) -> None:
    message = rf"shape \(1, 3, {DIM}\) for one text, its spec says \(1, tokens, 999\)"
    with pytest.raises(ModelError, match=message):
        own.encoder(dim=999).encode(["a"])


def test_a_vector_without_direction_is_an_error(own: OwnModel) -> None:
    write_encoder(own.folder / "model.onnx", scale=0)
    with pytest.raises(ModelError, match="vector of length zero for the text 'a'"):
        own.encoder().encode(["a"])


def test_numbers_that_are_not_finite_are_an_error(own: OwnModel) -> None:
    write_encoder(own.folder / "model.onnx", scale=np.inf)
    with pytest.raises(ModelError, match="not all finite"):
        own.encoder().encode(["a"])


@pytest.mark.parametrize(
    ("name", "message"),
    [("model.onnx", "onnxruntime cannot open"), ("tokenizer.json", "is not a tokenizer")],
)
def test_files_that_are_something_else_are_explained(
    own: OwnModel, name: str, message: str
) -> None:
    (own.folder / name).write_bytes(b"{}")
    with pytest.raises(ModelError, match=message):
        own.encoder().encode(["a"])


def test_a_tokenizer_of_another_network_is_explained(own: OwnModel) -> None:
    tokenizer = Tokenizer.from_file(str(own.folder / "tokenizer.json"))
    tokenizer.add_tokens(["beyond"])
    tokenizer.save(str(own.folder / "tokenizer.json"))
    with pytest.raises(ModelError, match="failed on 3 tokens"):
        own.encoder().encode(["beyond"])


def test_threads_may_use_it_first_at_once(models: Path, encoder: Encoder) -> None:
    fresh = Encoder(ENCODER)
    results: list[FloatArray] = []
    everyone = threading.Barrier(6, timeout=10)

    def use() -> None:
        everyone.wait()
        results.append(fresh.encode(TEXTS))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    expected = encoder.encode(TEXTS).tobytes()
    assert [vectors.tobytes() == expected for vectors in results] == [True] * 6


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_encodes_the_same(encoder: Encoder) -> None:
    expected = encoder.encode(TEXTS).tobytes()
    counts = encoder.count_tokens(TEXTS)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, encoder.encode(TEXTS).tobytes())
            os._exit(0 if encoder.count_tokens(TEXTS) == counts else 1)
        finally:  # whatever happens, the child must not go on with the tests
            os._exit(2)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        assert answer.read() == expected
    assert os.waitpid(child, 0)[1] == 0
    assert encoder.encode(TEXTS).tobytes() == expected


def test_importing_and_making_one_loads_no_heavy_library(models: Path) -> None:
    code = (
        "import sys; from tamis.models import Encoder, Reranker; Encoder('tiny-encoder'); "
        "Reranker('tiny-reranker', max_tokens=32); "
        "print({'onnxruntime', 'tokenizers', 'platformdirs'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "set()"
