"""`tamis.open` and `Index`: the one place where the rooms are joined."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict

import numpy as np
import numpy.typing as npt

from tamis import _core, chunking, context, documents, history
from tamis.dense import as_matrix
from tamis.documents import shown
from tamis.errors import (
    CorruptIndexError,
    DimensionError,
    IndexNotFoundError,
    InvalidInputError,
    ModelMismatchError,
    NonFiniteError,
    ReadOnlyError,
    SourceConflictError,
    SourceNotFoundError,
    UnreadableDocumentError,
    ZeroVectorError,
)
from tamis.lexical import Analyzer
from tamis.retrieval import Assemble, Mode, Pipeline, Ranked, Results, confidence
from tamis.sync import (
    Plan,
    Prepared,
    Skipped,
    Stat,
    SyncReport,
    file_hash,
    file_stat,
    plan_sync,
    prepare,
)
from tamis.types import (
    Chunk,
    Context,
    Document,
    FloatArray,
    Hit,
    PassageReranker,
    Progress,
    TextEncoder,
    TokenCounter,
    checked_text,
    checked_texts,
    checked_whole,
    content_hash,
    key_of,
)

DEFAULT_ENCODER = "bge-small-en-v1.5"
DEFAULT_RERANKER = "ms-marco-MiniLM-L-12-v2"

#: What a chunk's terms are taken from: the names are those that a `Query` may use.
FIELDS = ("title", "heading", "text")

#: The largest chunk, in the encoder's tokens, heading path included.
CHUNK_TOKENS = 256


def open(
    path: str | os.PathLike[str],
    *,
    encoder: str | TextEncoder | None = DEFAULT_ENCODER,
    reranker: str | PassageReranker | None = DEFAULT_RERANKER,
    analyzer: str | None = None,
    version: int | None = None,
    read_only: bool = False,
) -> Index:
    """Open an index, or make one.

    No model is loaded and nothing is fetched before the first text is encoded.

    Parameters
    ----------
    path : path-like
        A directory, by custom ``NAME.tamis``.
    encoder : str, TextEncoder or None
        A registered name, an object with the protocol, or None: then a new index is purely
        lexical and needs no model, and one that holds vectors is searched by words only. An
        index that was made without an encoder stays lexical whatever is given.
    reranker : str, PassageReranker or None
        The same; with None the fused order stands.
    analyzer : str, optional
        The name of the `Analyzer` that a new index is made with, such as ``"german"``; by default
        ``"default"``, which stems English. An index keeps the one that it was made with.
    version : int, optional
        An earlier version, read-only; by default the newest.
    read_only : bool
        Never make or change an index.

    Returns
    -------
    Index

    Raises
    ------
    IndexNotFoundError
        If there is none and it was not to be made.
    ModelMismatchError
        If the index was filled with another encoder; says what differs.
    ModelNotFoundError
        If no model of a name is registered.
    CorruptIndexError, FormatTooNewError, StorageError
        If a file is damaged, newer than this tamis, or cannot be read.
    VersionNotFoundError
        If the index does not hold that version.
    InvalidInputError
        If there is no analyzer of the name, or the index was made with another.

    Examples
    --------
    >>> import tamis
    >>> with tamis.open("notes.tamis", encoder=None, reranker=None) as index:
    ...     index.add([{"id": "a", "text": "Refunds take 30 days."}])
    ...     index.commit()
    ...     index.search("refunds")[0].citation
    1
    'a, chars 0-21'
    """
    return Index(
        Path(path),
        _encoder(encoder),
        _reranker(reranker),
        analyzer=analyzer,
        version=version,
        read_only=read_only,
    )


def _encoder(encoder: str | TextEncoder | None) -> TextEncoder | None:
    if isinstance(encoder, str):
        from tamis.models import Encoder

        return Encoder(encoder)
    if encoder is not None and not isinstance(encoder, TextEncoder):
        raise InvalidInputError(
            f"encoder is of type {type(encoder).__name__}; it must be a name, an object with the "
            f"methods of tamis.types.TextEncoder, or None{_missing(encoder, TextEncoder)}"
        )
    return encoder


def _reranker(reranker: str | PassageReranker | None) -> PassageReranker | None:
    if isinstance(reranker, str):
        from tamis.models import Reranker

        return Reranker(reranker)
    if reranker is not None and not isinstance(reranker, PassageReranker):
        raise InvalidInputError(
            f"reranker is of type {type(reranker).__name__}; it must be a name, an object with "
            "the methods of tamis.types.PassageReranker, or None"
            f"{_missing(reranker, PassageReranker)}"
        )
    return reranker


def _missing(model: object, protocol: type) -> str:
    """Say what a model lacks that has some of a protocol's members."""
    wanted = [name for name in dir(protocol) if not name.startswith("_")]
    missing = [name for name in wanted if not hasattr(model, name)]
    return f"; it lacks {', '.join(missing)}" if len(missing) < len(wanted) else ""


