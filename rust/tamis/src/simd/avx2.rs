//! AVX2 and FMA. Inner products: two registers of eight lanes a pair, 2 rows by 3 queries side
//! by side. Nibbles: a register is four dimensions of eight rows. Bits: a register is eight signs
//! of 32 rows, which look their sums up.
//! Oracle: [`super::scalar`].
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "fifty names")]

use std::arch::x86_64::*;

use super::{
    BITS_ROWS, BitQuery, BlockDots, BlockSums, Cut, LANES, Limit, Line, MASKED, NibbleQuery, NibbleScan,
    Plain, by_tiles, in_tiles,
};

#[target_feature(enable = "avx2")]
fn load(values: &[f32; LANES]) -> [__m256; 2] {
    // SAFETY: the reference proves sixteen readable floats; `loadu` asks for no alignment.
    unsafe { [_mm256_loadu_ps(values.as_ptr()), _mm256_loadu_ps(values.as_ptr().add(8))] }
}

#[target_feature(enable = "avx2")]
fn store(registers: [__m256; 2]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    // SAFETY: the array has room for both registers; `storeu` asks for no alignment.
    unsafe {
        _mm256_storeu_ps(lanes.as_mut_ptr(), registers[0]);
        _mm256_storeu_ps(lanes.as_mut_ptr().add(8), registers[1]);
    }
    lanes
}

/// [`super::fold`] in registers.
#[target_feature(enable = "avx2")]
fn fold(lanes: [__m256; 2]) -> f32 {
    let eight = _mm256_add_ps(lanes[0], lanes[1]);
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two))) + 0.0
}

