"""What holds when: dates of documents, what takes the place of what, and earlier versions."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import tamis
from tamis.errors import (
    CorruptIndexError,
    InvalidInputError,
    SourceConflictError,
    SourceNotFoundError,
    VersionNotFoundError,
)
from tests.fakes import WordEncoder

LONG_AGO, SOON = datetime(2000, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=30)


def open_index(path: Path, **options: Any) -> tamis.Index:
    return tamis.open(path, encoder=WordEncoder(), reranker=None, **options)


@pytest.fixture
def index(tmp_path: Path) -> tamis.Index:
    index = open_index(tmp_path / "x.tamis")
    text = "the notice period"
    index.add(
        [
            {"id": "always", "text": text},
            {"id": "old", "text": text, "version": "1", "valid_to": "2024-06-01"},
            {
                "id": "new",
                "text": text,
                "version": "2",
                "valid_from": date(2024, 6, 1),
                "supersedes": ["replaced"],
            },
            {"id": "replaced", "text": text},
            {"id": "coming", "text": text, "valid_from": SOON},
            {"id": "draft", "text": text, "status": "draft", "supersedes": ["always"]},
            {"id": "gone", "text": text, "status": "withdrawn"},
        ]
    )
    index.commit()
    return index


def found(index: tamis.Index, **options: Any) -> set[str]:
    return {hit.document_id for hit in index.search("notice period", **options)}


@pytest.mark.parametrize("mode", ["lexical", "dense", "hybrid"])
def test_a_search_finds_what_holds_at_the_moment(index: tamis.Index, mode: Any) -> None:
    for opened in (index, open_index(index.path)):
        assert found(opened, mode=mode) == {"always", "new"}
        assert found(opened, mode=mode, as_of="2024-05-31") == {"always", "old", "replaced"}
        assert found(opened, mode=mode, as_of=date(2024, 6, 1)) == {"always", "new"}
        assert found(opened, mode=mode, as_of=SOON) == {"always", "new", "coming"}


def test_a_hit_that_does_not_hold_says_so(index: tamis.Index) -> None:
    hits = {hit.document_id: hit for hit in index.search("notice", include_superseded=True)}
    assert {id: hit.status for id, hit in hits.items()} == {
        "always": "current",
        "new": "current",
        "old": "expired",
        "replaced": "superseded",
        "coming": "future",
        "draft": "draft",
        "gone": "withdrawn",
    }
    assert (hits["old"].version, hits["new"].version) == ("1", "2")
    assert hits["replaced"].superseded_by == "new"
    assert hits["replaced"].citation == "replaced, chars 0-17 (superseded by new)"
    assert hits["old"].citation == "old, chars 0-17 (expired)"
    assert hits["new"].citation == "new, chars 0-17"
    context = index.search("notice", include_superseded=True, k=1).context()
    assert context.text
    then = index.search("notice", include_superseded=True, as_of="2024-05-31")
    assert {hit.document_id: hit.status for hit in then}["replaced"] == "current"


def test_filters_ask_for_what_a_document_says_of_itself(index: tamis.Index) -> None:
    options: dict[str, Any] = {"include_superseded": True}
    assert found(index, where={"document.version": "1"}, **options) == {"old"}
    assert found(index, where={"document.version": "1"}) == set()
    since = {"document.valid_from": {"$gte": date(2024, 1, 1)}}
    assert found(index, where=since, **options) == {"new", "coming"}
    assert index.count({"document.status": "current"}) == 5
    assert index.count({"document.status": {"$in": ["draft", "withdrawn"]}}) == 2
    assert index.count({"document.folder": "x"}) == 0
    with pytest.raises(InvalidInputError, match='a date is written "2024-03-01"'):
        index.count({"document.valid_from": "June 2024"})


def test_what_a_document_says_of_itself_is_kept(index: tamis.Index) -> None:
    new = index.get("new")
    assert new is not None
    assert (new.version, new.supersedes, new.status) == ("2", ("replaced",), "current")
    assert new.valid_from == datetime(2024, 6, 1, tzinfo=UTC)
    assert new.valid_to is None


def test_what_took_a_place_and_left_gives_it_back(index: tamis.Index) -> None:
    index.delete(["new"])
    index.commit()
    assert found(index) == {"always", "replaced"}
    index.compact()
    assert found(index) == {"always", "replaced"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"valid_from": "soon"}, "valid_from of document 'a' is 'soon'"),
        ({"valid_to": 5}, "valid_to of document 'a' is 5"),
        ({"status": "old"}, "status of document 'a' is 'old'; it must be one of current, draft"),
        ({"supersedes": "b"}, "supersedes of document 'a' is one string"),
        ({"valid_from": "2024-01-02", "valid_to": "2024-01-02"}, "before its valid_from"),
        ({"version": 2}, "the version of document 'a' is of type int"),
    ],
)
def test_what_a_document_cannot_say_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        tamis.Document(**{"id": "a", "text": "t", **fields})


def test_a_moment_that_is_none_is_refused(index: tamis.Index) -> None:
    with pytest.raises(InvalidInputError, match="as_of is 'x'; it must be a date"):
        index.search("notice", as_of="x")


# Sources


def handbook(root: Path, name: str, days: int, *, extra: bool = False) -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "leave.md").write_text(f"# Leave\n\nYou have {days} days of notice.\n")
    if extra:
        (folder / "old.md").write_text("# Fax\n\nSend your notice by fax.\n")
    return folder


def test_a_source_takes_the_place_of_another_as_a_whole(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    index.sync(handbook(tmp_path, "v1", 30, extra=True), version="1", valid_from="2023-01-01")
    index.sync(handbook(tmp_path, "v2", 60), version="2", valid_from="2024-01-01", supersedes="v1")
    assert found(index) == {"v2/leave.md"}
    assert found(index, as_of="2023-06-01") == {"v1/leave.md", "v1/old.md"}
    hits = {hit.document_id: hit for hit in index.search("notice", include_superseded=True)}
    assert hits["v1/leave.md"].superseded_by == "v2/leave.md"
    assert hits["v1/old.md"].superseded_by == "v2"
    assert hits["v2/leave.md"].status == "current"

    # A third takes the place of the second; and what is not said again stays as it was.
    index.sync(handbook(tmp_path, "v3", 90), version="3", supersedes="v2")
    assert found(index) == {"v3/leave.md"}
    report = index.sync(tmp_path / "v2")
    assert (report.changed, report.unchanged) == ((), ("v2/leave.md",))
    assert [d.id for d in index.documents({"document.version": "2"})] == ["v2/leave.md"]
    with pytest.raises(SourceNotFoundError, match=r"no other source 'v9'.*v1, v2"):
        index.sync(tmp_path / "v3", supersedes="v9")
    assert found(index) == {"v3/leave.md"}


def test_other_settings_write_documents_anew_and_embed_nothing(tmp_path: Path) -> None:
    encoder = WordEncoder()
    index = tamis.open(tmp_path / "x.tamis", encoder=encoder, reranker=None)
    folder = handbook(tmp_path, "v1", 30, extra=True)
    index.sync(folder)
    encoder.encoded.clear()
    report = index.sync(folder, metadata={"team": "legal", "on": date(2024, 1, 1)})
    assert (report.changed, report.embedded) == (("v1/leave.md", "v1/old.md"), 0)
    assert encoder.encoded == []
    assert index.count({"team": "legal", "on": {"$lt": "2024-01-02"}}) == 2
    assert index.sync(folder).unchanged == ("v1/leave.md", "v1/old.md")
    assert index.count({"team": "legal"}) == 2


def test_an_earlier_moment_is_answered_by_the_version_that_stood_then(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    folder = handbook(tmp_path, "v", 30)
    index.sync(folder)
    first = datetime.now(UTC)
    (folder / "leave.md").write_text("# Leave\n\nYou have 60 days of notice.\n")
    index.sync(folder)

    def said(**options: Any) -> str:
        return index.search("days of notice", **options)[0].text

    assert "60 days" in said()
    assert "30 days" in said(as_of=first)
    assert "60 days" in said(as_of=datetime.now(UTC))
    assert "60 days" in said(as_of=LONG_AGO)  # the index is younger
    assert index.search("notice", as_of=first).report.version == 1
    index.compact()
    index.rollback(1)
    assert "30 days" in said(as_of=datetime.now(UTC))
    index.prune(keep=1)
    with pytest.raises(VersionNotFoundError, match="the oldest that was not pruned is 3"):
        index.search("notice", as_of=first)


def test_a_version_that_cannot_be_read_is_no_reason_for_another_to_answer(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    moments = []
    for text in ("one", "two", "three"):
        index.add([{"id": "a", "text": text}])
        index.commit()
        moments.append(datetime.now(UTC))
    assert [index.search("one two three", as_of=at)[0].text for at in moments] == [
        "one",
        "two",
        "three",
    ]
    manifest = index.path / "manifests" / "0000000002"
    content = manifest.read_bytes()
    for damage in (content[:-1], None):
        manifest.unlink()
        if damage is not None:
            manifest.write_bytes(damage)
        opened = open_index(index.path)
        assert opened.search("one two three", as_of=moments[2])[0].text == "three"
        with pytest.raises(CorruptIndexError, match="0000000002"):
            opened.search("one two three", as_of=moments[1])
        manifest.write_bytes(content)


def test_an_index_that_was_made_anew_forgets_what_stood_before(tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    index = open_index(path)
    moments = []
    for number in range(2):
        if number:
            shutil.rmtree(path)
        made = open_index(path)
        for text in ("first", "second"):
            made.add([{"id": "a", "text": f"{text} {number}"}])
            made.commit()
            moments.append(datetime.now(UTC))
        index.refresh()
        assert index.search("first second", as_of=moments[-2])[0].text == f"first {number}"


def test_sources_cannot_take_the_place_of_one_another_in_a_ring(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    folders = [handbook(tmp_path, f"v{i}", i) for i in range(4)]
    index.sync(folders[0])
    index.sync(folders[1], supersedes="v0")
    with pytest.raises(SourceConflictError, match="'v0' cannot take the place of 'v1'"):
        index.sync(folders[0], supersedes="v1")
    # Two that take the place of one: the earlier does, and nothing changes without a change.
    index.sync(folders[2], supersedes="v0", valid_from="2099-01-01")
    version = index.version
    for folder in folders[:3]:
        index.sync(folder)
    assert (index.version, found(index)) == (version, {"v1/leave.md"})
    index.sync(folders[1], supersedes="")
    assert found(index) == {"v0/leave.md", "v1/leave.md"}


def test_documents_that_would_take_each_others_place(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    index.add(
        {"id": id, "text": "the notice period", "supersedes": [other], "valid_from": date}
        for id, other, date in (
            ("a", "b", "2024-01-01"),
            ("b", "a", "2023-01-01"),
            ("c", "c", None),
        )
    )
    index.commit()
    assert found(index) == {"a", "c"}


def test_a_day_as_a_text_asks_for_a_moment(index: tamis.Index) -> None:
    assert index.count({"document.valid_from": "2024-06-01"}) == 1
    assert index.count({"document.valid_from": {"$in": ["2024-06-01", "2024-06-02"]}}) == 1
    index.add(
        [{"id": f"m{i}", "text": "t", "metadata": {"c": c}} for i, c in enumerate(("2024-02", "x"))]
    )
    index.commit()
    assert index.count({"c": {"$gte": "2024-01-15"}}) == 2
    index.add([{"id": "m2", "text": "t", "metadata": {"c": "2024-03-01"}}])
    index.commit()
    assert index.count({"c": {"$gte": "2024-01-15"}}) == 3
    assert index.count({"c": {"$gte": "2024-03-01T00:00:00Z", "$lt": "9"}}) == 1
