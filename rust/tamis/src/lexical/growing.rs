//! An inverted index that grows: pieces that are frozen, and texts that are not yet.

use std::sync::OnceLock;

use super::postings::{Builder, Frozen, Postings, merge};
use super::search::{Evaluation, Part, Scorer, Statistics, search};
use super::{Analyzer, Bm25};
use crate::hit::{Hit, Row};
use crate::threads::Stop;
use crate::{Error, Result};

/// An inverted index that lies somewhere.
pub trait Piece: std::fmt::Debug + Send + Sync {
    /// Its postings.
    fn postings(&self) -> Postings<'_>;
}

impl Piece for Frozen {
    fn postings(&self) -> Postings<'_> {
        self.view()
    }
}

/// Texts and their BM25 top-k.
#[derive(Debug)]
pub struct InvertedIndex {
    bm25: Bm25,
    /// Each of less than half the rows of the one before.
    pieces: Vec<Box<dyn Piece>>,
    builder: Builder,
    scorer: OnceLock<Scorer>,
}

impl InvertedIndex {
    /// An index of no texts.
    pub fn new(bm25: Bm25) -> Self {
        Self { bm25, pieces: Vec::new(), builder: Builder::default(), scorer: OnceLock::new() }
    }

    /// An index that begins with a piece.
    pub(crate) fn of(piece: Box<dyn Piece>, bm25: Bm25) -> Self {
        Self { pieces: vec![piece], ..Self::new(bm25) }
    }

    /// The formula.
    pub fn bm25(&self) -> &Bm25 {
        &self.bm25
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.postings().lengths().len()).sum::<usize>() + self.builder.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds texts at the end; all or none.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there are more than 2^32 - 1 rows, and [`Error::Interrupted`].
    pub fn add(&mut self, analyzer: &Analyzer, texts: &[impl AsRef<str>], stop: &Stop<'_>) -> Result<()> {
        /// Postings that are frozen together: they take 256 MB until then.
        const TOGETHER: usize = 1 << 25;
        /// Texts between two questions whether to stop.
        const OFTEN: usize = 256;
        let rows = self.len() + texts.len();
        if u32::try_from(rows).is_err() {
            return Err(Error::InvalidInput(format!("{rows} rows are more than an index holds, 2^32 - 1")));
        }
        if texts.len() > OFTEN && self.is_behind() {
            // What was added before must not be frozen together with what may be taken back.
            self.freeze()?;
        }
        let (pieces, rows) = (self.pieces.len(), self.builder.len());
        for (i, text) in texts.iter().enumerate() {
            if i % OFTEN == OFTEN - 1 && stop.check().is_err() {
                self.pieces.truncate(pieces);
                self.builder.truncate(rows);
                return Err(Error::Interrupted);
            }
            self.builder.add(analyzer, text.as_ref());
            if self.builder.n_postings() >= TOGETHER && texts.len() > OFTEN {
                self.freeze()?;
            }
        }
        Ok(())
    }

    /// Whether there are rows that a search does not find before [`InvertedIndex::build`].
    pub fn is_behind(&self) -> bool {
        !self.builder.is_empty()
    }

    /// Makes all rows ready to be found.
    ///
    /// # Errors
    /// As [`merge`].
    pub fn build(&mut self) -> Result<()> {
        if self.is_behind() {
            self.freeze()?;
        }
        let rows = |piece: &dyn Piece| piece.postings().lengths().len();
        while let [.., before, last] = self.pieces.as_slice()
            && rows(&**before) < 2 * rows(&**last)
        {
            let merged = merge(&[before.postings(), last.postings()])?;
            self.pieces.truncate(self.pieces.len() - 2);
            self.pieces.push(Box::new(merged));
        }
        Ok(())
    }

    fn freeze(&mut self) -> Result<()> {
        self.pieces.push(Box::new(self.builder.freeze()?));
        self.builder = Builder::default();
        self.scorer = OnceLock::new();
        Ok(())
    }

    /// The best `k` rows for the query's terms, best first, of those that are ready.
    pub fn search(&self, terms: &[String], k: usize, evaluation: Evaluation) -> Vec<Hit> {
        let postings: Vec<Postings<'_>> = self.pieces.iter().map(|piece| piece.postings()).collect();
        let scorer = self.scorer.get_or_init(|| {
            let own = postings.iter().map(|postings| Statistics::of(postings.lengths(), None));
            Scorer::new(self.bm25, own.fold(Statistics::default(), Statistics::plus))
        });
        let mut base = 0;
        let part = |postings| {
            let part = Part { postings, base, alive: None, allowed: None };
            base += postings.lengths().len() as Row;
            part
        };
        let parts: Vec<Part<'_>> = postings.iter().map(part).collect();
        search(&parts, terms, scorer, k, evaluation)
    }

    /// Calls `f` with all rows as one piece.
    ///
    /// # Errors
    /// As [`merge`], and those of `f`.
    pub(crate) fn as_one<T>(&self, f: impl FnOnce(&Postings<'_>) -> Result<T>) -> Result<T> {
        let fresh = self.is_behind().then(|| self.builder.freeze()).transpose()?;
        let pieces = self.pieces.iter().map(|piece| piece.postings());
        let all: Vec<Postings<'_>> = pieces.chain(fresh.as_ref().map(Frozen::view)).collect();
        match all.as_slice() {
            [one] => f(one),
            several => f(&merge(several)?.view()),
        }
    }
}
