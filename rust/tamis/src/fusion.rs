//! Several ranked lists become one.
//!
//! [`rrf`] needs ranks only: `Σ w / (k + rank)`, ranks from 1 (Cormack, Clarke, Büttcher 2009).
//! [`convex`] mixes scores: each list is brought to a common scale, `Σ w · scaled / Σ w` (Bruch,
//! Gai, Ingber 2023). An id that a list does not hold gets nothing from it. The result is ordered
//! by (score descending, id ascending); sums run in the order of the lists, in f64.

use rustc_hash::FxHashMap;

use crate::{Error, Result};

/// A list of ids, best first, with their scores.
#[derive(Clone, Copy, Debug)]
pub struct Ranked<'a> {
    /// The ids, without repetition.
    pub ids: &'a [i64],
    /// As many scores; not read by [`rrf`].
    pub scores: &'a [f64],
}

/// How scores of different retrievers are brought to one scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalise {
    /// The list's own minimum becomes 0, its maximum 1. A list of one score becomes 1.
    MinMax,
    /// The list's mean becomes 0 and its standard deviation 1; then an id that is absent counts
    /// as the list's own minimum.
    ZScore,
}

impl Normalise {
    /// The way of this name, `minmax` or `zscore`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is none.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "minmax" => Ok(Self::MinMax),
            "zscore" => Ok(Self::ZScore),
            _ => Err(Error::InvalidInput(format!(
                "normalise is {name:?}; it must be \"minmax\" or \"zscore\""
            ))),
        }
    }
}

