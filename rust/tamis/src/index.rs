//! The front door: a [`Snapshot`] is one version, never changing; a [`Writer`] makes the next; what
//! becomes of old ones is decided by [`rollback`] and [`prune`].

mod history;
mod selection;
mod validity;
mod writer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::dense::{self, Metric};
use crate::filter::RowSet;
use crate::hit::{Hit, Row};
use crate::lexical::{self, Alive, Analyzer, Bm25, Query, Scorer, Statistics};
use crate::store::format::{Checks, Container, LONG_SECTION};
use crate::store::manifest::{self, Manifest, SegmentEntry};
use crate::store::segment::Segment;
use crate::threads::Stop;
use crate::{Error, Result};

pub use crate::store::Settings;
pub use crate::store::segment::{NewChunk, NewDocument};
pub use history::{Entry, Pruned, log, prune, rollback, verify};
pub use selection::Selection;
pub use validity::Invalid;
pub use writer::Writer;

use validity::Validity;

/// A segment as one version sees it.
#[derive(Clone, Debug)]
struct Part {
    segment: Arc<Segment>,
    first_row: Row,
    first_document: usize,
    /// The documents and the rows that are not deleted; `None` where all are alive.
    alive: Option<Arc<(RowSet, Alive)>>,
}

impl Part {
    fn is_alive(&self, document: usize) -> bool {
        self.alive.as_ref().is_none_or(|alive| alive.0.contains(document as Row))
    }

    fn documents_alive(&self) -> usize {
        self.alive.as_ref().map_or_else(|| self.segment.documents(), |alive| alive.0.count())
    }

    fn alive_rows(&self) -> Option<&RowSet> {
        self.alive.as_ref().map(|alive| alive.1.rows())
    }

    /// The rows that a search may find; this is the part of that number.
    fn allowed<'a>(&'a self, number: usize, selection: Option<&'a Selection>) -> Option<&'a RowSet> {
        match selection {
            Some(selection) => Some(selection.of_part(number)),
            None => self.alive_rows(),
        }
    }

    fn lexical<'a>(
        &'a self,
        postings: &'a lexical::Postings<'a>,
        allowed: Option<&'a RowSet>,
    ) -> lexical::Part<'a> {
        let alive = self.alive.as_ref().map(|alive| &alive.1);
        lexical::Part { postings, base: self.first_row, alive, allowed }
    }
}

/// One version of an index. It never changes, whatever is written after it was opened.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    manifest: Manifest,
    analyzer: Analyzer,
    parts: Vec<Part>,
    scorer: Scorer,
    /// What was found out about which documents are valid when.
    validity: Mutex<Option<Arc<Validity>>>,
}

impl Snapshot {
    /// Opens a version, the newest for `None`, and checks every file of it; long sections are read
    /// when they are first needed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::VersionNotFound`], [`Error::Corrupt`] and
    /// [`Error::FormatTooNew`] with the file at fault, [`Error::AnalyzerMismatch`], [`Error::Io`].
    pub fn open(path: &Path, version: Option<u64>) -> Result<Self> {
        Self::open_beside(path, version, None)
    }

