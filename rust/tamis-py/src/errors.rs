//! The one match from the core's errors to the exceptions of `tamis.errors`.

use pyo3::exceptions::PyMemoryError;
use pyo3::import_exception;
use pyo3::prelude::*;

import_exception!(tamis.errors, AnalyzerMismatchError);
import_exception!(tamis.errors, CorruptIndexError);
import_exception!(tamis.errors, DimensionError);
import_exception!(tamis.errors, FormatTooNewError);
import_exception!(tamis.errors, IndexLockedError);
import_exception!(tamis.errors, IndexNotFoundError);
import_exception!(tamis.errors, InvalidInputError);
import_exception!(tamis.errors, NonFiniteError);
import_exception!(tamis.errors, StorageError);
import_exception!(tamis.errors, VersionNotFoundError);
import_exception!(tamis.errors, ZeroVectorError);

/// The exception for an error of the core.
pub(crate) fn to_py(error: tamis::Error) -> PyErr {
    use tamis::Error;
    let message = error.to_string();
    match error {
        Error::Dimension(_) => DimensionError::new_err(message),
        Error::NonFinite { .. } => NonFiniteError::new_err(message),
        Error::ZeroVector { .. } => ZeroVectorError::new_err(message),
        Error::NotFound(_) => IndexNotFoundError::new_err(message),
        Error::Locked { .. } => IndexLockedError::new_err(message),
        Error::VersionNotFound { .. } => VersionNotFoundError::new_err(message),
        Error::Corrupt { .. } => CorruptIndexError::new_err(message),
        Error::FormatTooNew { .. } => FormatTooNewError::new_err(message),
        Error::AnalyzerMismatch { .. } => AnalyzerMismatchError::new_err(message),
        Error::Memory { .. } => PyMemoryError::new_err(message),
        Error::Io { .. } => StorageError::new_err(message),
        _ => InvalidInputError::new_err(message),
    }
}
