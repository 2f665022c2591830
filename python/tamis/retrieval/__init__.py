"""From a query to hits: both retrievers, fusion, the reranker, and what is known afterwards."""

from tamis.retrieval.confidence import confidence
from tamis.retrieval.pipeline import Mode, Pipeline, Ranked
from tamis.retrieval.report import Report, Stage
from tamis.retrieval.results import Assemble, Results

__all__ = [
    "Assemble",
    "Mode",
    "Pipeline",
    "Ranked",
    "Report",
    "Results",
    "Stage",
    "confidence",
]
