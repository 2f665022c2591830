"""A run has one order, and a TREC file written from it carries that order to any evaluator."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import DatasetError, InvalidInputError
from tamis.evaluation import ranking, read_run, write_run


def test_a_sequence_keeps_its_order() -> None:
    assert ranking(["b", "a", "c"]) == ["b", "a", "c"]


def test_scores_are_sorted_falling_and_ties_by_falling_id() -> None:
    assert ranking({"d1": 0.5, "d3": 0.5, "d2": 2.0, "d10": 0.5}) == ["d2", "d3", "d10", "d1"]


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ("d1", "put it in a list"),
        ([1, 2], "document ids are strings, as in qrels; found int 1"),
        (["d1", "d2", "d1"], "'d1' occurs more than once"),
        ({"d1": math.nan}, "'d1' has the score nan"),
        ({"d1": math.inf}, "'d1' has the score inf"),
    ],
)
def test_what_is_no_ranking_is_an_error(results: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        ranking(results)


def test_a_ranking_is_written_with_falling_numbers(tmp_path: Path) -> None:
    path = tmp_path / "test.run"
    write_run(path, {"q1": ["b", "a"], "q2": [], "q3": ["c"]}, tag="mine")
    assert path.read_text() == "q1 Q0 b 1 2.0 mine\nq1 Q0 a 2 1.0 mine\nq3 Q0 c 1 1.0 mine\n"
    assert read_run(path) == {"q1": {"b": 2.0, "a": 1.0}, "q3": {"c": 1.0}}


def test_scores_that_fall_are_written_as_they_are(tmp_path: Path) -> None:
    run = {"q1": {"a": 12.5, "b": 3.25, "c": -1.0}}
    write_run(tmp_path / "test.run.gz", run)
    assert read_run(tmp_path / "test.run.gz") == run
    assert (tmp_path / "test.run.gz").read_bytes()[:2] == b"\x1f\x8b"  # really gzip


scores = st.one_of(
    st.floats(-1e30, 1e30), st.sampled_from([0.0, 1.0, 1.0 + 1e-12, 1.0 - 1e-12, 1e-300])
)


@given(results=st.dictionaries(st.text("abc", min_size=1), scores, min_size=1))
def test_every_evaluator_reads_the_same_order(
    results: dict[str, float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("run") / "test.run"
    write_run(path, {"q": results})
    read = [line.split() for line in path.read_text().splitlines()]
    assert [fields[2] for fields in read] == ranking(results)
    single = [np.float32(fields[4]) for fields in read]  # what trec_eval keeps of a score
    assert all(first > second for first, second in pairwise(single))
    assert ranking(read_run(path)["q"]) == ranking(results)


@pytest.mark.parametrize(
    ("run", "tag", "message"),
    [
        ({"q 1": ["a"]}, "t", "query id 'q 1'"),
        ({"q1": ["a b"]}, "t", "document id 'a b'"),
        ({"q1": [""]}, "t", "document id ''"),
        ({"q1": ["a"]}, "my tag", "tag 'my tag'"),
        ({"q1": {"a": 1e39}}, "t", "beyond the range of single precision"),
    ],
)
def test_what_the_format_cannot_carry_is_an_error(
    tmp_path: Path, run: Any, tag: str, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        write_run(tmp_path / "test.run", run, tag=tag)
    assert not (tmp_path / "test.run").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1 Q0 d2 2 0.5", "expected 'qid Q0 docid rank score tag'"),
        ("q1 Q0 d2 2 high t", "finite number; found 'high'"),
        ("q1 Q0 d2 2 nan t", "finite number; found 'nan'"),
        ("q1 Q0 d1 2 0.5 t", "document 'd1' twice"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "test.run"
    path.write_text(f"q1 Q0 d1 1 0.9 t\n\n{line}\n")
    with pytest.raises(DatasetError, match=rf"test\.run:3: .*{message}"):
        read_run(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot read .*none\.run: No such file"):
        read_run(tmp_path / "none.run")
