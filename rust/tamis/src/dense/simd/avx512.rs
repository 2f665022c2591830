//! Inner products with AVX-512: one register of sixteen lanes a row, eight rows side by side.
//! Oracle: [`super::scalar`].
#![allow(unsafe_code)]

use std::arch::x86_64::{__m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_setzero_ps, _mm512_storeu_ps};

use super::{LANES, finish};

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

#[target_feature(enable = "avx512f")]
fn products<const N: usize>(rows: [&[f32]; N], query: &[[f32; LANES]], tail: &[f32]) -> [f32; N] {
    let rows = rows.map(|row| row.as_chunks::<LANES>());
    let mut sums = [_mm512_setzero_ps(); N];
    for (i, q) in query.iter().enumerate() {
        let q = load(q);
        for (sum, (row, _)) in sums.iter_mut().zip(&rows) {
            *sum = _mm512_fmadd_ps(load(&row[i]), q, *sum);
        }
    }
    let mut scores = [0.0; N];
    for ((score, sum), (_, row_tail)) in scores.iter_mut().zip(sums).zip(rows) {
        *score = finish(store(sum), row_tail, tail);
    }
    scores
}

#[target_feature(enable = "avx512f")]
pub(super) fn inner_products(rows: &[f32], query: &[f32], out: &mut [f32]) {
    let dim = query.len();
    let (query, tail) = query.as_chunks::<LANES>();
    let (groups, rest) = out.as_chunks_mut::<8>();
    let (grouped, single) = rows.split_at(groups.len() * 8 * dim);
    for (rows, scores) in grouped.chunks_exact(8 * dim).zip(groups) {
        *scores = products::<8>(std::array::from_fn(|i| &rows[i * dim..(i + 1) * dim]), query, tail);
    }
    for (row, score) in single.chunks_exact(dim).zip(rest) {
        [*score] = products::<1>([row], query, tail);
    }
}
