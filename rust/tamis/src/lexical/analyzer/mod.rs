//! From text to terms, the same way for documents and queries.
//!
//! Text is cut into [`runs`] at white space. A run of plain ASCII letters is a word; any other is
//! made what a keyboard would have typed ([`folding`]), parted where its [`scripts`] change, and cut
//! into Unicode words (UAX #29), [`compounds`] of them, and [`identifiers`]. A word becomes a term by
//! case folding, by its Snowball stem ([`stemming`]) and by losing the marks that people leave out.
//! What is done stands in [`configurations`], each with a name that is stored with an index, so that
//! text and query never part.
//!
//! Every token counts into the length of its row, wholes and joints too: a passage of settings and
//! paths is as long as the terms it can be found by, which ranks better than to count words alone.

mod compounds;
mod configurations;
mod folding;
mod identifiers;
mod runs;
mod scripts;
mod stemming;
mod stop_words;

use std::ops::Range;
use std::path::Path;

use rustc_hash::FxHashSet;
use unicode_segmentation::UnicodeSegmentation;

use configurations::{CONFIGURATIONS, CUSTOM, Configuration, Cut, Marks};
use folding::Normal;
use identifiers::Form;
use runs::Run;
use scripts::Script;
use stemming::Stemming;

use super::phrases::Phrase;
use crate::{Error, Result};

/// The longest term in bytes: a longer word is cut off, a longer identifier is left to its parts.
const LONGEST: usize = 255;

/// A term and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The term, as it is indexed.
    pub term: String,
    /// First byte in the text.
    pub start: usize,
    /// First byte behind it.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word or a number, or one character of a script without spaces.
    Word,
    /// An identifier as a whole.
    Identifier,
    /// A part of an identifier.
    Part,
    /// Neighbouring parts together.
    Joint,
    /// A pair of characters of a script without spaces.
    Pair,
    /// An emoji or the like.
    Symbol,
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Identifier => "identifier",
            Self::Part => "part",
            Self::Joint => "joint",
            Self::Pair => "pair",
            Self::Symbol => "symbol",
        }
    }
}

/// Turns text into terms.
pub struct Analyzer {
    configuration: &'static Configuration,
    stemming: Option<Stemming>,
    stop_words: FxHashSet<String>,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Analyzer").field(&self.name()).finish()
    }
}

impl Analyzer {
    /// Raised whenever some text gets other terms from an analyzer than before. It is stored with
    /// each index.
    pub const VERSION: u32 = 1;

    /// That an index at this path was made by this version of the analyzers.
    pub(crate) fn check_version(path: &Path, found: u32) -> Result<()> {
        let known = Self::VERSION;
        if found == known {
            Ok(())
        } else {
            Err(Error::AnalyzerMismatch { path: path.to_owned(), found, known })
        }
    }

    /// The analyzer of this name: `default` stems English and keeps identifiers, `plain` gives
    /// folded words and nothing else, `multilingual` keeps identifiers and stems nothing; the others
    /// are languages (`german`), most of them also without their stop words (`german+stop`).
    /// `custom` takes each line of a text as a term that was made elsewhere.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is none.
    pub fn named(name: &str) -> Result<Self> {
        let configuration =
            CONFIGURATIONS.iter().find(|configuration| configuration.name == name).ok_or_else(|| {
                let names: Vec<&str> = Self::names().collect();
                Error::InvalidInput(format!("there is no analyzer {name:?}; there are {}", names.join(", ")))
            })?;
        let mut analyzer = Self {
            configuration,
            stemming: configuration.algorithm.map(Stemming::new),
            stop_words: FxHashSet::default(),
        };
        let stop_words = configuration.stop_words.split_whitespace().map(|word| {
            let mut buffers = Buffers::default();
            analyzer.fold(word, &mut buffers);
            buffers.term
        });
        analyzer.stop_words = stop_words.collect();
        Ok(analyzer)
    }

