"""Tomtom's p-value for the similarity of two motifs, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_N_BINS = 100

Matrix = NDArray[np.float64]


class Matches(NamedTuple):
    """How well one query matches each target; arrays of shape (n_targets,).

    Attributes
    ----------
    p : ndarray of float64
    score : ndarray of int64
        Sum of the binned column scores at the best alignment.
    offset : ndarray of int64
        Position in the target, on the strand that matched, at which the query starts.
    overlap : ndarray of int64
        Number of overlapping positions of query and target.
    reverse : ndarray of bool
        Whether the reverse complement of the target matched.
    """

    p: Matrix
    score: NDArray[np.int64]
    offset: NDArray[np.int64]
    overlap: NDArray[np.int64]
    reverse: NDArray[np.bool_]


def match_motif(query: Matrix, targets: Sequence[Matrix]) -> Matches:
    r"""Compare a motif with each of the targets, as Tomtom [1]_ does with Euclidean distance and complete scores.

    The score of query column :math:`i` at target column :math:`j` is minus the distance of the two, minus the median of
    that over the columns of all targets on both strands. So an overhanging query column scores the same as one at a
    median column: 0. The score of an alignment is the sum over its columns, and that of a target the maximum over all
    shifts. Under the null hypothesis the columns of the target are drawn from all columns of the database: the
    distribution of the sum over a range of the query is the convolution of the distributions of its columns (with
    scores in 100 bins), and that of the maximum over all shifts, assumed independent, is

    .. math:: p = 1 - \prod_{s} \left(1 - P(S_{s} \ge x)\right), \quad p_{\text{both strands}} = 1 - (1 - p)^2

    Parameters
    ----------
    query : ndarray, shape (width, 4)
        Probabilities.
    targets : sequence of ndarray, shape (width, 4)

    Returns
    -------
    Matches

    References
    ----------
    .. [1] S. Gupta, J. A. Stamatoyannopoulos, T. L. Bailey and W. S. Noble, "Quantifying similarity between motifs",
       Genome Biology 8, 2007.
    """
    strands = [*targets, *(target[::-1, ::-1] for target in targets)]
    widths = np.array([len(target) for target in strands])
    binned, lowest = _binned_scores(query, np.concatenate(strands))
    n_query, longest = len(query), int(widths.max())
    padded = np.zeros((n_query, len(strands), longest), dtype=np.int64)
    padded[:, np.arange(longest) < widths[:, None]] = binned
    # Column c of the sums is the shift at which the query starts at position c - (n_query - 1) of the target.
    sums = np.zeros((len(strands), longest + n_query - 1), dtype=np.int64)
    for i in range(n_query):
        first = n_query - 1 - i
        sums[:, first : first + longest] += padded[i]
    offsets = np.arange(1 - n_query, longest)
    overlaps = np.minimum(widths[:, None] - offsets, n_query) + np.minimum(offsets, 0)
    sums[overlaps <= 0] = np.iinfo(np.int64).min
    # Ties go to the alignment with more overlap.
    best = np.where(sums == sums.max(axis=1, keepdims=True), overlaps, 0).argmax(axis=1)
    rows = np.arange(len(strands))
    score, offset, overlap = sums[rows, best], offsets[best], overlaps[rows, best]
    forward, backward = np.split(rows, 2)
    reverse = score[backward] > score[forward]
    chosen = np.where(reverse, backward, forward)
    p = _p_values(score[chosen], widths[chosen], binned, lowest)
    return Matches(p * (2 - p), score[chosen], offset[chosen], overlap[chosen], reverse)


def _binned_scores(query: Matrix, columns: Matrix) -> tuple[NDArray[np.int64], int]:
    """Scores of query columns (rows) at target columns, as integers with median 0, and the lowest bin."""
    squares = (query**2).sum(axis=1)[:, None] + (columns**2).sum(axis=1) - 2 * query @ columns.T
    scores = -np.sqrt(np.maximum(squares, 0))
    scores -= np.median(scores, axis=1, keepdims=True)
    floor = int(np.floor(scores.min()))
    scale = int(_N_BINS // max(scores.max() - floor, 1.0))
    binned = np.floor((scores - floor) * scale + 0.5).astype(np.int64) + floor * scale
    return binned, floor * scale


def _p_values(score: NDArray[np.int64], widths: NDArray[np.int64], binned: NDArray[np.int64], lowest: int) -> Matrix:
    """One-strand p-values of best scores against targets of the given widths."""
    n_query = len(binned)
    columns = np.stack([np.bincount(row - lowest, minlength=_N_BINS + 1) for row in binned]) / binned.shape[1]
    distinct, of_width = np.unique(widths, return_inverse=True)
    log_below = np.zeros((len(distinct), n_query * _N_BINS + 1))
    # One start at a time: all ranges of a wide query would take gigabytes.
    for start in reversed(range(n_query)):
        tails = _log_one_minus_tails(columns[start:], n_query, lowest)
        for sums, width in zip(log_below, distinct, strict=True):
            for offset in [-start] if start else range(width):
                sums += tails[min(n_query, width - offset) - 1 - start]
    return -np.expm1(log_below[of_width, score - n_query * lowest])


def _log_one_minus_tails(columns: Matrix, n_query: int, lowest: int) -> Matrix:
    """``log(1 - P(sum >= x))`` for the first j + 1 query columns, at [j, x - n_query * lowest]."""
    n_scores = n_query * _N_BINS + 1
    tails = np.zeros((len(columns), n_scores))
    density = np.ones(1)
    for j, column in enumerate(columns):
        density = np.convolve(density, column)
        # The lowest possible sum is (j + 1) * lowest. Accumulated from the top, where the small numbers are.
        first = (n_query - (j + 1)) * -lowest
        tails[j, : first + 1] = 1.0
        tail = np.minimum(np.cumsum(density[::-1])[::-1], 1.0)[: n_scores - first]
        tails[j, first : first + len(tail)] = tail
    with np.errstate(divide="ignore"):
        return np.log1p(-tails)
