//! The inverted index: for each term, the rows that hold it and how often.
//!
//! A [`Builder`] takes texts; [`Builder::freeze`] makes of them three pieces of bytes that
//! [`Postings`] searches where they lie, without a load step, and that [`merge`] joins.
//!
//! `terms`, read with care when it is opened, each part aligned to 8 bytes: the sizes of the other
//! parts, u64; the lengths of the rows; for each term the number of its postings and the first
//! word of its list, u32; for each term the first word of its positions, u32, if there are any; a
//! finite-state transducer of the terms. `lists`: the [lists](super::lists), words of 4 bytes.
//! `places`: the [positions](super::positions), likewise.

use fst::automaton::Automaton;
use fst::map::OpBuilder;
use fst::{IntoStreamer, Map, MapBuilder, Streamer};
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use std::hash::BuildHasher;

use super::Analyzer;
use super::lengths::Lengths;
use super::lists::{self, List, Walk};
use super::positions::{self, PlacedWalk, Positions};
use super::schema::Schema;
use crate::filter::RowSet;
use crate::hit::Row;
use crate::threads::Stop;
use crate::{Error, Result};

/// An inverted index as bytes.
#[derive(Clone, Debug)]
pub struct Frozen {
    terms: Vec<u64>,
    lists: Vec<u32>,
    positions: Vec<u32>,
}

impl Frozen {
    /// The bytes of the terms, of the lists, and of the positions.
    pub fn bytes(&self) -> [&[u8]; 3] {
        let Self { terms, lists, positions } = self;
        [bytemuck::cast_slice(terms), bytemuck::cast_slice(lists), bytemuck::cast_slice(positions)]
    }

    /// The postings to search in.
    ///
    /// # Panics
    /// Never: the bytes are its own.
    pub fn view(&self) -> Postings<'_> {
        Postings::new(self.bytes()).expect("bytes that were just written")
    }
}

/// An inverted index that lies in bytes.
#[derive(Clone, Debug)]
pub struct Postings<'a> {
    bytes: [&'a [u8]; 3],
    lengths: Lengths<'a>,
    entries: &'a [[u32; 2]],
    /// One a term, or none.
    position_starts: &'a [u32],
    terms: Map<&'a [u8]>,
    lists: &'a [u32],
    positions: &'a [u32],
}

impl<'a> Postings<'a> {
    /// The index in the three pieces that [`Frozen::bytes`] gives, aligned to 8 bytes; `None` if
    /// they are no such pieces. Lists and positions are not looked at, and not trusted later.
    pub fn new(bytes: [&'a [u8]; 3]) -> Option<Self> {
        let [mut rest, lists, positions] = bytes;
        let sizes: &[u64] = bytemuck::try_cast_slice(take(&mut rest, 32)?).ok()?;
        let &[lengths, entries, position_starts, fst] = sizes else { return None };
        let lengths = Lengths::new(take(&mut rest, lengths)?)?;
        let entries: &[u32] = bytemuck::try_cast_slice(take(&mut rest, entries)?).ok()?;
        let entries = entries.as_chunks().0;
        let position_starts: &[u32] = bytemuck::try_cast_slice(take(&mut rest, position_starts)?).ok()?;
        let terms = Map::new(take(&mut rest, fst)?).ok()?;
        let lists = bytemuck::try_cast_slice(lists).ok()?;
        let positions = bytemuck::try_cast_slice(positions).ok()?;
        let fits = position_starts.is_empty() || position_starts.len() == entries.len();
        fits.then_some(Self { bytes, lengths, entries, position_starts, terms, lists, positions })
    }

    /// What it was made of.
    pub fn bytes(&self) -> [&'a [u8]; 3] {
        self.bytes
    }

    /// The lengths of the rows.
    pub fn lengths(&self) -> Lengths<'a> {
        self.lengths
    }

    /// How many terms there are.
    pub fn n_terms(&self) -> usize {
        self.entries.len()
    }

    /// Whether it keeps where terms stand.
    pub fn has_positions(&self) -> bool {
        self.position_starts.len() == self.entries.len()
    }

