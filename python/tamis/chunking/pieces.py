"""Cuts blocks until every piece fits: blocks, then sentences or lines, then words, characters.

Pieces are spans without outer white space, except that a line of code keeps its indentation.
Every character of a block that is not white space is in exactly one of its pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tamis.chunking.base import Span, trimmed
from tamis.chunking.sentences import sentence_spans
from tamis.types import BlockKind

#: A text with more characters than this for each token it may have is not worth counting.
LONGEST_COUNTED = 32
#: A part of a sentence has this share of the tokens it may have, so that packing is tight.
_SHARE = 4
#: How many characters a token is taken to have where nothing was counted.
_CHARACTERS_PER_TOKEN = 4
_WHITE_SPACE = (" ", "\n", "\t")


class Piece(NamedTuple):
    """A part of a block that stays together.

    Attributes
    ----------
    start, end : int
        Its span in the document.
    kind : str
        The kind of its block.
    section : int
        The number of its section.
    tokens : int
        How many it has, or -1 before they are counted.
    is_block : bool
        Whether it is a whole block, and so is cut at sentences or lines if need be; a part of
        one is cut at words.
    """

    start: int
    end: int
    kind: BlockKind
    section: int
    tokens: int = -1
    is_block: bool = True


def fitting(
    text: str,
    pieces: Sequence[Piece],
    budgets: Sequence[int],
    count: Callable[[Sequence[str]], Sequence[int]],
) -> list[Piece]:
    """Return the pieces, those cut that have more tokens than a piece of their section may have.

    A single character stays a piece, whatever it counts.

    Parameters
    ----------
    text : str
        The document's.
    pieces : sequence of Piece
        In order; not counted yet.
    budgets : sequence of int
        The most tokens of a piece, for each section.
    count : callable
        Counts the tokens of texts; called once a round, with all that are new.
    """
    while any(piece.tokens < 0 for piece in pieces):
        fit: list[Piece] = []
        for piece in _counted(text, pieces, budgets, count):
            budget = budgets[piece.section]
            if piece.tokens <= budget or piece.end - piece.start == 1:
                fit.append(piece)
            else:
                fit += parts_of(text, piece, n_parts=max(2, -(-piece.tokens * _SHARE // budget)))
        pieces = fit
    return list(pieces)


def _counted(
    text: str,
    pieces: Sequence[Piece],
    budgets: Sequence[int],
    count: Callable[[Sequence[str]], Sequence[int]],
) -> Iterator[Piece]:
    new = [piece for piece in pieces if piece.tokens < 0]
    short = [p for p in new if p.end - p.start <= LONGEST_COUNTED * budgets[p.section]]
    tokens = dict(zip(short, count([text[p.start : p.end] for p in short]), strict=True))
    for piece in pieces:
        if piece.tokens < 0:
            estimate = (piece.end - piece.start) // _CHARACTERS_PER_TOKEN
            yield piece._replace(tokens=tokens.get(piece, estimate))
        else:
            yield piece


def parts_of(text: str, piece: Piece, n_parts: int) -> list[Piece]:
    """Return what a piece is cut into, not counted yet.

    A block is cut at the ends of its sentences, or of its lines if it is code or a table. What
    has no such end inside is cut into `n_parts` or more parts of about the same size.
    """
    spans: list[Span] = []
    if piece.is_block:
        cut = _lines if piece.kind in ("code", "table") else sentence_spans
        spans = list(cut(text, piece.start, piece.end))
    if len(spans) < 2:
        spans = list(_words(text, piece.start, piece.end, n_parts))
    return [Piece(start, end, piece.kind, piece.section, is_block=False) for start, end in spans]


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end:
        line_end = text.find("\n", start, end)
        line_end = end if line_end < 0 else line_end
        yield from trimmed(text, start, line_end, keeps_indent=True)
        start = line_end + 1


def _words(text: str, start: int, end: int, n_parts: int) -> Iterator[Span]:
    """Yield so many parts of about the same size, or more, cut at white space if there is any."""
    size = -(-(end - start) // n_parts)
    while start < end:
        cut = start + size
        if cut < end:
            space = max(text.rfind(mark, start + 1, cut + 1) for mark in _WHITE_SPACE)
            cut = space if space > start else cut
        yield from trimmed(text, start, min(cut, end))
        start = cut
