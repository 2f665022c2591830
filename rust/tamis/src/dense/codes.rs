//! Codes of 4 bits, of 4 bits more, and of 1 bit a dimension.
//!
//! A row `x` is taken relative to a centre `m` and rotated: `z = R (x - m)`. Its **nibbles** are
//! odd numbers `c` in -15..=15 and a scale `s` with `z = s c + r`, where `s` is the least-squares
//! one, so that the rest `r` is orthogonal to `c`. They lie in blocks of rows, to be scanned. The
//! **fine** code is the same of what they leave, `r = t e + u`; it lies row by row, to be asked
//! about the few rows that the scan lets through. What the two prove: [`super::bound`].
//!
//! Its **bits** are the signs of `z`, with the unbiased estimate of `RaBitQ` (Gao and Long, 2024,
//! arXiv 2405.12497): for a rotated query `p`, `<p, z> = |z|^2 / |z|_1 <p, sign z>` on average over
//! rotations, with an error of standard deviation `|p| |z| sqrt((1/a^2 - 1) / (width - 1))`, where
//! `a = |z|_1 / (|z| sqrt width)`. They prove nothing and cost a quarter.

use std::sync::{Mutex, PoisonError};

use bytemuck::Zeroable;

use super::rotation::{Rotation, UNIT};
use crate::Result;
use crate::arena::Arena;
use crate::simd::{BITS_ROWS, LANES, Level, Line, Plain, compiled_for};
use crate::threads::{self, Stop};

/// Rows encoded side by side, those of a block of nibbles.
const PANEL: usize = LANES;

/// One dimension of the rows of a panel.
type Lanes = [f32; PANEL];

/// Rows encoded together: codes cover a multiple of this many rows.
pub const GROUP: usize = BITS_ROWS;

/// Blocks of nibbles in a group.
const BLOCKS: usize = GROUP / LANES;

/// What rotations are made from here. Any number will do: it is stored with the codes.
pub(crate) const SEED: u64 = 0x0074_616d_6973;

/// Whether vectors of this width are worth codes: where a scan reads less than a third of their
/// bytes, and where its sums fit 32 bits.
pub fn pay(dim: usize) -> bool {
    (64..=1 << 16).contains(&dim)
}

/// The widest bits whose sums fit the 16 bits that they are added up in.
pub(super) const WIDEST_BITS: usize = u16::MAX as usize / 15;

/// Lines of a block of nibbles of this width: the codes, the scales, the bounds.
pub(super) fn nibble_lines(width: usize) -> usize {
    width / 8 + 2
}

/// Lines of a block of bits of this width: the signs, the factors, the deviations.
pub(super) fn bit_lines(width: usize) -> usize {
    width / 8 + 6
}

/// Bytes of the fine code of a row of this width: a byte for the dimensions `j` (low) and
/// `width / 2 + j` (high), then the scale, an `f32`, then the length of the rest, the upper half
/// of one, and two bytes of nothing.
pub(super) fn fine_bytes(width: usize) -> usize {
    width / 2 + 8
}

/// What rows are taken relative to, and how they are turned, before they are encoded.
#[derive(Clone, Debug)]
pub struct Frame {
    seed: u64,
    rotation: Rotation,
    centre: Vec<f32>,
}

impl Frame {
    /// The frame of this centre and the rotation that `seed` stands for.
    ///
    /// # Panics
    /// If the centre is empty.
    pub fn new(centre: Vec<f32>, seed: u64) -> Self {
        Self { seed, rotation: Rotation::new(centre.len(), seed), centre }
    }

    pub(super) fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// What stands for the rotation.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What rows are taken relative to.
    pub fn centre(&self) -> &[f32] {
        &self.centre
    }

    /// Codes that were written down, or `None` if they do not fit this frame.
    pub fn view<'a>(
        &'a self,
        nibbles: &'a [Line],
        fine: &'a [u8],
        bits: &'a [Line],
    ) -> Option<CodesView<'a>> {
        let width = self.rotation.width();
        let groups = bits.len() / bit_lines(width);
        let fits = bits.len() == groups * bit_lines(width)
            && nibbles.len() == groups * BLOCKS * nibble_lines(width)
            && fine.len() == groups * GROUP * fine_bytes(width);
        fits.then_some(CodesView { frame: self, nibbles, fine, bits })
    }
}

