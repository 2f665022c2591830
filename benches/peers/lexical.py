"""The contestants of the lexical benchmark: how each is built, opened, asked and measured."""

# ruff: noqa: D102 (`Peer` says what the methods of all do)

from __future__ import annotations

import math
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benches.peers import corpora
from benches.peers.corpora import K1, B
from tamis import Analyzer, BM25Index, Query
from tamis.types import FloatArray, IntArray

#: Passages below which contestants take part that are slow to build or to ask.
SLOW_PASSAGES: float = 250_000


class Peer:
    """A way to find the passages of highest BM25.

    Attributes
    ----------
    name, module : str
        What tables call it, and what it needs to import.
    idf : {"lucene", "robertson"}
        How it weighs terms.
    raw : bool
        Whether it is given texts to cut itself, instead of terms.
    positions : bool
        Whether its index holds the positions of terms.
    races : bool
        Whether it is asked, or only built.
    cuts : bool
        Whether it has a way to turn a query into what `search` takes, to be timed apart.
    splits : bool
        Whether several queries can be answered at the same time.
    phrases : bool
        Whether it is asked for phrases.
    shares : type of Peer, optional
        Whose index it searches.
    most_passages : float
        It is left out beyond.
    """

    name: ClassVar[str]
    module: ClassVar[str]
    idf: ClassVar[str] = "lucene"
    raw: ClassVar[bool] = False
    positions: ClassVar[bool] = False
    races: ClassVar[bool] = True
    cuts: ClassVar[bool] = False
    splits: ClassVar[bool] = True
    phrases: ClassVar[bool] = False
    shares: ClassVar[type[Peer] | None] = None
    most_passages: ClassVar[float] = math.inf

    def __init__(self, analyzer: str) -> None:
        self.analyzer = analyzer
        self.index: Any = None
        self.library: Any = self.load()

    @classmethod
    def folder(cls) -> str:
        """Return the name of the folder of its index."""
        return re.sub(r"\W+", "-", (cls.shares or cls).name.lower())

    def load(self) -> Any:
        """Return the library, or raise ImportError."""
        return import_module(self.module)

    def warm(self) -> None:
        """Do what only the first index of a process pays for."""

    def build(self, passages: list[str], folder: Path) -> None:
        """Write an index of the passages into an empty folder."""
        raise NotImplementedError

    def open(self, folder: Path) -> None:
        """Open what `build` wrote."""
        raise NotImplementedError

    def cut(self, query: corpora.Query) -> Any:
        """Turn a query into its terms, or whatever the library makes of them."""
        raise NotImplementedError

    def prepare(self, query: corpora.Query) -> Any:
        """Return what `search` takes; not timed."""
        raise NotImplementedError

    def prepare_phrase(self, words: Sequence[str]) -> Any:
        """Return what `search` takes to find words that follow one another; not timed."""
        raise NotImplementedError

    def search(self, prepared: Any, k: int) -> Any:
        """Return scores and passages as the library gives them, ready for use in Python."""
        raise NotImplementedError

    def search_many(self, prepared: Sequence[Any], k: int, threads: int) -> Any:
        """Answer several queries on so many threads."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda each: self.search(each, k), prepared))

    def hits(self, answer: Any) -> tuple[FloatArray, IntArray]:
        """Return scores and rows of an answer of `search`; not timed."""
        raise NotImplementedError

    def n_bytes(self, folder: Path) -> int:
        """Return the size of the files that a search reads."""
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Tamis(Peer):
    """A Python string in, arrays out."""

    name = "tamis"
    module = "tamis"
    raw = True
    cuts = True

    def build(self, passages: list[str], folder: Path) -> None:
        index = BM25Index(self.analyzer, "lucene", K1, B, positions=self.positions)
        index.add(passages)
        index.save(folder / "index")

    def open(self, folder: Path) -> None:
        self.index = BM25Index.open(folder / "index")
        self._terms = Analyzer(self.analyzer).terms

    def cut(self, query: corpora.Query) -> Any:
        return self._terms(query.text)

    def prepare(self, query: corpora.Query) -> Any:
        return query.text

    def search(self, prepared: Any, k: int) -> Any:
        return self.index.search(prepared, k)

    def search_many(self, prepared: Sequence[Any], k: int, threads: int) -> Any:
        return self.index.search_many(prepared, k, threads=threads)

    def hits(self, answer: Any) -> tuple[FloatArray, IntArray]:
        scores, rows = answer
        return scores, rows


class TamisPositions(Tamis):
    """With positions."""

    name = "tamis, positions"
    races = False
    phrases = True
    positions = True

    def prepare_phrase(self, words: Sequence[str]) -> Any:
        return Query(f'"{" ".join(words)}"')


class Pisa(Peer):
    """The research engine, without the Java that its Python package needs for other things.

    It is given terms and weights: what its figures leave out is how a text becomes these.
    """

    name = "PISA"
    module = "pyterrier_pisa"
    idf = "robertson"
    races = False
    strategy: ClassVar[str]

    def load(self) -> Any:
        spec = find_spec(self.module)
        folders = spec.submodule_search_locations if spec else []
        found = PathFinder.find_spec("_pisathon", folders)
        if found is None or found.loader is None:
            raise ImportError(f"No compiled module of {self.module}")
        library = module_from_spec(found)
        found.loader.exec_module(library)
        return library

    def build(self, passages: list[str], folder: Path) -> None:
        lines = folder / "passages.txt"
        with lines.open("w", encoding="utf-8") as file:
            file.writelines(f"{row} {passage}\n" for row, passage in enumerate(passages))
        with silence():
            self.library.index(str(lines), str(folder), "", 100_000, 1)
        lines.unlink()
        self.open(folder)

    def open(self, folder: Path) -> None:
        self.index = self.library.RetrievalContext()
        with silence():
            self.library.prepare_index(
                self.index, str(folder), "block_simdbp", "bm25", "", bm25_k1=K1, bm25_b=B
            )

    def prepare(self, query: corpora.Query) -> Any:
        weights = {word: float(n) for word, n in Counter(query.words).items()}
        return weights, len(weights) < len(query.words)

    def search(self, prepared: Any, k: int) -> Any:
        weights, repeated = prepared
        return self._retrieve([(0, weights)], k, 1, repeated=repeated)

    def search_many(self, prepared: Sequence[Any], k: int, threads: int) -> Any:
        queries = [(number, weights) for number, (weights, _) in enumerate(prepared)]
        repeated = any(repeated for _, repeated in prepared)
        return self._retrieve(queries, k, threads, repeated=repeated)

    def _retrieve(
        self, queries: list[tuple[int, dict[str, float]]], k: int, threads: int, *, repeated: bool
    ) -> Any:
        room = len(queries) * k
        names, scores = np.empty(room, object), np.empty(room, np.float32)
        found = self.library.retrieve(
            self.index,
            self.strategy,
            queries,
            k=k,
            threads=threads,
            pretokenised=1,
            # Weights cost a multiplication, and matter only where a term is repeated.
            query_weighted=int(repeated),
            result_qidxs=np.empty(room, np.int32),
            result_docnos=names,
            result_ranks=np.empty(room, np.int32),
            result_scores=scores,
        )
        return scores[:found], names[:found]

    def hits(self, answer: Any) -> tuple[FloatArray, IntArray]:
        scores, names = answer
        return scores, names.astype(np.int64)

    def n_bytes(self, folder: Path) -> int:
        # Lists, bounds of blocks with lengths, terms; the rest is what these were made of.
        return sum(path.stat().st_size for path in [*folder.glob("bm25.*"), folder / "fwd.termlex"])


class PisaBlockMaxMaxScore(Pisa):
    """Bounds of blocks; terms split in those that can lift a passage into the answer alone."""

    name = "PISA block-max MaxScore"
    shares = Pisa
    races = True
    strategy = "block_max_maxscore"


class PisaMaxScore(Pisa):
    """The same split, with bounds of whole lists."""

    name = "PISA MaxScore"
    shares = Pisa
    races = True
    strategy = "maxscore"


class PisaBlockMaxWand(Pisa):
    """Bounds of blocks, passage by passage."""

    name = "PISA block-max WAND"
    shares = Pisa
    races = True
    strategy = "block_max_wand"


class Tantivy(Peer):
    """By one writer, so that it is one segment. A length is kept in a byte."""

    name = "tantivy"
    module = "tantivy"
    cuts = True
    option: ClassVar[str] = "freq"
    writers: ClassVar[int] = 1

    def build(self, passages: list[str], folder: Path) -> None:
        schema = self.library.SchemaBuilder()
        schema.add_text_field("text", tokenizer_name="whitespace", index_option=self.option)
        index = self.library.Index(schema.build(), path=str(folder))
        # Room for all of a writer's passages: else it begins another segment.
        writer = index.writer(heap_size=4_000_000_000 // self.writers, num_threads=self.writers)
        document = self.library.Document
        for passage in passages:
            writer.add_document(document(text=passage))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        n_segments = index.searcher().num_segments
        if self.races and n_segments != 1:
            raise ValueError(f"{n_segments} segments, where the rows of hits need one")

    def open(self, folder: Path) -> None:
        self.index = self.library.Index.open(str(folder))
        self._searcher = self.index.searcher()

    def cut(self, query: corpora.Query) -> Any:
        # Its parser takes a repeated word once.
        terms = [f"{word}^{n}" if n > 1 else word for word, n in Counter(query.words).items()]
        return self.index.parse_query(" ".join(terms), ["text"])

    def prepare(self, query: corpora.Query) -> Any:
        return self.cut(query)

    def search(self, prepared: Any, k: int) -> Any:
        return self._searcher.search(prepared, k, count=False).hits

    def hits(self, answer: Any) -> tuple[FloatArray, IntArray]:
        return paired([(score, address.doc) for score, address in answer])


class TantivyWriters(Tantivy):
    """By two writers, a segment each."""

    name = "tantivy, 2 writers"
    races = False
    writers = 2


class TantivyPositions(Tantivy):
    """With positions."""

    name = "tantivy, positions"
    races = False
    phrases = True
    positions = True
    option = "position"

    def prepare_phrase(self, words: Sequence[str]) -> Any:
        return self.index.parse_query(f'"{" ".join(words)}"', ["text"])


class Bm25s(Peer):
    """Scores of all pairs of a term and a passage, computed beforehand."""

    name = "bm25s"
    module = "bm25s"
    most_passages = SLOW_PASSAGES
    backend: ClassVar[str] = "numpy"

    def load(self) -> Any:
        library = super().load()
        self.index = library.BM25(k1=K1, b=B, method="lucene", backend=self.backend)
        return library

    def build(self, passages: list[str], folder: Path) -> None:
        self.index.index([passage.split() for passage in passages], show_progress=False)
        self.index.save(folder, show_progress=False)

    def open(self, folder: Path) -> None:
        self.index = self.library.BM25.load(folder, show_progress=False)

    def prepare(self, query: corpora.Query) -> Any:
        return query.words

    def search(self, prepared: Any, k: int) -> Any:
        return self._retrieve([prepared], k, 1)

    def search_many(self, prepared: Sequence[Any], k: int, threads: int) -> Any:
        return self._retrieve(list(prepared), k, threads)

    def _retrieve(self, queries: list[list[str]], k: int, threads: int) -> Any:
        k = min(k, self.index.scores["num_docs"])
        threads = 0 if threads == 1 else threads  # 0: without a pool
        return self.index.retrieve(queries, k=k, n_threads=threads, show_progress=False)

    def hits(self, answer: Any) -> tuple[FloatArray, IntArray]:
        rows, scores = answer.documents[0], answer.scores[0]
        return scores[scores > 0], rows[scores > 0].astype(np.int64)


class Bm25sNumba(Bm25s):
    """The same, compiled."""

    name = "bm25s, numba"
    most_passages = math.inf
    backend = "numba"

    def load(self) -> Any:
        import_module("numba")
        return super().load()

    def warm(self) -> None:
        self.index.index([["a", "b"], ["b"]], show_progress=False)


class Lance(Peer):
    """A table's index."""

    name = "LanceDB"
    module = "lancedb"

    def build(self, passages: list[str], folder: Path) -> None:
        arrow: Any = import_module("pyarrow")
        table = self.library.connect(folder).create_table(
            "passages", arrow.table({"row": np.arange(len(passages)), "text": passages})
        )
        table.create_fts_index(
            "text",
            with_position=self.positions,
            base_tokenizer="whitespace",
            lower_case=False,
            stem=False,
            remove_stop_words=False,
            ascii_folding=False,
        )

    def open(self, folder: Path) -> None:
        self.index = self.library.connect(folder).open_table("passages")
        self._query: Any = import_module("lancedb.query").MatchQuery

    def prepare(self, query: corpora.Query) -> Any:
        return self._query(" ".join(query.words), "text")

    def search(self, prepared: Any, k: int) -> Any:
        search = self.index.search(prepared, query_type="fts").limit(k)
        return search.select(["row", "_score"]).to_arrow()

    def hits(self, answer: Any) -> tuple[FloatArray, IntArray]:
        return answer["_score"].to_numpy(), answer["row"].to_numpy()

    def n_bytes(self, folder: Path) -> int:
        return super().n_bytes(folder / "passages.lance" / "_indices")


