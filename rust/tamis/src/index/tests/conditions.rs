//! What a filter lets through, against plain evaluation; and what is valid when.

use proptest::prelude::*;

use super::*;
use crate::columns::{Compared, Condition, Operand, Value};

#[derive(Clone, Debug, PartialEq)]
enum Held {
    Bool(bool),
    Int(i64),
    Float(f64),
    Time(i64),
    Text(String),
    Items(Vec<String>),
}

/// The fields of a document: `a` and `b` of any type, each there or not.
type Fields = Vec<(&'static str, Held)>;

fn values(fields: &Fields) -> Vec<(&str, Value<'_>)> {
    fields
        .iter()
        .flat_map(|(name, held)| {
            let values = match held {
                Held::Bool(value) => vec![Value::Bool(*value)],
                Held::Int(value) => vec![Value::Int(*value)],
                Held::Float(value) => vec![Value::Float(*value)],
                Held::Time(value) => vec![Value::Time(*value)],
                Held::Text(text) => vec![Value::Text(text)],
                Held::Items(items) if items.is_empty() => vec![Value::Nothing],
                Held::Items(items) => items.iter().map(|item| Value::Item(item)).collect(),
            };
            values.into_iter().map(|value| (*name, value))
        })
        .collect()
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "ab", "b", "ba", "é", "éa"]).prop_map(str::to_owned)
}

fn whole() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -2i64..3, 1 => Just(i64::MAX), 1 => Just(1 << 53), 1 => Just((1 << 53) + 1)]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![-2i32..3, -2i32..3]
        .prop_map(|n| f64::from(n) / 2.0)
        .boxed()
        .prop_union(prop::sample::select(vec![-0.0, 2f64.powi(53), 2f64.powi(63), -1e300]).boxed())
}

fn held() -> impl Strategy<Value = Held> {
    prop_oneof![
        any::<bool>().prop_map(Held::Bool),
        whole().prop_map(Held::Int),
        number().prop_map(Held::Float),
        whole().prop_map(Held::Time),
        text().prop_map(Held::Text),
        prop::collection::vec(text(), 0..3).prop_map(Held::Items),
    ]
}

fn fields() -> impl Strategy<Value = Fields> {
    (prop::option::of(held()), prop::option::of(held()))
        .prop_map(|(a, b)| a.map(|a| ("a", a)).into_iter().chain(b.map(|b| ("b", b))).collect())
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        any::<bool>().prop_map(Operand::Bool),
        whole().prop_map(Operand::Int),
        number().prop_map(Operand::Float),
        whole().prop_map(Operand::Time),
        text().prop_map(Operand::Text),
        (whole(), text()).prop_map(|(moment, text)| Operand::Dated(moment, text)),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let name = || prop::sample::select(vec!["a", "b"]).prop_map(str::to_owned);
    let compared =
        prop::sample::select(vec![Compared::Below, Compared::AtMost, Compared::Above, Compared::AtLeast]);
    let leaf = prop_oneof![
        name().prop_map(Condition::Exists),
        (name(), prop::collection::vec(operand(), 0..3)).prop_map(|(name, some)| Condition::In(name, some)),
        (name(), compared, operand()).prop_map(|(name, how, one)| Condition::Compare(name, how, one)),
        (name(), operand()).prop_map(|(name, one)| Condition::Contains(name, one)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::Any),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    })
}

/// How a number compares with another, by parts that are exact.
fn order(a: f64, b: f64, whole: [Option<i64>; 2]) -> std::cmp::Ordering {
    match whole {
        [Some(a), Some(b)] => a.cmp(&b),
        [None, Some(b)] if a.abs() < 1e30 => {
            (a.floor() as i128).cmp(&i128::from(b)).then(a.fract().abs().total_cmp(&0.0))
        }
        [Some(_), None] => order(b, a, [None, whole[0]]).reverse(),
        _ => a.partial_cmp(&b).unwrap(),
    }
}

/// How a value compares with an operand, if it can be compared.
fn compare(held: &Held, operand: &Operand) -> Vec<std::cmp::Ordering> {
    let texts = |text: &String| match held {
        Held::Text(own) => vec![own.cmp(text)],
        Held::Items(items) => items.iter().map(|item| item.cmp(text)).collect(),
        _ => Vec::new(),
    };
    let one = |order| vec![order];
    match (held, operand) {
        (Held::Bool(a), Operand::Bool(b)) => one(a.cmp(b)),
        (Held::Int(a), Operand::Int(b)) | (Held::Time(a), Operand::Time(b)) => one(a.cmp(b)),
        (Held::Int(a), Operand::Float(b)) => one(order(*a as f64, *b, [Some(*a), None])),
        (Held::Float(a), Operand::Int(b)) => one(order(*a, *b as f64, [None, Some(*b)])),
        (Held::Float(a), Operand::Float(b)) => one(order(*a, *b, [None, None])),
        (_, Operand::Text(text) | Operand::Dated(_, text)) => texts(text),
        _ => Vec::new(),
    }
}

fn own(fields: &Fields, name: String) -> impl Iterator<Item = &Held> {
    fields.iter().filter(move |(own, _)| *own == name).map(|(_, held)| held)
}