class Index:
    """An index on the disk: documents in, cited passages out. Made by `tamis.open`.

    An open index sees one version; `sync` and `commit` move it to the one they make, `refresh`
    to the newest. Searches may run in many threads at once. One process writes at a time, and
    only while it does so it holds the index's lock.
    """

    def __init__(
        self,
        path: Path,
        encoder: TextEncoder | None,
        reranker: PassageReranker | None,
        *,
        analyzer: str | None,
        version: int | None,
        read_only: bool,
    ) -> None:
        self.path = path
        self.encoder = encoder
        self.reranker = reranker
        self._read_only = read_only or version is not None
        self._pending: dict[str, _New] = {}
        self._deleted: set[str] = set()
        if version is not None:
            checked_whole(version, "version", least=0)
        if path.is_file():
            raise InvalidInputError(f"{path} is a file; an index is a directory")
        try:
            self._snapshot = _core.Snapshot.open(path, version)
        except IndexNotFoundError:
            if self._read_only:
                raise
            self._create("default" if analyzer is None else Analyzer(analyzer).name)
        except CorruptIndexError as error:
            raise CorruptIndexError(
                f"{error}. `tamis verify` tells what else is damaged, and `tamis rollback` makes "
                "an earlier version the newest (`tamis versions` lists them)"
            ) from error
        if analyzer not in (None, self._snapshot.analyzer):
            raise InvalidInputError(
                f"{path} was made with the analyzer {self._snapshot.analyzer!r}, not {analyzer!r}; "
                "open it without one, or make a new index"
            )
        if self._snapshot.dim is None:
            self.encoder = None
        self._check_encoder(self._snapshot)

    def _create(self, analyzer: str) -> None:
        extra: dict[str, Any] = {"encoder": None, "chunk_tokens": CHUNK_TOKENS, "sources": {}}
        dim = None
        if self.encoder is not None:
            dim = self.encoder.dim
            fingerprint = dict(self.encoder.fingerprint())
            extra["encoder"] = {"name": self.encoder.name, "fingerprint": fingerprint}
            # Room for the two special tokens around a text.
            extra["chunk_tokens"] = min(CHUNK_TOKENS, self.encoder.max_tokens - 2)
        weights = [(name, 1) for name in FIELDS]
        _core.create(self.path, dim, analyzer, "lucene", 1.2, 0.75, weights, json.dumps(extra))
        self._snapshot = _core.Snapshot.open(self.path, None)

    def _check_encoder(self, snapshot: _core.Snapshot) -> None:
        if self.encoder is None:
            return
        if snapshot.dim is None:
            raise ModelMismatchError(f"{self.path} was made anew without an encoder; open it again")
        if snapshot.dim != self.encoder.dim:
            raise ModelMismatchError(
                f"{self.path} holds vectors of {snapshot.dim} dimensions, "
                f"and {self.encoder.name!r} makes {self.encoder.dim}"
            )
        recorded = json.loads(snapshot.extra)["encoder"]
        name, made = recorded["name"], recorded["fingerprint"]
        given = dict(self.encoder.fingerprint())
        differing = [key for key in sorted(made | given) if made.get(key) != given.get(key)]
        if differing:
            shown = "; ".join(f"{key}: {made.get(key)!r} / {given.get(key)!r}" for key in differing)
            raise ModelMismatchError(
                f"{self.path} was filled with another encoder than {self.encoder.name!r} "
                f"(index / given: {shown}). Open it with encoder={name!r}, or make a "
                "new index for the new model"
            )

    @property
    def _extra(self) -> dict[str, Any]:
        extra: dict[str, Any] = json.loads(self._snapshot.extra)
        return extra

    def __repr__(self) -> str:
        return f"<Index {str(self.path)!r}: version {self.version}, {len(self)} chunks>"

    def __len__(self) -> int:
        """Return the number of chunks."""
        return self._snapshot.rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget what was added and deleted and not committed; with a warning, if there is any."""
        if self._pending or self._deleted:
            warnings.warn(
                f"what was added ({len(self._pending)}) and deleted ({len(self._deleted)}) in "
                f"{self.path} was not committed and is forgotten",
                stacklevel=2,
            )
        self._forget()

    def _forget(self) -> None:
        self._pending.clear()
        self._deleted.clear()

    @property
    def version(self) -> int:
        """The version that answers; 0 is the empty one that an index begins with."""
        return self._snapshot.version

    def versions(self) -> list[int]:
        """Return the versions that can be opened, ascending."""
        return _core.versions(self.path)

    def refresh(self) -> int:
        """Move to the newest version, which another process may have made, and return it."""
        if newer := self._snapshot.newer():
            self._move_to(newer)
        return self.version

    def _move_to(self, snapshot: _core.Snapshot) -> None:
        """See another version; of another index, if one was made anew at the same path."""
        if snapshot.index_id != self._snapshot.index_id:
            self._check_encoder(snapshot)
        self._snapshot = snapshot

    def info(self) -> dict[str, Any]:
        """Return what the index holds, as JSON values.

        ``deleted_chunks`` lie in the files and are not found; `compact` leaves them out.
        """
        encoder = self._extra["encoder"]
        return {
            "path": str(self.path),
            "version": self.version,
            "created": datetime.fromtimestamp(self._snapshot.created, UTC).isoformat(),
            "documents": len(self._snapshot.documents()),
            "chunks": self._snapshot.rows,
            "deleted_chunks": self._snapshot.row_bound - self._snapshot.rows,
            "segments": self._snapshot.segments,
            "bytes": self._snapshot.size,
            "dim": self._snapshot.dim,
            "encoder": encoder and encoder["name"],
            "analyzer": self._snapshot.analyzer,
            "chunk_tokens": self._extra["chunk_tokens"],
            "sources": self._extra["sources"],
        }

    def warm(self, *, progress: Progress | None = None) -> None:
        """Fetch and load the models now, so that the first search does not pay for it.

        Parameters
        ----------
        progress : callable, optional
            Called as ``progress(stage, done, total)`` while files are fetched.

        Raises
        ------
        ModelUnavailableError
            If the files of a model cannot be fetched.
        """
        if self.encoder is not None:
            self.encoder.warm(progress=progress)
        if self.reranker is not None:
            self.reranker.warm(progress=progress)

    # Writing

    def sync(
        self,
        source: str | os.PathLike[str],
        *,
        name: str | None = None,
        allow_empty: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Make the index hold what a folder holds.

        Files that did not change are not read again, chunks whose text did not change keep their
        vectors, even in a file that moved, and documents whose file is gone leave the index. All
        of it becomes visible at once, in one new version, or not at all.

        Parameters
        ----------
        source : path-like
            A folder, read with everything below it (hidden files left out), or a single file.
        name : str, optional
            What the ids of its documents begin with; by default the folder's name.
        allow_empty : bool
            Whether a source without a readable file may empty its part of the index. By default
            that is an error: more often a disk is not mounted.
        progress : callable, optional
            Called as ``progress(stage, done, total)`` with the stages ``"scan"``, ``"read"`` and
            those of the encoder.

        Returns
        -------
        SyncReport
            Files that cannot be read are named there, and the sync goes on.

        Raises
        ------
        SourceNotFoundError
            If the source does not exist.
        SourceConflictError
            If the index holds another folder under the same name, or a document of the same id
            that is not of this source; or if the source holds nothing that was indexed from it.
        IndexLockedError
            If another process writes to the index.
        ReadOnlyError
            If the index was opened read-only.
        ModelUnavailableError
            If the encoder's files are needed and cannot be fetched.
        """
        start = time.monotonic()
        root = Path(source)
        if not root.exists():
            raise SourceNotFoundError(f"there is no folder or file {root}")
        root = root.resolve()
        name = name or root.name
        skipped: list[Skipped] = []
        with self._writing() as writer:
            extra = self._extra
            moved = self._claim(extra, name, root)
            paths, unseen = self._paths(root, name, skipped)
            numbers = self._of_source(name)
            files = self._files(paths, numbers, skipped, progress)
            hashes = {id: file and file["hash"] for id, file in files.items()}
            indexed = {id: record["hash"] for id, (_, record) in numbers.items()}
            # What stands in a folder that cannot be listed is not gone.
            unseen_ids = [id for id in indexed if id.startswith(unseen)] if unseen else []
            plan = plan_sync(indexed, hashes | dict.fromkeys(unseen_ids))
            self._check_plan(plan, name, root, moved=moved, allow_empty=allow_empty)

            fresh: list[Document] = []
            unread: set[str] = set()
            todo = (*plan.added, *plan.changed, *(new for _, new in plan.moved))
            for done, id in enumerate(todo):
                _tell(progress, "read", done, len(todo))
                try:
                    fresh.append(documents.read(paths[id], id=id))
                except (UnreadableDocumentError, SourceNotFoundError) as error:
                    skipped.append(Skipped(shown(paths[id]), str(error)))
                    unread.add(id)
            _tell(progress, "read", len(todo), len(todo))

            prepared = self._prepare(fresh, progress, {})
            moved_to = dict(plan.moved)
            for id in (*plan.changed, *plan.removed, *moved_to):
                if moved_to.get(id, id) not in unread:
                    writer.delete(numbers[id][0])
            self._write(writer, prepared, name, files)
            self._snapshot = writer.commit(json.dumps(extra))

        chunks = sum(len(chunks) for _, chunks in prepared.documents)
        return SyncReport(
            version=self.version,
            added=tuple(id for id in plan.added if id not in unread),
            changed=tuple(id for id in plan.changed if id not in unread),
            unchanged=tuple(
                sorted({*plan.unchanged, *(unread & indexed.keys())})
                + [old for old, new in plan.moved if new in unread]
            ),
            removed=plan.removed,
            moved=tuple(pair for pair in plan.moved if pair[1] not in unread),
            skipped=tuple(skipped),
            chunks=chunks,
            embedded=prepared.embedded,
            reused=chunks - prepared.embedded if prepared.vectors is not None else 0,
            seconds=time.monotonic() - start,
        )

    def add(self, new: Iterable[Document | Mapping[str, Any]]) -> None:
        """Add documents; they are cut, encoded and visible after `commit`.

        Parameters
        ----------
        new : iterable of Document or mapping
            A mapping has ``id`` and ``text``, and may have ``title``, ``source`` and
            ``metadata``. A document of an id that the index holds takes its place.

        Raises
        ------
        InvalidInputError
            If a document has no id, an unknown field, or text that cannot be stored.
        ReadOnlyError
            If the index was opened read-only.
        """
        self._check_writable()
        if isinstance(new, (str, Mapping, Document)):
            raise InvalidInputError(
                f"new is one {type(new).__name__}; give a list of documents, such as [document]"
            )
        for item in new:
            document = item if isinstance(item, Document) else _document(item)
            self._put(_New(document))

    def add_chunks(
        self, chunks: Iterable[Chunk | Mapping[str, Any]], vectors: npt.ArrayLike | None = None
    ) -> None:
        """Add passages that were cut elsewhere, and perhaps embedded; visible after `commit`.

        Parameters
        ----------
        chunks : iterable of Chunk or mapping
            A mapping has ``id`` and ``text``, and may have ``document_id`` (by default its
            ``id``), ``headings``, ``kind``, and, of its document, ``title``, ``source`` and
            ``metadata``. Passages of one document make its text, parted by blank lines, and take
            the place of what the index holds of its id.
        vectors : array-like of float, shape (n, dim), optional
            One row a passage, of any length but 0, made by the index's encoder. Without them the
            passages are embedded at the commit.

        Raises
        ------
        InvalidInputError
            If a passage is none, has an unknown field or text that cannot be stored, or the index
            was made without an encoder and there are vectors.
        DimensionError
            If the vectors are of another width, or not as many as the passages.
        NonFiniteError, ZeroVectorError
            If a vector holds NaN or infinity, or is zero.
        ReadOnlyError
            If the index was opened read-only.
        """
        self._check_writable(encodes=vectors is None)
        groups = chunking.given(chunks)
        rows = None
        if vectors is not None:
            if self._snapshot.dim is None:
                raise InvalidInputError(
                    f"{self.path} was made without an encoder and keeps no vectors; give none"
                )
            rows = as_matrix(vectors, self._snapshot.dim)
            wanted = sum(len(places) for *_, places in groups)
            if len(rows) != wanted:
                raise DimensionError(f"there are {len(rows)} vectors for {wanted} chunks")
            _check_rows(rows)
        for document, own, places in groups:
            self._put(_New(document, own, None if rows is None else rows[places]))

    def _put(self, new: _New) -> None:
        document = new.document
        _json({"id": document.id, "metadata": dict(document.metadata)})  # or the commit would fail
        self._pending[document.id] = new
        self._deleted.discard(document.id)

    def delete(self, ids: Iterable[str]) -> None:
        """Delete documents by id, effective with `commit`; unknown ids are no error.

        Raises
        ------
        InvalidInputError
            If `ids` is a single string.
        ReadOnlyError
            If the index was opened read-only.
        """
        self._check_writable()
        for id in checked_texts(ids, "ids"):
            self._pending.pop(id, None)
            self._deleted.add(id)

    def commit(self, *, progress: Progress | None = None) -> int:
        """Publish what was added and deleted as one new version, and return its number.

        Parameters
        ----------
        progress : callable, optional
            Called as ``progress(stage, done, total)`` with the stages of the encoder.

        Raises
        ------
        IndexLockedError
            If another process writes to the index; nothing is lost, commit again.
        ReadOnlyError
            If the index was opened read-only.
        StorageError
            If the system refuses; the index is then as it was, unless only the last wait for the
            disk failed.
        """
        encodes = any(new.vectors is None for new in self._pending.values())
        with self._writing(encodes=encodes) as writer:
            ready = [new for new in self._pending.values() if new.vectors is not None]
            rest = [new for new in self._pending.values() if new.vectors is None]
            cut = {new.document.id: new.chunks for new in rest if new.chunks is not None}
            prepared = self._prepare([new.document for new in rest], progress, cut)
            gone = self._pending.keys() | self._deleted
            for number, _ in self._named(gone).values():
                writer.delete(number)
            self._write(writer, prepared, None, {})
            for new in ready:
                done = Prepared([(new.document, new.chunks or [])], new.vectors, 0)
                self._write(writer, done, None, {})
            self._snapshot = writer.commit(self._snapshot.extra)
        self._forget()
        return self.version

    # Keeping

    def compact(self) -> int:
        """Write all that is alive as one segment, as a new version, and return its number.

        Searches become faster, and what was deleted goes. The files of earlier versions stay until
        `prune`, so this takes as much room on the disk as the index; readers are not held up. An
        index in one segment without deletions stays as it is.

        Raises
        ------
        IndexLockedError
            If another process writes to the index.
        InvalidInputError
            If documents were added or deleted and not committed.
        ReadOnlyError
            If the index was opened read-only.
        """
        self._check_committed()
        with self._writing(encodes=False) as writer:
            self._snapshot = writer.compact()
        return self.version

    def prune(self, *, keep: int) -> history.Pruned:
        """Remove all versions but the newest, and the files that only they needed.

        Who has a removed version open goes on reading it; it cannot be opened any more.

        Parameters
        ----------
        keep : int
            How many versions stay, at least 1.

        Raises
        ------
        CorruptIndexError
            If the manifest of a version that stays is damaged; nothing is removed then.
        IndexLockedError
            If another process writes to the index.
        ReadOnlyError
            If the index was opened read-only.
        """
        self._check_writable(encodes=False)
        return history.prune(self.path, keep)

    def rollback(self, version: int) -> int:
        """Make an earlier version the newest again, as a new version, and return its number.

        If it is the newest, nothing is done.

        Raises
        ------
        IndexLockedError
            If another process writes to the index.
        InvalidInputError
            If documents were added or deleted and not committed.
        ReadOnlyError
            If the index was opened read-only.
        VersionNotFoundError
            If the index does not hold that version.
        """
        self._check_writable(encodes=False)
        self._check_committed()
        self._move_to(_core.rollback(self.path, checked_whole(version, "version", least=0)))
        return self.version

    def _check_committed(self) -> None:
        if self._pending or self._deleted:
            raise InvalidInputError(
                "documents were added or deleted; commit them first, or forget them with close()"
            )

    def verify(self) -> list[str]:
        """Read every file of every version and return what is wrong, in words."""
        return history.verify(self.path)

    def diff(self, old: int, new: int | None = None) -> history.Diff:
        """Tell by which documents two versions differ.

        Parameters
        ----------
        old, new : int
            Versions; `new` is by default the one that answers.

        Raises
        ------
        VersionNotFoundError
            If the index does not hold a version.
        """
        opened = (
            self._snapshot
            if version in (None, self.version)
            else _core.Snapshot.open(self.path, checked_whole(version, "version", least=0))
            for version in (old, new)
        )
        return history.diff(*opened)

    def _check_writable(self, *, encodes: bool = True) -> None:
        if self._read_only:
            raise ReadOnlyError(
                f"{self.path} was opened read-only at version {self.version}; open it without "
                "version and read_only to change it"
            )
        if encodes and self._snapshot.dim is not None and self.encoder is None:
            raise InvalidInputError(
                f"{self.path} holds vectors and was opened without an encoder; open it with "
                f"encoder={self._extra['encoder']['name']!r} to change it"
            )

    @contextmanager
    def _writing(self, *, encodes: bool = True) -> Iterator[_core.Writer]:
        """Hold the lock, with the newest version open."""
        self._check_writable(encodes=encodes)
        writer = _core.Writer.open(self._snapshot)
        try:
            self._move_to(writer.base)
            yield writer
        finally:
            writer.close()

    @staticmethod
    def _claim(extra: dict[str, Any], name: str, root: Path) -> bool:
        """Record whose documents these are, and tell whether the folder seems to have moved."""
        before = extra["sources"].get(name)
        moved = before is not None and Path(before) != root
        if moved and Path(before).exists():
            raise SourceConflictError(
                f"the index holds {before} under the name {name!r}; give {root} another with name="
            )
        extra["sources"][name] = str(root)
        return moved

    def _check_plan(
        self, plan: Plan, name: str, root: Path, *, moved: bool, allow_empty: bool
    ) -> None:
        """Refuse what would empty a part of the index, or take over what is not the source's."""
        kept = plan.unchanged or plan.moved or (plan.changed and not moved)
        if plan.removed and not kept and (moved or not plan.added) and not allow_empty:
            raise SourceConflictError(
                f"{root} holds none of the {len(plan.removed)} documents that the index holds of "
                f"{name!r}: is it the right folder, and its disk mounted? If it is another "
                "folder, give it another name= (--name); if they are to go, pass allow_empty=True "
                "(--allow-empty)"
            )
        foreign = sorted(self._named((*plan.added, *(new for _, new in plan.moved))))
        if foreign:
            raise SourceConflictError(
                f"the index holds a document {foreign[0]!r} that is not of the source {name!r}; "
                "delete it, or give the source another name="
            )

    def _paths(
        self, root: Path, name: str, skipped: list[Skipped]
    ) -> tuple[dict[str, Path], tuple[str, ...]]:
        """Return the files of a source by document id, and what ids begin with that are unseen."""
        if root.is_file():
            return {name: root}, ()
        unseen: list[str] = []

        def report(path: Path, reason: str) -> None:
            skipped.append(Skipped(shown(path), reason))
            unseen.append("/".join(filter(None, (name, shown(path.relative_to(root)).strip(".")))))

        own = self.path.resolve()
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

    @staticmethod
    def _files(
        paths: Mapping[str, Path],
        known: Mapping[str, tuple[int, dict[str, Any]]],
        skipped: list[Skipped],
        progress: Progress | None,
    ) -> dict[str, _File | None]:
        """Return what each file is recognised by; only those that seem to have changed are read."""
        files: dict[str, _File | None] = {}
        for done, (id, path) in enumerate(paths.items()):
            _tell(progress, "scan", done, len(paths))
            files[id] = None
            if not documents.readable(path):
                skipped.append(Skipped(shown(path), f"no reader for {path.suffix!r} files"))
                continue
            try:
                stat = file_stat(path)
                record = known[id][1] if id in known else {}
                if stat is not None and record.get("stat") == list(stat):
                    files[id] = _File(hash=record["hash"], stat=stat)
                else:
                    files[id] = _File(hash=file_hash(path), stat=stat)
            except OSError as error:
                skipped.append(Skipped(shown(path), error.strerror or str(error)))
        _tell(progress, "scan", len(paths), len(paths))
        return files

    def _of_source(self, name: str) -> dict[str, tuple[int, dict[str, Any]]]:
        """Return the number and the record of each document of a source, by id."""
        found = {}
        for number in self._snapshot.documents():
            record = json.loads(self._snapshot.document(number))
            if record["sync"] == name:
                found[record["id"]] = (number, record)
        return found

    def _named(self, ids: Iterable[str]) -> dict[str, tuple[int, dict[str, Any]]]:
        """Return the number and the record of each document that the index holds of these."""
        found = {}
        for id in ids:
            for number in self._snapshot.documents_of_key(key_of(content_hash(id))):
                record = json.loads(self._snapshot.document(number))
                if record["id"] == id:
                    found[id] = (number, record)
        return found

    def _prepare(
        self,
        fresh: Sequence[Document],
        progress: Progress | None,
        cut: Mapping[str, list[Chunk]],
    ) -> Prepared:
        """Cut documents, unless that was done, and give each chunk its vector."""
        if fresh and self.encoder is not None:
            self.encoder.warm(progress=progress)
        count = _counter(self.encoder)
        most = self._extra["chunk_tokens"]
        return prepare(
            fresh,
            cut=lambda document: (
                cut[document.id]
                if document.id in cut
                else chunking.chunk(document, max_tokens=most, count_tokens=count)
            ),
            encoder=self.encoder,
            known=self._known,
            progress=progress,
        )

    def _known(self, hash: str) -> FloatArray | None:
        """Return the vector of a chunk, alive or not, whose embedding text has this hash."""
        for row in self._snapshot.rows_of_key(key_of(hash)):
            if json.loads(self._snapshot.chunk(row))["hash"] == hash:
                return self._snapshot.vector(row)
        return None

    @staticmethod
    def _write(
        writer: _core.Writer,
        prepared: Prepared,
        name: str | None,
        files: Mapping[str, _File | None],
    ) -> None:
        row = 0
        for document, chunks in prepared.documents:
            record = {
                "id": document.id,
                "title": document.title,
                "source": document.source,
                "metadata": dict(document.metadata),
                "sync": name,
                **(files.get(document.id) or {}),
            }
            vectors = None
            if prepared.vectors is not None:
                vectors = prepared.vectors[row : row + len(chunks)]
            row += len(chunks)
            key = key_of(content_hash(document.id))
            writer.add(key, _json(record), document.text, _records(document, chunks), vectors)

    # Reading

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        mode: Mode = "hybrid",
        rerank: bool = True,
        deadline: float | None = None,
    ) -> Results:
        """Find the passages that answer a query.

        Words and vectors each give 100 candidates, their scores are fused (min-max, 0.6 on the
        vectors), and the reranker reads the best 20. What is asked for beyond follows behind, in
        the order of the vectors.

        Parameters
        ----------
        query : str
            A question, a claim, an identifier: any text that is not empty. In a `tamis.Query`,
            signs ask for phrases, prefixes, single fields (``title``, ``heading``, ``text``) and
            the like; what must or must not be there holds for what the vectors find, too.
        k : int
            How many hits, at least 1; fewer if the index holds fewer that match.
        mode : {"hybrid", "dense", "lexical"}
            Which retrievers give candidates.
        rerank : bool
            Whether the reranker reads the candidates; without it there is no confidence.
        deadline : float, optional
            Seconds from now in which to answer: the reranker stops when they are over, and what
            it has not read keeps its fused order below what it has.

        Returns
        -------
        Results
            The hits, best first, with the score of every stage; what fell short is in
            ``results.report.degraded``.

        Raises
        ------
        InvalidInputError
            If the query is empty, `k` is below 1, `deadline` is not above 0, or the mode needs
            an encoder that is not there.
        ModelUnavailableError
            If the files of a model are needed and cannot be fetched.
        """
        snapshot = self._snapshot
        reader = _Reader(snapshot)
        analyzer = Analyzer(snapshot.analyzer)
        pipeline = Pipeline(
            snapshot,
            analyzer,
            self.encoder,
            self.reranker,
            lambda row: reader.chunk(row).embedding_text,
        )
        ranked, report = pipeline.run(
            checked_text(query, "the query"), k=k, mode=mode, rerank=rerank, deadline=deadline
        )
        mark = partial(analyzer.highlights, query, fields=snapshot.fields, field="text")
        hits = tuple(reader.hit(rank, found, mark) for rank, found in enumerate(ranked, 1))
        logits = [found.scores["logit"] for found in ranked if "logit" in found.scores]
        judge = self.reranker if rerank else None
        # A model that did not read the query is not loaded to count tokens.
        counter = _counter(judge) or _counter(self.encoder if mode != "lexical" else None)
        assemble = _assembler(reader, counter, is_judged=judge is not None)
        return Results(query, hits, confidence(logits), report, assemble)

    def get(self, document_id: str) -> Document | None:
        """Return a document of the index, or None: its text is what citations count in.

        The blocks that its reader saw are not kept.
        """
        for number, record in self._named([document_id]).values():
            return _stored(self._snapshot, number, record)
        return None

    def documents(self) -> Iterator[Document]:
        """Go through the documents of the version that answers now, whatever is committed then."""
        snapshot = self._snapshot
        for number in snapshot.documents():
            yield _stored(snapshot, number, json.loads(snapshot.document(number)))

    def search_many(self, queries: Iterable[str], **options: Any) -> list[Results]:
        """Return the results of each query; the options are those of `search`."""
        return [self.search(query, **options) for query in checked_texts(queries, "queries")]


