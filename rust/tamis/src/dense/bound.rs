//! Queries as codes are asked with them, and what the codes then prove about inner products.
//!
//! A query `q` is rotated as the rows were, `p = R q`, and rounded to bytes, `p = p' + d`. With a
//! row's code `z = s c + r` relative to the centre `m` (see [`super::codes`]),
//!
//! ```text
//! <q, x> = <q, m> + s <p', c> + <p', r> + <d, z>
//! |<p', r>| <= |r| sqrt(|p'|^2 - <p', c>^2 / |c|^2)      (Cauchy-Schwarz, orthogonal to c)
//! |<d, z>|  <= |d| (|s c| + |r|)
//! ```
//!
//! so that `<p', c>`, a sum of small integers, bounds the inner product from above. The fine code,
//! `r = t e + u`, says more about the third term:
//!
//! ```text
//! <p', r> = t <p', e> + <p', u>,    |<p', u>| <= |p'| |u|
//! ```
//!
//! The bounds hold for any centre, rotation and data; those only decide how tight they are.
//! [`Bound`] adds what rounding may add: of the rotation, of the scan, and of the f32 product that
//! the bound is compared with. Nothing in it is measured or guessed.

use super::codes::{CodesView, Frame, down, numbers, scale_down, up};
use super::rotation::{Rotation, UNIT};
use crate::simd::{BitQuery, BlockDots, LANES, Level, Limit, Line, NibbleQuery, Plain, compiled_for};

/// The largest byte of a query.
const LARGEST: f64 = 127.0;

/// Queries rotated side by side, where there are several.
const PANEL: usize = 16;

/// Queries as codes in one frame are asked with them.
#[derive(Clone, Debug, Default)]
pub(super) struct CodedQueries {
    for_bits: bool,
    pub(super) nibbles: Vec<NibbleQuery>,
    pub(super) bits: Vec<BitQuery>,
    pub(super) bounds: Vec<Bound>,
    /// The inner product of each query with the centre.
    pub(super) bases: Vec<f32>,
}

impl CodedQueries {
    /// For the nibbles, or for the bits.
    pub(super) fn new(frame: &Frame, queries: &[f32], for_bits: bool, level: Level) -> Self {
        let mut coded = Self { for_bits, ..Self::default() };
        if queries.len() == frame.rotation().dim() {
            coded.extend::<1>(frame, queries, level);
        } else {
            coded.extend::<PANEL>(frame, queries, level);
        }
        coded
    }

    /// Adds queries, rotated so many at a time.
    fn extend<const LANES: usize>(&mut self, frame: &Frame, queries: &[f32], level: Level) {
        let dim = frame.rotation().dim();
        let mut panel = vec![[0.0; LANES]; frame.rotation().width()];
        for queries in queries.chunks(LANES * dim) {
            panel.fill([0.0; LANES]);
            for (lane, query) in queries.chunks_exact(dim).enumerate() {
                query.iter().zip(&mut panel).for_each(|(value, lanes)| lanes[lane] = *value);
            }
            let powers = compiled_for(level, Turning(frame.rotation(), &mut panel));
            for (lane, query) in queries.chunks_exact(dim).enumerate() {
                let rotated: Vec<f32> = panel.iter().map(|lanes| lanes[lane]).collect();
                self.push(frame, query, &rotated, powers[lane]);
            }
        }
    }

    fn push(&mut self, frame: &Frame, query: &[f32], rotated: &[f32], power: f64) {
        let largest = rotated.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let base = query.iter().zip(frame.centre()).map(|(q, m)| f64::from(*q) * f64::from(*m)).sum::<f64>();
        if self.for_bits {
            self.bits.push(bit_query(rotated, largest, power));
            self.bases.push(base as f32);
            return;
        }
        let rounded = Rounded::new(rotated, largest);
        self.bounds.push(Bound::new(frame, &rounded, length(query) / power, base / power, power));
        self.nibbles.push(rounded.query);
    }
}

/// A panel of queries, to be scaled and rotated; gives the powers of two that were taken out.
struct Turning<'a, const LANES: usize>(&'a Rotation, &'a mut [[f32; LANES]]);

impl<const LANES: usize> Plain for Turning<'_, LANES> {
    type Done = [f64; LANES];

    #[inline(always)]
    fn run(self) -> [f64; LANES] {
        let powers = scale_down(self.1);
        self.0.apply(self.1);
        powers
    }
}

/// The length of a vector.
pub(super) fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

