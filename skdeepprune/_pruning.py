"""Which kernels stay: importance criteria, the choice by rank, the schedule of sizes."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from skdeepprune._network import Network

# Of the curvature, relative to its diagonal: how much less than fully kernels that read the same share one part.
_RIDGE = 0.01
# Kernels up to which they are removed one by one; of more, so many times one.
_REMOVED_ONE_BY_ONE = 512
_LIMITING = Lock()

Criterion = Callable[[Network, NDArray[Any], NDArray[Any]], NDArray[Any]]


def weight_importance(network: Network, scores: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Importance by dense weight, ``abs(w_k)``: the paper's weight-based criterion.

    Parameters
    ----------
    network : Network
    scores : ndarray, shape (n_sequences, K)
        Motif scores of the training sequences; not used.
    y : ndarray, shape (n_sequences,)
        Labels, 0 or 1; not used.

    Returns
    -------
    ndarray, shape (K,)
    """
    return np.abs(network.dense_weights)


def score_importance(network: Network, scores: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Importance by score, ``abs(mean(u_k | y=1) - mean(u_k | y=0))``: the paper's score-based criterion.

    Parameters
    ----------
    network : Network
        Not used.
    scores : ndarray, shape (n_sequences, K)
        Motif scores of the training sequences.
    y : ndarray, shape (n_sequences,)
        Labels, 0 or 1.

    Returns
    -------
    ndarray, shape (K,)
    """
    return np.abs(scores[y == 1].mean(axis=0, dtype=np.float64) - scores[y == 0].mean(axis=0, dtype=np.float64))


def score_and_weight_importance(network: Network, scores: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Importance by both, ``abs(w_k) * score_importance``: the paper's score-and-weight-based criterion.

    Parameters
    ----------
    network : Network
    scores : ndarray, shape (n_sequences, K)
        Motif scores of the training sequences.
    y : ndarray, shape (n_sequences,)
        Labels, 0 or 1.

    Returns
    -------
    ndarray, shape (K,)
    """
    return weight_importance(network, scores, y) * score_importance(network, scores, y)


def saliency(network: Network, scores: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Importance by what the loss would lose: Optimal Brain Surgeon (Hassibi and Stork 1992) on the dense layer.

    Kernels are removed one after another, always the one without which the cross-entropy grows least, to second order,
    once the other dense weights have adjusted. So of two kernels that read the same motif one is worth little, however
    large its weight, and the other then takes its part. Every sequence counts alike, whatever its weight in training.

    Parameters
    ----------
    network : Network
    scores : ndarray, shape (n_sequences, K)
        Motif scores of training sequences.
    y : ndarray, shape (n_sequences,)
        Labels, 0 or 1; not used.

    Returns
    -------
    ndarray, shape (K,)
        Growth of the loss (nats) up to and with the kernel's removal.
    """
    # The number of threads would change how BLAS rounds; and it is set for the whole process.
    with _LIMITING, threadpool_limits(1, user_api="blas"):
        probability = network.probability(scores)
        share = probability * (1 - probability) / len(scores)
        centered = scores - np.average(scores, axis=0, weights=share + np.finfo(float).tiny)
        curvature = (centered * share[:, None]).T @ centered
        scale = np.sqrt(np.diag(curvature))
        weights = network.dense_weights.astype(np.float64) * scale
        scale[scale == 0] = 1
        inverse = np.linalg.inv(curvature / np.outer(scale, scale) + _RIDGE * np.eye(len(scale)))
        return _growth_by_removal(weights, inverse)


def _growth_by_removal(weights: NDArray[np.float64], inverse: NDArray[np.float64]) -> NDArray[np.float64]:
    """Growth of the loss until each weight is removed, the least first, given the inverse of the curvature."""
    importances, grown, left = np.zeros(len(weights)), 0.0, np.arange(len(weights))
    while len(left):
        growth = weights**2 / (2 * np.diag(inverse))
        # Of thousands several at once, which is little worse and much faster.
        removed = np.argsort(growth, kind="stable")[: max(1, len(left) // _REMOVED_ONE_BY_ONE)]
        importances[left[removed]] = grown + np.cumsum(growth[removed])
        grown += growth[removed].sum()
        kept = np.delete(np.arange(len(left)), removed)
        taken_over = inverse[np.ix_(kept, removed)] @ np.linalg.inv(inverse[np.ix_(removed, removed)])
        weights = weights[kept] - taken_over @ weights[removed]
        inverse = inverse[np.ix_(kept, kept)] - taken_over @ inverse[np.ix_(removed, kept)]
        left = left[kept]
    return importances


CRITERIA: dict[str, Criterion] = {
    "weight": weight_importance,
    "score": score_importance,
    "score-and-weight": score_and_weight_importance,
    "saliency": saliency,
}


def most_important(importances: NDArray[Any], n_kept: int) -> NDArray[np.int64]:
    """Indices of the `n_kept` most important kernels in their old order; of equals the first.

    Parameters
    ----------
    importances : ndarray, shape (K,)
    n_kept : int

    Returns
    -------
    ndarray of int64, shape (n_kept,)

    Examples
    --------
    >>> import numpy as np
    >>> most_important(np.array([0.0, 2.0, 0.0, 1.0]), 3)
    array([0, 1, 3])
    """
    return np.sort(np.argsort(-importances, kind="stable")[:n_kept])


def kernel_schedule(n_kernels: int | Literal["auto"], n_prunings: int) -> list[int]:
    """Sizes from the unpruned network to the last: every pruning halves. "auto" begins as 4 does, and ends with 1.

    Examples
    --------
    >>> kernel_schedule(4, 6)
    [256, 128, 64, 32, 16, 8, 4]
    >>> kernel_schedule("auto", 2)
    [16, 8, 4, 2, 1]
    """
    if n_kernels == "auto":
        return kernel_schedule(1, n_prunings + 2)
    return [n_kernels * 2**k for k in range(n_prunings, -1, -1)]
