"""What differs in meaning between two sentences.

A changed number, date, amount, negation, modal, name or defined term is significant however near
the two sentences are; a rewording that keeps all of them is not. All is read by rules
(`tamis.sync.meaning`), of which each stands for something a reader of contracts, policies or
manuals would look out for; without a model, and so without a threshold on a similarity.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias, get_args

from tamis.sync.lexicon import HEADS, IMPLICIT, OPPOSITES, PREFIXES, WAYS, ChangeKind
from tamis.sync.meaning import Meaning, read, sense, stem

#: Longer ones are no sentences: they are compared word by word, not read.
LONGEST_SENTENCE: Final = 20_000
#: Sentences of more words are not aligned word by word.
_LONGEST_ALIGNED: Final = 400
#: From this share of common words on, a word that came or went is seen as such.
_NEAR: Final = 0.65
#: Where fewer words are shared, and both sentences have their own, what denies, permits or limits
#: may be said in a way that no rule reads: what only one of them has is no difference then.
_NEAR_ENOUGH: Final = 0.5
_WEAK: Final[frozenset[ChangeKind]] = frozenset({"modal", "quantifier"})
#: So many more words of content than in the other version are a clause more.
_UNBALANCED: Final = 4
#: Sentences that came or went with so few words of content are not significant for these alone.
_FEW: Final = 3
_IMPLICIT: Final = re.compile(rf"(?:{IMPLICIT})")

#: Where a stretch of words begins and ends in the one sentence and in the other.
Place: TypeAlias = tuple[int, int, int, int]


def _groups() -> tuple[dict[str, tuple[tuple[int, int], ...]], dict[int, int]]:
    """Give the places (group, class) of every stem, and how many classes each group has."""
    places: dict[str, tuple[tuple[int, int], ...]] = {}
    sizes = {}
    for group, line in enumerate(OPPOSITES.split(",")):
        classes = line.split("/")
        sizes[group] = len(classes)
        for number, words in enumerate(classes):
            for word in words.split():
                places[stem(word)] = (*places.get(stem(word), ()), (group, number))
    return places, sizes


_PLACES, _SIZES = _groups()


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
    lost, gained = _unknown(one, other), _unknown(other, one)
    if lost and gained and _share(one, other) < _NEAR_ENOUGH:
        found -= _WEAK & ({*one.facts.values()} ^ {*other.facts.values()})
    else:
        found.update(_polarity(one, other))
    if _periods(one, other):
        found.add("amount")
    if _subjects(one, other):
        found.add("entity")
    if max(len(one.words), len(other.words)) <= _LONGEST_ALIGNED:
        found.update(_wording(one, other, lost, gained))
    return tuple(kind for kind in _ORDER if kind in found)


_ORDER: Final[tuple[ChangeKind, ...]] = get_args(ChangeKind)


def _share(one: Meaning, other: Meaning) -> float:
    """Give the share of the words that two sentences have in common, in whatever order."""
    olds, news = {*one.senses}, {*other.senses}
    return len(olds & news) / max(len(olds), len(news))


def _facts(one: Meaning, other: Meaning) -> Iterator[ChangeKind]:
    """Give the kinds of the hard facts of `one` that `other` does not have."""
    for fact, kind in one.facts.items():
        if (
            fact not in other.facts
            and fact not in other.soft
            and not (other.words and _goes_without(fact, one, other))
        ):
            yield kind


_MODALS: Final = frozenset({"advise", "permit", "free", "oblige", "forbid"})


def _goes_without(fact: str, one: Meaning, other: Meaning) -> bool:
    """Whether a sentence that does not have a fact says the same in another way."""
    if fact == "=1":
        return not {"one", "first", "single", "a"}.isdisjoint(other.words)
    if fact[0] == "=":  # "under 8 years", "under eight"
        return " " in fact and any(bare[0] == "=" and bare in other.facts for bare in one.soft)
    if fact in _COMPARISONS:  # "not under 5", "5 or more"
        return bool(_denials(one)) != bool(_denials(other)) and not _COMPARISONS.isdisjoint(
            {*other.facts, *other.soft}
        )
    if fact in _MODALS:
        return _does_without(fact, one, other)
    if fact == "only":  # what is needed for something is all that it can be had with
        duties = {"oblige"} & {*other.facts, *other.soft}
        return ("forbid" in other.facts and _denials(other) > _denials(one)) or (
            bool(duties) and duties.isdisjoint({*one.facts, *one.soft})
        )
    if fact == "either":
        return "all" in other.soft and "both" not in other.words
    return fact == "except" and _denies(one, other)


def _does_without(modal: str, one: Meaning, other: Meaning) -> bool:
    """Whether a sentence that does not have a modal says the same in another way."""
    if modal == "oblige" and "forbid" in other.facts:  # to be without something
        return _implies(one, other) or bool(_prefixed(one, other) % 2)
    if modal == "oblige":  # so do imperatives, and the present tense of rules
        only = "only" in other.facts and ("only" in one.facts or "permit" in other.facts)
        own = {*one.facts, *one.soft, "oblige"}
        return only or ({*other.facts, *other.soft} & _MODALS) <= own
    if modal == "permit":
        return "oblige" in {*other.facts, *other.soft} and "only" in {*one.facts, *other.facts}
    if modal == "forbid":
        turned = "oblige" in other.facts and bool(_prefixed(one, other) % 2)
        return turned or _denies(one, other)
    return modal == "advise" and _is_order(other, one)


def _denies(one: Meaning, other: Meaning) -> bool:
    """Whether the other sentence rules out in some way what the one does."""
    return "only" in other.facts or other.negations > 0 or _implies(other, one)


_COMPARISONS: Final = frozenset({"at least", "at most", "more than", "less than"})


def _is_order(one: Meaning, other: Meaning) -> bool:
    """Whether a sentence without a modal tells to do what another one says of some subject."""
    return (
        _MODALS.isdisjoint({*one.facts, *one.soft})
        and sense(one.words[0]) in other.content
        and one.words[0] != other.words[0]
    )


def _names(one: Meaning, other: Meaning) -> Iterator[ChangeKind]:
    """Give the kinds of the names of `one` that `other` has nowhere, not as common words either."""
    missing = {name: kind for name, kind in one.names.items() if name not in other.names}
    if not missing or "".join(name[:1] for name in missing) in other.names:
        return
    known = set(map(stem, other.words)) | {a + b for a, b in pairwise(other.words)}
    initials = "".join(word[0] for word in other.words)
    for name, kind in missing.items():
        if any(_qualified(name, found) for found in other.names):
            continue
        if name not in known and not (2 < len(name) < 7 and name in initials):
            yield kind


def _qualified(one: str, other: str) -> bool:
    """Whether one of two names is the end of the other: "filter", "QuerySet.filter"."""
    short, long = sorted((one, other), key=len)
    last = re.split(r"[./]", long)[-1]
    return last != long and (long.endswith(("." + short, "/" + short)) or stem(last) == short)


def _polarity(one: Meaning, other: Meaning) -> Iterator[ChangeKind]:
    """Compare what is denied: negations and opposites, of which two take each other away."""
    olds, news = {*map(stem, one.words)}, {*map(stem, other.words)}
    groups = _opposed(olds - news, news - olds)
    if any(_SIZES[group] > 2 for group in groups):
        yield "content"
    turns = sum(_SIZES[group] == 2 for group in groups)
    turns += _prefixed(one, other) + _turned(one.words, other.words)
    denied, denies = _denials(one), _denials(other)
    if turns % 2 in {bool(denied) != bool(denies), denied % 2 != denies % 2}:
        return
    if turns or not _implies(*((other, one) if denied else (one, other))):
        yield "negation"


def _denials(meaning: Meaning) -> int:
    return meaning.negations + ("forbid" in meaning.facts)


def _implies(one: Meaning, other: Meaning) -> bool:
    """Whether words that only `one` has may deny what `other` denies with a negation."""
    return any(_IMPLICIT.fullmatch(word) for word in {*one.words} - {*other.words})


def _opposed(olds: set[str], news: set[str]) -> list[int]:
    """Give the groups of which two sentences have words that exclude one another."""
    mine = {place for word in olds for place in _PLACES.get(word, ())}
    yours = {place for word in news for place in _PLACES.get(word, ())}
    return [
        group
        for group in {group for group, _ in mine} & {group for group, _ in yours}
        if not {p for p in mine if p[0] == group} & {p for p in yours if p[0] == group}
    ]


_TURNS: Final = (*WAYS, *((other, one) for one, other in WAYS))
_TURNING: Final = tuple(end for end, _ in _TURNS)


def _turned(olds: tuple[str, ...], news: tuple[str, ...]) -> int:
    """Count the words that point the other way: "inwards", "outwards"."""
    mine, yours = {*olds} - {*news}, {*news} - {*olds}
    return sum(
        (word.startswith(end) and other + word[len(end) :] in yours)
        or (word.endswith(end) and word[: -len(end)] + other in yours)
        for word in mine
        if yours and (word.startswith(_TURNING) or word.endswith(_TURNING))
        for end, other in _TURNS
        if len(word) > len(end) + 2
    )


def _prefixed(one: Meaning, other: Meaning) -> int:
    """Count the words of one sentence that deny, by how they begin, a word of the other."""
    olds, news = set(one.words), set(other.words)
    return _denied(olds - news, news, one.content) + _denied(news - olds, olds, other.content)


_ABLE: Final = re.compile(r"(?:abl|ibl|able|ible)e?$")


def _denied(words: set[str], bases: set[str], content: tuple[str, ...]) -> int:
    denying = [word for word in words if word.startswith(PREFIXES) and sense(word) in content]
    if not denying:
        return 0
    stems = {_ABLE.sub("", stem(base)) for base in bases}
    return sum(
        word.startswith(prefix)
        and len(word) > len(prefix) + 3
        and _ABLE.sub("", stem(word.removeprefix(prefix))) in stems
        for word in denying
        if _ABLE.sub("", stem(word)) not in stems
        for prefix in PREFIXES
    )


def _periods(one: Meaning, other: Meaning) -> bool:
    """Whether what is said of a unit without a number excludes one another: per month, an hour."""
    return _exclusive(one.rates, other.rates) or _exclusive(_single(one), _single(other))


def _subjects(one: Meaning, other: Meaning) -> bool:
    """Whether both begin with what may be a name, and with one the other does not have."""
    return (
        bool(one.subject and other.subject)
        and one.subject not in map(stem, other.words)
        and other.subject not in map(stem, one.words)
    )


def _wording(
    one: Meaning, other: Meaning, lost: set[str], gained: set[str]
) -> Iterator[ChangeKind]:
    """Compare what no rule has read: words that came or went, or changed places."""
    if not one.words or not other.words:
        if len(lost) + len(gained) > _FEW:
            yield "content"
        return
    if min(len(lost), len(gained)) > _FEW and not set(one.content) & set(other.content):
        yield "content"
    olds, news = [*one.senses], [*other.senses]
    bare = [[word for word in side if word not in _ARTICLES] for side in (olds, news)]
    if sorted(bare[0]) == sorted(bare[1]):
        if _swapped(*bare):
            yield "content"
        return
    changed, kept = _aligned(olds, news)
    if 2 * kept < _NEAR * (len(olds) + len(news)):
        return
    sides = (
        _Side(olds, lost, set(Counter(olds) - Counter(news)).intersection(one.content)),
        _Side(news, gained, set(Counter(news) - Counter(olds)).intersection(other.content)),
    )
    if any(_connectives(olds, news, *ends) for ends in changed):
        yield "quantifier"
    if _exchanged(sides, changed):
        yield "content"
    if abs(len(lost) - len(gained)) >= _UNBALANCED or any(
        _comes_or_goes(sides, *ends) for ends in changed
    ):
        yield "content" if ("condition" in one.soft) == ("condition" in other.soft) else "condition"


def _aligned(olds: list[str], news: list[str]) -> tuple[list[Place], int]:
    """Give the places where two sentences differ, and how many words stand in between."""
    shorter = min(len(olds), len(news))
    head = next((i for i in range(shorter) if olds[i] != news[i]), shorter)
    tail = next((i for i in range(shorter - head) if olds[-1 - i] != news[-1 - i]), shorter - head)
    a, c = len(olds) - tail, len(news) - tail
    if head in {a, c}:
        return [(head, a, head, c)], head + tail
    matcher = difflib.SequenceMatcher(None, olds[head:a], news[head:c], autojunk=False)
    changed, kept = [], head + tail
    for tag, *ends in matcher.get_opcodes():
        if tag == "equal":
            kept += ends[1] - ends[0]
        else:
            changed.append((ends[0] + head, ends[1] + head, ends[2] + head, ends[3] + head))
    return changed, kept


def _exchanged(sides: tuple[_Side, _Side], changed: list[Place]) -> bool:
    """Whether words of content gave place to others, in a sentence that is otherwise kept."""
    old, new = sides
    places = [
        (a, b, c, d)
        for a, b, c, d in changed
        if not _ARTICLES.issuperset([*old.words[a:b], *new.words[c:d]])
    ]
    for a, b, c, d in places:
        before, after = old.words[a:b], new.words[c:d]
        lost, gained = old.own.intersection(before), new.own.intersection(after)
        if lost and gained and len(places) <= 2:
            return True
        if len(places) == 1:
            begins = {word[:5] for word in before}, {word[:5] for word in after}
            lost = old.more.intersection(before) & {*old.own, *new.words}
            gained = new.more.intersection(after) & {*new.own, *old.words}
            if lost and gained and begins[0].isdisjoint(begins[1]):
                return True
    return False


@dataclass(frozen=True, slots=True)
class _Side:
    """The words of one sentence, those of content that only it has, and those it has more of."""

    words: list[str]
    own: set[str]
    more: set[str]


def _connectives(olds: list[str], news: list[str], a: int, b: int, c: int, d: int) -> bool:
    """Whether "and" became "or" there, or the reverse."""
    return sorted((olds[a:b], news[c:d])) == [["and"], ["or"]]


def _comes_or_goes(sides: tuple[_Side, _Side], a: int, b: int, c: int, d: int) -> bool:
    """Whether at a place where two sentences differ, one of them says something more."""
    old, new = sides
    before, after = old.words[a:b], new.words[c:d]
    return _says_more(before, old, after, new) or _says_more(after, new, before, old)


_HEADS: Final = frozenset(map(sense, HEADS))


def _says_more(block: list[str], side: _Side, against: list[str], other: _Side) -> bool:
    """Whether the one block has content where the other has none, or one more in a list.

    "All users" says less than "registered users" does, and so do fewer words of no content.
    """
    own = not (side.own - _HEADS).isdisjoint(block)
    return (
        (own and not other.own and len(block) > len(against) + bool(against))
        or (own and bool(against) and _UNIVERSAL.issuperset(against))
        or (not against and _lists(block, side.more))
    )


def _exclusive(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one and other and not one & other)


def _single(meaning: Meaning) -> frozenset[str]:
    """Give the amounts of one: "an hour"."""
    return frozenset(
        fact for fact in (*meaning.soft, *meaning.facts) if fact[0] == "=" and " " in fact
    )


def _lists(block: list[str], more: set[str]) -> bool:
    """Whether words that only one of the sentences has are one more member of a list."""
    return any(
        ("and" in pair or "or" in pair) and not more.isdisjoint(pair) for pair in pairwise(block)
    )


def _unknown(one: Meaning, other: Meaning) -> set[str]:
    """Give the content of `one` of which `other` has no word of the same beginning."""
    known = {*other.senses} | {sense(a + b) for a, b in pairwise(other.words)}
    begins = {word[:5] for word in known}
    return {word for word in one.content if word not in known and word[:5] not in begins}


_UNIVERSAL: Final = frozenset(map(sense, ["all", "every", "each", "any", "everyone", "anyone"]))
_ARTICLES: Final = frozenset({"a", "an", "the"})
_SYMMETRIC: Final = frozenset({"and", "or", "as", "well", "is", "are", "equal", "the", "a", "an"})


def _swapped(olds: list[str], news: list[str]) -> bool:
    """Whether two parts of a sentence changed places around a middle that gives them a role."""
    while olds and olds[0] == news[0]:
        olds, news = olds[1:], news[1:]
    while olds and olds[-1] == news[-1]:
        olds, news = olds[:-1], news[:-1]
    size = len(olds)
    return any(
        olds[:i] == news[size - i :]
        and olds[size - j :] == news[:j]
        and olds[i : size - j] == news[j : size - i]
        and not _SYMMETRIC.issuperset(olds[i : size - j])
        for i in range(1, size)
        for j in range(1, size - i)
    )
