"""`BM25Index` gives the published formulas, takes any text, and tells identifiers apart."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import (
    CorruptIndexError,
    FormatTooNewError,
    IndexNotFoundError,
    InvalidInputError,
    StorageError,
)
from tamis.lexical import Analyzer, BM25Index, Variant
from tamis.types import FloatArray, IntArray

VARIANTS: tuple[Variant, ...] = get_args(Variant)

SMALL = [
    "Refunds take 30 days.",
    "",
    "A refund of the deposit, the whole deposit and nothing but the deposit",
    "Days and days and days",
    "!!!",
    "See § 4.2(b) for refunds of deposits; see ERR_CONN_42 for errors.",
    "Days and days and days",
]


def generated_texts() -> list[str]:
    """Return 500 texts of 0 to 40 words, a few frequent and most of them rare."""
    rng = np.random.default_rng(0)
    return [
        " ".join(f"w{word}" for word in rng.zipf(1.4, size=rng.integers(41)) if word < 10_000)
        for _ in range(500)
    ]


CORPORA = {
    "small": (SMALL, ["refund", "days days deposit", "4.2(b)", "err_conn_42 the", "the of"]),
    "generated": (generated_texts(), ["w1", "w2 w3", "w5 w1 w9 w5", "w40 w41 w2 unheard", "w123"]),
}


def index_of(texts: Sequence[str], **options: Any) -> BM25Index:
    index = BM25Index(**options)
    index.add(texts)
    return index


def reference(
    texts: Sequence[str], query: str, variant: Variant, k1: float, b: float
) -> list[float]:
    """Return the score of every text, straight from the formulas."""
    documents = [Counter(Analyzer().terms(text)) for text in texts]
    n, mean_length = len(texts), sum(d.total() for d in documents) / len(texts)
    scores = [0.0] * n
    for term in Analyzer().terms(query):
        df = sum(term in d for d in documents)
        for row, document in enumerate(documents):
            tf = document[term]
            if not tf:
                continue
            norm = 1 - b + b * document.total() / mean_length
            saturated = tf / (tf + k1 * norm)
            lifted = tf / norm + 0.5
            idf, weight = {
                "lucene": (math.log(1 + (n - df + 0.5) / (df + 0.5)), saturated),
                "robertson": (max(0.0, math.log((n - df + 0.5) / (df + 0.5))), saturated),
                "atire": (math.log(n / df), (k1 + 1) * saturated),
                "bm25l": (math.log((n + 1) / (df + 0.5)), (k1 + 1) * lifted / (k1 + lifted)),
                "bm25+": (math.log((n + 1) / df), (k1 + 1) * saturated + 1),
            }[variant]
            scores[row] += idf * weight
    return scores


def assert_same(found: tuple[FloatArray, IntArray], expected: tuple[FloatArray, IntArray]) -> None:
    """Compare bits."""
    assert found[1].tolist() == expected[1].tolist()
    assert found[0].tobytes() == expected[0].tobytes()


# The scores


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0.0, 0.0), (2.0, 1.0)])
def test_scores_are_those_of_the_formula(
    corpus: str, variant: Variant, k1: float, b: float
) -> None:
    texts, queries = CORPORA[corpus]
    index = index_of(texts, variant=variant, k1=k1, b=b)
    for query in queries:
        expected = np.array(reference(texts, query, variant, k1, b))
        scores, rows = index.search(query, k=len(texts))
        assert (str(scores.dtype), str(rows.dtype)) == ("float32", "int64")
        np.testing.assert_allclose(scores, expected[rows], rtol=1e-6, atol=1e-5)
        assert sorted(rows.tolist()) == np.flatnonzero(expected > 1e-9).tolist()
        pairs = list(zip((-scores).tolist(), rows.tolist(), strict=True))
        assert pairs == sorted(pairs)


@pytest.mark.parametrize("variant", VARIANTS)
def test_scores_are_those_of_bm25s(variant: Variant) -> None:
    texts, queries = CORPORA["generated"]
    analyzer = Analyzer()
    tokens = [analyzer.terms(text) for text in texts]
    delta = 1.0 if variant == "bm25+" else 0.5
    peer = bm25s.BM25(method=variant, k1=1.2, b=0.75, delta=delta, dtype="float64")
    peer.index(tokens, show_progress=False)
    index = index_of(texts, variant=variant)
    compared = 0
    for query in queries:
        terms = [term for term in analyzer.terms(query) if term != "unheard"]
        expected = peer.get_scores(terms)
        scores, rows = index.search(query, k=len(texts))
        if variant in ("bm25l", "bm25+"):
            # There, bm25s also gives a term's delta to the texts that do not hold the term.
            whole = [i for i, row in enumerate(rows) if set(terms) <= set(tokens[row])]
            scores, rows = scores[whole], rows[whole]
        np.testing.assert_allclose(scores, expected[rows], rtol=1e-6, atol=1e-5)
        compared += len(rows)
    assert compared > 100


def test_ties_are_ordered_by_row_and_a_top_k_begins_every_longer_one() -> None:
    texts, _ = CORPORA["generated"]
    index = index_of([*texts, *texts, *texts])
    scores, rows = index.search("w2 w7 w3", k=1_500)
    pairs = list(zip((-scores).tolist(), rows.tolist(), strict=True))
    assert pairs == sorted(pairs)
    score_of = dict(zip(rows.tolist(), scores.tolist(), strict=True))
    assert len(score_of) == 3 * len([row for row in score_of if row < 500]) > 0
    assert all(score == score_of[row % 500] for row, score in score_of.items())
    for k in (1, 2, 10, 100, len(rows)):
        assert_same(index.search("w2 w7 w3", k), (scores[:k], rows[:k]))


def test_a_term_counts_as_often_as_the_query_repeats_it_and_in_any_order() -> None:
    texts, _ = CORPORA["generated"]
    index = index_of(texts)
    once, twice = index.search("w3 w8", k=500), index.search("w8 w3 w8 w3", k=500)
    np.testing.assert_allclose(twice[0], 2 * once[0], rtol=1e-6)
    assert_same(index.search("w3 w8 w3 w8", k=500), twice)


@pytest.mark.parametrize("query", ["", "   ", "?!", "unheard", "\x00", "()"])
def test_a_query_without_a_known_term_finds_nothing(query: str) -> None:
    scores, rows = index_of(SMALL).search(query)
    assert (scores.shape, rows.shape) == ((0,), (0,))
    assert_same(BM25Index().search("refunds"), (scores, rows))
    assert_same(index_of(["", "!!"]).search("refunds"), (scores, rows))


def test_an_empty_text_is_a_row_that_is_never_found() -> None:
    index = BM25Index()
    assert index.add(["", "refunds", "  "]) == range(3)
    assert index.search("refunds")[1].tolist() == [1]
    assert index.add([]) == range(3, 3)
    assert index.add(text for text in ["refunds of deposits"]) == range(3, 4)
    assert index.search("refunds")[1].tolist() == [1, 3]
    assert len(index) == 4


@pytest.mark.parametrize("k", [7, 1_000, 2**62, 2**63, 10**30])
def test_more_than_there_are_is_all(k: int) -> None:
    assert sorted(index_of(SMALL).search("days", k)[1].tolist()) == [0, 3, 6]


# Many queries, files


@pytest.mark.parametrize("threads", [None, 1, 2, 7, 50])
def test_many_queries_give_what_each_gives(threads: int | None) -> None:
    texts, queries = CORPORA["generated"]
    index = index_of(texts)
    queries = [*queries, "", "unheard", *(f"w{n} w{n + 1}" for n in range(30))]
    scores, rows = index.search_many(queries, k=200, threads=threads)
    alone = [index.search(query, k=200) for query in queries]
    width = max(len(found) for found, _ in alone)
    assert scores.shape == rows.shape == (len(queries), width)
    for i, found in enumerate(alone):
        m = len(found[0])
        assert_same((scores[i, :m], rows[i, :m]), found)
        assert set(scores[i, m:].tolist()) <= {0.0}
        assert set(rows[i, m:].tolist()) <= {-1}


def test_more_threads_than_a_system_has_are_no_trouble() -> None:
    rows = index_of(SMALL).search_many(["days"] * 50_000, k=1, threads=50_000)[1]
    assert set(rows.ravel().tolist()) == {3}


def test_each_of_many_threads_learns_the_rows_that_it_added() -> None:
    index = BM25Index()
    added: list[int] = []

    def work() -> None:
        added.extend(index.add(["days and days"] * 500).start for _ in range(200))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == list(range(0, 400_000, 500))


def test_no_queries_give_nothing() -> None:
    assert index_of(SMALL).search_many([])[0].shape == (0, 0)
    assert index_of(SMALL).search_many(["unheard", ""])[1].shape == (2, 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_was_saved_is_opened_and_grows(tmp_path: Path, variant: Variant) -> None:
    texts, queries = CORPORA["generated"]
    index = index_of(texts[:400], analyzer="plain", variant=variant, k1=0.9, b=0.4)
    index.save(tmp_path / "file")
    opened = BM25Index.open(str(tmp_path / "file"))
    assert repr(opened) == repr(index)
    assert_same(opened.search_many(queries, k=400), index.search_many(queries, k=400))
    assert opened.add(texts[400:]) == range(400, 500)
    index.add(texts[400:])
    assert_same(opened.search_many(queries, k=400), index.search_many(queries, k=400))
    opened.save(tmp_path / "file")
    assert len(BM25Index.open(tmp_path / "file")) == 500
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("threads", [1, 2, 9])
def test_a_large_add_is_the_same_for_any_number_of_threads(threads: int, tmp_path: Path) -> None:
    texts = [f"w{i % 7} w{i % 1_000} common" for i in range(70_000)]
    index = BM25Index(analyzer="plain")
    assert index.add(["first"]) == range(1)
    assert index.add(texts, threads=threads) == range(1, 70_001)
    assert index.search("first")[1].tolist() == [0]
    # Equal texts have equal scores: the lowest rows come first.
    assert index.search("w3 w17", 3)[1].tolist() == [18, 7_018, 14_018]
    index.save(tmp_path / "large")
    pieces = BM25Index(analyzer="plain")
    pieces.add(["first"])
    for start in range(0, 70_000, 10_000):
        pieces.add(texts[start : start + 10_000])
    pieces.save(tmp_path / "pieces")
    assert (tmp_path / "large").read_bytes() == (tmp_path / "pieces").read_bytes()


def test_an_index_that_grew_between_searches_is_the_one_that_did_not(tmp_path: Path) -> None:
    texts = generated_texts()
    whole = BM25Index(analyzer="plain")
    whole.add(texts)
    grown = BM25Index(analyzer="plain")
    for start in range(0, 500, 37):
        grown.add(texts[start : start + 37])
        assert len(grown.search("w1 w2")[1]) > 0
    for k in (1, 10, 1_000):
        for query in ("w1", "w2 w3 w1", "w77 w1", "w5 w5 w4"):
            assert_same(grown.search(query, k), whole.search(query, k))
    whole.save(tmp_path / "whole")
    grown.save(tmp_path / "grown")
    assert (tmp_path / "grown").read_bytes() == (tmp_path / "whole").read_bytes()


LONG_ADD = """
import os, signal, sys, threading, time
import tamis
index = tamis.BM25Index()
index.add(["early termination"])
texts = ["some words that are not new " * 300] * 50_000
sent = []
def interrupt():
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
threading.Timer(0.5, interrupt).start()
try:
    index.add(texts)
    print("done")
