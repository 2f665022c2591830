"""Where sentences end: by rules, without a model.

A full stop ends a sentence unless it belongs to an abbreviation, an initial or the number of a
heading or list item, and only where white space follows, so that decimals, ``4.2(b)`` and
``www.example.org`` stay whole. Chinese and Japanese stops need no white space. Blank lines and
new list items end sentences too. In doubt the text is left together: a sentence too long is
read well enough, half a sentence is not.
"""

# ruff: noqa: RUF001 - this is about characters that look like others

from __future__ import annotations

import re
from collections.abc import Iterator

from tamis.chunking.base import Span, trimmed

#: One character that may end a sentence, and after it what makes it one that does. Runs of stops
#: are taken as a whole, from their first on.
_END = re.compile(
    r"""
    [.!?…؟۔।。！？｡\n]
    (?: (?<=[.!?…؟۔।]) (?<![.!?…؟۔।]{2}) [.!?…؟۔।]*+ ["'”’»)\]]*+ (?=\s)
      | (?<=[。！？｡]) [。！？｡]*+ [」』”’）】〉》"']*+                      # needs no white space
      | (?<=\n) [^\S\n]* \n                                              # a blank line
      | (?<=\n) (?= [^\S\n]* (?: [-*+•] | \(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)] ) \s )  # an item
    )
    """,
    re.VERBOSE,
)
_OPENERS = "\"'“‘«([{"
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]*$")
_NEXT_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\(?(?:\d+(?:\.\d+)*|[ivxlc]+|[a-z])\)?", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")  # u.s, e.g
_LONGEST_ABBREVIATION = 16

#: Abbreviations that stand before a name or inside of a sentence.
_INNER = frozenset(
    {"approx", "ca", "capt", "cf", "col", "dr", "e.g", "esp", "gen", "gov", "hon", "i.e", "incl"}
    | {"lt", "messrs", "mr", "mrs", "ms", "mt", "prof", "resp", "rev", "sgt", "st", "viz", "vs"}
)
#: Abbreviations that stand before a number; before anything else they are words.
_BEFORE_NUMBERS = frozenset(
    {"app", "art", "arts", "ch", "cl", "eq", "ex", "fig", "figs", "no", "nos", "p", "para", "pp"}
    | {"pt", "sec", "secs", "vol", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept"}
    | {"oct", "nov", "dec"}
)
#: Abbreviations that end a sentence as well as not.
_EITHER = frozenset(
    {"al", "bros", "co", "corp", "dept", "est", "etc", "gmbh", "inc", "jr", "llc", "ltd", "ph.d"}
    | {"plc", "sr"}
)
#: Words that begin a sentence after one of those, if capitalised.
_STARTERS = frozenset(
    {"a", "after", "all", "an", "and", "any", "as", "at", "before", "but", "by", "each", "for"}
    | {"he", "her", "his", "however", "i", "if", "in", "it", "its", "no", "on", "our", "she"}
    | {"such", "that", "the", "their", "there", "these", "they", "this", "those", "to", "we"}
    | {"when", "you"}
)


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """Yield the spans of the sentences of a text, or of a part of it, without outer white space.

    Parameters
    ----------
    text : str
        The whole text.
    start, end : int
        The part to cut, by default all of it.

    Yields
    ------
    tuple of int
        ``(start, end)`` in `text`. Every character that is not white space is in one span.
    """
    end = len(text) if end is None else end
    begin = start
    for match in _END.finditer(text, start, end):
        if match[0][0] == "\n" or _ends(text, begin, match, end):
            yield from trimmed(text, begin, match.end())
            begin = match.end()
    yield from trimmed(text, begin, end)


def _ends(text: str, begin: int, match: re.Match[str], end: int) -> bool:
    """Whether the stops that were found end the sentence that began at `begin`."""
    following = text[match.end() : min(end, match.end() + 40)].lstrip().lstrip(_OPENERS)
    if not following or match[0][0] in "。！？｡":
        return True
    if following[0].islower():
        return False
    return match[0][0] != "." or not _is_abbreviation(text, begin, match.start(), following)


def _is_abbreviation(text: str, begin: int, dot: int, following: str) -> bool:
    """Whether the full stop at `dot` belongs to the word before it, and the sentence goes on."""
    head = text[max(begin, dot - _LONGEST_ABBREVIATION) : dot]
    found = _LAST_WORD.search(head)
    word = found[0] if found else ""
    name = word.lower()
    if name in _INNER or (name in _BEFORE_NUMBERS and following[0].isdigit()):
        return True
    if _NUMBER.fullmatch(word) and len(text[max(begin, dot - 40) : dot].split()) <= 2:
        return True  # "4.2. Termination", "Section 4. Termination"
    if name in _EITHER or _LETTERS.fullmatch(name):
        starter = _NEXT_WORD.match(following)
        return starter is None or starter[0].lower() not in _STARTERS
    return len(word) == 1 and word.isupper() and word != "I"
