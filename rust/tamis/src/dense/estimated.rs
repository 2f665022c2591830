//! Approximate top-k by one bit a dimension: the best estimates are scored by their values.

use std::ops::Range;

use super::codes::bit_lines;
use super::scan;
use super::search::{Prepared, Shared, State};
use crate::Result;
use crate::filter::ones;
use crate::hit::{Hit, Row, Shortlist};
use crate::simd::{BITS_ROWS, BlockSums, scan_bits};
use crate::threads;

/// Blocks scanned at a time.
const RUN: usize = 8;

/// Estimates the rows of a range.
pub(super) fn scan(shared: &Shared<'_>, prepared: &Prepared<'_>, range: Range<usize>, states: &mut [State]) {
    let Some(codes) = prepared.part.codes else { return };
    let lines = bit_lines(codes.width());
    let mut found = [BlockSums { mask: 0, estimates: [0.0; BITS_ROWS] }; RUN];
    let blocks = range.start / BITS_ROWS..range.end / BITS_ROWS;
    for (query, state) in states.iter_mut().enumerate() {
        let base = prepared.queries.bases[query];
        let mut start = blocks.start;
        while start < blocks.end {
            let (empty, length) = prepared.blocks.run(start, blocks.end.min(start + RUN));
            let run = start + empty..start + empty + length;
            start = run.end;
            let found = &mut found[..run.len()];
            // A little lower, since the sum with the base is rounded; it is compared again below.
            let least = state.candidates.least();
            let least = least - base - 4.0 * (least.abs() + base.abs()) * f32::EPSILON;
            let own = &codes.bits()[run.start * lines..run.end * lines];
            scan_bits(shared.level, own, lines, &prepared.queries.bits[query], least, found);
            state.work.scanned += (run.len() * BITS_ROWS) as u64;
            for (block, found) in run.zip(&*found) {
                for lane in ones(found.mask & prepared.part.allowed_64(block * BITS_ROWS)) {
                    let row = prepared.part.base + (block * BITS_ROWS) as Row + lane;
                    state.candidates.push(Hit { score: found.estimates[lane as usize] + base, row });
                }
            }
        }
    }
}

/// Scores the best estimates, until none is likely to reach the best scores.
pub(super) fn finish(shared: &Shared<'_>, states: &mut [State]) -> Result<()> {
    /// Standard deviations above its estimate that a row is given: one in 30,000 is beyond.
    const SIGMAS: f64 = 4.0;
    let jobs: Vec<Vec<Hit>> = states
        .iter_mut()
        .map(|state| std::mem::replace(&mut state.candidates, Shortlist::new(0)).into_sorted())
        .collect();
    let scored = threads::map_each(jobs.len(), shared.request.threads, shared.stop, |query| {
        let mut state = State::new(shared.request.k, jobs[query].len(), 0);
        let hopeless = |hit: &Hit, least: Option<f32>| {
            let (part, own) = shared.locate(hit.row);
            let deviation = part.part.codes.map_or(0.0, |codes| codes.deviation(own));
            let margin = SIGMAS * f64::from(deviation) * shared.lengths[query];
            least.is_some_and(|least| f64::from(hit.score) + margin < f64::from(least))
        };
        scan::rescore(shared, query, &mut state, &jobs[query], |hit| hit.row, hopeless);
        state
    })?;
    for ((state, candidates), scored) in states.iter_mut().zip(&jobs).zip(scored) {
        state.top.merge(scored.top);
        state.work.add(scored.work);
        state.work.passed += candidates.len() as u64;
    }
    Ok(())
}
