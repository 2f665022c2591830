//! Read-only maps of whole files.
#![allow(unsafe_code)]

use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;

use crate::{Error, Result};

/// The bytes of a file.
#[derive(Debug)]
pub(super) struct Map(memmap2::Mmap);

impl Map {
    /// Maps a file at its full length.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        // SAFETY: the store never changes or truncates a file once it has its name; it writes new
        // files and removes whole ones, and a removed file stays readable through its maps. That
        // nobody else does is asked of the user, as of every mapped store.
        unsafe { memmap2::Mmap::map(&file) }.map(Self).map_err(Error::io(path))
    }
}

impl Map {
    /// Tells the system that a range is read here and there: it then reads what is asked for, and
    /// not what lies around it.
    pub(super) fn is_read_at_random(&self, range: Range<usize>) {
        // Advice: where the system has none, nothing is lost.
        #[cfg(unix)]
        let _ = self.0.advise_range(memmap2::Advice::Random, range.start, range.len());
        #[cfg(not(unix))]
        let _ = range;
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
