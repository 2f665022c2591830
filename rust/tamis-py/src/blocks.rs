//! The blocks that stand alone: `DenseIndex`, `BM25Index`, `Analyzer`.

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use tamis::dense::{self, Matrix, Metric, OnZero, Precision, Request};
use tamis::filter::RowSet;
use tamis::lexical::{self, Bm25, Evaluation, InvertedIndex};
use tamis::store::single;
use tamis::threads::{self, Stop};

use crate::arrays::{self, HitArrays, HitMatrices, K};
use crate::errors::to_py;
use crate::stop::{enter, interruptible};

/// A lock whose holder panicked still holds a whole value: changes are made in one step.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Vectors and their top-k.
#[pyclass(frozen, module = "tamis._core")]
pub(crate) struct DenseIndex {
    dim: usize,
    metric: Metric,
    on_zero: OnZero,
    matrix: RwLock<Matrix>,
}

impl From<Matrix> for DenseIndex {
    fn from(matrix: Matrix) -> Self {
        let (dim, metric, on_zero) = (matrix.dim(), matrix.metric(), matrix.on_zero());
        Self { dim, metric, on_zero, matrix: RwLock::new(matrix) }
    }
}

/// What a search did: what answered, and the rows scanned, passed, refined, rescored and gathered.
type Work = (&'static str, u64, u64, u64, u64, u64);

#[pymethods]
impl DenseIndex {
    #[new]
    fn new(dim: usize, metric: &str, keep_zeros: bool) -> PyResult<Self> {
        let on_zero = if keep_zeros { OnZero::Keep } else { OnZero::Reject };
        let matrix = Metric::from_name(metric).and_then(|metric| Matrix::new(dim, metric, on_zero));
        matrix.map(Self::from).map_err(to_py)
    }

    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, verify: bool) -> PyResult<Self> {
        let opened = py.detach(|| single::open_matrix(&path, verify));
        opened.map(Self::from).map_err(to_py)
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        interruptible(py, |stop| single::save_matrix(&path, &read(&self.matrix), threads::available(), stop))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        enter()?;
        Ok(py.detach(|| read(&self.matrix).len()))
    }

    #[getter]
    fn dim(&self) -> usize {
        self.dim
    }

    #[getter]
    fn metric(&self) -> &'static str {
        self.metric.name()
    }

    #[getter]
    fn keeps_zeros(&self) -> bool {
        self.on_zero == OnZero::Keep
    }

    /// The bytes of the values, of the 4-bit codes, of their fine codes and of the 1-bit codes.
    fn memory(&self, py: Python<'_>) -> PyResult<[usize; 4]> {
        enter()?;
        Ok(py.detach(|| read(&self.matrix).memory()))
    }

    /// Gives the first of the new rows: other threads may add as well.
    fn add(&self, py: Python<'_>, vectors: PyReadonlyArray2<'_, f32>) -> PyResult<usize> {
        let values = arrays::rows(&vectors, self.dim)?;
        interruptible(py, |stop| {
            let mut matrix = write(&self.matrix);
            let first = matrix.len();
            matrix.add(values, stop).map(|()| first)
        })
    }

    /// Encodes the rows that have no codes.
    fn build(&self, py: Python<'_>, threads: Option<usize>) -> PyResult<()> {
        let threads = threads.unwrap_or_else(threads::available);
        interruptible(py, |stop| write(&self.matrix).build(threads, stop))
    }

    fn search<'py>(
        &self,
        py: Python<'py>,
        queries: PyReadonlyArray2<'_, f32>,
        k: K,
        precision: &str,
        oversample: f64,
        threads: Option<usize>,
        allowed: Option<PyReadonlyArray1<'_, u8>>,
    ) -> PyResult<(HitMatrices<'py>, Work)> {
        let values = arrays::rows(&queries, self.dim)?;
        let allowed = arrays::row_set(allowed)?;
        let threads = threads.unwrap_or_else(threads::available);
        let precision = match precision {
            "exact" => Precision::Exact,
            "fast" => Precision::Fast { oversample },
            _ => Precision::Full,
        };
        let (found, width) = interruptible(py, |stop| {
            if precision != Precision::Full && read(&self.matrix).is_behind() {
                write(&self.matrix).build(threads, stop)?;
            }
            let matrix = read(&self.matrix);
            // Under the lock: another thread may add rows until it is taken.
            fits(allowed.as_ref(), matrix.len())?;
            let queries = dense::prepare(values, matrix.dim(), matrix.metric())?;
            let request = Request { queries: &queries, dim: matrix.dim(), k: k.0, precision, threads };
            let width = k.0.min(allowed.as_ref().map_or(matrix.len(), RowSet::count));
            Ok((matrix.search(&request, allowed.as_ref(), stop)?, width))
        })?;
        let work = found.work;
        let rows = (work.scanned, work.passed, work.refined, work.rescored, work.gathered);
        let work = (work.level(), rows.0, rows.1, rows.2, rows.3, rows.4);
        Ok((arrays::hit_matrices(py, &found.hits, width)?, work))
    }
}

/// Texts and their BM25 top-k.
#[pyclass(frozen, module = "tamis._core")]
pub(crate) struct BM25Index {
    index: RwLock<InvertedIndex>,
    analyzer: lexical::Analyzer,
    bm25: Bm25,
}

