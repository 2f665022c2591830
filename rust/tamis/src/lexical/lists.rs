//! Posting lists as words: blocks of 128 postings in the layout of SIMD-BP128 (Lemire and Boytsov,
//! 2015), then the rest in bits one after the other.
//!
//! | words | content |
//! |---|---|
//! | 4 a full block | its [header](Header) |
//! | blocks | gaps of rows, then frequencies, 4 words for each bit of each |
//! | rest | bits a gap and a frequency (a byte each), gaps, frequencies |
//!
//! A gap is the distance to the row before, less 1; a frequency is stored less 1. Nothing that is
//! read is trusted: a damaged list gives wrong postings or none.

use bitpacking::{BitPacker, BitPacker4x};

use super::bounds::{Pair, competitive};
use crate::hit::Row;

/// Postings in a full block.
pub(super) const BLOCK: usize = BitPacker4x::BLOCK_LEN;

/// Words of a header.
const HEADER: usize = 4;

/// What is known of a full block without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Its last row.
    pub(super) last: Row,
    /// Its first word, counted from the end of the headers.
    start: u32,
    row_bits: u8,
    frequency_bits: u8,
    /// No posting of the block is worth more than the best of these.
    pub(super) pairs: [Pair; 3],
}

impl Header {
    fn to_words(self) -> [u32; HEADER] {
        let [a, b, c] = self.pairs.map(|pair| u32::from(pair.0));
        let bits = u32::from(self.row_bits) | u32::from(self.frequency_bits) << 8;
        [self.last, self.start, bits | a << 16, b | c << 16]
    }

    fn of_words([last, start, first, second]: [u32; HEADER]) -> Self {
        let pairs = [first >> 16, second & 0xffff, second >> 16].map(|pair| Pair(pair as u16));
        Self { last, start, row_bits: first as u8, frequency_bits: (first >> 8) as u8, pairs }
    }

    /// The words of its gaps, and of them and its frequencies.
    fn sizes(self) -> (usize, usize) {
        let rows = usize::from(self.row_bits) * BLOCK / 32;
        (rows, rows + usize::from(self.frequency_bits) * BLOCK / 32)
    }
}

/// Appends a list; `length` gives the length of a row.
pub(super) fn encode(rows: &[Row], frequencies: &[u32], length: impl Fn(Row) -> u32, out: &mut Vec<u32>) {
    let packer = BitPacker4x::new();
    let (row_blocks, row_rest) = rows.as_chunks::<BLOCK>();
    let (frequency_blocks, frequency_rest) = frequencies.as_chunks::<BLOCK>();
    let headers = out.len();
    out.resize(headers + HEADER * row_blocks.len(), 0);
    let first = out.len();
    let mut before = None;
    for (i, (rows, frequencies)) in row_blocks.iter().zip(frequency_blocks).enumerate() {
        let less = frequencies.map(|frequency| frequency - 1);
        let header = Header {
            last: rows[BLOCK - 1],
            start: (out.len() - first) as u32,
            row_bits: packer.num_bits_strictly_sorted(before, rows),
            frequency_bits: packer.num_bits(&less),
            pairs: competitive(rows.iter().zip(frequencies).map(|(row, tf)| (*tf, length(*row)))),
        };
        let at = out.len();
        let (gaps, all) = header.sizes();
        out.resize(at + all, 0);
        let (gaps, frequencies) = out[at..].split_at_mut(gaps);
        packer.compress_strictly_sorted(before, rows, bytemuck::cast_slice_mut(gaps), header.row_bits);
        packer.compress(&less, bytemuck::cast_slice_mut(frequencies), header.frequency_bits);
        out[headers + HEADER * i..][..HEADER].copy_from_slice(&header.to_words());
        before = Some(header.last);
    }
    if !row_rest.is_empty() {
        encode_rest(before, row_rest, frequency_rest, out);
    }
}

fn encode_rest(before: Option<Row>, rows: &[Row], frequencies: &[u32], out: &mut Vec<u32>) {
    let mut next = before.map_or(0, |row: Row| row.wrapping_add(1));
    let gap = |row: &Row| {
        let gap = row.wrapping_sub(next);
        next = row.wrapping_add(1);
        gap
    };
    let gaps: Vec<u32> = rows.iter().map(gap).collect();
    let less: Vec<u32> = frequencies.iter().map(|frequency| frequency - 1).collect();
    let (row_bits, frequency_bits) = (width(&gaps), width(&less));
    let mut bits = BitWriter::new(out);
    bits.put(row_bits, 8);
    bits.put(frequency_bits, 8);
    gaps.iter().for_each(|gap| bits.put(*gap, row_bits));
    less.iter().for_each(|less| bits.put(*less, frequency_bits));
    bits.finish();
}

/// The bits that the greatest of some numbers needs.
pub(super) fn width(values: &[u32]) -> u32 {
    u32::BITS - values.iter().fold(0, |all, value| all | value).leading_zeros()
}

