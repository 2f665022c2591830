//! Vectors at the door: width and finiteness are checked once, here.

use super::codes::{Codes, CodesView, pay};
use super::search::{Found, Part, Request, search};
use crate::arena::Arena;
use crate::filter::RowSet;
use crate::hit::Row;
use crate::simd::{Level, Plain, compiled_for};
use crate::threads::Stop;
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

/// Rows below which reading them costs no more than asking their codes.
pub(crate) const WORTH_CODES: usize = 1024;

/// What becomes of a vector of length zero under [`Metric::Cosine`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnZero {
    /// It is an error.
    #[default]
    Reject,
    /// It stays as it is: its cosine with anything is 0.
    Keep,
}

/// Checks rows of width `dim` and gives them as they are compared: as they are under
/// [`Metric::Dot`], scaled to unit length (norm in f64, rounded once) under [`Metric::Cosine`].
///
/// # Errors
/// [`Error::Dimension`] if `values` is no whole number of rows, [`Error::NonFinite`] and, under
/// [`Metric::Cosine`], [`Error::ZeroVector`] with the first row at fault;
/// [`Error::TooLong`] under [`Metric::Dot`] for a row so long that a score could overflow.
pub fn prepare(values: &[f32], dim: usize, metric: Metric) -> Result<Vec<f32>> {
    let mut out = vec![0.0; values.len()];
    prepare_into(values, dim, metric, OnZero::Reject, &mut out)?;
    Ok(out)
}

/// [`prepare`], written to `out`, which is as long as `values`.
fn prepare_into(values: &[f32], dim: usize, metric: Metric, on_zero: OnZero, out: &mut [f32]) -> Result<()> {
    if dim == 0 || !values.len().is_multiple_of(dim) {
        return Err(Error::Dimension(format!(
            "{} values are no whole number of rows of {dim}",
            values.len()
        )));
    }
    compiled_for(Level::best(), Adding { values, dim, metric, on_zero, out })
}

/// Rows to be checked and added.
struct Adding<'a> {
    values: &'a [f32],
    dim: usize,
    metric: Metric,
    on_zero: OnZero,
    out: &'a mut [f32],
}

impl Plain for Adding<'_> {
    type Done = Result<()>;

    #[inline(always)]
    fn run(self) -> Result<()> {
        let rows = self.values.chunks_exact(self.dim).zip(self.out.chunks_exact_mut(self.dim));
        for (row, (values, out)) in rows.enumerate() {
            add_row(row, values, self.metric, self.on_zero, out)?;
        }
        Ok(())
    }
}

#[inline(always)]
fn add_row(row: usize, values: &[f32], metric: Metric, on_zero: OnZero, out: &mut [f32]) -> Result<()> {
    // What is checked is the copy: the caller's memory may change meanwhile.
    out.copy_from_slice(values);
    let square = square_of(out);
    if !square.is_finite()
        && let Some((dimension, &value)) = out.iter().enumerate().find(|(_, value)| !value.is_finite())
    {
        return Err(Error::NonFinite { row, dimension, value });
    }
    match metric {
        // By Cauchy-Schwarz no sum of products, nor a part of one, is beyond the largest square.
        Metric::Dot if square > LONGEST_SQUARE => {
            return Err(Error::TooLong { row, length: square.sqrt(), longest: LONGEST_SQUARE.sqrt() });
        }
        Metric::Cosine if square == 0.0 && on_zero == OnZero::Reject => {
            return Err(Error::ZeroVector { row });
        }
        Metric::Cosine if square > 0.0 => {
            let norm = square.sqrt();
            for value in out {
                *value = (f64::from(*value) / norm) as f32;
            }
        }
        Metric::Dot | Metric::Cosine => {}
    }
    Ok(())
}

/// The sum of the squares, in eight sums side by side.
#[inline(always)]
fn square_of(values: &[f32]) -> f64 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for values in eights {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += f64::from(*value) * f64::from(*value);
    }
    sums.iter().sum()
}