/// The codes of the first rows of a matrix.
#[derive(Debug)]
pub struct Codes {
    frame: Frame,
    nibbles: Arena<Line>,
    fine: Arena<u8>,
    bits: Arena<Line>,
}

/// Rows of which a centre is the mean.
const SAMPLE: usize = 1 << 14;

impl Codes {
    /// Codes of no rows yet, around the mean of (a sample of) `rows` of width `dim`.
    pub fn around(rows: &[f32], dim: usize) -> Self {
        let n = (rows.len() / dim).max(1);
        let mut sums = vec![0.0f64; dim];
        let sample = rows.chunks_exact(dim).step_by(n.div_ceil(SAMPLE));
        let taken = sample.len().max(1) as f64;
        for row in sample {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let centre = sums.iter().map(|sum| (sum / taken) as f32).collect();
        Self {
            frame: Frame::new(centre, SEED),
            nibbles: Arena::default(),
            fine: Arena::default(),
            bits: Arena::default(),
        }
    }

    /// Codes of rows that lie in several pieces, around the mean of a sample of them; the last that
    /// are no whole group are left out.
    ///
    /// # Errors
    /// As [`Codes::extend`].
    pub fn of_pieces(pieces: &[&[f32]], dim: usize, threads: usize, stop: &Stop<'_>) -> Result<Self> {
        // Numbers copied together at a time: of whole groups.
        let most = (1 << 14) * dim;
        let rows = || pieces.iter().flat_map(|piece| piece.chunks_exact(dim));
        let every = rows().count().div_ceil(SAMPLE).max(1);
        let sample: Vec<f32> = rows().step_by(every).flatten().copied().collect();
        let mut codes = Self::around(&sample, dim);
        let mut together = Vec::new();
        for mut rest in pieces.iter().copied() {
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(most - together.len()));
                together.extend_from_slice(now);
                rest = later;
                if together.len() == most {
                    codes.extend(&together, threads, stop)?;
                    together.clear();
                }
            }
        }
        codes.extend(&together, threads, stop)?;
        Ok(codes)
    }

    /// Adds the codes of rows that follow those it has, of which there are a multiple of [`GROUP`];
    /// the last of the rows that are no whole group are left out.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] and [`crate::Error::Memory`]; nothing is added then.
    pub fn extend(&mut self, rows: &[f32], threads: usize, stop: &Stop<'_>) -> Result<()> {
        /// Groups a task: some milliseconds.
        const TASK: usize = 16;
        let (frame, level) = (&self.frame, Level::best());
        let (dim, width) = (frame.rotation.dim(), frame.rotation.width());
        let groups = rows.len() / (GROUP * dim);
        let lengths = (BLOCKS * nibble_lines(width), GROUP * fine_bytes(width), bit_lines(width));
        let nibbles = self.nibbles.room(groups * lengths.0)?.chunks_exact_mut(lengths.0);
        let fine = self.fine.room(groups * lengths.1)?.chunks_exact_mut(lengths.1);
        let bits = self.bits.room(groups * lengths.2)?.chunks_exact_mut(lengths.2);
        let waiting = Mutex::new(rows.chunks_exact(GROUP * dim).zip(nibbles.zip(fine).zip(bits)));
        let panel = || vec![[0.0; PANEL]; width];
        threads::map_tasks(groups.div_ceil(TASK), threads, stop, panel, |panel, _| {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .by_ref()
                .take(TASK)
                .collect::<Vec<_>>();
            for (rows, ((nibbles, fine), bits)) in next {
                compiled_for(level, Encoding { frame, rows, panel, nibbles, fine, bits });
            }
        })?;
        self.nibbles.keep(groups * lengths.0);
        self.fine.keep(groups * lengths.1);
        self.bits.keep(groups * lengths.2);
        Ok(())
    }

    /// The codes to search in.
    pub fn view(&self) -> CodesView<'_> {
        CodesView {
            frame: &self.frame,
            nibbles: self.nibbles.as_slice(),
            fine: self.fine.as_slice(),
            bits: self.bits.as_slice(),
        }
    }
}

/// The rows of one group, to be encoded.
struct Encoding<'a> {
    frame: &'a Frame,
    rows: &'a [f32],
    panel: &'a mut [Lanes],
    nibbles: &'a mut [Line],
    fine: &'a mut [u8],
    bits: &'a mut [Line],
}

