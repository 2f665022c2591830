"""Which sentences of a document changed, and whether what they say did.

A changed number, date, amount, negation, modal, name or defined term is significant however near
the two sentences are; a rewording that keeps all of them is not. All is read by rules
(`tamis.sync.meaning`), of which each stands for something a reader of contracts, policies or
manuals would look out for; without a model, and so without a threshold on a similarity.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tamis.chunking.sentences import sentence_spans
from tamis.sync.meaning import ChangeKind, Meaning, read, stem

#: Longer ones are no sentences: they are compared word by word, not read.
LONGEST_SENTENCE: Final = 20_000
#: Sentences of more words are not aligned word by word.
_LONGEST_ALIGNED: Final = 400

#: Words that say the opposite of each other, or exclude one another: classes of one group are
#: separated by "/". Where a group has two classes, a negation turns the one into the other.
_GROUPS_TEXT: Final = """
include comprise / exclude omit
enable activate on / disable deactivate off
increase raise grow / decrease reduce lower
accept approve / reject refuse decline deny
open / close closed shut
start begin beginning commence / end ending stop finish
first initial / last final
before prior ahead / after following afterwards thereafter
above / below beneath
maximum max highest most / minimum min lowest least
buyer purchaser / seller vendor
lessor landlord / lessee tenant
lender / borrower
employer / employee
licensor / licensee
creditor / debtor
credit / debit
assignor transferor / assignee transferee
claimant plaintiff / defendant
internal / external
public / private
manual manually / automatic automatically
true / false
keep retain preserve / delete remove discard erase destroy
add / remove
grant / revoke
confirm / deny
same identical / different
early earlier earliest / late later latest
always / never
often frequently / rarely seldom
push / pull
import / export
input / output
upload / download
read / write
encrypt / decrypt
show display / hide
upper / lower
top / bottom
long longer / short shorter
high higher / low lower
hot warm / cold cool
wet / dry
full / empty partial
permanent permanently / temporary temporarily
fixed / variable
absolute / relative
ascending / descending
old older oldest / new newer newest
success succeed successful successfully / failure fail failed
pass / fail
profit gain / loss
domestic national / foreign international
inbound incoming / outbound outgoing
inside indoor indoors / outside outdoor outdoors
inner / outer
local / remote
parent / child
gross / net
fast faster / slow slower
safe / dangerous
positive / negative
even / odd
synchronous synchronously / asynchronous asynchronously
oral orally verbal / written
buy purchase / sell
resign quit / dismiss dismissed
appoint / dismiss
join enter / leave exit
attach / detach
expand / collapse
major majority / minor minority
primary / secondary
senior / junior
adult / child
plus / minus
ceiling / floor
front / back rear
left / right
free gratis / chargeable
immediately promptly / later eventually
north northern / south southern / east eastern / west western
spring / summer / autumn fall / winter
morning / afternoon / evening / night
red / green / blue / yellow / white / black / orange
today / tomorrow / yesterday
hourly hour / daily day / weekly week / monthly month / quarterly quarter / yearly year annual annually
"""  # fmt: skip

Place = tuple[int, int]


def _groups() -> tuple[dict[str, tuple[Place, ...]], dict[int, int]]:
    """Give the places (group, class) of every stem, and how many classes each group has."""
    places: dict[str, tuple[Place, ...]] = {}
    sizes = {}
    for group, line in enumerate(_GROUPS_TEXT.strip().splitlines()):
        classes = line.split("/")
        sizes[group] = len(classes)
        for number, words in enumerate(classes):
            for word in words.split():
                places[stem(word)] = (*places.get(stem(word), ()), (group, number))
    return places, sizes


_PLACES, _SIZES = _groups()
_PREFIXES: Final = ("un", "in", "im", "ir", "il", "dis", "non", "mis", "de")


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence that differs between two versions of a document.

    Attributes
    ----------
    document_id : str
        The document.
    old, new : str
        The sentence in the two versions; empty where it was added or removed.
    kinds : tuple of str
        What differs in meaning; empty for a rewording.
    """

    document_id: str
    old: str
    new: str
    kinds: tuple[ChangeKind, ...]

    @property
    def significant(self) -> bool:
        """Whether the meaning differs, not the wording alone."""
        return bool(self.kinds)