    /// Whether the transducer of the terms has its own checksum, without which it may not be asked.
    pub fn has_whole_terms(&self) -> bool {
        self.terms.as_fst().verify().is_ok()
    }

    /// The number of a term, if it has one.
    pub(super) fn find(&self, term: &str) -> Option<u64> {
        self.terms.get(term)
    }

    /// Calls `f` with the number of each term that an automaton takes.
    pub(super) fn find_all(&self, automaton: impl Automaton, mut f: impl FnMut(u64)) {
        let mut found = self.terms.search(automaton).into_stream();
        while let Some((_, id)) = found.next() {
            f(id);
        }
    }

    /// The list of a term's number.
    pub(super) fn list(&self, id: u64) -> Option<List<'a>> {
        let [len, start] = self.entries.get(usize::try_from(id).ok()?)?;
        List::new(*len as usize, self.lists.get(*start as usize..)?)
    }

    fn positions(&self, id: u64) -> Option<Positions<'a>> {
        let id = usize::try_from(id).ok()?;
        let start = *self.position_starts.get(id)? as usize;
        Positions::new(self.entries.get(id)?[0] as usize, self.positions.get(start..)?)
    }

    /// The list of a term's number, to be gone through with its positions.
    pub(super) fn placed(&self, id: u64) -> Option<PlacedWalk<'a>> {
        Some(PlacedWalk::new(Walk::new(self.list(id)?), self.positions(id)?))
    }
}

/// Takes a part of so many bytes off the front, with its padding.
fn take<'a>(bytes: &mut &'a [u8], len: u64) -> Option<&'a [u8]> {
    let len = usize::try_from(len).ok()?;
    let (part, rest) = bytes.split_at_checked(len.checked_next_multiple_of(8)?)?;
    *bytes = rest;
    Some(&part[..len])
}

/// Writes terms in order with their lists.
struct Writer {
    terms: MapBuilder<Vec<u8>>,
    entries: Vec<u32>,
    position_starts: Vec<u32>,
    lists: Vec<u32>,
    positions: Vec<u32>,
}

impl Writer {
    fn new() -> Self {
        Self {
            terms: MapBuilder::memory(),
            entries: Vec::new(),
            position_starts: Vec::new(),
            lists: Vec::new(),
            positions: Vec::new(),
        }
    }

    fn add(
        &mut self,
        term: &[u8],
        rows: &[Row],
        frequencies: &[u32],
        positions: Option<&[u32]>,
        length: impl Fn(Row) -> u32,
    ) -> Result<()> {
        let at = |words: &[u32]| {
            let full = "one segment takes 16 GB of postings, and of positions; cut the texts";
            u32::try_from(words.len()).map_err(|_| Error::InvalidInput(full.into()))
        };
        let id = self.n_terms() as u64;
        self.terms.insert(term, id).map_err(|error| Error::InvalidInput(error.to_string()))?;
        self.entries.extend([rows.len() as u32, at(&self.lists)?]);
        lists::encode(rows, frequencies, length, &mut self.lists);
        if let Some(positions) = positions {
            self.position_starts.push(at(&self.positions)?);
            positions::encode(frequencies, positions, &mut self.positions);
        }
        Ok(())
    }

    fn n_terms(&self) -> usize {
        self.entries.len() / 2
    }

    fn finish(self, lengths: &[u8]) -> Frozen {
        let terms = self.terms.into_inner().unwrap_or_default();
        let entries: &[u8] = bytemuck::cast_slice(&self.entries);
        let position_starts: &[u8] = bytemuck::cast_slice(&self.position_starts);
        let parts = [lengths, entries, position_starts, &terms];
        let sizes = parts.map(|part| part.len() as u64);
        let mut words = sizes.to_vec();
        for part in parts {
            let at = words.len();
            words.resize(at + part.len().div_ceil(8), 0u64);
            bytemuck::cast_slice_mut(&mut words[at..])[..part.len()].copy_from_slice(part);
        }
        Frozen { terms: words, lists: self.lists, positions: self.positions }
    }
}

