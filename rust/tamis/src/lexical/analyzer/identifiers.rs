//! Names that mean themselves: clause numbers, error codes, settings, versions, paths.
//!
//! Words that hang together without white space, as in `ERR_CONN_42` or `getUserId`, make a
//! [`Compound`]. If its shape is that of an identifier, its terms are the whole, the parts, and the
//! joints of neighbouring parts: the whole is rare, so that BM25 prefers it by itself; the parts find
//! what is written differently; a joint finds `UserAccount` in `getUserAccountId`, `db.models` in
//! `django.db.models.Q` and `4.2(b)` in `4.2(b)(ii)`. There is one joint for each pair of
//! neighbours, so the terms of an identifier are at most about three times its parts. Of three parts
//! or more, the joint of all is a term as well: the whole then counts twice, or that many parts would
//! outweigh it.
//!
//! A name of two capitals, as in `GitHub`, is cut where a text first has it; from then on it is the
//! name alone, for people repeat names, and a text is not about `hub` because it says `GitHub` often.

use std::ops::Range;

use rustc_hash::FxHashSet;
use unicode_segmentation::UnicodeSegmentation;

use super::Kind;

/// Parts that one compound may have; what follows begins another.
const MOST_PARTS: usize = 64;

/// What stands between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Nothing: the case goes up, or a dotted number begins.
    Hump,
    /// `_` or `-`, which others leave out.
    Glue,
    /// `.`, `:`, `/` and the like.
    Path,
    /// The opening bracket of a clause.
    Bracket,
    /// A mark that makes a whole but no joint.
    Loose,
}

#[derive(Clone, Debug)]
struct Part {
    start: usize,
    end: usize,
    /// To the next part of the compound.
    link: Option<Link>,
}

/// How a piece of a compound becomes a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a word, stemmed if it is one.
    Word,
    /// As a word, its ASCII marks left out.
    Unmarked,
    /// As it stands.
    Literal,
}

/// Words that hang together.
#[derive(Debug)]
struct Compound<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    parts: &'a [Part],
    /// A mark or a shape of letters says that this is an identifier.
    is_marked: bool,
}

/// Calls `f` with the pieces of a text that white space does not cut, in order of their start: what
/// each is, how it becomes a term, and where it stands. With `cut_apostrophes`, an apostrophe parts
/// words. `names` are those that were cut.
pub(super) fn pieces(
    text: &str,
    cut_apostrophes: bool,
    names: &mut FxHashSet<String>,
    mut f: impl FnMut(Kind, Form, Range<usize>),
) {
    let mut scanner = Scanner { text, names, parts: Vec::new(), start: 0, end: 0, is_marked: false };
    for (at, word) in text.unicode_word_indices() {
        if cut_apostrophes && word.contains('\'') {
            let mut start = at;
            for piece in word.split('\'') {
                if !piece.is_empty() {
                    scanner.word(start, piece, &mut f);
                }
                start += piece.len() + 1;
            }
        } else {
            scanner.word(at, word, &mut f);
        }
    }
    scanner.flush(&mut f);
}

/// The compound that is being read.
struct Scanner<'a> {
    text: &'a str,
    names: &'a mut FxHashSet<String>,
    parts: Vec<Part>,
    start: usize,
    /// Behind its last part and the marks that belong to it.
    end: usize,
    is_marked: bool,
}

