//! Exact top-k by 4-bit codes: a scan rules out every row whose upper bound stays below a score
//! that `k` rows are known to reach; the fine codes rule out most of the rest, and what is left is
//! scored by its values. The answer is that of a scan of all values, to the bit.
//!
//! A row that the scan lets through but that probably will not reach the threshold is put off:
//! by the end of the scan the threshold has risen, and most of those are out without having been
//! looked at. Only the moment changes, not the proof.

use std::ops::Range;

use super::codes::nibble_lines;
use super::scan;
use super::search::{Part, Prepared, Shared, State};
use crate::Result;
use crate::filter::ones;
use crate::hit::{Hit, Row};
use crate::simd::{BlockDots, LANES, Limit, fine_product, prefetch, scan_nibbles};
use crate::threads;

/// A row that the scan let through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    row: Row,
    /// Its score is no higher.
    upper: f32,
    /// What the nibbles know of the score, for the fine code to add to.
    known: f32,
}

/// Rows put off by a thread for a query before it looks through them.
const MOST_PENDING: usize = if cfg!(test) { 64 } else { 1 << 16 };

/// Rows that are asked for before they are scored: by then they have come from memory.
const MOST_LIKELY: usize = 8;

/// Answers of a scan kept at a time.
const FOUND: usize = 128;

/// Blocks scanned at a time, at most.
const RUN: usize = 16;

/// Scans the codes of a range of rows.
pub(super) fn scan(shared: &Shared<'_>, prepared: &Prepared<'_>, range: Range<usize>, states: &mut [State]) {
    let Some(codes) = prepared.part.codes else { return };
    let lines = nibble_lines(codes.width());
    let run = (FOUND / states.len().max(1)).clamp(1, RUN);
    let mut limits: Vec<Limit> = Vec::with_capacity(states.len());
    let mut found = vec![BlockDots::default(); run * states.len()];

    let end = range.end / LANES;
    let mut block = range.start / LANES;
    while block < end {
        let (empty, length) = prepared.blocks.run(block, end.min(block + run));
        block += empty;
        if length == 0 {
            continue;
        }
        limits.clear();
        let thresholds = shared.thresholds.iter();
        limits.extend(
            prepared.queries.bounds.iter().zip(thresholds).map(|(bound, least)| bound.limit(least.get())),
        );
        let found = &mut found[..length * states.len()];
        scan_nibbles(
            shared.level,
            &codes.nibbles()[block * lines..][..length * lines],
            lines,
            &prepared.queries.nibbles,
            &limits,
            found,
        );
        for (query, found) in found.chunks_exact_mut(length).enumerate() {
            states[query].work.scanned += (length * LANES) as u64;
            for (block, found) in (block..).zip(found) {
                found.mask &= prepared.part.allowed_16(block * LANES);
                if found.mask != 0 {
                    consider(shared, prepared, query, block * LANES, found, &mut states[query]);
                }
            }
        }
        block += length;
    }
    for (query, state) in states.iter_mut().enumerate() {
        score_likely(shared, query, state);
    }
}

/// Looks again at the rows of a block that the scan let through.
fn consider(
    shared: &Shared<'_>,
    prepared: &Prepared<'_>,
    query: usize,
    first: usize,
    found: &BlockDots,
    state: &mut State,
) {
    let Some(codes) = prepared.part.codes else { return };
    let threshold = &shared.thresholds[query];
    let bound = &prepared.queries.bounds[query];
    let verdict = bound.judge(shared.level, codes.block(first / LANES), found, threshold.get());
    for lane in ones(u64::from(found.mask & verdict.possible)) {
        let lane = lane as usize;
        let row = prepared.part.base + (first + lane) as Row;
        let pending = Pending { row, upper: verdict.upper[lane], known: verdict.known[lane] };
        if verdict.likely >> lane & 1 == 1 {
            prefetch(codes.fine_row(first + lane));
            state.likely.push(pending);
        } else {
            state.pending.push(pending);
        }
        state.work.passed += 1;
    }
    if state.likely.len() >= MOST_LIKELY {
        score_likely(shared, query, state);
    }
    if state.pending.len() >= MOST_PENDING {
        look_through(shared, query, state);
    }
}

/// Scores the rows whose fine codes have been asked for.
fn score_likely(shared: &Shared<'_>, query: usize, state: &mut State) {
    let mut likely = std::mem::take(&mut state.likely);
    let least = shared.thresholds[query].get();
    likely.retain_mut(|pending| {
        ask(shared, query, state, pending);
        let possible = pending.upper >= least;
        if possible {
            let (part, own) = shared.locate(pending.row);
            prefetch(part.part.row(own, shared.request.dim));
        }
        possible
    });
    rescore(shared, query, state, &likely);
    likely.clear();
    state.likely = likely;
}

/// Asks the fine code of a row.
fn ask(shared: &Shared<'_>, query: usize, state: &mut State, pending: &mut Pending) {
    let (prepared, own) = shared.locate(pending.row);
    let Part { codes: Some(codes), .. } = prepared.part else { return };
    let dot = fine_product(shared.level, codes.fine_code(own), &prepared.queries.nibbles[query]);
    let upper = prepared.queries.bounds[query].upper(&codes, own, pending.known, dot);
    pending.upper = pending.upper.min(upper);
    state.work.refined += 1;
}

