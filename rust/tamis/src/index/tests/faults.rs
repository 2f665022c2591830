//! Every operation of the file system fails once, in every way.

use super::script::{Model, act, content_of, life, quick_folder};
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// Nothing is done, and the system says so.
    Refused,
    /// The disk is full: half of a file is there.
    Full,
    /// The call was interrupted by a signal, when all was done.
    Interrupted,
    /// All is done, and then the system cannot say that it will stay.
    Unsynced,
    /// The process dies in the midst of it.
    Kill,
}

const FAULTS: [Fault; 5] = [Fault::Refused, Fault::Full, Fault::Interrupted, Fault::Unsynced, Fault::Kill];

/// Fails at one operation; after a kill at all that follow.
#[derive(Debug)]
pub(super) struct Faulty {
    at: usize,
    fault: Fault,
    seen: AtomicUsize,
}

impl Faulty {
    pub(super) fn new(at: usize, fault: Fault) -> Self {
        Self { at, fault, seen: AtomicUsize::new(0) }
    }

    fn step(&self, act: impl FnOnce() -> io::Result<()>, half: impl FnOnce()) -> io::Result<()> {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        if seen < self.at || (seen > self.at && self.fault != Fault::Kill) {
            return act();
        }
        if seen > self.at {
            return Err(io::Error::other("dead"));
        }
        match self.fault {
            Fault::Refused => Err(io::Error::from_raw_os_error(5)),
            Fault::Full => {
                half();
                Err(io::ErrorKind::StorageFull.into())
            }
            Fault::Interrupted => act().and_then(|()| Err(io::ErrorKind::Interrupted.into())),
            Fault::Unsynced => act().and_then(|()| Err(io::Error::from_raw_os_error(5))),
            Fault::Kill => {
                half();
                Err(io::Error::other("killed"))
            }
        }
    }
}

impl FileSystem for Faulty {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step(|| Disk.create_dir(path), || ())
    }

    fn write_new(&self, path: &Path, parts: &[&[u8]], stop: &Stop<'_>) -> io::Result<()> {
        let half = || {
            let bytes = parts.concat();
            let _ = std::fs::write(path, &bytes[..bytes.len() / 2]);
        };
        self.step(|| Disk.write_new(path, parts, stop), half)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| Disk.rename(from, to), || ())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step(|| Disk.sync_dir(path), || ())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(|| Disk.remove(path), || ())
    }
}

/// Lives a life with one fault in it; tells whether it was reached.
fn live(at: usize, fault: Fault) -> bool {
    let folder = quick_folder();
    let path = folder.path();
    drop(Writer::create(path, &settings(Some(2)), "").unwrap());
    let faulty = Arc::new(Faulty::new(at, fault));
    let mut fs: Arc<dyn FileSystem> = faulty.clone();
    let mut model = Model::new();
    for step in life() {
        let before = model.clone();
        match act(&fs, path, &step) {
            Ok(newest) => model = model.after(&step, newest),
            Err(error) => {
                assert!(matches!(error, Error::Io { .. }), "{error}");
                fs = Arc::new(Disk);
                // The index is as it was, or the step was done and could not be vouched for.
                let found = Snapshot::open(path, None).unwrap();
                let unchanged = found.version() == before.newest();
                let content = content_of(&found);
                let expected = before.after(&step, found.version());
                assert_eq!(&content, if unchanged { before.content() } else { expected.content() });
                assert!(unchanged || found.version() == before.newest() + 1);
                drop(found);
                model = if unchanged {
                    let newest = act(&fs, path, &step).unwrap();
                    before.after(&step, newest)
                } else {
                    expected
                };
            }
        }
        let listed = versions(path).unwrap();
        assert_eq!(listed, model.versions.keys().copied().collect::<Vec<_>>());
        for version in listed {
            let snapshot = Snapshot::open(path, Some(version)).unwrap();
            assert_eq!(content_of(&snapshot), model.versions[&version], "version {version} after {step:?}");
        }
        assert!(verify(path).unwrap().is_empty());
    }
    // Whatever failed, nothing is left that no version needs.
    let manifest = Manifest::read(path, None).unwrap();
    let mut named: Vec<String> = manifest.files().collect();
    let mut there: Vec<String> = manifest::names(&path.join("segments")).unwrap();
    there.iter_mut().for_each(|name| *name = format!("segments/{name}"));
    named.sort();
    there.sort();
    assert_eq!(there, named);
    faulty.seen.load(Ordering::Relaxed) > at
}

#[test]
fn any_operation_may_fail_in_any_way() {
    for fault in FAULTS {
        let mut at = 0;
        while live(at, fault) {
            at += 1;
        }
        assert!(at > 40, "{at} operations");
    }
}
