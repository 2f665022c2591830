"""The exception family: everything tamis raises on purpose is a `TamisError`.

Each class also derives from the builtin it refines, so that ``except ValueError`` keeps
working. A message says what is wrong (with the values), where, and what to do about it.
The Rust core raises these same classes.
"""

from __future__ import annotations


class TamisError(Exception):
    """Base of every error that tamis raises on purpose."""


class InvalidInputError(TamisError, ValueError):
    """An argument is outside what the function accepts."""


class DimensionError(InvalidInputError):
    """A vector or matrix has another width, or another shape, than the index."""


class NonFiniteError(InvalidInputError):
    """A vector holds NaN or an infinity."""


class ZeroVectorError(InvalidInputError):
    """A vector of length zero has no direction, so its cosine is undefined."""


class SourceNotFoundError(TamisError, FileNotFoundError):
    """A folder or file to read does not exist."""


class SourceConflictError(TamisError, ValueError):
    """Two different folders would fill the same part of one index."""


class UnreadableDocumentError(TamisError, ValueError):
    """A file cannot be read as a document: binary, too large, or broken."""


class UnsupportedFormatError(UnreadableDocumentError):
    """No reader is registered for this kind of file."""


class IndexNotFoundError(TamisError, FileNotFoundError):
    """There is no index at this path, and it was not to be created."""


class IndexLockedError(TamisError, BlockingIOError):
    """Another process is writing to this index."""


class ReadOnlyError(TamisError, PermissionError):
    """The index was opened read-only, or as an earlier version."""


class VersionNotFoundError(TamisError, LookupError):
    """The index does not hold this version."""


class GateRefusedError(TamisError):
    """A gate refused a new version; the index is as it was."""


class CorruptIndexError(TamisError, OSError):
    """A file of the index is damaged, truncated, or missing."""


class FormatTooNewError(TamisError, OSError):
    """The index was written by a newer tamis."""


class AnalyzerMismatchError(TamisError, ValueError):
    """The index was built by an earlier or later version of the analyzers: its terms are others."""


class StorageError(TamisError, OSError):
    """The operating system refused to read or write a file of the index."""


class ModelError(TamisError):
    """Base of the errors about models."""


class ModelNotFoundError(ModelError, LookupError):
    """No model of this name is registered."""


class ModelUnavailableError(ModelError, OSError):
    """The files of a model are not on this machine and could not be fetched."""


class ModelChecksumError(ModelError, OSError):
    """A file of a model is not the file its spec names."""


class ModelMismatchError(ModelError, ValueError):
    """The index was built with another model than the one given."""


class DatasetError(TamisError, ValueError):
    """An evaluation set is missing a file or has a malformed line."""
