//! Work spread over threads that live only as long as the call, so that a process can fork
//! between calls and nothing has to be shut down.

use std::num::NonZero;
use std::ops::Range;
use std::sync::OnceLock;
use std::thread;

/// The cores this process may use, affinity and control-group quota counted, or what
/// `TAMIS_THREADS` says. Looked up once.
pub fn available() -> usize {
    static AVAILABLE: OnceLock<NonZero<usize>> = OnceLock::new();
    let asked = || std::env::var("TAMIS_THREADS").ok()?.parse().ok();
    let found = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    AVAILABLE.get_or_init(|| asked().unwrap_or_else(found)).get()
}

/// The most threads of one call, whatever is asked for: the system refuses too many.
const MOST: usize = 256;

/// Splits `0..n` into at most `threads` runs of nearly equal length (256 at most) and gives the
/// results of `f` on each, in order. With one thread, or one run, `f` runs on the caller's.
pub fn map_ranges<T: Send>(n: usize, threads: usize, f: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let runs = threads.min(n).clamp(1, MOST);
    let range = |i: usize| n * i / runs..n * (i + 1) / runs;
    if runs == 1 {
        return vec![f(range(0))];
    }
    thread::scope(|scope| {
        let f = &f;
        let spawn = |i: usize| thread::Builder::new().spawn_scoped(scope, move || f(range(i)));
        let others: Vec<_> = (1..runs).map(|i| (i, spawn(i))).collect();
        let first = f(range(0));
        // Where the system gives no more threads, the caller's does the work.
        let join = |(i, spawned): (usize, std::io::Result<thread::ScopedJoinHandle<'_, T>>)| match spawned {
            Ok(handle) => handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => f(range(i)),
        };
        std::iter::once(first).chain(others.into_iter().map(join)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_everything_once_in_order() {
        for n in [0, 1, 2, 7, 100] {
            for threads in [0, 1, 3, 8] {
                let runs = map_ranges(n, threads, Iterator::collect::<Vec<_>>);
                assert_eq!(runs.concat(), (0..n).collect::<Vec<_>>());
            }
        }
    }
}
