"""What one sentence says, as far as rules can read it: facts in a normal form.

A fact is *hard*, and its absence from another sentence is a difference, or *soft*: then it only
explains a hard one of the other sentence ("can" goes with "is allowed to", and says no more
than the plain verb does where the other sentence has that).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import or_
from typing import Final, Literal

from tamis.sync.lexicon import (
    CONDITIONS,
    EMPTY,
    EXPRESSIONS,
    NEGATIONS,
    OPENING,
    PHRASES,
    SYNONYMS,
    ChangeKind,
)
from tamis.sync.quantities import MONTHS, UNITS, dates, quantities, romans


@dataclass(slots=True)
class Meaning:
    """The facts of one sentence.

    Attributes
    ----------
    facts : dict of str to ChangeKind
        The hard facts.
    soft : set of str
        The soft facts.
    names : dict of str to ChangeKind
        Names, defined terms and identifiers by their normal form.
    rates : frozenset of str
        How often, or what an amount is for: each day, per month.
    subject : str
        What may be a name in front of a verb, where it has a capital anyway.
    negations : int
        How many words deny.
    words : tuple of str
        All words and symbols in a normal form, in order.
    senses : tuple of str
        The same, with one word for those that say the same.
    content : tuple of str
        The stems of the words that none of the rules has read and that carry meaning.
    """

    facts: dict[str, ChangeKind] = field(default_factory=dict)
    soft: set[str] = field(default_factory=set)
    names: dict[str, ChangeKind] = field(default_factory=dict)
    rates: frozenset[str] = frozenset()
    subject: str = ""
    negations: int = 0
    words: tuple[str, ...] = ()
    senses: tuple[str, ...] = ()
    content: tuple[str, ...] = ()

    def note(self, kind: ChangeKind, fact: str, soft: bool = False) -> None:
        """Note a fact."""
        if soft:
            self.soft.add(fact)
        else:
            self.facts[fact] = kind

    def note_quantity(
        self, kind: Literal["number", "date", "amount"], value: str, soft: bool
    ) -> None:
        """Note a number, an amount or a date: a year and a number of the same value are one."""
        self.note(kind, f"={value}", soft)


# --- the text without its dress ---------------------------------------------------------------

_QUOTES: Final = {
    **dict.fromkeys(map(ord, "\u2019\u2018\u02bc`"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u00ab\u00bb"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-"),
    ord("\u00a0"): " ",
    ord("\u03bc"): "\u00b5",  # micro
}
_ITEM: Final = re.compile(
    r"\s*(?:(?:[-*+•]|\#+|>|(?:\d{1,3}|[a-zA-Z])[.)]|\([a-z\d]{1,3}\))\s+)?"  # what begins an item
    r"(?:(?:[Nn]ote|[Ww]arning|[Ii]mportant|[Cc]aution|[Tt]ip|NOTE|WARNING|CAUTION):\s)?"
)
_DRESS: Final = re.compile(
    r"\[(?P<link>[^\[\]\n]{1,200})\]\([^)\s]*\)"  # a link of Markdown
    r"|\*\*|__(?=\w[^_]*__(?!\w))|(?<=\w)__(?!\w)|(?<!\S)\*(?=\w)|(?<=\w)\*(?!\S)"
)
_CONTRACTIONS: Final = (
    (re.compile(r"\bcan(?:not|'t)\b", re.IGNORECASE), "can not"),
    (re.compile(r"\bwon't\b", re.IGNORECASE), "will not"),
    (re.compile(r"\bshan't\b", re.IGNORECASE), "shall not"),
    (re.compile(r"n't\b", re.IGNORECASE), " not"),
    (re.compile(r"'ll\b", re.IGNORECASE), " will"),
    (re.compile(r"'re\b", re.IGNORECASE), " are"),
    (re.compile(r"'ve\b", re.IGNORECASE), " have"),
    (re.compile(r"\b(i)'m\b", re.IGNORECASE), r"\1 am"),
    (re.compile(r"\b(it|that|there|here|what|who|he|she)'s\b", re.IGNORECASE), r"\1 is"),
    (re.compile(r"\bo'clock"), "o clock"),
    (re.compile(r"(?<=\w)'s\b|(?<=s)'(?=\s)"), ""),
)


_SHORT_NAMES: Final = (
    (re.compile(r"\bUnited States(?: of America)?\b|\bU\.S\.(?:A\.)?|\bUSA\b"), "US"),
    (re.compile(r"\bUnited Kingdom\b|\bU\.K\."), "UK"),
    (re.compile(r"\bEuropean Union\b|\bE\.U\."), "EU"),
    (re.compile(r"\bUnited Nations\b|\bU\.N\."), "UN"),
)


_EXPRESSION: Final = re.compile(
    rf" (?:{'|'.join(f'({pattern})' for _, pattern in EXPRESSIONS)})(?!\w)"
)
#: "Without consent, nothing may be sold."
_INVERTED: Final = re.compile(r"^[Ww]ithout ([^,;]+), ([^;]+?)([.;:]?)$")


def plain(sentence: str) -> str:
    """Give a sentence without its markup, quotes and contractions."""
    text = sentence.translate(_QUOTES)
    if item := _ITEM.match(text):
        text = text[item.end() :]
    if "*" in text or "__" in text or "](" in text:
        text = _DRESS.sub(lambda match: match["link"] or "", text)
    if "'" in text or "annot" in text:
        for pattern, long in _CONTRACTIONS:
            text = pattern.sub(long, text)
    if "U" in text:
        for pattern, short in _SHORT_NAMES:
            text = pattern.sub(short, text)
    text = " ".join(["", *text.replace('"', " ").replace("'", " ").split()])
    small = text[:2].lower() + text[2:]
    text = small if _EXPRESSION.match(small) else text
    text = _EXPRESSION.sub(lambda match: f" {EXPRESSIONS[(match.lastindex or 1) - 1][0]}", text)
    text = text.strip()
    return _INVERTED.sub(r"\2 without \1\3", text)


# --- words ------------------------------------------------------------------------------------

_SPELLINGS: Final = (
    (re.compile(r"is(?=(?:e|ed|es|ing|ation|ations|er|ers)$)"), "iz"),
    (re.compile(r"(?<=[bcdlmnpt])our(?=$|[a-z])"), "or"),
    (re.compile(r"(?<=[bcnt])re(?=s?$)"), "er"),
    (re.compile(r"(?<=[ei]n)ce(?=[sd]?$)"), "se"),
    (re.compile(r"ogue(?=s?$)"), "og"),
    (re.compile(r"ll(?=(?:ed|ing|er|ers|ation|ment)$)"), "l"),
    (re.compile(r"^e-?mail"), "email"),
)
_ENDINGS: Final = re.compile(
    r"(?:ations?|ition|ments?|ness|ities|ity|ings?|ied|ies|edly|ed|ers?|ors?|ously|ous|ively|ive"
    r"|ally|ly|ions?|ences?|enses?|ances?|es|s|e|y|ary|ery|al|ic)$"
)


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Give the stem of a word in lower case, the same for American and British spellings."""
    if len(word) < 4 or not word.isalpha():
        return word
    if word[-1] == "s" and word[-3:] != "ies" and word[-2] not in "siu":
        word = word[:-1]
    for pattern, other in _SPELLINGS:
        word = pattern.sub(other, word)
    for _ in range(2):
        shorter = _ENDINGS.sub("", word)
        if len(shorter) < 3:
            shorter = word.removesuffix("s")
        if shorter == word:
            break
        word = shorter
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _senses() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in SYNONYMS.split(","):
        words = list(map(stem, line.split()))
        for word in words:
            found.setdefault(word, words[0])
    return found


