//! What makes the next version.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{NewChunk, NewDocument, Settings, Snapshot, too_many_rows};
use crate::filter::RowSet;
use crate::hit::Row;
use crate::lexical::{Analyzer, Bm25};
use crate::store::format::{self, Section};
use crate::store::fs::{Disk, FileSystem};
use crate::store::lock::Lock;
use crate::store::manifest::{self, Manifest, SegmentEntry};
use crate::store::segment::{self, SegmentBuilder, Source};
use crate::threads::Stop;
use crate::{Error, Result};

/// Makes the next version of an index. There is one at a time; it holds the index's lock.
///
/// Nothing of it is seen before [`Writer::commit`] returns; dropped, it removes what it wrote.
#[derive(Debug)]
pub struct Writer {
    fs: Arc<dyn FileSystem>,
    base: Arc<Snapshot>,
    builder: SegmentBuilder,
    /// When the builder holds this much memory, it is written.
    pub(super) room: usize,
    written: Written,
    rows_written: usize,
    next_segment: u64,
    /// For each part of the base, the documents that stay.
    alive: Vec<RowSet>,
    lock: Lock,
}

/// Segments that were written and that no version names yet; removed if none ever will.
#[derive(Debug)]
struct Written {
    fs: Arc<dyn FileSystem>,
    root: PathBuf,
    entries: Vec<SegmentEntry>,
    /// The process: a child that was forked has no business here.
    owner: u32,
}

impl Drop for Written {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            for entry in &self.entries {
                // Should it fail, the next writer removes it.
                let _ = self.fs.remove(&self.root.join(entry.file()));
            }
        }
    }
}

/// The memory that documents may take before they are written.
const ROOM: usize = 256 << 20;

impl Writer {
    /// Makes an index: a directory with an empty version 0. One that is there already is opened,
    /// whatever its settings.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for settings without meaning, [`Error::Locked`], [`Error::Io`],
    /// and as [`Snapshot::open`].
    pub fn create(path: &Path, settings: &Settings, extra: &str) -> Result<Self> {
        Self::create_on(Arc::new(Disk), path, settings, extra)
    }

    pub(super) fn create_on(
        fs: Arc<dyn FileSystem>,
        path: &Path,
        settings: &Settings,
        extra: &str,
    ) -> Result<Self> {
        Analyzer::named(&settings.analyzer)?;
        Bm25::new(&settings.variant, settings.k1, settings.b)?;
        if settings.dim == Some(0) {
            return Err(Error::InvalidInput("dim is 0; a vector has at least one dimension".into()));
        }
        if manifest::versions(path)?.is_empty() {
            manifest::create_folders(&*fs, path)?;
        }
        let lock = Lock::take(path)?;
        if manifest::versions(path)?.is_empty() {
            // Of an index that was here before, nothing is missed.
            lock.note(0);
            let manifest = Manifest {
                version: 0,
                index: random_id()?,
                created: now(),
                settings: settings.clone(),
                analyzers: Analyzer::VERSION,
                segments: Vec::new(),
                next_segment: 1,
                extra: extra.to_owned(),
            };
            manifest.publish(&*fs, path)?;
        }
        Self::locked(fs, path, lock, None)
    }

