"""`Analyzer`: the same terms for the same thing, however it was typed, in any script."""

# ruff: noqa: RUF001 - this is about characters that look like others

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import InvalidInputError
from tamis.lexical import Analyzer, BM25Index, Token

NAMES = Analyzer.names()

#: Letters, marks and forms that the rules tell apart.
TEXTS = st.text(max_size=60) | st.lists(
    st.sampled_from(
        [
            *("a", "B", "get", "User", "HTTP", "42", "4.2", "b", "'s", ".NET", "++", " ", "\n"),
            *"._-/:()[]{}+#@&',=|\x00\u00a0\u3000\u2019\u2011\u00ad\u200b\u200c\u200d\ufeff",
            *(
                "ß",
                "İ",
                "ı",
                "é",
                "e\u0301",
                "\ufb01",
                "²",
                "™",
                "½",
                "\uff76\uff9e",
                "Ⅳ",
                "ς",
                "Σ",
            ),
            *(
                "東",
                "京",
                "の",
                "한국",
                "ไทย",
                "น้ำ",
                "مُ",
                "ـ",
                "א",
                "٤",
                "क्",
                "🙂",
                "👍🏽",
                "👩\u200d🚀",
            ),
        ]
    ),
    max_size=14,
).map("".join)


def found(analyzer: str, texts: Sequence[str], query: str) -> list[int]:
    index = BM25Index(analyzer)
    index.add(texts)
    rows: list[int] = index.search(query)[1].tolist()
    return rows


# Tokens


@pytest.mark.parametrize(
    ("analyzer", "text", "terms"),
    [
        ("default", "The clauses' termination", "the claus termin"),
        ("default", "naïve Café", "naiv cafe"),
        ("default", "ﬁne Ｗｉｄｅ ½", "fine wide 1/2 1 2"),
        ("default", "Section 4.2(b)", "section 4.2(b) 4.2 b"),
        ("default", "E-1042", "e-1042 e e1042 1042"),
        ("default", "CVE-2024-3094", "cve-2024-3094 cve-2024-3094 cve cve2024 2024 20243094 3094"),
        ("default", "getUserId", "getuserid getuserid get getus user userid id"),
        ("default", "db.models.Q", "db.models.q db.models.q db.models db models.q model q"),
        ("default", "a@b.c", "a@b.c a@b.c a b.c b c"),
        ("default", "C++/C#, F# and .NET", "c++/c# c++ c# f# and .net"),
        ("default", "日本語のPDF🙂", "日 日本 本 本語 語 語の pdf 🙂"),
        ("plain", "The Clauses' C++ naïve", "the clauses c naïve"),
        ("multilingual", "Clauses l'été Größe", "clauses l ete grosse"),
        ("english", "The clauses", "the claus"),
        ("english+stop", "What is the termination of it?", "termin"),
        ("german", "Die Kündigungsfristen der Straßen", "die kundigungsfrist der strass"),
        ("german+stop", "Wann endet die Frist?", "end frist"),
        ("french", "l'avion des clés", "l avion de cle"),
        ("french+stop", "l'avion des clés", "avion cle"),
        ("italian+stop", "dell'acqua dei laghi", "acqua lagh"),
        ("spanish", "El niño y los ninos", "el niñ y los nin"),
        ("turkish", "IŞIK ışık İstanbul'da", "işik işik istanbul da"),
        ("russian", "ещё книги", "ещ книг"),
        ("greek", "ΝΌΜΟΣ νόμοι", "νομ νομ"),
        ("arabic", "الكِتَابُ كتاب", "كتاب كتاب"),
        ("hindi", "किताबें ४२", "किताब 42"),
    ],
)
def test_terms_of(analyzer: str, text: str, terms: str) -> None:
    assert " ".join(Analyzer(analyzer).terms(text)) == terms


def test_explain_says_where_each_term_comes_from() -> None:
    assert Analyzer().explain("Ä 🙂 maxAge 東京") == [
        Token("a", 0, 1, "word"),
        Token("🙂", 2, 3, "symbol"),
        Token("maxag", 4, 10, "identifier"),
        Token("max", 4, 7, "part"),
        Token("age", 7, 10, "part"),
        Token("東", 11, 12, "word"),
        Token("東京", 11, 13, "pair"),
        Token("京", 12, 13, "word"),
    ]
    assert [token.kind for token in Analyzer().explain("a_b_c")][:2] == ["identifier", "joint"]
    assert Analyzer().explain("") == []


def test_a_name_of_two_capitals_is_one_word() -> None:
    assert Analyzer().terms("GitHub and GitHub's") == ["github", "and", "github"]
    assert found("default", ["Java or Python", "JavaScript"], "java") == [0]
    assert found("default", ["javascript", "JavaScript"], "JavaScript") == [0, 1]


# However it was typed