/// Scores the rows that may be among the best.
fn rescore(shared: &Shared<'_>, query: usize, state: &mut State, pending: &[Pending]) {
    let threshold = &shared.thresholds[query];
    let hopeless = |pending: &Pending, least: Option<f32>| {
        pending.upper < least.map_or(threshold.get(), |least| least.max(threshold.get()))
    };
    scan::rescore(shared, query, state, pending, |pending| pending.row, hopeless);
    if let Some(least) = state.top.least() {
        threshold.raise(least);
    }
}

/// Scores the rows that were put off and may still be among the best. Leaves off where the search
/// shall stop.
fn look_through(shared: &Shared<'_>, query: usize, state: &mut State) {
    let least = shared.thresholds[query].get();
    let mut pending = std::mem::take(&mut state.pending);
    pending.retain(|pending| pending.upper >= least);
    for i in 0..pending.len() {
        if i % 1024 == 1023 && shared.stop.check().is_err() {
            return;
        }
        if let Some(next) = pending.get(i + scan::AHEAD) {
            let (prepared, own) = shared.locate(next.row);
            if let Some(codes) = prepared.part.codes {
                prefetch(codes.fine_row(own));
            }
        }
        ask(shared, query, state, &mut pending[i]);
    }
    pending.retain(|pending| pending.upper >= least);
    rescore(shared, query, state, &pending);
}

/// Scores what was put off, once all codes have been scanned.
pub(super) fn finish(shared: &Shared<'_>, states: &mut [State]) -> Result<()> {
    /// Rows a task.
    const TASK: usize = 256;
    let mut tasks: Vec<(usize, Vec<Pending>)> = Vec::new();
    for (query, state) in states.iter_mut().enumerate() {
        if let Some(least) = state.top.least() {
            shared.thresholds[query].raise(least);
        }
        let least = shared.thresholds[query].get();
        let mut pending = std::mem::take(&mut state.pending);
        pending.retain(|pending| pending.upper >= least);
        tasks.extend(pending.chunks(TASK).map(|pending| (query, pending.to_vec())));
    }
    let scored = threads::map_each(tasks.len(), shared.request.threads, shared.stop, |task| {
        let (query, pending) = &tasks[task];
        let mut state = State::new(shared.request.k, pending.len(), 0);
        state.pending.clone_from(pending);
        look_through(shared, *query, &mut state);
        state
    })?;
    for ((query, _), state) in tasks.iter().zip(scored) {
        states[*query].top.merge(state.top);
        states[*query].work.add(state.work);
    }
    Ok(())
}

/// Raises the thresholds by a sample of rows, spread evenly: a scan in whatever order the rows
/// lie then rules out nearly as much from the start as at its end. The rows of the sample are
/// scanned again like all others, since a row may count only once among the best.
pub(super) fn raise_thresholds(shared: &Shared<'_>) {
    /// Blocks of the sample, at most.
    const MOST: usize = 512;
    /// Blocks in a row: most of what they cost is to find the first one in memory.
    const RUN: usize = 4;
    let blocks = |prepared: &Prepared<'_>| {
        let coded = if prepared.queries.bounds.is_empty() {
            0
        } else {
            prepared.part.codes.map_or(0, |codes| codes.len())
        };
        coded / LANES
    };
    let all: usize = shared.parts.iter().map(blocks).sum();
    let wanted = all.isqrt().min(MOST);
    let mut estimates: Vec<Vec<Hit>> = vec![Vec::new(); shared.thresholds.len()];
    for prepared in &shared.parts {
        let own = blocks(prepared);
        let runs = (own * wanted).div_ceil(all.max(1) * RUN).min(own);
        for i in 0..runs {
            // No block twice: a row that counts twice would raise the threshold too far.
            let slot = own * i / runs..own * (i + 1) / runs;
            let end = slot.end;
            if let Some(first) = prepared.blocks.first(slot) {
                sample_run(shared, prepared, first..end.min(first + RUN), &mut estimates);
            }
        }
    }
    let k = shared.request.k;
    for (query, mut estimates) in estimates.into_iter().enumerate() {
        if estimates.len() < k {
            continue;
        }
        let best = (k + k / 4 + 2).min(estimates.len());
        estimates.select_nth_unstable_by(best - 1, |a, b| b.cmp(a));
        let mut state = State::new(k, best, 0);
        scan::rescore(shared, query, &mut state, &estimates[..best], |hit| hit.row, |_, _| false);
        if let Some(least) = state.top.least() {
            shared.thresholds[query].raise(least);
        }
    }
}

/// Estimates the scores of the rows of some blocks.
fn sample_run(shared: &Shared<'_>, prepared: &Prepared<'_>, run: Range<usize>, estimates: &mut [Vec<Hit>]) {
    let Part { codes: Some(codes), .. } = prepared.part else { return };
    let lines = nibble_lines(codes.width());
    let blocks = &codes.nibbles()[run.start * lines..run.end * lines];
    let queries = &prepared.queries;
    let limits: Vec<Limit> = queries.bounds.iter().map(|bound| bound.limit(f32::NEG_INFINITY)).collect();
    let mut found = vec![BlockDots::default(); run.len() * limits.len()];
    scan_nibbles(shared.level, blocks, lines, &queries.nibbles, &limits, &mut found);
    for (query, found) in found.chunks_exact(run.len()).enumerate() {
        for (block, found) in run.clone().zip(found) {
            for lane in ones(u64::from(prepared.part.allowed_16(block * LANES))) {
                let own = block * LANES + lane as usize;
                let score = queries.bounds[query].estimate(&codes, own, found.dots[lane as usize]);
                estimates[query].push(Hit { score, row: prepared.part.base + own as Row });
            }
        }
    }
}
