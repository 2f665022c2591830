//! The container that every file of an index is: named sections, their table, a footer.
//!
//! ```text
//! section, section, ...   each at a multiple of 64 bytes
//! table                   a section: name 8 bytes, offset u64, length u64, CRC-32 u32, 0 u32
//! footer, 32 bytes        table offset u64, sections u32, CRC-32 of the table u32,
//!                         CRC-32 of the file's identity u32, format u32, magic 8 bytes
//! ```
//!
//! Numbers are little-endian. The identity is the index's id and the file's name in it: a file
//! that stands in another's place is noticed. No length is trusted before it was compared with
//! the file's own, and no section before its checksum held: short ones are read when the file is
//! opened, long ones when they are first asked for.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::fs::FileSystem;
use super::mmap::Map;
use crate::threads::Stop;
use crate::{Error, Result};

/// The format that this build writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

const MAGIC: [u8; 8] = *b"TAMISEOF";
const ALIGN: usize = 64;
const ENTRY: usize = 32;
const FOOTER: usize = 32;

/// A section to be written: its name, of 8 bytes at most, and its bytes in pieces.
pub(crate) type Section<'a> = (&'static str, Vec<Cow<'a, [u8]>>);

/// A section of one piece.
pub(crate) fn section<'a>(name: &'static str, bytes: impl Into<Cow<'a, [u8]>>) -> Section<'a> {
    (name, vec![bytes.into()])
}

/// Writes a container and waits until it is on the disk; if it is told to stop, a part of it.
pub(crate) fn write(
    fs: &dyn FileSystem,
    path: &Path,
    identity: &str,
    sections: &[Section<'_>],
    stop: &Stop<'_>,
) -> Result<()> {
    const ZEROS: [u8; ALIGN] = [0; ALIGN];
    let mut parts: Vec<&[u8]> = Vec::with_capacity(sections.len() * 2 + 1);
    let mut tail = Vec::new();
    let mut offset = 0usize;
    for (name, pieces) in sections {
        let mut sum = crc32fast::Hasher::new();
        let mut length = 0;
        for piece in pieces {
            sum.update(piece);
            length += piece.len();
            parts.push(piece);
        }
        let mut tag = [0; 8];
        tag[..name.len()].copy_from_slice(name.as_bytes());
        tail.extend_from_slice(&tag);
        tail.extend_from_slice(&(offset as u64).to_le_bytes());
        tail.extend_from_slice(&(length as u64).to_le_bytes());
        tail.extend_from_slice(&sum.finalize().to_le_bytes());
        tail.extend_from_slice(&[0; 4]);
        let padded = length.next_multiple_of(ALIGN);
        parts.push(&ZEROS[..padded - length]);
        offset += padded;
    }
    let table_crc = crc32fast::hash(&tail);
    tail.extend_from_slice(&(offset as u64).to_le_bytes());
    tail.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    tail.extend_from_slice(&table_crc.to_le_bytes());
    tail.extend_from_slice(&crc32fast::hash(identity.as_bytes()).to_le_bytes());
    tail.extend_from_slice(&FORMAT.to_le_bytes());
    tail.extend_from_slice(&MAGIC);
    parts.push(&tail);
    let written = fs.write_new(path, &parts, stop);
    stop.check()?;
    written.map_err(Error::io(path))
}

/// An open container.
#[derive(Debug)]
pub(crate) struct Container {
    path: PathBuf,
    map: Map,
    sections: Vec<Entry>,
}

/// A section.
#[derive(Debug)]
struct Entry {
    /// Its name, padded with zeros.
    name: [u8; 8],
    range: Range<usize>,
    sum: u32,
    /// Whether its bytes were compared with the sum, and were right, or never shall be.
    is_checked: AtomicBool,
}

impl Entry {
    fn name(&self) -> &[u8] {
        let length = self.name.iter().position(|byte| *byte == 0).unwrap_or(self.name.len());
        &self.name[..length]
    }

    fn shown(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.name())
    }

    /// Compares the bytes of the file with the sum, once.
    fn check(&self, bytes: &[u8]) -> std::result::Result<(), String> {
        if self.is_checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        if crc32fast::hash(&bytes[self.range.clone()]) != self.sum {
            let Range { start, end } = self.range;
            let name = self.shown();
            return Err(format!("the checksum of section {name:?} (bytes {start} to {end}) does not hold"));
        }
        self.is_checked.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Which sections are compared with their checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checks {
    /// All, when the file is opened.
    AtOnce,
    /// Longer ones than this when they are first asked for.
    WhenAsked(usize),
    /// Longer ones than this never.
    UpTo(usize),
}

/// Longer sections are not read when a file of an index is opened.
pub(crate) const LONG_SECTION: usize = 256 << 10;

impl Container {
    /// Opens a file, and checks how it is laid out.
    pub(crate) fn open(path: &Path, identity: &str, checks: Checks) -> Result<Self> {
        let map = Map::open(path)?;
        let sections = check(&map, identity, checks).map_err(|fault| match fault {
            Fault::Damaged(reason) => Error::corrupt(path, reason),
            Fault::TooNew(found) => Error::FormatTooNew { path: path.to_owned(), found, known: FORMAT },
        })?;
        Ok(Self { path: path.to_owned(), map, sections })
    }

    /// The bytes of a section, at an address that is a multiple of 64.
    pub(crate) fn section(&self, name: &str) -> Result<&[u8]> {
        let entry = self.entry(name)?;
        entry.check(&self.map).map_err(|reason| self.corrupt(reason))?;
        Ok(&self.map[entry.range.clone()])
    }

    /// Reads all of it.
    pub(crate) fn verify(&self) -> Result<()> {
        self.sections
            .iter()
            .try_for_each(|entry| entry.check(&self.map))
            .map_err(|reason| self.corrupt(reason))
    }

    /// The same, before it is known whether its bytes are right.
    pub(crate) fn unchecked(&self, name: &str) -> Result<&[u8]> {
        self.entry(name).map(|entry| &self.map[entry.range.clone()])
    }

    /// Whether there is a section of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entry(name).is_ok()
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        let found = self.sections.iter().find(|entry| entry.name() == name.as_bytes());
        found.ok_or_else(|| self.corrupt(format!("it has no section {name:?}")))
    }

    /// Tells the system that a section is read here and there, not from end to end.
    pub(crate) fn is_read_at_random(&self, name: &str) {
        if let Ok(entry) = self.entry(name) {
            self.map.is_read_at_random(entry.range.clone());
        }
    }

    /// A section as an array.
    pub(crate) fn array<T: bytemuck::Pod>(&self, name: &str) -> Result<&[T]> {
        bytemuck::try_cast_slice(self.section(name)?)
            .map_err(|_| self.corrupt(format!("section {name:?} is no whole number of values")))
    }

    /// An error that names this file.
    pub(crate) fn corrupt(&self, reason: impl Into<String>) -> Error {
        Error::corrupt(&self.path, reason)
    }

    /// The sections' names and sizes in bytes.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (String, usize)> + '_ {
        self.sections.iter().map(|entry| (entry.shown().into_owned(), entry.range.len()))
    }

    /// The size of the file in bytes.
    pub(crate) fn size(&self) -> usize {
        self.map.len()
    }
}

