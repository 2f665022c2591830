//! The compiled module `tamis._core`: arrays and strings in, one call of the core with the
//! interpreter let go, arrays and bytes out. No policy, no arithmetic.
#![forbid(unsafe_code)]
#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#![allow(clippy::too_many_arguments, reason = "they are keyword arguments in Python")]

mod arrays;
mod blocks;
mod errors;
mod fusion;
mod stop;
mod store;

#[pyo3::pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    #[pymodule_export]
    use super::blocks::{Analyzer, BM25Index, DenseIndex, parse_query};
    #[pymodule_export]
    use super::fusion::{convex, rrf};
    #[pymodule_export]
    use super::store::{Selection, Snapshot, Writer, create, log, prune, rollback, verify, versions};

    /// The instruction set that the kernels use: `scalar`, `avx2`, `avx512` or `neon`.
    #[pyfunction]
    fn simd_level() -> &'static str {
        tamis::simd::Level::best().name()
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        // Only where there are forks.
        if let Ok(register) = py.import("os")?.getattr("register_at_fork") {
            let hooks = PyDict::new(py);
            hooks.set_item("after_in_child", wrap_pyfunction!(super::store::after_fork, module)?)?;
            register.call((), Some(&hooks))?;
        }
        module.add("FORMAT", tamis::store::FORMAT)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
