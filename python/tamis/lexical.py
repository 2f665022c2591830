"""`BM25Index`, exact BM25 over texts, and what it is asked with: `Analyzer`, `Query`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from tamis import _core
from tamis.errors import InvalidInputError
from tamis.types import (
    FloatArray,
    IntArray,
    as_flags,
    checked_text,
    checked_texts,
    checked_threads,
)

Variant: TypeAlias = Literal["lucene", "robertson", "atire", "bm25l", "bm25+"]
Kind: TypeAlias = Literal["word", "identifier", "part", "joint", "pair", "symbol"]
Tokenizer: TypeAlias = Callable[[str], Iterable[str]]

CUSTOM = "custom"


class Token(NamedTuple):
    """A term of a text, where it stands and what it is; see `Analyzer.explain`."""

    term: str
    start: int
    end: int
    kind: Kind


class Clause(NamedTuple):
    """A part of a `Query`.

    Attributes
    ----------
    sign : {"", "+", "-"}
        It counts, it must be there, it must not be there.
    field : str or None
        The field that it looks at; None is all.
    kind : {"words", "phrase", "prefix", "fuzzy"}
        What it looks for.
    text : str
        The words, without signs.
    number : int or None
        The places that may lie within a phrase (None: its words follow one another), or the
        letters by which a fuzzy term may differ.
    """

    sign: Literal["", "+", "-"]
    field: str | None
    kind: Literal["words", "phrase", "prefix", "fuzzy"]
    text: str
    number: int | None


class Query(str):
    """A query whose signs are read; any other string is text as it stands.

    =================== =============================================================
    ``lease``           counts if it is there, as in any text
    ``+lease``          must be there
    ``-lease``          must not be there
    ``"no pets"``       the words follow one another
    ``"no pets"~3``     they stand together in any order, at most 3 places between them
    ``title:lease``     stands in this field
    ``leas*``           any term that begins so
    ``leese~``          any term that differs by a letter (of more than five letters, two)
    ``leese~2``         by two
    =================== =============================================================

    Signs go together: ``+title:"no pets"``. What is no sign is text, so no string is an error. A
    phrase or a prefix is scored as a term would be, with the number of rows that hold it. What is
    like a term is worth half of it, and the term itself the other half.

    Of a name, `e-mail` or `getUserId`, all parts are words of a phrase; stop words that an analyzer
    leaves out leave no gap. What must not be there says nothing about what is wanted: a query of
    nothing else finds nothing.

    Prefixes and fuzzy terms look at terms as they are indexed (see `Analyzer.terms`), most of
    which are stems: ``terminat*`` does not find ``termin``. Analyzers that stem nothing, such as
    ``"multilingual"``, suit them better.

    Examples
    --------
    >>> import tamis
    >>> lexical = tamis.BM25Index(positions=True)
    >>> _ = lexical.add(["early termination", "early notice, late termination", "termination fee"])
    >>> lexical.search(tamis.Query('"early termination"'))[1].tolist()
    [0]
    >>> lexical.search(tamis.Query("termination -fee"))[1].tolist()
    [0, 1]
    """

    __slots__ = ()

    def clauses(self, fields: Iterable[str] = ()) -> list[Clause]:
        """Return how it is read by an index of these fields.

        Examples
        --------
        >>> import tamis
        >>> [clause] = tamis.Query('+"no pets"~2').clauses()
        >>> clause
        Clause(sign='+', field=None, kind='phrase', text='no pets', number=2)
        """
        names = list(fields)
        return [
            Clause(sign, None if field is None else names[field], kind, text, number)
            for sign, field, kind, text, number in _core.parse_query(
                checked_text(self, "the query"), names
            )
        ]

    def words(self, fields: Iterable[str] = ()) -> str:
        """Return the text of all clauses but those that must not be there, without signs."""
        return " ".join(clause.text for clause in self.clauses(fields) if clause.sign != "-")


class Analyzer:
    """Turns text into terms, the same way for documents and queries.

    Words are cut as Unicode has them (UAX #29), made what a keyboard would have typed (NFKC, and
    ASCII dashes, apostrophes and digits), and folded in case. Except with ``"plain"``,

    - names such as ``4.2(b)``, ``ERR_CONN_42``, ``getUserId``, ``django.db.models.Q`` or ``C++``
      are kept whole, in parts, and as joints of neighbouring parts, so that ``UserAccount`` finds
      ``getUserAccountId``;
    - Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese become pairs of neighbouring
      characters (and single Han characters), so that any part of a text finds it;
    - emoji are terms;
    - letters lose the marks that people leave out when they type (``déjà`` is ``deja``), but for
      those that a language counts as letters of their own (the ``ñ`` of Spanish).

    The same text always has the same terms. A word is cut off behind 255 bytes.

    Parameters
    ----------
    name : str
        - ``"default"``: English, stemmed.
        - ``"multilingual"``: any language, nothing stemmed. For texts in several languages, and
          for Chinese, Japanese, Korean and Thai.
        - A language, stemmed: ``"arabic"``, ``"armenian"``, ``"basque"``, ``"catalan"``,
          ``"czech"``, ``"danish"``, ``"dutch"``, ``"english"`` (as ``"default"``),
          ``"estonian"``, ``"finnish"``, ``"french"``, ``"german"``, ``"greek"``, ``"hindi"``,
          ``"hungarian"``, ``"indonesian"``, ``"irish"``, ``"italian"``, ``"lithuanian"``,
          ``"nepali"``, ``"norwegian"``, ``"persian"``, ``"polish"``, ``"portuguese"``,
          ``"romanian"``, ``"russian"``, ``"serbian"``, ``"spanish"``, ``"swedish"``, ``"tamil"``,
          ``"turkish"``, ``"ukrainian"`` or ``"yiddish"``. In ``"turkish"``, a capital I is
          the dotless i, as Turks read it, until a word is stemmed; in a term, and in every other
          language, the dotless i is an i.
        - Most languages also without their stop words, as in ``"german+stop"``: articles,
          pronouns and the like. A text of nothing else then has no terms.
        - ``"plain"``: folded words, and nothing else.

    Raises
    ------
    InvalidInputError
        If there is no analyzer of this name.

    Examples
    --------
    >>> import tamis
    >>> tamis.Analyzer().terms("Section 4.2(b), early termination")
    ['section', '4.2(b)', '4.2', 'b', 'earli', 'termin']
    >>> tamis.Analyzer("german").terms("Kündigung der Verträge")
    ['kundig', 'der', 'vertrag']
    """

    def __init__(self, name: str = "default") -> None:
        if name == CUSTOM:
            raise InvalidInputError(f"{CUSTOM!r} stands for a tokenizer of your own; call that")
        self._core = _core.Analyzer(name)

    @staticmethod
    def names() -> list[str]:
        """Return the names of all analyzers."""
        return _core.Analyzer.names()

    @property
    def name(self) -> str:
        """The name recorded with an index."""
        return self._core.name

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text, in order of their start.

        Raises
        ------
        InvalidInputError
            If it is no string or holds a lone surrogate.
        """
        return self._core.terms(checked_text(text, "the text"))

    def explain(self, text: str) -> list[Token]:
        """Return the terms of a text with the characters that they come from, and their kinds.

        Returns
        -------
        list of Token
            The terms that `terms` gives. ``text[token.start:token.end]`` is what a token comes
            from; `kind` is ``"word"``, ``"identifier"`` (a whole), ``"part"`` or ``"joint"`` (of
            an identifier), ``"pair"`` (of characters) or ``"symbol"``.

        Raises
        ------
        InvalidInputError
            If it is no string or holds a lone surrogate.

        Examples
        --------
        >>> import tamis
        >>> for token in tamis.Analyzer().explain("see max_age"):
        ...     print(*token)
        see 0 3 word
        max_age 4 11 identifier
        max 4 7 part
        maxag 4 11 joint
        age 8 11 part
        """
        return [Token(*token) for token in self._core.explain(checked_text(text, "the text"))]

    def highlights(
        self, query: str, text: str, fields: Iterable[str] = (), *, field: str | None = None
    ) -> list[tuple[int, int]]:
        """Return where a text holds what a query looks for.

        Parameters
        ----------
        query : str
            Any text, or a `Query`: of a phrase only whole ones are marked.
        text : str
            The text of a hit.
        fields : iterable of str
            The names of fields that the `Query` may use.
        field : str, optional
            Which of them `text` is: what the `Query` asks of others is then not marked.

        Returns
        -------
        list of (int, int)
            Spans of characters, in order and apart.

        Raises
        ------
        InvalidInputError
            If one is no string or holds a lone surrogate.

        Examples
        --------
        >>> import tamis
        >>> tamis.Analyzer().highlights("terminating leases", "Termination of this Lease")
        [(0, 11), (20, 25)]
        """
        is_query = isinstance(query, Query)
        query, text = checked_text(query, "the query"), checked_text(text, "the text")
        return self._core.highlights(query, is_query, list(fields), field, text)


