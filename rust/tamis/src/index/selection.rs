//! Which rows of a version a search may find.

use std::sync::Arc;

use super::{Part, Snapshot};
use crate::columns::{Condition, Known};
use crate::filter::RowSet;
use crate::hit::Row;
use crate::lexical::{self, Query};
use crate::{Error, Result};

/// Rows of one [`Snapshot`] that may be found; deleted ones are never among them.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The index and its version.
    of: (String, u64),
    /// For each part, its rows.
    parts: Vec<Arc<RowSet>>,
}

impl Selection {
    /// The rows that are also in `other`, which is of the same snapshot.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if it is of another.
    pub fn and(&self, other: &Self) -> Result<Self> {
        if self.of != other.of {
            return Err(of_another());
        }
        let parts = self.parts.iter().zip(&other.parts).map(|(a, b)| Arc::new(a.and(b))).collect();
        Ok(Self { of: self.of.clone(), parts })
    }

    /// The rows of a part.
    pub(super) fn of_part(&self, part: usize) -> &RowSet {
        &self.parts[part]
    }
}

fn of_another() -> Error {
    Error::InvalidInput("the selection is of another version".into())
}

impl Part {
    /// These rows as far as they are alive.
    fn alive_of(&self, rows: Arc<RowSet>) -> Arc<RowSet> {
        match self.alive_rows() {
            Some(alive) => Arc::new(rows.and(alive)),
            None => rows,
        }
    }
}

impl Snapshot {
    fn selection(&self, parts: Vec<Arc<RowSet>>) -> Selection {
        Selection { of: (self.manifest.index.clone(), self.manifest.version), parts }
    }

    /// The rows with these numbers, deleted ones left out.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if they are numbers out of another count of rows.
    pub fn selection_of(&self, rows: &RowSet) -> Result<Selection> {
        if rows.len() != self.row_bound() {
            let (given, held) = (rows.len(), self.row_bound());
            return Err(Error::InvalidInput(format!(
                "the filter is over {given} rows, the index has {held}"
            )));
        }
        let own = |part: &Part| {
            let slice = rows.slice(part.first_row as usize, part.segment.rows());
            part.alive_of(Arc::new(slice))
        };
        Ok(self.selection(self.parts.iter().map(own).collect()))
    }

    /// The rows of the documents that meet a condition.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if no document has a field of that name, or no value of the type;
    /// [`Error::Corrupt`].
    pub fn select(&self, condition: &Condition) -> Result<Selection> {
        condition.check(&self.fields())?;
        let written = condition.to_json()?;
        let own = |part: &Part| Ok(part.alive_of(part.segment.select(condition, &written)?));
        Ok(self.selection(self.parts.iter().map(own).collect::<Result<_>>()?))
    }

    /// The numbers of the documents that meet a condition, ascending.
    ///
    /// # Errors
    /// As [`Snapshot::select`].
    pub fn documents_where(&self, condition: &Condition) -> Result<Vec<usize>> {
        condition.check(&self.fields())?;
        let mut found = Vec::new();
        for part in &self.parts {
            let documents = part.segment.columns()?.select(condition, part.segment.documents());
            let own = documents.rows().map(|document| document as usize);
            found.extend(own.filter(|own| part.is_alive(*own)).map(|own| part.first_document + own));
        }
        Ok(found)
    }

    /// The fields that filters may ask for.
    fn fields(&self) -> Known<'_> {
        let fields = self.parts.iter().flat_map(|part| part.segment.fields());
        fields.map(|field| (field.name.as_str(), field.kind)).collect()
    }

    /// The rows that a query's conditions let through; `None` if it has none.
    ///
    /// # Errors
    /// [`Error::Corrupt`], and as [`lexical::matching`].
    pub fn matching(&self, query: &Query) -> Result<Option<Selection>> {
        let views = self.parts.iter().map(|part| part.segment.postings()).collect::<Result<Vec<_>>>()?;
        let parts = self.parts.iter().zip(&views).map(|(part, postings)| part.lexical(postings, None));
        let parts: Vec<lexical::Part<'_>> = parts.collect();
        let found = lexical::matching(&parts, query, &self.analyzer, &self.settings().schema)?;
        Ok(found.map(|found| {
            let own = self.parts.iter().zip(found).map(|(part, rows)| part.alive_of(Arc::new(rows)));
            self.selection(own.collect())
        }))
    }

    /// A selection with these documents of each part left out.
    pub(super) fn without(&self, gone: &[Vec<u32>]) -> Selection {
        let own = |(part, gone): (&Part, &Vec<u32>)| {
            let mut rows = part.alive_rows().cloned().unwrap_or_else(|| RowSet::all(part.segment.rows()));
            for document in gone {
                part.segment.rows_of(*document as usize).for_each(|row: Row| rows.remove(row));
            }
            Arc::new(rows)
        };
        self.selection(self.parts.iter().zip(gone).map(own).collect())
    }

    pub(super) fn check(&self, selection: Option<&Selection>) -> Result<()> {
        let is_own = |of: &(String, u64)| of.1 == self.manifest.version && of.0 == self.manifest.index;
        if selection.is_none_or(|selection| is_own(&selection.of)) { Ok(()) } else { Err(of_another()) }
    }
}