class LancePositions(Lance):
    """With positions."""

    name = "LanceDB, positions"
    races = False
    phrases = True
    positions = True

    def prepare_phrase(self, words: Sequence[str]) -> Any:
        return import_module("lancedb.query").PhraseQuery(" ".join(words), "text")


class Fts5(Peer):
    """SQLite's own, without a copy of the texts."""

    name = "SQLite FTS5"
    module = "sqlite3"
    idf = "robertson"
    phrases = True
    positions = True
    splits = False
    most_passages = SLOW_PASSAGES

    def load(self) -> Any:
        with closing(sqlite3.connect(":memory:")) as connection:
            try:
                connection.execute("CREATE VIRTUAL TABLE passages USING fts5(text)")
            except sqlite3.OperationalError as error:
                raise ImportError(str(error)) from None
        return sqlite3

    def build(self, passages: list[str], folder: Path) -> None:
        with closing(sqlite3.connect(folder / "index", isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("CREATE VIRTUAL TABLE passages USING fts5(text, content='')")
            connection.execute("BEGIN")
            insert = "INSERT INTO passages(rowid, text) VALUES (?, ?)"
            connection.executemany(insert, enumerate(passages))
            connection.execute("INSERT INTO passages(passages) VALUES ('optimize')")
            connection.execute("COMMIT")
            connection.execute("VACUUM")

    def open(self, folder: Path) -> None:
        self.index = sqlite3.connect(folder / "index")

    def prepare(self, query: corpora.Query) -> Any:
        return " OR ".join(f'"{word}"' for word in query.words)

    def prepare_phrase(self, words: Sequence[str]) -> Any:
        return f'"{" ".join(words)}"'

    def search(self, prepared: Any, k: int) -> Any:
        select = "SELECT -rank, rowid FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ?"
        return self.index.execute(select, (prepared, k)).fetchall()

    def hits(self, answer: Any) -> tuple[FloatArray, IntArray]:
        return paired(answer)


@contextmanager
def silence() -> Iterator[None]:
    """Let compiled code print nothing."""
    kept = [os.dup(stream) for stream in (1, 2)]
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (1, 2):
            os.dup2(nothing, stream)
        yield
    finally:
        for stream, former in enumerate(kept, 1):
            os.dup2(former, stream)
            os.close(former)
        os.close(nothing)


def paired(answer: Sequence[tuple[float, int]]) -> tuple[FloatArray, IntArray]:
    """Return pairs of score and row as two arrays."""
    scores = np.array([score for score, _ in answer], np.float32)
    return scores, np.array([row for _, row in answer], np.int64)


OURS: tuple[type[Peer], ...] = (Tamis, TamisPositions)
THEIRS: tuple[type[Peer], ...] = (
    Pisa,
    PisaBlockMaxMaxScore,
    PisaMaxScore,
    PisaBlockMaxWand,
    Tantivy,
    TantivyWriters,
    TantivyPositions,
    Bm25sNumba,
    Bm25s,
    Lance,
    LancePositions,
    Fts5,
)
PACKAGES = ("numpy", "pyterrier-pisa", "tbb", "tantivy", "bm25s", "numba", "lancedb")
