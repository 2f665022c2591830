//! Long work that Ctrl-C ends.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use tamis::threads::Stop;

use crate::errors::to_py;

/// How often the interpreter is asked for signals. It takes them on its main thread alone.
const OFTEN: Duration = Duration::from_millis(25);

/// Runs `work` with the interpreter let go, and gives up when a signal handler raises: the
/// error is then the handler's, `KeyboardInterrupt` for Ctrl-C.
pub(crate) fn interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Stop<'_>) -> tamis::Result<T> + Send,
) -> PyResult<T> {
    let caller = thread::current().id();
    let asked = Mutex::new(Instant::now());
    let raised = Mutex::new(None);
    let is_due = || {
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = asked.elapsed() >= OFTEN;
        if due {
            *asked = Instant::now();
        }
        due
    };
    let ask = || {
        if thread::current().id() != caller || !is_due() {
            return false;
        }
        #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is of one lifetime")]
        let Err(error) = Python::attach(|py| py.check_signals()) else { return false };
        *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        true
    };
    let done = py.detach(|| work(&Stop::when(&ask)));
    match raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => done.map_err(to_py),
    }
}