/// Writes numbers in bits one after the other.
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u32>,
    bits: u64,
    filled: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u32>) -> Self {
        Self { out, bits: 0, filled: 0 }
    }

    /// Appends the lowest `width` bits, which hold the whole number.
    pub(super) fn put(&mut self, value: u32, width: u32) {
        self.bits |= u64::from(value) << self.filled;
        self.filled += width;
        if self.filled >= 32 {
            self.out.push(self.bits as u32);
            self.bits >>= 32;
            self.filled -= 32;
        }
    }

    /// Fills the last word.
    pub(super) fn finish(self) {
        if self.filled > 0 {
            self.out.push(self.bits as u32);
        }
    }
}

/// Decoded postings.
#[derive(Clone, Debug)]
pub(super) struct Block {
    rows: [Row; BLOCK],
    repeats: [u32; BLOCK],
    len: usize,
    /// Whether nothing is repeated.
    single: bool,
}

impl Default for Block {
    fn default() -> Self {
        Self { rows: [0; BLOCK], repeats: [0; BLOCK], len: 0, single: true }
    }
}

impl Block {
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows[..self.len]
    }

    /// Each frequency less 1, as it is stored.
    pub(super) fn repeats(&self) -> &[u32] {
        &self.repeats[..self.len]
    }

    pub(super) fn frequencies(&self) -> impl Iterator<Item = u32> {
        self.repeats().iter().map(|repeats| repeats.saturating_add(1))
    }

    /// Notes whether nothing is repeated; tells whether there are repeats to decode.
    fn turn_to(&mut self, single: bool) -> bool {
        if single && !self.single {
            self.repeats = [0; BLOCK];
        }
        self.single = single;
        !single
    }
}

/// The postings of a term.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'a> {
    /// How many there are.
    pub(super) len: usize,
    headers: &'a [[u32; HEADER]],
    words: &'a [u32],
}

impl<'a> List<'a> {
    /// The list of so many postings at the beginning of `words`.
    pub(super) fn new(len: usize, words: &'a [u32]) -> Option<Self> {
        let (headers, words) = words.split_at_checked(HEADER * (len / BLOCK))?;
        Some(Self { len, headers: headers.as_chunks().0, words })
    }

    /// The number of full blocks.
    pub(super) fn full_blocks(&self) -> usize {
        self.headers.len()
    }

    /// The number of blocks, the rest counted as one.
    pub(super) fn blocks(&self) -> usize {
        self.len.div_ceil(BLOCK)
    }

    /// The header of a full block.
    pub(super) fn header(&self, block: usize) -> Header {
        Header::of_words(self.headers[block])
    }

    /// The last row of the block before.
    fn before(&self, block: usize) -> Option<Row> {
        block.checked_sub(1).map(|before| self.headers[before][0])
    }

    /// Decodes a block.
    pub(super) fn decode(&self, block: usize, out: &mut Block) {
        out.len = 0;
        if block < self.headers.len() {
            self.decode_full(block, out);
        } else if block < self.blocks() {
            self.decode_rest(out);
        }
    }

    fn decode_full(&self, block: usize, out: &mut Block) {
        let header = self.header(block);
        let (gaps, all) = header.sizes();
        if header.row_bits > 32 || header.frequency_bits > 32 {
            return;
        }
        let Some(words) = self.words.get(header.start as usize..).and_then(|words| words.get(..all)) else {
            return;
        };
        let (gaps, frequencies) = words.split_at(gaps);
        let packer = BitPacker4x::new();
        packer.decompress_strictly_sorted(
            self.before(block),
            bytemuck::cast_slice(gaps),
            &mut out.rows,
            header.row_bits,
        );
        if out.turn_to(header.frequency_bits == 0) {
            packer.decompress(bytemuck::cast_slice(frequencies), &mut out.repeats, header.frequency_bits);
        }
        out.len = BLOCK;
    }

    fn decode_rest(&self, out: &mut Block) {
        let start = self.headers.last().map_or(0, |header| {
            let header = Header::of_words(*header);
            header.start as usize + header.sizes().1
        });
        let Some(words) = self.words.get(start..).filter(|words| !words.is_empty()) else { return };
        let mut bits = BitReader::new(words);
        let (row_bits, frequency_bits) = (bits.take(8), bits.take(8));
        let len = self.len % BLOCK;
        if row_bits > 32 || frequency_bits > 32 {
            return;
        }
        let mut next = self.before(self.headers.len()).map_or(0, |row| row.wrapping_add(1));
        for row in &mut out.rows[..len] {
            *row = next.wrapping_add(bits.take(row_bits));
            next = row.wrapping_add(1);
        }
        if out.turn_to(frequency_bits == 0) {
            out.repeats[..len].iter_mut().for_each(|repeats| *repeats = bits.take(frequency_bits));
        }
        out.len = len;
    }

    /// Calls `f` with all rows and frequencies, a block at a time.
    pub(super) fn each_block(&self, mut f: impl FnMut(&Block)) {
        let mut block = Block::default();
        for i in 0..self.blocks() {
            self.decode(i, &mut block);
            f(&block);
        }
    }
}

/// A list that is gone through in order of its rows.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    list: List<'a>,
    /// The block that is decoded, and the posting in it.
    block: usize,
    postings: Block,
    at: usize,
}

