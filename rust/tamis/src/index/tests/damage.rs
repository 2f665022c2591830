//! Damage of every kind in every file: an error that names it, or the right answers.

use super::script::{Content, Step, act, content_of, life, quick_folder, read_content, rounds};
use super::*;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

/// Damages the bytes of a file in one of the ways in which disks, tools and people do; `None` removes it.
fn damaged(bytes: &[u8], other: &[u8], random: &mut Random) -> (&'static str, Option<Vec<u8>>) {
    let mut bytes = bytes.to_vec();
    let at = random.below(bytes.len());
    let kind = match random.below(10) {
        0 => {
            bytes[at] ^= 1 << random.below(8);
            "a bit"
        }
        1 => {
            bytes[at] = random.below(256) as u8;
            "a byte"
        }
        2 => {
            let end = bytes.len().min(at + 4096);
            bytes[at..end].fill(0);
            "a page of zeros"
        }
        3 => {
            bytes.truncate(at);
            "cut"
        }
        4 => {
            bytes.clear();
            "empty"
        }
        5 => {
            bytes.extend((0..=random.below(100)).map(|i| i as u8));
            "longer"
        }
        6 => return ("gone", None),
        7 => {
            bytes = other.to_vec();
            "another file"
        }
        8 => {
            // Numbers lie at multiples of 8 bytes.
            let at = at / 8 * 8;
            let end = bytes.len().min(at + 8);
            bytes[at..end].fill(0xff);
            "a huge number"
        }
        _ => {
            bytes.drain(at..bytes.len().min(at + 1 + random.below(16)));
            "bytes taken out"
        }
    };
    (kind, Some(bytes))
}

#[test]
fn damage_is_an_error_that_names_the_file_or_changes_no_answer() {
    let folder = quick_folder();
    let path = folder.path();
    drop(Writer::create(path, &settings(Some(2)), "").unwrap());
    let fs: Arc<dyn FileSystem> = Arc::new(Disk);
    // So long that it is not read when the index is opened.
    let long: &'static str = format!("red{}", " ".repeat(1 << 20)).leak();
    let mut steps = life()[..6].to_vec();
    steps.push(Step::Commit { gone: vec![], new: vec![("long", long)] });
    for step in &steps {
        act(&fs, path, step).unwrap();
    }
    let expected: Vec<(u64, Content)> = versions(path)
        .unwrap()
        .into_iter()
        .map(|version| (version, content_of(&Snapshot::open(path, Some(version)).unwrap())))
        .collect();
    let mut files = Vec::new();
    for folder in ["manifests", "segments"] {
        for name in manifest::names(&path.join(folder)).unwrap() {
            let file = path.join(folder).join(name);
            files.push((file.clone(), std::fs::read(&file).unwrap()));
        }
    }
    let mut random = Random(11);
    let (mut refused, mut right) = (0, 0);
    for round in 0..rounds(2000) {
        let (file, bytes) = &files[round % files.len()];
        let other = &files[random.below(files.len())].1;
        let (kind, damage) = damaged(bytes, other, &mut random);
        std::fs::remove_file(file).unwrap();
        if let Some(damage) = damage {
            std::fs::write(file, damage).unwrap();
        }
        let is_gone = kind == "gone" && file.starts_with(path.join("manifests"));
        let mut faults = Vec::new();
        for (version, content) in &expected {
            match Snapshot::open(path, Some(*version)).and_then(|snapshot| read_content(&snapshot)) {
                Ok(found) => {
                    right += 1;
                    assert!(found == *content, "{kind} in {}", file.display());
                }
                Err(Error::VersionNotFound { .. }) if is_gone => {
                    // One in the middle may have been pruned; the newest is missed.
                    if expected.last().is_some_and(|(newest, _)| newest == version) {
                        faults.push(Snapshot::open(path, None).unwrap_err());
                        assert!(faults[0].to_string().contains(file.to_str().unwrap()));
                    }
                }
                Err(error) => {
                    refused += 1;
                    let is_kind = matches!(error, Error::Corrupt { .. } | Error::FormatTooNew { .. });
                    let names = error.to_string().contains(file.to_str().unwrap());
                    assert!(is_kind && names, "{kind} in {}: {error}", file.display());
                    faults.push(error);
                }
            }
        }
        assert_eq!(verify(path).unwrap().is_empty(), faults.is_empty(), "{kind} in {}", file.display());
        std::fs::write(file, bytes).unwrap();
    }
    assert!(refused > 1000 && right > 1000, "{refused} refused, {right} right");
}
