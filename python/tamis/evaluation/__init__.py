"""Evaluation: whether retrieval got better, on which queries, and by more than noise.

Retrieval is measured apart from what a language model makes of it: a run (what a search
returned) is held against qrels (what people judged relevant).
"""

from tamis.evaluation.compare import Comparison, compare
from tamis.evaluation.measures import Evaluation, evaluate
from tamis.evaluation.qrels import Dataset, Qrels, Record, load, read_qrels
from tamis.evaluation.runs import Run, ranking, read_run, write_run
from tamis.evaluation.systems import full_text, rank, sample

__all__ = [
    "Comparison",
    "Dataset",
    "Evaluation",
    "Qrels",
    "Record",
    "Run",
    "compare",
    "evaluate",
    "full_text",
    "load",
    "rank",
    "ranking",
    "read_qrels",
    "read_run",
    "sample",
    "write_run",
]
