"""`DenseIndex`: nearest neighbours of vectors, exactly or nearly so, usable on its own."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from tamis import _core
from tamis.errors import DimensionError, InvalidInputError
from tamis.types import FloatArray, IntArray, as_flags, checked_threads

Precision = Literal["exact", "f32", "fast"]
Level = Literal["codes", "bits", "f32", "gather"]

#: The most dimensions of a vector.
WIDEST = 2**24


#: Rows that a search with ``precision="fast"`` scores for each hit.
OVERSAMPLE = 30.0


@dataclass(frozen=True, slots=True)
class DenseStats:
    """What a search did, summed over its queries.

    Attributes
    ----------
    level : {"codes", "bits", "f32", "gather"}
        What answered: 4-bit codes with proof, 1-bit codes, all values, or, since few rows
        passed the filter, the values of those alone. An opened index that has grown is searched
        in two parts; the level is then that of either.
    simd : {"scalar", "avx2", "avx512", "neon"}
        The instruction set.
    scanned : int
        Rows whose codes, or values, were read in order.
    passed : int
        Rows that the codes could not rule out or, for bits, that were among the best estimates.
    refined : int
        Rows whose fine codes, 4 bits a dimension more, were asked after that.
    rescored : int
        Rows that were scored by their values since no code could rule them out.
    gathered : int
        Rows that were scored one by one since they passed the filter.
    """

    level: Level
    simd: str
    scanned: int
    passed: int
    refined: int
    rescored: int
    gathered: int


class DenseIndex:
    """Vectors and their top-k.

    Scores are inner products of float32 rows, summed in one fixed order, so that they have the
    same bits on every machine and for any number of threads. Equal scores are ordered by row.

    Beside the vectors the index keeps codes of them, 4 bits, 4 bits more and 1 bit a dimension,
    together 0.30 of the vectors' memory at 384 dimensions. They are made by the first search that
    needs them, or by `build`; an index of less than 1,024 rows, or of vectors of less than 64
    dimensions, does without.

    Parameters
    ----------
    dim : int
        The width of the vectors, at least 1.
    metric : {"cosine", "dot"}
        ``"cosine"`` scales vectors and queries to unit length.
    on_zero : {"error", "keep"}
        What becomes of a vector of length zero under ``metric="cosine"``: it is refused, or it
        stays, with a cosine of 0 to any query. Queries of length zero are always refused.

    Raises
    ------
    InvalidInputError
        If `dim` is below 1 or another option is unknown.

    Examples
    --------
    >>> import numpy as np, tamis
    >>> dense = tamis.DenseIndex(2)
    >>> dense.add(np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]))
    range(0, 3)
    >>> scores, rows = dense.search(np.array([0.0, 1.0]), k=2)
    >>> rows.tolist()
    [1, 2]
    """

    def __init__(
        self,
        dim: int,
        metric: Literal["cosine", "dot"] = "cosine",
        *,
        on_zero: Literal["error", "keep"] = "error",
    ) -> None:
        if dim < 1:
            raise InvalidInputError(f"dim is {dim}; a vector has at least one dimension")
        if dim > WIDEST:
            raise InvalidInputError(f"dim is {dim}; a vector has at most {WIDEST} dimensions")
        if on_zero not in ("error", "keep"):
            raise InvalidInputError(f'on_zero is {on_zero!r}; it must be "error" or "keep"')
        self._core = _core.DenseIndex(dim, metric, on_zero == "keep")

    def __len__(self) -> int:
        return len(self._core)

    def __repr__(self) -> str:
        return f"<DenseIndex: {len(self)} vectors, {self.dim} dimensions, {self.metric}>"

    @property
    def dim(self) -> int:
        """The width of the vectors."""
        return self._core.dim

    @property
    def metric(self) -> str:
        """How vectors are compared."""
        return self._core.metric

    @property
    def on_zero(self) -> str:
        """What becomes of vectors of length zero."""
        return "keep" if self._core.keeps_zeros else "error"

    def memory(self) -> dict[str, int]:
        """Return the bytes of each level: ``"f32"``, ``"codes"``, ``"fine"`` and ``"bits"``.

        Of an opened index they are bytes of the mapped file, which the system loads as they are
        read and drops when memory is short. A search reads all ``"codes"`` or all ``"bits"``, and
        of ``"fine"`` and ``"f32"`` only the rows that may be among the best.
        """
        return dict(zip(("f32", "codes", "fine", "bits"), self._core.memory(), strict=True))

    def add(self, vectors: npt.ArrayLike) -> range:
        """Add vectors at the end; all or, on an error, none.

        Parameters
        ----------
        vectors : array_like, shape (n, dim) or (dim,)
            C-contiguous float32 is read as it lies; all else is converted to that, once.

        Returns
        -------
        range
            Their row numbers.

        Raises
        ------
        DimensionError
            If they have another width.
        NonFiniteError
            If a value is NaN or infinite, or becomes so in float32.
        ZeroVectorError
            If a row has length zero under ``metric="cosine"`` and ``on_zero="error"``.
        InvalidInputError
            If they are not numbers, or a row is longer than 1.3e19 under ``metric="dot"``.
        """
        matrix = as_matrix(vectors, self.dim)
        start = self._core.add(matrix)
        return range(start, start + len(matrix))

    def build(self, *, threads: int | None = None) -> None:
        """Encode the rows that were added and have no codes yet, so that no search need do it.

        Parameters
        ----------
        threads : int, optional
            At most this many; by default the cores that the process may use.

        Raises
        ------
        InvalidInputError
            If `threads` is below 1.
        """
        self._core.build(checked_threads(threads))

    @overload
    def search(
        self,
        queries: npt.ArrayLike,
        k: int = 10,
        *,
        precision: Precision = "exact",
        oversample: float = OVERSAMPLE,
        threads: int | None = None,
        where: npt.NDArray[np.bool_] | None = None,
        stats: Literal[False] = False,
    ) -> tuple[FloatArray, IntArray]: ...

    @overload
    def search(
        self,
        queries: npt.ArrayLike,
        k: int = 10,
        *,
        precision: Precision = "exact",
        oversample: float = OVERSAMPLE,
        threads: int | None = None,
        where: npt.NDArray[np.bool_] | None = None,
        stats: Literal[True],
    ) -> tuple[FloatArray, IntArray, DenseStats]: ...

    def search(
        self,
        queries: npt.ArrayLike,
        k: int = 10,
        *,
        precision: Precision = "exact",
        oversample: float = OVERSAMPLE,
        threads: int | None = None,
        where: npt.NDArray[np.bool_] | None = None,
        stats: bool = False,
    ) -> tuple[FloatArray, IntArray] | tuple[FloatArray, IntArray, DenseStats]:
        """Return the best rows for each query, best first.

        Parameters
        ----------
        queries : array_like, shape (q, dim) or (dim,)
            One query a row.
        k : int
            How many, at least 1; beyond the number of rows, all of them.
        precision : {"exact", "f32", "fast"}
            ``"exact"`` and ``"f32"`` give the same answer to the last bit, that of scoring every
            row. ``"f32"`` does so; ``"exact"`` lets 4-bit codes rule rows out first, each with a
            proof that it cannot be among the best, and reads an eighth of the memory.
            ``"fast"`` scores the best estimates of 1-bit codes (RaBitQ, arXiv 2405.12497) and
            may miss some of the best rows; the scores that it gives are exact.
        oversample : float
            With ``precision="fast"``, how many rows are scored for each hit, at least 1. More
            find more of the best, and take longer.
        threads : int, optional
            At most this many; by default the cores that the process may use. The answer does
            not depend on it.
        where : ndarray of bool, shape (len(index),), optional
            The rows that may be found.
        stats : bool
            Whether to tell what the search did.

        Returns
        -------
        scores : ndarray of float32, shape (q, min(k, n)) or (min(k, n),)
            Falling; a cosine is in -1..1, but for the last bit. `n` is the number of rows that
            may be found.
        rows : ndarray of int64, of the same shape
            The row numbers.
        stats : DenseStats
            Only if asked for.

        Raises
        ------
        DimensionError, NonFiniteError, ZeroVectorError
            As `add`, for the queries.
        InvalidInputError
            If `k`, `threads` or `oversample` is below 1, `where` has another length, or the
            precision is unknown.
        """
        if precision not in ("exact", "f32", "fast"):
            raise InvalidInputError(
                f'precision is {precision!r}; it must be "exact", "f32" or "fast"'
            )
        if not 1 <= oversample < math.inf:
            raise InvalidInputError(f"oversample is {oversample}; it takes a number of at least 1")
        matrix = as_matrix(queries, self.dim)
        (scores, rows), (level, *counts) = self._core.search(
            matrix, k, precision, min(oversample, 1e9), checked_threads(threads), as_flags(where)
        )
        if np.ndim(queries) == 1:
            scores, rows = scores[0], rows[0]
        if not stats:
            return scores, rows
        return scores, rows, DenseStats(level, _core.simd_level(), *counts)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, replacing it in one step.

        Raises
        ------
        StorageError
            If the system refuses.
        """
        self._core.save(Path(path))

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, verify: bool = False) -> DenseIndex:
        """Map an index that `save` wrote: milliseconds, whatever its size.

        The file must stay as it is while the index is open; `save` to the same path is safe,
        since it puts a new file in its place.

        Parameters
        ----------
        path : path_like
            The file.
        verify : bool
            Whether to read all of it and compare its checksums. Without, what is longer than
            16 MiB (the vectors of a large index, and their codes) is not.

        Raises
        ------
        IndexNotFoundError
            If there is no such file.
        CorruptIndexError
            If the file is damaged or no dense index.
        StorageError
            If it cannot be read.
        """
        index = cls.__new__(cls)
        index._core = _core.DenseIndex.open(Path(path), verify)  # noqa: SLF001 (its own)
        return index


def as_matrix(vectors: npt.ArrayLike, dim: int) -> FloatArray:
    """Return vectors as a C-contiguous, aligned float32 matrix of width `dim`."""
    try:
        array: npt.NDArray[Any] = np.asarray(vectors)
    except ValueError as error:  # rows of unequal lengths
        raise InvalidInputError(f"the vectors are no array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise InvalidInputError(f"the vectors are of type {array.dtype}; they must be real numbers")
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2 or array.shape[1] != dim:
        raise DimensionError(
            f"the vectors have shape {np.shape(vectors)}; the index takes (n, {dim}) or ({dim},)"
        )
    # What is too large becomes infinite and is refused as such; what is too small becomes 0.
    with np.errstate(over="ignore", under="ignore"):
        return np.require(array, np.float32, ["C_CONTIGUOUS", "ALIGNED"])
