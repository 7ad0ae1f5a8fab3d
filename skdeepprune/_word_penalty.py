"""The penalty on the weights of composition words, tuned on the held-out sequences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

# Precision of the initial Gaussian prior on the weights, and the limits of the penalty.
_PRECISION, _MAX_INITIAL, _MAX_STRENGTH, _MIN_STRENGTH = 400.0, 0.1, 10.0, 0.004
# Per epoch: exponent of the ratio of slopes, maximum factor. Significance thresholds in standard errors: gain from the
# words, excess of the kernels' slope.
_POWER, _MAX_CHANGE, _MIN_GAIN_IN_SE, _MIN_EXCESS_IN_SE = 0.25, 1.3, 2.0, 1.0
_NEWTON_STEPS = 10


class WordPenalty:
    """Strength of the L2 penalty on the weights of composition words.

    The initial strength is the same Gaussian prior for any number of sequences.

    Parameters
    ----------
    n_sequences : int
        Number of training sequences.

    Attributes
    ----------
    strength : float
    """

    def __init__(self, n_sequences: int) -> None:
        self.strength = float(np.clip(_PRECISION / n_sequences, _MIN_STRENGTH, _MAX_INITIAL))

    def tune(
        self,
        by_kernels: NDArray[np.float64],
        by_words: NDArray[np.float64],
        y: NDArray[np.floating],
        sample_weight: NDArray[np.floating],
    ) -> None:
        """Change the strength a little after an epoch.

        Two logistic regressions of the held-out labels, on the log-odds from kernels alone and on those from kernels
        and composition, measure the gain from the words. The penalty follows the ratio of the slopes: a larger slope
        for the words means that they are penalised too strongly. But it falls only if the gain exceeds two standard
        errors, and grows only if the difference of the slopes exceeds one, so a small held-out set changes nothing.

        Parameters
        ----------
        by_kernels, by_words : ndarray, shape (n,)
            Log-odds of the held-out sequences, from kernels and from composition.
        y : ndarray, shape (n,)
            0 or 1.
        sample_weight : ndarray, shape (n,)
        """
        centered = [part - part.mean() for part in (by_kernels, by_words)]
        if min(part.std() for part in centered) < 1e-6:
            return
        ones = np.ones(len(y))
        alone, *_ = _logistic_regression(np.column_stack([centered[0], ones]), y, sample_weight)
        both, slopes, covariance = _logistic_regression(np.column_stack([*centered, ones]), y, sample_weight)
        shares = sample_weight / sample_weight.sum()
        gain = float(shares @ (alone - both))
        error = float(np.sqrt(np.square(shares * (alone - both - gain)).sum()))
        excess, contrast = slopes[0] - slopes[1], np.array([1.0, -1.0, 0.0])
        least = 1 / _MAX_CHANGE if gain > _MIN_GAIN_IN_SE * error else 1.0
        most = _MAX_CHANGE if excess > _MIN_EXCESS_IN_SE * np.sqrt(contrast @ covariance @ contrast) else 1.0
        change = float(np.clip((max(slopes[0], 0.0) / max(slopes[1], 1e-6)) ** _POWER, least, most))
        self.strength = float(np.clip(self.strength * change, _MIN_STRENGTH, _MAX_STRENGTH))


def _logistic_regression(
    design: NDArray[np.float64], y: NDArray[np.floating], sample_weight: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Losses (nats), slopes, and their covariance; Newton's method, with a small ridge that keeps the slopes finite."""
    slopes = np.zeros(design.shape[1])
    ridge = 1e-3 * np.eye(len(slopes))
    for _ in range(_NEWTON_STEPS):
        probability = expit(design @ slopes)
        weight = sample_weight * probability * (1 - probability)
        curvature = (design * weight[:, None]).T @ design + ridge
        slopes = slopes + np.linalg.solve(curvature, (sample_weight * (y - probability)) @ design - ridge @ slopes)
    logits = design @ slopes
    return np.logaddexp(0, logits) - y * logits, slopes, np.linalg.inv(curvature)
