//! Top-k over parts of an index: what to do with each part, the work as tasks for threads, and
//! the one answer made of theirs.
//!
//! The best hits are the same for any number of threads and any order of tasks: threads share
//! only thresholds, which are scores that `k` rows are known to reach, and no row that could
//! reach a threshold is left out.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::certified::{self, Pending};
use super::codes::{CodedQueries, CodesView, GROUP, length};
use super::estimated::{self, Candidates};
use super::scan;
use super::simd::{LANES, Level};
use crate::Result;
use crate::filter::RowSet;
use crate::hit::{Hit, Row, TopK};
use crate::threads::{self, Stop};

/// Rows that follow one another in an index, with the filter that they must pass.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The rows' values, each of the index's width.
    pub values: &'a [f32],
    /// The codes of the first of them.
    pub codes: Option<CodesView<'a>>,
    /// The row number of the first.
    pub base: Row,
    /// The rows to look at, counted from the first; `None` is all.
    pub allowed: Option<&'a RowSet>,
}

impl<'a> Part<'a> {
    fn rows(&self, dim: usize) -> usize {
        self.values.len() / dim
    }

    fn coded(&self) -> usize {
        self.codes.map_or(0, |codes| codes.len())
    }

    /// The values of a row, counted from the first.
    pub(super) fn row(&self, row: usize, dim: usize) -> &'a [f32] {
        &self.values[row * dim..][..dim]
    }

    /// Which of the 16 rows from `row`, a multiple of 16, may be found.
    pub(super) fn allowed_16(&self, row: usize) -> u16 {
        self.allowed.map_or(u16::MAX, |allowed| (allowed.words()[row / 64] >> (row % 64)) as u16)
    }

    /// Which of the 64 rows from `row`, a multiple of 64, may be found.
    pub(super) fn allowed_64(&self, row: usize) -> u64 {
        self.allowed.map_or(u64::MAX, |allowed| allowed.words()[row / 64])
    }
}

/// How much of the answer must be right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    /// All of it, the fastest way: codes rule rows out, with proof.
    Exact,
    /// All of it, from the values alone.
    Full,
    /// Most of it: the best `oversample * k` estimates of one bit a dimension are scored.
    Fast {
        /// Rows scored for each hit.
        oversample: f64,
    },
}

/// What is asked of an index.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Rows of the index's width, prepared as its own rows were.
    pub queries: &'a [f32],
    /// The width, at least 1.
    pub dim: usize,
    /// How many hits a query.
    pub k: usize,
    /// How much must be right.
    pub precision: Precision,
    /// The most threads.
    pub threads: usize,
}

/// What a search did, summed over its queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Rows whose code or values were read in order.
    pub scanned: u64,
    /// Rows whose 4-bit code could not rule them out, or whose estimate was among the best.
    pub passed: u64,
    /// Rows that were scored by their values after the codes had passed them.
    pub rescored: u64,
    /// Rows that were scored one by one since few pass the filter.
    pub gathered: u64,
    /// Parts that were searched by codes.
    pub coded_parts: u64,
}

impl Work {
    pub(super) fn add(&mut self, other: Self) {
        self.scanned += other.scanned;
        self.passed += other.passed;
        self.rescored += other.rescored;
        self.gathered += other.gathered;
        self.coded_parts += other.coded_parts;
    }
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Found {
    /// The best hits of each query, best first.
    pub hits: Vec<Vec<Hit>>,
    /// What it took.
    pub work: Work,
}

/// Multiplications below which another thread costs more than it saves.
const WORTH_A_THREAD: usize = 4_000_000;

/// Hits a row above which codes rule too little out.
const ROWS_A_HIT: usize = 32;

/// The best `k` rows for each query.
///
/// # Errors
/// [`crate::Error::Interrupted`].
///
/// # Panics
/// If a part or the queries are no whole number of rows, or a filter has another length.
pub fn search(parts: &[Part<'_>], request: &Request<'_>, stop: &Stop<'_>) -> Result<Found> {
    let rows: usize = parts.iter().map(|part| part.rows(request.dim)).sum();
    let worth = rows.saturating_mul(request.queries.len()) / WORTH_A_THREAD + 1;
    search_in(parts, &Request { threads: request.threads.min(worth), ..*request }, stop)
}

/// What is done with the rows of a part that have codes, or with all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Scan,
    Gather,
    Certify,
    Estimate,
}

#[derive(Clone, Debug)]
struct Task {
    part: usize,
    way: Way,
    /// Rows of the part; for [`Way::Gather`], places in the list of its rows.
    range: Range<usize>,
}

/// A part and what was made ready for it.
pub(super) struct Prepared<'a> {
    pub(super) part: Part<'a>,
    /// The queries as its codes are asked.
    pub(super) queries: CodedQueries,
    way: Way,
    /// The rows to gather.
    rows: Vec<Row>,
}

