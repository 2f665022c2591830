"""The registry names the pinned models, takes the user's own, and explains what is wrong in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tamis.errors import ModelError, ModelNotFoundError, TamisError
from tamis.models import EncoderSpec, FolderSource, RerankerSpec, WheelSource, find, registered
from tests.tiny_models import write_registry

HASH = "0" * 64
FILES = {name: {"sha256": HASH, "size": 3} for name in ("model.onnx", "tokenizer.json")}
WHEEL = {
    "kind": "wheel",
    "distribution": "mine",
    "version": "1.0",
    "filename": "mine-1.0-py3-none-any.whl",
    "sha256": HASH,
    "size": 9,
    "members": {name: f"mine/{name}" for name in FILES},
}
ENTRY: dict[str, Any] = {
    "name": "mine",
    "task": "encoder",
    "licence": "MIT",
    "max_tokens": 128,
    "output": "last_hidden_state",
    "dim": 4,
    "pooling": "mean",
    "files": FILES,
    "sources": [WHEEL, {"kind": "folder", "path": "here"}],
}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own.toml"
    monkeypatch.setenv("TAMIS_MODELS", str(path))
    return path


def test_the_models_of_tamis_are_pinned() -> None:
    encoder = find("bge-small-en-v1.5", EncoderSpec)
    reranker = find("ms-marco-MiniLM-L-12-v2", RerankerSpec)
    assert (encoder.dim, encoder.max_tokens, encoder.pooling) == (384, 512, "cls")
    assert encoder.query_prefix == "Represent this sentence for searching relevant passages: "
    assert encoder.passage_prefix == ""
    assert (encoder.licence, reranker.licence) == ("MIT", "Apache-2.0")
    assert (reranker.output, reranker.max_tokens) == ("logits", 512)
    assert encoder.files["model.onnx"].sha256.startswith("68807e3ff2abb83c")
    assert reranker.files["model.onnx"].sha256.startswith("1225ccd6afd0f1b4")
    (one,), (other,) = encoder.sources, reranker.sources
    assert isinstance(one, WheelSource)
    assert isinstance(other, WheelSource)
    assert one.sha256 == other.sha256  # one download serves both


def test_an_entry_of_the_users_own_is_added(own: Path) -> None:
    write_registry(own, ENTRY)
    spec = find("mine", EncoderSpec)
    assert (spec.name, spec.task, spec.dim, spec.pooling) == ("mine", "encoder", 4, "mean")
    assert spec.query_prefix == ""
    wheel, folder = spec.sources
    assert isinstance(wheel, WheelSource)
    assert wheel.members["model.onnx"] == "mine/model.onnx"
    assert folder == FolderSource(own.parent / "here")  # beside the registry
    assert "bge-small-en-v1.5" in registered()


def test_an_entry_of_the_same_name_overrides(own: Path) -> None:
    write_registry(own, ENTRY | {"name": "bge-small-en-v1.5"})
    assert find("bge-small-en-v1.5", EncoderSpec).dim == 4


def test_other_files_get_another_folder(own: Path) -> None:
    write_registry(own, ENTRY)
    before = find("mine").folder_name
    files = FILES | {"model.onnx": {"sha256": "1" * 64, "size": 3}}
    write_registry(own, ENTRY | {"files": files})
    assert find("mine").folder_name != before


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        find("bge-smal")
    assert "there is no model 'bge-smal'" in str(caught.value)
    assert "bge-small-en-v1.5, ms-marco-MiniLM-L-12-v2" in str(caught.value)
    assert "TAMIS_MODELS" in str(caught.value)
    assert isinstance(caught.value, LookupError)


def test_a_model_of_another_task_is_not_taken() -> None:
    with pytest.raises(ModelNotFoundError, match="is reranker, not encoder; known encoders: bge"):
        find("ms-marco-MiniLM-L-12-v2", EncoderSpec)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dimm": 4}, r"model 1 \(mine\): it has unknown fields: dimm"),
        ({"dim": None}, "the field 'dim' is missing"),
        ({"dim": "4"}, "dim is '4', it must be a TOML integer"),
        ({"dim": True}, "dim is True, it must be a TOML integer"),
        ({"dim": 0}, "dim is 0, it must be at least 1"),
        ({"pooling": "max"}, "pooling is 'max', it must be one of cls, mean"),
        ({"task": "translator"}, "task is 'translator', it must be encoder or reranker"),
        ({"task": "reranker"}, "unknown fields: dim, pooling"),
        ({"name": "a/b"}, "name is 'a/b', it must begin with"),
        ({"name": "-r"}, "name is '-r', it must begin with"),
        ({"name": ".."}, "name is '..', it must begin with"),
        ({"files": {"model.onnx": FILES["model.onnx"]}}, "files must name tokenizer.json"),
        ({"files": FILES | {"../x": {}}}, "a file of files is '../x'"),
        ({"files": FILES | {"x": 3}}, "file x: this is 3, it must be a table"),
        (
            {"files": FILES | {"x": {"sha256": "F" * 64, "size": 1}}},
            "sha256 is 'F+', it must be 64 lower-case",
        ),
        ({"files": FILES | {"x": {"sha256": HASH, "size": 1, "y": 2}}}, "unknown fields: y"),
        ({"sources": [WHEEL | {"kind": "hub"}]}, "kind is 'hub', it must be wheel or folder"),
        ({"sources": [WHEEL | {"version": "--pre"}]}, "sources 1: version is '--pre'"),
        ({"sources": [WHEEL | {"members": {"model.onnx": "m"}}]}, "members names model.onnx, it"),
        ({"sources": {"kind": "wheel"}}, "it must be a TOML array of tables"),
    ],
)
def test_a_wrong_entry_says_where_and_what(own: Path, change: dict[str, Any], message: str) -> None:
    changed = {key: value for key, value in (ENTRY | change).items() if value is not None}
    write_registry(own, changed)
    with pytest.raises(ModelError, match=message) as caught:
        registered()
    assert str(own) in str(caught.value)


def test_a_name_stands_only_once(own: Path) -> None:
    write_registry(own, ENTRY, ENTRY)
    with pytest.raises(ModelError, match=r"model 2 \(mine\): a model named 'mine' stands above"):
        registered()


@pytest.mark.parametrize("content", [None, b"model = [", b"\xff"])
def test_an_unreadable_registry_is_named(own: Path, content: bytes | None) -> None:
    if content is not None:
        own.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read") as caught:
        registered()
    assert str(own) in str(caught.value)
    assert isinstance(caught.value, TamisError)