    /// The newest version, if it is another; what both hold is not read again.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn newer(&self) -> Result<Option<Self>> {
        let path = &self.path;
        let newest = newest(path)?;
        if newest == (self.manifest.index.clone(), self.manifest.version) {
            return Ok(None);
        }
        Self::open_beside(path, None, Some(self)).map(Some)
    }

    fn open_beside(path: &Path, version: Option<u64>, other: Option<&Self>) -> Result<Self> {
        loop {
            let manifest = Manifest::read(path, version)?;
            let number = manifest.version;
            let other = other.filter(|other| other.manifest.index == manifest.index);
            let opened = Self::of(path, manifest, &other.map(Self::open_segments).unwrap_or_default());
            // Meanwhile it may have been pruned.
            if opened.is_err() && !manifest::versions(path)?.contains(&number) {
                continue;
            }
            return opened;
        }
    }

    /// The segments with their numbers.
    fn open_segments(&self) -> Vec<(u64, Arc<Segment>)> {
        let entries = self.manifest.segments.iter().map(|entry| entry.id);
        entries.zip(self.parts.iter().map(|part| Arc::clone(&part.segment))).collect()
    }

    /// Opens what a manifest names; segments that are open already are not read again.
    fn of(path: &Path, manifest: Manifest, open: &[(u64, Arc<Segment>)]) -> Result<Self> {
        Analyzer::check_version(path, manifest.analyzers)?;
        let analyzer = Analyzer::named(&manifest.settings.analyzer)?;
        let bm25 = Bm25::new(&manifest.settings.variant, manifest.settings.k1, manifest.settings.b)?;
        manifest.settings.schema.clone().checked()?;
        let mut parts: Vec<Part> = Vec::with_capacity(manifest.segments.len());
        let mut statistics = Statistics::default();
        let (mut rows, mut documents) = (0usize, 0usize);
        for entry in &manifest.segments {
            let segment = match open.iter().find(|(id, _)| *id == entry.id) {
                Some((_, segment)) => Arc::clone(segment),
                None => Arc::new(open_segment(path, &manifest, entry)?),
            };
            let part = Part {
                first_row: Row::try_from(rows).map_err(|_| too_many_rows())?,
                first_document: documents,
                alive: alive(path, &manifest, entry, &segment)?,
                segment,
            };
            rows += part.segment.rows();
            documents += part.segment.documents();
            statistics = statistics.plus(Statistics::of(part.segment.lengths()?, part.alive_rows()));
            parts.push(part);
        }
        Row::try_from(rows).map_err(|_| too_many_rows())?;
        let scorer = Scorer::new(bm25, statistics);
        let validity = Mutex::default();
        Ok(Self { path: path.to_owned(), manifest, analyzer, parts, scorer, validity })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version.
    pub fn version(&self) -> u64 {
        self.manifest.version
    }

    /// The index's own id: two indexes that were made at one path one after the other differ.
    pub fn index_id(&self) -> &str {
        &self.manifest.index
    }

    /// When it was published, in microseconds since 1970.
    pub fn created(&self) -> u64 {
        self.manifest.created
    }

    /// What was decided when the index was made.
    pub fn settings(&self) -> &Settings {
        &self.manifest.settings
    }

    /// What the layer above keeps with this version.
    pub fn extra(&self) -> &str {
        &self.manifest.extra
    }

    /// The analyzer of texts and queries.
    pub fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// The number of row numbers, those of deleted rows included.
    pub fn row_bound(&self) -> usize {
        self.parts.last().map_or(0, |part| part.first_row as usize + part.segment.rows())
    }

    /// The number of rows that are alive.
    pub fn rows(&self) -> usize {
        self.scorer.rows() as usize
    }

    /// The number of segments.
    pub fn segments(&self) -> usize {
        self.parts.len()
    }

    /// The size of the segments' files in bytes.
    pub fn size(&self) -> usize {
        self.parts.iter().map(|part| part.segment.size()).sum()
    }

    /// The bytes of the segments' sections together, by name, in order of the names.
    pub fn sizes(&self) -> BTreeMap<String, usize> {
        let mut sizes = BTreeMap::new();
        for (name, size) in self.parts.iter().flat_map(|part| part.segment.sizes()) {
            *sizes.entry(name).or_default() += size;
        }
        sizes
    }

    /// The numbers of the documents that are alive.
    pub fn documents(&self) -> impl Iterator<Item = usize> + '_ {
        self.parts.iter().flat_map(|part| {
            (0..part.segment.documents())
                .filter(|&document| part.is_alive(document))
                .map(|document| part.first_document + document)
        })
    }

    /// Which part holds a document, and its number there.
    fn locate(&self, document: usize) -> Result<(usize, usize)> {
        let after = self.parts.partition_point(|part| part.first_document <= document);
        after
            .checked_sub(1)
            .map(|i| (i, document - self.parts[i].first_document))
            .filter(|(i, local)| *local < self.parts[*i].segment.documents())
            .ok_or_else(|| Error::InvalidInput(format!("there is no document number {document}")))
    }

    fn part_of_document(&self, document: usize) -> Result<(&Part, usize)> {
        self.locate(document).map(|(i, local)| (&self.parts[i], local))
    }

    fn part_of_row(&self, row: Row) -> Result<(&Part, Row)> {
        let i = self.parts.partition_point(|part| part.first_row <= row);
        let part = i.checked_sub(1).map(|i| &self.parts[i]);
        part.map(|part| (part, row - part.first_row))
            .filter(|(part, local)| (*local as usize) < part.segment.rows())
            .ok_or_else(|| {
                Error::InvalidInput(format!("there is no row {row}; there are {}", self.row_bound()))
            })
    }

    /// A document's record.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is no such document, [`Error::Corrupt`].
    pub fn document(&self, document: usize) -> Result<&[u8]> {
        let (part, local) = self.part_of_document(document)?;
        part.segment.document(local)
    }

    /// A document's text.
    ///
    /// # Errors
    /// As [`Snapshot::document`].
    pub fn text(&self, document: usize) -> Result<&str> {
        let (part, local) = self.part_of_document(document)?;
        part.segment.text(local)
    }

    /// The bytes `start..end` of a document's text.
    ///
    /// # Errors
    /// As [`Snapshot::document`]; [`Error::InvalidInput`] if there are no such bytes, or they begin
    /// or end within a character.
    pub fn passage(&self, document: usize, start: usize, end: usize) -> Result<&str> {
        self.text(document)?.get(start..end).ok_or_else(|| {
            Error::InvalidInput(format!(
                "document number {document} has no passage at bytes {start} to {end}"
            ))
        })
    }

    /// The rows of a document.
    ///
    /// # Errors
    /// As [`Snapshot::document`].
    pub fn rows_of(&self, document: usize) -> Result<std::ops::Range<Row>> {
        let (part, local) = self.part_of_document(document)?;
        let rows = part.segment.rows_of(local);
        Ok(part.first_row + rows.start..part.first_row + rows.end)
    }

    /// The document of a row.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is no such row.
    pub fn document_of(&self, row: Row) -> Result<usize> {
        let (part, local) = self.part_of_row(row)?;
        Ok(part.first_document + part.segment.document_of(local))
    }

    /// The documents that are alive and were added with this key.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn documents_of_key(&self, key: u64) -> Result<Vec<usize>> {
        let mut found = Vec::new();
        for part in &self.parts {
            let own = part.segment.documents_of_key(key)?.filter(|document| part.is_alive(*document));
            found.extend(own.map(|document| part.first_document + document));
        }
        Ok(found)
    }

    /// The rows that were added with this key, deleted ones included: their vectors are there.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn rows_of_key(&self, key: u64) -> Result<Vec<Row>> {
        let mut found = Vec::new();
        for part in &self.parts {
            found.extend(part.segment.rows_of_key(key)?.map(|row| part.first_row + row));
        }
        Ok(found)
    }

    /// A row's record.
    ///
    /// # Errors
    /// As [`Snapshot::document_of`], and [`Error::Corrupt`].
    pub fn chunk(&self, row: Row) -> Result<&[u8]> {
        let (part, local) = self.part_of_row(row)?;
        part.segment.chunk(local)
    }

    /// A row's vector; empty in an index without vectors.
    ///
    /// # Errors
    /// As [`Snapshot::document_of`].
    pub fn vector(&self, row: Row) -> Result<&[f32]> {
        let (part, local) = self.part_of_row(row)?;
        let dim = self.settings().dim.unwrap_or(0);
        Ok(if dim == 0 { &[] } else { &part.segment.vectors()?[local as usize * dim..][..dim] })
    }

    /// The best `k` rows for each query vector by cosine, best first, out of a selection of this
    /// snapshot or of all.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an index without vectors or a selection of another snapshot,
    /// [`Error::Dimension`], [`Error::NonFinite`] and [`Error::ZeroVector`] for the queries,
    /// [`Error::Interrupted`].
    pub fn search_dense(
        &self,
        queries: &[f32],
        k: usize,
        selection: Option<&Selection>,
        threads: usize,
        stop: &Stop<'_>,
    ) -> Result<Vec<Vec<Hit>>> {
        let dim = self.settings().dim.ok_or_else(|| {
            Error::InvalidInput("this index was made without an encoder and holds no vectors; search it with mode=\"lexical\"".into())
        })?;
        let queries = dense::prepare(queries, dim, Metric::Cosine)?;
        self.check(selection)?;
        let mut parts = Vec::with_capacity(self.parts.len());
        for (i, part) in self.parts.iter().enumerate() {
            parts.push(dense::Part {
                values: part.segment.vectors()?,
                codes: part.segment.codes()?,
                base: part.first_row,
                allowed: part.allowed(i, selection),
            });
        }
        let precision = dense::Precision::Exact;
        let request = dense::Request { queries: &queries, dim, k, precision, threads };
        dense::search(&parts, &request, stop).map(|found| found.hits)
    }

    /// The identifiers of a text that no row holds as a whole, as the text has them.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn missing_identifiers(&self, text: &str) -> Result<Vec<String>> {
        let views = self.parts.iter().map(|part| part.segment.postings()).collect::<Result<Vec<_>>>()?;
        let is_missing = |term: &str| {
            self.parts
                .iter()
                .zip(&views)
                .all(|(part, postings)| lexical::document_frequency(&part.lexical(postings, None), term) == 0)
        };
        let missing = self.analyzer.identifiers(text).into_iter().filter(|token| is_missing(&token.term));
        Ok(missing.map(|token| text[token.start..token.end].to_owned()).collect())
    }

    /// The best `k` rows for a query by BM25, best first, out of a selection of this snapshot or of
    /// all.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a selection of another snapshot, [`Error::Corrupt`].
    pub fn search_lexical(&self, query: &Query, k: usize, selection: Option<&Selection>) -> Result<Vec<Hit>> {
        self.check(selection)?;
        let views = self.parts.iter().map(|part| part.segment.postings()).collect::<Result<Vec<_>>>()?;
        let parts: Vec<lexical::Part<'_>> = self
            .parts
            .iter()
            .zip(&views)
            .enumerate()
            .map(|(i, (part, postings))| part.lexical(postings, part.allowed(i, selection)))
            .collect();
        let meaning = (&self.analyzer, &self.settings().schema);
        lexical::search(&parts, query, meaning, &self.scorer, k, lexical::Evaluation::Auto)
    }
}

