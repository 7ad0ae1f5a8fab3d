"""New training sequences for every epoch: substituted bases, fresh negatives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skdeepprune.sequences import shuffle_codes

Codes = NDArray[np.uint8]


def substitute(codes: Codes, rate: float, rng: np.random.Generator) -> Codes:
    """Replace every base, with probability `rate`, by one of the three others; N stays.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    rate : float
    rng : Generator

    Returns
    -------
    ndarray of uint8, shape (n_sequences, length)

    Examples
    --------
    >>> import numpy as np
    >>> codes = np.array([[0, 1, 2, 3, 4]], dtype=np.uint8)
    >>> substitute(codes, 1.0, np.random.default_rng(0))
    array([[1, 3, 3, 1, 4]], dtype=uint8)
    """
    flat = codes.ravel().copy()
    if rate > 0:
        hits = _bernoulli_hits(flat.size, rate, rng)
        hits = hits[flat[hits] < 4]
        flat[hits] = (flat[hits] + rng.integers(1, 4, len(hits), dtype=np.uint8)) % 4
    return flat.reshape(codes.shape)


def _bernoulli_hits(n: int, rate: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw which of n trials succeed; the gaps between successes are geometric, so failures cost nothing."""
    expected = n * rate
    batch = int(expected + 6 * np.sqrt(expected) + 10)
    hits = np.array([-1])
    while hits[-1] < n:
        # Of a tiny rate the gaps are huge; cut, their sum cannot overflow.
        gaps = np.minimum(rng.geometric(rate, batch), n + 1)
        hits = np.concatenate([hits, hits[-1] + np.cumsum(gaps)])
    return hits[(hits >= 0) & (hits < n)]


def fresh_negatives(codes: Codes, y: NDArray[np.float32], rng: np.random.Generator) -> Codes:
    """Replace the negatives by new dinucleotide shuffles of the positives, every positive as often as every other.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    y : ndarray, shape (n_sequences,)
        1 for positives, 0 for negatives.
    rng : Generator

    Returns
    -------
    ndarray of uint8, shape (n_sequences, length)
    """
    positives, negatives = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    renewed = codes.copy()
    renewed[negatives] = shuffle_codes(codes[np.resize(rng.permutation(positives), len(negatives))], rng)
    return renewed


def augment(
    codes: Codes, y: NDArray[np.float32], *, mutation_rate: float, renew_negatives: bool, rng: np.random.Generator
) -> Codes:
    """Make the training sequences of one epoch: first fresh negatives, then substitutions in all sequences."""
    if renew_negatives:
        codes = fresh_negatives(codes, y, rng)
    return substitute(codes, mutation_rate, rng)