@pytest.mark.parametrize("analyzer", NAMES)
@pytest.mark.parametrize(
    ("typeset", "typed"),
    [
        ("the company\u2019s deposit", "the company's deposit"),
        ("don\u2019t", "don't"),
        ("termi\u00adnation", "termination"),
        ("E\u20111042", "E-1042"),
        ("E\u20131042", "E-1042"),
        ("CVE\u20102024\u20103094", "CVE-2024-3094"),
        ("\uff25\uff32\uff32\uff3f\uff14\uff12", "ERR_42"),
        ("\uff14\uff0e\uff12\uff08\uff42\uff09", "4.2(b)"),
        ("cafe\u0301", "caf\u00e9"),
        ("\ufb01nd\u2060 it\u200e", "find it"),
        ("\uff76\uff9e\uff7d", "ガス"),
        ("\u0664\u0662", "42"),
        ("\u0645\u064f\u062d\u0645\u0640\u0640\u062f", "\u0645\u062d\u0645\u062f"),
        ("👍🏽", "👍"),
        ("❤\ufe0f", "❤"),
    ],
)
def test_typeset_and_typed_text_have_the_same_terms(
    analyzer: str, typeset: str, typed: str
) -> None:
    assert Analyzer(analyzer).terms(typeset) == Analyzer(analyzer).terms(typed)


def test_case_is_folded_as_unicode_has_it() -> None:
    """Every letter with a case is compared with Python's own tables."""
    terms = Analyzer("plain").terms
    n_compared = 0
    for letter in map(chr, range(sys.maxunicode + 1)):
        if not letter.isalpha() or letter == letter.upper() == letter.casefold():
            continue
        folded = unicodedata.normalize("NFKC", letter).casefold()
        expected = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
        if "CHEROKEE" in unicodedata.name(letter):
            expected = expected.lower()  # there, folding is to capitals
        # What a keyboard has: an ASCII apostrophe, and a Cyrillic ye for yo.
        expected = expected.replace("\u02bc", "'").replace("\u0451", "\u0435")
        assert terms(f"x{letter}x") == [f"x{expected}x"], unicodedata.name(letter)
        n_compared += 1
    assert n_compared > 2_500


# Many scripts


@pytest.mark.parametrize(
    ("analyzer", "texts", "queries"),
    [
        (
            "default",
            ["本合同的终止应提前三十天通知", "数据库的备份每天进行", "猫在屋顶上"],
            {"合同终止": 0, "数据库备份": 1, "猫": 2, "提前三十天": 0},
        ),
        (
            "multilingual",
            ["契約の解除は30日前に通知する", "データベースのバックアップ", "東京都の人口"],
            {"契約解除": 0, "データベース": 1, "バックアップ": 1, "東京都": 2, "30日前": 0},
        ),
        (
            "german",
            [
                "Die Kündigungen müssen schriftlich sein",
                "Straßen werden geräumt",
                "Der Mietvertrag",
            ],
            {"Kündigung": 0, "kuendigung": 0, "STRASSE": 1, "Mietverträge": 2},
        ),
        (
            "turkish",
            ["İstanbul'da hava ILIK", "Kitapların fiyatı arttı", "Ankara'nın başkent oluşu"],
            {"istanbul": 0, "ılık": 0, "kitap": 1, "Ankara": 2, "FİYAT": 1},
        ),
        (
            "arabic",
            ["إنهاء العَقْد قبل ثلاثين يومًا", "النسخ الاحتياطي للكتب", "المدرسة الكبيرة"],
            {"العقد": 0, "عقد": 0, "كتب": 1, "مدرسه": 2, "انهاء": 0},
        ),
        (
            "default",
            ["Great launch 🚀🎉", "Sad news 😢", "Thumbs up 👍🏽 from 👩\u200d🚀"],
            {"🚀": 0, "🎉🚀": 0, "😢": 1, "👍": 2, "👍🏿": 2, "👩\u200d🚀": 2},
        ),
        (
            "multilingual",
            ["이 계약서는 두 부 작성한다", "서울에서 부산까지", "자료를 백업한다"],
            {"계약": 0, "서울": 1, "부산": 1, "백업": 2},
        ),
        (
            "multilingual",
            ["เรียนภาษาไทยออนไลน์", "สัญญาเช่าบ้าน", "ການສຶກສາພາສາລາວ", "ភាសាខ្មែរ"],
            {"ภาษาไทย": 0, "สัญญาเช่า": 1, "ພາສາລາວ": 2, "ខ្មែរ": 3},
        ),
    ],
    ids=[
        "chinese",
        "japanese",
        "german",
        "turkish",
        "arabic",
        "emoji",
        "korean",
        "southeast-asian",
    ],
)
def test_texts_are_found_in(analyzer: str, texts: list[str], queries: dict[str, int]) -> None:
    for query, wanted in queries.items():
        assert found(analyzer, texts, query)[:1] == [wanted], query


