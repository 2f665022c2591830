"""Markdown keeps its source as text, and every block is an exact span of it."""

from __future__ import annotations

import pytest

from tamis.documents.markdown import MarkdownReader
from tamis.types import Document


def parse(text: str) -> Document:
    document = MarkdownReader().read(text, id="a", source="docs/release-notes.md")
    assert document.text == text
    return document


def shown(text: str) -> list[tuple[str, int, str]]:
    document = parse(text)
    return [(block.kind, block.level, document.text_of(block)) for block in document.blocks]


def test_headings_are_spans_without_their_marks() -> None:
    text = "# One #\n\nTwo *and*\nmore\n---\n\n   ### Three ###   \n#### # four\n####### none\n"
    assert shown(text) == [
        ("heading", 1, "One"),
        ("heading", 2, "Two *and*\nmore"),
        ("heading", 3, "Three"),
        ("heading", 4, "# four"),
        ("paragraph", 0, "####### none"),
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("## Part\n\n# The `title` of [it](http://x.org) &amp; *more*\n", "The title of it & more"),
        ("# [1.0]\n\n[1.0]: http://x.org\n", "1.0"),
        ("Title\nin two lines\n===\n", "Title in two lines"),
        ("> # Quoted\n\nNo heading here.\n", "Release notes"),
        ("#\n", "Release notes"),
        ("", "Release notes"),
    ],
)
def test_the_title_is_the_first_heading_of_level_one(text: str, title: str) -> None:
    assert parse(text).title == title


def test_list_items_are_blocks_with_their_continuation() -> None:
    text = (
        "- one\n  goes on\n\n  and on\n- two\n  1. inner\n     goes on\n\n  2. last\n\n  after\n"
        "* three\n"
    )
    assert shown(text) == [
        ("list_item", 1, "- one\n  goes on\n\n  and on"),
        ("list_item", 1, "- two"),
        ("list_item", 2, "1. inner\n     goes on"),
        ("list_item", 2, "2. last"),
        ("list_item", 1, "after"),
        ("list_item", 1, "* three"),
    ]


def test_code_and_tables_in_an_item_are_blocks_of_their_own() -> None:
    text = (
        "1. Run\n   ```sh\n   make\n   ```\n   twice.\n\n   | a | b |\n   |---|---|\n   | 1 | 2 |\n"
    )
    assert shown(text) == [
        ("list_item", 1, "1. Run"),
        ("code", 0, "   ```sh\n   make\n   ```"),
        ("list_item", 1, "twice."),
        ("table", 0, "| a | b |\n   |---|---|\n   | 1 | 2 |"),
    ]


def test_code_keeps_its_fences_and_indentation() -> None:
    text = "```python\n\n  x = 1\n```\n\n    indented\n      more\n\n~~~\nopen to the end\n"
    assert shown(text) == [
        ("code", 0, "```python\n\n  x = 1\n```"),
        ("code", 0, "    indented\n      more"),
        ("code", 0, "~~~\nopen to the end"),
    ]


def test_tables_are_whole() -> None:
    table = "| Name | Age |\n|:-----|----:|\n| Bob  | 4   |"
    assert shown(f"Ages:\n\n{table}\n\nEnd.\n")[1] == ("table", 0, table)


def test_quotes_are_paragraphs_without_outer_marks() -> None:
    text = "> quoted\n> more\n>\n> - item\n>\n> ## not ours\n\nEnd.\n"
    assert shown(text) == [
        ("paragraph", 0, "quoted\n> more"),
        ("list_item", 1, "- item"),
        ("paragraph", 0, "## not ours"),
        ("paragraph", 0, "End."),
    ]


def test_html_is_kept_and_what_nobody_sees_is_not() -> None:
    text = "<div>\nshown\n</div>\n\n<!-- a\n\nb -->\n\n[ref]: http://x.org\n\n***\n\nEnd.\n"
    assert shown(text) == [("paragraph", 0, "<div>\nshown\n</div>"), ("paragraph", 0, "End.")]


def test_deeply_nested_quotes_lose_nothing() -> None:
    assert shown("> " * 2000 + "deep\n\nEnd.\n") == [
        ("paragraph", 0, "deep"),
        ("paragraph", 0, "End."),
    ]


def test_deeply_nested_lists_lose_nothing() -> None:
    text = "".join("  " * depth + f"- item{depth}\n" for depth in range(200))
    found = " ".join(content for _, _, content in shown(text))
    assert all(f"item{depth}" in found for depth in range(200))
