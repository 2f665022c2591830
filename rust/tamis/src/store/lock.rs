//! One writer at a time: a lock of the operating system, which dies with the process. Its file says
//! who took it last, and which version was published last: a version that is gone is missed.

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
                // The holder's name only makes the message better.
                let holder = content(&mut file).lines().next().unwrap_or("another writer").to_owned();
                return Err(Error::Locked { path: root.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(Error::Io { path, source }),
        }
        let version = version_in(&content(&mut file));
        write(&mut file, version);
        let file = Arc::new(Mutex::new(Some(file)));
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|file| file.strong_count() > 0);
        held.push(Arc::downgrade(&file));
        Ok(Self { file, owner: std::process::id() })
    }

    /// Writes down that this version was published.
    pub(crate) fn note(&self, version: u64) {
        if let Some(file) = self.file.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            write(file, Some(version));
        }
    }

    /// Whether this process took it, and not one that it was forked from.
    pub(crate) fn is_own(&self) -> bool {
        self.owner == std::process::id()
    }
}

/// The version that was written down last in the index at `root`; none of a later version than those
/// whose names are in the directory then.
pub(crate) fn noted(root: &Path) -> Option<u64> {
    version_in(&content(&mut File::open(root.join("lock")).ok()?))
}

fn content(file: &mut File) -> String {
    let mut content = String::new();
    // What cannot be read says nothing.
    let _ = file.read_to_string(&mut content);
    content
}

fn version_in(content: &str) -> Option<u64> {
    content.lines().nth(1)?.strip_prefix("version ")?.parse().ok()
}

/// On a full disk it stays as it is.
fn write(file: &mut File, version: Option<u64>) {
    let version = version.map_or_else(String::new, |version| format!("version {version}"));
    let content = format!("process {}\n{version}\n", std::process::id());
    let written = file.rewind().and_then(|()| file.write_all(content.as_bytes()));
    let _ = written.and_then(|()| file.set_len(content.len() as u64));
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
        assert_eq!(noted(folder.path()), None);
        lock.note(12);
        drop(lock);
        let lock = Lock::take(folder.path()).unwrap();
        assert_eq!(noted(folder.path()), Some(12));
        lock.note(13);
        assert_eq!(noted(folder.path()), Some(13));
        assert!(!Lock::take(folder.path()).unwrap_err().to_string().contains("version"));
    }
}
