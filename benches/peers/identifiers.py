"""Lexical searches as their packages set them up, each given lines of text and a query as typed."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from importlib import import_module
from typing import Any, TypeAlias

from tamis import BM25Index

#: Lines, a query, and how many of the best are wanted -> numbers of lines and their scores.
Search: TypeAlias = Callable[[Sequence[str], str, int], list[tuple[int, float]]]


def by_tamis(lines: Sequence[str], query: str, k: int) -> list[tuple[int, float]]:
    index = BM25Index()
    index.add(lines)
    scores, rows = index.search(query, k)
    return list(zip(rows.tolist(), scores.tolist(), strict=True))


def by_bm25s(lines: Sequence[str], query: str, k: int) -> list[tuple[int, float]]:
    library: Any = import_module("bm25s")
    index = library.BM25()
    index.index(library.tokenize(list(lines), show_progress=False), show_progress=False)
    tokens = library.tokenize([query], show_progress=False)
    found = index.retrieve(tokens, k=min(k, len(lines)), show_progress=False)
    pairs = zip(found.documents[0].tolist(), found.scores[0].tolist(), strict=True)
    return [(row, score) for row, score in pairs if score > 0]


def by_tantivy(lines: Sequence[str], query: str, k: int) -> list[tuple[int, float]]:
    library: Any = import_module("tantivy")
    schema = library.SchemaBuilder().add_text_field("text").add_integer_field("row", stored=True)
    index = library.Index(schema.build())
    writer = index.writer(num_threads=1)
    for row, line in enumerate(lines):
        writer.add_document(library.Document(text=line, row=row))
    writer.commit()
    index.reload()
    searcher = index.searcher()
    hits = searcher.search(index.parse_query(query, ["text"]), k).hits
    return [(searcher.doc(address)["row"][0], score) for score, address in hits]


def by_fts5(lines: Sequence[str], query: str, k: int) -> list[tuple[int, float]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE lines USING fts5(text)")
        connection.executemany("INSERT INTO lines(rowid, text) VALUES (?, ?)", enumerate(lines))
        select = "SELECT rowid, -rank FROM lines WHERE lines MATCH ? ORDER BY rank LIMIT ?"
        return connection.execute(select, (query, k)).fetchall()


def by_lancedb(lines: Sequence[str], query: str, k: int) -> list[tuple[int, float]]:
    library: Any = import_module("lancedb")
    arrow: Any = import_module("pyarrow")
    with tempfile.TemporaryDirectory() as folder:
        content = arrow.table({"row": list(range(len(lines))), "text": list(lines)})
        table = library.connect(folder).create_table("lines", content)
        table.create_fts_index("text")
        found = table.search(query, query_type="fts").limit(k).to_arrow()
    pairs = zip(found["row"].to_pylist(), found["_score"].to_pylist(), strict=True)
    return list(pairs)


#: Name -> the module that it needs, and how it searches.
PEERS: dict[str, tuple[str, Search]] = {
    "tamis": ("tamis", by_tamis),
    "bm25s": ("bm25s", by_bm25s),
    "tantivy": ("tantivy", by_tantivy),
    "SQLite FTS5": ("sqlite3", by_fts5),
    "LanceDB": ("lancedb", by_lancedb),
}


def verdict(search: Search, lines: Sequence[str], wanted: str, query: str) -> str:
    """Return how a search places the line that is wanted: only ``first`` is right."""
    try:
        found = search(lines, query, len(lines))
    except Exception as error:  # noqa: BLE001 (a query that raises is a result)
        return f"{type(error).__name__}"
    scores = {lines[row]: score for row, score in found}
    if wanted not in scores:
        return "not found"
    above = sum(score > scores[wanted] for score in scores.values())
    tied = sum(score == scores[wanted] for score in scores.values()) - 1
    if above:
        return f"place {above + 1}"
    return "tied" if tied else "first"
