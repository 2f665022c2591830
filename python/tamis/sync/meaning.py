"""What one sentence says, as far as rules can read it: facts in a normal form.

A fact is *hard*, and its absence from another sentence is a difference, or *soft*: then it only
explains a hard one of the other sentence ("can" goes with "is allowed to", and says no more
than the plain verb does where the other sentence has that).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from tamis.sync import quantities

ChangeKind: TypeAlias = Literal[
    "number",
    "date",
    "amount",
    "negation",
    "modal",
    "quantifier",
    "entity",
    "term",
    "condition",
    "content",
]


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
    negations : int
        How many words deny.
    words : tuple of str
        All words and symbols in a normal form, in order.
    content : tuple of str
        The stems of the words that none of the rules has read and that carry meaning.
    """

    facts: dict[str, ChangeKind] = field(default_factory=dict)
    soft: set[str] = field(default_factory=set)
    names: dict[str, ChangeKind] = field(default_factory=dict)
    negations: int = 0
    words: tuple[str, ...] = ()
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
_DRESS: Final = re.compile(
    r"\[(?P<link>[^\]\n]{1,200})\]\([^)\s]*\)"  # a link of Markdown
    r"|^\s*(?:[-*+•]|\#+|>|(?:\d{1,3}|[a-zA-Z])[.)]|\([a-z\d]{1,3}\))\s+"  # what begins an item
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
    (re.compile(r"(?<=\w)'s\b|(?<=s)'(?=\s)"), ""),
)


