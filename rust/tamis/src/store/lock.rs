//! One writer at a time: a lock of the operating system, which dies with the process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::{Error, Result};

/// Holds the lock until it is dropped.
///
/// A child that was forked meanwhile has the lock's file open as well, and the system would count
/// it as a holder: so the owner unlocks, for all, and the child does not.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    owner: u32,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            // Should it fail, closing the file frees the lock as well.
            let _ = self.file.unlock();
        }
    }
}

impl Lock {
    /// Takes the lock of the index at `root`, or says at once who has it.
    pub(crate) fn take(root: &Path) -> Result<Self> {
        let path = root.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder's name only makes the message better.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "another writer".to_owned() } else { holder };
                return Err(Error::Locked { path: root.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(Error::Io { path, source }),
        }
        let name = format!("process {}", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(name.as_bytes()))
            .map_err(Error::io(&path))?;
        Ok(Self { file, owner: std::process::id() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let error = Lock::take(folder.path()).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(lock);
        Lock::take(folder.path()).unwrap();
    }
}