class BM25Index:
    """Texts and their exact BM25 top-k.

    The texts are not kept, only compressed postings of their terms; the first search after an
    `add` compresses what is new. A query is text, never a query language: no string is an error.
    Postings that cannot matter for the best `k` are not read, and scores are summed in fixed point,
    so that they have the same bits however they were found; they equal the published formula to
    1e-5, or to 1e-6 of the greatest score that a long query can have. Equal scores are ordered by
    row.

    Parameters
    ----------
    analyzer : str or callable
        The name of an `Analyzer`, or a tokenizer of your own: it takes a text, or a query, and
        returns its terms. The index is then recorded as ``"custom"``, and `open` asks for it.
    variant : {"lucene", "robertson", "atire", "bm25l", "bm25+"}
        The formula; see Kamphuis et al., "Which BM25 do you mean?" (ECIR 2020).
    k1 : float
        How soon repetition of a term stops counting, at least 0.
    b : float
        How much length counts, 0 to 1.
    fields : mapping of str to int, optional
        The fields of a row and their weights, 1 to 100: an occurrence counts as often as its
        field weighs (Robertson, Zaragoza and Taylor, "Simple BM25 Extension to Multiple Weighted
        Fields", CIKM 2004). By default a row is one text.
    positions : bool
        Whether the index keeps where terms stand, as phrases and single fields in a `Query` need.
        It is then about twice as large, and more with weights: a place is kept as often as its
        field weighs.

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
        analyzer: str | Tokenizer = "default",
        variant: Variant = "lucene",
        k1: float = 1.2,
        b: float = 0.75,
        *,
        fields: Mapping[str, int] | None = None,
        positions: bool = False,
    ) -> None:
        self._tokenizer: Tokenizer | None = None
        if not isinstance(analyzer, str):
            _check_tokenizer(analyzer)
            self._tokenizer, analyzer = analyzer, CUSTOM
        elif analyzer == CUSTOM:
            raise InvalidInputError(f"{CUSTOM!r} stands for a tokenizer of your own; give that")
        weights = None if fields is None else _weights(fields)
        self._core = _core.BM25Index(analyzer, variant, k1, b, weights, positions)

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

    @property
    def fields(self) -> dict[str, int]:
        """The weight of each field; of the one field ``"text"``, if rows are texts."""
        return dict(self._core.fields)

    @property
    def positions(self) -> bool:
        """Whether it keeps where terms stand."""
        return self._core.positions

    def add(
        self, texts: Iterable[str] | Iterable[Mapping[str, str]], *, threads: int | None = None
    ) -> range:
        """Add texts at the end; all or, on an error or Ctrl-C, none.

        Parameters
        ----------
        texts : iterable of str, or of mapping of str to str
            One row each; an empty text is a row that is never found. In an index with fields, the
            text of each field; one that is left out is empty.
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
            If `texts` is a single string, a text holds a lone surrogate, a field is unknown, or
            `threads` is below 1.
        """
        flat = self._flat(texts)
        start = self._core.add(flat, checked_threads(threads))
        return range(start, start + len(flat) // len(self.fields))

    def _flat(self, texts: Iterable[str] | Iterable[Mapping[str, str]]) -> list[str]:
        """Return as many texts a row as there are fields, as the core takes them."""
        names = list(self.fields)
        if isinstance(texts, Mapping):
            raise InvalidInputError("texts is one mapping; give a list of rows, such as [{...}]")
        rows: Any = texts if isinstance(texts, str) else list(texts)
        if len(names) == 1 and not (rows and isinstance(rows[0], Mapping)):
            return self._all_analyzed(checked_texts(rows, "texts"), "texts")
        flat = []
        for i, row in enumerate(rows):
            if not isinstance(row, Mapping):
                raise InvalidInputError(
                    f"texts[{i}] is of type {type(row).__name__}; in an index with fields it must "
                    f"be a mapping of {', '.join(names)} to texts"
                )
            if unknown := [name for name in row if name not in names]:
                raise InvalidInputError(
                    f"texts[{i}] has a field {unknown[0]!r}; there are {', '.join(names)}"
                )
            for name in names:
                of = f"texts[{i}][{name!r}]"
                flat.append(self._analyzed(checked_text(row.get(name, ""), of), of))
        return flat

    def search(
        self, query: str, k: int = 10, *, where: npt.NDArray[np.bool_] | None = None
    ) -> tuple[FloatArray, IntArray]:
        """Return the best rows for a query, best first.

        Parameters
        ----------
        query : str
            Any text; a term counts as often as the query repeats it. In a `Query`, signs ask for
            phrases, fields, prefixes and the like.
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
            If `k` is below 1, `where` has another length, or a `Query` asks for a phrase or a
            field where the index keeps no positions, has more than 1,024 signs or terms of a
            phrase, or the index was made with a tokenizer of your own.
        """
        is_query = isinstance(query, Query)
        text = self._asked(checked_text(query, "the query"), "the query")
        return self._core.search(text, is_query, k, as_flags(where))

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
            If `queries` is a single string, `threads` is below 1, or as `search`.
        """
        batch = checked_texts(queries, "queries")
        are_queries = [isinstance(query, Query) for query in batch]
        if self._tokenizer is not None:
            batch = [self._asked(query, f"queries[{i}]") for i, query in enumerate(batch)]
        return self._core.search_many(
            batch, are_queries, k, checked_threads(threads), as_flags(where)
        )

    def _asked(self, query: str, name: str) -> str:
        """Return a query as the core takes it."""
        if self._tokenizer is not None and isinstance(query, Query):
            raise InvalidInputError(
                f"{name} is a Query, whose words your own tokenizer cannot cut; ask with its text"
            )
        return self._analyzed(query, name)

    def _all_analyzed(self, texts: list[str], name: str) -> list[str]:
        if self._tokenizer is None:
            return texts
        return [self._analyzed(text, f"{name}[{i}]") for i, text in enumerate(texts)]

    def _analyzed(self, text: str, name: str) -> str:
        """Return a text as the core takes it: terms of a tokenizer of one's own are lines."""
        if self._tokenizer is None:
            return text
        terms = checked_texts(self._tokenizer(text), f"the terms of {name}")
        for term in terms:
            if "\n" in term:
                raise InvalidInputError(f"the terms of {name} hold {term!r}; a term is one line")
        return "\n".join(terms)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, replacing it in one step.

        Raises
        ------
        StorageError
            If the system refuses.
        """
        self._core.save(Path(path))

    @classmethod
    def open(cls, path: str | os.PathLike[str], analyzer: Tokenizer | None = None) -> BM25Index:
        """Map an index that `save` wrote, after a check of its checksums; it can grow.

        Parameters
        ----------
        path : str or path
            The file.
        analyzer : callable, optional
            The tokenizer that the index was made with, if it was made with one: the file has
            only its terms.

        Raises
        ------
        IndexNotFoundError
            If there is no such file.
        CorruptIndexError
            If the file is damaged or no BM25 index.
        StorageError
            If it cannot be read.
        InvalidInputError
            If it was made with a tokenizer and none is given, or the other way round.
        """
        if analyzer is not None:
            _check_tokenizer(analyzer)
        index = cls.__new__(cls)
        index._core = _core.BM25Index.open(Path(path))  # noqa: SLF001 (its own)
        index._tokenizer = analyzer  # noqa: SLF001
        if (index.analyzer == CUSTOM) != (analyzer is not None):
            made_with = "a tokenizer" if analyzer is None else f"the analyzer {index.analyzer!r}"
            give = "it, as in open(path, analyzer=...)" if analyzer is None else "none"
            raise InvalidInputError(f"{path} was made with {made_with}; give {give}")
        return index


def _check_tokenizer(analyzer: object) -> None:
    if not callable(analyzer):
        raise InvalidInputError(
            f"analyzer is of type {type(analyzer).__name__}; it must be a name or a function from "
            "a text to its terms"
        )


def _weights(fields: object) -> list[tuple[str, int]]:
    """Return fields as the core takes them, which checks names and ranges."""
    if not isinstance(fields, Mapping):
        raise InvalidInputError(
            f"fields is of type {type(fields).__name__}; it must be a mapping of names to weights"
        )
    for name, weight in fields.items():
        checked_text(name, "the name of a field")
        if not isinstance(weight, int) or not 0 <= weight < 2**32:
            raise InvalidInputError(
                f"the weight of {name!r} is {weight!r}; it must be a whole number from 1 to 100"
            )
    return list(fields.items())
