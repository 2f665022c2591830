"""The example corpus keeps its promises: each answer stands in its file, each trap is set."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HANDBOOK = EXAMPLES / "handbook"
FILES = sorted(path for path in HANDBOOK.rglob("*") if path.is_file())
QUESTIONS: list[dict[str, str]] = tomllib.loads(
    (EXAMPLES / "questions.toml").read_text(encoding="utf-8")
)["question"]
BY_KIND = {question["kind"]: question for question in QUESTIONS}

FUNCTION_WORDS = frozenset({"am", "does", "how", "i", "if", "on", "to", "what", "while"})


def text_of(name: str) -> str:
    return (HANDBOOK / name).read_text(encoding="utf-8")


def content_words(text: str) -> set[str]:
    """Return the words of a text that carry its meaning, without the s of plurals and verbs."""
    words = re.findall(r"[a-z]+", text.lower())
    return {word.rstrip("s") for word in words if word not in FUNCTION_WORDS}


def test_the_handbook_has_the_promised_files_and_formats() -> None:
    formats = Counter(path.suffix for path in FILES)
    assert 20 <= len(FILES) <= 30
    assert set(formats) == {".md", ".html", ".rst", ".txt"}
    assert formats[".html"] >= 2
    assert formats[".rst"] >= 2
    assert formats[".txt"] >= 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_is_of_a_readable_length(path: Path) -> None:
    assert 150 <= len(path.read_text(encoding="utf-8").split()) <= 700


def test_there_are_eight_questions_each_of_a_kind_of_its_own() -> None:
    assert sorted(BY_KIND) == [
        "chat",
        "html",
        "identifier",
        "miscellaneous",
        "newer_version",
        "paraphrase",
        "table",
        "unanswerable",
    ]
    assert len(QUESTIONS) == len(BY_KIND)
    for question in QUESTIONS:
        assert set(question) == {"kind", "question", "file", "quote", "remark"}
        assert question["question"].endswith("?")
        assert question["remark"]


@pytest.mark.parametrize("kind", sorted(BY_KIND.keys() - {"unanswerable"}))
def test_each_quote_stands_once_in_its_file_and_in_no_other(kind: str) -> None:
    question = BY_KIND[kind]
    assert question["quote"]
    assert text_of(question["file"]).count(question["quote"]) == 1
    assert sum(question["quote"] in path.read_text(encoding="utf-8") for path in FILES) == 1


def test_the_identifier_has_near_twins_in_the_same_file() -> None:
    question = BY_KIND["identifier"]
    text = text_of(question["file"])
    (code,) = re.findall(r"\w+_\d+", question["question"])
    assert code in text
    twins = set(re.findall(rf"{code.rstrip('0123456789')}\d+", text)) - {code}
    assert len(twins) >= 5


def test_the_paraphrase_shares_no_content_word_with_its_answer_but_some_with_other_files() -> None:
    question = BY_KIND["paraphrase"]
    asked = content_words(question["question"])
    assert asked == {"happen", "ill", "vacation"}
    assert not asked & content_words(text_of(question["file"]))
    elsewhere = [content_words(path.read_text(encoding="utf-8")) for path in FILES]
    assert all(any(word in words for words in elsewhere) for word in asked)
    assert any(len(asked & words) >= 2 for words in elsewhere)


def test_the_miscellaneous_answer_stands_under_that_heading() -> None:
    question = BY_KIND["miscellaneous"]
    before, _, _ = text_of(question["file"]).partition(question["quote"])
    assert re.findall(r"^## (.+)$", before, re.MULTILINE)[-1] == "Miscellaneous"


def test_the_chat_answer_is_split_over_three_messages() -> None:
    messages = re.split(r"\n(?=\*\*)", text_of(BY_KIND["chat"]["file"]))
    parts = ["Skerry Point has been flat", "is frozen shut", BY_KIND["chat"]["quote"]]
    places = [next(i for i, message in enumerate(messages) if part in message) for part in parts]
    assert places == sorted(set(places))
    assert places[2] - places[0] > 2  # other talk lies between them


def test_the_table_row_needs_its_header() -> None:
    question = BY_KIND["table"]
    rows = text_of(question["file"]).splitlines()
    end = rows.index(question["quote"])
    header = next(rows[i - 1] for i in range(end, 0, -1) if rows[i].startswith("|---"))
    cells = dict(zip(header.split(" | "), question["quote"].split(" | "), strict=True))
    assert cells["High"] == "6 hours"


def test_the_html_page_carries_noise_around_its_answer() -> None:
    text = text_of(BY_KIND["html"]["file"])
    assert all(f"<{tag}>" in text for tag in ("nav", "header", "footer", "aside"))


def test_the_older_policy_says_nearly_the_same_and_both_carry_dates() -> None:
    newer = text_of(BY_KIND["newer_version"]["file"])
    older = text_of("policies/remote-work-2023.md")
    assert "for up to 30 days in a calendar year" in older
    assert "in force from 1 May 2023" in older
    assert "in force from 1 February 2025. Replaces version 1 of 1 May 2023" in newer


def test_the_unanswerable_question_asks_for_something_in_no_file() -> None:
    question = BY_KIND["unanswerable"]
    assert (question["file"], question["quote"]) == ("", "")
    assert "dog" in question["question"]
    assert not any("dog" in path.read_text(encoding="utf-8").lower() for path in FILES)


def test_the_contract_has_the_clause_and_its_decoy() -> None:
    contract = text_of("contracts/port-ellery-harbour-agreement.md")
    clause, decoy = (re.search(rf"(?m)^{n}.*$", contract) for n in (r"4\.2\(b\)", r"2\.4\(b\)"))
    assert clause
    assert "end the agreement for convenience" in clause[0]
    assert decoy
    assert "cancel an order" in decoy[0]


@pytest.mark.parametrize(
    ("term", "name"),
    [
        ("E-1042", "engineering/gateway-faults.rst"),
        ("Error 1042", "engineering/ledger-import.txt"),
        ("MAX_RETRY_DELAY_MS", "engineering/settings.md"),
        ("Version 4.2.1", "engineering/release-notes.md"),
    ],
)
def test_codes_settings_and_versions_are_there_to_be_asked_for(term: str, name: str) -> None:
    assert term in text_of(name)
