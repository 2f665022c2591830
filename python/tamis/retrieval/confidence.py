"""Whether the best hit is an answer, or just the nearest thing there is."""

from __future__ import annotations

import math
from collections.abc import Iterable

#: The least confidence at which results count as enough to answer from.
MIN_CONFIDENCE = 0.5


def confidence(logits: Iterable[float]) -> float | None:
    """Return the reranker's own probability that its best passage is relevant.

    Cross-encoders of this kind are trained with a binary loss on the logit, so its logistic
    function is a probability on data like the training data; it is not calibrated for others.

    Parameters
    ----------
    logits : iterable of float
        Of the passages that the reranker read.

    Returns
    -------
    float or None
        In 0..1; None if it read none. Similarity alone is no evidence.
    """
    best = max(logits, default=None)
    if best is None:
        return None
    return 1.0 / (1.0 + math.exp(-best)) if best > 0 else math.exp(best) / (1.0 + math.exp(best))
