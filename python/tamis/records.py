"""What the index keeps of a document and of a chunk, as JSON, and how it is read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from tamis import _core, moments
from tamis.errors import InvalidInputError
from tamis.retrieval import Ranked
from tamis.types import (
    FIELDS_BESIDE_TEXT,
    Chunk,
    Document,
    Hit,
    HitStatus,
    content_hash,
    key_of,
)

#: What a mapping may say of a document beside its text.
DOCUMENT_FIELDS = ("id", *FIELDS_BESIDE_TEXT)

#: Sources whose place others took: by which, and from when on (microseconds since 1970).
Superseded: TypeAlias = Mapping[str, Mapping[str, int]]


def document_of(item: Mapping[str, Any]) -> Document:
    """Return a document that was given as a mapping.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    if not isinstance(item, Mapping):
        raise InvalidInputError(
            f"a document is of type {type(item).__name__}; give a Document or a mapping"
        )
    unknown = item.keys() - {"text", *DOCUMENT_FIELDS}
    missing = {"id", "text"} - item.keys()
    if unknown or missing:
        raise InvalidInputError(
            f"a document has the fields {sorted(map(str, item))}; it needs id and text, and may "
            f"have {', '.join(DOCUMENT_FIELDS[1:])}"
        )
    return Document(**item)


def document_record(document: Document, folder: str | None, file: Mapping[str, Any]) -> bytes:
    """Return what is kept of a document beside its text.

    Raises
    ------
    InvalidInputError
        If its metadata is no JSON.
    """
    record = {
        **{name: getattr(document, name) for name in DOCUMENT_FIELDS},
        "metadata": dict(document.metadata),
        "sync": folder,
        **file,
    }
    return _json(record)


def chunk_records(
    document: Document, chunks: Sequence[Chunk]
) -> list[tuple[int, bytes, list[str]]]:
    """Return each chunk's key, what is kept of it, and what its terms are taken from."""
    records = []
    at = in_bytes = 0  # the same place, in characters and in the bytes of UTF-8
    for chunk in chunks:
        in_bytes += len(document.text[at : chunk.start].encode())
        size = len(chunk.text.encode())
        hash = content_hash(chunk.embedding_text)
        record = {
            "id": chunk.id,
            "span": chunk.span,
            "bytes": (in_bytes, in_bytes + size),
            "headings": chunk.headings,
            "kind": chunk.kind,
            "hash": hash,
        }
        title = document.title or ""
        headings = chunk.headings
        if headings[:1] == (title,):
            headings = headings[1:]
        fields = [title, " > ".join(headings), chunk.text]
        records.append((key_of(hash), _json(record), fields))
        at, in_bytes = chunk.end, in_bytes + size
    return records


def plain(id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of a document, or of all of a source, as JSON keeps them.

    Raises
    ------
    InvalidInputError
        If they are no JSON.
    """
    kept: dict[str, Any] = json.loads(_json({"id": id, "values": values}))["values"]
    return kept


def _json(record: Mapping[str, Any]) -> bytes:
    def written(value: object) -> Any:
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"a value is of type {type(value).__name__}")

    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False, default=written).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"the metadata of document {record.get('id')!r} is no JSON: {error}"
        ) from None


def stored(snapshot: _core.Snapshot, number: int, record: Mapping[str, Any]) -> Document:
    """Return a document of an index, without the blocks that its reader saw."""
    kept = {name: record[name] for name in DOCUMENT_FIELDS}
    return Document(text=snapshot.text(number), **kept)


class Reader:
    """Reads chunks and documents of one version, each at most once; passages by their bytes."""

    def __init__(self, snapshot: _core.Snapshot) -> None:
        self.snapshot = snapshot
        self._numbers: dict[str, int] = {}
        self._text = lru_cache(maxsize=None)(snapshot.text)
        self._record = lru_cache(maxsize=None)(lambda number: json.loads(snapshot.document(number)))
        self.chunk = lru_cache(maxsize=None)(self._chunk)

    def text(self, document_id: str) -> str:
        """Return the text of a document of which a chunk was read."""
        return self._text(self._numbers[document_id])

    def _document(self, row: int) -> dict[str, Any]:
        number = self.snapshot.document_of(row)
        record: dict[str, Any] = self._record(number)
        self._numbers[record["id"]] = number
        return record

    def _chunk(self, row: int) -> Chunk:
        record = json.loads(self.snapshot.chunk(row))
        document_id = self._document(row)["id"]
        start, end = record["span"]
        return Chunk(
            id=record["id"],
            document_id=document_id,
            text=self.snapshot.passage(self._numbers[document_id], *record["bytes"]),
            start=start,
            end=end,
            headings=tuple(record["headings"]),
            kind=record["kind"],
        )

    def hit(
        self,
        rank: int,
        ranked: Ranked,
        mark: Callable[[str], list[tuple[int, int]]],
        status: tuple[HitStatus, str],
    ) -> Hit:
        """Return a row that was ranked, as a hit whose document has this status."""
        document = self._document(ranked.row)
        chunk = self.chunk(ranked.row)
        return Hit(
            chunk=chunk,
            score=ranked.scores[ranked.stage],
            stage=ranked.stage,
            rank=rank,
            scores=ranked.scores,
            title=document["title"],
            source=document["source"],
            metadata=document["metadata"],
            offsets=tuple(mark(chunk.text)),
            version=document["version"],
            status=status[0],
            superseded_by=status[1],
        )

    def status(self, row: int, moment: int, superseded: Superseded) -> tuple[HitStatus, str]:
        """Return whether the document of a row holds at a moment, and what took its place."""
        number = self.snapshot.document_of(row)
        invalid = self.snapshot.invalid_at(number, moment, from_when(superseded))
        if invalid is None:
            return "current", ""
        why, successor = invalid
        record = self._record(number)
        if why == "never":
            return record["status"], ""
        if why == "superseded":
            if successor is not None:
                return why, self._record(successor)["id"]
            successors = superseded[record["sync"]]
            by = min(successors, key=lambda name: successors[name])
            twin = by + record["id"].removeprefix(record["sync"])
            return why, twin if _holds(self.snapshot, twin) else by
        return ("future" if why == "not yet" else "expired"), ""


def _holds(snapshot: _core.Snapshot, id: str) -> bool:
    return bool(snapshot.documents_of_key(key_of(content_hash(id))))


def from_when(superseded: Superseded) -> list[tuple[str, int]]:
    """Return the sources whose place others took, each with the moment, as the core takes them."""
    return [(name, min(successors.values())) for name, successors in superseded.items()]


def signature(settings: Mapping[str, Any]) -> str:
    """Return by what it is recognised that documents are synced with other settings than before."""
    written = {name: value for name, value in settings.items() if name != "supersedes" and value}
    return content_hash(json.dumps(written, sort_keys=True)) if written else ""


def parsed(moment: str | None) -> int | None:
    """Return the microseconds of a moment that a record keeps."""
    return None if not moment else moments.micros(moments.moment_of(moment, "a date"))
