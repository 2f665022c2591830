//! The power goes at any moment: what was not synced may be there, or not, or in part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::script::{Model, Step, act, content_of, life, quick_folder, rounds};
use super::*;

/// What happened to a disk. Names are below the directory of the index.
#[derive(Clone, Debug)]
enum Event {
    Create(String, Arc<[u8]>),
    SyncFile(String),
    Rename(String, String),
    Remove(String),
    SyncDir(String),
    /// So many steps of the life were done, and the user was told.
    Done(usize),
}

/// Does everything for real, and notes it.
#[derive(Debug)]
struct Recorder {
    root: PathBuf,
    events: Mutex<Vec<Event>>,
}

impl Recorder {
    fn note(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(Path::new("")).to_str().unwrap().to_owned()
    }
}

impl FileSystem for Recorder {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Disk.create_dir(path)
    }

    fn write_new(&self, path: &Path, parts: &[&[u8]], stop: &Stop<'_>) -> io::Result<()> {
        Disk.write_new(path, parts, stop)?;
        self.note(Event::Create(self.name(path), parts.concat().into()));
        self.note(Event::SyncFile(self.name(path)));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note(Event::Rename(self.name(from), self.name(to)));
        Disk.rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.note(Event::SyncDir(self.name(path)));
        Disk.sync_dir(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.note(Event::Remove(self.name(path)));
        Disk.remove(path)
    }
}

/// What a disk makes of events that it was not asked to sync.
trait Luck {
    /// Whether a change of a directory's names is there.
    fn keeps_name(&mut self) -> bool;
    /// How much of a file's bytes is there.
    fn kept(&mut self, len: usize) -> usize;
}

/// The same for all: names, bytes.
struct Always(bool, bool);

impl Luck for Always {
    fn keeps_name(&mut self) -> bool {
        self.0
    }

    fn kept(&mut self, len: usize) -> usize {
        if self.1 { len } else { 0 }
    }
}

/// Names in the order of their changes, up to some moment.
struct FirstNames(usize);

impl Luck for FirstNames {
    fn keeps_name(&mut self) -> bool {
        let keeps = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        keeps
    }

