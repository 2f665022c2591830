"""Vectors to search in, made and real, and the truth about them in float64."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from tamis.types import FloatArray, IntArray

DoubleArray = npt.NDArray[np.float64]

SEED = 20261124
#: Rows are made this many at a time, each lot from its own seed, so no row depends on the number.
LOT = 8192
N_CLUSTERS = 2000
#: Shares of a row's squared length: what all rows have in common, and what is its own.
COMMON, OWN = 0.10, 0.40
#: The length of the noise that makes a query of a row: a median cosine of 0.81 between both.
QUERY_NOISE = 0.716

MODEL = "bge-small-en-v1.5"
MAX_TOKENS = 256


@dataclass(frozen=True)
class Truth:
    """The best rows by cosine in float64, equal ones by row, and the queries' own vectors."""

    queries: FloatArray
    rows: IntArray
    cosines: DoubleArray

    @classmethod
    def unknown(cls, queries: FloatArray) -> Truth:
        """Return queries whose best rows nobody looked for."""
        return cls(queries, np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0)))


class Clustered:
    """Clusters and noise under a decaying spectrum, hidden by a rotation.

    2,000 Gaussian clusters of unequal size and a common mean; centres, noise and mean have the
    spectrum ``(1 + j / 24) ** -0.75``, turned by a random rotation. Rows have length 1.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        rng = np.random.default_rng([SEED, dim])
        spectrum = (1 + np.arange(dim) / 24) ** -0.75
        rotation = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
        self._shape = (spectrum[:, np.newaxis] * rotation).astype(np.float32)
        self._shape /= np.float32(np.linalg.norm(spectrum))
        common = COMMON**0.5 * rng.standard_normal(dim)
        centres = (1 - COMMON - OWN) ** 0.5 * rng.standard_normal((N_CLUSTERS, dim)) + common
        self._centres = centres.astype(np.float32) @ self._shape
        weights = np.cumsum((20.0 + np.arange(N_CLUSTERS)) ** -0.7)
        self._upto = weights / weights[-1]

    def rows(self, n: int, threads: int = 1) -> FloatArray:
        """Return the first `n` rows."""
        matrix = np.empty((n, self.dim), np.float32)

        def fill(lot: int) -> None:
            rng = np.random.default_rng([SEED, self.dim, 0, lot])
            cluster = np.searchsorted(self._upto, rng.random(LOT))
            lot_rows = rng.standard_normal((LOT, self.dim), dtype=np.float32) @ self._shape
            lot_rows *= np.float32(OWN**0.5)
            lot_rows += self._centres[cluster]
            matrix[lot * LOT : (lot + 1) * LOT] = unit(lot_rows)[: n - lot * LOT]

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, range(-(-n // LOT))))
        return matrix

    def queries(self, matrix: FloatArray, n: int) -> FloatArray:
        """Return `n` queries, each a row of the matrix with noise; the first ones of more."""
        rng = np.random.default_rng([SEED, self.dim, 1])
        near = matrix[(rng.random(n) * len(matrix)).astype(np.int64)]
        rng = np.random.default_rng([SEED, self.dim, 2])
        noise = rng.standard_normal((n, self.dim), dtype=np.float32) @ self._shape
        return unit(near + np.float32(QUERY_NOISE) * noise)


def unit(rows: FloatArray) -> FloatArray:
    """Scale rows to length 1, in place."""
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def truth(matrix: FloatArray, queries: FloatArray, k: int) -> Truth:
    """Find the best `k` rows of each query by cosine in float64, equal ones by row.

    A product in float32 sorts out what cannot be among them: its error is at most
    ``dim * 2**-24`` for vectors of length 1, whatever the order of its sums.
    """
    k = min(k, len(matrix))
    slack = 2 * (matrix.shape[1] + 8) * 2.0**-24
    rows, cosines = np.empty((len(queries), k), np.int64), np.empty((len(queries), k))
    for start in range(0, len(queries), 32):
        products = queries[start : start + 32] @ matrix.T
        for offset, line in enumerate(products):
            least = np.partition(line, len(line) - k)[len(line) - k]
            candidates = np.flatnonzero(line >= least - slack)
            exact = cosine(matrix[candidates], queries[start + offset])
            best = np.lexsort((candidates, -exact))[:k]
            rows[start + offset], cosines[start + offset] = candidates[best], exact[best]
    return Truth(queries, rows, cosines)


def cosine(rows: FloatArray, query: FloatArray) -> DoubleArray:
    """Return the cosines of rows and a query, computed in float64."""
    rows64, query64 = rows.astype(np.float64), query.astype(np.float64)
    cosines: DoubleArray = rows64 @ query64
    cosines /= np.linalg.norm(rows64, axis=1) * np.linalg.norm(query64)
    return cosines


def recall(found: IntArray, query: int, known: Truth, matrix: FloatArray, k: int) -> float:
    """Return the share of the best `k` that was found; a tie with the last of them counts."""
    rows = np.unique(found[found >= 0])
    best = known.cosines[query, :k]
    least = float(best[-1]) - 1e-6  # cosines of rows of length 1 in float32 differ by less
    hits = int(np.count_nonzero(cosine(matrix[rows], known.queries[query]) >= least))
    return min(hits, len(best)) / len(best)


def real(data: Path, cache: Path, n_passages: int, n_queries: int) -> tuple[FloatArray, FloatArray]:
    """Return vectors of passages and of queries from the evaluation sets below a folder.

    All passages and all queries of the sets are shuffled, always in the same way, and the first
    ones are encoded; what was encoded once is kept in `cache`.

    Raises
    ------
    FileNotFoundError
        If the folder holds no set.
    """
    from tamis import Encoder
    from tamis.evaluation import full_text, load

    folders = sorted({path.parent for path in data.glob("*/corpus.jsonl*")})
    if not folders:
        raise FileNotFoundError(f"{data} holds no evaluation sets")
    sets = [load(folder) for folder in folders]
    passages = [text for each in sets for record in each.corpus if (text := full_text(record))]
    queries = [text for each in sets for text in each.queries.values()]
    encoder = Encoder(MODEL, max_tokens=MAX_TOKENS)
    print(f"{len(passages)} passages and {len(queries)} queries of {len(sets)} sets", flush=True)

    def vectors(kind: Literal["passage", "query"], texts: list[str], n: int) -> FloatArray:
        random.Random(SEED).shuffle(texts)
        state = json.dumps([encoder.fingerprint(), texts], sort_keys=True)
        folder = cache / f"{kind}-{hashlib.sha256(state.encode()).hexdigest()[:16]}"
        return encoded(texts[:n], folder, lambda some: encoder.encode(some, kind))

    return vectors("passage", passages, n_passages), vectors("query", queries, n_queries)


def encoded(
    texts: Sequence[str],
    folder: Path,
    encode: Callable[[Sequence[str]], FloatArray],
    lot: int = 1000,
) -> FloatArray:
    """Encode texts in lots, each kept in a file of its own, so that a run can be cut short."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for start in range(0, len(texts), lot):
        some = texts[start : start + lot]
        path = folder / f"{start:07}-{len(some)}.npy"
        if not path.exists():
            print(f"encoding {folder.name}: {start + len(some)} of {len(texts)}", flush=True)
            partial = path.with_suffix(".partial")
            with partial.open("wb") as file:
                np.save(file, encode(some))
            partial.rename(path)
        parts.append(np.load(path))
    return np.concatenate(parts)
