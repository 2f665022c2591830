"""`Query`: signs that ask for phrases, fields, prefixes, likeness, and what must be there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tamis
from tamis.errors import InvalidInputError
from tamis.lexical import Clause, Query

LEASES = [
    {
        "title": "Residential lease",
        "body": "The tenant may not keep pets. Early termination: 30 days.",
    },
    {
        "title": "Pets",
        "body": "A lease may allow pets. Termination may be early, at a fee of $200.",
    },
    {"title": "Commercial lease", "body": "The landlord may terminate early. No pets, no lessee."},
    {"title": "Parking", "body": "Spaces are let with the lease of a flat."},
]


def leases(analyzer: str = "default") -> tamis.BM25Index:
    index = tamis.BM25Index(analyzer, fields={"title": 3, "body": 1}, positions=True)
    index.add(LEASES)
    return index


def found(query: str, analyzer: str = "default") -> list[int]:
    """Return the rows that a query finds, in their own order."""
    rows: list[int] = sorted(leases(analyzer).search(Query(query))[1].tolist())
    return rows


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("lease", [0, 1, 2, 3]),
        ("title:lease", [0, 2]),
        ("+title:lease pets", [0, 2]),
        ("pets -title:lease", [1]),
        ("+pets +fee", [1]),
        ("+pets +submarine", []),
        ("pets -submarine", [0, 1, 2]),
        ('"early termination"', [0]),
        ('"early termination"~3', [0, 1, 2]),
        ('title:"residential lease"', [0]),
        ('title:"lease residential"', []),
        ('"lease the"', []),  # the end of a title and the beginning of a body do not touch
        ('pets -"no pets"', [0, 1]),
        ("+\u201cno pets\u201d", [2]),
        ("land*", [2]),
        ("title:p*", [1, 3]),
        ("+land* +less*", [2]),
        ("tenent~", [0]),
        ("leese~", [0, 1, 2, 3]),
        ("+lesse~1 -title:lease", [1, 3]),
        ("-lease", []),
        ("", []),
        ('"" + - * ~ : -""', []),
    ],
)
def test_finds_what_its_signs_ask_for(query: str, rows: list[int]) -> None:
    assert found(query) == rows


def test_a_plain_string_has_no_signs() -> None:
    index = leases()
    assert index.search('+"early termination" -pets')[1].tolist() == (
        index.search("early termination pets")[1].tolist()
    )
    assert index.search("title:lease")[1].size == 4


def test_weights_decide_between_fields() -> None:
    index = leases()
    assert index.search("pets")[1][0] == 1
    assert index.search("parking lease")[1][0] == 3
    assert index.fields == {"title": 3, "body": 1}
    flat = tamis.BM25Index()
    flat.add([f"{lease['title']} " * 3 + lease["body"] for lease in LEASES])
    for query in ("lease", "pets early", "termination of a lease"):
        scores, rows = index.search(query)
        expected, expected_rows = flat.search(query)
        assert rows.tolist() == expected_rows.tolist()
        assert scores.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_phrase_counts_as_a_term_does() -> None:
    index = tamis.BM25Index("plain", positions=True)
    index.add(["a b a b", "b a", "a c", "c"])
    whole = tamis.BM25Index("plain")
    whole.add(["x x y y", "z y", "z c", "c"])  # as long, and "a b" is one of their terms
    assert index.search(Query('"a b"'))[0].tolist() == whole.search("x")[0].tolist()


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("see Section 4.2(b) first", "section 4.2(b)"),
        ("set user_name now", "user name"),
        ("東京都の人口", "京都の"),
        ("東京の人", "東京の人"),
        ("an iPhone case", "iPhone case"),
        ("a notepad++ plugin", "notepad++ plugin"),
        ("the company\u2019s fee", "company's fee"),
        ("a rose is a rose is a rose", "is a rose is"),
    ],
)
def test_phrases_are_cut_as_texts_are(text: str, phrase: str) -> None:
    index = tamis.BM25Index(positions=True)
    index.add([text, "something else", " ".join(reversed(text.split()))])
    assert 0 in index.search(Query(f'"{phrase}"'))[1]
    assert found(f'"{phrase}"') == []


@pytest.mark.parametrize(
    ("phrase", "texts"),
    [
        ("東京の人", ["東京は人が多い"]),
        ("iPhone case", ["a phone case"]),
        ("notepad++ plugin", ["notepad plugin"]),
        ("v2.1.0", ["2.1.0"]),
    ],
)
def test_a_phrase_is_all_of_its_words(phrase: str, texts: list[str]) -> None:
    index = tamis.BM25Index(positions=True)
    index.add(texts)
    assert index.search(Query(f'+"{phrase}"'))[1].tolist() == []


def test_words_that_stand_together_are_different_ones() -> None:
    index = tamis.BM25Index("plain", positions=True)
    index.add(["very good", "very, very good", "a a a a b"])
    assert index.search(Query('"very very"~1'))[1].tolist() == [1]
    once = tamis.BM25Index("plain", positions=True)
    once.add(["very good", "very, very good", "c c c a b"])
    near = Query('"a b"~9')
    assert index.search(near)[0].tolist() == once.search(near)[0].tolist()


def test_clauses_say_how_it_is_read() -> None:
    query = Query('+title:"no pets"~2 leas* lesse~ -x y:z')
    assert query.clauses(["title", "body"]) == [
        Clause("+", "title", "phrase", "no pets", 2),
        Clause("", None, "prefix", "leas", None),
        Clause("", None, "fuzzy", "lesse", 1),
        Clause("-", None, "words", "x", None),
        Clause("", None, "words", "y:z", None),
    ]
    assert query.words(["title"]) == "no pets leas lesse y:z"
    assert query.clauses()[0] == Clause("+", None, "words", 'title:"no', None)


def test_indexes_that_grow_or_come_from_a_file_answer_alike(tmp_path: Path) -> None:
    queries = ['"early termination"', "+title:lease -pets", "leas* fee", "lesse~ landlord"]
    index = tamis.BM25Index(fields={"title": 3, "body": 1}, positions=True)
    for lease in LEASES:
        index.add([lease])
        index.search("lease")
    index.save(tmp_path / "leases")
    opened = tamis.BM25Index.open(tmp_path / "leases")
    assert (opened.fields, opened.positions) == (index.fields, True)
    opened.add(LEASES[:1])
    index.add(LEASES[:1])
    again = leases()
    again.add(LEASES[:1])
    for query in queries:
        expected = again.search(Query(query))
        for other in (index, opened):
            assert other.search(Query(query))[0].tolist() == expected[0].tolist()
            assert other.search(Query(query))[1].tolist() == expected[1].tolist()
    _, rows = again.search_many([Query(queries[0]), queries[0]], k=5)
    assert rows[0].tolist() == [0, 4, -1, -1]
    assert rows[1].tolist() == again.search(queries[0], k=5)[1].tolist()


def test_what_an_index_cannot_answer_is_an_error_that_says_why() -> None:
    index = tamis.BM25Index()
    index.add(["no pets"])
    with pytest.raises(InvalidInputError, match=r"keeps no positions.*positions=True"):
        index.search(Query('"no pets"'))
    assert index.search(Query("+pets text:no"))[1].tolist() == [0]  # its one field is all of it
    fields = tamis.BM25Index(fields={"a": 1, "b": 1})
    fields.add([{"a": "x"}])
    with pytest.raises(InvalidInputError, match="keeps no positions"):
        fields.search(Query("a:x"))
    custom = tamis.BM25Index(str.split)
    custom.add(["no pets"])
    with pytest.raises(InvalidInputError, match="the query is a Query, whose words"):
        custom.search(Query("+pets"))
    with pytest.raises(InvalidInputError, match=r"queries\[1\] is a Query"):
        custom.search_many(["pets", Query("+pets")])


def test_queries_of_any_length_are_answered_or_refused() -> None:
    index = leases()
    many = " ".join(f"t{i % 200_000}" for i in range(1_000_000))
    assert index.search(f"{many} landlord")[1].tolist() == [2]
    assert index.search(Query(f"{many} landlord"))[1].tolist() == [2]
    assert index.search(Query("+pets " * 1024 + "fee"))[1][0] == 1
    with pytest.raises(InvalidInputError, match="the query has 1025 signs; it takes 1024 at most"):
        index.search(Query("p* " * 1025))
    with pytest.raises(InvalidInputError, match="a phrase of 1025 terms"):
        index.search(Query('"' + "pets " * 1025 + '"'))


def test_fields_are_checked() -> None:
    for fields, message in [
        ({}, "there are no fields"),
        ({"a b": 1}, "a field 'a b'|a field \"a b\""),
        ({"a": 0}, 'the weight of "a" is 0'),
        ({"a": 101}, "from 1 to 100"),
        ({"a": -1}, "from 1 to 100"),
        ({"a": 1.5}, "from 1 to 100"),
        (["a"], "fields is of type list"),
    ]:
        with pytest.raises(InvalidInputError, match=message):
            tamis.BM25Index(fields=fields)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="analyzer is of type NoneType"):
        tamis.BM25Index(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="texts is one mapping"):
        tamis.BM25Index().add({"text": "hello"})
    with pytest.raises(InvalidInputError, match="lone surrogate"):
        Query("\ud800").clauses()
    index = leases()
    with pytest.raises(
        InvalidInputError, match=r"texts\[0\] is of type str; .* mapping of title, body"
    ):
        index.add(["a"])
    with pytest.raises(
        InvalidInputError, match=r"texts\[1\] has a field 'boddy'; there are title, body"
    ):
        index.add([{"title": "a"}, {"boddy": "a"}])
    with pytest.raises(InvalidInputError, match=r"texts\[0\]\['body'\] is of type int"):
        index.add([{"body": 3}])  # type: ignore[arg-type]
    assert len(index) == len(LEASES)


@given(st.text(alphabet='ab +-"~*:1', max_size=20) | st.text(max_size=20))
def test_no_query_is_an_error(text: str) -> None:
    query = Query(text)
    scores, rows = leases().search(query)
    assert len(scores) == len(rows)
    assert all(span[0] < span[1] for span in tamis.Analyzer().highlights(query, "a b ab"))


def test_highlights_are_what_matched() -> None:
    def marked(query: str, text: str) -> str:
        out, end = "", 0
        for start, stop in tamis.Analyzer().highlights(query, text, ["title"]):
            out, end = out + text[end:start] + "[" + text[start:stop] + "]", stop
        return out + text[end:]

    assert marked("terminating a naïve lease", "🙂 Naive terminations, leases") == (
        "🙂 [Naive] [terminations], [leases]"
    )
    assert marked(Query('"early termination" -fee'), "early fee, early termination") == (
        "early fee, [early] [termination]"
    )
    assert marked(Query("title:term* lesse~"), "Terms of a lease") == "[Terms] of a [lease]"