_SENSES: Final = _senses()


@lru_cache(maxsize=20_000)
def sense(word: str) -> str:
    """Give the stem of the word that stands for a word and for those that say the same."""
    found = stem(word)
    return _SENSES.get(found, found)


_TOKEN: Final = re.compile(r"\w+|[<>=&|^~+$%@\\]+")
_HYPHENED: Final = re.compile(
    r"\b(re|pre|non|co|multi|sub|anti|e|un|de|over|under|sign|log)-(?=\w)"
)


def joined(text: str) -> str:
    """Give a text in lower case, without the hyphens that some spellings leave out."""
    text = text.lower()
    return _HYPHENED.sub(r"\1", text) if "-" in text else text


def tokens(text: str) -> tuple[str, ...]:
    """Give the words and symbols of a plain text in lower case; hyphens join or part them."""
    parts = _TOKEN.findall(joined(text).replace("-", " "))
    return tuple("a" if part == "an" else part for part in parts)


# --- names ------------------------------------------------------------------------------------

_IDENTIFIER: Final = re.compile(
    r"""(?<![\w/.@-])(?!\d{1,2}([/.])\d{1,2}\1\d{4}\b)(?:                      # dates are none
      https?://[^\s<>)]+ | www\.[^\s<>)]+ | [\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+    # URLs and e-mails
      | </?[a-zA-Z][^<>\n]{0,80}+>                                            # a tag
      | --?[a-zA-Z][\w-]*                                                    # a flag
      | (?:[\w.-]*/){2,}[\w.-]* | /[\w.-]+ | [\w-]+(?:/[\w-]+)*/[\w-]+\.\w+  # paths
      | \d+(?:\.\d+){2,}(?:[a-z]+\d*)?\+? | v\d+(?:\.\d+)+                   # versions
      | [A-Za-z_]\w+(?:\.\w{2,})+(?:\(\))? | \.\w{2,}(?:\(\))?               # dotted names
      | \w*[A-Za-z]\w*_\w*(?:\(\))? | _\w+ | \w+\(\)                         # names of programs
      | (?-i:[a-z]+[A-Z]\w* | [A-Z][a-z0-9]+[A-Z]\w*)                        # CamelCase
      | (?![vVqQ]\d+\b|\d+(?:st|nd|rd|th|s|am|pm|k)\b)(?=\w*[A-Za-z])(?=\w*\d)
        (?!\d+(?:ms|mg|kg|km|cm|mm|ml|gb|mb|kb|tb|hz|h|s|g|m|l|w|v|min|px|ft|lb|lbs|bn|mcg)\b)\w+
      | (?<!\S)(?:[|^~]|[<>=!]{1,3})(?![\w=])                        # operators
      | \S{0,60}[\\^$][^\s\w]\S{0,60} | \S{0,60}\\\w\S{0,60}                  # patterns
    )""",
    re.VERBOSE | re.IGNORECASE,
)
#: What every one of them has.
_ODD: Final = re.compile(r"[\d/@_<>|^~=!\\$]|[.-]\w|\(\)|[a-z][A-Z]")
_CAMEL: Final = re.compile(r"[a-z][A-Z]|^[A-Z][a-z]+[A-Z]")
_CAPITALISED: Final = re.compile(r"(?<![\w#-])[A-Z][\w&]*(?:-\w+)*")
_DETERMINERS: Final = frozenset(
    re.findall(
        r"\w+",
        "the a an this that such these those any each every its their his her our your no all",
    )
)
_TITLES: Final = ("Dr.", "Mr.", "Ms.", "Mx.", "Mrs.", "Sr.", "Jr.", "St.")
_NO_NAMES: Final = frozenset({"i", "a", "ok", "note", "yes", "no"})


