"""An index from its making to its answers, and everything that can go wrong on the way."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tamis
from tamis.errors import (
    CorruptIndexError,
    IndexLockedError,
    IndexNotFoundError,
    InvalidInputError,
    ModelMismatchError,
    NonFiniteError,
    ReadOnlyError,
    SourceConflictError,
    SourceNotFoundError,
    VersionNotFoundError,
)
from tamis.retrieval import Mode
from tamis.sync import file_hash
from tamis.types import FloatArray
from tests.fakes import OverlapReranker, WordEncoder


def open_index(path: Path, encoder: WordEncoder | None = None, **options: object) -> tamis.Index:
    encoder = encoder or WordEncoder()
    return tamis.open(path, encoder=encoder, reranker=OverlapReranker(), **options)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three small documents."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "refunds.md").write_text(
        "# Refunds\n\n## Term\n\nRefunds take 30 days.\n\n## Form\n\nWrite to us.\n"
    )
    (folder / "boats.txt").write_text("Boats are painted in spring.\n")
    (folder / "lab.html").write_text("<h1>Lab</h1><p>The laser is calibrated in May.</p>")
    return folder


@pytest.fixture
def index(folder: Path, tmp_path: Path) -> tamis.Index:
    index = open_index(tmp_path / "notes.tamis")
    index.sync(folder)
    return index


def test_a_folder_becomes_cited_passages(folder: Path, tmp_path: Path) -> None:
    encoder = WordEncoder()
    index = open_index(tmp_path / "notes.tamis", encoder)
    report = index.sync(folder)
    assert report.added == ("notes/boats.txt", "notes/lab.html", "notes/refunds.md")
    assert (report.version, report.chunks, report.embedded, report.reused) == (1, 4, 4, 0)

    hit = index.search("how many days do refunds take", k=2)[0]
    assert (hit.rank, hit.document_id, hit.title) == (1, "notes/refunds.md", "Refunds")
    assert hit.chunk.headings == ("Refunds", "Term")
    assert hit.text == "Refunds take 30 days."
    assert hit.citation == f"notes/refunds.md § Term, chars {hit.span[0]}-{hit.span[1]}"
    assert (folder / "refunds.md").read_text()[slice(*hit.span)] == hit.text
    assert set(hit.scores) == {"bm25", "cosine", "fused", "logit"}
    assert hit.score == hit.scores["logit"]


def test_only_changed_chunks_are_embedded(folder: Path, tmp_path: Path) -> None:
    encoder = WordEncoder()
    index = open_index(tmp_path / "notes.tamis", encoder)
    index.sync(folder)
    encoder.encoded.clear()

    assert index.sync(folder).version == 1  # nothing to do makes no version
    assert encoder.encoded == []

    text = (folder / "refunds.md").read_text()
    (folder / "refunds.md").write_text(text.replace("30 days", "60 days"))
    (folder / "lab.html").rename(folder / "laser.html")
    (folder / "boats.txt").unlink()
    report = index.sync(folder)
    assert report.changed == ("notes/refunds.md",)
    assert report.moved == (("notes/lab.html", "notes/laser.html"),)
    assert (report.added, report.removed) == ((), ("notes/boats.txt",))
    assert encoder.encoded == ["Refunds > Term\nRefunds take 60 days."]
    assert (report.version, report.chunks, report.embedded, report.reused) == (2, 3, 1, 2)

    assert index.search("refunds days")[0].text == "Refunds take 60 days."
    texts = [hit.text for hit in index.search("boats refunds laser 30 days", k=50)]
    assert not any("30 days" in text or "Boats" in text for text in texts)


def test_a_renamed_folder_embeds_nothing(folder: Path, tmp_path: Path) -> None:
    encoder = WordEncoder()
    index = open_index(tmp_path / "notes.tamis", encoder)
    index.sync(folder)
    encoder.encoded.clear()
    (folder / "deep").mkdir()
    for path in list(folder.glob("*.*")):
        path.rename(folder / "deep" / path.name)
    report = index.sync(folder)
    assert len(report.moved) == 3
    assert (report.added, report.changed, report.removed) == ((), (), ())
    assert (encoder.encoded, report.embedded) == ([], 0)
    assert index.search("laser")[0].document_id == "notes/deep/lab.html"


def test_a_file_moved_to_the_name_of_a_document_added_by_hand_is_refused(
    index: tamis.Index, folder: Path
) -> None:
    index.add([{"id": "notes/sails.txt", "text": "By hand."}])
    index.commit()
    (folder / "boats.txt").rename(folder / "sails.txt")
    with pytest.raises(SourceConflictError, match=r"notes/sails\.txt"):
        index.sync(folder)


def test_only_files_that_seem_to_have_changed_are_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.sync.fingerprint.RACY_NS", 0)
    read: list[str] = []

    def noted(path: Path) -> str:
        read.append(path.name)
        return file_hash(path)

    monkeypatch.setattr("tamis.sync.source.file_hash", noted)
    index = open_index(tmp_path / "notes.tamis")
    index.sync(folder)
    assert len(read) == 3
    read.clear()
    assert len(index.sync(folder).unchanged) == 3
    assert read == []

    # The same length, and the old time put back: the system still knows.
    changed = folder / "refunds.md"
    before = changed.stat()
    changed.write_text(changed.read_text().replace("30", "60"))
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert index.sync(folder).changed == ("notes/refunds.md",)
    assert read == ["refunds.md"]

    # Touched and not changed: read, and left as it is.
    (folder / "boats.txt").touch()
    read.clear()
    assert index.sync(folder).version == 2
    assert read == ["boats.txt"]


def test_a_file_that_was_changed_just_now_is_read_again(folder: Path, tmp_path: Path) -> None:
    index = open_index(tmp_path / "notes.tamis")
    index.sync(folder)
    # Within one tick of the disk's clock size and times may stay as they are.
    record = json.loads(index._snapshot.document(0))
    assert (record["stat"], len(record["hash"])) == (None, 32)


def test_a_reused_vector_is_the_vector_of_its_text(folder: Path, tmp_path: Path) -> None:
    index = open_index(tmp_path / "notes.tamis")
    index.sync(folder)
    (folder / "refunds.md").write_text(
        "# Refunds\n\n## Form\n\nWrite to us.\n\n## Term\n\nRefunds take 90 days.\n"
    )
    index.sync(folder)
    fresh = open_index(tmp_path / "fresh.tamis")
    fresh.sync(folder)
    for query in ("write", "refunds 90 days", "boats", "laser may"):
        found, expected = (
            [(hit.text, hit.scores) for hit in each.search(query)] for each in (index, fresh)
        )
        assert found == expected


def test_old_versions_answer_as_before(index: tamis.Index, folder: Path) -> None:
    (folder / "refunds.md").write_text("# Refunds\n\nRefunds take 60 days.\n")
    index.sync(folder)
    old = open_index(index.path, version=1)
    assert "30 days" in old.search("refunds days")[0].text
    assert "60 days" in index.search("refunds days")[0].text
    assert index.versions() == [0, 1, 2]
    with pytest.raises(ReadOnlyError, match="version 1"):
        old.sync(folder)
    with pytest.raises(VersionNotFoundError, match="no version 7"):
        open_index(index.path, version=7)


def test_a_reader_keeps_its_version_until_it_refreshes(index: tamis.Index, folder: Path) -> None:
    reader = open_index(index.path, read_only=True)
    (folder / "refunds.md").write_text("Refunds take 60 days.")
    index.sync(folder)
    assert "30 days" in reader.search("refunds days")[0].text
    assert reader.refresh() == 2
    assert "60 days" in reader.search("refunds days")[0].text


def test_a_file_that_cannot_be_read_is_reported_and_the_rest_goes_on(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "binary.txt").write_bytes(b"\x00\x01\x02" * 1000)
    (folder / "gone.md").symlink_to(folder / "nowhere.md")
    (folder / "empty.md").write_text("")
    (folder / "latin.txt").write_bytes("Fähre nach Süden".encode("latin-1"))
    (folder / "photo.png").write_bytes(b"\x89PNG")
    Path(os.fsdecode(bytes(folder) + b"/na\xefve.txt")).write_text("A name that is no UTF-8.")
    index = open_index(tmp_path / "notes.tamis")
    report = index.sync(folder)
    reasons = {Path(skipped.path).name: skipped.reason for skipped in report.skipped}
    assert reasons.keys() == {"binary.txt", "photo.png"}
    assert "binary" in reasons["binary.txt"]
    assert reasons["photo.png"] == "no reader for '.png' files"
    added = {"notes/empty.md", "notes/latin.txt", "notes/na\ufffdve.txt", "notes/refunds.md"}
    assert added <= set(report.added)
    assert index.sync(folder).version == report.version
    assert index.search("nach", mode="lexical")[0].document_id == "notes/latin.txt"


def test_a_file_without_permission_is_reported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(path: Path) -> str:
        if path.name == "boats.txt":  # as root, a mode of 0 would refuse nothing
            raise PermissionError(13, "Permission denied", str(path))
        return file_hash(path)

    monkeypatch.setattr("tamis.sync.source.file_hash", refusing)
    report = open_index(tmp_path / "notes.tamis").sync(folder)
    [skipped] = report.skipped
    assert (Path(skipped.path).name, skipped.reason) == ("boats.txt", "Permission denied")
    assert len(report.added) == 2


def test_what_becomes_unreadable_keeps_its_last_good_version(
    index: tamis.Index, folder: Path
) -> None:
    (folder / "boats.txt").write_bytes(b"\x00\xff" * 500)
    report = index.sync(folder)
    assert "notes/boats.txt" in report.unchanged
    assert "boats.txt" in report.skipped[0].path
    assert index.search("boats spring", mode="lexical")[0].document_id == "notes/boats.txt"


@pytest.mark.slow
def test_a_line_of_fifty_megabytes_is_cut_into_chunks(folder: Path, tmp_path: Path) -> None:
    (folder / "line.txt").write_text("word " * 10_000_000 + "needle")
    index = tamis.open(tmp_path / "notes.tamis", encoder=None, reranker=None)
    index.sync(folder)
    [hit] = index.search("needle")
    assert hit.text.endswith("needle")
    assert len(hit.text) < 5000


def test_documents_from_code_are_added_replaced_and_deleted(tmp_path: Path) -> None:
    index = open_index(tmp_path / "code.tamis")
    index.add(
        [
            {"id": "a", "text": "Refunds take 30 days.", "metadata": {"team": "legal"}},
            tamis.Document("b", "Boats are painted."),
        ]
    )
    assert len(index) == 0  # nothing is seen before the commit
    assert index.commit() == 1
    hit = index.search("refunds")[0]
    assert (hit.document_id, hit.metadata) == ("a", {"team": "legal"})
    index.add([{"id": "a", "text": "Refunds take 60 days."}])
    index.delete(["b", "unknown"])
    assert index.commit() == 2
    assert [hit.text for hit in index.search("refunds boats", k=10)] == ["Refunds take 60 days."]


def test_synced_and_added_documents_live_side_by_side(index: tamis.Index, folder: Path) -> None:
    index.add([{"id": "extra", "text": "An extra document."}])
    index.commit()
    assert index.sync(folder).removed == ()
    assert index.search("extra")[0].document_id == "extra"


def test_two_folders_of_one_name_do_not_eat_each_other(index: tamis.Index, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "notes"
    other.mkdir(parents=True)
    (other / "x.txt").write_text("Something else.")
    with pytest.raises(SourceConflictError, match="name="):
        index.sync(other)
    assert index.sync(other, name="more").added == ("more/x.txt",)
    assert len(index.info()["sources"]) == 2


def test_a_folder_that_moved_is_the_same_source(
    index: tamis.Index, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    moved = folder.rename(tmp_path / "new" / "notes")
    report = index.sync(moved)
    assert len(report.unchanged) == 3


def test_a_single_file_is_a_source(tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("# One\n\nOnly one.")
    index = open_index(tmp_path / "one.tamis")
    assert index.sync(tmp_path / "one.md").added == ("one.md",)


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("", {}, "query is empty"),
        ("  \n", {}, "query is empty"),
        ("refunds", {"k": 0}, "k is 0"),
        ("refunds", {"k": -3}, "k is -3"),
        ("refunds", {"mode": "fuzzy"}, "fuzzy"),
        ("refunds", {"deadline": 0}, "deadline is 0"),
        ("refunds", {"deadline": float("nan")}, "deadline is nan"),
        ("\ud800", {}, "surrogate"),
    ],
)
def test_a_search_without_meaning_says_why(
    index: tamis.Index, query: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        index.search(query, **options)  # type: ignore[arg-type]


def test_k_beyond_the_chunks_gives_them_all(index: tamis.Index) -> None:
    assert len(index.search("refunds", k=10_000)) == len(index) == 4


def test_an_empty_index_finds_nothing_and_says_so(tmp_path: Path) -> None:
    index = open_index(tmp_path / "empty.tamis")
    results = index.search("anything")
    assert (len(results), results.confidence) == (0, None)
    context = results.context()
    assert (context.text, context.sufficient, context.reason) == ("", False, "nothing was found")


def test_a_missing_source_and_a_missing_index_are_named(index: tamis.Index, tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="nowhere"):
        index.sync(tmp_path / "nowhere")
    with pytest.raises(IndexNotFoundError, match=r"none\.tamis"):
        open_index(tmp_path / "none.tamis", read_only=True)
    assert not (tmp_path / "none.tamis").exists()


def test_another_model_of_the_same_width_is_refused(index: tamis.Index) -> None:
    with pytest.raises(ModelMismatchError, match=r"name: 'words' / 'others'"):
        open_index(index.path, WordEncoder("others"))


def test_an_index_with_vectors_opened_without_an_encoder_searches_words(
    index: tamis.Index, folder: Path
) -> None:
    plain = tamis.open(index.path, encoder=None, reranker=None)
    results = plain.search("refunds days")
    assert results[0].document_id == "notes/refunds.md"
    assert "without an encoder" in results.report.degraded[0]
    with pytest.raises(InvalidInputError, match="encoder='words'"):
        plain.sync(folder)
    with pytest.raises(InvalidInputError, match="needs an encoder"):
        plain.search("refunds", mode="dense")


def test_a_lexical_index_needs_no_model(folder: Path, tmp_path: Path) -> None:
    index = tamis.open(tmp_path / "words.tamis", encoder=None, reranker=None)
    report = index.sync(folder)
    assert (report.embedded, report.reused) == (0, 0)
    results = index.search("laser")
    assert [hit.document_id for hit in results] == ["notes/lab.html"]
    assert (results[0].stage, results.report.degraded) == ("bm25", ())
    # Opened with the defaults later, it stays lexical: nothing is fetched.
    assert tamis.open(tmp_path / "words.tamis", reranker=None).search("laser")[0].stage == "bm25"


def test_one_writer_at_a_time(index: tamis.Index, folder: Path) -> None:
    from tamis import _core

    writer = _core.Writer.open(index._snapshot)
    (folder / "new.txt").write_text("New.")
    with pytest.raises(IndexLockedError, match=f"process {os.getpid()}"):
        index.sync(folder)
    writer.close()
    assert index.sync(folder).added == ("notes/new.txt",)


def test_a_writer_goes_on_from_the_newest_version(index: tamis.Index, folder: Path) -> None:
    other = open_index(index.path)
    (folder / "new.txt").write_text("New.")
    index.sync(folder)
    assert other.sync(folder).version == 2  # sees what the first has done: nothing is left
    other.add([{"id": "x", "text": "More."}])
    assert other.commit() == 3


def test_a_failing_encoder_leaves_the_index_as_it_was(
    index: tamis.Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> FloatArray:
        raise RuntimeError("no power")

    (folder / "new.txt").write_text("New.")
    with monkeypatch.context() as patch:
        patch.setattr(index.encoder, "encode", failing)
        with pytest.raises(RuntimeError, match="no power"):
            index.sync(folder)
    assert open_index(index.path).version == 1
    assert index.sync(folder).added == ("notes/new.txt",)  # the lock is free


def test_a_vector_that_is_no_vector_is_refused(
    index: tamis.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(texts: Sequence[str], *_: object, **__: object) -> FloatArray:
        return np.full((len(texts), 64), np.nan, dtype=np.float32)

    monkeypatch.setattr(index.encoder, "encode", broken)
    index.add([{"id": "x", "text": "Text."}])
    with pytest.raises(NonFiniteError, match="holds NaN"):
        index.commit()
    assert open_index(index.path).version == 1


def test_damaged_files_are_named(index: tamis.Index) -> None:
    segment = next((index.path / "segments").glob("*.seg"))
    whole = segment.read_bytes()
    segment.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptIndexError, match=segment.name):
        open_index(index.path)
    segment.write_bytes(whole[:100] + b"\x55" + whole[101:])
    with pytest.raises(CorruptIndexError, match=segment.name):
        open_index(index.path)
    segment.unlink()
    with pytest.raises(CorruptIndexError, match="missing"):
        open_index(index.path)
    segment.write_bytes(whole)
    assert len(open_index(index.path)) == 4


def test_metadata_that_is_no_json_is_refused(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    with pytest.raises(InvalidInputError, match="metadata of document 'x'"):
        index.add([{"id": "x", "text": "Text.", "metadata": {"when": object()}}])


@pytest.mark.parametrize("item", [{"id": "x"}, {"text": "x"}, {"id": "x", "text": "y", "color": 1}])
def test_a_document_with_missing_or_unknown_fields_is_refused(
    index: tamis.Index, item: dict[str, object]
) -> None:
    with pytest.raises(InvalidInputError, match="id and text"):
        index.add([item])


def test_many_threads_search_one_index(index: tamis.Index) -> None:
    expected = [hit.text for hit in index.search("refunds days laser")]
    found: list[list[str]] = []

    def search() -> None:
        found.extend([hit.text for hit in index.search("refunds days laser")] for _ in range(20))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 80


def test_results_are_json(index: tamis.Index) -> None:
    results = index.search("refunds", k=2)
    back = json.loads(json.dumps(results.to_dict()))
    assert [hit["citation"] for hit in back["hits"]] == [hit.citation for hit in results]
    assert [stage["name"] for stage in back["report"]["stages"]] == [
        "lexical", "encode", "dense", "fuse", "rerank",
    ]  # fmt: skip
    json.dumps(results.context().to_dict())
    json.dumps(index.info())


def test_progress_is_told(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    open_index(tmp_path / "x.tamis").sync(folder, progress=lambda *step: told.append(step))
    assert ("scan", 3, 3) in told
    assert ("read", 3, 3) in told
    assert ("encode", 4, 4) in told


def test_the_index_is_closed_by_with(tmp_path: Path) -> None:
    with open_index(tmp_path / "x.tamis") as index:
        index.add([{"id": "x", "text": "Text."}])
        with pytest.warns(UserWarning, match=r"added \(1\) and deleted \(0\)"):
            index.close()
    assert index.commit() == 0  # what was not committed is forgotten


def test_a_sync_touches_only_its_own_documents(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.txt").write_text(f"Text of {folder}.")
    index = open_index(tmp_path / "x.tamis")
    index.add([{"id": "team/manual", "text": "Added by hand."}])
    index.commit()
    index.sync(tmp_path / "a", name="team/legal")
    assert index.sync(tmp_path / "b", name="team").removed == ()
    found = {hit.document_id for hit in index.search("text added", k=10)}
    assert found == {"team/manual", "team/legal/a.txt", "team/b.txt"}
    index.add([{"id": "team/new.txt", "text": "By hand as well."}])
    index.commit()
    (tmp_path / "b" / "new.txt").write_text("From the folder.")
    with pytest.raises(SourceConflictError, match=r"'team/new\.txt' that is not of the source"):
        index.sync(tmp_path / "b", name="team")


def test_a_source_that_lost_everything_is_suspected_not_obeyed(
    index: tamis.Index, folder: Path, tmp_path: Path
) -> None:
    kept = folder.rename(tmp_path / "unmounted")
    folder.mkdir()
    with pytest.raises(SourceConflictError, match="its disk mounted"):
        index.sync(folder)
    folder.rmdir()
    other = tmp_path / "elsewhere" / "notes"  # another folder of the name, the first being gone
    other.mkdir(parents=True)
    (other / "refunds.md").write_text("Something else altogether.")
    with pytest.raises(SourceConflictError, match="another name="):
        index.sync(other)
    assert len(index) == 4
    folder.mkdir()
    assert len(index.sync(folder, allow_empty=True).removed) == 3
    assert kept.exists()


def test_an_index_within_its_own_source_is_left_out(folder: Path) -> None:
    index = open_index(folder / "own.tamis")
    report = index.sync(folder)
    assert (len(report.added), report.skipped) == (3, ())
    assert index.sync(folder).version == 1


def test_a_folder_that_cannot_be_listed_keeps_its_documents(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "deep.txt").write_text("Deep text.")
    index = open_index(tmp_path / "x.tamis")
    index.sync(folder)
    listed = Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:
        if path.name == "sub":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    (folder / "boats.txt").unlink()
    report = index.sync(folder)
    assert report.removed == ("notes/boats.txt",)
    assert "notes/sub/deep.txt" in report.unchanged
    assert [skipped.reason for skipped in report.skipped] == ["Permission denied"]


def test_two_names_that_look_alike_are_told_apart(folder: Path, tmp_path: Path) -> None:
    for byte in (b"\xff", b"\xfe"):
        Path(os.fsdecode(bytes(folder) + b"/n" + byte + b".txt")).write_text("Text.")
    report = open_index(tmp_path / "x.tamis").sync(folder)
    assert "notes/n\ufffd.txt" in report.added
    assert "shown like that of another file" in report.skipped[0].reason


def test_an_index_made_anew_at_the_same_path_is_another(
    index: tamis.Index, folder: Path, tmp_path: Path
) -> None:
    shutil.rmtree(index.path)
    other = open_index(index.path)
    other.add([{"id": "q", "text": "Quite another document."}])
    assert other.commit() == index.version == 1
    assert index.refresh() == 1
    assert [hit.document_id for hit in index.search("document", k=5)] == ["q"]
    assert len(index.sync(folder).added) == 3
    assert index.search("another document")[0].document_id == "q"


def test_a_folder_with_other_files_becomes_no_index(folder: Path) -> None:
    with pytest.raises(InvalidInputError, match="a directory of its own"):
        open_index(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["boats.txt", "lab.html", "refunds.md"]


def test_more_results_begin_with_fewer_beyond_the_candidates_too(tmp_path: Path) -> None:
    index = tamis.open(tmp_path / "x.tamis", encoder=WordEncoder(), reranker=None)
    index.add({"id": f"d{n}", "text": f"word{n % 7} common text number{n}"} for n in range(300))
    index.commit()
    most = [hit.document_id for hit in index.search("common word3 number5", k=300)]
    assert len(set(most)) == 300
    for k in (1, 99, 100, 101, 150, 299):
        assert [h.document_id for h in index.search("common word3 number5", k=k)] == most[:k]


def test_a_deadline_before_the_first_passage_is_no_evidence(index: tamis.Index) -> None:
    index.reranker = OverlapReranker(seconds=0.2)
    results = index.search("refunds days", deadline=1e-9)
    context = results.context()
    assert (results.confidence, context.sufficient) == (None, False)
    assert context.reason == "the reranker read no passage before the deadline"
    assert index.search("refunds days", rerank=False).context().sufficient


def test_a_model_that_was_not_used_is_not_loaded_for_the_context(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = open_index(tmp_path / "x.tamis")
    index.sync(folder)

    def loads(*_: object) -> list[int]:
        raise AssertionError("loaded")

    monkeypatch.setattr(index.reranker, "count_tokens", loads)
    assert index.search("refunds days", rerank=False).context().sufficient
    monkeypatch.setattr(index.encoder, "count_tokens", loads)
    assert index.search("refunds days", rerank=False, mode="lexical").context().sufficient


def test_a_document_can_be_had_to_check_a_citation(index: tamis.Index) -> None:
    hit = index.search("laser")[0]
    document = index.get(hit.document_id)
    assert document is not None
    assert document.text[slice(*hit.span)] == hit.text
    assert index.get("notes/none.md") is None


def test_passages_are_exact_among_characters_of_many_bytes(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    text = "Ärger mit 漢字 😀.\n\nZweiter Absatz über Öl.\n\n" + "Füllung süß. " * 200
    index.add([{"id": "u", "text": text}])
    index.commit()
    for hit in index.search("Zweiter Absatz Füllung Ärger", k=50):
        assert text[slice(*hit.span)] == hit.text


@pytest.mark.parametrize(
    "new",
    [
        "text",
        {"id": "x", "text": "y"},
        [5],
        [{"id": 5, "text": "y"}],
        [{"id": "x", "text": None}],
        [{"id": "x", "text": "y", "metadata": "z"}],
    ],
)
def test_what_is_no_document_is_refused_at_the_door(index: tamis.Index, new: Any) -> None:
    with pytest.raises(InvalidInputError):
        index.add(new)


@pytest.mark.parametrize("options", [{"encoder": 5}, {"reranker": object()}])
def test_what_is_no_model_is_refused(tmp_path: Path, options: Any) -> None:
    with pytest.raises(InvalidInputError, match="it must be a name"):
        tamis.open(tmp_path / "x.tamis", **options)


def test_signs_hold_for_words_and_vectors_alike(tmp_path: Path) -> None:
    with tamis.open(tmp_path / "x.tamis", encoder=WordEncoder(), reranker=None) as index:
        index.add(
            [
                {"id": "a", "title": "Leases", "text": "Early termination is free."},
                {"id": "b", "title": "Leases", "text": "Termination may be early, for a fee."},
                {"id": "c", "title": "Pets", "text": "No pets and no termination."},
            ]
        )
        index.commit()

        def found(query: str, mode: Mode = "hybrid") -> list[str]:
            return sorted(hit.document_id for hit in index.search(query, mode=mode))

        assert found("termination") == ["a", "b", "c"]
        for mode in ("hybrid", "dense", "lexical"):
            assert found(tamis.Query('+"early termination"'), mode) == ["a"]
            assert found(tamis.Query("termination -fee"), mode) == ["a", "c"]
            assert found(tamis.Query("+title:leases termination"), mode) == ["a", "b"]
        assert found(tamis.Query("-fee"), "dense") == []
        results = index.search(tamis.Query("+submarine"))
        assert not results
        assert "no chunk meets the query" in results.report.degraded[0]
        hit = index.search(tamis.Query('"early termination"'))[0]
        assert [hit.text[start:end] for start, end in hit.offsets] == ["Early", "termination"]
        assert index.search("terminating fees", mode="lexical")[0].offsets == ((0, 11), (32, 35))


def test_what_is_asked_of_other_fields_is_not_marked(tmp_path: Path) -> None:
    index = tamis.open(tmp_path / "x.tamis", encoder=None, reranker=None)
    index.add([{"id": "a", "title": "Boats", "text": "boats and lasers"}])
    index.commit()
    for query, marked in {
        "title:boats": [],
        "title:boats laser": ["lasers"],
        "text:boats": ["boats"],
        'title:"boats" la*': ["lasers"],
    }.items():
        [hit] = index.search(tamis.Query(query))
        assert [hit.text[start:end] for start, end in hit.offsets] == marked, query


def test_an_index_keeps_the_analyzer_that_it_was_made_with(tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    with tamis.open(path, encoder=None, reranker=None, analyzer="german") as index:
        index.add([{"id": "a", "text": "Kündigung der Verträge"}])
        index.commit()
    with tamis.open(path, encoder=None, reranker=None) as index:
        assert index.search("Vertrag")[0].document_id == "a"
        assert index.info()["analyzer"] == "german"
    with pytest.raises(InvalidInputError, match="made with the analyzer 'german', not 'plain'"):
        tamis.open(path, encoder=None, reranker=None, analyzer="plain")
    with pytest.raises(InvalidInputError, match="there is no analyzer"):
        tamis.open(tmp_path / "y.tamis", encoder=None, reranker=None, analyzer="klingon")
    assert not (tmp_path / "y.tamis").exists()
