"""tamis: a retrieval core for RAG. Hybrid search, reranking, citations and versions; no server.

Names are loaded when they are first used, so that importing the package is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tamis._core import __version__ as __version__
    from tamis.chunking import chunk as chunk
    from tamis.dense import DenseIndex as DenseIndex
    from tamis.documents import read as read
    from tamis.errors import TamisError as TamisError
    from tamis.evaluation import evaluate as evaluate
    from tamis.fusion import fuse as fuse
    from tamis.fusion import rrf as rrf
    from tamis.history import rollback as rollback
    from tamis.history import verify as verify
    from tamis.index import Index as Index
    from tamis.index import open as open
    from tamis.lexical import Analyzer as Analyzer
    from tamis.lexical import BM25Index as BM25Index
    from tamis.lexical import Query as Query
    from tamis.models import Encoder as Encoder
    from tamis.models import Reranker as Reranker
    from tamis.retrieval import Results as Results
    from tamis.types import Block as Block
    from tamis.types import Chunk as Chunk
    from tamis.types import Context as Context
    from tamis.types import Document as Document
    from tamis.types import Hit as Hit

_ROOMS = {
    "Analyzer": "lexical",
    "BM25Index": "lexical",
    "Block": "types",
    "Chunk": "types",
    "Context": "types",
    "DenseIndex": "dense",
    "Document": "types",
    "Encoder": "models",
    "Hit": "types",
    "Index": "index",
    "Query": "lexical",
    "Reranker": "models",
    "Results": "retrieval",
    "TamisError": "errors",
    "__version__": "_core",
    "chunk": "chunking",
    "evaluate": "evaluation",
    "fuse": "fusion",
    "open": "index",
    "read": "documents",
    "rollback": "history",
    "rrf": "fusion",
    "verify": "history",
}

__all__ = [
    "Analyzer",
    "BM25Index",
    "Block",
    "Chunk",
    "Context",
    "DenseIndex",
    "Document",
    "Encoder",
    "Hit",
    "Index",
    "Query",
    "Reranker",
    "Results",
    "TamisError",
    "__version__",
    "chunk",
    "evaluate",
    "fuse",
    "open",
    "read",
    "rollback",
    "rrf",
    "verify",
]


if not TYPE_CHECKING:  # so that type checkers know the names, and no others

    def __getattr__(name: str) -> Any:
        if name not in _ROOMS:
            raise AttributeError(f"module 'tamis' has no attribute {name!r}")
        value = getattr(importlib.import_module(f"tamis.{_ROOMS[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