def _identifiers(text: str, meaning: Meaning) -> str:
    def take(match: re.Match[str]) -> str:
        name = match[0].rstrip(".,;:!?")
        if "\\" in name or "^" in name or "$" in name:
            name = name.strip("(),;:.") or name
        if name.lower() in UNITS or (name.isalpha() and not _CAMEL.search(name)):
            return match[0]
        meaning.names.setdefault(_key(name), "entity")
        return " "

    if not _ODD.search(text):
        return text
    if "<" in text:  # tags have spaces
        return _IDENTIFIER.sub(take, text)
    return " ".join(
        [_IDENTIFIER.sub(take, word) if _ODD.search(word) else word for word in text.split(" ")]
    )


def _key(name: str) -> str:
    name = name.lower().removesuffix("()")
    return stem(name) if name.isalpha() else name.removesuffix("/")


def _capitals(text: str, meaning: Meaning) -> None:
    """Note the words with a capital letter that do not owe it to the start of the sentence."""
    subject = _SUBJECT.match(text)
    if subject and stem(subject[1].lower()) not in _OPENERS:
        meaning.subject = stem(subject[1].lower())
    found = list(_CAPITALISED.finditer(text))
    if len(found) > 3 and len(found) > 0.7 * len(re.findall(r"[^\W\d_]{3,}", text)):
        return  # a heading, or shouting
    previous = ""
    for match, following in zip(found, [*found[1:], None], strict=False):
        head, word = text[max(0, match.start() - 24) : match.start()], match[0]
        before = head.rstrip()
        starts = not before or (before[-1] in ".:;!?(" and not before.endswith(_TITLES))
        acronym = len(word) > 1 and word.isupper()
        goes_on = following is not None and text[match.end() : following.start()] in {" ", " & "}
        if (
            word.lower() in _NO_NAMES
            or _is_unit(word, head, text[match.end() :][:2])
            or (starts and not acronym and (not goes_on or stem(word.lower()) in _OPENERS))
        ):
            previous = ""
            continue
        term = not acronym and (
            previous == "term"
            or (head[-1:] == " " and before.split(" ")[-1].lower() in _DETERMINERS)
        )
        previous = "term" if term and goes_on else ""
        for part in word.split("-"):
            meaning.names.setdefault(
                part.lower() if acronym else _key(part), "term" if term else "entity"
            )