class _File(TypedDict):
    """By what a synced file is recognised; kept in its document's record."""

    hash: str
    stat: Stat | None


@dataclass(frozen=True, slots=True)
class _New:
    """A document to be written; with its chunks if it was cut, with vectors if it was embedded."""

    document: Document
    chunks: list[Chunk] | None = None
    vectors: FloatArray | None = None


class _Reader:
    """Reads chunks and documents of one version, each at most once; passages by their bytes."""

    def __init__(self, snapshot: _core.Snapshot) -> None:
        self._snapshot = snapshot
        self._numbers: dict[str, int] = {}
        self._text = lru_cache(maxsize=None)(snapshot.text)
        self._record = lru_cache(maxsize=None)(lambda number: json.loads(snapshot.document(number)))
        self.chunk = lru_cache(maxsize=None)(self._chunk)

    def text(self, document_id: str) -> str:
        """Return the text of a document of which a chunk was read."""
        return self._text(self._numbers[document_id])

    def document(self, row: int) -> dict[str, Any]:
        number = self._snapshot.document_of(row)
        record: dict[str, Any] = self._record(number)
        self._numbers[record["id"]] = number
        return record

    def _chunk(self, row: int) -> Chunk:
        record = json.loads(self._snapshot.chunk(row))
        document_id = self.document(row)["id"]
        start, end = record["span"]
        return Chunk(
            id=record["id"],
            document_id=document_id,
            text=self._snapshot.passage(self._numbers[document_id], *record["bytes"]),
            start=start,
            end=end,
            headings=tuple(record["headings"]),
            kind=record["kind"],
        )

    def hit(self, rank: int, ranked: Ranked, mark: Callable[[str], list[tuple[int, int]]]) -> Hit:
        document = self.document(ranked.row)
        chunk = self.chunk(ranked.row)
        return Hit(
            chunk=chunk,
            score=ranked.scores[ranked.stage],
            stage=ranked.stage,
            rank=rank,
            scores=ranked.scores,
            title=document["title"],
            source=document["source"],
            metadata=document["metadata"],
            offsets=tuple(mark(chunk.text)),
        )


