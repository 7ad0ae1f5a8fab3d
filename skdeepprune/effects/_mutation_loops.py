"""Every single-base replacement of a sequence, compiled. Imported on first use, since numba is slow to load.

A replacement changes only the windows and words that contain its base. The activation of every window is computed once;
running maxima (or sums) give the pooled value of the windows to the left and right of a position; the W windows that
contain it each change by the difference of two cells.
"""

from typing import Any

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune.effects._exponentials import take_exponentials, take_logarithms
from skdeepprune.effects._vectors import LANES, pool_replaced

_UNKNOWN = 4


@compiled
def known_part(codes: Any) -> tuple[int, int]:
    """Start and end of the part between the first and last known base; both 0 if no base is known."""
    first, end = 0, len(codes)
    while end > 0 and codes[end - 1] >= _UNKNOWN:
        end -= 1
    while first < end and codes[first] >= _UNKNOWN:
        first += 1
    return first, end


@compiled
def activate(codes: Any, cells: Any, activations: Any) -> None:
    """Write the activations (windows, lanes) of a sequence; bases beyond its end are unknown."""
    kernel_length, _, n_lanes = cells.shape
    activations[:] = 0.0
    for p in range(len(activations)):
        for w in range(kernel_length):
            base = np.int64(codes[p + w]) if p + w < len(codes) else _UNKNOWN
            for lane in range(n_lanes):
                activations[p, lane] += cells[w, base, lane]


@compiled
def count_known(codes: Any, kernel_length: int, n_known: Any) -> int:
    """Write the number of known bases in every window; return the number of windows with at least half known."""
    n_counted, n_in_window = 0, 0
    for i in range(max(len(codes), kernel_length)):
        n_in_window += i < len(codes) and codes[i] < _UNKNOWN
        if i >= kernel_length:
            n_in_window -= codes[i - kernel_length] < _UNKNOWN
        if i >= kernel_length - 1:
            n_known[i - kernel_length + 1] = n_in_window
            n_counted += 2 * n_in_window >= kernel_length
    return n_counted


@compiled
def pool_maximum(best: Any, n_strands: int, bias: Any, scores: Any) -> None:
    """Write the motif scores (4, kernels) from the best activation of every base and lane."""
    n_kernels = len(bias)
    for base in range(4):
        for k in range(n_kernels):
            scores[base, k] = best[base, k]
        for first in range(n_kernels, n_strands * n_kernels, n_kernels):
            for k in range(n_kernels):
                scores[base, k] = max(scores[base, k], best[base, first + k])
        for k in range(n_kernels):
            scores[base, k] = max(scores[base, k] + bias[k], 0.0)


@compiled
def pool_mean(total: Any, n_strands: int, log_count: float, sharpness: float, bias: Any, scores: Any) -> None:
    """Write the motif scores (4, kernels) from the sum of exponentials of every base and lane."""
    n_kernels = len(bias)
    for base in range(4):
        for k in range(n_kernels):
            scores[base, k] = total[base, k]
        for first in range(n_kernels, n_strands * n_kernels, n_kernels):
            for k in range(n_kernels):
                scores[base, k] += total[base, first + k]
    take_logarithms(scores.reshape(-1))
    for base in range(4):
        for k in range(n_kernels):
            scores[base, k] = max((scores[base, k] - log_count) / sharpness + bias[k], 0.0)


