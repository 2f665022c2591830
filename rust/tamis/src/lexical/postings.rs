//! The inverted index: for each term, the rows that hold it and how often.
//!
//! A [`Builder`] takes texts; [`Builder::freeze`] makes of them two pieces of bytes that
//! [`Postings`] searches where they lie, without a load step, and that [`merge`] joins.
//!
//! `terms`, read with care when it is opened, each part aligned to 8 bytes: the sizes of the other
//! parts, u64; the lengths of the rows; for each term the number of its postings and the first
//! word of its list, u32; a finite-state transducer of the terms. `lists`: the
//! [lists](super::lists), words of 4 bytes.

use fst::{IntoStreamer, Map, MapBuilder, Streamer, map::OpBuilder};
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use std::hash::BuildHasher;

use super::Analyzer;
use super::lengths::Lengths;
use super::lists::{List, encode};
use crate::hit::Row;
use crate::threads::Stop;
use crate::{Error, Result};

/// An inverted index as bytes.
#[derive(Clone, Debug)]
pub struct Frozen {
    terms: Vec<u64>,
    lists: Vec<u32>,
}

impl Frozen {
    /// The bytes of the terms and of the lists.
    pub fn bytes(&self) -> [&[u8]; 2] {
        [bytemuck::cast_slice(&self.terms), bytemuck::cast_slice(&self.lists)]
    }

    /// The same, as bytes of their own.
    pub(crate) fn into_bytes(self) -> [Vec<u8>; 2] {
        [bytemuck::cast_slice(&self.terms).to_vec(), bytemuck::cast_slice(&self.lists).to_vec()]
    }

    /// The postings to search in.
    ///
    /// # Panics
    /// Never: the bytes are its own.
    pub fn view(&self) -> Postings<'_> {
        let [terms, lists] = self.bytes();
        Postings::new(terms, lists).expect("bytes that were just written")
    }
}

/// An inverted index that lies in bytes.
#[derive(Clone, Debug)]
pub struct Postings<'a> {
    bytes: [&'a [u8]; 2],
    lengths: Lengths<'a>,
    entries: &'a [[u32; 2]],
    terms: Map<&'a [u8]>,
    lists: &'a [u32],
}

impl<'a> Postings<'a> {
    /// The index in the two pieces that [`Frozen::bytes`] gives, aligned to 8 bytes; `None` if
    /// they are no such pieces. The lists are not looked at, and not trusted later.
    pub fn new(terms: &'a [u8], lists: &'a [u8]) -> Option<Self> {
        let bytes = [terms, lists];
        let mut rest = terms;
        let sizes: &[u64] = bytemuck::try_cast_slice(take(&mut rest, 24)?).ok()?;
        let &[lengths, entries, fst] = sizes else { return None };
        let lengths = Lengths::new(take(&mut rest, lengths)?)?;
        let entries: &[u32] = bytemuck::try_cast_slice(take(&mut rest, entries)?).ok()?;
        let terms = Map::new(take(&mut rest, fst)?).ok()?;
        let lists = bytemuck::try_cast_slice(lists).ok()?;
        Some(Self { bytes, lengths, entries: entries.as_chunks().0, terms, lists })
    }

    /// What it was made of.
    pub fn bytes(&self) -> [&'a [u8]; 2] {
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

    pub(super) fn list(&self, term: &str) -> Option<List<'a>> {
        self.list_of(self.terms.get(term)?)
    }

    fn list_of(&self, id: u64) -> Option<List<'a>> {
        let [len, start] = self.entries.get(usize::try_from(id).ok()?)?;
        List::new(*len as usize, self.lists.get(*start as usize..)?)
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
    lists: Vec<u32>,
}

impl Writer {
    fn new() -> Self {
        Self { terms: MapBuilder::memory(), entries: Vec::new(), lists: Vec::new() }
    }

    fn add(
        &mut self,
        term: &[u8],
        rows: &[Row],
        frequencies: &[u32],
        length: impl Fn(Row) -> u32,
    ) -> Result<()> {
        let full = |_| Error::InvalidInput("one segment takes 16 GB of postings; cut the texts".into());
        let start = u32::try_from(self.lists.len()).map_err(full)?;
        let id = self.n_terms() as u64;
        self.terms.insert(term, id).map_err(|error| Error::InvalidInput(error.to_string()))?;
        self.entries.extend([rows.len() as u32, start]);
        encode(rows, frequencies, length, &mut self.lists);
        Ok(())
    }

    fn n_terms(&self) -> usize {
        self.entries.len() / 2
    }

    fn finish(self, lengths: &[u8]) -> Frozen {
        let terms = self.terms.into_inner().unwrap_or_default();
        let entries: &[u8] = bytemuck::cast_slice(&self.entries);
        let sizes = [lengths.len() as u64, entries.len() as u64, terms.len() as u64];
        let parts: [&[u8]; 4] = [bytemuck::cast_slice(&sizes), lengths, entries, &terms];
        let mut words = Vec::new();
        for part in parts {
            let at = words.len();
            words.resize(at + part.len().div_ceil(8), 0u64);
            bytemuck::cast_slice_mut(&mut words[at..])[..part.len()].copy_from_slice(part);
        }
        Frozen { terms: words, lists: self.lists }
    }
}

/// Texts on their way into an index.
#[derive(Debug, Default)]
pub struct Builder {
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
}

