//! Dense retrieval: the rows whose vectors are nearest to a query's, exactly.
//!
//! Rows are f32, one after the other; under [`Metric::Cosine`] they are scaled to unit length
//! when they come in, so that a cosine is an inner product from then on.

mod matrix;
mod search;
pub mod simd;

pub use matrix::{Matrix, Metric, prepare};
pub use search::{Part, search};
