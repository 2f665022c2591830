//! A segment: whole documents with everything about their chunks, written once.
//!
//! | section | content |
//! |---|---|
//! | `docs` | a record a document (JSON of the layer above, not read here) |
//! | `texts` | the text of each document, UTF-8 |
//! | `rows` | u32: the first row of each document, then the number of rows |
//! | `chunks` | a record a row |
//! | `dockeys`, `rowkeys` | the [keys] by which documents and rows are found |
//! | `fields`, `columns` | what is known about the documents, see [`crate::columns`]; absent if nothing |
//! | `terms`, `lists`, `places` | the inverted index over the rows, see [`crate::lexical`] |
//! | `vectors` | f32: a row's vector after the other; absent without vectors |
//! | `frame`, `nibbles`, `fine`, `bits` | the vectors' [codes]; absent where they are few |
//!
//! A row is a chunk. The rows of a document follow one another.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::blobs::{Blobs, BlobsBuilder, BlobsJoin};
use super::codes;
use super::format::{Container, Section, section};
use super::keys::{self, Keys};
use super::postings;
use crate::columns::{Columns, ColumnsBuilder, Condition, Field, Value};
use crate::dense::codes::pay;
use crate::dense::{Codes, CodesView, Frame, Metric, WORTH_CODES, prepare};
use crate::filter::RowSet;
use crate::hit::Row;
use crate::lexical::{Analyzer, Builder, Frozen, Lengths, Postings, Schema, merge_alive};
use crate::threads::{self, Stop};
use crate::{Error, Result};

/// The sections of the keys of documents and of rows.
const KEYS: [&str; 2] = ["dockeys", "rowkeys"];

/// The sections of the columns: where each is, and their bytes.
const COLUMNS: [&str; 2] = ["fields", "columns"];

/// A document to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewDocument<'a> {
    /// A hash by which it may be found.
    pub key: u64,
    /// Its record, kept as it is.
    pub record: &'a [u8],
    /// What filters may ask about it.
    pub fields: &'a [(&'a str, Value<'a>)],
    /// Its text.
    pub text: &'a str,
}

/// A chunk to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewChunk<'a> {
    /// A hash by which it may be found.
    pub key: u64,
    /// Its record, kept as it is.
    pub record: &'a [u8],
    /// What its terms are taken from: a text for each field.
    pub texts: &'a [&'a str],
}

/// Collects documents and writes them as one segment.
#[derive(Debug)]
pub(crate) struct SegmentBuilder {
    dim: Option<usize>,
    documents: BlobsBuilder,
    texts: BlobsBuilder,
    rows: Vec<u32>,
    chunks: BlobsBuilder,
    keys: [Vec<u64>; 2],
    columns: ColumnsBuilder,
    postings: Builder,
    vectors: Vec<f32>,
}

impl SegmentBuilder {
    pub(crate) fn new(dim: Option<usize>, schema: Schema) -> Self {
        Self {
            dim,
            documents: BlobsBuilder::default(),
            texts: BlobsBuilder::default(),
            rows: vec![0],
            chunks: BlobsBuilder::default(),
            keys: [Vec::new(), Vec::new()],
            columns: ColumnsBuilder::default(),
            postings: Builder::new(schema),
            vectors: Vec::new(),
        }
    }

