mod conditions;
mod damage;
mod faults;
mod model;
mod power;
mod script;

use faults::{Fault, Faulty};

use super::history::{prune_on, rollback_on};
use super::*;
use crate::lexical::Schema;
use crate::store::fs::{Disk, FileSystem};
use std::io;

fn settings(dim: Option<usize>) -> Settings {
    let schema = Schema { positions: true, ..Schema::default() };
    Settings { dim, analyzer: "plain".into(), variant: "lucene".into(), k1: 1.2, b: 0.75, schema }
}

/// A document of which nothing is known but its text.
fn document<'a>(key: u64, record: &'a [u8], text: &'a str) -> NewDocument<'a> {
    NewDocument { key, record, fields: &[], text }
}

/// Adds a document of one chunk a word, each with a vector that points its own way.
fn add(writer: &mut Writer, id: &str, text: &str) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let chunks: Vec<NewChunk<'_>> = words
        .iter()
        .map(|word| NewChunk { key: 9, record: word.as_bytes(), texts: std::slice::from_ref(word) })
        .collect();
    let vectors: Vec<f32> = words.iter().flat_map(|word| [1.0, word.len() as f32]).collect();
    writer.add(document(id.len() as u64, id.as_bytes(), text), &chunks, &vectors, &Stop::never()).unwrap();
}

/// Every operation in words, done for real.
#[derive(Debug, Default)]
struct Recording(std::sync::Mutex<Vec<String>>);

impl Recording {
    fn note(&self, what: &str, path: &Path) {
        self.0.lock().unwrap().push(format!("{what} {}", path.display()));
    }
}

impl FileSystem for Recording {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Disk.create_dir(path)
    }

    fn write_new(&self, path: &Path, parts: &[&[u8]], stop: &Stop<'_>) -> io::Result<()> {
        self.note("write", path);
        Disk.write_new(path, parts, stop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename", to);
        Disk.rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.note("sync", path);
        Disk.sync_dir(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }
}

#[test]
fn the_names_of_new_folders_are_synced_up_to_one_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let fs = Arc::new(Recording::default());
    let root = folder.path().join("a/b/x.tamis");
    drop(Writer::create_on(Arc::clone(&fs) as Arc<dyn FileSystem>, &root, &settings(None), "").unwrap());
    let done = fs.0.lock().unwrap().clone();
    for new in [&root, root.parent().unwrap(), root.parent().unwrap().parent().unwrap(), folder.path()] {
        assert!(done.contains(&format!("sync {}", new.display())), "{done:?}");
    }
    assert_eq!(done.last(), Some(&format!("sync {}", root.join("manifests").display())));
}

#[test]
fn a_directory_with_other_files_is_left_alone() {
    for (name, foreign) in [("report.pdf", "report.pdf"), ("segments/interview.wav", "interview.wav")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "precious").unwrap();
        let error = Writer::create(folder.path(), &settings(None), "").unwrap_err().to_string();
        assert!(error.contains(foreign) && error.contains("of its own"), "{error}");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
        assert!(!folder.path().join("lock").exists());
    }
    // Nor does a writer touch what came into an index from elsewhere.
    let folder = tempfile::tempdir().unwrap();
    drop(Writer::create(folder.path(), &settings(None), "").unwrap());
    let file = folder.path().join("segments/notes.txt");
    std::fs::write(&file, "precious").unwrap();
    drop(Writer::open(folder.path()).unwrap());
    assert!(file.exists());
}

#[test]
fn a_damaged_old_version_does_not_stop_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &settings(Some(2)), "").unwrap();
    add(&mut writer, "a", "word");
    writer.commit("").unwrap();
    std::fs::write(folder.path().join("manifests/0000000000"), "damaged").unwrap();
    let mut writer = Writer::open(folder.path()).unwrap();
    add(&mut writer, "b", "word");
    assert_eq!(found(&writer.commit("").unwrap(), "word"), ["a", "b"]);
}

#[test]
fn a_segment_that_an_older_version_needs_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &settings(Some(2)), "").unwrap();
    add(&mut writer, "a", "word");
    writer.commit("").unwrap();
    let mut writer = Writer::open(folder.path()).unwrap();
    writer.delete(0).unwrap();
    assert_eq!(writer.commit("").unwrap().segments(), 0);
    let mut writer = Writer::open(folder.path()).unwrap();
    add(&mut writer, "b", "word");
    assert_eq!(found(&writer.commit("").unwrap(), "word"), ["b"]);
    assert_eq!(found(&Snapshot::open(folder.path(), Some(1)).unwrap(), "word"), ["a"]);
}

