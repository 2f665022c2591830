//! AVX-512. Inner products: one register of sixteen lanes a pair, 4 by 4 pairs side by side.
//! Nibbles: a register is four dimensions of sixteen rows, which VNNI multiplies and adds up, so
//! that a lane is a row. Bits: a register is eight signs of 64 rows, which look their sums up.
//! Oracle: [`super::scalar`].
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "fifty names")]

use std::arch::x86_64::*;

use super::{
    BITS_ROWS, BitQuery, BlockDots, BlockSums, Cut, LANES, Limit, Line, MASKED, NibbleQuery, NibbleScan,
    by_tiles, in_tiles,
};

#[target_feature(enable = "avx512f")]
fn load(values: &[f32; LANES]) -> __m512 {
    // SAFETY: the reference proves sixteen readable floats; `loadu` asks for no alignment.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

#[target_feature(enable = "avx512f")]
fn store(register: __m512) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    // SAFETY: the array has room for the register; `storeu` asks for no alignment.
    unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), register) };
    lanes
}

/// [`super::fold`] in registers.
#[target_feature(enable = "avx512f,avx512dq")]
fn fold(lanes: __m512) -> f32 {
    let eight = _mm256_add_ps(_mm512_castps512_ps256(lanes), _mm512_extractf32x8_ps::<1>(lanes));
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two))) + 0.0
}

#[target_feature(enable = "avx512f")]
fn products<const R: usize, const Q: usize>(rows: [Cut<'_>; R], queries: [Cut<'_>; Q]) -> [[__m512; R]; Q] {
    let mut sums = [[_mm512_setzero_ps(); R]; Q];
    for i in 0..rows[0].0.len() {
        let mut x = [_mm512_setzero_ps(); R];
        for r in 0..R {
            x[r] = load(&rows[r].0[i]);
        }
        for q in 0..Q {
            let y = load(&queries[q].0[i]);
            for r in 0..R {
                sums[q][r] = _mm512_fmadd_ps(x[r], y, sums[q][r]);
            }
        }
    }
    sums
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn inner_products(vectors: (&[f32], &[f32], usize), out: &mut [f32]) {
    products_by!(4 x 4, vectors, out);
}

#[target_feature(enable = "avx512f")]
fn line(line: &Line) -> __m512i {
    // SAFETY: the reference proves 64 readable bytes, and a line is aligned to 64.
    unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }
}

/// Sixteen numbers that are the upper halves of `f32`.
#[target_feature(enable = "avx512f")]
fn halves(line: &Line, second: usize) -> __m512 {
    let bytes: &[[u8; 32]; 2] = bytemuck::cast_ref(&line.0);
    // SAFETY: the reference proves 32 readable bytes; `loadu` asks for no alignment.
    let halves = unsafe { _mm256_loadu_si256(bytes[second].as_ptr().cast()) };
    _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves)))
}

/// One block for `Q` queries. The products of low and high nibbles are summed apart, so that the
/// high ones need no shift, in `2 * A` chains a query.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn nibbles<const Q: usize, const A: usize>(
    block: &[Line],
    queries: [&NibbleQuery; Q],
    limits: [&Limit; Q],
) -> [BlockDots; Q] {
    let (codes, [scales, bounds]) = block.split_last_chunk().unwrap_or((block, &[Line([0; 64]); 2]));
    let (low_mask, high_mask) = (_mm512_set1_epi8(15), _mm512_set1_epi8(-16));
    let mut words: [&[[[i32; 2]; A]]; Q] = [&[]; Q];
    for q in 0..Q {
        words[q] = &queries[q].words.as_chunks().0[..codes.len() / A];
    }
    let mut lows = [[_mm512_setzero_si512(); A]; Q];
    let mut highs = lows;
    for (i, codes) in codes.as_chunks::<A>().0.iter().enumerate() {
        for a in 0..A {
            let codes = line(&codes[a]);
            let (low, high) = (_mm512_and_si512(codes, low_mask), _mm512_and_si512(codes, high_mask));
            for q in 0..Q {
                let [for_low, for_high] = words[q][i][a];
                lows[q][a] = _mm512_dpbusd_epi32(lows[q][a], low, _mm512_set1_epi32(for_low));
                highs[q][a] = _mm512_dpbusd_epi32(highs[q][a], high, _mm512_set1_epi32(for_high));
            }
        }
    }
    let (scales, rho, norm) = (_mm512_castsi512_ps(line(scales)), halves(bounds, 0), halves(bounds, 1));
    let mut found = [BlockDots::default(); Q];
    for q in 0..Q {
        let (mut low, mut high) = (lows[q][0], highs[q][0]);
        for a in 1..A {
            low = _mm512_add_epi32(low, lows[q][a]);
            high = _mm512_add_epi32(high, highs[q][a]);
        }
        let sum = _mm512_add_epi32(low, _mm512_srai_epi32::<4>(high));
        let dots = _mm512_sub_epi32(_mm512_slli_epi32::<1>(sum), _mm512_set1_epi32(queries[q].offset));
        let limit = limits[q];
        let reach = _mm512_mul_ps(_mm512_cvtepi32_ps(dots), _mm512_set1_ps(limit.step));
        let reach = _mm512_mul_ps(scales, reach);
        let reach = _mm512_fmadd_ps(rho, _mm512_set1_ps(limit.residual), reach);
        let reach = _mm512_fmadd_ps(norm, _mm512_set1_ps(limit.size), reach);
        found[q].mask = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(reach, _mm512_set1_ps(limit.least));
        // SAFETY: the array has room for the register; `storeu` asks for no alignment.
        unsafe { _mm512_storeu_si512(found[q].dots.as_mut_ptr().cast(), dots) };
    }
    found
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn scan_nibbles(scan: &NibbleScan<'_>, found: &mut [BlockDots]) {
    in_tiles(scan, found, |b, q, l| nibbles::<8, 1>(b, q, l), |b, q, l| nibbles::<1, 2>(b, q, l));
}

#[target_feature(enable = "avx512f,avx512bw")]
fn look_up(table: &[u8; 16], indices: __m512i) -> __m512i {
    // SAFETY: the reference proves sixteen readable bytes; `loadu` asks for no alignment.
    let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
    _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), indices)
}

