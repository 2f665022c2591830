"""How well the retrievers of tamis find what people judged relevant, beside independent ones.

For each set (a folder in BEIR layout) a table: the systems of `tamis eval`, and two
re-computations that share no code with them: BM25 by the `bm25s` package on the same tokens, and
the vectors by plain onnxruntime with numpy's products and sort. Ends with status 1 if nDCG@10
differs from these by more than 0.005, or is below the baselines by more than 0.01.

    python benches/quality.py [SET...] [--queries N]   # by default three sets in $TAMIS_DATA
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from tamis import Analyzer, Encoder, Reranker, evaluate
from tamis.evaluation import Dataset, full_text, load, rank, sample
from tamis.models import fetch, find

MODEL = "bge-small-en-v1.5"
QUERY_PREFIX = "Represent this sentence for searching relevant passages: "
MAX_TOKENS = 256
DEPTH = 100

#: nDCG@10 by bm25s (English stop words, Snowball stems), the same encoder, and fusions of both,
#: measured apart from this code. That of xquad_en is over the first 1,000 queries.
BASELINES = {
    "xquad_en": {"BM25": 0.962, "dense": 0.948, "RRF": 0.971, "convex": 0.980},
    "scifact": {"BM25": 0.679, "dense": 0.698, "RRF": 0.726, "convex": 0.730},
    "cranfield": {"BM25": 0.376, "dense": 0.412, "RRF": 0.423, "convex": 0.434},
}
RECOMPUTED = {"BM25": "bm25s, same tokens", "dense": "plain onnxruntime + numpy"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET")
    parser.add_argument("--queries", type=int, help="a fixed sample for the reranker's sake")
    options = parser.parse_args()
    n_off = 0
    sets = options.sets or [
        Path(os.environ.get("TAMIS_DATA", "")) / name
        for name in ("xquad_en", "cranfield", "scifact")
    ]
    for folder in sets:
        if not folder.is_dir():
            print(f"{folder} is not there: skipped")
            continue
        dataset = load(folder)
        if options.queries:
            dataset = sample(dataset, options.queries)
        print(f"\n{dataset.description}\n", flush=True)
        n_off += report(dataset, against_baselines=not options.queries)
    sys.exit(n_off > 0)


def report(dataset: Dataset, *, against_baselines: bool) -> int:
    """Print the table of a set, and return how many figures are off."""
    encoder = Encoder(MODEL, max_tokens=MAX_TOKENS)
    runs = rank(dataset, encoder=encoder, reranker=Reranker(max_tokens=MAX_TOKENS))
    runs["bm25s, same tokens"] = by_bm25s(dataset)
    runs["plain onnxruntime + numpy"] = by_numpy(dataset)
    print("| system | nDCG@10 | recall@100 | MRR@10 |")
    print("|---|---|---|---|")
    ndcg = {}
    for system, run in runs.items():
        means = evaluate(run, dataset.qrels).means
        ndcg[system] = means["nDCG@10"]
        print(f"| {system} | " + " | ".join(f"{value:.4f}" for value in means.values()) + " |")
    print()
    expected = [(system, ndcg[other], 0.005, other) for system, other in RECOMPUTED.items()]
    if against_baselines:
        baselines = BASELINES.get(dataset.name, {})
        expected += [(system, value, 0.01, "baseline") for system, value in baselines.items()]
    n_off = 0
    for system, value, tolerance, name in expected:
        difference = ndcg[system] - value
        is_off = difference < -tolerance or (difference > tolerance and name != "baseline")
        n_off += is_off
        verdict = "off" if is_off else "within" if difference <= tolerance else "above"
        print(f"- {system} - {name}: {difference:+.4f}, {verdict} {tolerance}", flush=True)
    return n_off


def by_bm25s(dataset: Dataset) -> dict[str, list[str]]:
    terms = Analyzer().terms
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index([terms(full_text(record)) for record in dataset.corpus], show_progress=False)
    ids = [record.id for record in dataset.corpus]
    run = {}
    for query, text in dataset.queries.items():
        tokens = [term for term in terms(text) if term in index.vocab_dict]
        scores = index.get_scores(tokens) if tokens else np.zeros(len(ids))
        run[query] = best(scores, ids)
    return run


def by_numpy(dataset: Dataset) -> dict[str, list[str]]:
    folder = fetch(find(MODEL))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    session = ort.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])

    def vectors(texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        rows = []
        for text in texts:
            encoded = tokenizer.encode(text)
            ids = np.array([encoded.ids], dtype=np.int64)
            feed = {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "token_type_ids": np.zeros_like(ids),
            }
            row = session.run(None, feed)[0][0, 0].astype(np.float64)
            rows.append(row / np.linalg.norm(row))
        return np.array(rows)

    passages = vectors([full_text(record) for record in dataset.corpus])
    queries = vectors([QUERY_PREFIX + text for text in dataset.queries.values()])
    ids = [record.id for record in dataset.corpus]
    return {
        query: best(scores, ids)
        for query, scores in zip(dataset.queries, queries @ passages.T, strict=True)
    }


def best(scores: np.ndarray[tuple[int], np.dtype[np.float64]], ids: Sequence[str]) -> list[str]:
    order = np.argsort(-scores, kind="stable")[:DEPTH]
    return [ids[row] for row in order if scores[row] != 0]


if __name__ == "__main__":
    main()
