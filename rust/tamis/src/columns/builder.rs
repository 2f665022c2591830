//! Collects the values of documents, and puts them in order.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::view::Field;
use super::{Kind, Value, ordered};

/// Collects values, document by document.
#[derive(Debug, Default)]
pub(crate) struct ColumnsBuilder {
    columns: BTreeMap<(String, Kind), Column>,
    size: usize,
}

/// The values of one column in order of documents.
#[derive(Debug, Default)]
struct Column {
    /// A value, or the number of a text, and its document.
    entries: Vec<(i64, u32)>,
    numbers: FxHashMap<Box<str>, u32>,
}

impl ColumnsBuilder {
    /// Adds a value of a field to a document, which is none before the last one.
    pub(crate) fn add(&mut self, document: u32, name: &str, value: Value<'_>) {
        self.push(document, name, Kind::Present, 0);
        match value {
            Value::Bool(value) => self.push(document, name, Kind::Bool, i64::from(value)),
            Value::Int(value) => self.push(document, name, Kind::Int, value),
            Value::Float(value) => self.push(document, name, Kind::Float, ordered(value)),
            Value::Time(value) => self.push(document, name, Kind::Time, value),
            Value::Text(text) => self.push_text(document, name, Kind::Text, text),
            Value::Item(text) => self.push_text(document, name, Kind::Item, text),
            Value::Nothing => {}
        }
    }

    fn column(&mut self, name: &str, kind: Kind) -> &mut Column {
        self.columns.entry((name.to_owned(), kind)).or_default()
    }

    /// Adds a value as its column keeps it.
    pub(super) fn push(&mut self, document: u32, name: &str, kind: Kind, value: i64) {
        let entry = (value, document);
        let column = self.column(name, kind);
        if column.entries.last() != Some(&entry) {
            column.entries.push(entry);
            self.size += size_of_val(&entry);
        }
    }

    pub(super) fn push_text(&mut self, document: u32, name: &str, kind: Kind, text: &str) {
        let column = self.column(name, kind);
        let known = column.numbers.get(text).copied();
        let next = column.numbers.len() as u32;
        let number = known.unwrap_or_else(|| *column.numbers.entry(text.into()).or_insert(next));
        if known.is_none() {
            self.size += text.len() + 32;
        }
        self.push(document, name, kind, i64::from(number));
    }

    /// The memory that it holds, about.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The columns as bytes, and where each is.
    pub(crate) fn freeze(&self) -> (Vec<Field>, Vec<u8>) {
        let (mut fields, mut bytes) = (Vec::new(), Vec::new());
        for ((name, kind), column) in &self.columns {
            let start = bytes.len();
            let mut entries = column.entries.clone();
            let mut texts: Vec<&str> = Vec::new();
            if kind.is_text() {
                let mut order: Vec<(&str, u32)> =
                    column.numbers.iter().map(|(text, number)| (&**text, *number)).collect();
                order.sort_unstable();
                let mut places = vec![0; order.len()];
                for (place, (text, number)) in order.into_iter().enumerate() {
                    places[number as usize] = place as i64;
                    texts.push(text);
                }
                entries.iter_mut().for_each(|(value, _)| *value = places[*value as usize]);
            }
            entries.sort_unstable();
            entries.dedup();
            let runs: Vec<&[(i64, u32)]> = entries.chunk_by(|a, b| a.0 == b.0).collect();
            if kind.is_text() {
                let mut end = 0u64;
                for text in &texts {
                    end += text.len() as u64;
                    bytes.extend_from_slice(&end.to_le_bytes());
                }
                texts.iter().for_each(|text| bytes.extend_from_slice(text.as_bytes()));
                bytes.resize(bytes.len().next_multiple_of(8), 0);
            } else {
                runs.iter().for_each(|run| bytes.extend_from_slice(&run[0].0.to_le_bytes()));
            }
            let size = bytes.len() - start;
            let mut end = 0u32;
            for run in &runs {
                end += run.len() as u32;
                bytes.extend_from_slice(&end.to_le_bytes());
            }
            entries.iter().for_each(|(_, document)| bytes.extend_from_slice(&document.to_le_bytes()));
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            let (name, kind) = (name.clone(), *kind);
            fields.push(Field { name, kind, start, size, values: runs.len(), entries: entries.len() });
        }
        (fields, bytes)
    }
}
