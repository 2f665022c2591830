"""The retrievers of tamis, each by itself and together, run over an evaluation set.

Every document is one row, as the set gives it, title first: what is measured is retrieval, not
chunking.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from tamis.dense import DenseIndex
from tamis.errors import InvalidInputError
from tamis.evaluation.qrels import Dataset, Record
from tamis.fusion import CANDIDATES, RERANKED, hybrid, rrf
from tamis.lexical import BM25Index
from tamis.types import IntArray, PassageReranker, Progress, TextEncoder


def full_text(record: Record) -> str:
    """Return what is indexed of a document: its title, unless the text begins with it, and text."""
    if not record.title or record.text.startswith(record.title):
        return record.text
    return f"{record.title}\n{record.text}"


def sample(dataset: Dataset, n: int, *, seed: int = 0) -> Dataset:
    """Return the set with `n` of its queries, always the same for the same seed.

    Raises
    ------
    InvalidInputError
        If `n` is below 1.
    """
    if n < 1:
        raise InvalidInputError(f"a sample of {n} queries measures nothing; take at least 1")
    ids = sorted(dataset.queries)
    if n < len(ids):
        ids = sorted(random.Random(seed).sample(ids, n))
    return replace(
        dataset,
        queries={id: dataset.queries[id] for id in ids},
        qrels={id: dataset.qrels[id] for id in ids},
    )


def rank(
    dataset: Dataset,
    *,
    encoder: TextEncoder | None,
    reranker: PassageReranker | None,
    progress: Progress | None = None,
) -> dict[str, dict[str, list[str]]]:
    """Run every system over a set.

    Parameters
    ----------
    dataset : Dataset
        Documents and queries.
    encoder : TextEncoder or None
        Without one only BM25 runs.
    reranker : PassageReranker or None
        Reads the best `RERANKED` of the default mix and orders them by its score alone.
    progress : callable, optional
        Called with the stages of the encoder, and ``"rerank"``.

    Returns
    -------
    dict
        Name of the system -> run: query id -> document ids, best first, at most `CANDIDATES`.
    """
    texts = [full_text(record) for record in dataset.corpus]
    ids = [record.id for record in dataset.corpus]
    queries = list(dataset.queries.values())

    lexical = BM25Index()
    lexical.add(texts)
    by_words = [lexical.search(query, CANDIDATES) for query in queries]
    rows: dict[str, list[IntArray]] = {"BM25": [found for _, found in by_words]}
    if encoder is not None:
        dense = DenseIndex(encoder.dim)
        dense.add(encoder.encode(texts, "passage", progress=progress))
        vectors = encoder.encode(queries, "query")
        by_vectors = list(zip(*dense.search(vectors, CANDIDATES), strict=True))
        pairs = list(zip(by_words, by_vectors, strict=True))
        rows["dense"] = [found for _, found in by_vectors]
        rows["RRF"] = [rrf([words[1], near[1]])[1] for words, near in pairs]
        rows["convex"] = [hybrid(words, near)[1] for words, near in pairs]
    if reranker is not None:
        last = list(rows)[-1]
        rows[f"{last} + rerank"] = [
            _reranked(reranker, query, texts, found)
            for query, found in _told(progress, list(zip(queries, rows[last], strict=True)))
        ]
    return {
        system: {
            query: [ids[row] for row in found[:CANDIDATES]]
            for query, found in zip(dataset.queries, lists, strict=True)
        }
        for system, lists in rows.items()
    }


def _reranked(
    reranker: PassageReranker, query: str, texts: Sequence[str], found: IntArray
) -> IntArray:
    head, tail = found[:RERANKED], found[RERANKED:]
    logits = reranker.rerank(query, [texts[row] for row in head])
    return np.concatenate([head[np.argsort(-logits, kind="stable")], tail])


T = TypeVar("T")


def _told(progress: Progress | None, items: list[T]) -> Iterator[T]:
    for done, item in enumerate(items):
        if progress is not None:
            progress("rerank", done, len(items))
        yield item
    if progress is not None:
        progress("rerank", len(items), len(items))
