//! Lexical retrieval: BM25 over an inverted index.
//!
//! Text becomes terms in the [`analyzer`], the same way for documents and queries. Terms and rows
//! meet in [`postings`], compressed and searched where they lie; the formulas stand in [`bm25`].
//! [`mod@search`] adds up contributions in fixed point, so that a score does not depend on the order
//! of terms, segments or threads, and leaves out what cannot matter. A [`query`] that is more than
//! a text, with phrases, prefixes and conditions, becomes in a [`plan`] lists and filters for the
//! same search.

pub mod analyzer;
mod bm25;
mod bounds;
mod growing;
mod highlights;
mod lengths;
mod lists;
mod phrases;
mod plan;
mod positions;
mod postings;
mod query;
mod schema;
mod search;

pub use analyzer::{Analyzer, Token};
pub use bm25::{Bm25, Variant};
pub use growing::{InvertedIndex, Piece};
pub use lengths::Lengths;
pub use postings::{Builder, Frozen, Postings, merge, merge_alive};
pub use query::{Clause, Occur, Query, Wanted};
pub use schema::{Field, Schema};
pub use search::{Alive, Evaluation, Part, Scorer, Statistics, document_frequency, matching, search};