/// A rotated query rounded to bytes.
struct Rounded {
    query: NibbleQuery,
    step: f64,
    /// The length of the rounded query.
    length: f64,
    /// The length of what rounding took away.
    rest: f64,
}

impl Rounded {
    fn new(rotated: &[f32], largest: f32) -> Self {
        let step = f64::from(down(f64::from(largest) / LARGEST).max(f32::MIN_POSITIVE));
        let inverse = (1.0 / step) as f32;
        let bytes: Vec<i8> = rotated.iter().map(|value| nearest(value * inverse) as i8).collect();
        let (mut sum, mut square, mut rest) = (0i32, 0i64, 0.0f64);
        for (value, byte) in rotated.iter().zip(&bytes) {
            sum += i32::from(*byte);
            square += i64::from(*byte).pow(2);
            rest += (f64::from(*value) - step * f64::from(*byte)).powi(2);
        }
        let word = |bytes: &[i8; 4]| i32::from_le_bytes(bytes.map(|byte| byte as u8));
        let words =
            bytes.as_chunks::<4>().0.as_chunks::<2>().0.iter().map(|pair| [word(&pair[0]), word(&pair[1])]);
        let words = words.collect();
        let query = NibbleQuery { offset: 15 * sum, words };
        Self { query, step, length: step * (square as f64).sqrt(), rest: rest.sqrt() }
    }
}

/// The nearest whole number, of two the even one, of a number that is far from 2^22 in size: the
/// sum has no room for a fraction. What the standard library has for it is a call.
fn nearest(value: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0;
    ((value + SHIFT) - SHIFT) as i32
}

/// The sums of signs of each four dimensions, the query rounded to odd numbers in -15..=15.
fn bit_query(rotated: &[f32], largest: f32, power: f64) -> BitQuery {
    /// Where sixteen levels are best cut off, in standard deviations of a component.
    const CUT: f32 = 2.75;
    let square: f32 = rotated.iter().map(|value| value * value).sum();
    let reach = largest.min(CUT * (square / rotated.len() as f32).sqrt()).max(f32::MIN_POSITIVE);
    // A level of 0..=15 for each; its odd number and 15, halved, are a sign's share of a sum.
    let level = |value: f32| nearest(value / reach * 7.5 + 7.5).clamp(0, 15) as u8;
    let sums = |values: &[f32; 4]| {
        let levels = values.map(level);
        let share = |sign: usize, level: u8| if sign == 1 { level } else { 15 - level };
        std::array::from_fn(|signs| (0..4).map(|i| share(signs >> i & 1, levels[i])).sum())
    };
    let table = rotated.as_chunks::<4>().0.iter().map(sums).collect();
    BitQuery { table, offset: 15 * rotated.len() as i32, step: (f64::from(reach) / 15.0 * power) as f32 }
}

/// An upper bound of the f32 inner product of a query with any row, from the row's nibbles.
/// Everything in it is divided by a power of two, so that the query's largest component is near 1.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    step: f64,
    /// The length of the rounded query.
    rounded: f64,
    /// What a unit of the length of a row's code, or of its rest, may add beside the products.
    beside: f64,
    /// What is added whatever the row: the product with the centre, and rounding.
    base: f64,
    power: f64,
}

impl Bound {
    fn new(frame: &Frame, rounded: &Rounded, length: f64, base: f64, power: f64) -> Self {
        let dim = frame.rotation().dim();
        // The f32 product: a chain of fused operations a lane, then the lanes are added up.
        let steps = (dim / LANES + 8) as f64 * UNIT;
        let product = steps / (1.0 - steps) * length;
        // The rounded query is away from the rotated one by its rest and the rotation's error.
        let away = rounded.rest + frame.rotation().error() * length;
        // A row's rest is orthogonal to its code up to the error of its rotation and of its scale,
        // a quotient of sums over the dimensions.
        let sums = (frame.rotation().width() + 4) as f64 * UNIT;
        let slant = (frame.rotation().error() + sums) * rounded.length;
        // Six roundings in the cheap test, each of a term or a sum of terms.
        let scan = 8.0 * UNIT * rounded.length;
        let beside = 1.000_001 * (product + away + slant + scan);
        let centre = self::length(frame.centre());
        // Numbers too small for an f32: of the f32 product, of the scan, of a scale along its code.
        let tiny = (dim + 16 * frame.rotation().width() + 64) as f64
            * f64::from(f32::from_bits(1))
            * (1.0 + 1.0 / power);
        Self {
            step: rounded.step,
            rounded: rounded.length * (1.0 + 8.0 * UNIT),
            beside,
            base: base + product * centre + dim as f64 * f64::EPSILON * length * centre + tiny,
            power,
        }
    }

