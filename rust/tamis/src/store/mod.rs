//! How an index lies on the disk, whole at every moment.
//!
//! ```text
//! NAME.tamis/
//!   lock                      held by the one writer, released by the system when it dies
//!   manifests/0000000042      one a version: which segments make it, settings, models
//!   segments/0000000007.seg   immutable: whole documents with texts, chunks, postings, vectors
//!   segments/0000000007.42.del  which of its documents version 42 no longer holds
//! ```
//!
//! A commit writes new files, syncs them and their directory, and then publishes a manifest by
//! one rename. No published file is ever changed, and none is removed that a version needs. Every file is a [container](mod@format): named
//! sections with checksums, and a footer that tells what the file is.

mod blobs;
mod codes;
pub(crate) mod format;
pub mod fs;
mod keys;
pub(crate) mod lock;
pub(crate) mod manifest;
mod mmap;
mod postings;
pub(crate) mod segment;
pub mod single;

pub use format::FORMAT;
pub use lock::after_fork;
pub use manifest::Settings;
