"""`tamis.open` and `Index`: the one place where the rooms are joined."""

from __future__ import annotations

import copy
import json
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from tamis import _core, chunking, context, documents, export, filters, history, moments, records
from tamis.dense import as_matrix
from tamis.documents import shown
from tamis.errors import (
    CorruptIndexError,
    DimensionError,
    GateRefusedError,
    IndexNotFoundError,
    InvalidInputError,
    ModelMismatchError,
    NonFiniteError,
    ReadOnlyError,
    SourceConflictError,
    SourceNotFoundError,
    StorageError,
    UnreadableDocumentError,
    ZeroVectorError,
)
from tamis.filters import Where
from tamis.lexical import Analyzer
from tamis.moments import Moment
from tamis.retrieval import Assemble, Mode, Pipeline, Results, confidence
from tamis.sync import (
    File,
    Found,
    Journal,
    Plan,
    Prepared,
    Skipped,
    Stale,
    StaleReason,
    SyncReport,
    changes,
    indexed,
    look,
    plan_sync,
    prepare,
    tell,
)
from tamis.types import (
    Chunk,
    Context,
    Document,
    FloatArray,
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

#: Sees an index as a new version would make it; the version is refused if it gives False or raises.
Gate: TypeAlias = Callable[["Index"], object]

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
        self._is_pinned = version is not None
        self._read_only = read_only or self._is_pinned
        self._pending: dict[str, _New] = {}
        self._deleted: set[str] = set()
        self._past: dict[int, _core.Snapshot] = {}
        if version is not None:
            checked_whole(version, "version", least=0)
        try:
            if path.is_file():
                raise InvalidInputError(f"{path} is a file; an index is a directory")
        except OSError as error:  # such as a name that is too long
            raise StorageError(f"{path}: {error.strerror or error}") from None
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
        extra["born"] = moments.micros(datetime.now(UTC))
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
        """Move to the newest version, which another process may have made, and return it.

        An index that was opened at a version stays there.
        """
        if not self._is_pinned and (newer := self._snapshot.newer()):
            self._move_to(newer)
        return self.version

    def _move_to(self, snapshot: _core.Snapshot) -> None:
        """See another version; of another index, if one was made anew at the same path."""
        if snapshot.index_id != self._snapshot.index_id:
            self._check_encoder(snapshot)
            self._past = {}
        self._snapshot = snapshot

    def info(self) -> dict[str, Any]:
        """Return what the index holds, as JSON values.

        ``deleted_chunks`` lie in the files and are not found; `compact` leaves them out.
        ``bytes_by_part`` are those of the segments' texts, postings, vectors, the codes of these,
        and columns of metadata.
        """
        encoder = self._extra["encoder"]
        return {
            "path": str(self.path),
            "version": self.version,
            "created": datetime.fromtimestamp(self._snapshot.created / 1e6, UTC).isoformat(),
            "documents": len(self._snapshot.documents()),
            "chunks": self._snapshot.rows,
            "deleted_chunks": self._snapshot.row_bound - self._snapshot.rows,
            "segments": self._snapshot.segments,
            "bytes": self._snapshot.size,
            "bytes_by_part": _by_part(self._snapshot.sizes()),
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
        version: str | None = None,
        valid_from: Moment | None = None,
        supersedes: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        allow_empty: bool = False,
        gate: Gate | None = None,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Make the index hold what a folder holds.

        Files that did not change are not read again, chunks whose text did not change keep their
        vectors, even in a file that moved, and documents whose file is gone leave the index. All
        of it becomes visible at once, in one new version, or not at all; the next sync after one
        that was cut short encodes at most 256 texts again.

        Parameters
        ----------
        source : path-like
            A folder, read with everything below it (hidden files left out), or a single file.
        name : str, optional
            What the ids of its documents begin with; by default the folder's name.
        version : str, optional
            The `version` of its documents; like `valid_from`, `supersedes` and `metadata` it is
            kept for later syncs, until another is given.
        valid_from : date, datetime or str, optional
            From when on its documents hold.
        supersedes : str, optional
            The name of another source of this index, whose place this one takes from `valid_from`
            on, or at once: none of its documents is found any more, unless it is asked for. An
            empty string ends that.
        metadata : mapping, optional
            Added to the metadata of its documents, for filters.
        allow_empty : bool
            Whether a source without a readable file may empty its part of the index. By default
            that is an error: more often a disk is not mounted.
        gate : callable, optional
            Called with an `Index` as it would be, before it is published; if it raises, or gives
            anything false but None, the index stays as it is. Not called if nothing changed.
        progress : callable, optional
            Called as ``progress(stage, done, total)`` with the stages ``"scan"``, ``"read"`` and
            those of the encoder.

        Returns
        -------
        SyncReport
            Files that cannot be read are named there, and the sync goes on; so are the sentences
            that changed, those that change what the text says apart from mere rewordings.

        Raises
        ------
        SourceNotFoundError
            If the source does not exist, or the index holds none of the name that is superseded.
        SourceConflictError
            If the index holds another folder under the same name, or a document of the same id
            that is not of this source; or if the source holds nothing that was indexed from it.
        GateRefusedError
            If the gate gives anything false but None.
        IndexLockedError
            If another process writes to the index.
        ReadOnlyError
            If the index was opened read-only.
        ModelUnavailableError
            If the encoder's files are needed and cannot be fetched.
        """
        start = time.monotonic()
        if metadata is not None and not isinstance(metadata, Mapping):
            raise InvalidInputError(f"metadata is {metadata!r}; it must be a mapping")
        root = Path(source)
        if not root.exists():
            raise SourceNotFoundError(f"there is no folder or file {root}")
        root = root.resolve()
        name = name or root.name
        with self._writing() as writer:
            extra = self._extra
            moved = self._claim(extra, name, root)
            settings = self._settle(
                extra,
                name,
                {
                    "version": version,
                    "valid_from": valid_from and moments.moment_of(valid_from, "valid_from"),
                    "supersedes": supersedes,
                    "metadata": metadata and dict(metadata),
                },
            )
            known = indexed(self._snapshot, name)
            found = look(root, name, self.path.resolve(), known, progress)
            plan = plan_sync(_hashes(known, settings), found.hashes(known))
            self._check_plan(plan, name, root, moved=moved, allow_empty=allow_empty)

            wanted = (*plan.added, *plan.changed, *(new for _, new in plan.moved))
            fresh = _read(found, wanted, settings, progress)
            read = {document.id for document in fresh}
            unread = set(wanted) - read
            old_numbers = {id: known[id][0] for id in plan.changed}
            differing = tuple(
                change
                for new in fresh
                if new.id in old_numbers
                for change in changes(self._snapshot.text(old_numbers[new.id]), new.text, new.id)
            )
            prepared, journal = self._prepare(fresh, progress, {})
            moved_to = dict(plan.moved)
            for id in (*plan.changed, *plan.removed, *moved_to):
                if moved_to.get(id, id) not in unread:
                    writer.delete(known[id][0])
            self._write(writer, prepared, name, found.files, records.signature(settings))
            self._publish(writer, json.dumps(extra, sort_keys=True), gate, journal, prepared.hashes)

        chunks = sum(len(chunks) for _, chunks in prepared.documents)
        return SyncReport(
            version=self.version,
            added=tuple(id for id in plan.added if id in read),
            changed=tuple(id for id in plan.changed if id in read),
            unchanged=tuple(
                sorted({*plan.unchanged, *(unread & known.keys())})
                + [old for old, new in plan.moved if new in unread]
            ),
            removed=plan.removed,
            moved=tuple(pair for pair in plan.moved if pair[1] in read),
            skipped=tuple(found.skipped),
            chunks=chunks,
            embedded=prepared.embedded,
            reused=chunks - prepared.embedded if prepared.vectors is not None else 0,
            changes=differing,
            seconds=time.monotonic() - start,
        )

    def stale(self) -> list[Stale]:
        """List the documents that may answer with text that holds no more.

        Of the sources that were synced, every file is looked at as `sync` does; nothing is
        changed. A document is also stale once its ``valid_to``, or the date ``review_by`` in its
        metadata, has passed.

        Returns
        -------
        list of Stale
            In order of the documents' ids.
        """
        stale = []
        for name, path in self._extra["sources"].items():
            known = indexed(self._snapshot, name)
            root = Path(path)
            if not root.exists():
                stale += [Stale(id, "gone") for id in known]
                continue
            found = look(root, name, self.path.resolve(), known)
            hashes = {id: record["hash"] for id, (_, record) in known.items()}
            plan = plan_sync(hashes, found.hashes(known))
            stale += [Stale(id, "changed") for id in plan.changed]
            stale += [Stale(id, "gone") for id in (*plan.removed, *dict(plan.moved))]
            unread = (id for id in plan.unchanged if found.files.get(id) is None)
            stale += [Stale(id, "unreadable") for id in unread]
        now = {"$lte": datetime.now(UTC)}
        passed: dict[str, StaleReason] = {"document.valid_to": "expired", "review_by": "review"}
        for field, reason in passed.items():
            with suppress(InvalidInputError):  # where no document has such a date
                stale += [Stale(self._id(number), reason) for number in self._numbers({field: now})]
        return sorted(stale, key=lambda one: (one.document_id, one.reason))

    def add(self, new: Iterable[Document | Mapping[str, Any]]) -> None:
        """Add documents; they are cut, encoded and visible after `commit`.

        Parameters
        ----------
        new : iterable of Document or mapping
            A mapping has ``id`` and ``text``, and may have the other attributes of a `Document`
            but ``blocks``. A document of an id that the index holds takes its place.

        Raises
        ------
        InvalidInputError
            If a document has no id, an unknown field, or text that cannot be stored.
        ReadOnlyError
            If the index was opened read-only.
        """
        self._check_writable()
        if isinstance(new, (str, Mapping, Document)) or not isinstance(new, Iterable):
            raise InvalidInputError(
                f"new is one {type(new).__name__}; give a list of documents, such as [document]"
            )
        for item in new:
            document = item if isinstance(item, Document) else records.document_of(item)
            self._put(_New(document))

    def upsert(self, new: Iterable[Document | Mapping[str, Any]]) -> None:
        """Add documents or replace those of the same id: `add`, by the name other stores use."""
        self.add(new)

    def add_chunks(
        self, chunks: Iterable[Chunk | Mapping[str, Any]], vectors: npt.ArrayLike | None = None
    ) -> None:
        """Add passages that were cut elsewhere, and perhaps embedded; visible after `commit`.

        Parameters
        ----------
        chunks : iterable of Chunk or mapping
            A mapping has ``id`` and ``text``, and may have ``document_id`` (by default its
            ``id``), ``headings``, ``kind``, and, of its document, what a `Document` has beside its
            text. Passages of one document make its text, parted by blank lines, and take
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
        records.document_record(document, None, {})  # or the commit would fail
        filters.fields_of(document)
        self._pending[document.id] = new
        self._deleted.discard(document.id)

    def delete(self, ids: Iterable[str] = (), *, where: Where | None = None) -> None:
        """Delete documents by id or by filter, effective with `commit`; unknown ids are no error.

        Parameters
        ----------
        ids : iterable of str
            The ids.
        where : mapping, optional
            A filter, see `tamis.filters`: the documents that meet it now, of those committed.

        Raises
        ------
        InvalidInputError
            If `ids` is a single string, or the filter is none or asks for a field that no
            document has.
        ReadOnlyError
            If the index was opened read-only.
        """
        self._check_writable()
        gone = checked_texts(ids, "ids")
        if where is not None and not where:
            raise InvalidInputError("an empty filter would delete all documents; name their ids")
        met = [] if where is None else [self._id(number) for number in self._numbers(where)]
        for id in gone:
            self._pending.pop(id, None)
        # What was added meanwhile in the place of one that is met stays.
        self._deleted.update(gone, (id for id in met if id not in self._pending))

    def commit(self, *, gate: Gate | None = None, progress: Progress | None = None) -> int:
        """Publish what was added and deleted as one new version, and return its number.

        Parameters
        ----------
        gate : callable, optional
            Called with an `Index` as it would be, before it is published; if it raises, or gives
            anything false but None, the index stays as it is, and what was added waits. Not
            called if nothing changed.
        progress : callable, optional
            Called as ``progress(stage, done, total)`` with the stages of the encoder.

        Raises
        ------
        GateRefusedError
            If the gate gives anything false but None.
        IndexLockedError
            If another process writes to the index; nothing is lost, commit again.
        ReadOnlyError
            If the index was opened read-only.
        StorageError
            If the system refuses; the index is then as it was, unless only the last wait for the
            disk failed.
        """
        # A gate may add something, which then waits for the next commit.
        pending, deleted = dict(self._pending), set(self._deleted)
        encodes = any(new.vectors is None for new in pending.values())
        with self._writing(encodes=encodes) as writer:
            ready = [new for new in pending.values() if new.vectors is not None]
            rest = [new for new in pending.values() if new.vectors is None]
            cut = {new.document.id: new.chunks for new in rest if new.chunks is not None}
            prepared, journal = self._prepare([new.document for new in rest], progress, cut)
            gone = pending.keys() | deleted
            for number, _ in self._named(gone).values():
                writer.delete(number)
            self._write(writer, prepared)
            for new in ready:
                self._write(writer, Prepared([(new.document, new.chunks or [])], new.vectors, 0))
            self._publish(writer, self._snapshot.extra, gate, journal, prepared.hashes)
        for id, new in pending.items():
            if self._pending.get(id) is new:
                del self._pending[id]
        self._deleted -= deleted
        return self.version

    def _publish(
        self,
        writer: _core.Writer,
        extra: str,
        gate: Gate | None,
        journal: Journal | None,
        written: frozenset[str],
    ) -> None:
        if gate is not None and not callable(gate):
            raise InvalidInputError(f"gate is {gate!r}; it must be a function of an index")

        def ask(new: _core.Snapshot) -> None:
            said = None if gate is None else gate(self._seen_at(new))
            if said is not None and not said:
                raise GateRefusedError(
                    f"the gate refused version {new.version} of {self.path}; version "
                    f"{self.version} answers as before"
                )

        self._snapshot = writer.commit(extra, None if gate is None else ask)
        if journal is not None:
            journal.close(written)

    def _seen_at(self, snapshot: _core.Snapshot) -> Index:
        """Return this index as another version shows it, read-only."""
        seen = copy.copy(self)
        own: dict[str, Any] = {"_pending": {}, "_deleted": set(), "_past": {}}
        seen.__dict__.update(own, _snapshot=snapshot, _read_only=True, _is_pinned=True)
        return seen

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

    @staticmethod
    def _settle(extra: dict[str, Any], name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Record with what a source is synced, and return it; what is not given stays."""
        kept = extra.setdefault("settings", {})
        said = records.plain(name, {k: value for k, value in given.items() if value is not None})
        settings: dict[str, Any] = {**dict.fromkeys(given), **kept.get(name, {}), **said}
        kept[name] = settings
        superseded: dict[str, dict[str, int]] = extra.setdefault("superseded", {})
        for successors in superseded.values():
            successors.pop(name, None)
        if old := settings["supersedes"]:
            if old not in extra["sources"] or old == name:
                raise SourceNotFoundError(
                    f"the index holds no other source {old!r} that {name!r} could supersede; it "
                    f"holds {', '.join(sorted(extra['sources'].keys() - {name})) or 'none'}"
                )
            if name in _ancestors(old, kept):
                raise SourceConflictError(
                    f"{name!r} cannot take the place of {old!r}, which took the place of {name!r}"
                )
            from_when = records.parsed(settings["valid_from"])
            moment = -(1 << 63) if from_when is None else from_when
            superseded.setdefault(old, {})[name] = moment
        extra["superseded"] = {old: found for old, found in superseded.items() if found}
        return settings

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
    ) -> tuple[Prepared, Journal | None]:
        """Cut documents, unless that was done, and give each chunk its vector."""
        journal = None
        if fresh and self.encoder is not None:
            self.encoder.warm(progress=progress)
            journal = Journal(self.path, self.encoder.dim, self.encoder.fingerprint())
        count = _counter(self.encoder)
        most = self._extra["chunk_tokens"]
        prepared = prepare(
            fresh,
            cut=lambda document: (
                cut[document.id]
                if document.id in cut
                else chunking.chunk(document, max_tokens=most, count_tokens=count)
            ),
            encoder=self.encoder,
            known=self._known,
            progress=progress,
            journal=journal,
        )
        return prepared, journal

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
        folder: str | None = None,
        files: Mapping[str, File | None] | None = None,
        signature: str = "",
    ) -> None:
        row = 0
        for document, chunks in prepared.documents:
            file: Mapping[str, Any] = (files or {}).get(document.id) or {}
            vectors = None
            if prepared.vectors is not None:
                vectors = prepared.vectors[row : row + len(chunks)]
            row += len(chunks)
            writer.add(
                key_of(content_hash(document.id)),
                records.document_record(document, folder, {**file, "with": signature}),
                filters.fields_of(document, folder),
                document.text,
                records.chunk_records(document, chunks),
                vectors,
            )

    # Reading

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        mode: Mode = "hybrid",
        where: Where | None = None,
        as_of: Moment | None = None,
        include_superseded: bool = False,
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
        where : mapping, optional
            A filter on the documents' metadata, such as ``{"team": "legal", "year": {"$gte":
            2024}}``, the same for both retrievers; see `tamis.filters`.
        as_of : date, datetime or str, optional
            The moment whose state is asked for; of a date alone its end. The version answers that
            stood then (this one, if the index is younger), and of its documents those that were
            valid then. By default now.
        include_superseded : bool
            Whether to find documents, too, that do not hold at that moment: superseded, expired,
            not yet valid, drafts and withdrawn. ``hit.status`` tells, and so does each citation.
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
            If the query is empty, `k` is below 1, `deadline` is not above 0, the mode needs an
            encoder that is not there, or the filter is none or asks for a field that no document
            has.
        CorruptIndexError
            If the version that stood at `as_of` cannot be told, since a manifest is damaged.
        ModelUnavailableError
            If the files of a model are needed and cannot be fetched.
        VersionNotFoundError
            If the version that stood at `as_of` was pruned.
        """
        moment = datetime.now(UTC)
        snapshot = self._snapshot
        if as_of is not None:
            moment = moments.moment_of(as_of, "as_of", end_of_day=True)
            snapshot = self._stood_at(moment)
        at = moments.micros(moment)
        superseded = _superseded(snapshot.extra)
        valid = snapshot.valid_at(at, records.from_when(superseded))
        selection = None if include_superseded else valid
        if where is not None:
            chosen = snapshot.select(filters.condition(where))
            selection = chosen if selection is None else chosen.meet(selection)
        reader = records.Reader(snapshot)
        analyzer = Analyzer(snapshot.analyzer)
        pipeline = Pipeline(
            snapshot,
            analyzer,
            self.encoder,
            self.reranker,
            lambda row: reader.chunk(row).embedding_text,
            selection,
        )
        ranked, report = pipeline.run(
            checked_text(query, "the query"), k=k, mode=mode, rerank=rerank, deadline=deadline
        )
        mark = partial(analyzer.highlights, query, fields=snapshot.fields, field="text")
        hits = tuple(
            reader.hit(
                rank,
                one,
                mark,
                ("current", "") if valid is None else reader.status(one.row, at, superseded),
            )
            for rank, one in enumerate(ranked, 1)
        )
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
        for number, record in self._named([checked_text(document_id, "the id")]).values():
            return records.stored(self._snapshot, number, record)
        return None

    def count(self, where: Where | None = None) -> int:
        """Return the number of documents, or of those that meet a filter.

        Raises
        ------
        InvalidInputError
            If the filter is none, or asks for a field that no document has.
        """
        return len(self._numbers(where))

    def _numbers(self, where: Where | None) -> list[int]:
        if where is None:
            return self._snapshot.documents()
        return self._snapshot.documents_where(filters.condition(where))

    def _id(self, number: int) -> str:
        id: str = json.loads(self._snapshot.document(number))["id"]
        return id

    def _stood_at(self, moment: datetime) -> _core.Snapshot:
        """Return the version that stood at a moment; this one, if the index is younger."""
        at = moments.micros(moment)
        if at < self._extra["born"]:
            return self._snapshot
        version = history.stood_at(self.path, self._snapshot.index_id, self.version, at)
        if version in (None, self.version):
            return self._snapshot
        if version not in self._past:
            self._past = {version: _core.Snapshot.open(self.path, version)}
        return self._past[version]

    def documents(self, where: Where | None = None) -> Iterator[Document]:
        """Go through the documents of the version that answers now, whatever is committed then.

        Parameters
        ----------
        where : mapping, optional
            A filter, see `tamis.filters`: only those that meet it.

        Raises
        ------
        InvalidInputError
            If the filter is none, or asks for a field that no document has.
        """
        snapshot = self._snapshot
        numbers = self._numbers(where)
        return (
            records.stored(snapshot, number, json.loads(snapshot.document(number)))
            for number in numbers
        )

    def export(
        self, folder: str | os.PathLike[str], *, progress: Progress | None = None
    ) -> list[Path]:
        """Write all that the index holds into files that anything can read.

        ``documents.jsonl`` and ``chunks.jsonl`` have a JSON object a line, ``vectors.npy`` the
        vectors, float32, a row for each line of ``chunks.jsonl``; it is absent without an encoder.
        The lines can be given to `add_chunks`, with the vectors, or to `add`, which cuts anew. What
        a source is synced with (whose place it takes, for one) is not a document's, and not there.

        Parameters
        ----------
        folder : path-like
            Made if it is missing.
        progress : callable, optional
            Called as ``progress("export", done, total)``, in documents.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        InvalidInputError
            If one of the files is there already.
        StorageError
            If the system refuses.
        """
        return export.write(self._snapshot, Path(folder), progress)

    def search_many(self, queries: Iterable[str], **options: Any) -> list[Results]:
        """Return the results of each query; the options are those of `search`."""
        return [self.search(query, **options) for query in checked_texts(queries, "queries")]


@dataclass(frozen=True, slots=True)
class _New:
    """A document to be written; with its chunks if it was cut, with vectors if it was embedded."""

    document: Document
    chunks: list[Chunk] | None = None
    vectors: FloatArray | None = None


#: The sections of a segment that make a part of an index.
_PARTS = {
    "texts": ("docs", "texts", "rows", "chunks", "dockeys", "rowkeys"),
    "postings": ("terms", "lists", "places"),
    "vectors": ("vectors",),
    "codes": ("frame", "nibbles", "fine", "bits"),
    "columns": ("fields", "columns"),
}


def _by_part(sizes: Mapping[str, int]) -> dict[str, int]:
    return {part: sum(sizes.get(name, 0) for name in names) for part, names in _PARTS.items()}


@lru_cache(maxsize=8)
def _superseded(extra: str) -> records.Superseded:
    found: records.Superseded = json.loads(extra).get("superseded", {})
    return found


def _ancestors(name: str | None, settings: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return a source, and those whose place it took, one after the other."""
    found: set[str] = set()
    while name and name not in found:
        found.add(name)
        name = settings.get(name, {}).get("supersedes")
    return found


def _hashes(
    known: Mapping[str, tuple[int, dict[str, Any]]], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Return the hashes of what is indexed; those synced with other settings have none."""
    signature = records.signature(settings)
    return {
        id: record["hash"] if record["with"] == signature else ""
        for id, (_, record) in known.items()
    }


def _read(
    found: Found, ids: Sequence[str], settings: Mapping[str, Any], progress: Progress | None
) -> list[Document]:
    """Read documents of a source, as far as that is possible."""
    fresh = []
    for done, id in enumerate(ids):
        tell(progress, "read", done, len(ids))
        try:
            document = documents.read(found.paths[id], id=id)
        except (UnreadableDocumentError, SourceNotFoundError) as error:
            found.skipped.append(Skipped(shown(found.paths[id]), str(error)))
            continue
        fresh.append(
            replace(
                document,
                version=settings["version"] or document.version,
                valid_from=settings["valid_from"] or document.valid_from,
                metadata={**(settings["metadata"] or {}), **document.metadata},
            )
        )
    tell(progress, "read", len(ids), len(ids))
    return fresh


def _assembler(
    reader: records.Reader, counter: TokenCounter | None, *, is_judged: bool
) -> Assemble:
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
