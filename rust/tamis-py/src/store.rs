//! An index on the disk: `Snapshot` to read a version, `Writer` to make the next.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyBytes;
use tamis::columns::{Condition, Value};
use tamis::index::{self, Invalid, NewChunk, NewDocument, Settings};
use tamis::lexical::Schema;

use crate::arrays::{self, HitArrays, HitMatrices, K};
use crate::blocks::read_query;
use crate::errors::{InvalidInputError, to_py};
use crate::stop::interruptible;

/// One version of an index.
#[pyclass(frozen, module = "tamis._core")]
pub(crate) struct Snapshot(Arc<index::Snapshot>);

#[pymethods]
impl Snapshot {
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, version: Option<u64>) -> PyResult<Self> {
        py.detach(|| index::Snapshot::open(&path, version))
            .map(|snapshot| Self(Arc::new(snapshot)))
            .map_err(to_py)
    }

    /// The newest version, if it is another.
    fn newer(&self, py: Python<'_>) -> PyResult<Option<Self>> {
        let newer = py.detach(|| self.0.newer()).map_err(to_py)?;
        Ok(newer.map(|newer| Self(Arc::new(newer))))
    }

    #[getter]
    fn version(&self) -> u64 {
        self.0.version()
    }

    #[getter]
    fn index_id(&self) -> &str {
        self.0.index_id()
    }

    #[getter]
    fn created(&self) -> u64 {
        self.0.created()
    }

    #[getter]
    fn extra(&self) -> &str {
        self.0.extra()
    }

    #[getter]
    fn dim(&self) -> Option<usize> {
        self.0.settings().dim
    }

    #[getter]
    fn analyzer(&self) -> &str {
        &self.0.settings().analyzer
    }

    /// The names of the fields that a chunk's terms are taken from.
    #[getter]
    fn fields(&self) -> Vec<&str> {
        self.0.settings().schema.fields.iter().map(|field| field.name.as_str()).collect()
    }

    #[getter]
    fn rows(&self) -> usize {
        self.0.rows()
    }

    #[getter]
    fn row_bound(&self) -> usize {
        self.0.row_bound()
    }

    #[getter]
    fn segments(&self) -> usize {
        self.0.segments()
    }

    #[getter]
    fn size(&self) -> usize {
        self.0.size()
    }

    /// The bytes of the sections of all segments, by name.
    fn sizes(&self) -> BTreeMap<String, usize> {
        self.0.sizes()
    }

    fn documents(&self) -> Vec<usize> {
        self.0.documents().collect()
    }

    fn document<'py>(&self, py: Python<'py>, document: usize) -> PyResult<Bound<'py, PyBytes>> {
        self.0.document(document).map(|record| PyBytes::new(py, record)).map_err(to_py)
    }

    fn text(&self, document: usize) -> PyResult<&str> {
        self.0.text(document).map_err(to_py)
    }

    fn passage(&self, document: usize, start: usize, end: usize) -> PyResult<&str> {
        self.0.passage(document, start, end).map_err(to_py)
    }

    fn rows_of(&self, document: usize) -> PyResult<(u32, u32)> {
        self.0.rows_of(document).map(|rows| (rows.start, rows.end)).map_err(to_py)
    }

    fn document_of(&self, row: u32) -> PyResult<usize> {
        self.0.document_of(row).map_err(to_py)
    }

    /// The documents of a key.
    fn documents_of_key(&self, key: u64) -> PyResult<Vec<usize>> {
        self.0.documents_of_key(key).map_err(to_py)
    }

    /// The rows of a key, deleted ones included.
    fn rows_of_key(&self, key: u64) -> PyResult<Vec<u32>> {
        self.0.rows_of_key(key).map_err(to_py)
    }

    fn chunk<'py>(&self, py: Python<'py>, row: u32) -> PyResult<Bound<'py, PyBytes>> {
        self.0.chunk(row).map(|record| PyBytes::new(py, record)).map_err(to_py)
    }

    fn vector<'py>(&self, py: Python<'py>, row: u32) -> PyResult<Bound<'py, PyArray1<f32>>> {
        self.0.vector(row).map(|vector| vector.to_vec().into_pyarray(py)).map_err(to_py)
    }

    fn search_dense<'py>(
        &self,
        py: Python<'py>,
        queries: PyReadonlyArray2<'_, f32>,
        k: K,
        selection: Option<&Selection>,
    ) -> PyResult<HitMatrices<'py>> {
        let values = match self.0.settings().dim {
            Some(dim) => arrays::rows(&queries, dim)?,
            None => &[],
        };
        let selection = selection.map(|selection| &selection.0);
        let lists = interruptible(py, |stop| {
            self.0.search_dense(values, k.0, selection, tamis::threads::available(), stop)
        })?;
        arrays::hit_matrices(py, &lists, arrays::longest(&lists))
    }

    fn missing_identifiers(&self, py: Python<'_>, text: &str) -> PyResult<Vec<String>> {
        py.detach(|| self.0.missing_identifiers(text)).map_err(to_py)
    }

    fn search_lexical<'py>(
        &self,
        py: Python<'py>,
        query: &str,
        signs: bool,
        k: K,
        selection: Option<&Selection>,
    ) -> PyResult<HitArrays<'py>> {
        let selection = selection.map(|selection| &selection.0);
        let query = read_query(query, signs, &self.0.settings().schema);
        let hits = py.detach(|| self.0.search_lexical(&query, k.0, selection)).map_err(to_py)?;
        Ok(arrays::hits(py, &hits))
    }

    /// The rows that a query's conditions let through; none if it has none.
    fn matching(&self, py: Python<'_>, query: &str) -> PyResult<Option<Selection>> {
        let query = read_query(query, true, &self.0.settings().schema);
        py.detach(|| self.0.matching(&query)).map(|found| found.map(Selection)).map_err(to_py)
    }

    /// The rows of the documents that meet a condition, given as JSON.
    fn select(&self, py: Python<'_>, condition: &str) -> PyResult<Selection> {
        let condition = read_condition(condition)?;
        py.detach(|| self.0.select(&condition)).map(Selection).map_err(to_py)
    }

    /// The documents that meet a condition, given as JSON.
    fn documents_where(&self, py: Python<'_>, condition: &str) -> PyResult<Vec<usize>> {
        let condition = read_condition(condition)?;
        py.detach(|| self.0.documents_where(&condition)).map_err(to_py)
    }

    /// The rows of the documents that are valid at a moment; none if all always are.
    fn valid_at(
        &self,
        py: Python<'_>,
        moment: i64,
        superseded: Vec<(String, i64)>,
    ) -> PyResult<Option<Selection>> {
        let valid = py.detach(|| self.0.valid_at(moment, &superseded)).map_err(to_py)?;
        Ok(valid.map(Selection))
    }

    /// Why a document is not valid at a moment, and which took its place; none if it is.
    fn invalid_at(
        &self,
        py: Python<'_>,
        document: usize,
        moment: i64,
        superseded: Vec<(String, i64)>,
    ) -> PyResult<Option<(&'static str, Option<usize>)>> {
        let why = py.detach(|| self.0.invalid_at(document, moment, &superseded)).map_err(to_py)?;
        Ok(why.map(|why| match why {
            Invalid::Never => ("never", None),
            Invalid::NotYet => ("not yet", None),
            Invalid::Expired => ("expired", None),
            Invalid::Superseded(by) => ("superseded", by),
        }))
    }
}

