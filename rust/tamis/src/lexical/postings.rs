//! The inverted index: for each term, the rows that hold it and how often.
//!
//! [`InvertedIndex`] grows in memory; [`InvertedIndex::to_bytes`] freezes it into one block of
//! bytes that [`PostingsView`] searches where it lies, without a load step. Both are
//! [`Postings`], which is all that a search sees.
//!
//! The block, little-endian, each array aligned to 8 bytes:
//!
//! | array | type | length |
//! |---|---|---|
//! | header: rows, terms, postings, bytes of all terms | u64 | 4 |
//! | length of each row in terms | u32 | rows |
//! | end of each term in the term bytes | u64 | terms |
//! | end of each term's list in the postings | u64 | terms |
//! | rows of all lists | u32 | postings |
//! | frequencies of all lists | u32 | postings |
//! | terms, sorted, one after the other | UTF-8 | bytes of all terms |

use rustc_hash::FxHashMap;

use super::Analyzer;
use crate::hit::Row;

/// The rows of one term, ascending, and the term's frequency in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a> {
    /// The rows.
    pub rows: &'a [Row],
    /// As many frequencies.
    pub frequencies: &'a [u32],
}

/// What a search needs of an inverted index.
pub trait Postings: Sync {
    /// The length of each row in terms.
    fn lengths(&self) -> &[u32];

    /// The list of a term, if any row holds it.
    fn list(&self, term: &str) -> Option<List<'_>>;
}

#[derive(Clone, Debug, Default)]
struct OwnedList {
    rows: Vec<Row>,
    frequencies: Vec<u32>,
}

/// An inverted index in memory, growing at the end.
#[derive(Clone, Debug, Default)]
pub struct InvertedIndex {
    ids: FxHashMap<Box<str>, u32>,
    lists: Vec<OwnedList>,
    lengths: Vec<u32>,
    total_length: u64,
}

impl InvertedIndex {
    /// Adds a text as the next row.
    pub fn add(&mut self, analyzer: &Analyzer, text: &str) {
        let row = self.lengths.len() as Row;
        let mut length = 0;
        analyzer.each(text, |term, _, _| {
            length += 1;
            let next = self.lists.len() as u32;
            let id = self.ids.get(term).copied().unwrap_or_else(|| {
                self.ids.insert(term.into(), next);
                self.lists.push(OwnedList::default());
                next
            });
            let list = &mut self.lists[id as usize];
            if list.rows.last() != Some(&row) {
                list.rows.push(row);
                list.frequencies.push(0);
            }
            if let Some(frequency) = list.frequencies.last_mut() {
                *frequency += 1;
            }
        });
        self.lengths.push(length);
        self.total_length += u64::from(length);
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The sum of all rows' lengths.
    pub fn total_length(&self) -> u64 {
        self.total_length
    }

    /// The index as one block of bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut terms: Vec<(&str, &OwnedList)> =
            self.ids.iter().map(|(term, &id)| (&**term, &self.lists[id as usize])).collect();
        terms.sort_unstable_by_key(|(term, _)| *term);
        let ends = |len: fn(&(&str, &OwnedList)) -> usize| {
            terms.iter().scan(0, move |sum, item| {
                *sum += len(item) as u64;
                Some(*sum)
            })
        };
        let term_ends: Vec<u64> = ends(|(term, _)| term.len()).collect();
        let list_ends: Vec<u64> = ends(|(_, list)| list.rows.len()).collect();
        let last = |ends: &[u64]| ends.last().copied().unwrap_or(0);

        let mut bytes = Vec::new();
        let header = [self.lengths.len() as u64, terms.len() as u64, last(&list_ends), last(&term_ends)];
        append(&mut bytes, bytemuck::cast_slice(&header));
        append(&mut bytes, bytemuck::cast_slice(&self.lengths));
        append(&mut bytes, bytemuck::cast_slice(&term_ends));
        append(&mut bytes, bytemuck::cast_slice(&list_ends));
        let rows: Vec<u32> = terms.iter().flat_map(|(_, list)| list.rows.iter().copied()).collect();
        append(&mut bytes, bytemuck::cast_slice(&rows));
        let frequencies: Vec<u32> =
            terms.iter().flat_map(|(_, list)| list.frequencies.iter().copied()).collect();
        append(&mut bytes, bytemuck::cast_slice(&frequencies));
        for (term, _) in &terms {
            bytes.extend_from_slice(term.as_bytes());
        }
        bytes
    }
}

/// Appends an array and pads it to 8 bytes.
fn append(bytes: &mut Vec<u8>, array: &[u8]) {
    bytes.extend_from_slice(array);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

impl Postings for InvertedIndex {
    fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    fn list(&self, term: &str) -> Option<List<'_>> {
        let list = &self.lists[*self.ids.get(term)? as usize];
        Some(List { rows: &list.rows, frequencies: &list.frequencies })
    }
}