    /// Adds a document; all of it or, on an error, nothing. Once it was stopped, nothing that was
    /// added can be written.
    pub(crate) fn add(
        &mut self,
        analyzer: &Analyzer,
        document: NewDocument<'_>,
        chunks: &[NewChunk<'_>],
        vectors: &[f32],
        stop: &Stop<'_>,
    ) -> Result<()> {
        let expected = chunks.len() * self.dim.unwrap_or(0);
        if vectors.len() != expected {
            return Err(Error::Dimension(format!(
                "{} chunks came with {} vector values; this index needs {expected} ({} dimensions a chunk)",
                chunks.len(),
                vectors.len(),
                self.dim.unwrap_or(0)
            )));
        }
        let rows = u32::try_from(self.rows() + chunks.len())
            .map_err(|_| Error::InvalidInput("a segment holds at most 2^32 - 1 chunks".into()))?;
        if let Some(dim) = self.dim.filter(|_| !chunks.is_empty()) {
            self.vectors.append(&mut prepare(vectors, dim, Metric::Cosine)?);
        }
        for chunk in chunks {
            self.chunks.push(chunk.record);
            self.keys[1].push(chunk.key);
            self.postings.add(analyzer, chunk.texts.iter().copied());
            // Then there are more chunks than the documents have, and none is ever written.
            stop.check()?;
        }
        let number = self.documents() as u32;
        document.fields.iter().for_each(|(name, value)| self.columns.add(number, name, *value));
        self.documents.push(document.record);
        self.keys[0].push(document.key);
        self.texts.push(document.text.as_bytes());
        self.rows.push(rows);
        Ok(())
    }

    pub(crate) fn documents(&self) -> usize {
        self.rows.len() - 1
    }

    pub(crate) fn rows(&self) -> usize {
        self.postings.len()
    }

    /// The memory that it holds, without what it needs to be written.
    pub(crate) fn size(&self) -> usize {
        let blobs = [&self.documents, &self.texts, &self.chunks];
        let blobs: usize = blobs.iter().map(|blobs| blobs.size()).sum();
        blobs + self.columns.size() + self.postings.size() + 4 * self.vectors.len()
    }

    /// Writes it.
    pub(crate) fn write<T>(
        &self,
        stop: &Stop<'_>,
        write: impl FnOnce(&[Section<'_>]) -> Result<T>,
    ) -> Result<T> {
        if self.keys[1].len() != self.rows.last().map_or(0, |rows| *rows as usize) {
            return Err(Error::Interrupted);
        }
        let parts = Parts {
            documents: self.documents.pieces(),
            texts: self.texts.pieces(),
            rows: &self.rows,
            chunks: self.chunks.pieces(),
            keys: self.keys.each_ref().map(|keys| keys::pieces(keys)),
            columns: &self.columns,
            postings: self.postings.freeze()?,
            vectors: vec![&self.vectors],
        };
        parts.write(self.dim, stop, write)
    }
}

/// What a segment is made of.
struct Parts<'a> {
    documents: Vec<Cow<'a, [u8]>>,
    texts: Vec<Cow<'a, [u8]>>,
    rows: &'a [u32],
    chunks: Vec<Cow<'a, [u8]>>,
    /// Of the documents and of the rows.
    keys: [Vec<Cow<'a, [u8]>>; 2],
    columns: &'a ColumnsBuilder,
    postings: Frozen,
    /// One row after the other, in pieces of whole rows.
    vectors: Vec<&'a [f32]>,
}

impl Parts<'_> {
    /// Writes them, with the codes of the vectors.
    fn write<T>(
        self,
        dim: Option<usize>,
        stop: &Stop<'_>,
        write: impl FnOnce(&[Section<'_>]) -> Result<T>,
    ) -> Result<T> {
        let mut sections = vec![
            ("docs", self.documents),
            ("texts", self.texts),
            section("rows", bytemuck::cast_slice::<_, u8>(self.rows)),
            ("chunks", self.chunks),
        ];
        sections.extend(KEYS.into_iter().zip(self.keys));
        let (fields, columns) = self.columns.freeze();
        if !fields.is_empty() {
            let json = serde_json::to_vec(&fields).map_err(|error| Error::InvalidInput(error.to_string()))?;
            sections
                .extend(COLUMNS.into_iter().zip([json, columns]).map(|(name, bytes)| section(name, bytes)));
        }
        sections.extend(postings::sections(self.postings.bytes()));
        let (codes, frame);
        if let Some(dim) = dim {
            let bytes = self.vectors.iter().map(|piece| Cow::Borrowed(bytemuck::cast_slice(piece)));
            sections.push(("vectors", bytes.collect()));
            let values: usize = self.vectors.iter().map(|piece| piece.len()).sum();
            if values / dim >= WORTH_CODES && pay(dim) {
                codes = Codes::of_pieces(&self.vectors, dim, threads::available(), stop)?;
                frame = codes::frame_bytes(&codes.view());
                sections.extend(codes::sections(&codes.view(), &frame));
            }
        }
        write(&sections)
    }
}

/// A segment that is merged with others, and which of its documents and rows are alive; `None` is
/// all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) alive: Option<(&'a RowSet, &'a RowSet)>,
}

/// Writes one segment of what is alive in several.
pub(crate) fn merge<T>(
    sources: &[Source<'_>],
    dim: Option<usize>,
    stop: &Stop<'_>,
    write: impl FnOnce(&[Section<'_>]) -> Result<T>,
) -> Result<T> {
    let mut rows = vec![0];
    let mut keys = [Vec::new(), Vec::new()];
    let (mut documents, mut texts, mut chunks) =
        (BlobsJoin::default(), BlobsJoin::default(), BlobsJoin::default());
    let mut vectors = Vec::new();
    let mut lists = Vec::new();
    let mut columns = ColumnsBuilder::default();
    for Source { segment, alive } in sources {
        let mut numbers = vec![None; segment.documents()];
        let everything = || std::iter::once(0..segment.documents() as Row).collect();
        let runs: Vec<Range<Row>> =
            alive.map_or_else(everything, |(documents, _)| documents.runs().collect());
        let own_keys = [segment.keys(0)?.in_order(), segment.keys(1)?.in_order()];
        for run in runs {
            let run = run.start as usize..run.end as usize;
            let own = segment.starts()[run.start] as usize..segment.starts()[run.end] as usize;
            segment.join("docs", run.clone(), &mut documents)?;
            segment.join("texts", run.clone(), &mut texts)?;
            segment.join("chunks", own.clone(), &mut chunks)?;
            keys[0].extend(own_keys[0].get(run.clone()).unwrap_or_default());
            keys[1].extend(own_keys[1].get(own.clone()).unwrap_or_default());
            let first = rows.len() as u32 - 1;
            numbers[run.clone()].iter_mut().zip(first..).for_each(|(own, number)| *own = Some(number));
            let shift = rows.last().copied().unwrap_or(0) as usize;
            for start in &segment.starts()[run.start + 1..=run.end] {
                rows.push((*start as usize - own.start + shift) as u32);
            }
            if let Some(dim) = dim {
                vectors.push(&segment.vectors()?[own.start * dim..own.end * dim]);
            }
        }
        segment.columns()?.add_to(&mut columns, |document| numbers.get(document as usize).copied().flatten());
        lists.push((segment.postings()?, alive.map(|(_, rows)| rows)));
    }
    let parts = Parts {
        documents: documents.pieces(),
        texts: texts.pieces(),
        rows: &rows,
        chunks: chunks.pieces(),
        keys: keys.map(|keys| keys::pieces(&keys)),
        columns: &columns,
        postings: merge_alive(&lists, stop)?,
        vectors,
    };
    parts.write(dim, stop, write)
}

/// A segment on the disk.
#[derive(Debug)]
pub(crate) struct Segment {
    container: Container,
    frame: Option<Frame>,
    terms_are_whole: OnceLock<bool>,
    fields: Vec<Field>,
    selected: Mutex<VecDeque<(String, Arc<RowSet>)>>,
}

/// How many conditions a segment remembers the rows of, a bit a row for each.
const REMEMBERED: usize = 32;

impl Segment {
    /// Checks that the sections fit together; long ones are read when they are asked for.
    pub(crate) fn new(container: Container, dim: Option<usize>) -> Result<Self> {
        let mut segment = Self {
            container,
            frame: None,
            terms_are_whole: OnceLock::new(),
            fields: Vec::new(),
            selected: Mutex::default(),
        };
        let container = &segment.container;
        // It says where all others are, and so is read at once, however long it is.
        let starts = container.array::<u32>("rows")?;
        let Some(rows) = starts.last().map(|rows| *rows as usize) else {
            return Err(container.corrupt("its documents cannot be read"));
        };
        let documents = starts.len() - 1;
        let blobs = |name, n| Blobs::new(container.unchecked(name).ok()?).filter(|blobs| blobs.len() == n);
        let keys = |name, n| Keys::new(container.unchecked(name).ok()?).filter(|keys| keys.len() == n);
        let values = match dim {
            Some(_) => container.unchecked("vectors")?.len(),
            None => 0,
        };
        let fits = starts.is_sorted()
            && starts[0] == 0
            && blobs("docs", documents).is_some()
            && blobs("texts", documents).is_some()
            && blobs("chunks", rows).is_some()
            && keys(KEYS[0], documents).is_some()
            && keys(KEYS[1], rows).is_some()
            && postings::unchecked(container).is_ok_and(|postings| postings.lengths().len() == rows)
            && Some(values) == rows.checked_mul(4 * dim.unwrap_or(0));
        if !fits {
            return Err(container.corrupt("its sections do not fit together"));
        }
        if segment.container.has(COLUMNS[0]) {
            let json = segment.container.section(COLUMNS[0])?;
            let bytes = segment.container.unchecked(COLUMNS[1])?.len();
            let fields: Option<Vec<Field>> = serde_json::from_slice(json).ok();
            segment.fields = fields
                .filter(|fields| fields.iter().all(|field| field.fits(bytes)))
                .ok_or_else(|| segment.container.corrupt("its columns cannot be read"))?;
        }
        if let Some(dim) = dim {
            segment.frame = codes::frame(&segment.container, dim, rows)?;
        }
        Ok(segment)
    }

    /// Reads all of it and says what is wrong.
    pub(crate) fn verify(&self) -> Result<()> {
        self.container.verify()?;
        self.postings().map(drop)
    }

    fn starts(&self) -> &[u32] {
        self.container.array("rows").unwrap_or_default()
    }

    /// The keys of the documents, or of the rows.
    fn keys(&self, of: usize) -> Result<Keys<'_>> {
        Keys::new(self.container.section(KEYS[of])?).ok_or_else(|| self.unreadable(KEYS[of]))
    }

    /// The documents of a key.
    pub(crate) fn documents_of_key(&self, key: u64) -> Result<impl Iterator<Item = usize>> {
        let found = self.keys(0)?.find(key).map(|document| document as usize);
        Ok(found.filter(|document| *document < self.documents()))
    }

    /// The rows of a key.
    pub(crate) fn rows_of_key(&self, key: u64) -> Result<impl Iterator<Item = Row>> {
        Ok(self.keys(1)?.find(key).filter(|row| (*row as usize) < self.rows()))
    }

    /// The fields of its documents.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// What is known about its documents.
    pub(crate) fn columns(&self) -> Result<Columns<'_>> {
        let bytes = if self.fields.is_empty() { &[] } else { self.container.section(COLUMNS[1])? };
        Ok(Columns::new(&self.fields, bytes))
    }

    /// The rows of the documents that meet a condition, which is written like this.
    pub(crate) fn select(&self, condition: &Condition, written: &str) -> Result<Arc<RowSet>> {
        let selected = || self.selected.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = selected();
        if let Some(place) = known.iter().position(|(other, _)| other == written)
            && let Some(found) = known.remove(place)
        {
            known.push_front(found.clone());
            return Ok(found.1);
        }
        drop(known);
        let documents = self.columns()?.select(condition, self.documents());
        let rows = Arc::new(self.rows_of_all(&documents));
        let mut known = selected();
        known.push_front((written.to_owned(), Arc::clone(&rows)));
        known.truncate(REMEMBERED);
        Ok(rows)
    }

    fn blobs(&self, section: &str) -> Result<Blobs<'_>> {
        Blobs::new(self.container.section(section)?).ok_or_else(|| self.unreadable(section))
    }

    fn unreadable(&self, section: &str) -> Error {
        self.container.corrupt(format!("section {section:?} cannot be read"))
    }

    /// Adds the entries of these numbers to others.
    fn join<'a>(&'a self, section: &str, range: Range<usize>, join: &mut BlobsJoin<'a>) -> Result<()> {
        join.add(self.blobs(section)?, range).ok_or_else(|| self.unreadable(section))
    }

    fn blob(&self, section: &str, i: usize) -> Result<&[u8]> {
        self.blobs(section)?
            .get(i)
            .ok_or_else(|| self.container.corrupt(format!("section {section:?} has no entry {i}")))
    }

    pub(crate) fn documents(&self) -> usize {
        self.starts().len() - 1
    }

    pub(crate) fn rows(&self) -> usize {
        self.starts().last().map_or(0, |&rows| rows as usize)
    }

    /// The rows of a document.
    pub(crate) fn rows_of(&self, document: usize) -> Range<Row> {
        self.starts()[document]..self.starts()[document + 1]
    }

    /// The rows of some documents.
    pub(crate) fn rows_of_all(&self, documents: &RowSet) -> RowSet {
        let mut rows = RowSet::none(self.rows());
        let starts = self.starts();
        for document in documents.rows().map(|document| document as usize) {
            (starts[document]..starts[document + 1]).for_each(|row| rows.insert(row));
        }
        rows
    }

    /// The document of a row.
    pub(crate) fn document_of(&self, row: Row) -> usize {
        self.starts().partition_point(|&start| start <= row) - 1
    }

    pub(crate) fn document(&self, document: usize) -> Result<&[u8]> {
        self.blob("docs", document)
    }

    pub(crate) fn text(&self, document: usize) -> Result<&str> {
        std::str::from_utf8(self.blob("texts", document)?)
            .map_err(|_| self.container.corrupt(format!("the text of its document {document} is not UTF-8")))
    }

    pub(crate) fn chunk(&self, row: Row) -> Result<&[u8]> {
        self.blob("chunks", row as usize)
    }

    pub(crate) fn vectors(&self) -> Result<&[f32]> {
        self.container.array("vectors")
    }

    pub(crate) fn codes(&self) -> Result<Option<CodesView<'_>>> {
        self.frame.as_ref().map(|frame| codes::view(&self.container, frame)).transpose()
    }

    pub(crate) fn postings(&self) -> Result<Postings<'_>> {
        let postings = postings::view(&self.container)?;
        if *self.terms_are_whole.get_or_init(|| postings.has_whole_terms()) {
            return Ok(postings);
        }
        Err(self.unreadable("terms"))
    }

    /// The lengths of the rows, before it is known whether they are right.
    pub(crate) fn lengths(&self) -> Result<Lengths<'_>> {
        postings::unchecked(&self.container).map(|postings| postings.lengths())
    }

    pub(crate) fn size(&self) -> usize {
        self.container.size()
    }

    /// The bytes of each section.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (String, usize)> + '_ {
        self.container.sizes()
    }
}
