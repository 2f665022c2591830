//! From a query to what is added up and what may be found.
//!
//! Whatever is no plain term becomes a list of its own, made for the search: the rows that hold a
//! phrase, or any term with a prefix, and how often. It is then a term like others, with its own
//! document frequency.

use std::sync::LazyLock;

use fst::automaton::{Automaton, Str};
use levenshtein_automata::LevenshteinAutomatonBuilder;

use super::Analyzer;
use super::lists::{self, List};
use super::phrases::{Layout, Phrase, find};
use super::query::{Clause, Occur, Query, Wanted};
use super::schema::Schema;
use super::search::{Part, Term};
use crate::filter::RowSet;
use crate::hit::Row;
use crate::{Error, Result};

/// The most signs of a query, and the most terms of a phrase.
const MOST: usize = 1024;

/// What a likeness of a term is worth, and again the term itself.
const LIKENESS: f64 = 0.5;

/// Rows and how often each holds something.
type Postings = (Vec<Row>, Vec<u32>);

/// What a clause looks for.
enum Found {
    /// A term.
    Term(String),
    /// Postings in each part.
    Made(Vec<Postings>),
}

/// What a query comes to in some parts.
#[derive(Debug, Default)]
pub(super) struct Plan {
    terms: Vec<(String, f64)>,
    made: Vec<Made>,
    /// The rows of each part that may be found.
    filters: Option<Vec<RowSet>>,
}

/// A term that was made.
#[derive(Debug)]
struct Made {
    /// Its list in each part: how many postings, and the words.
    lists: Vec<(usize, Vec<u32>)>,
    weight: f64,
}

