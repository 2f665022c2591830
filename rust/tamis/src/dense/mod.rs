//! Dense retrieval: the rows whose vectors are nearest to a query's, exactly and faster than
//! reading them, or nearly so and faster still.
//!
//! Rows are f32, one after the other; under [`Metric::Cosine`] they are scaled to unit length
//! when they come in, so that a cosine is an inner product from then on. [`codes`] hold them once
//! more in 4 bits, 4 bits more, and 1 bit a dimension; [`search()`] asks those first.

mod bound;
mod certified;
pub mod codes;
mod estimated;
mod matrix;
mod rotation;
mod scan;
mod search;

pub use codes::{Codes, CodesView, Frame};
pub(crate) use matrix::WORTH_CODES;
pub use matrix::{Matrix, Metric, OnZero, Stored, prepare};
pub use search::{Found, Part, Precision, Request, Work, search};
