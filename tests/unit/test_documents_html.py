"""HTML pages give the text that they show, in blocks, without what surrounds it."""

from __future__ import annotations

import pytest

from tamis.documents.html import HtmlReader
from tamis.types import Document


def parse(html: str) -> Document:
    return HtmlReader().read(html, id="a", source="site/some-page.html")


def shown(html: str) -> list[tuple[str, int, str]]:
    document = parse(html)
    return [(block.kind, block.level, document.text_of(block)) for block in document.blocks]


def paragraphs(html: str) -> list[str]:
    found = shown(html)
    assert {kind for kind, _, _ in found} <= {"paragraph"}
    return [text for _, _, text in found]


def test_the_text_is_the_blocks() -> None:
    document = parse(
        "<h1>Fees</h1><p>A day costs 640.</p><ul><li>fuel<li>skipper</ul><pre>\n x</pre>"
    )
    assert document.text == "Fees\n\nA day costs 640.\n\n- fuel\n- skipper\n\n x"
    assert [block.kind for block in document.blocks] == [
        "heading",
        "paragraph",
        "list_item",
        "list_item",
        "code",
    ]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a<b>b</b>c", "abc"),
        ("<p>a <b> b</b>\n c", "a b c"),
        ("<p>one<br>two", "one\ntwo"),
        ("<p>&lt;b&gt; &amp;&nbsp;co", "<b> & co"),
        ("<p>soft&shy;hy<wbr>phen", "softhyphen"),
        ("<p>lone &#xD800; surrogate", "lone � surrogate"),
        ("<p>x<!-- not this -->y", "xy"),
    ],
)
def test_inline_text(html: str, text: str) -> None:
    assert paragraphs(html) == [text]


def test_blocks_part_words() -> None:
    assert paragraphs("one<div>two<p>three</div>four<hr>five") == [
        "one",
        "two",
        "three",
        "four",
        "five",
    ]


def test_headings_have_their_levels_and_no_anchors() -> None:
    html = (
        '<h2>Two<a class="headerlink" href="#t">¶</a></h2>'
        "<h6><a>#</a> Six <i>and</i><div>more</div></h6>"
    )
    assert shown(html) == [("heading", 2, "Two"), ("heading", 6, "Six and more")]


def test_lists_nest_without_overlap() -> None:
    html = "<ul><li>a<ul><li>b<p>c</p><li>d</ul>e<li><p>f</p><p>g</p></ul>"
    assert shown(html) == [
        ("list_item", 1, "- a"),
        ("list_item", 2, "- b\nc"),
        ("list_item", 2, "- d"),
        ("list_item", 1, "e"),
        ("list_item", 1, "- f\ng"),
    ]


def test_numbers_are_as_the_author_chose() -> None:
    html = (
        "<ol start=3><li>c<li value=9>i<li>j</ol>"
        "<ol type=a><li>x</ol><ol type=I start=no><li>y</ol>"
    )
    assert [text for _, _, text in shown(html)] == ["3. c", "9. i", "10. j", "a. x", "I. y"]


def test_definitions_stand_with_their_terms() -> None:
    html = "<dl><dt>Term<dd>What it is.<p>More.</p><dt>Other<dd>Else.</dl><dd>stray</dd>"
    assert shown(html) == [
        ("list_item", 1, "Term\nWhat it is.\nMore."),
        ("list_item", 1, "Other\nElse."),
        ("list_item", 1, "stray"),
    ]


def test_tables_are_rows() -> None:
    html = (
        "<table><caption>Ages</caption><thead><tr><th>Name<th>Age</thead><tbody><tr><td>Bob"
        "<td><p>4</p><ul><li>years</ul><tr><td><td></table>"
    )
    assert shown(html) == [("paragraph", 0, "Ages"), ("table", 0, "Name | Age\nBob | 4 years")]


def test_tables_that_arrange_a_page_are_not_data() -> None:
    html = "<table><tr><td><h2>News</h2>Text.<td><table><tr><td>a<td>b</table></table>"
    assert shown(html) == [("heading", 2, "News"), ("paragraph", 0, "Text."), ("table", 0, "a | b")]


def test_code_is_verbatim() -> None:
    html = "<pre>\n  <span>if</span> x:\n\n    y &lt; 1<br>z\n</pre>"
    assert shown(html) == [("code", 0, "  if x:\n\n    y < 1\nz")]


@pytest.mark.parametrize(
    "html",
    [
        "<script>x</script>",
        "<style>x</style>",
        "<nav>x</nav>",
        "<header>x</header>",
        "<footer>x</footer>",
        "<aside>x</aside>",
        "<form>x</form>",
        "<template>x</template>",
        "<svg><title>x</title></svg>",
        "<noscript>x</noscript>",
        "<button>x</button>",
        "<p hidden>x</p>",
        "<p aria-hidden=true>x</p>",
        "<p style='color: red; Display : none'>x</p>",
        "<p style='visibility:hidden'>x</p>",
        "<div role=navigation>x</div>",
        "<pre><span class=linenos>x</span></pre>",
    ],
)
def test_what_is_no_text_of_the_page_is_dropped(html: str) -> None:
    assert paragraphs(f"<p>kept</p>{html}<p>kept too</p>") == ["kept", "kept too"]


def test_parts_that_hold_the_page_itself_are_kept() -> None:
    assert shown("<form><main><p>all of it</main></form>") == [("paragraph", 0, "all of it")]
    assert shown("<article><header><h1>T</h1><p>by X</header></article>")[0] == ("heading", 1, "T")
    assert paragraphs("<aside class='admonition note'>Careful.</aside>") == ["Careful."]


def test_the_main_part_is_preferred() -> None:
    assert paragraphs("<div>menu</div><main>text</main>") == ["text"]
    assert paragraphs("<div>menu</div><div role=main>text</div>") == ["text"]
    assert paragraphs("<div>menu</div><article>text</article>") == ["text"]
    assert paragraphs("<article>one</article><article>two</article>") == ["one", "two"]
    assert paragraphs("<p>text</p><main><script>x</script></main>") == ["text"]


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title>Fees</title><h1>What it costs</h1>", "Fees"),
        ("<title>Fees — Acme | Docs</title><h1>Fees</h1>", "Fees"),
        ("<title> Fees\n of all </title><p>x", "Fees of all"),
        ("<h1>Fees</h1>", "Fees"),
        ("<svg><title>icon</title></svg><p>x", "Some page"),
        ("", "Some page"),
    ],
)
def test_title(html: str, title: str) -> None:
    assert parse(html).title == title


@pytest.mark.parametrize(
    "tag", ["div", "b", "ul><li", "table><tr><td", "dl><dd", "header", "form", "h1", "pre"]
)
def test_no_nesting_is_too_deep(tag: str) -> None:
    document = parse(f"<{tag}>" * 10_000 + "<h1>deep")
    assert document.text.endswith("deep")
    assert len(document.text) < 1_000
