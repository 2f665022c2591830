"""An index of every format that was released: opened, searched, changed by this build.

    python -m tests.reliability.test_formats tests/data/format-1

writes the index of this build's format and its answers; once a format is released, its files
never change again.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

import tamis
from tests.fakes import WordEncoder

DATA = Path(__file__).resolve().parents[1] / "data"
FORMATS = sorted(path.name.removesuffix(".tar.gz") for path in DATA.glob("format-*.tar.gz"))

#: What is asked, and how.
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("red boat", {"mode": "lexical"}),
    ("red boat", {"mode": "dense"}),
    ("part 17 of the laser", {}),
    ("part", {"where": {"number": {"$lt": 5}}}),
    ("part", {"where": {"$or": [{"team": "sales"}, {"tags": "odd"}], "number": {"$gte": 900}}}),
    ("notice", {"include_superseded": True}),
    ("notice", {"as_of": "2024-01-01"}),
]


def make(path: Path) -> tamis.Index:
    """Make an index that has something in every section of its files."""
    index = tamis.open(path, encoder=WordEncoder(), reranker=None)
    index.add_chunks(
        {
            "id": f"{i}",
            "text": f"part {i} of the laser {'red' if i % 7 else 'green'} boat",
            "metadata": {
                "number": i,
                "share": i / 8,
                "even": i % 2 == 0,
                "team": "sales" if i % 3 else "legal",
                "tags": ["odd"] if i % 2 else [],
                "on": f"20{i % 30:02}-01-01",
            },
        }
        for i in range(1100)
    )
    index.commit()
    index.delete([f"{i}" for i in range(0, 50, 3)])
    index.add(
        [{"id": "new", "text": "the notice", "supersedes": ["old"], "valid_from": "2025-01-01"}]
    )
    index.add([{"id": "old", "text": "the old notice", "version": "1", "title": "Ä ☂ 数据库"}])
    index.commit()
    return index


def answers(index: tamis.Index) -> list[Any]:
    found = [
        [
            (hit.chunk.id, hit.text, hit.status, dict(hit.scores))
            for hit in index.search(query, **how)
        ]
        for query, how in ASKED
    ]
    plain: list[Any] = json.loads(json.dumps([found, index.count(), index.info()["chunks"]]))
    return plain


@pytest.mark.parametrize("name", FORMATS)
def test_an_index_of_a_released_format_answers_as_it_did(name: str, tmp_path: Path) -> None:
    with tarfile.open(DATA / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    expected = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    path = tmp_path / "x.tamis"
    assert tamis.verify(path) == []
    for version, said in expected.items():
        opened = tamis.open(path, encoder=WordEncoder(), reranker=None, version=int(version))
        assert answers(opened) == said
    index = tamis.open(path, encoder=WordEncoder(), reranker=None)
    newest = max(expected, key=int)
    index.compact()
    assert answers(index) == expected[newest]
    first = min(expected, key=int)
    index.rollback(int(first))
    assert answers(index) == expected[first]
    index.add([{"id": "now", "text": "the newest notice"}])
    index.commit()
    assert index.search("newest")[0].document_id == "now"


def test_there_is_one_of_this_format() -> None:
    assert f"format-{tamis._core.FORMAT}" in FORMATS


if __name__ == "__main__":
    target = Path(sys.argv[1])
    scratch = target.parent / "x.tamis"
    made = make(scratch)
    expected = {}
    for number in made.versions()[1:]:
        opened = tamis.open(scratch, encoder=WordEncoder(), reranker=None, version=number)
        expected[number] = answers(opened)
    with tarfile.open(f"{target}.tar.gz", "x:gz") as archive:
        archive.add(scratch, "x.tamis")
    Path(f"{target}.json").write_text(
        json.dumps(expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
