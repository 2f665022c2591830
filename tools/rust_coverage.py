"""Print which share of the lines of the Rust code was run, file by file.

Reads on standard input what `cov show` of llvm_profparser prints: for each source file its path,
then each of its lines as ``number|count|source``, the count empty where there is nothing to run.
Unit tests, at the end of a file or in ``tests.rs``, are not counted.

    cov show --instr-profile A.profraw --object B | python tools/rust_coverage.py rust
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path


def run_counts(report: Iterable[str], folder: Path) -> dict[Path, list[int]]:
    """Return for each file below a folder how often its lines were run."""
    counts: dict[Path, list[int]] = {}
    current: list[int] | None = None
    for line in report:
        if line.startswith("/"):
            path = Path(line.rstrip("\n"))
            wanted = path.is_relative_to(folder) and path.name != "tests.rs"
            current = counts.setdefault(path.relative_to(folder), []) if wanted else None
        elif current is not None and line.strip():
            _, count, source = line.split("|", 2)
            if source.strip() == "#[cfg(test)]":
                current = None
            elif count.strip():
                current.append(int(count))
    return counts


def row(name: str, counts: list[int]) -> str:
    """Return a line of the table: lines that can run, those that never did, percent run."""
    missed = counts.count(0)
    share = 100 * (len(counts) - missed) // max(len(counts), 1)
    return f"{name:<50}{len(counts):>7}{missed:>7}{share:>7}%"


def main() -> None:
    """Print the table of the folder named on the command line."""
    counts = run_counts(sys.stdin, Path(sys.argv[1]).resolve())
    if not counts:
        sys.exit("no coverage of any file below " + sys.argv[1])
    print(f"{'Name':<50}{'Lines':>7}{'Miss':>7}{'Cover':>8}")
    for path in sorted(counts):
        print(row(str(path), counts[path]))
    print(row("TOTAL", [count for lines in counts.values() for count in lines]))


if __name__ == "__main__":
    main()
