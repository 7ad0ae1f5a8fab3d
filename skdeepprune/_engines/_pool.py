"""Log-mean-exp pooling: the mean of the exponentials of all windows, and the gradient through each by its share.

The exponential of a sum over tables is a product over tables of exponentials, so that a window takes none of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune._engines._dropout import keep_rows
from skdeepprune._engines._tables import TABLE_ROWS, fill_exponential_cells, fill_products, sum_over_words
from skdeepprune._engines._vectors import (
    LANES,
    four_at,
    in_all_lanes,
    lanes_after,
    lanes_at,
    narrowed,
    number_at,
    number_in,
    put_lanes,
    put_lanes_after,
    widened,
)
from skdeepprune._engines._words import WORD_LETTERS

_HALF = LANES // 2
# Windows whose exponentials are summed in float32, before their sums are in float64.
_SUMMED = 256
_LN_2 = 0.6931471805599453
_BITS_OF_ROOT_HALF = 0x3FE6A09E667F3BCD


class PoolLoops(NamedTuple):
    """Loops for windows of a certain number of tables."""

    pool_rows: Callable[..., None]
    gradient_by_windows: Callable[..., None]


@compiled
def logarithms(n: int, values: Any, bits: Any, exponents: Any) -> None:
    """Replace the first n of positive, finite float64 by their natural logarithms, to 4e-9, faster than `math.log`.

    ``log(2**e * m) = e log 2 + 2 atanh((m - 1) / (m + 1))`` with m from sqrt(1/2) to sqrt(2). `bits` is `values` read
    as int64, `exponents` is room for as many.
    """
    for i in range(n):
        exponent = (bits[i] - _BITS_OF_ROOT_HALF) >> 52
        exponents[i] = exponent
        bits[i] -= exponent << 52
    for i in range(n):
        z = (values[i] - 1) / (values[i] + 1)
        square = z * z
        series = 1 + square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square * (1 / 9 + square / 11))))
        values[i] = _LN_2 * exponents[i] + 2 * z * series


@cache
def pool_loops(n_tables: int) -> PoolLoops:
    """Make the loops for windows of so many tables."""

    @compiled
    def pool_rows(
        words: Any,
        n_windows: Any,
        log_counts: Any,
        blocks: Any,
        sharpness: float,
        with_n: bool,
        word_numbers: Any,
        dropout: float,
        state: Any,
        cells: Any,
        tables: Any,
        pooled: Any,
        bits: Any,
        exponents: Any,
        sums: Any,
        best: Any,
    ) -> None:
        """Pool the windows of all kernels in some sequences, over both strands where there are two.

        The mean is over so many windows as `log_counts` has for a sequence, which are not all where bases are unknown.

        `best`, of shape (n_blocks, n_rows, LANES), gets the scores before the ReLU; of both strands the lanes of the
        second have -inf, and so have all lanes of a block that is left out, with probability `dropout`, by draws from
        `state`. `sums`, of float64 and the same shape, gets the sums of exponentials, `cells` the exponentials of
        `fill_exponential_cells`. `tables` is room for a block's products, in float32 or, where they need more, float64;
        `pooled`, `bits` and `exponents` are room for `logarithms` of n_rows * LANES numbers.
        """
        n_rows, width = words.shape
        per_block, n_cells = blocks.shape[2], blocks.shape[1] - 2
        zero, kept_rows = in_all_lanes(tables.dtype.type(0)), np.empty(n_rows, np.int64)
        fill_exponential_cells(blocks, sharpness, cells)
        if dropout > 0:
            sums[:] = 0
        for number in range(len(blocks)):
            fill_products(cells[number], with_n, word_numbers, tables)
            for at in range(keep_rows(dropout, state, kept_rows)):
                i = kept_rows[at]
                whole = in_all_lanes(0.0)
                for first in range(0, n_windows[i], _SUMMED):
                    start, n_here = i * width + first, min(_SUMMED, n_windows[i] - first)
                    # Two sums, as one would wait for every addition before.
                    even, odd, end = zero, zero, start + n_here
                    for p in range(start, end - 3, 4):
                        four = four_at(words, p)
                        one, two = (
                            lanes_after(tables, 0, number_in(four, 0)),
                            lanes_after(tables, 0, number_in(four, 1)),
                        )
                        three, last = (
                            lanes_after(tables, 0, number_in(four, 2)),
                            lanes_after(tables, 0, number_in(four, 3)),
                        )
                        for t in range(1, n_tables):
                            four, row = four_at(words, p + WORD_LETTERS * t), TABLE_ROWS * t
                            one = one * lanes_after(tables, row, number_in(four, 0))
                            two = two * lanes_after(tables, row, number_in(four, 1))
                            three = three * lanes_after(tables, row, number_in(four, 2))
                            last = last * lanes_after(tables, row, number_in(four, 3))
                        even, odd = even + (one + two), odd + (three + last)
                    for p in range(end - n_here % 4, end):
                        one = lanes_after(tables, 0, number_at(words, p))
                        for t in range(1, n_tables):
                            one = one * lanes_after(tables, TABLE_ROWS * t, number_at(words, p + WORD_LETTERS * t))
                        even = even + one
                    whole = whole + widened(even + odd)
                put_lanes(sums, number * n_rows + i, whole)
            for i in range(n_rows):
                for k in range(per_block):
                    total = sums[number, i, k]
                    if per_block < LANES:
                        total += sums[number, i, k + _HALF]
                        sums[number, i, k], sums[number, i, k + _HALF] = total, total
                    # A sum is 0 where the block is left out.
                    pooled[per_block * i + k] = total if total > 0 else 1.0
            logarithms(per_block * n_rows, pooled, bits, exponents)
            bias = blocks[number, n_cells]
            for i in range(n_rows):
                left_out = sums[number, i, 0] == 0
                for k in range(per_block):
                    score = (pooled[per_block * i + k] - log_counts[i]) / sharpness + bias[k]
                    best[number, i, k] = -np.inf if left_out else score
                for lane in range(per_block, LANES):
                    best[number, i, lane] = -np.inf

    @compiled
    def gradient_by_windows(
        words: Any,
        n_windows: Any,
        residual: Any,
        with_n: bool,
        word_numbers: Any,
        dense: Any,
        best: Any,
        sums: Any,
        cells: Any,
        tables: Any,
        room: Any,
        table_gradient: Any,
        gradient: Any,
    ) -> None:
        """Write the gradient of a network of log-mean-exp, laid out as `blocks`, from what `pool_rows` found.

        A positive score adds its derivative to the words of all windows, each its share of the exponentials; and to
        bias and dense weight. The shares of as many windows as there is `room` for, (n, LANES) of float32, are found
        before they are added: the tables that they are found from and those that they are added to would drive each
        other out of the level-1 cache.
        """
        n_rows, width = words.shape
        n_cells, per_block = gradient.shape[1] - 2, gradient.shape[2]
        factors, fires = np.empty((n_rows, LANES), tables.dtype), np.empty(n_rows, np.bool_)
        for number in range(len(gradient)):
            out, weights = gradient[number], dense[number]
            fill_products(cells[number], with_n, word_numbers, tables)
            by_bias, by_dense = np.zeros(LANES, np.float32), np.zeros(LANES, np.float32)
            for i in range(n_rows):
                scores, total, factor = best[number, i], sums[number, i], factors[i]
                any_fires = False
                for k in range(per_block):
                    positive = scores[k] > 0
                    any_fires |= positive
                    slope = residual[i] * weights[k] if positive else np.float32(0)
                    by_bias[k] += slope
                    by_dense[k] += residual[i] * scores[k] if positive else np.float32(0)
                    factor[k] = slope / total[k] if positive else 0
                    factor[k + LANES - per_block] = factor[k]
                fires[i] = any_fires
            row, first = 0, 0
            while row < n_rows:
                i, window, n_found = row, first, 0
                while i < n_rows and n_found < len(room):
                    if fires[i]:
                        n_here = min(n_windows[i] - window, len(room) - n_found)
                        factor, start = lanes_at(factors, i), i * width + window
                        for j in range(0, n_here - 3, 4):
                            four, at = four_at(words, start + j), n_found + j
                            one, two = (
                                lanes_after(tables, 0, number_in(four, 0)),
                                lanes_after(tables, 0, number_in(four, 1)),
                            )
                            three, last = (
                                lanes_after(tables, 0, number_in(four, 2)),
                                lanes_after(tables, 0, number_in(four, 3)),
                            )
                            for t in range(1, n_tables):
                                four, table = four_at(words, start + j + WORD_LETTERS * t), TABLE_ROWS * t
                                one = one * lanes_after(tables, table, number_in(four, 0))
                                two = two * lanes_after(tables, table, number_in(four, 1))
                                three = three * lanes_after(tables, table, number_in(four, 2))
                                last = last * lanes_after(tables, table, number_in(four, 3))
                            put_lanes(room, at, narrowed(one * factor))
                            put_lanes(room, at + 1, narrowed(two * factor))
                            put_lanes(room, at + 2, narrowed(three * factor))
                            put_lanes(room, at + 3, narrowed(last * factor))
                        for j in range(n_here - n_here % 4, n_here):
                            one = lanes_after(tables, 0, number_at(words, start + j))
                            for t in range(1, n_tables):
                                at = number_at(words, start + j + WORD_LETTERS * t)
                                one = one * lanes_after(tables, TABLE_ROWS * t, at)
                            put_lanes(room, n_found + j, narrowed(one * factor))
                        n_found, window = n_found + n_here, window + n_here
                        if window < n_windows[i]:
                            break
                    i, window = i + 1, 0
                n_added = 0
                while n_added < n_found:
                    if fires[row]:
                        n_here, start = min(n_windows[row] - first, n_found - n_added), row * width + first
                        for j in range(n_here):
                            share = lanes_at(room, n_added + j)
                            for t in range(n_tables):
                                at = number_at(words, start + j + WORD_LETTERS * t)
                                slope = lanes_after(table_gradient, TABLE_ROWS * t, at) + share
                                put_lanes_after(table_gradient, TABLE_ROWS * t, at, slope)
                        n_added, first = n_added + n_here, first + n_here
                        if first < n_windows[row]:
                            break
                    row, first = row + 1, 0
                row, first = i, window
            sum_over_words(table_gradient, with_n, word_numbers, out)
            for k in range(per_block):
                out[n_cells, k], out[n_cells + 1, k] = by_bias[k], by_dense[k]

    return PoolLoops(pool_rows, gradient_by_windows)
