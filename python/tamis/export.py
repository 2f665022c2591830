"""Everything that an index holds, in files that anything can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from tamis import _core, records
from tamis.errors import InvalidInputError, StorageError
from tamis.types import FIELDS_BESIDE_TEXT, Progress

_FILES = ("documents.jsonl", "chunks.jsonl", "vectors.npy")


def write(snapshot: _core.Snapshot, folder: Path, progress: Progress | None) -> list[Path]:
    """Write a version's documents, chunks and vectors; see `tamis.Index.export`."""
    paths = [folder / name for name in (_FILES if snapshot.dim is not None else _FILES[:2])]
    try:
        taken = [path for path in paths if path.exists()]
        if not taken:
            folder.mkdir(parents=True, exist_ok=True)
            _write(snapshot, paths, progress)
    except (OSError, ValueError) as error:  # such as a NUL in the name
        raise StorageError(f"{folder}: {getattr(error, 'strerror', None) or error}") from error
    if taken:
        raise InvalidInputError(f"there is a file {taken[0]}; export into an empty folder")
    return paths


def _write(snapshot: _core.Snapshot, paths: list[Path], progress: Progress | None) -> None:
    numbers = snapshot.documents()
    vectors = None
    if snapshot.dim is not None:
        shape = (snapshot.rows, snapshot.dim)
        vectors = np.lib.format.open_memmap(paths[2], "w+", np.dtype("<f4"), shape)
    at = 0
    with (
        paths[0].open("w", encoding="utf-8") as documents,
        paths[1].open("w", encoding="utf-8") as chunks,
    ):
        for done, number in enumerate(numbers):
            if progress is not None:
                progress("export", done, len(numbers))
            record = json.loads(snapshot.document(number))
            kept = {name: record[name] for name in records.DOCUMENT_FIELDS}
            _line(documents, {**kept, "text": snapshot.text(number)})
            reader = records.Reader(snapshot)
            for row in range(*snapshot.rows_of(number)):
                chunk = reader.chunk(row)
                _line(
                    chunks,
                    {
                        **{name: record[name] for name in FIELDS_BESIDE_TEXT},
                        "id": chunk.id,
                        "document_id": chunk.document_id,
                        "headings": chunk.headings,
                        "kind": chunk.kind,
                        "text": chunk.text,
                    },
                )
                if vectors is not None:
                    vectors[at] = snapshot.vector(row)
                at += 1
    if vectors is not None:
        vectors.flush()
    if progress is not None:
        progress("export", len(numbers), len(numbers))


def _line(file: TextIO, record: Mapping[str, Any]) -> None:
    file.write(json.dumps(record, ensure_ascii=False) + "\n")
