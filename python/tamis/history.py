"""The versions of an index: back to one, fewer of them, what differs, and whether all are whole."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tamis import _core
from tamis.errors import CorruptIndexError, VersionNotFoundError
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


@lru_cache(maxsize=4)
def _log(path: Path, index: str, versions: tuple[int, ...]) -> list[tuple[int, int | None]]:
    """Return when each version was published; what is asked again is not read again."""
    return _core.log(path)


def stood_at(path: Path, index: str, newest: int, moment: int) -> int | None:
    """Return the version, `newest` or before, that stood at a moment since the index was made.

    None stands for the empty one that it begins with.

    Raises
    ------
    CorruptIndexError
        If that cannot be told, since a manifest is damaged or missing.
    VersionNotFoundError
        If that version was pruned.
    """
    log = _log(path, index, tuple(_core.versions(path)))
    entries = [entry for entry in log if entry[0] <= newest]
    first = entries[0][0] if entries else newest
    before = [version for version, created in entries if created is not None and created <= moment]
    if not before and first > 0:
        raise VersionNotFoundError(
            f"{path} holds no version of that time any more: the oldest that was not pruned is "
            f"{first}"
        )
    version = max(before, default=0)
    after = dict(entries).get(version + 1, None)
    if version < newest and after is None:
        raise CorruptIndexError(
            f"{path}/manifests/{version + 1:010} is damaged or missing, so which version stood "
            "then is not known"
        )
    return version or None


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
