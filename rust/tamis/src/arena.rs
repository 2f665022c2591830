//! Growing arrays in memory of their own, which the system is asked to map by large pages: a scan
//! of gigabytes, and rows picked out of them, then spend less time on finding where a page lies.

use std::marker::PhantomData;

use bytemuck::Pod;
use memmap2::MmapMut;

use crate::{Error, Result};

/// An array that grows at the end.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    map: Option<MmapMut>,
    len: usize,
    values: PhantomData<T>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { map: None, len: 0, values: PhantomData }
    }
}

impl<T: Pod> Arena<T> {
    /// The values.
    pub(crate) fn as_slice(&self) -> &[T] {
        self.map.as_ref().map_or(&[], |map| bytemuck::cast_slice(&map[..self.len * size_of::<T>()]))
    }

    /// Room for `n` more values, of any content, to be written before they are [kept](Self::keep).
    pub(crate) fn room(&mut self, n: usize) -> Result<&mut [T]> {
        self.reserve(self.len.saturating_add(n))?;
        let bytes = self.len * size_of::<T>()..(self.len + n) * size_of::<T>();
        Ok(self.map.as_mut().map_or(&mut [], |map| bytemuck::cast_slice_mut(&mut map[bytes])))
    }

    /// Counts the first `n` values of the room as values.
    ///
    /// # Panics
    /// If there is not so much room.
    pub(crate) fn keep(&mut self, n: usize) {
        let room = self.map.as_ref().map_or(0, |map| map.len());
        assert!((self.len + n) * size_of::<T>() <= room, "{n} values are more than there is room for");
        self.len += n;
    }

    /// Makes room for `n` values in all, or for twice those that there is room for.
    fn reserve(&mut self, n: usize) -> Result<()> {
        let room = self.map.as_ref().map_or(0, |map| map.len());
        let wanted = n.saturating_mul(size_of::<T>());
        if wanted <= room {
            return Ok(());
        }
        let bytes = wanted.max(2 * room);
        let mut map = MmapMut::map_anon(bytes).map_err(|source| Error::Memory { bytes, source })?;
        // Where the system has no large pages, small ones do.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        let values = bytemuck::cast_slice(self.as_slice());
        map[..values.len()].copy_from_slice(values);
        self.map = Some(map);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_it_holds_as_it_grows() {
        let mut arena = Arena::<u32>::default();
        assert!(arena.as_slice().is_empty() && arena.room(0).unwrap().is_empty());
        arena.keep(0);
        for i in 0..10_000 {
            arena.room(1).unwrap()[0] = i;
            arena.keep(1);
        }
        assert!(arena.as_slice().iter().copied().eq(0..10_000));
        arena.room(5).unwrap().fill(77);
        arena.keep(1);
        assert_eq!(arena.as_slice()[9_999..], [9_999, 77]);
    }

    #[test]
    fn too_much_is_an_error_and_loses_nothing() {
        let mut arena = Arena::<u32>::default();
        arena.room(1).unwrap()[0] = 5;
        arena.keep(1);
        assert!(matches!(arena.room(1 << 60), Err(Error::Memory { .. })));
        assert_eq!(arena.as_slice(), [5]);
    }
}
