"""Filters in searches and elsewhere; and another library's filters through a thin adapter.

The cases of the second half are those of Haystack's conformance tests for document stores
(``haystack.testing.document_store.FilterDocumentsTest``), written anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tamis
from tamis.errors import InvalidInputError
from tests.fakes import WordEncoder


def open_index(path: Path, **options: Any) -> tamis.Index:
    return tamis.open(path, encoder=WordEncoder(), reranker=None, **options)


@pytest.fixture
def index(tmp_path: Path) -> tamis.Index:
    index = open_index(tmp_path / "x.tamis")
    for year, team in ((2022, "legal"), (2023, "legal"), (2024, "sales"), (2025, "sales")):
        document = {"id": f"{team}-{year}", "text": f"the notice period of {year}"}
        index.add([document | {"metadata": {"year": year, "team": team, "tags": [team, "all"]}}])
        index.commit()
    index.add([{"id": "bare", "text": "the notice period"}])
    index.commit()
    return index


@pytest.mark.parametrize("mode", ["lexical", "dense", "hybrid"])
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, {"legal-2022", "legal-2023", "sales-2024", "sales-2025", "bare"}),
        ({}, {"legal-2022", "legal-2023", "sales-2024", "sales-2025", "bare"}),
        ({"team": "legal"}, {"legal-2022", "legal-2023"}),
        ({"team": "legal", "year": {"$gte": 2023}}, {"legal-2023"}),
        ({"team": {"$ne": "legal"}}, {"sales-2024", "sales-2025", "bare"}),
        ({"tags": {"$contains": "sales"}}, {"sales-2024", "sales-2025"}),
        ({"tags": {"$contains": "al"}}, set()),
        ({"team": {"$contains": "eg"}}, {"legal-2022", "legal-2023"}),
        ({"year": {"$exists": False}}, {"bare"}),
        ({"$or": [{"year": 2022}, {"year": 2025.0}]}, {"legal-2022", "sales-2025"}),
    ],
)
def test_both_retrievers_obey_a_filter(
    index: tamis.Index, mode: Any, where: dict[str, Any] | None, expected: set[str]
) -> None:
    for opened in (index, open_index(index.path)):
        found = opened.search("notice period", mode=mode, where=where)
        assert {hit.document_id for hit in found} == expected
        assert opened.count(where) == len(expected)
        assert {document.id for document in opened.documents(where)} == expected
    index.compact()
    assert {hit.document_id for hit in index.search("notice period", where=where)} == expected


def test_a_filter_and_the_signs_of_a_query_hold_together(index: tamis.Index) -> None:
    query = tamis.Query("notice +2024")
    assert [hit.document_id for hit in index.search(query)] == ["sales-2024"]
    assert not index.search(query, where={"team": "legal"})
    assert index.search(query, where={"team": "sales"})[0].document_id == "sales-2024"
    found = index.search("absent", where={"team": "sales"}, mode="lexical")
    assert "no chunk that the filter and the dates let through" in found.report.degraded[0]


def test_unknown_fields_and_other_types_are_errors_everywhere(index: tamis.Index) -> None:
    calls: list[Callable[[Any], object]] = [
        lambda where: index.search("notice", where=where),
        index.count,
        index.documents,
        lambda where: index.delete(where=where),
    ]
    with pytest.raises(InvalidInputError, match="an empty filter would delete all"):
        index.delete(where={})
    for call in calls:
        with pytest.raises(
            InvalidInputError, match=r'"yaer": its documents have document\.status, tags'
        ):
            call({"yaer": 2024})
        with pytest.raises(InvalidInputError, match='"year" holds numbers, and the filter asks it'):
            call({"year": "2024"})


def test_what_meets_a_filter_is_deleted(index: tamis.Index) -> None:
    index.add([{"id": "legal-2026", "text": "added later", "metadata": {"team": "legal"}}])
    index.delete(["bare"], where={"team": "legal"})
    index.commit()
    assert {document.id for document in index.documents()} == {
        "sales-2024",
        "sales-2025",
        "legal-2026",
    }


def test_metadata_of_given_passages_can_be_asked_for(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    index.add_chunks(
        [
            {"id": "1", "document_id": "a", "text": "red boat", "metadata": {"team": "x"}},
            {"id": "2", "document_id": "a", "text": "red laser"},
            {"id": "3", "document_id": "b", "text": "red days", "version": "2", "status": "draft"},
        ]
    )
    index.upsert([{"id": "c", "text": "red", "metadata": {"n": 1}}])
    index.commit()
    assert [hit.chunk.id for hit in index.search("red", where={"team": "x"})] == ["1", "2"]
    assert [d.id for d in index.documents({"document.version": "2"})] == ["b"]


# Another library's filters


class FilterError(ValueError):
    """What Haystack's stores raise."""


class Store:
    """A document store of Haystack's kind over an index."""

    def __init__(self, path: Path) -> None:
        self.index = tamis.open(path, encoder=None, reranker=None)

    def write_documents(self, documents: list[dict[str, Any]]) -> None:
        self.index.add(
            {"id": d["id"], "text": d["content"], "metadata": d["meta"]} for d in documents
        )
        self.index.commit()

    def filter_documents(self, filters: dict[str, Any] | None = None) -> list[str]:
        try:
            where = translated(filters) if filters else None
            if where == {"$or": []}:
                return []
            return [document.id for document in self.index.documents(where)]
        except (InvalidInputError, KeyError) as error:
            raise FilterError(str(error)) from error


