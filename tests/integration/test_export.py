"""All that an index holds, in files, and from these an index again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tamis
from tamis.errors import InvalidInputError, StorageError
from tests.fakes import WordEncoder


@pytest.fixture
def index(tmp_path: Path) -> tamis.Index:
    index = tamis.open(tmp_path / "x.tamis", encoder=WordEncoder(), reranker=None)
    index.add(
        [
            {
                "id": "a",
                "title": "Ä",
                "text": "# Leave\n\n60 days ☂",
                "metadata": {"year": 2024},
                "valid_from": "2024-01-01",
                "supersedes": ["b"],
            },
            {"id": "gone", "text": "gone"},
        ]
    )
    index.commit()
    index.delete(["gone"])
    index.add_chunks([{"id": f"c{i}", "document_id": "c", "text": f"part {i}"} for i in range(3)])
    index.commit()
    return index


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_what_was_written_makes_the_same_index(index: tamis.Index, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    files = index.export(tmp_path / "out", progress=lambda *what: told.append(what))
    assert [path.name for path in files] == ["documents.jsonl", "chunks.jsonl", "vectors.npy"]
    assert told[-1] == ("export", 2, 2)
    documents, chunks = lines(files[0]), lines(files[1])
    vectors = np.load(files[2])
    assert [document["id"] for document in documents] == ["a", "c"]
    assert documents[0]["text"] == "# Leave\n\n60 days ☂"
    assert documents[0]["valid_from"] == "2024-01-01T00:00:00+00:00"
    assert vectors.shape == (len(chunks), 64)

    again = tamis.open(tmp_path / "y.tamis", encoder=WordEncoder(), reranker=None)
    again.add_chunks(chunks, vectors)
    again.commit()
    for query in ("days", "part 2"):
        assert [(hit.chunk.id, hit.text, hit.scores) for hit in again.search(query, k=9)] == [
            (hit.chunk.id, hit.text, hit.scores) for hit in index.search(query, k=9)
        ]
    assert again.count({"year": 2024, "document.valid_from": "2024-01-01"}) == 1
    cut_anew = tamis.open(tmp_path / "z.tamis", encoder=WordEncoder(), reranker=None)
    cut_anew.add(documents)
    cut_anew.commit()
    assert cut_anew.get("a") == index.get("a")


def test_no_file_is_overwritten(index: tamis.Index, tmp_path: Path) -> None:
    index.export(tmp_path)
    with pytest.raises(InvalidInputError, match=r"documents\.jsonl; export into an empty folder"):
        index.export(tmp_path)
    with pytest.raises(StorageError):
        index.export(tmp_path / "chunks.jsonl" / "below")


def test_without_an_encoder_there_are_no_vectors(tmp_path: Path) -> None:
    index = tamis.open(tmp_path / "x.tamis", encoder=None, reranker=None)
    assert [path.name for path in index.export(tmp_path / "out")] == [
        "documents.jsonl",
        "chunks.jsonl",
    ]


def test_the_parts_of_an_index_are_told_by_size(index: tamis.Index) -> None:
    parts = index.info()["bytes_by_part"]
    assert set(parts) == {"texts", "postings", "vectors", "codes", "columns"}
    assert parts["vectors"] == 5 * 64 * 4
    assert parts["columns"] > 0
    assert sum(parts.values()) <= index.info()["bytes"]