impl Plain for Encoding<'_> {
    type Done = ();

    #[inline(always)]
    fn run(self) {
        let Self { frame, rows, panel, nibbles, fine, bits } = self;
        nibbles.fill(Line::zeroed());
        bits.fill(Line::zeroed());
        let (dim, width) = (frame.rotation.dim(), frame.rotation.width());
        let (signs, bit_numbers) = bits.split_at_mut(width / 8);
        let blocks = nibbles.chunks_exact_mut(nibble_lines(width));
        let fine = fine.chunks_exact_mut(PANEL * fine_bytes(width));
        let panels = rows.chunks_exact(PANEL * dim).zip(blocks.zip(fine));
        for (quarter, (rows, (block, fine))) in panels.enumerate() {
            for (lane, row) in rows.chunks_exact(dim).enumerate() {
                for ((value, centre), lanes) in row.iter().zip(&frame.centre).zip(&mut *panel) {
                    lanes[lane] = value - centre;
                }
            }
            panel[dim..].fill([0.0; PANEL]);
            let powers = scale_down(panel);
            let lengths = lengths(panel);
            frame.rotation.apply(panel);
            let places = signs.iter_mut().map(|line| &mut line.0.as_chunks_mut::<PANEL>().0[quarter]);
            encode_bits(panel, places);
            let sizes = sums(panel, f32::abs);
            for lane in 0..PANEL {
                let (factor, deviation) = estimate_of(lengths[lane], f64::from(sizes[lane]), width);
                let row = quarter * PANEL + lane;
                let (factors, deviations) = bit_numbers.split_at_mut(4);
                bytemuck::cast_slice_mut::<_, f32>(factors)[row] = (factor * powers[lane]) as f32;
                bytemuck::cast_slice_mut::<_, u16>(deviations)[row] = upper_half(deviation * powers[lane]);
            }
            // What the rotation and the difference to the centre may have changed, and what
            // squares too small for an f32 may have lost, three times.
            let lost = 1e-22 * (width as f64).sqrt();
            let mut errors = [0.0; PANEL];
            for lane in 0..PANEL {
                errors[lane] = (frame.rotation.error() + UNIT) * lengths[lane] + lost;
            }
            let left = Left { panel, powers: &powers, lengths, errors };
            let left = encode_nibbles(left, block);
            encode_fine(left, fine);
        }
    }
}

/// What of the rows of a panel is not encoded yet.
struct Left<'a> {
    panel: &'a mut [Lanes],
    powers: &'a [f64; PANEL],
    /// The length of each.
    lengths: [f64; PANEL],
    /// How far it may be from what an exact computation leaves.
    errors: [f64; PANEL],
}

/// The step of each row's levels, and the scale of its code.
struct Fit {
    inverse_steps: Lanes,
    /// As stored: times the row's power, rounded.
    stored: Lanes,
    /// The length of each code before it is scaled.
    code_lengths: [f64; PANEL],
}

