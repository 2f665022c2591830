//! Inner products, the same bits on every machine.
//!
//! A row's product with the query is summed in 16 lanes: lane `j` takes dimensions `j`, `j + 16`,
//! `j + 32`, ... by fused multiply-add, and [`fold`] adds the lanes in one fixed order. Each
//! instruction set does just that, so that a score does not depend on the machine. The oracle is
//! [`scalar`], and a test compares bits.
//!
//! [`Level`] is made by detection alone, so having one proves that the processor has it.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use std::sync::OnceLock;

/// The lanes in which a product is summed.
const LANES: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Isa {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Isa);

impl Level {
    /// The levels of this processor, slowest first; the first is scalar code.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut))]
        let mut levels = vec![Self(Isa::Scalar)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Self(Isa::Avx2));
            }
            if is_x86_feature_detected!("avx512f") {
                levels.push(Self(Isa::Avx512));
            }
        }
        levels
    }

    /// The fastest level of this processor, or the one that `TAMIS_SIMD` names (`scalar`,
    /// `avx2`, `avx512`) if the processor has it. Chosen once.
    pub fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| {
            let levels = Self::available();
            let forced = std::env::var("TAMIS_SIMD").ok();
            let fastest = levels.last().copied().unwrap_or(Self(Isa::Scalar));
            levels.into_iter().find(|level| Some(level.name()) == forced.as_deref()).unwrap_or(fastest)
        })
    }

    /// Its name, as `TAMIS_SIMD` takes it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Isa::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
        }
    }
}

/// Writes the inner product of `query` with each row of `rows` to `out`.
///
/// # Panics
/// If `rows` does not hold `out.len()` rows of the query's width.
pub fn inner_products(level: Level, rows: &[f32], query: &[f32], out: &mut [f32]) {
    assert_eq!(rows.len(), out.len() * query.len(), "rows, query and out must fit together");
    if query.is_empty() {
        return out.fill(0.0);
    }
    match level.0 {
        Isa::Scalar => scalar::inner_products(rows, query, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx2 and fma.
        Isa::Avx2 => unsafe { avx2::inner_products(rows, query, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx512f.
        Isa::Avx512 => unsafe { avx512::inner_products(rows, query, out) },
    }
}

/// Adds up the lanes, halves onto halves. Never gives -0, which would sort below 0.
fn fold(mut lanes: [f32; LANES]) -> f32 {
    for width in [8, 4, 2, 1] {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
    }
    lanes[0] + 0.0
}

/// Takes in the last `dim % 16` dimensions, one a lane, and adds up.
fn finish(mut lanes: [f32; LANES], row: &[f32], query: &[f32]) -> f32 {
    for ((lane, x), q) in lanes.iter_mut().zip(row).zip(query) {
        *lane = x.mul_add(*q, *lane);
    }
    fold(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any magnitude, denormal to huge, but no product that overflows.
    fn value() -> impl Strategy<Value = f32> {
        (-1.0f32..1.0, -60i32..60).prop_map(|(x, exponent)| x * 2f32.powi(exponent))
    }

    fn rows_and_query() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
        (1usize..70, 0usize..20).prop_flat_map(|(dim, n)| {
            (prop::collection::vec(value(), n * dim), prop::collection::vec(value(), dim))
        })
    }

    proptest! {
        #[test]
        fn every_level_gives_the_scalar_bits((rows, query) in rows_and_query()) {
            let run = |level| {
                let mut out = vec![0.0; rows.len() / query.len()];
                inner_products(level, &rows, &query, &mut out);
                out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let scalar = run(Level(Isa::Scalar));
            for level in Level::available() {
                prop_assert_eq!(run(level), scalar.clone(), "{}", level.name());
            }
        }
    }

    #[test]
    fn wide_and_odd_dimensions_agree_with_f64() {
        for dim in [1, 15, 16, 17, 384, 768, 1000, 4096] {
            let row: Vec<f32> = (0..dim).map(|i| (i as f32 * 0.37).sin()).collect();
            let query: Vec<f32> = (0..dim).map(|i| (i as f32 * 0.11).cos()).collect();
            let exact: f64 = row.iter().zip(&query).map(|(x, q)| f64::from(*x) * f64::from(*q)).sum();
            let size: f64 = row.iter().zip(&query).map(|(x, q)| f64::from(x * q).abs()).sum();
            for level in Level::available() {
                let mut out = [0.0];
                inner_products(level, &row, &query, &mut out);
                assert!((f64::from(out[0]) - exact).abs() <= 1e-6 * size, "{dim} {}", level.name());
            }
        }
    }

    #[test]
    #[should_panic(expected = "must fit together")]
    fn a_row_too_few_is_refused() {
        inner_products(Level(Isa::Scalar), &[1.0; 5], &[1.0; 3], &mut [0.0; 2]);
    }
}
