"""The composition of sequences: how often every short word occurs in them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdeepprune._network import Network, reverse_complement_words

_BASES_AT_ONCE = 2**22


def count_words(
    codes: NDArray[np.uint8], word_length: int, *, reverse_complement: bool, chosen: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Count every word of some letters in all sequences together.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    word_length : int
        At least 1.
    reverse_complement : bool
        Count a word and its reverse complement as one; both then have the sum.
    chosen : ndarray of bool, shape (n_sequences,), default=None
        Which sequences to count in. Default: all.

    Returns
    -------
    ndarray of float64, shape (4**word_length,)
        In alphabetical order. Words with unknown bases are not counted.

    Examples
    --------
    >>> from skdeepprune.sequences import encode
    >>> count_words(encode(["AACA", "GN"]), 1, reverse_complement=False)
    array([3., 1., 1., 0.])
    """
    counts = np.zeros(4**word_length)
    step = max(1, _BASES_AT_ONCE // max(codes.shape[1], 1))
    n_words = codes.shape[1] - word_length + 1
    for start in range(0, len(codes) if n_words > 0 else 0, step):
        part = codes[start : start + step]
        part = part if chosen is None else part[chosen[start : start + step]]
        number, known = np.zeros((len(part), n_words), dtype=np.int64), np.ones((len(part), n_words), dtype=bool)
        for j in range(word_length):
            letter = part[:, j : j + n_words]
            number, known = 4 * number + letter, known & (letter < 4)
        counts += np.bincount(number[known], minlength=len(counts))
    if reverse_complement:
        other = reverse_complement_words(word_length)
        counts = np.where(other == np.arange(len(counts)), counts, counts + counts[other])
    return counts


def mean_word_counts(
    codes: NDArray[Any], y: NDArray[Any], word_length: int, *, reverse_complement: bool
) -> NDArray[np.float64]:
    """Give the mean count of every word in unbound (y = 0) and bound (y = 1) sequences.

    Returns
    -------
    ndarray of float64, shape (2, 4**word_length), or (2, 0) without words
    """
    if not word_length:
        return np.empty((2, 0))
    counts = [
        count_words(codes, word_length, reverse_complement=reverse_complement, chosen=chosen) / max(chosen.sum(), 1)
        for chosen in (y == 0, y == 1)
    ]
    return np.stack(counts)


def composition_table(network: Network, word_counts: NDArray[np.float64]) -> pd.DataFrame:
    """List the words of a network's composition term, the greatest weight first.

    Returns
    -------
    DataFrame
        Columns word, weight, bound, unbound: its mean count in the sequences of the class.
    """
    n_letters = network.word_length
    numbers = np.arange(len(network.composition))
    if network.reverse_complement and n_letters:
        numbers = numbers[numbers <= reverse_complement_words(n_letters)]
    words = np.array(["".join(letters) for letters in product("ACGT", repeat=n_letters)], dtype=object)
    table = pd.DataFrame(
        {
            "word": words[numbers],
            "weight": network.composition[numbers].astype(np.float64),
            "bound": word_counts[1, numbers],
            "unbound": word_counts[0, numbers],
        }
    )
    return table.sort_values("weight", ascending=False, kind="stable", ignore_index=True)