impl Left<'_> {
    /// The best of some distances of levels, in standard deviations of a component, and the scale
    /// of least squares. What is beyond the outermost levels is cut off: a little of it is better
    /// than coarse levels.
    #[inline(always)]
    fn fit<const N: usize>(&self, steps: [f32; N]) -> Fit {
        let root = (self.panel.len() as f64).sqrt();
        let mut unit = [0.0; PANEL];
        for lane in 0..PANEL {
            if self.lengths[lane] > 0.0 {
                unit[lane] = (root / self.lengths[lane]) as f32;
            }
        }
        // Of a step that stays 0: each level is then 1.
        let (mut best, mut best_gain) = ([0.0; PANEL], [-1.0f32; PANEL]);
        let (mut best_along, mut best_square) = ([0.0f32; PANEL], [self.panel.len() as f32; PANEL]);
        for step in steps {
            let mut inverse = unit;
            for inverse in &mut inverse {
                *inverse /= step;
            }
            // The squares are whole numbers below 2^24: their sum is exact.
            let (mut along, mut square) = ([0.0f32; PANEL], [0.0f32; PANEL]);
            for values in &*self.panel {
                let levels = levels(values, &inverse);
                for lane in 0..PANEL {
                    let code = odd(levels[lane]);
                    along[lane] += values[lane] * code;
                    square[lane] += code * code;
                }
            }
            for lane in 0..PANEL {
                let gain = along[lane] * along[lane] / square[lane];
                if gain > best_gain[lane] {
                    (best[lane], best_gain[lane]) = (inverse[lane], gain);
                    (best_along[lane], best_square[lane]) = (along[lane], square[lane]);
                }
            }
        }
        let (mut stored, mut code_lengths) = ([0.0; PANEL], [0.0; PANEL]);
        for lane in 0..PANEL {
            let scale = f64::from(best_along[lane]) / f64::from(best_square[lane]);
            stored[lane] = (scale * self.powers[lane]) as f32;
            code_lengths[lane] = f64::from(best_square[lane]).sqrt();
        }
        Fit { inverse_steps: best, stored, code_lengths }
    }

    /// Takes away what the codes of a fit stand for.
    #[inline(always)]
    fn without(mut self, fit: &Fit) -> Self {
        let mut scales = [0.0; PANEL];
        for lane in 0..PANEL {
            let exact = f64::from(fit.stored[lane]) / self.powers[lane];
            scales[lane] = exact as f32;
            // A scale that is too small for an f32, and the rounding of the products.
            let wrong = (exact - f64::from(scales[lane])).abs() + 2.0 * UNIT * exact.abs();
            self.errors[lane] += wrong * fit.code_lengths[lane];
        }
        for values in &mut *self.panel {
            let levels = levels(values, &fit.inverse_steps);
            for lane in 0..PANEL {
                values[lane] -= scales[lane] * odd(levels[lane]);
            }
        }
        self.lengths = lengths(self.panel);
        for lane in 0..PANEL {
            self.errors[lane] += 2.0 * UNIT * self.lengths[lane];
        }
        self
    }

    /// The greatest length that what is left of a row may have.
    #[inline(always)]
    fn most(&self, lane: usize) -> u16 {
        upper_half((self.lengths[lane] + self.errors[lane]) * self.powers[lane])
    }
}

#[inline(always)]
fn encode_nibbles<'a>(left: Left<'a>, block: &mut [Line]) -> Left<'a> {
    // In standard deviations of a component; the best for normal ones is 0.335.
    let fit = left.fit([0.30, 0.335, 0.375]);
    let (codes, numbers) = block.split_at_mut(left.panel.len() / 8);
    for (dimensions, line) in left.panel.as_chunks::<8>().0.iter().zip(codes) {
        let bytes: &mut [[u8; 4]; PANEL] = bytemuck::cast_mut(&mut line.0);
        for (i, values) in dimensions.iter().enumerate() {
            let levels = levels(values, &fit.inverse_steps);
            for lane in 0..PANEL {
                bytes[lane][i % 4] |= nibble(levels[lane]) << (4 * (i / 4));
            }
        }
    }
    let left = left.without(&fit);
    if let [scale_line, bound_line] = numbers {
        scale_line.0 = bytemuck::cast(fit.stored);
        let bounds: &mut [u16; 2 * PANEL] = bytemuck::cast_mut(bound_line);
        for lane in 0..PANEL {
            bounds[lane] = left.most(lane);
            bounds[PANEL + lane] = upper_half(f64::from(fit.stored[lane]).abs() * fit.code_lengths[lane]);
        }
    }
    left
}

#[inline(always)]
fn encode_fine(left: Left<'_>, rows: &mut [u8]) {
    // What is left lies evenly within a step, but for the few components that were cut off.
    let fit = left.fit([0.25, 0.42]);
    let width = left.panel.len();
    let (low, high) = left.panel.split_at(width / 2);
    for (j, (low, high)) in low.iter().zip(high).enumerate() {
        let (low, high) = (levels(low, &fit.inverse_steps), levels(high, &fit.inverse_steps));
        for lane in 0..PANEL {
            rows[lane * fine_bytes(width) + j] = nibble(low[lane]) | nibble(high[lane]) << 4;
        }
    }
    let left = left.without(&fit);
    for (lane, row) in rows.chunks_exact_mut(fine_bytes(width)).enumerate() {
        let (scale, rest) = row[width / 2..].split_at_mut(4);
        scale.copy_from_slice(&fit.stored[lane].to_le_bytes());
        rest[..2].copy_from_slice(&left.most(lane).to_le_bytes());
        rest[2..].fill(0);
    }
}

