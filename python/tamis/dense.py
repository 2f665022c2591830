"""`DenseIndex`: exact nearest neighbours of vectors, usable on its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tamis import _core
from tamis.errors import DimensionError, InvalidInputError
from tamis.types import FloatArray, IntArray


class DenseIndex:
    """Vectors in memory and their exact top-k.

    Scores are inner products of float32 rows, summed in one fixed order, so that they have the
    same bits on every machine and for any number of threads. Equal scores are ordered by row.

    Parameters
    ----------
    dim : int
        The width of the vectors, at least 1.
    metric : {"cosine", "dot"}
        ``"cosine"`` scales vectors and queries to unit length; zero vectors are refused.

    Raises
    ------
    InvalidInputError
        If `dim` is below 1 or the metric is unknown.

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

    def __init__(self, dim: int, metric: Literal["cosine", "dot"] = "cosine") -> None:
        if dim < 1:
            raise InvalidInputError(f"dim is {dim}; a vector has at least one dimension")
        self._core = _core.DenseIndex(dim, metric)

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

    def add(self, vectors: npt.ArrayLike) -> range:
        """Add vectors at the end; all or, on an error, none.

        Parameters
        ----------
        vectors : array_like, shape (n, dim) or (dim,)
            Converted to float32.

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
            If a row has length zero under ``metric="cosine"``.
        InvalidInputError
            If they are not numbers, or a row is longer than 1.3e19 under ``metric="dot"``.
        """
        matrix = as_matrix(vectors, self.dim)
        start = self._core.add(matrix)
        return range(start, start + len(matrix))

    def search(
        self,
        queries: npt.ArrayLike,
        k: int = 10,
        *,
        precision: Literal["exact"] = "exact",
        threads: int | None = None,
        where: npt.NDArray[np.bool_] | None = None,
    ) -> tuple[FloatArray, IntArray]:
        """Return the best rows for each query, best first.

        Parameters
        ----------
        queries : array_like, shape (q, dim) or (dim,)
            One query a row.
        k : int
            How many, at least 1; beyond the number of rows, all of them.
        precision : {"exact"}
            The answer of an exhaustive search; there is no other yet.
        threads : int, optional
            At most this many; by default the cores that the process may use. The answer does
            not depend on it.
        where : ndarray of bool, shape (len(index),), optional
            The rows that may be found.

        Returns
        -------
        scores : ndarray of float32, shape (q, min(k, n)) or (min(k, n),)
            Falling; a cosine is in -1..1, but for the last bit. `n` is the number of rows that
            may be found.
        rows : ndarray of int64, of the same shape
            The row numbers.

        Raises
        ------
        DimensionError, NonFiniteError, ZeroVectorError
            As `add`, for the queries.
        InvalidInputError
            If `k` or `threads` is below 1, `where` has another length, or the precision is
            unknown.
        """
        if precision != "exact":
            raise InvalidInputError(f'precision is {precision!r}; it must be "exact"')
        if threads is not None and threads < 1:
            raise InvalidInputError(f"threads is {threads}; it takes at least 1")
        matrix = as_matrix(queries, self.dim)
        scores, rows = self._core.search(matrix, k, threads, as_flags(where))
        return (scores[0], rows[0]) if np.ndim(queries) == 1 else (scores, rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, replacing it in one step.

        Raises
        ------
        StorageError
            If the system refuses.
        """
        self._core.save(Path(path))

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> DenseIndex:
        """Read an index that `save` wrote.

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
        index._core = _core.DenseIndex.open(Path(path))  # noqa: SLF001 (its own)
        return index


def as_matrix(vectors: npt.ArrayLike, dim: int) -> FloatArray:
    """Return vectors as a C-contiguous float32 matrix of width `dim`."""
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
        return np.ascontiguousarray(array, dtype=np.float32)


def as_flags(where: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_] | None:
    """Return a filter as a C-contiguous array of flags."""
    if where is None:
        return None
    flags = np.asarray(where)
    if flags.dtype != np.bool_ or flags.ndim != 1:
        raise InvalidInputError(
            f"where is an array of {flags.dtype} with {flags.ndim} dimensions; it must be one "
            "flag (bool) a row"
        )
    return np.ascontiguousarray(flags)
