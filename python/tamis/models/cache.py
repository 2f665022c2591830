"""Where a model's files lie on this machine, and whether they are the files its spec names.

They lie in a folder that the spec names, or in the cache, one folder a model, named after the
model and its hashes. A file is looked at twice: by its size whenever it is looked for, and
by its hash before it is used, once a process.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tamis.errors import ModelChecksumError, ModelUnavailableError
from tamis.models.spec import FilePin, FolderSource, ModelSpec

#: The environment variable that names another cache folder.
CACHE_VARIABLE = "TAMIS_CACHE"

#: Files found to be right by this process: path, time of change, size, hash.
_checked: set[tuple[Path, int, int, str]] = set()


def cache_folder() -> Path:
    """Return the folder of the fetched models, which need not exist yet.

    It is ``models`` in ``$TAMIS_CACHE``, or else in the user's cache folder for tamis.
    """
    from platformdirs import user_cache_dir

    root = os.environ.get(CACHE_VARIABLE) or user_cache_dir("tamis", appauthor=False)
    return Path(root).expanduser() / "models"


def locate(spec: ModelSpec) -> Path | None:
    """Return the folder that holds all files of a model in their right sizes, or None.

    Nothing is read, written or fetched, so a cache may be read-only.
    """
    folders = [source.path for source in spec.sources if isinstance(source, FolderSource)]
    folders.append(cache_folder() / spec.folder_name)
    return next((folder for folder in folders if not missing(spec, folder)), None)


def missing(spec: ModelSpec, folder: Path) -> list[str]:
    """Return, in words, what a folder lacks of a model's files; judged by their sizes alone."""
    lacks = []
    for name, pin in spec.files.items():
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            lacks.append(f"{name}: {error.strerror}")
        else:
            if size != pin.size:
                lacks.append(f"{name} has {size} bytes instead of {pin.size}")
    return lacks


def verify(spec: ModelSpec) -> None:
    """Read all files of a model and compare them with its spec.

    Raises
    ------
    ModelUnavailableError
        If the files are not all on this machine.
    ModelChecksumError
        If a file is not the one that the spec names.
    """
    folder = locate(spec)
    if folder is None:
        lacks = "; ".join(missing(spec, cache_folder() / spec.folder_name))
        raise ModelUnavailableError(
            f"the model {spec.name} is not complete in {cache_folder() / spec.folder_name} "
            f"({lacks}); fetch it with `tamis models fetch {spec.name}`"
        )
    for name in spec.files:
        _check(spec, folder, name)


def checked_file(spec: ModelSpec, folder: Path, name: str) -> Path:
    """Return the path of a model's file, its hash compared with the spec once a process.

    Raises
    ------
    ModelUnavailableError
        If the file cannot be read.
    ModelChecksumError
        If it is not the one that the spec names.
    """
    path = folder / name
    try:
        status = path.stat()
    except OSError as error:
        raise ModelUnavailableError(f"the model file {path} cannot be read: {error}") from error
    key = (path, status.st_mtime_ns, status.st_size, spec.files[name].sha256)
    if key not in _checked:
        _check(spec, folder, name)
        _checked.add(key)
    return path


def _check(spec: ModelSpec, folder: Path, name: str) -> None:
    compare(
        folder / name,
        spec.files[name],
        f"{folder / name} is damaged or was replaced",
        f"delete it and run `tamis models fetch {spec.name}`",
    )


def compare(path: Path, pin: FilePin, problem: str, remedy: str) -> None:
    """Compare a file with its pin.

    Parameters
    ----------
    path : Path
        The file.
    pin : FilePin
        What it must be.
    problem, remedy : str
        What it means if it is not, and what to do then, for the message.

    Raises
    ------
    ModelUnavailableError
        If the file cannot be read.
    ModelChecksumError
        If it is another file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            seen = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelUnavailableError(f"the model file {path} cannot be read: {error}") from error
    if (seen, size) != (pin.sha256, pin.size):
        raise ModelChecksumError(
            f"{problem}: it has {size} bytes and sha256 {seen}, expected {pin.size} bytes and "
            f"sha256 {pin.sha256}; {remedy}"
        )