impl<'a> Prepared<'a> {
    fn new(part: &Part<'a>, request: &Request<'_>, level: Level) -> Self {
        let way = way(part, request);
        let frame =
            part.codes.filter(|_| matches!(way, Way::Certify | Way::Estimate)).map(|codes| codes.frame());
        let queries = frame
            .map_or_else(CodedQueries::default, |frame| CodedQueries::new(frame, request.queries, level));
        let rows =
            part.allowed.filter(|_| way == Way::Gather).map_or_else(Vec::new, |rows| rows.rows().collect());
        Self { part: *part, queries, way, rows }
    }

    fn tasks(&self, index: usize, dim: usize) -> Vec<Task> {
        /// Rows a task: some 100 microseconds of work for one query.
        const TASK: usize = 4096;
        let cut = |way, range: Range<usize>| {
            let end = range.end;
            range.step_by(TASK).map(move |at| Task { part: index, way, range: at..end.min(at + TASK) })
        };
        let rows = self.part.rows(dim);
        match self.way {
            Way::Gather => cut(Way::Gather, 0..self.rows.len()).collect(),
            Way::Scan => cut(Way::Scan, 0..rows).collect(),
            way => {
                let coded = self.part.coded();
                cut(way, 0..coded).chain(cut(Way::Scan, coded..rows)).collect()
            }
        }
    }
}

/// What costs the least for a part: reading what the filter passes, the codes or the values.
fn way(part: &Part<'_>, request: &Request<'_>) -> Way {
    let rows = part.rows(request.dim);
    let lines = |codes: &CodesView<'_>| match request.precision {
        Precision::Fast { .. } => (codes.bits().len() * LANES).div_ceil(GROUP),
        _ => codes.nibbles().len(),
    };
    let coded = part.codes.filter(|codes| {
        !codes.is_empty() && request.precision != Precision::Full && request.k <= rows / ROWS_A_HIT
    });
    let code_bytes = coded.map(|codes| 64 * lines(&codes) / (codes.len() / LANES));
    if let Some(allowed) = part.allowed {
        let row_bytes = 4 * request.dim;
        let scanned: usize = allowed.words().iter().map(|word| blocks_of(*word)).sum();
        // A row's values, read out of order, cost about as much again.
        let gathered = 2 * allowed.count() * row_bytes;
        if gathered <= scanned * code_bytes.unwrap_or(LANES * row_bytes) {
            return Way::Gather;
        }
    }
    match (coded, request.precision) {
        (None, _) => Way::Scan,
        (Some(_), Precision::Fast { .. }) => Way::Estimate,
        (Some(_), _) => Way::Certify,
    }
}

/// How many of four blocks of 16 rows have a row in the word.
fn blocks_of(word: u64) -> usize {
    (0..4).filter(|block| word >> (16 * block) & 0xffff != 0).count()
}

/// A score that `k` rows are known to reach, raised by all threads.
#[derive(Debug)]
pub(super) struct Threshold(AtomicU32);

impl Threshold {
    fn new() -> Self {
        Self(AtomicU32::new(Self::ordered(f32::NEG_INFINITY)))
    }

    /// A number's bits, so that greater numbers have greater bits.
    fn ordered(score: f32) -> u32 {
        let bits = score.to_bits();
        bits ^ if bits >> 31 == 1 { u32::MAX } else { 1 << 31 }
    }

    pub(super) fn get(&self) -> f32 {
        let bits = self.0.load(Ordering::Relaxed);
        f32::from_bits(bits ^ if bits >> 31 == 0 { u32::MAX } else { 1 << 31 })
    }

