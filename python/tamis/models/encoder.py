"""Texts to vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, get_args

import numpy as np

from tamis.errors import InvalidInputError, ModelError
from tamis.models.base import RegisteredModel
from tamis.models.callers import spread
from tamis.models.registry import find
from tamis.models.spec import EncoderSpec
from tamis.types import FloatArray, Progress, TextKind, checked_texts

_Json: TypeAlias = str | int | dict[str, str]

#: Texts a thread gets between two reports of progress.
_WINDOW = 32


class Encoder(RegisteredModel):
    """A registered encoder, run on the CPU.

    Making one is free: the model's files are fetched, if need be, and opened at first use. It
    may be used by many threads at once and after a fork.

    Each text is encoded by itself, so its vector has the same bits alone, in any batch and with
    any number of threads.

    Parameters
    ----------
    name : str
        A model of the registry (see `tamis.models.registered`).
    max_tokens : int, optional
        Cuts texts shorter than the model's own limit would; special tokens and the prefix count.
    threads : int, optional
        How many texts are encoded at once; by default as many as there are cores.

    Raises
    ------
    ModelNotFoundError
        If no encoder of this name is registered.
    InvalidInputError
        If `max_tokens` is more than the model can read or less than 8, or `threads` is less
        than 1.

    Examples
    --------
    >>> encoder = Encoder("bge-small-en-v1.5")
    >>> encoder.dim, encoder.max_tokens
    (384, 512)
    """

    def __init__(
        self,
        name: str = "bge-small-en-v1.5",
        *,
        max_tokens: int | None = None,
        threads: int | None = None,
    ) -> None:
        self._spec = find(name, EncoderSpec)
        super().__init__(self._spec, max_tokens, threads, strategy="longest_first")

    @property
    def dim(self) -> int:
        """The width of its vectors."""
        return self._spec.dim

    def fingerprint(self) -> dict[str, _Json]:
        """Return what decides its vectors, as JSON values; nothing is loaded.

        Encoders of equal fingerprints are interchangeable, whatever their names.
        """
        return {
            "files": {file: pin.sha256 for file, pin in sorted(self._spec.files.items())},
            "output": self._spec.output,
            "dim": self._spec.dim,
            "pooling": self._spec.pooling,
            "query_prefix": self._spec.query_prefix,
            "passage_prefix": self._spec.passage_prefix,
            "max_tokens": self.max_tokens,
        }

    def is_truncated(self, texts: Sequence[str], kind: TextKind = "passage") -> list[bool]:
        """Return, for each text, whether `encode` would cut it.

        Parameters and errors are those of `encode`.
        """
        prefix = self._prefix(kind)
        whole = [prefix + text for text in checked_texts(texts, "texts")]
        counts = self._model.count_tokens(whole)
        room = self._model.room(pair=False)
        return [count > room for count in counts]

    def encode(
        self,
        texts: Sequence[str],
        kind: TextKind = "passage",
        *,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Return the vectors of texts.

        Parameters
        ----------
        texts : sequence of str
            May be empty, and so may each text. What is beyond `max_tokens` is cut off.
        kind : {"passage", "query"}
            Which of the model's prefixes is put before each text.
        progress : callable, optional
            Called from this thread as ``progress("encode", texts_done, texts_total)``, and, if
            the model must be fetched first, as `tamis.models.fetch` does.

        Returns
        -------
        ndarray of float32, shape (len(texts), dim)
            One row of unit length a text, in the order of `texts`.

        Raises
        ------
        InvalidInputError
            If `texts` is a string, or holds anything but strings, or `kind` is another.
        ModelUnavailableError
            If the model's files are not on this machine and cannot be fetched.
        ModelChecksumError
            If a file is not the one that the model's spec names.
        ModelError
            If the network does not fit the model's spec.
        """
        prefix = self._prefix(kind)
        texts = checked_texts(texts, "texts")
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        if not texts:
            return vectors
        self._model.warm(progress)

        def fill(row: int) -> None:
            vectors[row] = self._vector(prefix + texts[row])

        callers = self._model.callers
        for start in range(0, len(texts), _WINDOW * callers):
            window = range(len(texts))[start : start + _WINDOW * callers]
            # The longest first, so that no thread begins a long one when the others are done.
            longest_first = sorted(window, key=lambda row: len(texts[row]), reverse=True)
            spread(fill, longest_first, min(callers, len(window)))
            if progress is not None:
                progress("encode", window.stop, len(texts))
        return vectors

    def _vector(self, text: str) -> FloatArray:
        hidden = self._model.run(text)
        if hidden.ndim != 3 or hidden.shape[2] != self.dim:
            raise ModelError(
                f"the output {self._spec.output!r} of {self.name} has shape {hidden.shape} for "
                f"one text, its spec says (1, tokens, {self.dim})"
            )
        vector: FloatArray = hidden[0, 0] if self._spec.pooling == "cls" else hidden[0].mean(axis=0)
        length = np.linalg.norm(vector)
        if length == 0:
            raise ModelError(f"{self.name} gave a vector of length zero for the text {text[:80]!r}")
        return vector / length

    def _prefix(self, kind: TextKind) -> str:
        if kind == "passage":
            return self._spec.passage_prefix
        if kind == "query":
            return self._spec.query_prefix
        raise InvalidInputError(f"kind is {kind!r}, it must be one of {get_args(TextKind)}")
