"""Evaluation sets on disk: BEIR folders and TREC judgments.

A set is three things: documents, queries, and the grades that people gave to pairs of both
(the *qrels*). Files are read line by line, through gzip where their names end in ``.gz``, and
whatever is malformed is an error that names the file and the line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

from tamis.errors import DatasetError
from tamis.evaluation.lines import malformed, numbered_lines

#: Query id -> document id -> grade; a grade of at least 1 means relevant.
Qrels: TypeAlias = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Record:
    """A document of an evaluation set, as its file gives it.

    Attributes
    ----------
    id, title, text : str
        The title is empty where the set has none; so is the text of some documents.
    metadata : mapping
        JSON values.
    """

    id: str
    title: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Documents, queries and judgments of one evaluation set.

    Attributes
    ----------
    name : str
        The name of its folder.
    corpus : list of Record
        In the order of the file.
    queries : dict
        Query id -> text; only queries with at least one relevant document.
    qrels : dict
        Query id -> document id -> grade, for the same queries.
    n_left_out : int
        How many queries of the file were left out because no document is judged relevant.
    """

    name: str
    corpus: list[Record]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]
    n_left_out: int = 0

    @property
    def description(self) -> str:
        """The set in one line: its counts, and what was left out or is missing."""
        judged = [document for grades in self.qrels.values() for document in grades]
        parts = [
            f"{self.name}: {len(self.corpus):,} documents",
            f"{len(self.queries):,} queries",
            f"{len(judged):,} judgments",
        ]
        if self.n_left_out:
            parts.append(f"{self.n_left_out:,} queries without a relevant document left out")
        present = {record.id for record in self.corpus}
        n_missing = sum(document not in present for document in judged)
        if n_missing:
            parts.append(f"{n_missing:,} judgments of documents that the corpus lacks")
        return ", ".join(parts)


def load(folder: str | PathLike[str], *, split: str = "test") -> Dataset:
    """Read an evaluation set in the BEIR layout.

    The folder holds ``corpus.jsonl`` (``_id``, ``text``, optional ``title`` and ``metadata``),
    ``queries.jsonl`` (``_id``, ``text``) and ``qrels/SPLIT.tsv``; each may be gzip instead,
    with ``.gz`` after its name. Many sets keep the queries of all splits in one file, so
    queries without a relevant document in this split are left out and counted.

    Parameters
    ----------
    folder : str or path
        Its last part becomes the name of the set.
    split : str
        Which file of judgments to read; see `read_qrels` for its formats.

    Returns
    -------
    Dataset
        Judgments of documents that the corpus lacks stay, because the published measures
        count them; `Dataset.description` says how many there are.

    Raises
    ------
    DatasetError
        If a file is missing or has a malformed line, an id occurs twice, a judgment names a
        query that the set lacks, or no query has a relevant document.
    """
    root = Path(folder)
    corpus_path = _find(root, "corpus.jsonl")
    queries_path = _find(root, "queries.jsonl")
    qrels_path = _find(root, f"qrels/{split}.tsv")

    corpus = [
        Record(
            id=identifier,
            title=_string(row, "title", corpus_path, number, default=""),
            text=_string(row, "text", corpus_path, number),
            metadata=_metadata(row, corpus_path, number),
        )
        for number, identifier, row in _identified_rows(corpus_path)
    ]
    texts = {
        identifier: _string(row, "text", queries_path, number)
        for number, identifier, row in _identified_rows(queries_path)
    }
    judged = read_qrels(qrels_path)
    for query in judged:
        if query not in texts:
            raise DatasetError(
                f"{qrels_path} judges documents for query {query!r}, which {queries_path} "
                "does not hold; are both files of the same set?"
            )
    queries = {
        query: text
        for query, text in texts.items()
        if any(grade > 0 for grade in judged.get(query, {}).values())
    }
    if not queries:
        raise DatasetError(
            f"{qrels_path} judges no document relevant (grade 1 or more), so there is nothing "
            "to measure; name another split"
        )
    return Dataset(
        name=root.resolve().name,
        corpus=corpus,
        queries=queries,
        qrels={query: judged[query] for query in queries},
        n_left_out=len(texts) - len(queries),
    )


