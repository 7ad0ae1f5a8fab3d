"""Sample and class weights, validated."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.class_weight import compute_sample_weight

from skdeepprune._numbers import real_numbers

# Training sums over sequences in float32, which overflows at 3e38.
_MAX_RATIO = 1e30


def read_weights(sample_weight: Any, n_sequences: int) -> NDArray[np.float64]:
    """Copy sample weights into an array, and check that they are finite and non-negative.

    Parameters
    ----------
    sample_weight : array-like, shape (n_sequences,), or number or None
        None means equal weights.
    n_sequences : int

    Returns
    -------
    ndarray of float64, shape (n_sequences,)

    Examples
    --------
    >>> read_weights([2, 0.5], 2)
    array([2. , 0.5])
    """
    if issparse(sample_weight):
        raise TypeError(f"sample_weight is a sparse array of shape {sample_weight.shape}; expected a dense one.")
    if sample_weight is None:
        weights = np.ones(n_sequences)
    else:
        with np.errstate(all="ignore"):
            weights = np.array(real_numbers(sample_weight, "sample_weight"), dtype=np.float64)
        if weights.ndim == 0:
            weights = np.full(n_sequences, weights)
    if weights.shape != (n_sequences,):
        raise ValueError(
            f"sample_weight has shape {weights.shape}; expected one weight per sequence, shape ({n_sequences},)."
        )
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        value = weights[bad[0]]
        kind = "NaN" if np.isnan(value) else "infinite" if np.isinf(value) else "negative"
        raise ValueError(
            f"sample_weight[{bad[0]}] is {value:g}; expected finite, non-negative weights. {len(bad)} of"
            f" {n_sequences} are invalid; the first is {kind}."
        )
    return weights


def check_classes(weights: NDArray[np.float64], classes: NDArray[Any], y: NDArray[np.float32]) -> None:
    """Raise if all sample weights of a class are zero."""
    for label, name in enumerate(classes.tolist()):
        if (y == label).any() and not weights[y == label].any():
            raise ValueError(
                f"sample_weight is zero for all sequences of class {name!r}; expected positive weights in each class."
            )


def weigh_classes(
    weights: NDArray[np.float64], class_weight: Any, classes: NDArray[Any], y: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Multiply sample weights by class weights and scale the maximum to 1. "balanced" ignores samples of weight 0.

    Parameters
    ----------
    weights : ndarray, shape (n,)
        From `read_weights`.
    class_weight : dict, "balanced" or None
    classes : ndarray, shape (2,)
    y : ndarray, shape (n,)
        0 or 1.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        If a class weight is not finite and positive, or one weight is more than 1e30 times another.
    """
    for name, value in class_weight.items() if isinstance(class_weight, dict) else ():
        if not isinstance(value, Real) or not np.isfinite(float(value)) or value < 0:
            raise ValueError(
                f"class_weight={class_weight!r} has {value!r} for class {name!r}; expected finite, non-negative"
                " numbers."
            )
    used = np.flatnonzero(weights > 0)
    factors = compute_sample_weight(class_weight, classes[y[used].astype(int)])
    for label, name in enumerate(classes.tolist()):
        if not factors[y[used] == label].any():
            raise ValueError(
                f"class_weight={class_weight!r} gives class {name!r} weight 0; expected a positive weight."
            )
    product = np.zeros_like(weights)
    product[used] = weights[used] / weights.max() * (factors / factors.max())
    product /= product.max()
    smallest, largest = used[product[used].argmin()], product.argmax()
    if product[smallest] * _MAX_RATIO < 1:
        raise ValueError(
            f"Weights differ by a factor of more than {_MAX_RATIO:g}: sequence {largest} has sample_weight"
            f" {weights[largest]:g}, sequence {smallest} has {weights[smallest]:g}"
            f"{'' if class_weight is None else f', times class_weight={class_weight!r}'}. Set such small weights to 0"
            " to exclude their sequences."
        )
    return product
