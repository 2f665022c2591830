"""BEIR folders and TREC judgments are read as they stand; what is malformed is named by line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tamis.errors import DatasetError
from tamis.evaluation import Record, load, read_qrels

CORPUS: list[Any] = [
    {"_id": "d1", "title": "Tides", "text": "The sea rises.", "metadata": {"year": 1999}},
    {"_id": "d2", "text": ""},
]
QUERIES: list[Any] = [
    {"_id": "q1", "text": "sea level"},
    {"_id": "q2", "text": "a query of another split"},
    {"_id": "q3", "text": "judged, but nothing is relevant"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq3\td2\t0\n"


def write_set(
    folder: Path,
    *,
    corpus: list[Any] = CORPUS,
    queries: list[Any] = QUERIES,
    qrels: str = QRELS,
    compressed: bool = False,
) -> Path:
    contents = {
        "corpus.jsonl": "".join(json.dumps(row) + "\n" for row in corpus),
        "queries.jsonl": "".join(json.dumps(row) + "\n" for row in queries),
        "qrels/test.tsv": qrels,
    }
    for name, content in contents.items():
        path = folder / (f"{name}.gz" if compressed else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode()
        path.write_bytes(gzip.compress(data) if compressed else data)
    return folder


@pytest.mark.parametrize("compressed", [False, True])
def test_a_folder_is_read(tmp_path: Path, compressed: bool) -> None:
    dataset = load(write_set(tmp_path / "tides", compressed=compressed))
    assert dataset.name == "tides"
    assert dataset.corpus == [
        Record("d1", "Tides", "The sea rises.", {"year": 1999}),
        Record("d2", "", ""),
    ]
    assert dataset.queries == {"q1": "sea level"}
    assert dataset.qrels == {"q1": {"d1": 2, "d2": 0}}
    assert dataset.n_left_out == 2
    assert dataset.description == (
        "tides: 2 documents, 1 queries, 2 judgments, 2 queries without a relevant document left out"
    )


def test_a_split_is_a_file_of_judgments(tmp_path: Path) -> None:
    folder = write_set(tmp_path)
    (folder / "qrels" / "dev.tsv").write_text("q2 0 d2 1\n")
    assert load(folder, split="dev").queries == {"q2": "a query of another split"}


def test_judgments_of_absent_documents_stay_and_are_counted(tmp_path: Path) -> None:
    dataset = load(write_set(tmp_path, qrels=QRELS + "q1\tgone\t1\n"))
    assert dataset.qrels["q1"]["gone"] == 1
    assert dataset.description.endswith("1 judgments of documents that the corpus lacks")


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td 2\t-1\n\nq2\td1\t0\n",
        "\ufeffquery-id\tcorpus-id\tscore\r\nq1\td1\t1\r\nq1\td 2\t-1\r\nq2\td1\t0\r\n",
    ],
)
def test_qrels_of_beir(tmp_path: Path, text: str) -> None:
    path = tmp_path / "test.tsv"
    path.write_bytes(text.encode())
    assert read_qrels(path) == {"q1": {"d1": 1, "d 2": -1}, "q2": {"d1": 0}}


def test_qrels_of_trec(tmp_path: Path) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text("q1 0 d1 1\nq1\tQ0\td2\t3\n q2  0 d1 0\n")
    assert read_qrels(path) == {"q1": {"d1": 1, "d2": 3}, "q2": {"d1": 0}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query-id\tcorpus-id\tscore\nq1\td1\n", r":2: expected query-id, corpus-id and score"),
        ("query-id\tcorpus-id\tscore\nq1\t\t1\n", r":2: expected query-id, corpus-id and score"),
        ("q1\td1\t1\n", r":1: expected 'qid 0 docid grade' \(TREC\), or a first line"),
        ("q1 0 d1 1\nq1 0 d2 1.5\n", r":2: the grade must be a whole number; found '1\.5'"),
        ("q1 0 d1 1\nq1 0 d1 0\n", r":2: query 'q1' and document 'd1' have grade 0 here and 1"),
    ],
)
def test_a_malformed_judgment_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "test.tsv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"test\.tsv" + message):
        read_qrels(path)


def test_the_same_judgment_twice_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "test.tsv"
    path.write_text("q1 0 d1 1\nq1 0 d1 1\n")
    assert read_qrels(path) == {"q1": {"d1": 1}}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json}", "not JSON"),
        ('["d2"]', "expected a JSON object, found list"),
        ('{"text": "no id"}', "'_id' must be a string; found none"),
        ('{"_id": 2, "text": ""}', "'_id' must be a string; found int 2"),
        ('{"_id": "", "text": ""}', "'_id' is empty"),
        ('{"_id": "d1", "text": ""}', "'_id' 'd1' occurs twice"),
        ('{"_id": "d2"}', "'text' must be a string; found none"),
        ('{"_id": "d2", "text": null}', "'text' must be a string; found NoneType None"),
        ('{"_id": "d2", "text": "", "title": 7}', "'title' must be a string; found int 7"),
        ('{"_id": "d2", "text": "", "metadata": []}', "'metadata' must be a JSON object"),
    ],
)
def test_a_malformed_document_is_named(tmp_path: Path, line: str, message: str) -> None:
    folder = write_set(tmp_path)
    (folder / "corpus.jsonl").write_text(f'{{"_id": "d1", "text": ""}}\n\n{line}\n')
    with pytest.raises(DatasetError, match=rf"corpus\.jsonl:3: {message}"):
        load(folder)


def test_a_malformed_query_is_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path, queries=[{"_id": "q1"}])
    with pytest.raises(DatasetError, match=r"queries\.jsonl:1: 'text' must be a string"):
        load(folder)


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path)
    with (folder / "corpus.jsonl").open("ab") as file:
        file.write('{"_id": "d3", "text": "café"}\n'.encode("latin-1"))
    with pytest.raises(DatasetError, match=r"corpus\.jsonl:3: byte 26 is not UTF-8"):
        load(folder)


def test_a_truncated_gzip_file_is_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path, compressed=True)
    path = folder / "corpus.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DatasetError, match=r"corpus\.jsonl\.gz:\d+: the gzip data ends or breaks"):
        load(folder)


def test_what_only_claims_to_be_gzip_is_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path, compressed=True)
    (folder / "queries.jsonl.gz").write_text('{"_id": "q1", "text": "plain"}\n')
    with pytest.raises(DatasetError, match=r"queries\.jsonl\.gz:1: the gzip data"):
        load(folder)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_set(tmp_path)
    (folder / name).unlink()
    with pytest.raises(DatasetError, match=rf"holds no {name} or {name}\.gz"):
        load(folder)


def test_judgments_for_an_unknown_query_are_an_error(tmp_path: Path) -> None:
    folder = write_set(tmp_path, qrels=QRELS + "q9\td1\t1\n")
    with pytest.raises(DatasetError, match=r"test\.tsv judges documents for query 'q9'"):
        load(folder)


def test_a_split_without_a_relevant_document_is_an_error(tmp_path: Path) -> None:
    folder = write_set(tmp_path, qrels="q1 0 d1 0\n")
    with pytest.raises(DatasetError, match="judges no document relevant"):
        load(folder)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "n_documents", "n_queries", "n_judgments"),
    [
        ("contracts_cuad", 2_531, 289, 518),
        ("cranfield", 1_400, 225, 1_837),
        ("django_docs", 12_688, 421, 421),
        ("scifact", 5_183, 300, 339),
        ("selqa", 14_145, 1_590, 1_798),
        ("xquad_en", 240, 1_190, 1_190),
    ],
)
def test_public_sets_hold_what_their_readmes_say(
    data: Path, name: str, n_documents: int, n_queries: int, n_judgments: int
) -> None:
    if not (data / name).is_dir():
        pytest.skip(f"no evaluation set {data / name}")
    dataset = load(data / name)
    assert len(dataset.corpus) == n_documents
    assert len(dataset.queries) == n_queries
    assert sum(map(len, dataset.qrels.values())) == n_judgments
    assert dataset.n_left_out == 0
