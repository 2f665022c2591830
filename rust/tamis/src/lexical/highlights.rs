//! Where a text holds what a query looks for.

use std::ops::Range;

use levenshtein_automata::{DFA, Distance};
use rustc_hash::FxHashSet;

use super::phrases::{Layout, Phrase};
use super::plan::automaton;
use super::query::{Query, Wanted};
use super::{Analyzer, Token};

/// What is looked for in tokens, apart from terms.
enum Seen {
    Phrase(Phrase),
    Prefix(String),
    Like(DFA),
}

impl Analyzer {
    /// The bytes of a text that the query's clauses match: in order, apart from one another. If it
    /// is the text of a certain field, clauses about others match nothing.
    pub fn highlights(&self, query: &Query, text: &str, field: Option<usize>) -> Vec<Range<usize>> {
        let mut terms: FxHashSet<String> = FxHashSet::default();
        let mut seen = Vec::new();
        let is_about = |wanted: Option<usize>| wanted.is_none() || field.is_none() || wanted == field;
        for clause in query.positive().filter(|clause| is_about(clause.field)) {
            match &clause.wanted {
                Wanted::Words(text) => terms.extend(self.tokens(text).into_iter().map(|token| token.term)),
                Wanted::Phrase { text, slop } => seen.push(Seen::Phrase(self.phrase(text, *slop))),
                Wanted::Prefix(text) => seen.push(Seen::Prefix(self.folded(text))),
                Wanted::Fuzzy { text, distance } => {
                    seen.push(Seen::Like(automaton(&self.term(text), *distance)));
                }
            }
        }
        let tokens = self.tokens(text);
        let held = tokens.iter().filter(|token| terms.contains(&token.term));
        let mut ranges: Vec<Range<usize>> = held.map(|token| token.start..token.end).collect();
        for seen in &seen {
            if let Seen::Phrase(phrase) = seen {
                phrase.each_token(&tokens, |token| ranges.push(token.start..token.end));
            } else {
                let matched = tokens.iter().filter(|token| seen.holds(&token.term));
                ranges.extend(matched.map(|token| token.start..token.end));
            }
        }
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|range, before| {
            let overlaps = range.start < before.end;
            if overlaps {
                before.end = before.end.max(range.end);
            }
            overlaps
        });
        ranges
    }
}

impl Seen {
    fn holds(&self, term: &str) -> bool {
        match self {
            Self::Prefix(start) => !start.is_empty() && term.starts_with(start),
            Self::Like(dfa) => matches!(dfa.eval(term), Distance::Exact(_)),
            Self::Phrase(_) => false,
        }
    }
}

impl Phrase {
    /// Calls `f` with the tokens of a text that make the phrase.
    fn each_token<'t>(&self, tokens: &'t [Token], mut f: impl FnMut(&'t Token)) {
        let mut own: Vec<(Vec<u32>, Vec<&Token>)> = vec![Default::default(); self.terms.len()];
        for (token, place) in tokens.iter().zip(super::analyzer::places(tokens)) {
            for ((term, _), (places, tokens)) in self.terms.iter().zip(&mut own) {
                if token.term == *term {
                    places.push(place);
                    tokens.push(token);
                }
            }
        }
        let places: Vec<&[u32]> = own.iter().map(|(places, _)| places.as_slice()).collect();
        self.each(&places, Layout { n_fields: 1, field: None }, |at| {
            at.iter().zip(&own).for_each(|(at, (_, tokens))| f(tokens[*at]));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexical::Schema;

    #[test]
    fn what_matches_is_marked() {
        let analyzer = Analyzer::named("default").unwrap();
        for (query, text, expected) in [
            (
                "termination of leases",
                "Terminating the lease, of course",
                "[Terminating] the [lease], [of] course",
            ),
            ("max_age", "set max_age and age", "set [max_age] and [age]"),
            (
                "\"early termination\" -fee",
                "Early terminations, early. Termination fee",
                "[Early] [terminations], [early]. [Termination] fee",
            ),
            ("\"early termination\"", "an early lease termination", "an early lease termination"),
            ("\"early termination\"~1", "an early lease termination", "an [early] lease [termination]"),
            ("termin* leese~", "Terminal lease", "[Terminal] [lease]"),
            ("東京", "東京都の東", "[東京]都の[東]"),
            ("x", "", ""),
        ] {
            let mut marked = String::new();
            let mut end = 0;
            for range in analyzer.highlights(&Query::parse(query, &Schema::default()), text, None) {
                marked += &[&text[end..range.start], "[", &text[range.clone()], "]"].concat();
                end = range.end;
            }
            assert_eq!(marked + &text[end..], expected, "{query}");
        }
    }
}
