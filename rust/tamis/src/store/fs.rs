//! Every write of an index goes through this trait, so that a test can make any one of them fail.
//! (The lock holds no data, and a block alone in its file, `single`, writes to the disk.)
//!
//! Files are written once, by `write`, never through a map: a full disk is then an error and not
//! a signal. They are read through read-only maps of their full length.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::threads::Stop;

/// What the store asks of a file system.
pub trait FileSystem: Send + Sync + std::fmt::Debug {
    /// Makes a directory; it may be there already.
    ///
    /// # Errors
    /// What the system says.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Writes a file that must not be there yet, and waits until its bytes are on the disk.
    ///
    /// # Errors
    /// What the system says; and it may end early, with any error, once it is told to stop.
    fn write_new(&self, path: &Path, parts: &[&[u8]], stop: &Stop<'_>) -> io::Result<()>;

    /// Gives a file a name, in one step, replacing what had it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Waits until a directory's names are on the disk.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl FileSystem for Disk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn write_new(&self, path: &Path, parts: &[&[u8]], stop: &Stop<'_>) -> io::Result<()> {
        /// So many bytes are on the disk before more are written: no wait for it takes long.
        const AT_ONCE: usize = 8 << 20;
        let mut file = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(path)?);
        let mut waiting = 0;
        for part in parts.iter().flat_map(|part| part.chunks(AT_ONCE)) {
            if waiting + part.len() > AT_ONCE {
                stop.check().map_err(io::Error::other)?;
                file.flush()?;
                file.get_ref().sync_data()?;
                waiting = 0;
            }
            file.write_all(part)?;
            waiting += part.len();
        }
        file.flush()?;
        file.get_ref().sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Only Unix can open a directory, and only there it has to be synced.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}
