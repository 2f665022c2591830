"""The contestants of the dense benchmark: how each is built, searched and measured."""

# ruff: noqa: D102 (`Peer` says what the methods of all do)

from __future__ import annotations

import math
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tamis import DenseIndex
from tamis.types import FloatArray, IntArray

#: Rows below which contestants take part that are slow to build.
GRAPH_ROWS = 200_000


class Peer:
    """A way to find the rows of highest inner product with a query.

    Attributes
    ----------
    name, module : str
        What tables call it, and what it needs to import.
    efforts : tuple of float
        The values of its own parameter for more recall, rising; none where nothing can be tuned.
    targets : tuple of float
        The recalls it is tuned to, one line of the table each.
    shares : type of Peer, optional
        Whose index it searches.
    most_rows : float
        It is left out beyond.
    copies : float
        Its memory while it is built, in sizes of the matrix.
    splits : bool
        Whether it can give one query to several threads.
    singles : bool
        Whether it is meant for single queries, too.
    """

    name: ClassVar[str]
    module: ClassVar[str] = "numpy"
    efforts: ClassVar[tuple[float, ...]] = ()
    targets: ClassVar[tuple[float, ...]] = (0.99,)
    shares: ClassVar[type[Peer] | None] = None
    most_rows: ClassVar[float] = math.inf
    copies: ClassVar[float] = 1.0
    splits: ClassVar[bool] = True
    singles: ClassVar[bool] = True

    def __init__(self) -> None:
        self.library: Any = import_module(self.module)
        self.index: Any = None
        self.n_values = 0

    def build(self, matrix: FloatArray, threads: int) -> None:
        """Take in the rows; pools of BLAS and OpenMP are pinned already."""
        raise NotImplementedError

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        """Return the rows found for each query; pools of BLAS and OpenMP are pinned already."""
        raise NotImplementedError

    def n_bytes(self) -> int:
        """Return the size of the index by its own count, or by what its format needs."""
        raise NotImplementedError

    def setting(self, effort: float, k: int) -> str:
        """Say in words what an effort is."""
        raise NotImplementedError


class TamisExact(Peer):
    """The default: exact, with proof."""

    name = "tamis exact"
    copies = 2.0
    precision: ClassVar[str] = "exact"

    def build(self, matrix: FloatArray, threads: int) -> None:
        self.index = DenseIndex(matrix.shape[1])
        self.index.add(matrix)
        self.index.build(threads=threads)

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        options = {} if effort is None else {"oversample": effort}
        rows: IntArray = self.index.search(
            queries, k=k, precision=self.precision, threads=threads, **options
        )[1]
        return rows

    def n_bytes(self) -> int:
        return int(sum(self.index.memory().values()))

    def setting(self, effort: float, k: int) -> str:
        return f"oversample {effort:g}"


class TamisF32(TamisExact):
    """The exhaustive scan that the exact answer must equal."""

    name = "tamis f32"
    shares = TamisExact
    precision = "f32"


class TamisFast(TamisExact):
    """Without a proof."""

    name = "tamis fast"
    shares = TamisExact
    precision = "fast"
    efforts = (2, 3, 4, 6, 8, 12, 16, 20, 25, 30, 40, 50, 60, 80, 100, 130, 160, 200, 300, 500)
    targets = (0.99, 0.999)


class Numpy(Peer):
    """A product and `argpartition`, as written by hand."""

    name = "numpy"
    copies = 0.0

    def build(self, matrix: FloatArray, threads: int) -> None:
        self.index = matrix

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        if len(queries) == 1:
            scores = (self.index @ queries[0])[np.newaxis]
        else:
            scores = queries @ self.index.T
        n = scores.shape[1]
        rows = np.argpartition(scores, n - min(k, n), axis=1)[:, -k:]
        order = np.argsort(-np.take_along_axis(scores, rows, axis=1), axis=1)
        return np.take_along_axis(rows, order, axis=1)

    def n_bytes(self) -> int:
        return int(self.index.nbytes)


class Faiss(Peer):
    """What the indexes of faiss share."""

    module = "faiss"

    def make(self, dim: int) -> Any:
        """Return the empty index."""
        raise NotImplementedError

    def build(self, matrix: FloatArray, threads: int) -> None:
        self.index = self.make(matrix.shape[1])
        self.index.train(matrix)
        self.index.add(matrix)

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        rows: IntArray = self.index.search(queries, k)[1]
        return rows