/// The power of two that brings the largest number of each lane to 0.5 and above, 1 at most,
/// taken out of the panel: what follows can then neither overflow nor lose small numbers.
#[inline(always)]
pub(super) fn scale_down<const LANES: usize>(panel: &mut [[f32; LANES]]) -> [f64; LANES] {
    let mut largest = [0.0f32; LANES];
    for values in &*panel {
        for lane in 0..LANES {
            largest[lane] = largest[lane].max(values[lane].abs());
        }
    }
    let (mut powers, mut factors) = ([0.0; LANES], [[0.0; 2]; LANES]);
    for lane in 0..LANES {
        powers[lane] = power_above(f64::from(largest[lane]));
        // Two factors: the inverse of the least power is beyond what an f32 holds.
        let first = (1.0 / powers[lane]).clamp(f64::from(f32::MIN_POSITIVE), 2f64.powi(127));
        factors[lane] = [first as f32, (1.0 / powers[lane] / first) as f32];
    }
    for values in panel {
        for lane in 0..LANES {
            values[lane] = values[lane] * factors[lane][0] * factors[lane][1];
        }
    }
    powers
}

/// The least power of two above a number that an f32 holds; 1 for 0.
#[inline(always)]
fn power_above(value: f64) -> f64 {
    if value == 0.0 { 1.0 } else { f64::from_bits(((value.to_bits() >> 52) + 1) << 52) }
}

/// The sum of `f` over the dimensions of each lane.
#[inline(always)]
fn sums(panel: &[Lanes], f: impl Fn(f32) -> f32) -> Lanes {
    let mut sums = [0.0; PANEL];
    for values in panel {
        for lane in 0..PANEL {
            sums[lane] += f(values[lane]);
        }
    }
    sums
}

/// The length of each lane, no less but for squares that are too small for an f32.
#[inline(always)]
fn lengths(panel: &[Lanes]) -> [f64; PANEL] {
    let squares = sums(panel, |value| value * value);
    // Each of the sums may have lost a rounding, of which the root is half as wide.
    let rounded = 1.0 + (panel.len() + 1) as f64 * UNIT;
    let mut lengths = [0.0; PANEL];
    for lane in 0..PANEL {
        lengths[lane] = f64::from(squares[lane]).sqrt() * rounded;
    }
    lengths
}

/// The nearest of the sixteen levels of each value, counted from the lowest, plus 2^23: the sum
/// has no room for a fraction, and the level is what its last four bits say.
#[inline(always)]
fn levels(values: &Lanes, inverse_steps: &Lanes) -> Lanes {
    let mut levels = [0.0; PANEL];
    for lane in 0..PANEL {
        levels[lane] = (values[lane] * inverse_steps[lane] + 7.5).clamp(0.0, 15.0) + 8_388_608.0;
    }
    levels
}

/// The level as it is stored.
#[inline(always)]
fn nibble(level: f32) -> u8 {
    level.to_bits() as u8 & 15
}

/// The odd number that a level stands for.
#[inline(always)]
fn odd(level: f32) -> f32 {
    2.0 * (level - 8_388_608.0) - 15.0
}

/// Writes the signs of a rotated panel: for each eight dimensions, a byte a row.
#[inline(always)]
fn encode_bits<'a>(panel: &[Lanes], places: impl Iterator<Item = &'a mut [u8; PANEL]>) {
    for (dimensions, bytes) in panel.as_chunks::<8>().0.iter().zip(places) {
        for (i, values) in dimensions.iter().enumerate() {
            for lane in 0..PANEL {
                bytes[lane] |= u8::from(values[lane] >= 0.0) << i;
            }
        }
    }
}

/// The factor of a row's estimate and the standard deviation of its error for a unit query, from
/// the row's length and the sum of its components' sizes.
#[inline(always)]
fn estimate_of(length: f64, size: f64, width: usize) -> (f64, f64) {
    if length == 0.0 {
        return (0.0, 0.0);
    }
    let alignment = (size / (length * (width as f64).sqrt())).min(1.0);
    let spread = (1.0 / (alignment * alignment) - 1.0) / (width - 1) as f64;
    (length * length / size, length * spread.sqrt())
}

