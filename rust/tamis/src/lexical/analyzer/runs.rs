//! Runs of text without white space, and which of them are one plain ASCII word.
//!
//! Most of English is, so these are told by a table of bytes and go their own short way.

use std::ops::Range;

const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 4;
const MARK: u8 = 8;
const SPACE: u8 = 16;
const WIDE: u8 = 32;

/// The class of each byte.
const CLASSES: [u8; 256] = {
    let mut classes = [MARK; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        classes[byte] = match b {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b' ' | b'\t'..=b'\r' => SPACE,
            0x80.. => WIDE,
            _ => MARK,
        };
        byte += 1;
    }
    classes
};

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// ASCII letters of one case after the first, or digits, between marks that say nothing.
    Word(Range<usize>),
    /// Anything else.
    Other(Range<usize>),
}

/// Calls `f` with each run of a text.
pub(super) fn each(text: &str, mut f: impl FnMut(Run)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let mut seen = 0;
        while at < bytes.len() {
            let class = CLASSES[bytes[at] as usize];
            if class >= SPACE {
                seen |= class & WIDE;
                break;
            }
            seen |= class;
            at += 1;
        }
        if seen & WIDE != 0 {
            at += text[at..].find(char::is_whitespace).unwrap_or(bytes.len() - at);
            if start < at {
                f(Run::Other(start..at));
            }
            at += text[at..].chars().next().map_or(0, char::len_utf8);
            continue;
        }
        if let Some(run) = ascii(bytes, start, at, seen) {
            f(run);
        }
        at += 1;
    }
}

/// The run in ASCII bytes, whose classes are `seen`; none without a letter or digit.
fn ascii(bytes: &[u8], start: usize, end: usize, seen: u8) -> Option<Run> {
    if seen & (LOWER | UPPER | DIGIT) == 0 {
        return None;
    }
    let (mut first, mut last) = (start, end);
    if seen & MARK != 0 {
        let is_core = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        while !is_core(bytes[first]) {
            first += 1;
        }
        while !is_core(bytes[last - 1]) {
            last -= 1;
        }
        let speaks =
            (first > start && bytes[first - 1] == b'.') || matches!(bytes.get(last), Some(b'+' | b'#'));
        if speaks || !bytes[first..last].iter().all(u8::is_ascii_alphanumeric) {
            return Some(Run::Other(start..end));
        }
    }
    let core = &bytes[first..last];
    let is_plain = match seen & (LOWER | UPPER | DIGIT) {
        LOWER | UPPER | DIGIT => true,
        seen if seen & DIGIT != 0 => false,
        _ => !has_hump(core),
    };
    Some(if is_plain { Run::Word(first..last) } else { Run::Other(start..end) })
}

/// Whether letters are cut where their case goes up, as in `getId` or `HTTPServer` (not `PDFs`).
fn has_hump(letters: &[u8]) -> bool {
    letters.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        || letters.windows(4).any(|four| {
            four[..2].iter().all(u8::is_ascii_uppercase) && four[2..].iter().all(u8::is_ascii_lowercase)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Vec<(bool, &str)> {
        let mut runs = Vec::new();
        each(text, |run| {
            runs.push(match run {
                Run::Word(range) => (true, &text[range]),
                Run::Other(range) => (false, &text[range]),
            });
        });
        runs
    }

    #[test]
    fn plain_words_are_told_from_the_rest() {
        assert_eq!(
            runs("The (PDFs), -- 30% of getId;\u{3000}naïve\u{2003}4.2 .NET C++ end."),
            [
                (true, "The"),
                (true, "PDFs"),
                (true, "30"),
                (true, "of"),
                (false, "getId;"),
                (false, "naïve"),
                (false, "4.2"),
                (false, ".NET"),
                (false, "C++"),
                (true, "end"),
            ]
        );
        assert_eq!(runs(" \t\u{a0} "), []);
        assert_eq!(runs("a"), [(true, "a")]);
    }
}
