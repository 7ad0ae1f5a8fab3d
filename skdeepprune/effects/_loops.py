"""The search for hits, compiled by numba on first use.

A kernel of W positions becomes ceil(W / 4) tables with the sum of its cells for every word of four letters; a window
then costs ceil(W / 4) look-ups and additions. Eight kernels, or four on both strands, share the lanes of a vector of
16-bit integers, with cells scaled and rounded up. Windows that reach the threshold in this arithmetic, one in
thousands, are recomputed from the cells.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune.effects._vectors import LANES, WORD_LETTERS, write_masks

# Windows per block, so that words and masks stay in the L1 cache.
_WINDOWS_AT_ONCE = 2**13


@compiled
def pack_words(codes: Any, first: int, n_words: int, words: Any) -> None:
    """Write the words from `first` on; unknown bases and positions beyond the end read as an arbitrary letter."""
    n_whole = max(min(n_words, len(codes) - first - 3), 0)
    part = codes[first:]
    for i in range(n_whole):
        pair = (part[i] & 3) << 6 | (part[i + 1] & 3) << 4
        words[i] = pair | (part[i + 2] & 3) << 2 | (part[i + 3] & 3)
    for i in range(n_whole, n_words):
        word = 0
        for j in range(WORD_LETTERS):
            word = 4 * word + (part[i + j] & 3 if i + j < len(part) else 0)
        words[i] = word


@compiled
def count_letters(codes: Any, counts: Any) -> None:
    """Add the counts of codes 0 to 4 to `counts`."""
    for letter in range(5):
        n = 0
        for i in range(len(codes)):
            n += codes[i] == letter
        counts[letter] += n


@compiled
def any_unknown(codes: Any) -> bool:
    """Whether any base is unknown."""
    found = False
    for i in range(len(codes)):
        found |= codes[i] > 3
    return found


@compiled
def count_windows(codes: Any, width: int) -> int:
    """Count the windows in which at least half of the bases are known."""
    n_unknown, n_windows = 0, 0
    for i in range(len(codes)):
        n_unknown += codes[i] > 3
        if i >= width:
            n_unknown -= codes[i - width] > 3
        n_windows += i >= width - 1 and 2 * n_unknown <= width
    return n_windows


@compiled
def _settle_unknown(codes: Any, first: int, width: int, masks: Any) -> None:
    """Mark windows with unknown bases for recomputation from the cells; drop those with more than half unknown."""
    n_unknown = 0
    for i in range(width - 1):
        n_unknown += codes[first + i] > 3
    for p in range(len(masks)):
        n_unknown += codes[first + p + width - 1] > 3
        if n_unknown:
            masks[p] = 2**LANES - 1 if 2 * n_unknown <= width else 0
        n_unknown -= codes[first + p] > 3


@compiled
def _doubled(array: Any) -> Any:
    longer = np.empty(2 * len(array), array.dtype)
    longer[: len(array)] = array
    return longer


@compiled
def find_hits(
    codes: Any, tables: Any, cuts: Any, cells: Any, steps: Any, slacks: Any, lowest: Any, first_indices: Any
) -> Any:
    """Find the windows of some lanes whose index into the p-values is at least that of the threshold.

    Parameters
    ----------
    codes : ndarray of uint8
        At least as long as a kernel.
    tables : ndarray of int16, shape (n_tables, 256, LANES)
    cuts : ndarray of int16, shape (LANES,)
    cells : ndarray of float64, shape (LANES, width, 5)
        Including unknown bases.
    steps, slacks, lowest, first_indices : ndarray, shape (LANES,)
        As in `PValues`.

    Returns
    -------
    starts, lanes, activations, indices : ndarray
        By start, then lane.
    """
    width, n_tables = cells.shape[1], len(tables)
    n_windows = len(codes) - width + 1
    n_words = _WINDOWS_AT_ONCE + WORD_LETTERS * n_tables
    words, masks = np.empty(n_words, np.uint8), np.zeros(_WINDOWS_AT_ONCE + 8, np.uint8)
    with_unknown = any_unknown(codes)
    starts, lanes = np.empty(64, np.int64), np.empty(64, np.uint8)
    activations, indices = np.empty(64, np.float64), np.empty(64, np.int64)
    n_hits = 0
    for first in range(0, n_windows, _WINDOWS_AT_ONCE):
        n = min(_WINDOWS_AT_ONCE, n_windows - first)
        pack_words(codes, first, n + WORD_LETTERS * (n_tables - 1), words)
        write_masks(tables, n_tables, words, n, cuts, masks)
        if with_unknown:
            _settle_unknown(codes, first, width, masks[:n])
        masks[n : n + 8] = 0
        eights = masks[: (n + 7) // 8 * 8].view(np.uint64)
        for eight in range(len(eights)):
            if not eights[eight]:
                continue
            for p in range(8 * eight, 8 * eight + 8):
                mask = masks[p]
                if not mask:
                    continue
                for lane in range(LANES):
                    if not mask >> lane & 1:
                        continue
                    activation = 0.0
                    for w in range(width):
                        activation += cells[lane, w, min(codes[first + p + w], 4)]
                    index = max(np.int64(math.ceil(activation / steps[lane] - slacks[lane])) - lowest[lane], 0)
                    if index < first_indices[lane]:
                        continue
                    if n_hits == len(starts):
                        starts, lanes = _doubled(starts), _doubled(lanes)
                        activations, indices = _doubled(activations), _doubled(indices)
                    starts[n_hits], lanes[n_hits] = first + p, lane
                    activations[n_hits], indices[n_hits] = activation, index
                    n_hits += 1
    return starts[:n_hits], lanes[:n_hits], activations[:n_hits], indices[:n_hits]
