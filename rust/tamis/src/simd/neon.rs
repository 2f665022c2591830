//! NEON and its dot product. Inner products: four registers of four lanes a pair, 2 rows by 3
//! queries side by side. Nibbles: a register is four dimensions of four rows, which `sdot`
//! multiplies and adds up, so that a lane is a row. Bits: a register is eight signs of 16 rows,
//! which look their sums up. Oracle: [`super::scalar`].
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "fifty names")]

use std::arch::aarch64::*;
use std::arch::asm;

use super::{
    BITS_ROWS, BitQuery, BlockDots, BlockSums, Cut, LANES, Limit, Line, NibbleQuery, NibbleScan, Plain,
    by_tiles, in_tiles,
};

#[target_feature(enable = "neon")]
fn load(values: &[f32; LANES], quarter: usize) -> float32x4_t {
    let quarters: &[[f32; 4]; 4] = bytemuck::cast_ref(values);
    // SAFETY: the reference proves four readable floats; `vld1q` asks for no alignment but theirs.
    unsafe { vld1q_f32(quarters[quarter].as_ptr()) }
}

#[target_feature(enable = "neon")]
fn store(registers: [float32x4_t; 4]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    for (four, register) in lanes.as_chunks_mut::<4>().0.iter_mut().zip(registers) {
        // SAFETY: the array has room for the register; `vst1q` asks for no alignment but a float's.
        unsafe { vst1q_f32(four.as_mut_ptr(), register) };
    }
    lanes
}

/// [`super::fold`] in registers.
#[target_feature(enable = "neon")]
fn fold(lanes: [float32x4_t; 4]) -> f32 {
    let four = vaddq_f32(vaddq_f32(lanes[0], lanes[2]), vaddq_f32(lanes[1], lanes[3]));
    let two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two) + 0.0
}

