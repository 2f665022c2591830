//! A manifest is one version of an index: which segments make it, and how they were made.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::format::{self, Container};
use super::fs::FileSystem;
use crate::{Error, Result};

/// What is decided once, when an index is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The width of its vectors; `None` for an index without vectors.
    pub dim: Option<usize>,
    /// The name of its analyzer.
    pub analyzer: String,
    /// The BM25 variant.
    pub variant: String,
    /// BM25's `k1`.
    pub k1: f64,
    /// BM25's `b`.
    pub b: f64,
}

/// A segment as one version sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SegmentEntry {
    /// The number in its file's name.
    pub(crate) id: u64,
    /// The version that last deleted documents from it, in its deletions' file name.
    pub(crate) deleted: Option<u64>,
}

impl SegmentEntry {
    pub(crate) fn file(&self) -> String {
        format!("segments/{:010}.seg", self.id)
    }

    pub(crate) fn deletions_file(&self) -> Option<String> {
        self.deleted.map(|version| format!("segments/{:010}.{version}.del", self.id))
    }
}

/// One version of an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) version: u64,
    /// The index's id, random, part of every file's identity.
    pub(crate) index: String,
    /// Seconds since 1970.
    pub(crate) created: u64,
    pub(crate) settings: Settings,
    pub(crate) segments: Vec<SegmentEntry>,
    /// What the layer above keeps with a version: models, sources. JSON, not read here.
    pub(crate) extra: String,
}

const FOLDER: &str = "manifests";

fn file(version: u64) -> String {
    format!("{FOLDER}/{version:010}")
}

/// The identity of a manifest leaves the index's id out: it is where that id is learnt.
fn identity(version: u64) -> String {
    format!("manifest {version}")
}

impl Manifest {
    /// The identity of a file of this index.
    pub(crate) fn identity_of(&self, file: &str) -> String {
        format!("{}/{file}", self.index)
    }

    /// Makes this the newest version: when this returns, it is on the disk.
    ///
    /// The caller holds the lock, and has synced the files that the manifest names.
    pub(crate) fn publish(&self, fs: &dyn FileSystem, root: &Path) -> Result<()> {
        let folder = root.join(FOLDER);
        let temporary = folder.join(format!("{:010}.new", self.version));
        // Left behind by a writer that died.
        if temporary.exists() {
            fs.remove(&temporary).map_err(Error::io(&temporary))?;
        }
        let json = serde_json::to_vec(self).map_err(|error| Error::InvalidInput(error.to_string()))?;
        format::write(fs, &temporary, &identity(self.version), &[("manifest", &json)])?;
        let path = root.join(file(self.version));
        fs.rename(&temporary, &path).map_err(Error::io(&path))?;
        fs.sync_dir(&folder).map_err(Error::io(&folder))
    }

    /// Reads a version; the newest for `None`.
    pub(crate) fn read(root: &Path, version: Option<u64>) -> Result<Self> {
        let versions = versions(root)?;
        let newest = *versions.last().ok_or_else(|| Error::NotFound(root.to_owned()))?;
        let wanted = version.unwrap_or(newest);
        if !versions.contains(&wanted) {
            let held = format!("{} versions, {} to {newest}", versions.len(), versions[0]);
            return Err(Error::VersionNotFound { path: root.to_owned(), version: wanted, held });
        }
        let container = Container::open(&root.join(file(wanted)), &identity(wanted))?;
        let manifest: Self = serde_json::from_slice(container.section("manifest")?)
            .map_err(|error| container.corrupt(format!("its JSON does not parse: {error}")))?;
        if manifest.version != wanted {
            return Err(container.corrupt(format!("it says that it is version {}", manifest.version)));
        }
        Ok(manifest)
    }
}

/// The versions of an index, ascending.
pub(crate) fn versions(root: &Path) -> Result<Vec<u64>> {
    let mut versions: Vec<u64> = names(&root.join(FOLDER))?
        .iter()
        .filter(|name| name.len() == 10)
        .filter_map(|name| name.parse().ok())
        .collect();
    versions.sort_unstable();
    Ok(versions)
}

/// The names in a directory; none if it is missing.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::Io { path: folder.to_owned(), source }),
        Ok(entries) => entries
            .map(|entry| Ok(entry.map_err(Error::io(folder))?.file_name().to_string_lossy().into_owned()))
            .collect(),
    }
}

/// The folders of an index, made before anything is written.
pub(crate) fn create_folders(fs: &dyn FileSystem, root: &Path) -> Result<()> {
    for folder in [root.to_owned(), root.join(FOLDER), root.join("segments")] {
        fs.create_dir(&folder).map_err(Error::io(&folder))?;
    }
    fs.sync_dir(root).map_err(Error::io(root))
}

/// The number for the next segment: beyond every file there is, a dead writer's too.
pub(crate) fn next_segment(root: &Path) -> Result<u64> {
    let names = names(&root.join("segments"))?;
    let taken = names.iter().filter_map(|name| name.split('.').next()?.parse::<u64>().ok()).max();
    Ok(taken.unwrap_or(0) + 1)
}

/// Removes the segment files that no version names: a dead writer left them.
pub(crate) fn sweep(fs: &dyn FileSystem, root: &Path) -> Result<()> {
    let mut named: Vec<PathBuf> = Vec::new();
    for version in versions(root)? {
        let manifest = Manifest::read(root, Some(version))?;
        for segment in &manifest.segments {
            named.push(root.join(segment.file()));
            named.extend(segment.deletions_file().map(|file| root.join(file)));
        }
    }
    let folder = root.join("segments");
    for name in names(&folder)? {
        let path = folder.join(name);
        if !named.contains(&path) {
            fs.remove(&path).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}
