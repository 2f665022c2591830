"""Files become documents: decoded without silent loss, read by suffix, refused with a reason."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.documents import Reader, find, read, readable, register, registry
from tamis.documents.html import HtmlReader
from tamis.documents.markdown import MarkdownReader
from tamis.documents.restructuredtext import (
    PlainOrRestructuredTextReader,
    RestructuredTextReader,
    looks_restructured,
)
from tamis.documents.text import TextReader
from tamis.errors import (
    InvalidInputError,
    SourceNotFoundError,
    UnreadableDocumentError,
    UnsupportedFormatError,
)
from tamis.types import Document


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def shown(document: Document) -> list[tuple[str, int, str]]:
    return [(block.kind, block.level, document.text_of(block)) for block in document.blocks]


# Decoding


@pytest.mark.parametrize(
    "content",
    [
        "Größe".encode(),
        codecs.BOM_UTF8 + "Größe".encode(),
        codecs.BOM_UTF16_LE + "Größe".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "Größe".encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with a mark", "utf-16-le", "utf-16-be"],
)
def test_unicode_is_decoded(tmp_path: Path, content: bytes) -> None:
    document = read(write(tmp_path, "a.md", content))
    assert document.text == "Größe"
    assert not document.metadata


def test_invalid_bytes_are_replaced_and_counted(tmp_path: Path) -> None:
    document = read(write(tmp_path, "a.md", b"caf\xe9 and na\xefve, and \xef\xbf\xbd is valid"))
    assert document.text == "caf� and na�ve, and � is valid"
    assert document.metadata == {"decoding": "utf-8, 2 bytes replaced"}


def test_a_cut_off_utf_16_character_is_counted(tmp_path: Path) -> None:
    content = codecs.BOM_UTF16_LE + "Größe".encode("utf-16-le") + b"\x41"
    document = read(write(tmp_path, "a.md", content))
    assert document.text == "Größe�"
    assert document.metadata == {"decoding": "utf-16-le, 1 byte replaced"}


@given(st.binary(max_size=200))
def test_the_note_says_exactly_how_many_bytes_were_lost(data: bytes) -> None:
    from tamis.documents.base import decode

    try:
        text, note = decode(data, source="a.txt")
    except UnreadableDocumentError:
        return
    assert "\r" not in text
    kept = data.decode(errors="ignore").encode()
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        assert note.split()[1:2] == ([str(len(data) - len(kept))] if kept != data else [])


def test_every_newline_is_a_line_feed(tmp_path: Path) -> None:
    document = read(write(tmp_path, "a.text", "one\r\ntwo\rthree\n\r\nfour"))
    assert document.text == "one\ntwo\nthree\n\nfour"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"GIF89a\0\0", "holds a NUL at character 6"),
        ("Größe".encode("utf-16-le"), "holds a NUL"),
        (bytes(range(128, 256)), "128 of its 128 bytes are not valid utf-8"),
        ("Условия договора".encode("cp1251"), "convert it to UTF-8"),
    ],
    ids=["picture", "utf-16 without a mark", "no text at all", "another encoding"],
)
def test_binary_files_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = write(tmp_path, "a.txt", content)
    with pytest.raises(UnreadableDocumentError, match=reason):
        read(path)


# From a path to a document


def test_id_source_and_title_come_from_the_path(tmp_path: Path) -> None:
    path = write(tmp_path, "getting-started_guide.TXT", "Hello.")
    document = read(path)
    assert document.id == document.source == path.as_posix()
    assert document.title == "Getting started guide"
    assert read(path, id="guide").id == "guide"


@pytest.mark.parametrize("suffix", [".md", ".html", ".rst", ".txt", ".text"])
def test_an_empty_file_is_an_empty_document(tmp_path: Path, suffix: str) -> None:
    document = read(write(tmp_path, f"empty{suffix}", ""))
    assert (document.text, document.blocks, document.title) == ("", (), "Empty")


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"there is no file .*missing\.md"):
        read(tmp_path / "missing.md")
    with pytest.raises(SourceNotFoundError):
        read(write(tmp_path, "a.md", "") / "b.md")


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocumentError, match="a folder"):
        read(tmp_path)


def test_an_unknown_suffix_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormatError, match=r"'\.exe' files; known are .*\.html, .*\.md"):
        read(write(tmp_path, "a.exe", "text"))


def test_a_file_that_is_too_large_names_the_parameter(tmp_path: Path) -> None:
    path = write(tmp_path, "a.md", "four")
    assert read(path, max_bytes=4).text == "four"
    with pytest.raises(UnreadableDocumentError, match="has 4 bytes, more than max_bytes=3"):
        read(path, max_bytes=3)


def test_a_file_that_may_not_be_read_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "a.md", "text")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UnreadableDocumentError, match="Permission denied; check its permissions"):
        read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.md")
    with pytest.raises(UnreadableDocumentError, match="no regular file"):
        read(tmp_path / "a.md")


def test_a_name_that_is_no_unicode_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.md")
    try:
        path.write_text("Hello.")
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    assert read(path).source.endswith("caf�.md")


# A reader of one's own


class LogReader:
    name = "log"
    suffixes = frozenset({".log", ".md"})

    def read(self, data: str, *, id: str, source: str) -> Document:
        return Document(id=id, text=data.upper(), source=source, metadata={"lines": 1})


@pytest.fixture
def log_reader() -> Iterator[LogReader]:
    before = dict(registry._readers)
    reader = LogReader()
    register(reader)
    yield reader
    registry._readers.clear()
    registry._readers.update(before)


def test_a_registered_reader_reads_its_suffixes(tmp_path: Path, log_reader: LogReader) -> None:
    assert isinstance(log_reader, Reader)
    path = write(tmp_path, "a.log", b"gr\xfcn and so on")
    assert readable(path)
    assert read(path).text == "GR�N AND SO ON"
    assert read(path).metadata == {"lines": 1, "decoding": "utf-8, 1 byte replaced"}
    assert read(write(tmp_path, "a.md", "x")).text == "X"


@pytest.mark.parametrize("suffixes", [{"log"}, {".LOG"}, {".tar.gz"}, set()])
def test_a_suffix_that_no_file_can_have_is_refused(suffixes: set[str]) -> None:
    reader = LogReader()
    reader.suffixes = frozenset(suffixes)
    with pytest.raises(InvalidInputError, match="'log'"):
        register(reader)


def test_readable_goes_by_the_suffix() -> None:
    assert readable("A.MD")
    assert not readable("a.pdf")
    assert not readable("README")


# Folders


def names(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in find(root)]


def test_files_are_found_in_order_and_hidden_ones_left_out(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.md", "a/.hidden.md", ".git/config", "a/b/c.bin", "a.md", "a-b.md"):
        write(tmp_path, name, "")
    assert names(tmp_path) == ["a/b/c.bin", "a/z.md", "a-b.md", "a.md", "b.md"]
    assert list(find(tmp_path)) == sorted(find(tmp_path))


def test_a_hidden_folder_and_a_single_file_can_be_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, ".docs/a.md", "")
    assert list(find(path.parent)) == [path]
    assert list(find(path)) == [path]


def test_links_stay_inside_and_do_not_loop(tmp_path: Path) -> None:
    outside = write(tmp_path, "outside/secret.md", "")
    root = tmp_path / "root"
    write(root, "v2/a.md", "")
    (root / "latest").symlink_to("v2")
    (root / "v2" / "again").symlink_to("..")
    (root / "v2" / "self").symlink_to(".")
    (root / "a.md").symlink_to("v2/a.md")
    (root / "broken.md").symlink_to("nothing.md")
    (root / "out.md").symlink_to(outside)
    (root / "out").symlink_to(outside.parent)
    assert names(root) == ["a.md", "latest/a.md", "v2/a.md"]


def test_a_linked_root_is_walked(tmp_path: Path) -> None:
    write(tmp_path, "real/a.md", "")
    (tmp_path / "link").symlink_to("real")
    assert list(find(tmp_path / "link")) == [tmp_path / "link" / "a.md"]


def test_a_missing_folder_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="there is no folder or file"):
        find(tmp_path / "missing")


def test_a_folder_that_may_not_be_listed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UnreadableDocumentError, match="looked at: Permission denied"):
        list(find(tmp_path))
    told: list[tuple[Path, str]] = []
    assert list(find(tmp_path, on_error=lambda *what: told.append(what))) == []
    assert told == [(tmp_path, "Permission denied")]


def test_a_link_that_leads_to_itself_is_told_and_the_walk_goes_on(tmp_path: Path) -> None:
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    (tmp_path / "there.md").symlink_to(tmp_path / "back.md")
    (tmp_path / "back.md").symlink_to(tmp_path / "there.md")
    (tmp_path / "z.md").write_text("found")
    told: list[Path] = []
    assert list(find(tmp_path, on_error=lambda path, _: told.append(path))) == [tmp_path / "z.md"]
    assert {path.name for path in told} <= {"loop.md", "there.md", "back.md"}


def test_a_parser_that_fails_in_its_own_way_is_an_unreadable_document(tmp_path: Path) -> None:
    class Failing:
        name = "failing"
        suffixes = frozenset({".fail"})

        def read(self, data: str, *, id: str, source: str) -> Document:
            raise KeyError("inner")

    register(Failing())
    (tmp_path / "x.fail").write_text("text")
    with pytest.raises(UnreadableDocumentError, match=r"x\.fail.*'failing': KeyError"):
        read(tmp_path / "x.fail")


# Plain text

CONTRACT = """\
MASTER SERVICES AGREEMENT

