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
from skdeepprune._engines._vectors import LANES, lanes_at, put_lanes
from skdeepprune._engines._words import WORD_LETTERS

# Rows of a table: 625 words, and what makes the next table begin a cache line.
TABLE_ROWS = 626
_HALF = LANES // 2


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
    n_cells, per_block = block.shape[0] - 2, block.shape[1]
    for w in range(n_cells // 4):
        for base in range(4):
            # The complement of a base is 3 - base: the reverse complement is the rows backwards.
            given, other = block[4 * w + base], block[n_cells - 1 - (4 * w + base)]
            for lane in range(per_block):
                cells[w, base, lane] = given[lane]
            for lane in range(per_block, LANES):
                cells[w, base, lane] = other[lane - per_block]
        for lane in range(LANES):
            # The sum of pairs that complement each other has the same bits on both strands.
            ends, middle = cells[w, 0, lane] + cells[w, 3, lane], cells[w, 1, lane] + cells[w, 2, lane]
            cells[w, 4, lane] = np.float32(0.25) * (ends + middle)


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
    pairs = np.empty((2 * 25, LANES), np.float32)
    n_bases = 5 if with_n else 4
    for t in range(len(tables)):
        for half in range(2):
            at = 5 * (4 * t + 2 * half)
            for a in range(n_bases):
                for b in range(n_bases):
                    total = lanes_at(cells, at + a) + lanes_at(cells, at + 5 + b)
                    put_lanes(pairs, 25 * half + n_bases * a + b, total)
        for first in range(n_bases * n_bases):
            given = lanes_at(pairs, first)
            for second in range(n_bases * n_bases):
                word = word_numbers[25 * first + second] if with_n else 16 * first + second
                put_lanes(tables, TABLE_ROWS * t + word, given + lanes_at(pairs, 25 + second))


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
    pairs = np.empty((2 * 25, LANES), tables.dtype)
    n_bases = 5 if with_n else 4
    for t in range(len(tables)):
        for half in range(2):
            at = 5 * (4 * t + 2 * half)
            for a in range(n_bases):
                for b in range(n_bases):
                    product = lanes_at(cells, at + a) * lanes_at(cells, at + 5 + b)
                    put_lanes(pairs, 25 * half + n_bases * a + b, product)
        for first in range(n_bases * n_bases):
            given = lanes_at(pairs, first)
            for second in range(n_bases * n_bases):
                word = word_numbers[25 * first + second] if with_n else 16 * first + second
                put_lanes(tables, TABLE_ROWS * t + word, given * lanes_at(pairs, 25 + second))


@compiled
def clear_tables(with_n: bool, tables: Any) -> None:
    """Set to 0 what words may be added to."""
    n_words = 625 if with_n else 256
    for t in range(len(tables)):
        tables[t, :n_words] = 0


@compiled
def sum_over_words(table_gradient: Any, with_n: bool, word_numbers: Any, block_gradient: Any) -> None:
    """Write the gradient of a block's cells from that of the tables that they were summed to.

    Parameters
    ----------
    table_gradient : ndarray of float32, shape (n_tables, TABLE_ROWS, LANES)
    with_n : bool
    word_numbers : ndarray of uint16, shape (625,)
    block_gradient : ndarray of float32, shape (4 W + 2, kernels per block)
        Its first 4 W rows are written.
    """
    n_cells, per_block = block_gradient.shape[0] - 2, block_gradient.shape[1]
    n_bases = 5 if with_n else 4
    pairs = np.empty((2 * 25, LANES), np.float32)
    cells = np.zeros((WORD_LETTERS * len(table_gradient), 5, LANES), np.float32)
    for t in range(len(table_gradient)):
        pairs[:] = 0
        for first in range(n_bases * n_bases):
            total = lanes_at(pairs, first)
            for second in range(n_bases * n_bases):
                word = word_numbers[25 * first + second] if with_n else 16 * first + second
                slope = lanes_at(table_gradient, TABLE_ROWS * t + word)
                total = total + slope
                put_lanes(pairs, 25 + second, lanes_at(pairs, 25 + second) + slope)
            put_lanes(pairs, first, total)
        for half in range(2):
            at = 5 * (4 * t + 2 * half)
            for a in range(n_bases):
                for b in range(n_bases):
                    slope = lanes_at(pairs, 25 * half + n_bases * a + b)
                    put_lanes(cells, at + a, lanes_at(cells, at + a) + slope)
                    put_lanes(cells, at + 5 + b, lanes_at(cells, at + 5 + b) + slope)
    block_gradient[:n_cells] = 0
    for w in range(n_cells // 4):
        for base in range(4):
            given, other = block_gradient[4 * w + base], block_gradient[n_cells - 1 - (4 * w + base)]
            for lane in range(per_block):
                given[lane] += cells[w, base, lane] + np.float32(0.25) * cells[w, 4, lane]
            for lane in range(per_block, LANES):
                other[lane - per_block] += cells[w, base, lane] + np.float32(0.25) * cells[w, 4, lane]


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