#[pymethods]
impl BM25Index {
    #[new]
    fn new(analyzer: &str, variant: &str, k1: f64, b: f64) -> PyResult<Self> {
        let analyzer = lexical::Analyzer::named(analyzer).map_err(to_py)?;
        let bm25 = Bm25::new(variant, k1, b).map_err(to_py)?;
        Ok(Self { index: RwLock::new(InvertedIndex::new(bm25)), analyzer, bm25 })
    }

    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let (index, analyzer) = py.detach(|| single::open_postings(&path)).map_err(to_py)?;
        let analyzer = lexical::Analyzer::named(&analyzer).map_err(to_py)?;
        let bm25 = *index.bm25();
        Ok(Self { index: RwLock::new(index), analyzer, bm25 })
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| single::save_postings(&path, &read(&self.index), self.analyzer.name())).map_err(to_py)
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        py.detach(|| read(&self.index).len())
    }

    #[getter]
    fn analyzer(&self) -> &'static str {
        self.analyzer.name()
    }

    #[getter]
    fn variant(&self) -> &'static str {
        self.bm25.variant()
    }

    #[getter]
    fn k1(&self) -> f64 {
        self.bm25.k1()
    }

    #[getter]
    fn b(&self) -> f64 {
        self.bm25.b()
    }

    /// Gives the first of the new rows: other threads may add as well.
    fn add(&self, py: Python<'_>, texts: Vec<PyBackedStr>, threads: Option<usize>) -> PyResult<usize> {
        interruptible(py, |stop| {
            let mut index = write(&self.index);
            let first = index.len();
            let threads = threads.unwrap_or_else(threads::available);
            index.add(&self.analyzer, &texts, threads, stop).map(|()| first)
        })
    }

    fn search<'py>(
        &self,
        py: Python<'py>,
        query: &str,
        k: K,
        allowed: Option<PyReadonlyArray1<'_, u8>>,
    ) -> PyResult<HitArrays<'py>> {
        let allowed = arrays::row_set(allowed)?;
        let hits = interruptible(py, |stop| {
            let index = self.ready(allowed.as_ref(), stop)?;
            Ok(self.hits(&index, query, k.0, allowed.as_ref()))
        })?;
        Ok(arrays::hits(py, &hits))
    }

    fn search_many<'py>(
        &self,
        py: Python<'py>,
        queries: Vec<PyBackedStr>,
        k: K,
        threads: Option<usize>,
        allowed: Option<PyReadonlyArray1<'_, u8>>,
    ) -> PyResult<HitMatrices<'py>> {
        let allowed = arrays::row_set(allowed)?;
        let lists = interruptible(py, |stop| {
            let index = self.ready(allowed.as_ref(), stop)?;
            let threads = threads.unwrap_or_else(threads::available);
            let hits = |query: usize| self.hits(&index, &queries[query], k.0, allowed.as_ref());
            threads::map_each(queries.len(), threads, stop, hits)
        })?;
        arrays::hit_matrices(py, &lists, arrays::longest(&lists))
    }
}

impl BM25Index {
    /// The index with all rows ready to be found, which a filter must fit.
    fn ready(
        &self,
        allowed: Option<&RowSet>,
        stop: &Stop<'_>,
    ) -> tamis::Result<RwLockReadGuard<'_, InvertedIndex>> {
        if read(&self.index).is_behind() {
            write(&self.index).build(stop)?;
        }
        let index = read(&self.index);
        // Under the lock: another thread may add rows until it is taken.
        fits(allowed, index.len())?;
        Ok(index)
    }

    fn hits(
        &self,
        index: &InvertedIndex,
        query: &str,
        k: usize,
        allowed: Option<&RowSet>,
    ) -> Vec<tamis::hit::Hit> {
        let terms: Vec<String> = self.analyzer.tokens(query).into_iter().map(|token| token.term).collect();
        index.search(&terms, k, allowed, Evaluation::Auto)
    }
}

/// An error if a filter has not one flag a row.
fn fits(allowed: Option<&RowSet>, rows: usize) -> tamis::Result<()> {
    match allowed {
        Some(allowed) if allowed.len() != rows => Err(tamis::Error::InvalidInput(format!(
            "the filter has {} flags, the index has {rows} rows; give one flag a row",
            allowed.len()
        ))),
        _ => Ok(()),
    }
}

/// Text to terms.
#[pyclass(frozen, module = "tamis._core")]
pub(crate) struct Analyzer(lexical::Analyzer);

#[pymethods]
impl Analyzer {
    #[new]
    fn new(name: &str) -> PyResult<Self> {
        lexical::Analyzer::named(name).map(Self).map_err(to_py)
    }

    #[staticmethod]
    fn names() -> Vec<&'static str> {
        lexical::Analyzer::names().collect()
    }

    #[getter]
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn terms(&self, py: Python<'_>, text: &str) -> Vec<String> {
        py.detach(|| self.0.tokens(text).into_iter().map(|token| token.term).collect())
    }

    /// Each token's term, first character, first character behind it, and kind.
    fn explain(&self, py: Python<'_>, text: &str) -> Vec<(String, usize, usize, &'static str)> {
        py.detach(|| {
            // Tokens come in the order of their start, so that characters are counted once.
            let (mut byte, mut character) = (0, 0);
            let tokens = self.0.tokens(text).into_iter().map(|token| {
                character += text[byte..token.start].chars().count();
                byte = token.start;
                let length = text[token.start..token.end].chars().count();
                (token.term, character, character + length, token.kind.name())
            });
            tokens.collect()
        })
    }
}
