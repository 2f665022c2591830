//! The oracle: what the other levels must give, bit for bit.

use super::{LANES, finish};

pub(super) fn inner_products(rows: &[f32], query: &[f32], out: &mut [f32]) {
    let (query, tail) = query.as_chunks::<LANES>();
    let dim = query.len() * LANES + tail.len();
    for (row, score) in rows.chunks_exact(dim).zip(out) {
        let (row, row_tail) = row.as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for (x, q) in row.iter().zip(query) {
            for lane in 0..LANES {
                lanes[lane] = x[lane].mul_add(q[lane], lanes[lane]);
            }
        }
        *score = finish(lanes, row_tail, tail);
    }
}
