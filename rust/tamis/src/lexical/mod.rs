//! Lexical retrieval: BM25 over an inverted index.
//!
//! Text becomes terms in the [`analyzer`], the same way for documents and queries. Terms and rows
//! meet in [`postings`], the formulas stand in [`bm25`], and [`mod@search`] adds up contributions in
//! fixed point, so that a score does not depend on the order of terms, segments or threads.

pub mod analyzer;
mod bm25;
mod postings;
mod search;

pub use analyzer::{Analyzer, Token};
pub use bm25::{Bm25, Variant};
pub use postings::{InvertedIndex, Postings, PostingsView};
pub use search::{Part, Statistics, document_frequency, search};
