"""Drop repeats, fill the budget with the best, joined where they are neighbours, order and cite."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tamis.context.dedup import without_repeats
from tamis.context.order import best_at_both_ends
from tamis.errors import InvalidInputError
from tamis.types import Context, Hit, Passage, TokenCounter, cite

_PART = "\n\n"


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring hits of one document, as strong as the best of them."""

    document_id: str
    start: int
    end: int
    headings: tuple[str, ...]
    note: str


def assemble(
    hits: Sequence[Hit],
    *,
    max_tokens: int,
    confidence: float | None,
    min_confidence: float,
    count_tokens: TokenCounter,
    document_text: Callable[[str], str],
    is_judged: bool = False,
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
    is_judged : bool
        Whether a reranker was to read the hits: then a missing confidence is a shortfall.

    Returns
    -------
    Context
        A hit that does not fit into what is left of the budget is left out, and weaker ones that
        do are still taken. If the best does not fit by itself, it is cut at a word.

    Raises
    ------
    InvalidInputError
        If `max_tokens` is below 1 or `min_confidence` outside 0..1.
    """
    if max_tokens < 1:
        raise InvalidInputError(f"max_tokens is {max_tokens}; a context needs at least 1")
    if not 0.0 <= min_confidence <= 1.0:
        raise InvalidInputError(f"min_confidence is {min_confidence}; it must be within 0 and 1")

    def fits(runs: Sequence[_Run]) -> bool:
        return count_tokens([_render(_passages(runs, document_text))])[0] <= max_tokens

    runs: list[_Run] = []
    for hit in without_repeats(hits):
        longer = _joined(runs, hit, document_text(hit.document_id))
        if fits(longer):
            runs = longer
        elif not runs:
            runs = _cut(longer[0], fits, document_text)

    passages = _passages(runs, document_text)
    text = _render(passages)
    reason = _shortfall(hits, passages) or _doubt(confidence, min_confidence, is_judged=is_judged)
    return Context(
        text=text,
        passages=tuple(passages),
        tokens=count_tokens([text])[0] if text else 0,
        confidence=confidence,
        sufficient=not reason,
        reason=reason,
    )


def _joined(runs: Sequence[_Run], hit: Hit, text: str) -> list[_Run]:
    """Add a hit to the runs, strongest first; neighbours become one.

    A hit may close the gap between runs: the strongest keeps its place and its headings.
    """
    new = _Run(hit.document_id, hit.chunk.start, hit.chunk.end, hit.chunk.headings, hit.note)
    near = [run for run in runs if _touch(run, new, text)]
    if not near:
        return [*runs, new]
    strongest, *others = near
    whole = replace(
        strongest,
        start=min(new.start, *(run.start for run in near)),
        end=max(new.end, *(run.end for run in near)),
    )
    return [whole if run == strongest else run for run in runs if run not in others]


def _touch(a: _Run, b: _Run, text: str) -> bool:
    if a.document_id != b.document_id:
        return False
    first, second = sorted((a, b), key=lambda run: run.start)
    return second.start <= first.end or not text[first.end : second.start].strip()


def _passages(runs: Sequence[_Run], document_text: Callable[[str], str]) -> list[Passage]:
    """Return a passage for each run, numbered by strength, in the order of the text."""
    return best_at_both_ends(
        [
            Passage(
                number=number,
                text=document_text(run.document_id)[run.start : run.end],
                document_id=run.document_id,
                start=run.start,
                end=run.end,
                citation=cite(run.document_id, run.headings, run.start, run.end, run.note),
            )
            for number, run in enumerate(runs, 1)
        ]
    )


def _render(passages: Sequence[Passage]) -> str:
    return _PART.join(f"[{p.number}] {p.citation}\n{p.text}" for p in passages)


def _cut(
    run: _Run, fits: Callable[[Sequence[_Run]], bool], document_text: Callable[[str], str]
) -> list[_Run]:
    """Return the longest beginning of a run that fits; none if not even one word does."""
    text = document_text(run.document_id)[run.start : run.end]
    ends = [i for i, c in enumerate(text) if c.isspace() and i and not text[i - 1].isspace()]
    shorter = [replace(run, end=run.start + end) for end in ends]
    count = bisect_left(shorter, True, key=lambda run: not fits([run]))
    return shorter[count - 1 : count]


def _shortfall(hits: Sequence[Hit], passages: Sequence[Passage]) -> str:
    """Say what of the best hit is missing."""
    if not hits:
        return "nothing was found"
    best = hits[0]
    holding = [p for p in passages if p.document_id == best.document_id]
    if any(p.start <= best.chunk.start and best.chunk.end <= p.end for p in holding):
        return ""
    if any(p.start <= best.chunk.start < p.end for p in holding):
        return "the best passage was cut to fit the token budget"
    return "the best passage does not fit the token budget"


def _doubt(confidence: float | None, min_confidence: float, *, is_judged: bool) -> str:
    """Say why the passages cannot be trusted to answer."""
    if confidence is None:
        return "the reranker read no passage before the deadline" if is_judged else ""
    if confidence < min_confidence:
        return (
            f"the best passage answers the query with confidence {confidence:.2f} only, "
            f"{min_confidence:.2f} is asked for"
        )
    return ""