def _assembler(reader: _Reader, counter: TokenCounter | None, *, is_judged: bool) -> Assemble:
    """Return what makes a context of results whose chunks the reader read."""

    def assemble(
        results: Results, most: int, least: float, count_tokens: TokenCounter | None
    ) -> Context:
        return context.assemble(
            results.hits,
            max_tokens=most,
            confidence=results.confidence,
            min_confidence=least,
            is_judged=is_judged,
            count_tokens=count_tokens or counter or chunking.estimate_tokens,
            document_text=reader.text,
        )

    return assemble


def _counter(model: TextEncoder | PassageReranker | None) -> TokenCounter | None:
    return None if model is None else model.count_tokens


def _check_rows(rows: FloatArray) -> None:
    """Refuse at the door what the commit would refuse."""
    for row in np.flatnonzero(~np.isfinite(rows).all(axis=1))[:1]:
        raise NonFiniteError(f"row {row} of the vectors holds NaN or infinity, as float32")
    for row in np.flatnonzero(~rows.any(axis=1))[:1]:
        raise ZeroVectorError(f"row {row} of the vectors has length zero, so it has no direction")


def _stored(snapshot: _core.Snapshot, number: int, record: Mapping[str, Any]) -> Document:
    return Document(
        id=record["id"],
        text=snapshot.text(number),
        title=record["title"],
        source=record["source"],
        metadata=record["metadata"],
    )