fn ids(snapshot: &Snapshot) -> Vec<String> {
    snapshot.documents().map(|d| String::from_utf8(snapshot.document(d).unwrap().to_vec()).unwrap()).collect()
}

fn found(snapshot: &Snapshot, word: &str) -> Vec<String> {
    let hits = snapshot.search_lexical(&Query::text(word), 10, None).unwrap();
    hits.iter()
        .map(|hit| {
            let document = snapshot.document_of(hit.row).unwrap();
            String::from_utf8(snapshot.document(document).unwrap().to_vec()).unwrap()
        })
        .collect()
}

#[test]
fn versions_hold_what_was_committed_and_never_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut writer = Writer::create(path, &settings(Some(2)), "{}").unwrap();
    add(&mut writer, "a", "one two");
    add(&mut writer, "b", "two three");
    let first = writer.commit("first").unwrap();
    assert_eq!((first.version(), first.rows(), ids(&first)), (1, 4, vec!["a".into(), "b".into()]));
    assert_eq!(found(&first, "two"), ["a", "b"]);

    let mut writer = Writer::open(path).unwrap();
    let b = writer.base().documents().nth(1).unwrap();
    writer.delete(b).unwrap();
    add(&mut writer, "b2", "two");
    let second = writer.commit("second").unwrap();
    assert_eq!(found(&second, "two"), ["a", "b2"]);
    assert_eq!((second.extra(), second.rows(), second.row_bound(), second.segments()), ("second", 3, 5, 2));
    assert_eq!(second.text(2).unwrap(), "two");
    assert_eq!((second.rows_of(2).unwrap(), second.document_of(4).unwrap()), (4..5, 2));
    assert_eq!((second.chunk(4).unwrap(), second.vector(0).unwrap().len()), (&b"two"[..], 2));

    // The old version answers as before, from its snapshot and opened anew.
    for old in [first, Arc::new(Snapshot::open(path, Some(1)).unwrap())] {
        assert_eq!((found(&old, "two"), old.extra()), (vec!["a".into(), "b".into()], "first"));
    }
    assert_eq!(versions(path).unwrap(), [0, 1, 2]);
    assert_eq!(newest(path).unwrap(), (second.index_id().to_owned(), 2));
    assert!(matches!(Snapshot::open(path, Some(9)), Err(Error::VersionNotFound { version: 9, .. })));
}

#[test]
fn deleted_rows_leave_the_statistics_and_every_search() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&folder.path().join("grown"), &settings(Some(2)), "").unwrap();
    ["x y", "x", "y z z"].iter().enumerate().for_each(|(i, text)| add(&mut writer, &i.to_string(), text));
    writer.commit("").unwrap();
    let mut writer = Writer::open(&folder.path().join("grown")).unwrap();
    writer.delete(1).unwrap();
    let grown = writer.commit("").unwrap();

    let mut writer = Writer::create(&folder.path().join("fresh"), &settings(Some(2)), "").unwrap();
    ["x y", "y z z"].iter().enumerate().for_each(|(i, text)| add(&mut writer, &i.to_string(), text));
    let fresh = writer.commit("").unwrap();

    let scores = |hits: Vec<Hit>| hits.iter().map(|hit| hit.score).collect::<Vec<_>>();
    for word in ["x", "y", "z", "x z"] {
        let lexical =
            |snapshot: &Snapshot| scores(snapshot.search_lexical(&Query::text(word), 10, None).unwrap());
        assert_eq!(lexical(&grown), lexical(&fresh), "{word}");
    }
    let dense = |snapshot: &Snapshot| {
        scores(snapshot.search_dense(&[1.0, 0.0], 10, None, 1, &Stop::never()).unwrap().remove(0))
    };
    assert_eq!(dense(&grown), dense(&fresh));

    // A filter narrows further, and must fit.
    let mut filter = RowSet::none(grown.row_bound());
    filter.insert(1);
    filter.insert(2);
    let rows = |hits: Vec<Hit>| hits.iter().map(|hit| hit.row).collect::<Vec<_>>();
    let filter = grown.selection_of(&filter).unwrap();
    assert_eq!(rows(grown.search_lexical(&Query::text("x y"), 10, Some(&filter)).unwrap()), [1]);
    assert_eq!(
        rows(grown.search_dense(&[1.0, 0.0], 10, Some(&filter), 1, &Stop::never()).unwrap().remove(0)),
        [1]
    );
    assert!(grown.selection_of(&RowSet::all(2)).is_err());
}