This agreement is made between the parties
named below.

ARTICLE IV

The following holds.

4.2 Termination

Either party may terminate. See 4.2(b).

30 October 2024

1. Milk

2. Eggs

SIGNED
"""


def test_headings_of_a_contract_are_found() -> None:
    document = TextReader().read(CONTRACT, id="c", source="contract.txt")
    assert document.text == CONTRACT
    headings = [(level, text) for kind, level, text in shown(document) if kind == "heading"]
    assert headings == [
        (2, "MASTER SERVICES AGREEMENT"),
        (2, "ARTICLE IV"),
        (3, "4.2 Termination"),
    ]


def test_numbered_lines_begin_paragraphs_where_that_is_a_habit() -> None:
    text = "1. The boat\nIt is moored at berth seven.\n\n2. Booking\nBy noon of the day before.\n"
    assert shown(TextReader().read(text, id="c", source="c.txt")) == [
        ("heading", 2, "1. The boat"),
        ("paragraph", 0, "It is moored at berth seven."),
        ("heading", 2, "2. Booking"),
        ("paragraph", 0, "By noon of the day before."),
    ]
    once = text.partition("\n\n")[0]
    assert [kind for kind, _, _ in shown(TextReader().read(once, id="c", source="c.txt"))] == [
        "paragraph"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "We may all agree on this",
        "4.2 Termination.",
        "4.2 million people",
        "2024 Was A Year",
        "3. may be wrapped\nlike this, in lower case, over a longer line",
        "OK",
        "* * *",
        "ALL OF THIS IS MEANT,",
        "section 4",
        "Section 4 applies here",
    ],
)
def test_what_only_resembles_a_heading_is_none(line: str) -> None:
    document = TextReader().read(f"{line}\n\nSome text follows.", id="a", source="a.txt")
    assert [block.kind for block in document.blocks] == ["paragraph", "paragraph"]


@pytest.mark.parametrize("line", ["§ 12 Notice", "Section 3: Definitions", "Annex B", "2.1 Scope"])
def test_other_headings(line: str) -> None:
    document = TextReader().read(f"{line}\n\nSome text follows.", id="a", source="a.txt")
    assert [block.kind for block in document.blocks] == ["heading", "paragraph"]


# Is a .txt file reStructuredText?


@pytest.mark.parametrize(
    "text",
    [
        "Title\n=====\n\nText.",
        "=====\nTitle\n=====\n\nText.",
        "Text.\n\nPart one\n--------\nText.",
        "See :ref:`there <label>`.",
        ".. note:: Careful.",
        ".. _label:\n\nText.",
    ],
)
def test_restructured_text_is_recognised(text: str) -> None:
    assert looks_restructured(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Just text.\n\nMore of it.",
        "Hello\n\n------------\n\nA line above.",
        "Sum\n-\nToo short to be one.",
        "Name    Age\n------  ---\nBob     4",
        "The ratio is 3::4, see :here: and `there`.",
        "A whole paragraph\nends here\n=========",
        "12:30:45 started\n... and waited",
    ],
)
def test_plain_text_is_left_alone(text: str) -> None:
    assert not looks_restructured(text)
    document = PlainOrRestructuredTextReader().read(text, id="a", source="a.txt")
    assert document.text == text


# Whatever the text

MARKUP = [
    *(" ", "\n", "\n\n", "   ", "\t", "\\", "é", "\u2028", "\x0c", "word", "word_", "Title"),
    *("* ", "- ", "1. ", "a) ", "> ", "#", "## ", "```", "`a`", "``b``", "**", "*", "|x|", "__"),
    *("\n====\n", "\n----\n", "==== ===", "+---+", "| a |", "| - |", "::", ">>> x", "| line"),
    *(".. note::", ".. |s| replace:: foo |s|", ".. [1] x", "[1]_", ".. _t:", ":field: v", "-a  x"),
    *(".. csv-table:: T\n   :header: a,b\n\n   1,2", ".. list-table::\n\n   * - a\n     - b"),
    *(".. class:: Foo(*args)", ".. code-block:: py\n\n   x = 1", ".. role:: x", ".. raw:: html"),
    *("<p>", "</p>", "<ul>", "<li>", "</ul>", "<table>", "<tr>", "<td>", "</table>", "<pre>"),
    *("<h1>", "</h1>", "<br>", "<dl>", "<dt>", "<dd>", "<main>", "<div hidden>", "<a>#</a>"),
    *("<!-- c -->", "<ol start=x>", "<form>", "<svg>", "<caption>", "<title>", "&#xD800;", "&amp;"),
]


@pytest.mark.parametrize(
    "reader",
    [HtmlReader(), MarkdownReader(), RestructuredTextReader(), TextReader()],
    ids=lambda reader: reader.name,
)
@given(text=st.lists(st.sampled_from(MARKUP) | st.text(max_size=5), max_size=30).map("".join))
def test_any_text_can_be_read(reader: Reader, text: str) -> None:
    text = text.encode(errors="replace").decode().replace("\r", "\n").replace("\0", "")
    document = reader.read(text, id="a", source="a.txt")
    for block in document.blocks:
        content = document.text_of(block)
        assert block.kind == "heading" or content.rstrip() == content != ""
    if reader.name in ("Markdown", "plain text"):
        assert document.text == text