impl Plan {
    /// # Errors
    /// [`Error::InvalidInput`] for a phrase or a field where there are no positions, and for more
    /// signs, or a longer phrase, than a query takes.
    pub(super) fn new(
        query: &Query,
        parts: &[&Part<'_>],
        analyzer: &Analyzer,
        schema: &Schema,
    ) -> Result<Self> {
        let is_plain = |clause: &Clause| {
            clause.occur == Occur::Should
                && clause.field.is_none()
                && matches!(clause.wanted, Wanted::Words(_))
        };
        let signs = query.clauses.iter().filter(|clause| !is_plain(clause)).count();
        if signs > MOST {
            return Err(Error::InvalidInput(format!("the query has {signs} signs; it takes {MOST} at most")));
        }
        let mut plan = Self::default();
        for clause in &query.clauses {
            let layout = Layout {
                n_fields: schema.fields.len() as u32,
                field: clause.field.filter(|_| schema.fields.len() > 1).map(|field| field as u32),
            };
            let finder = Finder { parts, analyzer, layout };
            let found = finder.clause(&clause.wanted)?;
            if clause.occur != Occur::Should && !found.is_empty() {
                plan.restrict(clause, &found, parts);
            }
            if clause.occur != Occur::MustNot {
                plan.add(found, &clause.wanted, parts, &finder);
            }
        }
        Ok(plan)
    }

    /// Keeps the rows that hold all that was found, or those that do not.
    fn restrict(&mut self, clause: &Clause, found: &[Found], parts: &[&Part<'_>]) {
        let rows = |part: &Part<'_>| part.postings.lengths().len();
        let filters =
            self.filters.get_or_insert_with(|| parts.iter().map(|part| RowSet::all(rows(part))).collect());
        for (i, (part, filter)) in parts.iter().zip(filters).enumerate() {
            let mut all: Option<RowSet> = None;
            for found in found {
                let mut own = RowSet::none(filter.len());
                let n = own.len();
                let mut insert = |rows: &[Row]| {
                    // A damaged list may have rows that are none.
                    rows.iter().filter(|row| (**row as usize) < n).for_each(|row| own.insert(*row));
                };
                match found {
                    Found::Made(postings) => insert(&postings[i].0),
                    Found::Term(term) => {
                        if let Some(list) = part.postings.find(term).and_then(|id| part.postings.list(id)) {
                            list.each_block(|block| insert(block.rows()));
                        }
                    }
                }
                all = Some(all.map_or_else(|| own.clone(), |all| all.and(&own)));
            }
            let all = all.unwrap_or_default();
            *filter = filter.and(&if clause.occur == Occur::Must { all } else { all.not() });
        }
    }

    fn add(&mut self, found: Vec<Found>, wanted: &Wanted, parts: &[&Part<'_>], finder: &Finder<'_>) {
        let mut weight = 1.0;
        if let Wanted::Fuzzy { text, .. } = wanted {
            weight = LIKENESS;
            if finder.layout.field.is_none() {
                self.terms.push((finder.analyzer.term(text), weight));
            }
        }
        for found in found {
            match found {
                Found::Term(term) => self.terms.push((term, weight)),
                Found::Made(postings) => {
                    let encoded = parts.iter().zip(postings).map(|(part, (rows, frequencies))| {
                        let mut words = Vec::new();
                        let lengths = part.postings.lengths();
                        lists::encode(&rows, &frequencies, |row| lengths.of(row), &mut words);
                        (rows.len(), words)
                    });
                    self.made.push(Made { lists: encoded.collect(), weight });
                }
            }
        }
    }

    /// What is added up.
    pub(super) fn terms<'a>(&'a self, parts: &[&Part<'a>]) -> Vec<Term<'a>> {
        let terms = self.terms.iter().map(|(term, weight)| (term.as_str(), *weight)).collect();
        let mut terms = Term::of_all(parts, terms);
        for made in &self.made {
            let lists: Vec<_> = made.lists.iter().map(|(len, words)| List::new(*len, words)).collect();
            terms.push(Term::made(parts, lists, made.weight));
        }
        terms
    }

    /// The rows of each part that may be found; `None` is all.
    pub(super) fn take_filters(&mut self) -> Option<Vec<RowSet>> {
        self.filters.take()
    }
}

/// Looks for clauses.
struct Finder<'a> {
    parts: &'a [&'a Part<'a>],
    analyzer: &'a Analyzer,
    layout: Layout,
}

impl Finder<'_> {
    fn clause(&self, wanted: &Wanted) -> Result<Vec<Found>> {
        match wanted {
            Wanted::Words(text) => self.words(text),
            Wanted::Phrase { text, slop } => {
                let phrase = self.analyzer.phrase(text, *slop);
                if phrase.terms.len() > 1 { Ok(vec![self.phrase(&phrase)?]) } else { self.words(text) }
            }
            Wanted::Prefix(text) => {
                let start = self.analyzer.folded(text);
                if start.is_empty() {
                    return Ok(Vec::new());
                }
                self.union(|| Str::new(&start).starts_with()).map(|found| vec![found])
            }
            Wanted::Fuzzy { text, distance } => {
                let term = self.analyzer.term(text);
                if term.is_empty() {
                    return Ok(Vec::new());
                }
                let dfa = automaton(&term, *distance);
                self.union(|| Borrowed(&dfa)).map(|found| vec![found])
            }
        }
    }

    fn words(&self, text: &str) -> Result<Vec<Found>> {
        let terms = self.analyzer.tokens(text).into_iter().map(|token| token.term);
        if self.layout.field.is_none() {
            return Ok(terms.map(Found::Term).collect());
        }
        terms.map(|term| self.union(|| Str::new(&term))).collect()
    }

    fn placed(&self) -> Result<()> {
        if self.parts.iter().all(|part| part.postings.has_positions()) {
            return Ok(());
        }
        let reason = "this index keeps no positions, by which phrases and single fields are found";
        Err(Error::InvalidInput(format!("{reason}; make it with positions=True")))
    }

    fn phrase(&self, phrase: &Phrase) -> Result<Found> {
        self.placed()?;
        let n = phrase.terms.len();
        if n > MOST {
            return Err(Error::InvalidInput(format!("a phrase of {n} terms; one takes {MOST} at most")));
        }
        let in_part = |part: &&Part<'_>| {
            let postings = part.postings;
            let walk = |(term, _): &(String, u32)| postings.find(term).and_then(|id| postings.placed(id));
            match phrase.terms.iter().map(walk).collect() {
                Some(walks) => find(phrase, walks, self.layout),
                None => Postings::default(),
            }
        };
        Ok(Found::Made(self.parts.iter().map(in_part).collect()))
    }

    /// The rows that hold any of the terms that an automaton takes, and how many of them.
    fn union<A: Automaton>(&self, automaton: impl Fn() -> A) -> Result<Found> {
        if self.layout.field.is_some() {
            self.placed()?;
        }
        let in_part = |part: &&Part<'_>| {
            let mut counts = vec![0u32; part.postings.lengths().len()];
            let mut count = |row: Row, n: u32| {
                if let Some(count) = counts.get_mut(row as usize) {
                    *count = count.saturating_add(n);
                }
            };
            part.postings.find_all(automaton(), |id| match self.layout.field {
                None => {
                    let Some(list) = part.postings.list(id) else { return };
                    list.each_block(|block| {
                        block.rows().iter().zip(block.frequencies()).for_each(|(row, n)| count(*row, n));
                    });
                }
                Some(field) => {
                    let Some(mut walk) = part.postings.placed(id) else { return };
                    while let Some(row) = walk.walk.row() {
                        let is_in = |place: &&u32| **place % self.layout.n_fields == field;
                        count(row, walk.places().iter().filter(is_in).count() as u32);
                        walk.walk.step();
                    }
                }
            });
            let held = (0..).zip(counts).filter(|(_, count)| *count > 0);
            held.unzip()
        };
        Ok(Found::Made(self.parts.iter().map(in_part).collect()))
    }
}

