//! The blocks that stand alone: `DenseIndex`, `BM25Index`, `Analyzer`.

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use tamis::dense::{self, Matrix, Metric, OnZero, Precision, Request};
use tamis::filter::RowSet;
use tamis::lexical::{self, Bm25, Evaluation, InvertedIndex, Occur, Query, Schema, Wanted};
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
    schema: Schema,
}

#[pymethods]
impl BM25Index {
    #[new]
    fn new(
        analyzer: &str,
        variant: &str,
        k1: f64,
        b: f64,
        fields: Option<Vec<(String, u32)>>,
        positions: bool,
    ) -> PyResult<Self> {
        let analyzer = lexical::Analyzer::named(analyzer).map_err(to_py)?;
        let bm25 = Bm25::new(variant, k1, b).map_err(to_py)?;
        let schema = match fields {
            Some(fields) => Schema::new(fields, positions).map_err(to_py)?,
            None => Schema { positions, ..Schema::default() },
        };
        Ok(Self { index: RwLock::new(InvertedIndex::new(bm25, schema.clone())), analyzer, bm25, schema })
    }

    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let (index, analyzer) = py.detach(|| single::open_postings(&path)).map_err(to_py)?;
        let analyzer = lexical::Analyzer::named(&analyzer).map_err(to_py)?;
        let (bm25, schema) = (*index.bm25(), index.schema().clone());
        Ok(Self { index: RwLock::new(index), analyzer, bm25, schema })
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        interruptible(py, |stop| single::save_postings(&path, &read(&self.index), self.analyzer.name(), stop))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        enter()?;
        Ok(py.detach(|| read(&self.index).len()))
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

    /// The names and weights of its fields.
    #[getter]
    fn fields(&self) -> Vec<(&str, u32)> {
        self.schema.fields.iter().map(|field| (field.name.as_str(), field.weight)).collect()
    }

    #[getter]
    fn positions(&self) -> bool {
        self.schema.positions
    }

    /// Takes as many texts a row as there are fields; gives the first of the new rows: other
    /// threads may add as well.
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
        signs: bool,
        k: K,
        allowed: Option<PyReadonlyArray1<'_, u8>>,
    ) -> PyResult<HitArrays<'py>> {
        let allowed = arrays::row_set(allowed)?;
        let hits = interruptible(py, |stop| {
            let index = self.ready(allowed.as_ref(), stop)?;
            self.hits(&index, query, signs, k.0, allowed.as_ref())
        })?;
        Ok(arrays::hits(py, &hits))
    }

    fn search_many<'py>(
        &self,
        py: Python<'py>,
        queries: Vec<PyBackedStr>,
        signs: Vec<bool>,
        k: K,
        threads: Option<usize>,
        allowed: Option<PyReadonlyArray1<'_, u8>>,
    ) -> PyResult<HitMatrices<'py>> {
        let allowed = arrays::row_set(allowed)?;
        let lists = interruptible(py, |stop| {
            let index = self.ready(allowed.as_ref(), stop)?;
            let threads = threads.unwrap_or_else(threads::available);
            let hits = |i: usize| {
                let signs = signs.get(i).is_some_and(|signs| *signs);
                self.hits(&index, &queries[i], signs, k.0, allowed.as_ref())
            };
            threads::map_each(queries.len(), threads, stop, hits)?
                .into_iter()
                .collect::<tamis::Result<Vec<_>>>()
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
        signs: bool,
        k: usize,
        allowed: Option<&RowSet>,
    ) -> tamis::Result<Vec<tamis::hit::Hit>> {
        index.search(&read_query(query, signs, &self.schema), &self.analyzer, k, allowed, Evaluation::Auto)
    }
}

/// A text as a query, its signs read or not.
pub(crate) fn read_query(text: &str, signs: bool, schema: &Schema) -> Query {
    if signs { Query::parse(text, schema) } else { Query::text(text) }
}

/// A clause: its sign, its field, its kind, its text, and the number that belongs to the kind.
type Clause = (&'static str, Option<usize>, &'static str, String, Option<u32>);

/// What a query with signs says, given the names of the fields.
#[pyfunction]
pub(crate) fn parse_query(text: &str, fields: Vec<String>) -> PyResult<Vec<Clause>> {
    let clause = |clause: lexical::Clause| {
        let sign = match clause.occur {
            Occur::Should => "",
            Occur::Must => "+",
            Occur::MustNot => "-",
        };
        let text = clause.wanted.text().to_owned();
        let (kind, number) = match clause.wanted {
            Wanted::Words(_) => ("words", None),
            Wanted::Phrase { slop, .. } => ("phrase", slop),
            Wanted::Prefix(_) => ("prefix", None),
            Wanted::Fuzzy { distance, .. } => ("fuzzy", Some(u32::from(distance))),
        };
        (sign, clause.field, kind, text, number)
    };
    Ok(Query::parse(text, &named(fields)?).clauses.into_iter().map(clause).collect())
}

/// A schema of these fields; of one that has no name, if there are none.
fn named(fields: Vec<String>) -> PyResult<Schema> {
    if fields.is_empty() {
        return Ok(Schema { fields: Vec::new(), positions: false });
    }
    let fields = fields.into_iter().map(|name| (name, 1)).collect();
    Schema::new(fields, false).map_err(to_py)
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

    /// The characters of a text that a query matches, as first and behind the last.
    fn highlights(
        &self,
        py: Python<'_>,
        query: &str,
        signs: bool,
        fields: Vec<String>,
        field: Option<&str>,
        text: &str,
    ) -> PyResult<Vec<(usize, usize)>> {
        let field = field.and_then(|field| fields.iter().position(|name| name == field));
        let query = read_query(query, signs, &named(fields)?);
        Ok(py.detach(|| {
            let mut at = Characters::new(text);
            let ranges = self.0.highlights(&query, text, field).into_iter();
            ranges.map(|range| (at.of(range.start), at.of(range.end))).collect()
        }))
    }

    /// Each token's term, first character, first character behind it, and kind.
    fn explain(&self, py: Python<'_>, text: &str) -> Vec<(String, usize, usize, &'static str)> {
        py.detach(|| {
            // Tokens come in the order of their start, so that characters are counted once.
            let mut at = Characters::new(text);
            let tokens = self.0.tokens(text).into_iter().map(|token| {
                let (start, length) = (at.of(token.start), text[token.start..token.end].chars().count());
                (token.term, start, start + length, token.kind.name())
            });
            tokens.collect()
        })
    }
}

/// From bytes to characters, ascending.
struct Characters<'a> {
    text: &'a str,
    byte: usize,
    character: usize,
}

impl<'a> Characters<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, byte: 0, character: 0 }
    }

    fn of(&mut self, byte: usize) -> usize {
        self.character += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.character
    }
}
