"""A context holds the best, nothing twice, word for word, and never more than asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.context import assemble
from tamis.context.dedup import without_repeats
from tamis.context.order import best_at_both_ends
from tamis.errors import InvalidInputError
from tamis.types import Chunk, Context, Hit

CONTRACT = """# Contract

## 4 Term

The term begins in May and ends in April of the year that follows.

Either party may end it early.

Notice is given in writing, and thirty days before.

## 5 Fees

Fees are due in June."""

DOCUMENTS = {
    "contract.md": CONTRACT,
    "faq.md": "Dogs stay at home.\n\nFees are due in June.",
    "copy.md": "# Contract\n\n## 4 Term\n\nThe term begins in May and ends in April.",
}


def words(texts: Sequence[str]) -> list[int]:
    """Count words, the tokens of these tests."""
    return [len(text.split()) for text in texts]


def hit(document_id: str, text: str, *headings: str, rank: int = 1) -> Hit:
    """Make a hit of a passage that stands in its document."""
    start = DOCUMENTS[document_id].index(text)
    return spanned(document_id, text, start, *headings, rank=rank)


def spanned(document_id: str, text: str, start: int, *headings: str, rank: int = 1) -> Hit:
    chunk = Chunk(f"{document_id}:{start}", document_id, text, start, start + len(text), headings)
    return Hit(chunk, score=-float(rank), stage="logit", rank=rank, scores={"logit": -float(rank)})


def context_of(
    *hits: Hit,
    max_tokens: int = 1_000,
    confidence: float | None = 0.9,
    min_confidence: float = 0.5,
    documents: dict[str, str] = DOCUMENTS,
) -> Context:
    return assemble(
        hits,
        max_tokens=max_tokens,
        confidence=confidence,
        min_confidence=min_confidence,
        count_tokens=words,
        document_text=documents.__getitem__,
    )


TERM = hit("contract.md", "The term begins in May and ends in April of the year", "4 Term")
EARLY = hit("contract.md", "Either party may end it early.", "4 Term")
NOTICE = hit("contract.md", "Notice is given in writing, and thirty days before.", "4 Term")
FEES = hit("contract.md", "Fees are due in June.", "5 Fees")
DOGS = hit("faq.md", "Dogs stay at home.")


def spans(context: Context) -> list[tuple[int, str, int, int]]:
    return [(p.number, p.document_id, p.start, p.end) for p in context.passages]


# Text, numbers, order


def test_a_passage_stands_under_its_number_and_citation() -> None:
    context = context_of(EARLY)
    start, end = EARLY.span
    citation = f"contract.md § 4 Term, chars {start}-{end}"
    assert context.text == f"[1] {citation}\nEither party may end it early."
    assert context.sources == (citation,)
    assert context.tokens == words([context.text])[0]
    assert (context.sufficient, context.reason, context.confidence) == (True, "", 0.9)


def test_passages_are_numbered_by_strength_with_the_strongest_at_both_ends() -> None:
    texts = ["ant", "bee", "cat", "dog", "eel", "fox"]
    documents = {f"{text}.md": text for text in texts}
    hits = [spanned(f"{text}.md", text, 0) for text in texts]
    context = context_of(*hits, documents=documents)
    assert [p.number for p in context.passages] == [1, 3, 5, 6, 4, 2]
    assert [p.text for p in context.passages] == ["ant", "cat", "eel", "fox", "dog", "bee"]
    assert context.sources == tuple(f"{text}.md, chars 0-3" for text in texts)
    parts = [f"[{p.number}] {p.citation}\n{p.text}" for p in context.passages]
    assert context.text == "\n\n".join(parts)
    assert json.loads(json.dumps(context.to_dict()))["passages"][1]["text"] == "cat"


@pytest.mark.parametrize(
    ("count", "order"), [(0, []), (1, [1]), (2, [1, 2]), (3, [1, 3, 2]), (4, [1, 3, 4, 2])]
)
def test_the_order_of_few(count: int, order: list[int]) -> None:
    assert best_at_both_ends(range(1, count + 1)) == order


@given(st.integers(0, 60))
def test_the_weakest_stand_in_the_middle(count: int) -> None:
    order = best_at_both_ends(range(count))
    assert sorted(order) == list(range(count))
    weakest = order.index(count - 1) if count else 0
    assert order[:weakest] == sorted(order[:weakest])
    assert order[weakest:] == sorted(order[weakest:], reverse=True)


# Neighbours


def test_neighbours_are_one_passage_as_strong_as_the_better() -> None:
    context = context_of(NOTICE, DOGS, EARLY)
    assert spans(context) == [
        (1, "contract.md", EARLY.chunk.start, NOTICE.chunk.end),
        (2, "faq.md", 0, 18),
    ]
    assert context.passages[0].text == f"{EARLY.text}\n\n{NOTICE.text}"


def test_a_hit_closes_the_gap_between_two() -> None:
    whole = hit("contract.md", "The term begins in May and ends in April of the year that follows.")
    for order in ([whole, DOGS, NOTICE, EARLY], [NOTICE, DOGS, EARLY, whole]):
        first = context_of(*order).passages[0]
        assert first.text == CONTRACT[whole.chunk.start : NOTICE.chunk.end]
        assert first.number == 1
    assert context_of(whole, DOGS, NOTICE, EARLY).sources[0].startswith("contract.md, chars")
    assert context_of(NOTICE, DOGS, EARLY, whole).sources[0].startswith("contract.md § 4 Term,")


def test_overlapping_chunks_are_joined_without_saying_it_twice() -> None:
    first = hit("contract.md", "The term begins in May and ends in April")
    second = hit("contract.md", "ends in April of the year that follows.")
    for order in ([first, second], [second, first]):
        [passage] = context_of(*order).passages
        assert passage.text == "The term begins in May and ends in April of the year that follows."


def test_what_a_heading_or_a_document_parts_stays_apart() -> None:
    assert len(context_of(NOTICE, FEES).passages) == 2
    same_place = [spanned(name, name, 0) for name in ("one", "two")]
    documents = {"one": "one", "two": "two"}
    assert len(context_of(*same_place, documents=documents).passages) == 2


# Repeats


def kept(*texts: str) -> list[str]:
    return [found.text for found in without_repeats([spanned("d", t, 0) for t in texts])]


LONG = "The deposit is paid back within thirty days of the end of the term in full."


def test_the_same_text_is_said_once_by_the_better_hit() -> None:
    again = hit("faq.md", "Fees are due in June.")
    assert [p.document_id for p in context_of(again, FEES).passages] == ["faq.md"]
    assert kept(LONG, LONG.upper().replace(" ", "\n "), "Dogs.", "Dogs.") == [LONG, "Dogs."]


def test_a_part_of_a_better_hit_is_a_repeat_and_a_longer_one_is_not() -> None:
    part = "paid back within thirty days of the end of"
    assert kept(LONG, part) == [LONG]
    assert kept(part, LONG) == [part, LONG]


def test_a_text_without_a_new_word_is_a_repeat_and_one_with_a_new_word_is_not() -> None:
    text = " ".join(f"word{'x' * n}" for n in range(40))
    shorter = text.replace("wordxxx ", "")
    assert kept(text, shorter) == [text]
    changed = text.replace("wordxxx ", "other ")
    assert kept(text, changed) == [text, changed]


def test_a_contradiction_in_one_word_is_shown() -> None:
    text = f"The company will {{}} pay for travel. {LONG * 5}"
    both = [text.format("always"), text.format("never")]
    assert kept(*both) == both


def test_another_number_is_news_however_alike_the_rest() -> None:
    text = f"Section {{}} {LONG * 5}"
    assert kept(text.format("4.2(b)"), text.format("4.3(b)")) == [
        text.format("4.2(b)"),
        text.format("4.3(b)"),
    ]
    assert kept(text.format("4.2(b)"), text.format("(b)")) == [text.format("4.2(b)")]


def test_hits_without_words_are_no_trouble() -> None:
    assert kept("", "--", LONG) == ["", "--", LONG]


# Budget


def test_a_hit_that_does_not_fit_gives_way_to_weaker_ones_that_do() -> None:
    room = words([context_of(EARLY, DOGS).text])[0]
    context = context_of(EARLY, TERM, DOGS, max_tokens=room)
    assert [p.document_id for p in context.passages] == ["contract.md", "faq.md"]
    assert context.tokens == room


def test_neighbours_that_do_not_fit_leave_the_best_alone() -> None:
    room = words([context_of(NOTICE).text])[0]
    for most in range(room, room + 6):  # the neighbour has six words
        context = context_of(NOTICE, EARLY, max_tokens=most)
        assert spans(context) == [(1, "contract.md", *NOTICE.span)]
    assert context_of(NOTICE, EARLY, max_tokens=room + 6).passages[0].start == EARLY.chunk.start


def test_the_best_is_cut_at_a_word_rather_than_left_out() -> None:
    whole = words([context_of(TERM).text])[0]
    for most in range(whole - 10, whole):
        context = context_of(TERM, EARLY, DOGS, max_tokens=most)
        first = context.passages[0]
        assert (first.number, first.start) == (1, TERM.chunk.start)
        assert first.text == " ".join(TERM.text.split()[: most - whole])
        assert CONTRACT[first.start : first.end] == first.text
        assert context.tokens <= most
        assert not context.sufficient
        assert context.reason == "the best passage was cut to fit the token budget"
        assert context.sources[0].endswith(f"chars {first.start}-{first.end}")


@pytest.mark.parametrize("max_tokens", [1, 2, 5])
def test_where_not_a_word_fits_there_is_nothing_and_a_reason(max_tokens: int) -> None:
    context = context_of(TERM, EARLY, max_tokens=max_tokens)
    assert (context.text, context.passages, context.tokens) == ("", (), 0)
    assert (context.sufficient, context.reason) == (
        False,
        "the best passage does not fit the token budget",
    )


def test_a_single_word_too_long_is_not_cut() -> None:
    documents = {"d": "x" * 100}
    context = context_of(spanned("d", "x" * 100, 0), max_tokens=4, documents=documents)
    assert (context.passages, context.reason) == (
        (),
        "the best passage does not fit the token budget",
    )


@given(data=st.data())
def test_whatever_was_found_the_context_keeps_its_promises(data: st.DataObject) -> None:
    numbers = iter(range(10_000))
    documents: dict[str, str] = {}
    chunks: list[Hit] = []
    for name in ("a", "b", "c"):
        text = ""
        for size in data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=6)):
            text += data.draw(st.sampled_from(["", "\n\n", " ", "\n## Heading\n"]))
            paragraph = " ".join(f"w{next(numbers)}" for _ in range(size))
            chunks.append(spanned(name, paragraph, len(text), "Heading"))
            text += paragraph
        documents[name] = text
    hits = data.draw(st.permutations(chunks))[: data.draw(st.integers(0, len(chunks)))]
    most = data.draw(st.integers(1, 60) | st.integers(1, 600))
    context = context_of(*hits, max_tokens=most, documents=documents)

    assert context.tokens == words([context.text])[0] <= most
    assert sorted(p.number for p in context.passages) == list(range(1, len(context.passages) + 1))
    for p in context.passages:
        assert p.text == documents[p.document_id][p.start : p.end] != ""
        assert f"[{p.number}] {p.citation}\n{p.text}" in context.text
        assert p.citation == f"{p.document_id} § Heading, chars {p.start}-{p.end}"
    inside = [(p.document_id, at) for p in context.passages for at in range(p.start, p.end)]
    assert len(inside) == len(set(inside))
    if context.passages:
        # The best is in, from its first character on; or else not a word of it fits.
        best, first = hits[0], min(context.passages, key=lambda p: p.number)
        assert (best.document_id, best.chunk.start) in inside or most < 10
        assert first.document_id == best.document_id or most < 10
    if most == 600:
        assert all((h.document_id, at) in inside for h in hits for at in range(*h.span))


# Enough to answer?


@pytest.mark.parametrize(
    ("confidence", "least", "reason"),
    [
        (0.5, 0.5, ""),
        (1.0, 1.0, ""),
        (0.0, 0.0, ""),
        (None, 1.0, ""),
        (0.49, 0.5, "confidence 0.49 only, 0.50 is asked for"),
        (0.2, 0.5, "confidence 0.20 only, 0.50 is asked for"),
    ],
)
def test_sufficient_is_what_reaches_the_least_confidence(
    confidence: float | None, least: float, reason: str
) -> None:
    context = context_of(EARLY, confidence=confidence, min_confidence=least)
    assert context.sufficient == (not reason)
    assert context.reason.endswith(reason)
    assert bool(context.reason) == bool(reason)
    assert context.confidence == confidence
    assert context.passages  # shown all the same: the caller decides


def test_nothing_found_is_said_so() -> None:
    context = context_of(confidence=None)
    assert (context.text, context.passages, context.tokens) == ("", (), 0)
    assert (context.sufficient, context.reason) == (False, "nothing was found")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 0}, "max_tokens is 0; a context needs at least 1"),
        ({"max_tokens": -5}, "max_tokens is -5"),
        ({"min_confidence": -0.1}, "min_confidence is -0.1; it must be within 0 and 1"),
        ({"min_confidence": 1.5}, "min_confidence is 1.5"),
        ({"min_confidence": float("nan")}, "min_confidence is nan"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        context_of(EARLY, **options)
