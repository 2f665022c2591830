"""Which sentences of a document changed, and whether what they say did."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tamis.chunking.sentences import sentence_spans
from tamis.sync.comparison import LONGEST_SENTENCE, kinds
from tamis.sync.lexicon import ChangeKind
from tamis.sync.meaning import stem, tokens

__all__ = ["Change", "ChangeKind", "changes", "kinds"]

#: How many sentences of a run are compared to each, and how many that share rare words.
_NEIGHBOURS: Final = 3
#: Words in more of the changed sentences than these are not rare.
_RARE: Final = 20
#: The least similarity of a pair in the same place of the text, and of one elsewhere.
_LEAST_NEAR: Final = 0.25
_LEAST_FAR: Final = 0.5


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


def changes(old: str, new: str, document_id: str = "") -> tuple[Change, ...]:
    """Say which sentences differ between two versions of a text.

    Sentences that both versions have are no changes, wherever they stand. The others are paired
    by their place and by the words that they share; what is left over was added or removed.

    Parameters
    ----------
    old, new : str
        The whole texts.
    document_id : str
        Noted with every change.

    Returns
    -------
    tuple of Change
        In the order of the new text; what was removed stands where it stood.
    """
    if old == new:
        return ()
    olds, news = _sentences(old), _sentences(new)
    same = _same(olds, news)
    pairs = {**same, **_paired(olds, news, same)}
    backwards = {b: a for a, b in pairs.items()}
    # What was removed goes before the first new sentence whose old one stood behind it.
    rows = [
        (b, 1, olds[backwards[b]] if b in backwards else "", sentence)
        for b, sentence in enumerate(news)
        if same.get(backwards.get(b, -1)) != b
    ]
    place = 0
    for a, sentence in enumerate(olds):
        if a in pairs:
            place = pairs[a] + 1
        else:
            rows.append((place, 0, sentence, ""))
    rows.sort(key=lambda row: row[:2])
    return tuple(Change(document_id, a, b, kinds(a, b)) for _, _, a, b in rows)


def _sentences(text: str) -> list[str]:
    return [text[a:b] for a, b in sentence_spans(text)]


def _same(olds: list[str], news: list[str]) -> dict[int, int]:
    """Match the sentences that differ in white space at most, wherever they stand."""
    places: dict[str, deque[int]] = defaultdict(deque)
    for b, sentence in enumerate(news):
        places[" ".join(sentence.split())].append(b)
    same = {}
    for a, sentence in enumerate(olds):
        found = places.get(" ".join(sentence.split()))
        if found:
            same[a] = found.popleft()
    return same


def _paired(olds: list[str], news: list[str], same: dict[int, int]) -> dict[int, int]:
    """Pair the other sentences, the most similar first."""
    left = [a for a in range(len(olds)) if a not in same]
    taken = set(same.values())
    right = [b for b in range(len(news)) if b not in taken]
    bags = {a: _bag(olds[a]) for a in left}, {b: _bag(news[b]) for b in right}
    scored = [
        (similarity, a, b)
        for a, b, least in _candidates(left, right, bags, same)
        if (similarity := _similarity(bags[0][a], bags[1][b])) >= least
    ]
    pairs: dict[int, int] = {}
    done: set[int] = set()
    for _, a, b in sorted(scored, key=lambda row: (-row[0], abs(row[1] - row[2]), row[1:])):
        if a not in pairs and b not in done:
            pairs[a] = b
            done.add(b)
    return pairs


def _candidates(
    left: list[int],
    right: list[int],
    bags: tuple[dict[int, set[str]], dict[int, set[str]]],
    same: dict[int, int],
) -> Iterator[tuple[int, int, float]]:
    """Give the pairs worth comparing, a few for each sentence, and the least similarity of each.

    They are sentences behind the same unchanged one, at about the same distance, and sentences
    that share words which few others have.
    """
    runs: dict[int, list[int]] = defaultdict(list)
    kept = set(same.values())
    anchor = -1
    unchanged = iter([*sorted(kept), len(kept) + len(right)])
    upcoming = next(unchanged)
    for b in right:
        while upcoming < b:
            anchor, upcoming = upcoming, next(unchanged)
        runs[anchor].append(b)
    rare: dict[str, list[int]] = defaultdict(list)
    for b in right:
        for word in bags[1][b]:
            rare[word].append(b)
    previous, anchor, nth = -1, -1, 0
    for a in left:
        for between in range(previous + 1, a):
            anchor, nth = same[between], 0
        run = runs.get(anchor, [])
        for b in run[max(0, nth - _NEIGHBOURS) : nth + _NEIGHBOURS + 1]:
            yield a, b, _LEAST_NEAR
        previous, nth = a, nth + 1
        shared = Counter(
            b for word in bags[0][a] if len(rare.get(word, ())) <= _RARE for b in rare.get(word, ())
        )
        for b, _ in shared.most_common(_NEIGHBOURS):
            yield a, b, _LEAST_FAR


def _bag(sentence: str) -> set[str]:
    return set(map(stem, tokens(sentence[:LONGEST_SENTENCE])))


def _similarity(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
