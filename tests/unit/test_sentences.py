"""Sentences end where a reader would say so, and nowhere else."""

# ruff: noqa: RUF001 - this is about characters that look like others

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.chunking.sentences import sentence_spans


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["It ends.", "Another begins."],
        ["Really?", "Yes!", "Good."],
        ['He said "stop."', "Then he left."],
        ["He left (early).", "She stayed."],
        ["Wait...", "Then go."],
        ["We paid 3.50.", "It was cheap."],
        ["That is all, etc.", "The next part follows."],
        ["He works for Acme Inc.", "They pay well."],
        ["The answer is no.", "We tried."],
        ["It was I.", "Nobody else came."],
        ["Ende des Satzes.", "Ölpreise steigen."],
        ["یہ ختم۔", "اگلا جملہ۔"],
    ],
)
def test_every_sentence_is_found(sentences: list[str]) -> None:
    assert split(" ".join(sentences)) == sentences


@pytest.mark.parametrize(
    "sentences",
    [["第一句。", "第二句！", "第三句？"], ["彼は「はい。」", "と言った。", "終わり。"]],
)
def test_ideographic_stops_need_no_white_space(sentences: list[str]) -> None:
    assert split("".join(sentences)) == sentences


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met Mrs. Jones, i.e. the neighbour, vs. nobody.",
        "See Sec. 4 and Fig. 2, pp. 10 and No. 7.",
        "Under 4.2(b) the fee is 3.5 percent.",
        "4.2. Termination for cause",
        "Section 4. Termination",
        "Article IV. Term",
        "Visit www.example.org or mail a@b.c today.",
        "The U.S. Government and J. R. Tolkien agree.",
        "Acme Inc. Berlin and Foo Ltd. London merged.",
        "Version v2.1.0 fixes ERR_CONN.42 now.",
        "It costs approx. 5 euros... or more.",
        "Is it so? asked the cat.",
        "a line that goes\non without a stop",
        "On Jan. 5 we met",
    ],
)
def test_no_sentence_is_cut(text: str) -> None:
    assert split(text) == [text]


def test_blank_lines_and_items_end_sentences() -> None:
    text = "A title\n\nText goes\non here\n- one\n- two\n(a) first\n1. second\n1984 was a year"
    assert split(text) == [
        "A title",
        "Text goes\non here",
        "- one",
        "- two",
        "(a) first",
        "1. second\n1984 was a year",
    ]


def test_a_part_of_a_text_can_be_cut() -> None:
    text = "Not this. One. Two. Not that."
    assert [text[a:b] for a, b in sentence_spans(text, 10, 19)] == ["One.", "Two."]


@given(st.text(alphabet='aB. \n!。」"(1)', max_size=60) | st.text(max_size=60))
def test_no_character_is_lost_or_doubled(text: str) -> None:
    parts = split(text)
    assert all(part == part.strip() != "" for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
