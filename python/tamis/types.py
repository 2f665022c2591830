"""The values that travel between rooms, and the protocols where rooms meet.

A `Document` is what a reader gives, a `Chunk` is what is indexed. Both are plain, frozen and
carry their provenance: ``document.text[chunk.start:chunk.end] == chunk.text`` always holds, so
that a citation can be checked against its source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
import numpy.typing as npt

from tamis import moments
from tamis.errors import InvalidInputError

FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]

BlockKind: TypeAlias = Literal["heading", "paragraph", "list_item", "table", "code"]
TextKind: TypeAlias = Literal["passage", "query"]
DocumentStatus: TypeAlias = Literal["current", "draft", "withdrawn"]
HitStatus: TypeAlias = DocumentStatus | Literal["superseded", "expired", "future"]

#: The most threads that are passed on; the core takes fewer.
MOST_THREADS = 1024

#: Counts the tokens of each text, as the model that will read it counts them.
TokenCounter: TypeAlias = Callable[[Sequence[str]], Sequence[int]]

#: Called as ``progress(stage, done, total)``; ``total`` is 0 while it is unknown.
Progress: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Block:
    """A structural unit of a document.

    Attributes
    ----------
    kind : {"heading", "paragraph", "list_item", "table", "code"}
        What the author made it.
    start, end : int
        Its character span in ``Document.text``.
    level : int
        For a heading its depth, 1 for the title of the document; for a list item its nesting
        depth from 1; otherwise 0.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A source as its author structured it.

    Attributes
    ----------
    id : str
        Unique in an index; `tamis.Index.sync` uses the path from the synced folder's name on.
    text : str
        What spans count in, in characters.
    title : str
        The document's own title, or an empty string.
    blocks : tuple of Block
        In reading order, without overlap. Without blocks, the text is one paragraph after the
        other, parted by blank lines.
    source : str
        Where it came from: a path or a URI.
    metadata : mapping
        JSON values, dates and times, handed back with each hit (dates and times in ISO 8601), and
        asked by filters.
    version : str
        Which version of the text this is, for people, or an empty string.
    valid_from, valid_to : date, datetime or str, optional
        From when on, and until when (the moment itself left out), the text holds; kept as
        `datetime`. A search finds what holds now, or at the moment that is asked for.
    supersedes : tuple of str
        The ids of documents whose place it takes, from `valid_from` on, and for good: they do not
        come back when it expires, only when it is deleted or withdrawn.
    status : {"current", "draft", "withdrawn"}
        A search finds drafts, and what was withdrawn, only when asked to.

    Raises
    ------
    InvalidInputError
        If the id is empty, the text cannot be stored as UTF-8, the blocks overlap, are out of
        order or reach beyond the text, a date is none, or the status is unknown.
    """

    id: str
    text: str
    title: str = ""
    blocks: tuple[Block, ...] = ()
    source: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    valid_from: moments.Moment | None = None
    valid_to: moments.Moment | None = None
    supersedes: tuple[str, ...] = ()
    status: DocumentStatus = "current"

    def __post_init__(self) -> None:
        for name in ("id", "text", "title", "source", "version"):
            checked_text(getattr(self, name), f"the {name} of document {self.id!r}")
        if not isinstance(self.metadata, Mapping):
            raise InvalidInputError(
                f"the metadata of document {self.id!r} is of type {type(self.metadata).__name__}; "
                "it must be a mapping"
            )
        if not self.id:
            raise InvalidInputError("a document needs a non-empty id")
        for name in ("valid_from", "valid_to"):
            if (moment := getattr(self, name)) is not None:
                called = f"{name} of document {self.id!r}"
                object.__setattr__(self, name, moments.moment_of(moment, called))
        start, end = self.valid_from, self.valid_to
        if isinstance(start, datetime) and isinstance(end, datetime) and start >= end:
            raise InvalidInputError(
                f"document {self.id!r} is valid_to {end}, before its valid_from"
            )
        replaced = checked_texts(self.supersedes, f"supersedes of document {self.id!r}")
        object.__setattr__(self, "supersedes", tuple(replaced))
        if self.status not in get_args(DocumentStatus):
            raise InvalidInputError(
                f"the status of document {self.id!r} is {self.status!r}; it must be one of "
                f"{', '.join(get_args(DocumentStatus))}"
            )
        previous = 0
        for block in self.blocks:
            if not previous <= block.start <= block.end <= len(self.text):
                raise InvalidInputError(
                    f"document {self.id!r}: the {block.kind} block {block.start}-{block.end} "
                    f"overlaps its neighbour, which ends at {previous}, or reaches beyond the "
                    f"text, which has {len(self.text)} characters"
                )
            previous = block.end

    def text_of(self, block: Block) -> str:
        """Return the text of one of the document's blocks."""
        return self.text[block.start : block.end]


