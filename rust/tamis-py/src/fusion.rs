//! Fusion of ranked lists.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use tamis::fusion::{self, Normalise, Ranked};

use crate::errors::{InvalidInputError, to_py};

/// Fused scores and ids, best first.
type Fused<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<i64>>);

fn slices<'a, T: numpy::Element>(arrays: &'a [PyReadonlyArray1<'_, T>]) -> PyResult<Vec<&'a [T]>> {
    let slice = |array: &'a PyReadonlyArray1<'_, T>| {
        array.as_slice().map_err(|_| InvalidInputError::new_err("the arrays must be C-contiguous"))
    };
    arrays.iter().map(slice).collect()
}

fn fused(py: Python<'_>, ranked: Vec<(i64, f64)>) -> Fused<'_> {
    let (ids, scores): (Vec<i64>, Vec<f64>) = ranked.into_iter().unzip();
    (scores.into_pyarray(py), ids.into_pyarray(py))
}

#[pyfunction]
pub(crate) fn rrf<'py>(
    py: Python<'py>,
    ids: Vec<PyReadonlyArray1<'py, i64>>,
    k: f64,
    weights: Option<Vec<f64>>,
) -> PyResult<Fused<'py>> {
    let lists: Vec<Ranked<'_>> = slices(&ids)?.into_iter().map(|ids| Ranked { ids, scores: &[] }).collect();
    let ranked = py.detach(|| fusion::rrf(&lists, k, weights.as_deref())).map_err(to_py)?;
    Ok(fused(py, ranked))
}

#[pyfunction]
pub(crate) fn convex<'py>(
    py: Python<'py>,
    ids: Vec<PyReadonlyArray1<'py, i64>>,
    scores: Vec<PyReadonlyArray1<'py, f64>>,
    normalise: &str,
    weights: Option<Vec<f64>>,
) -> PyResult<Fused<'py>> {
    let lists: Vec<Ranked<'_>> =
        slices(&ids)?.into_iter().zip(slices(&scores)?).map(|(ids, scores)| Ranked { ids, scores }).collect();
    let normalise = Normalise::from_name(normalise).map_err(to_py)?;
    let ranked = py.detach(|| fusion::convex(&lists, normalise, weights.as_deref())).map_err(to_py)?;
    Ok(fused(py, ranked))
}
