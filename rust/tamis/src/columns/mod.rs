//! What is known about documents, as typed columns: which of them meet a condition?
//!
//! A column is inverted: its distinct values ascending, and for each the documents that have it,
//! ascending. So every comparison is a run of values, found by bisection, and costs what it finds.
//! A field whose documents disagree about the type has a column for each type.

mod builder;
mod condition;
mod view;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

pub(crate) use builder::ColumnsBuilder;
pub(crate) use condition::Known;
pub use condition::{Compared, Condition, Operand};
pub(crate) use view::{Columns, Field};

/// A value of a field. A list is several of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number; never NaN.
    Float(f64),
    /// A moment, in microseconds since 1970.
    Time(i64),
    /// A text that stands alone.
    Text(&'a str),
    /// A text in a list.
    Item(&'a str),
    /// No value: of a list that is empty, the field is there all the same.
    Nothing,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Whether the field is there.
    Present,
    Bool,
    Int,
    Float,
    Time,
    Text,
    Item,
}

impl Kind {
    const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Item)
    }

    /// What it is called in messages.
    const fn shown(self) -> &'static str {
        match self {
            Self::Present => "nothing",
            Self::Bool => "true or false",
            Self::Int | Self::Float => "numbers",
            Self::Time => "dates",
            Self::Text | Self::Item => "texts",
        }
    }
}

/// A number's bits, so that greater numbers have greater bits; both zeros are one.
fn ordered(number: f64) -> i64 {
    let bits = (number + 0.0).to_bits() as i64;
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The number that [`ordered`] gave.
fn from_ordered(bits: i64) -> f64 {
    f64::from_bits((if bits < 0 { bits ^ i64::MAX } else { bits }) as u64)
}

/// Compares a number with a whole number, exactly.
fn compare(number: f64, whole: i64) -> Ordering {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if number >= END {
        return Ordering::Greater;
    }
    if number < -END {
        return Ordering::Less;
    }
    (number.trunc() as i64).cmp(&whole).then(number.fract().total_cmp(&0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = f64> {
        let near = (any::<i64>(), -2i64..3).prop_map(|(n, off)| n.wrapping_add(off) as f64);
        prop_oneof![
            near,
            -5.0..5.0f64,
            prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN, 2f64.powi(63), -(2f64.powi(63))])
        ]
    }

    proptest! {
        #[test]
        fn numbers_keep_their_order_as_bits(a in number(), b in number()) {
            prop_assert_eq!(ordered(a).cmp(&ordered(b)), a.partial_cmp(&b).unwrap());
            prop_assert_eq!(ordered(from_ordered(ordered(a))), ordered(a));
            prop_assert!((from_ordered(ordered(a)) - a).abs() <= 0.0);
        }

        #[test]
        fn numbers_compare_with_whole_ones_exactly(a in number(), b in prop_oneof![any::<i64>(), -5i64..5, Just(i64::MAX), Just(i64::MIN)]) {
            // Both as parts of a whole number of 128 bits and a fraction.
            let expected = if a.abs() < 2f64.powi(100) {
                (a.floor() as i128).cmp(&i128::from(b)).then(a.fract().abs().total_cmp(&0.0))
            } else {
                a.total_cmp(&0.0)
            };
            prop_assert_eq!(compare(a, b), expected);
        }
    }
}
