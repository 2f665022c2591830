//! A hit, its one total order, and what keeps the best: a bounded heap, or for many a buffer.
//!
//! Order is (score descending, row ascending) at every stage, so that a result depends on
//! nothing but the data: not on threads, segments or the order of evaluation.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row of an index: its position in order of insertion.
pub type Row = u32;

/// A row and its score. Never NaN: the doors reject what could make one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Higher is better.
    pub score: f32,
    /// The row.
    pub row: Row,
}

impl Hit {
    /// A number that is lower for a better hit.
    fn place(self) -> u64 {
        u64::from(!ordered(self.score)) << 32 | u64::from(self.row)
    }
}

/// A number's bits, so that greater numbers have greater bits.
pub(crate) fn ordered(score: f32) -> u32 {
    let bits = score.to_bits();
    bits ^ if bits >> 31 == 1 { u32::MAX } else { 1 << 31 }
}

/// The number that [`ordered`] gave.
pub(crate) fn from_ordered(bits: u32) -> f32 {
    f32::from_bits(bits ^ if bits >> 31 == 0 { u32::MAX } else { 1 << 31 })
}

impl Eq for Hit {}

impl Ord for Hit {
    /// Better hits are greater: by score, then by the *lower* row.
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Hit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The best `k` hits seen so far.
#[derive(Clone, Debug)]
pub struct TopK {
    k: usize,
    heap: BinaryHeap<std::cmp::Reverse<Hit>>,
}

impl TopK {
    /// Keeps the best `k` of `n` at most; little is allocated ahead, whatever they are.
    pub fn new(k: usize, n: usize) -> Self {
        const AHEAD: usize = 256;
        Self { k, heap: BinaryHeap::with_capacity(k.min(n).min(AHEAD)) }
    }

    /// Whether a hit of this score could still enter, whatever its row.
    pub fn admits(&self, score: f32) -> bool {
        match self.heap.peek() {
            Some(worst) if self.heap.len() == self.k => score >= worst.0.score,
            _ => self.k > 0,
        }
    }

    /// The worst score that is kept, once there are `k`: no hit below it can enter.
    pub fn least(&self) -> Option<f32> {
        let worst = self.heap.peek().filter(|_| self.heap.len() == self.k);
        worst.map(|worst| worst.0.score)
    }

    /// Offers a hit.
    pub fn push(&mut self, hit: Hit) {
        if self.heap.len() < self.k {
            self.heap.push(std::cmp::Reverse(hit));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && hit > worst.0
        {
            *worst = std::cmp::Reverse(hit);
        }
    }

    /// Takes over another heap's hits.
    pub fn merge(&mut self, other: Self) {
        for std::cmp::Reverse(hit) in other.heap {
            self.push(hit);
        }
    }

    /// The hits, best first.
    pub fn into_sorted(self) -> Vec<Hit> {
        self.heap.into_sorted_vec().into_iter().map(|hit| hit.0).collect()
    }
}

/// The best hits seen so far, and some more: a buffer that is cut down to them when it is full.
/// For many hits it is faster than [`TopK`], and learns later what is too bad.
#[derive(Clone, Debug)]
pub struct Shortlist {
    wanted: usize,
    hits: Vec<Hit>,
    least: f32,
}

impl Shortlist {
    /// Keeps the best `wanted`.
    pub fn new(wanted: usize) -> Self {
        Self { wanted, hits: Vec::new(), least: f32::NEG_INFINITY }
    }

    /// A score below this is not among the best.
    pub fn least(&self) -> f32 {
        self.least
    }

    /// Offers a hit.
    pub fn push(&mut self, hit: Hit) {
        if hit.score >= self.least {
            self.hits.push(hit);
            if self.hits.len() >= 2 * self.wanted + 64 {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        if self.hits.len() > self.wanted && self.wanted > 0 {
            let (_, worst, _) = self.hits.select_nth_unstable_by_key(self.wanted - 1, |hit| hit.place());
            self.least = worst.score;
        }
        self.hits.truncate(self.wanted);
    }

    /// Takes over another list's hits.
    pub fn merge(&mut self, other: Self) {
        other.hits.into_iter().for_each(|hit| self.push(hit));
    }

    /// The best, best first.
    pub fn into_sorted(mut self) -> Vec<Hit> {
        self.cut();
        self.hits.sort_unstable_by_key(|hit| hit.place());
        self.hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Few distinct scores, so that ties are the rule.
        #[test]
        fn keeps_what_a_full_sort_keeps(scores in prop::collection::vec(-3i8..3, 0..260), k in 0usize..70) {
            let hits: Vec<Hit> = scores.iter().enumerate()
                .map(|(row, &score)| Hit { score: f32::from(score), row: row as Row }).collect();
            let mut expected = hits.clone();
            expected.sort_by(|a, b| b.cmp(a));
            expected.truncate(k);

            // In reverse order of rows and in two halves: neither may change the answer.
            let (left, right) = hits.split_at(hits.len() / 2);
            let mut top = TopK::new(k, hits.len());
            let mut other = TopK::new(k, hits.len());
            right.iter().rev().for_each(|&hit| top.push(hit));
            left.iter().for_each(|&hit| other.push(hit));
            top.merge(other);
            prop_assert_eq!(top.into_sorted(), &expected[..]);

            let mut list = Shortlist::new(k);
            let mut other = Shortlist::new(k);
            right.iter().rev().for_each(|&hit| list.push(hit));
            left.iter().for_each(|&hit| other.push(hit));
            list.merge(other);
            prop_assert_eq!(list.into_sorted(), expected);
        }
    }

    #[test]
    fn admits_equal_scores_since_a_lower_row_may_win() {
        let mut top = TopK::new(1, 1);
        top.push(Hit { score: 1.0, row: 5 });
        assert!(top.admits(1.0));
        assert!(!top.admits(0.5));
    }
}
