//! Any life, step by step beside a plain model.

use proptest::prelude::*;

use super::script::{Model, Step, act, content_of, quick_folder};
use super::*;

const IDS: [&str; 4] = ["a", "b", "c", "d"];
const TEXTS: [&str; 5] = ["", "red", "green blue", "blue blue red", "green red green"];

/// A step that means something to any index: numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Wish {
    Commit { gone: Vec<usize>, new: Vec<(usize, usize)> },
    Compact,
    Rollback(usize),
    Prune(usize),
}

fn wish() -> impl Strategy<Value = Wish> {
    let gone = prop::collection::vec(0..IDS.len(), 0..3);
    let new = prop::collection::vec((0..IDS.len(), 0..TEXTS.len()), 0..4);
    prop_oneof![
        6 => (gone, new).prop_map(|(gone, new)| Wish::Commit { gone, new }),
        2 => Just(Wish::Compact),
        1 => any::<usize>().prop_map(Wish::Rollback),
        1 => (1usize..4).prop_map(Wish::Prune),
    ]
}

fn step(wish: &Wish, model: &Model) -> Step {
    match wish {
        Wish::Commit { gone, new } => {
            // What comes in place of an older text: that one goes.
            let gone = gone.iter().chain(new.iter().map(|(id, _)| id)).map(|id| IDS[*id]).collect();
            let new: std::collections::BTreeMap<_, _> =
                new.iter().map(|(id, text)| (IDS[*id], TEXTS[*text])).collect();
            Step::Commit { gone, new: new.into_iter().collect() }
        }
        Wish::Compact => Step::Compact,
        Wish::Rollback(i) => {
            let versions: Vec<u64> = model.versions.keys().copied().collect();
            Step::Rollback(versions[i % versions.len()])
        }
        Wish::Prune(keep) => Step::Prune(*keep),
    }
}

proptest! {
    #[test]
    fn any_life_is_that_of_a_plain_model(wishes in prop::collection::vec(wish(), 1..10)) {
        let folder = quick_folder();
        let path = folder.path();
        drop(Writer::create(path, &settings(Some(2)), "").unwrap());
        let fs: Arc<dyn FileSystem> = Arc::new(Disk);
        let mut model = Model::new();
        let mut reader = Snapshot::open(path, None).unwrap();
        for wish in &wishes {
            let step = step(wish, &model);
            let newest = act(&fs, path, &step).unwrap();
            prop_assert!(newest == model.newest() || newest == model.newest() + 1);
            model = model.after(&step, newest);
            // An open snapshot stays as it was, and then finds what came.
            let before = content_of(&reader);
            if let Some(newer) = reader.newer().unwrap() {
                prop_assert_eq!(content_of(&reader), before);
                reader = newer;
            }
            prop_assert_eq!(&content_of(&reader), model.content());
            prop_assert_eq!(versions(path).unwrap(), model.versions.keys().copied().collect::<Vec<_>>());
            for (version, content) in &model.versions {
                let snapshot = Snapshot::open(path, Some(*version)).unwrap();
                prop_assert_eq!(&content_of(&snapshot), content, "version {}", version);
            }
        }
    }
}
