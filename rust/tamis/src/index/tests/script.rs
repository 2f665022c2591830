//! A life of an index in steps, and what it holds after each.

use super::*;

/// A document's id and text, in the order in which an index holds them.
pub(super) type Content = Vec<(String, String)>;

/// What may be done with an index.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Documents that go and documents that come, in one version.
    Commit {
        gone: Vec<&'static str>,
        new: Vec<(&'static str, &'static str)>,
    },
    Compact,
    Rollback(u64),
    Prune(usize),
}

/// An index and what its versions must hold.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// Of each version that was not pruned.
    pub(super) versions: std::collections::BTreeMap<u64, Content>,
}

impl Model {
    /// Of an index that was just made.
    pub(super) fn new() -> Self {
        Self { versions: [(0, Content::new())].into() }
    }

    pub(super) fn newest(&self) -> u64 {
        *self.versions.last_key_value().unwrap().0
    }

    pub(super) fn content(&self) -> &Content {
        &self.versions[&self.newest()]
    }

    /// What it is after a step that made this version its newest.
    pub(super) fn after(&self, step: &Step, newest: u64) -> Self {
        let mut content = self.content().clone();
        let mut versions = self.versions.clone();
        match step {
            Step::Commit { gone, new } => {
                content.retain(|(id, _)| !gone.contains(&id.as_str()));
                content.extend(new.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())));
            }
            Step::Compact => {}
            Step::Rollback(version) => content = versions[version].clone(),
            Step::Prune(keep) => {
                let gone = versions.len().saturating_sub(*keep);
                versions = versions.into_iter().skip(gone).collect();
            }
        }
        versions.insert(newest, content);
        Self { versions }
    }
}

/// Does a step; gives the newest version.
pub(super) fn act(fs: &Arc<dyn FileSystem>, path: &Path, step: &Step) -> Result<u64> {
    match step {
        Step::Commit { gone, new } => {
            let mut writer = Writer::open_on(Arc::clone(fs), path, None)?;
            let base = Arc::clone(writer.base());
            for document in base.documents() {
                if gone.iter().any(|id| id.as_bytes() == base.document(document).unwrap()) {
                    writer.delete(document)?;
                }
            }
            new.iter().for_each(|(id, text)| add(&mut writer, id, text));
            Ok(writer.commit("")?.version())
        }
        Step::Compact => Ok(Writer::open_on(Arc::clone(fs), path, None)?.compact(&Stop::never())?.version()),
        Step::Rollback(version) => Ok(rollback_on(&**fs, path, *version)?.version()),
        Step::Prune(keep) => {
            prune_on(&**fs, path, *keep)?;
            Ok(newest(path)?.1)
        }
    }
}

/// What a snapshot holds.
///
/// # Panics
/// If a file is damaged, and as [`read_content`].
pub(super) fn content_of(snapshot: &Snapshot) -> Content {
    read_content(snapshot).unwrap()
}

/// The same, unless a file is damaged.
///
/// # Panics
/// If it does not find each word of it, and nothing else, in that order.
pub(super) fn read_content(snapshot: &Snapshot) -> Result<Content> {
    let mut content = Content::new();
    for document in snapshot.documents() {
        let id = String::from_utf8(snapshot.document(document)?.to_vec()).unwrap();
        content.push((id, snapshot.text(document)?.to_owned()));
    }
    for word in ["red", "green", "blue", "none"] {
        let mut holding: Vec<&str> = Vec::new();
        for (id, text) in &content {
            holding.extend(text.split_whitespace().filter(|other| *other == word).map(|_| id.as_str()));
        }
        let mut found = Vec::new();
        for hit in snapshot.search_lexical(&Query::text(word), 1000, None)? {
            assert_eq!(snapshot.chunk(hit.row)?, word.as_bytes());
            let document = snapshot.document_of(hit.row)?;
            found.push(String::from_utf8(snapshot.document(document)?.to_vec()).unwrap());
        }
        assert_eq!(found, holding, "{word}");
        let vectors = snapshot.search_dense(&[1.0, word.len() as f32], 1000, None, 1, &Stop::never())?;
        let rows: usize = content.iter().map(|(_, text)| text.split_whitespace().count()).sum();
        assert_eq!((vectors[0].len(), snapshot.rows()), (rows, rows));
    }
    for (id, text) in &content {
        let named = snapshot.documents_of_key(id.len() as u64)?;
        let texts: Vec<&str> = named.iter().map(|document| snapshot.text(*document).unwrap()).collect();
        assert!(texts.contains(&text.as_str()));
    }
    Ok(content)
}

/// Each kind of step, and those before and after it that make it interesting.
pub(super) fn life() -> Vec<Step> {
    let commit = |gone: &[&'static str], new: &[(&'static str, &'static str)]| Step::Commit {
        gone: gone.to_vec(),
        new: new.to_vec(),
    };
    vec![
        commit(&[], &[("a", "red green"), ("b", "blue")]),
        commit(&["b"], &[("c", "green green")]),
        commit(&["a"], &[]),
        Step::Rollback(1),
        commit(&[], &[("d", "red blue")]),
        Step::Compact,
        commit(&["d"], &[("d", "blue")]),
        Step::Prune(3),
        commit(&["a", "b", "d"], &[]),
        Step::Compact,
        commit(&[], &[("e", "red")]),
        Step::Prune(1),
    ]
}

/// A directory whose files need not wait for a disk, where there is one.
pub(super) fn quick_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// How often a test is to be repeated: a share of what it takes to be sure.
pub(super) fn rounds(quick: usize) -> usize {
    std::env::var("TAMIS_TORTURE").ok().and_then(|times| times.parse::<usize>().ok()).unwrap_or(1) * quick
}
