//! BM25 top-k, exhaustively: windows of rows, one sum a row, every posting of every query term.
//!
//! Contributions are rounded to multiples of 2^-32 and summed as integers. Integer sums are
//! associative, so a score has the same bits for any order of terms, any cut into parts and any
//! number of threads. Statistics span all parts and leave deleted rows out, so scores do not
//! depend on how the rows are split either.

use super::bm25::Bm25;
use super::postings::{List, Postings};
use crate::filter::RowSet;
use crate::hit::{Hit, Row, TopK};

/// An inverted index over rows that follow one another.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// Its postings, rows counted from the part's first.
    pub postings: &'a dyn Postings,
    /// The row number of the first.
    pub base: Row,
    /// Rows that are not deleted; `None` is all. They make the statistics.
    pub alive: Option<&'a RowSet>,
    /// Rows that may be found; `None` is all.
    pub allowed: Option<&'a RowSet>,
}

/// What BM25 knows about all rows together, deleted ones left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The number of rows.
    pub rows: u64,
    /// The sum of their lengths in terms.
    pub total_length: u64,
}

impl Statistics {
    /// Counts in another part's rows.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { rows: self.rows + other.rows, total_length: self.total_length + other.total_length }
    }

    /// The statistics of rows of these lengths, of which `alive` are not deleted.
    pub fn of(lengths: &[u32], alive: Option<&RowSet>) -> Self {
        let is_alive = |row: usize| alive.is_none_or(|alive| alive.contains(row as Row));
        let mut sum = Self::default();
        for (_, &length) in lengths.iter().enumerate().filter(|(row, _)| is_alive(*row)) {
            sum.rows += 1;
            sum.total_length += u64::from(length);
        }
        sum
    }
}

/// Rows summed at a time: their sums stay in the first-level cache.
const WINDOW: usize = 4096;

/// One in the fixed-point scale of contributions.
const ONE: f64 = (1u64 << 32) as f64;

struct Cursor<'a> {
    list: List<'a>,
    next: usize,
    /// idf times how often the query repeats the term, in fixed point.
    factor: f64,
}

