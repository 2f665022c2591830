//! Columns where they lie, in bytes that no one trusts.

use std::cmp::Ordering;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::builder::ColumnsBuilder;
use super::condition::{Compared, Condition, Operand};
use super::{Kind, compare, from_ordered, ordered};
use crate::filter::RowSet;

/// Where a column lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Its first byte, a multiple of 8, and the bytes of its values.
    pub(super) start: usize,
    pub(super) size: usize,
    /// How many values it has, and how many documents these have together.
    pub(super) values: usize,
    pub(super) entries: usize,
}

impl Field {
    /// The bytes of its parts: values, where the documents of each end, documents.
    fn parts(&self) -> Option<[Range<usize>; 3]> {
        let ends = self.start.checked_add(self.size)?;
        let documents = ends.checked_add(self.values.checked_mul(4)?)?;
        let end = documents.checked_add(self.entries.checked_mul(4)?)?;
        (self.start.is_multiple_of(8) && self.size.is_multiple_of(8)).then_some([
            self.start..ends,
            ends..documents,
            documents..end,
        ])
    }

    /// Whether it lies within so many bytes.
    pub(crate) fn fits(&self, bytes: usize) -> bool {
        let least = self.values.checked_mul(8);
        self.parts().is_some_and(|parts| parts[2].end <= bytes)
            && least.is_some_and(|least| least <= self.size)
    }
}

/// The columns of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<'a> {
    fields: &'a [Field],
    bytes: &'a [u8],
}

impl<'a> Columns<'a> {
    pub(crate) fn new(fields: &'a [Field], bytes: &'a [u8]) -> Self {
        Self { fields, bytes }
    }

    /// The documents, out of `0..documents`, that meet a condition.
    pub(crate) fn select(self, condition: &Condition, documents: usize) -> RowSet {
        let each = |conditions: &[Condition], first: RowSet, join: fn(&RowSet, &RowSet) -> RowSet| {
            conditions.iter().fold(first, |set, one| join(&set, &self.select(one, documents)))
        };
        let mut found = RowSet::none(documents);
        match condition {
            Condition::All(all) => return each(all, RowSet::all(documents), RowSet::and),
            Condition::Any(any) => return each(any, found, RowSet::or),
            Condition::Not(condition) => return self.select(condition, documents).not(),
            Condition::Exists(name) => {
                self.of(name, &[Kind::Present]).for_each(|column| column.take(0..column.len(), &mut found));
            }
            Condition::In(name, operands) => {
                for (operand, column) in operands
                    .iter()
                    .flat_map(|operand| self.of(name, operand.kinds()).map(move |column| (operand, column)))
                {
                    column.take(column.equal_to(operand), &mut found);
                }
            }
            Condition::Compare(name, compared, operand) => {
                for column in self.of(name, operand.kinds()) {
                    let equal = column.equal_to(operand);
                    let run = match compared {
                        Compared::Below => 0..equal.start,
                        Compared::AtMost => 0..equal.end,
                        Compared::Above => equal.end..column.len(),
                        Compared::AtLeast => equal.start..column.len(),
                    };
                    column.take(run, &mut found);
                }
            }
            Condition::Contains(name, operand) => {
                for column in self.of(name, operand.kinds()) {
                    match (column.field.kind, operand) {
                        (Kind::Text, Operand::Text(part) | Operand::Dated(_, part)) => {
                            let holds =
                                |i: &usize| column.text(*i).is_some_and(|text| holds(text, part.as_bytes()));
                            (0..column.len()).filter(holds).for_each(|i| column.take(i..i + 1, &mut found));
                        }
                        _ => column.take(column.equal_to(operand), &mut found),
                    }
                }
            }
        }
        found
    }

