//! When a document is valid: from when, until when, and what took its place.
//!
//! The layer above writes it into fields: `document.valid_from` and `document.valid_to`, moments;
//! `document.supersedes`, the keys of the documents that this one takes the place of from the
//! moment on from which it is valid itself, or always; `document.status`, of which `draft` and
//! `withdrawn` mean that it is never valid; `document.folder`, the source it came from.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::{Selection, Snapshot};
use crate::Result;
use crate::columns::{Condition, Kind, Operand};

/// Why a document is not valid at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It is a draft, or was withdrawn.
    Never,
    /// It will be.
    NotYet,
    /// It was.
    Expired,
    /// Another took its place: the document of this number, or one of another source.
    Superseded(Option<usize>),
}

/// When a document is valid, and what ends it.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: i64,
    until: i64,
    end: Invalid,
}

impl Span {
    const ALWAYS: Self = Self { from: i64::MIN, until: i64::MAX, end: Invalid::Expired };

    fn ends(&mut self, until: i64, end: Invalid) {
        if until < self.until {
            (self.until, self.end) = (until, end);
        }
    }

    fn at(&self, moment: i64) -> Option<Invalid> {
        if self.end == Invalid::Never || moment >= self.until {
            return Some(self.end);
        }
        (moment < self.from).then_some(Invalid::NotYet)
    }
}

/// The documents of a version that are not always valid.
#[derive(Debug)]
pub(super) struct Validity {
    superseded: Vec<(String, i64)>,
    spans: Vec<FxHashMap<u32, Span>>,
    /// The moments at which something changes, ascending.
    changes: Vec<i64>,
    /// What is valid between two of them, for those asked last.
    known: Mutex<Vec<(usize, Selection)>>,
}

/// How many moments' answers are kept.
const REMEMBERED: usize = 4;

fn span(spans: &mut FxHashMap<u32, Span>, document: u32) -> &mut Span {
    spans.entry(document).or_insert(Span::ALWAYS)
}

/// Which documents take the place of which others, and from when on.
fn successions(snapshot: &Snapshot, spans: &[FxHashMap<u32, Span>]) -> Result<BTreeMap<(usize, usize), i64>> {
    let mut pairs = BTreeMap::new();
    for (part, spans) in snapshot.parts.iter().zip(spans) {
        let mut keys = Vec::new();
        let documents = part.segment.documents();
        part.segment.columns()?.each("document.supersedes", Kind::Int, documents, |key, document| {
            let own = spans.get(&document).copied().unwrap_or(Span::ALWAYS);
            if part.is_alive(document as usize) && own.end != Invalid::Never {
                keys.push((key as u64, part.first_document + document as usize, own.from));
            }
        });
        for (key, new, from) in keys {
            for old in snapshot.documents_of_key(key)?.into_iter().filter(|old| *old != new) {
                pairs.insert((new, old), from);
            }
        }
    }
    Ok(pairs)
}

impl Validity {
    fn of(snapshot: &Snapshot, superseded: &[(String, i64)]) -> Result<Self> {
        let mut spans: Vec<FxHashMap<u32, Span>> = vec![FxHashMap::default(); snapshot.parts.len()];
        for (part, spans) in snapshot.parts.iter().zip(&mut spans) {
            let columns = part.segment.columns()?;
            let documents = part.segment.documents();
            let select = |field: &str, values: &[&str]| {
                let values = values.iter().map(|value| Operand::Text((*value).to_owned())).collect();
                columns.select(&Condition::In(field.to_owned(), values), documents)
            };

            columns.each("document.valid_from", Kind::Time, documents, |from, document| {
                span(spans, document).from = from;
            });
            columns.each("document.valid_to", Kind::Time, documents, |to, document| {
                span(spans, document).ends(to, Invalid::Expired);
            });
            for document in select("document.status", &["draft", "withdrawn"]).rows() {
                span(spans, document).ends(i64::MIN, Invalid::Never);
            }
            for (source, from) in superseded {
                for document in select("document.folder", &[source]).rows() {
                    span(spans, document).ends(*from, Invalid::Superseded(None));
                }
            }
        }
        let pairs = successions(snapshot, &spans)?;
        for ((new, old), from) in &pairs {
            // Of two that would take each other's place, the later one does.
            let later = pairs.get(&(*old, *new)).is_some_and(|other| (other, old) > (from, new));
            if !later {
                let (part, local) = snapshot.locate(*old)?;
                span(&mut spans[part], local as u32).ends(*from, Invalid::Superseded(Some(*new)));
            }
        }
        let mut changes: Vec<i64> =
            spans.iter().flat_map(FxHashMap::values).flat_map(|span| [span.from, span.until]).collect();
        changes.sort_unstable();
        changes.dedup();
        Ok(Self { superseded: superseded.to_vec(), spans, changes, known: Mutex::default() })
    }

    fn at(&self, snapshot: &Snapshot, moment: i64) -> Selection {
        let place = self.changes.partition_point(|change| *change <= moment);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, selection)) = known().iter().find(|(other, _)| *other == place) {
            return selection.clone();
        }
        let gone = |spans: &FxHashMap<u32, Span>| {
            spans
                .iter()
                .filter(|(_, span)| span.at(moment).is_some())
                .map(|(document, _)| *document)
                .collect()
        };
        let gone: Vec<Vec<u32>> = self.spans.iter().map(gone).collect();
        let selection = snapshot.without(&gone);
        let mut known = known();
        known.insert(0, (place, selection.clone()));
        known.truncate(REMEMBERED);
        selection
    }
}

impl Snapshot {
    fn validity(&self, superseded: &[(String, i64)]) -> Result<std::sync::Arc<Validity>> {
        let held = || self.validity.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held().as_ref().filter(|known| known.superseded == superseded) {
            return Ok(known.clone());
        }
        let made = std::sync::Arc::new(Validity::of(self, superseded)?);
        *held() = Some(made.clone());
        Ok(made)
    }

    /// The rows of the documents that are valid at a moment, in microseconds since 1970; `None` is
    /// all. Sources that another took the place of, from a moment on, are told by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt).
    pub fn valid_at(&self, moment: i64, superseded: &[(String, i64)]) -> Result<Option<Selection>> {
        let validity = self.validity(superseded)?;
        let is_plain = validity.changes.is_empty();
        Ok((!is_plain).then(|| validity.at(self, moment)))
    }

    /// Why a document is not valid at a moment; `None` if it is.
    ///
    /// # Errors
    /// As [`Snapshot::valid_at`]; [`Error::InvalidInput`](crate::Error::InvalidInput) if there is no
    /// such document.
    pub fn invalid_at(
        &self,
        document: usize,
        moment: i64,
        superseded: &[(String, i64)],
    ) -> Result<Option<Invalid>> {
        let (part, local) = self.locate(document)?;
        let validity = self.validity(superseded)?;
        Ok(validity.spans[part].get(&(local as u32)).and_then(|span| span.at(moment)))
    }
}
