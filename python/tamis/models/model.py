"""The files of a model at work: text in, the network's output out.

One text, or one pair of texts, is read at a time, unpadded, whatever padding and truncation the
tokenizer's file asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tamis.errors import ModelError
from tamis.models.cache import checked_file, locate
from tamis.models.callers import cores, spread
from tamis.models.fetch import fetch
from tamis.models.lazy import PerProcess
from tamis.models.session import Network
from tamis.models.spec import MODEL_FILE, TOKENIZER_FILE, ModelSpec
from tamis.types import FloatArray, Progress

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


#: More characters than a token of prose has.
_LONGEST_TOKEN = 12


class Model:
    """A model, whose files are fetched and opened at first use, once in each process.

    Parameters
    ----------
    spec : ModelSpec
        Which model.
    max_tokens : int
        Where an input is cut, special tokens included.
    threads : int or None
        How many texts are worked on at once; None for as many as there are cores.
    strategy : {"longest_first", "only_second"}
        Which text of a pair is cut.
    """

    def __init__(
        self,
        spec: ModelSpec,
        max_tokens: int,
        threads: int | None,
        strategy: Literal["longest_first", "only_second"],
    ) -> None:
        self.spec = spec
        self.max_tokens = max_tokens
        self._strategy = strategy
        self._callers = PerProcess(lambda: threads or cores())
        self._tokenizer = PerProcess(self._open_tokenizer)
        self._cutting_tokenizer = PerProcess(self._open_cutting_tokenizer)
        self._network = PerProcess(self._open_network)

    def fetch(self, progress: Progress | None) -> Path:
        """Return the folder of the model's files, fetching them if they are not here."""
        return locate(self.spec) or fetch(self.spec, progress=progress)

    def warm(self, progress: Progress | None) -> None:
        """Fetch the files and open them."""
        self.fetch(progress)
        self._tokenizer.get()
        self._cutting_tokenizer.get()
        self._network.get()

    @property
    def callers(self) -> int:
        """How many texts are worked on at once."""
        return self._callers.get()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens not counted.

        At least one for every `_LONGEST_TOKEN` characters: a tokenizer makes a single unknown
        token of a word that is too long for it, which no other reader of the text would.
        """
        tokenizer = self._tokenizer.get()
        counts = [0] * len(texts)

        def count(row: int) -> None:
            letters = len("".join(texts[row].split()))
            seen = len(_encode(tokenizer, texts[row], special=False))
            counts[row] = max(seen, -(-letters // _LONGEST_TOKEN))

        spread(count, range(len(texts)), min(self.callers, len(texts)))
        return counts

    def room(self, *, pair: bool) -> int:
        """Return how many tokens of a text, or pair of texts, fit beside the special tokens."""
        return self.max_tokens - self._tokenizer.get().num_special_tokens_to_add(pair)

    def cut(self, text: str, share: float) -> str:
        """Return the text, cut at its end to a share of the room for a pair."""
        tokenizer = self._tokenizer.get()
        limit = int(self.room(pair=True) * share)
        # Cut where a token ends; should the rest be split into more tokens then, cut again.
        for keep in range(limit, 0, -1):
            (encoding,) = tokenizer.encode_batch([text], add_special_tokens=False)
            if len(encoding) <= limit:
                break
            text = text[: encoding.offsets[keep - 1][1]]
        return text

    def run(self, text: str | tuple[str, str]) -> FloatArray:
        """Return the network's output for one text or pair of texts, as a batch of one.

        Raises
        ------
        ModelError
            If the files do not fit each other or the spec.
        """
        encoding = _encode(self._cutting_tokenizer.get(), text, special=True)
        return self._network.get().run(encoding.ids, encoding.type_ids)

    def _open_tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        path = checked_file(self.spec, self.fetch(None), TOKENIZER_FILE)
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # a bare Exception is what tokenizers raises
            raise ModelError(f"{path} is not a tokenizer: {error}") from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def _open_cutting_tokenizer(self) -> Tokenizer:
        tokenizer = self._open_tokenizer()
        tokenizer.enable_truncation(self.max_tokens, strategy=self._strategy)
        return tokenizer

    def _open_network(self) -> Network:
        path = checked_file(self.spec, self.fetch(None), MODEL_FILE)
        return Network(path, self.spec.output)


def _encode(tokenizer: Tokenizer, text: str | tuple[str, str], *, special: bool) -> Encoding:
    # Unlike `encode`, a batch lets go of the interpreter lock; a batch of one starts no threads,
    # which would not survive a fork.
    (encoding,) = tokenizer.encode_batch_fast([text], add_special_tokens=special)
    return encoding
