"""`BM25Index`: exact BM25 over texts, usable on its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from tamis import _core
from tamis.types import (
    FloatArray,
    IntArray,
    as_flags,
    checked_text,
    checked_texts,
    checked_threads,
)

Variant: TypeAlias = Literal["lucene", "robertson", "atire", "bm25l", "bm25+"]


class Analyzer:
    """Turns text into terms, the same way for documents and queries.

    Parameters
    ----------
    name : {"default", "plain"}
        ``"default"`` folds case and width, stems English, and keeps identifiers such as
        ``4.2(b)`` or ``ERR_CONN_42`` whole and in parts; ``"plain"`` gives folded words.

    Raises
    ------
    InvalidInputError
        If there is no analyzer of this name.

    Examples
    --------
    >>> import tamis
    >>> tamis.Analyzer().terms("Section 4.2(b), early termination")
    ['section', '4.2(b)', '4.2', 'b', 'earli', 'termin']
    """

    def __init__(self, name: str = "default") -> None:
        self._core = _core.Analyzer(name)

    @property
    def name(self) -> str:
        """The name recorded with an index."""
        return self._core.name

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text, in order."""
        return self._core.terms(checked_text(text, "the text"))


class BM25Index:
    """Texts and their exact BM25 top-k.

    The texts are not kept, only compressed postings of their terms; the first search after an
    `add` compresses what is new. A query is text, never a query language: no string is an error.
    Postings that cannot matter for the best `k` are not read, and scores are summed in fixed point,
    so that they have the same bits however they were found; they equal the published formula to
    1e-5. Equal scores are ordered by row.

    Parameters
    ----------
    analyzer : str
        The name of an `Analyzer`.
    variant : {"lucene", "robertson", "atire", "bm25l", "bm25+"}
        The formula; see Kamphuis et al., "Which BM25 do you mean?" (ECIR 2020).
    k1 : float
        How soon repetition of a term stops counting, at least 0.
    b : float
        How much length counts, 0 to 1.

    Raises
    ------
    InvalidInputError
        If a name is unknown or a parameter out of range.

    Examples
    --------
    >>> import tamis
    >>> lexical = tamis.BM25Index()
    >>> lexical.add(["Section 2.4(b) Deliveries", "Section 4.2(b) Early termination"])
    range(0, 2)
    >>> scores, rows = lexical.search("What does 4.2(b) say?", k=1)
    >>> rows.tolist()
    [1]
    """

    def __init__(
        self,
        analyzer: str = "default",
        variant: Variant = "lucene",
        k1: float = 1.2,
        b: float = 0.75,
    ) -> None:
        self._core = _core.BM25Index(analyzer, variant, k1, b)

    def __len__(self) -> int:
        return len(self._core)

    def __repr__(self) -> str:
        return (
            f"<BM25Index: {len(self)} texts, {self.variant}, k1={self.k1}, b={self.b}, "
            f"analyzer {self.analyzer!r}>"
        )

    @property
    def analyzer(self) -> str:
        """The name of its analyzer."""
        return self._core.analyzer

    @property
    def variant(self) -> str:
        """The name of its formula."""
        return self._core.variant

    @property
    def k1(self) -> float:
        """How soon repetition of a term stops counting."""
        return self._core.k1

    @property
    def b(self) -> float:
        """How much length counts."""
        return self._core.b

    def add(self, texts: Iterable[str], *, threads: int | None = None) -> range:
        """Add texts at the end; all or, on an error or Ctrl-C, none.

        Parameters
        ----------
        texts : iterable of str
            One row each; an empty text is a row that is never found.
        threads : int, optional
            At most this many, for tens of thousands of texts; by default the cores that the
            process may use.

        Returns
        -------
        range
            Their row numbers.

        Raises
        ------
        InvalidInputError
            If `texts` is a single string, a text holds a lone surrogate, or `threads` is below 1.
        """
        batch = checked_texts(texts, "texts")
        start = self._core.add(batch, checked_threads(threads))
        return range(start, start + len(batch))

    def search(
        self, query: str, k: int = 10, *, where: npt.NDArray[np.bool_] | None = None
    ) -> tuple[FloatArray, IntArray]:
        """Return the best rows for a query, best first.

        Parameters
        ----------
        query : str
            Any text; a term counts as often as the query repeats it.
        k : int
            How many, at least 1. Only rows that hold a term of the query and score above 0 are
            found, so there may be fewer.
        where : ndarray of bool, shape (len(index),), optional
            The rows that may be found. Scores do not depend on it.

        Returns
        -------
        scores : ndarray of float32, shape (m,), m <= k
            Falling, above 0.
        rows : ndarray of int64, shape (m,)
            The row numbers.

        Raises
        ------
        InvalidInputError
            If `k` is below 1, or `where` has another length.
        """
        return self._core.search(checked_text(query, "the query"), k, as_flags(where))

    def search_many(
        self,
        queries: Sequence[str],
        k: int = 10,
        *,
        threads: int | None = None,
        where: npt.NDArray[np.bool_] | None = None,
    ) -> tuple[FloatArray, IntArray]:
        """Return the best rows for many queries at once.

        Parameters
        ----------
        queries : sequence of str
            As in `search`.
        k : int
            How many for each.
        threads : int, optional
            At most this many; by default the cores that the process may use.
        where : ndarray of bool, shape (len(index),), optional
            As in `search`.

        Returns
        -------
        scores : ndarray of float32, shape (len(queries), m), m <= k
            Row by row as `search` gives them, filled up with 0.
        rows : ndarray of int64, of the same shape
            Filled up with -1.

        Raises
        ------
        InvalidInputError
            If `queries` is a single string, `k` or `threads` is below 1, or `where` has another
            length.
        """
        texts = checked_texts(queries, "queries")
        return self._core.search_many(texts, k, checked_threads(threads), as_flags(where))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, replacing it in one step.

        Raises
        ------
        StorageError
            If the system refuses.
        """
        self._core.save(Path(path))

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> BM25Index:
        """Map an index that `save` wrote, after a check of its checksums; it can grow.

        Raises
        ------
        IndexNotFoundError
            If there is no such file.
        CorruptIndexError
            If the file is damaged or no BM25 index.
        StorageError
            If it cannot be read.
        """
        index = cls.__new__(cls)
        index._core = _core.BM25Index.open(Path(path))  # noqa: SLF001 (its own)
        return index