@compiled
def mutate_by_maximum(
    codes: Any, cells: Any, lowered: Any, raised: Any, n_strands: int, bias: Any, room: Any, scores: Any
) -> None:
    """Write the motif scores (positions + 1, 4, kernels) for all replacements with max pooling; last row: original."""
    kernel_length, _, n_lanes = cells.shape
    n_windows = max(len(codes) - kernel_length, 0) + 1
    activations, before, after, best = room
    activate(codes, cells, activations[:n_windows])
    before[0], after[n_windows] = -np.inf, -np.inf
    for p in range(n_windows):
        at = n_windows - 1 - p
        for lane in range(n_lanes):
            before[p + 1, lane] = max(before[p, lane], activations[p, lane])
            after[at, lane] = max(after[at + 1, lane], activations[at, lane])
    for i in range(len(codes)):
        first, last, old = max(i - kernel_length + 1, 0), min(i, n_windows - 1), np.int64(codes[i])
        for base in range(4):
            for lane in range(n_lanes):
                best[base, lane] = max(before[first, lane], after[last + 1, lane])
        for block in range(n_lanes // LANES):
            pool_replaced(activations, lowered, raised, block, i, old, first, last, False, best)
        pool_maximum(best, n_strands, bias, scores[i])
    best[:] = before[n_windows]
    pool_maximum(best, n_strands, bias, scores[len(codes)])


@compiled
def mutate_by_mean(
    codes: Any,
    cells: Any,
    lowered: Any,
    raised: Any,
    n_strands: int,
    bias: Any,
    sharpness: float,
    room: Any,
    scores: Any,
) -> None:
    """Write the motif scores (positions + 1, 4, kernels) for all replacements with log-mean-exp; last row: original.

    `lowered` and `raised` are exp(sharpness * change of a window's activation): they multiply its exponential.
    """
    kernel_length, _, n_lanes = cells.shape
    n_windows = max(len(codes) - kernel_length, 0) + 1
    exponentials, before, after, total = room
    activate(codes, cells, exponentials[:n_windows])
    for p in range(n_windows):
        for lane in range(n_lanes):
            exponentials[p, lane] *= sharpness
    take_exponentials(exponentials[:n_windows].reshape(-1))
    before[0], after[n_windows] = 0.0, 0.0
    for p in range(n_windows):
        at = n_windows - 1 - p
        for lane in range(n_lanes):
            before[p + 1, lane] = before[p, lane] + exponentials[p, lane]
            after[at, lane] = after[at + 1, lane] + exponentials[at, lane]
    n_known = np.empty(n_windows, np.int64)
    n_counted = count_known(codes, kernel_length, n_known)
    log_count = np.log(n_strands * max(n_counted, 1))
    for i in range(len(codes)):
        first, last, old = max(i - kernel_length + 1, 0), min(i, n_windows - 1), np.int64(codes[i])
        for base in range(4):
            for lane in range(n_lanes):
                total[base, lane] = before[first, lane] + after[last + 1, lane]
        for block in range(n_lanes // LANES):
            pool_replaced(exponentials, lowered, raised, block, i, old, first, last, True, total)
        if old < _UNKNOWN:
            pool_mean(total, n_strands, log_count, sharpness, bias, scores[i])
            continue
        n_more = 0
        for p in range(first, last + 1):
            n_more += 2 * n_known[p] < kernel_length <= 2 * (n_known[p] + 1)
        log_more = np.log(n_strands * max(n_counted + n_more, 1))
        pool_mean(total, n_strands, log_more, sharpness, bias, scores[i])
    total[:] = before[n_windows]
    pool_mean(total, n_strands, log_count, sharpness, bias, scores[len(codes)])


@compiled
def mutate_words(codes: Any, table: Any, n_letters: int, changes: Any) -> None:
    """Write the change of the sum of word weights for every replacement (positions, 4)."""
    n_words = len(codes) - n_letters + 1
    changes[:] = 0.0
    if n_letters == 0 or n_words < 1:
        return
    numbers = np.empty(n_words, np.int64)
    for p in range(n_words):
        number = 0
        for j in range(n_letters):
            number = 5 * number + min(codes[p + j], _UNKNOWN)
        numbers[p] = number
    for i in range(len(codes)):
        for p in range(max(i - n_letters + 1, 0), min(i, n_words - 1) + 1):
            place = 1
            for _ in range(n_letters - 1 - (i - p)):
                place *= 5
            # The word with A at this position.
            first, old = numbers[p] - np.int64(codes[i]) * place, table[numbers[p]]
            for base in range(4):
                changes[i, base] += table[first + base * place] - old


@compiled
def mutate_rows(
    codes: Any,
    cells: Any,
    lowered: Any,
    raised: Any,
    n_strands: int,
    sharpness: float,
    bias: Any,
    weights: Any,
    table: Any,
    n_letters: int,
    by_scores: bool,
    delta: Any,
) -> None:
    """Write the changes of all replacements (sequences, positions, 4, outputs) between the first and last known base.

    Parameters
    ----------
    codes : array, shape (n, L)
    cells : array, shape (W, 5, lanes)
        By position in the kernel and letter; lanes are the kernels on the given strand, then on the other, then zero
        padding to a multiple of LANES.
    lowered : array, shape (5, W, lanes)
        Change of a window's activation when a letter is removed, by letter and position; with log-mean-exp, the
        exponential of sharpness times the change.
    raised : array, shape (W, 4, lanes)
        The same for an inserted letter.
    n_strands : int
    sharpness : float
        0 means max pooling.
    bias, weights : arrays, shape (K,)
    table, n_letters
        Weights of all words, including those with unknown bases, and the word length.
    by_scores : bool
        Whether the outputs are the scores of the kernels or the log-odds.
    delta : array, shape (n, L, 4, K or 1)
    """
    kernel_length, _, n_lanes = cells.shape
    length = codes.shape[1]
    n_rows = max(length - kernel_length, 0) + 2
    # Allocated once, since the system zeroes new memory.
    windows = np.empty((n_rows, n_lanes)), np.empty((n_rows, n_lanes)), np.empty((n_rows, n_lanes))
    room = (*windows, np.empty((4, n_lanes)))
    scores, by_words = np.empty((length + 1, 4, len(bias))), np.empty((length, 4))
    for row in range(len(codes)):
        first, end = known_part(codes[row])
        own = codes[row, first:end]
        if end == first:
            continue
        if sharpness > 0.0:
            mutate_by_mean(own, cells, lowered, raised, n_strands, bias, sharpness, room, scores)
        else:
            mutate_by_maximum(own, cells, lowered, raised, n_strands, bias, room, scores)
        if by_scores:
            write_changes(own, scores, delta[row, first:end])
        else:
            mutate_words(own, table, n_letters, by_words)
            weigh_changes(own, scores, weights, by_words, delta[row, first:end])


@compiled
def write_changes(codes: Any, scores: Any, delta: Any) -> None:
    """Write the changes of scores (positions, 4, kernels)."""
    for i in range(len(codes)):
        for base in range(4):
            for k in range(scores.shape[2]):
                delta[i, base, k] = 0.0 if base == codes[i] else scores[i, base, k] - scores[len(codes), 0, k]


@compiled
def weigh_changes(codes: Any, scores: Any, weights: Any, by_words: Any, delta: Any) -> None:
    """Write the changes of the log-odds (positions, 4, 1) from kernels and words."""
    original = 0.0
    for k in range(len(weights)):
        original += weights[k] * scores[len(codes), 0, k]
    for i in range(len(codes)):
        for base in range(4):
            total = 0.0
            if base != codes[i]:
                for k in range(len(weights)):
                    total += weights[k] * scores[i, base, k]
                total += by_words[i, base] - original
            delta[i, base, 0] = total
