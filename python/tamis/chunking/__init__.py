"""Cuts documents into passages: what is embedded, searched and cited.

`chunk` cuts along the document's structure; a `Chunker` of another kind needs only its one
method.
"""

from __future__ import annotations

from tamis.chunking.base import Chunker, estimate_tokens
from tamis.chunking.passages import given
from tamis.chunking.structure import StructureChunker
from tamis.types import Chunk, Document, TokenCounter

__all__ = ["Chunker", "StructureChunker", "chunk", "estimate_tokens", "given"]


def chunk(
    document: Document, *, max_tokens: int = 256, count_tokens: TokenCounter | None = None
) -> list[Chunk]:
    r"""Return the passages of a document in reading order, cut along its structure.

    Parameters
    ----------
    document : Document
        As `tamis.read` gives it.
    max_tokens : int, default 256
        The most tokens of a passage, its heading path included.
    count_tokens : callable, optional
        Counts the tokens of many texts at once, such as `tamis.Encoder.count_tokens`. Without
        one they are estimated (`estimate_tokens`).

    Returns
    -------
    list of Chunk
        ``document.text[chunk.start:chunk.end] == chunk.text`` for each.

    Raises
    ------
    InvalidInputError
        If `max_tokens` is less than 1, or less than a single character has.

    Examples
    --------
    >>> from tamis.types import Block, Document
    >>> text = "Notice\nThirty days, in writing."
    >>> blocks = (Block("heading", 0, 6, 1), Block("paragraph", 7, 31))
    >>> [passage] = chunk(Document("contract.md", text, title="Lease", blocks=blocks))
    >>> passage.headings, passage.text
    (('Lease', 'Notice'), 'Thirty days, in writing.')
    """
    return StructureChunker(max_tokens, count_tokens).chunk(document)
