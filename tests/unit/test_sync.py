"""A sync knows what changed, and encodes only text that the index has no vector of."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.sync import Change, Plan, Skipped, SyncReport, file_hash, file_stat, plan_sync, prepare
from tamis.types import Chunk, Document, FloatArray, content_hash
from tests.fakes import WordEncoder

# The plan


def test_documents_are_told_apart_by_what_happened_to_them() -> None:
    indexed = {"same": "1", "other": "2", "gone": "3", "locked": "4"}
    found = {"same": "1", "other": "9", "new": "5", "locked": None, "unknown": None}
    assert plan_sync(indexed, found) == Plan(
        added=("new",), changed=("other",), unchanged=("locked", "same"), removed=("gone",)
    )
    # Of two that are gone the first took the new name, and a copy is new.
    indexed = {"a": "1", "b": "1", "c": "2"}
    found = {"z": "1", "c": "2", "d": "2"}
    assert plan_sync(indexed, found) == Plan(("d",), (), ("c",), ("b",), (("a", "z"),))


def test_nothing_is_a_plan_too() -> None:
    assert plan_sync({}, {}) == Plan((), (), (), ())


IDS = st.sampled_from([*"abcdefgh", "Ä", "a/b"])


@given(
    indexed=st.dictionaries(IDS, st.sampled_from("xyz")),
    found=st.dictionaries(IDS, st.sampled_from(["x", "y", "z", None])),
)
def test_every_document_has_one_place_in_the_plan(
    indexed: dict[str, str], found: dict[str, str | None]
) -> None:
    plan = plan_sync(indexed, found)
    parts = [plan.added, plan.changed, plan.unchanged, plan.removed]
    for part in parts:
        assert list(part) == sorted(part)
    unknown = {id for id, hash in found.items() if hash is None and id not in indexed}
    planned = [id for part in parts for id in part] + [id for pair in plan.moved for id in pair]
    assert sorted(planned) == sorted((indexed.keys() | found.keys()) - unknown)

    # What was removed and what was added differ, or the file was moved.
    assert all(indexed[old] == found[new] for old, new in plan.moved)
    assert not {indexed[id] for id in plan.removed} & {found[id] for id in plan.added}

    # Done as planned, the index holds what was found, and of the unreadable what it held.
    gone = {*plan.removed, *(old for old, _ in plan.moved)}
    come = (*plan.added, *plan.changed, *(new for _, new in plan.moved))
    after = {id: hash for id, hash in indexed.items() if id not in gone}
    after |= {id: hash for id in come if (hash := found[id]) is not None}
    assert after.keys() == found.keys() - unknown
    assert all(after[id] in (found[id], indexed.get(id)) for id in after)
    again = plan_sync(after, found)
    assert (again.added, again.changed, again.removed, again.moved) == ((), (), (), ())


# Preparation


def vector_of(text: str) -> FloatArray:
    vector: FloatArray = WordEncoder().encode([text])[0]
    return vector


def cut(document: Document) -> list[Chunk]:
    """Make a chunk of every line, under the document's title."""
    chunks: list[Chunk] = []
    start = 0
    for line in document.text.splitlines(keepends=True):
        text = line.strip("\n")
        span = (start, start + len(text))
        chunks.append(Chunk(f"{document.id}:{start}", document.id, text, *span, (document.title,)))
        start += len(line)
    return chunks


def vectors_by_hash(texts: Sequence[str]) -> dict[str, FloatArray]:
    """Give vectors that no encoder would make."""
    return {
        content_hash(text): np.full(WordEncoder.dim, 100 + i, np.float32)
        for i, text in enumerate(texts)
    }


def nothing_known(hash: str) -> None:
    return None


DOCUMENTS = [
    Document("a", "one two\nthree\none two", title="A"),
    Document("b", "", title="B"),
    Document("c", "one two\nfour", title="A"),
]


def test_each_chunk_has_its_vector_and_equal_texts_are_encoded_once() -> None:
    encoder = WordEncoder()
    prepared = prepare(DOCUMENTS, cut=cut, encoder=encoder, known=nothing_known, progress=None)
    assert [document for document, _ in prepared.documents] == DOCUMENTS
    assert [[chunk.text for chunk in chunks] for _, chunks in prepared.documents] == [
        ["one two", "three", "one two"],
        [],
        ["one two", "four"],
    ]
    assert encoder.encoded == ["A\none two", "A\nthree", "A\nfour"]
    assert prepared.embedded == 3
    assert prepared.vectors is not None
    texts = ["A\none two", "A\nthree", "A\none two", "A\none two", "A\nfour"]
    assert prepared.vectors.tobytes() == WordEncoder().encode(texts).tobytes()


def test_known_texts_keep_their_vectors_and_the_heading_is_part_of_the_text() -> None:
    encoder = WordEncoder()
    known = vectors_by_hash(["A\none two", "A\nfour", "three", "Other\nthree"])
    prepared = prepare(iter(DOCUMENTS), cut=cut, encoder=encoder, known=known.get, progress=None)
    assert encoder.encoded == ["A\nthree"]
    assert prepared.embedded == 1
    assert prepared.vectors is not None
    assert prepared.vectors[:, 0].tolist() == [100, prepared.vectors[1, 0], 100, 100, 101]
    assert prepared.vectors[1].tobytes() == WordEncoder().encode(["A\nthree"])[0].tobytes()