enum Fault {
    Damaged(String),
    TooNew(u32),
}

fn check(bytes: &[u8], identity: &str, checks: Checks) -> std::result::Result<Vec<Entry>, Fault> {
    let damaged = |reason: &str| Fault::Damaged(reason.to_owned());
    let (body, footer) = bytes
        .split_last_chunk::<FOOTER>()
        .filter(|(_, footer)| footer.ends_with(&MAGIC))
        .ok_or_else(|| {
            Fault::Damaged(format!(
                "its {} bytes do not end in a footer: truncated, or no such file",
                bytes.len()
            ))
        })?;
    let format = u32_at(footer, 20);
    if format > FORMAT {
        return Err(Fault::TooNew(format));
    }
    let table_start = usize::try_from(u64_at(footer, 0)).ok();
    let table = table_start
        .and_then(|start| body.get(start..))
        .filter(|table| table.len() == u32_at(footer, 8) as usize * ENTRY)
        .ok_or_else(|| damaged("its table of sections does not fit its length"))?;
    if crc32fast::hash(table) != u32_at(footer, 12) {
        return Err(damaged("the checksum of its table of sections does not hold"));
    }
    if crc32fast::hash(identity.as_bytes()) != u32_at(footer, 16) {
        return Err(Fault::Damaged(format!("it is not the file {identity:?}: it stands in another's place")));
    }
    let data = &body[..body.len() - table.len()];
    table
        .as_chunks::<ENTRY>()
        .0
        .iter()
        .map(|entry| {
            let mut name = [0; 8];
            name.copy_from_slice(&entry[..8]);
            let start = usize::try_from(u64_at(entry, 8)).unwrap_or(usize::MAX);
            let length = usize::try_from(u64_at(entry, 16)).unwrap_or(usize::MAX);
            let range = start..start.saturating_add(length);
            let is_checked = AtomicBool::new(matches!(checks, Checks::UpTo(longest) if length > longest));
            let section = Entry { name, range, sum: u32_at(entry, 24), is_checked };
            if !start.is_multiple_of(ALIGN) || data.get(section.range.clone()).is_none() {
                let name = section.shown();
                return Err(Fault::Damaged(format!("section {name:?} reaches beyond the file")));
            }
            if !matches!(checks, Checks::WhenAsked(longest) if length > longest) {
                section.check(data).map_err(Fault::Damaged)?;
            }
            Ok(section)
        })
        .collect()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[cfg(test)]
mod tests {
    use super::super::fs::Disk;
    use super::*;
    use proptest::prelude::*;

    fn written(sections: &[(&'static str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        // In two pieces, one of them perhaps empty.
        let halves = |bytes: &[u8]| {
            let (left, right) = bytes.split_at(bytes.len() / 2);
            vec![Cow::Owned(left.to_vec()), Cow::Owned(right.to_vec())]
        };
        let sections: Vec<Section<'_>> =
            sections.iter().map(|(name, bytes)| (*name, halves(bytes))).collect();
        write(&Disk, &path, "me", &sections, &Stop::never()).unwrap();
        (folder, path)
    }

    #[test]
    fn gives_back_what_was_written() {
        let numbers: [u32; 5] = [1, 2, 3, 4, 5];
        let (_folder, path) =
            written(&[("text", b"abc"), ("numbers", bytemuck::cast_slice(&numbers)), ("empty", b"")]);
        let container = Container::open(&path, "me", Checks::AtOnce).unwrap();
        assert_eq!(container.section("text").unwrap(), b"abc");
        assert_eq!(container.array::<u32>("numbers").unwrap(), numbers);
        assert_eq!(container.section("empty").unwrap(), b"");
        assert!(matches!(container.section("other"), Err(Error::Corrupt { .. })));
        assert!(matches!(container.array::<u32>("text"), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn a_file_in_anothers_place_and_a_newer_format_are_told_apart() {
        let (_folder, path) = written(&[("text", b"abc")]);
        let error = Container::open(&path, "you", Checks::AtOnce).unwrap_err().to_string();
        assert!(error.contains("another's place") && error.contains("file"), "{error}");

        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.len() - 12;
        bytes[at] += 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(
            Container::open(&path, "me", Checks::AtOnce),
            Err(Error::FormatTooNew { found: 2, known: 1, .. })
        ));
    }

    #[test]
    fn long_sections_are_checked_when_they_are_asked_for() {
        let (_folder, path) = written(&[("short", &[7; 10]), ("long", &[8; 100]), ("other", &[9; 100])]);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[64] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let open = |checks| Container::open(&path, "me", checks);
        assert!(open(Checks::AtOnce).is_err() && open(Checks::WhenAsked(100)).is_err());
        let container = open(Checks::WhenAsked(99)).unwrap();
        assert_eq!(container.unchecked("long").unwrap()[0], 9);
        for _ in 0..2 {
            let error = container.section("long").unwrap_err().to_string();
            assert!(error.contains("long") && error.contains(path.to_str().unwrap()), "{error}");
        }
        assert_eq!((container.section("other").unwrap()[0], container.section("short").unwrap()[0]), (9, 7));
        assert_eq!(open(Checks::UpTo(99)).unwrap().section("long").unwrap()[0], 9);
    }

    proptest! {
        #[test]
        fn damage_anywhere_is_an_error_that_names_the_file(at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<bool>()) {
            let (_folder, path) = written(&[("text", &[7; 100]), ("more", &[9; 64])]);
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            // Padding between sections carries nothing.
            prop_assume!(cut || !(100..128).contains(&at));
            if cut { bytes.truncate(at); } else { bytes[at] ^= flip; }
            std::fs::write(&path, bytes).unwrap();
            let error = Container::open(&path, "me", Checks::AtOnce).unwrap_err();
            prop_assert!(error.to_string().contains(path.to_str().unwrap()));
        }
    }
}
