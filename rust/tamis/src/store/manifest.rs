//! A manifest is one version of an index: which segments make it, and how they were made.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::format::{self, Checks, Container};
use super::fs::FileSystem;
use super::lock;
use crate::lexical::Schema;
use crate::threads::Stop;
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
    /// What its terms are taken from.
    pub schema: Schema,
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
    /// Microseconds since 1970.
    pub(crate) created: u64,
    pub(crate) settings: Settings,
    /// [`Analyzer::VERSION`](crate::lexical::Analyzer::VERSION) of what made its terms.
    pub(crate) analyzers: u32,
    pub(crate) segments: Vec<SegmentEntry>,
    /// The number of the next segment, never given twice: what has it, no version names.
    pub(crate) next_segment: u64,
    /// What the layer above keeps with a version: models, sources. JSON, not read here.
    pub(crate) extra: String,
}

const FOLDER: &str = "manifests";
const SEGMENTS: &str = "segments";

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
        format::write(
            fs,
            &temporary,
            &identity(self.version),
            &[format::section("manifest", &json)],
            &Stop::never(),
        )?;
        let path = root.join(file(self.version));
        fs.rename(&temporary, &path).map_err(Error::io(&path))?;
        sync_names(fs, root)
    }

    /// Reads a version; the newest for `None`.
    pub(crate) fn read(root: &Path, version: Option<u64>) -> Result<Self> {
        loop {
            let missed = missed(root)?;
            let versions = versions(root)?;
            let newest = *versions.last().ok_or_else(|| lost(root))?;
            if let (None, Some(missed)) = (version, missed) {
                return Err(missed);
            }
            let wanted = version.unwrap_or(newest);
            if !versions.contains(&wanted) {
                let held = format!("{} versions, {} to {newest}", versions.len(), versions[0]);
                return Err(Error::VersionNotFound { path: root.to_owned(), version: wanted, held });
            }
            match Self::read_file(root, wanted) {
                // It was pruned since its name was read.
                Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                other => return other,
            }
        }
    }

    /// Reads the file of a version.
    pub(crate) fn read_file(root: &Path, wanted: u64) -> Result<Self> {
        let container = Container::open(&root.join(file(wanted)), &identity(wanted), Checks::AtOnce)?;
        let manifest: Self = serde_json::from_slice(container.section("manifest")?)
            .map_err(|error| container.corrupt(format!("its JSON does not parse: {error}")))?;
        if manifest.version != wanted {
            return Err(container.corrupt(format!("it says that it is version {}", manifest.version)));
        }
        Ok(manifest)
    }

    /// The files of its segments and of what was deleted from them.
    pub(crate) fn files(&self) -> impl Iterator<Item = String> {
        self.segments.iter().flat_map(|entry| [Some(entry.file()), entry.deletions_file()]).flatten()
    }
}

/// The error of an index without versions.
pub(crate) fn lost(root: &Path) -> Error {
    let is_segment = |name: &String| left_behind(name, 0, 0).is_some();
    if names(&root.join(SEGMENTS)).is_ok_and(|names| names.iter().any(is_segment)) {
        let reason = "it is empty, though there are segments: restore the manifests from a copy of the index";
        return Error::corrupt(&root.join(FOLDER), reason);
    }
    Error::NotFound(root.to_owned())
}

/// The error of an index whose newest version is gone, though it was published. It is not for any
/// earlier one to answer in its place.
pub(crate) fn missed(root: &Path) -> Result<Option<Error>> {
    // In this order: a version has its name before it is written down.
    let look = || -> Result<Option<u64>> {
        let noted = lock::noted(root);
        let newest = versions(root)?.last().copied();
        Ok(noted.filter(|noted| newest.is_some_and(|newest| newest < *noted)))
    };
    // Twice: an index may be made anew between two looks.
    let Some(version) = look()?.and(look()?) else { return Ok(None) };
    let reason = "it is missing, though it was published: restore it from a copy of the index (in a \
                  copy that was made while someone wrote, remove the file \"lock\")";
    Ok(Some(Error::corrupt(&root.join(file(version)), reason)))
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
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::Io { path: folder.to_owned(), source }),
        Ok(entries) => entries
            .map(|entry| Ok(entry.map_err(Error::io(folder))?.file_name().to_string_lossy().into_owned()))
            .collect(),
    }
}