/// Reciprocal-rank fusion.
///
/// # Errors
/// [`Error::InvalidInput`] if `k` is not at least 0, there are not as many finite weights of at
/// least 0 as lists, or a list repeats an id.
///
/// # Examples
/// ```
/// use tamis::fusion::{Ranked, rrf};
///
/// let lists = [&[7, 3][..], &[3, 9]].map(|ids| Ranked { ids, scores: &[] });
/// let fused = rrf(&lists, 60.0, None)?;
/// assert_eq!(fused, [(3, 1.0 / 62.0 + 1.0 / 61.0), (7, 1.0 / 61.0), (9, 1.0 / 62.0)]);
/// # Ok::<(), tamis::Error>(())
/// ```
pub fn rrf(lists: &[Ranked<'_>], k: f64, weights: Option<&[f64]>) -> Result<Vec<(i64, f64)>> {
    if !k.is_finite() || k < 0.0 {
        return Err(Error::InvalidInput(format!("k is {k}; it must be finite and at least 0")));
    }
    let weights = checked_weights(lists.len(), weights)?;
    let mut sums = Sums::default();
    for (list, weight) in lists.iter().zip(weights) {
        let parts = (1..=list.ids.len()).map(|rank| weight / (k + rank as f64));
        sums.add(list.ids, parts)?;
    }
    Ok(sums.ranked(0.0))
}

/// Convex combination of normalised scores.
///
/// # Errors
/// [`Error::InvalidInput`] if there are not as many finite weights of at least 0 (with a positive
/// sum) as lists, a list repeats an id, has not as many scores as ids, or a score is not finite.
pub fn convex(
    lists: &[Ranked<'_>],
    normalise: Normalise,
    weights: Option<&[f64]>,
) -> Result<Vec<(i64, f64)>> {
    let weights = checked_weights(lists.len(), weights)?;
    let total: f64 = weights.iter().sum();
    if !lists.is_empty() && total <= 0.0 {
        return Err(Error::InvalidInput("all weights are 0; at least one must be positive".into()));
    }
    if !total.is_finite() {
        return Err(Error::InvalidInput("the sum of the weights overflows; scale them down".into()));
    }
    let mut sums = Sums::default();
    // What every id has: what absence from each list is worth.
    let mut floor = 0.0;
    for (list, weight) in lists.iter().zip(weights) {
        let weight = weight / total;
        if list.scores.len() != list.ids.len() {
            return Err(Error::InvalidInput(format!(
                "a list has {} ids and {} scores; it needs one score an id",
                list.ids.len(),
                list.scores.len()
            )));
        }
        if let Some(score) = list.scores.iter().find(|score| !score.is_finite()) {
            return Err(Error::InvalidInput(format!("a score is {score}; only finite scores can be fused")));
        }
        let scaled = scale(list.scores, normalise).ok_or_else(|| {
            Error::InvalidInput("the range of a list's scores overflows; scale them down".into())
        })?;
        let absent = match normalise {
            Normalise::MinMax => 0.0,
            Normalise::ZScore => scaled.iter().copied().reduce(f64::min).unwrap_or(0.0),
        };
        floor += weight * absent;
        sums.add(list.ids, scaled.iter().map(|score| weight * (score - absent)))?;
    }
    Ok(sums.ranked(floor))
}

/// The scores on the common scale; none if their range is beyond what an `f64` holds.
fn scale(scores: &[f64], normalise: Normalise) -> Option<Vec<f64>> {
    let low = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (shift, unit) = match normalise {
        Normalise::MinMax if high <= low => return Some(vec![1.0; scores.len()]),
        Normalise::MinMax => (low, high - low),
        // Not left to the sums, whose rounding would pass for a deviation.
        Normalise::ZScore if high <= low => return Some(vec![0.0; scores.len()]),
        Normalise::ZScore => {
            let n = scores.len() as f64;
            let mean = scores.iter().sum::<f64>() / n;
            let deviation = (scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / n).sqrt();
            (mean, if deviation > 0.0 { deviation } else { 1.0 })
        }
    };
    unit.is_finite().then(|| scores.iter().map(|score| (score - shift) / unit).collect())
}

fn checked_weights(lists: usize, weights: Option<&[f64]>) -> Result<Vec<f64>> {
    let Some(weights) = weights else { return Ok(vec![1.0; lists]) };
    if weights.len() != lists {
        return Err(Error::InvalidInput(format!(
            "{} weights for {lists} lists; give one weight a list",
            weights.len()
        )));
    }
    match weights.iter().find(|weight| !weight.is_finite() || **weight < 0.0) {
        Some(weight) => {
            Err(Error::InvalidInput(format!("a weight is {weight}; weights are finite and at least 0")))
        }
        None => Ok(weights.to_vec()),
    }
}

#[derive(Default)]
struct Sums {
    /// For each id its sum and the number of the list that added to it last.
    by_id: FxHashMap<i64, (f64, usize)>,
    lists: usize,
}

impl Sums {
    fn add(&mut self, ids: &[i64], parts: impl Iterator<Item = f64>) -> Result<()> {
        self.lists += 1;
        for (&id, part) in ids.iter().zip(parts) {
            let (sum, last) = self.by_id.entry(id).or_default();
            if *last == self.lists {
                return Err(Error::InvalidInput(format!("id {id} stands twice in one list")));
            }
            *sum += part;
            *last = self.lists;
        }
        Ok(())
    }

    /// The sums, each with `floor` added: before they are put in order, as it can make two equal.
    fn ranked(self, floor: f64) -> Vec<(i64, f64)> {
        let mut ranked: Vec<(i64, f64)> =
            self.by_id.into_iter().map(|(id, (sum, _))| (id, sum + floor)).collect();
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list<'a>(ids: &'a [i64], scores: &'a [f64]) -> Ranked<'a> {
        Ranked { ids, scores }
    }

    #[test]
    fn minmax_by_hand() {
        let lists = [list(&[1, 2, 3], &[9.0, 6.0, 5.0]), list(&[3, 4], &[0.8, 0.6])];
        let fused = convex(&lists, Normalise::MinMax, Some(&[2.0, 3.0])).unwrap();
        assert_eq!(fused, [(3, 0.6), (1, 0.4), (2, 0.4 * 0.25), (4, 0.0)]);
    }

    #[test]
    fn zscore_counts_absence_as_the_minimum() {
        let lists = [list(&[1, 2], &[3.0, 1.0]), list(&[3], &[5.0])];
        let fused = convex(&lists, Normalise::ZScore, None).unwrap();
        assert_eq!(fused, [(1, 0.5), (2, -0.5), (3, -0.5)]);
    }

    #[test]
    fn equal_scores_are_ordered_by_id_and_one_score_is_the_best() {
        assert_eq!(
            rrf(&[list(&[5], &[]), list(&[2], &[])], 60.0, None)
                .unwrap()
                .iter()
                .map(|hit| hit.0)
                .collect::<Vec<_>>(),
            [2, 5]
        );
        assert_eq!(
            convex(&[list(&[5, 4], &[2.0, 2.0])], Normalise::MinMax, None).unwrap(),
            [(4, 1.0), (5, 1.0)]
        );
        assert_eq!(convex(&[], Normalise::MinMax, None).unwrap(), []);
    }

    #[test]
    fn what_absence_is_worth_is_added_before_the_order() {
        // The two small parts vanish beside the floor: equal scores, ordered by id.
        let lists = [list(&[9, 3, 5], &[2.0, 1.0, 0.0]), list(&[7, 8, 6], &[1.0, 0.0, 0.0])];
        let fused = convex(&lists, Normalise::ZScore, Some(&[1e-17, 1.0])).unwrap();
        assert!(
            fused.is_sorted_by(|a, b| a.1.total_cmp(&b.1).reverse().then(a.0.cmp(&b.0)).is_lt()),
            "{fused:?}"
        );
        let equal = convex(&[list(&[1, 2, 3], &[0.1; 3])], Normalise::ZScore, None).unwrap();
        assert_eq!(equal, [(1, 0.0), (2, 0.0), (3, 0.0)]);
    }

    #[test]
    fn refuses_what_has_no_meaning() {
        for normalise in [Normalise::MinMax, Normalise::ZScore] {
            assert!(convex(&[list(&[1, 2], &[1e308, -1e308])], normalise, None).is_err());
        }
        let two = [list(&[1], &[1.0]), list(&[2], &[1.0])];
        assert!(convex(&two, Normalise::MinMax, Some(&[1e308, 1e308])).is_err());
        let twice = [list(&[1, 1], &[1.0, 1.0])];
        assert!(rrf(&twice, 60.0, None).is_err());
        assert!(convex(&twice, Normalise::MinMax, None).is_err());
        let one = [list(&[1], &[1.0])];
        assert!(rrf(&one, f64::NAN, None).is_err());
        assert!(rrf(&one, 60.0, Some(&[])).is_err());
        assert!(convex(&one, Normalise::MinMax, Some(&[0.0])).is_err());
        assert!(convex(&one, Normalise::MinMax, Some(&[-1.0])).is_err());
        assert!(convex(&[list(&[1], &[])], Normalise::MinMax, None).is_err());
        assert!(convex(&[list(&[1], &[f64::INFINITY])], Normalise::MinMax, None).is_err());
    }
}
