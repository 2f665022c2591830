//! Lexical retrieval: BM25 over an inverted index.
//!
//! Text becomes terms in the [`analyzer`], the same way for documents and queries. Terms and rows
//! meet in [`postings`], compressed and searched where they lie; the formulas stand in [`bm25`].
//! [`mod@search`] adds up contributions in fixed point, so that a score does not depend on the order
//! of terms, segments or threads, and leaves out what cannot matter.

pub mod analyzer;
mod bm25;
mod bounds;
mod growing;
mod lengths;
mod lists;
mod postings;
mod search;

pub use analyzer::{Analyzer, Kind, Token};
pub use bm25::{Bm25, Variant};
pub use growing::{InvertedIndex, Piece};
pub use lengths::Lengths;
pub use postings::{Builder, Frozen, Postings, merge};
pub use search::{Evaluation, Part, Scorer, Statistics, document_frequency, search};
