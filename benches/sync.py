"""How fast a folder becomes an index: chunks a second, peak memory, the second sync, a search.

    python benches/sync.py [FOLDER] [--index KEPT]

The folder can be any; by default it is the small handbook. The figures of benches/RESULTS.md are
of the documentation of Django 5.2, unpacked; of that, questions are asked as well, each with the
page that answers it.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import Progress

import tamis

#: Question and the page of Django's documentation that answers it.
QUESTIONS = {
    "How do I make a query that compares two fields of the same model?": "topics/db/queries.txt",
    "Which decorator exempts a view from CSRF protection?": "ref/csrf.txt",
    "How do I stream a large CSV file to the browser?": "howto/outputting-csv.txt",
    "How can I send emails to the site admins when an error occurs?": "howto/error-reporting.txt",
    "ATOMIC_REQUESTS": "ref/settings.txt",
    "How do I roll back a single migration?": "topics/migrations.txt",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    default = Path(__file__).parents[1] / "examples" / "handbook"
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    parser.add_argument("--index", type=Path, help="keep the index here")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        Progress(disable=not sys.stderr.isatty()) as bars,
    ):
        index = tamis.open(options.index or Path(scratch) / "bench.tamis")
        index.warm()
        tasks = {}
        began: dict[str, float] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage)
                began[stage] = time.perf_counter()
            bars.update(tasks[stage], completed=done, total=total)

        start = time.perf_counter()
        report = index.sync(options.folder, progress=progress)
        end = time.perf_counter()
        again = index.sync(options.folder)
        info = index.info()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    read = began["read"] - start
    cut = began.get("encode", end) - began["read"]
    rows = {
        "files": len(report.added),
        "skipped": len(report.skipped),
        "chunks": report.chunks,
        "seconds": f"{end - start:.1f}",
        "of them scanning": f"{read:.1f}",
        "of them reading and cutting": f"{cut:.1f}",
        "chunks a second": f"{report.chunks / (end - start):.1f}",
        "peak memory, MiB": f"{peak:.0f}",
        "size of the index, MB": f"{info['bytes'] / 1e6:.1f}",
        "second sync, nothing changed, seconds": f"{again.seconds:.2f}",
    }
    print("| sync | |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")
    if (options.folder / "topics" / "db" / "queries.txt").exists():
        ask(index)


def ask(index: tamis.Index) -> None:
    """Print at which rank the right page of Django's documentation comes, and how soon."""
    print("\n| question | page | rank | ms |\n|---|---|---|---|")
    for question, page in QUESTIONS.items():
        start = time.perf_counter()
        results = index.search(question)
        ms = (time.perf_counter() - start) * 1000
        ranks = [hit.rank for hit in results if hit.document_id.endswith(page)]
        print(f"| {question} | {page} | {ranks[0] if ranks else 'none'} | {ms:.0f} |")


if __name__ == "__main__":
    main()
