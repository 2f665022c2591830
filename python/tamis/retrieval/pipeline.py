"""The way of a query: lexical and dense candidates, fusion, reranking.

Everything up to the reranker works on row numbers; texts are read only for what it reads and
for what is returned.
"""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from tamis import _core
from tamis.errors import InvalidInputError
from tamis.fusion import CANDIDATES, RERANKED, hybrid
from tamis.lexical import Analyzer, Query
from tamis.retrieval.report import Report, Stage
from tamis.types import FloatArray, PassageReranker, TextEncoder

Mode: TypeAlias = Literal["hybrid", "dense", "lexical"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row with the score of every stage that ranked it."""

    row: int
    scores: Mapping[str, float]

    @property
    def stage(self) -> str:
        """The last stage that ranked it."""
        return next(name for name in ("logit", "fused", "cosine", "bm25") if name in self.scores)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a search runs with; nothing of it changes between searches.

    Attributes
    ----------
    snapshot : tamis._core.Snapshot
        The version that answers.
    analyzer : Analyzer
        The index's own.
    encoder : TextEncoder or None
        Without one, only the lexical search runs.
    reranker : PassageReranker or None
        Without one, the fused order stands.
    passage : callable
        Gives what the reranker reads of a row.
    selection : tamis._core.Selection or None
        The rows that may be found; None is all.
    """

    snapshot: _core.Snapshot
    analyzer: Analyzer
    encoder: TextEncoder | None
    reranker: PassageReranker | None
    passage: Callable[[int], str]
    selection: _core.Selection | None = None

    def run(
        self,
        query: str,
        *,
        k: int,
        mode: Mode = "hybrid",
        rerank: bool = True,
        deadline: float | None = None,
    ) -> tuple[list[Ranked], Report]:
        """Return the best `k` rows, best first, and what was done to find them.

        Raises
        ------
        InvalidInputError
            If the query is empty, `k` is below 1, the mode is unknown or needs an encoder that
            is not there, or the deadline is not positive.
        """
        until = _until(deadline)
        if not query.strip():
            raise InvalidInputError("the query is empty; ask something")
        k = _count(k)
        if mode not in ("hybrid", "dense", "lexical"):
            raise InvalidInputError(f'mode is {mode!r}; it must be "hybrid", "dense" or "lexical"')
        watch = _Watch()
        degraded: list[str] = []
        # What signs ask for holds for words and vectors; models read the words alone.
        asked = query.words(self.snapshot.fields) if isinstance(query, Query) else query
        terms = tuple(self.analyzer.terms(self._wanted(query))) if mode != "dense" else ()
        depth = max(CANDIDATES, k)

        lists: dict[str, dict[int, float]] = {}
        if mode != "dense":
            lists["bm25"] = self._lexical(query, depth, watch, degraded)
        if not asked.strip():
            lists["cosine"] = {}
        elif mode != "lexical" and (
            (vector := self._encode(asked, mode, watch, degraded)) is not None
        ):
            lists["cosine"] = self._dense(query, vector, depth, watch)

        found = _fused(lists, watch)
        if rerank and self.reranker is not None and found:
            found = self._reranked(asked, found, until, watch, degraded)
        report = Report(self.snapshot.version, tuple(watch.stages), terms, tuple(degraded))
        return found[:k], report

    def _wanted(self, query: str) -> str:
        """Return the words of a query that are looked for as they stand."""
        if not isinstance(query, Query):
            return query
        clauses = query.clauses(self.snapshot.fields)
        return " ".join(
            clause.text
            for clause in clauses
            if clause.sign != "-" and clause.kind in ("words", "phrase")
        )

    def _lexical(
        self, query: str, depth: int, watch: _Watch, degraded: list[str]
    ) -> dict[int, float]:
        is_query = isinstance(query, Query)
        with watch("lexical") as ranked:
            scores, rows = self.snapshot.search_lexical(query, is_query, depth, self.selection)
            found = _by_row(rows, scores)
            missing = self.snapshot.missing_identifiers(self._wanted(query))
            ranked.append(len(rows))
        if not found and self.snapshot.rows:
            what = "meets the query" if is_query else "holds a term of the query"
            which = "" if self.selection is None else " that the filter and the dates let through"
            degraded.append(f"no chunk{which} {what}: the lexical search found none")
        elif missing:
            degraded.append(
                f"no chunk holds {', '.join(missing)} as it stands, only parts of it: what was "
                "found may be about something else"
            )
        return found

    def _dense(self, query: str, vector: FloatArray, depth: int, watch: _Watch) -> dict[int, float]:
        with watch("dense") as ranked:
            allowed = self.selection
            if isinstance(query, Query) and (matching := self.snapshot.matching(query)) is not None:
                allowed = matching if allowed is None else matching.meet(allowed)
            scores, rows = self.snapshot.search_dense(vector, depth, allowed)
            found = _by_row(rows[0], scores[0])
            ranked.append(len(found))
        return found

    def _encode(
        self, query: str, mode: Mode, watch: _Watch, degraded: list[str]
    ) -> FloatArray | None:
        if self.snapshot.dim is None:
            if mode == "dense":
                raise InvalidInputError(
                    'mode="dense" needs vectors, and this index was made without an encoder; '
                    'search it with mode="lexical", or make a new one with an encoder'
                )
            return None
        if self.encoder is None:
            if mode == "dense":
                raise InvalidInputError(
                    'mode="dense" needs an encoder; open the index with one, or search it with '
                    'mode="lexical"'
                )
            degraded.append("opened without an encoder: the dense search did not run")
            return None
        with watch("encode") as ranked:
            ranked.append(1)
            if self.encoder.is_truncated([query], "query")[0]:
                degraded.append(
                    f"the query is longer than the encoder reads, {self.encoder.max_tokens} "
                    "tokens: the rest was cut off"
                )
            return self.encoder.encode([query], "query")

    def _reranked(
        self,
        query: str,
        found: list[Ranked],
        until: float | None,
        watch: _Watch,
        degraded: list[str],
    ) -> list[Ranked]:
        assert self.reranker is not None
        head, tail = found[:RERANKED], found[RERANKED:]
        with watch("rerank") as ranked:
            passages = [self.passage(candidate.row) for candidate in head]
            left = None if until is None else max(0.0, until - time.monotonic())
            logits = self.reranker.rerank(query, passages, deadline=left)
            read = [
                Ranked(candidate.row, {**candidate.scores, "logit": float(logit)})
                for candidate, logit in zip(head, logits, strict=True)
                if not math.isnan(logit)
            ]
            unread = [c for c, logit in zip(head, logits, strict=True) if math.isnan(logit)]
            ranked.append(len(read))
        if unread:
            why = "the reranker gave no score" if until is None else "the deadline came"
            degraded.append(
                f"{why}: {len(read)} of {len(head)} candidates are reranked, the others keep "
                "their order below"
            )
        read.sort(key=lambda candidate: -candidate.scores["logit"])  # stable: ties keep their order
        return read + unread + tail


def _count(k: int) -> int:
    if isinstance(k, bool) or not hasattr(k, "__index__"):
        raise InvalidInputError(f"k is {k!r}; it is a whole number of results")
    count = operator.index(k)
    if count < 1:
        raise InvalidInputError(f"k is {k}; ask for at least 1 result")
    return count


def _until(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    try:
        is_ahead = deadline > 0
    except TypeError:
        is_ahead = False
    if not is_ahead:
        raise InvalidInputError(f"deadline is {deadline}; it is a number of seconds above 0")
    return time.monotonic() + deadline


def _by_row(rows: Sequence[int] | np.ndarray, scores: np.ndarray) -> dict[int, float]:
    pairs = zip(np.asarray(rows).tolist(), scores.tolist(), strict=True)
    return {row: score for row, score in pairs if row >= 0}


def _fused(lists: Mapping[str, Mapping[int, float]], watch: _Watch) -> list[Ranked]:
    """Put the lists together; a single list keeps its order and has no fused score.

    Fused are the candidates alone, and what was found beyond them follows in the order of the
    vectors, then of the words: so more results begin with fewer.
    """
    if len(lists) == 1:
        ((name, found),) = lists.items()
        return [Ranked(row, {name: score}) for row, score in found.items()]
    with watch("fuse") as ranked:
        lexical, dense = (
            (list(lists[name].values())[:CANDIDATES], list(lists[name])[:CANDIDATES])
            for name in ("bm25", "cosine")
        )
        scores, rows = hybrid(lexical, dense)
        fused = dict(zip(rows.tolist(), scores.tolist(), strict=True))
        ranked.append(len(fused))
        order = dict.fromkeys([*fused, *lists["cosine"], *lists["bm25"]])
        by_stage = {**lists, "fused": fused}
        return [
            Ranked(row, {name: scores[row] for name, scores in by_stage.items() if row in scores})
            for row in order
        ]


class _Watch:
    """Times stages: ``with watch("dense") as ranked: ranked.append(candidates)``."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[list[int]]:
        start = time.perf_counter()
        candidates: list[int] = []
        yield candidates
        ms = (time.perf_counter() - start) * 1000
        self.stages.append(Stage(name, sum(candidates), round(ms, 3)))