/// Whether a document meets a condition, straight from what it means.
fn meets(fields: &Fields, condition: &Condition) -> bool {
    let held = |name: &str| own(fields, name.to_owned());
    let is_dated = |name: &str| held(name).any(|held| matches!(held, Held::Time(_)));
    let any = |name: &str, operand: &Operand, fits: &dyn Fn(std::cmp::Ordering) -> bool| {
        held(name).any(|held| compare(held, operand).into_iter().any(fits))
    };
    match condition {
        Condition::All(all) => all.iter().all(|one| meets(fields, one)),
        Condition::Any(some) => some.iter().any(|one| meets(fields, one)),
        Condition::Not(one) => !meets(fields, one),
        Condition::Exists(name) => held(name).next().is_some(),
        Condition::In(name, some) => some.iter().any(|one| match one {
            Operand::Dated(moment, _) if is_dated(name) => {
                any(name, &Operand::Time(*moment), &|order| order.is_eq())
            }
            one => any(name, one, &|order| order.is_eq()),
        }),
        Condition::Compare(name, how, Operand::Dated(moment, _)) if is_dated(name) => {
            meets(fields, &Condition::Compare(name.clone(), *how, Operand::Time(*moment)))
        }
        Condition::Compare(name, how, one) => any(name, one, &|order| match how {
            Compared::Below => order.is_lt(),
            Compared::AtMost => order.is_le(),
            Compared::Above => order.is_gt(),
            Compared::AtLeast => order.is_ge(),
        }),
        Condition::Contains(name, Operand::Text(part) | Operand::Dated(_, part)) => {
            held(name).any(|held| match held {
                Held::Text(own) => own.contains(part.as_str()),
                Held::Items(items) => items.contains(part),
                _ => false,
            })
        }
        Condition::Contains(name, one) => any(name, one, &|order| order.is_eq()),
    }
}

fn put(writer: &mut Writer, fields: &Fields) {
    let chunk = NewChunk { key: 1, record: b"", texts: &["word"] };
    let fields = values(fields);
    let document = NewDocument { key: 1, record: b"", fields: &fields, text: "word" };
    writer.add(document, &[chunk, chunk], &[1.0, 0.0, 0.0, 1.0], &Stop::never()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn a_filter_equals_plain_evaluation_in_any_segments(
        documents in prop::collection::vec((fields(), prop::bool::weighted(0.8)), 1..30),
        conditions in prop::collection::vec(condition(), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        drop(Writer::create(folder.path(), &settings(Some(2)), "").unwrap());
        let (left, right) = documents.split_at(cut.index(documents.len()));
        for half in [left, right] {
            let mut writer = Writer::open(folder.path()).unwrap();
            half.iter().for_each(|(fields, _)| put(&mut writer, fields));
            writer.commit("").unwrap();
        }
        let mut writer = Writer::open(folder.path()).unwrap();
        for (document, _) in documents.iter().enumerate().filter(|(_, (_, stays))| !stays) {
            writer.delete(document).unwrap();
        }
        let snapshot = writer.commit("").unwrap();
        // The fields of what was deleted are known until then.
        let compacted = Writer::open(folder.path()).unwrap().compact(&Stop::never()).unwrap();
        for condition in &conditions {
            for snapshot in [&snapshot, &snapshot, &compacted] {
                // What could not be asked is refused before.
                let Ok(selection) = snapshot.select(condition) else {
                    prop_assert!(snapshot.documents_where(condition).is_err());
                    continue;
                };
                let alive = documents.iter().enumerate().filter(|(_, (_, stays))| *stays);
                let expected: Vec<bool> = alive.map(|(_, (fields, _))| meets(fields, condition)).collect();
                let numbers: Vec<usize> = snapshot.documents().collect();
                let found = snapshot.documents_where(condition).unwrap();
                let is_found: Vec<bool> = numbers.iter().map(|number| found.contains(number)).collect();
                prop_assert_eq!(&is_found, &expected, "{:?}", condition);
                prop_assert_eq!(found.len(), expected.iter().filter(|met| **met).count());

                let rows: Vec<Row> = found.iter().flat_map(|number| snapshot.rows_of(*number).unwrap()).collect();
                let lexical = snapshot.search_lexical(&Query::text("word"), 100, Some(&selection)).unwrap();
                prop_assert_eq!(lexical.iter().map(|hit| hit.row).collect::<Vec<_>>(), rows.clone());
                let mut dense: Vec<Row> = snapshot
                    .search_dense(&[1.0, 1.0], 100, Some(&selection), 1, &Stop::never()).unwrap()
                    .remove(0).iter().map(|hit| hit.row).collect();
                dense.sort_unstable();
                prop_assert_eq!(dense, rows);
            }
        }
    }
}

#[test]
fn unknown_fields_and_other_types_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &settings(Some(2)), "").unwrap();
    put(&mut writer, &vec![("year", Held::Int(2024)), ("team", Held::Text("legal".into()))]);
    let snapshot = writer.commit("").unwrap();
    let is = |name: &str, operand| Condition::In(name.to_owned(), vec![operand]);
    let said = |condition: Condition| snapshot.select(&condition).unwrap_err().to_string();
    let unknown = said(is("yaer", Operand::Int(1)));
    assert!(unknown.contains("yaer") && unknown.contains("team, year"), "{unknown}");
    let wrong = said(is("year", Operand::Text("2024".into())));
    assert!(wrong.contains("numbers") && wrong.contains("texts"), "{wrong}");
    assert!(snapshot.documents_where(&Condition::Exists("yaer".into())).unwrap().is_empty());
    let other = Snapshot::open(folder.path(), Some(0)).unwrap();
    assert!(
        other
            .search_lexical(
                &Query::text("x"),
                1,
                Some(&snapshot.selection_of(&RowSet::all(snapshot.row_bound())).unwrap())
            )
            .is_err()
    );
    assert!(
        other
            .selection_of(&RowSet::all(0))
            .unwrap()
            .and(&snapshot.selection_of(&RowSet::all(snapshot.row_bound())).unwrap())
            .is_err()
    );
}

