//! One writer at a time: a lock of the operating system, which dies with the process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::{Error, Result};

/// Holds the lock until it is dropped.
///
/// A child that was forked meanwhile has the lock's file open as well, and the system would count
/// it as a holder, even when the owner is dead: so the child closes it ([`after_fork`]), which
/// takes nothing from the owner.
#[derive(Debug)]
pub(crate) struct Lock {
    file: Arc<Mutex<Option<File>>>,
    owner: u32,
}

/// The files of the locks of this process.
static HELD: Mutex<Vec<Weak<Mutex<Option<File>>>>> = Mutex::new(Vec::new());

/// Closes the locks that a child which was just forked has of its parent.
pub fn after_fork() {
    // Whoever held one of these is no thread of the child, and will not let go of it.
    let Ok(mut held) = HELD.try_lock() else { return };
    for file in held.drain(..).filter_map(|file| file.upgrade()) {
        if let Ok(mut file) = file.try_lock() {
            *file = None;
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_own()
            && let Some(file) = self.file.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            // Should it fail, closing the file frees the lock as well.
            let _ = file.unlock();
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
        // On a full disk it stays without a name.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(name.as_bytes()));
        let file = Arc::new(Mutex::new(Some(file)));
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|file| file.strong_count() > 0);
        held.push(Arc::downgrade(&file));
        Ok(Self { file, owner: std::process::id() })
    }

    /// Whether this process took it, and not one that it was forked from.
    pub(crate) fn is_own(&self) -> bool {
        self.owner == std::process::id()
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