def read_qrels(path: str | PathLike[str]) -> dict[str, dict[str, int]]:
    """Read relevance judgments in BEIR or TREC form.

    A file whose first field is ``query-id`` is BEIR's: that line is a header, the others are
    query id, document id and grade, parted by tabs. Any other file is TREC's:
    ``qid 0 docid grade``, parted by blanks or tabs, the second field unused.

    Returns
    -------
    dict
        Query id -> document id -> grade, in the order of the file. Grades may be negative,
        as some TREC tracks mark junk; the measures count them as 0.

    Raises
    ------
    DatasetError
        If the file cannot be read, a line has another number of fields or a grade that is no
        whole number, or a pair is judged twice with different grades.
    """
    path = Path(path)
    qrels: dict[str, dict[str, int]] = {}
    beir = False
    for index, (number, line) in enumerate(numbered_lines(path)):
        if index == 0 and line.split("\t")[0] == "query-id":
            beir = True
            continue
        query, document, grade = _judgment(path, number, line, beir=beir)
        known = qrels.setdefault(query, {}).setdefault(document, grade)
        if known != grade:
            raise malformed(
                path,
                number,
                f"query {query!r} and document {document!r} have grade {grade} here and "
                f"{known} above; keep one of them",
            )
    return qrels


def _judgment(path: Path, number: int, line: str, *, beir: bool) -> tuple[str, str, int]:
    fields = [part.strip() for part in line.split("\t")] if beir else line.split()
    if len(fields) != (3 if beir else 4) or not all(fields):
        expected = (
            "query-id, corpus-id and score parted by tabs, as the header says"
            if beir
            else "'qid 0 docid grade' (TREC), or a first line that begins with "
            "'query-id', 'corpus-id' and 'score' parted by tabs (BEIR)"
        )
        raise malformed(path, number, f"expected {expected}; found {line!r}")
    try:
        return fields[0], fields[-2], int(fields[-1])
    except ValueError:
        raise malformed(
            path, number, f"the grade must be a whole number; found {fields[-1]!r}"
        ) from None


def _find(root: Path, name: str) -> Path:
    for path in (root / name, root / f"{name}.gz"):
        if path.is_file():
            return path
    raise DatasetError(
        f"{root} holds no {name} or {name}.gz; a set in the BEIR layout has corpus.jsonl, "
        "queries.jsonl and qrels/SPLIT.tsv"
    )


def _identified_rows(path: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield line number, ``_id`` and JSON object of each line; an id may occur once."""
    seen: set[str] = set()
    for number, line in numbered_lines(path):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise malformed(path, number, f"not JSON: {error}") from None
        if not isinstance(row, dict):
            raise malformed(
                path, number, f"expected a JSON object, found {type(row).__name__} {line[:60]!r}"
            )
        identifier = _string(row, "_id", path, number)
        if not identifier:
            raise malformed(path, number, "'_id' is empty; each record needs one of its own")
        if identifier in seen:
            raise malformed(path, number, f"'_id' {identifier!r} occurs twice in this file")
        seen.add(identifier)
        yield number, identifier, row


def _string(
    row: dict[str, Any], key: str, path: Path, number: int, *, default: str | None = None
) -> str:
    value = row.get(key, default)
    if isinstance(value, str):
        return value
    found = f"{type(value).__name__} {value!r}" if key in row else "none"
    raise malformed(path, number, f"{key!r} must be a string; found {found}")


def _metadata(row: dict[str, Any], path: Path, number: int) -> dict[str, Any]:
    value = row.get("metadata", {})
    if isinstance(value, dict):
        return value
    raise malformed(
        path, number, f"'metadata' must be a JSON object; found {type(value).__name__} {value!r}"
    )