impl Scanner<'_> {
    fn word(&mut self, at: usize, word: &str, f: &mut impl FnMut(Kind, Form, Range<usize>)) {
        let end = at + word.len();
        let link = if self.parts.is_empty() || self.parts.len() >= MOST_PARTS {
            None
        } else {
            self.link(at, end, word)
        };
        let has_dot = leads_with_dot(&self.text[..at]) && word.starts_with(char::is_alphabetic);
        if let Some(link) = link {
            if let Some(last) = self.parts.last_mut() {
                last.link = Some(link);
            }
            self.is_marked |= link != Link::Glue;
        } else {
            self.flush(f);
            self.start = if has_dot { at - 1 } else { at };
            self.is_marked = has_dot;
        }
        let first = self.parts.len();
        self.cut(at, word, f);
        let tail = &self.text[end..];
        let marks = language_marks(word, tail);
        self.end = end + marks;
        self.is_marked |= marks > 0;
        if link == Some(Link::Bracket) {
            self.end += 1; // the closing one
        }
        // `C` is no part of `C#`, nor `net` of `.NET`: they are other languages.
        if word.len() == 1
            && (marks == 2 || tail.starts_with('#'))
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

    /// How the word at `at..end` hangs together with the compound.
    fn link(&self, at: usize, end: usize, word: &str) -> Option<Link> {
        let gap = &self.text[self.end..at];
        match gap {
            "" => {
                let has_marks = self.parts.last().is_some_and(|last| last.end < self.end)
                    || self.text[..self.end].ends_with(['+', '#']);
                has_marks.then_some(Link::Hump)
            }
            "-" => Some(Link::Glue),
            "." | ":" | "::" | "/" | "/." | "\\" | "&" => Some(Link::Path),
            "(" | "[" => {
                let close = if gap == "(" { ')' } else { ']' };
                let is_clause = word.len() == 1
                    || (word.len() <= 4
                        && (self.text[..self.end].ends_with(|c: char| c.is_numeric() || c == close)
                            || !word.contains(char::is_lowercase)));
                (is_clause && self.text[end..].starts_with(close)).then_some(Link::Bracket)
            }
            "@" | "#" | "://" | ":\\" => Some(Link::Loose),
            _ => None,
        }
    }

    /// Adds the parts of a word: cut at `_`, at `.` and `:` next to a letter, where the case goes up
    /// (`getUserID` is `get`, `User`, `ID`) and where a dotted number begins (`v2.1`).
    fn cut(&mut self, at: usize, word: &str, f: &mut impl FnMut(Kind, Form, Range<usize>)) {
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
                self.push(at + start, at + i, Some(link), f);
                start = if link == Link::Hump { i } else { i + c.len_utf8() };
                has_lower = false;
            }
            has_lower |= c.is_lowercase();
            before = Some(c);
        }
        self.push(at + start, at + word.len(), None, f);
        if let Some(last) = self.parts.last_mut() {
            last.link = None; // it may have been followed by `_`
        }
    }

    fn push(
        &mut self,
        start: usize,
        end: usize,
        link: Option<Link>,
        f: &mut impl FnMut(Kind, Form, Range<usize>),
    ) {
        if start == end {
            return;
        }
        if self.parts.len() >= MOST_PARTS {
            self.flush(f);
            self.start = start;
            self.is_marked = true;
        }
        self.parts.push(Part { start, end, link });
        self.end = end;
    }

    fn flush(&mut self, f: &mut impl FnMut(Kind, Form, Range<usize>)) {
        if let Some(last) = self.parts.last_mut() {
            last.link = None;
            let (text, start, end) = (self.text, self.start, self.end.max(last.end));
            Compound { text, start, end, parts: &self.parts, is_marked: self.is_marked }
                .pieces(self.names, f);
        }
        self.parts.clear();
    }
}

