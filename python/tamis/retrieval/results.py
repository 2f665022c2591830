"""The hits of one query, and what can be made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from tamis.retrieval.confidence import MIN_CONFIDENCE
from tamis.retrieval.report import Report
from tamis.types import Context, Hit, TokenCounter

#: Makes a context: (results, max_tokens, least confidence, token counter or None).
Assemble = Callable[["Results", int, float, TokenCounter | None], Context]


@dataclass(frozen=True)
class Results(Sequence[Hit]):
    """The hits of one query, best first.

    Attributes
    ----------
    query : str
        What was asked.
    hits : tuple of Hit
        Best first.
    confidence : float or None
        How sure the reranker is that its best passage answers the query, 0..1; see
        `tamis.retrieval.confidence`. None if no reranker read the candidates.
    report : Report
        What the search did.
    """

    query: str
    hits: tuple[Hit, ...]
    confidence: float | None
    report: Report
    _assemble: Assemble = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]

    def __repr__(self) -> str:
        return f"<Results: {len(self)} hits for {self.query!r}, confidence {self.confidence}>"

    def context(
        self,
        max_tokens: int = 2000,
        *,
        min_confidence: float = MIN_CONFIDENCE,
        count_tokens: TokenCounter | None = None,
    ) -> Context:
        """Assemble the hits into text for a prompt.

        Repeated passages are dropped, neighbours joined, the strongest put at both ends, each
        under a numbered citation.

        Parameters
        ----------
        max_tokens : int
            The most that the text may hold, at least 1.
        min_confidence : float
            The least confidence, 0..1, at which the context is called sufficient. Without a
            reranker there is no confidence, and what was found counts as sufficient.
        count_tokens : callable, optional
            Counts the tokens of each of a list of texts, as the model that will read the prompt
            does; by default the reranker's tokenizer, else the encoder's, else an estimate.

        Returns
        -------
        Context

        Raises
        ------
        InvalidInputError
            If `max_tokens` is below 1 or `min_confidence` outside 0..1.
        """
        return self._assemble(self, max_tokens, min_confidence, count_tokens)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "query": self.query,
            "confidence": self.confidence,
            "hits": [
                {
                    "rank": hit.rank,
                    "score": hit.score,
                    "stage": hit.stage,
                    "scores": dict(hit.scores),
                    "citation": hit.citation,
                    "document_id": hit.document_id,
                    "span": list(hit.span),
                    "headings": list(hit.chunk.headings),
                    "text": hit.text,
                    "title": hit.title,
                    "source": hit.source,
                    "metadata": dict(hit.metadata),
                    "offsets": [list(span) for span in hit.offsets],
                    "version": hit.version,
                    "status": hit.status,
                    "superseded_by": hit.superseded_by,
                }
                for hit in self.hits
            ],
            "report": self.report.to_dict(),
        }
