"""The composition of sequences: counts of short words (k-mers)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from skdeepprune._network import Network, reverse_complement_words

_BASES_PER_CHUNK = 2**22


def count_words(
    codes: NDArray[np.uint8], word_length: int, *, reverse_complement: bool, chosen: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Count every word of a given length over all sequences.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    word_length : int
        At least 1.
    reverse_complement : bool
        Count a word and its reverse complement together; both get the sum.
    chosen : ndarray of bool, shape (n_sequences,), default=None
        Sequences to count in. Default: all.

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
    for numbers, known in _word_numbers(codes, word_length, chosen):
        counts += np.bincount(numbers[known], minlength=len(counts))
    if reverse_complement:
        other = reverse_complement_words(word_length)
        counts = np.where(other == np.arange(len(counts)), counts, counts + counts[other])
    return counts


def count_words_in_each(codes: NDArray[np.uint8], word_length: int, *, reverse_complement: bool) -> csr_array:
    """Count every word of a given length in each sequence.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    word_length : int
        At least 1.
    reverse_complement : bool
        Count a word and its reverse complement together, in one column.

    Returns
    -------
    csr_array of float64, shape (n_sequences, n_words)
        Columns in the order of `word_names`. Words with unknown bases are not counted.

    Examples
    --------
    >>> from skdeepprune.sequences import encode
    >>> count_words_in_each(encode(["AACA", "GN"]), 1, reverse_complement=True).toarray()
    array([[3., 1.],
           [0., 1.]])
    """
    column_of = _columns(word_length, reverse_complement=reverse_complement)
    columns, n_known = [np.empty(0, dtype=np.int32)], [np.zeros(1, dtype=np.int64)]
    for numbers, known in _word_numbers(codes, word_length):
        columns.append(column_of[numbers[known]])
        n_known.append(known.sum(axis=1))
    column, starts = np.concatenate(columns), np.concatenate(n_known).cumsum()
    counts = csr_array((np.ones(len(column)), column, starts), shape=(len(codes), int(column_of.max()) + 1))
    counts.sum_duplicates()
    return counts


def word_names(word_length: int, *, reverse_complement: bool) -> NDArray[np.object_]:
    """List the words in alphabetical order; with `reverse_complement` only the first of a word and its complement.

    Examples
    --------
    >>> word_names(1, reverse_complement=True)
    array(['A', 'C'], dtype=object)
    """
    words = np.array(["".join(letters) for letters in product("ACGT", repeat=word_length)], dtype=object)
    return words[_is_canonical(word_length)] if reverse_complement else words


def _word_numbers(
    codes: NDArray[np.uint8], word_length: int, chosen: NDArray[np.bool_] | None = None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Yield, in chunks, the indices of the words at all positions (n, n_words), and whether all bases are known."""
    n_words = max(codes.shape[1] - word_length + 1, 0)
    step = max(1, _BASES_PER_CHUNK // max(codes.shape[1], 1))
    for start in range(0, len(codes), step):
        part = codes[start : start + step]
        part = part if chosen is None else part[chosen[start : start + step]]
        numbers, known = np.zeros((len(part), n_words), dtype=np.int64), np.ones((len(part), n_words), dtype=bool)
        for j in range(word_length):
            letter = part[:, j : j + n_words]
            numbers, known = 4 * numbers + letter, known & (letter < 4)
        yield numbers, known


def _is_canonical(word_length: int) -> NDArray[np.bool_]:
    """Whether a word does not come after its reverse complement."""
    return np.arange(4**word_length) <= reverse_complement_words(word_length)


def _columns(word_length: int, *, reverse_complement: bool) -> NDArray[np.int32]:
    """Column index of every word."""
    numbers = np.arange(4**word_length, dtype=np.int32)
    if not reverse_complement:
        return numbers
    places = _is_canonical(word_length).cumsum(dtype=np.int32) - np.int32(1)
    return places[np.minimum(numbers, reverse_complement_words(word_length))]


def mean_word_counts(
    codes: NDArray[Any], y: NDArray[Any], word_length: int, *, reverse_complement: bool
) -> NDArray[np.float64]:
    """Mean count of every word in unbound (y = 0) and bound (y = 1) sequences.

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
    """List the words of a network's composition term in descending order of weight.

    Returns
    -------
    DataFrame
        Columns word, weight, bound, unbound; the last two are mean counts in the sequences of each class.
    """
    n_letters = network.word_length
    numbers = np.arange(len(network.composition))
    if network.reverse_complement and n_letters:
        numbers = numbers[_is_canonical(n_letters)]
    table = pd.DataFrame(
        {
            # Word length 0 has one word, too: the empty one.
            "word": word_names(n_letters, reverse_complement=network.reverse_complement)[: len(numbers)],
            "weight": network.composition[numbers].astype(np.float64),
            "bound": word_counts[1, numbers],
            "unbound": word_counts[0, numbers],
        }
    )
    return table.sort_values("weight", ascending=False, kind="stable", ignore_index=True)
