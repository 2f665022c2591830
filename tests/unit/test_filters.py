"""Filters as people write them: what they mean, and what is refused in words."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from tamis import moments
from tamis.errors import InvalidInputError
from tamis.filters import condition, fields_of
from tamis.types import Document

DEEP: dict[str, Any] = {}
for _ in range(3000):
    DEEP = {"$not": DEEP}

NEW_YEAR = 1_704_067_200_000_000


def of(metadata: dict[str, Any]) -> list[tuple[str, str, Any]]:
    own = ("document.status", "text", "current")
    *found, last = fields_of(Document("d", "t", metadata=metadata))
    assert last == own
    return found


def test_values_have_the_type_that_they_are_written_with() -> None:
    found = of(
        {
            "flag": True,
            "year": np.int64(2024),
            "share": 0.5,
            "team": "legal",
            "tags": ["a", "b", 3],
            "none": None,
            "empty": [],
            "author": {"name": "Ann", "address": {"city": "Oslo"}},
        }
    )
    assert found == [
        ("flag", "bool", True),
        ("year", "int", 2024),
        ("share", "float", 0.5),
        ("team", "text", "legal"),
        ("tags", "nothing", None),
        ("tags", "item", "a"),
        ("tags", "item", "b"),
        ("tags", "int", 3),
        ("empty", "nothing", None),
        ("author.name", "text", "Ann"),
        ("author.address.city", "text", "Oslo"),
    ]


@pytest.mark.parametrize(
    ("written", "micros"),
    [
        ("2024-01-01", NEW_YEAR),
        ("2024-01-01T00:00:00Z", NEW_YEAR),
        ("2024-01-01 01:00+01:00", NEW_YEAR),
        ("2024-01-01T00:00:00.000001", NEW_YEAR + 1),
        (date(2024, 1, 1), NEW_YEAR),
        (datetime(2024, 1, 1), NEW_YEAR),
        (datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), NEW_YEAR),
    ],
)
def test_a_moment_is_kept_as_text_and_as_a_moment(written: object, micros: int) -> None:
    kept = {kind: value for _, kind, value in of({"on": written})}
    assert kept["time"] == micros
    assert isinstance(kept["text"], str)


@pytest.mark.parametrize(
    "text", ["2024-13-01", "2024-1-1", "2024", "on 2024-01-01", "²024-01-01", ""]
)
def test_what_only_looks_like_a_date_is_a_text(text: str) -> None:
    assert of({"on": text}) == [("on", "text", text)]


def test_a_day_ends_just_before_the_next() -> None:
    assert moments.moment_of("2024-01-01", "x", end_of_day=True) == datetime(
        2024, 1, 1, 23, 59, 59, 999_999, UTC
    )
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert moments.moment_of(noon, "x", end_of_day=True) == noon
    with pytest.raises(InvalidInputError, match="x is 'soon'; it must be a date"):
        moments.moment_of("soon", "x")


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ({}, {"all": []}),
        ({"a": 1}, {"in": ["a", [{"int": 1}]]}),
        ({"a": True}, {"in": ["a", [{"bool": True}]]}),
        ({"a": None}, {"not": {"exists": "a"}}),
        ({"a": {"$eq": 1.5}}, {"in": ["a", [{"float": 1.5}]]}),
        ({"a": {"$ne": "x"}}, {"not": {"in": ["a", [{"text": "x"}]]}}),
        ({"a": {"$gte": 1}}, {"compare": ["a", "at_least", {"int": 1}]}),
        ({"a": {"$lt": "b"}}, {"compare": ["a", "below", {"text": "b"}]}),
        (
            {"a": {"$lte": "2024-01-01"}},
            {"compare": ["a", "at_most", {"dated": [NEW_YEAR, "2024-01-01"]}]},
        ),
        ({"a": "2024-01-01"}, {"in": ["a", [{"dated": [NEW_YEAR, "2024-01-01"]}]]}),
        ({"a": {"$contains": "2024-01-01"}}, {"contains": ["a", {"text": "2024-01-01"}]}),
        ({"a": {"$gt": date(2024, 1, 1)}}, {"compare": ["a", "above", {"time": NEW_YEAR}]}),
        ({"a": {"$in": ["x", 1]}}, {"in": ["a", [{"text": "x"}, {"int": 1}]]}),
        (
            {"a": {"$in": [None, 1]}},
            {"any": [{"not": {"exists": "a"}}, {"in": ["a", [{"int": 1}]]}]},
        ),
        ({"a": {"$nin": []}}, {"not": {"in": ["a", []]}}),
        ({"a": {"$contains": "x"}}, {"contains": ["a", {"text": "x"}]}),
        ({"a": {"$exists": False}}, {"not": {"exists": "a"}}),
        ({"a": {"$not": {"$gt": 1}}}, {"not": {"compare": ["a", "above", {"int": 1}]}}),
        (
            {"a": {"$gt": 1, "$lt": 3}, "b": 2},
            {
                "all": [
                    {"compare": ["a", "above", {"int": 1}]},
                    {"compare": ["a", "below", {"int": 3}]},
                    {"in": ["b", [{"int": 2}]]},
                ]
            },
        ),
        (
            {"$or": [{"a": 1}, {"$not": {"b": 2}}]},
            {"any": [{"in": ["a", [{"int": 1}]]}, {"not": {"in": ["b", [{"int": 2}]]}}]},
        ),
        ({"$and": []}, {"all": []}),
    ],
)
def test_a_filter_means(where: dict[str, Any], meant: dict[str, Any]) -> None:
    assert json.loads(condition(where)) == meant


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("team", "must be a mapping"),
        ({"$nor": []}, "no operator '\\$nor' here"),
        ({1: 2}, "no operator 1 here"),
        ({"$or": {"a": 1}}, "takes a list of filters"),
        ({"$and": ["a"]}, "must be a mapping"),
        ({"$not": []}, "must be a mapping"),
        ({"a": {}}, "asks nothing of 'a'"),
        ({"a": {"$regex": "x"}}, "asked for '\\$regex'; the operators are \\$eq"),
        ({"a": [1, 2]}, "one of several is"),
        ({"a": {"$in": "xy"}}, "take a list of values, not 'xy'"),
        ({"a": {"$gt": None}}, "cannot compare with None"),
        ({"a": {"$gt": [1]}}, "cannot compare with \\[1\\]"),
        ({"a": float("nan")}, "cannot compare with nan"),
        ({"a": 10**400}, "cannot compare with 1000"),
        (DEEP, "nested too deeply"),
        ({"a": {"$exists": 1}}, "takes True or False"),
        ({"a": object()}, "cannot compare with"),
    ],
)
def test_what_is_no_filter_says_so(where: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        condition(where)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"n": 1 << 63}, "more than 64 bits"),
        ({"document": {"version": 1}}, "own fields"),
        ({"document.status": "x"}, "own fields"),
        ({1: "a"}, "a key 1, no string"),
    ],
)
def test_metadata_that_no_filter_could_ask_for_is_refused(metadata: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        of(metadata)
