//! The kernels, the same bits on every machine: inner products of f32 rows, the scans of 4-bit and
//! 1-bit codes, the product of a fine code, and which of some numbers are large.
//!
//! A row's inner product with the query is summed in 16 lanes: lane `j` takes dimensions `j`,
//! `j + 16`, `j + 32`, ... by fused multiply-add, and [`fold`] adds the lanes in one fixed order.
//! The scans add integers, and end in a few floating-point operations in one fixed order. Each
//! instruction set does just that, so that an answer does not depend on the machine. The oracle
//! is [`scalar`], and tests compare bits.
//!
//! [`Level`] is made by detection alone, so having one proves that the processor has it.

#![allow(unsafe_code)]

/// [`by_tiles`] with the `products`, `fold` and `store` of the instruction set that it is said in.
macro_rules! products_by {
    ($rows:literal x $queries:literal, $vectors:ident, $out:ident) => {
        by_tiles::<$rows, $queries, _>(
            $vectors,
            $out,
            |rows, queries| products(rows, queries),
            |rows, queries| products(rows, queries),
            |lanes| fold(lanes),
            |lanes| store(lanes),
        )
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

#[cfg(target_arch = "aarch64")]
use std::arch::is_aarch64_feature_detected;
use std::sync::OnceLock;

use bytemuck::{Pod, Zeroable};

/// The lanes in which a product is summed, and the rows of a block of nibbles.
pub(crate) const LANES: usize = 16;

/// The rows of a block of bits.
pub(crate) const BITS_ROWS: usize = 64;

/// A cache line of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Line(pub [u8; 64]);

// SAFETY: an array of bytes, aligned, as long as its alignment: no padding, any value is valid.
unsafe impl Zeroable for Line {}
// SAFETY: as above.
unsafe impl Pod for Line {}

/// A query as the scan of nibbles takes it: one signed byte a dimension, in words of four, the
/// first in the lowest bits.
#[derive(Clone, Debug)]
pub(crate) struct NibbleQuery {
    /// For each line of codes, the word of the low nibbles' dimensions and that of the high.
    pub(crate) words: Vec<[i32; 2]>,
    /// 15 times the sum of all bytes: what is left of a product with odd numbers `2 u - 15` when
    /// the product with `2 u` is known.
    pub(crate) offset: i32,
}

/// When a row of nibbles is worth a second look: if
/// `scale * (dot * step) + rho * residual + norm * size >= least`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) step: f32,
    pub(crate) residual: f32,
    pub(crate) size: f32,
    pub(crate) least: f32,
}

/// A query as the scan of bits takes it: for each four dimensions, the sixteen sums that four
/// signs can give, each in 0..=60.
#[derive(Clone, Debug)]
pub(crate) struct BitQuery {
    pub(crate) table: Vec<[u8; 16]>,
    /// 15 a dimension: twice a row's sum less this is its product with the signs.
    pub(crate) offset: i32,
    /// What one unit of that product is worth.
    pub(crate) step: f32,
}

/// Blocks of nibbles, what is asked of them, and when a row is worth a second look.
#[derive(Clone, Copy, Debug)]
struct NibbleScan<'a> {
    blocks: &'a [Line],
    /// The lines of a block.
    lines: usize,
    queries: &'a [NibbleQuery],
    limits: &'a [Limit],
}

/// What a scan of nibbles found out about one block for one query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockDots {
    /// The rows worth a second look, the first in the lowest bit.
    pub(crate) mask: u16,
    /// The product of each row's code with the query; unset where no row is worth it.
    pub(crate) dots: [i32; LANES],
}

/// What a scan of bits found out about one block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BlockSums {
    /// The rows whose estimate reaches the limit, the first in the lowest bit.
    pub(crate) mask: u64,
    /// The estimate of each row; unset where none reaches it.
    pub(crate) estimates: [f32; BITS_ROWS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Isa {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Isa);

impl Level {
    /// The levels of this processor, slowest first; the first is scalar code.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(unused_mut))]
        let mut levels = vec![Self(Isa::Scalar)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Self(Isa::Avx2));
                // Before the integer dot products of VNNI, AVX2 scans codes as fast.
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vnni")
                {
                    levels.push(Self(Isa::Avx512));
                }
            }
        }
        // Older processors lack the dot product: scalar code does for them.
        #[cfg(target_arch = "aarch64")]
        if is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("dotprod") {
            levels.push(Self(Isa::Neon));
        }
        levels
    }

    /// The fastest level of this processor, or the one that `TAMIS_SIMD` names (`scalar`,
    /// `avx2`, `avx512`, `neon`) if the processor has it. Chosen once.
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
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
        }
    }
}