#: One word without an article and the verb that goes with it: "Oracle supports".
_SUBJECT: Final = re.compile(
    r"([A-Z][a-z]+(?<!s)(?<!ing)(?<!ment)(?<!ion)(?<!ity)(?<!ance)(?<!ence)(?<!age)(?<!al)) "
    r"(?:is|was|has|does|will|[a-z]{2,}[a-rt-z]s)\b"
)


def _is_unit(word: str, head: str, after: str) -> bool:
    """Whether a word is a unit or a currency beside its number."""
    if head.endswith("\u00b0") or word in {"Celsius", "Fahrenheit"}:
        return True
    return word.lower() in UNITS and bool(
        re.search(r"(?:\d|\b\w*(?:hundred|thousand|million|billion|dozen|ty|teen))\s?$", head)
        or after.strip()[:1].isdigit()
    )


_OPENERS: Final = frozenset(map(stem, OPENING))


# --- modals, quantifiers, negation --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rule:
    """A phrase that is looked for: what it means, and words of which a text that has it has one."""

    pattern: re.Pattern[str]
    fact: str
    soft: bool
    kind: ChangeKind
    cues: frozenset[str]


_LITERAL: Final = re.compile(r"(?<!\\)[a-z](?!\?)[a-z]*?(?=[a-z]?\?|[^a-z]|$)")
#: Words of phrases that are in most sentences.
_COMMON: Final = frozenset(
    re.findall(r"\w+", "a an and are as at be for in is it of on or that the to was were with")
)


def _alternatives(pattern: str) -> list[str]:
    """Split a pattern where it has a choice that is not in brackets."""
    found, depth = [""], 0
    for sign in pattern:
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and not depth:
            found.append("")
        else:
            found[-1] += sign
    return found


def _cues(pattern: str) -> frozenset[str]:
    """Give the beginnings of words of which all that a pattern finds has one; or nothing."""
    cues: set[str] = set()
    for alternative in _alternatives(pattern):
        literals = {*_LITERAL.findall(alternative)}
        if not literals:
            return frozenset({""})
        cues |= (literals - _COMMON) or literals
    return frozenset(cues)


