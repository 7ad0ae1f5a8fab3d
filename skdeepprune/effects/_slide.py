"""Sums and maxima over sliding windows, compiled by numba on first use.

Nothing is ever subtracted: positions are divided into runs of a window's size, each accumulated forwards from its start
and backwards from its end; a window is the end of one run plus the start of the next. There is no cancellation, and it
works for maxima as well as sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune.effects._loops import pack_words
from skdeepprune.effects._vectors import LANES, SHORT_LETTERS, combine_rows, write_sums


@compiled
def slide_kernels(
    codes: Any, tables: Any, width: int, pools_sum: bool, n_together: int, step: int, pooled: Any
) -> None:
    """Combine the activations of some lanes over `n_together` positions, from every `step`-th position on.

    Parameters
    ----------
    codes : ndarray of uint8
    tables : ndarray of float64, shape (n_tables, 64, LANES)
        Sums of the cells for every word of three letters; or, if sums are pooled, the
        factors whose product is the exponential of a window's activation.
    width : int
        Kernel length.
    pools_sum : bool
        Whether to add up products or to take the maximum of sums.
    n_together, step : int
    pooled : ndarray of float64, shape (n, LANES)
        Output.
    """
    n_tables, n_rows = len(tables), len(codes) - width + 1
    words = np.empty(n_together + SHORT_LETTERS * n_tables, np.uint8)
    # Rows of this run, then accumulated from its start; of the previous run, accumulated back from its end.
    rows, to_end = np.empty((n_together, LANES)), np.empty((n_together, LANES))
    n_written, next_end = 0, n_together - 1
    for first in range(0, n_rows, n_together):
        n = min(n_together, n_rows - first)
        pack_words(codes, first, n + SHORT_LETTERS * (n_tables - 1), words)
        write_sums(tables, n_tables, words, 0, n, pools_sum, rows)
        before, to_end = to_end, np.empty((n_together, LANES))
        to_end[n - 1] = rows[n - 1]
        for r in range(n - 2, -1, -1):
            combine_rows(to_end, r, to_end, r + 1, rows, r, pools_sum)
        for r in range(1, n):
            combine_rows(rows, r, rows, r - 1, rows, r, pools_sum)
        while next_end < first + n and n_written < len(pooled):
            r = next_end - first
            if r < n_together - 1:
                combine_rows(pooled, n_written, before, r + 1, rows, r, pools_sum)
            else:
                pooled[n_written] = rows[r]
            n_written += 1
            next_end += step


@compiled
def slide_words(codes: Any, table: Any, n_letters: int, length: int, step: int, sums: Any) -> None:
    """Sum the entries of a table for all words of n letters in every `step`-th window of that length."""
    last = len(table) - 1
    n_together = length - n_letters + 1
    new, old, total = 0, 0, 0.0
    n_written, next_start = 0, 0
    for i in range(len(codes)):
        new = (4 * new + (codes[i] & 3)) & last
        if i >= n_letters - 1:
            total += table[new]
        if i >= n_together:
            old = (4 * old + (codes[i - n_together] & 3)) & last
            if i >= n_together + n_letters - 1:
                total -= table[old]
        if i - length + 1 == next_start and n_written < len(sums):
            sums[n_written] = total
            n_written += 1
            next_start += step


@compiled
def count_unknown(codes: Any, length: int, step: int, counts: Any) -> None:
    """Count the unknown bases of every `step`-th window of that length."""
    n_unknown, n_written, next_start = 0, 0, 0
    for i in range(len(codes)):
        n_unknown += codes[i] > 3
        if i >= length:
            n_unknown -= codes[i - length] > 3
        if i - length + 1 == next_start and n_written < len(counts):
            counts[n_written] = n_unknown
            n_written += 1
            next_start += step
