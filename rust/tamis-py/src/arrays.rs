//! Arrays in and out. Python's wrappers hand over C-contiguous arrays of the right type; shapes
//! are checked here.

use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::PyBool;
use tamis::filter::RowSet;
use tamis::hit::Hit;

use crate::errors::{self, DimensionError, InvalidInputError};

/// The scores and the rows of one query.
pub(crate) type HitArrays<'py> = (Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<i64>>);

/// The scores and the rows of several queries, one a line.
pub(crate) type HitMatrices<'py> = (Bound<'py, PyArray2<f32>>, Bound<'py, PyArray2<i64>>);

/// The values of a matrix of width `dim`.
pub(crate) fn rows<'a>(matrix: &'a PyReadonlyArray2<'_, f32>, dim: usize) -> PyResult<&'a [f32]> {
    let width = matrix.as_array().ncols();
    if width != dim {
        return Err(DimensionError::new_err(format!(
            "the vectors have {width} dimensions, the index has {dim}; encode them with the model that filled the index"
        )));
    }
    matrix.as_slice().map_err(|_| InvalidInputError::new_err("the array must be C-contiguous"))
}

/// The set of rows whose flag, a byte, is not 0.
pub(crate) fn row_set(flags: Option<PyReadonlyArray1<'_, u8>>) -> PyResult<Option<RowSet>> {
    let Some(flags) = flags else { return Ok(None) };
    let flags =
        flags.as_slice().map_err(|_| InvalidInputError::new_err("the filter must be C-contiguous"))?;
    Ok(Some(RowSet::from_bytes(flags)))
}

/// The number of results asked for: at least 1, and as many as one likes.
pub(crate) struct K(pub(crate) usize);

impl<'a, 'py> FromPyObject<'a, 'py> for K {
    type Error = PyErr;

    fn extract(k: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let refused =
            || InvalidInputError::new_err(format!("k is {}; ask for at least 1 result", k.to_owned()));
        if k.is_instance_of::<PyBool>() {
            return Err(InvalidInputError::new_err(format!(
                "k is {}; it must be a whole number",
                k.to_owned()
            )));
        }
        match k.extract::<i64>() {
            Ok(n) if n > 0 => Ok(Self(usize::try_from(n).unwrap_or(usize::MAX))),
            Ok(_) => Err(refused()),
            Err(error) if !error.is_instance_of::<PyOverflowError>(k.py()) => {
                Err(InvalidInputError::new_err(format!("k is {}; it must be a whole number", k.repr()?)))
            }
            // More than fit are more than there are.
            Err(_) => k.gt(0)?.then_some(Self(usize::MAX)).ok_or_else(refused),
        }
    }
}

/// One query's hits.
pub(crate) fn hits<'py>(py: Python<'py>, hits: &[Hit]) -> HitArrays<'py> {
    let scores: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
    let rows: Vec<i64> = hits.iter().map(|hit| i64::from(hit.row)).collect();
    (scores.into_pyarray(py), rows.into_pyarray(py))
}

/// The length of the longest list.
pub(crate) fn longest(lists: &[Vec<Hit>]) -> usize {
    lists.iter().map(Vec::len).max().unwrap_or(0)
}

/// Several queries' hits; a query with fewer than `width` is filled up with row -1 and score 0.
pub(crate) fn hit_matrices<'py>(
    py: Python<'py>,
    lists: &[Vec<Hit>],
    width: usize,
) -> PyResult<HitMatrices<'py>> {
    let at = |i: usize| lists[i / width].get(i % width);
    let size = lists.len() * width;
    let scores: Vec<f32> = (0..size).map(|i| at(i).map_or(0.0, |hit| hit.score)).collect();
    let rows: Vec<i64> = (0..size).map(|i| at(i).map_or(-1, |hit| i64::from(hit.row))).collect();
    let shape = (lists.len(), width);
    let fits = |_| errors::to_py(tamis::Error::Dimension("the hits do not fit a matrix".into()));
    Ok((
        Array2::from_shape_vec(shape, scores).map_err(fits)?.into_pyarray(py),
        Array2::from_shape_vec(shape, rows).map_err(fits)?.into_pyarray(py),
    ))
}
