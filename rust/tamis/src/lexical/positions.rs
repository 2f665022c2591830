//! Where in its rows a term stands.
//!
//! | words | content |
//! |---|---|
//! | 1 a block but the first | the block's first word, counted from the end of these |
//! | blocks | bits of a number (6 bits), then for each posting as many positions as its frequency says: the first, and the distances to those that follow |
//!
//! The blocks are those of the [lists](super::lists). As there, nothing that is read is trusted.

use super::lists::{BLOCK, BitReader, BitWriter, Walk, width};

/// Appends the positions of a list, ascending in each posting.
pub(super) fn encode(frequencies: &[u32], positions: &[u32], out: &mut Vec<u32>) {
    let blocks = frequencies.chunks(BLOCK);
    let starts = out.len();
    out.resize(starts + blocks.len().saturating_sub(1), 0);
    let first = out.len();
    let mut rest = positions;
    let mut gaps = Vec::new();
    for (i, frequencies) in blocks.enumerate() {
        if i > 0 {
            out[starts + i - 1] = (out.len() - first) as u32;
        }
        gaps.clear();
        for frequency in frequencies {
            let own;
            (own, rest) = rest.split_at(rest.len().min(*frequency as usize));
            let mut before = 0;
            gaps.extend(own.iter().map(|position| position - std::mem::replace(&mut before, *position)));
        }
        // One bit at least: a damaged frequency then asks for no more than there is.
        let width = width(&gaps).max(1);
        let mut bits = BitWriter::new(out);
        bits.put(width, 6);
        gaps.iter().for_each(|gap| bits.put(*gap, width));
        bits.finish();
    }
}

/// The positions of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positions<'a> {
    starts: &'a [u32],
    words: &'a [u32],
}

impl<'a> Positions<'a> {
    /// Of the list of so many postings at the beginning of `words`.
    pub(super) fn new(postings: usize, words: &'a [u32]) -> Option<Self> {
        let (starts, words) = words.split_at_checked(postings.div_ceil(BLOCK).saturating_sub(1))?;
        Some(Self { starts, words })
    }

    /// The positions of a block, from its first posting on.
    pub(super) fn block(&self, block: usize) -> Option<Places<'a>> {
        let start = block.checked_sub(1).map_or(Some(&0), |before| self.starts.get(before));
        let mut bits = BitReader::new(self.words.get(*start? as usize..)?);
        let width = bits.take(6);
        (1..=32).contains(&width).then_some(Places { bits, width })
    }
}

/// Positions of a block, posting by posting.
#[derive(Clone, Debug)]
pub(super) struct Places<'a> {
    bits: BitReader<'a>,
    width: u32,
}

impl Places<'_> {
    /// Passes by so many positions.
    pub(super) fn skip(&mut self, positions: u64) {
        self.bits.skip(positions.saturating_mul(u64::from(self.width)));
    }

    /// Appends the positions of a posting of this frequency; nothing if there are not as many.
    pub(super) fn take(&mut self, frequency: u32, out: &mut Vec<u32>) {
        if u64::from(frequency) * u64::from(self.width) > self.bits.left() {
            return;
        }
        let mut position = 0u32;
        for _ in 0..frequency {
            position = position.wrapping_add(self.bits.take(self.width));
            out.push(position);
        }
    }
}

/// A list that is gone through together with its positions.
#[derive(Clone, Debug)]
pub(super) struct PlacedWalk<'a> {
    pub(super) walk: Walk<'a>,
    positions: Positions<'a>,
    /// The block that its positions are read in, from this posting on.
    block: Option<usize>,
    next: usize,
    rest: Option<Places<'a>>,
    /// The positions of the posting before that one.
    places: Vec<u32>,
}

impl<'a> PlacedWalk<'a> {
    pub(super) fn new(walk: Walk<'a>, positions: Positions<'a>) -> Self {
        Self { walk, positions, block: None, next: 0, rest: None, places: Vec::new() }
    }

    /// The positions in the row it stands at, ascending.
    pub(super) fn places(&mut self) -> &[u32] {
        let (block, repeats, at) = self.walk.place();
        let Some(own) = repeats.get(at) else { return &[] };
        if self.block != Some(block) {
            (self.block, self.next, self.rest) = (Some(block), 0, self.positions.block(block));
        }
        if self.next <= at {
            self.places.clear();
            if let Some(rest) = &mut self.rest {
                rest.skip(repeats[self.next..at].iter().map(|repeats| u64::from(*repeats) + 1).sum());
                rest.take(own.saturating_add(1), &mut self.places);
            }
            self.next = at + 1;
        }
        &self.places
    }
}

#[cfg(test)]
mod tests {
    use super::super::lists::{self, List};
    use super::*;
    use proptest::prelude::*;

    /// Rows and the positions in each.
    fn postings() -> impl Strategy<Value = Vec<(u32, Vec<u32>)>> {
        let positions = prop_oneof![
            9 => prop::collection::btree_set(0u32..60, 1..5),
            1 => prop::collection::btree_set(any::<u32>(), 1..70),
        ];
        let list = prop::collection::btree_map(0u32..3000, positions, 0..400);
        list.prop_map(|list| list.into_iter().map(|(row, all)| (row, all.into_iter().collect())).collect())
    }

    /// The words of the list and of its positions.
    fn encoded(list: &[(u32, Vec<u32>)]) -> [Vec<u32>; 2] {
        let rows: Vec<u32> = list.iter().map(|(row, _)| *row).collect();
        let frequencies: Vec<u32> = list.iter().map(|(_, all)| all.len() as u32).collect();
        let places: Vec<u32> = list.iter().flat_map(|(_, all)| all).copied().collect();
        let mut words = [Vec::new(), Vec::new()];
        lists::encode(&rows, &frequencies, |_| 9, &mut words[0]);
        encode(&frequencies, &places, &mut words[1]);
        words
    }

    fn walk(n: usize, [list, positions]: &[Vec<u32>; 2]) -> PlacedWalk<'_> {
        let list = List::new(n, list).unwrap();
        PlacedWalk::new(Walk::new(list), Positions::new(n, positions).unwrap())
    }

    proptest! {
        #[test]
        fn positions_come_back_step_by_step_and_by_seeking(list in postings(), far in 1usize..300) {
            let words = encoded(&list);
            let mut one = walk(list.len(), &words);
            for (row, places) in &list {
                prop_assert_eq!(one.walk.row(), Some(*row));
                prop_assert_eq!(one.places(), places);
                one.walk.step();
            }
            prop_assert_eq!(one.walk.row(), None);
            prop_assert!(one.places().is_empty());
            let mut one = walk(list.len(), &words);
            for wanted in (0..3001).step_by(far) {
                one.walk.seek(wanted);
                let expected = list.iter().find(|(row, _)| *row >= wanted);
                prop_assert_eq!(one.walk.row(), expected.map(|(row, _)| *row));
                prop_assert_eq!(one.places(), expected.map_or(&[][..], |(_, places)| places));
            }
        }

        #[test]
        fn damaged_positions_never_panic(
            list in postings(), which in 0usize..2, at in any::<prop::sample::Index>(), value in any::<u32>(),
        ) {
            let mut words = encoded(&list);
            if !words[which].is_empty() {
                let at = at.index(words[which].len());
                words[which][at] = value;
            }
            let mut one = walk(list.len(), &words);
            let mut steps = 0;
            while one.walk.row().is_some() && steps <= list.len() {
                one.places();
                one.walk.step();
                steps += 1;
            }
            prop_assert!(steps <= list.len());
        }
    }
}
