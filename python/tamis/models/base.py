"""What encoders and rerankers share: a name, a limit, files that are opened at first use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tamis.models.inputs import check_threads, checked_max_tokens
from tamis.models.model import Model
from tamis.models.spec import ModelSpec
from tamis.types import Progress, checked_texts


class RegisteredModel:
    """A model of the registry, run on the CPU. Making one is free; nothing is fetched or opened.

    Parameters
    ----------
    spec : ModelSpec
        Which model.
    max_tokens : int or None
        Where an input is cut, special tokens and prefix included; None for the model's own limit.
    threads : int or None
        How many inputs are worked on at once; None for as many as there are cores.
    strategy : {"longest_first", "only_second"}
        Which text of a pair is cut.
    """

    def __init__(
        self,
        spec: ModelSpec,
        max_tokens: int | None,
        threads: int | None,
        strategy: Literal["longest_first", "only_second"],
    ) -> None:
        check_threads(threads)
        self._name = spec.name
        self._model = Model(spec, checked_max_tokens(max_tokens, spec), threads, strategy)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, max_tokens={self.max_tokens})"

    @property
    def name(self) -> str:
        """The model's name in the registry."""
        return self._name

    @property
    def max_tokens(self) -> int:
        """The longest input it reads, special tokens and prefix included; the rest is cut off."""
        return self._model.max_tokens

    def warm(self, *, progress: Progress | None = None) -> None:
        """Fetch the model's files, if they are not here, and open them.

        Parameters
        ----------
        progress : callable, optional
            Called as `tamis.models.fetch` does.

        Raises
        ------
        ModelUnavailableError
            If the files are not on this machine and cannot be fetched.
        ModelChecksumError
            If a file is not the one that the model's spec names.
        ModelError
            If the network does not fit the model's spec.
        """
        self._model.warm(progress)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens and prefix not counted.

        Raises
        ------
        InvalidInputError
            If `texts` is a string, or holds anything but strings.
        ModelError
            If the model's files cannot be had or are not the right ones.
        """
        return self._model.count_tokens(checked_texts(texts, "texts"))
