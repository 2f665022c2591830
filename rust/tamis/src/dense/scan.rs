//! Scores from the values: all rows in order, or the few that pass a filter.

use std::ops::Range;

use super::search::{Part, Shared, State};
use crate::hit::{Hit, Row};
use crate::simd::{inner_products, prefetch};

/// Rows scored at a time: small enough to stay in the second-level cache while all queries read
/// them.
const BLOCK: usize = 64;

/// Rows that are asked for ahead of the one that is scored.
pub(super) const AHEAD: usize = 8;

/// Scores the rows of a range that may be found.
pub(super) fn in_order(shared: &Shared<'_>, part: &Part<'_>, range: Range<usize>, states: &mut [State]) {
    let dim = shared.request.dim;
    let mut scores = vec![0.0; BLOCK * states.len()];
    let passes = |row: usize| part.allowed.is_none_or(|allowed| allowed.contains(row as Row));
    for start in range.clone().step_by(BLOCK) {
        let block = start..range.end.min(start + BLOCK);
        if !block.clone().any(passes) {
            continue;
        }
        let scores = &mut scores[..block.len() * states.len()];
        let values = &part.values[block.start * dim..block.end * dim];
        inner_products(shared.level, values, shared.request.queries, dim, scores);
        for (scores, state) in scores.chunks_exact(block.len()).zip(&mut *states) {
            state.work.scanned += block.len() as u64;
            for (row, &score) in block.clone().zip(scores) {
                if state.top.admits(score) && passes(row) {
                    state.top.push(Hit { score, row: part.base + row as Row });
                }
            }
        }
    }
}

/// Scores the rows of a list.
pub(super) fn one_by_one(shared: &Shared<'_>, part: &Part<'_>, rows: &[Row], states: &mut [State]) {
    let dim = shared.request.dim;
    let mut scores = vec![0.0; states.len()];
    for (i, &row) in rows.iter().enumerate() {
        if let Some(&next) = rows.get(i + AHEAD) {
            prefetch(part.row(next as usize, dim));
        }
        inner_products(shared.level, part.row(row as usize, dim), shared.request.queries, dim, &mut scores);
        for (&score, state) in scores.iter().zip(&mut *states) {
            state.top.push(Hit { score, row: part.base + row });
        }
    }
    states.iter_mut().for_each(|state| state.work.gathered += rows.len() as u64);
}

/// The score of a row of the index.
pub(super) fn score(shared: &Shared<'_>, query: usize, row: Row) -> f32 {
    let (part, own) = shared.locate(row);
    let mut score = [0.0];
    let dim = shared.request.dim;
    inner_products(shared.level, part.part.row(own, dim), shared.query(query), dim, &mut score);
    score[0]
}

/// Offers the rows to a query's best, each unless it is `hopeless` when its turn comes. Leaves
/// off where the search shall stop.
pub(super) fn rescore<T>(
    shared: &Shared<'_>,
    query: usize,
    state: &mut State,
    rows: &[T],
    row_of: impl Fn(&T) -> Row,
    hopeless: impl Fn(&T, Option<f32>) -> bool,
) {
    for (i, item) in rows.iter().enumerate() {
        if i % 1024 == 1023 && shared.stop.check().is_err() {
            return;
        }
        if let Some(next) = rows.get(i + AHEAD) {
            let (part, own) = shared.locate(row_of(next));
            prefetch(part.part.row(own, shared.request.dim));
        }
        if !hopeless(item, state.top.least()) {
            let row = row_of(item);
            state.top.push(Hit { score: score(shared, query, row), row });
            state.work.rescored += 1;
        }
    }
}
