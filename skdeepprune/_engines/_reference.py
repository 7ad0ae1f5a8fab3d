"""What the compiled loops compute, one plain loop each: the specification that the tests hold them to.

Nothing here is used in training. Sequences are letters (0 to 3, or 4 for N), kernels a block of them: a matrix
(4 W + 2, kernels per block) of cells, kernel bias and dense weights; `tables` are of shape (n_tables, 625, LANES), with
a row for every word of four letters in an alphabet of five.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def lanes_of(block: Floats, n_lanes: int) -> Floats:
    """Cells (W, 5, n_lanes) of every lane: the kernels, then their reverse complements; N has the mean of the four."""
    width, per_block = (len(block) - 2) // 4, block.shape[1]
    cells = np.zeros((width, 5, n_lanes))
    for w in range(width):
        for lane in range(n_lanes):
            for base in range(4):
                if lane < per_block:
                    cells[w, base, lane] = block[4 * w + base, lane]
                else:
                    cells[w, base, lane] = block[4 * (width - 1 - w) + 3 - base, lane - per_block]
            cells[w, 4, lane] = cells[w, :4, lane].mean()
    return cells


def tables_of(cells: Floats) -> Floats:
    """The sum of the cells of a word for every table, word and lane."""
    width, _, n_lanes = cells.shape
    tables = np.zeros(((width + 3) // 4, 625, n_lanes))
    for t in range(len(tables)):
        for word in range(625):
            letters = [word // 125, word // 25 % 5, word // 5 % 5, word % 5]
            for lane in range(n_lanes):
                inside = [cells[w, letters[w - 4 * t], lane] for w in range(4 * t, min(4 * t + 4, width))]
                tables[t, word, lane] = math.fsum(inside)
    return tables


def word_at(letters: Sequence[int], p: int) -> int:
    """The word that begins at a position; beyond the end there is N."""
    number = 0
    for q in range(p, p + 4):
        number = 5 * number + (letters[q] if q < len(letters) else 4)
    return number


def activations(tables: Floats, letters: Sequence[int], width: int) -> Floats:
    """The sum over tables for every window and lane."""
    n_windows = max(len(letters) - width, 0) + 1
    found = np.zeros((n_windows, tables.shape[2]))
    for p in range(n_windows):
        for t in range(len(tables)):
            found[p] += tables[t, word_at(letters, p + 4 * t)]
    return found


def best_windows(windows: Floats) -> tuple[list[float], list[int]]:
    """Every lane's greatest activation, and the first window that has it."""
    best, position = [], []
    for lane in range(windows.shape[1]):
        kept, where = -math.inf, 0
        for p in range(len(windows)):
            if windows[p, lane] > kept:
                kept, where = float(windows[p, lane]), p
        best.append(kept)
        position.append(where)
    return best, position


def log_mean_exp(windows: Floats, sharpness: float) -> float:
    """The pooled activation of some windows."""
    return math.log(math.fsum(math.exp(sharpness * x) for x in windows) / len(windows)) / sharpness


def shares(windows: Floats, sharpness: float) -> list[float]:
    """The derivative of `log_mean_exp` by every window: its share of the exponentials."""
    exponentials = [math.exp(sharpness * x) for x in windows]
    return [x / math.fsum(exponentials) for x in exponentials]


def add_to_tables(table_gradient: Floats, letters: Sequence[int], p: int, lane: int, slope: float) -> None:
    """Add the derivative by a window to the entries of its words."""
    for t in range(len(table_gradient)):
        table_gradient[t, word_at(letters, p + 4 * t), lane] += slope


def cells_gradient(table_gradient: Floats, width: int, per_block: int) -> Floats:
    """From the derivative by all table entries that by the cells of a block's kernels (4 W, per block)."""
    n_lanes = table_gradient.shape[2]
    gradient = np.zeros((4 * width, per_block))
    for t in range(len(table_gradient)):
        for word in range(625):
            letters = [word // 125, word // 25 % 5, word // 5 % 5, word % 5]
            for w in range(4 * t, min(4 * t + 4, width)):
                letter = letters[w - 4 * t]
                for lane in range(n_lanes):
                    slope = table_gradient[t, word, lane]
                    for base in range(4):
                        share = slope * (0.25 if letter == 4 else letter == base)
                        if lane < per_block:
                            gradient[4 * w + base, lane] += share
                        else:
                            gradient[4 * (width - 1 - w) + 3 - base, lane - per_block] += share
    return gradient


def loss_and_residual(logit: float, label: float, weight: float) -> tuple[float, float]:
    """Cross-entropy of a log-odds (nats), and its derivative."""
    probability = 1 / (1 + math.exp(-logit))
    return -weight * math.log(probability if label else 1 - probability), weight * (probability - label)


def composition_sum(weights: Floats, letters: Sequence[int], n_letters: int) -> float:
    """Sum of the weights of all words of n letters; one with N has the mean of what it may be."""
    total = 0.0
    for p in range(len(letters) - n_letters + 1):
        fitting = [0]
        for letter in letters[p : p + n_letters]:
            fitting = [4 * number + base for number in fitting for base in (range(4) if letter == 4 else [letter])]
        total += math.fsum(weights[number] for number in fitting) / len(fitting)
    return total


def shared_weights(trained: Floats, own: float, other: float) -> list[float]:
    """Every word's weight: what is trained of all words, times `own` or `other` for each letter; less the mean."""
    n_letters = (len(trained).bit_length() - 1) // 2
    weights = []
    for word in range(len(trained)):
        total = 0.0
        for giver in range(len(trained)):
            same = sum(word // 4**j % 4 == giver // 4**j % 4 for j in range(n_letters))
            total += own**same * other ** (n_letters - same) * float(trained[giver])
        weights.append(total)
    mean = math.fsum(weights) / len(weights)
    return [weight - mean for weight in weights]
