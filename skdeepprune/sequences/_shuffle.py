"""Dinucleotide shuffles: null sequences with the dinucleotide counts of the originals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune._random import RandomState, as_generator
from skdeepprune.sequences._codes import Codes, check_codes, decode, encode_by_length, sequence_lengths
from skdeepprune.sequences._strings import as_strings


def dinucleotide_shuffle(X: Any, *, random_state: RandomState = None) -> Any:
    """Shuffle sequences, keeping the dinucleotide counts of each.

    A shuffle is drawn uniformly from all distinct sequences with the same dinucleotide counts and the same first and
    last letter [1]_. Letter counts are therefore preserved as well.

    Parameters
    ----------
    X : list, ndarray, Series, or DataFrame with one column; or ndarray of int, shape (n_sequences, length)
        DNA as strings, or as codes.
    random_state : int, Generator, RandomState or None, default=None
        An int makes the shuffles reproducible.

    Returns
    -------
    list of str, or ndarray of uint8 of shape (n_sequences, length)
        Same kind as `X`; strings are in upper case.

    Raises
    ------
    ValueError
        If a sequence is empty or has an unknown letter, or a code is not from 0 to 4.
    TypeError
        If `random_state` or an entry of `X` is of another type.

    Notes
    -----
    N, and any other IUPAC ambiguity letter read as N, is a fifth letter. N at the right end is padding and stays in
    place.

    References
    ----------
    .. [1] D. B. Wilson, "Generating random spanning trees more quickly than the cover time", STOC 1996;
       D. Kandel, Y. Matias, R. Unger and P. Winkler, "Shuffling biological sequences", Discrete Applied Mathematics 71,
       1996.

    Examples
    --------
    >>> dinucleotide_shuffle(["ACAGATA", "TTTT"], random_state=1)
    ['ACATAGA', 'TTTT']
    """
    rng = as_generator(random_state)
    if isinstance(X, np.ndarray) and X.dtype.kind in "iu":
        return shuffle_codes(X, rng)
    strings = as_strings(X)
    seeds = _seeds(len(strings), rng)
    shuffled = [""] * len(strings)
    for rows, codes in encode_by_length(strings):
        for row, string in zip(rows, decode(_shuffled(codes, seeds[rows]), strip=False), strict=True):
            shuffled[row] = string[: len(strings[row])]
    return shuffled


def shuffle_codes(codes: Codes, rng: np.random.Generator) -> Codes:
    """Shuffle byte codes, keeping the dinucleotide counts of every row.

    Like :func:`dinucleotide_shuffle`, without conversions.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
        Padding (N) on the right stays in place.
    rng : Generator
        Source of a seed per row.

    Returns
    -------
    ndarray of uint8, shape (n_sequences, length)

    Raises
    ------
    ValueError
        If `codes` is not a matrix of numbers from 0 to 4.

    Examples
    --------
    >>> import numpy as np
    >>> shuffle_codes(np.array([[0, 1, 0, 2, 0, 4]], dtype=np.uint8), np.random.default_rng(1))
    array([[0, 2, 0, 1, 0, 4]], dtype=uint8)
    """
    codes = check_codes(codes).copy()
    return _shuffled(codes, _seeds(len(codes), rng))


def _seeds(n: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    return rng.integers(0, 2**64, size=n, dtype=np.uint64)


def _shuffled(codes: Codes, seeds: NDArray[np.uint64]) -> Codes:
    """Shuffle in place."""
    from skdeepprune.sequences._euler import shuffle_rows

    shuffle_rows(codes, sequence_lengths(codes), seeds)
    return codes
