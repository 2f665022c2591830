"""What changed, what is stale, what a gate refuses, and work that was cut short."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import tamis
from tamis.errors import GateRefusedError
from tamis.sync import Stale, journal
from tamis.types import FloatArray, Progress, TextKind
from tests.fakes import WordEncoder


def open_index(path: Path, encoder: WordEncoder | None = None) -> tamis.Index:
    return tamis.open(path, encoder=encoder or WordEncoder(), reranker=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "leave.md").write_text("# Leave\n\nYou have 30 days. Ask your lead in time.\n")
    (folder / "fax.md").write_text("# Fax\n\nSend it by fax.\n")
    return folder


def test_a_report_tells_the_changes_that_matter_from_the_others(
    folder: Path, tmp_path: Path
) -> None:
    index = open_index(tmp_path / "x.tamis")
    assert index.sync(folder).changes == ()
    (folder / "leave.md").write_text("# Leave\n\nYou have 60 days. Please ask your lead in time.\n")
    report = index.sync(folder)
    assert [(change.document_id, change.old, change.new) for change in report.significant] == [
        ("docs/leave.md", "You have 30 days.", "You have 60 days.")
    ]
    assert len(report.changes) == 2
    assert "1 of 2 changed sentences matter" in str(report)
    assert report.to_dict()["changes"][0]["old"] == "You have 30 days."


def test_stale_documents_are_those_whose_file_says_something_else(
    folder: Path, tmp_path: Path
) -> None:
    index = open_index(tmp_path / "x.tamis")
    index.sync(folder)
    now = datetime.now(UTC)
    dates = {"passed": now - timedelta(days=1), "coming": now + timedelta(days=1)}
    for name, on in dates.items():
        index.add([{"id": f"valid-{name}", "text": "t", "valid_to": on}])
        index.add([{"id": f"review-{name}", "text": "t", "metadata": {"review_by": on}}])
    assert index.stale() == []
    index.add(
        [
            {"id": f"soon-{i}", "text": "t", "metadata": {"review_by": on}}
            for i, on in enumerate(("soon", 5))
        ]
    )
    index.commit()
    by_date = [Stale("review-passed", "review"), Stale("valid-passed", "expired")]
    assert index.stale() == by_date
    version = index.version

    (folder / "leave.md").write_text("# Leave\n\nYou have 60 days.\n")
    (folder / "fax.md").rename(folder / "telefax.md")
    assert index.stale() == [
        Stale("docs/fax.md", "gone"),
        Stale("docs/leave.md", "changed"),
        *by_date,
    ]
    assert index.version == version
    index.sync(folder)
    assert index.stale() == by_date

    folder.rename(tmp_path / "elsewhere")
    assert [stale.reason for stale in index.stale()[:2]] == ["gone", "gone"]


def test_a_gate_sees_the_version_before_anyone_and_may_refuse_it(
    folder: Path, tmp_path: Path
) -> None:
    index = open_index(tmp_path / "x.tamis")
    index.sync(folder)
    (folder / "leave.md").write_text("# Leave\n\nYou have 60 days.\n")
    seen: list[tuple[int, str, int]] = []

    def answers(new: tamis.Index) -> bool:
        outside = open_index(index.path)
        seen.append((new.version, new.search("days")[0].text, outside.version))
        return "30 days" in new.search("days")[0].text

    with pytest.raises(GateRefusedError, match=r"refused version 2 .* version 1 answers as before"):
        index.sync(folder, gate=answers)
    assert seen == [(2, "You have 60 days.", 1)]
    assert (index.version, index.versions()) == (1, [0, 1])
    assert "30 days" in index.search("days")[0].text

    def fails(_: tamis.Index) -> None:
        raise ZeroDivisionError

    index.add([{"id": "a", "text": "more days"}])
    with pytest.raises(ZeroDivisionError):
        index.commit(gate=fails)
    refusals: list[object] = [np.bool_(False), 0, []]
    while refusals:
        with pytest.raises(GateRefusedError):
            index.commit(gate=lambda _: refusals.pop())
    assert index.get("a") is None
    index.commit(gate=lambda new: new.get("a") is not None)
    assert index.get("a") is not None
    assert index.sync(folder, gate=lambda _: None).changed == ("docs/leave.md",)
    assert tamis.verify(index.path) == []


def test_a_gate_may_look_around_and_add_what_waits(folder: Path, tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    index.add([{"id": "a", "text": "one"}])

    def gate(new: tamis.Index) -> None:
        assert (new.refresh(), new.version) == (1, 1)
        index.add([{"id": "b", "text": "two"}])
        index.delete(["a"])

    index.commit(gate=gate)
    assert {document.id for document in index.documents()} == {"a"}
    index.commit()
    assert {document.id for document in index.documents()} == {"b"}
    index.add([{"id": "b", "text": "three", "metadata": {"n": 1}}])
    index.delete(where={"n": {"$exists": False}})
    index.commit()
    assert [document.text for document in index.documents()] == ["three"]


class Interrupted(WordEncoder):
    """Is cut short after so many texts."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def encode(
        self, texts: Sequence[str], kind: TextKind = "passage", *, progress: Progress | None = None
    ) -> FloatArray:
        if len(texts) > self.left:
            raise KeyboardInterrupt
        self.left -= len(texts)
        return super().encode(texts, kind, progress=progress)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(600):
        (folder / f"{i}.md").write_text(f"number {i} of them all\n")
    return folder


