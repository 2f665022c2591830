//! The blocks on their own: a matrix or an inverted index in one file.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::codes;
use super::format::{self, Checks, Container, Section, section};
use super::fs::{Disk, FileSystem};
use super::postings;
use crate::dense::{CodesView, Frame, Matrix, Metric, OnZero, Stored};
use crate::lexical::{Analyzer, Bm25, InvertedIndex, Piece, Postings, Schema};
use crate::threads::Stop;
use crate::{Error, Result};

#[derive(Serialize, Deserialize)]
struct DenseMeta {
    dim: usize,
    metric: String,
    #[serde(default)]
    keeps_zeros: bool,
}

/// Sections of a matrix that are longer are not read when it is opened.
const READ_AT_OPEN: usize = 16 << 20;

/// A matrix in a file that is mapped.
#[derive(Debug)]
struct StoredMatrix {
    container: Container,
    frame: Option<Frame>,
}

impl Stored for StoredMatrix {
    fn values(&self) -> &[f32] {
        self.container.array("vectors").unwrap_or_default()
    }

    fn codes(&self) -> Option<CodesView<'_>> {
        codes::view(&self.container, self.frame.as_ref()?).ok()
    }
}

#[derive(Serialize, Deserialize)]
struct LexicalMeta {
    analyzer: String,
    analyzers: u32,
    variant: String,
    k1: f64,
    b: f64,
    schema: Schema,
}

/// How many saves this process has begun.
static SAVES: AtomicU64 = AtomicU64::new(0);

/// Writes a file in place of another, whole at every moment.
fn save(
    path: &Path,
    identity: &str,
    meta: &impl Serialize,
    mut sections: Vec<Section<'_>>,
    stop: &Stop<'_>,
) -> Result<()> {
    let meta = serde_json::to_vec(meta).map_err(|error| Error::InvalidInput(error.to_string()))?;
    sections.push(section("meta", meta));
    // Each save writes a file of its own. If there is one of its name, it is that of a process of
    // the same number, dead or in another container: not ours to remove.
    let result = loop {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.{}.new", std::process::id(), SAVES.fetch_add(1, Ordering::Relaxed)));
        let temporary = Path::new(&temporary);
        let written = format::write(&Disk, temporary, identity, &sections, stop);
        if matches!(&written, Err(Error::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists) {
            continue;
        }
        let result = written.and_then(|()| Disk.rename(temporary, path).map_err(Error::io(path)));
        if result.is_err() {
            // The error to tell is the first one.
            let _ = Disk.remove(temporary);
        }
        break result;
    };
    result?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Disk.sync_dir(folder).map_err(Error::io(folder))
}

fn open(path: &Path, identity: &str, checks: Checks) -> Result<Container> {
    Container::open(path, identity, checks).map_err(|error| match error {
        Error::Io { path, source } if source.kind() == ErrorKind::NotFound => Error::NotFound(path),
        other => other,
    })
}

fn meta<T: for<'de> Deserialize<'de>>(container: &Container) -> Result<T> {
    serde_json::from_slice(container.section("meta")?)
        .map_err(|error| container.corrupt(format!("its description does not parse: {error}")))
}

/// Writes a matrix to a file, with the codes of its rows.
///
/// # Errors
/// [`Error::Io`], [`Error::Interrupted`].
pub fn save_matrix(path: &Path, matrix: &Matrix, threads: usize, stop: &Stop<'_>) -> Result<()> {
    let whole;
    let parts = matrix.parts();
    let part = match parts.as_slice() {
        [] => None,
        [part] if !matrix.is_behind() => Some(*part),
        // Codes of several parts have different centres.
        parts => {
            let values: Vec<&[f32]> = parts.iter().map(|part| part.values).collect();
            whole = Matrix::of_prepared(&values, matrix, threads, stop)?;
            whole.parts().first().copied()
        }
    };
    let meta = DenseMeta {
        dim: matrix.dim(),
        metric: matrix.metric().name().to_owned(),
        keeps_zeros: matrix.on_zero() == OnZero::Keep,
    };
    let values = part.map_or(&[] as &[f32], |part| part.values);
    let mut sections = vec![section("vectors", bytemuck::cast_slice::<_, u8>(values))];
    let frame;
    if let Some(codes) = part.and_then(|part| part.codes) {
        frame = codes::frame_bytes(&codes);
        sections.extend(codes::sections(&codes, &frame));
    }
    save(path, "dense index", &meta, sections, stop)
}

/// Maps what [`save_matrix`] wrote. Sections longer than 16 MiB are read, to see whether they are
/// whole, only to `verify`.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Io`], [`Error::Corrupt`], [`Error::FormatTooNew`].
pub fn open_matrix(path: &Path, verify: bool) -> Result<Matrix> {
    let container =
        open(path, "dense index", if verify { Checks::AtOnce } else { Checks::UpTo(READ_AT_OPEN) })?;
    let meta: DenseMeta = meta(&container)?;
    let metric = Metric::from_name(&meta.metric).map_err(|error| container.corrupt(error.to_string()))?;
    let values = container.array::<f32>("vectors")?;
    if meta.dim == 0 || !values.len().is_multiple_of(meta.dim) {
        return Err(container.corrupt(format!("{} values are no whole rows of {}", values.len(), meta.dim)));
    }
    let frame = codes::frame(&container, meta.dim, values.len() / meta.dim)?;
    let on_zero = if meta.keeps_zeros { OnZero::Keep } else { OnZero::Reject };
    Ok(Matrix::of_stored(Box::new(StoredMatrix { container, frame }), meta.dim, metric, on_zero))
}

/// An inverted index in a file that is mapped.
#[derive(Debug)]
struct StoredPostings(Container);

impl Piece for StoredPostings {
    fn postings(&self) -> Postings<'_> {
        postings::view(&self.0).expect("sections that were read when the file was opened")
    }
}