def test_if_all_is_known_no_model_is_used() -> None:
    encoder = WordEncoder()
    known = vectors_by_hash(["A\none two", "A\nthree", "A\nfour"])
    prepared = prepare(DOCUMENTS, cut=cut, encoder=encoder, known=known.get, progress=None)
    assert (encoder.encoded, prepared.embedded) == ([], 0)
    assert prepared.vectors is not None
    assert prepared.vectors[:, 0].tolist() == [100, 101, 100, 100, 102]


def test_without_an_encoder_there_are_chunks_and_no_vectors() -> None:
    def never(hash: str) -> None:
        raise AssertionError("an index without vectors has none to look up")

    prepared = prepare(DOCUMENTS, cut=cut, encoder=None, known=never, progress=None)
    assert (prepared.vectors, prepared.embedded) == (None, 0)
    assert sum(len(chunks) for _, chunks in prepared.documents) == 5


def test_without_documents_nothing_is_looked_up() -> None:
    def never(hash: str) -> None:
        raise AssertionError("there is nothing to look up")

    for documents in ([], [Document("b", "")]):
        prepared = prepare(documents, cut=cut, encoder=WordEncoder(), known=never, progress=None)
        assert prepared.vectors is not None
        assert (prepared.vectors.shape, prepared.embedded) == ((0, WordEncoder.dim), 0)


def test_progress_is_that_of_the_encoder() -> None:
    calls: list[tuple[str, int, int]] = []
    prepare(
        DOCUMENTS,
        cut=cut,
        encoder=WordEncoder(),
        known=nothing_known,
        progress=lambda *call: calls.append(call),
    )
    assert calls == [("encode", 1, 3), ("encode", 2, 3), ("encode", 3, 3)]


@given(
    lines=st.lists(st.lists(st.sampled_from("abcd"), max_size=4), max_size=4),
    known=st.sets(st.sampled_from(["T\na", "T\nb", "T\nc"])),
)
def test_whatever_is_known_every_row_is_the_vector_of_its_text(
    lines: list[list[str]], known: set[str]
) -> None:
    documents = [Document(str(i), "\n".join(texts), title="T") for i, texts in enumerate(lines)]
    old = {content_hash(text): vector_of(text) for text in known}
    encoder = WordEncoder()
    prepared = prepare(documents, cut=cut, encoder=encoder, known=old.get, progress=None)
    texts = [chunk.embedding_text for _, chunks in prepared.documents for chunk in chunks]
    assert prepared.vectors is not None
    assert prepared.vectors.tobytes() == WordEncoder().encode(texts).tobytes()
    assert sorted(encoder.encoded) == sorted(set(texts) - known)
    assert prepared.embedded == len(encoder.encoded)


# Fingerprints and the report


def test_files_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    hashes = []
    for data in (b"", b"a", b"b", b"a\n", bytes(range(256)) * 4_096):
        path.write_bytes(data)
        hashes.append(file_hash(path))
        (tmp_path / "copy").write_bytes(data)
        assert file_hash(tmp_path / "copy") == hashes[-1]
    assert len(set(hashes)) == 5
    path.write_text("Refunds take 30 days.", encoding="utf-8")
    assert file_hash(path) == content_hash("Refunds take 30 days.")
    assert hashes[0] == "cae66941d9efbd404e4d88758ea67670"  # BLAKE2b of nothing, 128 bits
    with pytest.raises(FileNotFoundError):
        file_hash(tmp_path / "nowhere")
    with pytest.raises(OSError, match="directory"):
        file_hash(tmp_path)


def test_what_the_system_says_of_a_file_changes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("30 days")
    assert file_stat(path) is None  # it may be changed again within the same tick
    os.utime(path, ns=(0, 0))
    assert file_stat(path) is None  # its time was set back, just now
    with pytest.raises(FileNotFoundError):
        file_stat(tmp_path / "nowhere")


def test_a_report_in_a_line_and_as_json() -> None:
    report = SyncReport(
        version=3,
        added=("a", "b"),
        changed=(),
        unchanged=("c",),
        removed=("d",),
        moved=(("f", "g"),),
        skipped=(Skipped("e.bin", "binary"),),
        chunks=5,
        embedded=4,
        reused=1,
        changes=(Change("c", "2 days", "3 days", ("number",)), Change("c", "a", "b", ())),
        seconds=1.26,
    )
    assert str(report) == (
        "version 3: 2 added, 1 moved, 1 unchanged, 1 removed, 1 skipped; "
        "5 chunks, 4 embedded, 1 reused, 1 of 2 changed sentences matter, 1.3 s"
    )
    assert report.significant == report.changes[:1]
    value = json.loads(json.dumps(report.to_dict()))
    assert value["skipped"] == [{"path": "e.bin", "reason": "binary"}]
    nothing = SyncReport(3, (), (), (), (), (), (), 0, 0, 0, (), 0.0)
    assert str(nothing) == "version 3: nothing found; 0 chunks, 0 embedded, 0 reused, 0.0 s"
