//! What a row consists of: its fields, how much each counts, and whether positions are kept.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The most that a field counts.
const MOST_WEIGHT: u32 = 100;

/// What a row consists of.
///
/// An occurrence in a field counts as often as the field weighs, and so does its share of the
/// row's length: BM25F as Robertson, Zaragoza and Taylor (2004) have it, with one `b` for all
/// fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Its fields, at least one.
    pub fields: Vec<Field>,
    /// Whether an index keeps where terms stand, which phrases and single fields are found by.
    pub positions: bool,
}

/// A part of a row that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// As it stands before the colon of a query.
    pub name: String,
    /// How often an occurrence counts.
    pub weight: u32,
}

impl Default for Schema {
    /// Rows of one field, without positions.
    fn default() -> Self {
        Self { fields: vec![Field { name: "text".into(), weight: 1 }], positions: false }
    }
}

impl Schema {
    /// Fields with their weights.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is no field, a name twice or one that no query can say, or
    /// a weight out of range.
    pub fn new(fields: Vec<(String, u32)>, positions: bool) -> Result<Self> {
        let fields = fields.into_iter().map(|(name, weight)| Field { name, weight }).collect();
        Self { fields, positions }.checked()
    }

    /// The same, once it is known to have a meaning.
    pub(crate) fn checked(self) -> Result<Self> {
        let fields = &self.fields;
        if fields.is_empty() {
            return Err(Error::InvalidInput("there are no fields; give at least one".into()));
        }
        for (i, Field { name, weight }) in fields.iter().enumerate() {
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                let reason = "a name has letters, digits and underscores";
                return Err(Error::InvalidInput(format!("there is a field {name:?}; {reason}")));
            }
            if fields[..i].iter().any(|other| other.name == *name) {
                return Err(Error::InvalidInput(format!("there are two fields {name:?}")));
            }
            if !(1..=MOST_WEIGHT).contains(weight) {
                let reason = format!("it must be a whole number from 1 to {MOST_WEIGHT}");
                return Err(Error::InvalidInput(format!("the weight of {name:?} is {weight}; {reason}")));
            }
        }
        Ok(self)
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}
