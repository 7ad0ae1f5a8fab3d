"""The area under the ROC curve, without the overhead of scikit-learn's checks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def roc_auc(y: NDArray[Any], scores: NDArray[Any], sample_weight: NDArray[Any] | None = None) -> float:
    """Area under the ROC curve: how often a positive scores above a negative, ties counting half.

    Equals scikit-learn's `roc_auc_score`, whose checks take longer than an epoch with four kernels.

    Examples
    --------
    >>> roc_auc(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    values, rank = np.unique(scores, return_inverse=True)
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    positive = np.bincount(rank, weight * y, len(values))
    negative = np.bincount(rank, weight * (1 - y), len(values))
    below = np.cumsum(negative) - negative / 2
    return float(positive @ below / (positive.sum() * negative.sum()))