    /// Opens the newest version for writing.
    ///
    /// # Errors
    /// [`Error::Locked`] if there is another writer, and as [`Snapshot::open`].
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_on(Arc::new(Disk), path, None)
    }

    /// The same; what a snapshot has open is not opened again.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open_beside(snapshot: &Snapshot) -> Result<Self> {
        Self::open_on(Arc::new(Disk), &snapshot.path, Some(snapshot))
    }

    pub(super) fn open_on(fs: Arc<dyn FileSystem>, path: &Path, beside: Option<&Snapshot>) -> Result<Self> {
        super::versions(path)?;
        let lock = Lock::take(path)?;
        Self::locked(fs, path, lock, beside)
    }

    fn locked(fs: Arc<dyn FileSystem>, path: &Path, lock: Lock, beside: Option<&Snapshot>) -> Result<Self> {
        // A writer may have died between a version's name and the promise that it stays.
        manifest::sync_names(&*fs, path)?;
        let base = Arc::new(Snapshot::open_beside(path, None, beside)?);
        lock.note(base.version());
        manifest::sweep(&*fs, path, &base.manifest)?;
        let alive = base
            .parts
            .iter()
            .map(|part| match &part.alive {
                Some(alive) => alive.0.clone(),
                None => RowSet::all(part.segment.documents()),
            })
            .collect();
        let builder = new_builder(&base);
        let written = Written {
            fs: Arc::clone(&fs),
            root: path.to_owned(),
            entries: Vec::new(),
            owner: std::process::id(),
        };
        let next_segment = base.manifest.next_segment;
        Ok(Self { fs, base, builder, room: ROOM, written, rows_written: 0, next_segment, alive, lock })
    }

    /// The version that the next one is made from; document numbers are those of it.
    pub fn base(&self) -> &Arc<Snapshot> {
        &self.base
    }

    /// Adds a document, its chunks and their vectors (none in an
    /// index without them); all of it or, on an error, nothing. When those that were added take
    /// much memory, they are written, to be seen after the commit.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::NonFinite`], [`Error::ZeroVector`],
    /// [`Error::InvalidInput`] if the index is full, [`Error::Io`], [`Error::Interrupted`].
    pub fn add(
        &mut self,
        document: NewDocument<'_>,
        chunks: &[NewChunk<'_>],
        vectors: &[f32],
        stop: &Stop<'_>,
    ) -> Result<()> {
        if self.builder.size() >= self.room {
            self.write_added(stop)?;
        }
        let rows = self.base.row_bound() + self.rows_written + self.builder.rows() + chunks.len();
        Row::try_from(rows).map_err(|_| too_many_rows())?;
        self.builder.add(&self.base.analyzer, document, chunks, vectors, stop)
    }

    /// Writes what was added as a segment.
    fn write_added(&mut self, stop: &Stop<'_>) -> Result<()> {
        self.check_owner()?;
        if self.builder.documents() == 0 {
            return Ok(());
        }
        let entry = self.new_entry();
        self.builder.write(stop, |sections| self.write_file(&entry.file(), sections, stop))?;
        self.written.entries.push(entry);
        self.rows_written += self.builder.rows();
        self.builder = new_builder(&self.base);
        Ok(())
    }

    fn check_owner(&self) -> Result<()> {
        if self.lock.is_own() {
            return Ok(());
        }
        let reason = "this writer belongs to the process that this one was forked from; open another";
        Err(Error::InvalidInput(reason.into()))
    }

    /// The next segment; its number is not given again, even if it cannot be written.
    fn new_entry(&mut self) -> SegmentEntry {
        let id = self.next_segment;
        self.next_segment += 1;
        SegmentEntry { id, deleted: None }
    }

    fn write_file(&self, file: &str, sections: &[Section<'_>], stop: &Stop<'_>) -> Result<()> {
        let base = &self.base;
        let path = base.path.join(file);
        let written = format::write(&*self.fs, &path, &base.manifest.identity_of(file), sections, stop);
        if written.is_err() {
            // The error to tell is the first one.
            let _ = self.fs.remove(&path);
        }
        written
    }

    /// Deletes a document of the base.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is no such document.
    pub fn delete(&mut self, document: usize) -> Result<()> {
        let (part, local) = self.base.locate(document)?;
        self.alive[part].remove(local as Row);
        Ok(())
    }

    /// Publishes everything as one new version and gives it; when this returns, it is on the
    /// disk. Without changes no version is made and the base is given.
    ///
    /// # Errors
    /// [`Error::Io`]: the index is as it was, and what was written so far is removed by the next
    /// writer; or, if the last sync failed after the version had got its name, the index holds it,
    /// and the system could not promise that it stays.
    pub fn commit(self, extra: &str) -> Result<Arc<Snapshot>> {
        self.commit_if(extra, &Stop::never(), |_| Ok(()))
    }

    /// The same, unless the gate, which sees the version before anyone else, refuses it, or it is
    /// told to stop.
    ///
    /// # Errors
    /// As [`Writer::commit`], what the gate gives, and [`Error::Interrupted`]: the index is then as
    /// it was.
    pub fn commit_if(
        mut self,
        extra: &str,
        stop: &Stop<'_>,
        gate: impl FnOnce(&Arc<Snapshot>) -> Result<()>,
    ) -> Result<Arc<Snapshot>> {
        self.write_added(stop)?;
        let version = self.base.version() + 1;
        let mut entries = Vec::with_capacity(self.alive.len() + self.written.entries.len());
        for (i, alive) in self.alive.iter().enumerate() {
            let mut entry = self.base.manifest.segments[i].clone();
            let left = alive.count();
            if left == 0 {
                continue;
            }
            if left < self.base.parts[i].documents_alive() {
                entry.deleted = Some(version);
                let words: &[u8] = bytemuck::cast_slice(alive.words());
                if let Some(file) = entry.deletions_file() {
                    self.write_file(&file, &[format::section("alive", words)], stop)?;
                }
            }
            entries.push(entry);
        }
        entries.extend(self.written.entries.iter().cloned());
        self.publish(entries, extra, gate)
    }

    /// Publishes one segment of all, without what was deleted, as a new version. If nothing is to
    /// be gained no version is made, and the base is given.
    ///
    /// The files of earlier versions stay, so this takes as much room on the disk as what is alive,
    /// until these are pruned.
    ///
    /// # Errors
    /// As [`Writer::commit`]; [`Error::InvalidInput`] if documents were added,
    /// [`Error::Interrupted`].
    pub fn compact(mut self, stop: &Stop<'_>) -> Result<Arc<Snapshot>> {
        self.check_owner()?;
        if self.builder.documents() > 0 || !self.written.entries.is_empty() {
            return Err(Error::InvalidInput("documents were added; commit them first".into()));
        }
        let base = Arc::clone(&self.base);
        let entry = self.new_entry();
        let rows: Vec<RowSet> =
            base.parts.iter().zip(&self.alive).map(|(part, alive)| part.segment.rows_of_all(alive)).collect();
        let mut sources = Vec::with_capacity(base.parts.len());
        let mut is_whole = true;
        for ((part, alive), rows) in base.parts.iter().zip(&self.alive).zip(&rows) {
            let everything = alive.count() == part.segment.documents();
            is_whole &= everything;
            sources.push(Source { segment: &part.segment, alive: (!everything).then_some((alive, rows)) });
        }
        if is_whole && sources.len() <= 1 {
            return Ok(base);
        }
        if self.alive.iter().any(|alive| alive.count() > 0) {
            let dim = base.settings().dim;
            segment::merge(&sources, dim, stop, |sections| self.write_file(&entry.file(), sections, stop))?;
            self.written.entries.push(entry);
        }
        let entries = self.written.entries.clone();
        let extra = base.extra().to_owned();
        self.publish(entries, &extra, |_| Ok(()))
    }

    /// Makes a version of these segments the newest, if the gate lets it through.
    fn publish(
        mut self,
        segments: Vec<SegmentEntry>,
        extra: &str,
        gate: impl FnOnce(&Arc<Snapshot>) -> Result<()>,
    ) -> Result<Arc<Snapshot>> {
        let base = Arc::clone(&self.base);
        if segments == base.manifest.segments && extra == base.manifest.extra {
            return Ok(base);
        }
        let manifest = Manifest {
            version: base.version() + 1,
            created: now(),
            extra: extra.to_owned(),
            segments,
            next_segment: self.next_segment,
            ..base.manifest.clone()
        };
        let new = Arc::new(Snapshot::of(&base.path, manifest.clone(), &base.open_segments())?);
        gate(&new)?;
        let folder = base.path.join("segments");
        self.fs.sync_dir(&folder).map_err(Error::io(&folder))?;
        let published = manifest.publish(&*self.fs, &base.path);
        // Whatever the system said, a version may name them now.
        if manifest::versions(&base.path).map_or(true, |versions| versions.contains(&manifest.version)) {
            self.written.entries.clear();
        }
        published?;
        self.lock.note(new.version());
        Ok(new)
    }
}

fn new_builder(base: &Snapshot) -> SegmentBuilder {
    let settings = base.settings();
    SegmentBuilder::new(settings.dim, settings.schema.clone())
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros() as u64)
}

fn random_id() -> Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::InvalidInput(format!("the system gives no random numbers: {error}")))?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}
