"""Walks a folder: which files are there to be read, always in the same order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tamis.errors import SourceNotFoundError, UnreadableDocumentError


def find(root: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the files in a folder and its folders, sorted by their paths.

    Hidden files and folders, whose names begin with a dot, are left out, and so is what is no
    regular file. A link is followed where it leads to something inside the folder, and a linked
    folder at most once, so that no link leads in circles; all others are left out.

    Parameters
    ----------
    root : path-like
        The folder; a file gives itself.

    Yields
    ------
    Path
        Beginning with `root` as it was given.

    Raises
    ------
    SourceNotFoundError
        If `root` does not exist.
    UnreadableDocumentError
        If a folder may not be listed.
    """
    root = Path(root)
    if not root.exists():
        raise SourceNotFoundError(f"there is no folder or file {root}; give an existing one")
    return _walk(root) if root.is_dir() else iter([root])


def _walk(root: Path) -> Iterator[Path]:
    inside = root.resolve()
    linked: set[Path] = set()
    pending = [root]
    while pending:
        path = pending.pop()
        if path.is_symlink() and path != root:
            target = path.resolve()
            if not target.is_relative_to(inside) or (target.is_dir() and target in linked):
                continue
            if target.is_dir():
                if path.parent.resolve().is_relative_to(target):
                    continue
                linked.add(target)
        if path.is_dir():
            pending.extend(sorted(_visible(path), reverse=True))
        elif path.is_file():
            yield path


def _visible(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise UnreadableDocumentError(
            f"folder {folder} cannot be listed: {error.strerror}; check its permissions"
        ) from error
