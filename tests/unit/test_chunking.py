"""Passages follow the structure of a document, fit a budget, and keep their ids across edits."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import pytest

from tamis.chunking import Chunker, StructureChunker, chunk, estimate_tokens
from tamis.errors import InvalidInputError
from tamis.types import Block, BlockKind, Chunk, Document, content_hash

Part = tuple[BlockKind, str] | tuple[BlockKind, str, int]


def document(*parts: Part, title: str = "", id: str = "doc") -> Document:
    """Return a document of these blocks, each a kind, a text, and a level if it is a heading."""
    text, blocks = "", []
    for kind, content, *level in parts:
        text += "\n\n" if text else ""
        blocks.append(Block(kind, len(text), len(text) + len(content), *level))
        text += content
    return Document(id=id, text=text, title=title, blocks=tuple(blocks))


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def words(n: int, word: str = "word") -> str:
    return " ".join(f"{word}{i}" for i in range(n))


def texts(chunks: Sequence[Chunk]) -> list[str]:
    return [each.text for each in chunks]


# Sections and paths


def test_headings_bound_passages_and_lead_to_them() -> None:
    chunks = chunk(
        document(
            ("paragraph", "Before."),
            ("heading", "Lease", 1),
            ("paragraph", "Parties."),
            ("heading", "Notice  to\nquit", 2),
            ("paragraph", "Thirty days."),
            ("heading", "Form", 3),
            ("paragraph", "In writing."),
            ("heading", "Law", 2),
            ("paragraph", "Of Iceland."),
            title="Contract",
        )
    )
    assert [(each.headings, each.text) for each in chunks] == [
        (("Contract",), "Before."),
        (("Contract", "Lease"), "Parties."),
        (("Contract", "Lease", "Notice to quit"), "Thirty days."),
        (("Contract", "Lease", "Notice to quit", "Form"), "In writing."),
        (("Contract", "Lease", "Law"), "Of Iceland."),
    ]


@pytest.mark.parametrize("heading", ["The lease", "the `lease`!"])
def test_a_title_that_is_the_first_heading_is_named_once(heading: str) -> None:
    [passage] = chunk(document(("heading", heading, 1), ("paragraph", "x"), title="The Lease"))
    assert passage.headings == (heading,)


def test_a_heading_with_nothing_under_it_can_be_found() -> None:
    chunks = chunk(
        document(
            ("heading", "Lease", 1),
            ("heading", "Reserved", 2),
            ("heading", "Notice", 2),
            ("heading", "Form", 3),
            ("paragraph", "In writing."),
            ("heading", "Annex", 1),
            title="Lease",
        )
    )
    assert [(each.headings, each.text, each.kind) for each in chunks] == [
        (("Lease",), "Reserved", "heading"),
        (("Lease", "Notice", "Form"), "In writing.", "paragraph"),
        (("Lease",), "Annex", "heading"),
    ]


def test_a_document_of_one_heading_is_one_passage() -> None:
    [passage] = chunk(document(("heading", "Lease", 1), title="Lease"))
    assert (passage.text, passage.headings) == ("Lease", ())


def test_blank_headings_lead_nowhere() -> None:
    parts: list[Part] = [("heading", "A", 1), ("heading", " ", 2), ("heading", "B", 1)]
    chunks = chunk(document(*parts, ("paragraph", "x"), title="T"))
    assert [(each.headings, each.text) for each in chunks] == [(("T",), "A"), (("T", "B"), "x")]


def test_text_without_blocks_is_paragraphs() -> None:
    text = "\n one two \n \n\nthree four\n\n"
    chunks = chunk(Document(id="a", text=text), max_tokens=2, count_tokens=count_words)
    assert texts(chunks) == ["one two", "three four"]
    assert [each.kind for each in chunks] == ["paragraph", "paragraph"]


@pytest.mark.parametrize("text", ["", "  \n\n \n"])
def test_no_text_gives_no_passages(text: str) -> None:
    assert chunk(Document(id="a", text=text, title="T")) == []


# Packing


def test_small_neighbours_share_a_passage() -> None:
    parts: list[Part] = [("paragraph", words(3)), ("list_item", words(3)), ("code", words(3))]
    [both, last] = chunk(document(*parts), max_tokens=7, count_tokens=count_words)
    assert both.text == f"{words(3)}\n\n{words(3)}"
    assert (both.kind, last.kind) == ("mixed", "code")


def test_the_path_counts() -> None:
    parts: list[Part] = [
        ("heading", "One two", 1),
        ("paragraph", words(4)),
        ("paragraph", words(4)),
    ]
    assert len(chunk(document(*parts), max_tokens=10, count_tokens=count_words)) == 1
    assert len(chunk(document(*parts), max_tokens=9, count_tokens=count_words)) == 2


def test_sections_stay_apart_however_small() -> None:
    parts: list[Part] = [("heading", "A", 1), ("paragraph", "x"), ("heading", "B", 1)]
    assert texts(chunk(document(*parts, ("paragraph", "y")))) == ["x", "y"]


def test_a_line_that_leads_to_something_stays_with_it() -> None:
    chunks = chunk(
        document(
            ("paragraph", words(5)),
            ("paragraph", "method run():"),
            ("paragraph", "For example:"),
            ("code", words(6)),
        ),
        max_tokens=10,
        count_tokens=count_words,
    )
    assert texts(chunks) == [words(5), f"method run():\n\nFor example:\n\n{words(6)}"]


def test_a_leading_line_stays_behind_where_it_does_not_fit() -> None:
    parts: list[Part] = [("paragraph", "a b"), ("paragraph", "For example:"), ("code", words(9))]
    chunks = chunk(document(*parts), max_tokens=10, count_tokens=count_words)
    assert texts(chunks) == ["a b\n\nFor example:", words(9)]


def test_what_stands_between_blocks_counts() -> None:
    text = "one two\n<!-- three four five -->\nsix"
    blocks = (Block("paragraph", 0, 7), Block("paragraph", len(text) - 3, len(text)))
    loose = Document(id="a", text=text, blocks=blocks)
    assert len(chunk(loose, max_tokens=8, count_tokens=count_words)) == 1
    assert texts(chunk(loose, max_tokens=7, count_tokens=count_words)) == ["one two", "six"]


def test_what_stands_between_blocks_is_not_counted_where_it_is_huge() -> None:
    text = f"one{' ' * 9}<!-- {'-' * 100_000} -->two"
    blocks = (Block("paragraph", 0, 3), Block("paragraph", len(text) - 3, len(text)))
    longest = 0

    def count(texts: Sequence[str]) -> list[int]:
        nonlocal longest
        longest = max(longest, *map(len, texts))
        return count_words(texts)

    chunks = chunk(Document(id="a", text=text, blocks=blocks), max_tokens=9, count_tokens=count)
    assert texts(chunks) == ["one", "two"]
    assert longest < 1_000


# Cutting what is too large


def cut(kind: BlockKind, text: str, max_tokens: int) -> list[str]:
    return texts(chunk(document((kind, text)), max_tokens=max_tokens, count_tokens=count_words))


def test_paragraphs_are_cut_at_sentences() -> None:
    text = "One two three. Four five, e.g. Six seven. Eight nine ten."
    assert cut("paragraph", text, 8) == [
        "One two three. Four five, e.g. Six seven.",
        "Eight nine ten.",
    ]


def test_sentences_are_cut_at_words() -> None:
    pieces = cut("paragraph", words(20), 6)
    assert " ".join(pieces) == words(20)
    assert max(count_words(pieces)) <= 6


def test_the_rest_of_a_paragraph_shares_a_passage_with_the_next() -> None:
    chunks = chunk(
        document(("paragraph", "One two three. Four five."), ("paragraph", "Six.")),
        max_tokens=3,
        count_tokens=count_words,
    )
    assert texts(chunks) == ["One two three.", "Four five.\n\nSix."]


def test_tables_are_cut_at_rows() -> None:
    table = "a | b\n1 | 2\n3 | 4"
    assert cut("table", table, 9) == [table]
    assert cut("table", table, 8) == ["a | b\n1 | 2", "3 | 4"]


def test_code_is_cut_at_lines_and_keeps_its_indentation() -> None:
    code = "    if a:\n        b c\n\n    d e f"
    assert cut("code", code, 7) == [code]
    assert cut("code", code, 4) == ["    if a:\n        b c", "    d e f"]


def test_list_items_stay_whole_where_they_fit() -> None:
    items: list[Part] = [("list_item", "- one. Two."), ("list_item", "- three. Four.")]
    assert texts(chunk(document(*items), max_tokens=4, count_tokens=count_words)) == [
        "- one. Two.",
        "- three. Four.",
    ]


def test_words_are_cut_at_characters() -> None:
    pieces = texts(chunk(document(("paragraph", "x" * 100)), max_tokens=7))
    assert "".join(pieces) == "x" * 100
    assert max(estimate_tokens(pieces)) <= 7


def test_a_path_that_is_too_long_loses_its_outermost_headings() -> None:
    parts: list[Part] = [("heading", words(3, "a"), 1), ("heading", words(3, "b"), 2)]
    chunks = chunk(
        document(*parts, ("paragraph", words(8)), title=words(3, "t")),
        max_tokens=10,
        count_tokens=count_words,
    )
    assert {each.headings for each in chunks} == {(words(3, "b"),)}
    assert [count_words([each.embedding_text])[0] for each in chunks] == [10, 4]


def test_a_heading_that_is_too_long_for_a_path_is_text() -> None:
    chunks = chunk(
        document(
            ("heading", "Lease", 1), ("heading", words(6), 2), ("paragraph", "x"), title="Lease"
        ),
        max_tokens=10,
        count_tokens=count_words,
    )
    assert [(each.headings, each.text) for each in chunks] == [(("Lease",), f"{words(6)}\n\nx")]


def test_a_counter_that_finds_more_in_the_whole_than_in_its_parts_is_obeyed() -> None:
    def count(texts: Sequence[str]) -> list[int]:
        return [len(text.split()) ** 2 for text in texts]

    parts: list[Part] = [("heading", "Two words", 1), ("paragraph", words(9)), ("paragraph", "x")]
    chunks = chunk(document(*parts), max_tokens=20, count_tokens=count)
    assert max(count([each.embedding_text for each in chunks])) <= 20
    assert " ".join(" ".join(texts(chunks)).split()) == f"{words(9)} x"


def test_a_character_that_is_too_large_is_an_error() -> None:
    with pytest.raises(
        InvalidInputError, match=r"character 'x' at 0 alone has more than max_tokens=1"
    ):
        chunk(document(("paragraph", "xy")), max_tokens=1, count_tokens=lambda t: [2 for _ in t])


def test_a_path_gives_way_to_text_that_fits_only_without_it() -> None:
    def count(texts: Sequence[str]) -> list[int]:
        return [0 if text == "\n" else 9 if "\n" in text else 1 for text in texts]

    chunks = chunk(
        document(("heading", "H", 1), ("paragraph", "xy")), max_tokens=4, count_tokens=count
    )
    assert [(each.headings, each.text) for each in chunks] == [((), "x"), ((), "y")]


# Parameters, ids


def test_parameters_are_checked() -> None:
    with pytest.raises(InvalidInputError, match="max_tokens is 0; give at least 1"):
        chunk(document(("paragraph", "x")), max_tokens=0)
    with pytest.raises(InvalidInputError, match="gave 1 counts for 3 texts"):
        chunk(document(("paragraph", "x")), count_tokens=lambda _: [1])


def test_the_chunker_is_one() -> None:
    assert isinstance(StructureChunker(), Chunker)


def test_ids_are_made_of_the_content() -> None:
    parts: list[Part] = [("heading", "A", 1), ("paragraph", "x"), ("heading", "A", 1)]
    first, second = chunk(document(*parts, ("paragraph", "x"), title="T", id="folder/a.md"))
    assert first.id == f"folder/a.md#{content_hash('T > A' + chr(10) + 'x')[:12]}"
    assert second.id == f"{first.id}-2"


def test_the_counter_is_called_a_few_times_a_document() -> None:
    calls: list[int] = []

    def count(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        return count_words(texts)

    parts: list[Part] = [("paragraph", words(300) + ". " + words(100)) for _ in range(50)]
    chunk(document(*parts), max_tokens=50, count_tokens=count)
    assert len(calls) <= 6


# The estimate


@pytest.mark.parametrize(
    ("text", "n_tokens"),
    [
        ("", 0),
        ("word", 1),
        ("words", 2),
        ("two words", 3),
        ("4.2(b)", 6),
        ("snake_case", 4),
        ("退職後", 3),
        ("API退職", 3),
        ("x" * 4000, 1000),
    ],
)
def test_estimate(text: str, n_tokens: int) -> None:
    assert estimate_tokens([text]) == [n_tokens]


def test_the_estimate_of_parts_adds_up() -> None:
    text = "Either party may (after notice) terminate; see § 4.2(b)."
    assert sum(estimate_tokens(text.split())) == estimate_tokens([text])[0]


# Size


@pytest.mark.parametrize(
    "unit", ["x", "word ", "A sentence of some length stands here. ", "退職。"]
)
def test_a_huge_line_takes_seconds_and_gives_bounded_passages(unit: str) -> None:
    text = unit * (500_000 // len(unit))
    start = time.perf_counter()
    chunks = chunk(Document(id="a", text=text))
    assert time.perf_counter() - start < 10
    assert max(estimate_tokens(texts(chunks))) <= 256
    assert len(re.sub(r"\s", "", "".join(texts(chunks)))) == len(re.sub(r"\s", "", text))