impl Compound<'_> {
    fn pieces(&self, names: &mut FxHashSet<String>, f: &mut impl FnMut(Kind, Form, Range<usize>)) {
        let parts = self.parts;
        if !self.is_identifier() {
            self.words(f);
            return;
        }
        let whole = self.start..self.without_possessive();
        if self.is_acronym() {
            f(Kind::Identifier, Form::Unmarked, whole);
            return;
        }
        let form = self.form(0..parts.len(), &whole);
        f(Kind::Identifier, form, whole.clone());
        let text = &self.text[whole.clone()];
        if parts.len() > 2 {
            f(Kind::Joint, form, whole.clone()); // all of them
        } else if parts.len() == 1 && text.contains(',') {
            f(Kind::Joint, Form::Unmarked, whole.clone()); // 1,000 is 1000
        }
        if form == Form::Word && self.is_name() && !names.insert(text.to_owned()) {
            return;
        }

        let n_groups = 1 + parts.iter().filter(|part| part.ends_group()).count();
        let mut group = 0..0;
        for (i, part) in parts.iter().enumerate() {
            if i == group.end {
                group = i..self.group_end(i);
                let end = parts[group.end - 1].end;
                if n_groups > 2 && parts[group.end - 1].link == Some(Link::Path) {
                    let next = self.group_end(group.end);
                    f(Kind::Joint, Form::Literal, part.start..parts[next - 1].end);
                }
                if n_groups > 1 && group.len() > 1 {
                    let span = part.start..end;
                    f(Kind::Part, self.form(group.clone(), &span), span);
                }
            }
            if part.link == Some(Link::Bracket) && (i == 0 || parts[i - 1].link != Some(Link::Bracket)) {
                self.clauses(i, &whole, f);
            }
            let end = part.end.min(whole.end);
            let in_hump = part.link == Some(Link::Hump) || (i > 0 && parts[i - 1].link == Some(Link::Hump));
            let is_letter = in_hump && self.text[part.start..end].chars().nth(1).is_none();
            if !is_letter && (part.start..end) != whole {
                f(Kind::Part, Form::Word, part.start..end);
            }
            if matches!(part.link, Some(Link::Hump | Link::Glue)) {
                let is_group =
                    group.len() == 2 && part.link == Some(Link::Hump) && (n_groups > 1 || form == Form::Word);
                if !is_group {
                    f(Kind::Joint, Form::Unmarked, part.start..parts[i + 1].end.min(whole.end));
                }
            }
        }
    }

    /// Words with hyphens. A hyphen behind one letter is often left out: `e-mail`.
    fn words(&self, f: &mut impl FnMut(Kind, Form, Range<usize>)) {
        for (i, part) in self.parts.iter().enumerate() {
            f(Kind::Word, Form::Word, part.start..part.end);
            if i == 0 && self.parts.len() == 2 && self.text[part.start..part.end].chars().nth(1).is_none() {
                f(Kind::Joint, Form::Unmarked, part.start..self.parts[1].end);
            }
        }
    }

    /// The clauses that hold this one: of `4.2(b)(ii)`, `4.2(b)`.
    fn clauses(&self, i: usize, whole: &Range<usize>, f: &mut impl FnMut(Kind, Form, Range<usize>)) {
        let start = self.parts[i].start;
        for j in i + 1..self.parts.len() {
            if self.parts[j - 1].link != Some(Link::Bracket) {
                break;
            }
            let span = start..self.parts[j].end + 1;
            if span != *whole {
                f(Kind::Joint, Form::Literal, span);
            }
        }
    }

    fn is_identifier(&self) -> bool {
        let text = &self.text[self.start..self.end];
        let has_digit = text.contains(char::is_numeric);
        self.is_marked || (has_digit && (self.parts.len() > 1 || text.contains(|c: char| !c.is_numeric())))
    }

    /// Letters with full stops, as in `U.S.A`.
    fn is_acronym(&self) -> bool {
        self.parts.len() > 1
            && self
                .parts
                .iter()
                .all(|part| part.end - part.start == 1 && matches!(part.link, None | Some(Link::Path)))
            && self.text[self.start..self.end].bytes().all(|b| b.is_ascii_alphabetic() || b == b'.')
    }

    /// Two words with capitals and nothing between, as in `GitHub`.
    fn is_name(&self) -> bool {
        self.parts.len() == 2
            && self.parts.iter().all(|part| {
                let mut chars = self.text[part.start..part.end].chars();
                chars.next().is_some_and(char::is_uppercase) && chars.all(|c| !c.is_uppercase())
            })
    }

    /// `GitHub's` is about `GitHub`.
    fn without_possessive(&self) -> usize {
        let text = &self.text[self.start..self.end];
        self.end - if text.ends_with("'s") { 2 } else { 0 }
    }

    fn group_end(&self, i: usize) -> usize {
        let in_group = self.parts[i..].iter().position(Part::ends_group);
        in_group.map_or(self.parts.len(), |n| i + n + 1)
    }

    /// Letters that only the case parts are a word like any other: `GitHub`, `github`.
    fn form(&self, parts: Range<usize>, span: &Range<usize>) -> Form {
        let parts = &self.parts[parts];
        let joined = parts[..parts.len() - 1].iter().all(|part| part.link == Some(Link::Hump));
        let bare = parts[0].start == span.start && parts[parts.len() - 1].end >= span.end;
        if joined && bare { Form::Word } else { Form::Literal }
    }
}

