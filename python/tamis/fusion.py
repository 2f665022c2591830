"""`rrf` and `fuse`: several ranked lists become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tamis import _core
from tamis.errors import InvalidInputError
from tamis.types import IntArray


def rrf(
    lists: Sequence[npt.ArrayLike],
    k: float = 60,
    weights: Sequence[float] | None = None,
) -> tuple[npt.NDArray[np.float64], IntArray]:
    """Fuse lists by their ranks alone: reciprocal-rank fusion.

    An id scores the sum over the lists of ``weight / (k + rank)``, ranks counted from 1; a list
    that does not hold it adds nothing (Cormack, Clarke, Büttcher, SIGIR 2009).

    Parameters
    ----------
    lists : sequence of array_like of int
        Ids, best first, of any integer type; lists may differ in length.
    k : float
        How flat the weights of ranks are, at least 0.
    weights : sequence of float, optional
        One a list, at least 0; by default 1.

    Returns
    -------
    scores : ndarray of float64, shape (n,)
        Falling.
    ids : ndarray of int64, shape (n,)
        Every id once; equal scores by ascending id.

    Raises
    ------
    InvalidInputError
        If ids are no integers, a list repeats one, or `k` or a weight is out of range.

    Examples
    --------
    >>> import tamis
    >>> scores, ids = tamis.rrf([[7, 3], [3, 9]])
    >>> ids.tolist()
    [3, 7, 9]
    """
    return _core.rrf([_ids(ids) for ids in lists], k, _floats(weights))


def fuse(
    lists: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]],
    *,
    method: Literal["convex", "rrf"] = "convex",
    normalise: Literal["minmax", "zscore"] = "minmax",
    weights: Sequence[float] | None = None,
    k: float = 60,
) -> tuple[npt.NDArray[np.float64], IntArray]:
    """Fuse lists of scores and ids.

    Parameters
    ----------
    lists : sequence of (scores, ids)
        As the indexes return them, best first.
    method : {"convex", "rrf"}
        ``"convex"`` is the weighted mean of normalised scores (Bruch, Gai, Ingber, TOIS 2023);
        ``"rrf"`` uses ranks only, see `rrf`.
    normalise : {"minmax", "zscore"}
        For ``"convex"``: bring each list to 0..1 by its own least and greatest score, or to mean
        0 and deviation 1. An id absent from a list counts there as the list's least score; under
        ``"minmax"`` as 0, also where the list's scores are all equal, which makes them 1.
    weights : sequence of float, optional
        One a list, at least 0; by default equal.
    k : float
        For ``"rrf"``.

    Returns
    -------
    scores : ndarray of float64, shape (n,)
        Falling. Not a measure of relevance: it depends on the other hits of the same lists.
    ids : ndarray of int64, shape (n,)
        Every id once; equal scores by ascending id.

    Raises
    ------
    InvalidInputError
        As `rrf`, and for ``"convex"`` if a list has not as many scores as ids, or a score is not
        finite.
    """
    pairs = [(_scores(scores), _ids(ids)) for scores, ids in lists]
    ids = [ids for _, ids in pairs]
    if method == "rrf":
        return _core.rrf(ids, k, _floats(weights))
    if method != "convex":
        raise InvalidInputError(f'method is {method!r}; it must be "convex" or "rrf"')
    return _core.convex(ids, [scores for scores, _ in pairs], normalise, _floats(weights))


#: How many hits each retriever gives to a search's fusion.
CANDIDATES = 100

#: How many fused hits the reranker reads. More than 20 added nothing on the sets measured.
RERANKED = 20

#: The share of the vectors in the hybrid score: the best on the mean of six sets, and flat
#: between 0.5 and 0.7.
DENSE_WEIGHT = 0.6


def hybrid(
    lexical: tuple[npt.ArrayLike, npt.ArrayLike], dense: tuple[npt.ArrayLike, npt.ArrayLike]
) -> tuple[npt.NDArray[np.float64], IntArray]:
    """Fuse the hits of both retrievers as a search does by default.

    Parameters
    ----------
    lexical, dense : (scores, ids)
        The best `CANDIDATES` of each.

    Returns
    -------
    scores, ids
        As `fuse`: min-max convex, `DENSE_WEIGHT` on the vectors.
    """
    return fuse([lexical, dense], weights=[1 - DENSE_WEIGHT, DENSE_WEIGHT])


def _ids(ids: npt.ArrayLike) -> IntArray:
    array = _list(ids, "ids", "integers", "iu")
    if array.dtype == np.uint64 and array.max() > np.iinfo(np.int64).max:
        raise InvalidInputError(f"id {array.max()} is beyond the largest, 2^63 - 1")
    return np.ascontiguousarray(array, dtype=np.int64)


def _scores(scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.ascontiguousarray(_list(scores, "scores", "real numbers", "fiu"), dtype=np.float64)


def _list(values: npt.ArrayLike, name: str, needed: str, kinds: str) -> npt.NDArray[Any]:
    """Return values as a one-dimensional array of one of these kinds of dtype."""
    try:
        array: npt.NDArray[Any] = np.asarray(values)
    except ValueError as error:  # lists of unequal lengths
        raise InvalidInputError(f"a list of {name} is no array: {error}") from None
    if array.size == 0:
        return np.empty(0, dtype=np.int64)
    if array.dtype.kind not in kinds or array.ndim != 1:
        raise InvalidInputError(
            f"a list of {name} is an array of {array.dtype} with {array.ndim} dimensions; it must "
            f"be one dimension of {needed}"
        )
    return array


def _floats(weights: Sequence[float] | None) -> list[float] | None:
    return None if weights is None else [float(weight) for weight in weights]
