//! Names that mean themselves: clause numbers, error codes, settings, versions, paths.
//!
//! If the shape of a compound is that of an identifier, its terms are the whole, the parts, and the
//! joints of neighbouring parts: the whole is rare, so that BM25 prefers it by itself; the parts find
//! what is written differently; a joint finds `UserAccount` in `getUserAccountId`, `db.models` in
//! `django.db.models.Q` and `4.2(b)` in `4.2(b)(ii)`. There is one joint for each pair of
//! neighbours, so the terms of an identifier are at most about three times its parts. Of three parts
//! or more, the joint of all is a term as well: the whole then counts twice, or that many parts would
//! outweigh it.
//!
//! A name of two capitals, such as `GitHub` or `JavaScript`, is the name alone: who asks for `java`
//! does not mean it. In a longer one it is a joint.

use std::ops::Range;

use super::Kind;
use super::compounds::{self, Compound, Link, Part};

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

/// Calls `f` with the pieces of a text that white space does not cut, in order of their start: what
/// each is, how it becomes a term, and where it stands. With `cut_apostrophes`, an apostrophe parts
/// words.
pub(super) fn pieces(text: &str, cut_apostrophes: bool, mut f: impl FnMut(Kind, Form, Range<usize>)) {
    compounds::each(text, cut_apostrophes, |compound| compound.pieces(&mut f));
}

impl Compound<'_> {
    fn pieces(&self, f: &mut impl FnMut(Kind, Form, Range<usize>)) {
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
        if form == Form::Word && self.is_name() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(run: &str) -> Vec<String> {
        let mut found = Vec::new();
        pieces(run, false, |_, form, span| {
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
        pieces(run, false, |kind, _, span| {
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
            ("f(x)", "f(x)"),
            ("4.2(abcde)", "4.2"),
            ("max(min)", ""),
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
            ("UserAccount", "UserAccount"),
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
        pieces("dell'acqua's", true, |_, _, span| found.push(span));
        assert_eq!(found, [0..4, 5..10, 11..12]);
    }
}
