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

    /// Adds `n` values at the end, of any content, and gives them to be written.
    pub(crate) fn grow(&mut self, n: usize) -> Result<&mut [T]> {
        let start = self.len;
        self.reserve(start + n)?;
        self.len = start + n;
        let bytes = start * size_of::<T>()..self.len * size_of::<T>();
        Ok(self.map.as_mut().map_or(&mut [], |map| bytemuck::cast_slice_mut(&mut map[bytes])))
    }

    /// Keeps the first `n` values.
    pub(crate) fn truncate(&mut self, n: usize) {
        self.len = self.len.min(n);
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
        assert!(arena.as_slice().is_empty() && arena.grow(0).unwrap().is_empty());
        for i in 0..10_000 {
            arena.grow(1).unwrap()[0] = i;
        }
        assert!(arena.as_slice().iter().copied().eq(0..10_000));
        arena.truncate(10);
        arena.grow(1).unwrap()[0] = 77;
        assert_eq!(arena.as_slice()[8..], [8, 9, 77]);
    }

    #[test]
    fn too_much_is_an_error_and_loses_nothing() {
        let mut arena = Arena::<u32>::default();
        arena.grow(1).unwrap()[0] = 5;
        assert!(matches!(arena.grow(1 << 60), Err(Error::Memory { .. })));
        assert_eq!(arena.as_slice(), [5]);
    }
}