    /// What the scan passes, given the score that a row must reach.
    pub(super) fn limit(&self, least: f32) -> Limit {
        Limit {
            step: self.step as f32,
            residual: up(self.rounded + self.beside),
            size: up(self.beside),
            least: down(self.floor(least)),
        }
    }

    fn floor(&self, least: f32) -> f64 {
        f64::from(least) / self.power - self.base
    }

    /// Where the rows of a block stand that the scan let through, given what it found and the score
    /// that a row must reach.
    pub(super) fn judge(&self, level: Level, block: &[Line], found: &BlockDots, least: f32) -> Verdict {
        compiled_for(
            level,
            Judging { bound: self, block, dots: &found.dots, mask: found.mask, floor: self.floor(least) },
        )
    }

    /// An upper bound of a row's score, given what [`Verdict`] said is known of it and the product
    /// of its fine code with the rounded query.
    pub(super) fn upper(&self, codes: &CodesView<'_>, row: usize, known: f32, dot: i32) -> f32 {
        let (scale, rest) = codes.fine_numbers(row);
        up(f64::from(known) + (scale * self.step * f64::from(dot) + rest * self.rounded) * self.power)
    }

    /// The estimate of a row's score.
    pub(super) fn estimate(&self, codes: &CodesView<'_>, row: usize, dot: i32) -> f32 {
        let scale = f64::from(codes.scale(row));
        ((scale * self.step * f64::from(dot) + self.base) * self.power) as f32
    }
}

/// What the nibbles of a block say about the scores of its rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    /// The rows that can reach what they must, the first in the lowest bit.
    pub(super) possible: u16,
    /// The rows that are estimated to reach it: no proof, but worth a look at once.
    pub(super) likely: u16,
    /// An upper bound of each score, but for the product of the query with what the nibbles leave.
    pub(super) known: [f32; LANES],
    /// An upper bound of each score.
    pub(super) upper: [f32; LANES],
}

/// A block to be judged.
struct Judging<'a> {
    bound: &'a Bound,
    block: &'a [Line],
    dots: &'a [i32; LANES],
    mask: u16,
    floor: f64,
}

impl Plain for Judging<'_> {
    type Done = Verdict;

    #[inline(always)]
    fn run(self) -> Verdict {
        let Self { bound, block, dots, mask, floor } = self;
        let (scales, rests, sizes) = numbers(block);
        let mut known = [0.0; LANES];
        let (mut possible, mut likely) = ([false; LANES], [false; LANES]);
        for lane in 0..LANES {
            let (rest, size) = (f64::from(rests[lane]), f64::from(sizes[lane]));
            let estimate = f64::from(scales[lane]) * bound.step * f64::from(dots[lane]);
            known[lane] = estimate + (rest + size) * bound.beside;
            // The row is out if `known + rest * across < floor`, where `across`, the length of the
            // query across the code, is `sqrt(rounded^2 - (estimate / size)^2)`: all of it times
            // `size`, and squared.
            let gap = (floor - known[lane]).max(0.0) * size;
            let length = bound.rounded * size;
            let across_square = (length * length - estimate * estimate).max(0.0);
            possible[lane] = rest * rest * across_square >= gap * gap;
            likely[lane] = estimate >= floor;
        }
        let mut verdict = Verdict { possible: 0, likely: 0, known: [0.0; LANES], upper: [0.0; LANES] };
        for lane in 0..LANES {
            verdict.possible |= u16::from(possible[lane]) << lane;
            verdict.likely |= u16::from(possible[lane] & likely[lane]) << lane;
        }
        if verdict.possible & mask == 0 {
            return verdict;
        }
        for lane in 0..LANES {
            let upper = known[lane] + f64::from(rests[lane]) * bound.rounded;
            verdict.known[lane] = above((known[lane] + bound.base) * bound.power);
            verdict.upper[lane] = above((upper + bound.base) * bound.power);
        }
        verdict
    }
}

/// As [`up`], but without a branch, and by one more: for many numbers side by side.
#[inline(always)]
fn above(value: f64) -> f32 {
    let single = (value as f32).max(f32::MIN);
    single + (single.abs() * f32::EPSILON + f32::from_bits(1))
}

