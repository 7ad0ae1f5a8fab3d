"""P-values of a kernel's activations in random DNA, by dynamic programming over its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

UNIFORM = (0.25, 0.25, 0.25, 0.25)
# Upper bound for the number of grid steps from the lowest to the highest sum of a kernel; at least half are used.
_N_STEPS = 2**18
# Rounding error of float64 sums, in steps.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class PValues:
    """P-values of a kernel's activations, without its bias.

    Cells are rounded to the nearest step of a grid, and the distribution of their sum, for letters drawn independently
    from the background, is built up position by position. Let e be the largest possible sum of rounding errors of a
    window; the p-value of an activation a is the probability of a rounded sum of at least a - e. It is never too small,
    and barely too large: P(A >= a) <= p(a) <= P(A >= a - 2e).

    Attributes
    ----------
    step : float
        Width of the grid, a power of two.
    lowest : int
        Steps from 0 to the lowest sum.
    slack : float
        e, in steps.
    survival : ndarray of float64
        ``survival[i]`` is the probability of a sum of ``lowest + i`` steps or more.
    """

    step: float
    lowest: int
    slack: float
    survival: Floats

    @classmethod
    def of(cls, kernel: NDArray[np.floating], background: Sequence[float] | Floats = UNIFORM) -> PValues:
        """Compute the p-values of a kernel (W, 4) under the probabilities of A, C, G, T."""
        cells = np.asarray(kernel, np.float64)
        span = float((cells.max(axis=1) - cells.min(axis=1)).sum())
        step = 2.0 ** math.ceil(math.log2(span / _N_STEPS)) if span > 0 else 1.0
        rounded = np.rint(cells / step)
        slack = float(np.abs(cells / step - rounded).max(axis=1).sum()) + _ROUNDING
        lowest = rounded.min(axis=1)
        steps = (rounded - lowest[:, None]).astype(np.int64)
        density = np.ones(1)
        for row in steps:
            longer = np.zeros(len(density) + row.max())
            for shift, share in zip(row, background, strict=True):
                longer[shift : shift + len(density)] += share * density
            density = longer
        # From the top down: a small tail keeps its digits.
        survival = np.minimum(np.cumsum(density[::-1])[::-1], 1.0)
        return cls(step, int(lowest.sum()), slack, survival)

    @property
    def error(self) -> float:
        """2e: the largest difference between activations with the same p-value that rounding can cause."""
        return 2 * self.slack * self.step

    def index(self, activations: Floats) -> NDArray[np.int64]:
        """Return the indices of activations into `survival`."""
        places = np.ceil(activations / self.step - self.slack).astype(np.int64) - self.lowest
        return places.clip(0, len(self.survival) - 1)

    def __call__(self, activations: Floats) -> Floats:
        """Return the p-values of activations."""
        return self.survival[self.index(np.asarray(activations, np.float64))]

    def threshold(self, p_value: float) -> float:
        """Return the activation above which the p-value is at most `p_value`; NaN if there is none."""
        first = self.first_index(p_value)
        if first == 0:
            return -math.inf
        return (first + self.lowest - 1 + self.slack) * self.step if first < len(self.survival) else math.nan

    def reached(self, p_value: float) -> float:
        """Return the highest attainable p-value of at most `p_value`, or 0."""
        first = self.first_index(p_value)
        return float(self.survival[first]) if first < len(self.survival) else 0.0

    def first_index(self, p_value: float) -> int:
        """Find the first index of `survival` with at most `p_value`; its length if there is none."""
        return int(np.searchsorted(-self.survival, -p_value, side="left"))


def read_background(background: Sequence[float] | Mapping[str, float], *, both_strands: bool) -> Floats:
    """Check the probabilities of A, C, G, T; with both strands, average them over the strands.

    Parameters
    ----------
    background : four floats, or a mapping from the letters to them
        Frequencies or counts.
    both_strands : bool

    Returns
    -------
    ndarray of float64, shape (4,)
        Sums to 1.

    Raises
    ------
    ValueError
        If they are not four numbers above 0.

    Examples
    --------
    >>> read_background({"A": 0.4, "C": 0.2, "G": 0.2, "T": 0.2}, both_strands=True)
    array([0.3, 0.2, 0.2, 0.3])
    """
    values = [background.get(letter) for letter in "ACGT"] if isinstance(background, Mapping) else background
    try:
        shares = np.array(values, np.float64)
    except (TypeError, ValueError):
        shares = np.empty(0)
    if shares.shape != (4,) or not (np.isfinite(shares) & (shares > 0)).all():
        raise ValueError(
            f"background={background!r}; expected the frequencies of A, C, G and T, four numbers above 0, 'uniform', or"
            " None for those of the genome."
        )
    shares = shares / shares.sum()
    return (shares + shares[::-1]) / 2 if both_strands else shares
