"""The models: which there are, how their files get here, and what they make of texts.

`Encoder` turns texts into vectors, `Reranker` scores passages against a query. Both run ONNX
files on the CPU. What a model is, is data: `registered` lists the specs, `fetch` brings the files
of one to this machine, `locate` says where they are, and `verify` whether they are the right ones.
"""

from tamis.models.cache import cache_folder, locate, verify
from tamis.models.callers import cores
from tamis.models.encoder import Encoder
from tamis.models.fetch import fetch
from tamis.models.registry import find, registered
from tamis.models.reranker import Reranker
from tamis.models.spec import (
    EncoderSpec,
    FilePin,
    FolderSource,
    ModelSpec,
    RerankerSpec,
    WheelSource,
)

__all__ = [
    "Encoder",
    "EncoderSpec",
    "FilePin",
    "FolderSource",
    "ModelSpec",
    "Reranker",
    "RerankerSpec",
    "WheelSource",
    "cache_folder",
    "cores",
    "fetch",
    "find",
    "locate",
    "registered",
    "verify",
]
