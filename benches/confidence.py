"""What a least confidence keeps and refuses, on questions with and without an answer.

For each set (a folder in BEIR layout) a sample of its questions is asked twice: as it is, and with
the relevant passages taken away, so that the nearest wrong ones are left. The table gives, for
several least confidences, the share of answerable questions that reach it and the share of the
others that do not.

    python benches/confidence.py [SET...] [--queries 120]   # by default two sets in $TAMIS_DATA
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from tamis import BM25Index, Reranker
from tamis.evaluation import full_text, load, sample
from tamis.retrieval import confidence

CANDIDATES = 12
LEVELS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET")
    parser.add_argument("--queries", type=int, default=120)
    options = parser.parse_args()
    for folder in options.sets or [
        Path(os.environ.get("TAMIS_DATA", "")) / name for name in ("xquad_en", "selqa")
    ]:
        if folder.is_dir():
            report(folder, options.queries)
        else:
            print(f"{folder} is not there: skipped")


def report(folder: Path, n_queries: int) -> None:
    dataset = sample(load(folder), n_queries, seed=1)
    texts = [full_text(record) for record in dataset.corpus]
    ids = [record.id for record in dataset.corpus]
    index, reranker = BM25Index(), Reranker(max_tokens=256)
    index.add(texts)
    answerable, others = [], []
    for query, text in dataset.queries.items():
        relevant = {id for id, grade in dataset.qrels[query].items() if grade > 0}
        _, rows = index.search(text, 4 * CANDIDATES)
        right = [row for row in rows if ids[row] in relevant]
        wrong = [row for row in rows if ids[row] not in relevant][:CANDIDATES]
        logits = reranker.score(text, [texts[row] for row in right + wrong]).tolist()
        others.append(confidence(logits[len(right) :]) or 0.0)
        if right:
            answerable.append(confidence(logits) or 0.0)
    print(f"\n{dataset.name}: {len(answerable)} answerable, {len(others)} without an answer\n")
    print("| least confidence | answerable kept | others refused |\n|---|---|---|")
    for level in LEVELS:
        kept = float(np.mean(np.array(answerable) >= level))
        refused = float(np.mean(np.array(others) < level))
        print(f"| {level} | {kept:.2f} | {refused:.2f} |", flush=True)


if __name__ == "__main__":
    main()
