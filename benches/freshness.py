"""What happens to answers when the documents change: Django's documentation in three releases.

    python benches/freshness.py [--data DIR] [--real]

First a folder that turns from one release into the next: what is stale before the sync, what the
sync embeds, what answers after it, and as of before. Then all releases in one index, each in the
place of the one before. The data is the set ``django_docs`` below ``$TAMIS_DATA``. Chunks are cut
in the encoder's own tokens; its vectors are made up unless ``--real`` (ten minutes), since only
their number counts here. At last a folder of 10,000 files that does not change.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import tamis
from benches.peers import timing
from tamis.retrieval import Mode
from tamis.sync import SyncReport
from tamis.types import Hit
from tests.fakes import WordEncoder

RELEASES = {"3.2.25": "2021-04-06", "4.2.16": "2023-04-03", "5.2": "2025-04-02"}
DEPTH = 10


class MadeUp(WordEncoder):
    """Counts tokens as the real encoder does, and makes vectors at once."""

    def __init__(self) -> None:
        super().__init__()
        self._real = tamis.Encoder()
        self.max_tokens = self._real.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of the real encoder's tokens."""
        return self._real.count_tokens(texts)


@dataclass(frozen=True)
class Query:
    """A query, and where its answer stands: the same page and heading in every release."""

    text: str
    path: str
    heading: str
    outdated: frozenset[str]  # the releases in which the answer is another

    def is_answered_by(self, hit: Hit) -> bool:
        """Tell whether a hit is of the section that answers, in whatever release."""
        page = hit.document_id.split("/", 1)[1]
        headings = {" ".join(heading.split()) for heading in (hit.title, *hit.chunk.headings)}
        return page == self.path and self.heading in headings


def queries(data: Path) -> list[Query]:
    def lines(name: str) -> Iterator[dict[str, Any]]:
        with gzip.open(data / name, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)

    def judged(name: str) -> list[list[str]]:
        with (data / "qrels" / name).open(encoding="utf-8") as file:
            return list(csv.reader(file, delimiter="\t"))[1:]

    sections = {line["_id"]: line for line in lines("corpus.jsonl.gz")}
    texts = {line["_id"]: line["text"] for line in lines("queries.jsonl.gz")}
    outdated: dict[str, set[str]] = {}
    for id, section, differs in judged("stale.tsv"):
        if differs == "1":
            outdated.setdefault(id, set()).add(sections[section]["metadata"]["version"])
    found = []
    for id, section, _ in judged("test.tsv"):
        heading = sections[section]["title"].split(" > ")[-1].split(": ", 1)[-1]
        path = sections[section]["metadata"]["path"]
        old = frozenset(outdated.get(id, ()))
        found.append(Query(texts[id], path, " ".join(heading.split()), old))
    return found


def unpack(data: Path, folder: Path) -> dict[str, Path]:
    for release in RELEASES:
        with tarfile.open(data / f"docs-{release}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return {release: folder / f"django_docs-{release}" for release in RELEASES}


def shown(report: SyncReport) -> str:
    return (
        f"{len(report.added)} / {len(report.changed)} / {len(report.moved)} / "
        f"{len(report.removed)} / {len(report.unchanged)}"
    )


def share(queries: Sequence[Query], is_so: Callable[[Query], bool]) -> str:
    return f"{100 * sum(map(is_so, queries)) / len(queries):.1f}%"


def in_place(releases: dict[str, Path], asked: list[Query], encoder: Any, scratch: Path) -> None:
    """Sync a folder that turns from one release into the next."""
    index = tamis.open(scratch / "one.tamis", encoder=encoder, reranker=None)
    folder = scratch / "docs"

    def best(query: Query, **options: Any) -> Hit:
        return index.search(query.text, k=1, mode="lexical", **options)[0]

    print("| folder | added / changed / moved / removed / same | chunks | of them embedded | s |")
    print("|---|---|---:|---:|---:|")

    def sync(name: str) -> SyncReport:
        report = index.sync(folder)
        chunks = index.info()["chunks"]
        print(f"| {name} | {shown(report)} | {chunks} | {report.embedded} | {report.seconds:.1f} |")
        return report

    notes = []
    before: datetime | None = None
    old_texts: dict[Query, str] = {}

    def is_listed(query: Query) -> bool:
        return best(query).document_id in stale

    def is_outdated(query: Query) -> bool:
        hit = best(query)
        return hit.text not in current_text(folder, hit)

    def is_as_before(query: Query) -> bool:
        return best(query, as_of=before).text == old_texts[query]

    for release, source in releases.items():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder)
        if before:
            old_texts = {query: best(query).text for query in asked}
            stale = {one.document_id for one in index.stale()}
            notes.append(
                f"- before the sync to {release}: `stale()` lists {len(stale)} documents, which "
                f"answer {share(asked, is_listed)} of the queries; {share(asked, is_outdated)} are "
                "answered by text that is not there any more, all of it in documents that are "
                f"listed: {all(map(is_listed, filter(is_outdated, asked)))}"
            )
        time.sleep(1.1)  # versions are told apart by the second
        report = sync(release)
        sync(f"{release}, again")
        if before:
            notes.append(
                f"- after it: {len(index.stale())} stale documents; {share(asked, is_outdated)} of "
                "the queries are answered by text that is not there any more; as of before, "
                f"{share(asked, is_as_before)} are answered by the text that they were answered by "
                f"before; of {len(report.changes)} changed sentences {len(report.significant)} "
                "are told to matter"
            )
        time.sleep(1.1)
        before = datetime.now(UTC)
    (folder / "topics").rename(folder / "subjects")
    sync("a renamed folder")
    print("\n" + "\n".join(notes) + "\n")


