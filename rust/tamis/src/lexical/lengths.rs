//! The lengths of rows, exact.

use crate::hit::Row;

/// The lengths of all rows of an index.
#[derive(Clone, Copy, Debug)]
pub struct Lengths<'a> {
    each: Each<'a>,
    longest: u32,
    total: u64,
}

/// Numbers as narrow as they fit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Each<'a> {
    Short(&'a [u16]),
    Long(&'a [u32]),
}

impl<'a> Lengths<'a> {
    /// The bytes of some lengths.
    pub(super) fn to_bytes(lengths: &[u32]) -> Vec<u8> {
        let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let header = [lengths.len() as u64, u64::from(longest), total];
        let mut bytes: Vec<u8> = bytemuck::cast_slice(&header).to_vec();
        if u16::try_from(longest).is_ok() {
            lengths.iter().for_each(|length| bytes.extend_from_slice(&(*length as u16).to_le_bytes()));
        } else {
            bytes.extend_from_slice(bytemuck::cast_slice(lengths));
        }
        bytes
    }

    /// What [`Lengths::to_bytes`] wrote, aligned to 8 bytes; `None` for anything else.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (header, each) = bytes.split_at_checked(24)?;
        let &[rows, longest, total] = bytemuck::try_cast_slice::<u8, u64>(header).ok()? else { return None };
        let longest = u32::try_from(longest).ok()?;
        let each = if u16::try_from(longest).is_ok() {
            Each::Short(bytemuck::try_cast_slice(each).ok()?)
        } else {
            Each::Long(bytemuck::try_cast_slice(each).ok()?)
        };
        let lengths = Self { each, longest, total };
        (lengths.len() as u64 == rows).then_some(lengths)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self.each {
            Each::Short(each) => each.len(),
            Each::Long(each) => each.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The greatest length.
    pub fn longest(&self) -> u32 {
        self.longest
    }

    /// The sum of all lengths.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The length of a row; 0 if there is none.
    pub fn of(&self, row: Row) -> u32 {
        let row = row as usize;
        match self.each {
            Each::Short(each) => each.get(row).map_or(0, |length| u32::from(*length)),
            Each::Long(each) => each.get(row).copied().unwrap_or(0),
        }
    }

    /// The length of each row.
    pub(super) fn each(&self) -> Each<'a> {
        self.each
    }
}