    /// The names of all that analyze text.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CONFIGURATIONS.iter().map(|configuration| configuration.name).filter(|name| *name != CUSTOM)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.configuration.name
    }

    /// The tokens of a text, in order of their start; an identifier comes before its parts.
    pub fn tokens(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        self.each_token(text, |term, kind, start, end| {
            tokens.push(Token { term: term.to_owned(), start, end, kind });
        });
        tokens
    }

    /// The whole identifiers of a text, in order.
    pub fn identifiers(&self, text: &str) -> Vec<Token> {
        let mut tokens = self.tokens(text);
        tokens.retain(|token| token.kind == Kind::Identifier);
        tokens
    }

    /// Calls `f` with each term and its span in bytes.
    pub fn each(&self, text: &str, mut f: impl FnMut(&str, usize, usize)) {
        self.each_token(text, |term, _, start, end| f(term, start, end));
    }

    /// Calls `f` with each term and its place; gives the number of places.
    pub(super) fn each_placed(&self, text: &str, mut f: impl FnMut(&str, u32)) -> u32 {
        let mut places = Places::default();
        self.each(text, |term, start, _| f(term, places.of(start)));
        places.n
    }

    /// The terms of a text that stand together: of a term and parts that reach from its beginning to
    /// its end, these.
    pub(super) fn phrase(&self, text: &str, slop: Option<u32>) -> Phrase {
        let tokens = self.tokens(text);
        let is_whole = |(i, token): (usize, &Token)| {
            let behind = tokens[i + 1..].iter().take_while(|other| other.start < token.end);
            let before = tokens[..i].iter().rev().take_while(|other| other.start == token.start);
            let (mut begins, mut ends) = (false, false);
            for other in behind.chain(before) {
                begins |= other.start == token.start && other.end < token.end;
                ends |= other.start > token.start && other.end == token.end;
            }
            begins && ends && token.kind != Kind::Pair
        };
        let placed = tokens.iter().enumerate().zip(places(&tokens));
        let terms = placed
            .filter(|(token, _)| !is_whole(*token))
            .map(|((_, token), place)| (token.term.clone(), place));
        Phrase { terms: terms.collect(), slop }
    }

    /// A word as it is indexed, but for its stem: what a term may begin with.
    pub(super) fn folded(&self, word: &str) -> String {
        self.word(word, |_| {})
    }

    /// A word as it is indexed, whatever it looks like.
    pub(super) fn term(&self, word: &str) -> String {
        self.word(word, |buffers| self.stem(buffers))
    }

    fn word(&self, word: &str, stem: impl FnOnce(&mut Buffers)) -> String {
        if self.configuration.cut == Cut::Lines {
            return word.to_owned();
        }
        let word = shortened(word);
        let normal = folding::normalise(word);
        let mut buffers = Buffers::default();
        self.fold(normal.as_ref().map_or(word, |normal| normal.text.trim()), &mut buffers);
        stem(&mut buffers);
        buffers.strip_late(self.configuration.marks);
        buffers.term
    }

    /// Stems a folded word, if it is one of the language.
    fn stem(&self, buffers: &mut Buffers) {
        if let Some(stemming) = &self.stemming
            && is_stemmed(&buffers.term)
        {
            buffers.stem(stemming);
        }
    }

    /// Calls `f` with each term, what it is, and its span in bytes.
    pub fn each_token(&self, text: &str, f: impl FnMut(&str, Kind, usize, usize)) {
        let mut sink = Sink { analyzer: self, buffers: Buffers::default(), f };
        match self.configuration.cut {
            Cut::Lines => sink.lines(text),
            Cut::Words | Cut::Identifiers => runs::each(text, |run| match run {
                Run::Word(range) => sink.word(&text[range.clone()], Kind::Word, range),
                Run::Other(range) => sink.run(&text[range.clone()], range.start),
            }),
        }
    }

    /// Folds a word into `buffers.term`, as far as it is done before it is stemmed.
    fn fold(&self, word: &str, buffers: &mut Buffers) {
        buffers.term.clear();
        folding::fold_case(word, self.configuration.is_dotless(), &mut buffers.term);
        if self.configuration.marks == Marks::Strip {
            buffers.strip("");
        }
    }
}