#[test]
fn nothing_to_commit_makes_no_version_and_a_second_writer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::create(folder.path(), &settings(None), "{}").unwrap();
    assert!(matches!(Writer::open(folder.path()), Err(Error::Locked { .. })));
    assert_eq!(writer.commit("{}").unwrap().version(), 0);
    assert!(matches!(Writer::open(&folder.path().join("none")), Err(Error::NotFound(_))));
    let snapshot = Snapshot::open(folder.path(), None).unwrap();
    assert!(matches!(snapshot.search_dense(&[1.0], 1, None, 1, &Stop::never()), Err(Error::InvalidInput(_))));
    assert!(snapshot.search_lexical(&Query::text("anything"), 10, None).unwrap().is_empty());
}

#[test]
fn a_document_is_added_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &settings(Some(2)), "").unwrap();
    let chunks = [NewChunk { key: 9, record: b"c", texts: &["c"] }];
    assert!(matches!(
        writer.add(document(1, b"d", "c"), &chunks, &[1.0], &Stop::never()),
        Err(Error::Dimension(_))
    ));
    assert!(matches!(
        writer.add(document(1, b"d", "c"), &chunks, &[1.0, f32::NAN], &Stop::never()),
        Err(Error::NonFinite { .. })
    ));
    assert!(matches!(
        writer.add(document(1, b"d", "c"), &chunks, &[0.0, 0.0], &Stop::never()),
        Err(Error::ZeroVector { .. })
    ));
    writer.add(document(1, b"empty", ""), &[], &[], &Stop::never()).unwrap();
    writer.add(document(1, b"d", "c"), &chunks, &[1.0, 1.0], &Stop::never()).unwrap();
    let snapshot = writer.commit("").unwrap();
    assert_eq!((ids(&snapshot), snapshot.rows()), (vec!["empty".into(), "d".into()], 1));
}

#[test]
fn much_is_written_as_it_comes_and_seen_at_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let files = || manifest::names(&path.join("segments")).unwrap().len();
    let mut writer = Writer::create(path, &settings(Some(2)), "").unwrap();
    for commits in [false, true] {
        writer.room = 1;
        ["a", "b", "c"].into_iter().for_each(|id| add(&mut writer, id, "red blue"));
        assert_eq!(files(), 2);
        assert_eq!(Snapshot::open(path, None).unwrap().rows(), 0);
        if commits {
            break;
        }
        drop(writer);
        assert_eq!(files(), 0);
        writer = Writer::open(path).unwrap();
    }
    let snapshot = writer.commit("").unwrap();
    assert_eq!((snapshot.segments(), files()), (3, 3));
    assert_eq!(found(&snapshot, "blue"), ["a", "b", "c"]);
    assert_eq!(ids(&Writer::open(path).unwrap().compact(&Stop::never()).unwrap()), ["a", "b", "c"]);
}

#[test]
fn a_segment_that_could_not_be_written_leaves_nothing_even_when_the_next_can() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    drop(Writer::create(path, &settings(Some(2)), "").unwrap());
    let fs = Arc::new(Faulty::new(1, Fault::Full));
    let mut writer = Writer::open_on(fs, path, None).unwrap();
    writer.room = 1;
    add(&mut writer, "a", "red");
    let chunks = [NewChunk { key: 9, record: b"red", texts: &["red"] }];
    assert!(matches!(
        writer.add(document(1, b"b", "red"), &chunks, &[1.0, 3.0], &Stop::never()),
        Err(Error::Io { .. })
    ));
    add(&mut writer, "b", "red");
    let snapshot = writer.commit("").unwrap();
    assert_eq!(found(&snapshot, "red"), ["a", "b"]);
    assert_eq!(snapshot.manifest.files().count(), 2);
    assert_eq!(manifest::names(&path.join("segments")).unwrap().len(), 2);
}