impl Part {
    fn ends_group(&self) -> bool {
        matches!(self.link, Some(Link::Path | Link::Bracket | Link::Loose))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(run: &str) -> Vec<String> {
        let mut found = Vec::new();
        pieces(run, false, &mut FxHashSet::default(), |_, form, span| {
            let text = &run[span];
            found.push(match form {
                Form::Unmarked => text.replace(|c: char| c.is_ascii_punctuation(), ""),
                _ => text.to_owned(),
            });
        });
        found
    }

    fn identifier(run: &str) -> String {
        let mut found = String::new();
        pieces(run, false, &mut FxHashSet::default(), |kind, _, span| {
            if kind == Kind::Identifier {
                found.push_str(&run[span]);
            }
        });
        found
    }

    #[test]
    fn finds_identifiers_and_leaves_prose() {
        for (run, expected) in [
            ("4.2(b)?", "4.2(b)"),
            ("(CVE-2024-3094),", "CVE-2024-3094"),
            ("a@b.c", "a@b.c"),
            ("snake_case.", "snake_case"),
            ("open()", ""),
            ("urls.py:", "urls.py"),
            ("A002", "A002"),
            ("C#,", "C#"),
            ("(C++)", "C++"),
            (".NET", ".NET"),
            ("iPhone", "iPhone"),
            ("HTTPServer", "HTTPServer"),
            ("PDFs", ""),
            ("django.contrib.auth", "django.contrib.auth"),
            ("__init__", "__init__"),
            ("_word_", ""),
            ("_private", "_private"),
            ("GitHub's", "GitHub"),
            ("§12.3,", "12.3"),
            ("filter(name__icontains", "name__icontains"),
            ("R&D", "R&D"),
            ("word.", ""),
            ("well-known", ""),
            ("don't", ""),
            ("end.)", ""),
            ("60", ""),
            ("NASA", ""),
            ("...", ""),
            ("((", ""),
            ("\"", ""),
            ("", ""),
        ] {
            assert_eq!(identifier(run), expected, "{run}");
        }
    }

    #[test]
    fn cuts_wholes_parts_and_joints() {
        for (run, expected) in [
            ("plain", "plain"),
            ("well-known", "well known"),
            ("e-mail", "e email mail"),
            ("state-of-the-art", "state of the art"),
            ("4.2(b)", "4.2(b) 4.2 b"),
            ("4.2(b)(ii)", "4.2(b)(ii) 4.2(b)(ii) 4.2(b) 4.2 b ii"),
            ("ERR_CONN_42", "ERR_CONN_42 ERR_CONN_42 ERR ERRCONN CONN CONN42 42"),
            ("E-1042", "E-1042 E E1042 1042"),
            (
                "getUserAccountId",
                "getUserAccountId getUserAccountId get getUser User UserAccount Account AccountId Id",
            ),
            ("UserAccount", "UserAccount User Account"),
            ("user_account_id", "user_account_id user_account_id user useraccount account accountid id"),
            ("max_age", "max_age max maxage age"),
            ("iPhone", "iPhone Phone"),
            (
                "getHTTPResponse_code",
                "getHTTPResponse_code getHTTPResponse_code get getHTTP HTTP HTTPResponse Response Responsecode code",
            ),
            (
                "django.db.models.Q",
                "django.db.models.Q django.db.models.Q django.db django db.models db models.Q models Q",
            ),
            ("a.b_c", "a.b_c a.b_c a b_c b bc c"),
            ("models.CharField", "models.CharField models.CharField models CharField Char Field"),
            ("urls.py", "urls.py urls py"),
            ("v2.1.0", "v2.1.0 2.1.0"),
            ("Section4.2(b)", "Section4.2(b) Section4.2(b) Section4.2 Section 4.2(b) 4.2 b"),
            ("C++", "C++"),
            ("C++/C#", "C++/C# C++ C#"),
            ("C#/.NET", "C#/.NET C# .NET"),
            ("C++17", "C++17 C++ 17"),
            ("notepad++", "notepad++ notepad"),
            ("CD4+", "CD4+ CD4"),
            (".gitignore", ".gitignore gitignore"),
            ("U.S.A.", "USA"),
            ("1,000", "1,000 1000"),
            ("jane@example.com", "jane@example.com jane@example.com jane example.com example com"),
            ("https://a.io/x", "https://a.io/x https://a.io/x https a.io a io/x io x"),
            ("4.2-4.5", "4.2-4.5 4.2 4245 4.5"),
            ("don't", "don't"),
        ] {
            assert_eq!(cut(run).join(" "), expected, "{run}");
        }
    }

    #[test]
    fn apostrophes_part_words_where_they_are_told_to() {
        let mut found = Vec::new();
        pieces("dell'acqua's", true, &mut FxHashSet::default(), |_, _, span| found.push(span));
        assert_eq!(found, [0..4, 5..10, 11..12]);
    }
}
