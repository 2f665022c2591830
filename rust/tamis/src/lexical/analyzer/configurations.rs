//! The named analyses: which language, and what it needs.

use frostem::Algorithm;

use super::stop_words;

/// An analysis and its name.
#[derive(Debug)]
pub(super) struct Configuration {
    pub(super) name: &'static str,
    pub(super) cut: Cut,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) marks: Marks,
    /// Words that are left out.
    pub(super) stop_words: &'static str,
}

/// How text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// At the end of lines: terms that were made elsewhere.
    Lines,
    /// Into Unicode words, and nothing else.
    Words,
    /// Into words, identifiers, and pairs of characters where no spaces are written.
    Identifiers,
}

/// What becomes of the marks on letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marks {
    /// They stay.
    Keep,
    /// They go before a word is stemmed: the language has none.
    Strip,
    /// They go after a word is stemmed, but for those of these letters.
    StripBut(&'static str),
}

impl Configuration {
    /// English has apostrophes within words; in other languages what stands before or behind is a
    /// word of its own (`l'avion`, `Ankara'da`).
    pub(super) fn cuts_apostrophes(&self) -> bool {
        self.algorithm != Some(Algorithm::English)
    }

    /// Turkish has an `ı` without a dot.
    pub(super) fn is_dotless(&self) -> bool {
        self.algorithm == Some(Algorithm::Turkish)
    }
}

/// The name of terms that were made elsewhere.
pub(super) const CUSTOM: &str = "custom";

const fn language(
    name: &'static str,
    algorithm: Algorithm,
    letters: &'static str,
    stop_words: &'static str,
) -> Configuration {
    let marks = match algorithm {
        Algorithm::English => Marks::Strip,
        _ => Marks::StripBut(letters),
    };
    Configuration { name, cut: Cut::Identifiers, algorithm: Some(algorithm), marks, stop_words }
}

const fn neutral(name: &'static str, cut: Cut, marks: Marks) -> Configuration {
    Configuration { name, cut, algorithm: None, marks, stop_words: "" }
}

/// A language, and the same without its stop words.
macro_rules! languages {
    ($($name:literal, $algorithm:ident, $letters:literal $(, $words:ident)?;)*) => {
        &[
            language("default", Algorithm::English, "", ""),
            neutral("plain", Cut::Words, Marks::Keep),
            neutral("multilingual", Cut::Identifiers, Marks::StripBut("")),
            neutral(CUSTOM, Cut::Lines, Marks::Keep),
            $(
                language($name, Algorithm::$algorithm, $letters, ""),
                $(language(concat!($name, "+stop"), Algorithm::$algorithm, $letters, stop_words::$words),)?
            )*
        ]
    };
}

/// All of them. The letters are those that a language counts as letters of their own, and whose
/// marks are therefore typed.
pub(super) static CONFIGURATIONS: &[Configuration] = languages! {
    "arabic", Arabic, "";
    "armenian", Armenian, "";
    "basque", Basque, "ñ";
    "catalan", Catalan, "ç", CATALAN;
    "czech", Czech, "", CZECH;
    "danish", Danish, "åæø", DANISH;
    "dutch", Dutch, "", DUTCH;
    "english", English, "", ENGLISH;
    "estonian", Estonian, "äõöüšž";
    "finnish", Finnish, "åäö", FINNISH;
    "french", French, "", FRENCH;
    "german", German, "", GERMAN;
    "greek", Greek, "", GREEK;
    "hindi", Hindi, "";
    "hungarian", Hungarian, "áéíóöőúüű", HUNGARIAN;
    "indonesian", Indonesian, "";
    "irish", Irish, "";
    "italian", Italian, "", ITALIAN;
    "lithuanian", Lithuanian, "";
    "nepali", Nepali, "";
    "norwegian", Norwegian, "åæø", NORWEGIAN;
    "persian", Persian, "";
    "polish", Polish, "", POLISH;
    "portuguese", Portuguese, "", PORTUGUESE;
    "romanian", Romanian, "", ROMANIAN;
    "russian", Russian, "", RUSSIAN;
    "serbian", Serbian, "";
    "spanish", Spanish, "ñ", SPANISH;
    "swedish", Swedish, "åäö", SWEDISH;
    "tamil", Tamil, "";
    "turkish", Turkish, "çğöşü", TURKISH;
    "ukrainian", Ukrainian, "";
    "yiddish", Yiddish, "";
};