#: What a document says of itself beside its id, its text and its blocks.
FIELDS_BESIDE_TEXT = (
    "title",
    "source",
    "metadata",
    "version",
    "valid_from",
    "valid_to",
    "supersedes",
    "status",
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document: what is indexed, searched and cited.

    Attributes
    ----------
    id : str
        Made from the document's id and the chunk's content, so that it survives edits
        elsewhere in the document.
    document_id : str
        The document it was cut from.
    text : str
        Always ``document.text[start:end]``.
    start, end : int
        Its character span in the document.
    headings : tuple of str
        The path of headings above it, outermost first; embedded and searched with it, never
        cited as its text.
    kind : str
        The kind of its blocks, or ``"mixed"``.
    """

    id: str
    document_id: str
    text: str
    start: int
    end: int
    headings: tuple[str, ...] = ()
    kind: str = "paragraph"

    @property
    def span(self) -> tuple[int, int]:
        """The character span in the document, ``(start, end)``."""
        return (self.start, self.end)

    @property
    def embedding_text(self) -> str:
        """What the models read: the heading path on a line of its own, then the text."""
        if not self.headings:
            return self.text
        return " > ".join(self.headings) + "\n" + self.text


def checked_text(text: object, name: str) -> str:
    """Return a text as it is, once it is known to be a string that UTF-8 can hold.

    Raises
    ------
    InvalidInputError
        If it is not; the message calls it by `name`.
    """
    if not isinstance(text, str):
        raise InvalidInputError(f"{name} is of type {type(text).__name__}; it must be a string")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{name} holds a lone surrogate at character {error.start}; decode its bytes with "
            "errors='replace' first"
        ) from None
    return text


def checked_texts(texts: Iterable[str], name: str) -> list[str]:
    """Return texts as a list, once each is known to be one; a single string is none.

    Raises
    ------
    InvalidInputError
        As `checked_text`, and if this is one string.
    """
    if isinstance(texts, str):
        raise InvalidInputError(f"{name} is one string; give a list, such as [{texts[:40]!r}]")
    if not isinstance(texts, Iterable):
        raise InvalidInputError(f"{name} is {texts!r}; give a list of strings")
    return [checked_text(text, f"{name}[{i}]") for i, text in enumerate(texts)]


def content_hash(text: str) -> str:
    """Return the hash by which equal texts are recognised: BLAKE2b, 128 bits, hexadecimal."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def key_of(hash: str) -> int:
    """Return the first 64 bits of a `content_hash`, by which an index finds what has it."""
    return int(hash[:16], 16)


@runtime_checkable
class TextEncoder(Protocol):
    """What an index needs of an encoder; `tamis.Encoder` is one."""

    @property
    def name(self) -> str:
        """The name recorded in the index."""
        ...

    @property
    def dim(self) -> int:
        """The width of its vectors."""
        ...

    @property
    def max_tokens(self) -> int:
        """The longest text it reads, in its tokens; the rest is cut off."""
        ...

    def fingerprint(self) -> Mapping[str, Any]:
        """Return what makes two encoders interchangeable, as JSON values.

        Must not load the model: it is compared whenever an index is opened.
        """
        ...

    def warm(self, *, progress: Progress | None = None) -> None:
        """Fetch and load whatever is needed, so that the first text does not pay for it."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens not counted."""
        ...

    def is_truncated(self, texts: Sequence[str], kind: TextKind = "passage") -> list[bool]:
        """Return, for each text, whether `encode` would cut it."""
        ...

    def encode(
        self,
        texts: Sequence[str],
        kind: TextKind = "passage",
        *,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Return one unit row a text, shape ``(len(texts), dim)``."""
        ...


@runtime_checkable
class PassageReranker(Protocol):
    """What an index needs of a reranker; `tamis.Reranker` is one."""

    @property
    def name(self) -> str:
        """The name shown in reports."""
        ...

    def warm(self, *, progress: Progress | None = None) -> None:
        """Fetch and load whatever is needed, so that the first passage does not pay for it."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens not counted."""
        ...

    def rerank(
        self, query: str, passages: Sequence[str], *, deadline: float | None = None
    ) -> FloatArray:
        """Score passages against a query, in the order given, until the deadline.

        Parameters
        ----------
        query : str
            The question.
        passages : sequence of str
            Best candidates first.
        deadline : float, optional
            Seconds from now. Passages not scored by then are NaN.

        Returns
        -------
        ndarray of float32, shape (len(passages),)
            Raw logits, higher is more relevant; NaN where the deadline came first.
        """
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found, with everything that put it where it is.

    Attributes
    ----------
    chunk : Chunk
        What was found.
    score : float
        The score of the last stage that read this hit, higher is better; `stage` names it.
        Scores of different stages are on different scales and never compared.
    stage : {"logit", "fused", "cosine", "bm25"}
        Which score that is.
    rank : int
        Its place in the results, from 1.
    scores : mapping of str to float
        The score of every stage that ranked it: ``bm25``, ``cosine`` (-1..1), ``fused`` (0..1, an
        order within this query only, not a measure of relevance), ``logit`` (the reranker's).
    title, source : str
        Of its document.
    metadata : mapping
        Of its document.
    offsets : tuple of (int, int)
        The spans of `text`, in characters, that the words of the query match.
    version : str
        Of its document.
    status : {"current", "superseded", "expired", "future", "draft", "withdrawn"}
        Whether its document holds at the moment that was asked for. All but ``"current"`` are
        found only with ``include_superseded=True``.
    superseded_by : str
        The id of the document that took its place, or an empty string.
    """

    chunk: Chunk
    score: float
    stage: str
    rank: int
    scores: Mapping[str, float]
    title: str = ""
    source: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    offsets: tuple[tuple[int, int], ...] = ()
    version: str = ""
    status: HitStatus = "current"
    superseded_by: str = ""

    @property
    def text(self) -> str:
        """The passage, word for word as it stands in the document."""
        return self.chunk.text

    @property
    def document_id(self) -> str:
        """The document it stands in."""
        return self.chunk.document_id

    @property
    def span(self) -> tuple[int, int]:
        """Its character span in the document."""
        return self.chunk.span

    @property
    def citation(self) -> str:
        """Where it stands, for people: document, section, character span, and `note`."""
        chunk = self.chunk
        return cite(chunk.document_id, chunk.headings, chunk.start, chunk.end, self.note)

    @property
    def note(self) -> str:
        """That its document does not hold, and why; empty if it does."""
        by = f" by {self.superseded_by}" if self.superseded_by else ""
        return "" if self.status == "current" else self.status + by


def cite(document_id: str, headings: Sequence[str], start: int, end: int, note: str = "") -> str:
    """Return a citation: document, innermost heading, span, and a note if there is one."""
    section = f" § {headings[-1]}" if headings else ""
    return f"{document_id}{section}, chars {start}-{end}" + (f" ({note})" if note else "")


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a context: one hit, or neighbouring hits joined.

    Attributes
    ----------
    number : int
        The number by which the context's text cites it, from 1, by strength.
    text : str
        Always ``document.text[start:end]``.
    document_id, start, end
        Where it stands.
    citation : str
        The same for people.
    """

    number: int
    text: str
    document_id: str
    start: int
    end: int
    citation: str


@dataclass(frozen=True, slots=True)
class Context:
    """What goes into the prompt.

    Attributes
    ----------
    text : str
        The numbered passages, each under its citation; empty if nothing was found.
    passages : tuple of Passage
        In the order of the text: the strongest at both ends, where readers look most.
    tokens : int
        The length of `text`, as the counter that was used counts.
    confidence : float or None
        How sure the reranker is that the best passage answers the query, 0..1; None if no
        reranker read it.
    sufficient : bool
        Whether this is enough to answer from: something was found, and the confidence reaches
        the least that was asked for.
    reason : str
        Why it is not sufficient, in words; empty if it is.
    """

    text: str
    passages: tuple[Passage, ...]
    tokens: int
    confidence: float | None
    sufficient: bool
    reason: str

    @property
    def sources(self) -> tuple[str, ...]:
        """The citations, by number."""
        return tuple(p.citation for p in sorted(self.passages, key=lambda p: p.number))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def checked_whole(value: object, name: str, *, least: int) -> int:
    """Return a whole number that is at least `least`, or fail; the message calls it by `name`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InvalidInputError(f"{name} is {value!r}; it must be a whole number")
    if not least <= value < 1 << 63:
        raise InvalidInputError(f"{name} is {value}; it must be at least {least}")
    return int(value)


def checked_threads(threads: int | None) -> int | None:
    """Return a number of threads, or fail if it is none."""
    if threads is not None and threads < 1:
        raise InvalidInputError(f"threads is {threads}; it takes at least 1")
    return None if threads is None else min(threads, MOST_THREADS)


def as_flags(where: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.uint8] | None:
    """Return a filter as a C-contiguous array of bytes, 0 where a row may not be found."""
    if where is None:
        return None
    flags = np.asarray(where)
    if flags.dtype != np.bool_ or flags.ndim != 1:
        raise InvalidInputError(
            f"where is an array of {flags.dtype} with {flags.ndim} dimensions; it must be one "
            "flag (bool) a row"
        )
    return np.ascontiguousarray(flags).view(np.uint8)
