"""From documents to what is written: chunks, and a vector for each, made only where needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tamis.types import Chunk, Document, FloatArray, Progress, TextEncoder, content_hash


@dataclass(frozen=True, slots=True)
class Prepared:
    """Documents ready to be written.

    Attributes
    ----------
    documents : sequence of (Document, list of Chunk)
        In order.
    vectors : ndarray of float32, shape (chunks, dim), or None
        One row a chunk, in order; None for an index without vectors.
    embedded : int
        How many rows the encoder made; the others were there.
    """

    documents: Sequence[tuple[Document, list[Chunk]]]
    vectors: FloatArray | None
    embedded: int


def prepare(
    documents: Iterable[Document],
    *,
    cut: Callable[[Document], list[Chunk]],
    encoder: TextEncoder | None,
    known: Callable[[str], FloatArray | None],
    progress: Progress | None,
) -> Prepared:
    """Cut documents into chunks and give each chunk its vector.

    A chunk whose embedding text the index holds already, in whatever document, keeps that
    vector; equal new chunks are encoded once.

    Parameters
    ----------
    documents : iterable of Document
        What is new or changed.
    cut : callable
        The chunker.
    encoder : TextEncoder or None
        None for an index without vectors.
    known : callable
        Gives the vector of an embedding text that the index holds, for its content hash.
    progress : callable, optional
        Handed to the encoder.

    Returns
    -------
    Prepared
    """
    pairs = [(document, cut(document)) for document in documents]
    if encoder is None:
        return Prepared(pairs, None, 0)
    texts = [chunk.embedding_text for _, chunks in pairs for chunk in chunks]
    hashes = [content_hash(text) for text in texts]
    old = {hash: known(hash) for hash in dict.fromkeys(hashes)}
    new = {hash: text for hash, text in zip(hashes, texts, strict=True) if old[hash] is None}
    encoded = encoder.encode(list(new.values()), "passage", progress=progress) if new else None
    place = {hash: i for i, hash in enumerate(new)}

    vectors = np.empty((len(texts), encoder.dim), dtype=np.float32)
    for i, hash in enumerate(hashes):
        vector = old[hash]
        if vector is None and encoded is not None:
            vector = encoded[place[hash]]
        vectors[i] = vector
    return Prepared(pairs, vectors, len(new))