    pub(super) fn raise(&self, score: f32) {
        self.0.fetch_max(Self::ordered(score), Ordering::Relaxed);
    }
}

/// What all threads share.
pub(super) struct Shared<'a> {
    pub(super) parts: Vec<Prepared<'a>>,
    pub(super) request: Request<'a>,
    pub(super) level: Level,
    /// One a query.
    pub(super) thresholds: Vec<Threshold>,
    /// The length of each query.
    pub(super) lengths: Vec<f64>,
}

impl Shared<'_> {
    pub(super) fn query(&self, query: usize) -> &[f32] {
        &self.request.queries[query * self.request.dim..][..self.request.dim]
    }

    /// The part of a row of the index, and its number there.
    pub(super) fn locate(&self, row: Row) -> (&Part<'_>, usize) {
        let part = &self.parts[self.parts.partition_point(|part| part.part.base <= row) - 1].part;
        (part, (row - part.base) as usize)
    }
}

/// What one thread has found for one query.
#[derive(Debug)]
pub(super) struct State {
    pub(super) top: TopK,
    pub(super) pending: Vec<Pending>,
    pub(super) candidates: Candidates,
    pub(super) work: Work,
}

impl State {
    /// Keeps the best `k` of so many rows, and so many candidates.
    pub(super) fn new(k: usize, rows: usize, candidates: usize) -> Self {
        Self {
            top: TopK::new(k, rows),
            pending: Vec::new(),
            candidates: Candidates::new(candidates),
            work: Work::default(),
        }
    }
}

/// [`search`] on just so many threads.
fn search_in(parts: &[Part<'_>], request: &Request<'_>, stop: &Stop<'_>) -> Result<Found> {
    let Request { dim, k, .. } = *request;
    let rows: usize = parts.iter().map(|part| part.rows(dim)).sum();
    let n_queries = request.queries.len() / dim;
    let level = Level::best();
    let shared = Shared {
        parts: parts.iter().map(|part| Prepared::new(part, request, level)).collect(),
        request: *request,
        level,
        thresholds: (0..n_queries).map(|_| Threshold::new()).collect(),
        lengths: request.queries.chunks_exact(dim).map(length).collect(),
    };
    let tasks: Vec<Task> = shared.parts.iter().enumerate().flat_map(|(i, part)| part.tasks(i, dim)).collect();
    if shared.parts.iter().any(|part| part.way == Way::Certify) {
        certified::raise_thresholds(&shared);
    }

    let wanted = match request.precision {
        Precision::Fast { oversample } => ((k as f64 * oversample).ceil() as usize).clamp(k, rows.max(k)),
        _ => k,
    };
    let start =
        || -> Vec<State> { std::iter::repeat_with(|| State::new(k, rows, wanted)).take(n_queries).collect() };
    let states = threads::map_tasks(tasks.len(), request.threads, stop, start, |states, task| {
        let Task { part, way, range } = tasks[task].clone();
        let part = &shared.parts[part];
        match way {
            Way::Scan => scan::in_order(&shared, &part.part, range, states),
            Way::Gather => scan::one_by_one(&shared, &part.part, &part.rows[range], states),
            Way::Certify => certified::scan(&shared, part, range, states),
            Way::Estimate => estimated::scan(&shared, part, range, states),
        }
    })?;

    let mut merged = start();
    for states in states {
        for (all, state) in merged.iter_mut().zip(states) {
            all.top.merge(state.top);
            all.pending.extend(state.pending);
            all.candidates.merge(state.candidates);
            all.work.add(state.work);
        }
    }
    certified::finish(&shared, &mut merged, stop)?;
    estimated::finish(&shared, &mut merged, stop)?;

    let mut work = Work::default();
    merged.iter().for_each(|state| work.add(state.work));
    let by_codes = |part: &&Prepared<'_>| matches!(part.way, Way::Certify | Way::Estimate);
    work.coded_parts = shared.parts.iter().filter(by_codes).count() as u64;
    Ok(Found { hits: merged.into_iter().map(|state| state.top.into_sorted()).collect(), work })
}
