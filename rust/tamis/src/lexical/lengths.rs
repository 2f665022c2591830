//! The lengths of rows, exact: a table of the lengths that there are, and each row's place in it.
//! A term's weights are then computed once for each length, not once for each posting.

use std::collections::BTreeSet;

use crate::hit::Row;

/// The lengths of all rows of an index.
#[derive(Clone, Copy, Debug)]
pub struct Lengths<'a> {
    table: &'a [u32],
    codes: Codes<'a>,
    total: u64,
}

/// Places in the table, as narrow as they fit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Codes<'a> {
    Short(&'a [u16]),
    Long(&'a [u32]),
}

impl<'a> Lengths<'a> {
    /// The bytes of some lengths.
    pub(super) fn to_bytes(lengths: &[u32]) -> Vec<u8> {
        let table: Vec<u32> = lengths.iter().copied().collect::<BTreeSet<u32>>().into_iter().collect();
        let total: u64 = lengths.iter().map(|&length| u64::from(length)).sum();
        let mut bytes = Vec::new();
        let header = [lengths.len() as u64, table.len() as u64, total];
        bytes.extend_from_slice(bytemuck::cast_slice(&header));
        bytes.extend_from_slice(bytemuck::cast_slice(&table));
        let codes = lengths.iter().map(|length| table.partition_point(|other| other < length));
        if table.len() <= 1 << 16 {
            codes.for_each(|code| bytes.extend_from_slice(&(code as u16).to_le_bytes()));
        } else {
            codes.for_each(|code| bytes.extend_from_slice(&(code as u32).to_le_bytes()));
        }
        bytes
    }

    /// What [`Lengths::to_bytes`] wrote, aligned to 8 bytes; `None` for anything else.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(24)?;
        let &[rows, distinct, total] = bytemuck::try_cast_slice::<u8, u64>(header).ok()? else { return None };
        let (rows, distinct) = (usize::try_from(rows).ok()?, usize::try_from(distinct).ok()?);
        let (table, codes) = rest.split_at_checked(distinct.checked_mul(4)?)?;
        let codes = if distinct <= 1 << 16 {
            Codes::Short(bytemuck::try_cast_slice(codes).ok()?)
        } else {
            Codes::Long(bytemuck::try_cast_slice(codes).ok()?)
        };
        let lengths = Self { table: bytemuck::try_cast_slice(table).ok()?, codes, total };
        (lengths.len() == rows).then_some(lengths)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self.codes {
            Codes::Short(codes) => codes.len(),
            Codes::Long(codes) => codes.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sum of all lengths.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The length of a row; 0 if there is none.
    pub fn of(&self, row: Row) -> u32 {
        let row = row as usize;
        let code = match self.codes {
            Codes::Short(codes) => codes.get(row).map(|code| usize::from(*code)),
            Codes::Long(codes) => codes.get(row).map(|code| *code as usize),
        };
        code.and_then(|code| self.table.get(code)).copied().unwrap_or(0)
    }

    /// The lengths that there are, ascending.
    pub(super) fn table(&self) -> &'a [u32] {
        self.table
    }

    /// Each row's place in the table.
    pub(super) fn codes(&self) -> Codes<'a> {
        self.codes
    }
}