/// The upper half of an `f32` that is no less than `value`, which is not negative.
#[inline(always)]
fn upper_half(value: f64) -> u16 {
    let single = up(value);
    let half = (single.to_bits() >> 16) as u16;
    half + u16::from(!single.to_bits().is_multiple_of(1 << 16))
}

/// The number that the upper half of an `f32` stands for.
#[inline(always)]
fn from_upper_half(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

/// Of the rows of a block of nibbles: the scale of each code, the length of its rest, at least,
/// and that of the code, at least.
#[inline(always)]
pub(super) fn numbers(block: &[Line]) -> (Lanes, Lanes, Lanes) {
    let (_, [scales, bounds]) = block.split_last_chunk().unwrap_or((block, &[Line([0; 64]); 2]));
    let bounds: &[u16; 2 * PANEL] = bytemuck::cast_ref(bounds);
    let (mut rests, mut sizes) = ([0.0; PANEL], [0.0; PANEL]);
    for lane in 0..PANEL {
        rests[lane] = from_upper_half(bounds[lane]);
        sizes[lane] = from_upper_half(bounds[PANEL + lane]);
    }
    (bytemuck::cast(*scales), rests, sizes)
}

/// An `f32` no less than `value`.
#[inline(always)]
pub(super) fn up(value: f64) -> f32 {
    let single = value as f32;
    if f64::from(single) < value { single.next_up() } else { single }
}

/// An `f32` no greater than `value`.
pub(super) fn down(value: f64) -> f32 {
    -up(-value)
}

/// Codes, wherever they lie.
#[derive(Clone, Copy, Debug)]
pub struct CodesView<'a> {
    frame: &'a Frame,
    nibbles: &'a [Line],
    fine: &'a [u8],
    bits: &'a [Line],
}

impl<'a> CodesView<'a> {
    /// How many rows have codes.
    pub fn len(&self) -> usize {
        self.bits.len() / bit_lines(self.frame.rotation.width()) * GROUP
    }

