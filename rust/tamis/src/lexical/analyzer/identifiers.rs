//! Runs that mean themselves: clause numbers, error codes, setting names, versions, file names.

use std::ops::Range;

/// Brackets that belong to an identifier only in pairs, as in `4.2(b)`.
const PAIRS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];

/// The span of the identifier in a run of text without white space, if it is one.
///
/// The run is freed of quotes, sentence marks and unpaired brackets around it. What is left is an
/// identifier if it joins letters or digits by a mark (and a digit, an underscore, a dot or a
/// colon shows that it is no hyphenated prose), changes case within a word, or ends in the marks
/// of a language's name (`C++`, `C#`).
pub(super) fn whole(run: &str) -> Option<Range<usize>> {
    let range = trim(run);
    let text = &run[range.clone()];
    is_identifier(text).then_some(range)
}

fn trim(run: &str) -> Range<usize> {
    let is_mark = |c: char| !c.is_alphanumeric() && !matches!(c, '_' | '+' | '#' | ')' | ']' | '}');
    let mut end = run.trim_end_matches(is_mark).len();
    let mut start = run.len() - run.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_').len();
    start = start.min(end);
    // A closing bracket stays if its partner is inside; an empty pair `()` says nothing.
    while let Some(close) = run[start..end].chars().next_back() {
        let Some((open, _)) = PAIRS.iter().find(|pair| pair.1 == close) else { break };
        let inner = &run[start..end - close.len_utf8()];
        if inner.matches(*open).count() > inner.matches(close).count() && !inner.ends_with(*open) {
            break;
        }
        end -= close.len_utf8();
        end = start + run[start..end].trim_end_matches(is_mark).len();
    }
    start..end
}

fn is_identifier(text: &str) -> bool {
    let (mut digit, mut letter, mut joined, mut strong) = (false, false, false, false);
    let mut previous: Option<char> = None;
    for c in text.chars() {
        digit |= c.is_numeric();
        letter |= c.is_alphabetic();
        if !c.is_alphanumeric() {
            joined = true;
            strong |= matches!(c, '_' | '.' | ':' | '(' | '[' | '/' | '@' | '\\');
        } else if let Some(before) = previous {
            // userName, but not McDonald's "I'm": the case changes between two letters.
            strong |= before.is_lowercase() && c.is_uppercase();
        }
        previous = Some(c);
    }
    let language = text.len() <= 4 && text.ends_with(['+', '#']);
    (digit && (joined || letter)) || (letter && (strong || language))
}

/// The parts of a word: cut at marks next to a letter (`a.b`, `a_1`, but not `4.2`) and where the
/// case goes up (`getUserID` is `get`, `User`, `ID`). A word without either is one part.
pub(super) fn parts(word: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut chars = word.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map(|(_, next)| *next);
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        let mark = c == '_' || (!c.is_alphanumeric() && (is_letter(before) || is_letter(after)));
        let rises = c.is_uppercase()
            && before.is_some_and(|b| {
                b.is_lowercase() || (b.is_uppercase() && after.is_some_and(char::is_lowercase))
            });
        if mark || rises {
            if start < at {
                parts.push(start..at);
            }
            start = if mark { at + c.len_utf8() } else { at };
        }
        before = Some(c);
    }
    if start < word.len() {
        parts.push(start..word.len());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_identifiers_and_leaves_prose() {
        for (run, identifier) in [
            ("4.2(b)?", "4.2(b)"),
            ("(CVE-2024-3094),", "CVE-2024-3094"),
            ("a@b.c", "a@b.c"),
            ("snake_case.", "snake_case"),
            ("open()", ""),
            ("urls.py:", "urls.py"),
            ("A002", "A002"),
            ("C#,", "C#"),
            ("iPhone", "iPhone"),
            ("django.contrib.auth", "django.contrib.auth"),
            ("__init__", "__init__"),
            ("word.", ""),
            ("well-known", ""),
            ("don't", ""),
            ("60", ""),
            ("NASA", ""),
            ("...", ""),
            ("((", ""),
            ("\"", ""),
        ] {
            let found = whole(run).map_or("", |range| &run[range]);
            assert_eq!(found, identifier, "{run}");
        }
    }

    #[test]
    fn cuts_at_marks_and_humps() {
        let cut = |word: &'static str| parts(word).into_iter().map(|range| &word[range]).collect::<Vec<_>>();
        assert_eq!(cut("getHTTPResponse_code"), ["get", "HTTP", "Response", "code"]);
        assert_eq!(cut("django.contrib_2"), ["django", "contrib", "2"]);
        assert_eq!(cut("v4.2"), ["v4.2"]);
        assert_eq!(cut("plain"), ["plain"]);
        assert_eq!(cut("__"), Vec::<&str>::new());
    }
}
