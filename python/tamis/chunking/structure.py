"""The default chunker: passages follow the structure that the author gave the document.

A passage lies in one section and is cut at the ends of blocks, so that tables, code and list
items stay whole where they fit. Neighbouring blocks share a passage as long as they fit, and a
line that leads to something ("For example:") is kept with it. What is too large by itself is cut
by `tamis.chunking.pieces`. Everything depends on one section alone, so an edit leaves the
passages of the other sections as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tamis.chunking.base import estimate_tokens, trimmed
from tamis.chunking.pieces import LONGEST_COUNTED, Piece, fitting, parts_of
from tamis.chunking.sections import Section, heading_texts, sections
from tamis.errors import InvalidInputError
from tamis.types import Chunk, Document, TokenCounter, content_hash

#: How much of an id is taken from the content's hash, in hexadecimal digits.
_ID_DIGITS = 12
#: What `Chunk.embedding_text` puts between two headings, and after the last.
_PATH_MARKS = (" > ", "\n")


@dataclass(frozen=True, slots=True)
class _Draft:
    """Pieces of one section that become a chunk."""

    headings: tuple[str, ...]
    pieces: tuple[Piece, ...]
    is_checked: bool = False


class StructureChunker:
    """Cuts documents along their structure into passages of a bounded size.

    Parameters
    ----------
    max_tokens : int, default 256
        The most tokens of a chunk's `embedding_text`: its heading path and its text. A path
        that takes more than half of them loses its outermost headings.
    count_tokens : callable, optional
        Counts the tokens of many texts at once, as the model that will read them does. It is
        called a few times a document. Without one they are estimated (`estimate_tokens`).

    Raises
    ------
    InvalidInputError
        If `max_tokens` is less than 1.
    """

    def __init__(self, max_tokens: int = 256, count_tokens: TokenCounter | None = None) -> None:
        if max_tokens < 1:
            raise InvalidInputError(f"max_tokens is {max_tokens}; give at least 1")
        self.max_tokens = max_tokens
        self._count_tokens = count_tokens or estimate_tokens

    def chunk(self, document: Document) -> list[Chunk]:
        """Return the passages of a document in reading order.

        Parameters
        ----------
        document : Document
            One without text has no passages.

        Returns
        -------
        list of Chunk
            Spans of the document's text that do not overlap and hold all of its blocks, except
            headings, which are in the paths of what follows. A heading with nothing under it, or
            too long for a path, is a passage itself. Ids are made of the content; passages that
            say the same are numbered.

        Raises
        ------
        InvalidInputError
            If a single character has more tokens than `max_tokens`, or `count_tokens` gives
            another number of counts than it was given texts.
        """
        text = document.text
        parts, budgets = self._sections(document)
        pieces = [
            Piece(start, end, block.kind, number)
            for number, section in enumerate(parts)
            for block in section.blocks
            for start, end in trimmed(
                text, block.start, block.end, keeps_indent=block.kind == "code"
            )
        ]
        pieces = fitting(text, pieces, budgets, self._count)
        packed = _packed(text, pieces, self._gaps(text, pieces), budgets)
        drafts = [_Draft(parts[inside[0].section].headings, inside) for inside in packed]
        return _named(_chunk(document, draft) for draft in self._checked(document, drafts))

    def _sections(self, document: Document) -> tuple[list[Section], list[int]]:
        """Return the sections with paths that are short enough, and what each leaves for text."""
        longest = LONGEST_COUNTED * self.max_tokens
        texts = (text for text in heading_texts(document) if len(text) <= longest)
        counted = list(dict.fromkeys([*texts, *_PATH_MARKS]))
        tokens = dict(zip(counted, self._count(counted), strict=True))
        between, after = (tokens[mark] for mark in _PATH_MARKS)
        most = self.max_tokens // 2

        def taken(path: Sequence[str]) -> int:
            return sum(tokens[heading] + between for heading in path) - between + after

        def fits(heading: str) -> bool:
            return heading in tokens and taken((heading,)) <= most

        parts, budgets = [], []
        for section in sections(document, fits):
            path = section.headings
            while path and taken(path) > most:
                path = path[1:]
            parts.append(replace(section, headings=path))
            budgets.append(self.max_tokens - (taken(path) if path else 0))
        return parts, budgets

    def _gaps(self, text: str, pieces: Sequence[Piece]) -> list[int]:
        """Return the tokens between each piece and the one before it in its section."""
        gaps = [0] * len(pieces)
        shown = []
        for i, (before, piece) in enumerate(pairwise(pieces), start=1):
            if before.section == piece.section and text[before.end : piece.start].strip():
                gaps[i] = piece.start - before.end
                if gaps[i] <= LONGEST_COUNTED * self.max_tokens:
                    shown.append(i)
        tokens = self._count([text[pieces[i - 1].end : pieces[i].start] for i in shown])
        for i, n_tokens in zip(shown, tokens, strict=True):
            gaps[i] = n_tokens
        return gaps

    def _checked(self, document: Document, drafts: list[_Draft]) -> list[_Draft]:
        """Return the drafts, those cut that have more tokens than their pieces have together."""
        while not all(draft.is_checked for draft in drafts):
            new = [draft for draft in drafts if not draft.is_checked]
            tokens = iter(self._count([_chunk(document, draft).embedding_text for draft in new]))
            checked: list[_Draft] = []
            for draft in drafts:
                if draft.is_checked:
                    checked.append(draft)
                elif next(tokens) <= self.max_tokens:
                    checked.append(replace(draft, is_checked=True))
                else:
                    checked += self._smaller(document, draft)
            drafts = checked
        return drafts

    def _smaller(self, document: Document, draft: _Draft) -> list[_Draft]:
        if len(draft.pieces) > 1:
            half = len(draft.pieces) // 2
            halves = (draft.pieces[:half], draft.pieces[half:])
            return [replace(draft, pieces=pieces) for pieces in halves]
        piece = draft.pieces[0]
        if piece.end - piece.start > 1:
            parts = parts_of(document.text, piece, n_parts=2)
            return [replace(draft, pieces=(part,)) for part in parts]
        if draft.headings:
            return [replace(draft, headings=draft.headings[1:])]
        raise InvalidInputError(
            f"document {document.id!r}: the character {document.text[piece.start]!r} at "
            f"{piece.start} alone has more than max_tokens={self.max_tokens} tokens; give more"
        )

    def _count(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        counts = [int(n) for n in self._count_tokens(texts)]
        if len(counts) != len(texts):
            raise InvalidInputError(
                f"count_tokens gave {len(counts)} counts for {len(texts)} texts; it must give "
                "one for each"
            )
        return counts


def _packed(
    text: str, pieces: Sequence[Piece], gaps: Sequence[int], budgets: Sequence[int]
) -> Iterator[tuple[Piece, ...]]:
    """Yield the pieces of each chunk: as many neighbours of one section as fit."""
    packed: list[Piece] = []
    sizes: list[int] = []  # of each piece with what stands between it and the one before
    for piece, gap in zip(pieces, gaps, strict=True):
        budget = budgets[piece.section]
        size = gap + piece.tokens
        if packed and packed[-1].section != piece.section:
            yield tuple(packed)
            packed, sizes = [], []
        elif packed and sum(sizes) + size > budget:
            cut = len(packed)
            while cut > 1 and _leads(text, packed[cut - 1]):
                if sum(sizes[cut - 1 :]) + size > budget:
                    break
                cut -= 1
            yield tuple(packed[:cut])
            packed, sizes = packed[cut:], sizes[cut:]
        packed.append(piece)
        sizes.append(size if len(packed) > 1 else piece.tokens)
    if packed:
        yield tuple(packed)


def _leads(text: str, piece: Piece) -> bool:
    """Whether a piece leads to the one after it: "For example:"."""
    return piece.kind in ("paragraph", "list_item") and text[piece.end - 1] in ":\uff1a"


def _chunk(document: Document, draft: _Draft) -> Chunk:
    """Return the chunk of a draft; its id is only the document's."""
    start, end = draft.pieces[0].start, draft.pieces[-1].end
    kinds = {piece.kind for piece in draft.pieces}
    return Chunk(
        id=document.id,
        document_id=document.id,
        text=document.text[start:end],
        start=start,
        end=end,
        headings=draft.headings,
        kind=kinds.pop() if len(kinds) == 1 else "mixed",
    )


def _named(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Return the chunks with ids of their own, made from their content."""
    seen: Counter[str] = Counter()
    named = []
    for chunk in chunks:
        name = f"{chunk.document_id}#{content_hash(chunk.embedding_text)[:_ID_DIGITS]}"
        seen[name] += 1
        named.append(replace(chunk, id=name if seen[name] == 1 else f"{name}-{seen[name]}"))
    return named
