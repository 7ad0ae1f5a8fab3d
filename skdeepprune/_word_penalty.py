"""The penalty on the weights of composition words: as strong as the held-out sequences ask for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

# Precision of the weights' Gaussian prior at first, its strongest penalty, and the weakest there is.
_PRECISION, _STRONGEST_AT_FIRST, _STRONGEST, _WEAKEST = 400.0, 0.1, 10.0, 0.004
# The largest change at a time, and standard errors that the words have to gain for one.
_LARGEST_CHANGE, _ERRORS = 8.0, 2.0
_NEWTON_STEPS = 10


def first_strength(n_sequences: int) -> float:
    """Give the L2 penalty on the weights to begin with: one Gaussian prior, whatever the number of sequences is."""
    return float(np.clip(_PRECISION / n_sequences, _WEAKEST, _STRONGEST_AT_FIRST))


def next_strength(
    strength: float,
    by_kernels: NDArray[np.float64],
    by_words: NDArray[np.float64],
    y: NDArray[np.floating],
    sample_weight: NDArray[np.floating],
) -> float:
    """Give the penalty for the next size, after a network was trained with some `strength`.

    Logistic regressions of held-out labels on the log-odds by kernels, without and with those by composition beside
    them, say what the words are worth. Where that is more than two standard errors, the penalty changes by the ratio of
    the slopes: is that of the words the greater one, they are held too tight. Where it is less, and the slope of the
    words the smaller one, the penalty becomes much stronger, as there is no composition to be learned.

    Parameters
    ----------
    strength : float
    by_kernels, by_words : ndarray, shape (n,)
        Log-odds of the held-out sequences, by kernels and by composition.
    y : ndarray, shape (n,)
        0 or 1.
    sample_weight : ndarray, shape (n,)

    Returns
    -------
    float
    """
    centered = [part - part.mean() for part in (by_kernels, by_words)]
    if min(part.std() for part in centered) < 1e-6:
        return strength
    ones = np.ones(len(y))
    alone, _ = _logistic_regression(np.column_stack([centered[0], ones]), y, sample_weight)
    both, slopes = _logistic_regression(np.column_stack([*centered, ones]), y, sample_weight)
    shares = sample_weight / sample_weight.sum()
    gain = float(shares @ (alone - both))
    error = float(np.sqrt(np.square(shares * (alone - both - gain)).sum()))
    if gain > _ERRORS * error and slopes[:2].min() > 0:
        # Squared, as the weights fall more slowly than the penalty rises.
        change = float(np.clip((slopes[0] / slopes[1]) ** 2, 1 / _LARGEST_CHANGE, _LARGEST_CHANGE))
    else:
        change = _LARGEST_CHANGE if slopes[1] < slopes[0] else 1.0
    return float(np.clip(strength * change, _WEAKEST, _STRONGEST))


def _logistic_regression(
    design: NDArray[np.float64], y: NDArray[np.floating], sample_weight: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Losses (nats) and slopes, by Newton's method with a penalty that only keeps them finite."""
    slopes = np.zeros(design.shape[1])
    ridge = 1e-3 * np.eye(len(slopes))
    for _ in range(_NEWTON_STEPS):
        probability = expit(design @ slopes)
        weight = sample_weight * probability * (1 - probability)
        curvature = (design * weight[:, None]).T @ design + ridge
        slopes = slopes + np.linalg.solve(curvature, (sample_weight * (y - probability)) @ design - ridge @ slopes)
    logits = design @ slopes
    return np.logaddexp(0, logits) - y * logits, slopes
