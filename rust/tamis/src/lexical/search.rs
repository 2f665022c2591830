//! BM25 top-k in windows of rows: a sum for each row of the window, to which each term adds what
//! its postings are worth; most of them need not be read for the best few.
//!
//! Contributions are rounded to whole numbers in a scale that the query's terms determine, so that
//! no sum overflows 32 bits. Integer sums are associative: a score has the same bits for any order
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
use super::lengths::{Codes, Lengths};
use super::lists::{BLOCK, Block, List};
use super::plan::Plan;
use super::postings::Postings;
use super::query::Query;
use super::schema::Schema;
use crate::Result;
use crate::dense::simd::{Level, Plain, compiled_for};
use crate::filter::RowSet;
use crate::hit::{Hit, Row, Shortlist, TopK};

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
    frequencies: Mutex<FxHashMap<u64, u64>>,
}

impl Alive {
    /// Of these rows.
    pub fn new(rows: RowSet) -> Self {
        Self { rows, frequencies: Mutex::default() }
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
}

impl Statistics {
    /// Counts in another part's rows.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { rows: self.rows + other.rows, total_length: self.total_length + other.total_length }
    }

    /// The statistics of rows of these lengths, of which `alive` are not deleted.
    pub fn of(lengths: Lengths<'_>, alive: Option<&RowSet>) -> Self {
        let Some(alive) = alive else {
            return Self { rows: lengths.len() as u64, total_length: lengths.total() };
        };
        let count = |sum: Self, row| sum.plus(Self { rows: 1, total_length: u64::from(lengths.of(row)) });
        alive.rows().filter(|row| (*row as usize) < lengths.len()).fold(Self::default(), count)
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
}

/// A formula, the statistics that it is used with, and what follows from both.
#[derive(Clone, Debug)]
pub struct Scorer {
    bm25: Bm25,
    rows: u64,
    average: f64,
    pairs: PairWeights,
}

impl Scorer {
    /// Of a formula and the statistics of all rows.
    pub fn new(bm25: Bm25, statistics: Statistics) -> Self {
        let average = statistics.total_length as f64 / statistics.rows as f64;
        Self { bm25, rows: statistics.rows, average, pairs: PairWeights::new(&bm25, average) }
    }

    /// The number of rows, deleted ones left out.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// Hits of which a heap keeps track: so many that the worst of them is known at every moment.
const FEW: usize = 100;

/// Rows summed at a time by an exhaustive search: their sums stay in the first-level cache.
const WINDOW: usize = 4096;

/// Rows summed at a time by a pruned search, which spends more on a window and less in it.
const PRUNED_WINDOW: usize = 16384;

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
    let exhaustive = match evaluation {
        // Few windows leave nothing to learn from one for the next.
        Evaluation::Auto => k > FEW || 16 * postings <= scorer.rows || scorer.rows < 8 * PRUNED_WINDOW as u64,
        Evaluation::Exhaustive => true,
        Evaluation::Pruned => false,
    };
    let mut best = Best::new(k, scorer.rows as usize, scale);
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.sums.resize(PRUNED_WINDOW.max(WINDOW), 0);
        for (i, part) in parts.iter().enumerate() {
            let lengths = part.postings.lengths();
            let cursors = asked.iter().filter_map(|asked| {
                let list = asked.term.lists[i]?;
                let weights = Weights::new(asked.factor * scale, scorer, lengths.table(), list.len);
                Some(Cursor::new(list, weights))
            });
            let mut cursors: Vec<Cursor<'_>> = cursors.collect();
            match lengths.codes() {
                Codes::Short(codes) if exhaustive => all(part, codes, &mut cursors, scratch, &mut best),
                Codes::Short(codes) => pruned(part, codes, &mut cursors, scratch, &mut best),
                Codes::Long(codes) if exhaustive => all(part, codes, &mut cursors, scratch, &mut best),
                Codes::Long(codes) => pruned(part, codes, &mut cursors, scratch, &mut best),
            }
        }
    });
    best.into_sorted()
}

/// The power of two that contributions are multiplied by: the largest that leaves the greatest sum
/// below 2^31, so that rounding cannot make it overflow.
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
}

enum Kept {
    Few(TopK),
    Many(Shortlist),
}

impl Best {
    fn new(k: usize, rows: usize, scale: f64) -> Self {
        let kept =
            if k > FEW { Kept::Many(Shortlist::new(k.min(rows))) } else { Kept::Few(TopK::new(k, rows)) };
        Self { kept, scale }
    }

    /// A sum that is no greater cannot enter with a row above all those that were offered.
    fn floor(&self) -> u32 {
        let least = match &self.kept {
            Kept::Few(top) => top.least().unwrap_or(0.0),
            Kept::Many(list) => list.least().max(0.0),
        };
        (f64::from(least) * self.scale) as u32
    }

