"""reStructuredText reads as its pages would, whatever directives and roles it uses."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path

import pytest
from docutils.parsers.rst import directives, roles, states

from tamis.documents.doctree_parser import role_text
from tamis.documents.restructuredtext import RestructuredTextReader
from tamis.types import Document


def parse(text: str) -> Document:
    return RestructuredTextReader().read(text, id="a", source="docs/some-page.rst")


def shown(text: str) -> list[tuple[str, int, str]]:
    document = parse(text)
    return [(block.kind, block.level, document.text_of(block)) for block in document.blocks]


def texts(text: str) -> list[str]:
    return [content for _, _, content in shown(text)]


def test_sections_have_levels_and_the_first_is_the_title() -> None:
    text = "====\nTop\n====\n\nText\nover lines.\n\nPart\n====\n\nSub\n---\n\nx\n\nOther\n=====\n"
    assert shown(text) == [
        ("heading", 1, "Top"),
        ("paragraph", 0, "Text over lines."),
        ("heading", 2, "Part"),
        ("heading", 3, "Sub"),
        ("paragraph", 0, "x"),
        ("heading", 2, "Other"),
    ]
    assert parse(text).title == "Top"
    assert parse("No heading.").title == "Some page"


def test_lists() -> None:
    text = (
        "* one\n\n  more\n\n  a) inner\n  b) last\n\n  end\n\n"
        "IV. four\n\nterm : kind\n   What it is.\n\n:Author: Ann\n:empty:\n\n"
        "-v, --verbose  Say more.\n"
    )
    assert shown(text) == [
        ("list_item", 1, "- one\nmore"),
        ("list_item", 2, "a) inner"),
        ("list_item", 2, "b) last"),
        ("list_item", 1, "end"),
        ("list_item", 1, "IV. four"),
        ("list_item", 1, "term : kind\nWhat it is."),
        ("list_item", 1, "Author: Ann"),
        ("list_item", 1, "-v, --verbose  Say more."),
    ]


def test_code_keeps_its_lines() -> None:
    text = (
        "Run::\n\n   a\n     b\n\n>>> x\n1\n\n"
        ".. code-block:: python\n   :caption: ``app.py``\n\n   if y:\n       z\n"
    )
    assert shown(text) == [
        ("paragraph", 0, "Run:"),
        ("code", 0, "a\n  b"),
        ("code", 0, ">>> x\n1"),
        ("paragraph", 0, "app.py"),
        ("code", 0, "if y:\n    z"),
    ]


def test_code_without_a_blank_line_before_it_is_not_lost() -> None:
    assert texts(".. code-block:: python\n   if x:\n     y = 2\n") == ["if x:\n  y = 2"]


@pytest.mark.parametrize(
    "table",
    [
        "====  ===\nName  Age\n====  ===\nBob   4\n====  ===\n",
        "+------+-----+\n| Name | Age |\n+======+=====+\n| Bob  | 4   |\n+------+-----+\n",
        ".. csv-table::\n   :header: Name, Age\n\n   Bob, 4\n",
        ".. list-table::\n   :header-rows: 1\n\n   * - Name\n     - Age\n   * - Bob\n     - 4\n",
        ".. table::\n\n   ====  ===\n   Name  Age\n   Bob   4\n   ====  ===\n",
    ],
)
def test_tables_are_rows(table: str) -> None:
    assert shown(table) == [("table", 0, "Name | Age\nBob | 4")]


def test_cells_are_lines() -> None:
    table = "+---+----------+\n| a | * one    |\n|   | * two    |\n+---+----------+\n"
    assert texts(table) == ["a | one two"]
    assert texts(".. table:: Ages\n\n   == ==\n   a  b\n   == ==\n") == ["Ages", "a | b"]


def test_a_broken_table_is_kept_as_it_was_written() -> None:
    table = "==== ===\nName Age\n==== ===\nBobby 4\n==== ===\n"
    assert shown(table) == [("code", 0, table.strip())]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (":setting:`USE_TZ`", "USE_TZ"),
        (":class:`~a.b.Choice`", "Choice"),
        (":meth:`~a.b.QuerySet.filter`", "QuerySet.filter"),
        (":meth:`~.QuerySet.filter()`", "QuerySet.filter()"),
        (":py:func:`~a.b.now`", "now"),
        (":func:`.now`", "now"),
        (":class:`!Local`", "Local"),
        (":file:`.htaccess`", ".htaccess"),
        (":samp:`a <b>`", "a <b>"),
        (":ref:`the guide <guide-label>`", "the guide"),
        (":doc:`/topics/db`", "/topics/db"),
        (":cve:`2024-3094` :pep:`8` :rfc:`2822`", "CVE-2024-3094 PEP 8 RFC 2822"),
        ("`default` and *so* **on** ``here``", "default and so on here"),
        ("`text <http://x.org>`_ and name_", "text and name"),
        ("a [1]_ b [#]_", "a [1] b"),
        ("|known| |unknown|\n\n.. |known| replace:: *shown*", "shown unknown"),
        ("|logo|\n\n.. |logo| image:: a.png\n   :alt: Acme", "Acme"),
        ("Broken *emphasis and `role", "Broken *emphasis and `role"),
        (r"C\:\\temp and \*args", r"C:\temp and *args"),
    ],
)
def test_inline_text(source: str, text: str) -> None:
    assert texts(source) == [text]


def test_role_text_leaves_other_names_alone() -> None:
    assert role_text("envvar", "~HOME.dir") == "~HOME.dir"
    assert role_text("", "plain <tag>") == "plain"


def test_admonitions_say_what_they_are() -> None:
    text = (
        ".. note:: Short\n   one.\n\n   More.\n\n.. Warning::\n\n   Hot.\n\n"
        ".. admonition:: By the way\n\n   Text.\n\n.. seealso::\n\n   * x\n"
    )
    assert texts(text) == [
        "Note: Short one.",
        "More.",
        "Warning: Hot.",
        "By the way:",
        "Text.",
        "See also:",
        "- x",
    ]


def test_arguments_and_bodies_of_unknown_directives_are_kept() -> None:
    text = (
        ".. py:method:: Book.save(*args, **kwargs)\n   :async:\n\n   Saves it.\n\n"
        "   .. versionadded:: 5.0\n\n      Really.\n\n"
        ".. frobnicate:: this *thing*\n\n   - item\n\n.. glossary::\n\n   term\n      Meaning.\n"
    )
    assert shown(text) == [
        ("paragraph", 0, "method Book.save(*args, **kwargs):"),
        ("paragraph", 0, "Saves it."),
        ("paragraph", 0, "New in version 5.0:"),
        ("paragraph", 0, "Really."),
        ("paragraph", 0, "frobnicate this thing:"),
        ("list_item", 1, "- item"),
        ("list_item", 1, "term\nMeaning."),
    ]


def test_a_directive_before_a_section_that_it_names_belongs_to_it() -> None:
    text = (
        "Settings\n========\n\nx\n\n.. setting:: USE_TZ\n\n``USE_TZ``\n----------\n\nOn.\n\n"
        ".. setting:: CACHES-TIMEOUT\n\n``TIMEOUT``\n-----------\n\nSoon.\n\n"
        ".. autofunction:: run\n\nOther\n-----\n\n.. setting:: LAST\n"
    )
    assert texts(text) == [
        "Settings",
        "x",
        "USE_TZ",
        "On.",
        "TIMEOUT",
        "setting CACHES-TIMEOUT:",
        "Soon.",
        "autofunction run:",
        "Other",
        "setting LAST:",
    ]


def test_lines_and_pictures() -> None:
    text = (
        "| One\n|   two\n\n.. image:: a.png\n   :alt: The logo\n\n"
        ".. figure:: b.png\n\n   A caption.\n\n..\n\n   A quote.\n\n   -- Ann\n"
    )
    assert texts(text) == [
        "One\ntwo",
        "The logo",
        "b.png",
        "A caption.",
        "A quote.",
        "Ann",
    ]


def test_what_speaks_to_the_publisher_is_dropped() -> None:
    text = (
        ".. toctree::\n   :maxdepth: 2\n\n   a\n   b\n\n.. contents::\n\n.. index:: x\n\n"
        ".. comment\n\n.. _target:\n\n.. highlight:: python\n\n.. raw:: html\n\n   <b>\n\n"
        ".. default-role:: math\n\nEnd.\n"
    )
    assert texts(text) == ["End."]


def test_no_file_is_included(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    text = (
        f".. include:: {secret}\n\n.. csv-table::\n   :file: {secret}\n\n"
        f".. literalinclude:: {secret}\n"
    )
    assert "top secret" not in parse(text).text


def test_headings_where_none_may_be_are_not_lost() -> None:
    text = "Top\n===\n\n.. note::\n\n   Inner\n   -----\n\n   Text.\n\nX\n~~~\n\nY\n---\n\nZ\n~~~\n"
    found = " ".join(texts(text))
    assert all(word in found for word in ("Top", "Inner", "Text.", "X", "Y", "Z"))


def test_nothing_is_printed_and_no_message_is_in_the_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "Title\n==\n\n* a\nb\n\n.. unknown::\n\n:nope:`x` `y`__ |z| [9]_\n\n  Indented\nnot.\n"
    found = " ".join(texts(text))
    assert "Unknown" not in found
    assert "unexpected" not in found.lower()
    assert capsys.readouterr() == ("", "")


def test_what_is_nested_too_deeply_is_read_as_plain_text() -> None:
    text = "Title\n=====\n\n" + "".join("  " * depth + "* x\n\n" for depth in range(500))
    document = parse(text)
    assert document.text == text
    assert "nested too deeply" in document.metadata["reading"]


def test_long_paragraphs_are_parsed_in_parts() -> None:
    text = "*a* ``b `c |d " * 800
    [paragraph] = texts(text)
    assert paragraph.replace(" ", "") == text.replace("*a*", "a").replace(" ", "")


def test_what_others_share_in_docutils_is_left_alone() -> None:
    shared = (
        vars(directives)["_directives"],
        vars(roles)["_roles"],
        states.RSTState.nested_sm_cache,
    )
    before = [copy(each) for each in shared]
    parse(".. role:: mine\n\n:mine:`x`\n\n.. default-role:: mine\n\n`y`\n\n* a\n\n  * b\n")
    assert list(shared) == before


def test_threads_do_not_disturb_each_other() -> None:
    sources = [
        f"T{i}\n====\n\n* a{i}\n\n  * b{i}\n\n.. note:: |s|\n\n.. |s| replace:: n{i}\n"
        for i in range(40)
    ]
    alone = [parse(source) for source in sources]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(parse, sources))
    finally:
        sys.setswitchinterval(interval)
    assert together == alone
