"""The search for hits of a network's kernels in portions. Imported on first use, since numba is slow to load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdeepprune._network import Network, reverse_complement_kernels
from skdeepprune.effects._hits import HIT, Hits
from skdeepprune.effects._loops import any_unknown, count_windows, find_hits
from skdeepprune.effects._portions import Piece, read_only
from skdeepprune.effects._pvalues import PValues
from skdeepprune.effects._vectors import LANES, N_WORDS, WORD_LETTERS

_MAX_CELL = 2**15 - 1


class Lanes(NamedTuple):
    """A block of kernels: the arguments of `find_hits` after the codes, and the kernel of each lane."""

    tables: NDArray[np.int16]
    cuts: NDArray[np.int16]
    cells: NDArray[np.float64]
    steps: NDArray[np.float64]
    slacks: NDArray[np.float64]
    lowest: NDArray[np.int64]
    first_indices: NDArray[np.int64]
    kernels: NDArray[np.int64]
    reverse: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Search:
    """Kernels and their p-values, prepared for the search.

    Attributes
    ----------
    width : int
        Kernel length.
    n_strands : int
    blocks : list of Lanes
    """

    width: int
    n_strands: int
    blocks: list[Lanes]

    @classmethod
    def of(cls, network: Network, p_values: Sequence[PValues], p_value: float) -> Search:
        """Prepare the search for windows whose p-value is at most `p_value`."""
        strands = [network.kernels]
        if network.reverse_complement:
            strands.append(reverse_complement_kernels(network.kernels))
        cells = np.concatenate(strands).astype(np.float64)
        kernels = np.tile(np.arange(network.n_kernels), len(strands))
        reverse = np.repeat([False, True][: len(strands)], network.n_kernels)
        # Both strands of a kernel are adjacent, so that few kernels fill one block.
        order = np.lexsort([reverse, kernels])
        rows = [order[start : start + LANES] for start in range(0, len(order), LANES)]
        blocks = [_lanes(cells[lanes], kernels[lanes], reverse[lanes], p_values, p_value) for lanes in rows]
        return cls(network.kernel_length, len(strands), blocks)

    def __call__(self, portion: list[Piece]) -> tuple[Hits, int]:
        """Find the hits in a portion, by position, and count the windows per kernel."""
        found, n_windows = [np.empty(0, HIT)], 0
        for chrom, start, codes in portion:
            if len(codes) < self.width:
                continue
            codes = read_only(codes)
            is_whole = not any_unknown(codes)
            n_windows += len(codes) - self.width + 1 if is_whole else count_windows(codes, self.width)
            parts = []
            for *arguments, kernels, reverse in self.blocks:
                starts, lanes, sums, indices = find_hits(codes, *arguments)
                hits = np.empty(len(starts), HIT)
                hits["chrom"], hits["start"], hits["index"], hits["sum"] = chrom, start + starts, indices, sums
                hits["kernel"], hits["reverse"] = kernels[lanes], reverse[lanes]
                parts.append(hits)
            hits = np.concatenate(parts)
            if len(parts) > 1:
                hits = hits[np.lexsort([hits["reverse"], hits["kernel"], hits["start"]])]
            found.append(hits)
        return np.concatenate(found), n_windows * self.n_strands


def _lanes(
    cells: NDArray[np.float64],
    kernels: NDArray[np.int64],
    reverse: NDArray[np.bool_],
    p_values: Sequence[PValues],
    p_value: float,
) -> Lanes:
    n, width, _ = cells.shape
    n_tables = -(-width // WORD_LETTERS)
    tables = np.zeros((n_tables, N_WORDS, LANES), np.int16)
    cuts = np.full(LANES, _MAX_CELL, np.int16)
    filled = np.zeros((LANES, width, 5))
    filled[:n, :, :4] = cells
    filled[:n, :, 4] = cells.mean(axis=2)
    steps, slacks = np.ones((2, LANES))
    lowest, first_indices = np.zeros(LANES, np.int64), np.full(LANES, np.iinfo(np.int64).max)
    for lane in range(n):
        own = p_values[kernels[lane]]
        steps[lane], slacks[lane], lowest[lane] = own.step, own.slack, own.lowest
        first = own.first_index(p_value)
        if first == len(own.survival):
            continue
        first_indices[lane] = first
        tables[:, :, lane], scale, offset = _integer_tables(cells[lane])
        cuts[lane] = np.clip(np.floor((own.threshold(p_value) - offset) * scale) - 1, -_MAX_CELL, _MAX_CELL)
    return Lanes(tables, cuts, filled, steps, slacks, lowest, first_indices, kernels, reverse)


def _integer_tables(cells: NDArray[np.float64]) -> tuple[NDArray[np.int16], float, float]:
    """Sum the cells (W, 4), scaled and rounded up, for every word.

    Returns
    -------
    tables : ndarray of int16, shape (n_tables, 256)
    scale, offset : float
        The sum of the entries of a window is at least ``(activation - offset) * scale``, and less than 2**15 - 1.
    """
    lows = cells.min(axis=1)
    span = float((cells.max(axis=1) - lows).sum())
    scale = (_MAX_CELL - 2 - len(cells)) / span if span > 0 else 0.0
    rounded = np.ceil((cells - lows[:, None]) * scale).astype(np.int64)
    rounded = np.pad(rounded, ((0, -len(cells) % WORD_LETTERS), (0, 0)))
    a, b, c, d = rounded.reshape(-1, WORD_LETTERS, 4).transpose(1, 0, 2)
    words = a[:, :, None, None, None] + b[:, None, :, None, None] + c[:, None, None, :, None] + d[:, None, None, None]
    return words.reshape(len(words), -1).astype(np.int16), scale, float(lows.sum())
