//! Inner products with AVX2 and FMA: two registers of eight lanes a row, four rows side by side
//! so that eight chains of additions hide each other's latency. Oracle: [`super::scalar`].
#![allow(unsafe_code)]

use std::arch::x86_64::{__m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps, _mm256_storeu_ps};

use super::{LANES, finish};

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

#[target_feature(enable = "avx2,fma")]
fn products<const N: usize>(rows: [&[f32]; N], query: &[[f32; LANES]], tail: &[f32]) -> [f32; N] {
    let rows = rows.map(|row| row.as_chunks::<LANES>());
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    for (i, q) in query.iter().enumerate() {
        let q = load(q);
        for (sum, (row, _)) in sums.iter_mut().zip(&rows) {
            let x = load(&row[i]);
            sum[0] = _mm256_fmadd_ps(x[0], q[0], sum[0]);
            sum[1] = _mm256_fmadd_ps(x[1], q[1], sum[1]);
        }
    }
    let mut scores = [0.0; N];
    for ((score, sum), (_, row_tail)) in scores.iter_mut().zip(sums).zip(rows) {
        *score = finish(store(sum), row_tail, tail);
    }
    scores
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn inner_products(rows: &[f32], query: &[f32], out: &mut [f32]) {
    let dim = query.len();
    let (query, tail) = query.as_chunks::<LANES>();
    let (groups, rest) = out.as_chunks_mut::<4>();
    let (grouped, single) = rows.split_at(groups.len() * 4 * dim);
    for (rows, scores) in grouped.chunks_exact(4 * dim).zip(groups) {
        *scores = products::<4>(std::array::from_fn(|i| &rows[i * dim..(i + 1) * dim]), query, tail);
    }
    for (row, score) in single.chunks_exact(dim).zip(rest) {
        [*score] = products::<1>([row], query, tail);
    }
}