fn too_many_rows() -> Error {
    Error::InvalidInput("an index holds at most 2^32 - 1 chunks".into())
}

fn open_segment(root: &Path, manifest: &Manifest, entry: &SegmentEntry) -> Result<Segment> {
    let file = entry.file();
    let container = open_named(root, manifest, &file)?;
    Segment::new(container, manifest.settings.dim)
}

/// A file that a manifest names: if it is missing, that is damage.
fn open_named(root: &Path, manifest: &Manifest, file: &str) -> Result<Container> {
    let path = root.join(file);
    Container::open(&path, &manifest.identity_of(file), Checks::WhenAsked(LONG_SECTION)).map_err(|error| {
        match error {
            Error::Io { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
                Error::corrupt(&path, format!("it is missing, and version {} needs it", manifest.version))
            }
            other => other,
        }
    })
}

/// The documents and rows of a segment that a version still holds.
fn alive(
    root: &Path,
    manifest: &Manifest,
    entry: &SegmentEntry,
    segment: &Segment,
) -> Result<Option<Arc<(RowSet, Alive)>>> {
    let Some(file) = entry.deletions_file() else { return Ok(None) };
    let container = open_named(root, manifest, &file)?;
    let documents = RowSet::from_words(container.array("alive")?, segment.documents())
        .ok_or_else(|| container.corrupt("it is for another number of documents"))?;
    let rows = segment.rows_of_all(&documents);
    Ok(Some(Arc::new((documents, Alive::new(rows)))))
}

/// The versions of an index, ascending.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Io`].
pub fn versions(path: &Path) -> Result<Vec<u64>> {
    let versions = manifest::versions(path)?;
    if versions.is_empty() { Err(manifest::lost(path)) } else { Ok(versions) }
}

/// The id of the index and its newest version, without opening it.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Corrupt`], [`Error::FormatTooNew`], [`Error::Io`].
pub fn newest(path: &Path) -> Result<(String, u64)> {
    Manifest::read(path, None).map(|manifest| (manifest.index, manifest.version))
}

#[cfg(test)]
mod tests;
