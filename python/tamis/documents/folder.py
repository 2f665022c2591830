"""Walks a folder: which files are there to be read, always in the same order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from tamis.errors import SourceNotFoundError, UnreadableDocumentError

#: Called with a path that cannot be looked at, and the reason.
OnError: TypeAlias = Callable[[Path, str], None]


def find(root: str | os.PathLike[str], *, on_error: OnError | None = None) -> Iterator[Path]:
    """Yield the files in a folder and its folders, sorted by their paths.

    Hidden files and folders, whose names begin with a dot, are left out, and so is what is no
    regular file. A link is followed where it leads to something inside the folder, and a linked
    folder at most once, so that no link leads in circles; all others are left out.

    Parameters
    ----------
    root : path-like
        The folder; a file gives itself.
    on_error : callable, optional
        Called with a folder or link that cannot be looked at, and the reason; the walk then goes
        on. Without it, the first is an error.

    Yields
    ------
    Path
        Beginning with `root` as it was given.

    Raises
    ------
    SourceNotFoundError
        If `root` does not exist.
    UnreadableDocumentError
        If a folder may not be listed, or a link leads in circles, and there is no `on_error`.
    """
    root = Path(root)
    if not root.exists():
        raise SourceNotFoundError(f"there is no folder or file {root}; give an existing one")
    return _walk(root, on_error or _refuse) if root.is_dir() else iter([root])


def _refuse(path: Path, reason: str) -> None:
    raise UnreadableDocumentError(f"{path} cannot be looked at: {reason}; check its permissions")


def _walk(root: Path, on_error: OnError) -> Iterator[Path]:
    inside = root.resolve()
    linked: set[Path] = set()
    pending = [root]
    while pending:
        path = pending.pop()
        try:
            if path.is_symlink() and path != root and not _leads_on(path, inside, linked):
                continue
            if path.is_dir():
                pending.extend(sorted(_visible(path), reverse=True))
            elif path.is_file():
                yield path
        except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
            on_error(path, getattr(error, "strerror", None) or str(error))


def _leads_on(link: Path, inside: Path, linked: set[Path]) -> bool:
    """Whether a link leads to a file of the folder, or to a folder in it for the first time."""
    target = link.resolve()
    if not target.is_relative_to(inside):
        return False
    if target.is_dir():
        if target in linked or link.parent.resolve().is_relative_to(target):
            return False
        linked.add(target)
    return True


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]