#[test]
fn the_newest_manifest_may_be_unreadable_and_its_segments_numbers_are_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut writer = Writer::create(path, &settings(Some(2)), "").unwrap();
    add(&mut writer, "a", "red");
    writer.commit("").unwrap();
    let mut writer = Writer::open(path).unwrap();
    add(&mut writer, "b", "red");
    writer.commit("").unwrap();
    std::fs::write(path.join("manifests/0000000002"), "damaged").unwrap();
    assert_eq!(rollback(path, 1).unwrap().version(), 3);
    let mut writer = Writer::open(path).unwrap();
    add(&mut writer, "c", "red");
    let snapshot = writer.commit("").unwrap();
    assert_eq!((snapshot.version(), found(&snapshot, "red")), (4, vec!["a".to_owned(), "c".into()]));
    assert_eq!(
        log(path).unwrap().iter().map(|entry| entry.created.is_some()).collect::<Vec<_>>(),
        [true, true, false, true, true]
    );
}

#[test]
fn what_was_added_is_not_compacted_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &settings(Some(2)), "").unwrap();
    add(&mut writer, "a", "red");
    assert!(matches!(writer.compact(&Stop::never()), Err(Error::InvalidInput(_))));
}

#[test]
fn what_has_a_key_is_found_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &settings(Some(2)), "").unwrap();
    for (key, id) in [(7, "a"), (5, "b"), (7, "c")] {
        let chunks = [NewChunk { key: 10 + key, record: b"r", texts: &["red"] }];
        writer.add(document(key, id.as_bytes(), "red"), &chunks, &[1.0, 2.0], &Stop::never()).unwrap();
    }
    let first = writer.commit("").unwrap();
    let mut writer = Writer::open(folder.path()).unwrap();
    writer.delete(0).unwrap();
    writer.add(document(7, b"d", ""), &[], &[], &Stop::never()).unwrap();
    let second = writer.commit("").unwrap();
    let third = Writer::open(folder.path()).unwrap().compact(&Stop::never()).unwrap();
    let documents = |snapshot: &Snapshot, key| snapshot.documents_of_key(key).unwrap();
    let rows = |snapshot: &Snapshot, key| snapshot.rows_of_key(key).unwrap();
    assert_eq!(
        (documents(&first, 7), documents(&first, 5), documents(&first, 6)),
        (vec![0, 2], vec![1], vec![])
    );
    assert_eq!((documents(&second, 7), rows(&second, 17)), (vec![2, 3], vec![0, 2]));
    assert_eq!((documents(&third, 7), rows(&third, 17), rows(&third, 15)), (vec![1, 2], vec![1], vec![0]));
}

#[test]
fn a_missing_damaged_or_swapped_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for text in ["one", "two"] {
        let mut writer = Writer::create(path, &settings(Some(2)), "").unwrap();
        add(&mut writer, "d", text);
        writer.commit("").unwrap();
    }
    let file = |i: u64| path.join(format!("segments/{i:010}.seg"));
    let fault = |expected: &str| {
        let error = Snapshot::open(path, None).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(
            error.to_string().contains("0000000001.seg") && error.to_string().contains(expected),
            "{error}"
        );
    };
    let whole = std::fs::read(file(1)).unwrap();
    std::fs::remove_file(file(1)).unwrap();
    fault("missing");
    std::fs::copy(file(2), file(1)).unwrap();
    fault("another's place");
    std::fs::write(file(1), &whole[..whole.len() / 2]).unwrap();
    fault("truncated");
    std::fs::write(file(1), whole).unwrap();
    Snapshot::open(path, None).unwrap();
}

#[test]
fn an_index_whose_making_was_cut_is_made_anew() {
    for left in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let fs = Arc::new(Faulty::new(left, Fault::Kill));
        assert!(Writer::create_on(fs, folder.path(), &settings(None), "").is_err());
        assert_eq!(Writer::create(folder.path(), &settings(None), "").unwrap().base().version(), 0);
    }
}

