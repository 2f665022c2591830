//! A list of byte strings as one block: count u64, the end of each u64, then the bytes.

use std::borrow::Cow;
use std::ops::Range;

/// Builds the block.
#[derive(Debug, Default)]
pub(super) struct BlobsBuilder {
    ends: Vec<u64>,
    bytes: Vec<u8>,
}

impl BlobsBuilder {
    pub(super) fn push(&mut self, blob: &[u8]) {
        self.bytes.extend_from_slice(blob);
        self.ends.push(self.bytes.len() as u64);
    }

    /// The memory that it holds.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + 8 * self.ends.len()
    }

    /// The block, in pieces.
    pub(super) fn pieces(&self) -> Vec<Cow<'_, [u8]>> {
        pieces(&self.ends, [self.bytes.as_slice()])
    }
}

/// A block of byte strings that end here, and lie one after the other in some pieces.
fn pieces<'a>(ends: &[u64], bytes: impl IntoIterator<Item = &'a [u8]>) -> Vec<Cow<'a, [u8]>> {
    let mut head = (ends.len() as u64).to_le_bytes().to_vec();
    head.extend_from_slice(bytemuck::cast_slice(ends));
    let bytes = bytes.into_iter().map(Cow::Borrowed);
    std::iter::once(Cow::Owned(head)).chain(bytes).collect()
}

/// Some strings of several blocks as one block.
#[derive(Debug, Default)]
pub(super) struct BlobsJoin<'a> {
    ends: Vec<u64>,
    bytes: Vec<&'a [u8]>,
}

impl<'a> BlobsJoin<'a> {
    /// Adds the strings of these numbers; `None` if there are none.
    pub(super) fn add(&mut self, blobs: Blobs<'a>, range: Range<usize>) -> Option<()> {
        let start = blobs.start(range.start)?;
        let base = self.ends.last().copied().unwrap_or(0);
        for end in blobs.ends.get(range.clone())? {
            self.ends.push(base + end.checked_sub(start)?);
        }
        let end = blobs.start(range.end)?;
        self.bytes.push(blobs.bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?);
        Some(())
    }

    /// The block, in pieces.
    pub(super) fn pieces(&self) -> Vec<Cow<'a, [u8]>> {
        pieces(&self.ends, self.bytes.iter().copied())
    }
}

/// Reads a block where it lies, aligned to 8 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blobs<'a> {
    ends: &'a [u64],
    bytes: &'a [u8],
}

impl<'a> Blobs<'a> {
    pub(super) fn new(block: &'a [u8]) -> Option<Self> {
        let (count, rest) = block.split_first_chunk::<8>()?;
        let size = usize::try_from(u64::from_le_bytes(*count)).ok()?.checked_mul(8)?;
        let (ends, bytes) = rest.split_at_checked(size)?;
        Some(Self { ends: bytemuck::try_cast_slice(ends).ok()?, bytes })
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Where a string begins, or the last one ends.
    fn start(&self, i: usize) -> Option<u64> {
        i.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())
    }

    pub(super) fn get(&self, i: usize) -> Option<&'a [u8]> {
        let end = usize::try_from(*self.ends.get(i)?).ok()?;
        self.bytes.get(usize::try_from(self.start(i)?).ok()?..end)
    }
}
