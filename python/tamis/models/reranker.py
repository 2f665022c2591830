"""A query and its passages to logits."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np

from tamis.errors import InvalidInputError, ModelError
from tamis.models.base import RegisteredModel
from tamis.models.callers import spread
from tamis.models.registry import find
from tamis.models.spec import RerankerSpec
from tamis.types import FloatArray, checked_text, checked_texts

#: How much of a pair the query may take at most.
_QUERY_SHARE = 0.75


class Reranker(RegisteredModel):
    """A registered cross-encoder, run on the CPU.

    Making one is free: the model's files are fetched, if need be, and opened at first use. It
    may be used by many threads at once and after a fork.

    A pair too long is cut at the end of its passage. A query takes at most three quarters of
    the room, and is cut there, as nothing can be said about a passage of which nothing is read.

    Parameters
    ----------
    name : str
        A model of the registry (see `tamis.models.registered`).
    max_tokens : int, optional
        Cuts pairs shorter than the model's own limit would; special tokens count.
    threads : int, optional
        How many passages are scored at once; by default as many as there are cores.

    Raises
    ------
    ModelNotFoundError
        If no reranker of this name is registered.
    InvalidInputError
        If `max_tokens` is more than the model can read or less than 8, or `threads` is less
        than 1.
    """

    def __init__(
        self,
        name: str = "ms-marco-MiniLM-L-12-v2",
        *,
        max_tokens: int | None = None,
        threads: int | None = None,
    ) -> None:
        self._spec = find(name, RerankerSpec)
        super().__init__(self._spec, max_tokens, threads, strategy="only_second")

    def score(self, query: str, passages: Sequence[str]) -> FloatArray:
        """Return the relevance of each passage to a query.

        Parameters
        ----------
        query : str
            The question.
        passages : sequence of str
            May be empty.

        Returns
        -------
        ndarray of float32, shape (len(passages),)
            Raw logits, higher is more relevant; they do not depend on the other passages.

        Raises
        ------
        InvalidInputError
            If `query` is not a string, or `passages` is one, or holds anything but strings.
        ModelUnavailableError
            If the model's files are not on this machine and cannot be fetched.
        ModelChecksumError
            If a file is not the one that the model's spec names.
        ModelError
            If the network does not fit the model's spec.
        """
        return self.rerank(query, passages)

    def rerank(
        self, query: str, passages: Sequence[str], *, deadline: float | None = None
    ) -> FloatArray:
        """Score passages in the order given until the deadline.

        The clock is read before each passage, so the call may end late by the time of one. It
        also runs while the model is opened, at first use.

        Parameters
        ----------
        query : str
            The question.
        passages : sequence of str
            Best candidates first.
        deadline : float, optional
            Seconds from now; nothing is scored if it is 0 or less.

        Returns
        -------
        ndarray of float32, shape (len(passages),)
            Raw logits of the first passages, as many as there was time for; NaN for the rest.

        Raises
        ------
        InvalidInputError
            As `score`; also if the deadline is NaN.
        ModelError
            As `score`.
        """
        end = math.inf if deadline is None else time.monotonic() + deadline
        if math.isnan(end):
            raise InvalidInputError("deadline is NaN, it must be a number of seconds")
        checked_text(query, "query")
        passages = checked_texts(passages, "passages")
        logits = np.full(len(passages), np.nan, dtype=np.float32)
        if not passages:
            return logits
        query = self._model.cut(query, _QUERY_SHARE)

        def in_time() -> Iterator[int]:
            for row in range(len(passages)):
                if time.monotonic() >= end:
                    return
                yield row

        def score(row: int) -> None:
            logits[row] = self._logit(query, passages[row])

        spread(score, in_time(), min(self._model.callers, len(passages)))
        return logits

    def _logit(self, query: str, passage: str) -> float:
        logits = self._model.run((query, passage))
        if logits.shape != (1, 1):
            raise ModelError(
                f"the output {self._spec.output!r} of {self.name} has shape {logits.shape} for "
                "one pair, a reranker must give one logit: (1, 1)"
            )
        return float(logits[0, 0])
