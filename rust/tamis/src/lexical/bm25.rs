//! The BM25 variants' formulas.
//!
//! All are `Σ idf(t) · weight(tf)` over the query's terms that the document holds, a term counted
//! as often as the query repeats it. With `B = 1 - b + b · len / avg_len`:
//!
//! | variant | idf | weight |
//! |---|---|---|
//! | lucene (Kamphuis et al. 2020, "accurate") | `ln(1 + (N - df + 0.5) / (df + 0.5))` | `tf / (tf + k1 · B)` |
//! | robertson (Robertson et al. 1994) | `max(0, ln((N - df + 0.5) / (df + 0.5)))` | `tf / (tf + k1 · B)` |
//! | atire (Trotman et al. 2012) | `ln(N / df)` | `tf · (k1 + 1) / (tf + k1 · B)` |
//! | bm25l (Lv & Zhai 2011), δ = 0.5 | `ln((N + 1) / (df + 0.5))` | `(k1 + 1) · (tf / B + δ) / (k1 + tf / B + δ)` |
//! | bm25+ (Lv & Zhai 2011), δ = 1 | `ln((N + 1) / df)` | `tf · (k1 + 1) / (tf + k1 · B) + δ` |

use crate::{Error, Result};

/// Which formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Lucene's, with an idf that is never negative.
    Lucene,
    /// The original, its idf cut off at 0.
    Robertson,
    /// ATIRE's.
    Atire,
    /// BM25L: long documents are not penalised too much.
    Bm25L,
    /// BM25+: an occurrence is always worth something.
    Bm25Plus,
}

/// A formula with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bm25 {
    variant: Variant,
    k1: f64,
    b: f64,
}

impl Bm25 {
    /// The names of the variants.
    pub const NAMES: [&'static str; 5] = ["lucene", "robertson", "atire", "bm25l", "bm25+"];

    /// The variant of this name with these parameters.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an unknown name, `k1` that is not finite and at least 0, or `b`
    /// outside 0..=1.
    pub fn new(variant: &str, k1: f64, b: f64) -> Result<Self> {
        let kind = match variant {
            "lucene" => Variant::Lucene,
            "robertson" => Variant::Robertson,
            "atire" => Variant::Atire,
            "bm25l" => Variant::Bm25L,
            "bm25+" => Variant::Bm25Plus,
            _ => {
                return Err(Error::InvalidInput(format!(
                    "there is no BM25 variant {variant:?}; there are {}",
                    Self::NAMES.join(", ")
                )));
            }
        };
        if !k1.is_finite() || k1 < 0.0 {
            return Err(Error::InvalidInput(format!("k1 is {k1}; it must be finite and at least 0")));
        }
        if !(0.0..=1.0).contains(&b) {
            return Err(Error::InvalidInput(format!("b is {b}; it must be within 0 and 1")));
        }
        Ok(Self { variant: kind, k1, b })
    }

    /// The variant's name.
    pub fn variant(&self) -> &'static str {
        Self::NAMES[self.variant as usize]
    }

    /// How soon repetition of a term stops counting.
    pub fn k1(&self) -> f64 {
        self.k1
    }

    /// How much length counts, 0 to 1.
    pub fn b(&self) -> f64 {
        self.b
    }

    /// What a term is worth that `df` of `n` documents hold; at least 0.
    pub fn idf(&self, n: u64, df: u64) -> f64 {
        let (n, df) = (n as f64, df as f64);
        match self.variant {
            Variant::Lucene => (1.0 + (n - df + 0.5) / (df + 0.5)).ln(),
            Variant::Robertson => ((n - df + 0.5) / (df + 0.5)).ln().max(0.0),
            Variant::Atire => (n / df).ln(),
            Variant::Bm25L => ((n + 1.0) / (df + 0.5)).ln(),
            Variant::Bm25Plus => ((n + 1.0) / df).ln(),
        }
    }

    /// No weight is above this.
    pub(super) fn most(&self) -> f64 {
        match self.variant {
            Variant::Lucene | Variant::Robertson => 1.0,
            Variant::Atire | Variant::Bm25L => self.k1 + 1.0,
            Variant::Bm25Plus => self.k1 + 2.0,
        }
    }

    /// What `tf` occurrences in a document of `len` terms are worth, before idf.
    #[inline(always)]
    pub fn weight(&self, tf: u32, len: u32, avg_len: f64) -> f64 {
        let (k1, tf) = (self.k1, f64::from(tf));
        let norm = 1.0 - self.b + self.b * f64::from(len) / avg_len;
        match self.variant {
            Variant::Lucene | Variant::Robertson => tf / (tf + k1 * norm),
            Variant::Atire => tf * (k1 + 1.0) / (tf + k1 * norm),
            Variant::Bm25L => {
                let c = tf / norm + 0.5;
                (k1 + 1.0) * c / (k1 + c)
            }
            Variant::Bm25Plus => tf * (k1 + 1.0) / (tf + k1 * norm) + 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_by_hand() {
        // N = 4, df = 1, tf = 2, len = 6, avg_len = 4, k1 = 1.2, b = 0.75: B = 1.375.
        let score = |variant| {
            let bm25 = Bm25::new(variant, 1.2, 0.75).unwrap();
            bm25.idf(4, 1) * bm25.weight(2, 6, 4.0)
        };
        let (plain, boosted) = (2.0 / 3.65, 4.4 / 3.65);
        let c = 2.0 / 1.375 + 0.5;
        for (variant, expected) in [
            ("lucene", (1.0 + 3.5 / 1.5_f64).ln() * plain),
            ("robertson", (3.5 / 1.5_f64).ln() * plain),
            ("atire", 4f64.ln() * boosted),
            ("bm25l", (5.0 / 1.5_f64).ln() * 2.2 * c / (1.2 + c)),
            ("bm25+", 5f64.ln() * (boosted + 1.0)),
        ] {
            assert!((score(variant) - expected).abs() < 1e-12, "{variant}");
            assert_eq!(Bm25::new(variant, 1.2, 0.75).unwrap().variant(), variant);
        }
    }

    #[test]
    fn refuses_parameters_without_meaning() {
        for (variant, k1, b) in
            [("bm26", 1.2, 0.75), ("lucene", -1.0, 0.5), ("lucene", f64::NAN, 0.5), ("lucene", 1.0, 1.5)]
        {
            assert!(matches!(Bm25::new(variant, k1, b), Err(Error::InvalidInput(_))), "{variant} {k1} {b}");
        }
    }
}
