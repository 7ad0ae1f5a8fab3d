"""The penalty on the weights of composition words: as strong as the held-out sequences ask for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

# Precision of the weights' Gaussian prior at first, and the bounds of the penalty.
_PRECISION, _WEAKEST, _STRONGEST = 200.0, 0.004, 10.0
_NEWTON_STEPS = 10


def first_strength(n_sequences: int) -> float:
    """Give the L2 penalty on the weights to begin with: one Gaussian prior, whatever the number of sequences is."""
    return max(_PRECISION / n_sequences, _WEAKEST)


def next_strength(
    strength: float,
    by_kernels: NDArray[np.float64],
    by_words: NDArray[np.float64],
    y: NDArray[np.floating],
    sample_weight: NDArray[np.floating],
) -> float:
    """Give the penalty for the next size, after a network was trained with some `strength`.

    A logistic regression of held-out labels on the two parts of the log-odds gives each part a slope. Where that of the
    words is the smaller one, their weights learned what does not hold elsewhere, and the penalty rises by the ratio;
    where it is the greater one, it falls; where the two agree within a standard error, it stays.

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
    design = np.column_stack([by_kernels - by_kernels.mean(), by_words - by_words.mean(), np.ones(len(y))])
    if (design[:, :2].std(axis=0) < 1e-6).any():
        return strength
    slopes, covariance = _logistic_regression(design, y, sample_weight)
    contrast = np.array([-1, 1, 0])
    if slopes[0] <= 0 or abs(contrast @ slopes) <= np.sqrt(contrast @ covariance @ contrast):
        return strength
    ratio = np.clip(slopes[1] / slopes[0], 1 / _LARGEST_CHANGE, _LARGEST_CHANGE)
    return float(np.clip(strength / ratio, _WEAKEST, _STRONGEST))


_LARGEST_CHANGE = 8.0


def _logistic_regression(
    design: NDArray[np.float64], y: NDArray[np.floating], sample_weight: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes, by Newton's method with a penalty that only keeps them finite, and their covariance."""
    slopes = np.zeros(design.shape[1])
    ridge = 1e-3 * np.eye(len(slopes))
    for _ in range(_NEWTON_STEPS):
        probability = expit(design @ slopes)
        weight = sample_weight * probability * (1 - probability)
        curvature = (design * weight[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, (sample_weight * (y - probability)) @ design - ridge @ slopes)
        slopes = slopes + step
    return slopes, np.linalg.inv(curvature)