/// Writes an inverted index to a file, with the name of its analyzer, its fields and its formula.
///
/// # Errors
/// [`Error::Io`], [`Error::InvalidInput`] if there are more postings than a file takes,
/// [`Error::Interrupted`].
pub fn save_postings(path: &Path, index: &InvertedIndex, analyzer: &str, stop: &Stop<'_>) -> Result<()> {
    let bm25 = index.bm25();
    let meta = LexicalMeta {
        analyzer: analyzer.to_owned(),
        analyzers: Analyzer::VERSION,
        variant: bm25.variant().to_owned(),
        k1: bm25.k1(),
        b: bm25.b(),
        schema: index.schema().clone(),
    };
    index.as_one(stop, |postings| {
        save(path, "lexical index", &meta, postings::sections(postings.bytes()).collect(), stop)
    })
}

/// Maps what [`save_postings`] wrote; gives the name of the analyzer, too.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Io`], [`Error::Corrupt`], [`Error::FormatTooNew`],
/// [`Error::AnalyzerMismatch`].
pub fn open_postings(path: &Path) -> Result<(InvertedIndex, String)> {
    let container = open(path, "lexical index", Checks::AtOnce)?;
    let meta: LexicalMeta = meta(&container)?;
    Analyzer::check_version(path, meta.analyzers)?;
    let bm25 =
        Bm25::new(&meta.variant, meta.k1, meta.b).map_err(|error| container.corrupt(error.to_string()))?;
    let schema = meta.schema.checked().map_err(|error| container.corrupt(error.to_string()))?;
    postings::verify(&container)?;
    let stored = StoredPostings(container);
    Ok((InvertedIndex::of(Box::new(stored), bm25, schema), meta.analyzer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexical::{Evaluation, Query};

    #[test]
    fn blocks_come_back_and_replace_their_elders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dense");
        for rows in [1, 2] {
            let mut matrix = Matrix::new(2, Metric::Dot, OnZero::Reject).unwrap();
            matrix.add(&vec![0.5; rows * 2], &Stop::never()).unwrap();
            save_matrix(&path, &matrix, 1, &Stop::never()).unwrap();
            let opened = open_matrix(&path, true).unwrap();
            let values = |matrix: &Matrix| matrix.parts()[0].values.to_vec();
            assert_eq!((values(&opened), opened.metric()), (values(&matrix), Metric::Dot));
        }

        let bm25 = Bm25::new("atire", 0.9, 0.4).unwrap();
        let mut index = InvertedIndex::new(bm25, Schema::default());
        let name = "default";
        index
            .add(&Analyzer::named(name).unwrap(), &["early termination", "early"], 1, &Stop::never())
            .unwrap();
        let path = folder.path().join("lexical");
        save_postings(&path, &index, name, &Stop::never()).unwrap();
        index.build(&Stop::never()).unwrap();
        let (opened, analyzer) = open_postings(&path).unwrap();
        assert_eq!((opened.len(), analyzer.as_str(), opened.bm25()), (2, name, &bm25));
        let english = Analyzer::named(name).unwrap();
        let hits = |index: &InvertedIndex| {
            index.search(&Query::text("terminating"), &english, 5, None, Evaluation::Auto).unwrap()
        };
        assert_eq!((hits(&opened), hits(&opened).len()), (hits(&index), 1));
        assert!(matches!(open_matrix(&path, false), Err(Error::Corrupt { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
