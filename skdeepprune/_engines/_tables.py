"""From kernels to tables with an entry for every word, and from the gradient of tables back to that of kernels.

A block is LANES kernels side by side, one to a vector lane; with both strands it is half as many, and the second half
of the lanes holds their reverse complements. Its weights are a matrix (4 W + 2, kernels per block): cells, kernel bias,
dense weights.

Table t has the part of a window's sum that is due to its word number t: the sum of four cells. N has the mean of the
cells of the four bases.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune._engines._vectors import LANES, in_all_lanes, lanes_at, put_lanes
from skdeepprune._engines._words import N_KNOWN, WORD_LETTERS

# Rows of a table: 625 words, and what makes the next table begin a cache line.
TABLE_ROWS = 626
_HALF, _PAIRS = LANES // 2, 25


@compiled
def count_tables(kernel_length: int) -> int:
    """How many tables a window reaches."""
    return (kernel_length + WORD_LETTERS - 1) // WORD_LETTERS


@compiled
def fill_cells(block: Any, cells: Any) -> None:
    """Lay out the cells of a block's kernels by position and letter; N has the mean of the four.

    Parameters
    ----------
    block : ndarray of float32, shape (4 W + 2, kernels per block)
    cells : ndarray of float32 or float64, shape (>= W, 5, LANES)
    """
    n_cells, both_strands = block.shape[0] - 2, block.shape[1] < LANES
    for cell in range(n_cells):
        row, given = cells[cell // 4, cell % 4], block[cell]
        if both_strands:
            # The complement of a base is 3 - base: the reverse complement is the rows backwards.
            other = block[n_cells - 1 - cell]
            for lane in range(_HALF):
                row[lane], row[lane + _HALF] = given[lane], other[lane]
        else:
            for lane in range(LANES):
                row[lane] = given[lane]
    quarter = in_all_lanes(cells.dtype.type(0.25))
    for w in range(n_cells // 4):
        # The sum of pairs that complement each other has the same bits on both strands.
        ends, middle = (
            lanes_at(cells, 5 * w) + lanes_at(cells, 5 * w + 3),
            lanes_at(cells, 5 * w + 1) + lanes_at(cells, 5 * w + 2),
        )
        put_lanes(cells, 5 * w + 4, quarter * (ends + middle))


@compiled
def fill_tables(block: Any, with_n: bool, word_numbers: Any, cells: Any, tables: Any) -> None:
    """Sum the cells of a block's kernels for every word.

    Parameters
    ----------
    block : ndarray of float32, shape (4 W + 2, kernels per block)
    with_n : bool
        Whether words with N are wanted.
    word_numbers : ndarray of uint16, shape (625,)
    cells : ndarray of float32, shape (4 n_tables, 5, LANES)
        0 from W on.
    tables : ndarray of float32, shape (n_tables, TABLE_ROWS, LANES)
    """
    fill_cells(block, cells)
    pairs = np.empty((2 * _PAIRS, LANES), np.float32)
    for t in range(len(tables)):
        for half in range(2):
            at = 5 * (4 * t + 2 * half)
            for pair in range(_PAIRS):
                put_lanes(
                    pairs, _PAIRS * half + pair, lanes_at(cells, at + pair // 5) + lanes_at(cells, at + 5 + pair % 5)
                )
        for a in range(4):
            for b in range(4):
                given, row = lanes_at(pairs, 5 * a + b), TABLE_ROWS * t + 64 * a + 16 * b
                for c in range(4):
                    for d in range(4):
                        put_lanes(tables, row + 4 * c + d, given + lanes_at(pairs, _PAIRS + 5 * c + d))
        for word in range(625 if with_n else 0):
            total = lanes_at(pairs, word // _PAIRS) + lanes_at(pairs, _PAIRS + word % _PAIRS)
            put_lanes(tables, TABLE_ROWS * t + word_numbers[word], total)


@compiled
def fill_exponential_cells(blocks: Any, sharpness: float, cells: Any) -> None:
    """Write the exponentials of sharpness times the cells of all blocks.

    `cells` is of float32 or float64 and of shape (n_blocks, 4 n_tables, 5, LANES); it has 1 from W on.
    """
    n_cells, per_block = blocks.shape[1] - 2, blocks.shape[2]
    for number in range(len(blocks)):
        block, target = blocks[number], cells[number]
        fill_cells(block, target)
        for w in range(n_cells // 4):
            for letter in range(5):
                for lane in range(per_block):
                    target[w, letter, lane] = math.exp(sharpness * target[w, letter, lane])
        for w in range(n_cells // 4):
            for letter in range(5):
                # The other strand's cells are these backwards.
                other = 3 - letter if letter < 4 else 4
                for lane in range(per_block, LANES):
                    target[w, letter, lane] = target[n_cells // 4 - 1 - w, other, lane - per_block]
        target[n_cells // 4 :] = 1


@compiled
def fill_products(cells: Any, with_n: bool, word_numbers: Any, tables: Any) -> None:
    """Multiply cells for every word; `tables` is as in `fill_tables`, of float32 or float64."""
    pairs = np.empty((2 * _PAIRS, LANES), tables.dtype)
    for t in range(len(tables)):
        for half in range(2):
            at = 5 * (4 * t + 2 * half)
            for pair in range(_PAIRS):
                put_lanes(
                    pairs, _PAIRS * half + pair, lanes_at(cells, at + pair // 5) * lanes_at(cells, at + 5 + pair % 5)
                )
        for a in range(4):
            for b in range(4):
                given, row = lanes_at(pairs, 5 * a + b), TABLE_ROWS * t + 64 * a + 16 * b
                for c in range(4):
                    for d in range(4):
                        put_lanes(tables, row + 4 * c + d, given * lanes_at(pairs, _PAIRS + 5 * c + d))
        for word in range(625 if with_n else 0):
            product = lanes_at(pairs, word // _PAIRS) * lanes_at(pairs, _PAIRS + word % _PAIRS)
            put_lanes(tables, TABLE_ROWS * t + word_numbers[word], product)


@compiled
def sum_over_words(table_gradient: Any, with_n: bool, word_numbers: Any, block_gradient: Any) -> None:
    """Write the gradient of a block's cells from that of the tables that they were summed to, and set that to 0.

    Parameters
    ----------
    table_gradient : ndarray of float32, shape (n_tables, TABLE_ROWS, LANES)
    with_n : bool
    word_numbers : ndarray of uint16, shape (625,)
    block_gradient : ndarray of float32, shape (4 W + 2, kernels per block)
        Its first 4 W rows are written.
    """
    n_cells, both_strands = block_gradient.shape[0] - 2, block_gradient.shape[1] < LANES
    pairs = np.empty((2 * _PAIRS, LANES), np.float32)
    cells = np.zeros((WORD_LETTERS * len(table_gradient), 5, LANES), np.float32)
    zero, quarter = in_all_lanes(np.float32(0)), in_all_lanes(np.float32(0.25))
    for t in range(len(table_gradient)):
        for pair in range(2 * _PAIRS):
            put_lanes(pairs, pair, zero)
        first_row = TABLE_ROWS * t
        for first in range(16):
            row, total = first_row + 16 * first, zero
            for second in range(16):
                total = total + lanes_at(table_gradient, row + second)
            put_lanes(pairs, 5 * (first // 4) + first % 4, total)
        for second in range(0, 16, 4):
            a, b, c, d = zero, zero, zero, zero
            for row in range(first_row + second, first_row + second + 256, 16):
                a, b = a + lanes_at(table_gradient, row), b + lanes_at(table_gradient, row + 1)
                c, d = c + lanes_at(table_gradient, row + 2), d + lanes_at(table_gradient, row + 3)
                for column in range(4):
                    put_lanes(table_gradient, row + column, zero)
            at = _PAIRS + 5 * (second // 4)
            put_lanes(pairs, at, a)
            put_lanes(pairs, at + 1, b)
            put_lanes(pairs, at + 2, c)
            put_lanes(pairs, at + 3, d)
        for word in range(625 if with_n else 0):
            if word_numbers[word] >= N_KNOWN:
                row, first, second = first_row + word_numbers[word], word // _PAIRS, _PAIRS + word % _PAIRS
                slope = lanes_at(table_gradient, row)
                put_lanes(pairs, first, lanes_at(pairs, first) + slope)
                put_lanes(pairs, second, lanes_at(pairs, second) + slope)
                put_lanes(table_gradient, row, zero)
        for half in range(2):
            at = 5 * (4 * t + 2 * half)
            for pair in range(_PAIRS):
                slope, first, second = lanes_at(pairs, _PAIRS * half + pair), at + pair // 5, at + 5 + pair % 5
                put_lanes(cells, first, lanes_at(cells, first) + slope)
                put_lanes(cells, second, lanes_at(cells, second) + slope)
    for w in range(n_cells // 4):
        of_unknown = quarter * lanes_at(cells, 5 * w + 4)
        for base in range(4):
            put_lanes(cells, 5 * w + base, lanes_at(cells, 5 * w + base) + of_unknown)
    for cell in range(n_cells):
        target, given = block_gradient[cell], cells[cell // 4, cell % 4]
        if both_strands:
            other = cells[(n_cells - 1 - cell) // 4, (n_cells - 1 - cell) % 4]
            for lane in range(_HALF):
                target[lane] = given[lane] + other[lane + _HALF]
        else:
            for lane in range(LANES):
                target[lane] = given[lane]


@compiled
def activation_range(blocks: Any) -> tuple[float, float]:
    """Bounds of what all windows of all kernels can come to, without the bias: at most 0, and at least 0."""
    n_cells = blocks.shape[1] - 2
    lowest, highest = 0.0, 0.0
    for number in range(len(blocks)):
        for lane in range(blocks.shape[2]):
            least, greatest = 0.0, 0.0
            for w in range(0, n_cells, 4):
                low, high = 0.0, 0.0
                for cell in range(w, w + 4):
                    if not math.isfinite(blocks[number, cell, lane]):
                        return -np.inf, np.inf
                    low, high = min(low, blocks[number, cell, lane]), max(high, blocks[number, cell, lane])
                least, greatest = least + low, greatest + high
            lowest, highest = min(lowest, least), max(highest, greatest)
    return lowest, highest
