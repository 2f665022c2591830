//! Words that hang together without white space: `ERR_CONN_42`, `getUserId`, `4.2(b)`, `well-known`.

use unicode_segmentation::UnicodeSegmentation;

/// Parts that one compound may have; what follows begins another.
const MOST_PARTS: usize = 64;

/// What stands between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing: the case goes up, or a dotted number begins.
    Hump,
    /// `_` or `-`, which others leave out.
    Glue,
    /// `.`, `:`, `/` and the like.
    Path,
    /// The opening bracket of a clause, which is one part.
    Bracket,
    /// A mark that makes a whole but no joint.
    Loose,
}

/// A part of a compound, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) start: usize,
    pub(super) end: usize,
    /// To the next part of the compound.
    pub(super) link: Option<Link>,
}

/// Words that hang together, or one.
#[derive(Debug)]
pub(super) struct Compound<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) parts: &'a [Part],
    /// A mark or a change of case says that this is no prose.
    pub(super) is_marked: bool,
}

/// Calls `f` with the compounds of a text that white space does not cut. With `cut_apostrophes`, an
/// apostrophe parts words.
pub(super) fn each(text: &str, cut_apostrophes: bool, f: impl FnMut(&Compound<'_>)) {
    let mut scanner = Scanner { text, parts: Vec::new(), start: 0, end: 0, is_marked: false, f };
    for (at, word) in text.unicode_word_indices() {
        if cut_apostrophes && word.contains('\'') {
            let mut start = at;
            for piece in word.split('\'') {
                if !piece.is_empty() {
                    scanner.word(start, piece);
                }
                start += piece.len() + 1;
            }
        } else {
            scanner.word(at, word);
        }
    }
    scanner.flush();
}

/// The compound that is being read.
struct Scanner<'a, F> {
    text: &'a str,
    parts: Vec<Part>,
    start: usize,
    /// Behind its last part and the marks that belong to it.
    end: usize,
    is_marked: bool,
    f: F,
}

