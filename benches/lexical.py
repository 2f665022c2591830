"""How fast `tamis.BM25Index` is, beside what else Python users install.

Made passages: words by the law of Zipf and Mandelbrot (200,000 of them, exponent 1.05), mixed 60 to
40 with those of 1,000 topics, about 60 a passage; a query is 2 to 8 words of one passage, few of
them very common or rare. Real ones: evaluation sets in $TAMIS_DATA, by default ../shared/data.
k1 = 1.2, b = 0.75; no stop words.

Each index is built in a process of its own, from passages in memory to files. Then all live in one
process and take turns of 25 queries, in a new order each round, after their answers were checked
against float64; some queries are also timed one by one with cold caches. That is done in several
sittings, each in a new process, and the median of these is shown.

    python benches/lexical.py [--sizes N SET ...] [--only NAME ...] [--rounds N] [--sittings N]

The peers are those of requirements/bench.lock and its sisters; what is not installed is named and
left out.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benches.peers import corpora, harness, lexical, lexical_race, lexical_report, timing
from benches.peers.corpora import Corpus, Reference
from benches.peers.harness import Line, note
from benches.peers.lexical_race import DEPTHS, N_CHECKED, Job

SIZES = ["scifact", "django_docs", "200000", "1000000"]


def main() -> None:
    parser = harness.parser(__doc__, SIZES, "a number of passages, or a set")
    parser.add_argument("--rounds", type=int, default=1000, help="queries timed")
    parser.add_argument("--sittings", type=int, default=3, help="processes that time them")
    options = parser.parse_args()
    if options.job:
        lexical_race.run(options.job)
        return
    harness.run(options, lexical.PACKAGES, Runner, lexical_report)


class Runner(harness.Runner):
    """Prepares one case and has processes work on it."""

    def run(self, size: str) -> Line:
        """Return all figures of a corpus."""
        note(f"{size}: passages")
        corpus = self._corpus(size)
        corpus.save(self.folder)
        result: Line = {
            "size": size,
            "label": corpus.label,
            "analyzer": corpus.analyzer,
            "passages": len(corpus.tokens),
            "queries": len(corpus.queries),
            "threads": self.options.threads,
            "sittings": self.options.sittings,
            "load": self.load,
            "failed": self.failed,
        }
        note(f"{size}: truth")
        result |= self._truth(corpus)
        analyzer, n = corpus.analyzer, len(corpus.tokens)
        del corpus
        builds: dict[str, Line] = {}
        racing, phrasing = [], []
        for kind in (*lexical.OURS, *lexical.THEIRS):
            theirs = kind not in lexical.OURS
            if theirs and not kind.name.startswith(tuple(self.options.only)):
                continue
            if n > kind.most_passages:
                continue
            builder = kind.shares or kind
            if builder.name not in builds:
                builds[builder.name] = self._start(size, "build", analyzer, [builder.name])
            if "build_s" in builds[builder.name]:
                racing += [kind.name] if kind.races else []
                phrasing += [kind.name] if kind.phrases else []
        result["builds"] = {name: build for name, build in builds.items() if build}
        sittings = range(self.options.sittings)
        result["race"] = merged([self._start(size, "race", analyzer, racing) for _ in sittings])
        if size.isdigit():  # else words stand for terms, which no phrase is made of
            result["phrases"] = self._start(size, "phrases", analyzer, phrasing)
        self.failed += [
            f"{line['wrong']} of {line['queries']} answers of {line['name']}, k = {line['k']:,}"
            for line in result["race"].get("exact", [])
            if line["wrong"]
        ]
        return result

    def _corpus(self, size: str) -> Corpus:
        if size.isdigit():
            label = f"made, {timing.rounded(int(size))} passages"
            return corpora.made(int(size), self.options.rounds, label)
        return corpora.real(harness.data() / size, self.options.rounds)

    def _truth(self, corpus: Corpus) -> Line:
        """Write the truth about the first queries; return what describes the case."""
        checked = corpus.queries[:N_CHECKED]
        reference = Reference(corpus.tokens, checked)
        for name in corpora.IDF:
            truth = reference.truth(checked, max(DEPTHS), name)
            truth.save(self.folder / f"{name}.npz")
        frequencies = corpora.frequencies(corpus.tokens, corpus.queries)
        lengths = [len(query.ids) for query in corpus.queries]
        touched = [int(frequencies[query.ids].sum()) for query in corpus.queries]
        return {
            "checked": len(checked),
            "postings": int(frequencies.sum()),
            "terms": float(np.mean(lengths)),
            "touched": [round(np.mean(touched)), *map(round, np.percentile(touched, [50, 99]))],
        }

    def _start(self, size: str, kind: str, analyzer: str, peers: list[str]) -> Line:
        job = Job(
            kind=kind,
            result=str(self.folder / "result.json"),
            folder=str(self.folder),
            analyzer=analyzer,
            peers=peers,
            rounds=self.options.rounds,
            threads=self.options.threads,
        )
        what = f"{size}: {kind} {', '.join(peers)}"
        return self.start(what, job, {"LANCE_CPU_THREADS": "1"}) or {}


def merged(sittings: list[Line]) -> Line:
    """Return what was found, with the median of each time; what else differs is of the first."""
    first, *others = [sitting for sitting in sittings if sitting] or [{}]
    return {key: median([value, *(other[key] for other in others)]) for key, value in first.items()}


def median(values: list[Any]) -> Any:
    """Return the median of equal structures, number by number."""
    first = values[0]
    if isinstance(first, dict):
        return {key: median([value[key] for value in values]) for key in first}
    if isinstance(first, list):
        return [median(list(parts)) for parts in zip(*values, strict=True)]
    return statistics.median(values) if isinstance(first, float) else first


if __name__ == "__main__":
    main()