def kinds(old: str, new: str) -> tuple[ChangeKind, ...]:
    """Say what differs in meaning between two sentences.

    Parameters
    ----------
    old, new : str
        The two versions; one of them may be empty.

    Returns
    -------
    tuple of str
        The kinds of difference in a fixed order, empty if the one is a rewording of the other.
    """
    if old.split() == new.split():
        return ()
    if max(len(old), len(new)) > LONGEST_SENTENCE:
        return () if Counter(old.lower().split()) == Counter(new.lower().split()) else ("content",)
    one, other = read(old), read(new)
    if one.words == other.words:
        return ()
    found: set[ChangeKind] = set()
    found.update(_facts(one, other), _facts(other, one))
    found.update(_names(one, other), _names(other, one))
    found.update(_polarity(one, other))
    found.update(_wording(one, other))
    return tuple(kind for kind in _ORDER if kind in found)


_ORDER: Final[tuple[ChangeKind, ...]] = (
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
)


def _facts(one: Meaning, other: Meaning) -> Iterable[ChangeKind]:
    """Give the kinds of the hard facts of `one` that `other` does not have."""
    for fact, kind in one.facts.items():
        if fact in other.facts or fact in other.soft:
            continue
        if fact == "=1" and {"one", "first", "single", "a", "an"} & set(other.words):
            continue
        if fact == "forbid" and (other.negations or "only" in other.facts):
            continue
        if fact == "oblige" and not {"advise", "permit", "free"} & set(other.facts):
            continue
        if fact == "except" and (other.negations or "only" in other.facts):
            continue
        yield kind


def _names(one: Meaning, other: Meaning) -> Iterable[ChangeKind]:
    """Give the kinds of the names of `one` that `other` has nowhere, not as common words either."""
    missing = {name: kind for name, kind in one.names.items() if name not in other.names}
    if not missing:
        return
    known = set(map(stem, other.words)) | {a + b for a, b in zip(other.words, other.words[1:])}
    for name, kind in missing.items():
        if name not in known:
            yield kind


def _polarity(one: Meaning, other: Meaning) -> Iterable[ChangeKind]:
    """Compare what is denied: negations and opposites, of which two take each other away."""
    olds, news = set(map(stem, one.words)), set(map(stem, other.words))
    turns = _opposed(olds - news, news - olds) + _prefixed(one, other)
    denied = bool(one.negations or "forbid" in one.facts)
    denies = bool(other.negations or "forbid" in other.facts)
    turned = denied != denies
    if turns % 2 != turned:
        yield "negation"


def _opposed(olds: set[str], news: set[str]) -> int:
    """Count the groups of which two sentences have words that exclude one another."""
    mine = {place for word in olds for place in _PLACES.get(word, ())}
    yours = {place for word in news for place in _PLACES.get(word, ())}
    return sum(
        1
        for group in {group for group, _ in mine} & {group for group, _ in yours}
        if not {p for p in mine if p[0] == group} & {p for p in yours if p[0] == group}
    )


def _prefixed(one: Meaning, other: Meaning) -> int:
    """Count the words of one sentence that deny, by how they begin, a word of the other."""
    olds, news = set(one.words), set(other.words)
    return _denied(olds - news, news) + _denied(news - olds, olds)


def _denied(words: set[str], bases: set[str]) -> int:
    stems = {stem(base) for base in bases}
    return sum(
        1
        for word in words
        for prefix in _PREFIXES
        if word.startswith(prefix)
        and len(word) > len(prefix) + 3
        and stem(word.removeprefix(prefix)) in stems
        and stem(word) not in stems
    )


def _wording(one: Meaning, other: Meaning) -> Iterable[ChangeKind]:
    return ()