    fn of(self, name: &str, kinds: &'static [Kind]) -> impl Iterator<Item = Column<'a>> {
        let is_it = move |field: &&Field| field.name == name && kinds.contains(&field.kind);
        self.fields.iter().filter(is_it).filter_map(move |field| Column::new(field, self.bytes))
    }

    /// Calls `f` with each value of a column of whole numbers or moments, and its document.
    pub(crate) fn each(self, name: &str, kind: Kind, mut f: impl FnMut(i64, u32)) {
        for field in self.fields.iter().filter(|field| field.name == name && field.kind == kind) {
            let Some(column) = Column::new(field, self.bytes) else { continue };
            for (i, value) in column.numbers().iter().enumerate() {
                column.documents_of(i..i + 1).iter().for_each(|document| f(*value, *document));
            }
        }
    }

    /// Adds the values of the documents that have a new number to others.
    pub(crate) fn add_to(self, builder: &mut ColumnsBuilder, number: impl Fn(u32) -> Option<u32>) {
        for field in self.fields {
            let Some(column) = Column::new(field, self.bytes) else { continue };
            for i in 0..column.len() {
                for document in column.documents_of(i..i + 1).iter().filter_map(|document| number(*document))
                {
                    if !field.kind.is_text() {
                        builder.push(document, &field.name, field.kind, column.numbers()[i]);
                    } else if let Some(text) = column.text(i).and_then(|text| std::str::from_utf8(text).ok())
                    {
                        builder.push_text(document, &field.name, field.kind, text);
                    }
                }
            }
        }
    }
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// One column.
struct Column<'a> {
    field: &'a Field,
    values: &'a [u8],
    ends: &'a [u32],
    documents: &'a [u32],
}

impl<'a> Column<'a> {
    fn new(field: &'a Field, bytes: &'a [u8]) -> Option<Self> {
        let [values, ends, documents] = field.parts()?;
        let whole = |range: Range<usize>| bytemuck::try_cast_slice(bytes.get(range)?).ok();
        Some(Self { field, values: bytes.get(values)?, ends: whole(ends)?, documents: whole(documents)? })
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    /// The values of a column that is none of texts.
    fn numbers(&self) -> &'a [i64] {
        bytemuck::try_cast_slice(self.values).unwrap_or_default()
    }

    fn text(&self, i: usize) -> Option<&'a [u8]> {
        let (ends, texts) = self.values.split_at_checked(8 * self.len())?;
        let ends: &[u64] = bytemuck::try_cast_slice(ends).ok()?;
        let start = i.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied())?;
        texts.get(usize::try_from(start).ok()?..usize::try_from(*ends.get(i)?).ok()?)
    }

    /// The run of values that equal an operand; where there is none, the place where it would be.
    fn equal_to(&self, operand: &Operand) -> Range<usize> {
        let numbers = |order: &dyn Fn(i64) -> Ordering| {
            let values = self.numbers();
            let start = values.partition_point(|value| order(*value) == Ordering::Less);
            start..values.partition_point(|value| order(*value) != Ordering::Greater).max(start)
        };
        match (self.field.kind, operand) {
            (Kind::Float, Operand::Int(whole)) => numbers(&|bits| compare(from_ordered(bits), *whole)),
            (Kind::Int, Operand::Float(number)) => numbers(&|value| compare(*number, value).reverse()),
            (_, Operand::Float(number)) => numbers(&|value| value.cmp(&ordered(*number))),
            (_, Operand::Int(number) | Operand::Time(number)) => numbers(&|value| value.cmp(number)),
            (_, Operand::Bool(is_true)) => numbers(&|value| value.cmp(&i64::from(*is_true))),
            (_, Operand::Text(text) | Operand::Dated(_, text)) => {
                let order = |i: usize| self.text(i).unwrap_or_default().cmp(text.as_bytes());
                let start = partition(self.len(), |i| order(i) == Ordering::Less);
                let is_here = start < self.len() && order(start) == Ordering::Equal;
                start..start + usize::from(is_here)
            }
        }
    }

    fn documents_of(&self, values: Range<usize>) -> &'a [u32] {
        let end = |i: usize| i.checked_sub(1).map_or(0, |i| self.ends[i] as usize);
        self.documents.get(end(values.start)..end(values.end)).unwrap_or_default()
    }

    /// Puts the documents of a run of values in.
    fn take(&self, values: Range<usize>, found: &mut RowSet) {
        if values.start < values.end {
            let documents = self.documents_of(values).iter().copied();
            let end = found.len();
            documents
                .filter(|document| (*document as usize) < end)
                .for_each(|document| found.insert(document));
        }
    }
}

/// The first of `0..len` for which it is false; they are the last ones.
fn partition(len: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut start, mut end) = (0, len);
    while start < end {
        let middle = start + (end - start) / 2;
        if is_before(middle) { start = middle + 1 } else { end = middle }
    }
    start
}
