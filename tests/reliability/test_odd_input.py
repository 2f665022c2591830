"""Whatever is passed in: an exact answer, or a `TamisError` that names what is wrong with it.

No other exception, no panic, no crash; and what was refused leaves everything as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tamis
from tamis.errors import (
    DimensionError,
    InvalidInputError,
    NonFiniteError,
    TamisError,
    UnreadableDocumentError,
    VersionNotFoundError,
    ZeroVectorError,
)
from tests.fakes import WordEncoder
from tests.reliability.life import content_of, open_index, times
from tests.tiny_models import DIM, ENCODER, RERANKER

#: Examples of each test; together about 300.
examples = partial(
    settings, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
some = examples(max_examples=20 * times())
few = examples(max_examples=10 * times())

MEBIBYTE = 1 << 20

ODD_TEXTS = [
    "",
    " ",
    "\n\n\n",
    "\t\r\n\v\f",
    "\0",
    "a\0b",
    "".join(map(chr, range(32))),
    "\x7f\x80\x9f\u2028\u2029",
    "\ufeffbom",
    "\u202eright to left\u202c",
    "\u200b\u200d\u2060",
    "\ud7ff\ue000\uffff",
    "\U0010ffff" * 3,
    "e\u0301" * 40,
    "a" + "\u0301" * 2_000,
    "I\u0307\u0130\u0131\ufb01\u1e9e",
    "数据库は速い한국어ภาษาไทย",
    "שלום עולם العربية हिन्दी",
    "👩‍👩‍👧‍👦🏳️‍🌈🇩🇪",
    "\U0001d518\U0001d52b\U0001d526",
    "x" * 5_000,
    "- " * 3_000,
    "# \n## \n### \n",
    "```\nnever closed",
    "| a | b |\n|---|\n| c",
    "\"'\\<>&{}[]();--",
    '+-"~*:',
    '+"',
    "title:",
    "title:title:title:",
    "~2*~",
    '"' * 200,
    "<script>&#0;&#xD800;<p><table><tr>",
]
LONE = ["\ud800", "a\udfffb", "\ude00\ud83d", "\ud83d"]

odd_texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=200)
lone_texts = st.builds(
    "{}{}{}".format, st.text(max_size=5), st.sampled_from(LONE), st.text(max_size=5)
)
no_texts: st.SearchStrategy[Any] = st.sampled_from(
    [None, 7, 1.5, b"bytes", ["list"], ("tuple",), {"a": 1}, object()]
)

no_numbers: st.SearchStrategy[Any] = st.sampled_from(["1", b"1", None, [1], {}, object(), 1j])
fractions: st.SearchStrategy[Any] = st.sampled_from(
    [1.0, 0.5, -1.5, math.nan, math.inf, np.float32(3)]
)
too_small: st.SearchStrategy[Any] = st.sampled_from(
    [0, False, -1, -(2**31), -(2**63), -(2**63) - 1, -(10**30), np.int64(-5)]
)
enough: st.SearchStrategy[Any] = st.sampled_from(
    [1, 2, 5, 6, 1000, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**30, np.int8(3), np.uint64(2**63)]
)


def refused(call: Callable[[], object], *names: str) -> InvalidInputError:
    """Expect that a call is refused, in words that name what is wrong."""
    with pytest.raises(InvalidInputError) as caught:
        call()
    message = str(caught.value)
    for name in names:
        assert name in message
    message.encode()  # can be logged
    return caught.value


# Arrays

DIMS = 3


@st.composite
def odd_values(draw: st.DrawFn) -> tuple[npt.NDArray[Any], type[TamisError] | None, int]:
    """Give rows of an index of `DIMS`, what is wrong with them if anything is, and in which row."""
    n = draw(st.integers(1, 5))
    dtype = draw(st.sampled_from(["f2", "f4", "f8", ">f4", ">f8", "i1", "u8", "i8", "longdouble"]))
    values = draw(st.lists(st.integers(1, 100), min_size=n * DIMS, max_size=n * DIMS))
    rows: npt.NDArray[Any] = np.array(values).reshape(n, DIMS).astype(dtype)
    wrong: type[TamisError] | None = None
    row = draw(st.integers(0, n - 1))
    kind = draw(st.sampled_from(["right", "right", "zero", "finite"]))
    if kind == "zero":
        rows[row], wrong = 0, ZeroVectorError
    elif kind == "finite" and rows.dtype.kind == "f":
        odd = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
        rows[row, draw(st.integers(0, DIMS - 1))], wrong = odd, NonFiniteError
    match draw(st.sampled_from(["plain", "fortran", "strided", "reversed", "frozen", "unaligned"])):
        case "fortran":
            rows = np.asfortranarray(rows)
        case "strided":
            rows = np.repeat(np.repeat(rows, 2, axis=0), 3, axis=1)[::2, ::3]
        case "reversed":
            rows = np.ascontiguousarray(rows[::-1, ::-1])[::-1, ::-1]
        case "frozen":
            rows.flags.writeable = False
        case "unaligned" if rows.dtype.itemsize <= 8:
            raw = np.zeros(rows.nbytes + 1, np.uint8)[1:]
            raw[:] = np.frombuffer(rows.tobytes(), np.uint8)
            rows = raw.view(rows.dtype).reshape(rows.shape)
    return rows, wrong, row


@some
@given(case=odd_values())
def test_vectors_of_any_layout_are_exact_or_refused_by_row(
    case: tuple[npt.NDArray[Any], type[TamisError] | None, int],
) -> None:
    rows, wrong, row = case
    index = tamis.DenseIndex(DIMS)
    index.add(np.eye(DIMS))
    if wrong is not None:
        for call in (index.add, index.search):
            with pytest.raises(wrong, match=rf"row {row}\b"):
                call(rows)
        assert len(index) == DIMS
        return
    plain = np.ascontiguousarray(rows, dtype=np.float32)
    assert index.add(rows) == range(DIMS, DIMS + len(rows))
    twin = tamis.DenseIndex(DIMS)
    twin.add(np.vstack([np.eye(DIMS, dtype=np.float32), plain]))
    for queries in (rows, plain):
        for (scores, found), (twins, expected) in [
            (index.search(queries, 99), twin.search(plain, 99)),
            (index.search(queries[0], 2), twin.search(plain[0], 2)),
        ]:
            assert scores.tobytes() == twins.tobytes()
            assert found.tolist() == expected.tolist()


@some
@given(
    shape=st.lists(st.integers(0, 4), max_size=4).map(tuple),
    dtype=st.sampled_from(["f4", "f8", "i8", "?"]),
)
def test_arrays_of_any_shape_are_taken_or_refused(shape: tuple[int, ...], dtype: str) -> None:
    index = tamis.DenseIndex(DIMS)
    index.add(np.eye(DIMS))
    array = np.ones(shape, dtype)
    if shape == (DIMS,) or (len(shape) == 2 and shape[1] == DIMS):
        n = 1 if len(shape) == 1 else shape[0]
        scores, rows = index.search(array, 99)
        assert scores.shape == rows.shape == (*shape[:-1], DIMS)
        assert len(index.add(array)) == n
        return
    for call in (index.add, index.search):
        with pytest.raises(DimensionError, match=r"\(n, 3\) or \(3,\)") as caught:
            call(array)
        assert str(shape) in str(caught.value)
    assert len(index) == DIMS


def test_no_rows_are_no_rows() -> None:
    index = tamis.DenseIndex(DIMS)
    assert index.search(np.eye(DIMS), 5)[1].shape == (DIMS, 0)
    assert index.search(np.ones(DIMS), 2**63)[1].shape == (0,)
    assert index.add(np.empty((0, DIMS))) == range(0)
    assert index.search(np.empty((0, DIMS)))[1].shape == (0, 0)
    lexical = tamis.BM25Index()
    assert lexical.add([]) == range(0)
    assert lexical.search("a", 2**63)[1].tolist() == []
    assert lexical.search_many([], 3)[1].shape == (0, 0)


# How many


@pytest.fixture(scope="module")
def dense() -> tamis.DenseIndex:
    index = tamis.DenseIndex(DIMS)
    index.add([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 2, 3]])
    return index


@pytest.fixture(scope="module")
def lexical() -> tamis.BM25Index:
    index = tamis.BM25Index(positions=True)
    index.add(["red boat", "red boat red", "boat", "red laser boat", "boat days"])
    return index


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tamis.Index:
    """Give an index of five documents at version 2, which no test changes."""
    index = open_index(tmp_path_factory.mktemp("small") / "x.tamis")
    index.add([{"id": "first", "text": "red boat"}])
    index.commit()
    index.add({"id": f"d{i}", "text": f"red boat number {i}"} for i in range(4))
    index.commit()
    return index


def searches(
    dense: tamis.DenseIndex, lexical: tamis.BM25Index, small: tamis.Index
) -> list[Callable[[Any], int]]:
    """Return what takes a `k`, and gives how many were found; all five, if they may be."""
    return [
        lambda k: dense.search([1.0, 1, 1], k)[1].shape[-1],
        lambda k: dense.search([1.0, 1, 1], k, precision="fast")[1].shape[-1],
        lambda k: dense.search([1.0, 1, 1], k, where=np.ones(5, bool))[1].shape[-1],
        lambda k: lexical.search("boat", k)[1].shape[-1],
        lambda k: lexical.search(tamis.Query("+boat"), k)[1].shape[-1],
        lambda k: lexical.search_many(["boat", "red"], k)[1].shape[-1],
        lambda k: len(small.search("boat", k=k)),
        lambda k: len(small.search("boat", k=k, mode="lexical")),
        lambda k: len(small.search("boat", k=k, mode="dense")),
        lambda k: len(small.search_many(["boat"], k=k)[0]),
    ]


@few
@given(k=enough)
def test_any_k_from_one_on_gives_as_many_as_there_are(
    dense: tamis.DenseIndex, lexical: tamis.BM25Index, small: tamis.Index, k: Any
) -> None:
    for search in searches(dense, lexical, small):
        assert search(k) == min(int(k), 5)


@few
@given(k=too_small | fractions | no_numbers)
def test_a_k_without_meaning_is_refused(
    dense: tamis.DenseIndex, lexical: tamis.BM25Index, small: tamis.Index, k: Any
) -> None:
    for search in searches(dense, lexical, small):
        refused(partial(search, k), "k is ")


@few
@given(
    number=too_small.filter(lambda n: n < 0)
    | fractions
    | st.sampled_from(["1", b"1", [1], {}, object(), 1j, True, False])
    | st.sampled_from([2**63, 2**64, 10**30])
)
def test_a_version_without_meaning_is_refused(small: tamis.Index, number: Any) -> None:
    path = small.path
    for call, name in [
        (lambda: small.diff(number), "version is"),
        (lambda: small.diff(1, number), "version is"),
        (lambda: small.rollback(number), "version is"),
        (lambda: small.prune(keep=number), "keep is"),
        (lambda: tamis.rollback(path, number), "version is"),
        (lambda: tamis.open(path, encoder=WordEncoder(), version=number), "version is"),
    ]:
        refused(call, name)
    assert small.versions() == [0, 1, 2]


@few
@given(number=st.sampled_from([3, 2**31, 2**32, 2**63 - 1, np.int64(9), np.uint64(2**62)]))
def test_a_version_that_is_not_there_is_named(small: tamis.Index, number: Any) -> None:
    for call in (
        lambda: small.diff(number),
        lambda: small.diff(1, number),
        lambda: small.rollback(number),
        lambda: tamis.rollback(small.path, number),
        lambda: tamis.open(small.path, encoder=WordEncoder(), version=number),
    ):
        with pytest.raises(VersionNotFoundError, match=str(int(number))):
            call()
    assert small.versions() == [0, 1, 2]


# Texts of an index


@some
@given(
    docs=st.dictionaries(odd_texts.filter(bool), st.tuples(odd_texts, odd_texts), max_size=4),
    query=odd_texts,
)
def test_any_text_comes_back_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, docs: dict[str, tuple[str, str]], query: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "x.tamis"
    index = open_index(path)
    index.add(
        {"id": id, "text": text, "title": title, "source": title, "metadata": {"of": title, id: 1}}
        for id, (text, title) in docs.items()
    )
    index.commit()
    expected = {id: text for id, (text, _) in docs.items()}
    for opened in (index, open_index(path)):
        assert content_of(opened) == expected
        for id, (text, title) in docs.items():
            document = opened.get(id)
            assert document is not None
            assert document.text.encode() == text.encode()
            assert (document.title, document.source) == (title, title)
            assert document.metadata == {"of": title, id: 1}
        if query.strip():
            for asked in (query, tamis.Query(query)):
                results = opened.search(asked, k=99)
                for hit in results:
                    start, end = hit.span
                    assert expected[hit.document_id][start:end] == hit.text
                    assert all(0 <= first < last <= len(hit.text) for first, last in hit.offsets)
                results.context(max_tokens=50)
        else:
            refused(partial(opened.search, query), "query")
    index.delete([*docs, query, "not there"])
    index.commit()
    assert content_of(index) == {}


@some
@given(
    passages=st.lists(st.tuples(odd_texts, odd_texts, st.lists(odd_texts, max_size=2)), max_size=4),
    id=odd_texts.filter(bool),
)
def test_any_passage_comes_back_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, passages: list[tuple[str, str, list[str]]], id: str
) -> None:
    index = open_index(tmp_path_factory.mktemp("passages") / "x.tamis")
    index.add_chunks(
        [
            {"id": f"{i}{own}", "document_id": id, "text": text, "headings": headings}
            for i, (own, text, headings) in enumerate(passages)
        ],
        np.ones((len(passages), WordEncoder.dim)) if passages else None,
    )
    index.commit()
    whole = "\n\n".join(text for _, text, _ in passages)
    assert content_of(index) == ({id: whole} if passages else {})
    found = {hit.chunk.id: hit for hit in index.search("x", k=99, mode="dense")}
    assert found.keys() == {f"{i}{own}" for i, (own, _, _) in enumerate(passages)}
    for i, (own, text, headings) in enumerate(passages):
        hit = found[f"{i}{own}"]
        assert (hit.text, list(hit.chunk.headings)) == (text, headings)
        assert whole[slice(*hit.span)] == text


@few
@given(odd=lone_texts | no_texts)
def test_a_text_that_cannot_be_stored_is_refused_and_named(small: tamis.Index, odd: Any) -> None:
    good = {"id": "good", "text": "good"}
    lone = isinstance(odd, str)
    for field in ("id", "text", "title", "source"):
        refused(partial(small.add, [good | {field: odd}]), f"the {field} of document")
    for field in ("id", "text", "document_id", "kind"):
        passage = good | {field: odd}
        refused(partial(small.add_chunks, [good | {"id": "b"}, passage]), field, "chunks[1]")
    refused(partial(small.add_chunks, [good | {"headings": ["a", odd]}]), "headings'][1]")
    refused(partial(small.delete, ["a", odd]), "ids[1]")
    refused(partial(small.search, odd), "the query")
    refused(partial(small.search_many, ["a", odd]), "queries[1]")
    if lone:
        refused(lambda: small.add([good | {"metadata": {"a": odd}}]), "metadata", "good")
        refused(lambda: small.add([good | {"metadata": {odd: 1}}]), "metadata", "good")
        refused(partial(small.search, tamis.Query(odd)), "the query")
    assert not small._pending
    assert not small._deleted


@few
@given(
    value=st.sampled_from(
        [
            math.nan,
            math.inf,
            -math.inf,
            b"bytes",
            {1, 2},
            object(),
            1j,
            np.float32("nan"),
            np.ones(2),
        ]
    ),
    depth=st.integers(0, 3),
)
def test_metadata_that_is_no_json_is_refused(small: tamis.Index, value: Any, depth: int) -> None:
    for _ in range(depth):
        value = {"in": [value]}
    for add in (small.add, small.add_chunks):
        item = {"id": "odd one", "text": "t", "metadata": {"a": value}}
        refused(partial(add, [item]), "metadata", "'odd one'")
    no_mappings: list[object] = [7, "text", [("a", 1)], None]
    for no_mapping in no_mappings:
        plain = {"id": "odd one", "text": "t"}
        refused(partial(small.add, [plain | {"metadata": no_mapping}]), "metadata", "'odd one'")
    assert not small._pending


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)  # others cannot be asked for, and are refused
    | st.floats(allow_nan=False, allow_infinity=False)
    | odd_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=3),
    max_leaves=8,
)


@few
@given(metadata=st.dictionaries(odd_texts, json_values, max_size=4))
def test_any_json_comes_back_as_metadata(
    tmp_path_factory: pytest.TempPathFactory, metadata: dict[str, Any]
) -> None:
    index = tamis.open(tmp_path_factory.mktemp("j") / "x.tamis", encoder=None, reranker=None)
    index.add([{"id": "a", "text": "boat", "metadata": metadata}])
    index.commit()
    document = index.get("a")
    assert document is not None
    assert document.metadata == metadata
    assert index.search("boat")[0].metadata == metadata


@pytest.mark.parametrize("unit", ["\0", "\x1b\x07", "boat ", "x", "漢", "\U0001f600", "\n"])
def test_a_text_of_a_mebibyte_comes_back_as_it_is(tmp_path: Path, unit: str) -> None:
    text = unit * (MEBIBYTE // len(unit.encode()))
    expected = {"a": text, text: "short"}
    index = open_index(tmp_path / "x.tamis")
    index.add([{"id": id, "text": each, "metadata": {text: id}} for id, each in expected.items()])
    index.commit()
    opened = open_index(tmp_path / "x.tamis")
    assert content_of(opened) == expected
    assert all(document.metadata == {text: document.id} for document in opened.documents())
    assert opened.verify() == []
    lexical = tamis.BM25Index()
    lexical.add(["boat", text])
    found = lexical.search(text)[1].tolist()
    assert found == ([1, 0] if unit == "boat " else found)
    assert opened.search("short", mode="lexical")[0].document_id == text


# Texts of the blocks alone


@some
@given(texts=st.lists(odd_texts, max_size=5), query=odd_texts)
def test_words_of_any_text_are_found_the_same_in_every_way(texts: list[str], query: str) -> None:
    index = tamis.BM25Index(positions=True)
    assert index.add(texts) == range(len(texts))
    for asked in (query, tamis.Query(query), *texts):
        scores, rows = index.search(asked, 99)
        assert np.isfinite(scores).all()
        many, found = index.search_many([asked], 99)
        assert (many[0].tolist(), found[0].tolist()) == (scores.tolist(), rows.tolist())
    analyzer = tamis.Analyzer()
    for text in texts:
        tokens = analyzer.explain(text)
        assert [token.term for token in tokens] == analyzer.terms(text)
        assert all(0 <= token.start < token.end <= len(text) for token in tokens)
        spans = analyzer.highlights(query, text)
        assert all(0 <= start < end <= len(text) for start, end in spans)


@few
@given(odd=lone_texts | no_texts.filter(lambda value: not isinstance(value, dict)))
def test_texts_that_are_none_are_refused_by_row(odd: Any) -> None:
    index = tamis.BM25Index()
    index.add(["boat"])
    refused(partial(index.add, ["a", "b", odd]), "texts[2]")
    refused(partial(index.search, odd), "the query")
    refused(partial(index.search_many, ["a", odd]), "queries[1]")
    fields = tamis.BM25Index(fields={"title": 2, "body": 1})
    refused(partial(fields.add, [{"title": "a"}, {"title": odd}]), "texts[1]['title']")
    for call in (tamis.Analyzer().terms, tamis.Analyzer().explain):
        refused(partial(call, odd), "the text")
    assert (len(index), len(fields)) == (1, 0)


# Lists


@some
@given(
    lists=st.lists(
        st.lists(st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63)])), max_size=4
    ),
    k=st.sampled_from([0, 1, 60, 1e300, 5e-324, Fraction(1, 2), np.float32(7), 2**63]),
)
def test_ids_are_fused_exactly_or_refused(lists: list[list[int]], k: Any) -> None:
    scored = [(np.arange(len(ids), 0, -1), ids) for ids in lists]
    if any(len(set(ids)) < len(ids) for ids in lists):
        refused(partial(tamis.rrf, lists, k), "id", "list")
        refused(partial(tamis.fuse, scored), "id", "list")
        return
    scores, ids = tamis.rrf(lists, k)
    expected: dict[int, float] = {}
    for each in lists:
        for rank, id in enumerate(each, 1):
            expected[id] = expected.get(id, 0.0) + 1.0 / (float(k) + rank)
    assert dict(zip(ids.tolist(), scores.tolist(), strict=True)) == expected
    order = sorted(expected, key=lambda id: (-expected[id], id))
    assert ids.tolist() == order
    assert sorted(tamis.fuse(scored)[1].tolist()) == sorted(expected)


@few
@given(odd=st.sampled_from([math.nan, math.inf, -math.inf, -1.0, -5e-324]))
def test_numbers_that_weigh_nothing_are_refused(odd: float) -> None:
    lists = [[1, 2], [2, 3]]
    scored = [([2.0, 1.0], ids) for ids in lists]
    refused(partial(tamis.rrf, lists, odd), "k is")
    refused(partial(tamis.rrf, lists, 60, [1.0, odd]), "weight")
    refused(partial(tamis.fuse, scored, weights=[1.0, odd]), "weight")
    refused(partial(tamis.fuse, scored, method="rrf", k=odd), "k is")
    if not math.isfinite(odd):
        refused(partial(tamis.fuse, [([2.0, odd], [1, 2])]), "score")


@some
@given(
    run=st.dictionaries(odd_texts, st.lists(odd_texts, max_size=4), max_size=3),
    qrels=st.dictionaries(
        odd_texts, st.dictionaries(odd_texts, st.integers(-2, 3), max_size=4), max_size=3
    ),
    k=st.sampled_from([1, 10, 2**63, 10**30]),
)
def test_any_run_is_measured_or_refused(
    run: dict[str, list[str]], qrels: dict[str, dict[str, int]], k: int
) -> None:
    measures = [f"nDCG@{k}", f"recall@{k}", f"precision@{k}", "MAP", "MRR", f"hit_rate@{k}"]
    judged = [run[query] for query in qrels if query in run]
    if not qrels:
        refused(partial(tamis.evaluate, run, qrels, measures), "qrels")
    elif any(len(set(ids)) < len(ids) for ids in judged):
        refused(partial(tamis.evaluate, run, qrels, measures), "occurs more than once")
    else:
        means = tamis.evaluate(run, qrels, measures).means
        assert means.keys() == set(measures)
        assert all(0 <= mean <= 1 for mean in means.values())


@few
@given(odd=no_texts, measure=odd_texts, score=st.sampled_from([math.nan, math.inf, -math.inf]))
def test_a_run_without_meaning_is_refused(odd: Any, measure: str, score: float) -> None:
    qrels = {"q": {"d": 1}}
    refused(partial(tamis.evaluate, {"q": ["d", odd]}, qrels), "document ids are strings")
    refused(partial(tamis.evaluate, {"q": {"d": score}}, qrels), "'d'", "score")
    refused(partial(tamis.evaluate, {"q": "d"}, qrels), "'d'")
    refused(partial(tamis.evaluate, {"q": ["d"]}, qrels, [measure]), "unknown measure")


# Documents


@some
@given(text=odd_texts, most=st.sampled_from([4, 5, 30, 2**63, 10**30]))
def test_any_text_is_cut_into_its_own_parts(text: str, most: int) -> None:
    document = tamis.Document("a", text)
    chunks = tamis.chunk(document, max_tokens=most)
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
    outside = "".join(text.split())
    assert "".join("".join(chunk.text.split()) for chunk in chunks) == outside
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@few
@given(most=too_small)
def test_passages_without_room_are_refused(most: Any) -> None:
    refused(partial(tamis.chunk, tamis.Document("a", "text"), max_tokens=most), "max_tokens is")


@some
@given(
    data=st.binary(max_size=300)
    | odd_texts.map(str.encode)
    | odd_texts.map(lambda t: t.encode("u16")),
    suffix=st.sampled_from([".md", ".html", ".rst", ".txt"]),
)
def test_any_file_is_read_or_refused_by_its_name(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("file") / f"odd{suffix}"
    path.write_bytes(data)
    document = None
    with suppress(UnreadableDocumentError):
        document = tamis.read(path)
    if document is None:
        with pytest.raises(UnreadableDocumentError, match=rf"odd\{suffix}"):
            tamis.read(path)
        return
    document.text.encode()
    for chunk in tamis.chunk(document):
        assert document.text[chunk.start : chunk.end] == chunk.text


@few
@given(files=st.dictionaries(st.sampled_from("abcdefgh"), st.binary(max_size=200), min_size=1))
def test_a_folder_of_any_files_is_synced_and_what_cannot_be_read_is_told(
    tmp_path_factory: pytest.TempPathFactory, files: Mapping[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    source = folder / "source"
    source.mkdir()
    for name, data in files.items():
        (source / f"{name}.txt").write_bytes(data)
    index = open_index(folder / "x.tamis")
    report = index.sync(source)
    assert len(report.added) + len(report.skipped) == len(files)
    for id, text in content_of(index).items():
        assert text == tamis.read(source / id.removeprefix("source/")).text
    assert index.verify() == []


# Models


@pytest.fixture(scope="module")
def encoder(models: Path) -> tamis.Encoder:
    return tamis.Encoder(ENCODER)


@pytest.fixture(scope="module")
def reranker(models: Path) -> tamis.Reranker:
    return tamis.Reranker(RERANKER)


@some
@given(texts=st.lists(odd_texts, max_size=4), query=odd_texts)
def test_models_read_any_text(
    encoder: tamis.Encoder, reranker: tamis.Reranker, texts: list[str], query: str
) -> None:
    vectors = encoder.encode(texts)
    assert vectors.shape == (len(texts), DIM)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert len(encoder.count_tokens(texts)) == len(encoder.is_truncated(texts)) == len(texts)
    logits = reranker.score(query, texts)
    assert logits.shape == (len(texts),)
    assert np.isfinite(logits).all()


@few
@given(odd=lone_texts | no_texts)
def test_models_refuse_what_is_no_text(
    encoder: tamis.Encoder, reranker: tamis.Reranker, odd: Any
) -> None:
    for call in (encoder.encode, encoder.count_tokens, encoder.is_truncated):
        refused(partial(call, ["a", odd]), "texts[1]")
    refused(partial(reranker.score, "q", ["a", odd]), "passages[1]")
    refused(partial(reranker.score, odd, ["a"]), "query")
    refused(partial(reranker.rerank, "q", ["a"], deadline=math.nan), "deadline")