/// The place of each token in a text: how many tokens begin before it, those that begin together
/// counted once.
pub(super) fn places(tokens: &[Token]) -> impl Iterator<Item = u32> {
    let mut places = Places::default();
    tokens.iter().map(move |token| places.of(token.start))
}

#[derive(Default)]
struct Places {
    start: Option<usize>,
    /// The number of places so far.
    n: u32,
}

impl Places {
    fn of(&mut self, start: usize) -> u32 {
        if self.start != Some(start) {
            self.start = Some(start);
            self.n += 1;
        }
        self.n - 1
    }
}

/// What a term is made in: two buffers that serve every token of a text.
#[derive(Default)]
struct Buffers {
    term: String,
    next: String,
}

impl Buffers {
    fn strip(&mut self, letters: &str) {
        if !self.term.is_ascii() {
            self.next.clear();
            folding::bare(&self.term, letters, &mut self.next);
            std::mem::swap(&mut self.term, &mut self.next);
        }
    }

    /// Takes off the marks that go once a word is stemmed.
    fn strip_late(&mut self, marks: Marks) {
        if let Marks::StripBut(letters) = marks {
            self.strip(letters);
        }
    }

    fn stem(&mut self, stemming: &Stemming) {
        self.next.clear();
        stemming.push(&self.term, &mut self.next);
        std::mem::swap(&mut self.term, &mut self.next);
    }
}

/// A text's tokens on their way out.
struct Sink<'a, F> {
    analyzer: &'a Analyzer,
    buffers: Buffers,
    f: F,
}

impl<F: FnMut(&str, Kind, usize, usize)> Sink<'_, F> {
    fn lines(&mut self, text: &str) {
        let mut start = 0;
        for line in text.split('\n') {
            if !line.is_empty() {
                (self.f)(line, Kind::Word, start, start + line.len());
            }
            start += line.len() + 1;
        }
    }

    /// A run that is no plain word.
    fn run(&mut self, run: &str, offset: usize) {
        let normal = if run.is_ascii() { None } else { folding::normalise(run) };
        let text = normal.as_ref().map_or(run, |normal| &normal.text);
        let place = |range: Range<usize>| {
            let (start, end) = normal
                .as_ref()
                .map_or((range.start, range.end), |normal: &Normal| normal.span(range.start, range.end));
            offset + start..offset + end
        };
        let mut start = 0;
        for piece in text.split(' ') {
            self.cut(piece, |range| place(start + range.start..start + range.end));
            start += piece.len() + 1;
        }
    }

    fn cut(&mut self, text: &str, place: impl Fn(Range<usize>) -> Range<usize>) {
        if self.analyzer.configuration.cut == Cut::Words {
            for (start, word) in text.unicode_word_indices() {
                self.word(word, Kind::Word, place(start..start + word.len()));
            }
            return;
        }
        scripts::stretches(text, |script, stretch| {
            let start = stretch.start;
            let inside = |range: Range<usize>| start + range.start..start + range.end;
            let stretch = &text[stretch];
            match script {
                Script::Symbol => self.term(stretch, Kind::Symbol, place(inside(0..stretch.len()))),
                Script::Unspaced => scripts::pairs(stretch, |range, is_pair| {
                    let kind = if is_pair { Kind::Pair } else { Kind::Word };
                    self.term(&stretch[range.clone()], kind, place(inside(range)));
                }),
                Script::Spaced => {
                    let cuts = self.analyzer.configuration.cuts_apostrophes();
                    identifiers::pieces(stretch, cuts, |kind, form, range| {
                        self.piece(&stretch[range.clone()], kind, form, place(inside(range)));
                    });
                }
            }
        });
    }

    fn piece(&mut self, text: &str, kind: Kind, form: Form, place: Range<usize>) {
        match form {
            Form::Word => self.word(text, kind, place),
            _ if text.len() > LONGEST => {}
            Form::Literal => self.term(text, kind, place),
            Form::Unmarked => {
                let joined = text.replace(|c: char| c.is_ascii_punctuation(), "");
                self.word(&joined, kind, place);
            }
        }
    }

    fn word(&mut self, word: &str, kind: Kind, place: Range<usize>) {
        let word = shortened(word);
        self.analyzer.fold(word, &mut self.buffers);
        if kind == Kind::Word && self.analyzer.stop_words.contains(&self.buffers.term) {
            return;
        }
        self.analyzer.stem(&mut self.buffers);
        self.finish(kind, place);
    }

    /// A term that is no word: folded, never stemmed.
    fn term(&mut self, text: &str, kind: Kind, place: Range<usize>) {
        self.analyzer.fold(shortened(text), &mut self.buffers);
        self.finish(kind, place);
    }

    fn finish(&mut self, kind: Kind, place: Range<usize>) {
        self.buffers.strip_late(self.analyzer.configuration.marks);
        if !self.buffers.term.is_empty() {
            (self.f)(&self.buffers.term, kind, place.start, place.end);
        }
    }
}

