//! Scripts that write no spaces between words, and symbols that are words by themselves.
//!
//! Without a dictionary nobody knows where a word of Chinese, Japanese or Thai ends, but any part of
//! a text has the pairs of neighbouring characters that the text has. So the terms are these pairs,
//! and each Han character too, since many of them are words. Korean writes spaces, but between
//! phrases of a noun and its particles: there, too, pairs find the noun.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// How a stretch of text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// Words with spaces or marks between them.
    Spaced,
    /// Characters without.
    Unspaced,
    /// One symbol, such as an emoji.
    Symbol,
}

/// Calls `f` with each stretch of a run in one kind of script.
pub(super) fn stretches(run: &str, mut f: impl FnMut(Script, Range<usize>)) {
    if run.chars().all(|c| c < '\u{e00}') {
        f(Script::Spaced, 0..run.len());
        return;
    }
    let mut current = (Script::Spaced, 0);
    for (at, cluster) in run.grapheme_indices(true) {
        let script = cluster.chars().next().map_or(Script::Spaced, script);
        if script != current.0 || script == Script::Symbol {
            if current.1 < at {
                f(current.0, current.1..at);
            }
            current = (script, at);
        }
    }
    f(current.0, current.1..run.len());
}

/// Calls `f` with the terms of a stretch without spaces: pairs of characters, each Han character,
/// and a character that stands alone. The last argument says whether it is a pair.
pub(super) fn pairs(stretch: &str, mut f: impl FnMut(Range<usize>, bool)) {
    let mut clusters = stretch.grapheme_indices(true).peekable();
    let mut is_first = true;
    while let Some((start, cluster)) = clusters.next() {
        let end = start + cluster.len();
        let next = clusters.peek().map(|(at, next)| at + next.len());
        if is_han(cluster) || (is_first && next.is_none()) {
            f(start..end, false);
        }
        if let Some(next) = next {
            f(start..next, true);
        }
        is_first = false;
    }
}

fn script(c: char) -> Script {
    let unspaced = matches!(c,
        '\u{e00}'..='\u{eff}'           // Thai, Lao
        | '\u{1000}'..='\u{109f}' | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}' // Myanmar
        | '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}'       // Hangul
        | '\u{1780}'..='\u{17ff}'       // Khmer
        | '\u{1950}'..='\u{19df}' | '\u{1a20}'..='\u{1aaf}' | '\u{aa80}'..='\u{aadf}' // Tai
        | '\u{3040}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{1b000}'..='\u{1b16f}' // kana, bopomofo
    ) || is_han_char(c);
    if unspaced && c.is_alphanumeric() {
        Script::Unspaced
    } else if is_symbol(c) {
        Script::Symbol
    } else {
        Script::Spaced
    }
}

fn is_han(cluster: &str) -> bool {
    cluster.chars().next().is_some_and(is_han_char)
}

fn is_han_char(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}'
        | '\u{3038}'..='\u{303b}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether the character is a symbol that people search for, such as an emoji, and no letter in a frame.
pub(super) fn is_symbol(c: char) -> bool {
    !c.is_alphanumeric()
        && matches!(c,
            '\u{2300}'..='\u{2328}' | '\u{232b}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
            | '\u{1f000}'..='\u{1f0ff}' | '\u{1f170}'..='\u{1f18f}' | '\u{1f191}'..='\u{1f1ff}'
            | '\u{1f300}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(run: &str) -> Vec<(Script, &str)> {
        let mut cut = Vec::new();
        stretches(run, |script, range| cut.push((script, &run[range])));
        cut
    }

    fn terms(stretch: &str) -> Vec<&str> {
        let mut terms = Vec::new();
        pairs(stretch, |range, _| terms.push(&stretch[range]));
        terms
    }

    #[test]
    fn scripts_part() {
        use Script::{Spaced, Symbol, Unspaced};
        assert_eq!(cut("plain"), [(Spaced, "plain")]);
        assert_eq!(
            cut("错误ERR_42，在PDF里🙂👍"),
            [
                (Unspaced, "错误"),
                (Spaced, "ERR_42，"),
                (Unspaced, "在"),
                (Spaced, "PDF"),
                (Unspaced, "里"),
                (Symbol, "🙂"),
                (Symbol, "👍")
            ]
        );
        assert_eq!(cut("ไทย"), [(Unspaced, "ไทย")]);
    }

    #[test]
    fn pairs_overlap_and_han_stands_alone_too() {
        assert_eq!(terms("東京都"), ["東", "東京", "京", "京都", "都"]);
        assert_eq!(terms("データ"), ["デー", "ータ"]);
        assert_eq!(terms("の"), ["の"]);
        assert_eq!(terms("계약서"), ["계약", "약서"]);
        assert_eq!(terms("น้ำ"), ["น้ำ"]);
        assert_eq!(terms("ภาษา"), ["ภา", "าษ", "ษา"]);
    }
}
