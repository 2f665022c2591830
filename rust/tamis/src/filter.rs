//! A set of rows as a bitmap: which rows are alive, which rows a filter lets through.

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
        let mut set = Self::none(flags.len());
        for (row, _) in flags.iter().enumerate().filter(|(_, flag)| **flag) {
            set.insert(row as Row);
        }
        set
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

    /// The rows of this set that are also in `other`, which has the same length.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        debug_assert_eq!(self.len, other.len);
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        Self { words, len: self.len }
    }

    /// The part `start..start + len` as a set of its own.
    #[must_use]
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let mut part = Self::none(len);
        for row in 0..len {
            if self.contains((start + row) as Row) {
                part.insert(row as Row);
            }
        }
        part
    }
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
            prop_assert_eq!(RowSet::from_words(set.words(), set.len()), Some(set.clone()));
            prop_assert_eq!(set.and(&RowSet::all(set.len())), set.clone());
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