#[target_feature(enable = "avx2,fma")]
fn products<const R: usize, const Q: usize>(
    rows: [Cut<'_>; R],
    queries: [Cut<'_>; Q],
) -> [[[__m256; 2]; R]; Q] {
    let mut sums = [[[_mm256_setzero_ps(); 2]; R]; Q];
    for i in 0..rows[0].0.len() {
        for r in 0..R {
            let x = load(&rows[r].0[i]);
            for q in 0..Q {
                let y = load(&queries[q].0[i]);
                sums[q][r][0] = _mm256_fmadd_ps(x[0], y[0], sums[q][r][0]);
                sums[q][r][1] = _mm256_fmadd_ps(x[1], y[1], sums[q][r][1]);
            }
        }
    }
    sums
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn inner_products(vectors: (&[f32], &[f32], usize), out: &mut [f32]) {
    products_by!(2 x 3, vectors, out);
}

/// The two halves of a line.
fn halves(line: &Line) -> &[[u8; 32]; 2] {
    bytemuck::cast_ref(&line.0)
}

#[target_feature(enable = "avx2")]
fn bytes(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: the reference proves 32 readable bytes; `loadu` asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn floats(line: &Line, half: usize) -> __m256 {
    _mm256_castsi256_ps(bytes(&halves(line)[half]))
}

/// Eight numbers that are the upper halves of `f32`.
#[target_feature(enable = "avx2")]
fn upper_halves(line: &Line, eighth: usize) -> __m256 {
    let eighths: &[[u8; 16]; 4] = bytemuck::cast_ref(&line.0);
    // SAFETY: the reference proves sixteen readable bytes; `loadu` asks for no alignment.
    let halves = unsafe { _mm_loadu_si128(eighths[eighth].as_ptr().cast()) };
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(halves)))
}

/// The two nibbles of each byte.
#[target_feature(enable = "avx2")]
fn nibbles_of(codes: __m256i) -> [__m256i; 2] {
    let mask = _mm256_set1_epi8(15);
    [_mm256_and_si256(codes, mask), _mm256_and_si256(_mm256_srli_epi16::<4>(codes), mask)]
}

/// The sums over all dimensions for `8 * H` rows of a block, from the eight rows that `first` says.
#[target_feature(enable = "avx2,fma")]
fn sums_of<const Q: usize, const H: usize>(
    codes: &[Line],
    first: usize,
    queries: [&NibbleQuery; Q],
) -> [[__m256i; H]; Q] {
    let mut words: [&[[[i32; 2]; 4]]; Q] = [&[]; Q];
    for q in 0..Q {
        words[q] = &queries[q].words.as_chunks().0[..codes.len() / 4];
    }
    let ones = _mm256_set1_epi16(1);
    let mut sums = [[_mm256_setzero_si256(); H]; Q];
    for (i, codes) in codes.as_chunks::<4>().0.iter().enumerate() {
        // Eight pairs of products, each at most 2 * 15 * 127, fit sixteen bits.
        let mut short = [[_mm256_setzero_si256(); H]; Q];
        for l in 0..4 {
            let mut nibbles = [[_mm256_setzero_si256(); 2]; H];
            for h in 0..H {
                nibbles[h] = nibbles_of(bytes(&halves(&codes[l])[first + h]));
            }
            for q in 0..Q {
                let [for_low, for_high] = words[q][i][l];
                let (for_low, for_high) = (_mm256_set1_epi32(for_low), _mm256_set1_epi32(for_high));
                for h in 0..H {
                    let [low, high] = nibbles[h];
                    short[q][h] = _mm256_add_epi16(short[q][h], _mm256_maddubs_epi16(low, for_low));
                    short[q][h] = _mm256_add_epi16(short[q][h], _mm256_maddubs_epi16(high, for_high));
                }
            }
        }
        for q in 0..Q {
            for h in 0..H {
                sums[q][h] = _mm256_add_epi32(sums[q][h], _mm256_madd_epi16(short[q][h], ones));
            }
        }
    }
    sums
}

/// One block for `Q` queries, `8 * H` rows at a time.
#[target_feature(enable = "avx2,fma")]
fn nibbles<const Q: usize, const H: usize>(
    block: &[Line],
    queries: [&NibbleQuery; Q],
    limits: [&Limit; Q],
) -> [BlockDots; Q] {
    let (codes, [scales, bounds]) = block.split_last_chunk().unwrap_or((block, &[Line([0; 64]); 2]));
    let mut found = [BlockDots::default(); Q];
    for first in (0..2).step_by(H) {
        let sums = sums_of::<Q, H>(codes, first, queries);
        for h in 0..H {
            let half = first + h;
            let (scales, rho, norm) =
                (floats(scales, half), upper_halves(bounds, half), upper_halves(bounds, 2 + half));
            for q in 0..Q {
                let offset = _mm256_set1_epi32(queries[q].offset);
                let dots = _mm256_sub_epi32(_mm256_slli_epi32::<1>(sums[q][h]), offset);
                let limit = limits[q];
                let reach = _mm256_mul_ps(_mm256_cvtepi32_ps(dots), _mm256_set1_ps(limit.step));
                let reach = _mm256_mul_ps(scales, reach);
                let reach = _mm256_fmadd_ps(rho, _mm256_set1_ps(limit.residual), reach);
                let reach = _mm256_fmadd_ps(norm, _mm256_set1_ps(limit.size), reach);
                let passed = _mm256_cmp_ps::<_CMP_GE_OQ>(reach, _mm256_set1_ps(limit.least));
                found[q].mask |= (_mm256_movemask_ps(passed) as u16) << (8 * half);
                let own = &mut found[q].dots.as_chunks_mut::<8>().0[half];
                // SAFETY: the array has room for the register; `storeu` asks for no alignment.
                unsafe { _mm256_storeu_si256(own.as_mut_ptr().cast(), dots) };
            }
        }
    }
    found
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn scan_nibbles(scan: &NibbleScan<'_>, found: &mut [BlockDots]) {
    in_tiles(scan, found, |b, q, l| nibbles::<4, 1>(b, q, l), |b, q, l| nibbles::<1, 2>(b, q, l));
}

#[target_feature(enable = "avx2")]
fn look_up(table: &[u8; 16], indices: __m256i) -> __m256i {
    // SAFETY: the reference proves sixteen readable bytes; `loadu` asks for no alignment.
    let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
    _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), indices)
}

/// The sums of 32 rows. Four look-ups fit a byte; even and odd rows are then added up in 16 bits.
#[target_feature(enable = "avx2")]
fn sums(signs: &[Line], half: usize, query: &BitQuery) -> [u16; BITS_ROWS / 2] {
    let (mut all, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for (lines, tables) in signs.as_chunks::<2>().0.iter().zip(query.table.as_chunks::<4>().0) {
        let mut sum = _mm256_setzero_si256();
        for (signs, tables) in lines.iter().zip(tables.as_chunks::<2>().0) {
            for (table, indices) in tables.iter().zip(nibbles_of(bytes(&halves(signs)[half]))) {
                sum = _mm256_add_epi8(sum, look_up(table, indices));
            }
        }
        // An even row's sums, and above them those of its odd neighbour: taken away at the end.
        all = _mm256_add_epi16(all, sum);
        odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(sum));
    }
    let even = _mm256_sub_epi16(all, _mm256_slli_epi16::<8>(odd));
    // In each half of a register: rows 0..8, then rows 8..16.
    let pairs = [_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd)];
    let mut halves = [[[0u16; 8]; 2]; 2];
    for (half, pair) in halves.iter_mut().zip(pairs) {
        // SAFETY: the array has room for the register; `storeu` asks for no alignment.
        unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), pair) };
    }
    let [first, second] = halves;
    let mut sums = [0; BITS_ROWS / 2];
    for (lane, sums) in sums.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        sums[..8].copy_from_slice(&first[lane]);
        sums[8..].copy_from_slice(&second[lane]);
    }
    sums
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn scan_bits(
    blocks: &[Line],
    lines: usize,
    query: &BitQuery,
    least: f32,
    found: &mut [BlockSums],
) {
    let (offset, step, least) =
        (_mm256_set1_epi32(query.offset), _mm256_set1_ps(query.step), _mm256_set1_ps(least));
    for (block, found) in blocks.chunks_exact(lines).zip(found) {
        let (signs, rest) = block.split_at(lines - 6);
        found.mask = 0;
        for half in 0..2 {
            let sums = sums(signs, half, query);
            for (i, sums) in sums.as_chunks::<8>().0.iter().enumerate() {
                let eighth = 4 * half + i;
                // SAFETY: the reference proves sixteen readable bytes; `loadu` asks for no alignment.
                let sums = _mm256_cvtepu16_epi32(unsafe { _mm_loadu_si128(sums.as_ptr().cast()) });
                let product = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_slli_epi32::<1>(sums), offset));
                let factors = floats(&rest[eighth / 2], eighth % 2);
                let estimates = _mm256_mul_ps(factors, _mm256_mul_ps(step, product));
                let mask = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(estimates, least));
                found.mask |= (mask as u64) << (8 * eighth);
                let own = &mut found.estimates.as_chunks_mut::<8>().0[eighth];
                // SAFETY: the array has room for the register; `storeu` asks for no alignment.
                unsafe { _mm256_storeu_ps(own.as_mut_ptr(), estimates) };
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn run<P: Plain>(plain: P) -> P::Done {
    plain.run()
}

#[target_feature(enable = "avx2")]
pub(super) fn keep_above(numbers: &mut [[u32; MASKED]], floor: u32, masks: &mut [u64]) -> u64 {
    let Some(least) = floor.checked_add(1) else {
        masks.fill(0);
        numbers.as_flattened_mut().fill(0);
        return 0;
    };
    let least = _mm256_set1_epi32(least.cast_signed());
    let mut any = 0;
    for (k, (numbers, mask)) in numbers.iter_mut().zip(masks).enumerate() {
        *mask = 0;
        for (i, eight) in numbers.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            // SAFETY: the reference proves eight numbers to read; `loadu` asks for no alignment.
            let all = unsafe { _mm256_loadu_si256(eight.as_ptr().cast()) };
            let above = _mm256_cmpeq_epi32(_mm256_max_epu32(all, least), all);
            let kept = _mm256_and_si256(all, above);
            // SAFETY: the reference proves eight numbers to write; `storeu` asks for no alignment.
            unsafe { _mm256_storeu_si256(eight.as_mut_ptr().cast(), kept) };
            let bits = _mm256_movemask_ps(_mm256_castsi256_ps(above)).cast_unsigned();
            *mask |= u64::from(bits) << (8 * i);
        }
        any |= u64::from(*mask != 0) << k;
    }
    any
}
