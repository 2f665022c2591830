//! Queries that are more than a text: `+must -not "a phrase" title:term prefix* fuzzy~`.
//!
//! A text is a query as it stands; only [`Query::parse`] looks for signs. It never fails: what is
//! no sign is text.

use super::schema::Schema;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Its parts.
    pub clauses: Vec<Clause>,
}

/// A part of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// What it does to a row.
    pub occur: Occur,
    /// The number of the field that it looks at; `None` is all.
    pub field: Option<usize>,
    /// What it looks for.
    pub wanted: Wanted,
}

/// What a clause does to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occur {
    /// It adds to the row's score.
    Should,
    /// So it does, and a row without it is not found.
    Must,
    /// A row with it is not found.
    MustNot,
}

/// What a clause looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The terms of a text, wherever they stand.
    Words(String),
    /// The terms of a text one after the other, or with at most `slop` places between them, in any
    /// order.
    Phrase {
        /// The text.
        text: String,
        /// The places.
        slop: Option<u32>,
    },
    /// Terms that begin so.
    Prefix(String),
    /// Terms that are so many letters away: exchanged, left out, put in, or swapped.
    Fuzzy {
        /// The term.
        text: String,
        /// 1 or 2 letters.
        distance: u8,
    },
}

impl Wanted {
    /// The text that is looked for, without signs.
    pub fn text(&self) -> &str {
        match self {
            Self::Words(text) | Self::Prefix(text) | Self::Phrase { text, .. } | Self::Fuzzy { text, .. } => {
                text
            }
        }
    }
}

impl Query {
    /// The terms of a text.
    pub fn text(text: &str) -> Self {
        let wanted = Wanted::Words(text.to_owned());
        Self { clauses: vec![Clause { occur: Occur::Should, field: None, wanted }] }
    }

    /// Reads signs: `+` and `-` before a word or phrase, a field's name and a colon, quotes, `~N`
    /// behind the closing one, `*` and `~` or `~N` behind a word.
    pub fn parse(text: &str, schema: &Schema) -> Self {
        let mut clauses = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let clause;
            (clause, rest) = Clause::parse(rest, schema);
            clauses.push(clause);
            rest = rest.trim_start();
        }
        Self { clauses }
    }

    /// Whether a row may be out although it holds terms of the query.
    pub fn is_strict(&self) -> bool {
        self.clauses.iter().any(|clause| clause.occur != Occur::Should)
    }

    /// The clauses that a row may have.
    pub fn positive(&self) -> impl Iterator<Item = &Clause> {
        self.clauses.iter().filter(|clause| clause.occur != Occur::MustNot)
    }
}

impl Clause {
    /// The clause at the beginning of a text, and the text behind it.
    fn parse<'t>(text: &'t str, schema: &Schema) -> (Self, &'t str) {
        let (occur, rest) = occur(text);
        let (field, rest) = field(rest, schema);
        if let Some((text, rest)) = quoted(rest) {
            let (slop, rest) = slop(rest);
            return (Self { occur, field, wanted: Wanted::Phrase { text: text.to_owned(), slop } }, rest);
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        (Self { occur, field, wanted: wanted(word) }, rest)
    }
}

/// A sign and what it stands before, if that is a word or a phrase.
fn occur(text: &str) -> (Occur, &str) {
    let occur = match text.as_bytes().first() {
        Some(b'+') => Occur::Must,
        Some(b'-') => Occur::MustNot,
        _ => return (Occur::Should, text),
    };
    let rest = &text[1..];
    let is_sign = rest.starts_with(|c: char| !c.is_whitespace() && c != '+' && c != '-');
    if is_sign { (occur, rest) } else { (Occur::Should, text) }
}

/// A field and what it stands before.
fn field<'t>(text: &'t str, schema: &Schema) -> (Option<usize>, &'t str) {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let named = text[end..].strip_prefix(':').and_then(|rest| Some((schema.field(&text[..end])?, rest)));
    match named {
        Some((field, rest)) if rest.starts_with(|c: char| !c.is_whitespace()) => (Some(field), rest),
        _ => (None, text),
    }
}

/// What stands between quotes at the beginning, typeset ones too, and the text behind.
fn quoted(text: &str) -> Option<(&str, &str)> {
    const QUOTES: [char; 4] = ['"', '\u{201c}', '\u{201d}', '\u{201e}'];
    text.strip_prefix(QUOTES)?.split_once(QUOTES)
}

/// The number behind a phrase, and the text behind.
fn slop(text: &str) -> (Option<u32>, &str) {
    let Some(rest) = text.strip_prefix('~') else { return (None, text) };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    match rest[..end].parse() {
        Ok(slop) => (Some(slop), &rest[end..]),
        Err(_) => (None, text),
    }
}

fn wanted(word: &str) -> Wanted {
    let is_word = |text: &&str| text.ends_with(char::is_alphanumeric);
    if let Some(start) = word.strip_suffix('*').filter(is_word) {
        return Wanted::Prefix(start.to_owned());
    }
    if let Some((text, distance)) = word.rsplit_once('~').filter(|(text, _)| is_word(text)) {
        // The shorter a word, the more other words are near.
        let distance = match distance {
            "" if text.chars().count() > 5 => Some(2),
            "" | "1" => Some(1),
            "2" => Some(2),
            _ => None,
        };
        if let Some(distance) = distance {
            return Wanted::Fuzzy { text: text.to_owned(), distance };
        }
    }
    Wanted::Words(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let schema = Schema::new(vec![("title".into(), 2), ("text".into(), 1)], true).unwrap();
        let show = |clause: &Clause| {
            let sign = match clause.occur {
                Occur::Should => "",
                Occur::Must => "+",
                Occur::MustNot => "-",
            };
            let field = clause.field.map_or(String::new(), |field| format!("{field}:"));
            let wanted = match &clause.wanted {
                Wanted::Words(text) => text.clone(),
                Wanted::Phrase { text, slop: None } => format!("<{text}>"),
                Wanted::Phrase { text, slop: Some(slop) } => format!("<{text}>{slop}"),
                Wanted::Prefix(text) => format!("{text}..."),
                Wanted::Fuzzy { text, distance } => format!("{text}({distance})"),
            };
            format!("{sign}{field}{wanted}")
        };
        Query::parse(text, &schema).clauses.iter().map(show).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn signs_are_read_and_all_else_is_text() {
        for (text, expected) in [
            ("what is 4.2(b)?", "what | is | 4.2(b)?"),
            ("+lease -\"early  termination\" notice", "+lease | -<early  termination> | notice"),
            ("title:lease +text:\"no pets\"~3 url:x", "0:lease | +1:<no pets>3 | url:x"),
            ("\u{201c}no pets\u{201d}~x", "<no pets> | ~x"),
            (
                "termin* lesee~ abc~ word~1 a~2 b~3 *",
                "termin... | lesee(1) | abc(1) | word(1) | a(2) | b~3 | *",
            ),
            ("landlord~", "landlord(2)"),
            ("- + -- --flag +-x C++ e-mail", "- | + | -- | --flag | +-x | C++ | e-mail"),
            ("\"never closed", "\"never | closed"),
            ("title: x title:", "title: | x | title:"),
            ("\"\" a", "<> | a"),
            ("", ""),
            (" \t", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_fails(text in "[a+\\-\"~*: \u{201c}1]{0,20}|\\PC{0,20}") {
            let query = Query::parse(&text, &Schema::default());
            prop_assert_eq!(query.clauses.is_empty(), text.trim().is_empty());
        }
    }
}
