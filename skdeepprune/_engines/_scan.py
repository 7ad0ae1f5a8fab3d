"""The maximum: every kernel's best window in every sequence, and the gradient through these windows.

Made for a number of tables: a loop whose turns the compiler knows is unrolled, and compiled only when a kernel is so long.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from skdeepprune._compiling import compiled, random_unit
from skdeepprune._engines._tables import TABLE_ROWS, clear_tables, fill_tables, sum_over_words
from skdeepprune._engines._vectors import LANES, in_all_lanes, lanes_after, number_at, pick, put_lanes
from skdeepprune._engines._words import ROW_BYTES, WORD_LETTERS

_HALF = LANES // 2


class ScanLoops(NamedTuple):
    """Loops for windows of a certain number of tables."""

    scan_rows: Callable[..., None]
    gradient_by_winners: Callable[..., None]


@compiled
def _settle_strands(best: Any, bias: Any) -> None:
    """Give -inf to the strand that loses, and add the bias."""
    if len(bias) < LANES:
        for lane in range(_HALF):
            given, other = best[lane], best[lane + _HALF]
            reverse = other > given
            best[lane] = np.float32(-np.inf) if reverse else given + bias[lane]
            best[lane + _HALF] = other + bias[lane] if reverse else np.float32(-np.inf)
    else:
        for lane in range(LANES):
            best[lane] += bias[lane]


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
        cells = np.zeros((WORD_LETTERS * n_tables, 5, LANES), np.float32)
        one = in_all_lanes(np.int32(1))
        for number in range(len(blocks)):
            block = blocks[number]
            fill_tables(block, with_n, word_numbers, cells, tables)
            for i in range(n_rows):
                if dropout > 0 and random_unit(state) < dropout:
                    best[number, i] = np.float32(-np.inf)
                    continue
                kept, where, here = in_all_lanes(np.float32(-np.inf)), in_all_lanes(np.int32(0)), in_all_lanes(np.int32(0))
                for p in range(i * width, i * width + n_windows[i]):
                    total = lanes_after(tables, 0, number_at(words, p))
                    for t in range(1, n_tables):
                        total = total + lanes_after(tables, TABLE_ROWS * t, number_at(words, p + WORD_LETTERS * t))
                    better = total > kept
                    kept, where, here = pick(better, total, kept), pick(better, here, where), here + one
                put_lanes(best, number * n_rows + i, kept)
                put_lanes(position, number * n_rows + i, where)
                _settle_strands(best[number, i], block[len(block) - 2])

    @compiled
    def gradient_by_winners(
        words: Any,
        residual: Any,
        blocks: Any,
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
        entries = table_gradient.reshape(-1)
        for number in range(len(blocks)):
            out, weights, n_cells = gradient[number], dense[number], blocks.shape[1] - 2
            clear_tables(with_n, table_gradient)
            by_bias, by_dense = np.zeros(LANES, np.float32), np.zeros(LANES, np.float32)
            for i in range(len(words)):
                scores, places, word = best[number, i], position[number, i], words[i]
                for k in range(len(weights)):
                    other = k + LANES - len(weights)
                    lane = other if scores[other] > scores[k] else k
                    score = scores[lane]
                    fires = score > 0
                    slope = residual[i] * weights[k] if fires else np.float32(0)
                    by_bias[k] += slope
                    by_dense[k] += residual[i] * score if fires else np.float32(0)
                    start = places[lane] if fires else 0
                    for t in range(n_tables):
                        # 32 bytes of a row are LANES entries.
                        at = LANES * TABLE_ROWS * t + number_at(word, start + WORD_LETTERS * t) // (ROW_BYTES // LANES)
                        entries[np.uint64(at + lane)] += slope
            sum_over_words(table_gradient, with_n, word_numbers, out)
            for k in range(len(weights)):
                out[n_cells, k], out[n_cells + 1, k] = by_bias[k], by_dense[k]

    return ScanLoops(scan_rows, gradient_by_winners)
