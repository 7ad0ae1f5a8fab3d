"""The maximum: every kernel's best window in every sequence, and the gradient through these windows.

Made for a number of tables, and compiled when a kernel needs so many: a loop of as many turns is unrolled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune._engines._dropout import keep_rows
from skdeepprune._engines._tables import TABLE_ROWS, fill_tables, sum_over_words
from skdeepprune._engines._vectors import (
    LANES,
    four_at,
    halves_swapped,
    in_all_lanes,
    lanes_after,
    lanes_at,
    number_at,
    number_in,
    pick,
    put_lanes,
)
from skdeepprune._engines._words import ROW_BYTES, WORD_LETTERS

_HALF = LANES // 2


class ScanLoops(NamedTuple):
    """Loops for windows of a certain number of tables."""

    scan_rows: Callable[..., None]
    gradient_by_winners: Callable[..., None]


@cache
def scan_loops(n_tables: int) -> ScanLoops:
    """Make the loops for windows of so many tables."""

    @compiled
    def scan_rows(
        words: Any,
        n_windows: Any,
        blocks: Any,
        with_n: bool,
        word_numbers: Any,
        dropout: float,
        state: Any,
        tables: Any,
        best: Any,
        position: Any,
    ) -> None:
        """Find the best windows of all kernels in some sequences.

        `best` and `position` are of shape (n_blocks, n_rows, LANES). Of both strands, the lane of the one that loses
        has -inf for its best; and so have all lanes of a block that is left out, with probability `dropout`, by draws
        from `state`.
        """
        n_rows, width = words.shape
        cells, kept_rows = np.zeros((WORD_LETTERS * n_tables, 5, LANES), np.float32), np.empty(n_rows, np.int64)
        if dropout > 0:
            best[:] = np.float32(-np.inf)
        one, zero, lost = in_all_lanes(np.int32(1)), in_all_lanes(np.float32(0)), in_all_lanes(np.float32(-np.inf))
        both_strands, per_block = blocks.shape[2] < LANES, blocks.shape[2]
        biases, is_reverse = np.empty((1, LANES), np.float32), np.zeros((1, LANES), np.float32)
        is_reverse[0, _HALF:] = 1
        in_reverse = lanes_at(is_reverse, 0) > zero
        for number in range(len(blocks)):
            block = blocks[number]
            fill_tables(block, with_n, word_numbers, cells, tables)
            for lane in range(LANES):
                biases[0, lane] = block[len(block) - 2, lane % per_block]
            bias = lanes_at(biases, 0)
            for at in range(keep_rows(dropout, state, kept_rows)):
                i = kept_rows[at]
                kept, where, here = (
                    in_all_lanes(np.float32(-np.inf)),
                    in_all_lanes(np.int32(0)),
                    in_all_lanes(np.int32(0)),
                )
                start, end = i * width, i * width + n_windows[i]
                for p in range(start, end - 3, 4):
                    four = four_at(words, p)
                    first, second = (
                        lanes_after(tables, 0, number_in(four, 0)),
                        lanes_after(tables, 0, number_in(four, 1)),
                    )
                    third, fourth = (
                        lanes_after(tables, 0, number_in(four, 2)),
                        lanes_after(tables, 0, number_in(four, 3)),
                    )
                    for t in range(1, n_tables):
                        four, row = four_at(words, p + WORD_LETTERS * t), TABLE_ROWS * t
                        first = first + lanes_after(tables, row, number_in(four, 0))
                        second = second + lanes_after(tables, row, number_in(four, 1))
                        third = third + lanes_after(tables, row, number_in(four, 2))
                        fourth = fourth + lanes_after(tables, row, number_in(four, 3))
                    better = first > kept
                    kept, where, here = pick(better, first, kept), pick(better, here, where), here + one
                    better = second > kept
                    kept, where, here = pick(better, second, kept), pick(better, here, where), here + one
                    better = third > kept
                    kept, where, here = pick(better, third, kept), pick(better, here, where), here + one
                    better = fourth > kept
                    kept, where, here = pick(better, fourth, kept), pick(better, here, where), here + one
                for p in range(end - (end - start) % 4, end):
                    total = lanes_after(tables, 0, number_at(words, p))
                    for t in range(1, n_tables):
                        total = total + lanes_after(tables, TABLE_ROWS * t, number_at(words, p + WORD_LETTERS * t))
                    better = total > kept
                    kept, where, here = pick(better, total, kept), pick(better, here, where), here + one
                score = kept + bias
                if both_strands:
                    other = halves_swapped(kept)
                    # Of equals the given strand wins.
                    score = pick(in_reverse, pick(kept > other, score, lost), pick(other > kept, lost, score))
                put_lanes(best, number * n_rows + i, score)
                put_lanes(position, number * n_rows + i, where)

    @compiled
    def gradient_by_winners(
        words: Any,
        residual: Any,
        with_n: bool,
        word_numbers: Any,
        dense: Any,
        best: Any,
        position: Any,
        table_gradient: Any,
        gradient: Any,
    ) -> None:
        """Write the gradient of a network of maxima, laid out as `blocks`, from what `scan_rows` found.

        A positive score adds its derivative to the words of its window, and to bias and dense weight.
        """
        n_rows, width = words.shape
        n_cells, per_block = gradient.shape[1] - 2, gradient.shape[2]
        entries, zero = table_gradient.reshape(-1), in_all_lanes(np.float32(0))
        weights, sums = np.empty((1, LANES), np.float32), np.empty((2, LANES), np.float32)
        slopes, firing = np.empty((n_rows, LANES), np.float32), np.empty(n_rows * LANES + 1, np.int64)
        slope_of, places, word = slopes.reshape(-1), position.reshape(-1), words.reshape(-1)
        for number in range(len(gradient)):
            out, first_row = gradient[number], number * n_rows
            for lane in range(LANES):
                weights[0, lane] = dense[number, lane % per_block]
            weight, by_bias, by_dense, n_firing = lanes_at(weights, 0), zero, zero, 0
            for i in range(n_rows):
                score, upstream = lanes_at(best, first_row + i), in_all_lanes(residual[i])
                fires = score > zero
                slope = pick(fires, upstream * weight, zero)
                put_lanes(slopes, i, slope)
                by_bias, by_dense = by_bias + slope, by_dense + pick(fires, upstream * score, zero)
                # A list first: whether a kernel fires no CPU predicts.
                for lane in range(LANES):
                    firing[n_firing] = LANES * i + lane
                    n_firing += best[number, i, lane] > 0
            for at in range(n_firing):
                entry = firing[at]
                row, lane, slope_here = entry // LANES, entry % LANES, slope_of[entry]
                start = row * width + places[first_row * LANES + entry]
                for t in range(n_tables):
                    # A row's ROW_BYTES are LANES entries.
                    place = number_at(word, start + WORD_LETTERS * t) // (ROW_BYTES // LANES)
                    entries[np.uint64(LANES * TABLE_ROWS * t + place + lane)] += slope_here
            sum_over_words(table_gradient, with_n, word_numbers, out)
            put_lanes(sums, 0, by_bias)
            put_lanes(sums, 1, by_dense)
            for k in range(per_block):
                for j in range(2):
                    of_reverse = sums[j, k + _HALF] if per_block < LANES else np.float32(0)
                    out[n_cells + j, k] = sums[j, k] + of_reverse

    return ScanLoops(scan_rows, gradient_by_winners)