/// An inverted index that lies in a block of bytes.
#[derive(Clone, Copy, Debug)]
pub struct PostingsView<'a> {
    lengths: &'a [u32],
    term_ends: &'a [u64],
    list_ends: &'a [u64],
    rows: &'a [Row],
    frequencies: &'a [u32],
    terms: &'a [u8],
}

impl<'a> PostingsView<'a> {
    /// The index in a block that [`InvertedIndex::to_bytes`] gave, aligned to 8 bytes. Nothing is
    /// read but the header, and nothing is trusted: a look-up in a block with false offsets finds
    /// nothing.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let header: &[u64] = take(&mut rest, 4)?;
        let [rows, terms, postings, term_bytes] = header.try_into().ok()?;
        let view = Self {
            lengths: take(&mut rest, rows)?,
            term_ends: take(&mut rest, terms)?,
            list_ends: take(&mut rest, terms)?,
            rows: take(&mut rest, postings)?,
            frequencies: take(&mut rest, postings)?,
            terms: rest,
        };
        (view.terms.len() as u64 == term_bytes).then_some(view)
    }

    /// The index in memory, to add to.
    pub fn to_owned(&self) -> Option<InvertedIndex> {
        let mut owned = InvertedIndex { lengths: self.lengths.to_vec(), ..InvertedIndex::default() };
        owned.total_length = self.lengths.iter().map(|&length| u64::from(length)).sum();
        for id in 0..self.term_ends.len() {
            let term = std::str::from_utf8(self.term(id)?).ok()?;
            let list = self.list_of(id)?;
            owned.ids.insert(term.into(), id as u32);
            owned.lists.push(OwnedList { rows: list.rows.to_vec(), frequencies: list.frequencies.to_vec() });
        }
        Some(owned)
    }

    fn term(&self, id: usize) -> Option<&'a [u8]> {
        self.terms.get(span(self.term_ends, id)?)
    }

    fn list_of(&self, id: usize) -> Option<List<'a>> {
        let span = span(self.list_ends, id)?;
        Some(List { rows: self.rows.get(span.clone())?, frequencies: self.frequencies.get(span)? })
    }
}

/// Takes an array of `len` values off the front, with its padding.
fn take<'a, T: bytemuck::Pod>(bytes: &mut &'a [u8], len: u64) -> Option<&'a [T]> {
    let size = usize::try_from(len).ok()?.checked_mul(size_of::<T>())?;
    let (array, rest) = bytes.split_at_checked(size.checked_next_multiple_of(8)?)?;
    *bytes = rest;
    bytemuck::try_cast_slice(&array[..size]).ok()
}

fn span(ends: &[u64], id: usize) -> Option<std::ops::Range<usize>> {
    let start = if id == 0 { 0 } else { ends[id - 1] };
    Some(usize::try_from(start).ok()?..usize::try_from(ends[id]).ok()?)
}

impl Postings for PostingsView<'_> {
    fn lengths(&self) -> &[u32] {
        self.lengths
    }

    fn list(&self, term: &str) -> Option<List<'_>> {
        let (mut low, mut high) = (0, self.term_ends.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.term(middle)?.cmp(term.as_bytes()) {
                std::cmp::Ordering::Equal => return self.list_of(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(texts: &[String]) -> InvertedIndex {
        let analyzer = Analyzer::named("plain").unwrap();
        let mut index = InvertedIndex::default();
        texts.iter().for_each(|text| index.add(&analyzer, text));
        index
    }

    /// Bytes at an address that is a multiple of 8.
    fn aligned(bytes: &[u8]) -> Vec<u64> {
        let mut words = vec![0; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        words
    }

    proptest! {
        #[test]
        fn frozen_thawed_and_grown_hold_the_same(texts in prop::collection::vec("[a-d ]{0,12}", 0..20)) {
            let grown = index(&texts);
            let bytes = grown.to_bytes();
            let words = aligned(&bytes);
            let view = PostingsView::new(&bytemuck::cast_slice(&words)[..bytes.len()]).unwrap();
            let thawed = view.to_owned().unwrap();
            prop_assert_eq!(view.lengths(), grown.lengths());
            prop_assert_eq!(thawed.total_length(), grown.total_length());
            for term in grown.ids.keys().map(|term| &**term).chain(["zzz", ""]) {
                prop_assert_eq!(view.list(term), grown.list(term));
                prop_assert_eq!(thawed.list(term), grown.list(term));
            }
            prop_assert_eq!(thawed.to_bytes(), bytes);
        }

        #[test]
        fn damaged_bytes_never_panic(
            texts in prop::collection::vec("[a-d ]{1,12}", 1..8),
            at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(),
        ) {
            let bytes = index(&texts).to_bytes();
            let mut words = aligned(&bytes);
            let damaged = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()];
            damaged[at.index(bytes.len())] = value;
            for slice in [&damaged[..], &damaged[..cut.index(bytes.len())]] {
                if let Some(view) = PostingsView::new(slice) {
                    for term in ["a", "b", "abcd", "zzz"] {
                        let _ = view.list(term);
                    }
                    let _ = view.to_owned();
                }
            }
        }
    }
}