/// Texts on their way into an index.
#[derive(Debug)]
pub struct Builder {
    schema: Schema,
    terms: Terms,
    /// The number of postings of each term.
    counts: Vec<u32>,
    /// One more than the place of each term's last posting.
    last: Vec<u32>,
    /// All postings, row by row.
    ids: Vec<u32>,
    frequencies: Vec<u32>,
    /// Where each row's postings end.
    ends: Vec<u32>,
    lengths: Vec<u32>,
    /// Of all occurrences the postings, and where in the row they are; empty without positions.
    owners: Vec<u32>,
    places: Vec<u32>,
}

impl Builder {
    /// Without rows.
    pub fn new(schema: Schema) -> Self {
        Self {
            schema,
            terms: Terms::default(),
            counts: Vec::new(),
            last: Vec::new(),
            ids: Vec::new(),
            frequencies: Vec::new(),
            ends: Vec::new(),
            lengths: Vec::new(),
            owners: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Adds the next row: the text of each field.
    pub fn add<'t>(&mut self, analyzer: &Analyzer, texts: impl IntoIterator<Item = &'t str>) {
        let first = self.ids.len() as u32;
        let n_fields = self.schema.fields.len() as u32;
        let (mut length, mut start) = (0u32, 0);
        for (field, text) in texts.into_iter().enumerate().take(n_fields as usize) {
            let weight = self.schema.fields[field].weight;
            if self.schema.positions {
                let end = analyzer.each_placed(text, |term, position| {
                    length = length.saturating_add(weight);
                    let posting = self.count(term, weight, first);
                    let place = (start + position).wrapping_mul(n_fields).wrapping_add(field as u32);
                    for _ in 0..weight {
                        self.owners.push(posting);
                        self.places.push(place);
                    }
                });
                start += end;
            } else {
                analyzer.each(text, |term, _, _| {
                    length = length.saturating_add(weight);
                    self.count(term, weight, first);
                });
            }
        }
        self.ends.push(self.ids.len() as u32);
        self.lengths.push(length);
    }

    /// Counts an occurrence in the row whose postings begin at `first`; gives its posting.
    #[inline]
    fn count(&mut self, term: &str, weight: u32, first: u32) -> u32 {
        let id = self.terms.id(term.as_bytes());
        if id as usize == self.counts.len() {
            self.counts.push(0);
            self.last.push(0);
        }
        let last = &mut self.last[id as usize];
        if *last > first {
            let frequency = &mut self.frequencies[*last as usize - 1];
            *frequency = frequency.saturating_add(weight);
        } else {
            self.ids.push(id);
            self.frequencies.push(weight);
            self.counts[id as usize] += 1;
            *last = self.ids.len() as u32;
        }
        *last - 1
    }

    /// Takes back all rows but the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        let first = rows.checked_sub(1).map_or(0, |last| self.ends[last] as usize);
        for &id in &self.ids[first..] {
            self.counts[id as usize] -= 1;
            self.last[id as usize] = 0;
        }
        let occurrences = self.owners.partition_point(|owner| (*owner as usize) < first);
        self.owners.truncate(occurrences);
        self.places.truncate(occurrences);
        self.ids.truncate(first);
        self.frequencies.truncate(first);
        self.ends.truncate(rows);
        self.lengths.truncate(rows);
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The memory that it holds.
    pub fn size(&self) -> usize {
        let words = 2 * self.ids.len() + 2 * self.places.len() + 2 * self.ends.len();
        4 * (words + 5 * self.counts.len()) + self.terms.bytes.len()
    }

    /// The index of its rows.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there are more postings than one index holds.
    pub fn freeze(&self) -> Result<Frozen> {
        if u32::try_from(self.ids.len()).is_err() {
            return Err(Error::InvalidInput("more than 2^32 - 1 postings at once; add fewer texts".into()));
        }
        let mut order: Vec<u32> = (0..self.counts.len() as u32).collect();
        order.retain(|id| self.counts[*id as usize] > 0);
        order.sort_unstable_by(|a, b| self.terms.get(*a).cmp(self.terms.get(*b)));
        let mut next = vec![0u32; self.counts.len()];
        let mut sum = 0;
        for &id in &order {
            next[id as usize] = sum;
            sum += self.counts[id as usize];
        }
        let (mut rows, mut frequencies) = (vec![0; self.ids.len()], vec![0; self.ids.len()]);
        // Where each posting goes.
        let mut moved = vec![0; if self.schema.positions { self.ids.len() } else { 0 }];
        let mut start = 0;
        for (row, &end) in self.ends.iter().enumerate() {
            for i in start..end as usize {
                let place = &mut next[self.ids[i] as usize];
                rows[*place as usize] = row as Row;
                frequencies[*place as usize] = self.frequencies[i];
                if let Some(moved) = moved.get_mut(i) {
                    *moved = *place;
                }
                *place += 1;
            }
            start = end as usize;
        }
        let places = self.sorted_places(&frequencies, &moved);
        let mut rest = places.as_slice();
        let mut writer = Writer::new();
        let mut start = 0;
        for &id in &order {
            let list = start..next[id as usize] as usize;
            start = list.end;
            let (rows, frequencies) = (&rows[list.clone()], &frequencies[list]);
            let own = self.schema.positions.then(|| {
                let n: usize = frequencies.iter().map(|frequency| *frequency as usize).sum();
                let own;
                (own, rest) = rest.split_at(n);
                own
            });
            let length = |row: Row| self.lengths[row as usize];
            writer.add(self.terms.get(id), rows, frequencies, own, length)?;
        }
        Ok(writer.finish(&Lengths::to_bytes(&self.lengths)))
    }

    /// All positions in the order of the postings, which have these frequencies there and went to
    /// these places.
    fn sorted_places(&self, frequencies: &[u32], moved: &[u32]) -> Vec<u32> {
        let mut places = vec![0; self.places.len()];
        if places.is_empty() {
            return places;
        }
        let mut next: Vec<usize> = Vec::with_capacity(frequencies.len());
        let mut sum = 0;
        for frequency in frequencies {
            next.push(sum);
            sum += *frequency as usize;
        }
        for (owner, place) in self.owners.iter().zip(&self.places) {
            let next = &mut next[moved[*owner as usize] as usize];
            places[*next] = *place;
            *next += 1;
        }
        places
    }
}

/// Terms and their numbers, in order of appearance.
#[derive(Debug, Default)]
struct Terms {
    table: HashTable<u32>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Terms {
    fn get(&self, id: u32) -> &[u8] {
        term(&self.bytes, &self.ends, id)
    }

    /// The number of a term, a new one if it is new.
    fn id(&mut self, new: &[u8]) -> u32 {
        let Self { table, bytes, ends } = self;
        let hash = |bytes: &[u8]| FxBuildHasher.hash_one(bytes);
        let entry =
            table.entry(hash(new), |id| term(bytes, ends, *id) == new, |id| hash(term(bytes, ends, *id)));
        match entry {
            hashbrown::hash_table::Entry::Occupied(entry) => *entry.get(),
            hashbrown::hash_table::Entry::Vacant(entry) => {
                let id = ends.len() as u32;
                entry.insert(id);
                bytes.extend_from_slice(new);
                ends.push(bytes.len());
                id
            }
        }
    }
}

fn term<'a>(bytes: &'a [u8], ends: &[usize], id: u32) -> &'a [u8] {
    let start = (id as usize).checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start..ends[id as usize]]
}

