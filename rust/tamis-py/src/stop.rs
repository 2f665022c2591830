//! Long work that Ctrl-C ends.

use std::cell::Cell;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tamis::threads::Stop;

use crate::errors::to_py;

/// How often the interpreter is asked for signals. It takes them on its main thread alone.
const OFTEN: Duration = Duration::from_millis(25);

thread_local! {
    /// Whether this thread runs a signal handler in the middle of its own long work.
    static HANDLING: Cell<bool> = const { Cell::new(false) };
}

/// An error in a signal handler that interrupts this thread's own work: what it holds while it
/// works would be waited for in vain.
///
/// # Errors
/// `RuntimeError`.
pub(crate) fn enter() -> PyResult<()> {
    if HANDLING.get() {
        return Err(PyRuntimeError::new_err(
            "a signal handler cannot use an index in the middle of tamis' own work; set a flag there and look at it later",
        ));
    }
    Ok(())
}

/// Whether this is the interpreter's main thread. Asking runs Python, and with it signal handlers:
/// what one of them raises is the error.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    Ok(threading.call_method0("main_thread")?.is(&threading.call_method0("current_thread")?))
}

/// Runs `work` with the interpreter let go, and gives up when a signal handler raises: the
/// error is then the handler's, `KeyboardInterrupt` for Ctrl-C.
pub(crate) fn interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Stop<'_>) -> tamis::Result<T> + Send,
) -> PyResult<T> {
    enter()?;
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
    let is_main = OnceLock::new();
    let ask = || {
        // Signals are taken on the main thread alone; elsewhere nothing is asked after the first time.
        if thread::current().id() != caller || is_main.get() == Some(&false) || !is_due() {
            return false;
        }
        let checked = Python::attach(|py| {
            HANDLING.set(true);
            let is_main = is_main.get().map_or_else(|| is_main_thread(py), |is_main| Ok(*is_main));
            let checked =
                is_main.and_then(|found| if found { py.check_signals() } else { Ok(()) }.map(|()| found));
            HANDLING.set(false);
            checked
        });
        let error = match checked {
            Ok(found) => {
                is_main.get_or_init(|| found);
                return false;
            }
            Err(error) => error,
        };
        *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        true
    };
    let done = py.detach(|| work(&Stop::when(&ask)));
    match raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => done.map_err(to_py),
    }
}
