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
                for operand in operands {
                    self.take(name, operand, &mut found, Column::equal_to);
                    // A text that is written like a moment is one where the field has no text.
                    if let Some(moment) = operand.moment() {
                        let mut dated = RowSet::none(documents);
                        self.take(name, &moment, &mut dated, Column::equal_to);
                        found = found.or(&dated.and(&self.with(name, operand.kinds(), documents).not()));
                    }
                }
            }
            Condition::Compare(name, compared, operand) => {
                let run = |column: &Column<'_>, operand: &Operand| {
                    let equal = column.equal_to(operand);
                    match compared {
                        Compared::Below => 0..equal.start,
                        Compared::AtMost => 0..equal.end,
                        Compared::Above => equal.end..column.len(),
                        Compared::AtLeast => equal.start..column.len(),
                    }
                };
                self.take(name, operand, &mut found, run);
                // It is less or greater as a moment where the field has one, else as a text.
                if let Some(moment) = operand.moment() {
                    found = found.and(&self.with(name, moment.kinds(), documents).not());
                    self.take(name, &moment, &mut found, run);
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

    /// Puts in the documents whose values are in the runs that compare so with an operand.
    fn take(
        self,
        name: &str,
        operand: &Operand,
        found: &mut RowSet,
        run: impl Fn(&Column<'a>, &Operand) -> Range<usize>,
    ) {
        self.of(name, operand.kinds()).for_each(|column| column.take(run(&column, operand), found));
    }

    /// The documents that have a value of these types.
    fn with(self, name: &str, kinds: &'static [Kind], documents: usize) -> RowSet {
        let mut found = RowSet::none(documents);
        self.of(name, kinds).for_each(|column| column.take(0..column.len(), &mut found));
        found
    }

    fn of(self, name: &str, kinds: &'static [Kind]) -> impl Iterator<Item = Column<'a>> {
        let is_it = move |field: &&Field| field.name == name && kinds.contains(&field.kind);
        self.fields.iter().filter(is_it).filter_map(move |field| Column::new(field, self.bytes))
    }

    /// Calls `f` with each value of a column of whole numbers or moments, and its document, out of
    /// `0..documents`.
    pub(crate) fn each(self, name: &str, kind: Kind, documents: usize, mut f: impl FnMut(i64, u32)) {
        for field in self.fields.iter().filter(|field| field.name == name && field.kind == kind) {
            let Some(column) = Column::new(field, self.bytes) else { continue };
            for (i, value) in column.numbers().iter().enumerate() {
                let own = column.documents_of(i..i + 1).iter();
                own.filter(|own| (**own as usize) < documents).for_each(|document| f(*value, *document));
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
                        let value = column.numbers().get(i).copied().unwrap_or(0);
                        builder.push(document, &field.name, field.kind, value);
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
        let numbers: &[i64] = bytemuck::try_cast_slice(self.values).unwrap_or_default();
        &numbers[..self.len().min(numbers.len())]
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

#[cfg(test)]
mod tests {
    use super::super::Value;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn damaged_columns_are_read_without_harm(
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            sizes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..5, 0usize..200), 0..3),
        ) {
            let mut builder = ColumnsBuilder::default();
            for document in 0..9u32 {
                builder.add(document, "n", Value::Int(i64::from(document) / 2));
                builder.add(document, "t", Value::Text(["a", "bc", ""][document as usize % 3]));
                builder.add(document, "t", Value::Time(i64::from(document)));
            }
            let (mut fields, mut bytes) = builder.freeze();
            for (at, flip) in flips {
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
            }
            for (at, what, size) in sizes {
                let i = at.index(fields.len());
                let field = &mut fields[i];
                *[&mut field.start, &mut field.size, &mut field.values, &mut field.entries, &mut 0][what] = size;
            }
            fields.retain(|field| field.fits(bytes.len()));
            let mut words = vec![0u64; bytes.len().div_ceil(8)];
            let aligned: &mut [u8] = &mut bytemuck::cast_slice_mut(&mut words)[..bytes.len()];
            aligned.copy_from_slice(&bytes);
            let columns = Columns::new(&fields, aligned);
            let text = || Operand::Dated(3, "bc".into());
            for condition in [
                Condition::In("n".into(), vec![Operand::Int(2), Operand::Float(0.5)]),
                Condition::Compare("t".into(), Compared::AtMost, text()),
                Condition::Contains("t".into(), text()),
                Condition::Exists("n".into()),
            ] {
                prop_assert_eq!(columns.select(&condition, 9).len(), 9);
            }
            columns.each("n", Kind::Int, 9, |_, document| assert!(document < 9));
            columns.add_to(&mut ColumnsBuilder::default(), Some);
        }
    }
}
