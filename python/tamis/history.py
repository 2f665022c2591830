"""The versions of an index: back to one, fewer of them, what differs, and whether all are whole."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tamis import _core
from tamis.types import checked_whole


@dataclass(frozen=True, slots=True)
class Pruned:
    """What `Index.prune` removed.

    Attributes
    ----------
    versions : list of int
        They cannot be opened any more.
    files, bytes : int
        How many files only they needed, and their size.
    """

    versions: list[int]
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Diff:
    """By which documents two versions differ.

    Attributes
    ----------
    added, changed, removed : tuple of str
        Document ids, in order.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def rollback(path: str | os.PathLike[str], version: int) -> int:
    """Make an earlier version of an index the newest again, and return the new version's number.

    Unlike `Index.rollback` this needs no open index: the newest version may be damaged.

    Parameters
    ----------
    path : path-like
        The index.
    version : int
        The version that is wanted back. Those made after it stay, and can be opened.

    Raises
    ------
    IndexNotFoundError, VersionNotFoundError
        If there is no index, or no such version.
    CorruptIndexError
        If that version is damaged; nothing is changed then.
    IndexLockedError
        If another process writes to the index.
    """
    return _core.rollback(Path(path), checked_whole(version, "version", least=0)).version


def verify(path: str | os.PathLike[str]) -> list[str]:
    """Read every file of every version of an index and return what is wrong, in words.

    Parameters
    ----------
    path : path-like
        The index.

    Returns
    -------
    list of str
        Nothing, if all is whole.

    Raises
    ------
    IndexNotFoundError
        If there is no index.
    """
    return _core.verify(Path(path))


def prune(path: str | os.PathLike[str], keep: int) -> Pruned:
    """Remove all versions of an index but the newest `keep`; see `Index.prune`."""
    return Pruned(*_core.prune(Path(path), checked_whole(keep, "keep", least=1)))


def diff(before: _core.Snapshot, after: _core.Snapshot) -> Diff:
    """Tell by which documents two versions differ."""
    was, now = (
        {json.loads(snapshot.document(number))["id"]: number for number in snapshot.documents()}
        for snapshot in (before, after)
    )
    shared = was.keys() & now.keys()

    def differs(id: str) -> bool:
        return before.document(was[id]) != after.document(now[id]) or before.text(
            was[id]
        ) != after.text(now[id])

    return Diff(
        added=tuple(sorted(now.keys() - shared)),
        changed=tuple(sorted(filter(differs, shared))),
        removed=tuple(sorted(was.keys() - shared)),
    )
