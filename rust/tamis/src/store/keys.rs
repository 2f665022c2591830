//! Numbers that are found by a key, a hash of 64 bits that the layer above makes: the keys,
//! ascending, then what has each. Several may have one.

use std::borrow::Cow;

/// The section of the keys of all numbers, in order of the numbers.
pub(super) fn pieces(keys: &[u64]) -> Vec<Cow<'static, [u8]>> {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_unstable_by_key(|number| (keys[*number as usize], *number));
    let sorted: Vec<u64> = order.iter().map(|number| keys[*number as usize]).collect();
    let bytes = [bytemuck::cast_slice(&sorted), bytemuck::cast_slice::<_, u8>(&order)];
    bytes.map(|bytes| Cow::Owned(bytes.to_vec())).into()
}

/// Finds numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys<'a> {
    keys: &'a [u64],
    numbers: &'a [u32],
}

impl<'a> Keys<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let n = bytes.len() / 12;
        let (keys, numbers) = bytes.split_at_checked(8 * n)?;
        let (keys, numbers) =
            (bytemuck::try_cast_slice(keys).ok()?, bytemuck::try_cast_slice::<_, u32>(numbers).ok()?);
        (numbers.len() == n).then_some(Self { keys, numbers })
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The numbers that have a key, ascending.
    pub(super) fn find(self, key: u64) -> impl Iterator<Item = u32> + use<'a> {
        let start = self.keys.partition_point(|other| *other < key);
        let own = self.keys[start..].iter().zip(&self.numbers[start..]);
        own.take_while(move |(other, _)| **other == key).map(|(_, number)| *number)
    }

    /// The keys in order of their numbers; 0 for a number that has none, as there is no such.
    pub(super) fn in_order(&self) -> Vec<u64> {
        let mut keys = vec![0; self.len()];
        for (key, number) in self.keys.iter().zip(self.numbers) {
            if let Some(place) = keys.get_mut(*number as usize) {
                *place = *key;
            }
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_found_by_their_keys(keys in prop::collection::vec(prop_oneof![0u64..5, any::<u64>()], 0..50), key in 0u64..6) {
            let bytes = pieces(&keys).concat();
            let mut words = vec![0u64; bytes.len().div_ceil(8)];
            let aligned: &mut [u8] = &mut bytemuck::cast_slice_mut(&mut words)[..bytes.len()];
            aligned.copy_from_slice(&bytes);
            let view = Keys::new(aligned).unwrap();
            prop_assert_eq!((view.len(), view.in_order()), (keys.len(), keys.clone()));
            for key in keys.iter().copied().chain([key]) {
                let expected = (0u32..).zip(&keys).filter(|(_, other)| **other == key).map(|(number, _)| number);
                prop_assert!(view.find(key).eq(expected));
            }
            prop_assert!(Keys::new(&aligned[..bytes.len().saturating_sub(4)]).is_none_or(|view| view.len() < keys.len() || keys.is_empty()));
        }
    }
}
