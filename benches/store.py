"""What the store costs: filling an index, a small commit, filters, many segments, opening.

    python benches/store.py [--chunks 1000000] [--folder DIR]

Passages are those of benches/lexical.py, vectors random, of 384 dimensions: both are given, so no
model is timed. Each part runs in a process of its own. On a folder in memory, such as /dev/shm, a
commit is timed without what the disk takes to sync.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import tamis
import tamis.errors
from benches.peers import corpora, timing
from tamis.retrieval import Mode
from tamis.types import FloatArray, Progress, TextKind
from tests.fakes import WordEncoder

DIM = 384
BATCH = 50_000


class Given(WordEncoder):
    """An encoder of queries, at random; passages come with their vectors."""

    dim = DIM

    def encode(
        self,
        texts: Sequence[str],
        kind: TextKind = "passage",
        *,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Return a random direction for each text."""
        return vectors(len(texts), seed=crc32(repr(texts).encode()))


def vectors(n: int, seed: int) -> FloatArray:
    rows = np.random.default_rng(seed).standard_normal((n, DIM), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def open_index(path: Path) -> tamis.Index:
    return tamis.open(path, encoder=Given(), reranker=None)


def memory() -> dict[str, float]:
    """Return this process' resident memory in MB, mapped files included, and the most it was."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if "kB" in line}
    return {"now": found["VmRSS"], "peak": found["VmHWM"]}


def batches(n: int) -> Iterator[tuple[list[dict[str, Any]], FloatArray]]:
    tokens = corpora.made_tokens(n)
    vocabulary = np.array(
        [corpora.word(number) for number in range(corpora.VOCABULARY)], dtype=object
    )
    for start in range(0, n, BATCH):
        rows = range(start, min(n, start + BATCH))
        texts = [" ".join(vocabulary[tokens[row]].tolist()) for row in rows]
        yield (
            [
                {"id": f"p{row}", "text": text, "metadata": {"mille": crc32(b"%d" % row) % 1000}}
                for row, text in zip(rows, texts, strict=True)
            ],
            vectors(len(texts), seed=start),
        )


def fill(path: Path, chunks: int) -> dict[str, Any]:
    """Fill an index in batches, a commit each."""
    index = open_index(path)
    spent = 0.0
    for passages, rows in batches(chunks):
        start = time.perf_counter()
        index.add_chunks(passages, rows)
        index.commit()
        spent += time.perf_counter() - start
    return {"seconds": spent, "segments": index.info()["segments"], **memory()}


def commits(path: Path, chunks: int) -> dict[str, Any]:
    """Commit 1,000 chunks again and again."""
    index = open_index(path)
    times = []
    for i in range(12):
        passages, rows = next(batches(1000))
        new = [{"id": f"new{i}-{row}", "text": p["text"]} for row, p in enumerate(passages)]
        index.add_chunks(new, rows)
        start = time.perf_counter()
        index.commit()
        times.append(time.perf_counter() - start)
    return {"p50": statistics.median(times) * 1e3, "most": max(times) * 1e3}


def search_times(
    index: tamis.Index, queries: list[str], where: dict[str, Any] | None = None
) -> dict[Mode, list[float]]:
    found: dict[Mode, list[float]] = {"lexical": [], "dense": [], "hybrid": []}
    for query in queries:
        for mode, times in found.items():
            start = time.perf_counter()
            index.search(query, k=10, mode=mode, rerank=False, where=where)
            times.append((time.perf_counter() - start) * 1e3)
    return found


def segments(path: Path, chunks: int) -> dict[str, Any]:
    """Search 20 segments with every fifth chunk deleted, and the same compacted, in turns."""
    index = open_index(path)
    gone = [f"p{row}" for row in range(0, chunks, 5)]
    index.delete(gone)
    index.commit()
    many = tamis.open(path, encoder=Given(), reranker=None, version=index.version)
    start = time.perf_counter()
    index.compact()
    seconds = time.perf_counter() - start
    texts = [p["text"].split() for p in next(batches(300))[0]]
    queries = [" ".join(text[:5]) for text in texts]
    result: dict[str, Any] = {
        "segments": many.info()["segments"],
        "deleted": many.info()["deleted_chunks"],
        "compaction, s": seconds,
    }
    for opened in (many, index):
        search_times(opened, queries[:30])
    halves: dict[str, list[dict[Mode, float]]] = {"many": [], "one": []}
    for start_of in range(0, 300, 50):
        for name, opened in (("many", many), ("one", index)):
            times = search_times(opened, queries[start_of : start_of + 50])
            halves[name].append({mode: statistics.median(t) for mode, t in times.items()})
    for mode in halves["one"][0]:
        a, b = (statistics.median(part[mode] for part in halves[name]) for name in halves)
        result[mode] = [a, b, a / b]
    return result


def filters(path: Path, chunks: int) -> dict[str, Any]:
    """Search with filters that let more and less through, in turns with none."""
    index = open_index(path)
    texts = [p["text"].split() for p in next(batches(300))[0]]
    queries = [" ".join(text[:5]) for text in texts]
    result: dict[str, Any] = {}
    ways: dict[str, Any] = {"none": None} | {
        f"{share / 10:g}%": {"mille": {"$lt": share}} for share in (1000, 500, 100, 10, 1)
    }
    for name, where in ways.items():
        start = time.perf_counter()
        index.search("word", mode="lexical", rerank=False, where=where)
        result[f"first, {name}, ms"] = (time.perf_counter() - start) * 1e3
        search_times(index, queries[:30], where)
    halves: dict[str, list[dict[Mode, float]]] = {name: [] for name in ways}
    for start_of in range(0, 300, 25):
        for name, where in ways.items():
            times = search_times(index, queries[start_of : start_of + 25], where)
            halves[name].append({mode: statistics.median(t) for mode, t in times.items()})
    for name, parts in halves.items():
        for mode in parts[0]:
            own = statistics.median(part[mode] for part in parts)
            base = statistics.median(part[mode] for part in halves["none"])
            result[f"{mode}, {name}"] = [own, own / base]
    return result


def opening(path: Path, chunks: int) -> dict[str, Any]:
    """Open the index, in a fresh process, with warm files."""
    encoder = Given()
    with suppress(tamis.errors.IndexNotFoundError):  # what is imported then
        tamis.open(path.with_name("none"), encoder=encoder, reranker=None, read_only=True)
    before = memory()["now"]
    start = time.perf_counter()
    index = tamis.open(path, encoder=encoder, reranker=None, read_only=True)
    opened = (time.perf_counter() - start) * 1e3
    after = memory()["now"]
    start = time.perf_counter()
    index.search("word", mode="lexical", rerank=False)
    first = (time.perf_counter() - start) * 1e3
    return {"ms": opened, "MB": after - before, "first search, ms": first, "chunks": len(index)}


PARTS: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "fill": fill,
    "commits": commits,
    "filters": filters,
    "segments": segments,
    "opening": opening,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the index is made")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        name, path = options.part
        print(json.dumps(PARTS[name](Path(path), options.chunks)))
        return
    print(timing.machine())
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        for chunks in sorted({100_000, options.chunks}):
            path = Path(scratch) / f"{chunks}.tamis"
            wanted = ["fill", "opening", "filters"]
            wanted += ["commits" if chunks == 100_000 else "segments", "opening"]
            for name in wanted:
                command = [sys.executable, __file__, "--chunks", str(chunks)]
                command += ["--part", name, str(path)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                print(f"{chunks:,} {name}: {json.loads(done.stdout)}", flush=True)


if __name__ == "__main__":
    main()
