"""Sequences as the compiled loops read them: letters in memory, words while a batch is computed.

Letters are codes that begin with a sequence's first known base, a byte each. A word is four letters that follow each
other; the 256 without N have the first numbers, so that the rows of tables that are used lie together, and the 369 with
N come after. What the loops get is where a word's row begins in a table, in bytes: 32 times its number.

Composition words are read at the same time. They have up to six letters, in an alphabet of four or, where a sequence
has N, of five.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune._engines._vectors import LANES, OFFSET_BYTES

WORD_LETTERS = 4
N_KNOWN = 4**WORD_LETTERS
N_WORDS = 5**WORD_LETTERS
ROW_BYTES = LANES * OFFSET_BYTES


def _number_words() -> Any:
    """Number of every word, by its letters as digits in an alphabet of five."""
    letters = np.arange(N_WORDS)[:, None] // 5 ** np.arange(WORD_LETTERS)[::-1] % 5
    known = (letters < 4).all(axis=1)
    numbers = np.empty(N_WORDS, np.uint16)
    numbers[known], numbers[~known] = np.arange(N_KNOWN), np.arange(N_KNOWN, N_WORDS)
    numbers.flags.writeable = False
    return numbers


WORD_NUMBERS = _number_words()


@compiled
def read_letters(codes: Any, in_place: bool, letters: Any, lengths: Any, starts: Any) -> bool:
    """Write sequences from their first known base on, their lengths, and where they start in `codes`.

    What lies beyond the end reads as N. `letters` is the memory of `codes` if `in_place`. Return whether any base is
    unknown between known ones.
    """
    n_sequences, width = codes.shape
    with_n: Any = False
    for i in range(n_sequences):
        given, row = codes[i], letters[i]
        end, start = width, 0
        while end > 0 and given[end - 1] >= 4:
            end -= 1
        while start < end and given[start] >= 4:
            start += 1
        lengths[i], starts[i] = end - start, start
        unknown = np.uint8(0)
        # Looked at before it is written, as one loop over what may be the same memory would not be a vector's.
        for p in range(start, end):
            unknown |= given[p] > 3
        if start > 0 or unknown or not in_place:
            for p in range(end - start):
                row[p] = min(given[start + p], np.uint8(4))
        for p in range(end - start, width):
            row[p] = 4
        with_n |= unknown > 0
    return with_n


@compiled
def count_windows(letters: Any, lengths: Any, kernel_length: int, counts: Any) -> None:
    """Count the windows of every sequence of which at least half of the bases are known; where there are none, one."""
    for i in range(len(letters)):
        row = letters[i]
        n_known, n_windows = 0, 0
        for p in range(max(lengths[i], kernel_length)):
            n_known += p < len(row) and row[p] < 4
            if p >= kernel_length:
                n_known -= row[p - kernel_length] < 4
            n_windows += p >= kernel_length - 1 and 2 * n_known >= kernel_length
        counts[i] = max(n_windows, 1)


@compiled
def read_words(
    letters: Any,
    lengths: Any,
    rows: Any,
    kernel_length: int,
    n_letters: int,
    with_n: bool,
    word_numbers: Any,
    words: Any,
    n_windows: Any,
    numbers: Any,
    n_numbers: Any,
) -> None:
    """Write where the words of the sequences `rows` have their rows, and the numbers of their composition words.

    Parameters
    ----------
    letters : ndarray of uint8, shape (n_sequences, length)
    lengths : ndarray of int64, shape (n_sequences,)
    rows : ndarray of int64, shape (n_rows,)
    kernel_length : int
    n_letters : int
        Of composition words.
    with_n : bool
        Whether letters may be N, other than beyond the end of a sequence that is as long as the kernels. If not, N
        reads as A: no window counts it.
    word_numbers : ndarray of uint16, shape (625,)
    words : ndarray of uint16, shape (n_rows, max(length, kernel_length))
    n_windows : ndarray of int64, shape (n_rows,)
        At least 1.
    numbers : ndarray of uint16, as `words`
    n_numbers : ndarray of int64, shape (n_rows,)
        How many composition words a sequence has.
    """
    length = letters.shape[1]
    for i in range(len(rows)):
        row, word, number = letters[rows[i]], words[i], numbers[i]
        n_windows[i] = max(lengths[rows[i]] - kernel_length, 0) + 1
        n_numbers[i] = max(lengths[rows[i]] - n_letters + 1, 0) if n_letters else 0
        if with_n:
            for p in range(len(word)):
                digits = 0
                for j in range(p, p + 4):
                    digits = 5 * digits + (row[j] if j < length else 4)
                word[p] = 32 * word_numbers[digits]
            for p in range(length - n_letters + 1 if n_letters else 0):
                digits = 0
                for j in range(p, p + n_letters):
                    digits = 5 * digits + row[j]
                number[p] = digits
        else:
            n_whole = max(length - 3, 0)
            for p in range(n_whole):
                first, second = np.uint16(row[p] & 3), np.uint16(row[p + 1] & 3)
                third, fourth = np.uint16(row[p + 2] & 3), np.uint16(row[p + 3] & 3)
                word[p] = (first << 11) + (second << 9) + (third << 7) + (fourth << 5)
            for p in range(n_whole, len(word)):
                digits = 0
                for j in range(p, p + 4):
                    digits = 4 * digits + (row[j] & 3 if j < length else 0)
                word[p] = 32 * digits
            # From two words of four letters, with as many bits as two letters each.
            last = np.uint64(max(n_letters - 4, 0))
            short, long = np.uint64(2) * np.uint64(max(4 - n_letters, 0)), np.uint64(2) * last
            others = (np.uint64(1) << long) - np.uint64(1)
            for p in range(max(length - n_letters + 1, 0) if n_letters else 0):
                head, tail = np.uint64(word[p] >> 5), np.uint64(word[np.uint64(p) + last] >> 5)
                number[p] = ((head >> short) << long) | (tail & others)
