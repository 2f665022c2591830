"""Tiny models with random weights, and the plain way to run any model.

The models are real ONNX files and tokenizers, made on the spot from fixed seeds. The encoder is a
bag of words with a little context, so texts that share words get similar vectors; the reranker's
logits mean nothing. Neither looks at the attention mask: padding, which must never happen, would
change what they say.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

ENCODER = "tiny-encoder"
RERANKER = "tiny-reranker"
DIM = 16

WORDS = ("the", "a", "of", "contract", "term", "notice", "days", "may", "must", "cat", "dog")
_CHARACTERS = string.ascii_lowercase + string.digits + string.punctuation
VOCABULARY = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    *WORDS,
    *(character for character in _CHARACTERS if character not in WORDS),
    *(f"##{character}" for character in _CHARACTERS),
)

ALL_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def write_tokenizer(path: Path, *, baked_in: bool = False) -> None:
    """Write a WordPiece tokenizer; `baked_in` adds the fixed padding and truncation some have."""
    vocabulary = {token: number for number, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )
    if baked_in:
        tokenizer.enable_padding(length=32, pad_id=0, pad_token="[PAD]")
        tokenizer.enable_truncation(10)
    tokenizer.save(str(path))


def write_encoder(
    path: Path,
    *,
    inputs: Sequence[str] = ALL_INPUTS,
    output: str = "last_hidden_state",
    dim: int = DIM,
    scale: float = 1.0,
) -> None:
    """Write a network of shape (batch, tokens, dim): each token's row, and the mean's, mapped."""
    random = np.random.default_rng(1)
    weights = {
        "rows": random.normal(size=(len(VOCABULARY), dim)) * scale,
        "mix": random.normal(size=(dim, dim)),
    }
    nodes = [
        helper.make_node("Gather", ["rows", "input_ids"], ["own"]),
        helper.make_node("ReduceMean", ["own"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("MatMul", ["mean", "mix"], ["context"]),
        helper.make_node("Add", ["own", "context"], [output]),
    ]
    _write(path, nodes, weights, inputs, output, ("batch", "tokens", dim))


def write_reranker(
    path: Path, *, inputs: Sequence[str] = ALL_INPUTS, output: str = "logits", labels: int = 1
) -> None:
    """Write a network of shape (batch, labels) over the tokens and the texts they belong to."""
    random = np.random.default_rng(2)
    weights = {
        "rows": random.normal(size=(len(VOCABULARY), DIM)),
        "texts": random.normal(size=(2, DIM)),
        "head": random.normal(size=(DIM, labels)) * 10,
    }
    nodes = [
        helper.make_node("Gather", ["rows", "input_ids"], ["own"]),
        helper.make_node("Gather", ["texts", "token_type_ids"], ["text"]),
        helper.make_node("Add", ["own", "text"], ["sum"]),
        helper.make_node("Tanh", ["sum"], ["bent"]),
        helper.make_node("ReduceMean", ["bent"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "head"], [output]),
    ]
    _write(path, nodes, weights, inputs, output, ("batch", labels))


def entry(folder: Path, name: str, task: str, **fields: Any) -> dict[str, Any]:
    """Return the registry entry of the model whose two files lie in `folder`."""
    facts: dict[str, Any] = {
        "name": name,
        "task": task,
        "licence": "Apache-2.0",
        "max_tokens": 32,
        "files": {path.name: pin(path) for path in sorted(folder.iterdir())},
        "sources": [{"kind": "folder", "path": str(folder)}],
    }
    if task == "encoder":
        facts |= {"output": "last_hidden_state", "dim": DIM, "pooling": "cls"}
        facts |= {"query_prefix": "a query of : "}
    else:
        facts |= {"output": "logits"}
    return facts | fields


def pin(path: Path) -> dict[str, Any]:
    """Return what a registry says of a file."""
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def write_registry(path: Path, *entries: Mapping[str, Any]) -> Path:
    """Write entries as a registry file, for the environment variable TAMIS_MODELS."""
    path.write_text(f"model = [{', '.join(_toml(each) for each in entries)}]\n", encoding="utf-8")
    return path


def write_models(folder: Path) -> Path:
    """Write both tiny models into a folder, and return the path of their registry."""
    for name, write in ((ENCODER, write_encoder), (RERANKER, write_reranker)):
        (folder / name).mkdir(parents=True)
        write(folder / name / "model.onnx")
        write_tokenizer(folder / name / "tokenizer.json")
    return write_registry(
        folder / "registry.toml",
        entry(folder / ENCODER, ENCODER, "encoder"),
        entry(folder / RERANKER, RERANKER, "reranker"),
    )


class Plain:
    """A model run by nothing but onnxruntime and tokenizers: the oracle of encoder and reranker."""

    def __init__(
        self, folder: Path, max_tokens: int, strategy: Literal["longest_first", "only_second"]
    ) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens, strategy=strategy)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(folder / "model.onnx", options)

    def run(self, text: str, pair: str | None = None) -> npt.NDArray[np.float32]:
        """Return the network's first output for one text or pair, as a batch of one."""
        encoding = self._tokenizer.encode(text, pair)
        feeds = {
            "input_ids": np.array([encoding.ids], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
            "token_type_ids": np.array([encoding.type_ids], dtype=np.int64),
        }
        output: npt.NDArray[np.float32] = self._session.run(None, feeds)[0]
        return output

    def vectors(self, texts: Sequence[str], pooling: str = "cls") -> npt.NDArray[np.float32]:
        """Return one unit row a text."""
        hidden = [self.run(text)[0] for text in texts]
        rows = np.array([each[0] if pooling == "cls" else each.mean(axis=0) for each in hidden])
        unit: npt.NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def logits(self, query: str, passages: Sequence[str]) -> list[float]:
        """Return one logit a passage."""
        return [float(self.run(query, passage)[0, 0]) for passage in passages]


def _toml(value: object) -> str:
    """Return a value as inline TOML."""
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(each) for each in value)}]"
    return json.dumps(value)


def _write(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, npt.NDArray[np.float64]],
    inputs: Sequence[str],
    output: str,
    shape: Sequence[str | int],
) -> None:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ("batch", "tokens"))
            for name in inputs
        ],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(value.astype(np.float32), name)
            for name, value in weights.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