/// Whether a folded word is one of a language: letters, their marks, and apostrophes.
fn is_stemmed(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'\'' || !byte.is_ascii())
}

/// The word up to the longest that is a term.
fn shortened(word: &str) -> &str {
    if word.len() <= LONGEST {
        return word;
    }
    let mut end = LONGEST;
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    &word[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(name: &str, text: &str) -> Vec<String> {
        Analyzer::named(name).unwrap().tokens(text).into_iter().map(|token| token.term).collect()
    }

    fn joined(name: &str, text: &str) -> String {
        terms(name, text).join(" ")
    }

    #[test]
    fn words_are_folded_stemmed_and_lose_their_marks() {
        for (name, text, expected) in [
            ("default", "The Ｔermination clauses, déjà VU.", "the termin claus deja vu"),
            ("plain", "The clauses, déjà VU.", "the clauses déjà vu"),
            ("multilingual", "The clauses, déjà l'été.", "the clauses deja l ete"),
            ("german", "Die Kündigungen der Straßen in STRASSE", "die kundig der strass in strass"),
            ("german", "Kuendigung", "kundig"),
            ("german+stop", "Die Kündigung der Verträge", "kundig vertrag"),
            ("english+stop", "To be or not to be: it's the question", "not question"),
            ("turkish", "İstanbul'da ILIK ılık", "istanbul da ilik ilik"),
            ("spanish", "El niño y los ninos", "el niñ y los nin"),
            ("russian", "ещё еще", "ещ ещ"),
            ("greek", "ΑΘΗΝΑ Αθήνα", "αθην αθην"),
            ("custom", "one term\nTwo\n\n", "one term Two"),
        ] {
            assert_eq!(joined(name, text), expected, "{name}: {text}");
        }
    }

    #[test]
    fn identifiers_stand_whole_and_in_parts() {
        for (text, expected) in [
            ("Section 4.2(b)?", "section 4.2(b) 4.2 b"),
            ("\"ERR_CONN_42\",", "err_conn_42 err_conn_42 err errconn conn conn42 42"),
            ("getUserName()", "getusernam getusernam get getus user usernam name"),
            ("RULE-A002", "rule-a002 rule rulea002 a002"),
            ("iPhones iphones", "iphon phone iphon"),
            ("GitHub, GitHub's", "github github"),
            ("the U.S. or US", "the us or us"),
            ("C++ and C#, not C", "c++ and c# not c"),
            ("clause\u{2014}4.2(b)\u{2014}", "claus 4.2(b) 4.2 b"),
            ("<max_age=5>", "max_age max maxag age 5"),
            ("4[A]\u{1e023}", "4[a] 4 a ]\u{1e023}"),
            ("Ｃ＋＋／Ｃ＃", "c++/c# c++ c#"),
            ("错误代码ERR_42表示", "错 错误 误 误代 代 代码 码 err_42 err err42 42 表 表示 示"),
        ] {
            assert_eq!(joined("default", text), expected, "{text}");
        }
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

    #[test]
    fn each_name_is_that_of_one_analyzer() {
        let names: Vec<_> = Analyzer::names().collect();
        assert_eq!(names[..3], ["default", "plain", "multilingual"]);
        assert!(names.contains(&"german+stop") && names.len() > 40);
        for name in names {
            assert_eq!(Analyzer::named(name).unwrap().name(), name);
        }
        let error = Analyzer::named("klingon").unwrap_err().to_string();
        assert!(
            error.starts_with("there is no analyzer \"klingon\"; there are default, plain, multi"),
            "{error}"
        );
    }

    #[test]
    fn a_long_run_is_cut_and_costs_its_length() {
        let n = 1 << 20;
        for text in [
            "a".repeat(n),
            "aB".repeat(n),
            "a_".repeat(n),
            "a.b-".repeat(n),
            "4(a)".repeat(n),
            "(".repeat(n),
            ")".repeat(n),
            "é".repeat(n),
            "e\u{301}".repeat(n),
            "a\u{301}\u{301}:".repeat(n),
            "東".repeat(n),
            "🙂".repeat(n),
            "\u{200d}".repeat(n),
            "\u{640}".repeat(n),
            "ß".repeat(n),
            "1,".repeat(n),
            "'s".repeat(n),
            "ｶﾞ".repeat(n),
        ] {
            let mut longest = 0;
            Analyzer::named("default").unwrap().each(&text, |term, _, _| longest = longest.max(term.len()));
            assert!(longest <= 3 * LONGEST, "{longest}");
        }
    }

    /// Texts of letters, marks and forms that the rules tell apart.
    fn texts() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &[
            "a",
            "B",
            "get",
            "User",
            "HTTP",
            "42",
            "4.2",
            ".",
            "_",
            "-",
            "/",
            ":",
            "(",
            "b",
            ")",
            "[",
            "]",
            "+",
            "++",
            "#",
            "@",
            "&",
            "'",
            "'s",
            ",",
            "=",
            " ",
            "\n",
            "\u{0}",
            ".NET",
            "ß",
            "İ",
            "ı",
            "é",
            "e\u{301}",
            "ﬁ",
            "²",
            "™",
            "½",
            "ｶﾞ",
            "東",
            "京",
            "の",
            "한국",
            "ไทย",
            "น้ำ",
            "مُ",
            "ـ",
            "א",
            "🙂",
            "👍🏽",
            "\u{200d}",
            "\u{200c}",
            "\u{ad}",
            "\u{2019}",
            "\u{3000}",
            "٤",
            "Ⅳ",
            "क्",
            "ς",
            "Σ",
        ];
        prop_oneof![
            proptest::collection::vec(prop::sample::select(PIECES), 0..14).prop_map(|list| list.concat()),
            "\\PC{0,40}",
            any::<String>(),
        ]
    }

    proptest! {
        #[test]
        fn any_text_has_tokens_within_it_in_order(text in texts(), name in prop::sample::select(Analyzer::names().collect::<Vec<_>>())) {
            let tokens = Analyzer::named(name).unwrap().tokens(&text);
            for token in &tokens {
                prop_assert!(!token.term.is_empty());
                prop_assert!(!token.term.contains(char::is_whitespace), "{token:?}");
                prop_assert!(text.get(token.start..token.end).is_some_and(|text| !text.is_empty()), "{token:?}");
            }
            prop_assert!(tokens.is_sorted_by_key(|token| token.start), "{tokens:?}");
            prop_assert_eq!(Analyzer::named(name).unwrap().tokens(&text), tokens);
        }

        #[test]
        fn the_short_way_of_plain_words_gives_what_the_long_one_gives(text in "[ -~]{0,24}") {
            let analyzer = Analyzer::named("default").unwrap();
            let mut long = Vec::new();
            let mut sink = Sink {
                analyzer: &analyzer,
                buffers: Buffers::default(),
                f: |term: &str, kind, start, end| long.push(Token { term: term.to_owned(), kind, start, end }),
            };
            let mut at = 0;
            for run in text.split(' ') {
                sink.run(run, at);
                at += run.len() + 1;
            }
            prop_assert_eq!(analyzer.tokens(&text), long);
        }
    }
}
