//! An inverted index as sections of a container: `terms`, `lists`, `places`; see
//! [`crate::lexical`].

use super::format::{Container, Section, section};
use crate::Result;
use crate::lexical::Postings;

const SECTIONS: [&str; 3] = ["terms", "lists", "places"];

/// The sections of an index.
pub(super) fn sections(pieces: [&[u8]; 3]) -> impl Iterator<Item = Section<'_>> {
    SECTIONS.into_iter().zip(pieces).map(|(name, bytes)| section(name, bytes))
}

/// Checks that the terms of an index are whole; its lists are trusted by no one.
pub(super) fn verify(container: &Container) -> Result<()> {
    let is_whole = view(container)?.has_whole_terms();
    if is_whole { Ok(()) } else { Err(container.corrupt("its terms are damaged")) }
}

/// The index in a container.
pub(super) fn view(container: &Container) -> Result<Postings<'_>> {
    of_sections(container, SECTIONS.map(|name| container.section(name)))
}

/// The same, before it is known whether its bytes are right: nothing may be looked for in it.
pub(super) fn unchecked(container: &Container) -> Result<Postings<'_>> {
    of_sections(container, SECTIONS.map(|name| container.unchecked(name)))
}

fn of_sections<'a>(container: &'a Container, sections: [Result<&'a [u8]>; 3]) -> Result<Postings<'a>> {
    let [terms, lists, positions] = sections;
    Postings::new([terms?, lists?, positions?])
        .ok_or_else(|| container.corrupt("its postings cannot be read"))
}
