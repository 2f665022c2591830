//! A segment: whole documents with everything about their chunks, written once.
//!
//! | section | content |
//! |---|---|
//! | `docs` | a record a document (JSON of the layer above, not read here) |
//! | `texts` | the text of each document, UTF-8 |
//! | `rows` | u32: the first row of each document, then the number of rows |
//! | `chunks` | a record a row |
//! | `terms`, `lists`, `places` | the inverted index over the rows, see [`crate::lexical`] |
//! | `vectors` | f32: a row's vector after the other; absent without vectors |
//! | `frame`, `nibbles`, `fine`, `bits` | the vectors' [codes]; absent where they are few |
//!
//! A row is a chunk. The rows of a document follow one another.

use std::ops::Range;

use super::blobs::{Blobs, BlobsBuilder};
use super::codes;
use super::format::Container;
use super::postings;
use crate::dense::codes::pay;
use crate::dense::{Codes, CodesView, Frame, Metric, WORTH_CODES, prepare};
use crate::hit::Row;
use crate::lexical::{Analyzer, Builder, Postings, Schema};
use crate::threads::{self, Stop};
use crate::{Error, Result};

/// A chunk to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewChunk<'a> {
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
            postings: Builder::new(schema),
            vectors: Vec::new(),
        }
    }

    /// Adds a document; all of it or, on an error, nothing.
    pub(crate) fn add(
        &mut self,
        analyzer: &Analyzer,
        record: &[u8],
        text: &str,
        chunks: &[NewChunk<'_>],
        vectors: &[f32],
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
            self.postings.add(analyzer, chunk.texts.iter().copied());
        }
        self.documents.push(record);
        self.texts.push(text.as_bytes());
        self.rows.push(rows);
        Ok(())
    }

    pub(crate) fn documents(&self) -> usize {
        self.rows.len() - 1
    }

    pub(crate) fn rows(&self) -> usize {
        self.postings.len()
    }

    /// The sections to be written.
    pub(crate) fn finish(self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let postings = self.postings.freeze()?;
        let mut sections = vec![
            ("docs", self.documents.finish()),
            ("texts", self.texts.finish()),
            ("rows", bytemuck::cast_slice(&self.rows).to_vec()),
            ("chunks", self.chunks.finish()),
        ];
        sections.extend(postings::sections(postings.bytes()).map(|(name, bytes)| (name, bytes.to_vec())));
        if let Some(dim) = self.dim {
            sections.push(("vectors", bytemuck::cast_slice(&self.vectors).to_vec()));
            if self.vectors.len() / dim >= WORTH_CODES && pay(dim) {
                let mut codes = Codes::around(&self.vectors, dim);
                codes.extend(&self.vectors, threads::available(), &Stop::never())?;
                let frame = codes::frame_bytes(&codes.view());
                let own = |(name, bytes): (&'static str, &[u8])| (name, bytes.to_vec());
                sections.extend(codes::sections(&codes.view(), &frame).map(own));
            }
        }
        Ok(sections)
    }
}

/// A segment on the disk.
#[derive(Debug)]
pub(crate) struct Segment {
    container: Container,
    frame: Option<Frame>,
}

impl Segment {
    /// Checks that the sections fit together.
    pub(crate) fn new(container: Container, dim: Option<usize>) -> Result<Self> {
        let mut segment = Self { container, frame: None };
        let corrupt = |reason: &str| segment.container.corrupt(reason);
        let starts = segment.starts();
        let documents = segment.blobs("docs").map(|blobs| blobs.len());
        let (Some(documents), Some(rows)) = (documents, starts.last().map(|&rows| rows as usize)) else {
            return Err(corrupt("its documents cannot be read"));
        };
        postings::verify(&segment.container)?;
        let postings = segment.postings();
        let values = match dim {
            Some(_) => segment.container.array::<f32>("vectors")?.len(),
            None => 0,
        };
        let fits = starts.is_sorted()
            && starts[0] == 0
            && starts.len() == documents + 1
            && segment.blobs("texts").is_some_and(|texts| texts.len() == documents)
            && segment.blobs("chunks").is_some_and(|chunks| chunks.len() == rows)
            && postings.is_ok_and(|postings| postings.lengths().len() == rows)
            && Some(values) == rows.checked_mul(dim.unwrap_or(0));
        if !fits {
            return Err(corrupt("its sections do not fit together"));
        }
        if let Some(dim) = dim {
            segment.frame = codes::frame(&segment.container, dim, rows)?;
        }
        Ok(segment)
    }

    fn starts(&self) -> &[u32] {
        self.container.array("rows").unwrap_or_default()
    }

    fn blobs(&self, section: &str) -> Option<Blobs<'_>> {
        Blobs::new(self.container.section(section).ok()?)
    }

    fn blob(&self, section: &str, i: usize) -> Result<&[u8]> {
        self.blobs(section)
            .and_then(|blobs| blobs.get(i))
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

    pub(crate) fn vectors(&self) -> &[f32] {
        self.container.array("vectors").unwrap_or_default()
    }

    pub(crate) fn codes(&self) -> Option<CodesView<'_>> {
        codes::view(&self.container, self.frame.as_ref()?).ok()
    }

    pub(crate) fn postings(&self) -> Result<Postings<'_>> {
        postings::view(&self.container)
    }

    pub(crate) fn size(&self) -> usize {
        self.container.size()
    }
}