def current_text(folder: Path, hit: Hit) -> str:
    path = folder / hit.document_id.split("/", 1)[1]
    return tamis.read(path).text if path.exists() else ""


def as_versions(releases: dict[str, Path], asked: list[Query], encoder: Any, scratch: Path) -> None:
    """Sync every release as a source of its own, in the place of the one before."""
    index = tamis.open(scratch / "all.tamis", encoder=encoder, reranker=None)
    names = {release: f"django-{release}" for release in releases}
    previous = None
    for release, source in releases.items():
        index.sync(
            source,
            name=names[release],
            version=release,
            valid_from=RELEASES[release],
            supersedes=previous,
        )
        previous = names[release]
    newest = list(releases)[-1]
    alone = tamis.open(scratch / "new.tamis", encoder=encoder, reranker=None)
    alone.sync(releases[newest], name=names[newest])

    def hits(index: tamis.Index, query: Query, **options: Any) -> list[Hit]:
        return list(index.search(query.text, k=100, rerank=False, **options))

    def above(query: Query, **options: Any) -> bool:
        """Whether an outdated copy of the answer stands above the current one."""
        for hit in hits(index, query, **options):
            if query.is_answered_by(hit):
                return hit.version != newest and hit.version in query.outdated
        return False

    def recalled(index: tamis.Index, query: Query, **options: Any) -> bool:
        found = hits(index, query, **options)[:DEPTH]
        current = (hit for hit in found if hit.document_id.startswith(names[newest]))
        return any(query.is_answered_by(hit) for hit in current)

    print(
        f"| {len(asked)} queries, three releases in one index | outdated copy above | recall@10 |"
    )
    print("|---|---:|---:|")
    modes: tuple[Mode, ...] = ("lexical", "hybrid") if encoder.name != "words" else ("lexical",)
    for mode in modes:
        for name, everything in (("all", True), ("default", False)):
            options: dict[str, Any] = {"mode": mode, "include_superseded": everything}
            wrong = share(asked, partial(above, **options))
            right = share(asked, partial(recalled, index, **options))
            print(f"| {mode}, {name} | {wrong} | {right} |")
        print(f"| {mode}, {newest} alone | | {share(asked, partial(recalled, alone, mode=mode))} |")
    then = "2024-01-01"
    versions = {hit.version for query in asked for hit in hits(index, query, as_of=then)}
    print(f"\n- as of {then}, the hits of all queries are of {', '.join(sorted(versions))}\n")


def unchanged(scratch: Path, n: int = 10_000) -> None:
    """Sync a folder in which nothing changes."""
    folder = scratch / "many"
    for i in range(n):
        path = folder / f"{i % 100}" / f"{i}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Page {i}\n\nThe number of this page is {i}.\n")
    time.sleep(2.1)  # what was written just now is looked at twice
    index = tamis.open(scratch / "many.tamis", encoder=None, reranker=None)
    first = index.sync(folder).seconds
    times = sorted(index.sync(folder).seconds for _ in range(5))
    start = time.perf_counter()
    seen = sum(1 for _, _, names in os.walk(folder) for _ in names)
    walked = time.perf_counter() - start
    stats = timed(lambda: [path.stat() for path in folder.rglob("*.md")])
    print(
        f"- {seen} files: the first sync {first:.1f} s, one in which nothing changed "
        f"{times[2]:.2f} s (median of 5); to list the folder alone takes {walked:.2f} s, to list "
        f"it and ask for the state of each file {stats:.2f} s\n"
    )


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("TAMIS_DATA"))
    parser.add_argument("--real", action="store_true", help="encode for real")
    options = parser.parse_args()
    print(timing.machine() + "\n")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        unchanged(scratch)
        if options.data is None or not (Path(options.data) / "django_docs").exists():
            print("the set django_docs is not there: give --data or $TAMIS_DATA")
            return
        data = Path(options.data) / "django_docs"
        releases = unpack(data, scratch)
        asked = [query for query in queries(data) if query.outdated]
        encoder = tamis.Encoder() if options.real else MadeUp()
        in_place(releases, asked, encoder, scratch)
        as_versions(releases, asked, encoder, scratch)


if __name__ == "__main__":
    main()