def test_a_sync_that_was_cut_short_goes_on_where_it_was(many: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    with pytest.raises(KeyboardInterrupt):
        open_index(path, Interrupted(520)).sync(many)
    assert open_index(path).version == 0
    told: list[tuple[str, int, int]] = []
    encoder = WordEncoder()
    report = open_index(path, encoder).sync(many, progress=lambda *what: told.append(what))
    assert (report.embedded, report.reused, len(encoder.encoded)) == (88, 512, 88)
    assert not (path / journal.NAME).exists()
    whole = open_index(tmp_path / "y.tamis")
    assert whole.sync(many).embedded == 600
    assert answers(open_index(path)) == answers(whole)


def answers(index: tamis.Index) -> list[list[tuple[str, float]]]:
    queries = [f"number {i} of them all" for i in range(0, 600, 50)]
    found = (index.search(query, mode="dense") for query in queries)
    return [[(hit.document_id, hit.score) for hit in hits] for hits in found]


@pytest.mark.parametrize("damage", ["torn", "flipped", "foreign", "empty"])
def test_what_is_damaged_of_it_is_encoded_again(many: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.tamis"
    with pytest.raises(KeyboardInterrupt):
        open_index(path, Interrupted(300)).sync(many)
    kept = path / journal.NAME
    content = kept.read_bytes()
    body = bytearray(content)
    body[-300] ^= 1
    damaged = {
        "torn": content[:-10],
        "flipped": bytes(body),
        "foreign": b"{}\n" + content,
        "empty": b"",
    }
    kept.write_bytes(damaged[damage])
    with pytest.raises(KeyboardInterrupt):
        open_index(path, Interrupted(300)).sync(many)
    report = open_index(path).sync(many)
    assert 0 < report.embedded <= 344
    whole = open_index(tmp_path / "y.tamis")
    whole.sync(many)
    assert answers(open_index(path)) == answers(whole)


def test_vectors_of_another_encoder_are_not_taken(many: Path, tmp_path: Path) -> None:
    known = journal.Journal(tmp_path, 64, {"name": "a"})
    rows = WordEncoder().encode(["x", "y", "z"])
    rows[1], rows[2, 3] = 0, np.nan
    known.keep([f"{i:02}" * 16 for i in range(3)], rows)
    assert list(journal.Journal(tmp_path, 64, {"name": "a"}).known) == ["00" * 16]
    assert not journal.Journal(tmp_path, 64, {"name": "b"}).known
    assert not journal.Journal(tmp_path, 32, {"name": "a"}).known


def test_another_commit_leaves_what_was_encoded_for_the_next_sync(
    many: Path, tmp_path: Path
) -> None:
    path = tmp_path / "x.tamis"
    with pytest.raises(KeyboardInterrupt):
        open_index(path, Interrupted(520)).sync(many)
    other = open_index(path)
    other.add([{"id": "a", "text": "something else"}])
    other.commit()
    assert open_index(path).sync(many).embedded == 88
    assert not (path / journal.NAME).exists()


def test_a_disk_that_refuses_the_journal_stops_no_sync(folder: Path, tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    (index.path / journal.NAME).mkdir()
    assert index.sync(folder).embedded == 2
