"""Whether a search finds the one thing that is named: a clause, a setting, an error code.

First each search as its package sets it up, over ten lines of which some nearly hold the name; it
is right if the line that does has strictly the highest score, whether it came first or last. Then
the share of passages found among the best five for names that stand in at most five passages of
real documents ($TAMIS_DATA, by default ../shared/data): clauses of contracts, and settings, error
codes and dotted paths of Django's documentation, asked in a question. Last, what identifiers do to
other questions: nDCG@10 on evaluation sets, beside the same words without them, and beside bm25s
given the same terms.

Ends with status 1 if tamis is wrong on a line, if it finds fewer than 0.95 of the passages or less
than 0.15 above plain words, if its nDCG@10 on a set is below that of plain words, or if it is more
than 0.003 from that of bm25s.

    python benches/identifiers.py

The peers are those of requirements/bench.lock; what is not installed is named and left out.
"""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import bm25s

sys.path.insert(0, str(Path(__file__).parents[1]))

from benches.peers import identifier_rows
from benches.peers.identifiers import PEERS, verdict
from benches.peers.timing import table
from tamis import Analyzer, BM25Index, evaluate
from tamis.evaluation import Dataset, Record, full_text, load
from tamis.lexical import Tokenizer

DATA = Path(os.environ.get("TAMIS_DATA", Path(__file__).parents[2] / "shared" / "data"))

#: What is derived: the set, what a name looks like, how it is asked for, and how many are.
KINDS = {
    "clauses": (
        "contracts_cuad",
        r"(?<![\w.(])\d+(?:\.\d+)*(?:\([A-Za-z0-9]{1,4}\))+",
        "What does Section {} say?",
    ),
    "settings": (
        "django_docs",
        r"(?<!\w)[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+(?!\w)",
        "What does the setting {} do?",
    ),
    "error codes": (
        "django_docs",
        r"(?<![\w.])[a-z_]+\.[CEIW]\d{3}(?!\w)",
        "What does {} mean?",
    ),
    "dotted paths": (
        "django_docs",
        r"(?<![\w./])[a-z]\w*(?:\.\w+){2,}(?!\w)",
        "How is {} used?",
    ),
}
N_EACH = 25
DEPTH = 5
SETS = ["xquad_en", "scifact", "cranfield", "django_docs", "selqa", "contracts_cuad"]
RELEASE = "5.2"


def main() -> None:
    n_wrong = exact_table()
    if not DATA.is_dir():
        print(f"{DATA} is not there: no figures of real documents")
        sys.exit(n_wrong > 0)
    recall, plain_recall = derived_table()
    n_worse = questions_table()
    sys.exit(n_wrong > 0 or recall < max(0.95, plain_recall + 0.15) or n_worse > 0)


def exact_table() -> int:
    """Print how each search does on each row, and return on how many tamis is wrong."""
    peers = {name: search for name, (module, search) in PEERS.items() if find_spec(module)}
    for name in PEERS.keys() - peers.keys():
        print(f"{name} is not installed: left out")
    lines = []
    n_right = dict.fromkeys(peers, 0)
    for row in identifier_rows.ROWS:
        cells = []
        for name, search in peers.items():
            verdicts = {
                verdict(search, row.lines(reverse=reverse), row.wanted, row.query)
                for reverse in (False, True)
            }
            n_right[name] += verdicts == {"first"}
            cells.append(", ".join(sorted(verdicts - {"first"})) or "first")
        lines.append([f"`{row.query}` in `{row.wanted}`", *cells])
    n_rows = len(identifier_rows.ROWS)
    lines.append(["**right**", *(f"**{n} of {n_rows}**" for n in n_right.values())])
    print(table(["query, and the line that is wanted", *peers], lines), flush=True)
    return n_rows - n_right["tamis"]


