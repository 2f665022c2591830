//! Which rows hold terms next to one another, and how often.
//!
//! A position is a place in the row times the number of fields, plus the field: what stands one
//! after the other in a field is as many apart as there are fields, and nothing in two fields is.

use super::positions::PlacedWalk;
use crate::hit::Row;

/// Terms that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    /// The terms, each with its distance from the first, ascending.
    pub(super) terms: Vec<(String, u32)>,
    /// How many places may lie between them, in any order; `None` if they follow one another.
    pub(super) slop: Option<u32>,
}

/// How the fields of rows lie in positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) n_fields: u32,
    /// Only what stands in this field counts.
    pub(super) field: Option<u32>,
}

impl Layout {
    fn is_in(self, position: u32) -> bool {
        self.field.is_none_or(|field| position % self.n_fields == field)
    }
}

impl Phrase {
    /// How often the terms stand together in a row, given the positions of each there.
    pub(super) fn count(&self, places: &[&[u32]], layout: Layout) -> u32 {
        let mut count = 0;
        self.each(places, layout, |_| count += 1);
        count
    }

    /// Calls `f` with the places in `places`, one a term, where the terms stand together.
    pub(super) fn each(&self, places: &[&[u32]], layout: Layout, f: impl FnMut(&[usize])) {
        match self.slop {
            None => self.each_in_order(places, layout, f),
            Some(slop) => self.each_near(places, layout, slop, f),
        }
    }

    fn each_in_order(&self, places: &[&[u32]], layout: Layout, mut f: impl FnMut(&[usize])) {
        let (Some(first), Some((_, origin))) = (places.first(), self.terms.first()) else { return };
        let mut at = vec![0; places.len()];
        'starts: for (i, start) in first.iter().enumerate().filter(|(_, place)| layout.is_in(**place)) {
            at[0] = i;
            for ((places, (_, distance)), at) in places.iter().zip(&self.terms).zip(&mut at).skip(1) {
                let wanted = u64::from(*start) + u64::from(distance - origin) * u64::from(layout.n_fields);
                *at += places[*at..].partition_point(|place| u64::from(*place) < wanted);
                match places.get(*at) {
                    None => return,
                    Some(place) if u64::from(*place) == wanted => {}
                    Some(_) => continue 'starts,
                }
            }
            f(&at);
        }
    }

    /// The windows that hold all terms and no smaller window that does, where these are small enough.
    fn each_near(&self, places: &[&[u32]], layout: Layout, slop: u32, mut f: impl FnMut(&[usize])) {
        let distance = |end: Option<&(String, u32)>| end.map_or(0, |(_, distance)| *distance);
        let length = distance(self.terms.last()) - distance(self.terms.first());
        let most = u64::from(length.saturating_add(slop)) * u64::from(layout.n_fields);
        // Of a term that is repeated, each stands at another of its places.
        let same = |i: usize, j: usize| self.terms[i].0 == self.terms[j].0;
        let mut at: Vec<usize> = (0..places.len()).map(|i| (0..i).filter(|j| same(i, *j)).count()).collect();
        while !places.is_empty() {
            let heads = || places.iter().zip(&at).map(|(places, at)| places.get(*at).copied());
            let (mut least, mut greatest) = ((u32::MAX, 0), 0);
            for (i, head) in heads().enumerate() {
                let Some(head) = head else { return };
                least = least.min((head, i));
                greatest = greatest.max(head);
            }
            let mut fields = heads().flatten().map(|head| head % layout.n_fields);
            let field = fields.next();
            let after = (0..at.len()).filter(|i| same(*i, least.1)).map(|i| at[i]).max().unwrap_or(0) + 1;
            let next = places[least.1].get(after);
            if u64::from(greatest - least.0) <= most
                && next.is_none_or(|next| *next > greatest)
                && fields.all(|other| Some(other) == field)
                && layout.is_in(least.0)
            {
                f(&at);
            }
            at[least.1] = after;
        }
    }
}