    /// Whether no row has codes.
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    /// What the rows are relative to.
    pub fn frame(&self) -> &'a Frame {
        self.frame
    }

    /// The blocks of nibbles, 16 rows each.
    pub fn nibbles(&self) -> &'a [Line] {
        self.nibbles
    }

    /// A block of nibbles.
    pub(super) fn block(&self, block: usize) -> &'a [Line] {
        let lines = nibble_lines(self.width());
        &self.nibbles[block * lines..][..lines]
    }

    /// The fine codes, row by row.
    pub fn fine(&self) -> &'a [u8] {
        self.fine
    }

    /// The blocks of bits, 64 rows each.
    pub fn bits(&self) -> &'a [Line] {
        self.bits
    }

    pub(super) fn width(&self) -> usize {
        self.frame.rotation.width()
    }

    /// The scale of a row's nibbles.
    pub(super) fn scale(&self, row: usize) -> f32 {
        let block = self.block(row / LANES);
        bytemuck::cast_ref::<_, [f32; LANES]>(&block[block.len() - 2])[row % LANES]
    }

    /// The bytes of a row's fine code and its numbers.
    pub(super) fn fine_row(&self, row: usize) -> &'a [u8] {
        let bytes = fine_bytes(self.width());
        &self.fine[row * bytes..][..bytes]
    }

    /// A row's fine code.
    pub(super) fn fine_code(&self, row: usize) -> &'a [u8] {
        &self.fine_row(row)[..self.width() / 2]
    }

    /// The scale of a row's fine code and the length of its rest, at least.
    pub(super) fn fine_numbers(&self, row: usize) -> (f64, f64) {
        let numbers = self.fine_row(row).last_chunk().unwrap_or(&[0; 8]);
        let [s0, s1, s2, s3, r0, r1, _, _] = numbers;
        let scale = f32::from_le_bytes([*s0, *s1, *s2, *s3]);
        (f64::from(scale), f64::from(from_upper_half(u16::from_le_bytes([*r0, *r1]))))
    }

    /// The standard deviation of the error of a row's estimate for a unit query.
    pub(super) fn deviation(&self, row: usize) -> f32 {
        let lines = bit_lines(self.width());
        let deviations: &[u16] = bytemuck::cast_slice(&self.bits[row / GROUP * lines..][lines - 2..lines]);
        from_upper_half(deviations[row % GROUP])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::bound::length;
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn codes_of(rows: &[f32], dim: usize) -> Codes {
        let mut codes = Codes::around(rows, dim);
        codes.extend(rows, 1, &Stop::never()).unwrap();
        codes
    }

    /// Rows that are hard on codes and bounds, as short as inner products allow.
    pub(in super::super) fn adversarial(dim: usize, n: usize) -> impl Strategy<Value = Vec<f32>> {
        let noise = move || prop::collection::vec(-1.0f32..1.0, n * dim);
        let size = prop::collection::vec(-60i32..60, n);
        prop_oneof![
            noise(),
            // Each row of another magnitude.
            (noise(), size).prop_map(move |(mut rows, size)| {
                rows.chunks_mut(dim)
                    .zip(size)
                    .for_each(|(row, size)| row.iter_mut().for_each(|x| *x *= 2f32.powi(size)));
                rows
            }),
            // All rows alike.
            prop::collection::vec(-1.0f32..1.0, dim).prop_map(move |row| row.repeat(n)),
            // Rows that differ by little: near ties.
            (prop::collection::vec(-1.0f32..1.0, dim), noise()).prop_map(move |(row, noise)| {
                row.iter().cycle().zip(noise).map(|(x, noise)| x + 1e-7 * noise).collect()
            }),
            // One giant component.
            (noise(), 0..dim).prop_map(move |(mut rows, giant)| {
                rows.chunks_mut(dim).for_each(|row| row[giant] = 1e18);
                rows
            }),
            // Numbers too small for a normal f32.
            noise().prop_map(|rows| rows.into_iter().map(|x| x * 1e-40).collect()),
            // Few values, most of them 0.
            noise().prop_map(|rows| rows.into_iter().map(|x| if x > 0.9 { 1.0 } else { 0.0 }).collect()),
        ]
    }

    pub(in super::super) fn pseudo_random(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..n).map(|_| (0..4).map(|_| next()).sum()).collect()
    }

    /// What makes the proof useful: on plain data few rows are let through.
    #[test]
    fn codes_are_as_close_as_their_bits_allow() {
        for dim in [128, 384, 768] {
            let rows = pseudo_random(GROUP * dim, 1);
            let codes = codes_of(&rows, dim);
            let view = codes.view();
            let rests = (0..GROUP).map(|row| {
                let (_, rests, _) = numbers(view.block(row / LANES));
                f64::from(rests[row % LANES]) / length(&rows[row * dim..][..dim])
            });
            let mean = rests.sum::<f64>() / GROUP as f64;
            assert!((0.09..0.11).contains(&mean), "{dim}: {mean}");
            let rests = (0..GROUP).map(|row| view.fine_numbers(row).1 / length(&rows[row * dim..][..dim]));
            let mean = rests.sum::<f64>() / GROUP as f64;
            assert!((0.01..0.03).contains(&mean), "{dim}: {mean}");
        }
    }

    #[test]
    fn codes_are_the_same_bytes_for_any_threads_and_any_pieces() {
        let dim = 100;
        let rows = pseudo_random(40 * GROUP * dim, 4);
        let whole = codes_of(&rows, dim);
        let mut pieces = Codes::around(&rows, dim);
        let (first, second) = rows.split_at(7 * GROUP * dim);
        pieces.extend(first, 1, &Stop::never()).unwrap();
        pieces.extend(second, 3, &Stop::never()).unwrap();
        let bytes = |codes: &Codes| {
            let view = codes.view();
            (view.nibbles().to_vec(), view.fine().to_vec(), view.bits().to_vec())
        };
        assert_eq!(bytes(&whole), bytes(&pieces));
        let stop = || true;
        assert!(matches!(pieces.extend(&rows, 2, &Stop::when(&stop)), Err(crate::Error::Interrupted)));
    }

    #[test]
    fn numbers_are_rounded_to_the_safe_side() {
        for value in [0.0, 1.0, 1.0 + 1e-9, 0.1, 3e-45, 1e-300, 1e38, 1e300] {
            assert!(f64::from(up(value)) >= value && f64::from(down(value)) <= value);
            assert!(f64::from(from_upper_half(upper_half(value))) >= value, "{value}");
            if (1e-30..1e30).contains(&value) {
                assert!(f64::from(from_upper_half(upper_half(value))) <= value * 1.01, "{value}");
            }
        }
    }
}