def derived_table() -> tuple[float, float]:
    """Print the recall of names in real documents; return that of tamis, and of plain words."""
    analyzers = ("default", "plain")
    lines = []
    sums = dict.fromkeys(analyzers, 0.0)
    for kind, (name, pattern, question) in KINDS.items():
        texts = [full_text(record) for record in corpus(load(DATA / name))]
        names = dict(derived(texts, pattern, half=kind == "dotted paths"))
        recalls = []
        for analyzer in analyzers:
            index = BM25Index(analyzer)
            index.add(texts)
            found = {each: index.search(question.format(each), DEPTH)[1] for each in names}
            shares = [
                len(rows & {*found[each].tolist()}) / len(rows) for each, rows in names.items()
            ]
            recalls.append(sum(shares) / len(shares))
            sums[analyzer] += recalls[-1] / len(KINDS)
        lines.append([kind, str(len(names)), next(iter(names)), *map("{:.3f}".format, recalls)])
    lines.append(["mean", "", "", *map("{:.3f}".format, sums.values())])
    header = ["names", "n", "such as", *(f"{each}, recall@{DEPTH}" for each in analyzers)]
    print(f"\n{table(header, lines)}", flush=True)
    return sums["default"], sums["plain"]


def questions_table() -> int:
    """Print what identifiers do to other questions; return on how many sets they do harm."""
    ways: dict[str, str | Tokenizer] = {
        "plain": "plain",
        "plain, stemmed": stemmed,
        "default": "default",
        "english+stop": "english+stop",
        "multilingual": "multilingual",
    }
    lines = []
    n_worse = 0
    for name in SETS:
        dataset = load(DATA / name)
        records = corpus(dataset)
        texts = [full_text(record) for record in records]
        ndcg = {}
        for way, analyzer in ways.items():
            index = BM25Index(analyzer)
            index.add(texts)
            run = {
                query: [records[row].id for row in index.search(text, 100)[1]]
                for query, text in dataset.queries.items()
            }
            ndcg[way] = evaluate(run, dataset.qrels).means["nDCG@10"]
        by_bm25s = evaluate(bm25s_run(dataset, records, texts), dataset.qrels).means["nDCG@10"]
        n_worse += ndcg["default"] < ndcg["plain"] or abs(ndcg["default"] - by_bm25s) > 0.003
        n_terms = [
            sum(len(Analyzer(way).terms(text)) for text in texts) for way in ("default", "plain")
        ]
        figures = map("{:.4f}".format, [*ndcg.values(), by_bm25s])
        lines.append([name, *figures, f"{n_terms[0] / n_terms[1]:.2f}"])
    header = ["nDCG@10", *ways, "bm25s, default's terms", "terms, default / plain"]
    print(f"\n{table(header, lines)}", flush=True)
    return n_worse


def bm25s_run(dataset: Dataset, records: list[Record], texts: list[str]) -> dict[str, list[str]]:
    """Rank as bm25s does, given the terms of the default analyzer."""
    cut = Analyzer().terms
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index([cut(text) for text in texts], show_progress=False)
    depth = min(100, len(texts))

    def ranked(text: str) -> list[str]:
        found = index.retrieve([cut(text)], k=depth, show_progress=False)
        pairs = zip(found.documents[0], found.scores[0], strict=True)
        return [records[row].id for row, score in pairs if score > 0]

    return {query: ranked(text) for query, text in dataset.queries.items()}


def stemmed(text: str) -> list[str]:
    return [stem(word) for word in Analyzer("plain").terms(text)]


@cache
def stem(word: str) -> str:
    terms = Analyzer("english").terms(word) if word.replace("'", "").isalpha() else []
    return terms[0] if len(terms) == 1 else word


def corpus(dataset: Dataset) -> list[Record]:
    """Return the documents of a set; of Django's documentation those of one release."""
    return [
        record for record in dataset.corpus if record.metadata.get("version", RELEASE) == RELEASE
    ]


def derived(texts: Sequence[str], pattern: str, *, half: bool) -> Iterator[tuple[str, set[int]]]:
    """Choose names that at most `DEPTH` passages hold, always the same, and these passages.

    A passage holds a name where it stands free of other letters and digits; `half` asks for every
    other name by its last two parts.
    """
    found = sorted({name for text in texts for name in re.findall(pattern, text)})
    random.Random(0).shuffle(found)
    chosen: set[str] = set()
    for each in found:
        name = ".".join(each.split(".")[-2:]) if half and len(chosen) % 2 else each
        alone = re.compile(rf"(?<!\w)(?<!\d\.){re.escape(name)}(?!\w)")
        rows = {row for row, text in enumerate(texts) if alone.search(text)}
        if 0 < len(rows) <= DEPTH and name not in chosen:
            chosen.add(name)
            yield name, rows
        if len(chosen) == N_EACH:
            return


if __name__ == "__main__":
    main()
