"""Models that need no files: an encoder and a reranker that know nothing but words."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from tamis.types import FloatArray, Progress, TextKind


def words_of(text: str) -> list[str]:
    """Return the words of a text, folded in case."""
    return re.findall(r"\w+", text.casefold())


class WordEncoder:
    """A hashed bag of words: texts that share words are near each other.

    Parameters
    ----------
    name : str
        Stands in the fingerprint, unless that is given.
    fingerprint : mapping, optional
        What `fingerprint` returns.
    max_tokens : int
        Words beyond are not read.

    Attributes
    ----------
    encoded : list of str
        Every text that was encoded, queries too, in order.
    """

    dim = 64

    def __init__(
        self,
        name: str = "words",
        fingerprint: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
    ) -> None:
        self.name = name
        self.max_tokens = max_tokens
        self.encoded: list[str] = []
        self._fingerprint = {"name": name} if fingerprint is None else dict(fingerprint)

    def fingerprint(self) -> dict[str, Any]:
        return self._fingerprint

    def warm(self, *, progress: Progress | None = None) -> None:
        pass

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(words_of(text)) for text in texts]

    def is_truncated(self, texts: Sequence[str], kind: TextKind = "passage") -> list[bool]:
        return [count > self.max_tokens for count in self.count_tokens(texts)]

    def encode(
        self,
        texts: Sequence[str],
        kind: TextKind = "passage",
        *,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Return one unit row a text; counts add up, so no row is zero."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            # A text without words is one word.
            for word in words_of(text)[: self.max_tokens] or [text]:
                vectors[row, crc32(word.encode()) % self.dim] += 1
            self.encoded.append(text)
            if progress is not None:
                progress("encode", row + 1, len(texts))
        unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


class OverlapReranker:
    """The logit of a passage is the share of the query's words that it holds, from -8 to 8.

    Parameters
    ----------
    seconds : float
        How long a passage takes.

    Attributes
    ----------
    read : list of str
        Every passage that was scored, in order.
    """

    name = "overlap"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.read: list[str] = []

    def warm(self, *, progress: Progress | None = None) -> None:
        pass

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(words_of(text)) for text in texts]

    def rerank(
        self, query: str, passages: Sequence[str], *, deadline: float | None = None
    ) -> FloatArray:
        """Score passages in order; NaN for each that is not begun before the deadline."""
        start = time.monotonic()
        asked = set(words_of(query))
        logits = np.full(len(passages), np.nan, dtype=np.float32)
        for i, passage in enumerate(passages):
            if deadline is not None and time.monotonic() - start >= deadline:
                break
            time.sleep(self.seconds)
            share = len(asked & set(words_of(passage))) / max(1, len(asked))
            logits[i] = 16 * share - 8
            self.read.append(passage)
        return logits
