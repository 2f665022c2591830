"""How fast a folder becomes an index: chunks and tokens per second, peak memory, second sync.

    python benches/sync.py FOLDER

The folder can be any; the figures of benches/RESULTS.md are of the Django documentation.
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


if __name__ == "__main__":
    main()