/// The rows that hold a phrase, whose terms' lists these are, and how often.
pub(super) fn find(phrase: &Phrase, mut walks: Vec<PlacedWalk<'_>>, layout: Layout) -> (Vec<Row>, Vec<u32>) {
    let (mut rows, mut frequencies) = (Vec::new(), Vec::new());
    // The rarest leads.
    let Some(lead) = (0..walks.len()).min_by_key(|i| walks[*i].walk.len()) else {
        return (rows, frequencies);
    };
    'rows: while let Some(row) = walks[lead].walk.row() {
        for i in (0..walks.len()).filter(|i| *i != lead) {
            walks[i].walk.seek(row);
            match walks[i].walk.row() {
                None => break 'rows,
                Some(other) if other > row => {
                    walks[lead].walk.seek(other);
                    continue 'rows;
                }
                Some(_) => {}
            }
        }
        let places: Vec<&[u32]> = walks.iter_mut().map(PlacedWalk::places).collect();
        let count = phrase.count(&places, layout);
        if count > 0 {
            rows.push(row);
            frequencies.push(count);
        }
        walks[lead].walk.step();
    }
    (rows, frequencies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: Layout = Layout { n_fields: 1, field: None };

    fn phrase(terms: &[&str], slop: Option<u32>) -> Phrase {
        let terms = terms.iter().zip(0..).map(|(term, distance)| ((*term).to_owned(), distance)).collect();
        Phrase { terms, slop }
    }

    fn places(words: &[String], terms: &[&str]) -> Vec<Vec<u32>> {
        let of = |term: &&str| (0..).zip(words).filter(|(_, word)| word == term).map(|(i, _)| i).collect();
        terms.iter().map(of).collect()
    }

    proptest! {
        #[test]
        fn counts_are_those_of_looking_everywhere(
            words in prop::collection::vec("[ab]|[abc]", 0..30), terms in prop::collection::vec("[abc]", 1..4), slop in 0u32..4,
        ) {
            let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
            let places = places(&words, &terms);
            let places: Vec<&[u32]> = places.iter().map(Vec::as_slice).collect();
            let exact = words.windows(terms.len()).filter(|window| window.iter().eq(&terms)).count();
            prop_assert_eq!(phrase(&terms, None).count(&places, ONE) as usize, exact);

            let width = terms.len() + slop as usize;
            let holds = |from: usize| {
                let end = words.len().min(from + width);
                let count = |words: &mut dyn Iterator<Item = &str>, term: &str| words.filter(|word| *word == term).count();
                terms.iter().all(|term| {
                    count(&mut words[from..end].iter().map(String::as_str), term) >= count(&mut terms.iter().copied(), term)
                })
            };
            let near = phrase(&terms, Some(slop)).count(&places, ONE);
            prop_assert_eq!(near > 0, (0..words.len()).any(holds));
        }
    }

    #[test]
    fn fields_do_not_touch() {
        // Two fields: "a b" and "c a b"; the first weighs 2.
        let (a, b, c): (&[u32], &[u32], &[u32]) = (&[0, 0, 7], &[2, 2, 9], &[5]);
        let both = Layout { n_fields: 2, field: None };
        let only = |field| Layout { n_fields: 2, field: Some(field) };
        let ab = phrase(&["a", "b"], None);
        assert_eq!(
            (ab.count(&[a, b], both), ab.count(&[a, b], only(0)), ab.count(&[a, b], only(1))),
            (3, 2, 1)
        );
        assert_eq!(phrase(&["b", "c"], None).count(&[b, c], both), 0);
        assert_eq!(phrase(&["b", "c"], Some(0)).count(&[b, c], both), 0);
        assert_eq!(phrase(&["b", "c"], Some(1)).count(&[b, c], both), 1);
        assert_eq!(phrase(&[], None).count(&[], both), 0);
    }
}
