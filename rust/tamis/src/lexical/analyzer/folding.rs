//! The same letters, however they were typed.
//!
//! [`normalise`] makes a run what a keyboard would have given: compatibility forms become plain
//! ones (NFKC), dashes and apostrophes those of ASCII, digits of all scripts 0 to 9, and what
//! nobody sees (soft hyphens, joiners, the vowel points of Arabic and Hebrew) goes. [`fold_case`]
//! is Unicode's full case folding. [`bare`] takes the marks off letters, for those who leave them
//! out when they type.

use unicode_normalization::char::decompose_canonical;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
use unicode_segmentation::UnicodeSegmentation;

use super::scripts;

/// A run as typed, and where its characters stood.
#[derive(Debug, Default)]
pub(super) struct Normal {
    pub(super) text: String,
    changes: Vec<Change>,
}

/// A user-perceived character that was changed: its bytes now and before.
#[derive(Debug)]
struct Change {
    now: (usize, usize),
    before: (usize, usize),
}

impl Normal {
    /// The span before of what is now `start..end`; within a changed character, all of it.
    pub(super) fn span(&self, start: usize, end: usize) -> (usize, usize) {
        let after = |at: usize, change: &Change| change.before.1 + at - change.now.1;
        let last = |at: usize, is_behind: fn(&Change, usize) -> bool| {
            self.changes[..self.changes.partition_point(|change| is_behind(change, at))].last()
        };
        let first_byte = match last(start, |change, at| change.now.0 <= at) {
            None => start,
            Some(change) if start < change.now.1 => change.before.0,
            Some(change) => after(start, change),
        };
        let end_byte = match last(end, |change, at| change.now.0 < at) {
            None => end,
            Some(change) if end <= change.now.1 => change.before.1,
            Some(change) => after(end, change),
        };
        (first_byte, end_byte.max(first_byte))
    }
}

/// The run as typed; none if it is so already. The result may hold spaces: they cut it.
pub(super) fn normalise(run: &str) -> Option<Normal> {
    let is_settled = |c: char| c < '\u{ad}' || (typed(c) == Some(c) && !stands_apart(c));
    if is_nfkc_quick(run.chars()) == IsNormalized::Yes && run.chars().all(is_settled) {
        return None;
    }
    let mut normal = Normal::default();
    for (at, cluster) in run.grapheme_indices(true) {
        let start = normal.text.len();
        push_typed(cluster, &mut normal.text);
        if normal.text[start..] != *cluster {
            let now = (start, normal.text.len());
            normal.changes.push(Change { now, before: (at, at + cluster.len()) });
        }
    }
    Some(normal)
}

fn push_typed(cluster: &str, out: &mut String) {
    let first = cluster.chars().next().unwrap_or_default();
    if scripts::is_symbol(first) {
        out.push(first);
        // Joiners stay: they make one picture of several.
        out.extend(cluster.chars().skip(1).filter(|&c| c == '\u{200d}' || typed(c).is_some()));
        return;
    }
    match first {
        '\u{2120}' | '\u{2122}' => out.push(' '), // service mark and trade mark: no letters of the word
        _ if stands_apart(first) => {
            out.push(' ');
            out.extend(cluster.nfkc().filter_map(typed));
            out.push(' ');
        }
        // The joint of a Persian compound; in other scripts, a hint for the font.
        '\u{600}'..='\u{6ff}' if cluster.ends_with('\u{200c}') => {
            out.extend(cluster.nfkc().filter_map(typed));
            out.push(' ');
        }
        _ => out.extend(cluster.nfkc().filter_map(typed)),
    }
}

/// Fractions, circled numbers and superscripts, which count footnotes: never the end of the word or
/// number before them. Subscripts are (`H₂O`).
fn stands_apart(c: char) -> bool {
    !c.is_ascii()
        && c.is_numeric()
        && !c.is_alphabetic()
        && digit(c).is_none()
        && !matches!(c, '\u{2080}'..='\u{2089}')
}

/// The character as a keyboard has it; none for one that nobody sees.
fn typed(c: char) -> Option<char> {
    match c {
        '\0'..'\u{ad}' => Some(c),
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{2032}' => Some('\''),
        '\u{2010}'..='\u{2013}' | '\u{2212}' | '\u{5be}' => Some('-'),
        '\u{2044}' | '\u{2215}' => Some('/'),
        // Cyrillic yo is written as ye by most.
        '\u{401}' => Some('\u{415}'),
        '\u{451}' => Some('\u{435}'),
        '\u{200b}' => Some(' '),
        _ if is_unseen(c) => None,
        _ => digit(c).or(Some(c)),
    }
}

/// What is left out: formatting, variation selectors, enclosing marks, colours of skin, the points of
/// Hebrew, the vowels and the lengthening stroke of Arabic.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180e}' | '\u{200c}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{20dd}'..='\u{20e0}' | '\u{20e2}'..='\u{20e4}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0001}'..='\u{e01ef}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}')
}

/// The ASCII digit of a decimal digit of a living script.
fn digit(c: char) -> Option<char> {
    const ZEROS: [char; 19] = [
        '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
        '\u{c66}', '\u{ce6}', '\u{d66}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{17e0}', '\u{1810}',
        '\u{ff10}',
    ];
    if !('\u{660}'..='\u{ff19}').contains(&c) {
        return None;
    }
    let zero = ZEROS[..ZEROS.partition_point(|&zero| zero <= c)].last()?;
    char::from_digit(c as u32 - *zero as u32, 10)
}

