//! Vectors at the door: width and finiteness are checked once, here.

use crate::{Error, Result};

/// How vectors are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The cosine of the angle between them, in -1..=1.
    Cosine,
    /// Their inner product.
    Dot,
}

impl Metric {
    /// The name, as [`Metric::from_name`] takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
        }
    }

    /// The metric of this name.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is none.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "cosine" => Ok(Self::Cosine),
            "dot" => Ok(Self::Dot),
            _ => Err(Error::InvalidInput(format!("metric is {name:?}; it must be \"cosine\" or \"dot\""))),
        }
    }
}

/// The largest squared length under [`Metric::Dot`]: half of what an `f32` holds, to leave room
/// for rounding.
const LONGEST_SQUARE: f64 = 1.7e38;

/// Checks rows of width `dim` and gives them as they are compared: as they are under
/// [`Metric::Dot`], scaled to unit length (norm in f64, rounded once) under [`Metric::Cosine`].
///
/// # Errors
/// [`Error::Dimension`] if `values` is no whole number of rows, [`Error::NonFinite`] and, under
/// [`Metric::Cosine`], [`Error::ZeroVector`] with the first row at fault;
/// [`Error::InvalidInput`] under [`Metric::Dot`] for a row so long that a score could overflow.
pub fn prepare(values: &[f32], dim: usize, metric: Metric) -> Result<Vec<f32>> {
    if dim == 0 || !values.len().is_multiple_of(dim) {
        return Err(Error::Dimension(format!(
            "{} values are no whole number of rows of {dim}",
            values.len()
        )));
    }
    let mut out = Vec::with_capacity(values.len());
    for (row, x) in values.chunks_exact(dim).enumerate() {
        let square: f64 = x.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
        if !square.is_finite()
            && let Some((dimension, &value)) = x.iter().enumerate().find(|(_, value)| !value.is_finite())
        {
            return Err(Error::NonFinite { row, dimension, value });
        }
        match metric {
            // By Cauchy-Schwarz no sum of products, nor a part of one, is beyond the largest square.
            Metric::Dot if square > LONGEST_SQUARE => {
                return Err(Error::InvalidInput(format!(
                    "row {row} of the vectors has length {:.3e}; inner products of rows longer than {:.1e} may overflow, scale them down",
                    square.sqrt(),
                    LONGEST_SQUARE.sqrt()
                )));
            }
            Metric::Dot => out.extend_from_slice(x),
            Metric::Cosine if square == 0.0 => return Err(Error::ZeroVector { row }),
            Metric::Cosine => {
                let norm = square.sqrt();
                out.extend(x.iter().map(|&value| (f64::from(value) / norm) as f32));
            }
        }
    }
    Ok(out)
}

/// Vectors in memory, growing at the end.
#[derive(Clone, Debug)]
pub struct Matrix {
    values: Vec<f32>,
    dim: usize,
    metric: Metric,
}

impl Matrix {
    /// An empty matrix of width `dim`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if `dim` is 0.
    pub fn new(dim: usize, metric: Metric) -> Result<Self> {
        if dim == 0 {
            return Err(Error::InvalidInput("dim is 0; a vector has at least one dimension".into()));
        }
        Ok(Self { values: Vec::new(), dim, metric })
    }

    /// A matrix of rows that [`prepare`] gave.
    pub(crate) fn from_prepared(values: Vec<f32>, dim: usize, metric: Metric) -> Self {
        Self { values, dim, metric }
    }

    /// Adds rows at the end; all or none.
    ///
    /// # Errors
    /// As [`prepare`].
    pub fn add(&mut self, values: &[f32]) -> Result<()> {
        let rows = (self.values.len() + values.len()) / self.dim;
        if u32::try_from(rows).is_err() {
            return Err(Error::InvalidInput(format!("{rows} rows are more than an index holds, 2^32 - 1")));
        }
        self.values.append(&mut prepare(values, self.dim, self.metric)?);
        Ok(())
    }

    /// The rows, one after the other.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The width.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How its rows are compared.
    pub fn metric(&self) -> Metric {
        self.metric
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_first_row_at_fault_and_adds_nothing() {
        let mut matrix = Matrix::new(2, Metric::Cosine).unwrap();
        matrix.add(&[3.0, 4.0]).unwrap();
        assert!(matches!(matrix.add(&[1.0, 0.0, 0.0, 0.0]), Err(Error::ZeroVector { row: 1 })));
        assert!(matches!(
            matrix.add(&[1.0, 0.0, 1.0, f32::NAN]),
            Err(Error::NonFinite { row: 1, dimension: 1, .. })
        ));
        assert!(matches!(matrix.add(&[1.0, 2.0, 3.0]), Err(Error::Dimension(_))));
        assert_eq!(matrix.values(), [0.6, 0.8]);
    }

    #[test]
    fn no_inner_product_overflows() {
        let longest = 1.3e19;
        assert!(prepare(&[longest, 0.0], 2, Metric::Dot).is_ok());
        assert!((longest * longest).is_finite());
        assert!(matches!(prepare(&[longest, longest], 2, Metric::Dot), Err(Error::InvalidInput(_))));
    }

    #[test]
    fn huge_and_tiny_vectors_keep_their_direction() {
        for size in [f32::MAX, f32::MIN_POSITIVE, 1e-45] {
            assert_eq!(prepare(&[size, 0.0], 2, Metric::Cosine).unwrap(), [1.0, 0.0]);
        }
    }
}
