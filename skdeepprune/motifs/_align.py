"""Similarity of two motifs over all shifts and both strands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdeepprune.motifs._motif import Motif

_ROUNDING = 1e-9


class Alignment(NamedTuple):
    """The best alignment of a motif to another.

    Attributes
    ----------
    correlation : float
        1 for equal motifs.
    shift : int
        Position in the other motif that is aligned with the first position of this one (after reversal, if any).
    reverse : bool
        Whether this motif has to be reverse-complemented first.
    """

    correlation: float
    shift: int
    reverse: bool


def best_alignment(motif: Motif, other: Motif, *, both_strands: bool = True) -> Alignment:
    r"""Align two motifs at the shift and strand where they correlate best.

    .. math:: r = \max_s \frac{\sum_{i,b} d_{ib}\, e_{i+s,b}}{\lVert d\rVert\, \lVert e\rVert}

    where :math:`d` and :math:`e` are the two motifs' probabilities minus their backgrounds, and 0 beyond their ends:
    overhanging positions lower r in proportion to their information.

    Parameters
    ----------
    motif, other : Motif
    both_strands : bool, default=True
        Also try the reverse complement of `motif`.

    Returns
    -------
    Alignment
        Ties go to the given strand, then to the smaller shift.
    """
    candidates = [
        Alignment(float(value), shift, reverse)
        for reverse in ((False, True) if both_strands else (False,))
        for shift, value in _correlations(motif.reverse_complement() if reverse else motif, other)
    ]
    return max(candidates, key=lambda found: (round(found.correlation, 12), not found.reverse, -abs(found.shift)))


def correlation_at(motif: Motif, other: Motif, shift: int) -> float:
    """Compute the r of :func:`best_alignment` when the motif starts at position `shift` of the other one."""
    one, two = _difference(motif), _difference(other)
    start, stop = max(shift, 0), min(shift + len(one), len(two))
    norm = float(np.linalg.norm(one) * np.linalg.norm(two))
    product = float((one[start - shift : max(stop, start) - shift] * two[start:stop]).sum())
    return product / norm if norm > 0 else 0.0


def alike(motifs: Sequence[Motif], least: float) -> Iterator[NDArray[np.int64]]:
    """Yield, for every motif, the indices of earlier ones whose best correlation exceeds `least`, up to rounding.

    All shifts at once by a matrix product, since 256 motifs have 33,000 pairs.
    """
    differences = [_difference(motif) for motif in motifs]
    width = max(map(len, differences), default=0)
    shapes = np.zeros((len(motifs), 3 * width, 4))
    for shape, difference in zip(shapes, differences, strict=True):
        shape[width : width + len(difference)] = difference / (np.linalg.norm(difference) or 1.0)
    turned = shapes[:, ::-1, ::-1]
    for i in range(len(motifs)):
        # One row per shift and strand.
        rows = [one[i, start : start + width].ravel() for one in (shapes, turned) for start in range(2 * width + 1)]
        earlier = shapes[:i, width : 2 * width].reshape(i, 4 * width)
        found = (earlier @ np.array(rows).T).max(axis=1, initial=-1.0) if i else np.empty(0)
        yield np.flatnonzero(found > least - _ROUNDING)


def _correlations(motif: Motif, other: Motif) -> list[tuple[int, float]]:
    one, two = _difference(motif), _difference(other)
    products = np.sum([np.correlate(two[:, base], one[:, base], "full") for base in range(4)], axis=0)
    norm = np.linalg.norm(one) * np.linalg.norm(two)
    values = products / norm if norm > 0 else products
    return list(zip(range(1 - len(one), len(two)), values, strict=True))


def _difference(motif: Motif) -> NDArray[np.float64]:
    return motif.ppm - np.array(motif.background)
