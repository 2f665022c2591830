//! From text to terms, the same way for documents and queries.
//!
//! Text is cut into runs at white space and at marks that belong to no identifier, and a run into
//! Unicode words (UAX #29). A word becomes a term by compatibility normalisation (NFKC), lower case
//! and, in English, a Snowball stem. A run that looks like an identifier, such as `4.2(b)`,
//! `ERR_CONN_42` or `getUserName`, is a term as a whole *and* in its parts: the whole is rare, so
//! BM25 prefers an exact match by itself, and the parts still find what is written differently.
//!
//! Analyzers are named, and the name is stored with an index, so that text and query never part.

mod identifiers;

use std::borrow::Cow;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
use unicode_segmentation::UnicodeSegmentation;

use crate::{Error, Result};

/// Marks that stand between words or identifiers, never in one.
const BREAKS: [char; 10] = ['=', '\u{2014}', '|', '<', '>', '"', '`', ';', '\u{201c}', '\u{201d}'];

/// A term and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The term, as it is indexed.
    pub term: String,
    /// First byte in the text.
    pub start: usize,
    /// First byte behind it.
    pub end: usize,
}

/// Turns text into terms.
pub struct Analyzer {
    name: &'static str,
    stemmer: Option<Stemmer>,
    identifiers: bool,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Analyzer").field(&self.name).finish()
    }
}

impl Analyzer {
    /// The names that [`Analyzer::named`] knows.
    pub const NAMES: [&'static str; 2] = ["default", "plain"];

    /// The analyzer of this name: `default` stems English and keeps identifiers, `plain` gives
    /// folded words and nothing else.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is none.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "default" => Ok(Self {
                name: "default",
                stemmer: Some(Stemmer::create(Algorithm::English)),
                identifiers: true,
            }),
            "plain" => Ok(Self { name: "plain", stemmer: None, identifiers: false }),
            _ => Err(Error::InvalidInput(format!(
                "there is no analyzer {name:?}; there are {}",
                Self::NAMES.join(", ")
            ))),
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The tokens of a text, in order; a whole identifier comes before its parts.
    pub fn tokens(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        self.each(text, |term, start, end| tokens.push(Token { term: term.to_owned(), start, end }));
        tokens
    }

    /// The whole identifiers of a text, in order.
    pub fn identifiers(&self, text: &str) -> Vec<Token> {
        let whole = |(offset, run): (usize, &str)| {
            let range = self.identifier(run)?;
            let term = fold(&run[range.clone()]).into_owned();
            Some(Token { term, start: offset + range.start, end: offset + range.end })
        };
        runs(text).filter_map(whole).collect()
    }

    /// Calls `f` with each term and its span in bytes.
    pub fn each(&self, text: &str, mut f: impl FnMut(&str, usize, usize)) {
        for (start, run) in runs(text) {
            self.each_in_run(run, start, &mut f);
        }
    }

    /// Where the identifier stands in a run, if it is one and they are kept.
    fn identifier(&self, run: &str) -> Option<std::ops::Range<usize>> {
        if self.identifiers { identifiers::whole(run) } else { None }
    }

    fn each_in_run(&self, run: &str, offset: usize, f: &mut impl FnMut(&str, usize, usize)) {
        let identifier = self.identifier(run);
        if let Some(range) = &identifier {
            f(&fold(&run[range.clone()]), offset + range.start, offset + range.end);
        }
        for (start, word) in run.unicode_word_indices() {
            let parts = identifiers::parts(word);
            if identifier.is_some() && parts.len() > 1 {
                for part in parts {
                    self.word(&word[part.clone()], offset + start + part.start, f);
                }
            } else if identifier.as_ref() != Some(&(start..start + word.len())) {
                self.word(word, offset + start, f);
            }
        }
    }

    fn word(&self, word: &str, start: usize, f: &mut impl FnMut(&str, usize, usize)) {
        let folded = fold(word);
        let term = match &self.stemmer {
            Some(stemmer) => stemmer.stem(&folded),
            None => Cow::Borrowed(&*folded),
        };
        f(&term, start, start + word.len());
    }
}

