"""How well the retrievers of tamis find what people judged relevant, beside independent ones.

For each set (a folder in BEIR layout) two tables: the systems of `tamis eval`, and two
re-computations that share no code with them: BM25 by the `bm25s` package on the same tokens, and
the vectors by plain onnxruntime with numpy's products and sort.

    python benches/quality.py SET... [--queries N]
"""

from __future__ import annotations

import argparse
import os
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


def main() -> None:
    shared = Path(os.environ.get("TAMIS_DATA") or Path(__file__).parents[2] / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET")
    parser.add_argument("--queries", type=int, help="a fixed sample for the reranker's sake")
    options = parser.parse_args()
    sets = options.sets or [shared / name for name in ("xquad_en", "cranfield", "scifact")]
    for folder in sets:
        if not folder.is_dir():
            print(f"{folder} is not there: skipped")
            continue
        dataset = load(folder)
        if options.queries:
            dataset = sample(dataset, options.queries)
        print(f"\n{dataset.description}\n")
        report(dataset)


def report(dataset: Dataset) -> None:
    encoder = Encoder(MODEL, max_tokens=MAX_TOKENS)
    runs = rank(dataset, encoder=encoder, reranker=Reranker(max_tokens=MAX_TOKENS))
    runs["bm25s, same tokens"] = by_bm25s(dataset)
    runs["plain onnxruntime + numpy"] = by_numpy(dataset)
    print("| system | nDCG@10 | recall@100 | MRR@10 |")
    print("|---|---|---|---|")
    for system, run in runs.items():
        means = evaluate(run, dataset.qrels).means
        print(f"| {system} | " + " | ".join(f"{value:.4f}" for value in means.values()) + " |")


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