/// The sums of 64 rows. Four look-ups fit a byte; even and odd rows are then added up in 16 bits.
#[target_feature(enable = "avx512f,avx512bw")]
fn sums(signs: &[Line], query: &BitQuery) -> [u16; BITS_ROWS] {
    let low_mask = _mm512_set1_epi8(15);
    let (mut all, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for (lines, tables) in signs.as_chunks::<2>().0.iter().zip(query.table.as_chunks::<4>().0) {
        let mut sum = _mm512_setzero_si512();
        for (signs, tables) in lines.iter().zip(tables.as_chunks::<2>().0) {
            let signs = line(signs);
            let high = _mm512_and_si512(_mm512_srli_epi16::<4>(signs), low_mask);
            sum = _mm512_add_epi8(sum, look_up(&tables[0], _mm512_and_si512(signs, low_mask)));
            sum = _mm512_add_epi8(sum, look_up(&tables[1], high));
        }
        // An even row's sums, and above them those of its odd neighbour: taken away at the end.
        all = _mm512_add_epi16(all, sum);
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16::<8>(sum));
    }
    let even = _mm512_sub_epi16(all, _mm512_slli_epi16::<8>(odd));
    // In each quarter of a register: rows 0..8, then rows 8..16.
    let pairs = [_mm512_unpacklo_epi16(even, odd), _mm512_unpackhi_epi16(even, odd)];
    let mut halves = [[[0u16; 8]; 4]; 2];
    for (half, pair) in halves.iter_mut().zip(pairs) {
        // SAFETY: the array has room for the register; `storeu` asks for no alignment.
        unsafe { _mm512_storeu_si512(half.as_mut_ptr().cast(), pair) };
    }
    let [first, second] = halves;
    let mut sums = [0; BITS_ROWS];
    for (quarter, sums) in sums.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        sums[..8].copy_from_slice(&first[quarter]);
        sums[8..].copy_from_slice(&second[quarter]);
    }
    sums
}

#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn scan_bits(
    blocks: &[Line],
    lines: usize,
    query: &BitQuery,
    least: f32,
    found: &mut [BlockSums],
) {
    let (offset, step, least) =
        (_mm512_set1_epi32(query.offset), _mm512_set1_ps(query.step), _mm512_set1_ps(least));
    for (block, found) in blocks.chunks_exact(lines).zip(found) {
        let (signs, rest) = block.split_at(lines - 6);
        let sums = sums(signs, query);
        found.mask = 0;
        for (quarter, sums) in sums.as_chunks::<16>().0.iter().enumerate() {
            // SAFETY: the reference proves 32 readable bytes; `loadu` asks for no alignment.
            let sums = _mm512_cvtepu16_epi32(unsafe { _mm256_loadu_si256(sums.as_ptr().cast()) });
            let product = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_slli_epi32::<1>(sums), offset));
            let factors = _mm512_castsi512_ps(line(&rest[quarter]));
            let estimates = _mm512_mul_ps(factors, _mm512_mul_ps(step, product));
            let mask = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(estimates, least);
            found.mask |= u64::from(mask) << (16 * quarter);
            found.estimates.as_chunks_mut::<16>().0[quarter] = store(estimates);
        }
    }
}

#[target_feature(enable = "avx512f")]
pub(super) fn keep_above(numbers: &mut [[u32; MASKED]], floor: u32, masks: &mut [u64]) -> u64 {
    let floor = _mm512_set1_epi32(floor.cast_signed());
    let mut any = 0;
    for (k, (numbers, mask)) in numbers.iter_mut().zip(masks).enumerate() {
        *mask = 0;
        for (i, sixteen) in numbers.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            // SAFETY: the reference proves sixteen numbers to read; `loadu` asks for no alignment.
            let all = unsafe { _mm512_loadu_si512(sixteen.as_ptr().cast()) };
            let above = _mm512_cmpgt_epu32_mask(all, floor);
            let kept = _mm512_maskz_mov_epi32(above, all);
            // SAFETY: the reference proves sixteen numbers to write; `storeu` asks for no alignment.
            unsafe { _mm512_storeu_si512(sixteen.as_mut_ptr().cast(), kept) };
            *mask |= u64::from(above) << (16 * i);
        }
        any |= u64::from(*mask != 0) << k;
    }
    any
}
