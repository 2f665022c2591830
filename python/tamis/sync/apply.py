"""From documents to what is written: chunks, and a vector for each, made only where needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

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
    hashes : frozenset of str
        The content hashes of the embedding texts.
    """

    documents: Sequence[tuple[Document, list[Chunk]]]
    vectors: FloatArray | None
    embedded: int
    hashes: frozenset[str] = frozenset()


class Keeper(Protocol):
    """Remembers vectors until they are in the index; `tamis.sync.journal.Journal` is one."""

    known: dict[str, FloatArray]

    def keep(self, hashes: Sequence[str], vectors: FloatArray) -> None:
        """Add the vectors of embedding texts with these hashes."""


#: Texts that are encoded between two times that their vectors are kept.
KEPT = 256


def prepare(
    documents: Iterable[Document],
    *,
    cut: Callable[[Document], list[Chunk]],
    encoder: TextEncoder | None,
    known: Callable[[str], FloatArray | None],
    progress: Progress | None,
    journal: Keeper | None = None,
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
    journal : Keeper, optional
        What was encoded for a version that was never published, and is now, in case this one is
        not either.

    Returns
    -------
    Prepared
    """
    pairs = [(document, cut(document)) for document in documents]
    if encoder is None:
        return Prepared(pairs, None, 0)
    texts = [chunk.embedding_text for _, chunks in pairs for chunk in chunks]
    hashes = [content_hash(text) for text in texts]
    made = {} if journal is None else journal.known
    held = {hash: made.get(hash, known(hash)) for hash in dict.fromkeys(hashes)}
    new = {hash: text for hash, text in zip(hashes, texts, strict=True) if held[hash] is None}
    unknown = list(new)
    for start in range(0, len(unknown), KEPT):
        some = unknown[start : start + KEPT]
        tell = _from(start, len(unknown), progress)
        encoded = encoder.encode([new[hash] for hash in some], "passage", progress=tell)
        if journal is not None:
            journal.keep(some, encoded)
        held.update(zip(some, encoded, strict=True))

    vectors = np.empty((len(texts), encoder.dim), dtype=np.float32)
    for i, hash in enumerate(hashes):
        vectors[i] = held[hash]
    return Prepared(pairs, vectors, len(new), frozenset(held))


def _from(start: int, whole: int, progress: Progress | None) -> Progress | None:
    """Tell of a part as a part of the whole."""
    if progress is None:
        return None
    return lambda stage, done, total: progress(stage, start + done, whole if total else 0)
