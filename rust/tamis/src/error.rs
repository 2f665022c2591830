//! The errors of the core, one kind for each thing a caller can do something about.

use std::io;
use std::path::{Path, PathBuf};

/// What went wrong. Every message names the values, the place and, where there is one, the cure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument outside what the function accepts.
    #[error("{0}")]
    InvalidInput(String),

    /// A matrix of another width than the index.
    #[error("{0}")]
    Dimension(String),

    /// NaN or an infinity in a vector.
    #[error(
        "row {row} of the vectors holds {value} at dimension {dimension}, as float32; only finite values can be compared"
    )]
    NonFinite {
        /// Row in the matrix that was given.
        row: usize,
        /// Position in the row.
        dimension: usize,
        /// The value, NaN or an infinity.
        value: f32,
    },

    /// A vector without a direction.
    #[error(
        "row {row} of the vectors has length zero, so its cosine is undefined; leave such rows out, or keep them with a cosine of 0 (on_zero=\"keep\")"
    )]
    ZeroVector {
        /// Row in the matrix that was given.
        row: usize,
    },

    /// A vector so long that an inner product could overflow.
    #[error(
        "row {row} of the vectors has length {length:.3e}; inner products of rows longer than {longest:.1e} may overflow, scale them down"
    )]
    TooLong {
        /// Row in the matrix that was given.
        row: usize,
        /// Its length.
        length: f64,
        /// The greatest length.
        longest: f64,
    },

    /// The caller was asked to stop, and did; nothing was changed.
    #[error("the work was interrupted")]
    Interrupted,

    /// No index at this path.
    #[error("there is no index at {}", .0.display())]
    NotFound(PathBuf),

    /// Another writer holds the lock.
    #[error("the index {} is being written by {holder}; wait for it, or open the index read-only", path.display())]
    Locked {
        /// The index.
        path: PathBuf,
        /// What the lock file says about the holder.
        holder: String,
    },

    /// A version that was never made, or that is gone.
    #[error("the index {} has no version {version}; it holds {held}", path.display())]
    VersionNotFound {
        /// The index.
        path: PathBuf,
        /// The version asked for.
        version: u64,
        /// The versions there are, in words.
        held: String,
    },

    /// A file whose bytes are not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found, with the offset where there is one.
        reason: String,
    },

    /// A file of a later format.
    #[error("{} has format {found}, this tamis reads up to {known}; upgrade tamis", path.display())]
    FormatTooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format this build reads.
        known: u32,
    },

    /// Terms that an analyzer made which is no longer the same.
    #[error("{} was made by version {found} of the analyzers, this tamis has version {known}: its terms are others; make it anew from its documents", path.display())]
    AnalyzerMismatch {
        /// The file or the index.
        path: PathBuf,
        /// The version of the analyzers that made it.
        found: u32,
        /// The version of this build's.
        known: u32,
    },

    /// There is not as much memory.
    #[error("there are no {bytes} bytes of memory: {source}")]
    Memory {
        /// What was asked for.
        bytes: usize,
        /// What the system said.
        source: io::Error,
    },

    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Puts the path to a system error.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// The error of a row that stood after so many others.
    pub(crate) fn after(self, rows: usize) -> Self {
        match self {
            Self::NonFinite { row, dimension, value } => {
                Self::NonFinite { row: row + rows, dimension, value }
            }
            Self::ZeroVector { row } => Self::ZeroVector { row: row + rows },
            Self::TooLong { row, length, longest } => Self::TooLong { row: row + rows, length, longest },
            other => other,
        }
    }

    pub(crate) fn corrupt(path: &Path, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: reason.into() }
    }
}

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;
