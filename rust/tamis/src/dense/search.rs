//! Top-k over parts of an index: what to do with each part, the work as tasks for threads, and
//! the one answer made of theirs.
//!
//! The best hits are the same for any number of threads and any order of tasks: threads share
//! only thresholds, which are scores that `k` rows are known to reach, and no row that could
//! reach a threshold is left out.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::bound::{CodedQueries, length};
use super::certified::{self, Pending};
use super::codes::{CodesView, GROUP, WIDEST_BITS};
use super::estimated;
use super::scan;
use crate::Result;
use crate::filter::RowSet;
use crate::hit::{Hit, Row, Shortlist, TopK, from_ordered, ordered};
use crate::simd::{LANES, Level};
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
    /// Rows whose fine code was asked after that.
    pub refined: u64,
    /// Rows that were scored by their values since no code could rule them out.
    pub rescored: u64,
    /// Rows that were scored one by one since few pass the filter.
    pub gathered: u64,
    /// Parts that 4-bit codes answered for.
    pub certified_parts: u64,
    /// Parts that 1-bit codes answered for.
    pub estimated_parts: u64,
}

impl Work {
    /// What answered: `codes` or `bits` where any part was asked by them, else `gather` where rows
    /// were scored one by one, else `f32`.
    pub fn level(&self) -> &'static str {
        match self {
            Self { certified_parts: 1.., .. } => "codes",
            Self { estimated_parts: 1.., .. } => "bits",
            Self { gathered: 1.., .. } => "gather",
            _ => "f32",
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.scanned += other.scanned;
        self.passed += other.passed;
        self.refined += other.refined;
        self.rescored += other.rescored;
        self.gathered += other.gathered;
        self.certified_parts += other.certified_parts;
        self.estimated_parts += other.estimated_parts;
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
const WORTH_A_THREAD: usize = 16_000_000;

/// Hits a row above which codes rule too little out.
const ROWS_A_HIT: usize = 128;

/// The best `k` rows for each query.
///
/// # Errors
/// [`crate::Error::Interrupted`].
///
/// # Panics
/// If a part or the queries are no whole number of rows, or a filter has another length.
pub fn search(parts: &[Part<'_>], request: &Request<'_>, stop: &Stop<'_>) -> Result<Found> {
    /// Queries asked at once: enough to share what is read, and few enough that a task of them
    /// takes some milliseconds.
    const QUERIES: usize = 256;
    let rows: usize = parts.iter().map(|part| part.rows(request.dim)).sum();
    if request.k == 0 {
        let n_queries = request.queries.len() / request.dim;
        return Ok(Found { hits: vec![Vec::new(); n_queries], work: Work::default() });
    }
    let mut all = Found { hits: Vec::new(), work: Work::default() };
    for queries in request.queries.chunks(QUERIES * request.dim) {
        let worth = rows.saturating_mul(queries.len()) / WORTH_A_THREAD + 1;
        let request = Request { queries, threads: request.threads.min(worth), ..*request };
        let found = search_in(parts, &request, stop)?;
        all.hits.extend(found.hits);
        all.work.add(found.work);
    }
    Ok(all)
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
    /// The blocks of codes to scan.
    pub(super) blocks: Blocks,
}

impl<'a> Prepared<'a> {
    fn new(part: &Part<'a>, request: &Request<'_>, level: Level) -> Self {
        let (way, blocks) = way(part, request);
        let frame =
            part.codes.filter(|_| matches!(way, Way::Certify | Way::Estimate)).map(|codes| codes.frame());
        let queries = frame.map_or_else(CodedQueries::default, |frame| {
            CodedQueries::new(frame, request.queries, way == Way::Estimate, level)
        });
        let rows =
            part.allowed.filter(|_| way == Way::Gather).map_or_else(Vec::new, |rows| rows.rows().collect());
        Self { part: *part, queries, way, rows, blocks }
    }

    fn tasks(&self, index: usize, dim: usize, queries_len: usize) -> Vec<Task> {
        /// Products a task, at most: some milliseconds of work.
        const PRODUCTS: usize = 1 << 28;
        /// Rows a task, at most: some 100 microseconds of work for one query.
        const ROWS: usize = 4096;
        let rows_a_task = (PRODUCTS / queries_len.max(1)).clamp(GROUP, ROWS) / GROUP * GROUP;
        let cut = |way, range: Range<usize>| {
            let end = range.end;
            let task = move |at| Task { part: index, way, range: at..end.min(at + rows_a_task) };
            range.step_by(rows_a_task).map(task)
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

/// What costs the least for a part, reading what the filter passes, the codes or the values; and
/// the blocks to scan.
fn way(part: &Part<'_>, request: &Request<'_>) -> (Way, Blocks) {
    /// Bytes of rows that are picked out cost as much as so many of a stream; measured.
    const PICKED: usize = 4;
    let rows = part.rows(request.dim);
    let codes = part.codes.filter(|codes| {
        !codes.is_empty() && request.precision != Precision::Full && request.k <= rows / ROWS_A_HIT
    });
    let (way, block_rows, bytes) = match (codes, request.precision) {
        (None, _) => (Way::Scan, LANES, size_of_val(part.values)),
        (Some(codes), Precision::Fast { .. }) if codes.width() <= WIDEST_BITS => {
            (Way::Estimate, GROUP, size_of_val(codes.bits()))
        }
        (Some(codes), _) => (Way::Certify, LANES, size_of_val(codes.nibbles())),
    };
    let Some(allowed) = part.allowed else { return (way, Blocks(None)) };
    let (blocks, share) = Blocks::new(allowed, block_rows);
    if (PICKED * allowed.count() * 4 * request.dim) as f64 <= share * bytes as f64 {
        return (Way::Gather, blocks);
    }
    (way, blocks)
}

/// The blocks of rows to scan: those that have one that passes the filter, or all.
#[derive(Clone, Debug)]
pub(super) struct Blocks(Option<RowSet>);

impl Blocks {
    /// Blocks of 16 rows, or of 64, and what scanning them costs as a part of scanning all: a
    /// stream with gaps is slower, so that leaving out less than half is worth nothing.
    fn new(allowed: &RowSet, rows: usize) -> (Self, f64) {
        /// What a block costs in a stream with gaps; measured.
        const BROKEN: f64 = 2.5;
        let blocks_of = |word: &u64| match rows {
            LANES => (0..4).map(|block| u64::from(word >> (16 * block) & 0xffff != 0) << block).sum::<u64>(),
            _ => u64::from(*word != 0),
        };
        let blocks_a_word = GROUP / rows;
        let join = |words: &[u64]| {
            words.iter().enumerate().map(|(i, word)| blocks_of(word) << (i * blocks_a_word)).sum()
        };
        let words: Vec<u64> = allowed.words().chunks(64 / blocks_a_word).map(join).collect();
        let blocks = RowSet::from_words(&words, allowed.len().div_ceil(rows)).expect("a bit a block");
        let share = BROKEN * blocks.count() as f64 / blocks.len().max(1) as f64;
        if share < 1.0 { (Self(Some(blocks)), share) } else { (Self(None), 1.0) }
    }

    /// Of the blocks from `start` to `end`, 64 at most, how many come before the first that has
    /// rows, and how many there are from it to the last. Between them none is left out: memory
    /// comes fastest in one stream.
    pub(super) fn run(&self, start: usize, end: usize) -> (usize, usize) {
        let most = end - start;
        let Some(blocks) = &self.0 else { return (0, most) };
        let bits = blocks.bits(start, most);
        if bits == 0 {
            return (most, 0);
        }
        let first = bits.trailing_zeros() as usize;
        (first, 64 - bits.leading_zeros() as usize - first)
    }

    /// The first of the blocks that has rows.
    pub(super) fn first(&self, blocks: Range<usize>) -> Option<usize> {
        let has_rows = |block: &usize| self.0.as_ref().is_none_or(|set| set.contains(*block as Row));
        blocks.into_iter().find(has_rows)
    }
}

/// A score that `k` rows are known to reach, raised by all threads.
#[derive(Debug)]
pub(super) struct Threshold(AtomicU32);

impl Threshold {
    fn new() -> Self {
        Self(AtomicU32::new(ordered(f32::NEG_INFINITY)))
    }

    pub(super) fn get(&self) -> f32 {
        from_ordered(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn raise(&self, score: f32) {
        self.0.fetch_max(ordered(score), Ordering::Relaxed);
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
    pub(super) stop: &'a Stop<'a>,
}

impl Shared<'_> {
    pub(super) fn query(&self, query: usize) -> &[f32] {
        &self.request.queries[query * self.request.dim..][..self.request.dim]
    }

    /// The part of a row of the index, and its number there.
    pub(super) fn locate(&self, row: Row) -> (&Prepared<'_>, usize) {
        let part = &self.parts[self.parts.partition_point(|part| part.part.base <= row) - 1];
        (part, (row - part.part.base) as usize)
    }
}

/// What one thread has found for one query.
#[derive(Debug)]
pub(super) struct State {
    pub(super) top: TopK,
    /// Rows that will probably be among the best, to be looked at in a moment.
    pub(super) likely: Vec<Pending>,
    pub(super) pending: Vec<Pending>,
    pub(super) candidates: Shortlist,
    pub(super) work: Work,
}

impl State {
    /// Keeps the best `k` of so many rows, and so many candidates.
    pub(super) fn new(k: usize, rows: usize, candidates: usize) -> Self {
        Self {
            top: TopK::new(k, rows),
            likely: Vec::new(),
            pending: Vec::new(),
            candidates: Shortlist::new(candidates),
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
        stop,
    };
    let tasks: Vec<Task> = shared
        .parts
        .iter()
        .enumerate()
        .flat_map(|(i, part)| part.tasks(i, dim, request.queries.len()))
        .collect();
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
    certified::finish(&shared, &mut merged)?;
    estimated::finish(&shared, &mut merged)?;
    stop.check()?;

    let mut work = Work::default();
    merged.iter().for_each(|state| work.add(state.work));
    let parts_by = |way: Way| shared.parts.iter().filter(|part| part.way == way).count() as u64;
    (work.certified_parts, work.estimated_parts) = (parts_by(Way::Certify), parts_by(Way::Estimate));
    Ok(Found { hits: merged.into_iter().map(|state| state.top.into_sorted()).collect(), work })
}

#[cfg(test)]
mod tests {
    use super::super::codes::Codes;
    use super::super::codes::tests::{adversarial, codes_of};
    use super::*;
    use crate::simd::inner_products;
    use proptest::prelude::*;

    /// The definition: score everything, sort, cut.
    fn by_sorting(values: &[f32], flags: &[bool], queries: &[f32], dim: usize, k: usize) -> Vec<Vec<Hit>> {
        let best = |query: &[f32]| {
            let mut scores = vec![0.0; flags.len()];
            inner_products(Level::best(), values, query, dim, &mut scores);
            let hit = |row: usize| Hit { score: scores[row], row: row as Row };
            let mut hits: Vec<Hit> = (0..flags.len()).filter(|&row| flags[row]).map(hit).collect();
            hits.sort_by(|a, b| b.cmp(a));
            hits.truncate(k);
            hits
        };
        queries.chunks_exact(dim).map(best).collect()
    }

    fn bits(hits: &[Vec<Hit>]) -> Vec<Vec<(u32, Row)>> {
        hits.iter().map(|hits| hits.iter().map(|hit| (hit.score.to_bits(), hit.row)).collect()).collect()
    }

    /// Two parts, the second with fewer codes than rows.
    fn case() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>, Vec<bool>, usize)> {
        (prop_oneof![1usize..20, 100usize..140], 64usize..700, 1usize..7).prop_flat_map(|(dim, n, q)| {
            let share = prop_oneof![Just(1.0), Just(0.5), Just(0.1), Just(0.02)];
            let scattered =
                share.prop_flat_map(move |share| prop::collection::vec(prop::bool::weighted(share), n));
            let piece = (0..n, 1..40usize).prop_map(move |(start, length)| {
                (0..n).map(|row| (start..start + length).contains(&row)).collect::<Vec<bool>>()
            });
            let flags = prop_oneof![scattered, piece];
            (Just(dim), adversarial(dim, n), adversarial(dim, q), flags, 0..n)
        })
    }

    proptest! {
        #[test]
        fn equals_a_full_sort_for_any_split_filter_codes_and_threads(
            (dim, values, queries, flags, cut) in case(), k in 1usize..20, threads in 1usize..4,
        ) {
            // The second part begins at a word of the filter or in the middle of one.
            let (left, right) = values.split_at(cut * dim);
            let allowed = RowSet::from_flags(&flags);
            let filters = [allowed.slice(0, cut), allowed.slice(cut, flags.len() - cut)];
            let codes: [Codes; 2] = [codes_of(left, dim), codes_of(right, dim)];
            let expected = by_sorting(&values, &flags, &queries, dim, k);
            for precision in [Precision::Full, Precision::Exact, Precision::Fast { oversample: 1e9 }] {
                let part = |i: usize, values, base| Part {
                    values, codes: Some(codes[i].view()), base, allowed: Some(&filters[i]),
                };
                let parts = [part(0, left, 0), part(1, right, cut as Row)];
                let request = Request { queries: &queries, dim, k, precision, threads };
                let found = search_in(&parts, &request, &Stop::never()).unwrap();
                // An estimate that is no proof may miss a row whatever is asked for; among those
                // that it does score, order and scores are right.
                if let Precision::Fast { .. } = precision {
                    for (found, expected) in found.hits.iter().zip(&expected) {
                        prop_assert_eq!(found.len(), expected.len());
                        prop_assert!(found.is_sorted_by(|a, b| a > b));
                    }
                } else {
                    prop_assert_eq!(bits(&found.hits), bits(&expected), "{:?}", precision);
                }
            }
        }
    }

    fn waves(n: usize, dim: usize) -> Vec<f32> {
        let values = (0..n * dim).map(|i| ((i * 7919 % 10_007) as f32 / 5_003.0 - 1.0).powi(3));
        let mut values: Vec<f32> = values.collect();
        values.chunks_mut(dim).enumerate().for_each(|(row, values)| values[row % 7] += (row % 13) as f32);
        values
    }

    #[test]
    fn large_searches_are_split_and_agree() {
        let (dim, n) = (64, 20_000);
        let values = waves(n, dim);
        let (codes, queries) = (codes_of(&values, dim), &values[..8 * dim]);
        let parts = [Part { values: &values, codes: Some(codes.view()), base: 0, allowed: None }];
        let expected = by_sorting(&values, &vec![true; n], queries, dim, 10);
        for threads in [1, 2, 3, 9] {
            for precision in [Precision::Full, Precision::Exact] {
                let request = Request { queries, dim, k: 10, precision, threads };
                let found = search(&parts, &request, &Stop::never()).unwrap();
                assert_eq!(bits(&found.hits), bits(&expected));
                assert_eq!(found.work.level() == "codes", precision == Precision::Exact);
            }
            let request =
                Request { queries, dim, k: 10, precision: Precision::Fast { oversample: 20.0 }, threads };
            let found = search(&parts, &request, &Stop::never()).unwrap();
            let alone = search(&parts, &Request { threads: 1, ..request }, &Stop::never()).unwrap();
            assert_eq!(bits(&found.hits), bits(&alone.hits));
        }
    }

    #[test]
    fn a_search_says_what_it_did() {
        let (dim, n) = (64, 20_000);
        let values = waves(n, dim);
        let codes = codes_of(&values, dim);
        let search = |precision, share: usize| {
            let allowed = RowSet::from_flags(&(0..n).map(|row| row % share == 0).collect::<Vec<_>>());
            let parts =
                [Part { values: &values, codes: Some(codes.view()), base: 0, allowed: Some(&allowed) }];
            let request = Request { queries: &values[..dim], dim, k: 5, precision, threads: 2 };
            search(&parts, &request, &Stop::never()).unwrap().work
        };
        let exact = search(Precision::Exact, 1);
        assert_eq!((exact.scanned, exact.gathered, exact.level()), (n as u64, 0, "codes"));
        assert!((5..2000).contains(&exact.rescored), "{exact:?}");
        assert!(exact.rescored <= exact.passed);
        let full = search(Precision::Full, 1);
        assert_eq!((full.scanned, full.passed, full.level()), (n as u64, 0, "f32"));
        let few = search(Precision::Exact, 200);
        assert_eq!((few.scanned, few.gathered, few.level()), (0, 100, "gather"));
    }

    #[test]
    fn a_search_ends_when_it_is_told_to() {
        let values = waves(20_000, 64);
        let parts = [Part { values: &values, codes: None, base: 0, allowed: None }];
        let request =
            Request { queries: &values[..64], dim: 64, k: 5, precision: Precision::Exact, threads: 2 };
        let stop = || true;
        assert!(matches!(search(&parts, &request, &Stop::when(&stop)), Err(crate::Error::Interrupted)));
    }

    #[test]
    fn thresholds_are_ordered_as_scores_are() {
        let threshold = Threshold::new();
        assert_eq!(threshold.get().to_bits(), f32::NEG_INFINITY.to_bits());
        for (raised, then) in
            [(-2.0, -2.0), (-3.0, -2.0), (-0.5, -0.5), (0.0, 0.0), (1e-40, 1e-40), (-1.0, 1e-40), (7.0, 7.0)]
        {
            threshold.raise(raised);
            assert_eq!(threshold.get().to_bits(), f32::to_bits(then));
        }
    }
}