    fn push(&mut self, sum: u32, row: Row) {
        let hit = Hit { score: (f64::from(sum) * (1.0 / self.scale)) as f32, row };
        match &mut self.kept {
            Kept::Few(top) => top.push(hit),
            Kept::Many(list) => list.push(hit),
        }
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

/// A row's place in the table of lengths.
trait Code: Copy {
    fn place(self) -> usize;
}

impl Code for u16 {
    fn place(self) -> usize {
        usize::from(self)
    }
}

impl Code for u32 {
    fn place(self) -> usize {
        self as usize
    }
}

/// What a term's occurrences are worth.
struct Weights<'a> {
    /// idf, times how often the query repeats the term, times the scale.
    factor: f64,
    scorer: &'a Scorer,
    lengths: &'a [u32],
    /// For the frequencies from 1, as far as they were met, the worth at each of the lengths.
    worth: Vec<u32>,
    /// How many frequencies that are.
    tables: u32,
    /// How many there can be.
    most_tables: u32,
}

impl<'a> Weights<'a> {
    /// For a list of so many postings.
    fn new(factor: f64, scorer: &'a Scorer, lengths: &'a [u32], postings: usize) -> Self {
        // A table costs as much as computing so many postings.
        let most_tables = if postings > lengths.len() / 2 { 8 } else { 0 };
        Self { factor, scorer, lengths, worth: Vec::new(), tables: 0, most_tables }
    }

    fn compute(&self, frequency: u32, length: u32) -> u32 {
        to_fixed(self.factor * self.scorer.bm25.weight(frequency, length, self.scorer.average))
    }

    /// The most that a posting with one of these weights is worth.
    fn bound(&self, weight: f64) -> u32 {
        // Rounding may undo the order of weights in the last bit, which one unit more than makes up.
        to_fixed(self.factor * weight).saturating_add(1)
    }

    /// Makes tables up to a frequency.
    #[inline]
    fn prepare(&mut self, frequency: u32) {
        while self.tables < frequency.min(self.most_tables) {
            self.tables += 1;
            let start = self.worth.len();
            self.worth.resize(start + self.lengths.len(), 0);
            let worth = std::mem::take(&mut self.worth);
            self.worth = compiled_for(Level::best(), Filling { weights: self, worth, start });
        }
    }

    #[inline]
    fn of<C: Code>(&self, frequency: u32, code: C) -> u32 {
        let table = frequency.wrapping_sub(1);
        if table < self.tables {
            let place = table as usize * self.lengths.len() + code.place();
            self.worth.get(place).copied().unwrap_or(0)
        } else {
            self.lengths.get(code.place()).map_or(0, |length| self.compute(frequency, *length))
        }
    }
}

/// The nearest whole number of one that is not negative.
#[inline(always)]
fn to_fixed(contribution: f64) -> u32 {
    (contribution + 0.5) as u32
}

/// A table to be filled, from a place in all of them.
struct Filling<'a, 'b> {
    weights: &'a Weights<'b>,
    worth: Vec<u32>,
    start: usize,
}

impl Plain for Filling<'_, '_> {
    type Done = Vec<u32>;