/// The runs of a text, each with its first byte.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive(|c: char| c.is_whitespace() || BREAKS.contains(&c)).scan(0, |next, run| {
        let start = *next;
        *next += run.len();
        Some((start, run))
    })
}

/// NFKC and lower case, with the apostrophes and hyphens of typesetters made those of keyboards,
/// and without the marks of line breaking that nobody sees.
fn fold(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(word);
    }
    let lower: String = word.to_lowercase().chars().filter_map(keyed).collect();
    match is_nfkc_quick(lower.chars()) {
        IsNormalized::Yes => Cow::Owned(lower),
        // Some compatibility forms decompose into upper case.
        _ => Cow::Owned(lower.nfkc().collect::<String>().to_lowercase()),
    }
}

/// The character as a keyboard has it; none for one that nobody sees.
fn keyed(c: char) -> Option<char> {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{2bc}' => Some('\''),
        '\u{2010}'..='\u{2013}' | '\u{2212}' => Some('-'),
        '\u{ad}' | '\u{2060}' | '\u{feff}' => None,
        _ => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(name: &str, text: &str) -> Vec<String> {
        Analyzer::named(name).unwrap().tokens(text).into_iter().map(|token| token.term).collect()
    }

    #[test]
    fn words_are_folded_and_stemmed() {
        assert_eq!(
            terms("default", "The Ｔermination clauses, déjà VU."),
            ["the", "termin", "claus", "déjà", "vu"]
        );
        assert_eq!(terms("plain", "The clauses"), ["the", "clauses"]);
    }

    #[test]
    fn identifiers_stand_whole_and_in_parts() {
        assert_eq!(terms("default", "Section 4.2(b)?"), ["section", "4.2(b)", "4.2", "b"]);
        assert_eq!(terms("default", "\"ERR_CONN_42\","), ["err_conn_42", "err", "conn", "42"]);
        assert_eq!(terms("default", "getUserName()"), ["getusername", "get", "user", "name"]);
        assert_eq!(terms("default", "RULE-A002"), ["rule-a002", "rule", "a002"]);
        assert_eq!(terms("default", "urls.py"), ["urls.py", "url", "py"]);
        assert_eq!(terms("default", "C++ and C#"), ["c++", "c", "and", "c#", "c"]);
        assert_eq!(terms("default", "v2.1.0"), ["v2.1.0"]);
        assert_eq!(terms("default", "clause\u{2014}4.2(b)\u{2014}"), ["claus", "4.2(b)", "4.2", "b"]);
        assert_eq!(terms("default", "<max_age=5>"), ["max_age", "max", "age", "5"]);
        let whole = Analyzer::named("default").unwrap().identifiers("Is ERR_CONN_42 in 4.2(b)?");
        assert_eq!(
            whole.iter().map(|token| (token.start, &*token.term)).collect::<Vec<_>>(),
            [(3, "err_conn_42"), (18, "4.2(b)")]
        );
    }

    #[test]
    fn typeset_and_typed_text_have_the_same_terms() {
        assert_eq!(terms("default", "the company\u{2019}s"), terms("default", "the company's"));
        assert_eq!(terms("default", "termi\u{ad}nation"), ["termin"]);
        for dash in ['\u{2010}', '\u{2011}', '\u{2013}', '\u{2212}'] {
            assert_eq!(terms("default", &format!("E{dash}1042")), terms("default", "E-1042"), "{dash:?}");
        }
    }

    #[test]
    fn prose_has_no_identifiers() {
        assert_eq!(terms("default", "(well-known) end. it's"), ["well", "known", "end", "it"]);
        assert_eq!(terms("default", "30 days"), ["30", "day"]);
    }

    proptest! {
        #[test]
        fn any_text_has_tokens_within_it(text in "\\PC{0,40}") {
            for name in Analyzer::NAMES {
                for token in Analyzer::named(name).unwrap().tokens(&text) {
                    prop_assert!(!token.term.is_empty());
                    prop_assert!(text.get(token.start..token.end).is_some());
                }
            }
        }
    }
}