def plain(sentence: str) -> str:
    """Give a sentence without its markup, quotes and contractions."""
    text = sentence.translate(_QUOTES)
    text = _DRESS.sub(lambda match: match["link"] or "", text)
    if "'" in text:
        for pattern, long in _CONTRACTIONS:
            text = pattern.sub(long, text)
    return " ".join(text.replace('"', " ").replace("'", " ").split())


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
    r"|ally|ably|able|ly|ions?|ences?|enses?|ances?|es|s|e|y|ary|ery|al|ic)$"
)


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Give the stem of a word in lower case, the same for American and British spellings."""
    if len(word) < 4 or not word.isalpha():
        return word
    for pattern, other in _SPELLINGS:
        word = pattern.sub(other, word)
    for _ in range(2):
        shorter = _ENDINGS.sub("", word)
        if len(shorter) < 3 or shorter == word:
            break
        word = shorter
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


_TOKEN: Final = re.compile(r"\w+(?:-\w+)*|[<>=&|^~+$%@\\]+")
_HYPHENED: Final = re.compile(r"\b(re|pre|non|co|multi|sub|anti|e|un|de|over|under|sign|log)-(?=\w)")


def tokens(text: str) -> tuple[str, ...]:
    """Give the words and symbols of a plain text in lower case; hyphens join or part them."""
    joined = _HYPHENED.sub(r"\1", text.lower())
    return tuple(part for token in _TOKEN.findall(joined) for part in token.split("-"))


#: Words that carry no meaning of their own, or only add weight.
_EMPTY: Final = frozenset(
    """
    a an the this that these those such same it its they them their he she his her him we us our
    you your i me my one ones who whom whose which what there here own self itself themselves
    be is are was were been being am do does did done have has had having will would
    of to in on at by for from with as into onto upon about over under between among through
    during within per than then so too also again very quite rather just simply merely even still
    already currently now and or but nor both either yet please note however therefore thus hence
    moreover furthermore additionally otherwise instead finally first firstly second secondly
    respectively generally usually typically normally actually basically really easily e g i e
    etc eg ie way ways thing things kind sort order case cases how while whilst though although
    because since when where if once until after before whenever whether get gets got make makes
    made let lets go goes take takes use uses used using via out up down off away along together
    any all some each every more most much many other another others else related given certain
    various corresponding particular respective relevant appropriate specific following above
    below thereof therein hereby herein hereof thereby time times longer ahead latest full
    s t d ll re ve m x not no
    """.split()
)


# --- names ------------------------------------------------------------------------------------

_IDENTIFIER: Final = re.compile(
    r"""(?<![\w/.@-])(?:
      https?://[^\s<>)]+ | www\.[^\s<>)]+ | [\w.+-]+@[\w-]+(?:\.[\w-]+)+    # URLs and e-mails
      | </?[a-zA-Z][^<>\n]{0,80}>                                            # a tag
      | --?[a-zA-Z][\w-]*                                                    # a flag
      | (?:[\w.-]*/){2,}[\w.-]* | /[\w.-]+ | [\w-]+(?:/[\w-]+)*/[\w-]+\.\w+  # paths
      | \d+(?:\.\d+){2,}(?:[a-z]+\d*)?\+? | v\d+(?:\.\d+)+                   # versions
      | [A-Za-z_]\w+(?:\.\w{2,})+(?:\(\))? | \.\w{2,}(?:\(\))?               # dotted names
      | \w*[A-Za-z]\w*_\w*(?:\(\))? | _\w+ | \w+\(\)                         # names of programs
      | [a-z]+[A-Z]\w* | [A-Z][a-z0-9]+[A-Z]\w*                              # CamelCase
      | (?![vV]\d+\b|\d+(?:st|nd|rd|th|s|am|pm|k)\b)(?=\w*[A-Za-z])(?=\w*\d)
        (?!\d+(?:ms|mg|kg|km|cm|mm|ml|gb|mb|kb|tb|hz|h|s|g|m|l|w|v|min|px|ft|lb|lbs|bn|mcg)\b)\w+
      | \S*[\\^$][^\s\w]\S* | \S*\\\w\S*                                     # patterns
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_CAMEL: Final = re.compile(r"[a-z][A-Z]|^[A-Z][a-z]+[A-Z]")
_CAPITALISED: Final = re.compile(r"(?<![\w#-])[A-Z][\w&]*(?:-\w+)*")
_DETERMINED: Final = re.compile(
    r"\b(?:the|an?|this|that|such|these|those|any|each|every|its|their|his|her|our|your|no|all)\s$",
    re.IGNORECASE,
)
_SENTENCE_START: Final = re.compile(r"(?:^|[.:;!?(]\s*)$")
_NO_NAMES: Final = frozenset("i a ok note yes no".split())


def _identifiers(text: str, meaning: Meaning) -> str:
    def take(match: re.Match[str]) -> str:
        name = match[0].rstrip(".,;:!?")
        if name.isalpha() and not _CAMEL.search(name):
            return match[0]
        meaning.names.setdefault(_key(name), "entity")
        return f" {'' if name == match[0] else match[0][len(name) :]} "

    return _IDENTIFIER.sub(take, text)


def _key(name: str) -> str:
    name = name.lower().removesuffix("()")
    return stem(name) if name.isalpha() else name.removesuffix("/")


def _capitals(text: str, meaning: Meaning) -> None:
    """Note the words with a capital letter that do not owe it to the start of the sentence."""
    found = list(_CAPITALISED.finditer(text))
    if len(found) > 3 and len(found) > 0.7 * len(re.findall(r"[^\W\d_]{3,}", text)):
        return  # a heading, or shouting
    previous = ""
    for match, following in zip(found, [*found[1:], None], strict=True):
        head, word = text[max(0, match.start() - 24) : match.start()], match[0]
        starts = bool(_SENTENCE_START.search(head))
        acronym = len(word) > 1 and word.isupper()
        goes_on = following is not None and text[match.end() : following.start()] in {" ", " & "}
        if word.lower() in _NO_NAMES or (
            starts and not acronym and (not goes_on or stem(word.lower()) in _OPENING)
        ):
            previous = ""
            continue
        term = not acronym and (previous == "term" or bool(_DETERMINED.search(head)))
        previous = "term" if term and goes_on else ""
        for part in word.split("-"):
            meaning.names.setdefault(_key(part), "term" if term else "entity")


_OPENING: Final = frozenset(
    stem(word)
    for word in (
        *_EMPTY,
        *"send call visit contact see ask tell give pay add all no only unless both upon dear".split(),
        *"only must may should can shall most few several without under except".split(),
    )
)


# --- modals, quantifiers, negation --------------------------------------------------------------

_ADVERB: Final = r"(?:\s(?:also|always|only|then|still|strictly|hereby|thus|therefore|either|\w+ly))?"
_BE: Final = r"(?:is|are|was|were|be|been|being)"

#: What is read in this order, each with what is left for the next rule. ``~`` makes a fact soft.
_PHRASES: Final[tuple[tuple[str, str, ChangeKind], ...]] = (
    # phrases that would mislead
    ("", r"may or may not|whether or not|not only|if any|as the case may be|no\. ?(?=#)"
     r"|as (?:soon|well|far) as|more or less|at all times|once again", "content"),
    ("only", r"not(?= (?:\S+ ){1,14}(?:unless|until|except)\b)", "quantifier"),
    ("", r"(?<=only) unless", "condition"),
    # comparisons
    ("at least", r"at least|(?:not|no) (?:less|fewer|earlier|sooner|lower) than|not below"
     r"|at a minimum|a minimum of|(?<=#) ?\+|(?<=#) (?:\w+ ){0,3}(?:or|and) (?:more|older|over|above"
     r"|higher|later|greater|longer|larger|up|newer|upwards?)\b|≥|>=|from # (?:up|on)wards?", "quantifier"),
    ("at most", r"at (?:the )?most|up to(?= \w*\s?#| the)|(?:not|no) (?:more|greater|larger|higher"
     r"|older|heavier) than|not exceed\w*|(?<=#) (?:\w+ ){0,3}or (?:less|fewer|under|below|younger"
     r"|lower|shorter|smaller)|a maximum of|≤|<=", "quantifier"),
    ("~at most", r"limited to|maximum|max|(?:no|not) (?:later|longer) than|at the latest|within"
     r"|first(?= #)|or earlier|by(?= #)", "quantifier"),
    ("~at least", r"minimum|min", "quantifier"),
    ("more than", r"(?:more|greater|larger|longer|older|heavier|higher|bigger|later) than(?= \w* ?#)"
     r"|(?:over|above|beyond)(?= #)|exceed\w*|in excess of|more than", "quantifier"),
    ("less than", r"(?:less|fewer|smaller|shorter|younger|lighter|lower|earlier) than"
     r"|(?:under|below)(?= #)", "quantifier"),
    # duties and rights
    ("free", r"(?:need|do|does|did) not (?:have|need|be required) to|need not|no longer ha(?:s|ve) to"
     rf"|not{_ADVERB} (?:obliged|obligated|required|necessary|needed|mandatory|compulsory|bound)"
     r"|no (?:\w+ )?(?:obligation|need|requirement|duty)|(?:un|not )necessary|optional(?:ly)?"
     r"|voluntar(?:y|ily)|no(?= (?:\w+ ){1,8}(?:is|are) (?:needed|required|necessary))"
     r"|without (?:having|needing) to", "modal"),
    ("forbid", rf"(?:must|shall|may|can|could){_ADVERB} (?:not|never|under no circumstances)"
     rf"|(?:not|never){_ADVERB} (?:be )?(?:permitted|allowed|authori[sz]ed|possible|entitled|able)"
     r"|(?:can|may|must|shall) in no (?:event|case)|prohibit\w*|forbid\w*|forbidden|banned|barred"
     r"|unable to|impossible|refrain from|not to be|no(?: |-)?one (?:may|can)|disallow\w*", "modal"),
    ("", r"(?:^|(?<=[,;] ))should(?= (?:the|an?|any|you|we|this|that|it|he|she|they|your|our)\b)",
     "condition"),
    ("advise", r"should|ought to|(?:highly |strongly )?recommend\w*|advisable|advised?|encourag\w*"
     r"|suggest(?:ed|s)?\b|preferabl[ey]", "modal"),
    ("oblige", r"must|shall|ha(?:s|ve|d) to|(?:is|are|was|were|be)(?: \w+ly)? (?:required|obliged|obligated|bound)"
     r"|require[sd]?|obligat\w*|mandatory|compulsory|necessary|undertakes? to|duty to", "modal"),
    ("~oblige", r"needs? to|needs?|(?:is|are|was|were) to(?= be\b| \w+)|please|in order to|responsib\w*|only if"
     r"|ensure", "modal"),
    ("permit", r"may|might|permit\w*|allow\w*|entitle\w*|authori[sz]ed?|(?:has|have|reserves?) the right"
     r"|(?:is|are) free to|at liberty", "modal"),
    ("~permit", r"can|could|(?:is|are|be) able to|able to|possible|possibly|option|choose|whenever|eligible"
     r"|whether", "modal"),
    ("~oblige", r"will", "modal"),
    # how many
    ("only", r"only|solely|exclusively|alone|nothing but|no other than", "quantifier"),
    ("~only", r"just|merely|sole|single|limited to|in order to|against", "quantifier"),
    ("either", r"either of|one of the (?:#|two|parties|parents)|either(?! \w+ or\b)(?= [a-z]+s?\b)(?=[^.;]*$)(?![^.;]*\bor\b)", "quantifier"),
    ("one of", r"one of", "quantifier"),
    ("~=2", r"both|pair|couple|double|either|neither|twice", "number"),
    ("~all", r"all|every|each|any|everyone|everybody|anyone|everything|always|whoever|both|entire|whole",
     "quantifier"),
    ("some", r"some|certain|several|partly|partially", "quantifier"),
    ("most", r"most(?: of)? (?:the )?(?=\w+s\b)|the majority of|mostly|in most cases", "quantifier"),
    ("few", r"a few|few|hardly any|rarely|seldom", "quantifier"),
    ("many", r"many|numerous", "quantifier"),
    ("except", r"except\w*|other than|apart from|save for|with the exception of|all but", "condition"),
)  # fmt: skip


def _rules() -> tuple[tuple[re.Pattern[str], str, bool, ChangeKind], ...]:
    return tuple(
        (re.compile(rf"(?<![\w])(?:{pattern})(?!\w)"), name.lstrip("~"), name[:1] == "~", kind)
        for name, pattern, kind in _PHRASES
    )


_RULES: Final = _rules()
_NEGATIONS: Final = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|nowhere|neither|nor|without|unless|lacks?|lacking|cease[sd]?)\b"
)
_CONDITIONS: Final = re.compile(
    r"\b(?:if|unless|provided that|as long as|on condition|in the event|in case|subject to|where"
    r"|when|whenever|until|except)\b"
)
_WORD: Final = re.compile(r"[^\W_]+")


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
    text = _identifiers(text, meaning)
    text = quantities.dates(quantities.romans(text), meaning.note_quantity)
    _weekdays(text, meaning)
    _capitals(text, meaning)
    text = quantities.quantities(_HYPHENED.sub(r"\1", text.lower()), meaning.note_quantity)
    text = " ".join(text.split())
    if _CONDITIONS.search(text):
        meaning.soft.add("condition")
    for pattern, name, soft, kind in _RULES:
        text, found = pattern.subn(" ", text)
        if found and name:
            meaning.note(kind, name, soft)
    meaning.negations = len(_NEGATIONS.findall(text))
    meaning.content = tuple(_content(text, meaning))
    return meaning


def _content(text: str, meaning: Meaning) -> Iterator[str]:
    for word in _WORD.findall(text):
        if word not in _EMPTY and not _NEGATIONS.fullmatch(word):
            key = stem(word)
            if key not in meaning.names:
                yield key


_WEEKDAY: Final = re.compile(r"\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b")


def _weekdays(text: str, meaning: Meaning) -> None:
    for match in _WEEKDAY.finditer(text):
        meaning.note("date", match[1].lower())