/// Takes what is so many letters from a text, two that are swapped counting as one.
pub(super) fn automaton(text: &str, distance: u8) -> levenshtein_automata::DFA {
    static BUILDERS: LazyLock<[LevenshteinAutomatonBuilder; 2]> =
        LazyLock::new(|| [1, 2].map(|distance| LevenshteinAutomatonBuilder::new(distance, true)));
    BUILDERS[usize::from(distance > 1)].build_dfa(text)
}

/// An automaton that serves several parts.
struct Borrowed<'a>(&'a levenshtein_automata::DFA);

impl Automaton for Borrowed<'_> {
    type State = u32;

    fn start(&self) -> u32 {
        self.0.initial_state()
    }

    fn is_match(&self, state: &u32) -> bool {
        matches!(self.0.distance(*state), levenshtein_automata::Distance::Exact(_))
    }

    fn can_match(&self, state: &u32) -> bool {
        *state != levenshtein_automata::SINK_STATE
    }

    fn accept(&self, state: &u32, byte: u8) -> u32 {
        self.0.transition(*state, byte)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bm25::Bm25;
    use super::super::postings::Builder;
    use super::super::search::tests::in_two_parts;
    use super::super::search::{Evaluation, Scorer, search};
    use super::*;
    use crate::hit::Hit;
    use proptest::prelude::*;

    /// A row: its title and its text.
    type Texts = (String, String);

    fn schema() -> Schema {
        Schema::new(vec![("title".into(), 3), ("text".into(), 1)], true).unwrap()
    }

    fn words(text: &str) -> Vec<&str> {
        text.split_whitespace().collect()
    }

    /// How often the terms of a row match what is wanted, in all of its fields or in one.
    fn matches(row: &Texts, clause: &Clause) -> Vec<u32> {
        let fields = [(words(&row.0), 3), (words(&row.1), 1)];
        let in_fields = |count: &dyn Fn(&[&str]) -> usize| {
            let fields =
                fields.iter().enumerate().filter(|(i, _)| clause.field.is_none_or(|field| field == *i));
            fields.map(|(_, (words, weight))| count(words) as u32 * weight).sum()
        };
        let like = |is_like: &dyn Fn(&str) -> bool| {
            in_fields(&|words| words.iter().filter(|word| is_like(word)).count())
        };
        match &clause.wanted {
            Wanted::Words(text) => words(text).into_iter().map(|term| like(&|word| word == term)).collect(),
            Wanted::Prefix(start) => vec![like(&|word| word.starts_with(start.as_str()))],
            Wanted::Fuzzy { text, distance } => vec![like(&|word| is_near(word, text, *distance))],
            Wanted::Phrase { text, slop: None } => {
                let phrase = words(text);
                let n = phrase.len().max(1);
                vec![in_fields(&|words| words.windows(n).filter(|window| *window == phrase).count())]
            }
            Wanted::Phrase { .. } => unreachable!("counted in the module of phrases"),
        }
    }

    /// Whether a word is so near another: by the table of all beginnings of both.
    fn is_near(word: &str, other: &str, most: u8) -> bool {
        let (a, b) = (word.as_bytes(), other.as_bytes());
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                table[i][j] = match (i, j) {
                    (i, 0) => i,
                    (0, j) => j,
                    (i, j) => {
                        let changed = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                        let swaps = i > 1 && j > 1 && a[i - 2..i] == [b[j - 1], b[j - 2]];
                        let swapped = if swaps { table[i - 2][j - 2] + 1 } else { usize::MAX };
                        changed.min(swapped).min(table[i - 1][j] + 1).min(table[i][j - 1] + 1)
                    }
                };
            }
        }
        table[a.len()][b.len()] <= usize::from(most)
    }

    fn rows() -> impl Strategy<Value = Vec<(Texts, bool)>> {
        let text = || "([abc]{1,3} ){0,3}|([ab]{1,2} ){0,9}";
        prop::collection::vec(((text(), text()), prop::bool::weighted(0.9)), 1..60)
    }

    fn clause() -> impl Strategy<Value = Clause> {
        let word = || "[abc]{1,3}";
        let wanted = prop_oneof![
            "[abc]{1,2}( [ab])?".prop_map(Wanted::Words),
            "[abc]{1,2} [ab]( [ab])?".prop_map(|text| Wanted::Phrase { text, slop: None }),
            word().prop_map(Wanted::Prefix),
            (word(), 1u8..3).prop_map(|(text, distance)| Wanted::Fuzzy { text, distance }),
        ];
        let occur = prop_oneof![3 => Just(Occur::Should), 1 => Just(Occur::Must), 1 => Just(Occur::MustNot)];
        (occur, prop::option::weighted(0.3, 0usize..2), wanted).prop_map(|(occur, field, wanted)| Clause {
            occur,
            field,
            wanted,
        })
    }

    proptest! {
        #[test]
        fn finds_and_scores_what_looking_at_every_row_does(
            rows in rows(), clauses in prop::collection::vec(clause(), 1..4), cut in any::<prop::sample::Index>(),
            variant in prop::sample::select(&Bm25::NAMES[..]),
        ) {
            let schema = schema();
            let analyzer = Analyzer::named("plain").unwrap();
            let bm25 = Bm25::new(variant, 1.2, 0.75).unwrap();
            let alive: Vec<bool> = rows.iter().map(|(_, alive)| *alive).collect();
            let query = Query { clauses };
            let run = |cut: usize, evaluation| -> Vec<Hit> {
                let build = |rows: &[(Texts, bool)]| {
                    let mut builder = Builder::new(schema.clone());
                    rows.iter().for_each(|((title, text), _)| builder.add(&analyzer, [title.as_str(), text]));
                    builder.freeze().unwrap()
                };
                let halves = [build(&rows[..cut]), build(&rows[cut..])];
                in_two_parts(&halves, &alive, &alive, |parts, statistics| {
                    let scorer = Scorer::new(bm25, statistics);
                    search(parts, &query, (&analyzer, &schema), &scorer, 100, evaluation).unwrap()
                })
            };
            let hits = run(cut.index(rows.len() + 1), Evaluation::Exhaustive);
            prop_assert_eq!(&hits, &run(0, Evaluation::Pruned));

            let live = || rows.iter().filter(|(_, alive)| *alive).map(|(texts, _)| texts);
            let length = |(title, text): &Texts| (3 * words(title).len() + words(text).len()) as u32;
            let n = live().count() as u64;
            let average = f64::from(live().map(length).sum::<u32>()) / n as f64;
            let score = |texts: &Texts| {
                let mut sum = 0.0;
                for clause in query.positive() {
                    let mut scored: Vec<(Clause, f64)> = vec![(clause.clone(), 1.0)];
                    if let Wanted::Fuzzy { text, .. } = &clause.wanted {
                        scored[0].1 = LIKENESS;
                        if clause.field.is_none() {
                            scored.push((Clause { wanted: Wanted::Words(text.clone()), ..clause.clone() }, LIKENESS));
                        }
                    }
                    for (clause, weight) in scored {
                        for (i, tf) in matches(texts, &clause).into_iter().enumerate().filter(|(_, tf)| *tf > 0) {
                            let df = live().filter(|other| matches(other, &clause)[i] > 0).count() as u64;
                            sum += weight * bm25.idf(n, df) * bm25.weight(tf, length(texts), average);
                        }
                    }
                }
                sum
            };
            let holds = |texts: &Texts, clause: &Clause| matches(texts, clause).iter().all(|tf| *tf > 0);
            for (row, (texts, alive)) in rows.iter().enumerate() {
                let passes = query.clauses.iter().all(|clause| match clause.occur {
                    Occur::Should => true,
                    Occur::Must => holds(texts, clause),
                    Occur::MustNot => !holds(texts, clause),
                });
                let expected = if *alive && passes { score(texts) } else { 0.0 };
                let found = hits.iter().find(|hit| hit.row as usize == row).map_or(0.0, |hit| f64::from(hit.score));
                prop_assert!((found - expected).abs() < 1e-5, "row {row}: {found} {expected} {query:?}");
            }
        }
    }

    #[test]
    fn phrases_need_positions() {
        let builder = Builder::new(Schema::default());
        let frozen = {
            let mut builder = builder;
            builder.add(&Analyzer::named("plain").unwrap(), ["a b"]);
            builder.freeze().unwrap()
        };
        let postings = frozen.view();
        let part = Part { postings: &postings, base: 0, alive: None, allowed: None };
        let analyzer = Analyzer::named("plain").unwrap();
        let schema = Schema::default();
        let plan = |text: &str| Plan::new(&Query::parse(text, &schema), &[&part], &analyzer, &schema);
        assert!(plan("\"a b\"").unwrap_err().to_string().contains("positions=True"));
        assert!(plan("\"a\" a* text:a +a -c").is_ok());
    }
}