_RULES: Final = tuple(
    _Rule(
        re.compile(rf" (?:{pattern})(?!\w)"),
        fact.lstrip("~"),
        fact[:1] == "~",
        kind,
        _cues(pattern),
    )
    for fact, kind, pattern in PHRASES
)


def _bits() -> dict[str, int]:
    """Give the rules, as bits, that each cue is one of."""
    found: dict[str, int] = {}
    for number, rule in enumerate(_RULES):
        for cue in rule.cues:
            found[cue] = found.get(cue, 0) | 1 << number
    return found


_BITS: Final = _bits()
_LONGEST_CUE: Final = max(map(len, _BITS))


@lru_cache(maxsize=20_000)
def _cued(word: str) -> int:
    """Give the rules, as bits, of which a word may be a part."""
    bits = _BITS[""] | _BITS.get(word, 0)
    for end in range(3, min(len(word), _LONGEST_CUE + 1)):
        bits |= _BITS.get(word[:end], 0)
    return bits


@lru_cache(maxsize=5_000)
def _worth_trying(bits: int) -> tuple[_Rule, ...]:
    return tuple(rule for number, rule in enumerate(_RULES) if bits >> number & 1)


_CONDITIONS: Final = re.compile(rf" (?:{CONDITIONS})\b")
#: What stands directly before a word, so that a space can stand between them.
_GLUED: Final = re.compile(r"([^\w\s])(?=\w)")
_WORD: Final = re.compile(r"[^\W_]+")


_RATES: Final = {
    name: period
    for period, names in {
        "second": "second",
        "minute": "minute",
        "hour": "hour hourly",
        "day": "day daily night nightly",
        "week": "week weekly",
        "month": "month monthly",
        "quarter": "quarter quarterly",
        "year": "year annum yearly annually annual",
    }.items()
    for name in names.split()
}
_RATE: Final = re.compile(rf"(?<!#) ({'|'.join(_RATES)})s?\b")


def read(sentence: str) -> Meaning:
    """Read what a sentence says.

    Parameters
    ----------
    sentence : str
        One sentence, or a few.

    Returns
    -------
    Meaning
        What was understood.
    """
    meaning = Meaning()
    text = plain(sentence)
    meaning.words = tokens(text)
    meaning.senses = tuple(map(sense, meaning.words))
    known = {*meaning.words}
    text = _identifiers(text, meaning)
    if not known.isdisjoint(MONTHS) or "May" in text or _DIGIT.search(text):
        text = dates(romans(text), meaning.note_quantity)
    else:
        text = romans(text)
    _weekdays(text, meaning)
    _capitals(text, meaning)
    text = joined(text)
    text = quantities(text, meaning.note_quantity, known)
    text = " ".join(["", *_GLUED.sub(r"\1 ", text).split()])
    meaning.rates = frozenset(_RATES[match[1]] for match in _RATE.finditer(text))
    if _CONDITIONS.search(text):
        meaning.soft.add("condition")
    for rule in _worth_trying(reduce(or_, map(_cued, known), 0)):
        text, found = rule.pattern.subn(_kept, text)
        if found and rule.fact:
            meaning.note(rule.kind, rule.fact, rule.soft)
    left = _WORD.findall(text)
    meaning.negations = sum(word in NEGATIONS for word in left)
    meaning.content = tuple(
        sense(word) for word in left if word not in _WEIGHTLESS and stem(word) not in meaning.names
    )
    return meaning


_DIGIT: Final = re.compile(r"\d")
_WEIGHTLESS: Final = EMPTY | NEGATIONS


def _kept(match: re.Match[str]) -> str:
    """Leave the groups of a phrase for the rules that follow."""
    return f" {' '.join(filter(None, match.groups()))} " if match.re.groups else " "


_WEEKDAY: Final = re.compile(r"\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b")


def _weekdays(text: str, meaning: Meaning) -> None:
    for match in _WEEKDAY.finditer(text):
        meaning.note("date", match[1].lower())