/// What is known about a document.
type Known<'a> = Vec<(&'a str, Value<'a>)>;

#[test]
fn what_is_valid_depends_on_the_moment() {
    let folder = tempfile::tempdir().unwrap();
    drop(Writer::create(folder.path(), &settings(Some(2)), "").unwrap());
    let documents: [(&str, u64, Known<'_>); 10] = [
        ("always", 1, vec![]),
        ("from 10", 2, vec![("document.valid_from", Value::Time(10))]),
        ("to 20", 3, vec![("document.valid_to", Value::Time(20))]),
        ("draft", 4, vec![("document.status", Value::Text("draft")), ("document.supersedes", Value::Int(1))]),
        ("old", 5, vec![]),
        ("new", 6, vec![("document.valid_from", Value::Time(15)), ("document.supersedes", Value::Int(5))]),
        ("in folder", 7, vec![("document.folder", Value::Text("v1"))]),
        ("in other", 8, vec![("document.folder", Value::Text("v2"))]),
        ("mine", 9, vec![("document.supersedes", Value::Int(10)), ("document.supersedes", Value::Int(9))]),
        ("yours", 10, vec![("document.supersedes", Value::Int(9))]),
    ];
    for (id, key, fields) in &documents {
        let mut writer = Writer::open(folder.path()).unwrap();
        let chunk = NewChunk { key: *key, record: b"", texts: &["word"] };
        let document = NewDocument { key: *key, record: id.as_bytes(), fields, text: "word" };
        writer.add(document, &[chunk], &[1.0, 1.0], &Stop::never()).unwrap();
        writer.commit("").unwrap();
    }
    let snapshot = Snapshot::open(folder.path(), None).unwrap();
    let superseded = [("v1".to_owned(), 12)];
    let valid = |snapshot: &Snapshot, moment| -> Vec<String> {
        let selection = snapshot.valid_at(moment, &superseded).unwrap();
        let hits = snapshot.search_lexical(&Query::text("word"), 10, selection.as_ref()).unwrap();
        let id = |hit: &Hit| snapshot.document(snapshot.document_of(hit.row).unwrap()).unwrap().to_vec();
        hits.iter().map(|hit| String::from_utf8(id(hit)).unwrap()).collect()
    };
    for _ in 0..2 {
        assert_eq!(valid(&snapshot, 9), ["always", "to 20", "old", "in folder", "in other", "yours"]);
        assert_eq!(
            valid(&snapshot, 10),
            ["always", "from 10", "to 20", "old", "in folder", "in other", "yours"]
        );
        assert_eq!(valid(&snapshot, 12), ["always", "from 10", "to 20", "old", "in other", "yours"]);
        assert_eq!(valid(&snapshot, 15), ["always", "from 10", "to 20", "new", "in other", "yours"]);
        assert_eq!(valid(&snapshot, 20), ["always", "from 10", "new", "in other", "yours"]);
    }
    let why = |document, moment| snapshot.invalid_at(document, moment, &superseded).unwrap();
    assert_eq!([why(0, 9), why(1, 9), why(2, 20)], [None, Some(Invalid::NotYet), Some(Invalid::Expired)]);
    assert_eq!([why(3, 9), why(4, 14)], [Some(Invalid::Never), None]);
    assert_eq!(
        [why(4, 15), why(6, 12)],
        [Some(Invalid::Superseded(Some(5))), Some(Invalid::Superseded(None))]
    );
    assert!(Snapshot::open(folder.path(), Some(1)).unwrap().valid_at(9, &[]).unwrap().is_none());

    // What took a place and was deleted holds it no longer; and so it is in one segment.
    let mut writer = Writer::open(folder.path()).unwrap();
    writer.delete(5).unwrap();
    let without = writer.commit("").unwrap();
    assert_eq!(valid(&without, 20), ["always", "from 10", "old", "in other", "yours"]);
    let compacted = Writer::open(folder.path()).unwrap().compact(&Stop::never()).unwrap();
    assert_eq!((compacted.segments(), valid(&compacted, 20)), (1, valid(&without, 20)));
}