#[target_feature(enable = "neon")]
fn products<const R: usize, const Q: usize>(
    rows: [Cut<'_>; R],
    queries: [Cut<'_>; Q],
) -> [[[float32x4_t; 4]; R]; Q] {
    let mut sums = [[[vdupq_n_f32(0.0); 4]; R]; Q];
    for i in 0..rows[0].0.len() {
        for quarter in 0..4 {
            let mut x = [vdupq_n_f32(0.0); R];
            for r in 0..R {
                x[r] = load(&rows[r].0[i], quarter);
            }
            for q in 0..Q {
                let y = load(&queries[q].0[i], quarter);
                for r in 0..R {
                    sums[q][r][quarter] = vfmaq_f32(sums[q][r][quarter], x[r], y);
                }
            }
        }
    }
    sums
}

#[target_feature(enable = "neon,dotprod")]
pub(super) fn inner_products(vectors: (&[f32], &[f32], usize), out: &mut [f32]) {
    products_by!(2 x 3, vectors, out);
}

#[target_feature(enable = "neon")]
fn bytes(line: &Line, quarter: usize) -> uint8x16_t {
    let quarters: &[[u8; 16]; 4] = bytemuck::cast_ref(&line.0);
    // SAFETY: the reference proves sixteen readable bytes.
    unsafe { vld1q_u8(quarters[quarter].as_ptr()) }
}

#[target_feature(enable = "neon")]
fn floats(line: &Line, quarter: usize) -> float32x4_t {
    vreinterpretq_f32_u8(bytes(line, quarter))
}

/// Four numbers that are the upper halves of `f32`.
#[target_feature(enable = "neon")]
fn upper_halves(line: &Line, eighth: usize) -> float32x4_t {
    let eighths: &[[u8; 8]; 8] = bytemuck::cast_ref(&line.0);
    // SAFETY: the reference proves eight readable bytes.
    let halves = vreinterpret_u16_u8(unsafe { vld1_u8(eighths[eighth].as_ptr()) });
    vreinterpretq_f32_u32(vshlq_n_u32::<16>(vmovl_u16(halves)))
}

/// The two nibbles of each byte.
#[target_feature(enable = "neon")]
fn nibbles_of(codes: uint8x16_t) -> [uint8x16_t; 2] {
    [vandq_u8(codes, vdupq_n_u8(15)), vshrq_n_u8::<4>(codes)]
}

/// A bit for each lane that is all ones, the first lane's the lowest.
#[target_feature(enable = "neon")]
fn mask_of(lanes: uint32x4_t) -> u32 {
    const BITS: [u32; 4] = [1, 2, 4, 8];
    // SAFETY: the array is sixteen readable bytes, aligned as its numbers are.
    vaddvq_u32(vandq_u32(lanes, unsafe { vld1q_u32(BITS.as_ptr()) }))
}

/// The words of a query for two lines.
#[target_feature(enable = "neon")]
fn four_words(words: &[[i32; 2]; 2]) -> int32x4_t {
    // SAFETY: the reference proves four readable words; `vld1q` asks for no alignment but theirs.
    unsafe { vld1q_s32(words.as_flattened().as_ptr()) }
}

/// The low nibbles of a line, then the high ones.
#[target_feature(enable = "neon")]
fn nibbles_of_line(line: &Line) -> [[uint8x16_t; 4]; 2] {
    let mut nibbles = [[vdupq_n_u8(0); 4]; 2];
    for quarter in 0..4 {
        [nibbles[0][quarter], nibbles[1][quarter]] = nibbles_of(bytes(line, quarter));
    }
    nibbles
}

/// Adds to each lane the product of its four codes with the four bytes of one of the words.
/// In assembly since `vdotq_laneq_s32` is not stable.
#[target_feature(enable = "neon,dotprod")]
fn add_dots<const WORD: usize>(sums: &mut [int32x4_t; 4], codes: [uint8x16_t; 4], words: int32x4_t) {
    let [a, b, c, d] = sums;
    // SAFETY: the function has dotprod; the instructions write the sums alone, and an `inout`
    // register is never that of an input.
    unsafe {
        asm!(
            "sdot {0:v}.4s, {4:v}.16b, {words:v}.4b[{word}]",
            "sdot {1:v}.4s, {5:v}.16b, {words:v}.4b[{word}]",
            "sdot {2:v}.4s, {6:v}.16b, {words:v}.4b[{word}]",
            "sdot {3:v}.4s, {7:v}.16b, {words:v}.4b[{word}]",
            inout(vreg) *a,
            inout(vreg) *b,
            inout(vreg) *c,
            inout(vreg) *d,
            in(vreg) codes[0],
            in(vreg) codes[1],
            in(vreg) codes[2],
            in(vreg) codes[3],
            words = in(vreg) words,
            word = const WORD,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
}

/// The sums over all dimensions, four rows a register, in `A` chains of additions: 1 or 2.
#[target_feature(enable = "neon,dotprod")]
fn code_sums<const Q: usize, const A: usize>(
    codes: &[Line],
    queries: [&NibbleQuery; Q],
) -> [[[int32x4_t; 4]; A]; Q] {
    let mut words: [&[[[i32; 2]; 2]]; Q] = [&[]; Q];
    for q in 0..Q {
        words[q] = &queries[q].words.as_chunks().0[..codes.len() / 2];
    }
    let mut sums = [[[vdupq_n_s32(0); 4]; A]; Q];
    for (i, codes) in codes.as_chunks::<2>().0.iter().enumerate() {
        let mut own = [vdupq_n_s32(0); Q];
        for q in 0..Q {
            own[q] = four_words(&words[q][i]);
        }
        let [low, high] = nibbles_of_line(&codes[0]);
        for q in 0..Q {
            add_dots::<0>(&mut sums[q][0], low, own[q]);
            add_dots::<1>(&mut sums[q][0], high, own[q]);
        }
        let [low, high] = nibbles_of_line(&codes[1]);
        for q in 0..Q {
            add_dots::<2>(&mut sums[q][A - 1], low, own[q]);
            add_dots::<3>(&mut sums[q][A - 1], high, own[q]);
        }
    }
    sums
}

#[target_feature(enable = "neon,dotprod")]
fn nibbles<const Q: usize, const A: usize>(
    block: &[Line],
    queries: [&NibbleQuery; Q],
    limits: [&Limit; Q],
) -> [BlockDots; Q] {
    let (codes, [scales, bounds]) = block.split_last_chunk().unwrap_or((block, &[Line([0; 64]); 2]));
    let sums = code_sums::<Q, A>(codes, queries);
    let mut found = [BlockDots::default(); Q];
    for quarter in 0..4 {
        let (scales, rho, norm) =
            (floats(scales, quarter), upper_halves(bounds, quarter), upper_halves(bounds, 4 + quarter));
        for q in 0..Q {
            let mut sum = sums[q][0][quarter];
            for a in 1..A {
                sum = vaddq_s32(sum, sums[q][a][quarter]);
            }
            let dots = vsubq_s32(vshlq_n_s32::<1>(sum), vdupq_n_s32(queries[q].offset));
            let limit = limits[q];
            let reach = vmulq_n_f32(vcvtq_f32_s32(dots), limit.step);
            let reach = vmulq_f32(scales, reach);
            let reach = vfmaq_n_f32(reach, rho, limit.residual);
            let reach = vfmaq_n_f32(reach, norm, limit.size);
            let passed = vcgeq_f32(reach, vdupq_n_f32(limit.least));
            found[q].mask |= (mask_of(passed) as u16) << (4 * quarter);
            let own = &mut found[q].dots.as_chunks_mut::<4>().0[quarter];
            // SAFETY: the array has room for the register; `vst1q` asks for no alignment but a word's.
            unsafe { vst1q_s32(own.as_mut_ptr(), dots) };
        }
    }
    found
}

#[target_feature(enable = "neon,dotprod")]
pub(super) fn scan_nibbles(scan: &NibbleScan<'_>, found: &mut [BlockDots]) {
    in_tiles(scan, found, |b, q, l| nibbles::<4, 1>(b, q, l), |b, q, l| nibbles::<1, 2>(b, q, l));
}

#[target_feature(enable = "neon")]
fn table_of(sums: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the reference proves sixteen readable bytes.
    unsafe { vld1q_u8(sums.as_ptr()) }
}

/// The sums of 64 rows, eight a register. Four look-ups fit a byte; sums of those take sixteen bits.
#[target_feature(enable = "neon")]
fn sums(signs: &[Line], query: &BitQuery) -> [uint16x8_t; BITS_ROWS / 8] {
    let mut sums = [vdupq_n_u16(0); BITS_ROWS / 8];
    for (lines, tables) in signs.as_chunks::<2>().0.iter().zip(query.table.as_chunks::<4>().0) {
        let mut four = [vdupq_n_u8(0); 4];
        for i in 0..4 {
            four[i] = table_of(&tables[i]);
        }
        for quarter in 0..4 {
            let [low, high] = nibbles_of(bytes(&lines[0], quarter));
            let first = vaddq_u8(vqtbl1q_u8(four[0], low), vqtbl1q_u8(four[1], high));
            let [low, high] = nibbles_of(bytes(&lines[1], quarter));
            let second = vaddq_u8(vqtbl1q_u8(four[2], low), vqtbl1q_u8(four[3], high));
            let sum = vaddq_u8(first, second);
            sums[2 * quarter] = vaddw_u8(sums[2 * quarter], vget_low_u8(sum));
            sums[2 * quarter + 1] = vaddw_high_u8(sums[2 * quarter + 1], sum);
        }
    }
    sums
}

#[target_feature(enable = "neon")]
pub(super) fn scan_bits(
    blocks: &[Line],
    lines: usize,
    query: &BitQuery,
    least: f32,
    found: &mut [BlockSums],
) {
    let (offset, least) = (vdupq_n_s32(query.offset), vdupq_n_f32(least));
    for (block, found) in blocks.chunks_exact(lines).zip(found) {
        let (signs, rest) = block.split_at(lines - 6);
        found.mask = 0;
        for (eighth, sums) in sums(signs, query).into_iter().enumerate() {
            let twice = [vshll_n_u16::<1>(vget_low_u16(sums)), vshll_high_n_u16::<1>(sums)];
            for (half, twice) in twice.into_iter().enumerate() {
                let sixteenth = 2 * eighth + half;
                let product = vcvtq_f32_s32(vsubq_s32(vreinterpretq_s32_u32(twice), offset));
                let factors = floats(&rest[sixteenth / 4], sixteenth % 4);
                let estimates = vmulq_f32(factors, vmulq_n_f32(product, query.step));
                found.mask |= u64::from(mask_of(vcgeq_f32(estimates, least))) << (4 * sixteenth);
                let own = &mut found.estimates.as_chunks_mut::<4>().0[sixteenth];
                // SAFETY: the array has room for the register; `vst1q` asks for no alignment but a float's.
                unsafe { vst1q_f32(own.as_mut_ptr(), estimates) };
            }
        }
    }
}

#[target_feature(enable = "neon,dotprod")]
pub(super) fn run<P: Plain>(plain: P) -> P::Done {
    plain.run()
}