impl Builder {
    /// Adds a text as the next row.
    pub fn add(&mut self, analyzer: &Analyzer, text: &str) {
        let first = self.ids.len() as u32;
        let mut length = 0;
        analyzer.each(text, |term, _, _| {
            length += 1;
            let id = self.terms.id(term.as_bytes());
            if id as usize == self.counts.len() {
                self.counts.push(0);
                self.last.push(0);
            }
            let last = &mut self.last[id as usize];
            if *last > first {
                self.frequencies[*last as usize - 1] += 1;
            } else {
                self.ids.push(id);
                self.frequencies.push(1);
                self.counts[id as usize] += 1;
                *last = self.ids.len() as u32;
            }
        });
        self.ends.push(self.ids.len() as u32);
        self.lengths.push(length);
    }

    /// Takes back all rows but the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        let first = rows.checked_sub(1).map_or(0, |last| self.ends[last] as usize);
        for &id in &self.ids[first..] {
            self.counts[id as usize] -= 1;
            self.last[id as usize] = 0;
        }
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
        let mut start = 0;
        for (row, &end) in self.ends.iter().enumerate() {
            for i in start..end as usize {
                let place = &mut next[self.ids[i] as usize];
                rows[*place as usize] = row as Row;
                frequencies[*place as usize] = self.frequencies[i];
                *place += 1;
            }
            start = end as usize;
        }
        let mut writer = Writer::new();
        let mut start = 0;
        for &id in &order {
            let list = start..next[id as usize] as usize;
            start = list.end;
            let length = |row: Row| self.lengths[row as usize];
            writer.add(self.terms.get(id), &rows[list.clone()], &frequencies[list], length)?;
        }
        Ok(writer.finish(&Lengths::to_bytes(&self.lengths)))
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

/// One index of several, whose rows follow one another.
///
/// # Errors
/// [`Error::InvalidInput`] if there are more postings than one index holds, [`Error::Interrupted`].
pub fn merge(parts: &[Postings<'_>], stop: &Stop<'_>) -> Result<Frozen> {
    /// Terms between two questions whether to stop.
    const OFTEN: usize = 256;
    let mut lengths = Vec::new();
    let mut bases = Vec::new();
    for part in parts {
        bases.push(lengths.len() as Row);
        lengths.extend((0..part.lengths.len()).map(|row| part.lengths.of(row as Row)));
    }
    let mut terms = OpBuilder::new();
    for part in parts {
        terms.push(part.terms.into_stream());
    }
    let mut terms = terms.union();
    let mut writer = Writer::new();
    let (mut rows, mut frequencies) = (Vec::new(), Vec::new());
    while let Some((term, places)) = terms.next() {
        if writer.n_terms().is_multiple_of(OFTEN) {
            stop.check()?;
        }
        rows.clear();
        frequencies.clear();
        let mut places = places.to_vec();
        places.sort_unstable_by_key(|place| place.index);
        for place in places {
            let (part, base) = (&parts[place.index], bases[place.index]);
            let Some(list) = part.list_of(place.value) else { continue };
            list.each_block(|block| {
                rows.extend(block.rows().iter().map(|row| base + row));
                frequencies.extend_from_slice(block.frequencies());
            });
        }
        writer.add(term, &rows, &frequencies, |row| lengths.get(row as usize).copied().unwrap_or(0))?;
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
        let mut builder = Builder::default();
        texts.iter().for_each(|text| builder.add(&analyzer, text));
        builder.freeze().unwrap()
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
                postings.list(term).unwrap().each_block(|block| {
                    found.extend(block.rows().iter().copied().zip(block.frequencies().iter().copied()));
                });
                prop_assert_eq!(&found, rows);
            }
            prop_assert!(postings.list("zzz").is_none() && postings.list("").is_none());
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
    }

    #[test]
    fn rows_that_are_taken_back_leave_no_trace() {
        let analyzer = Analyzer::named("plain").unwrap();
        let mut builder = Builder::default();
        for text in ["a b a", "b", "c a", "d d"] {
            builder.add(&analyzer, text);
        }
        builder.truncate(1);
        builder.add(&analyzer, "a e");
        assert_eq!(builder.freeze().unwrap().bytes(), frozen(&["a b a".into(), "a e".into()]).bytes());
        builder.truncate(0);
        assert_eq!(builder.freeze().unwrap().bytes(), frozen(&[]).bytes());
    }

    #[test]
    fn more_lengths_than_short_codes_take() {
        let lengths: Vec<u32> = (0..70_000).map(|i| i * 3 % 70_000).collect();
        let bytes = Lengths::to_bytes(&lengths);
        let mut words = vec![0u64; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(&bytes);
        let view = Lengths::new(&bytemuck::cast_slice(&words)[..bytes.len()]).unwrap();
        assert!((0..70_000).all(|row| view.of(row) == lengths[row as usize]));
    }

    #[test]
    fn pieces_of_other_sizes_are_refused() {
        let frozen = frozen(&["a b".into(), "b c c".into()]);
        let [terms, lists] = frozen.bytes();
        for cut in (0..terms.len()).step_by(8) {
            assert!(Postings::new(&terms[..cut], lists).is_none());
        }
        assert!(Postings::new(terms, &lists[..lists.len() - 1]).is_none());
        assert!(Postings::new(terms, &lists[..0]).unwrap().list("b").is_none_or(|list| list.len == 2));
    }
}
