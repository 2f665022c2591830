"""Passages that were cut elsewhere, as documents with chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tamis.errors import InvalidInputError
from tamis.types import FIELDS_BESIDE_TEXT, Chunk, Document, checked_text, checked_texts

_FIELDS = frozenset({"id", "text", "document_id", "headings", "kind", *FIELDS_BESIDE_TEXT})
_BETWEEN = "\n\n"


def given(
    passages: Iterable[Chunk | Mapping[str, Any]],
) -> list[tuple[Document, list[Chunk], list[int]]]:
    """Return documents whose text is that of their passages, parted by blank lines.

    Parameters
    ----------
    passages : iterable of Chunk or mapping
        A mapping has ``id`` and ``text``, and may have ``document_id`` (by default its ``id``),
        ``headings``, ``kind``, and, of its document, what a `Document` has beside its text, of
        which the first passage's count.

    Returns
    -------
    list of (Document, list of Chunk, list of int)
        In order of the documents' first passages, with each passage's place in `passages`.

    Raises
    ------
    InvalidInputError
        For a passage that is none, an unknown field, or two of one id in a document.
    """
    if isinstance(passages, (str, Mapping, Chunk)) or not isinstance(passages, Iterable):
        raise InvalidInputError(
            f"chunks is one {type(passages).__name__}; give a list, such as [chunk]"
        )
    groups: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for place, passage in enumerate(passages):
        fields = _fields(passage, place)
        own = checked_text(fields["id"], f"the id of chunks[{place}]")
        id = checked_text(fields.get("document_id", own), f"the document_id of chunks[{place}]")
        groups.setdefault(id, []).append((place, fields))
    return [_document(id, group) for id, group in groups.items()]


def _fields(passage: Chunk | Mapping[str, Any], place: int) -> Mapping[str, Any]:
    if isinstance(passage, Chunk):
        names = ("id", "text", "document_id", "headings", "kind")
        return {name: getattr(passage, name) for name in names}
    if not isinstance(passage, Mapping):
        raise InvalidInputError(
            f"chunks[{place}] is of type {type(passage).__name__}; give a Chunk or a mapping"
        )
    if passage.keys() - _FIELDS or not passage.keys() >= {"id", "text"}:
        raise InvalidInputError(
            f"chunks[{place}] has the fields {sorted(map(str, passage))}; it needs id and text, "
            f"and may have {', '.join(sorted(_FIELDS - {'id', 'text'}))}"
        )
    return passage


def _document(
    id: str, group: list[tuple[int, Mapping[str, Any]]]
) -> tuple[Document, list[Chunk], list[int]]:
    chunks: list[Chunk] = []
    at = 0
    seen: set[str] = set()
    for place, fields in group:
        text = checked_text(fields["text"], f"the text of chunks[{place}]")
        own = fields["id"]
        if own in seen:
            raise InvalidInputError(f"chunks[{place}] is the second {own!r} of document {id!r}")
        seen.add(own)
        headings = tuple(checked_texts(fields.get("headings", ()), f"chunks[{place}]['headings']"))
        kind = checked_text(fields.get("kind", "paragraph"), f"the kind of chunks[{place}]")
        chunks.append(Chunk(own, id, text, at, at + len(text), headings, kind))
        at += len(text) + len(_BETWEEN)
    first = group[0][1]
    document = Document(
        id=id,
        text=_BETWEEN.join(chunk.text for chunk in chunks),
        **{name: first[name] for name in FIELDS_BESIDE_TEXT if name in first},
    )
    return document, chunks, [place for place, _ in group]