def translated(filters: dict[str, Any]) -> dict[str, Any]:
    """Return a filter of Haystack's as one of ours."""
    operator = filters["operator"]
    if operator in ("AND", "OR", "NOT"):
        conditions = [translated(one) for one in filters["conditions"]]
        return (
            {"$not": {"$and": conditions}}
            if operator == "NOT"
            else {"$and" if operator == "AND" else "$or": conditions}
        )
    name, value = filters["field"].removeprefix("meta."), filters["value"]
    own = {
        "==": "$eq",
        "!=": "$ne",
        ">": "$gt",
        ">=": "$gte",
        "<": "$lt",
        "<=": "$lte",
        "in": "$in",
        "not in": "$nin",
    }[operator]
    if own in ("$gt", "$gte", "$lt", "$lte") and value is None:
        return {"$or": []}  # there it meets nothing
    if own in ("$in", "$nin") and not isinstance(value, list):
        raise FilterError(f"{operator} takes a list")
    return {name: {own: value}}


DATED = {0: "1969-07-21T20:17:40", 1: "1972-12-11T19:54:58", 2: "1989-11-09T17:53:00"}


@pytest.fixture
def documents() -> list[dict[str, Any]]:
    """Three documents of each of three kinds."""
    made = []
    for i in range(3):
        kinds = (
            {"name": f"name_{i}", "page": "100", "chapter": "intro", "number": 2, "date": DATED[0]},
            {
                "name": f"name_{i}",
                "page": "123",
                "chapter": "abstract",
                "number": -2,
                "date": DATED[1],
            },
            {
                "name": f"name_{i}",
                "page": "90",
                "chapter": "conclusion",
                "number": -10,
                "date": DATED[2],
            },
            {"name": f"name_{i}", "page": "100", "number": 100 + i},
            {"name": f"name_{i}"},
        )
        made += [
            {"id": f"{i}-{j}", "content": f"Document {i}", "meta": meta}
            for j, meta in enumerate(kinds)
        ]
    return made


@pytest.fixture
def store(tmp_path: Path, documents: list[dict[str, Any]]) -> Store:
    store = Store(tmp_path / "x.tamis")
    store.write_documents(documents)
    return store


def one(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": f"meta.{field}", "operator": operator, "value": value}


def test_without_filters_all_are_found(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.tamis")
    assert store.filter_documents() == store.filter_documents({}) == []
    store.write_documents([{"id": "a", "content": "test", "meta": {}}])
    assert store.filter_documents() == store.filter_documents({}) == ["a"]


def number(meta: dict[str, Any]) -> float:
    return float(meta.get("number", float("nan")))


def day(meta: dict[str, Any]) -> str:
    return str(meta.get("date", ""))


MET: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
    (one("number", "==", 100), lambda meta: number(meta) == 100),
    (one("number", "==", None), lambda meta: "number" not in meta),
    (one("number", "!=", 100), lambda meta: number(meta) != 100),
    (one("number", "!=", None), lambda meta: "number" in meta),
    (one("number", ">", 0), lambda meta: number(meta) > 0),
    (one("number", ">", None), lambda _: False),
    (one("date", ">", DATED[1]), lambda meta: day(meta) > DATED[1]),
    (one("number", ">=", -2), lambda meta: number(meta) >= -2),
    (one("number", ">=", None), lambda _: False),
    (one("date", ">=", DATED[1]), lambda meta: day(meta) >= DATED[1]),
    (one("number", "<", 0.0), lambda meta: number(meta) < 0),
    (one("number", "<", None), lambda _: False),
    (one("date", "<", DATED[1]), lambda meta: "" < day(meta) < DATED[1]),
    (one("number", "<=", 2.0), lambda meta: number(meta) <= 2),
    (one("number", "<=", None), lambda _: False),
    (one("date", "<=", DATED[1]), lambda meta: "" < day(meta) <= DATED[1]),
    (one("number", "in", [101, -2]), lambda meta: number(meta) in (101, -2)),
    (one("number", "not in", [101, -2]), lambda meta: number(meta) not in (101, -2)),
    (
        {"operator": "AND", "conditions": [one("number", "==", 100), one("name", "==", "name_0")]},
        lambda meta: number(meta) == 100 and meta["name"] == "name_0",
    ),
    (
        {"operator": "OR", "conditions": [one("number", "==", 100), one("name", "==", "name_0")]},
        lambda meta: number(meta) == 100 or meta["name"] == "name_0",
    ),
    (
        {"operator": "NOT", "conditions": [one("number", "==", 100), one("name", "==", "name_0")]},
        lambda meta: not (number(meta) == 100 and meta["name"] == "name_0"),
    ),
]


@pytest.mark.parametrize(("filters", "meets"), MET)
def test_filters_of_another_library_are_met(
    store: Store, documents: list[dict[str, Any]], filters: Any, meets: Any
) -> None:
    expected = [document["id"] for document in documents if meets(document["meta"])]
    assert store.filter_documents(filters) == expected


REFUSED: list[dict[str, Any]] = [
    *(
        one("number", operator, value)
        for operator in (">", ">=", "<", "<=")
        for value in ("1", [1])
    ),
    *(one("number", operator, value) for operator in ("in", "not in") for value in ("9", {10, 11})),
    {"conditions": [one("name", "==", "test")]},
    {"operator": "AND"},
    {"operator": "AND", "conditions": [{"operator": "==", "value": "test"}]},
    {"operator": "AND", "conditions": [{"field": "meta.name", "value": "test"}]},
    {"operator": "AND", "conditions": [{"field": "meta.name", "operator": "=="}]},
]


@pytest.mark.parametrize("filters", REFUSED)
def test_filters_of_another_library_are_refused(store: Store, filters: Any) -> None:
    with pytest.raises(FilterError):
        store.filter_documents(filters)


def test_these_are_all_of_its_cases() -> None:
    assert 1 + len(MET) + len(REFUSED) == 39
