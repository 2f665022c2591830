"""Versions: fewer segments, fewer of them, back to one; and passages given with vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tamis
from tamis.errors import (
    CorruptIndexError,
    DimensionError,
    IndexNotFoundError,
    InvalidInputError,
    ModelMismatchError,
    NonFiniteError,
    ReadOnlyError,
    TamisError,
    VersionNotFoundError,
    ZeroVectorError,
)
from tamis.types import Chunk
from tests.fakes import WordEncoder

#: What the second version of the fixture holds, and the last.
FIRST = {"a": "red boat", "b": "blue boat", "c": "green laser", "d": "days"}
LAST = {"a": "red laser", "c": "green boat", "d": "days"}


def open_index(path: Path, **options: Any) -> tamis.Index:
    return tamis.open(path, encoder=options.pop("encoder", WordEncoder()), reranker=None, **options)


@pytest.fixture
def index(tmp_path: Path) -> tamis.Index:
    """Four versions: one document, three, two of them changed, one gone."""
    index = open_index(tmp_path / "x.tamis")
    for change in (
        {"a": "red boat"},
        {"b": "blue boat", "c": "green laser", "d": "days"},
        {"a": "red laser", "c": "green boat"},
    ):
        index.add({"id": id, "text": text} for id, text in change.items())
        index.commit()
    index.delete(["b"])
    index.commit()
    return index


def texts(index: tamis.Index) -> dict[str, str]:
    return {document.id: document.text for document in index.documents()}


def answers(index: tamis.Index) -> list[list[tuple[str, float, dict[str, float]]]]:
    queries = ("boat", "red laser", "green")
    return [
        [(hit.chunk.id, hit.score, dict(hit.scores)) for hit in index.search(query, mode=mode)]
        for query in queries
        for mode in ("hybrid", "lexical", "dense")
    ]


def test_a_compacted_index_answers_alike_from_one_segment(index: tamis.Index) -> None:
    before, held = answers(index), texts(index)
    assert (index.info()["segments"], index.info()["deleted_chunks"]) == (2, 2)
    old = index.version
    assert index.compact() == old + 1
    assert (index.info()["segments"], index.info()["deleted_chunks"]) == (1, 0)
    assert (answers(index), texts(index)) == (before, held)
    assert index.compact() == old + 1  # nothing is to be gained
    assert answers(open_index(index.path, version=old)) == before
    # A chunk is found by its text, though it lies elsewhere now.
    encoder = WordEncoder()
    again = open_index(index.path, encoder=encoder)
    again.add([{"id": "new", "text": "red laser"}])
    again.commit()
    assert encoder.encoded == []


def test_an_index_of_which_all_is_deleted_is_empty(index: tamis.Index) -> None:
    index.delete(["a", "c", "d"])
    index.commit()
    index.compact()
    assert (len(index), texts(index), list(index.search("boat"))) == (0, {}, [])


def test_pruned_versions_are_gone_and_their_files_too(index: tamis.Index) -> None:
    reader = open_index(index.path, version=2)
    held = texts(reader)
    files = len(list((index.path / "segments").iterdir()))
    pruned = index.prune(keep=2)
    assert (pruned.versions, index.versions()) == ([0, 1, 2], [3, 4])
    assert pruned.files == files - len(list((index.path / "segments").iterdir())) > 0
    assert pruned.bytes > 0
    assert texts(reader) == held  # what is open stays readable
    with pytest.raises(VersionNotFoundError, match="no version 2"):
        open_index(index.path, version=2)
    assert index.prune(keep=9).versions == []
    with pytest.raises(InvalidInputError, match="keep is 0; it must be at least 1"):
        index.prune(keep=0)


def test_an_earlier_version_is_brought_back_as_a_new_one(index: tamis.Index) -> None:
    assert index.rollback(2) == 5
    assert texts(index) == FIRST
    assert texts(open_index(index.path, version=4)) == LAST
    index.add([{"id": "d", "text": "new"}])
    assert index.commit() == 6
    with pytest.raises(VersionNotFoundError):
        index.rollback(99)


def test_a_damaged_newest_version_is_told_and_can_be_left_behind(index: tamis.Index) -> None:
    assert index.verify() == tamis.verify(index.path) == []
    newest = max((index.path / "segments").glob("*.seg"))
    damaged = bytearray(newest.read_bytes())
    damaged[10] ^= 1
    newest.write_bytes(damaged)
    [fault] = tamis.verify(index.path)
    assert str(newest) in fault
    with pytest.raises(CorruptIndexError, match=newest.name):
        open_index(index.path)
    assert tamis.rollback(index.path, 2) == 5
    assert texts(open_index(index.path)) == FIRST
    with pytest.raises(CorruptIndexError):
        tamis.rollback(index.path, 4)


def test_lost_manifests_are_no_empty_index(index: tamis.Index) -> None:
    for manifest in (index.path / "manifests").iterdir():
        manifest.unlink()
    calls: list[Callable[[], object]] = [
        lambda: open_index(index.path),
        lambda: open_index(index.path, read_only=True),
        lambda: tamis.verify(index.path),
        lambda: tamis.rollback(index.path, 1),
    ]
    for opens in calls:
        with pytest.raises(CorruptIndexError, match="restore the manifests"):
            opens()
    assert list((index.path / "segments").iterdir())


@pytest.mark.parametrize("version", [-1, "1", 1.5, None, True, 2**70])
def test_what_is_no_version_is_refused(version: Any, index: tamis.Index) -> None:
    calls: list[Callable[[], object]] = [
        lambda: index.rollback(version),
        lambda: tamis.rollback(index.path, version),
    ]
    if version is not None:
        calls += [lambda: open_index(index.path, version=version), lambda: index.diff(version)]
    for call in calls:
        with pytest.raises(InvalidInputError, match="version is"):
            call()
    with pytest.raises(InvalidInputError, match="keep is"):
        index.prune(keep=version if version != 2**70 else 0)


def test_what_the_commit_would_refuse_is_refused_at_the_door(index: tamis.Index) -> None:
    for metadata in ({"d": {1, 2}}, {"n": float("nan")}):
        with pytest.raises(InvalidInputError, match="no JSON"):
            index.add([{"id": "q", "text": "t", "metadata": metadata}])
        with pytest.raises(InvalidInputError, match="no JSON"):
            index.add_chunks([{"id": "q", "text": "t", "metadata": metadata}])
    assert index.commit() == 4


def test_a_file_is_no_index_and_half_an_encoder_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(InvalidInputError, match="is a file"):
        open_index(tmp_path / "file")

    class Half:
        name = "half"

        def encode(self) -> None: ...

    with pytest.raises(InvalidInputError, match=r"lacks .*count_tokens, dim, fingerprint"):
        tamis.open(tmp_path / "x.tamis", encoder=Half(), reranker=None)  # type: ignore[arg-type]


def test_an_encoder_of_another_width_is_refused(index: tamis.Index) -> None:
    other = WordEncoder()
    other.dim = 32
    with pytest.raises(ModelMismatchError, match="64 dimensions"):
        open_index(index.path, encoder=other)


def test_two_versions_differ_by_documents(index: tamis.Index) -> None:
    diff = index.diff(1)
    assert (diff.added, diff.changed, diff.removed) == (("c", "d"), ("a",), ())
    diff = index.diff(4, 2)
    assert (diff.added, diff.changed, diff.removed) == (("b",), ("a", "c"), ())
    diff = index.diff(2, 2)
    assert (diff.added, diff.changed, diff.removed) == ((), (), ())


def test_what_was_not_committed_is_in_the_way(index: tamis.Index) -> None:
    index.add([{"id": "z", "text": "new"}])
    for act in (index.compact, lambda: index.rollback(1)):
        with pytest.raises(InvalidInputError, match="commit them first"):
            act()
    index._forget()
    reader = open_index(index.path, read_only=True)
    for refused in (reader.compact, lambda: reader.rollback(1), lambda: reader.prune(keep=1)):
        with pytest.raises(ReadOnlyError):
            refused()


def test_what_keeps_needs_no_encoder(index: tamis.Index) -> None:
    index = open_index(index.path, encoder=None)
    index.compact()
    index.rollback(2)
    assert len(index.prune(keep=1).versions) == 6
    assert texts(index) == FIRST


@pytest.mark.parametrize("function", [tamis.verify, lambda path: tamis.rollback(path, 1)])
def test_where_no_index_is_that_is_told(function: Any, tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError):
        function(tmp_path / "none.tamis")


# Passages that were cut elsewhere


def encoded(passages: Sequence[str]) -> np.ndarray[Any, Any]:
    return WordEncoder().encode(passages)


def test_given_passages_make_documents_and_keep_their_vectors(tmp_path: Path) -> None:
    encoder = WordEncoder()
    index = open_index(tmp_path / "x.tamis", encoder=encoder)
    passages: list[Chunk | dict[str, Any]] = [
        {"id": "1", "document_id": "a", "text": "red boat", "title": "A", "metadata": {"n": 1}},
        {"id": "lone", "text": "blue laser"},
        Chunk("2", "a", "grün Boot", 70, 90, ("Part",)),
    ]
    index.add_chunks(passages, encoded(["x y", "y z", "z z"]))
    index.commit()
    assert encoder.encoded == []
    assert texts(index) == {"a": "red boat\n\ngrün Boot", "lone": "blue laser"}
    [hit] = index.search("Boot", mode="lexical")
    assert (hit.chunk.id, hit.document_id, hit.text, hit.span) == ("2", "a", "grün Boot", (10, 19))
    assert (hit.title, hit.metadata) == ("A", {"n": 1})
    # The vectors are those that were given.
    assert [hit.chunk.id for hit in index.search("z", mode="dense")] == ["2", "lone", "1"]

    index.add_chunks([{"id": "3", "document_id": "a", "text": "green"}])
    index.commit()
    assert encoder.encoded[-1:] == ["green"]
    assert texts(index) == {"a": "green", "lone": "blue laser"}


@pytest.mark.parametrize(
    ("chunks", "vectors", "error", "words"),
    [
        ([{"id": "a"}], None, InvalidInputError, "needs id and text"),
        ([{"id": "a", "text": "x", "span": 1}], None, InvalidInputError, "has the fields"),
        (["text"], None, InvalidInputError, "Chunk or a mapping"),
        ({"id": "a", "text": "x"}, None, InvalidInputError, "is one dict"),
        ([{"id": ["a"], "text": "x"}], None, InvalidInputError, "the id of chunks"),
        ([{"id": "a", "text": "x", "headings": "Part"}], None, InvalidInputError, "one string"),
        ([{"id": "a", "text": "x", "headings": [1]}], None, InvalidInputError, "headings"),
        ([{"id": "a", "text": "x", "kind": 1}], None, InvalidInputError, "the kind"),
        ([{"id": "a", "text": 3}], None, InvalidInputError, "must be a string"),
        ([{"id": "a", "text": "x", "document_id": "d"}] * 2, None, InvalidInputError, "second"),
        ([{"id": "a", "text": "x"}], np.ones((2, 64)), DimensionError, "2 vectors for 1 chunks"),
        ([{"id": "a", "text": "x"}], np.ones((1, 3)), DimensionError, "shape"),
        ([{"id": "a", "text": "x"}], np.full((1, 64), np.nan), NonFiniteError, "row 0"),
        ([{"id": "a", "text": "x"}], np.zeros((1, 64)), ZeroVectorError, "row 0"),
    ],
)
def test_passages_without_meaning_are_refused(
    chunks: Any, vectors: Any, error: type[TamisError], words: str, tmp_path: Path
) -> None:
    index = open_index(tmp_path / "x.tamis")
    with pytest.raises(error, match=words):
        index.add_chunks(chunks, vectors)
    assert index.commit() == 0


def test_vectors_that_are_given_need_no_encoder(tmp_path: Path) -> None:
    open_index(tmp_path / "x.tamis").close()
    index = open_index(tmp_path / "x.tamis", encoder=None)
    index.add_chunks([{"id": "a", "text": "red"}], np.ones((1, 64)))
    assert index.commit() == 1
    with pytest.raises(InvalidInputError, match="opened without an encoder"):
        index.add_chunks([{"id": "b", "text": "red"}])


def test_an_index_of_words_takes_passages_without_vectors(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis", encoder=None)
    with pytest.raises(InvalidInputError, match="without an encoder"):
        index.add_chunks([{"id": "a", "text": "red"}], np.ones((1, 64)))
    index.add_chunks([{"id": "a", "text": "red"}])
    index.commit()
    assert [hit.chunk.id for hit in index.search("red")] == ["a"]


def test_an_index_that_was_opened_at_a_version_stays_there(index: tamis.Index) -> None:
    old = open_index(index.path, version=2)
    assert (old.refresh(), old.version, texts(old)["b"]) == (2, 2, "blue boat")
