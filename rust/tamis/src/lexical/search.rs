//! BM25 top-k in windows of rows: a sum for each row of the window, to which each term adds what
//! its postings are worth; most of them need not be read for the best few.
//!
//! What an occurrence weighs, by its frequency and the length of its row, is a number of 32 bits in a
//! table; times a term's factor, again one of 32 bits, it is what a posting is worth. The factors'
//! scale is such that no sum overflows. Integer sums are associative: a score has the same bits for any order
//! of terms, any cut into parts, and whatever was left out. Statistics span all parts and leave
//! deleted rows out, so scores do not depend on how the rows are split either.
//!
//! With [`Evaluation::Pruned`] the terms of a window are ordered by the most that a posting of
//! theirs can be worth there. Those whose sum cannot reach the best `k` are only asked about rows
//! that others have brought up (`MaxScore`, Turtle and Flood 1995, by windows). What is left out
//! is proven to be out: both strategies give the same hits to the last bit.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::Analyzer;
use super::bm25::Bm25;
use super::bounds::PairWeights;
use super::lengths::{Each, Length, Lengths};
use super::lists::{BLOCK, Block, List};
use super::plan::Plan;
use super::postings::Postings;
use super::query::Query;
use super::schema::Schema;
use crate::Result;
use crate::filter::RowSet;
use crate::hit::{Hit, Row, Shortlist, TopK};
use crate::simd::{Level, MASKED, keep_above};

/// An inverted index over rows that follow one another.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// Its postings, rows counted from the part's first.
    pub postings: &'a Postings<'a>,
    /// The row number of the first.
    pub base: Row,
    /// Rows that are not deleted; `None` is all. They make the statistics.
    pub alive: Option<&'a Alive>,
    /// Rows that may be found; `None` is all.
    pub allowed: Option<&'a RowSet>,
}

/// The rows of a part that are not deleted, and how many of them hold a term, once that was asked.
#[derive(Debug)]
pub struct Alive {
    rows: RowSet,
    count: usize,
    frequencies: Mutex<FxHashMap<u64, u64>>,
}

impl Alive {
    /// Of these rows.
    pub fn new(rows: RowSet) -> Self {
        Self { count: rows.count(), rows, frequencies: Mutex::default() }
    }

    /// The rows.
    pub fn rows(&self) -> &RowSet {
        &self.rows
    }

    fn count(&self, list: &List<'_>) -> u64 {
        let mut count = 0;
        let is_alive = |row: &&Row| (**row as usize) < self.rows.len() && self.rows.contains(**row);
        list.each_block(|block| count += block.rows().iter().filter(is_alive).count() as u64);
        count
    }

    /// How many rows hold the term of this number, whose list this is.
    fn frequency(&self, id: u64, list: &List<'_>) -> u64 {
        let known = || self.frequencies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frequency) = known().get(&id) {
            return *frequency;
        }
        let frequency = self.count(list);
        known().insert(id, frequency);
        frequency
    }
}

/// What BM25 knows about all rows together, deleted ones left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The number of rows.
    pub rows: u64,
    /// The sum of their lengths in terms.
    pub total_length: u64,
    /// No row is longer, nor any that was deleted.
    pub longest: u32,
}

impl Statistics {
    /// Counts in another part's rows.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            total_length: self.total_length + other.total_length,
            longest: self.longest.max(other.longest),
        }
    }

    /// The statistics of rows of these lengths, of which `alive` are not deleted.
    pub fn of(lengths: Lengths<'_>, alive: Option<&RowSet>) -> Self {
        let longest = lengths.longest();
        let Some(alive) = alive else {
            return Self { rows: lengths.len() as u64, total_length: lengths.total(), longest };
        };
        let none = Self { longest, ..Self::default() };
        let count = |sum: Self, row| Self {
            rows: sum.rows + 1,
            total_length: sum.total_length + u64::from(lengths.of(row)),
            ..sum
        };
        alive.rows().filter(|row| (*row as usize) < lengths.len()).fold(none, count)
    }
}

/// How the best rows are found. The answer is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Evaluation {
    /// Whichever is likely to be faster.
    #[default]
    Auto,
    /// Every posting of every term is read.
    Exhaustive,
    /// Terms and blocks are left out that cannot matter.
    Pruned,
    /// Only the rows that may be found are looked for in the lists.
    ByRow,
}

/// A formula, the statistics that it is used with, and what follows from both.
#[derive(Clone, Debug)]
pub struct Scorer {
    bm25: Bm25,
    rows: u64,
    average: f64,
    pairs: PairWeights,
    /// The weights of small frequencies, from 1, in rows of small lengths: so many a frequency.
    weights: Vec<u32>,
    lengths: usize,
}

impl Scorer {
    /// The lengths below this one have their weights in a table, at so many frequencies as make it
    /// this large.
    const LENGTHS: u32 = 8192;
    const WEIGHTS: u32 = 1 << 17;