/// Writes the inner product of each query with each row to `out[query * rows + row]`.
///
/// # Panics
/// If rows and queries of width `dim` do not fit `out`.
pub fn inner_products(level: Level, rows: &[f32], queries: &[f32], dim: usize, out: &mut [f32]) {
    assert!(dim > 0 && rows.len().is_multiple_of(dim) && queries.len().is_multiple_of(dim));
    assert_eq!(
        rows.len() / dim * (queries.len() / dim),
        out.len(),
        "rows, queries and out must fit together"
    );
    match level.0 {
        Isa::Scalar => scalar::inner_products(rows, queries, dim, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx2 and fma.
        Isa::Avx2 => unsafe { avx2::inner_products((rows, queries, dim), out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx512f, bw, dq and vnni.
        Isa::Avx512 => unsafe { avx512::inner_products((rows, queries, dim), out) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: this level exists only where `available` saw neon and dotprod.
        Isa::Neon => unsafe { neon::inner_products((rows, queries, dim), out) },
    }
}

/// Looks at each block of `lines` lines for each query: `found[q * blocks + block]`.
///
/// A block is 16 rows of 4-bit codes. Line `i` holds, for each row in turn, the four dimensions
/// from `8 i` in the low halves of four bytes and the next four in the high halves; a code `u`
/// stands for the odd number `2 u - 15`. Two lines follow: the scales of the rows, then `rho` and
/// `norm`, each the upper half of an `f32`.
///
/// # Panics
/// If blocks, queries, limits and `found` do not fit together.
pub(crate) fn scan_nibbles(
    level: Level,
    blocks: &[Line],
    lines: usize,
    queries: &[NibbleQuery],
    limits: &[Limit],
    found: &mut [BlockDots],
) {
    let n_blocks = blocks.len() / lines;
    assert!(blocks.len().is_multiple_of(lines) && queries.len() == limits.len());
    assert!(found.len() == n_blocks * queries.len());
    assert!((lines - 2).is_multiple_of(16), "lines come in sixteens: {lines}");
    assert!(queries.iter().all(|query| query.words.len() == lines - 2));
    let scan = &NibbleScan { blocks, lines, queries, limits };
    match level.0 {
        Isa::Scalar => scalar::scan_nibbles(scan, found),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx2 and fma.
        Isa::Avx2 => unsafe { avx2::scan_nibbles(scan, found) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx512f, bw, dq and vnni.
        Isa::Avx512 => unsafe { avx512::scan_nibbles(scan, found) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: this level exists only where `available` saw neon and dotprod.
        Isa::Neon => unsafe { neon::scan_nibbles(scan, found) },
    }
}

/// Looks at each block of `lines` lines.
///
/// A block is the signs of 64 rows. Byte `r` of line `i` holds the signs of the eight dimensions
/// from `8 i` of row `r`, the first in the lowest bit. Six lines follow: a factor a row (`f32`),
/// and what a caller keeps in two more. The estimate of a row is
/// `factor * (step * (2 * sum - offset))`.
///
/// # Panics
/// If blocks, query and `found` do not fit together.
pub(crate) fn scan_bits(
    level: Level,
    blocks: &[Line],
    lines: usize,
    query: &BitQuery,
    least: f32,
    found: &mut [BlockSums],
) {
    assert!(blocks.len() == lines * found.len());
    assert!((lines - 6).is_multiple_of(16), "lines come in sixteens: {lines}");
    assert!(query.table.len() == 2 * (lines - 6));
    match level.0 {
        Isa::Scalar => scalar::scan_bits(blocks, lines, query, least, found),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx2 and fma.
        Isa::Avx2 => unsafe { avx2::scan_bits(blocks, lines, query, least, found) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx512f, bw, dq and vnni.
        Isa::Avx512 => unsafe { avx512::scan_bits(blocks, lines, query, least, found) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: this level exists only where `available` saw neon and dotprod.
        Isa::Neon => unsafe { neon::scan_bits(blocks, lines, query, least, found) },
    }
}

/// Numbers of which one mask tells.
pub(crate) const MASKED: usize = 64;

/// Sets in each mask the bits of the numbers above `floor`, the first in the lowest, and makes the
/// other numbers 0. Gives the bits of the masks that have any.
///
/// # Panics
/// If there are not as many masks, or more than 64.
pub(crate) fn keep_above(level: Level, numbers: &mut [[u32; MASKED]], floor: u32, masks: &mut [u64]) -> u64 {
    assert!(numbers.len() == masks.len() && masks.len() <= 64);
    match level.0 {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx2 and fma.
        Isa::Avx2 => unsafe { avx2::keep_above(numbers, floor, masks) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level exists only where `available` saw avx512f, bw, dq and vnni.
        Isa::Avx512 => unsafe { avx512::keep_above(numbers, floor, masks) },
        _ => scalar::keep_above(numbers, floor, masks),
    }
}

/// The product of a fine code with a query. Byte `j` holds dimension `j` in its low half and
/// dimension `codes.len() + j` in its high half; a code `u` stands for the odd number `2 u - 15`.
///
/// # Panics
/// If code and query do not fit together.
pub(crate) fn fine_product(level: Level, codes: &[u8], query: &NibbleQuery) -> i32 {
    let bytes: &[i8] = bytemuck::cast_slice(&query.words);
    assert_eq!(bytes.len(), 2 * codes.len());
    let (low, high) = bytes.split_at(codes.len());
    2 * compiled_for(level, Fine { codes, low, high }) - query.offset
}

struct Fine<'a> {
    codes: &'a [u8],
    low: &'a [i8],
    high: &'a [i8],
}

impl Plain for Fine<'_> {
    type Done = i32;

    #[inline(always)]
    fn run(self) -> i32 {
        let mut sum = 0;
        for ((code, low), high) in self.codes.iter().zip(self.low).zip(self.high) {
            sum += i32::from(code & 15) * i32::from(*low) + i32::from(code >> 4) * i32::from(*high);
        }
        sum
    }
}

/// Plain code, of other rooms as well, that is worth being compiled for each instruction set: what
/// the compiler makes of its loops over arrays is then as wide as the registers are. No bit of a result depends on it.
pub(crate) trait Plain {
    type Done;

    /// To be marked `#[inline(always)]`, with all that it calls: a target feature ends at a call.
    fn run(self) -> Self::Done;
}

/// Runs plain code compiled for the level.
pub(crate) fn compiled_for<P: Plain>(level: Level, plain: P) -> P::Done {
    match level.0 {
        Isa::Scalar => plain.run(),
        // With AVX-512 the compiler prefers scattered loads and stores to plain loops.
        #[cfg(target_arch = "x86_64")]
        // SAFETY: both levels exist only where `available` saw avx2 and fma.
        Isa::Avx2 | Isa::Avx512 => unsafe { avx2::run(plain) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: this level exists only where `available` saw neon and dotprod.
        Isa::Neon => unsafe { neon::run(plain) },
    }
}

/// Asks for memory that will soon be read.
pub(crate) fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let bytes = values.as_ptr_range();
        let mut line = bytes.start.cast::<i8>();
        line = line.wrapping_sub(line.addr() % 64);
        while line < bytes.end.cast() {
            // SAFETY: a prefetch reads nothing that a program could see, whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line) };
            line = line.wrapping_add(64);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Cuts the queries into tiles of `N`, and the rest into single ones, and shows each block to
/// each of them. Inlined into the code of an instruction set, so that its closures are too.
#[inline(always)]
fn in_tiles<const N: usize>(
    scan: &NibbleScan<'_>,
    found: &mut [BlockDots],
    tile: impl Fn(&[Line], [&NibbleQuery; N], [&Limit; N]) -> [BlockDots; N],
    single: impl Fn(&[Line], [&NibbleQuery; 1], [&Limit; 1]) -> [BlockDots; 1],
) {
    let NibbleScan { blocks, lines, queries, limits } = *scan;
    let n_blocks = blocks.len() / lines;
    let (tiles, _) = queries.as_chunks::<N>();
    for (at, block) in blocks.chunks_exact(lines).enumerate() {
        for (i, queries) in tiles.iter().enumerate() {
            let own = std::array::from_fn(|j| &limits[i * N + j]);
            for (j, dots) in tile(block, queries.each_ref(), own).into_iter().enumerate() {
                found[(i * N + j) * n_blocks + at] = dots;
            }
        }
        for q in tiles.len() * N..queries.len() {
            [found[q * n_blocks + at]] = single(block, [&queries[q]], [&limits[q]]);
        }
    }
}

/// Cuts rows and queries into tiles of `R` by `Q`, and what is left into single pairs. One row
/// after the other is what the processor's prefetch follows; several rows at once are worth it
/// only where several queries read them. Inlined into the code of an instruction set.
#[inline(always)]
fn by_tiles<const R: usize, const Q: usize, Lanes: Copy>(
    (rows, queries, dim): (&[f32], &[f32], usize),
    out: &mut [f32],
    tile: impl Fn([Cut<'_>; R], [Cut<'_>; Q]) -> [[Lanes; R]; Q],
    single: impl Fn([Cut<'_>; 1], [Cut<'_>; 1]) -> [[Lanes; 1]; 1],
    fold: impl Fn(Lanes) -> f32,
    store: impl Fn(Lanes) -> [f32; LANES],
) {
    let n = rows.len() / dim;
    let finished = |lanes, row: Cut<'_>, query: Cut<'_>| {
        if row.1.is_empty() { fold(lanes) } else { finish(store(lanes), row.1, query.1) }
    };
    let tiled_queries = queries.len() / dim / Q * Q;
    let tiled_rows = if tiled_queries > 0 { n / R * R } else { 0 };
    for row in (0..tiled_rows).step_by(R) {
        let rows = cut::<R>(&rows[row * dim..], dim);
        for query in (0..tiled_queries).step_by(Q) {
            let queries = cut::<Q>(&queries[query * dim..], dim);
            let lanes = tile(rows, queries);
            for q in 0..Q {
                for r in 0..R {
                    out[(query + q) * n + row + r] = finished(lanes[q][r], rows[r], queries[q]);
                }
            }
        }
    }
    for (q, query) in queries.chunks_exact(dim).enumerate() {
        let (query, from) = (cut::<1>(query, dim), if q < tiled_queries { tiled_rows } else { 0 });
        for (row, values) in rows.chunks_exact(dim).enumerate().skip(from) {
            let row_cut = cut::<1>(values, dim);
            out[q * n + row] = finished(single(row_cut, query)[0][0], row_cut[0], query[0]);
        }
    }
}

/// A vector cut into whole registers and what is left over.
type Cut<'a> = (&'a [[f32; LANES]], &'a [f32]);

/// The first of vectors that follow one another, each cut.
#[inline(always)]
fn cut<const N: usize>(vectors: &[f32], dim: usize) -> [Cut<'_>; N] {
    let mut parts: [Cut<'_>; N] = [(&[], &[]); N];
    for n in 0..N {
        let (registers, rest) = vectors[n * dim..][..dim].as_chunks();
        parts[n] = (&registers[..dim / LANES], rest);
    }
    parts
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

    /// Of many magnitudes, but no product that overflows.
    fn value() -> impl Strategy<Value = f32> {
        (-1.0f32..1.0, -60i32..60).prop_map(|(x, exponent)| x * 2f32.powi(exponent))
    }

    fn rows_and_queries() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>)> {
        (1usize..70, 0usize..20, 0usize..10).prop_flat_map(|(dim, n, q)| {
            let values = |n| prop::collection::vec(value(), n * dim);
            (Just(dim), values(n), values(q))
        })
    }

    proptest! {
        #[test]
        fn every_level_gives_the_scalar_bits((dim, rows, queries) in rows_and_queries()) {
            let run = |level| {
                let mut out = vec![0.0; rows.len() / dim * (queries.len() / dim)];
                inner_products(level, &rows, &queries, dim, &mut out);
                out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let scalar = run(Level(Isa::Scalar));
            for level in Level::available() {
                prop_assert_eq!(run(level), scalar.clone(), "{}", level.name());
            }
        }
    }

    proptest! {
        #[test]
        fn every_level_finds_the_same_large_numbers(
            numbers in prop::collection::vec(prop_oneof![0u32..4, any::<u32>(), Just(u32::MAX)], 0..300),
            floor in prop_oneof![0u32..4, any::<u32>(), Just(u32::MAX)],
        ) {
            let numbers = numbers.as_chunks::<MASKED>().0;
            for level in Level::available() {
                let (mut kept, mut masks) = (numbers.to_vec(), vec![7; numbers.len()]);
                let any = keep_above(level, &mut kept, floor, &mut masks);
                for (chunk, (numbers, mask)) in numbers.iter().zip(&masks).enumerate() {
                    prop_assert_eq!(any >> chunk & 1 == 1, *mask != 0, "{}", level.name());
                    for (i, number) in numbers.iter().enumerate() {
                        let is_above = *number > floor;
                        prop_assert_eq!(mask >> i & 1 == 1, is_above, "{}", level.name());
                        prop_assert_eq!(kept[chunk][i], if is_above { *number } else { 0 }, "{}", level.name());
                    }
                }
                prop_assert!(any.checked_shr(numbers.len() as u32).unwrap_or(0) == 0);
            }
        }
    }

    /// Any bytes in codes and queries, the extremes often; numbers as encoders write them.
    fn codes(lines: usize) -> impl Strategy<Value = Vec<Line>> {
        let byte = prop_oneof![Just(0u8), Just(255), any::<u8>()];
        prop::collection::vec(prop::collection::vec(byte, 64), lines)
            .prop_map(|lines| lines.into_iter().map(|line| Line(std::array::from_fn(|i| line[i]))).collect())
    }

    fn set_numbers(line: &mut Line, numbers: &[f32]) {
        let floats: &mut [f32; LANES] = bytemuck::cast_mut(line);
        floats.copy_from_slice(&numbers[..LANES]);
    }

    fn nibble_case() -> impl Strategy<Value = (usize, Vec<Line>, Vec<NibbleQuery>, Vec<Limit>)> {
        (1usize..5, 1usize..4, 1usize..14).prop_flat_map(|(steps, n, q)| {
            let lines = 16 * steps + 2;
            let byte = prop_oneof![Just(-127i8), Just(127), -127i8..=127];
            let query = prop::collection::vec(byte, 8 * (lines - 2)).prop_map(|bytes| {
                let word = |i: usize| i32::from_le_bytes(std::array::from_fn(|j| bytes[4 * i + j] as u8));
                let sum: i32 = bytes.iter().map(|byte| i32::from(*byte)).sum();
                NibbleQuery {
                    words: (0..bytes.len() / 8).map(|i| [word(2 * i), word(2 * i + 1)]).collect(),
                    offset: 15 * sum,
                }
            });
            let limit = (value(), value(), value(), value()).prop_map(|(step, residual, size, least)| {
                Limit { step, residual: residual.abs(), size: size.abs(), least }
            });
            let scales = prop::collection::vec(prop::collection::vec(value(), LANES), n);
            (codes(lines * n), scales, prop::collection::vec(query, q), prop::collection::vec(limit, q))
                .prop_map(move |(mut blocks, scales, queries, limits)| {
                    for (block, scales) in blocks.chunks_mut(lines).zip(scales) {
                        set_numbers(&mut block[lines - 2], &scales);
                        set_numbers(&mut block[lines - 1], &scales);
                    }
                    (lines, blocks, queries, limits)
                })
        })
    }

    fn bit_case() -> impl Strategy<Value = (usize, Vec<Line>, BitQuery, f32)> {
        (1usize..5, 1usize..3).prop_flat_map(|(steps, n)| {
            let lines = 16 * steps + 6;
            let entry = prop_oneof![Just(60u8), 0u8..=60];
            let table = prop::collection::vec(prop::collection::vec(entry, 16), 2 * (lines - 6))
                .prop_map(|table| table.into_iter().map(|sums| std::array::from_fn(|i| sums[i])).collect());
            let factors = prop::collection::vec(prop::collection::vec(value(), LANES), 4 * n);
            (codes(lines * n), factors, table, value(), value()).prop_map(
                move |(mut blocks, factors, table, step, least)| {
                    for (block, factors) in blocks.chunks_mut(lines).zip(factors.chunks(4)) {
                        block[lines - 6..lines - 2]
                            .iter_mut()
                            .zip(factors)
                            .for_each(|(line, numbers)| set_numbers(line, numbers));
                    }
                    (lines, blocks, BitQuery { table, offset: 15 * 8 * (lines as i32 - 6), step }, least)
                },
            )
        })
    }

    proptest! {
        #[test]
        fn every_level_scans_nibbles_alike((lines, blocks, queries, limits) in nibble_case()) {
            let run = |level| {
                let mut found = vec![BlockDots::default(); blocks.len() / lines * queries.len()];
                scan_nibbles(level, &blocks, lines, &queries, &limits, &mut found);
                // Where no row passes, the products are not asked for.
                found.iter_mut().filter(|found| found.mask == 0).for_each(|found| *found = BlockDots::default());
                found
            };
            let scalar = run(Level(Isa::Scalar));
            for level in Level::available() {
                prop_assert_eq!(&run(level), &scalar, "{}", level.name());
            }
        }

        #[test]
        fn every_level_multiplies_fine_codes_alike(
            (codes, words) in (0usize..20).prop_flat_map(|n| (
                prop::collection::vec(any::<u8>(), 4 * n), prop::collection::vec(any::<[i32; 2]>(), n),
            )),
        ) {
            let bytes: &[i8] = bytemuck::cast_slice(&words);
            let offset = 15 * bytes.iter().map(|byte| i32::from(*byte)).sum::<i32>();
            let levels = codes.iter().map(|code| code & 15).chain(codes.iter().map(|code| code >> 4));
            let odd = levels.map(|level| 2 * i32::from(level) - 15);
            let expected: i32 = odd.zip(bytes).map(|(odd, byte)| odd * i32::from(*byte)).sum();
            let query = NibbleQuery { words, offset };
            for level in Level::available() {
                prop_assert_eq!(fine_product(level, &codes, &query), expected, "{}", level.name());
            }
        }

        #[test]
        fn every_level_scans_bits_alike((lines, blocks, query, least) in bit_case()) {
            let run = |level| {
                let mut found = vec![BlockSums { mask: 0, estimates: [0.0; BITS_ROWS] }; blocks.len() / lines];
                scan_bits(level, &blocks, lines, &query, least, &mut found);
                found.into_iter().map(|found| (found.mask, found.estimates.map(f32::to_bits))).collect::<Vec<_>>()
            };
            let scalar = run(Level(Isa::Scalar));
            for level in Level::available() {
                prop_assert_eq!(&run(level), &scalar, "{}", level.name());
            }
        }
    }

    /// The widest codes, every byte at its end: sums that must fit where they are added up.
    #[test]
    fn the_largest_sums_do_not_overflow() {
        let width = 4096;
        let lines = width / 8 + 2;
        let mut block = vec![Line([255; 64]); lines];
        set_numbers(&mut block[lines - 2], &[1.0; LANES]);
        set_numbers(&mut block[lines - 1], &[0.0; LANES]);
        let word = i32::from_le_bytes([127; 4]);
        let query = NibbleQuery { words: vec![[word, word]; width / 8], offset: 15 * 127 * width as i32 };
        let limit = Limit { step: 1.0, residual: 0.0, size: 0.0, least: 0.0 };
        let lines_of_bits = width / 8 + 6;
        let mut bits = vec![Line([255; 64]); lines_of_bits];
        bits[lines_of_bits - 6..].iter_mut().for_each(|line| set_numbers(line, &[1.0; LANES]));
        let bit_query = BitQuery { table: vec![[60; 16]; width / 4], offset: 15 * width as i32, step: 1.0 };
        for level in Level::available() {
            let mut found = [BlockDots::default()];
            scan_nibbles(level, &block, lines, std::slice::from_ref(&query), &[limit], &mut found);
            assert_eq!(found[0].dots, [15 * 127 * width as i32; LANES], "{}", level.name());
            let mut found = [BlockSums { mask: 0, estimates: [0.0; BITS_ROWS] }];
            scan_bits(level, &bits, lines_of_bits, &bit_query, 0.0, &mut found);
            let expected = [((15 * width) as f32).to_bits(); BITS_ROWS];
            assert_eq!(found[0].estimates.map(f32::to_bits), expected, "{}", level.name());
        }
    }

    #[test]
    fn wide_and_odd_dimensions_agree_with_f64_and_one_another() {
        for dim in [1, 15, 16, 17, 384, 768, 1000, 4096] {
            let row: Vec<f32> = (0..dim).map(|i| (i as f32 * 0.37).sin()).collect();
            let query: Vec<f32> = (0..dim).map(|i| (i as f32 * 0.11).cos()).collect();
            let exact: f64 = row.iter().zip(&query).map(|(x, q)| f64::from(*x) * f64::from(*q)).sum();
            let size: f64 = row.iter().zip(&query).map(|(x, q)| f64::from(x * q).abs()).sum();
            let mut bits = None;
            for level in Level::available() {
                let mut out = [0.0];
                inner_products(level, &row, &query, dim, &mut out);
                assert_eq!(*bits.get_or_insert(out[0].to_bits()), out[0].to_bits(), "{dim} {}", level.name());
                assert!((f64::from(out[0]) - exact).abs() <= 1e-6 * size, "{dim} {}", level.name());
            }
        }
    }

    #[test]
    #[should_panic(expected = "must fit together")]
    fn a_row_too_few_is_refused() {
        inner_products(Level(Isa::Scalar), &[1.0; 6], &[1.0; 3], 3, &mut [0.0; 1]);
    }
}