class FaissFlat(Faiss):
    """Exhaustive, as shipped: without BLAS for any batch of a usual size."""

    name = "faiss IndexFlatIP"

    def make(self, dim: int) -> Any:
        return self.library.IndexFlatIP(dim)

    def n_bytes(self) -> int:
        return int(self.index.ntotal * self.index.code_size)


class FaissFlatBlas(FaissFlat):
    """Exhaustive, through BLAS from a batch of 20 on."""

    name = "faiss IndexFlatIP, BLAS"
    shares = FaissFlat
    singles = False

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        settings = self.library.cvar
        shipped = settings.distance_compute_blas_threshold
        settings.distance_compute_blas_threshold = 20
        try:
            return super().search(queries, k, effort, threads)
        finally:
            settings.distance_compute_blas_threshold = shipped


class FaissPanorama(Faiss):
    """Exact with bounds on partial products, after the rotation to principal axes it asks for."""

    name = "faiss IndexFlatIPPanorama"
    copies = 2.0

    def make(self, dim: int) -> Any:
        axes = self.library.PCAMatrix(dim, dim)
        levels = next(levels for levels in (8, 4, 2, 1) if dim % levels == 0)
        return self.library.IndexPreTransform(axes, self.library.IndexFlatIPPanorama(dim, levels))

    def build(self, matrix: FloatArray, threads: int) -> None:
        self.index = self.make(matrix.shape[1])
        self.index.train(matrix)
        # Without the shift to the mean, which changes inner products.
        axes = self.library.downcast_VectorTransform(self.index.chain.at(0))
        axes.have_bias = False
        self.index.add(matrix)

    def n_bytes(self) -> int:
        flat = self.library.downcast_index(self.index.index)
        return int(flat.ntotal * (flat.code_size + 4 * (flat.n_levels + 1)))


class FaissRefined(Faiss):
    """A coarse code, and float32 for the best of it."""

    def setting(self, effort: float, k: int) -> str:
        return f"k_factor {effort:g}"

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        self.index.k_factor = effort
        return super().search(queries, k, effort, threads)


class FaissSq8(FaissRefined):
    """One byte a dimension."""

    name = "faiss SQ8 + refine"
    copies = 1.3
    efforts = (1, 1.25, 1.5, 2, 3, 4, 8)

    def make(self, dim: int) -> Any:
        coarse = self.library.IndexScalarQuantizer(
            dim, self.library.ScalarQuantizer.QT_8bit, self.library.METRIC_INNER_PRODUCT
        )
        return self.library.IndexRefineFlat(coarse)

    def n_bytes(self) -> int:
        return int(self.index.ntotal * self.index.d * 5)