    /// Of a formula and the statistics of all rows.
    pub fn new(bm25: Bm25, statistics: Statistics) -> Self {
        let average = statistics.total_length as f64 / statistics.rows as f64;
        let lengths = statistics.longest.saturating_add(1).min(Self::LENGTHS);
        let repeats = 0..(Self::WEIGHTS / lengths).min(64);
        let each = repeats.flat_map(|repeats| (0..lengths).map(move |length| (repeats, length)));
        let mut scorer = Self {
            bm25,
            rows: statistics.rows,
            average,
            pairs: PairWeights::new(|_, _| 0),
            weights: Vec::new(),
            lengths: lengths as usize,
        };
        scorer.weights = each.map(|(repeats, length)| scorer.compute(repeats, length)).collect();
        scorer.pairs = PairWeights::new(|frequency, length| scorer.compute(frequency - 1, length));
        scorer
    }

    /// What an occurrence and so many repeats weigh in a row of so many terms: a share of the most,
    /// in 32 bits.
    fn weight(&self, repeats: u32, length: u32) -> u32 {
        let place = repeats as usize * self.lengths + length as usize;
        let known = if (length as usize) < self.lengths { self.weights.get(place) } else { None };
        known.copied().unwrap_or_else(|| self.compute(repeats, length))
    }

    /// The same, where it is not in the table.
    #[cold]
    fn compute(&self, repeats: u32, length: u32) -> u32 {
        let weight = self.bm25.weight(repeats.saturating_add(1), length, self.average);
        to_fixed(weight / self.bm25.most() * f64::from(u32::MAX))
    }

    /// The number of rows, deleted ones left out.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// Hits of which a heap keeps track: so many that the worst of them is known at every moment.
const FEW: usize = 100;

/// Rows summed at a time. Fewer would fit the first-level cache, more need fewer rounds.
const WINDOW: usize = 16384;

/// It is cheaper to add up a list in a window than to ask it about this many rows a block and more.
const DENSE: usize = 8;

/// What a search adds up: a term of the query, or several that count as one.
pub(super) struct Term<'a> {
    /// Its list in each part.
    lists: Vec<Option<List<'a>>>,
    /// How many rows that are alive hold it.
    df: u64,
    /// How often the query repeats it.
    weight: f64,
}

impl<'a> Term<'a> {
    /// The terms of a query with what each counts; some may be repeated.
    pub(super) fn of_all(parts: &[&Part<'a>], mut terms: Vec<(&str, f64)>) -> Vec<Self> {
        terms.sort_unstable_by_key(|(term, _)| *term);
        let one = |run: &[(&str, f64)]| {
            let find = |part: &&Part<'a>| {
                let id = part.postings.find(run[0].0)?;
                Some((id, part.postings.list(id)?))
            };
            let found: Vec<_> = parts.iter().map(find).collect();
            let df = parts.iter().zip(&found).map(|(part, found)| frequency_of(part, found.as_ref())).sum();
            let lists = found.into_iter().map(|found| found.map(|(_, list)| list)).collect();
            Self { lists, df, weight: run.iter().map(|(_, weight)| weight).sum() }
        };
        terms.chunk_by(|a, b| a.0 == b.0).map(one).collect()
    }

    /// Lists that were made for this search.
    pub(super) fn made(parts: &[&Part<'a>], lists: Vec<Option<List<'a>>>, weight: f64) -> Self {
        let alive = |(part, list): (&&Part<'a>, &Option<List<'a>>)| {
            let list = list.as_ref()?;
            Some(part.alive.map_or(list.len as u64, |alive| alive.count(list)))
        };
        let df = parts.iter().zip(&lists).filter_map(alive).sum();
        Self { lists, df, weight }
    }
}

/// A term that some row holds.
struct Asked<'a> {
    term: Term<'a>,
    /// idf, times what the term counts.
    factor: f64,
}

