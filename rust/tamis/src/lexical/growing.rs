//! An inverted index that grows: pieces that are frozen, and texts that are not yet.

use std::ops::Range;
use std::sync::OnceLock;

use super::postings::{Builder, Frozen, Postings, merge};
use super::query::Query;
use super::schema::Schema;
use super::search::{Evaluation, Part, Scorer, Statistics, search};
use super::{Analyzer, Bm25};
use crate::filter::RowSet;
use crate::hit::{Hit, Row};
use crate::threads::{self, Stop};
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
    schema: Schema,
    /// Each of at most half the rows of the one before, once they are built.
    pieces: Vec<Box<dyn Piece>>,
    builder: Builder,
    scorer: OnceLock<Scorer>,
}

impl InvertedIndex {
    /// An index of no texts.
    pub fn new(bm25: Bm25, schema: Schema) -> Self {
        let builder = Builder::new(schema.clone());
        Self { bm25, schema, pieces: Vec::new(), builder, scorer: OnceLock::new() }
    }

    /// An index that begins with a piece.
    pub(crate) fn of(piece: Box<dyn Piece>, bm25: Bm25, schema: Schema) -> Self {
        Self { pieces: vec![piece], ..Self::new(bm25, schema) }
    }

    /// What a row consists of.
    pub fn schema(&self) -> &Schema {
        &self.schema
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

    /// Adds texts at the end, for each row as many as there are fields; all or none.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there are more than 2^32 - 1 rows or more postings than one index
    /// holds, and [`Error::Interrupted`].
    ///
    /// # Panics
    /// If the last row has fewer texts.
    pub fn add<T: AsRef<str> + Sync>(
        &mut self,
        analyzer: &Analyzer,
        texts: &[T],
        threads: usize,
        stop: &Stop<'_>,
    ) -> Result<()> {
        /// Texts that one thread indexes: so many that it pays, so few that what they need while
        /// they are indexed stays small.
        const TOGETHER: usize = 1 << 15;
        let n_fields = self.schema.fields.len();
        assert!(texts.len().is_multiple_of(n_fields), "{} texts in rows of {n_fields}", texts.len());
        let new = texts.len() / n_fields;
        let rows = self.len() + new;
        if u32::try_from(rows).is_err() {
            return Err(Error::InvalidInput(format!("{rows} rows are more than an index holds, 2^32 - 1")));
        }
        if new <= TOGETHER {
            if self.builder.len() >= TOGETHER {
                self.freeze()?;
            }
            let rows = self.builder.len();
            return add_to(&mut self.builder, analyzer, texts, n_fields, stop)
                .inspect_err(|_| self.builder.truncate(rows));
        }
        let groups: Vec<&[T]> = texts.chunks(TOGETHER * n_fields).collect();
        let pieces = threads::map_each(groups.len(), threads, stop, |i| {
            let mut builder = Builder::new(self.schema.clone());
            add_to(&mut builder, analyzer, groups[i], n_fields, stop)?;
            builder.freeze()
        })?;
        let pieces = pieces.into_iter().collect::<Result<Vec<Frozen>>>()?;
        let views: Vec<Postings<'_>> = pieces.iter().map(Frozen::view).collect();
        let piece = merge(&views, stop)?;
        // What was added before comes first.
        self.freeze()?;
        self.push(piece);
        Ok(())
    }

    /// Whether there is something for [`InvertedIndex::build`] to do.
    pub fn is_behind(&self) -> bool {
        !self.builder.is_empty() || self.unbalanced().is_some()
    }

    /// The last two pieces, if they are to become one.
    fn unbalanced(&self) -> Option<[Postings<'_>; 2]> {
        let [.., before, last] = self.pieces.as_slice() else { return None };
        let pair = [before.postings(), last.postings()];
        (pair[0].lengths().len() < 2 * pair[1].lengths().len()).then_some(pair)
    }

    /// Makes all rows ready to be found, in few pieces.
    ///
    /// # Errors
    /// As [`merge`]; the rows are there nevertheless.
    pub fn build(&mut self, stop: &Stop<'_>) -> Result<()> {
        self.freeze()?;
        while let Some(pair) = self.unbalanced() {
            let merged = merge(&pair, stop)?;
            self.pieces.truncate(self.pieces.len() - 2);
            self.push(merged);
        }
        Ok(())
    }

    fn push(&mut self, piece: Frozen) {
        self.pieces.push(Box::new(piece));
        self.scorer = OnceLock::new();
    }

    fn freeze(&mut self) -> Result<()> {
        if !self.builder.is_empty() {
            let piece = self.builder.freeze()?;
            self.builder = Builder::new(self.schema.clone());
            self.push(piece);
        }
        Ok(())
    }

    /// The best `k` rows for a query, best first, of those that are ready and that pass the filter,
    /// which has one flag a row.
    ///
    /// # Errors
    /// As [`search`].
    ///
    /// # Panics
    /// If the filter has fewer flags than there are rows.
    pub fn search(
        &self,
        query: &Query,
        analyzer: &Analyzer,
        k: usize,
        allowed: Option<&RowSet>,
        evaluation: Evaluation,
    ) -> Result<Vec<Hit>> {
        let meaning = (analyzer, &self.schema);
        self.with_parts(allowed, |parts, scorer| search(parts, query, meaning, scorer, k, evaluation))
    }

    /// Calls `f` with what is ready.
    fn with_parts<T>(&self, allowed: Option<&RowSet>, f: impl FnOnce(&[Part<'_>], &Scorer) -> T) -> T {
        let postings: Vec<Postings<'_>> = self.pieces.iter().map(|piece| piece.postings()).collect();
        let scorer = self.scorer.get_or_init(|| {
            let own = postings.iter().map(|postings| Statistics::of(postings.lengths(), None));
            Scorer::new(self.bm25, own.fold(Statistics::default(), Statistics::plus))
        });
        let mut base = 0;
        let place = |postings: &Postings<'_>| {
            let rows = base..base + postings.lengths().len();
            base = rows.end;
            rows
        };
        let places: Vec<Range<usize>> = postings.iter().map(place).collect();
        let own = |rows: &Range<usize>| allowed.map(|allowed| allowed.slice(rows.start, rows.len()));
        let filters: Vec<Option<RowSet>> = places.iter().map(own).collect();
        let part = |((postings, rows), filter): ((_, &Range<usize>), _)| Part {
            postings,
            base: rows.start as Row,
            alive: None,
            allowed: Option::as_ref(filter),
        };
        let parts: Vec<Part<'_>> = postings.iter().zip(&places).zip(&filters).map(part).collect();
        f(&parts, scorer)
    }

    /// Calls `f` with all rows as one piece.
    ///
    /// # Errors
    /// As [`merge`], and those of `f`.
    pub(crate) fn as_one<T>(&self, stop: &Stop<'_>, f: impl FnOnce(&Postings<'_>) -> Result<T>) -> Result<T> {
        let fresh = (!self.builder.is_empty()).then(|| self.builder.freeze()).transpose()?;
        let pieces = self.pieces.iter().map(|piece| piece.postings());
        let all: Vec<Postings<'_>> = pieces.chain(fresh.as_ref().map(Frozen::view)).collect();
        match all.as_slice() {
            [one] => f(one),
            several => f(&merge(several, stop)?.view()),
        }
    }
}

fn add_to(
    builder: &mut Builder,
    analyzer: &Analyzer,
    texts: &[impl AsRef<str>],
    n_fields: usize,
    stop: &Stop<'_>,
) -> Result<()> {
    /// Rows between two questions whether to stop.
    const OFTEN: usize = 256;
    for texts in texts.chunks(OFTEN * n_fields) {
        stop.check()?;
        texts.chunks(n_fields).for_each(|row| builder.add(analyzer, row.iter().map(AsRef::as_ref)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stay_few_and_what_is_interrupted_adds_nothing() {
        let analyzer = Analyzer::named("plain").unwrap();
        let never = Stop::never();
        let mut index = InvertedIndex::new(Bm25::new("lucene", 1.2, 0.75).unwrap(), Schema::default());
        let texts = |n: usize| vec!["some words"; n];
        for _ in 0..5 {
            index.add(&analyzer, &texts(33_000), 2, &never).unwrap();
        }
        let stop = || true;
        assert!(matches!(index.build(&Stop::when(&stop)), Err(Error::Interrupted)));
        assert!(index.is_behind() && index.len() == 165_000);
        index.build(&never).unwrap();
        assert!(!index.is_behind());
        assert!(index.pieces.len() <= 2);
        for _ in 0..3 {
            index.add(&analyzer, &texts(20_000), 1, &never).unwrap();
        }
        for n in [300, 33_000] {
            let added = index.add(&analyzer, &texts(n), 2, &Stop::when(&stop));
            assert!(matches!(added, Err(Error::Interrupted)));
            assert_eq!(index.len(), 225_000);
        }
        index.build(&never).unwrap();
        let hits = index.search(&Query::text("words"), &analyzer, 300_000, None, Evaluation::Auto).unwrap();
        assert!(hits.iter().map(|hit| hit.row).eq(0..225_000));
    }
}