impl<F: FnMut(&Compound<'_>)> Scanner<'_, F> {
    fn word(&mut self, at: usize, word: &str) {
        let end = at + word.len();
        let has_dot = leads_with_dot(&self.text[..at]) && word.starts_with(char::is_alphabetic);
        let link = self.link(at, end, word);
        if let Some(last) = self.parts.last_mut().filter(|_| link.is_some()) {
            last.link = link;
            self.is_marked |= link != Some(Link::Glue);
        } else {
            self.flush();
            self.start = at - usize::from(has_dot);
            self.is_marked = has_dot;
        }
        let first = self.parts.len();
        self.cut(at, word);
        let marks = language_marks(word, &self.text[end..]);
        self.is_marked |= marks > 0;
        self.end = end + marks + usize::from(link == Some(Link::Bracket));

        // `C` is no part of `C#` or `C++`, nor `net` of `.NET`: they are other languages.
        if word.len() == 1
            && (marks == 2 || self.text[end..].starts_with('#'))
            && let Some(last) = self.parts.last_mut()
        {
            last.end = end + marks;
        }
        if has_dot
            && word.eq_ignore_ascii_case("net")
            && let Some(part) = self.parts.get_mut(first)
        {
            part.start -= 1;
        }
    }

    /// How the word at `at..end` hangs together with the compound, if it does.
    fn link(&self, at: usize, end: usize, word: &str) -> Option<Link> {
        if self.parts.is_empty() || self.parts.len() >= MOST_PARTS {
            return None;
        }
        let before = &self.text[..self.end];
        // A mark on a closing bracket makes a word of it, which begins before the clause's end.
        let gap = self.text.get(self.end..at)?;
        match gap {
            "" => before.ends_with(['+', '#']).then_some(Link::Hump),
            "-" => Some(Link::Glue),
            "." | ":" | "::" | "/" | "/." | "\\" | "&" => Some(Link::Path),
            "(" | "[" => {
                let close = if gap == "(" { ')' } else { ']' };
                let is_behind_number = before.ends_with(|c: char| c.is_numeric() || c == close);
                let is_clause = is_clause(word, is_behind_number);
                (is_clause && self.text[end..].starts_with(close)).then_some(Link::Bracket)
            }
            "@" | "#" | "://" | ":\\" => Some(Link::Loose),
            _ => None,
        }
    }

    /// Adds the parts of a word: cut at `_`, at `.` and `:` next to a letter, where the case goes up
    /// (`getUserID` is `get`, `User`, `ID`) and where a dotted number begins (`v2.1`).
    fn cut(&mut self, at: usize, word: &str) {
        let mut start = 0;
        let mut has_lower = false;
        let mut before: Option<char> = None;
        let mut chars = word.char_indices();
        while let Some((i, c)) = chars.next() {
            let mut ahead = chars.clone().map(|(_, c)| c);
            let (after, second) = (ahead.next(), ahead.next());
            let is_lower = |c: Option<char>| c.is_some_and(char::is_lowercase);
            let is_number = |c: Option<char>| c.is_some_and(char::is_numeric);
            let link = match c {
                '_' => Some(Link::Glue),
                '.' | ':' if !(is_number(before) && is_number(after)) => Some(Link::Path),
                _ if c.is_uppercase()
                    && (is_lower(before)
                        || (before.is_some_and(char::is_uppercase)
                            && is_lower(after)
                            && is_lower(second))
                        || (is_number(before) && is_lower(after) && has_lower)) =>
                {
                    Some(Link::Hump)
                }
                _ if c.is_ascii_digit()
                    && before.is_some_and(char::is_alphabetic)
                    && word[start..i].chars().all(char::is_alphabetic)
                    && begins_dotted_number(&word[i..]) =>
                {
                    Some(Link::Hump)
                }
                _ => None,
            };
            if let Some(link) = link {
                self.is_marked |= c != '_' || !is_emphasis(word);
                self.push(at + start, at + i, Some(link));
                start = if link == Link::Hump { i } else { i + c.len_utf8() };
                has_lower = false;
            }
            has_lower |= c.is_lowercase();
            before = Some(c);
        }
        self.push(at + start, at + word.len(), None);
        if let Some(last) = self.parts.last_mut() {
            last.link = None; // it may have been followed by `_`
        }
    }

    fn push(&mut self, start: usize, end: usize, link: Option<Link>) {
        if start == end {
            return;
        }
        if self.parts.len() >= MOST_PARTS {
            self.flush();
            self.start = start;
            self.is_marked = true;
        }
        self.parts.push(Part { start, end, link });
        self.end = end;
    }

    fn flush(&mut self) {
        if let Some(last) = self.parts.last_mut() {
            last.link = None;
            let (text, start, end, is_marked) = (self.text, self.start, self.end, self.is_marked);
            (self.f)(&Compound { text, start, end, parts: &self.parts, is_marked });
        }
        self.parts.clear();
    }
}

/// Whether a word in brackets is the name of a clause: short, in one case, and behind a number unless
/// it is one letter or in capitals, as in `4.2(b)`, `401(k)`, `f(x)` and `Fe(III)`.
fn is_clause(word: &str, is_behind_number: bool) -> bool {
    let has_lower = word.contains(char::is_lowercase);
    word.len() <= 4
        && word.chars().all(char::is_alphanumeric)
        && !(has_lower && word.contains(char::is_uppercase))
        && (is_behind_number || word.len() == 1 || !has_lower)
}

/// The length of the marks behind a word that belong to its name: `C++`, `C#`, `CD4+`.
fn language_marks(word: &str, tail: &str) -> usize {
    if !word.ends_with(|c: char| c.is_ascii_alphanumeric()) || !word.contains(char::is_alphabetic) {
        return 0;
    }
    let behind = |n: usize| tail[n..].chars().next();
    if tail.starts_with("++") && behind(2) != Some('+') {
        return 2;
    }
    let is_sharp = tail.starts_with('#') && word.len() == 1 && !behind(1).is_some_and(char::is_alphabetic);
    let is_plus = tail.starts_with('+') && !behind(1).is_some_and(|c| c == '+' || c.is_alphanumeric());
    usize::from(is_sharp || is_plus)
}

/// Whether a dot begins the name that follows, as in `.NET`, and ends nothing.
fn leads_with_dot(before: &str) -> bool {
    let mut back = before.chars().rev();
    back.next() == Some('.')
        && !back.next().is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | ')' | ']' | '}' | '+' | '#'))
}

fn begins_dotted_number(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `_word_`, as Markdown stresses it.
fn is_emphasis(word: &str) -> bool {
    word.strip_prefix('_')
        .and_then(|word| word.strip_suffix('_'))
        .is_some_and(|word| !word.contains('_') && !word.is_empty())
}
