//! What becomes of old versions, and whether all files are whole.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::{Snapshot, open_named, open_segment, versions};
use crate::store::fs::{Disk, FileSystem};
use crate::store::lock::{Lock, noted};
use crate::store::manifest::{self, Manifest};
use crate::{Error, Result};

/// Makes an earlier version the newest again: as a new version, since a version never changes, and
/// those in between stay. The newest one may be damaged. Back to the newest there is nothing to do.
///
/// # Errors
/// [`Error::NotFound`], [`Error::VersionNotFound`], [`Error::Locked`], [`Error::Io`], and
/// [`Error::Corrupt`] if a file of that version is damaged; nothing is changed then.
pub fn rollback(path: &Path, version: u64) -> Result<Arc<Snapshot>> {
    rollback_on(&Disk, path, version)
}

pub(super) fn rollback_on(fs: &dyn FileSystem, path: &Path, version: u64) -> Result<Arc<Snapshot>> {
    versions(path)?;
    let lock = Lock::take(path)?;
    manifest::sync_names(fs, path)?;
    let newest = versions(path)?.last().copied().unwrap_or(0);
    let published = newest.max(noted(path).unwrap_or(0));
    let wanted = Snapshot::open(path, Some(version))?;
    if version == published {
        return Ok(Arc::new(wanted));
    }
    let manifest = Manifest {
        version: published + 1,
        created: super::writer::now(),
        next_segment: manifest::free_segment(path)?,
        ..wanted.manifest.clone()
    };
    manifest.publish(fs, path)?;
    lock.note(manifest.version);
    Snapshot::of(path, manifest, &wanted.open_segments()).map(Arc::new)
}

/// What is known of a version without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub version: u64,
    /// When it was published, in microseconds since 1970; none if its manifest is damaged.
    pub created: Option<u64>,
}

/// The versions of an index, ascending, whatever their files are like.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Io`], and [`Error::Corrupt`] if all manifests are gone.
pub fn log(path: &Path) -> Result<Vec<Entry>> {
    let created = |version| Manifest::read_file(path, version).ok().map(|manifest| manifest.created);
    Ok(versions(path)?.into_iter().map(|version| Entry { version, created: created(version) }).collect())
}

/// What [`prune`] removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The versions, ascending.
    pub versions: Vec<u64>,
    /// The number of files that only they needed, or nothing at all.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
}

/// Removes all versions but the newest `keep`, and the files that none of these needs. Who has one
/// open goes on reading it.
///
/// # Errors
/// [`Error::InvalidInput`] if `keep` is 0, [`Error::NotFound`], [`Error::Locked`], [`Error::Io`],
/// and [`Error::Corrupt`] if the manifest of a version that stays is damaged: nothing is removed
/// then.
pub fn prune(path: &Path, keep: usize) -> Result<Pruned> {
    prune_on(&Disk, path, keep)
}

pub(super) fn prune_on(fs: &dyn FileSystem, path: &Path, keep: usize) -> Result<Pruned> {
    if keep == 0 {
        return Err(Error::InvalidInput("keep is 0; at least the newest version stays".into()));
    }
    versions(path)?;
    let _lock = Lock::take(path)?;
    // A writer may have died between a version's name and the promise that it stays.
    manifest::sync_names(fs, path)?;
    if let Some(missed) = manifest::missed(path)? {
        return Err(missed);
    }
    let mut gone = versions(path)?;
    let kept = gone.split_off(gone.len().saturating_sub(keep));
    let kept = kept.iter().map(|version| Manifest::read(path, Some(*version)));
    let kept: Vec<Manifest> = kept.collect::<Result<_>>()?;
    for version in &gone {
        manifest::remove(fs, path, *version)?;
    }
    // First no version may need the files, even after a power cut.
    manifest::sync_names(fs, path)?;
    let (files, bytes) = manifest::remove_unnamed(fs, path, &kept)?;
    Ok(Pruned { versions: gone, files, bytes })
}

/// Reads every file of every version and says what is wrong; nothing, if all is whole.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Io`] if the directory cannot be read.
pub fn verify(path: &Path) -> Result<Vec<Error>> {
    let mut seen = HashSet::new();
    let mut faults: Vec<Error> = manifest::missed(path)?.into_iter().collect();
    for version in versions(path)? {
        let (mut own, mut files) = (Vec::new(), Vec::new());
        let manifest = match Manifest::read(path, Some(version)) {
            Ok(manifest) => manifest,
            // Pruned meanwhile.
            Err(Error::VersionNotFound { .. }) => continue,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        for entry in &manifest.segments {
            if !seen.contains(&entry.file()) {
                files.push(entry.file());
                let verified = open_segment(path, &manifest, entry).and_then(|segment| segment.verify());
                own.extend(verified.err());
            }
            if let Some(file) = entry.deletions_file()
                && !seen.contains(&file)
            {
                let verified = open_named(path, &manifest, &file).and_then(|container| container.verify());
                own.extend(verified.err());
                files.push(file);
            }
        }
        // What is missing may have been pruned meanwhile.
        if versions(path)?.contains(&version) {
            faults.extend(own);
            seen.extend(files);
        }
    }
    Ok(faults)
}
