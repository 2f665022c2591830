//! The core of tamis: exact dense top-k, BM25, fusion, and a versioned store.
//!
//! | room | question |
//! |---|---|
//! | [`dense`] | Which rows' vectors are nearest to this one? |
//! | [`lexical`] | Which rows hold these words? |
//! | [`fusion`] | What is the order when several lists disagree? |
//! | [`columns`] | Which documents meet a condition on what is known about them? |
//! | [`filter`] | Here is a row: may it be found? |
//! | [`hit`] | Which of two hits is better? |
//! | [`simd`] | What can this processor do at once? |
//! | [`store`] | How does an index lie on the disk, whole at every moment? |
//! | [`index`] | The front door: one [`Writer`](index::Writer), many [`Snapshot`](index::Snapshot)s |
//!
//! ```
//! use tamis::lexical::{Analyzer, Bm25, Evaluation, InvertedIndex, Query, Schema};
//! use tamis::threads::Stop;
//!
//! let analyzer = Analyzer::named("default")?;
//! let mut index = InvertedIndex::new(Bm25::new("lucene", 1.2, 0.75)?, Schema::default());
//! index.add(&analyzer, &["Section 2.4(b) Deliveries", "Section 4.2(b) Early termination"], 1, &Stop::never())?;
//! index.build(&Stop::never())?;
//!
//! let hits = index.search(&Query::text("Section 4.2(b)"), &analyzer, 10, None, Evaluation::Auto)?;
//! assert_eq!(hits[0].row, 1);
//! # Ok::<(), tamis::Error>(())
//! ```

#[cfg(target_endian = "big")]
compile_error!("the files of an index are little-endian and read in place");

mod arena;
pub mod columns;
pub mod dense;
mod error;
pub mod filter;
pub mod fusion;
pub mod hit;
pub mod index;
pub mod lexical;
pub mod simd;
pub mod store;
pub mod threads;

pub use error::{Error, Result};
