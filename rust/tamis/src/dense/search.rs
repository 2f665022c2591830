//! Exact top-k: a blocked scan. A block of rows stays in the cache while all queries read it;
//! threads take contiguous runs of rows and their heaps are merged.

use std::ops::Range;

use super::simd::{Level, inner_products};
use crate::filter::RowSet;
use crate::hit::{Hit, Row, TopK};
use crate::threads;

/// Rows that follow one another in an index, with the filter that they must pass.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The rows' values, each of the index's width.
    pub values: &'a [f32],
    /// The row number of the first.
    pub base: Row,
    /// The rows to look at, counted from the first; `None` is all.
    pub allowed: Option<&'a RowSet>,
}

/// Rows scored at a time: small enough to stay in the second-level cache.
const BLOCK: usize = 64;

/// Multiplications below which another thread costs more than it saves.
const WORTH_A_THREAD: usize = 4_000_000;

/// The best `k` rows for each query, best first.
///
/// `queries` holds rows of width `dim`, prepared as the parts' rows were. The answer is the same
/// for any number of threads.
///
/// # Panics
/// If a part or `queries` is no whole number of rows, or a filter has another length.
pub fn search(parts: &[Part<'_>], queries: &[f32], dim: usize, k: usize, threads: usize) -> Vec<Vec<Hit>> {
    let rows: usize = parts.iter().map(|part| part.values.len() / dim).sum();
    let worth = rows.saturating_mul(queries.len()) / WORTH_A_THREAD + 1;
    search_in(parts, queries, dim, k, threads.min(worth))
}

/// [`search`] on just so many threads.
fn search_in(parts: &[Part<'_>], queries: &[f32], dim: usize, k: usize, threads: usize) -> Vec<Vec<Hit>> {
    let rows: usize = parts.iter().map(|part| part.values.len() / dim).sum();
    let n_queries = queries.len() / dim;
    let level = Level::best();
    let heaps = threads::map_ranges(rows, threads, |range| {
        let mut tops = vec![TopK::new(k, range.len()); n_queries];
        let mut start = 0;
        for part in parts {
            let len = part.values.len() / dim;
            let from = range.start.clamp(start, start + len) - start;
            let to = range.end.clamp(start, start + len) - start;
            scan(level, part, from..to, queries, dim, &mut tops);
            start += len;
        }
        tops
    });
    let mut merged = vec![TopK::new(k, rows); n_queries];
    for tops in heaps {
        for (top, part) in merged.iter_mut().zip(tops) {
            top.merge(part);
        }
    }
    merged.into_iter().map(TopK::into_sorted).collect()
}

fn scan(level: Level, part: &Part<'_>, range: Range<usize>, queries: &[f32], dim: usize, tops: &mut [TopK]) {
    let mut scores = [0.0; BLOCK];
    let passes = |row: usize| part.allowed.is_none_or(|allowed| allowed.contains(row as Row));
    for start in range.clone().step_by(BLOCK) {
        let block = start..range.end.min(start + BLOCK);
        if !block.clone().any(passes) {
            continue;
        }
        let scores = &mut scores[..block.len()];
        for (query, top) in queries.chunks_exact(dim).zip(&mut *tops) {
            inner_products(level, &part.values[block.start * dim..block.end * dim], query, scores);
            for (row, &score) in block.clone().zip(&*scores) {
                if top.admits(score) && passes(row) {
                    top.push(Hit { score, row: part.base + row as Row });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Small integers: products are exact, ties are the rule.
    fn case() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>, Vec<bool>)> {
        (1usize..20, 1usize..300, 1usize..4).prop_flat_map(|(dim, n, q)| {
            let values = |len| prop::collection::vec((-2i8..3).prop_map(f32::from), len);
            (Just(dim), values(n * dim), values(q * dim), prop::collection::vec(any::<bool>(), n))
        })
    }

    proptest! {
        #[test]
        fn equals_a_full_sort_for_any_split_filter_and_threads(
            (dim, values, queries, flags) in case(), k in 1usize..40, cut in any::<prop::sample::Index>(), threads in 1usize..5,
        ) {
            let n = flags.len();
            let expected: Vec<Vec<Hit>> = queries.chunks(dim).map(|query| {
                let mut hits: Vec<Hit> = (0..n).filter(|&row| flags[row]).map(|row| Hit {
                    score: values[row * dim..][..dim].iter().zip(query).fold(0.0, |sum, (x, q)| sum + x * q),
                    row: row as Row,
                }).collect();
                hits.sort_by(|a, b| b.cmp(a));
                hits.truncate(k);
                hits
            }).collect();

            let cut = cut.index(n);
            let (left, right) = (RowSet::from_flags(&flags[..cut]), RowSet::from_flags(&flags[cut..]));
            let parts = [
                Part { values: &values[..cut * dim], base: 0, allowed: Some(&left) },
                Part { values: &values[cut * dim..], base: cut as Row, allowed: Some(&right) },
            ];
            prop_assert_eq!(search_in(&parts, &queries, dim, k, threads), expected);
        }
    }

    #[test]
    fn large_scans_are_split_and_agree() {
        let (dim, n) = (32, 20_000);
        let values: Vec<f32> = (0..n * dim).map(|i| ((i * 7919 % 1009) as f32 - 504.0) / 504.0).collect();
        let queries = values[..8 * dim].to_vec();
        let parts = [Part { values: &values, base: 0, allowed: None }];
        assert_eq!(search(&parts, &queries, dim, 10, 1), search(&parts, &queries, dim, 10, 3));
    }
}
