//! A random rotation that costs little: it spreads a vector evenly over all dimensions, so that a
//! few bits a dimension say about equally much of any vector.
//!
//! Four rounds of random signs, a Hadamard transform of a window (the first power of two of
//! dimensions, then the last, in turn) and a step that mixes the two halves; after the fast
//! rotation of the `RaBitQ` library (Gao et al., 2024), itself after Kac's walk. It is
//! orthogonal for any width that is even. Vectors are rotated side by side, in a panel that holds
//! one dimension of each in a line; how many there are changes no bit.

const ROUNDS: usize = 4;

/// Widths are multiples of this many dimensions.
const STEP: usize = 128;

/// Half the distance between 1 and the next `f32`: the most that rounding changes a number by,
/// as a part of it.
pub(super) const UNIT: f64 = 1.0 / (1 << 24) as f64;

/// A rotation of vectors of `dim` dimensions into `width`.
#[derive(Clone, Debug)]
pub(super) struct Rotation {
    dim: usize,
    /// +1 or -1 for each dimension of each round.
    signs: Vec<f32>,
    /// The number of dimensions in a window, a power of two.
    window: usize,
}

impl Rotation {
    /// The rotation that `seed` stands for.
    pub(super) fn new(dim: usize, seed: u64) -> Self {
        let width = Self::width_of(dim);
        let mut state = seed;
        let words = std::iter::repeat_with(|| split_mix(&mut state));
        let signs =
            words.flat_map(|word| (0..64).map(move |bit| if word >> bit & 1 == 1 { 1.0 } else { -1.0 }));
        Self { dim, signs: signs.take(ROUNDS * width).collect(), window: 1 << width.ilog2() }
    }

    /// The width that vectors of `dim` dimensions are rotated into.
    pub(super) fn width_of(dim: usize) -> usize {
        dim.next_multiple_of(STEP)
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn width(&self) -> usize {
        Self::width_of(self.dim)
    }

    /// How far a rotated vector may be from where an exact rotation brings it, as a part of its
    /// length: each step rounds each number once, and the scale of a window is itself rounded.
    pub(super) fn error(&self) -> f64 {
        let steps = ROUNDS * (self.window.ilog2() as usize + 3);
        1.01 * steps as f64 * UNIT
    }

    /// Rotates the vectors of a panel, one dimension a line, in place.
    #[inline(always)]
    pub(super) fn apply<const LANES: usize>(&self, panel: &mut [[f32; LANES]]) {
        let width = self.width();
        assert_eq!(panel.len(), width);
        let scale = (1.0 / (self.window as f64).sqrt()) as f32;
        for (round, signs) in self.signs.chunks_exact(width).enumerate() {
            for (lanes, sign) in panel.iter_mut().zip(signs) {
                scale_by(lanes, *sign);
            }
            let start = if round % 2 == 0 { 0 } else { width - self.window };
            let window = &mut panel[start..start + self.window];
            hadamard(window);
            for lanes in window {
                scale_by(lanes, scale);
            }
            let (left, right) = panel.split_at_mut(width / 2);
            butterfly(left, right);
        }
        // Four times the square root of two.
        for lanes in panel {
            scale_by(lanes, 0.25);
        }
    }
}

#[inline(always)]
fn scale_by<const LANES: usize>(lanes: &mut [f32; LANES], factor: f32) {
    for value in lanes {
        *value *= factor;
    }
}

#[inline(always)]
fn hadamard<const LANES: usize>(values: &mut [[f32; LANES]]) {
    let mut half = 1;
    if LANES == 1 && values.len() >= SQUARE * SQUARE {
        // One vector has no lanes: its first steps are done in 16 columns side by side.
        for square in values.as_flattened_mut().as_chunks_mut::<SQUARE>().0.as_chunks_mut::<SQUARE>().0 {
            let mut columns = transposed(square);
            steps(&mut columns, 1);
            *square = transposed(&columns);
        }
        half = SQUARE;
    }
    steps(values, half);
}

/// Columns of one vector side by side.
const SQUARE: usize = 16;

#[inline(always)]
fn transposed(square: &[[f32; SQUARE]; SQUARE]) -> [[f32; SQUARE]; SQUARE] {
    let mut out = [[0.0; SQUARE]; SQUARE];
    for i in 0..SQUARE {
        for j in 0..SQUARE {
            out[j][i] = square[i][j];
        }
    }
    out
}

/// The steps from the one that joins lines `half` apart.
#[inline(always)]
fn steps<const LANES: usize>(values: &mut [[f32; LANES]], mut half: usize) {
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            butterfly(left, right);
        }
        half *= 2;
    }
}

#[inline(always)]
fn butterfly<const LANES: usize>(left: &mut [[f32; LANES]], right: &mut [[f32; LANES]]) {
    for (left, right) in left.iter_mut().zip(right) {
        for lane in 0..LANES {
            (left[lane], right[lane]) = (left[lane] + right[lane], left[lane] - right[lane]);
        }
    }
}

/// The next of the numbers of `SplitMix64` (Steele et al., 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotated(rotation: &Rotation, vectors: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let mut panel = vec![[0.0; 4]; rotation.width()];
        for (lane, vector) in vectors.iter().enumerate() {
            vector.iter().zip(&mut panel).for_each(|(value, lanes)| lanes[lane] = *value);
        }
        rotation.apply(&mut panel);
        (0..vectors.len()).map(|lane| panel.iter().map(|lanes| lanes[lane]).collect()).collect()
    }

    fn product(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    #[test]
    fn inner_products_stay_within_the_stated_error() {
        for dim in [1, 3, 100, 128, 384, 640, 768, 1000, 4096] {
            let rotation = Rotation::new(dim, 7);
            let vector =
                |seed: usize| (0..dim).map(|i| ((i * 37 + seed * 101) as f32).sin()).collect::<Vec<_>>();
            let vectors: Vec<_> = (0..3).map(vector).collect();
            let turned = rotated(&rotation, &vectors);
            for (a, x) in vectors.iter().zip(&turned) {
                for (b, y) in vectors.iter().zip(&turned) {
                    let size = (product(a, a) * product(b, b)).sqrt();
                    let error = (product(a, b) - product(x, y)).abs();
                    assert!(error <= 2.1 * rotation.error() * size, "{dim}: {error} of {size}");
                }
            }
        }
    }

    #[test]
    fn how_many_are_rotated_together_changes_no_bit() {
        for dim in [3, 128, 384, 768, 1000] {
            let rotation = Rotation::new(dim, 7);
            let vector: Vec<f32> = (0..dim).map(|i| ((i * 37) as f32).sin()).collect();
            let mut alone = vec![[0.0]; rotation.width()];
            vector.iter().zip(&mut alone).for_each(|(value, lane)| lane[0] = *value);
            rotation.apply(&mut alone);
            assert_eq!(rotated(&rotation, &[vector])[0], alone.as_flattened());
        }
    }

    #[test]
    fn one_dimension_is_spread_over_all() {
        for dim in [384, 768, 1024] {
            let rotation = Rotation::new(dim, 1);
            for axis in [0, 1, dim / 2, dim - 1] {
                let mut vector = vec![0.0; dim];
                vector[axis] = 1.0;
                let largest = rotated(&rotation, &[vector])[0].iter().fold(0.0f32, |a, b| a.max(b.abs()));
                assert!(largest < 5.5 / (dim as f32).sqrt(), "{dim} {axis}: {largest}");
            }
        }
    }
}