/// The best `k` rows for the query's terms, best first: rows that hold at least one of them and
/// score above 0. `terms` may repeat.
pub fn search(
    parts: &[Part<'_>],
    terms: &[String],
    statistics: Statistics,
    bm25: &Bm25,
    k: usize,
) -> Vec<Hit> {
    let mut unique = terms.to_vec();
    unique.sort_unstable();
    let factors: Vec<(&str, f64)> = unique
        .chunk_by(|a, b| a == b)
        .filter_map(|run| {
            let df: u64 = parts.iter().map(|part| document_frequency(part, &run[0])).sum();
            (df > 0).then(|| (&*run[0], bm25.idf(statistics.rows, df) * run.len() as f64 * ONE))
        })
        .collect();
    let avg_len = statistics.total_length as f64 / statistics.rows as f64;

    let mut top = TopK::new(k, statistics.rows as usize);
    let mut window = vec![0u64; WINDOW];
    for part in parts {
        let mut cursors: Vec<Cursor<'_>> = factors
            .iter()
            .filter_map(|&(term, factor)| Some(Cursor { list: part.postings.list(term)?, next: 0, factor }))
            .collect();
        if cursors.is_empty() {
            continue;
        }
        let lengths = part.postings.lengths();
        for (i, lengths) in lengths.chunks(WINDOW).enumerate() {
            let start = i * WINDOW;
            let sums = &mut window[..lengths.len()];
            let touched = cursors.iter_mut().fold(false, |touched, cursor| {
                touched | accumulate(cursor, start, lengths, bm25, avg_len, sums)
            });
            if touched {
                collect(part, start, sums, &mut top);
            }
        }
    }
    top.into_sorted()
}

/// How many rows of a part that are alive hold a term.
pub fn document_frequency(part: &Part<'_>, term: &str) -> u64 {
    let rows = part.postings.list(term).map_or(&[][..], |list| list.rows);
    match part.alive {
        None => rows.len() as u64,
        Some(alive) => {
            rows.iter().filter(|&&row| (row as usize) < alive.len() && alive.contains(row)).count() as u64
        }
    }
}

/// Adds a term's contributions to the window that starts at row `start`; tells if there were any.
fn accumulate(
    cursor: &mut Cursor<'_>,
    start: usize,
    lengths: &[u32],
    bm25: &Bm25,
    avg_len: f64,
    sums: &mut [u64],
) -> bool {
    let first = cursor.next;
    while let Some(&row) = cursor.list.rows.get(cursor.next) {
        // A row before the window wraps around and is out of it as well: lists ascend.
        let Some(&length) = lengths.get((row as usize).wrapping_sub(start)) else { break };
        let weight = bm25.weight(cursor.list.frequencies[cursor.next], length, avg_len);
        let sum = &mut sums[row as usize - start];
        *sum = sum.saturating_add(to_fixed(cursor.factor * weight));
        cursor.next += 1;
    }
    cursor.next > first
}

#[expect(clippy::cast_sign_loss, reason = "idf and weight are at least 0")]
fn to_fixed(contribution: f64) -> u64 {
    contribution.round() as u64
}

/// Offers the window's rows to the heap and clears it.
fn collect(part: &Part<'_>, start: usize, sums: &mut [u64], top: &mut TopK) {
    for (i, sum) in sums.iter_mut().enumerate().filter(|(_, sum)| **sum > 0) {
        let row = (start + i) as Row;
        let score = (*sum as f64 / ONE) as f32;
        *sum = 0;
        if top.admits(score) && part.allowed.is_none_or(|allowed| allowed.contains(row)) {
            top.push(Hit { score, row: part.base + row });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexical::{Analyzer, InvertedIndex};
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn index(texts: &[String]) -> InvertedIndex {
        let analyzer = Analyzer::named("plain").unwrap();
        let mut index = InvertedIndex::default();
        texts.iter().for_each(|text| index.add(&analyzer, text));
        index
    }

    /// BM25 straight from its definition, over the texts that are alive.
    fn reference(texts: &[String], alive: &[bool], query: &[String], bm25: &Bm25) -> Vec<f64> {
        let docs: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
        let live = || docs.iter().zip(alive).filter(|(_, alive)| **alive).map(|(doc, _)| doc);
        let n = live().count() as u64;
        let avg_len = live().map(Vec::len).sum::<usize>() as f64 / n as f64;
        docs.iter()
            .map(|doc| {
                query
                    .iter()
                    .map(|term| {
                        let df = live().filter(|doc| doc.contains(term)).count() as u64;
                        let tf = doc.iter().filter(|word| *word == term).count() as u32;
                        if tf == 0 || df == 0 {
                            0.0
                        } else {
                            bm25.idf(n, df) * bm25.weight(tf, doc.len() as u32, avg_len)
                        }
                    })
                    .sum()
            })
            .collect()
    }

    proptest! {
        #[test]
        fn equals_the_definition_for_any_split_and_deletions(
            docs in prop::collection::vec(("[a-e ]{0,9}( [a-e]){0,5}", any::<bool>()), 1..40),
            query in prop::collection::vec("[a-f]{1,2}", 0..6),
            variant in prop::sample::select(&Bm25::NAMES[..]), k in 1usize..50, cut in any::<prop::sample::Index>(),
        ) {
            let (texts, alive): (Vec<String>, Vec<bool>) = docs.into_iter().unzip();
            let bm25 = Bm25::new(variant, 1.2, 0.75).unwrap();
            let exact = reference(&texts, &alive, &query, &bm25);

            let run = |cut: usize| {
                let halves = [index(&texts[..cut]), index(&texts[cut..])];
                let sets = [RowSet::from_flags(&alive[..cut]), RowSet::from_flags(&alive[cut..])];
                let parts: Vec<Part<'_>> = halves.iter().zip(&sets).zip([0, cut]).map(|((postings, alive), base)| {
                    Part { postings, base: base as Row, alive: Some(alive), allowed: Some(alive) }
                }).collect();
                let statistics = halves.iter().zip(&sets)
                    .map(|(half, alive)| Statistics::of(half.lengths(), Some(alive)))
                    .fold(Statistics::default(), Statistics::plus);
                search(&parts, &query, statistics, &bm25, k)
            };
            let hits = run(cut.index(texts.len()));
            prop_assert_eq!(&hits, &run(0));

            for hit in &hits {
                prop_assert!(alive[hit.row as usize]);
                prop_assert!((f64::from(hit.score) - exact[hit.row as usize]).abs() < 1e-5);
            }
            let matching = exact.iter().zip(&alive).filter(|(score, alive)| **alive && **score > 1e-9).count();
            prop_assert_eq!(hits.len(), matching.min(k));
            prop_assert!(hits.is_sorted_by(|a, b| a > b));
            let worst = hits.last().map_or(f64::INFINITY, |hit| f64::from(hit.score));
            for (row, score) in exact.iter().enumerate().filter(|(row, _)| alive[*row] && hits.len() == k) {
                prop_assert!(*score <= worst + 1e-5 || hits.iter().any(|hit| hit.row as usize == row));
            }
        }
    }

    #[test]
    fn rows_beyond_one_window_are_found() {
        let texts: Vec<String> =
            (0..10_000).map(|i| if i % 4999 == 0 { "needle".into() } else { format!("hay{i}") }).collect();
        let index = index(&texts);
        let parts = [Part { postings: &index, base: 7, alive: None, allowed: None }];
        let statistics = Statistics::of(index.lengths(), None);
        let hits = search(&parts, &words("needle"), statistics, &Bm25::new("lucene", 1.2, 0.75).unwrap(), 10);
        assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), [7, 5006, 10_005]);
    }
}
