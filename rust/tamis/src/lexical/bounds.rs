//! What the postings of a block may be worth at most, whatever the statistics become.
//!
//! A weight grows with the frequency and shrinks with the length of the row, in all variants. So a
//! block keeps the pairs of frequency and length that no other of its pairs beats, coarsened and
//! merged until three are left, each merged pair better than what it stands for (after the
//! impacts of Lucene's block-max index).

/// A frequency rounded up and a length rounded down, in 4 and 9 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pair(pub(super) u16);

/// The frequencies that a pair can have; the last stands for all above.
const FREQUENCIES: [u32; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 64, 256, u32::MAX];

/// How many lengths a pair can have.
const LENGTHS: usize = 512;

impl Pair {
    fn new(frequency: usize, length: usize) -> Self {
        Self((frequency * LENGTHS + length) as u16)
    }
}

/// The place of the least of [`FREQUENCIES`] that is no less.
fn frequency_class(frequency: u32) -> usize {
    FREQUENCIES.iter().position(|most| frequency <= *most).unwrap_or(FREQUENCIES.len() - 1)
}

/// Four bits behind the highest: exact up to 31.
fn length_class(length: u32) -> usize {
    let shift = 27u32.saturating_sub(length.leading_zeros());
    (16 * shift + (length >> shift)) as usize
}

/// The least length of a class.
fn length_of(class: usize) -> u32 {
    let shift = (class / 16).saturating_sub(1);
    u32::try_from(((class - 16 * shift) as u64) << shift).unwrap_or(u32::MAX)
}

/// Three pairs of which, for any posting given as frequency and length, one is no worse.
pub(super) fn competitive(postings: impl Iterator<Item = (u32, u32)>) -> [Pair; 3] {
    let mut shortest = [usize::MAX; FREQUENCIES.len()];
    for (frequency, length) in postings {
        let least = &mut shortest[frequency_class(frequency)];
        *least = (*least).min(length_class(length));
    }
    // From the highest frequency down, those that are shorter than all above.
    let mut front: Vec<(usize, usize)> = Vec::new();
    for (frequency, &length) in shortest.iter().enumerate().rev() {
        if front.last().is_none_or(|(_, shorter)| length < *shorter) && length < usize::MAX {
            front.push((frequency, length));
        }
    }
    while front.len() > 3 {
        // The neighbours that are most alike become the frequency of the one, the length of the other.
        let loss = |i: &usize| {
            let ((more, long), (fewer, short)) = (front[*i], front[*i + 1]);
            4 * (more - fewer) + (long - short)
        };
        let i = (0..front.len() - 1).min_by_key(loss).unwrap_or(0);
        front[i].1 = front[i + 1].1;
        front.remove(i + 1);
    }
    let pair = |i: usize| {
        let (frequency, length) = front.get(i).or(front.last()).copied().unwrap_or((0, 0));
        Pair::new(frequency, length)
    };
    [pair(0), pair(1), pair(2)]
}

/// The weight of each pair.
#[derive(Clone, Debug)]
pub(super) struct PairWeights(Vec<u32>);

impl PairWeights {
    /// Given what a frequency weighs in a row of a length.
    pub(super) fn new(weight: impl Fn(u32, u32) -> u32) -> Self {
        let of_pair = |pair: usize| weight(FREQUENCIES[pair / LENGTHS], length_of(pair % LENGTHS));
        Self((0..FREQUENCIES.len() * LENGTHS).map(of_pair).collect())
    }

    /// The most that a posting of a block with these pairs weighs.
    pub(super) fn most(&self, pairs: [Pair; 3]) -> u32 {
        let weight = |pair: Pair| self.0.get(usize::from(pair.0)).copied().unwrap_or(u32::MAX);
        pairs.into_iter().map(weight).fold(0, u32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bm25::Bm25;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_rounded_down_and_little() {
        for length in (0..5000).chain([u32::MAX / 2, u32::MAX]) {
            let class = length_class(length);
            assert!(class < LENGTHS);
            let rounded = length_of(class);
            assert!(
                rounded <= length && f64::from(rounded) >= f64::from(length) * 0.94 - 0.01,
                "{length} {rounded}"
            );
            assert_eq!(length_class(rounded), class);
        }
    }

    proptest! {
        #[test]
        fn no_posting_is_worth_more_than_its_block(
            postings in prop::collection::vec((prop_oneof![1u32..6, 1u32..400, Just(u32::MAX)], prop_oneof![1u32..60, 1u32..100_000]), 1..128),
            variant in prop::sample::select(&Bm25::NAMES[..]), k1 in 0.0f64..3.0, b in 0.0f64..=1.0, average in 0.5f64..300.0,
        ) {
            let bm25 = Bm25::new(variant, k1, b).unwrap();
            let weight = |frequency, length| (bm25.weight(frequency, length, average) * 1e6).ceil() as u32;
            let most = PairWeights::new(weight).most(competitive(postings.iter().copied()));
            for (frequency, length) in postings {
                prop_assert!(weight(frequency, length) <= most);
            }
        }
    }
}
