//! A list of byte strings as one block: count u64, the end of each u64, then the bytes.

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

    pub(super) fn finish(self) -> Vec<u8> {
        let mut block = Vec::with_capacity(8 * (self.ends.len() + 1) + self.bytes.len());
        block.extend_from_slice(&(self.ends.len() as u64).to_le_bytes());
        block.extend_from_slice(bytemuck::cast_slice(&self.ends));
        block.extend_from_slice(&self.bytes);
        block
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

    pub(super) fn get(&self, i: usize) -> Option<&'a [u8]> {
        let end = usize::try_from(*self.ends.get(i)?).ok()?;
        let start = if i == 0 { 0 } else { usize::try_from(self.ends[i - 1]).ok()? };
        self.bytes.get(start..end)
    }
}