fn read_condition(json: &str) -> PyResult<Condition> {
    Condition::from_json(json).map_err(to_py)
}

/// Rows of a snapshot that may be found.
#[pyclass(frozen, module = "tamis._core")]
pub(crate) struct Selection(index::Selection);

#[pymethods]
impl Selection {
    /// The rows that are also in another selection.
    fn meet(&self, other: &Self) -> PyResult<Self> {
        self.0.and(&other.0).map(Self).map_err(to_py)
    }
}

/// A field's value, by the name of its type.
#[derive(FromPyObject)]
enum FieldValue {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(PyBackedStr),
}

fn value<'a>(kind: &str, value: Option<&'a FieldValue>) -> PyResult<Value<'a>> {
    Ok(match (kind, value) {
        ("bool", Some(FieldValue::Bool(value))) => Value::Bool(*value),
        ("int", Some(FieldValue::Int(value))) => Value::Int(*value),
        ("float", Some(FieldValue::Float(value))) if !value.is_nan() => Value::Float(*value),
        ("time", Some(FieldValue::Int(value))) => Value::Time(*value),
        ("text", Some(FieldValue::Text(text))) => Value::Text(text),
        ("item", Some(FieldValue::Text(text))) => Value::Item(text),
        ("nothing", None) => Value::Nothing,
        _ => return Err(InvalidInputError::new_err(format!("a field's value is no {kind}"))),
    })
}

const CLOSED: &str = "this writer is closed; open another";

/// Makes the next version; gone after `commit`, `compact` or `close`.
#[pyclass(frozen, module = "tamis._core")]
pub(crate) struct Writer(Mutex<Option<index::Writer>>);

impl Writer {
    fn lock(&self) -> MutexGuard<'_, Option<index::Writer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T: Send>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut index::Writer) -> tamis::Result<T> + Send,
    ) -> PyResult<T> {
        py.detach(|| match &mut *self.lock() {
            Some(writer) => f(writer),
            None => Err(tamis::Error::InvalidInput(CLOSED.into())),
        })
        .map_err(to_py)
    }
}

#[pymethods]
impl Writer {
    #[staticmethod]
    fn open(py: Python<'_>, beside: &Snapshot) -> PyResult<Self> {
        let writer = py.detach(|| index::Writer::open_beside(&beside.0)).map_err(to_py)?;
        Ok(Self(Mutex::new(Some(writer))))
    }

    #[getter]
    fn base(&self, py: Python<'_>) -> PyResult<Snapshot> {
        self.with(py, |writer| Ok(Snapshot(Arc::clone(writer.base()))))
    }