/// Rows that lie somewhere else, a mapped file say, with their codes.
pub trait Stored: std::fmt::Debug + Send + Sync {
    /// The rows, as [`prepare`] gave them.
    fn values(&self) -> &[f32];

    /// The codes of the first rows.
    fn codes(&self) -> Option<CodesView<'_>>;
}

/// Vectors and their codes, growing at the end.
#[derive(Debug)]
pub struct Matrix {
    dim: usize,
    metric: Metric,
    on_zero: OnZero,
    stored: Option<Box<dyn Stored>>,
    values: Arena<f32>,
    codes: Option<Codes>,
    /// How many rows there were when the codes got their centre.
    centred_at: usize,
}

impl Matrix {
    /// An empty matrix of width `dim`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if `dim` is 0.
    pub fn new(dim: usize, metric: Metric, on_zero: OnZero) -> Result<Self> {
        if dim == 0 {
            return Err(Error::InvalidInput("dim is 0; a vector has at least one dimension".into()));
        }
        Ok(Self { dim, metric, on_zero, stored: None, values: Arena::default(), codes: None, centred_at: 0 })
    }

    /// Another matrix's rows, which [`prepare`] gave, with codes.
    pub(crate) fn of_prepared(rows: &[&[f32]], like: &Self, threads: usize, stop: &Stop<'_>) -> Result<Self> {
        let mut matrix = Self::new(like.dim, like.metric, like.on_zero)?;
        for rows in rows {
            matrix.values.room(rows.len())?.copy_from_slice(rows);
            matrix.values.keep(rows.len());
        }
        matrix.build(threads, stop)?;
        Ok(matrix)
    }

    /// A matrix that begins with stored rows.
    pub(crate) fn of_stored(stored: Box<dyn Stored>, dim: usize, metric: Metric, on_zero: OnZero) -> Self {
        Self {
            dim,
            metric,
            on_zero,
            stored: Some(stored),
            values: Arena::default(),
            codes: None,
            centred_at: 0,
        }
    }

    /// Adds rows at the end; all or none.
    ///
    /// # Errors
    /// As [`prepare`], [`Error::Memory`] and [`Error::Interrupted`].
    pub fn add(&mut self, values: &[f32], stop: &Stop<'_>) -> Result<()> {
        /// Rows between two questions whether to stop.
        const ROWS: usize = 4096;
        let rows = self.len() + values.len() / self.dim;
        if u32::try_from(rows).is_err() {
            return Err(Error::InvalidInput(format!("{rows} rows are more than an index holds, 2^32 - 1")));
        }
        let room = self.values.room(values.len())?;
        let mut done = 0;
        for (values, out) in values.chunks(ROWS * self.dim).zip(room.chunks_mut(ROWS * self.dim)) {
            stop.check()?;
            prepare_into(values, self.dim, self.metric, self.on_zero, out)
                .map_err(|error| error.after(done))?;
            done += ROWS;
        }
        self.values.keep(values.len());
        Ok(())
    }

    /// Whether [`Matrix::build`] would make searches faster by much.
    pub fn is_behind(&self) -> bool {
        /// Rows without codes that a search reads as they are.
        const FEW: usize = 256;
        let rows = self.values.as_slice().len() / self.dim;
        rows >= WORTH_CODES
            && pay(self.dim)
            && rows - self.codes.as_ref().map_or(0, |codes| codes.view().len()) >= FEW
    }

    /// Encodes the rows that have no codes yet.
    ///
    /// # Errors
    /// [`Error::Interrupted`] and [`Error::Memory`]; nothing has changed then.
    pub fn build(&mut self, threads: usize, stop: &Stop<'_>) -> Result<()> {
        /// How much a matrix grows before its codes get a new centre.
        const GROWTH: usize = 4;
        let rows = self.values.as_slice().len() / self.dim;
        if rows < WORTH_CODES || !pay(self.dim) {
            return Ok(());
        }
        if self.codes.is_none() || rows >= GROWTH * self.centred_at {
            let mut codes = Codes::around(self.values.as_slice(), self.dim);
            codes.extend(self.values.as_slice(), threads, stop)?;
            self.codes = Some(codes);
            self.centred_at = rows;
        } else if let Some(codes) = &mut self.codes {
            let coded = codes.view().len();
            codes.extend(&self.values.as_slice()[coded * self.dim..], threads, stop)?;
        }
        Ok(())
    }

