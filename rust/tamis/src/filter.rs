//! A set of rows as a bitmap: which rows are alive, which rows a filter lets through.

use std::ops::Range;

use crate::hit::Row;

/// A set of rows out of `0..len`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    len: usize,
}

impl RowSet {
    /// The empty set over `0..len`.
    pub fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// All of `0..len`.
    pub fn all(len: usize) -> Self {
        let mut set = Self { words: vec![u64::MAX; len.div_ceil(64)], len };
        set.clear_tail();
        set
    }

    /// The rows whose flag is set.
    pub fn from_flags(flags: &[bool]) -> Self {
        Self::from_bytes(bytemuck::cast_slice(flags))
    }

    /// The rows whose byte is not 0.
    pub fn from_bytes(flags: &[u8]) -> Self {
        let (eights, rest) = flags.as_chunks::<8>();
        // The highest bit of each byte that is not 0, moved to its lowest; the product then moves
        // the eight next to one another at the top.
        let pack = |flags: &[u8; 8]| {
            const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
            let bytes = u64::from_le_bytes(*flags);
            let set = (((bytes & LOW) + LOW) | bytes) >> 7 & 0x0101_0101_0101_0101;
            (set.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
        };
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let mut bytes: Vec<u8> = eights.iter().chain([&last]).map(pack).collect();
        bytes.resize(flags.len().div_ceil(64) * 8, 0);
        let words = bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        Self { words, len: flags.len() }
    }

    /// A set from its words, as [`RowSet::words`] gives them; bits beyond `len` are dropped.
    pub fn from_words(words: &[u64], len: usize) -> Option<Self> {
        if words.len() != len.div_ceil(64) {
            return None;
        }
        let mut set = Self { words: words.to_vec(), len };
        set.clear_tail();
        Some(set)
    }

    fn clear_tail(&mut self) {
        if !self.len.is_multiple_of(64)
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << (self.len % 64)) - 1;
        }
    }

    /// The bits, 64 rows a word, the lowest row in the lowest bit.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The bits of `start..start + n`, 64 at most, the first in the lowest.
    pub(crate) fn bits(&self, start: usize, n: usize) -> u64 {
        let at = |i: usize| self.words.get(start / 64 + i).copied().unwrap_or(0);
        // The second shift is two, since a shift by 64 is none.
        let bits = at(0) >> (start % 64) | at(1) << 1 << (63 - start % 64);
        if n < 64 { bits & ((1 << n) - 1) } else { bits }
    }

    /// How many rows there are to choose from.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows to choose from.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many rows are in the set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The rows in the set, ascending.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.words.iter().enumerate().flat_map(|(i, &word)| ones(word).map(move |bit| 64 * i as Row + bit))
    }

    /// The rows in the set as ranges, ascending, as long as they can be.
    pub fn runs(&self) -> impl Iterator<Item = Range<Row>> {
        let mut rows = self.rows().peekable();
        std::iter::from_fn(move || {
            let start = rows.next()?;
            let mut end = start + 1;
            while rows.next_if_eq(&end).is_some() {
                end += 1;
            }
            Some(start..end)
        })
    }

    /// Whether the row is in the set.
    ///
    /// # Panics
    /// If the row is beyond the set's length.
    pub fn contains(&self, row: Row) -> bool {
        self.words[row as usize / 64] >> (row % 64) & 1 == 1
    }

    /// Puts the row in.
    ///
    /// # Panics
    /// If the row is beyond the set's length.
    pub fn insert(&mut self, row: Row) {
        assert!((row as usize) < self.len, "row {row} is beyond the set's {} rows", self.len);
        self.words[row as usize / 64] |= 1 << (row % 64);
    }

    /// Takes the row out.
    ///
    /// # Panics
    /// If the row is beyond the set's length.
    pub fn remove(&mut self, row: Row) {
        self.words[row as usize / 64] &= !(1 << (row % 64));
    }

    /// The rows that are not in this set.
    #[must_use]
    pub fn not(&self) -> Self {
        let mut set = Self { words: self.words.iter().map(|word| !word).collect(), len: self.len };
        set.clear_tail();
        set
    }

    /// The rows of this set that are also in `other`, which has the same length.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        debug_assert_eq!(self.len, other.len);
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        Self { words, len: self.len }
    }

    /// The rows of this set and those of `other`, which has the same length.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        debug_assert_eq!(self.len, other.len);
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a | b).collect();
        Self { words, len: self.len }
    }

    /// The part `start..start + len` as a set of its own.
    ///
    /// # Panics
    /// If it reaches beyond the set.
    #[must_use]
    pub fn slice(&self, start: usize, len: usize) -> Self {
        assert!(start + len <= self.len, "rows {start} to {} of {}", start + len, self.len);
        let mut part =
            Self { words: (0..len.div_ceil(64)).map(|i| self.bits(start + 64 * i, 64)).collect(), len };
        part.clear_tail();
        part
    }
}

/// The places of the bits that are set, ascending.
pub(crate) fn ones(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros());
        word &= word.wrapping_sub(1);
        bit
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_like_a_vector_of_flags(
            flags in prop::collection::vec(any::<bool>(), 1..200),
            cut in any::<prop::sample::Index>(),
        ) {
            let set = RowSet::from_flags(&flags);
            let rows = |set: &RowSet| (0..set.len()).map(|row| set.contains(row as Row)).collect::<Vec<_>>();
            prop_assert_eq!(rows(&set), flags.clone());
            prop_assert_eq!(set.count(), flags.iter().filter(|flag| **flag).count());
            let bytes: Vec<u8> = flags.iter().zip([1, 255, 2, 128].iter().cycle()).map(|(flag, byte)| u8::from(*flag) * byte).collect();
            prop_assert_eq!(&RowSet::from_bytes(&bytes), &set);
            prop_assert!(set.rows().eq((0..flags.len() as Row).filter(|&row| flags[row as usize])));
            prop_assert_eq!(RowSet::from_words(set.words(), set.len()), Some(set.clone()));
            prop_assert_eq!(set.and(&RowSet::all(set.len())), set.clone());
            prop_assert_eq!(set.and(&set.not()).count(), 0);
            prop_assert_eq!(set.or(&set.not()), RowSet::all(set.len()));
            prop_assert_eq!(set.or(&RowSet::none(set.len())), set.clone());
            let start = cut.index(flags.len());
            prop_assert_eq!(rows(&set.slice(start, flags.len() - start)), flags[start..].to_vec());
        }
    }

    #[test]
    fn all_has_no_bits_beyond_its_length() {
        assert_eq!(RowSet::all(70).count(), 70);
        assert_eq!(RowSet::from_words(&[u64::MAX, u64::MAX], 70), Some(RowSet::all(70)));
        assert_eq!(RowSet::from_words(&[0], 70), None);
    }
}