/// The numbers that the rows of a part get when it is merged.
enum Numbers {
    /// Theirs, from this one on.
    From(Row),
    /// One each, or [`Row::MAX`] for none.
    Each(Vec<Row>),
}

impl Numbers {
    fn of(&self, row: Row) -> Option<Row> {
        match self {
            Self::From(base) => base.checked_add(row),
            Self::Each(numbers) => numbers.get(row as usize).copied().filter(|number| *number < Row::MAX),
        }
    }
}

/// One index of several, whose rows follow one another.
///
/// # Errors
/// [`Error::InvalidInput`] if there are more postings than one index holds, [`Error::Interrupted`].
pub fn merge(parts: &[Postings<'_>], stop: &Stop<'_>) -> Result<Frozen> {
    let all: Vec<_> = parts.iter().map(|part| (part.clone(), None)).collect();
    merge_alive(&all, stop)
}

/// The same, of the rows that are alive; `None` is all.
///
/// # Errors
/// As [`merge`].
pub fn merge_alive(parts: &[(Postings<'_>, Option<&RowSet>)], stop: &Stop<'_>) -> Result<Frozen> {
    /// Terms between two questions whether to stop.
    const OFTEN: usize = 256;
    let mut lengths = Vec::new();
    let mut numbers = Vec::new();
    let mut terms = OpBuilder::new();
    for (part, alive) in parts {
        let n = part.lengths.len();
        let base = lengths.len() as Row;
        numbers.push(match alive {
            None => {
                lengths.extend((0..n).map(|row| part.lengths.of(row as Row)));
                Numbers::From(base)
            }
            Some(alive) => {
                let mut numbers = vec![Row::MAX; n];
                for (row, number) in alive.rows().filter(|row| (*row as usize) < n).zip(base..) {
                    numbers[row as usize] = number;
                    lengths.push(part.lengths.of(row));
                }
                Numbers::Each(numbers)
            }
        });
        terms.push(part.terms.into_stream());
    }
    let mut terms = terms.union();
    let mut writer = Writer::new();
    let with_positions = parts.iter().all(|(part, _)| part.has_positions());
    let (mut rows, mut frequencies, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = 0usize;
    while let Some((term, found)) = terms.next() {
        if seen.is_multiple_of(OFTEN) {
            stop.check()?;
        }
        seen += 1;
        rows.clear();
        frequencies.clear();
        places.clear();
        let mut found = found.to_vec();
        found.sort_unstable_by_key(|found| found.index);
        for found in found {
            let ((part, _), numbers) = (&parts[found.index], &numbers[found.index]);
            let Some(list) = part.list(found.value) else { continue };
            let positions = part.positions(found.value);
            let mut block_number = 0;
            list.each_block(|block| {
                let mut rest = positions.and_then(|positions| positions.block(block_number));
                block_number += 1;
                for (row, frequency) in block.rows().iter().zip(block.frequencies()) {
                    let before = places.len();
                    if let Some(rest) = &mut rest {
                        rest.take(frequency, &mut places);
                    }
                    // Of a damaged list what is no row, or stands elsewhere, is left out.
                    let row = numbers.of(*row).filter(|row| (*row as usize) < lengths.len());
                    if let Some(row) = row.filter(|row| rows.last().is_none_or(|last| last < row)) {
                        rows.push(row);
                        frequencies.push(frequency);
                    } else {
                        places.truncate(before);
                    }
                }
            });
        }
        if rows.is_empty() {
            continue;
        }
        let own = with_positions.then_some(places.as_slice());
        writer.add(term, &rows, &frequencies, own, |row| lengths.get(row as usize).copied().unwrap_or(0))?;
    }
    Ok(writer.finish(&Lengths::to_bytes(&lengths)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn frozen(texts: &[String]) -> Frozen {
        let analyzer = Analyzer::named("plain").unwrap();
        let mut builder = Builder::new(schema());
        texts.iter().for_each(|text| builder.add(&analyzer, [text.as_str()]));
        builder.freeze().unwrap()
    }

    fn schema() -> Schema {
        Schema { positions: true, ..Schema::default() }
    }

    /// Term -> row -> frequency, by counting words.
    fn counted(texts: &[String]) -> BTreeMap<&str, BTreeMap<Row, u32>> {
        let mut all: BTreeMap<&str, BTreeMap<Row, u32>> = BTreeMap::new();
        for (row, text) in texts.iter().enumerate() {
            for word in text.split_whitespace() {
                *all.entry(word).or_default().entry(row as Row).or_default() += 1;
            }
        }
        all
    }

    fn texts() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[a-d]{0,2}( [a-c]{1,2}){0,6}", 0..300)
    }

    proptest! {
        #[test]
        fn an_index_holds_what_its_texts_hold(texts in texts()) {
            let frozen = frozen(&texts);
            let postings = frozen.view();
            let expected = counted(&texts);
            prop_assert_eq!(postings.n_terms(), expected.len());
            for (term, rows) in &expected {
                let mut found = BTreeMap::new();
                let mut walk = postings.placed(postings.find(term).unwrap()).unwrap();
                while let Some(row) = walk.walk.row() {
                    let words = texts[row as usize].split_whitespace();
                    let places = (0u32..).zip(words).filter(|(_, word)| word == term).map(|(place, _)| place);
                    prop_assert!(places.eq(walk.places().iter().copied()));
                    found.insert(row, walk.places().len() as u32);
                    walk.walk.step();
                }
                prop_assert_eq!(&found, rows);
            }
            prop_assert!(postings.find("zzz").is_none() && postings.find("").is_none());
            let lengths = postings.lengths();
            prop_assert_eq!(lengths.len(), texts.len());
            for (row, text) in texts.iter().enumerate() {
                prop_assert_eq!(lengths.of(row as Row), text.split_whitespace().count() as u32);
            }
        }

        #[test]
        fn merged_pieces_are_the_bytes_of_the_whole(texts in texts(), cut in any::<prop::sample::Index>()) {
            let cut = cut.index(texts.len() + 1);
            let [left, right] = [frozen(&texts[..cut]), frozen(&texts[cut..])];
            let merged = merge(&[left.view(), right.view()], &Stop::never()).unwrap();
            let whole = frozen(&texts);
            prop_assert_eq!(merged.bytes(), whole.bytes());
        }

        #[test]
        fn of_merged_pieces_only_what_is_alive_is_left(
            texts in prop::collection::vec(("[a-d]{0,2}( [a-c]{1,2}){0,6}", any::<bool>()), 0..300),
            cut in any::<prop::sample::Index>(),
        ) {
            let (texts, alive): (Vec<String>, Vec<bool>) = texts.into_iter().unzip();
            let cut = cut.index(texts.len() + 1);
            let halves = [frozen(&texts[..cut]), frozen(&texts[cut..])];
            let sets = [RowSet::from_flags(&alive[..cut]), RowSet::from_flags(&alive[cut..])];
            let parts = [0, 1].map(|i| (halves[i].view(), Some(&sets[i])));
            let left: Vec<String> =
                texts.iter().zip(&alive).filter(|(_, alive)| **alive).map(|(text, _)| text.clone()).collect();
            let merged = merge_alive(&parts, &Stop::never()).unwrap();
            let expected = frozen(&left);
            prop_assert_eq!(merged.bytes(), expected.bytes());
        }
    }

    #[test]
    fn rows_that_are_taken_back_leave_no_trace() {
        let analyzer = Analyzer::named("plain").unwrap();
        let mut builder = Builder::new(schema());
        for text in ["a b a", "b", "c a", "d d"] {
            builder.add(&analyzer, [text]);
        }
        builder.truncate(1);
        builder.add(&analyzer, ["a e"]);
        assert_eq!(builder.freeze().unwrap().bytes(), frozen(&["a b a".into(), "a e".into()]).bytes());
        builder.truncate(0);
        assert_eq!(builder.freeze().unwrap().bytes(), frozen(&[]).bytes());
    }

    #[test]
    fn pieces_of_other_sizes_are_refused() {
        let frozen = frozen(&["a b".into(), "b c c".into()]);
        let [terms, lists, positions] = frozen.bytes();
        for cut in (0..terms.len()).step_by(8) {
            assert!(Postings::new([&terms[..cut], lists, positions]).is_none());
        }
        assert!(Postings::new([terms, &lists[..lists.len() - 1], positions]).is_none());
        let damaged = Postings::new([terms, &lists[..0], &positions[..0]]).unwrap();
        let b = damaged.find("b").unwrap();
        assert!(damaged.list(b).is_none_or(|list| list.len == 2) && damaged.placed(b).is_none());
    }
}