/// Appends the text without difference of case. With `dotless`, as Turkish has it: the capital of
/// `i` is dotted, that of `ı` is `I`.
pub(super) fn fold_case(text: &str, dotless: bool, out: &mut String) {
    let start = out.len();
    if text.is_ascii() && !dotless {
        out.push_str(text);
        out[start..].make_ascii_lowercase();
        return;
    }
    for c in text.chars() {
        match c {
            'I' if dotless => out.push('ı'),
            'İ' if dotless => out.push('i'),
            _ if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            'ı' => out.push('ı'),
            // By way of the upper case, where `ß` is `SS` and a final sigma a sigma.
            _ => out.extend(c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)),
        }
    }
    if is_nfkc_quick(out[start..].chars()) != IsNormalized::Yes {
        let again: String = out[start..].nfkc().collect();
        out.truncate(start);
        out.push_str(&again);
    }
}

/// Appends folded text without the marks on Latin and Greek letters, but for the `letters` that a
/// language counts as its own, and with one spelling of the Arabic letters that have several.
pub(super) fn bare(text: &str, letters: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            _ if c.is_ascii() || letters.contains(c) => out.push(c),
            '\u{300}'..='\u{36f}' => {}
            'ı' => out.push('i'),
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ł' => out.push('l'),
            'ħ' => out.push('h'),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            '\u{622}' | '\u{623}' | '\u{625}' | '\u{671}' => out.push('\u{627}'), // alef
            '\u{649}' | '\u{6cc}' => out.push('\u{64a}'),                         // yeh
            '\u{6a9}' => out.push('\u{643}'),                                     // kaf
            '\u{629}' => out.push('\u{647}'),                                     // teh marbuta
            '\u{c0}'..='\u{3ff}' | '\u{1e00}'..='\u{1fff}' => decompose_canonical(c, |part| {
                if !matches!(part, '\u{300}'..='\u{36f}') {
                    out.push(part);
                }
            }),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folded(text: &str) -> String {
        let mut out = String::new();
        fold_case(text, false, &mut out);
        out
    }

    fn stripped(text: &str, letters: &str) -> String {
        let mut out = String::new();
        bare(text, letters, &mut out);
        out
    }

    #[test]
    fn case_is_folded_in_full() {
        for (text, expected) in [
            ("ERR_Conn", "err_conn"),
            ("Straße STRASSE ẞ", "strasse strasse ss"),
            ("ΣΊΣΥΦΟΣ σίσυφος", "σίσυφοσ σίσυφοσ"),
            ("ŉ ǰ ᾳ", "ʼn ǰ αι"),
            ("Kelvin K", "kelvin k"),
            ("ı", "ı"),
        ] {
            assert_eq!(folded(text), expected);
        }
        let mut turkish = String::new();
        fold_case("ISPARTA İzmir kızı", true, &mut turkish);
        assert_eq!(turkish, "ısparta izmir kızı");
    }

    #[test]
    fn marks_are_taken_off_but_for_a_languages_own_letters() {
        assert_eq!(stripped("déjà año łódź ørsted cœur ἀρχή ı", ""), "deja ano lodz orsted coeur αρχη i");
        assert_eq!(stripped("niño café", "ñ"), "niño cafe");
        assert_eq!(stripped("мой がぎ हिन्दी", ""), "мой がぎ हिन्दी");
        assert_eq!(stripped("مدرسة أحمد علی", ""), "مدرسه احمد علي");
    }

    #[test]
    fn runs_become_typed_and_keep_their_places() {
        for (run, expected) in [
            ("ＥＲＲ＿４２", "ERR_42"),
            ("E\u{2011}1042", "E-1042"),
            ("termi\u{ad}nation", "termination"),
            ("Acme™Corp", "Acme Corp"),
            ("CO₂", "CO2"),
            ("note³", "note 3 "),
            ("2½", "2 1/2 "),
            ("٤٢", "42"),
            ("مُحَمَّدـ", "محمد"),
            ("می\u{200c}خواهم", "می خواهم"),
            ("க\u{200c}ஷ", "கஷ"),
            ("❶x", " ❶ x"),
            ("ｶﾞｽ", "ガス"),
            ("👍🏽", "👍"),
        ] {
            let normal = normalise(run).unwrap();
            assert_eq!(normal.text, expected, "{run}");
            assert_eq!(normal.span(0, normal.text.trim_end().len()).0, 0);
        }
        assert!(normalise("naïve").is_none());
        let normal = normalise("aﬁb").unwrap();
        assert_eq!((normal.text.as_str(), normal.span(1, 2), normal.span(3, 4)), ("afib", (1, 4), (4, 5)));
    }

    proptest! {
        #[test]
        fn spans_lie_on_borders_and_folding_twice_is_folding_once(run in "\\PC{0,30}") {
            if let Some(normal) = normalise(&run) {
                let cuts: Vec<usize> =
                    (0..=normal.text.len()).filter(|&at| normal.text.is_char_boundary(at)).collect();
                for pair in cuts.windows(2) {
                    let (start, end) = normal.span(pair[0], pair[1]);
                    prop_assert!(run.get(start..end).is_some());
                }
            }
            let once = folded(&normalise(&run).map_or(run, |normal| normal.text));
            prop_assert_eq!(folded(&once), once);
        }
    }
}
