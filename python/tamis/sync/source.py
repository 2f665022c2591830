"""A folder or file that an index follows: what it holds now, and what the index holds of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from tamis import _core, documents
from tamis.documents import shown
from tamis.sync.fingerprint import Stat, file_hash, file_stat
from tamis.sync.report import Skipped
from tamis.types import Progress

#: A document's number in the index, and its record.
Indexed = tuple[int, dict[str, Any]]


class File(TypedDict):
    """By what a synced file is recognised; kept in its document's record."""

    hash: str
    stat: Stat | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a source holds.

    Attributes
    ----------
    paths : mapping of document id to Path
        Its files, also those that no reader reads.
    files : mapping of document id to File or None
        By what each is recognised; None where it could not be read.
    unseen : tuple of str
        What the ids of documents begin with whose folder could not be listed.
    skipped : list of Skipped
        What could not be read, and why.
    """

    paths: Mapping[str, Path]
    files: Mapping[str, File | None]
    unseen: tuple[str, ...]
    skipped: list[Skipped]

    def hashes(self, indexed: Mapping[str, Indexed]) -> dict[str, str | None]:
        """Return each document's hash; None where what is indexed of it has to stay."""
        found = {id: file and file["hash"] for id, file in self.files.items()}
        # What stands in a folder that cannot be listed is not gone.
        unseen = [id for id in indexed if id.startswith(self.unseen)] if self.unseen else []
        return found | dict.fromkeys(unseen)


def indexed(snapshot: _core.Snapshot, name: str) -> dict[str, Indexed]:
    """Return the documents that an index holds of a source, by id."""
    numbers = snapshot.documents_where(json.dumps({"in": ["document.folder", [{"text": name}]]}))
    records = ((number, json.loads(snapshot.document(number))) for number in numbers)
    return {record["id"]: (number, record) for number, record in records}


def look(
    root: Path,
    name: str,
    own: Path,
    known: Mapping[str, Indexed],
    progress: Progress | None = None,
) -> Found:
    """Look at every file of a source; only those that seem to have changed are read.

    Parameters
    ----------
    root : Path
        The folder or file, resolved.
    name : str
        What the ids of its documents begin with.
    own : Path
        The index, which is left out.
    known : mapping
        What the index holds of the source.
    progress : callable, optional
        Called as ``progress("scan", done, total)``.
    """
    skipped: list[Skipped] = []
    paths, unseen = _paths(root, name, own, skipped)
    files: dict[str, File | None] = {}
    for done, (id, path) in enumerate(paths.items()):
        tell(progress, "scan", done, len(paths))
        files[id] = None
        if not documents.readable(path):
            skipped.append(Skipped(shown(path), f"no reader for {path.suffix!r} files"))
            continue
        try:
            stat = file_stat(path)
            record = known[id][1] if id in known else {}
            is_same = stat is not None and record.get("stat") == list(stat)
            files[id] = File(hash=record["hash"] if is_same else file_hash(path), stat=stat)
        except OSError as error:
            skipped.append(Skipped(shown(path), error.strerror or str(error)))
    tell(progress, "scan", len(paths), len(paths))
    return Found(paths, files, unseen, skipped)


def _paths(
    root: Path, name: str, own: Path, skipped: list[Skipped]
) -> tuple[dict[str, Path], tuple[str, ...]]:
    if root.is_file():
        return {name: root}, ()
    unseen: list[str] = []

    def report(path: Path, reason: str) -> None:
        skipped.append(Skipped(shown(path), reason))
        unseen.append("/".join(filter(None, (name, shown(path.relative_to(root)).strip(".")))))

    paths: dict[str, Path] = {}
    for path in documents.find(root, on_error=report):
        if path.is_relative_to(own):
            continue
        id = f"{name}/{shown(path.relative_to(root))}"
        if id in paths:
            reason = f"its name is shown like that of another file, {id}"
            skipped.append(Skipped(shown(path), reason))
        else:
            paths[id] = path
    return paths, tuple(unseen)


def tell(
    progress: Callable[[str, int, int], None] | None, stage: str, done: int, total: int
) -> None:
    """Report progress, if anyone wants to know."""
    if progress is not None:
        progress(stage, done, total)
