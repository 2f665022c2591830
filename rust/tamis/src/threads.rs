//! Work spread over threads: a pool of the process, made when it is first needed, that a forked
//! child makes anew. Long work asks now and then whether it shall stop.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, TryLockError};
use std::thread;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use crate::{Error, Result};

/// The cores this process may use, affinity and control-group quota counted, or what
/// `TAMIS_THREADS` says. Looked up once.
pub fn available() -> usize {
    static AVAILABLE: OnceLock<NonZero<usize>> = OnceLock::new();
    let asked = || std::env::var("TAMIS_THREADS").ok()?.parse().ok();
    let found = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    AVAILABLE.get_or_init(|| asked().unwrap_or_else(found)).get()
}

/// The most threads of one call, whatever is asked for.
const MOST: usize = 256;

/// Whether long work shall be given up.
pub struct Stop<'a> {
    asked: &'a (dyn Fn() -> bool + Sync),
    stopped: AtomicBool,
}

impl std::fmt::Debug for Stop<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stop").field("stopped", &self.stopped).finish_non_exhaustive()
    }
}

impl<'a> Stop<'a> {
    /// Work that is given up when `asked` says so. Each thread at work asks, many times a second.
    pub fn when(asked: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { asked, stopped: AtomicBool::new(false) }
    }

    /// Work that runs to its end.
    pub fn never() -> Self {
        Self::when(&|| false)
    }

    /// An error if the work shall be given up.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn check(&self) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) || (self.asked)() {
            self.stopped.store(true, Ordering::Relaxed);
            return Err(Error::Interrupted);
        }
        Ok(())
    }
}

/// The pool of this process. A forked child has none of its parent's threads: it makes a pool of
/// its own and leaves the parent's alone, whatever state it is in. `None`, and the caller works
/// alone, where the system gives no threads or the lock was held when the process was forked.
fn pool() -> Option<&'static ThreadPool> {
    static POOL: Mutex<Option<(u32, &'static ThreadPool)>> = Mutex::new(None);
    const PATIENCE: usize = 1000;
    const SPARE: usize = 8;
    let process = std::process::id();
    for _ in 0..PATIENCE {
        let mut slot = match POOL.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => {
                thread::yield_now();
                continue;
            }
        };
        if let Some((_, pool)) = slot.filter(|(owner, _)| *owner == process) {
            return Some(pool);
        }
        let name = |i| format!("tamis-{i}");
        // More than cores: what is short need not wait until what is long lets go of a thread.
        let threads = available() + SPARE;
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build().ok()?;
        let pool: &'static ThreadPool = Box::leak(Box::new(pool));
        *slot = Some((process, pool));
        return Some(pool);
    }
    None
}

/// Does the tasks `0..tasks`, each once, on the caller's thread and at most `threads - 1` others
/// (256 in all), which take them in turn. Each thread has a state of its own, made by `start`;
/// the states are given back in no order.
///
/// # Errors
/// [`Error::Interrupted`] if `stop` says so, which is asked before each task.
pub fn map_tasks<S: Send>(
    tasks: usize,
    threads: usize,
    stop: &Stop<'_>,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) + Sync,
) -> Result<Vec<S>> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut state = start();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                return Ok(state);
            }
            stop.check()?;
            work(&mut state, task);
        }
    };
    let others = threads.min(tasks).clamp(1, MOST) - 1;
    let Some(pool) = (others > 0).then(pool).flatten() else { return Ok(vec![run()?]) };
    let states = Mutex::new(Vec::with_capacity(others + 1));
    pool.in_place_scope(|scope| {
        let keep = |state| states.lock().unwrap_or_else(PoisonError::into_inner).push(state);
        for _ in 0..others {
            scope.spawn(move |_| keep(run()));
        }
        keep(run());
    });
    states.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

/// The results of `f` on `0..n`, in order, found by at most `threads` threads.
///
/// # Errors
/// As [`map_tasks`].
pub fn map_each<T: Send>(
    n: usize,
    threads: usize,
    stop: &Stop<'_>,
    f: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>> {
    let found = map_tasks(n, threads, stop, Vec::new, |found, i| found.push((i, f(i))))?;
    let mut found: Vec<(usize, T)> = found.into_iter().flatten().collect();
    found.sort_unstable_by_key(|(i, _)| *i);
    Ok(found.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_done_once_by_any_number_of_threads() {
        for n in [0, 1, 2, 7, 100] {
            for threads in [0, 1, 3, 8, 1000] {
                let doubled = map_each(n, threads, &Stop::never(), |i| 2 * i).unwrap();
                assert_eq!(doubled, (0..n).map(|i| 2 * i).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn work_ends_soon_after_it_was_told_to() {
        let done = AtomicUsize::new(0);
        let enough = || done.load(Ordering::Relaxed) >= 5;
        let work = |_: usize| done.fetch_add(1, Ordering::Relaxed);
        for threads in [1, 3] {
            done.store(0, Ordering::Relaxed);
            assert!(matches!(map_each(1000, threads, &Stop::when(&enough), work), Err(Error::Interrupted)));
            assert!(done.load(Ordering::Relaxed) < 20);
        }
    }

    #[test]
    #[should_panic(expected = "a task's own words")]
    fn a_panic_reaches_the_caller() {
        let _ = map_each(10, 2, &Stop::never(), |i| assert!(i < 5, "a task's own words"));
    }
}