def _document(item: Mapping[str, Any]) -> Document:
    if not isinstance(item, Mapping):
        raise InvalidInputError(
            f"a document is of type {type(item).__name__}; give a Document or a mapping"
        )
    unknown = item.keys() - {"id", "text", "title", "source", "metadata"}
    missing = {"id", "text"} - item.keys()
    if unknown or missing:
        raise InvalidInputError(
            f"a document has the fields {sorted(item)}; it needs id and text, and may have title, "
            "source and metadata"
        )
    return Document(**item)


def _records(document: Document, chunks: Sequence[Chunk]) -> list[tuple[int, bytes, list[str]]]:
    """Return each chunk's key, what is kept of it, and what its terms are taken from: `FIELDS`."""
    records = []
    at = in_bytes = 0  # the same place, in characters and in the bytes of UTF-8
    for chunk in chunks:
        in_bytes += len(document.text[at : chunk.start].encode())
        size = len(chunk.text.encode())
        hash = content_hash(chunk.embedding_text)
        record = {
            "id": chunk.id,
            "span": chunk.span,
            "bytes": (in_bytes, in_bytes + size),
            "headings": chunk.headings,
            "kind": chunk.kind,
            "hash": hash,
        }
        title = document.title or ""
        headings = chunk.headings
        if headings[:1] == (title,):
            headings = headings[1:]
        fields = [title, " > ".join(headings), chunk.text]
        records.append((key_of(hash), _json(record), fields))
        at, in_bytes = chunk.end, in_bytes + size
    return records


def _json(record: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"the metadata of document {record.get('id')!r} is no JSON: {error}"
        ) from None


def _tell(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress is not None:
        progress(stage, done, total)
