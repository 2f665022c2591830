//! The oracle: what the other levels must give, bit for bit.

use super::{
    BITS_ROWS, BitQuery, BlockDots, BlockSums, LANES, Limit, Line, MASKED, NibbleQuery, NibbleScan, finish,
    in_tiles,
};

pub(super) fn inner_products(rows: &[f32], queries: &[f32], dim: usize, out: &mut [f32]) {
    let pairs =
        queries.chunks_exact(dim).flat_map(|query| rows.chunks_exact(dim).map(move |row| (row, query)));
    for ((row, query), score) in pairs.zip(out) {
        let ((row, row_tail), (query, tail)) = (row.as_chunks::<LANES>(), query.as_chunks::<LANES>());
        let mut lanes = [0.0; LANES];
        for (x, q) in row.iter().zip(query) {
            for lane in 0..LANES {
                lanes[lane] = x[lane].mul_add(q[lane], lanes[lane]);
            }
        }
        *score = finish(lanes, row_tail, tail);
    }
}

pub(super) fn scan_nibbles(scan: &NibbleScan<'_>, found: &mut [BlockDots]) {
    let single =
        |block: &[Line], [query]: [&NibbleQuery; 1], [limit]: [&Limit; 1]| [nibbles(block, query, limit)];
    in_tiles(scan, found, single, single);
}

fn nibbles(block: &[Line], query: &NibbleQuery, limit: &Limit) -> BlockDots {
    let (codes, [scales, bounds]) = block.split_last_chunk().unwrap_or((block, &[Line([0; 64]); 2]));
    let mut found = BlockDots::default();
    for row in 0..LANES {
        let mut sum = 0;
        for (line, words) in codes.iter().zip(&query.words) {
            let [low, high] = words.map(|word| word.to_le_bytes().map(|byte| i32::from(byte as i8)));
            for (i, &byte) in line.0[4 * row..4 * row + 4].iter().enumerate() {
                sum += i32::from(byte & 15) * low[i] + i32::from(byte >> 4) * high[i];
            }
        }
        let dot = 2 * sum - query.offset;
        let scale: f32 = bytemuck::cast::<_, [f32; LANES]>(*scales)[row];
        let half = |i: usize| f32::from_bits(u32::from(bytemuck::cast::<_, [u16; 32]>(*bounds)[i]) << 16);
        let reach = scale * (dot as f32 * limit.step);
        let reach = half(row).mul_add(limit.residual, reach);
        let reach = half(LANES + row).mul_add(limit.size, reach);
        found.dots[row] = dot;
        found.mask |= u16::from(reach >= limit.least) << row;
    }
    found
}

pub(super) fn scan_bits(
    blocks: &[Line],
    lines: usize,
    query: &BitQuery,
    least: f32,
    found: &mut [BlockSums],
) {
    for (block, found) in blocks.chunks_exact(lines).zip(found) {
        let (signs, rest) = block.split_at(lines - 6);
        let factors: &[f32] = bytemuck::cast_slice(rest);
        found.mask = 0;
        for row in 0..BITS_ROWS {
            let mut sum = 0;
            for (line, tables) in signs.iter().zip(query.table.as_chunks::<2>().0) {
                let byte = usize::from(line.0[row]);
                sum += i32::from(tables[0][byte & 15]) + i32::from(tables[1][byte >> 4]);
            }
            let estimate = factors[row] * (query.step * (2 * sum - query.offset) as f32);
            found.estimates[row] = estimate;
            found.mask |= u64::from(estimate >= least) << row;
        }
    }
}

pub(super) fn keep_above(numbers: &mut [[u32; MASKED]], floor: u32, masks: &mut [u64]) -> u64 {
    let mut any = 0;
    for (k, (numbers, mask)) in numbers.iter_mut().zip(masks).enumerate() {
        *mask = 0;
        for (i, number) in numbers.iter_mut().enumerate() {
            let is_above = *number > floor;
            *mask |= u64::from(is_above) << i;
            *number *= u32::from(is_above);
        }
        any |= u64::from(*mask != 0) << k;
    }
    any
}
