"""What has to be done, decided before anything is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The documents of a source, by what happened to them; ids in order.

    Attributes
    ----------
    added, changed, unchanged, removed : tuple of str
        Document ids.
    moved : tuple of (str, str)
        The old and the new id of documents whose file has another name now, and the same bytes.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[tuple[str, str], ...] = ()


def plan_sync(indexed: Mapping[str, str], found: Mapping[str, str | None]) -> Plan:
    """Compare what is indexed with what was found.

    Parameters
    ----------
    indexed : mapping of document id to hash
        What the index holds of the source.
    found : mapping of document id to hash or None
        What the source holds now; None where the file could not be read, which keeps what the
        index holds of it: a file that is locked for a moment has not been removed.

    Returns
    -------
    Plan
    """
    new = {id: hash for id, hash in found.items() if hash is not None and id not in indexed}
    changed = [
        id for id, hash in found.items() if hash is not None and indexed.get(id, hash) != hash
    ]
    kept = [id for id, hash in found.items() if id in indexed and hash in (None, indexed[id])]
    gone: dict[str, list[str]] = {}
    for id in sorted(indexed.keys() - found.keys(), reverse=True):
        gone.setdefault(indexed[id], []).append(id)
    moved = [(old.pop(), id) for id, hash in sorted(new.items()) if (old := gone.get(hash))]
    added = new.keys() - {id for _, id in moved}
    removed = [id for ids in gone.values() for id in ids]
    return Plan(
        added=tuple(sorted(added)),
        changed=tuple(sorted(changed)),
        unchanged=tuple(sorted(kept)),
        removed=tuple(sorted(removed)),
        moved=tuple(moved),
    )