/// The best `k` rows for a query, best first: rows that hold at least one of its terms, meet its
/// conditions, and score above 0. The rows of the parts do not overlap.
///
/// # Errors
/// [`Error::InvalidInput`](crate::Error::InvalidInput) for a phrase or a field where the parts keep
/// no positions.
pub fn search(
    parts: &[Part<'_>],
    query: &Query,
    (analyzer, schema): (&Analyzer, &Schema),
    scorer: &Scorer,
    k: usize,
    evaluation: Evaluation,
) -> Result<Vec<Hit>> {
    let sorted = sorted(parts);
    let mut plan = Plan::new(query, &sorted, analyzer, schema)?;
    let filters = plan.take_filters();
    let mut allowed: Vec<RowSet> = Vec::new();
    for (part, filter) in sorted.iter().zip(filters.into_iter().flatten()) {
        allowed.push(part.allowed.map_or_else(|| filter.clone(), |allowed| filter.and(allowed)));
    }
    let mut filtered: Vec<Part<'_>> = sorted.iter().map(|part| **part).collect();
    filtered.iter_mut().zip(&allowed).for_each(|(part, allowed)| part.allowed = Some(allowed));
    let filtered: Vec<&Part<'_>> = filtered.iter().collect();
    let terms = plan.terms(&filtered);
    Ok(best(&filtered, terms, scorer, k, evaluation))
}

/// The rows of each part that a query's conditions let through; `None` if it has none.
///
/// # Errors
/// As [`search`].
pub fn matching(
    parts: &[Part<'_>],
    query: &Query,
    analyzer: &Analyzer,
    schema: &Schema,
) -> Result<Option<Vec<RowSet>>> {
    if !query.is_strict() {
        return Ok(None);
    }
    let parts: Vec<&Part<'_>> = parts.iter().collect();
    Ok(Plan::new(query, &parts, analyzer, schema)?.take_filters())
}

/// Of equal hits the lower row is better: in this order, a later one need not be looked at.
fn sorted<'p, 'a>(parts: &'p [Part<'a>]) -> Vec<&'p Part<'a>> {
    let mut parts: Vec<&Part<'_>> = parts.iter().collect();
    parts.sort_unstable_by_key(|part| part.base);
    parts
}

fn best(
    parts: &[&Part<'_>],
    terms: Vec<Term<'_>>,
    scorer: &Scorer,
    k: usize,
    evaluation: Evaluation,
) -> Vec<Hit> {
    let held = terms.into_iter().filter(|term| term.df > 0);
    let asked = held.map(|term| Asked { factor: scorer.bm25.idf(scorer.rows, term.df) * term.weight, term });
    let asked: Vec<Asked<'_>> = asked.collect();
    if asked.is_empty() || k == 0 {
        return Vec::new();
    }
    let scale = scale_of(&asked, &scorer.bm25);
    let postings: u64 = asked.iter().map(|asked| asked.term.df).sum();
    let way = match evaluation {
        Evaluation::Auto => cheapest(parts, postings, scorer.rows, k),
        forced => forced,
    };
    let mut best = Best::new(k, scorer.rows as usize, scale);
    // Out of its place: a panic leaves no sums behind.
    let mut scratch = SCRATCH.take();
    scratch.sums.resize(WINDOW, 0);
    for (i, part) in parts.iter().enumerate() {
        let lengths = part.postings.lengths();
        let cursors = asked.iter().filter_map(|asked| {
            let list = asked.term.lists[i]?;
            Some(Cursor::new(list, Worth::new(asked.factor * scale, scorer, lengths)))
        });
        let mut cursors: Vec<Cursor<'_>> = cursors.collect();
        match lengths.each() {
            Each::Bytes(each) => search_part(way, part, each, &mut cursors, &mut scratch, &mut best),
            Each::Short(each) => search_part(way, part, each, &mut cursors, &mut scratch, &mut best),
            Each::Long(each) => search_part(way, part, each, &mut cursors, &mut scratch, &mut best),
        }
    }
    SCRATCH.set(scratch);
    best.into_sorted()
}

/// What is likely to be the fastest way to the best `k` rows by so many postings; measured.
fn cheapest(parts: &[&Part<'_>], postings: u64, rows: u64, k: usize) -> Evaluation {
    /// Where no more than one row of so many may be found, the others are not worth a sum.
    const FEW_ROWS: u64 = 32;
    let allowed = |part: &&Part<'_>| match (part.allowed, part.alive) {
        (None, _) => part.postings.lengths().len(),
        (Some(allowed), Some(alive)) if std::ptr::eq(allowed, alive.rows()) => alive.count,
        (Some(allowed), _) => allowed.count(),
    };
    let allowed: usize = parts.iter().map(allowed).sum();
    if FEW_ROWS * allowed as u64 <= rows {
        Evaluation::ByRow
    } else if k > FEW || 4 * postings <= rows || rows < 8 * WINDOW as u64 {
        // Few windows leave nothing to learn from one for the next.
        Evaluation::Exhaustive
    } else {
        Evaluation::Pruned
    }
}

/// The power of two that scores are multiplied by: the largest that leaves the greatest sum below
/// 2^31, so that rounding cannot make it overflow.
fn scale_of(asked: &[Asked<'_>], bm25: &Bm25) -> f64 {
    let most: f64 = asked.iter().map(|asked| asked.factor * bm25.most() + f64::MIN_POSITIVE).sum();
    (31.0 - most.log2()).floor().min(1000.0).exp2()
}

/// How many rows of a part that are alive hold a term.
pub fn document_frequency(part: &Part<'_>, term: &str) -> u64 {
    let id = part.postings.find(term);
    frequency_of(part, id.and_then(|id| Some((id, part.postings.list(id)?))).as_ref())
}

fn frequency_of(part: &Part<'_>, found: Option<&(u64, List<'_>)>) -> u64 {
    let Some((id, list)) = found else { return 0 };
    part.alive.map_or(list.len as u64, |alive| alive.frequency(*id, list))
}

/// The best hits so far.
struct Best {
    kept: Kept,
    scale: f64,
    /// A sum that is no greater cannot enter with a row above all those that were offered.
    floor: u32,
}

enum Kept {
    Few(TopK),
    Many(Shortlist),
}

impl Best {
    fn new(k: usize, rows: usize, scale: f64) -> Self {
        let kept =
            if k > FEW { Kept::Many(Shortlist::new(k.min(rows))) } else { Kept::Few(TopK::new(k, rows)) };
        Self { kept, scale, floor: 0 }
    }

    fn push(&mut self, sum: u32, row: Row) {
        if sum <= self.floor {
            return;
        }
        let hit = Hit { score: (f64::from(sum) * (1.0 / self.scale)) as f32, row };
        let least = match &mut self.kept {
            Kept::Few(top) => {
                top.push(hit);
                top.least().unwrap_or(0.0)
            }
            Kept::Many(list) => {
                list.push(hit);
                list.least().max(0.0)
            }
        };
        self.floor = (f64::from(least) * self.scale) as u32;
    }

    fn into_sorted(self) -> Vec<Hit> {
        match self.kept {
            Kept::Few(top) => top.into_sorted(),
            Kept::Many(list) => list.into_sorted(),
        }
    }
}

/// What is kept between searches: memory.
#[derive(Default)]
struct Scratch {
    /// A sum for each row of a window, 0 between windows.
    sums: Vec<u32>,
    candidates: Vec<(u32, u32)>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What a term's postings are worth.
#[derive(Clone, Copy)]
struct Worth<'a> {
    /// The worth of the greatest weight.
    factor: u64,
    scorer: &'a Scorer,
    lengths: Lengths<'a>,
}

impl<'a> Worth<'a> {
    /// Of a term of this factor, the scale included.
    fn new(factor: f64, scorer: &'a Scorer, lengths: Lengths<'a>) -> Self {
        Self { factor: u64::from(to_fixed(factor * scorer.bm25.most())), scorer, lengths }
    }

    #[inline(always)]
    fn of_weight(self, weight: u32) -> u32 {
        ((u64::from(weight) * self.factor + (1 << 31)) >> 32) as u32
    }

    /// Of an occurrence and so many repeats.
    fn of(self, repeats: u32, row: Row) -> u32 {
        self.of_weight(self.scorer.weight(repeats, self.lengths.of(row)))
    }

    /// Adds postings to the sums of the window that begins at `start`, up to the first that lies
    /// outside or whose weight is in no table; gives how many.
    #[inline]
    fn add<L: Length>(
        self,
        rows: &[Row],
        repeats: &[u32],
        start: Row,
        lengths: &[L],
        sums: &mut [u32],
    ) -> usize {
        let (weights, stride) = (self.scorer.weights.as_slice(), self.scorer.lengths);
        let known = stride.min(L::MARK as usize);
        let lengths = &lengths[..sums.len()];
        for (i, (row, repeats)) in rows.iter().zip(repeats).enumerate() {
            let place = row.wrapping_sub(start) as usize;
            let (Some(sum), Some(length)) = (sums.get_mut(place), lengths.get(place)) else { return i };
            let length = length.get() as usize;
            let Some(weight) = weights.get(*repeats as usize * stride + length) else { return i };
            if length >= known {
                return i;
            }
            *sum = sum.wrapping_add(self.of_weight(*weight));
        }
        rows.len()
    }

    /// The most that a posting of no greater weight is worth.
    fn bound(self, weight: u32) -> u32 {
        // Rounding may undo the order of weights in the last bit.
        self.of_weight(weight.saturating_add(1)).saturating_add(1)
    }
}

/// The nearest whole number of one that is not negative.
#[inline(always)]
fn to_fixed(number: f64) -> u32 {
    (number + 0.5) as u32
}

/// A term's list, and where a search is in it.
struct Cursor<'a> {
    list: List<'a>,
    worth: Worth<'a>,
    /// The block that is decoded, and the next posting in it.
    block: usize,
    postings: Block,
    at: usize,
    /// The most that a posting of each block is worth.
    bounds: Vec<u32>,
    /// The last row of the last block, if that is none of the full ones.
    last: Row,
    /// The first block that may have rows of the window.
    first: usize,
    /// The most that a posting in the window is worth.
    bound: u32,
}

impl<'a> Cursor<'a> {
    fn new(list: List<'a>, worth: Worth<'a>) -> Self {
        let mut cursor = Self {
            list,
            worth,
            block: usize::MAX,
            postings: Block::default(),
            at: 0,
            bounds: Vec::new(),
            last: 0,
            first: 0,
            bound: 0,
        };
        cursor.load(0);
        cursor
    }

    fn load(&mut self, block: usize) {
        if self.block != block {
            self.block = block;
            self.list.decode(block, &mut self.postings);
        }
        self.at = 0;
    }

    /// The next row, if there is one.
    fn row(&self) -> Option<Row> {
        self.postings.rows().get(self.at).copied()
    }

    /// Goes to the next block if this one is done.
    fn turn(&mut self) {
        if self.at >= self.postings.rows().len() && self.block < self.list.blocks() {
            self.load(self.block + 1);
        }
    }

    /// Finds out what the postings of each block are worth at most.
    fn bind(&mut self) {
        let pairs = &self.worth.scorer.pairs;
        let full = 0..self.list.full_blocks();
        let bounds = full.map(|block| self.worth.bound(pairs.most(self.list.header(block).pairs)));
        self.bounds = bounds.collect();
        if self.list.blocks() > self.bounds.len() {
            let mut rest = Block::default();
            self.list.decode(self.bounds.len(), &mut rest);
            let postings = rest.rows().iter().zip(rest.repeats());
            let most = postings.map(|(row, repeats)| self.worth.of(*repeats, *row)).max();
            self.bounds.push(most.unwrap_or(0));
            self.last = rest.rows().last().copied().unwrap_or(0);
        }
    }

    fn last_of(&self, block: usize) -> Row {
        if block < self.list.full_blocks() { self.list.header(block).last } else { self.last }
    }

    /// Sets the bound of the postings from `start` to `end`, which no window before has passed;
    /// gives the number of blocks that may have some.
    fn enter(&mut self, start: Row, end: Row) -> usize {
        while self.first < self.bounds.len() && self.last_of(self.first) < start {
            self.first += 1;
        }
        self.bound = 0;
        let mut block = self.first;
        while block < self.bounds.len() && (block == self.first || self.last_of(block - 1) < end - 1) {
            self.bound = self.bound.max(self.bounds[block]);
            block += 1;
        }
        block - self.first
    }

    /// Goes to the first posting of the window that was entered, or behind it.
    fn seek(&mut self, start: Row) {
        if self.block < self.first {
            self.load(self.first);
        }
        let rows = &self.postings.rows()[self.at..];
        self.at += rows.partition_point(|row| *row < start);
        self.turn();
    }

    /// The most that the term is worth in a row of the window, above all those that were asked about.
    fn most(&mut self, row: Row) -> u32 {
        while self.first < self.bounds.len() && self.last_of(self.first) < row {
            self.first += 1;
        }
        self.bounds.get(self.first).copied().unwrap_or(0)
    }

    /// What the term is worth in the row for which the most was just asked.
    fn ask(&mut self, row: Row) -> u32 {
        if self.block < self.first {
            self.load(self.first);
        }
        self.find(row)
    }

    /// Passes all postings, and adds up those of the rows that may be found; these are the
    /// candidates.
    fn meet(&mut self, allowed: Option<&RowSet>, candidates: &mut [(Row, u32)]) {
        let mut rest = candidates.iter_mut();
        let Some(mut next) = rest.next() else { return };
        let words = allowed.map(RowSet::words);
        let mut places = [0u8; BLOCK];
        for block in 0..self.list.blocks() {
            self.load(block);
            let rows = self.postings.rows();
            let mut met = 0;
            for (place, row) in (0..).zip(rows) {
                let word = |words: &[u64]| words.get(*row as usize / 64).copied().unwrap_or(0);
                let is_allowed = words.map_or(1, |words| word(words) >> (row % 64) & 1);
                places[met % BLOCK] = place;
                met += is_allowed as usize;
            }
            for place in &places[..met] {
                let row = rows[*place as usize];
                while next.0 < row {
                    let Some(further) = rest.next() else { return };
                    next = further;
                }
                if next.0 == row {
                    let worth = self.worth.of(self.postings.repeats()[*place as usize], row);
                    next.1 = next.1.saturating_add(worth);
                }
            }
        }
    }

    /// What the term is worth in a row that comes after all those that were looked for.
    fn look_for(&mut self, row: Row) -> u32 {
        let full = self.list.full_blocks();
        let is_before = |block: usize| block < full && self.list.header(block).last < row;
        if is_before(self.block) {
            // In steps that double, and then between the last two.
            let (mut passed, mut step) = (self.block, 1);
            while is_before(passed + step) {
                passed += step;
                step *= 2;
            }
            let (mut start, mut end) = (passed + 1, passed + step);
            while start < end {
                let middle = start + (end - start) / 2;
                if is_before(middle) { start = middle + 1 } else { end = middle }
            }
            if start >= self.list.blocks() {
                return 0;
            }
            self.load(start);
        }
        self.find(row)
    }

    /// What the term is worth in a row of this block, or of none.
    fn find(&mut self, row: Row) -> u32 {
        let rows = &self.postings.rows()[self.at..];
        self.at += rows.partition_point(|other| *other < row);
        if self.row() == Some(row) {
            return self.worth.of(self.postings.repeats()[self.at], row);
        }
        0
    }

    /// Adds the postings of a window to its sums; it begins at `start` and has rows of these lengths.
    fn add<L: Length>(&mut self, start: Row, lengths: &[L], sums: &mut [u32]) {
        loop {
            let rows = &self.postings.rows()[self.at..];
            let repeats = &self.postings.repeats()[self.at..];
            self.at += self.worth.add(rows, repeats, start, lengths, sums);
            let Some(row) = self.row() else {
                if self.block >= self.list.blocks() {
                    return;
                }
                self.turn();
                continue;
            };
            let Some(sum) = sums.get_mut(row.wrapping_sub(start) as usize) else { return };
            *sum = sum.wrapping_add(self.worth.of(self.postings.repeats()[self.at], row));
            self.at += 1;
        }
    }
}

/// Reads every posting of a part, or what may matter.
fn search_part<L: Length>(
    way: Evaluation,
    part: &Part<'_>,
    lengths: &[L],
    cursors: &mut [Cursor<'_>],
    scratch: &mut Scratch,
    best: &mut Best,
) {
    match way {
        Evaluation::ByRow => by_row(part, cursors, scratch, best),
        Evaluation::Pruned => pruned(part, lengths, cursors, scratch, best),
        Evaluation::Auto | Evaluation::Exhaustive => all(part, lengths, cursors, scratch, best),
    }
}

/// Looks for the rows that may be found, and reads the blocks that have them.
fn by_row(part: &Part<'_>, cursors: &mut [Cursor<'_>], scratch: &mut Scratch, best: &mut Best) {
    /// To look for a row in a list costs as much as to pass so many of its postings; measured.
    const LOOKED_FOR: usize = 8;
    let end = part.postings.lengths().len();
    let candidates = &mut scratch.candidates;
    candidates.clear();
    match part.allowed {
        Some(allowed) => candidates.extend(allowed.rows().map(|row| (row, 0))),
        None => candidates.extend((0..end as Row).map(|row| (row, 0))),
    }
    for cursor in cursors {
        if cursor.list.len <= LOOKED_FOR * candidates.len() {
            cursor.meet(part.allowed, candidates);
            continue;
        }
        for (row, sum) in candidates.iter_mut() {
            *sum = sum.saturating_add(cursor.look_for(*row));
        }
    }
    for (row, sum) in &*candidates {
        best.push(*sum, part.base + row);
    }
}

/// Reads every posting.
fn all<L: Length>(
    part: &Part<'_>,
    lengths: &[L],
    cursors: &mut [Cursor<'_>],
    scratch: &mut Scratch,
    best: &mut Best,
) {
    while let Some(next) = cursors.iter().filter_map(Cursor::row).min() {
        // A damaged list may have rows that are none.
        if next as usize >= lengths.len() {
            return;
        }
        let start = next as usize / WINDOW * WINDOW;
        let end = lengths.len().min(start + WINDOW);
        let sums = &mut scratch.sums[..end - start];
        for cursor in &mut *cursors {
            cursor.add(start as Row, &lengths[start..end], sums);
        }
        take_above(part, start, best.floor, sums, |row, sum| {
            best.push(sum, part.base + row);
            best.floor
        });
    }
}

/// Reads what may matter.
fn pruned<L: Length>(
    part: &Part<'_>,
    lengths: &[L],
    cursors: &mut [Cursor<'_>],
    scratch: &mut Scratch,
    best: &mut Best,
) {
    cursors.iter_mut().for_each(Cursor::bind);
    let mut blocks = vec![0; cursors.len()];
    let mut order: Vec<usize> = (0..cursors.len()).collect();
    for start in (0..lengths.len()).step_by(WINDOW) {
        let end = lengths.len().min(start + WINDOW);
        for (cursor, blocks) in cursors.iter_mut().zip(&mut blocks) {
            *blocks = cursor.enter(start as Row, end as Row);
        }
        order.sort_unstable_by_key(|&i| cursors[i].bound);
        let floor = best.floor;
        // What the terms that need not be read can add to a row together.
        let (mut left_out, mut rest) = (0, 0);
        while let Some(&i) = order.get(left_out)
            && cursors[i].bound.saturating_add(rest) <= floor
        {
            rest += cursors[i].bound;
            left_out += 1;
        }
        if left_out == order.len() {
            continue;
        }
        let (lengths, sums) = (&lengths[start..end], &mut scratch.sums[..end - start]);
        for &i in &order[left_out..] {
            cursors[i].seek(start as Row);
            cursors[i].add(start as Row, lengths, sums);
        }
        let candidates = &mut scratch.candidates;
        let least = floor - rest.min(floor);
        candidates.clear();
        take_above(part, start, least, sums, |row, sum| {
            candidates.push((row, sum));
            least
        });
        for &i in order[..left_out].iter().rev() {
            let cursor = &mut cursors[i];
            rest -= cursor.bound;
            if cursor.bound == 0 || candidates.is_empty() {
                continue;
            }
            if candidates.len() > DENSE * (blocks[i] + 16) {
                cursor.seek(start as Row);
                cursor.add(start as Row, lengths, sums);
                candidates
                    .iter_mut()
                    .for_each(|(row, sum)| *sum = sum.saturating_add(sums[*row as usize - start]));
                sums.fill(0);
                candidates.retain(|(_, sum)| sum.saturating_add(rest) > floor);
            } else {
                candidates.retain_mut(|(row, sum)| {
                    let is_possible = sum.saturating_add(cursor.most(*row)).saturating_add(rest) > floor;
                    if is_possible {
                        *sum = sum.saturating_add(cursor.ask(*row));
                    }
                    is_possible && sum.saturating_add(rest) > floor
                });
            }
        }
        for (row, sum) in &*candidates {
            best.push(*sum, part.base + row);
        }
    }
}

/// Calls `found` with each row of the window that begins at `start` that may be found and has a sum
/// above the floor, which it then sets anew, and clears all sums.
fn take_above(
    part: &Part<'_>,
    start: usize,
    mut floor: u32,
    sums: &mut [u32],
    mut found: impl FnMut(Row, u32) -> u32,
) {
    /// Chunks that are looked at together: they are still in the cache when what was found is taken.
    const TOGETHER: usize = 32;
    let level = Level::best();
    let mut masks = [0; TOGETHER];
    let mut start = start;
    for some in sums.chunks_mut(TOGETHER * MASKED) {
        let (chunks, rest) = some.as_chunks_mut::<MASKED>();
        let masks = &mut masks[..chunks.len()];
        let mut any = keep_above(level, chunks, floor, masks);
        while any != 0 {
            let i = any.trailing_zeros() as usize;
            any &= any - 1;
            let first = start + i * MASKED;
            // A chunk begins where a word of the set does.
            let word = |allowed: &RowSet| allowed.words().get(first / MASKED).copied().unwrap_or(0);
            let mut mask = masks[i] & part.allowed.map_or(u64::MAX, word);
            while mask != 0 {
                let j = mask.trailing_zeros();
                mask &= mask - 1;
                let sum = chunks[i][j as usize];
                if sum > floor {
                    floor = found(first as Row + j, sum);
                }
            }
            chunks[i] = [0; MASKED];
        }
        start += chunks.len() * MASKED;
        for sum in rest {
            let row = start as Row;
            if *sum > floor && part.allowed.is_none_or(|allowed| allowed.contains(row)) {
                floor = found(row, *sum);
            }
            *sum = 0;
            start += 1;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::postings::{Builder, Frozen};
    use super::*;
    use crate::lexical::Analyzer;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Calls `f` with two indexes as parts of one, given which of all rows are alive, and which of
    /// these may be found.
    pub(in super::super) fn in_two_parts<T>(
        halves: &[Frozen; 2],
        alive: &[bool],
        allowed: &[bool],
        f: impl FnOnce(&[Part<'_>], Statistics) -> T,
    ) -> T {
        let views = halves.each_ref().map(Frozen::view);
        let n = views[0].lengths().len();
        let sets = |flags: &[bool]| [&flags[..n], &flags[n..]].map(RowSet::from_flags);
        let (alive, allowed) = (sets(alive).map(Alive::new), sets(allowed));
        let allowed = [0, 1].map(|i| allowed[i].and(alive[i].rows()));
        let part = |i: usize, base| Part {
            postings: &views[i],
            base,
            alive: Some(&alive[i]),
            allowed: Some(&allowed[i]),
        };
        let of = |i: usize| Statistics::of(views[i].lengths(), Some(alive[i].rows()));
        f(&[part(0, 0), part(1, n as Row)], of(0).plus(of(1)))
    }

    fn found(parts: &[Part<'_>], text: &str, scorer: &Scorer, k: usize, evaluation: Evaluation) -> Vec<Hit> {
        let analyzer = Analyzer::named("plain").unwrap();
        let meaning = (&analyzer, &Schema::default());
        search(parts, &Query::text(text), meaning, scorer, k, evaluation).unwrap()
    }

    fn frozen(texts: &[String]) -> Frozen {
        let analyzer = Analyzer::named("plain").unwrap();
        let mut builder = Builder::new(Schema::default());
        texts.iter().for_each(|text| builder.add(&analyzer, [text.as_str()]));
        builder.freeze().unwrap()
    }

    /// BM25 straight from its definition, over the texts that are alive.
    fn reference(texts: &[String], alive: &[bool], query: &[String], bm25: &Bm25) -> Vec<f64> {
        let docs: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
        let live = || docs.iter().zip(alive).filter(|(_, alive)| **alive).map(|(doc, _)| doc);
        let n = live().count() as u64;
        let avg_len = live().map(Vec::len).sum::<usize>() as f64 / n as f64;
        let dfs: Vec<u64> =
            query.iter().map(|term| live().filter(|doc| doc.contains(term)).count() as u64).collect();
        let of = |doc: &Vec<String>, term: &String, df: u64| {
            let tf = doc.iter().filter(|word| *word == term).count() as u32;
            if tf == 0 || df == 0 {
                return 0.0;
            }
            bm25.idf(n, df) * bm25.weight(tf, doc.len() as u32, avg_len)
        };
        docs.iter().map(|doc| query.iter().zip(&dfs).map(|(term, df)| of(doc, term, *df)).sum()).collect()
    }

    /// Texts, whether each is alive, and whether it may be found.
    fn corpus() -> impl proptest::strategy::Strategy<Value = Vec<(String, bool, bool)>> {
        let allowed = || prop_oneof![3 => Just(true), 1 => any::<bool>()];
        let few = prop::collection::vec(("[a-e ]{0,9}( [a-e]){0,5}", any::<bool>(), allowed()), 1..40);
        let alive = prop::bool::weighted(0.9);
        let many = prop::collection::vec(("[ab]( [a-e]){0,3}( [ab]){0,9}", alive, allowed()), 1..900);
        prop_oneof![few, many]
    }

    proptest! {
        #[test]
        fn equals_the_definition_for_any_split_deletions_and_strategy(
            docs in corpus(), query in prop::collection::vec("[a-f]{1,2}", 0..6),
            variant in prop::sample::select(&Bm25::NAMES[..]),
            k in prop_oneof![1usize..50, 1usize..5000],
            cut in any::<prop::sample::Index>(),
        ) {
            let (texts, (alive, allowed)): (Vec<String>, (Vec<bool>, Vec<bool>)) =
                docs.into_iter().map(|(text, alive, allowed)| (text, (alive, allowed))).unzip();
            let may_be_found: Vec<bool> = alive.iter().zip(&allowed).map(|(a, b)| *a && *b).collect();
            let bm25 = Bm25::new(variant, 1.2, 0.75).unwrap();
            let exact = reference(&texts, &alive, &query, &bm25);

            let run = |cut: usize, evaluation| {
                let halves = [frozen(&texts[..cut]), frozen(&texts[cut..])];
                in_two_parts(&halves, &alive, &allowed, |parts, statistics| {
                    found(parts, &query.join(" "), &Scorer::new(bm25, statistics), k, evaluation)
                })
            };
            let hits = run(cut.index(texts.len()), Evaluation::Exhaustive);
            prop_assert_eq!(&hits, &run(0, Evaluation::Exhaustive));
            prop_assert_eq!(&hits, &run(cut.index(texts.len()), Evaluation::Pruned));
            prop_assert_eq!(&hits, &run(0, Evaluation::Pruned));
            prop_assert_eq!(&hits, &run(cut.index(texts.len()), Evaluation::ByRow));
            prop_assert_eq!(&hits, &run(0, Evaluation::Auto));

            for hit in &hits {
                prop_assert!(may_be_found[hit.row as usize]);
                prop_assert!((f64::from(hit.score) - exact[hit.row as usize]).abs() < 1e-5);
            }
            let matching = exact.iter().zip(&may_be_found).filter(|(score, may)| **may && **score > 1e-9).count();
            prop_assert_eq!(hits.len(), matching.min(k));
            prop_assert!(hits.is_sorted_by(|a, b| a > b));
            let worst = hits.last().map_or(f64::INFINITY, |hit| f64::from(hit.score));
            for (row, score) in exact.iter().enumerate().filter(|(row, _)| may_be_found[*row] && hits.len() == k) {
                prop_assert!(*score <= worst + 1e-5 || hits.iter().any(|hit| hit.row as usize == row));
            }
        }
    }

    /// Rows enough for several windows, terms of all frequencies.
    fn large() -> Frozen {
        let mut state = 1u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let texts: Vec<String> = (0..50_000)
            .map(|_| {
                // Some longer than a byte can say.
                let n = if next(50) == 0 { 250 + next(50) } else { 1 + next(12) };
                let word = |_| {
                    let rarity = 1 << next(14);
                    format!("t{} ", next(rarity))
                };
                (0..n).map(word).collect()
            })
            .collect();
        frozen(&texts)
    }

    #[test]
    fn what_is_left_out_changes_nothing() {
        let index = large();
        let postings = index.view();
        let statistics = Statistics::of(postings.lengths(), None);
        let third: Vec<bool> = (0..50_000).map(|row| row % 3 == 0).collect();
        let third = RowSet::from_flags(&third);
        let few: Vec<bool> = (0..50_000).map(|row| row % 997 == 3).collect();
        let few = RowSet::from_flags(&few);
        for variant in Bm25::NAMES {
            let scorer = Scorer::new(Bm25::new(variant, 1.2, 0.75).unwrap(), statistics);
            for query in
                ["t0", "t0 t1", "t0 t1 t2 t3", "t900 t0", "t5000 t17 t3 t0 t0", "t8000 t8001 t44", "t1 none"]
            {
                for k in [1, 10, 100, 1000] {
                    for allowed in [None, Some(&third), Some(&few)] {
                        let parts = [Part { postings: &postings, base: 7, alive: None, allowed }];
                        let run = |evaluation| found(&parts, query, &scorer, k, evaluation);
                        let expected = run(Evaluation::Exhaustive);
                        // What more than half of the rows hold is worth nothing to robertson.
                        let is_few = allowed.is_some_and(|allowed| allowed.count() < 100);
                        assert!(!expected.is_empty() || variant == "robertson" || is_few);
                        for way in [Evaluation::Pruned, Evaluation::ByRow, Evaluation::Auto] {
                            assert_eq!(run(way), expected, "{variant} {query} {k} {way:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn sums_of_any_size_fit() {
        let index = frozen(&["a".into(), "a b".into(), "c".into()]);
        let postings = index.view();
        let parts = [Part { postings: &postings, base: 0, alive: None, allowed: None }];
        let scorer =
            |k1| Scorer::new(Bm25::new("atire", k1, 0.75).unwrap(), Statistics::of(postings.lengths(), None));
        for (k1, repeats) in [(1.2, 1), (1.2, 1_000_000), (1e4, 3), (0.0, 2)] {
            let query = "b ".repeat(repeats);
            let hits = found(&parts, &query, &scorer(k1), 3, Evaluation::Auto);
            assert_eq!(hits.len(), 1, "{k1} {repeats}");
            assert!(hits[0].score.is_finite() && hits[0].score > 0.0);
        }
    }
}
