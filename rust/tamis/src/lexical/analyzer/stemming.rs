//! Snowball stems, and the last ones remembered.
//!
//! A text repeats its words, and a stem costs more than everything else that is done with a word.
//! Each thread keeps a table of some thousand words and their stems, of all languages together.

use std::cell::RefCell;

use frostem::{Algorithm, Stemmer};

/// The longest word that is remembered, and the longest stem, in bytes.
const WORD: usize = 22;
const STEM: usize = 23;
const SLOTS: usize = 4096;

/// A word, its length and its language; the stem and its length.
#[derive(Clone, Copy)]
struct Slot {
    key: [u8; WORD + 2],
    stem: [u8; STEM + 1],
}

thread_local! {
    static REMEMBERED: RefCell<Vec<Slot>> = const { RefCell::new(Vec::new()) };
}

/// The stemmer of a language.
pub(super) struct Stemming {
    stemmer: Stemmer,
    /// The number of the language, above 0.
    language: u8,
}

impl Stemming {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        let place = Algorithm::all().iter().position(|other| *other == algorithm);
        Self { stemmer: Stemmer::new(algorithm), language: place.map_or(0, |place| place as u8) + 1 }
    }

    /// Appends the stem of a folded word.
    pub(super) fn push(&self, word: &str, out: &mut String) {
        if word.len() > WORD {
            out.push_str(&self.stemmer.stem(word));
            return;
        }
        let mut key = [0; WORD + 2];
        key[..word.len()].copy_from_slice(word.as_bytes());
        key[WORD] = word.len() as u8;
        key[WORD + 1] = self.language;
        REMEMBERED.with_borrow_mut(|slots| {
            if slots.is_empty() {
                slots.resize(SLOTS, Slot { key: [0; WORD + 2], stem: [0; STEM + 1] });
            }
            let slot = &mut slots[place(key)];
            if slot.key == key {
                let stem = &slot.stem[..slot.stem[STEM] as usize];
                out.push_str(std::str::from_utf8(stem).unwrap_or_default());
                return;
            }
            let stem = self.stemmer.stem(word);
            out.push_str(&stem);
            if stem.len() <= STEM {
                slot.key = key;
                slot.stem[..stem.len()].copy_from_slice(stem.as_bytes());
                slot.stem[STEM] = stem.len() as u8;
            }
        });
    }
}

/// The slot of a key, by a multiplicative hash.
fn place(key: [u8; WORD + 2]) -> usize {
    let [a, b, c]: [u64; 3] = bytemuck::cast(key);
    let mixed = (a ^ b.rotate_left(23) ^ c.rotate_left(46)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - SLOTS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_the_stem_of_that_language() {
        let stem = |algorithm, word: &str| {
            let mut out = String::from("-");
            Stemming::new(algorithm).push(word, &mut out);
            out
        };
        for _ in 0..2 {
            assert_eq!(stem(Algorithm::English, "terminations"), "-termin");
            assert_eq!(stem(Algorithm::German, "kündigungen"), "-kundig");
            assert_eq!(stem(Algorithm::English, "kündigungen"), "-kündigungen");
            assert_eq!(stem(Algorithm::English, ""), "-");
            assert_eq!(stem(Algorithm::English, "incomprehensibilities'"), "-incomprehens");
            assert_eq!(stem(Algorithm::English, "antidisestablishmentarians"), "-antidisestablishmentarian");
        }
        // More words than slots, twice.
        for _ in 0..2 {
            for i in 0..3 * SLOTS {
                assert_eq!(stem(Algorithm::English, &format!("w{i}x")), format!("-w{i}x"));
            }
        }
    }
}
