"""Passages and queries of the lexical benchmark, made and real, and the truth about them.

tamis is given text. Its peers are given the terms that tamis makes of it, each as a word of plain
letters, parted by blanks: so they index the same terms, whatever their own tokenizers do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benches.peers.vectors import LOT, SEED, DoubleArray
from tamis import Analyzer
from tamis.types import IntArray

K1, B = 1.2, 0.75

VOCABULARY = 200_000
#: A word of this rank is as likely as ``(rank + SHIFT) ** -EXPONENT``, in all and in a topic.
EXPONENT, SHIFT = 1.05, 2.7
TOPICS, TOPIC_WORDS, TOPIC_SHARE = 1000, 1000, 0.4
#: Lengths are lognormal, and cut at both ends.
MEAN_LENGTH, LENGTH_SIGMA, LENGTHS = 60, 0.5, (8, 300)
#: A term of a passage is less likely in a query up to the first rank, and from the second on.
COMMON, RARE = 60, 20_000
COMMON_WEIGHT, RARE_WEIGHT = 0.17, 0.1

SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnpqrstvwxz" for vowel in "aeiou"]

#: By how much two scores of rounded contributions may differ that are equal.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Tokens:
    """The terms of passages as numbers.

    Attributes
    ----------
    ids : ndarray of int32
        One passage after the other; a lower number is a more frequent term.
    ends : ndarray of int64
        Where each passage ends.
    """

    ids: npt.NDArray[np.int32]
    ends: IntArray

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> npt.NDArray[np.int32]:
        start = self.ends[row - 1] if row else 0
        return self.ids[start : self.ends[row]]

    def __iter__(self) -> Iterator[npt.NDArray[np.int32]]:
        return map(self.__getitem__, range(len(self)))


@dataclass(frozen=True)
class Query:
    """A query as text, and its terms as the peers know them."""

    text: str
    words: list[str]
    ids: list[int]


@dataclass(frozen=True)
class Corpus:
    """What is searched, and for what.

    Attributes
    ----------
    label : str
        Its name in tables.
    analyzer : str
        By which tamis cuts texts.
    texts, words : list of str
        Each passage as tamis is given it, and as its peers are; one list if both are the same.
    queries : list of Query
    tokens : Tokens
        The terms of the passages.
    """

    label: str
    analyzer: str
    texts: list[str]
    words: list[str]
    queries: list[Query]
    tokens: Tokens

    def save(self, folder: Path) -> None:
        """Write what contestants are given."""
        write(folder / "words.json", self.words)
        if self.texts is not self.words:
            write(folder / "texts.json", self.texts)
        write(folder / "queries.json", [asdict(query) for query in self.queries])


def write(path: Path, value: object) -> None:
    """Write a value as JSON."""
    path.write_text(json.dumps(value), encoding="utf-8")


def saved_passages(folder: Path, *, raw: bool) -> list[str]:
    """Read the passages of a corpus: as tamis is given them, or as its peers are."""
    texts = folder / "texts.json"
    path = texts if raw and texts.exists() else folder / "words.json"
    passages: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return passages


def saved_queries(folder: Path) -> list[Query]:
    """Read the queries of a corpus."""
    text = (folder / "queries.json").read_text(encoding="utf-8")
    return [Query(**query) for query in json.loads(text)]


def word(number: int) -> str:
    """Return a word of plain letters for a number: the lower, the shorter."""
    syllables = ""
    number += 1
    while number:
        number, last = divmod(number - 1, len(SYLLABLES))
        syllables = SYLLABLES[last] + syllables
    return syllables


def mandelbrot(n: int) -> DoubleArray:
    """Return the chance of each of `n` words or a more frequent one, by the law of Zipf."""
    upto: DoubleArray = np.cumsum((np.arange(1, n + 1) + SHIFT) ** -EXPONENT)
    upto /= upto[-1]
    return upto


def made(n: int, n_queries: int, label: str) -> Corpus:
    """Return the first `n` passages of made words, and queries of 2 to 8 of them."""
    tokens = made_tokens(n)
    vocabulary = np.array([word(number) for number in range(VOCABULARY)], dtype=object)
    words = [" ".join(vocabulary[ids].tolist()) for ids in tokens]
    cut = Analyzer("plain").terms
    if any(cut(text) != text.split() for text in words[:LOT]):
        raise ValueError("the analyzer cuts a made text elsewhere than at its blanks")
    queries = []
    for ids in made_queries(tokens, n_queries):
        terms = vocabulary[ids].tolist()
        queries.append(Query(" ".join(terms), terms, ids.tolist()))
    return Corpus(label, "plain", words, words, queries, tokens)


def made_tokens(n: int) -> Tokens:
    """Return `n` passages, each of a topic: words of its own law mixed with those of all."""
    everywhere, within = mandelbrot(VOCABULARY), mandelbrot(TOPIC_WORDS)
    rng = np.random.default_rng([SEED, 3, 1])
    # Words of topics are rarer than words as such, but not evenly spread over all ranks.
    topics = (VOCABULARY * rng.random((TOPICS, TOPIC_WORDS)) ** 3).astype(np.int32)
    ids, lengths = [], []
    for lot in range(-(-n // LOT)):  # each from its own seed, so that no passage depends on `n`
        rng = np.random.default_rng([SEED, 3, 2, lot])
        mean = np.log(MEAN_LENGTH) - LENGTH_SIGMA**2 / 2
        some = np.rint(rng.lognormal(mean, LENGTH_SIGMA, LOT)).clip(*LENGTHS).astype(np.int64)
        topic = np.repeat(rng.integers(TOPICS, size=LOT), some)
        drawn = np.searchsorted(everywhere, rng.random(len(topic))).astype(np.int32)
        own = rng.random(len(topic)) < TOPIC_SHARE
        places = np.searchsorted(within, rng.random(np.count_nonzero(own)))
        drawn[own] = topics[topic[own], places]
        wanted = some[: n - lot * LOT]
        lengths.append(wanted)
        ids.append(drawn[: wanted.sum()])
    return Tokens(np.concatenate(ids), np.cumsum(np.concatenate(lengths)))


def made_queries(tokens: Tokens, n: int) -> Iterator[IntArray]:
    """Yield the terms of `n` queries, each of one passage, few of them very common or rare."""
    rng = np.random.default_rng([SEED, 3, 3])
    for _ in range(n):
        row = int(rng.random() * len(tokens))
        terms = np.unique(tokens[row]).astype(np.int64)
        weights = np.ones(len(terms))
        weights[terms < COMMON] = COMMON_WEIGHT
        weights[terms >= RARE] = RARE_WEIGHT
        size = min(int(rng.integers(2, 9)), len(terms))
        yield rng.choice(terms, size, replace=False, p=weights / weights.sum())


def real(folder: Path, n_queries: int) -> Corpus:
    """Return an evaluation set, cut by the default analyzer.

    Raises
    ------
    FileNotFoundError
        If the folder is not there.
    """
    from tamis.evaluation import full_text, load

    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder.name} of evaluation sets")
    data = load(folder)
    texts = [full_text(record) for record in data.corpus]
    cut = Analyzer("default").terms
    passages = [cut(text) for text in texts]
    counts = Counter(term for terms in passages for term in terms)
    numbers = {term: number for number, (term, _) in enumerate(counts.most_common())}
    queries = []
    for text in list(data.queries.values())[:n_queries]:
        ids = [numbers.setdefault(term, len(numbers)) for term in cut(text)]
        queries.append(Query(text, [word(number) for number in ids], ids))
    flat = np.array([numbers[term] for terms in passages for term in terms], np.int32)
    tokens = Tokens(flat, np.cumsum([len(terms) for terms in passages]))
    vocabulary = [word(number) for number in range(len(numbers))]
    words = [" ".join(vocabulary[numbers[term]] for term in terms) for terms in passages]
    label = f"{data.name}, {len(texts):,} passages"
    return Corpus(label, "default", texts, words, queries, tokens)


def frequencies(tokens: Tokens, queries: Sequence[Query]) -> IntArray:
    """Count the passages that hold each term, of passages or queries."""
    size = 1 + max(int(tokens.ids.max()), *(number for query in queries for number in query.ids))
    counts = np.zeros(size, np.int64)
    for ids in tokens:
        counts[np.unique(ids)] += 1
    return counts


def lucene_idf(n: int, df: int) -> float:
    """Weigh a term that `df` of `n` passages hold, as Lucene does."""
    return float(np.log1p((n - df + 0.5) / (df + 0.5)))


def robertson_idf(n: int, df: int) -> float:
    """Weigh a term as Robertson and Sparck Jones do, but never below a small positive value."""
    return max(float(np.log((n - df + 0.5) / (df + 0.5))), 1e-6)


#: How peers weigh terms; all score the term's frequency alike.
IDF = {"lucene": lucene_idf, "robertson": robertson_idf}


@dataclass(frozen=True)
class Truth:
    """The best passages of each query, equal ones by row; filled up with row -1 and score 0."""

    rows: IntArray
    scores: DoubleArray

    @classmethod
    def load(cls, path: Path) -> Truth:
        """Read what `save` wrote."""
        with np.load(path) as file:
            return cls(file["rows"], file["scores"])

    def save(self, path: Path) -> None:
        """Write to a file."""
        np.savez(path, rows=self.rows, scores=self.scores)

    def differs(self, query: int, rows: IntArray, k: int) -> bool:
        """Whether rows are other than the best `k`; any of those that tie with the last counts."""
        scores = dict(zip(self.rows[query].tolist(), self.scores[query].tolist(), strict=True))
        scores.pop(-1, None)
        best = self.scores[query, :k]
        expected = int(np.count_nonzero(best))
        found = [scores.get(row, 0.0) for row in set(rows.tolist())]
        return len(found) != expected or min(found, default=1.0) < best[expected - 1] - ROUNDING


class Reference:
    """BM25 in float64, by its definition, over the terms that some queries hold."""

    def __init__(self, tokens: Tokens, queries: Sequence[Query]) -> None:
        self.n = len(tokens)
        lengths = np.diff(tokens.ends, prepend=0)
        self._norms = K1 * (1 - B + B * lengths / lengths.mean())
        asked = np.unique([number for query in queries for number in query.ids])
        known = np.zeros(max(asked[-1], tokens.ids.max()) + 1, bool)
        known[asked] = True
        places = np.flatnonzero(known[tokens.ids])
        pairs = tokens.ids[places] * np.int64(self.n)
        pairs += np.searchsorted(tokens.ends, places, side="right")
        pairs, self._counts = np.unique(pairs, return_counts=True)
        self._rows = pairs % self.n
        starts = np.searchsorted(pairs, asked * self.n).tolist()
        ends = np.searchsorted(pairs, (asked + 1) * self.n).tolist()
        self._lists = dict(zip(asked.tolist(), map(slice, starts, ends), strict=True))

    def truth(self, queries: Sequence[Query], k: int, idf: str) -> Truth:
        """Return the best `k` passages of each query."""
        truth = Truth(np.full((len(queries), k), -1), np.zeros((len(queries), k)))
        for number, query in enumerate(queries):
            scores = np.zeros(self.n)
            for term in query.ids:
                rows = self._rows[self._lists[term]]
                counts = self._counts[self._lists[term]]
                weight = IDF[idf](self.n, len(rows))
                scores[rows] += weight * counts / (counts + self._norms[rows])
            found = np.flatnonzero(scores)
            if len(found) > k:
                least = np.partition(scores[found], len(found) - k)[len(found) - k]
                found = found[scores[found] >= least]
            best = found[np.lexsort((found, -scores[found]))][:k]
            truth.rows[number, : len(best)] = best
            truth.scores[number, : len(best)] = scores[best]
        return truth
