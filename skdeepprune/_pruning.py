"""Which kernels to keep: importance criteria, selection by rank, the schedule of sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from numbers import Integral
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits

from skdeepprune._network import Network

# Ridge on the curvature, relative to its diagonal: keeps it invertible when kernels are redundant.
_RIDGE = 0.01
# With at least twice this many kernels, several are removed per step.
_REMOVED_ONE_BY_ONE = 512
# Up to _MAX_REFITTED kernels, the dense layer is refitted for every removal: on at most _REFITTED_SEQUENCES sequences,
# with an L2 penalty on the weights of standardised scores, in at most _MAX_STEPS Newton steps. If there are at most
# _MAX_HALVES halves, all are tried; otherwise kernels are swapped as long as the loss falls by _MIN_GAIN.
_MAX_REFITTED = 16
_MAX_HALVES = 100
_REFITTED_SEQUENCES = 5_000
_PENALTY = 0.001
_MAX_STEPS = 50
_MIN_GAIN = 1e-6
_THREAD_LIMIT_LOCK = Lock()

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


def saliency(
    network: Network, scores: NDArray[Any], y: NDArray[Any], word_sums: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Importance by increase in loss: Optimal Brain Surgeon (Hassibi and Stork 1992) on the dense layer.

    Kernels are removed one at a time, always the one whose removal increases the cross-entropy least once the other
    dense weights have adjusted. So if two kernels read the same motif, one of them is unimportant, however large its
    weight, because the other can take over. All sequences count equally, whatever their weight in training.

    With more than 16 kernels the increase is computed to second order. With 16 or fewer the dense layer is refitted
    for every removal, and the kernels outside the best half are removed first.

    Parameters
    ----------
    network : Network
    scores : ndarray, shape (n_sequences, K)
        Motif scores of training sequences.
    y : ndarray, shape (n_sequences,)
        Labels, 0 or 1; not used with more than 16 kernels.
    word_sums : ndarray, shape (n_sequences,), default=None
        Log-odds from composition: treated as one more score of weight 1, whose weight adjusts but is never removed.

    Returns
    -------
    ndarray, shape (K,)
        Cumulative increase in loss (nats) once this kernel and all less important ones are removed.
    """
    word_sums = np.zeros(len(scores)) if word_sums is None else word_sums
    # BLAS rounding depends on the number of threads. The limit is process-wide, hence the lock.
    with _THREAD_LIMIT_LOCK, threadpool_limits(1, user_api="blas"):
        if network.n_kernels <= _MAX_REFITTED:
            return _increase_by_refits(network, scores, y, word_sums)
        return second_order_increase(network, scores, word_sums)


def second_order_increase(network: Network, scores: NDArray[Any], word_sums: NDArray[Any]) -> NDArray[np.float64]:
    """Cumulative increase in loss as kernels are removed in order of importance, from the curvature."""
    probability = expit(network.decision(scores, word_sums))
    share = probability * (1 - probability) / len(scores)
    columns = np.column_stack([scores, word_sums]) if word_sums.any() else scores
    centered = columns - np.average(columns, axis=0, weights=share + np.finfo(float).tiny)
    curvature = (centered * share[:, None]).T @ centered
    scale = np.sqrt(np.diag(curvature))
    weights = np.append(network.dense_weights, np.ones(columns.shape[1] - len(network.dense_weights))) * scale
    scale[scale == 0] = 1
    inverse = np.linalg.inv(curvature / np.outer(scale, scale) + _RIDGE * np.eye(len(scale)))
    return _increase_by_removal(weights, inverse, network.n_kernels)


