//! The lengths of rows, exact.
//!
//! A search looks one up for each posting, so they lie as narrow as they may: in a byte, as long as
//! few rows are longer than it can say, and those few once more in full.

use bytemuck::{AnyBitPattern, try_cast_slice};

use crate::hit::Row;

/// The lengths of all rows of an index.
#[derive(Clone, Copy, Debug)]
pub struct Lengths<'a> {
    /// Each of them, with [`Length::MARK`] for those that do not fit; or nothing.
    bytes: &'a [u8],
    /// Each of them, if one does not fit a byte.
    whole: Whole<'a>,
    longest: u32,
    total: u64,
}

#[derive(Clone, Copy, Debug)]
enum Whole<'a> {
    Short(&'a [u16]),
    Long(&'a [u32]),
}

/// The length of each row, as narrow as they are kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Each<'a> {
    Bytes(&'a [u8]),
    Short(&'a [u16]),
    Long(&'a [u32]),
}

/// The length of a row.
pub(super) trait Length: Copy {
    /// Instead of a length that does not fit: this or more.
    const MARK: u32;

    fn get(self) -> u32;
}

impl Length for u8 {
    const MARK: u32 = Self::MAX as u32;

    #[inline(always)]
    fn get(self) -> u32 {
        u32::from(self)
    }
}

impl Length for u16 {
    const MARK: u32 = u32::MAX;

    #[inline(always)]
    fn get(self) -> u32 {
        u32::from(self)
    }
}

impl Length for u32 {
    const MARK: u32 = u32::MAX;

    #[inline(always)]
    fn get(self) -> u32 {
        self
    }
}

/// Bytes are kept if of so many rows one at most does not fit.
const FEW: u64 = 16;

impl<'a> Lengths<'a> {
    /// The bytes of some lengths.
    pub(super) fn to_bytes(lengths: &[u32]) -> Vec<u8> {
        let rows = lengths.len() as u64;
        let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let marked = lengths.iter().filter(|length| **length >= u8::MARK).count() as u64;
        let header = [rows, u64::from(longest), total, marked];
        let mut bytes: Vec<u8> = bytemuck::cast_slice(&header).to_vec();
        if marked * FEW <= rows {
            bytes.extend(lengths.iter().map(|length| (*length).min(u8::MARK) as u8));
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        if marked > 0 && u16::try_from(longest).is_ok() {
            lengths.iter().for_each(|length| bytes.extend_from_slice(&(*length as u16).to_le_bytes()));
        } else if marked > 0 {
            bytes.extend_from_slice(bytemuck::cast_slice(lengths));
        }
        bytes
    }

    /// What [`Lengths::to_bytes`] wrote, aligned to 8 bytes; `None` for anything else.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(32)?;
        let &[rows, longest, total, marked] = try_cast_slice::<u8, u64>(header).ok()? else { return None };
        let rows = usize::try_from(rows).ok()?;
        let longest = u32::try_from(longest).ok()?;
        let mut bytes = &[][..];
        if marked.checked_mul(FEW)? <= rows as u64 {
            bytes = take(&mut rest, rows)?;
        }
        let whole = if marked == 0 {
            Whole::Short(&[])
        } else if u16::try_from(longest).is_ok() {
            Whole::Short(take(&mut rest, rows)?)
        } else {
            Whole::Long(take(&mut rest, rows)?)
        };
        rest.is_empty().then_some(Self { bytes, whole, longest, total })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self.each() {
            Each::Bytes(each) => each.len(),
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
        if let Some(length) = self.bytes.get(row)
            && length.get() < u8::MARK
        {
            return length.get();
        }
        match self.whole {
            Whole::Short(each) => each.get(row).map_or(0, |length| length.get()),
            Whole::Long(each) => each.get(row).copied().unwrap_or(0),
        }
    }

    /// The length of each row.
    pub(super) fn each(&self) -> Each<'a> {
        match self.whole {
            _ if !self.bytes.is_empty() => Each::Bytes(self.bytes),
            Whole::Short(each) => Each::Short(each),
            Whole::Long(each) => Each::Long(each),
        }
    }
}

/// Takes so many numbers, and what fills their last 8 bytes, if it is there.
fn take<'a, T: AnyBitPattern>(rest: &mut &'a [u8], n: usize) -> Option<&'a [T]> {
    let size = n.checked_mul(size_of::<T>())?;
    let (numbers, others) = rest.split_at_checked(size)?;
    *rest = others.get(size.next_multiple_of(8) - size..).unwrap_or_default();
    try_cast_slice(numbers).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn come_back_as_they_were(
            lengths in prop_oneof![
                prop::collection::vec(0u32..254, 0..100),
                prop::collection::vec(prop_oneof![30 => 0u32..260, 1 => 250u32..70_000], 0..100),
                prop::collection::vec(0u32..600, 0..100),
                prop::collection::vec(any::<u32>(), 0..100),
            ],
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = Lengths::to_bytes(&lengths);
            let mut words = vec![0u64; bytes.len().div_ceil(8)];
            let aligned: &mut [u8] = &mut bytemuck::cast_slice_mut(&mut words)[..bytes.len()];
            aligned.copy_from_slice(&bytes);
            let view = Lengths::new(aligned).unwrap();
            prop_assert_eq!(view.len(), lengths.len());
            for (row, length) in lengths.iter().enumerate() {
                prop_assert_eq!(view.of(row as Row), *length);
            }
            prop_assert_eq!(view.of(lengths.len() as Row), 0);
            prop_assert_eq!(view.longest(), lengths.iter().copied().max().unwrap_or(0));
            let is_each = match view.each() {
                Each::Bytes(each) => each.iter().zip(&lengths).all(|(a, b)| a.get() == *b || a.get() == u8::MARK),
                Each::Short(each) => each.iter().zip(&lengths).all(|(a, b)| a.get() == *b),
                Each::Long(each) => each == lengths,
            };
            prop_assert!(is_each);
            let cut = cut.index(bytes.len());
            if let Some(view) = Lengths::new(&aligned[..cut]) {
                prop_assert!((0..lengths.len()).all(|row| view.of(row as Row) == lengths[row]));
            }
        }
    }
}
