//! The blocks on their own: a matrix or an inverted index in one file.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::format::{self, Container};
use super::fs::{Disk, FileSystem};
use crate::dense::{Matrix, Metric};
use crate::lexical::{Bm25, InvertedIndex, PostingsView};
use crate::{Error, Result};

#[derive(Serialize, Deserialize)]
struct DenseMeta {
    dim: usize,
    metric: String,
}

#[derive(Serialize, Deserialize)]
struct LexicalMeta {
    analyzer: String,
    variant: String,
    k1: f64,
    b: f64,
}

/// How many saves this process has begun.
static SAVES: AtomicU64 = AtomicU64::new(0);

/// Writes a file in place of another, whole at every moment.
fn save(path: &Path, identity: &str, meta: &impl Serialize, section: (&str, &[u8])) -> Result<()> {
    let meta = serde_json::to_vec(meta).map_err(|error| Error::InvalidInput(error.to_string()))?;
    // Each save writes a file of its own. If there is one of its name, it is that of a process of
    // the same number, dead or in another container: not ours to remove.
    let result = loop {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.{}.new", std::process::id(), SAVES.fetch_add(1, Ordering::Relaxed)));
        let temporary = Path::new(&temporary);
        let written = format::write(&Disk, temporary, identity, &[("meta", &meta), section]);
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

fn open(path: &Path, identity: &str) -> Result<Container> {
    Container::open(path, identity).map_err(|error| match error {
        Error::Io { path, source } if source.kind() == ErrorKind::NotFound => Error::NotFound(path),
        other => other,
    })
}

fn meta<T: for<'de> Deserialize<'de>>(container: &Container) -> Result<T> {
    serde_json::from_slice(container.section("meta")?)
        .map_err(|error| container.corrupt(format!("its description does not parse: {error}")))
}

/// Writes a matrix to a file.
///
/// # Errors
/// [`Error::Io`].
pub fn save_matrix(path: &Path, matrix: &Matrix) -> Result<()> {
    let meta = DenseMeta { dim: matrix.dim(), metric: matrix.metric().name().to_owned() };
    save(path, "dense index", &meta, ("vectors", bytemuck::cast_slice(matrix.values())))
}

/// Reads what [`save_matrix`] wrote.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Io`], [`Error::Corrupt`], [`Error::FormatTooNew`].
pub fn open_matrix(path: &Path) -> Result<Matrix> {
    let container = open(path, "dense index")?;
    let meta: DenseMeta = meta(&container)?;
    let metric = Metric::from_name(&meta.metric).map_err(|error| container.corrupt(error.to_string()))?;
    let values = container.array::<f32>("vectors")?;
    if meta.dim == 0 || !values.len().is_multiple_of(meta.dim) {
        return Err(container.corrupt(format!("{} values are no whole rows of {}", values.len(), meta.dim)));
    }
    Ok(Matrix::from_prepared(values.to_vec(), meta.dim, metric))
}

/// Writes an inverted index to a file, with the name of its analyzer and its formula.
///
/// # Errors
/// [`Error::Io`].
pub fn save_postings(path: &Path, postings: &InvertedIndex, analyzer: &str, bm25: &Bm25) -> Result<()> {
    let meta = LexicalMeta {
        analyzer: analyzer.to_owned(),
        variant: bm25.variant().to_owned(),
        k1: bm25.k1(),
        b: bm25.b(),
    };
    save(path, "lexical index", &meta, ("postings", &postings.to_bytes()))
}

/// Reads what [`save_postings`] wrote.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Io`], [`Error::Corrupt`], [`Error::FormatTooNew`].
pub fn open_postings(path: &Path) -> Result<(InvertedIndex, String, Bm25)> {
    let container = open(path, "lexical index")?;
    let meta: LexicalMeta = meta(&container)?;
    let bm25 =
        Bm25::new(&meta.variant, meta.k1, meta.b).map_err(|error| container.corrupt(error.to_string()))?;
    let postings = PostingsView::new(container.section("postings")?)
        .and_then(|view| view.to_owned())
        .ok_or_else(|| container.corrupt("its postings cannot be read"))?;
    Ok((postings, meta.analyzer, bm25))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexical::{Analyzer, Postings};

    #[test]
    fn blocks_come_back_and_replace_their_elders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dense");
        for rows in [1, 2] {
            let mut matrix = Matrix::new(2, Metric::Dot).unwrap();
            matrix.add(&vec![0.5; rows * 2]).unwrap();
            save_matrix(&path, &matrix).unwrap();
            let opened = open_matrix(&path).unwrap();
            assert_eq!((opened.values(), opened.metric()), (matrix.values(), Metric::Dot));
        }

        let mut index = InvertedIndex::default();
        index.add(&Analyzer::named("default").unwrap(), "early termination");
        let path = folder.path().join("lexical");
        let bm25 = Bm25::new("atire", 0.9, 0.4).unwrap();
        save_postings(&path, &index, "default", &bm25).unwrap();
        let (opened, analyzer, formula) = open_postings(&path).unwrap();
        assert_eq!((opened.lengths(), analyzer.as_str(), formula), (index.lengths(), "default", bm25));
        assert!(matches!(open_matrix(&path), Err(Error::Corrupt { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
