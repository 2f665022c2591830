//! What a filter asks for, and whether it can be asked here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::{Error, Result};

/// What a document must meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Each of these; nothing, if there is none.
    All(Vec<Condition>),
    /// One of these at least.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// The field is there.
    Exists(String),
    /// A value of the field is one of these.
    In(String, Vec<Operand>),
    /// A value of the field compares so.
    Compare(String, Compared, Operand),
    /// The text holds this one, or the list this value.
    Contains(String, Operand),
}

/// How a value compares with an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// It is less.
    Below,
    /// It is less, or equal.
    AtMost,
    /// It is greater.
    Above,
    /// It is greater, or equal.
    AtLeast,
}

/// What values are compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A moment, in microseconds since 1970.
    Time(i64),
    /// A text, compared by its bytes.
    Text(String),
    /// A text that is written like a moment, and which: it is less or greater as a moment where the
    /// field has one, and equal as a moment where it has no text.
    Dated(i64, String),
}

impl Operand {
    /// The columns that may hold it.
    pub(super) const fn kinds(&self) -> &'static [Kind] {
        match self {
            Self::Bool(_) => &[Kind::Bool],
            Self::Int(_) | Self::Float(_) => &[Kind::Int, Kind::Float],
            Self::Time(_) => &[Kind::Time],
            Self::Text(_) | Self::Dated(..) => &[Kind::Text, Kind::Item],
        }
    }

    /// The moment that it may stand for, too.
    pub(super) const fn moment(&self) -> Option<Self> {
        if let Self::Dated(moment, _) = self { Some(Self::Time(*moment)) } else { None }
    }
}

/// The fields that every document has, by their meaning: if none says one, it is no error to ask.
const OWN: [&str; 5] =
    ["document.version", "document.valid_from", "document.valid_to", "document.status", "document.folder"];

/// The fields of an index, and of which types their values are.
#[derive(Debug, Default)]
pub(crate) struct Known<'a>(BTreeMap<&'a str, Vec<Kind>>);

impl<'a> FromIterator<(&'a str, Kind)> for Known<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, Kind)>>(fields: I) -> Self {
        let mut known = Self::default();
        fields.into_iter().for_each(|(name, kind)| known.0.entry(name).or_default().push(kind));
        known
    }
}

impl Known<'_> {
    /// The types of a field's values; `None` if no document says one that each may say.
    fn kinds(&self, name: &str) -> Result<Option<&[Kind]>> {
        let found = self.0.get(name).map(Vec::as_slice);
        if found.is_some() || OWN.contains(&name) {
            return Ok(found);
        }
        let names: Vec<&str> = self.0.keys().copied().take(20).collect();
        let known = match names.len() {
            0 => "no document of this index has any".to_owned(),
            _ => format!("its documents have {}", names.join(", ")),
        };
        Err(Error::InvalidInput(format!("no document has a field {name:?}: {known}")))
    }

    /// Checks that a field can be compared with an operand.
    fn check(&self, name: &str, operand: &Operand) -> Result<()> {
        let Some(kinds) = self.kinds(name)? else { return Ok(()) };
        let fits = |operand: &Operand| operand.kinds().iter().any(|kind| kinds.contains(kind));
        if fits(operand) || operand.moment().is_some_and(|moment| fits(&moment)) {
            return Ok(());
        }
        let mut held: Vec<&str> =
            kinds.iter().filter(|kind| **kind != Kind::Present).map(|kind| kind.shown()).collect();
        held.dedup();
        let held = if held.is_empty() { "no value".to_owned() } else { held.join(" and ") };
        let asked = match (operand, kinds.contains(&Kind::Time)) {
            (Operand::Text(_), true) => "texts (a date is written \"2024-03-01\")",
            _ => operand.kinds()[0].shown(),
        };
        Err(Error::InvalidInput(format!(
            "the field {name:?} holds {held}, and the filter asks it for {asked}"
        )))
    }
}

impl Condition {
    /// Reads it as it is written by `serde`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if it is none.
    pub fn from_json(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| Error::InvalidInput(format!("no condition: {error}")))
    }

    /// As [`Condition::from_json`] reads it.
    pub(crate) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::InvalidInput(error.to_string()))
    }

    /// Whether these fields can be asked so.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is no such field, or it holds nothing of the type.
    pub(crate) fn check(&self, known: &Known<'_>) -> Result<()> {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().try_for_each(|one| one.check(known)),
            Self::Not(condition) => condition.check(known),
            Self::Exists(_) => Ok(()),
            Self::In(name, operands) => {
                known.kinds(name)?;
                operands.iter().try_for_each(|operand| known.check(name, operand))
            }
            Self::Contains(name, operand) | Self::Compare(name, _, operand) => known.check(name, operand),
        }
    }
}