    fn add(
        &self,
        py: Python<'_>,
        key: u64,
        record: &[u8],
        fields: Vec<(PyBackedStr, PyBackedStr, Option<FieldValue>)>,
        text: &str,
        chunks: Vec<(u64, PyBackedBytes, Vec<PyBackedStr>)>,
        vectors: Option<PyReadonlyArray2<'_, f32>>,
    ) -> PyResult<()> {
        let values = match &vectors {
            Some(vectors) => vectors
                .as_slice()
                .map_err(|_| InvalidInputError::new_err("the array must be C-contiguous"))?,
            None => &[],
        };
        let texts: Vec<Vec<&str>> =
            chunks.iter().map(|(.., texts)| texts.iter().map(|text| &**text).collect()).collect();
        let chunks: Vec<NewChunk<'_>> = chunks
            .iter()
            .zip(&texts)
            .map(|((key, record, _), texts)| NewChunk { key: *key, record, texts })
            .collect();
        let fields = fields.iter().map(|(name, kind, held)| Ok((&**name, value(kind, held.as_ref())?)));
        let fields: Vec<(&str, Value<'_>)> = fields.collect::<PyResult<_>>()?;
        let document = NewDocument { key, record, fields: &fields, text };
        interruptible(py, |stop| match &mut *self.lock() {
            Some(writer) => writer.add(document, &chunks, values, stop),
            None => Err(tamis::Error::InvalidInput(CLOSED.into())),
        })
    }

    fn delete(&self, py: Python<'_>, document: usize) -> PyResult<()> {
        self.with(py, |writer| writer.delete(document))
    }

    /// Publishes it, unless the gate raises, which is called with the version that it would be.
    #[pyo3(signature = (extra, gate=None))]
    fn commit(&self, py: Python<'_>, extra: &str, gate: Option<Py<PyAny>>) -> PyResult<Snapshot> {
        let writer = py.detach(|| self.lock().take()).ok_or_else(|| InvalidInputError::new_err(CLOSED))?;
        let mut raised = None;
        let committed = interruptible(py, |stop| {
            writer.commit_if(extra, stop, |new| {
                let Some(gate) = gate else { return Ok(()) };
                let asked = Python::attach(|py| gate.call1(py, (Snapshot(Arc::clone(new)),)).map(drop));
                asked.map_err(|error| {
                    raised = Some(error);
                    tamis::Error::Interrupted
                })
            })
        });
        match raised {
            Some(error) => Err(error),
            None => committed.map(Snapshot),
        }
    }

    fn compact(&self, py: Python<'_>) -> PyResult<Snapshot> {
        let writer = py.detach(|| self.lock().take());
        let writer = writer.ok_or_else(|| InvalidInputError::new_err(CLOSED))?;
        interruptible(py, |stop| writer.compact(stop)).map(Snapshot)
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.lock().take()));
    }
}

/// Makes an empty index, unless there is one.
#[pyfunction]
pub(crate) fn create(
    py: Python<'_>,
    path: PathBuf,
    dim: Option<usize>,
    analyzer: &str,
    variant: &str,
    k1: f64,
    b: f64,
    fields: Vec<(String, u32)>,
    extra: &str,
) -> PyResult<()> {
    let schema = Schema::new(fields, true).map_err(to_py)?;
    let (analyzer, variant) = (analyzer.to_owned(), variant.to_owned());
    let settings = Settings { dim, analyzer, variant, k1, b, schema };
    py.detach(|| index::Writer::create(&path, &settings, extra)).map(drop).map_err(to_py)
}

/// Makes an earlier version the newest again.
#[pyfunction]
pub(crate) fn rollback(py: Python<'_>, path: PathBuf, version: u64) -> PyResult<Snapshot> {
    py.detach(|| index::rollback(&path, version)).map(Snapshot).map_err(to_py)
}

/// Removes all versions but the newest: their numbers, how many files, how many bytes.
#[pyfunction]
pub(crate) fn prune(py: Python<'_>, path: PathBuf, keep: usize) -> PyResult<(Vec<u64>, usize, u64)> {
    let pruned = py.detach(|| index::prune(&path, keep)).map_err(to_py)?;
    Ok((pruned.versions, pruned.files, pruned.bytes))
}

/// The versions of an index, and when each was published; none if its manifest is damaged.
#[pyfunction]
pub(crate) fn log(py: Python<'_>, path: PathBuf) -> PyResult<Vec<(u64, Option<u64>)>> {
    let entries = py.detach(|| index::log(&path)).map_err(to_py)?;
    Ok(entries.into_iter().map(|entry| (entry.version, entry.created)).collect())
}

/// What is wrong with the files of an index, in words.
#[pyfunction]
pub(crate) fn verify(py: Python<'_>, path: PathBuf) -> PyResult<Vec<String>> {
    let faults = py.detach(|| index::verify(&path)).map_err(to_py)?;
    Ok(faults.iter().map(ToString::to_string).collect())
}

/// The versions of an index, ascending.
#[pyfunction]
pub(crate) fn versions(py: Python<'_>, path: PathBuf) -> PyResult<Vec<u64>> {
    py.detach(|| index::versions(&path)).map_err(to_py)
}

/// Closes what a child that was just forked has of its parent and may not keep.
#[pyfunction]
pub(crate) fn after_fork() {
    tamis::store::after_fork();
}
