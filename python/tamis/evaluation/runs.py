"""Runs: what a search returned for each query, in memory and as TREC files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import numpy as np

from tamis.errors import InvalidInputError
from tamis.evaluation.lines import malformed, numbered_lines, open_bytes

#: What a search returned for one query: ranked document ids, or the score of each document.
Results: TypeAlias = Sequence[str] | Mapping[str, float]

#: Query id -> what the search returned for it.
Run: TypeAlias = Mapping[str, Sequence[str]] | Mapping[str, Mapping[str, float]]


def ranking(results: Results) -> list[str]:
    """Return document ids best first.

    Parameters
    ----------
    results : sequence of str, or mapping of str to float
        A sequence is a ranking already and keeps its order, equal scores or not. A mapping is
        sorted by falling score; equal scores are sorted by falling id, as trec_eval does.
        (trec_eval compares scores in single precision, this function as they are given.)

    Raises
    ------
    InvalidInputError
        If an id is no string or occurs twice, or a score is not finite.
    """
    if isinstance(results, str):
        raise InvalidInputError(
            f"expected a sequence of document ids, found the string {results!r}; put it in a list"
        )
    for document in results:
        if not isinstance(document, str):
            raise InvalidInputError(
                "document ids are strings, as in qrels; found "
                f"{type(document).__name__} {document!r}"
            )
    if isinstance(results, Mapping):
        for document, score in results.items():
            if not math.isfinite(score):
                raise InvalidInputError(
                    f"document {document!r} has the score {score}, which has no place in a "
                    "ranking; leave the document out"
                )
        return sorted(results, key=lambda document: (results[document], document), reverse=True)
    documents = list(results)
    if len(set(documents)) < len(documents):
        twice = next(document for document in documents if documents.count(document) > 1)
        raise InvalidInputError(
            f"document {twice!r} occurs more than once in one ranking; keep its best place "
            "(several chunks of one document count once)"
        )
    return documents


def read_run(path: str | PathLike[str]) -> dict[str, dict[str, float]]:
    """Read a TREC run, ``qid Q0 docid rank score tag`` a line, through gzip for ``.gz``.

    Returns
    -------
    dict
        Query id -> document id -> score. The rank is ignored, as trec_eval does: the scores
        alone give the order (see `ranking`).

    Raises
    ------
    DatasetError
        If the file cannot be read, a line has another number of fields or a score that is no
        finite number, or a query returns a document twice.
    """
    path = Path(path)
    run: dict[str, dict[str, float]] = {}
    for number, line in numbered_lines(path):
        fields = line.split()
        if len(fields) != 6:
            raise malformed(path, number, f"expected 'qid Q0 docid rank score tag'; found {line!r}")
        query, _, document, _, text, _ = fields
        try:
            score = float(text)
        except ValueError:
            score = math.nan
        if not math.isfinite(score):
            raise malformed(path, number, f"the score must be a finite number; found {text!r}")
        scores = run.setdefault(query, {})
        if document in scores:
            raise malformed(
                path, number, f"query {query!r} has document {document!r} twice; keep one line"
            )
        scores[document] = score
    return run


def write_run(path: str | PathLike[str], run: Run, *, tag: str = "tamis") -> None:
    """Write a TREC run that every evaluator orders alike, through gzip for ``.gz``.

    The scores strictly fall within a query, in the single precision that trec_eval reads, so
    that no tool has a tie to break: a score that does not fall below the one before it becomes
    the next smaller number. A ranking without scores gets the numbers n, n - 1, ..., 1. A query
    without results has no line.

    Parameters
    ----------
    path : str or path
        Overwritten where it exists.
    run : mapping
        Query id -> ranked document ids, or document id -> score.
    tag : str
        The name of the run, its last column.

    Raises
    ------
    InvalidInputError
        If an id or the tag is empty or holds white space, which the format cannot carry, if
        `ranking` refuses the results of a query, or if a score leaves single precision.
    """
    _check_word("tag", tag)
    lines: list[str] = []
    for query, results in run.items():
        _check_word("query id", query)
        documents = ranking(results)
        for rank, (document, score) in enumerate(
            zip(documents, _falling_scores(results, documents), strict=True), start=1
        ):
            _check_word("document id", document)
            lines.append(f"{query} Q0 {document} {rank} {score} {tag}\n")
    with open_bytes(Path(path), "wb") as file:
        file.write("".join(lines).encode())


def _falling_scores(results: Results, documents: list[str]) -> list[np.float32]:
    """Return the scores of a ranking in single precision, each below the one before it."""
    if not isinstance(results, Mapping):
        return [np.float32(n) for n in range(len(documents), 0, -1)]
    falling: list[np.float32] = []
    ceiling = np.float32(np.inf)
    for document in documents:
        with np.errstate(over="ignore"):
            score = min(np.float32(results[document]), ceiling)
        if not np.isfinite(score):
            raise InvalidInputError(
                f"document {document!r} has the score {results[document]}, beyond the range of "
                "single precision; scale the scores before writing them"
            )
        falling.append(score)
        ceiling = np.nextafter(score, np.float32(-np.inf))
    return falling


def _check_word(what: str, word: str) -> None:
    if word.split() != [word]:
        raise InvalidInputError(
            f"the {what} {word!r} is empty or holds white space, which parts the columns of a "
            "TREC run; rename it"
        )