@pytest.mark.parametrize("text", ["ภาษาไทยเป็นภาษาที่สวยงาม", "ພາສາລາວ", "ភាសាខ្មែរ", "မြန်မာဘာသာ"])
def test_no_script_without_spaces_is_one_token(text: str) -> None:
    tokens = Analyzer().explain(text)
    assert len(tokens) >= 3
    assert max(token.end - token.start for token in tokens) <= 8


# Any text


@settings(max_examples=300)
@given(text=TEXTS, name=st.sampled_from(NAMES))
def test_tokens_lie_within_the_text_in_order(text: str, name: str) -> None:
    analyzer = Analyzer(name)
    tokens = analyzer.explain(text)
    assert [token.term for token in tokens] == analyzer.terms(text)
    assert tokens == Analyzer(name).explain(text)
    assert all(0 <= token.start < token.end <= len(text) for token in tokens)
    assert [token.start for token in tokens] == sorted(token.start for token in tokens)
    assert all(token.term and not any(map(str.isspace, token.term)) for token in tokens)


@settings(max_examples=200)
@given(before=TEXTS, text=TEXTS, after=TEXTS, name=st.sampled_from(NAMES))
def test_a_text_has_its_terms_wherever_it_stands_between_white_space(
    before: str, text: str, after: str, name: str
) -> None:
    analyzer = Analyzer(name)
    apart = [*analyzer.terms(before), *analyzer.terms(text), *analyzer.terms(after)]
    assert analyzer.terms(f"{before}\n{text} {after}") == apart


@settings(max_examples=100)
@given(text=TEXTS, name=st.sampled_from(NAMES))
def test_a_query_has_the_terms_of_the_same_document(text: str, name: str) -> None:
    index = BM25Index(name)
    index.add(["something else", text])
    has_terms = bool(set(Analyzer(name).terms(text)) - {*Analyzer(name).terms("something else")})
    assert not has_terms or index.search(text)[1][0] == 1


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000_000,
        "aB" * 5_000_000,
        "a_" * 5_000_000,
        "4.2(b)" * 1_500_000,
        "(" * 10_000_000,
        "é" * 5_000_000,
        "e\u0301" * 3_000_000,
        "東" * 3_000_000,
        "\u200d" * 3_000_000,
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_a_token_of_ten_megabytes_costs_its_length(text: str) -> None:
    index = BM25Index()
    start = time.monotonic()
    index.add([text, "early termination"])
    assert time.monotonic() - start < 60  # a second or two; what grows with the square takes hours
    assert index.search("terminate")[1].tolist() == [1]
    if text[0].isalnum():
        assert index.search(text)[1].tolist() == [0]


def test_a_long_word_is_cut_off_and_its_token_is_not() -> None:
    long = "é" * 1000
    assert Analyzer("plain").explain(f"an {long}!")[1:] == [Token("é" * 127, 3, 1003, "word")]
    assert Analyzer().terms("a_" * 200)[0] != "a_" * 200


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\x00", "\x00\x00 \x7f", "?!", "()", "…—«»", "\ufeff", "\u0301"]
)
@pytest.mark.parametrize("name", ["default", "plain", "multilingual", "german+stop"])
def test_nothing_has_no_terms(name: str, text: str) -> None:
    assert Analyzer(name).terms(text) == []


def test_nul_parts_words_and_patterns_are_text() -> None:
    assert Analyzer().terms("early\x00termination") == ["earli", "termin"]
    for text in [
        r"(?P<name>\w+)[a-z]{2,}$",
        "%s %(name)s",
        "SELECT * FROM t WHERE x='1'--",
        "a\\b",
    ]:
        assert found("default", ["nothing", text], text) == [1]


def test_a_text_of_stop_words_has_no_terms_where_they_are_left_out() -> None:
    text = "What was it that they were to have been?"
    assert Analyzer("english+stop").terms(text) == []
    assert found("english+stop", [text, "early termination"], text) == []
    assert found("default", [text, "early termination"], text) == [0]


# Names


def test_every_name_is_that_of_one_analyzer() -> None:
    assert NAMES[:3] == ["default", "plain", "multilingual"]
    assert len(NAMES) == len(set(NAMES)) > 40
    for name in NAMES:
        assert Analyzer(name).name == name
        assert BM25Index(name).analyzer == name
        assert name.removesuffix("+stop") in NAMES


def test_names_without_an_analyzer_are_refused() -> None:
    with pytest.raises(
        InvalidInputError, match=r'no analyzer "klingon"; there are default, plain, '
    ):
        Analyzer("klingon")
    with pytest.raises(InvalidInputError, match="'custom' stands for a tokenizer of your own"):
        Analyzer("custom")


@pytest.mark.parametrize("ask", [Analyzer().terms, Analyzer().explain])
def test_what_is_no_text_is_refused(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(InvalidInputError, match="the text holds a lone surrogate at character 1;"):
        ask("a\ud800")
    with pytest.raises(InvalidInputError, match="the text is of type bytes"):
        ask(b"a")