    fn kept(&mut self, len: usize) -> usize {
        len / 2
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

impl Luck for Random {
    fn keeps_name(&mut self) -> bool {
        self.next(2) == 0
    }

    fn kept(&mut self, len: usize) -> usize {
        match self.next(4) {
            0 => 0,
            1 => len,
            _ => self.next(len + 1),
        }
    }
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The files after a power cut.
fn survivors(events: &[Event], luck: &mut dyn Luck) -> BTreeMap<String, Vec<u8>> {
    // What each file was created with, and whether it was synced; a rename takes it along.
    let mut files: Vec<(Arc<[u8]>, bool)> = Vec::new();
    // The names as the process saw them, and as they are on the disk.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut durable: BTreeMap<String, usize> = BTreeMap::new();
    // Changes of names that were not synced: a name, and what it stands for then.
    let mut pending: Vec<(String, Option<usize>)> = Vec::new();
    for event in events {
        match event {
            Event::Create(name, bytes) => {
                files.push((Arc::clone(bytes), false));
                seen.insert(name.clone(), files.len() - 1);
                pending.push((name.clone(), Some(files.len() - 1)));
            }
            Event::SyncFile(name) => files[seen[name]].1 = true,
            Event::Rename(from, to) => {
                let file = seen.remove(from).unwrap();
                seen.insert(to.clone(), file);
                // One change: the new name, with which the old one goes.
                pending.push((to.clone(), Some(file)));
            }
            Event::Remove(name) => {
                seen.remove(name);
                pending.push((name.clone(), None));
            }
            Event::SyncDir(folder) => {
                pending.retain(|(name, _)| folder_of(name) != folder);
                durable.retain(|name, _| folder_of(name) != folder);
                durable.extend(
                    seen.iter().filter(|(name, _)| folder_of(name) == folder).map(|(n, f)| (n.clone(), *f)),
                );
            }
            Event::Done(_) => {}
        }
    }
    for (name, file) in pending {
        if luck.keeps_name() {
            match file {
                Some(file) => {
                    durable.retain(|_, other| *other != file);
                    durable.insert(name, file);
                }
                None => {
                    durable.remove(&name);
                }
            }
        }
    }
    let bytes = |file: usize, luck: &mut dyn Luck| {
        let (bytes, is_synced) = &files[file];
        let kept = if *is_synced { bytes.len() } else { luck.kept(bytes.len()) };
        let mut left = bytes[..kept].to_vec();
        // A length may be there before the bytes are.
        if !is_synced && kept % 2 == 1 {
            left.resize(bytes.len(), 0);
        }
        left
    };
    durable.into_iter().map(|(name, file)| (name, bytes(file, luck))).collect()
}

/// Checks what a life left, of which so many steps were done for sure.
fn check(files: &BTreeMap<String, Vec<u8>>, models: &[Model], done: usize, next: Option<&Step>) {
    let folder = quick_folder();
    let path = folder.path();
    for folder in ["manifests", "segments"] {
        std::fs::create_dir(path.join(folder)).unwrap();
    }
    for (name, bytes) in files {
        std::fs::write(path.join(name), bytes).unwrap();
    }
    let snapshot = Snapshot::open(path, None).unwrap();
    let sure = &models[done];
    let content = content_of(&snapshot);
    let (version, ahead) = (snapshot.version(), models.get(done + 1));
    let is_sure = version == sure.newest() && content == *sure.content();
    let is_ahead = ahead.is_some_and(|ahead| version == ahead.newest() && content == *ahead.content());
    assert!(is_sure || is_ahead, "version {version} holds {content:?} after {done} steps, before {next:?}");
    // What was promised to stay is there.
    let here: BTreeSet<u64> = versions(path).unwrap().into_iter().collect();
    for (version, content) in &sure.versions {
        let may_go = ahead.is_some_and(|ahead| !ahead.versions.contains_key(version));
        if here.contains(version) {
            assert_eq!(content_of(&Snapshot::open(path, Some(*version)).unwrap()), *content);
        }
        assert!(may_go || here.contains(version), "version {version} is gone");
    }
    // And the life can go on.
    drop(snapshot);
    let mut writer = Writer::open(path).unwrap();
    add(&mut writer, "z", "red");
    let mut expected = content;
    expected.push(("z".into(), "red".into()));
    assert_eq!(content_of(&writer.commit("").unwrap()), expected);
}

#[test]
fn pruning_after_a_writer_that_died_keeps_a_version() {
    let folder = quick_folder();
    let path = folder.path().join("x.tamis");
    let recorder = Arc::new(Recorder { root: path.clone(), events: Mutex::default() });
    let fs: Arc<dyn FileSystem> = recorder.clone();
    drop(Writer::create_on(Arc::clone(&fs), &path, &settings(Some(2)), "").unwrap());
    let mut model = Model::new();
    for step in &life()[..2] {
        let newest = act(&fs, &path, step).unwrap();
        model = model.after(step, newest);
    }
    // Killed between the rename of the manifest and the sync of its name.
    let last = recorder.events.lock().unwrap().pop();
    assert!(matches!(last, Some(Event::SyncDir(folder)) if folder == "manifests"));
    recorder.note(Event::Done(0));
    prune_on(&*fs, &path, 1).unwrap();
    let events = recorder.events.lock().unwrap().clone();
    let first = events.iter().position(|event| matches!(event, Event::Done(_))).unwrap();
    for end in first + 1..=events.len() {
        for seed in 0..50 {
            let files = survivors(&events[..end], &mut Random(seed));
            // Not those that have no name yet.
            let manifests = files.keys().filter(|name| name.starts_with("manifests/") && name.len() == 20);
            assert!(manifests.count() > 0, "no version is left");
        }
    }
}

#[test]
fn the_power_may_go_at_any_moment() {
    let folder = quick_folder();
    let path = folder.path().join("x.tamis");
    let recorder = Arc::new(Recorder { root: path.clone(), events: Mutex::default() });
    let fs: Arc<dyn FileSystem> = recorder.clone();
    drop(Writer::create_on(Arc::clone(&fs), &path, &settings(Some(2)), "").unwrap());
    recorder.note(Event::Done(0));
    let mut models = vec![Model::new()];
    let steps = life();
    for (done, step) in steps.iter().enumerate() {
        let newest = act(&fs, &path, step).unwrap();
        models.push(models[done].after(step, newest));
        recorder.note(Event::Done(done + 1));
    }
    let events = recorder.events.lock().unwrap().clone();
    let first = events.iter().position(|event| matches!(event, Event::Done(0))).unwrap();
    let mut random = Random(7);
    let mut states = 0;
    for end in first + 1..=events.len() {
        let events = &events[..end];
        let done = events.iter().rev().find_map(|event| match event {
            Event::Done(done) => Some(*done),
            _ => None,
        });
        let done = done.unwrap();
        let mut lucks: Vec<Box<dyn Luck>> = vec![
            Box::new(Always(true, true)),
            Box::new(Always(true, false)),
            Box::new(Always(false, true)),
            Box::new(Always(false, false)),
        ];
        lucks.extend((1..6).map(|names| Box::new(FirstNames(names)) as Box<dyn Luck>));
        lucks.extend((0..rounds(16)).map(|_| {
            let seed = random.next(1 << 30) as u64;
            Box::new(Random(seed)) as Box<dyn Luck>
        }));
        for luck in &mut lucks {
            check(&survivors(events, &mut **luck), &models, done, steps.get(done));
            states += 1;
        }
    }
    assert!(states >= 2000, "{states} states");
}