    /// The rows in one or two parts: those stored, then those added.
    pub fn parts(&self) -> Vec<Part<'_>> {
        let stored = self.stored.as_ref().map(|stored| Part {
            values: stored.values(),
            codes: stored.codes(),
            base: 0,
            allowed: None,
        });
        let added = Part {
            values: self.values.as_slice(),
            codes: self.codes.as_ref().map(Codes::view),
            base: self.stored_rows() as Row,
            allowed: None,
        };
        stored.into_iter().chain((!self.values.as_slice().is_empty()).then_some(added)).collect()
    }

    /// The best rows for each query, out of those that pass the filter.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    ///
    /// # Panics
    /// If the queries have another width or the filter another length.
    pub fn search(&self, request: &Request<'_>, allowed: Option<&RowSet>, stop: &Stop<'_>) -> Result<Found> {
        let mut parts = self.parts();
        let own = |part: &Part<'_>| Some(allowed?.slice(part.base as usize, part.values.len() / self.dim));
        let filters: Vec<Option<RowSet>> = parts.iter().map(own).collect();
        parts.iter_mut().zip(&filters).for_each(|(part, filter)| part.allowed = filter.as_ref());
        search(&parts, request, stop)
    }

    /// The bytes of the values, of the 4-bit codes, of their fine codes and of the 1-bit codes.
    pub fn memory(&self) -> [usize; 4] {
        let parts = self.parts();
        let values = parts.iter().map(|part| size_of_val(part.values)).sum();
        let codes = || parts.iter().filter_map(|part| part.codes);
        let nibbles = codes().map(|codes| size_of_val(codes.nibbles())).sum();
        let fine = codes().map(|codes| codes.fine().len()).sum();
        [values, nibbles, fine, codes().map(|codes| size_of_val(codes.bits())).sum()]
    }

    fn stored_rows(&self) -> usize {
        self.stored.as_ref().map_or(0, |stored| stored.values().len() / self.dim)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.stored_rows() + self.values.as_slice().len() / self.dim
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The width.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How its rows are compared.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// What becomes of vectors of length zero.
    pub fn on_zero(&self) -> OnZero {
        self.on_zero
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_first_row_at_fault_and_adds_nothing() {
        let mut matrix = Matrix::new(2, Metric::Cosine, OnZero::Reject).unwrap();
        let never = &Stop::never();
        matrix.add(&[3.0, 4.0], never).unwrap();
        assert!(matches!(matrix.add(&[1.0, 0.0, 0.0, 0.0], never), Err(Error::ZeroVector { row: 1 })));
        assert!(matches!(
            matrix.add(&[1.0, 0.0, 1.0, f32::NAN], never),
            Err(Error::NonFinite { row: 1, dimension: 1, .. })
        ));
        assert!(matches!(matrix.add(&[1.0, 2.0, 3.0], never), Err(Error::Dimension(_))));
        assert_eq!(matrix.parts()[0].values, [0.6, 0.8]);
    }

    #[test]
    fn no_inner_product_overflows() {
        let longest = 1.3e19;
        assert!(prepare(&[longest, 0.0], 2, Metric::Dot).is_ok());
        assert!((longest * longest).is_finite());
        assert!(matches!(prepare(&[longest, longest], 2, Metric::Dot), Err(Error::TooLong { .. })));
    }

    #[test]
    fn huge_and_tiny_vectors_keep_their_direction() {
        for size in [f32::MAX, f32::MIN_POSITIVE, 1e-45] {
            assert_eq!(prepare(&[size, 0.0], 2, Metric::Cosine).unwrap(), [1.0, 0.0]);
        }
    }
}
