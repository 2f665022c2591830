"""Whatever the document: passages are exact, complete, in order, small enough and stable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from tamis.chunking import chunk, estimate_tokens
from tamis.documents.markdown import MarkdownReader
from tamis.types import Block, BlockKind, Chunk, Document

#: A counter, and how many of its tokens a passage may have.
Budget: TypeAlias = tuple[Callable[[Sequence[str]], list[int]], int]

BODY_KINDS: list[BlockKind] = ["paragraph", "list_item", "table", "code"]

prose = st.lists(
    st.sampled_from(
        ["word", "another", "e.g.", "4.2(b)", "End.", "Is it?", "退職後。", "x" * 30, ":"]
    ),
    min_size=1,
    max_size=30,
).map(" ".join)
lines = st.lists(prose.map(lambda line: line[:40]), min_size=1, max_size=6).map("\n  ".join)
content = (
    prose | lines | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace").decode())
)


@st.composite
def parts(draw: st.DrawFn) -> tuple[BlockKind, str, int]:
    if draw(st.integers(0, 3)) == 0:
        heading = draw(st.sampled_from(["Notice", "Term", "Law of the land"]) | content)
        return ("heading", heading, draw(st.integers(1, 4)))
    return (draw(st.sampled_from(BODY_KINDS)), draw(content), 0)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.sampled_from(["", "\n", "not in a block "]))
    blocks = []
    for kind, inside, level in draw(st.lists(parts(), max_size=12)):
        blocks.append(Block(kind, len(text), len(text) + len(inside), level))
        text += inside + draw(st.sampled_from(["\n", "\n\n", "", " <!-- between --> "]))
    title = draw(st.sampled_from(["", "Notice", "The whole contract"]))
    return Document(id="folder/doc", text=text, title=title, blocks=tuple(blocks))


@st.composite
def markdown(draw: st.DrawFn) -> Document:
    marks = [
        "# ",
        "## ",
        "- ",
        "  - ",
        "1. ",
        "> ",
        "    ",
        "```\n",
        "| a | b |\n|---|---|\n| ",
        "",
    ]
    source = "".join(
        draw(st.sampled_from(marks)) + draw(prose) + draw(st.sampled_from(["\n", "\n\n"]))
        for _ in range(draw(st.integers(0, 12)))
    )
    return MarkdownReader().read(source, id="a.md", source="a.md")


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def count_bytes(texts: Sequence[str]) -> list[int]:
    return [len(text.encode()) for text in texts]


any_document = documents() | markdown()
#: Each with room for the largest character.
budgets: st.SearchStrategy[Budget] = st.one_of(
    st.tuples(st.just(estimate_tokens), st.integers(1, 60)),
    st.tuples(st.just(count_words), st.integers(1, 40)),
    st.tuples(st.just(count_bytes), st.integers(4, 300)),
)


def cut(document: Document, budget: Budget) -> list[Chunk]:
    count, max_tokens = budget
    return chunk(document, max_tokens=max_tokens, count_tokens=count)


def characters(text: str) -> str:
    return "".join(text.split())


@given(any_document, budgets)
def test_spans_are_exact_and_in_order(document: Document, budget: Budget) -> None:
    end = 0
    for passage in cut(document, budget):
        assert end <= passage.start < passage.end
        assert document.text[passage.start : passage.end] == passage.text
        assert passage.text == passage.text.rstrip()
        assert passage.text.strip()
        end = passage.end


@given(any_document, budgets)
def test_every_character_of_a_block_is_in_one_passage(document: Document, budget: Budget) -> None:
    passages = cut(document, budget)
    covered = Counter(i for passage in passages for i in range(passage.start, passage.end))
    for block in document.blocks:
        if block.kind != "heading":
            for i in range(block.start, block.end):
                assert document.text[i].isspace() or covered[i] == 1


@given(any_document, budgets)
def test_every_heading_can_be_found(document: Document, budget: Budget) -> None:
    count, _ = budget
    passages = chunk(document, max_tokens=10_000, count_tokens=count)
    found = characters(" ".join(passage.embedding_text for passage in passages))
    for block in document.blocks:
        assert characters(document.text_of(block)) in found


@given(any_document, budgets)
def test_no_passage_is_too_large(document: Document, budget: Budget) -> None:
    count, max_tokens = budget
    for passage in cut(document, budget):
        assert count([passage.embedding_text])[0] <= max_tokens


@given(any_document, budgets)
def test_half_of_a_passage_is_left_for_its_text(document: Document, budget: Budget) -> None:
    count, max_tokens = budget
    for passage in cut(document, budget):
        path = passage.embedding_text.removesuffix(passage.text)
        assert count([path])[0] <= max_tokens // 2


@given(any_document, budgets)
def test_ids_are_unique_and_the_same_again(document: Document, budget: Budget) -> None:
    passages = cut(document, budget)
    assert cut(document, budget) == passages
    assert len({passage.id for passage in passages}) == len(passages)
    assert all(passage.id.startswith(f"{document.id}#") for passage in passages)


@given(
    st.lists(st.lists(prose, min_size=1, max_size=4), min_size=2, max_size=5),
    prose,
    st.data(),
    budgets.filter(lambda budget: budget[1] >= 30),  # so that paths fit and set sections apart
)
def test_an_edit_in_one_section_leaves_the_others_alone(
    sections: list[list[str]],
    replacement: str,
    data: st.DataObject,
    budget: Budget,
) -> None:
    def ids(bodies: list[list[str]]) -> list[list[str]]:
        source = "".join(
            f"# Section {number}\n\n" + "\n\n".join(paragraphs) + "\n\n"
            for number, paragraphs in enumerate(bodies)
        )
        document = MarkdownReader().read(source, id="a.md", source="a.md")
        heads = [block.start for block in document.blocks if block.kind == "heading"]
        inside: list[list[str]] = [[] for _ in bodies]
        for passage in cut(document, budget):
            inside[sum(head <= passage.start for head in heads) - 1].append(passage.id)
        return inside

    edited = data.draw(st.integers(0, len(sections) - 1))
    others = [*sections]
    others[edited] = [*sections[edited], replacement]
    before, after = ids(sections), ids(others)
    for number in range(len(sections)):
        if number != edited:
            assert after[number] == before[number]