impl<'a> Walk<'a> {
    /// At the first posting of a list.
    pub(super) fn new(list: List<'a>) -> Self {
        let mut walk = Self { list, block: 0, postings: Block::default(), at: 0 };
        walk.load(0);
        walk
    }

    fn load(&mut self, block: usize) {
        self.block = block;
        self.at = 0;
        self.list.decode(block, &mut self.postings);
    }

    /// The number of postings.
    pub(super) fn len(&self) -> usize {
        self.list.len
    }

    /// The row it stands at; none behind the end.
    pub(super) fn row(&self) -> Option<Row> {
        self.postings.rows().get(self.at).copied()
    }

    /// Its block's number, the frequencies there less 1, and its place among them.
    pub(super) fn place(&self) -> (usize, &[u32], usize) {
        (self.block, self.postings.repeats(), self.at)
    }

    /// Goes to the next posting.
    pub(super) fn step(&mut self) {
        self.at += 1;
        if self.at >= self.postings.len && self.block + 1 < self.list.blocks() {
            self.load(self.block + 1);
        }
    }

    /// Goes on to the first posting whose row is no less.
    pub(super) fn seek(&mut self, row: Row) {
        if self.postings.rows().last().is_none_or(|last| *last < row) {
            let headers = &self.list.headers;
            let next = self.block + 1;
            let passed =
                headers.get(next..).map_or(0, |headers| headers.partition_point(|[last, ..]| *last < row));
            self.load(next + passed);
        }
        self.at += self.postings.rows()[self.at..].partition_point(|other| *other < row);
    }
}

/// Reads numbers in bits one after the other; zeros behind the end.
#[derive(Clone, Debug)]
pub(super) struct BitReader<'a> {
    words: &'a [u32],
    bits: u64,
    filled: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(words: &'a [u32]) -> Self {
        Self { words, bits: 0, filled: 0 }
    }

    /// The next number, of so many bits, 32 at most.
    #[inline]
    pub(super) fn take(&mut self, width: u32) -> u32 {
        if self.filled < width {
            let (word, rest) = self.words.split_first().unwrap_or((&0, &[]));
            self.words = rest;
            self.bits |= u64::from(*word) << self.filled;
            self.filled += 32;
        }
        let value = self.bits & ((1 << width) - 1);
        self.bits >>= width;
        self.filled -= width;
        value as u32
    }

    /// Passes by so many bits, up to the end.
    pub(super) fn skip(&mut self, bits: u64) {
        let Some(beyond) = bits.checked_sub(u64::from(self.filled)) else {
            self.bits >>= bits;
            self.filled -= bits as u32;
            return;
        };
        let words = usize::try_from(beyond / 32).unwrap_or(usize::MAX);
        *self = Self::new(self.words.get(words..).unwrap_or_default());
        self.take((beyond % 32) as u32);
    }

    /// The bits that are left.
    pub(super) fn left(&self) -> u64 {
        32 * self.words.len() as u64 + u64::from(self.filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn postings() -> impl Strategy<Value = (Vec<Row>, Vec<u32>)> {
        let gap = prop_oneof![4 => 0u32..3, 2 => 0u32..1000, 1 => 0u32..10_000_000];
        let frequencies = prop_oneof![Just(1u32..2), Just(1..9), Just(1..u32::MAX)];
        (prop::collection::vec(gap, 0..400), frequencies).prop_flat_map(|(gaps, range)| {
            let rows: Vec<Row> = gaps
                .iter()
                .scan(0u32, |next, gap| {
                    let row = next.checked_add(*gap)?;
                    *next = row.checked_add(1)?;
                    Some(row)
                })
                .collect();
            let n = rows.len();
            (Just(rows), prop::collection::vec(range, n))
        })
    }

    fn encoded(rows: &[Row], frequencies: &[u32]) -> Vec<u32> {
        let mut words = vec![77];
        encode(rows, frequencies, |row| row % 50 + 1, &mut words);
        words
    }

    proptest! {
        #[test]
        fn lists_come_back_as_they_were((rows, frequencies) in postings()) {
            let words = encoded(&rows, &frequencies);
            let list = List::new(rows.len(), &words[1..]).unwrap();
            let (mut found_rows, mut found_frequencies) = (Vec::new(), Vec::new());
            list.each_block(|block| {
                found_rows.extend_from_slice(block.rows());
                found_frequencies.extend(block.frequencies());
            });
            prop_assert_eq!(found_rows, rows);
            prop_assert_eq!(found_frequencies, frequencies);
        }

        #[test]
        fn damaged_lists_never_panic(
            (rows, frequencies) in postings(), at in any::<prop::sample::Index>(), value in any::<u32>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut words = encoded(&rows, &frequencies);
            let end = cut.index(words.len()) + 1;
            let at = at.index(words.len());
            words[at] = value;
            for words in [&words[1..], &words[1..end]] {
                if let Some(list) = List::new(rows.len(), words) {
                    list.each_block(|block| assert!(block.rows().len() <= BLOCK));
                }
            }
        }
    }
}
