"""How fast text becomes terms: sets in $TAMIS_DATA, by default ../shared/data, on one thread.

What is timed is `Analyzer.terms`, with the Python strings of all terms; an index takes the terms
from the core and makes none. A passage is 60 words, parted by white space.

    python benches/analyze.py [SET...]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benches.peers.timing import table
from tamis import Analyzer
from tamis.evaluation import full_text, load

DATA = Path(os.environ.get("TAMIS_DATA", Path(__file__).parents[2] / "shared" / "data"))
SETS = ["scifact", "selqa", "contracts_cuad", "django_docs"]
ANALYZERS = ["default", "english+stop", "multilingual", "plain"]
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET")
    lines = []
    for name in parser.parse_args().sets:
        if not (DATA / name).is_dir():
            print(f"{DATA / name} is not there: left out")
            continue
        texts = [full_text(record) for record in load(DATA / name).corpus]
        n_passages = sum(len(text.split()) for text in texts) / 60
        rates = [f"{n_passages / seconds(analyzer, texts):,.0f}" for analyzer in ANALYZERS]
        lines.append([name, *rates])
    print(table(["passages a second", *ANALYZERS], lines))


def seconds(analyzer: str, texts: list[str]) -> float:
    """Return the shortest of some times for all texts."""
    terms = Analyzer(analyzer).terms
    shortest = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for text in texts:
            terms(text)
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


if __name__ == "__main__":
    main()