class FaissRabitq(FaissRefined):
    """One bit a dimension after a random rotation, scanned by look-up."""

    name = "faiss RaBitQ fast-scan + refine"
    copies = 2.1  # the rotated rows
    efforts = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)

    def make(self, dim: int) -> Any:
        rotation = self.library.RandomRotationMatrix(dim, dim)
        codes = self.library.IndexRaBitQFastScan(dim, self.library.METRIC_INNER_PRODUCT)
        coarse = self.library.IndexPreTransform(rotation, codes)
        return self.library.IndexRefineFlat(coarse)

    def n_bytes(self) -> int:
        return int(self.index.ntotal * (self.index.d * 4 + self.index.d // 8 + 8))


class FaissHnsw(Faiss):
    """A graph, 32 neighbours a row."""

    name = "faiss HNSW32"
    most_rows = GRAPH_ROWS
    copies = 1.3
    splits = False
    efforts = (16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 160, 192, 256, 384, 512, 768, 1024)

    def make(self, dim: int) -> Any:
        return self.library.IndexHNSWFlat(dim, 32, self.library.METRIC_INNER_PRODUCT)

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        self.index.hnsw.efSearch = int(effort or 0)
        return super().search(queries, k, effort, threads)

    def n_bytes(self) -> int:
        graph = self.index.hnsw
        return int(4 * graph.neighbors.size() + self.index.ntotal * (12 + 4 * self.index.d))

    def setting(self, effort: float, k: int) -> str:
        return f"efSearch {effort:g}"


class Hnswlib(Peer):
    """The same graph by its inventors, built with more care by default."""

    name = "hnswlib M32"
    module = "hnswlib"
    most_rows = GRAPH_ROWS
    copies = 1.3
    splits = False
    efforts = FaissHnsw.efforts

    def build(self, matrix: FloatArray, threads: int) -> None:
        self.index = self.library.Index("ip", matrix.shape[1])
        self.index.init_index(len(matrix), M=32, ef_construction=200)
        self.index.add_items(matrix, num_threads=threads)

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        self.index.set_ef(max(int(effort or 0), k))
        return whole(self.index.knn_query(queries, k, num_threads=threads)[0])

    def n_bytes(self) -> int:
        return int(self.index.index_file_size())

    def setting(self, effort: float, k: int) -> str:
        return f"ef {max(int(effort), k)}"


class UsearchF32(Peer):
    """Exhaustive search of an array."""

    name = "usearch exact f32"
    module = "usearch.index"
    copies = 0.0

    def build(self, matrix: FloatArray, threads: int) -> None:
        self.index = matrix

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        found = self.library.search(
            self.index, queries, k, self.library.MetricKind.IP, exact=True, threads=threads
        )
        return whole(found.keys)

    def n_bytes(self) -> int:
        return int(self.index.nbytes)


class UsearchI8(UsearchF32):
    """Exhaustive search of an array of bytes: exact of these, not of the vectors."""

    name = "usearch exact i8"
    copies = 0.5

    def build(self, matrix: FloatArray, threads: int) -> None:
        self.scale = np.float32(127 / max(matrix.max(), -matrix.min()))
        self.index = np.empty(matrix.shape, np.int8)
        for start in range(0, len(matrix), 10_000):
            self.index[start : start + 10_000] = self._bytes(matrix[start : start + 10_000])

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        found = self.library.search(
            self.index,
            self._bytes(queries),
            k,
            self.library.MetricKind.Cos,
            exact=True,
            threads=threads,
        )
        return whole(found.keys)

    def _bytes(self, rows: FloatArray) -> npt.NDArray[np.int8]:
        scaled: FloatArray = np.clip(rows * self.scale, -127, 127)
        return np.rint(scaled).astype(np.int8)


class Scann(Peer):
    """What both ways of scann share; no tree, so that all rows are seen."""

    module = "scann"
    splits = False

    def make(self, builder: Any) -> Any:
        """Say how rows are scored."""
        raise NotImplementedError

    def build(self, matrix: FloatArray, threads: int) -> None:
        builder = self.library.scann_ops_pybind.builder(matrix, 10, "dot_product")
        self.index = self.make(builder.set_n_training_threads(threads)).build()
        self.n_values = matrix.size

    def search(self, queries: FloatArray, k: int, effort: float | None, threads: int) -> IntArray:
        reordered = None if effort is None else int(effort * k)
        if len(queries) == 1:
            return whole(self.index.search(queries[0], k, reordered or -1)[0])
        if threads == 1:
            return whole(self.index.search_batched(queries, k, reordered)[0])
        return whole(self.index.search_batched_parallel(queries, k, reordered)[0])

    def setting(self, effort: float, k: int) -> str:
        return f"reorder {int(effort * k)}"


class ScannAh(Scann):
    """Four bits for two dimensions, float32 for the best."""

    name = "scann AH + reorder"
    copies = 1.4
    efforts = (1, 1.5, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 50)

    def make(self, builder: Any) -> Any:
        return builder.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100)

    def n_bytes(self) -> int:
        return self.n_values * 4 + self.n_values // 4


class ScannBruteForce(Scann):
    """Exhaustive."""

    name = "scann brute force"
    most_rows = GRAPH_ROWS

    def make(self, builder: Any) -> Any:
        return builder.score_brute_force()

    def n_bytes(self) -> int:
        return self.n_values * 4


def whole(rows: Any) -> IntArray:
    """Return row numbers of one or several queries as a matrix of 64-bit integers."""
    return np.atleast_2d(np.asarray(rows, dtype=np.int64))


OURS: tuple[type[Peer], ...] = (TamisExact, TamisF32, TamisFast)
THEIRS: tuple[type[Peer], ...] = (
    Numpy,
    FaissFlat,
    FaissFlatBlas,
    FaissPanorama,
    UsearchF32,
    ScannBruteForce,
    FaissSq8,
    FaissRabitq,
    ScannAh,
    UsearchI8,
    FaissHnsw,
    Hnswlib,
)
PACKAGES = ("numpy", "faiss-cpu", "usearch", "numkong", "scann", "hnswlib", "threadpoolctl")