def _increase_by_removal(
    weights: NDArray[np.float64], inverse: NDArray[np.float64], n_removable: int
) -> NDArray[np.float64]:
    """Cumulative increase in loss as the first `n_removable` weights are removed, least important first."""
    importances, total, left = np.zeros(n_removable), 0.0, np.arange(n_removable)
    while len(left):
        increase = (weights**2 / (2 * np.diag(inverse)))[: len(left)]
        # With thousands of kernels, removing several per step is hardly less accurate and much faster.
        removed = np.argsort(increase, kind="stable")[: max(1, len(left) // _REMOVED_ONE_BY_ONE)]
        importances[left[removed]] = total + np.cumsum(increase[removed])
        total += increase[removed].sum()
        kept = np.delete(np.arange(len(weights)), removed)
        transfer = inverse[np.ix_(kept, removed)] @ np.linalg.inv(inverse[np.ix_(removed, removed)])
        weights = weights[kept] - transfer @ weights[removed]
        inverse = inverse[np.ix_(kept, kept)] - transfer @ inverse[np.ix_(removed, kept)]
        left = np.delete(left, removed)
    return importances


class _Refits:
    """Fits of the dense layer to the scores of a subset of kernels, by Newton's method; each fit is cached.

    The composition term is included as one more score.
    """

    def __init__(self, network: Network, scores: NDArray[Any], y: NDArray[Any], word_sums: NDArray[Any]) -> None:
        rows = np.argsort(y, kind="stable")[:: -(-len(y) // _REFITTED_SEQUENCES)]
        chosen, dense_weights = scores[rows].astype(np.float64), network.dense_weights.astype(np.float64)
        if word_sums.any():
            chosen, dense_weights = np.column_stack([chosen, word_sums[rows]]), np.append(dense_weights, 1)
        mean, scale = chosen.mean(axis=0), chosen.std(axis=0)
        scale[scale == 0] = 1
        self._design, self._y = np.column_stack([(chosen - mean) / scale, np.ones(len(rows))]), y[rows]
        self._weights = np.append(dense_weights * scale, network.dense_bias + dense_weights @ mean)
        self._always = list(range(network.n_kernels, len(self._weights)))
        self._fits: dict[frozenset[int], tuple[float, NDArray[np.float64]]] = {}

    def loss(self, kept: frozenset[int], before: frozenset[int] = frozenset()) -> float:
        """Return the minimum penalised loss (nats) with these kernels, starting from the weights of the fit before."""
        if kept not in self._fits:
            _, start = self._fits.get(before, (0, self._weights))
            columns, weights = [*sorted(kept), *self._always], np.zeros_like(self._weights)
            loss, weights[columns] = self._fit(self._design[:, columns], start[columns])
            self._fits[kept] = loss, weights
        return self._fits[kept][0]

    def least_important(self, kept: frozenset[int], among: frozenset[int]) -> int:
        """Return the kernel in `among` whose removal from `kept` gives the lowest loss."""
        return min(sorted(among), key=lambda k: self.loss(kept - {k}, before=kept))

    def _fit(self, design: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        loss = self._cost(design, weights)
        for _ in range(_MAX_STEPS):
            probability = expit(design @ weights)
            share = probability * (1 - probability) / len(design)
            slope = (probability - self._y) @ design / len(design) + _PENALTY * weights
            curvature = (design * share[:, None]).T @ design + _PENALTY * np.eye(len(weights))
            step = np.linalg.solve(curvature, slope)
            gain = slope @ step / 2
            if gain < _MIN_GAIN / 100:
                break
            while (new_loss := self._cost(design, weights - step)) > loss and gain > _MIN_GAIN / 100:
                step, gain = step / 2, gain / 2
            if new_loss > loss:
                break
            weights, loss = weights - step, new_loss
        return loss, weights

    def _cost(self, design: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
        logits = design @ weights
        return float((np.logaddexp(0, logits) - self._y * logits).mean() + _PENALTY / 2 * weights @ weights)


def _increase_by_refits(
    network: Network, scores: NDArray[Any], y: NDArray[Any], word_sums: NDArray[Any]
) -> NDArray[np.float64]:
    """Cumulative increase in loss as kernels are removed: first those outside the best half, least important first."""
    refits, everything = _Refits(network, scores, y, word_sums), frozenset(range(network.n_kernels))
    half = _best_half(refits, everything)
    importances, kept = np.zeros(network.n_kernels), everything
    while kept:
        kernel = refits.least_important(kept, kept - half or kept)
        kept -= {kernel}
        importances[kernel] = refits.loss(kept) - refits.loss(everything)
    return importances


def _best_half(refits: _Refits, everything: frozenset[int]) -> frozenset[int]:
    """Which kernels to keep at the next pruning: the best half if few, otherwise one that no swap improves."""
    n_removed = len(everything) // 2
    if math.comb(len(everything), n_removed) <= _MAX_HALVES:
        halves = map(frozenset, combinations(sorted(everything), len(everything) - n_removed))
        return min(halves, key=lambda half: refits.loss(half, before=everything))
    half = everything
    for _ in range(n_removed):
        half -= {refits.least_important(half, half)}
    while True:
        swapped = [half - {k} | {other} for k in sorted(half) for other in sorted(everything - half)]
        best = min(swapped, key=lambda kept: refits.loss(kept, before=half))
        if refits.loss(best) > refits.loss(half) - _MIN_GAIN:
            return half
        half = best


CRITERIA: dict[str, Criterion] = {
    "weight": weight_importance,
    "score": score_importance,
    "score-and-weight": score_and_weight_importance,
    "saliency": saliency,
}


def most_important(importances: NDArray[Any], n_kept: int) -> NDArray[np.int64]:
    """Indices of the `n_kept` most important kernels, in ascending order; ties go to the lower index.

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


def kernel_schedule(
    n_kernels: int | Literal["auto"], n_prunings: int, schedule: str | Sequence[int] = "halving"
) -> list[int]:
    """Sizes from the unpruned to the final network. "auto" starts at the same size as 4 and ends at 1.

    Examples
    --------
    >>> kernel_schedule(4, 6)
    [256, 128, 64, 32, 16, 8, 4]
    >>> kernel_schedule("auto", 2)
    [16, 8, 4, 2, 1]
    >>> kernel_schedule(4, 6, "one-shot")
    [256, 4]
    """
    sizes = schedule if isinstance(schedule, str) else np.asarray(schedule, dtype=object).tolist()
    n_prunings = int(n_prunings)
    if n_kernels == "auto":
        if sizes != "halving":
            raise ValueError(f"n_kernels='auto' always halves; got schedule={sizes!r}. Set schedule='halving'.")
        return kernel_schedule(1, n_prunings + 2)
    n_kernels = int(n_kernels)  # NumPy's narrow integers overflow
    if isinstance(sizes, list):
        whole = all(isinstance(size, Integral) for size in sizes)
        if not (sizes and whole and sizes[-1] == n_kernels and all(a > b for a, b in pairwise(sizes))):
            raise ValueError(
                f"schedule={sizes!r}; expected decreasing numbers of kernels ending with n_kernels={n_kernels}, such as"
                f" [{64 * n_kernels}, {n_kernels}]."
            )
        return [int(size) for size in sizes]
    if sizes == "one-shot":
        return [n_kernels * 2**n_prunings, n_kernels] if n_prunings else [n_kernels]
    return [n_kernels * 2**k for k in range(n_prunings, -1, -1)]