/// Makes the folders of an index in a directory that is empty or was begun by a writer that died,
/// and waits until the names of all that are new are on the disk.
pub(crate) fn create_folders(fs: &dyn FileSystem, root: &Path) -> Result<()> {
    if let fault @ Error::Corrupt { .. } = lost(root) {
        return Err(fault);
    }
    if let Some(foreign) = foreign_entry(root)? {
        return Err(Error::InvalidInput(format!(
            "{} holds {foreign:?}, which is no file of an index; give the index a directory of its own",
            root.display()
        )));
    }
    // The index's own folder may be there, and its name not on the disk, since its maker died.
    let mut new: Vec<&Path> = root.ancestors().skip(1).take_while(|folder| !is_here(folder)).collect();
    new.push(root);
    for folder in [root.to_owned(), root.join(FOLDER), root.join(SEGMENTS)] {
        fs.create_dir(&folder).map_err(Error::io(&folder))?;
    }
    fs.sync_dir(root).map_err(Error::io(root))?;
    for folder in new {
        let parent = folder.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        fs.sync_dir(parent).map_err(Error::io(parent))?;
    }
    Ok(())
}

fn is_here(folder: &Path) -> bool {
    folder == Path::new("") || folder.exists()
}

/// The name of something in a directory without versions that no writer made.
fn foreign_entry(root: &Path) -> Result<Option<String>> {
    let known = |name: &String| ["lock", "encoded", FOLDER, SEGMENTS].contains(&name.as_str());
    let foreign = names(root)?.into_iter().find(|name| !known(name));
    if foreign.is_some() {
        return Ok(foreign);
    }
    // One may have become a version since these were looked for.
    let manifest = |name: &String| name.strip_suffix(".new").unwrap_or(name).parse::<u64>().is_ok();
    let foreign = names(&root.join(FOLDER))?.into_iter().find(|name| !manifest(name));
    if foreign.is_some() {
        return Ok(foreign);
    }
    Ok(names(&root.join(SEGMENTS))?.into_iter().find(|name| left_behind(name, 0, 0).is_none()))
}

/// Whether a file among the segments is one that no version names, since a writer died: its
/// segment's number was not given yet, or its version was not published. None for a name that no
/// writer gives.
fn left_behind(name: &str, next_segment: u64, version: u64) -> Option<bool> {
    let (id, kind) = name.split_once('.')?;
    let unknown = id.parse::<u64>().ok()? >= next_segment;
    match kind.split_once('.') {
        None if kind == "seg" => Some(unknown),
        Some((made, "del")) => Some(unknown || made.parse::<u64>().ok()? > version),
        _ => None,
    }
}

/// Removes the files that a dead writer left; others are none of our business.
pub(crate) fn sweep(fs: &dyn FileSystem, root: &Path, newest: &Manifest) -> Result<()> {
    let is_left = |name: &str| left_behind(name, newest.next_segment, newest.version) == Some(true);
    remove_segments(fs, root, is_left).map(drop)
}

/// Removes a version: it cannot be opened any more.
pub(crate) fn remove(fs: &dyn FileSystem, root: &Path, version: u64) -> Result<()> {
    let path = root.join(file(version));
    fs.remove(&path).map_err(Error::io(&path))
}

/// Waits until the names of all versions are on the disk.
pub(crate) fn sync_names(fs: &dyn FileSystem, root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    fs.sync_dir(&folder).map_err(Error::io(&folder))
}

/// Removes the files among the segments that a writer made and no version in `kept` names; gives
/// their number and their size in bytes.
pub(crate) fn remove_unnamed(fs: &dyn FileSystem, root: &Path, kept: &[Manifest]) -> Result<(usize, u64)> {
    let named: HashSet<String> = kept.iter().flat_map(Manifest::files).collect();
    let is_unnamed =
        |name: &str| left_behind(name, 0, 0).is_some() && !named.contains(&format!("{SEGMENTS}/{name}"));
    remove_segments(fs, root, is_unnamed)
}

fn remove_segments(fs: &dyn FileSystem, root: &Path, goes: impl Fn(&str) -> bool) -> Result<(usize, u64)> {
    let folder = root.join(SEGMENTS);
    let (mut files, mut bytes) = (0, 0);
    for name in names(&folder)?.into_iter().filter(|name| goes(name)) {
        let path = folder.join(name);
        bytes += std::fs::metadata(&path).map_or(0, |data| data.len());
        fs.remove(&path).map_err(Error::io(&path))?;
        files += 1;
    }
    Ok((files, bytes))
}

/// The number of the first segment that no file has, nor any version that can be read.
pub(crate) fn free_segment(root: &Path) -> Result<u64> {
    let mut free = 1;
    for name in names(&root.join(SEGMENTS))? {
        let id = name.split_once('.').and_then(|(id, _)| id.parse::<u64>().ok());
        free = free.max(id.map_or(0, |id| id.saturating_add(1)));
    }
    for version in versions(root)? {
        free = free.max(Manifest::read_file(root, version).map_or(0, |manifest| manifest.next_segment));
    }
    Ok(free)
}