#[cfg(test)]
mod tests {
    use super::super::codes::tests::{adversarial, codes_of, pseudo_random};
    use super::super::codes::{Codes, GROUP, bit_lines, nibble_lines};
    use super::*;
    use crate::simd::{BITS_ROWS, BlockSums, fine_product, inner_products, scan_bits, scan_nibbles};
    use crate::threads::Stop;
    use proptest::prelude::*;

    fn hard_case() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>)> {
        prop_oneof![1usize..40, 120usize..400]
            .prop_flat_map(|dim| (Just(dim), adversarial(dim, GROUP), adversarial(dim, 1), 0..2 * GROUP))
            // Half of the queries are rows: the bound is then as tight as it can be.
            .prop_map(|(dim, rows, query, row)| {
                let query = rows.chunks(dim).nth(row).map_or(query, <[f32]>::to_vec);
                (dim, rows, query)
            })
    }

    proptest! {
        #[test]
        fn a_row_is_never_ruled_out_by_a_score_that_it_reaches((dim, rows, query) in hard_case()) {
            prop_assume!(query.iter().any(|x| *x != 0.0));
            let (codes, level) = (codes_of(&rows, dim), Level::best());
            let asked = CodedQueries::new(codes.view().frame(), &query, false, level);
            let view = codes.view();
            let lines = nibble_lines(view.width());
            let mut scores = vec![0.0; GROUP];
            inner_products(level, &rows, &query, dim, &mut scores);
            for (row, &score) in scores.iter().enumerate() {
                let limit = asked.bounds[0].limit(score);
                let mut found = [BlockDots::default()];
                let block = &view.nibbles()[row / LANES * lines..][..lines];
                scan_nibbles(level, block, lines, &asked.nibbles, &[limit], &mut found);
                prop_assert!(found[0].mask >> (row % LANES) & 1 == 1, "row {row} is not passed at {score}");
                let lane = row % LANES;
                let verdict = asked.bounds[0].judge(level, block, &found[0], score);
                prop_assert!(verdict.possible >> lane & 1 == 1, "row {row} is out at {score}");
                let upper = verdict.upper[lane];
                prop_assert!(upper >= score, "row {row}: {upper} below {score}");
                let dot = fine_product(level, view.fine_code(row), &asked.nibbles[0]);
                let upper = asked.bounds[0].upper(&view, row, verdict.known[lane], dot);
                prop_assert!(upper >= score, "row {row}: {upper} below {score} by the fine code");
            }
        }
    }

    /// The estimate of one bit is right on average, with the deviation that is stored.
    #[test]
    fn the_estimate_of_bits_is_unbiased() {
        let (dim, groups) = (384, 16);
        // Rows near a query, where least squares would be off most.
        let noise = pseudo_random(groups * GROUP * dim, 2);
        let centre = pseudo_random(dim, 3);
        let rows: Vec<f32> =
            noise.iter().zip(centre.iter().cycle()).map(|(noise, x)| 0.7 * noise + x).collect();
        let mut codes = Codes::around(&[], dim);
        codes.extend(&rows, 1, &Stop::never()).unwrap();
        let view = codes.view();
        let asked = CodedQueries::new(view.frame(), &centre, true, Level::best());
        let lines = bit_lines(view.width());
        let mut found = vec![BlockSums { mask: 0, estimates: [0.0; BITS_ROWS] }; groups];
        scan_bits(Level::best(), view.bits(), lines, &asked.bits[0], f32::NEG_INFINITY, &mut found);
        let unit = length(&centre);
        let errors: Vec<f64> = rows
            .chunks(dim)
            .enumerate()
            .map(|(row, values)| {
                let exact: f64 = values.iter().zip(&centre).map(|(x, q)| f64::from(*x) * f64::from(*q)).sum();
                let estimate = f64::from(found[row / GROUP].estimates[row % GROUP]);
                (estimate - exact) / (unit * f64::from(view.deviation(row)))
            })
            .collect();
        let n = errors.len() as f64;
        let mean = errors.iter().sum::<f64>() / n;
        let spread = (errors.iter().map(|error| error * error).sum::<f64>() / n).sqrt();
        // One rotation is one draw for all rows, so that they lean together.
        assert!(mean.abs() < 0.5, "mean {mean}");
        // Only the part of the query across the row adds to the error: 0.57 of it here.
        assert!((0.45..0.7).contains(&spread), "spread {spread}");
    }
}
