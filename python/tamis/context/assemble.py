"""The steps in order: drop repeats, join neighbours, fill the budget, order, number, cite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tamis.context.dedup import without_repeats
from tamis.context.order import best_at_both_ends
from tamis.errors import InvalidInputError
from tamis.types import Context, Hit, Passage, TokenCounter, cite

_PART = "\n\n"


@dataclass(slots=True)
class _Run:
    """Neighbouring hits of one document, as strong as the best of them."""

    document_id: str
    start: int
    end: int
    headings: tuple[str, ...]


def assemble(
    hits: Sequence[Hit],
    *,
    max_tokens: int,
    confidence: float | None,
    min_confidence: float,
    count_tokens: TokenCounter,
    document_text: Callable[[str], str],
) -> Context:
    """Make a context from hits, best first.

    Parameters
    ----------
    hits : sequence of Hit
        Best first.
    max_tokens : int
        The most that the text may hold.
    confidence, min_confidence
        See `tamis.types.Context`.
    count_tokens : callable
        Counts the tokens of each of a list of texts.
    document_text : callable
        Gives the text of a document by its id.

    Returns
    -------
    Context
        A passage that does not fit into what is left of the budget is left out, and weaker ones
        that do are still taken. If not even the best fits, it is cut at a word to fit.

    Raises
    ------
    InvalidInputError
        If `max_tokens` is below 1 or `min_confidence` outside 0..1.
    """
    if max_tokens < 1:
        raise InvalidInputError(f"max_tokens is {max_tokens}; a context needs at least 1")
    if not 0.0 <= min_confidence <= 1.0:
        raise InvalidInputError(f"min_confidence is {min_confidence}; it must be within 0 and 1")

    runs = _joined(without_repeats(hits), document_text)
    passages: list[Passage] = []
    for run in runs:
        text = document_text(run.document_id)[run.start : run.end]
        passage = _passage(len(passages) + 1, run, text)
        if _tokens([*passages, passage], count_tokens) <= max_tokens:
            passages.append(passage)
    if runs and not passages:
        passages = _cut(runs[0], max_tokens, count_tokens, document_text)

    ordered = best_at_both_ends(passages)
    text = _render(ordered)
    reason = _shortfall(passages, hits, confidence, min_confidence)
    return Context(
        text=text,
        passages=tuple(ordered),
        tokens=count_tokens([text])[0] if text else 0,
        confidence=confidence,
        sufficient=not reason,
        reason=reason,
    )


def _joined(hits: Sequence[Hit], document_text: Callable[[str], str]) -> list[_Run]:
    """Join hits of a document with nothing but white space between them; strongest first."""
    runs: list[_Run] = []
    for hit in hits:
        text = document_text(hit.document_id)
        run = _Run(hit.document_id, hit.chunk.start, hit.chunk.end, hit.chunk.headings)
        near = [i for i, other in enumerate(runs) if _touch(run, other, text)]
        if not near:
            runs.append(run)
            continue
        # The strongest keeps its place and its heading; a hit may close the gap between two.
        joined = runs[near[0]]
        for other in [run, *(runs[i] for i in near[1:])]:
            joined.start, joined.end = min(joined.start, other.start), max(joined.end, other.end)
        for i in reversed(near[1:]):
            del runs[i]
    return runs


def _touch(a: _Run, b: _Run, text: str) -> bool:
    if a.document_id != b.document_id:
        return False
    first, second = sorted((a, b), key=lambda run: run.start)
    return second.start <= first.end or not text[first.end : second.start].strip()


def _passage(number: int, run: _Run, text: str) -> Passage:
    citation = cite(run.document_id, run.headings, run.start, run.start + len(text))
    return Passage(number, text, run.document_id, run.start, run.start + len(text), citation)


def _render(passages: Sequence[Passage]) -> str:
    return _PART.join(f"[{p.number}] {p.citation}\n{p.text}" for p in passages)


def _tokens(passages: Sequence[Passage], count_tokens: TokenCounter) -> int:
    return count_tokens([_render(passages)])[0]


def _cut(
    run: _Run,
    max_tokens: int,
    count_tokens: TokenCounter,
    document_text: Callable[[str], str],
) -> list[Passage]:
    """Find the longest beginning of a run that fits, by halving; none if not even a word does."""
    whole = document_text(run.document_id)[run.start : run.end]
    ends = [i for i, c in enumerate(whole) if c.isspace() and i and not whole[i - 1].isspace()]
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        fits = _tokens([_passage(1, run, whole[: ends[middle - 1]])], count_tokens) <= max_tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return [_passage(1, run, whole[: ends[low - 1]])] if low else []


def _shortfall(
    passages: Sequence[Passage],
    hits: Sequence[Hit],
    confidence: float | None,
    min_confidence: float,
) -> str:
    if not hits:
        return "nothing was found"
    if not passages:
        return "no passage fits the token budget"
    if confidence is not None and confidence < min_confidence:
        return (
            f"the best passage answers the query with confidence {confidence:.2f} only, "
            f"{min_confidence:.2f} is asked for"
        )
    return ""