    #[inline(always)]
    fn run(mut self) -> Vec<u32> {
        let Weights { factor, scorer, lengths, tables, .. } = *self.weights;
        for (worth, length) in self.worth[self.start..].iter_mut().zip(lengths) {
            *worth = to_fixed(factor * scorer.bm25.weight(tables, *length, scorer.average));
        }
        self.worth
    }
}

/// A term's list, and where a search is in it.
struct Cursor<'a> {
    list: List<'a>,
    weights: Weights<'a>,
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
    fn new(list: List<'a>, weights: Weights<'a>) -> Self {
        let mut cursor = Self {
            list,
            weights,
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
    fn bind<C: Code>(&mut self, codes: &[C]) {
        let pairs = &self.weights.scorer.pairs;
        let full = 0..self.list.full_blocks();
        let bounds = full.map(|block| self.weights.bound(pairs.most(self.list.header(block).pairs)));
        self.bounds = bounds.collect();
        if self.list.blocks() > self.bounds.len() {
            let mut rest = Block::default();
            self.list.decode(self.bounds.len(), &mut rest);
            let mut most = 0;
            for (row, frequency) in rest.rows().iter().zip(rest.frequencies()) {
                if let Some(code) = codes.get(*row as usize) {
                    most = most.max(self.weights.of(*frequency, *code));
                }
            }
            self.bounds.push(most);
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

    /// What the term is worth in a row above all those that were asked about.
    fn ask<C: Code>(&mut self, row: Row, code: C) -> u32 {
        if self.postings.rows().last().is_none_or(|last| *last < row) {
            let mut block = self.block.max(self.first);
            while block < self.bounds.len() && self.last_of(block) < row {
                block += 1;
            }
            self.load(block);
        }
        let rows = &self.postings.rows()[self.at..];
        self.at += rows.partition_point(|other| *other < row);
        if self.row() == Some(row) {
            return self.weights.of(self.postings.frequencies()[self.at], code);
        }
        0
    }

    /// Adds the postings before `end` to the sums of a window, whose rows' codes are given.
    fn add<C: Code>(&mut self, start: Row, end: Row, codes: &[C], sums: &mut [u32]) {
        loop {
            let rows = &self.postings.rows()[self.at..];
            let upto = match rows.last() {
                Some(last) if *last < end => rows.len(),
                _ => rows.partition_point(|row| *row < end),
            };
            let rows = &rows[..upto];
            let frequencies = &self.postings.frequencies()[self.at..][..upto];
            self.weights.prepare(frequencies.iter().fold(1, |most, frequency| most.max(*frequency)));
            for (row, frequency) in rows.iter().zip(frequencies) {
                let place = row.wrapping_sub(start) as usize;
                if let (Some(sum), Some(code)) = (sums.get_mut(place), codes.get(place)) {
                    *sum = sum.wrapping_add(self.weights.of(*frequency, *code));
                }
            }
            self.at += upto;
            if self.at < self.postings.rows().len() || self.block >= self.list.blocks() {
                return;
            }
            self.turn();
        }
    }
}

/// Reads every posting.
fn all<C: Code>(
    part: &Part<'_>,
    codes: &[C],
    cursors: &mut [Cursor<'_>],
    scratch: &mut Scratch,
    best: &mut Best,
) {
    while let Some(next) = cursors.iter().filter_map(Cursor::row).min() {
        let start = next as usize / WINDOW * WINDOW;
        if start >= codes.len() {
            return;
        }
        let end = codes.len().min(start + WINDOW);
        let sums = &mut scratch.sums[..end - start];
        for cursor in &mut *cursors {
            cursor.add(start as Row, end as Row, &codes[start..end], sums);
        }
        take_above(best.floor(), sums, &mut scratch.candidates);
        offer(part, start, &scratch.candidates, best);
    }
}

/// Reads what may matter.
fn pruned<C: Code>(
    part: &Part<'_>,
    codes: &[C],
    cursors: &mut [Cursor<'_>],
    scratch: &mut Scratch,
    best: &mut Best,
) {
    cursors.iter_mut().for_each(|cursor| cursor.bind(codes));
    let mut blocks = vec![0; cursors.len()];
    let mut order: Vec<usize> = (0..cursors.len()).collect();
    for start in (0..codes.len()).step_by(PRUNED_WINDOW) {
        let end = codes.len().min(start + PRUNED_WINDOW);
        for (cursor, blocks) in cursors.iter_mut().zip(&mut blocks) {
            *blocks = cursor.enter(start as Row, end as Row);
        }
        order.sort_unstable_by_key(|&i| cursors[i].bound);
        let floor = best.floor();
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
        let (codes, sums) = (&codes[start..end], &mut scratch.sums[..end - start]);
        for &i in &order[left_out..] {
            cursors[i].seek(start as Row);
            cursors[i].add(start as Row, end as Row, codes, sums);
        }
        let candidates = &mut scratch.candidates;
        take_above(floor - rest.min(floor), sums, candidates);
        for &i in order[..left_out].iter().rev() {
            let cursor = &mut cursors[i];
            rest -= cursor.bound;
            if cursor.bound == 0 || candidates.is_empty() {
                continue;
            }
            cursor.seek(start as Row);
            if candidates.len() * 32 > blocks[i] * BLOCK {
                cursor.add(start as Row, end as Row, codes, sums);
                candidates.iter_mut().for_each(|(place, sum)| *sum += sums[*place as usize]);
                sums.fill(0);
            } else {
                for (place, sum) in &mut *candidates {
                    *sum += cursor.ask((start + *place as usize) as Row, codes[*place as usize]);
                }
            }
            candidates.retain(|(_, sum)| sum + rest > floor);
        }
        offer(part, start, candidates, best);
    }
}

/// Offers the rows of a window.
fn offer(part: &Part<'_>, start: usize, candidates: &[(u32, u32)], best: &mut Best) {
    for &(place, sum) in candidates {
        let row = start as Row + place;
        if part.allowed.is_none_or(|allowed| allowed.contains(row)) {
            best.push(sum, part.base + row);
        }
    }
}

/// Takes the sums above `floor` with their places, and clears all.
fn take_above(floor: u32, sums: &mut [u32], found: &mut Vec<(u32, u32)>) {
    found.clear();
    compiled_for(Level::best(), Taking { floor, sums, found });
}

struct Taking<'a> {
    floor: u32,
    sums: &'a mut [u32],
    found: &'a mut Vec<(u32, u32)>,
}

impl Plain for Taking<'_> {
    type Done = ();

    #[inline(always)]
    fn run(self) {
        /// Sums looked at together.
        const TOGETHER: usize = 32;
        let Self { floor, sums, found } = self;
        let (chunks, rest) = sums.as_chunks_mut::<TOGETHER>();
        let mut place = 0;
        for chunk in chunks {
            let mut most = 0;
            for sum in &*chunk {
                most = most.max(*sum);
            }
            if most > floor {
                for (i, sum) in chunk.iter().enumerate() {
                    if *sum > floor {
                        found.push((place + i as u32, *sum));
                    }
                }
            }
            *chunk = [0; TOGETHER];
            place += TOGETHER as u32;
        }
        for (i, sum) in rest.iter_mut().enumerate() {
            if *sum > floor {
                found.push((place + i as u32, *sum));
            }
            *sum = 0;
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

    /// Calls `f` with two indexes as parts of one, given which of all rows are alive.
    pub(in super::super) fn in_two_parts<T>(
        halves: &[Frozen; 2],
        alive: &[bool],
        f: impl FnOnce(&[Part<'_>], Statistics) -> T,
    ) -> T {
        let views = halves.each_ref().map(Frozen::view);
        let (left, right) = alive.split_at(views[0].lengths().len());
        let sets = [left, right].map(|flags| Alive::new(RowSet::from_flags(flags)));
        let part = |i: usize, base| Part {
            postings: &views[i],
            base,
            alive: Some(&sets[i]),
            allowed: Some(sets[i].rows()),
        };
        let of = |i: usize| Statistics::of(views[i].lengths(), Some(sets[i].rows()));
        f(&[part(0, 0), part(1, left.len() as Row)], of(0).plus(of(1)))
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

    fn corpus() -> impl proptest::strategy::Strategy<Value = Vec<(String, bool)>> {
        let few = prop::collection::vec(("[a-e ]{0,9}( [a-e]){0,5}", any::<bool>()), 1..40);
        let many =
            prop::collection::vec(("[ab]( [a-e]){0,3}( [ab]){0,9}", prop::bool::weighted(0.9)), 1..900);
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
            let (texts, alive): (Vec<String>, Vec<bool>) = docs.into_iter().unzip();
            let bm25 = Bm25::new(variant, 1.2, 0.75).unwrap();
            let exact = reference(&texts, &alive, &query, &bm25);

            let run = |cut: usize, evaluation| {
                let halves = [frozen(&texts[..cut]), frozen(&texts[cut..])];
                in_two_parts(&halves, &alive, |parts, statistics| {
                    found(parts, &query.join(" "), &Scorer::new(bm25, statistics), k, evaluation)
                })
            };
            let hits = run(cut.index(texts.len()), Evaluation::Exhaustive);
            prop_assert_eq!(&hits, &run(0, Evaluation::Exhaustive));
            prop_assert_eq!(&hits, &run(cut.index(texts.len()), Evaluation::Pruned));
            prop_assert_eq!(&hits, &run(0, Evaluation::Pruned));
            prop_assert_eq!(&hits, &run(0, Evaluation::Auto));

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

    /// Rows enough for several windows, terms of all frequencies.
    fn large() -> Frozen {
        let mut state = 1u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let texts: Vec<String> = (0..50_000)
            .map(|_| {
                let n = 1 + next(12);
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
        for variant in Bm25::NAMES {
            let scorer = Scorer::new(Bm25::new(variant, 1.2, 0.75).unwrap(), statistics);
            for query in
                ["t0", "t0 t1", "t0 t1 t2 t3", "t900 t0", "t5000 t17 t3 t0 t0", "t8000 t8001 t44", "t1 none"]
            {
                for k in [1, 10, 100, 1000] {
                    for allowed in [None, Some(&third)] {
                        let parts = [Part { postings: &postings, base: 7, alive: None, allowed }];
                        let run = |evaluation| found(&parts, query, &scorer, k, evaluation);
                        let expected = run(Evaluation::Exhaustive);
                        // What more than half of the rows hold is worth nothing to robertson.
                        assert!(!expected.is_empty() || variant == "robertson");
                        assert_eq!(run(Evaluation::Pruned), expected, "{variant} {query} {k}");
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