except KeyboardInterrupt:
    print((time.monotonic() - sent[0]) * 1000)
    assert len(index) == 1 and len(index.search("words")[1]) == 0
    assert index.search("terminate")[1].tolist() == [0]
    assert index.add(["more words"]) == range(1, 2)
    assert index.search("words")[1].tolist() == [1]
"""


def test_ctrl_c_ends_a_long_add_that_adds_nothing() -> None:
    output = subprocess.run(
        [sys.executable, "-c", LONG_ADD], capture_output=True, text=True, check=True
    ).stdout
    # A tenth of a second on a machine that is free; this one may not be.
    assert float(output) < 1_000


def test_an_empty_index_is_saved_and_opened(tmp_path: Path) -> None:
    BM25Index().save(tmp_path / "file")
    opened = BM25Index.open(tmp_path / "file")
    assert opened.add(SMALL) == range(7)
    assert_same(opened.search("days"), index_of(SMALL).search("days"))


def test_a_damaged_file_is_named_and_never_gives_another_answer(tmp_path: Path) -> None:
    path = tmp_path / "words.bm25"
    index = index_of(SMALL)
    index.save(path)
    whole = path.read_bytes()
    refusals = []
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            assert_same(BM25Index.open(path).search("days"), index.search("days"))
        except (CorruptIndexError, FormatTooNewError) as error:
            refusals.append(str(error))
    assert len(refusals) > len(whole) // 4  # the padding between sections says nothing
    assert all("words.bm25" in message for message in refusals)
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptIndexError, match=r"words\.bm25 is damaged"):
            BM25Index.open(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError, match="nowhere"):
        BM25Index.open(tmp_path / "nowhere")
    with pytest.raises(StorageError, match="no_folder"):
        BM25Index().save(tmp_path / "no_folder" / "file")


# Any text

TEXTS = st.text(max_size=60) | st.text("aé中ßİ\u0301\u200d🙂\x00.(_)-+#'\u20194 \n", max_size=60)


@settings(max_examples=200)
@given(texts=st.lists(TEXTS, max_size=5), query=TEXTS)
def test_any_text_is_a_text_and_a_query(texts: list[str], query: str) -> None:
    index = index_of(texts)
    scores, rows = index.search(query)
    assert np.isfinite(scores).all()
    assert (scores > 0).all()
    wanted = set(Analyzer().terms(query))
    holders = [i for i, text in enumerate(texts) if wanted & set(Analyzer().terms(text))]
    assert sorted(rows.tolist()) == holders


@given(
    before=st.text(max_size=5),
    surrogate=st.characters(categories=["Cs"]),
    after=st.text(max_size=5),
)
def test_a_lone_surrogate_is_refused_with_its_place(
    before: str, surrogate: str, after: str
) -> None:
    index, text = BM25Index(), before + surrogate + after
    place = f"holds a lone surrogate at character {len(before)};"
    with pytest.raises(InvalidInputError, match=rf"texts\[1\] {place}"):
        index.add(["good", text])
    assert len(index) == 0
    with pytest.raises(InvalidInputError, match=f"the query {place}"):
        index.search(text)
    with pytest.raises(InvalidInputError, match=rf"queries\[0\] {place}"):
        index.search_many([text])
    with pytest.raises(InvalidInputError, match=f"the text {place}"):
        Analyzer().terms(text)


# A tokenizer of one's own


def letters(text: str) -> list[str]:
    return [character for character in text.lower() if character.isalpha()]


def test_a_tokenizer_of_ones_own_is_asked_for_again(tmp_path: Path) -> None:
    index = index_of(["abba", "Abc", "", "xyz 1"], analyzer=letters)
    assert index.analyzer == "custom"
    scores, rows = index.search("B!")
    assert rows.tolist() == [0, 1]
    plain = index_of(["a b b a", "a b c", "", "x y z"], analyzer="plain")
    assert_same((scores, rows), plain.search("b"))
    assert_same(index.search_many(["b c", ""]), plain.search_many(["b c", ""]))
    index.save(tmp_path / "own")
    opened = BM25Index.open(tmp_path / "own", analyzer=letters)
    assert opened.add(["bbb"]) == range(4, 5)
    assert opened.search("b")[1].tolist() == [4, 0, 1]
    with pytest.raises(InvalidInputError, match=r"own was made with a tokenizer; give it, as in"):
        BM25Index.open(tmp_path / "own")
    plain.save(tmp_path / "plain")
    with pytest.raises(InvalidInputError, match="made with the analyzer 'plain'; give none"):
        BM25Index.open(tmp_path / "plain", analyzer=letters)


def test_terms_of_a_tokenizer_are_taken_as_they_are() -> None:
    index = index_of(["New York|New York|C++", "new|york"], analyzer=lambda text: text.split("|"))
    assert index.search("New York")[1].tolist() == [0]
    assert index.search("york")[1].tolist() == [1]
    assert index.search("|")[1].tolist() == []


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("ab", r"the terms of texts\[1\] is one string"),
        (["a", b"b"], r"the terms of texts\[1\]\[1\] is of type bytes"),
        (["a\udc80"], r"the terms of texts\[1\]\[0\] holds a lone surrogate"),
        (["a\nb"], r"the terms of texts\[1\] hold 'a\\nb'; a term is one line"),
    ],
)
def test_terms_that_are_none_are_refused(terms: Any, message: str) -> None:
    index = BM25Index(analyzer=lambda text: terms if text == "bad" else [text])
    with pytest.raises(InvalidInputError, match=message):
        index.add(["good", "bad"])
    assert len(index) == 0


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"analyzer": "klingon"}, 'no analyzer "klingon"; there are default, plain'),
        ({"analyzer": "custom"}, "'custom' stands for a tokenizer of your own; give that"),
        ({"variant": "bm26"}, 'no BM25 variant "bm26"; there are lucene, robertson'),
        ({"k1": -0.1}, "k1 is -0.1; it must be finite and at least 0"),
        ({"k1": math.nan}, "k1 is NaN"),
        ({"k1": math.inf}, "k1 is inf"),
        ({"b": -0.1}, "b is -0.1; it must be within 0 and 1"),
        ({"b": 1.1}, "b is 1.1"),
        ({"b": math.nan}, "b is NaN"),
    ],
)
def test_parameters_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        BM25Index(**options)


def test_calls_without_meaning_are_refused() -> None:
    index = index_of(SMALL)
    with pytest.raises(InvalidInputError, match=r"texts is one string; give a list, .*\['refund'"):
        index.add("refund")
    with pytest.raises(InvalidInputError, match="queries is one string; give a list"):
        index.search_many("refund")
    with pytest.raises(
        InvalidInputError, match=r"texts\[1\] is of type bytes; it must be a string"
    ):
        index.add(["refund", b"refund"])  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="the query is of type NoneType"):
        index.search(None)  # type: ignore[arg-type]
    for k in (0, -1, -(2**70)):
        with pytest.raises(InvalidInputError, match=f"k is {k}; ask for at least 1"):
            index.search("refund", k)
        with pytest.raises(InvalidInputError, match=f"k is {k}; ask for at least 1"):
            index.search_many(["refund"], k)
    with pytest.raises(InvalidInputError, match="threads is 0; it takes at least 1"):
        index.search_many(["refund"], threads=0)
    with pytest.raises(InvalidInputError, match='no analyzer "x"'):
        Analyzer("x")
    assert len(index) == len(SMALL)


def test_it_says_what_it_is() -> None:
    expected = "<BM25Index: 0 texts, bm25+, k1=0.9, b=0.4, analyzer 'plain'>"
    assert repr(BM25Index("plain", "bm25+", 0.9, 0.4)) == expected


@pytest.mark.parametrize("k", [1, 10, 1_000])
def test_a_filter_leaves_out_rows_and_changes_no_score(k: int) -> None:
    index = BM25Index(analyzer="plain")
    texts = generated_texts()
    index.add(texts[:300])
    index.search("w1")
    index.add(texts[300:])  # a second piece
    where = np.random.default_rng(0).random(500) < 0.3
    scores, rows = index.search("w1 w2 w7", 500)
    kept = where[rows]
    assert 0 < kept.sum() < len(rows)
    expected = (scores[kept][:k], rows[kept][:k])
    assert_same(index.search("w1 w2 w7", k, where=where), expected)
    found = index.search_many(["w1 w2 w7", "zzz"], k, where=where)
    n = len(expected[1])
    assert_same((found[0][0, :n], found[1][0, :n]), expected)
    with pytest.raises(InvalidInputError, match="499 flags, the index has 500 rows"):
        index.search("w1", where=where[1:])