#[test]
fn large_segments_are_searched_by_codes_and_small_ones_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let dim = 70;
    let vector = |row: usize| (0..dim).map(move |i| ((row * 37 + i * 11) as f32 * 0.7).sin() + 0.1);
    let mut all = Vec::new();
    Writer::create(path, &settings(Some(dim)), "").unwrap().commit("").unwrap();
    for rows in [1_500, 40, 1_100] {
        let mut writer = Writer::open(path).unwrap();
        let vectors: Vec<f32> = (all.len()..all.len() + rows).flat_map(vector).collect();
        let chunks = vec![NewChunk { key: 9, record: b"r", texts: &["t"] }; rows];
        writer.add(document(1, b"d", "t"), &chunks, &vectors, &Stop::never()).unwrap();
        writer.commit("").unwrap();
        all.extend(vectors.chunks_exact(dim).map(|row| dense::prepare(row, dim, Metric::Cosine).unwrap()));
    }
    let snapshot = Snapshot::open(path, None).unwrap();
    let coded: Vec<_> =
        snapshot.parts.iter().map(|part| part.segment.codes().unwrap().map(|codes| codes.len())).collect();
    assert_eq!(coded, [Some(1_472), None, Some(1_088)]);

    let query: Vec<f32> = vector(77).collect();
    let found = snapshot.search_dense(&query, 9, None, 2, &Stop::never()).unwrap().remove(0);
    let query = dense::prepare(&query, dim, Metric::Cosine).unwrap();
    let exact =
        |row: &Vec<f32>| row.iter().zip(&query).map(|(x, q)| f64::from(*x) * f64::from(*q)).sum::<f64>();
    let mut scores: Vec<f64> = all.iter().map(exact).collect();
    for hit in &found {
        assert!((scores[hit.row as usize] - f64::from(hit.score)).abs() < 1e-6);
    }
    scores.sort_by(|a, b| b.total_cmp(a));
    assert!((scores[8] - f64::from(found[8].score)).abs() < 1e-6);
}

#[test]
fn what_was_stopped_or_refused_leaves_the_index_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &settings(Some(2)), "").unwrap();
    add(&mut writer, "a", "word");
    writer.commit("").unwrap();
    let files = || std::fs::read_dir(folder.path().join("segments")).unwrap().count();

    // In the middle of a document: what came before cannot be written either.
    let stop = Stop::when(&|| true);
    let mut writer = Writer::open(folder.path()).unwrap();
    add(&mut writer, "b", "word");
    let chunks = [NewChunk { key: 1, record: b"t", texts: &["t"] }; 2];
    let stopped = writer.add(document(1, b"d", "t"), &chunks, &[1.0; 4], &stop);
    assert!(matches!(stopped, Err(Error::Interrupted)));
    assert!(matches!(writer.commit(""), Err(Error::Interrupted)));

    let mut writer = Writer::open(folder.path()).unwrap();
    add(&mut writer, "b", "word");
    assert!(matches!(writer.commit_if("", &stop, |_| Ok(())), Err(Error::Interrupted)));

    let mut writer = Writer::open(folder.path()).unwrap();
    add(&mut writer, "b", "word");
    writer.delete(0).unwrap();
    let refused = writer.commit_if("", &Stop::never(), |new| {
        assert_eq!((new.version(), found(new, "word")), (2, vec!["b".to_owned()]));
        assert_eq!(Snapshot::open(folder.path(), None).unwrap().version(), 1);
        Err(Error::InvalidInput("no".into()))
    });
    assert!(refused.is_err());
    assert_eq!(found(&Snapshot::open(folder.path(), None).unwrap(), "word"), ["a"]);
    drop(Writer::open(folder.path()).unwrap());
    assert_eq!(files(), 1);
}

#[test]
fn a_newest_version_that_is_gone_is_missed_and_an_earlier_one_can_take_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    drop(Writer::create(root, &settings(Some(2)), "").unwrap());
    for id in ["a", "b"] {
        let mut writer = Writer::open(root).unwrap();
        add(&mut writer, id, "word");
        writer.commit("").unwrap();
    }
    let first = Snapshot::open(root, Some(1)).unwrap();
    std::fs::remove_file(root.join("manifests/0000000002")).unwrap();
    let said = |error: Error| {
        let said = error.to_string();
        assert!(matches!(error, Error::Corrupt { .. }) && said.contains("0000000002"), "{said}");
    };
    said(Snapshot::open(root, None).unwrap_err());
    said(first.newer().unwrap_err());
    said(Writer::open(root).unwrap_err());
    said(prune_on(&Disk, root, 1).unwrap_err());
    said(verify(root).unwrap().remove(0));
    assert_eq!(found(&Snapshot::open(root, Some(1)).unwrap(), "word"), ["a"]);
    // The segment of what is gone is still there: its number is not given again.
    assert_eq!(rollback(root, 1).unwrap().version(), 3);
    let mut writer = Writer::open(root).unwrap();
    add(&mut writer, "c", "word");
    assert_eq!(found(&writer.commit("").unwrap(), "word"), ["a", "c"]);
    assert!(verify(root).unwrap().is_empty());
}
