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
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


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
    added = [id for id, hash in found.items() if hash is not None and id not in indexed]
    changed = [
        id for id, hash in found.items() if hash is not None and indexed.get(id, hash) != hash
    ]
    kept = [id for id, hash in found.items() if id in indexed and hash in (None, indexed[id])]
    removed = [id for id in indexed if id not in found]
    return Plan(*(tuple(sorted(ids)) for ids in (added, changed, kept, removed)))
