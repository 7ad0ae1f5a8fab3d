"""Random Euler paths, compiled. Imported on first use, because numba takes its time to load."""

from typing import Any

import numpy as np

from skdeepprune._compiling import compiled, random_bits

_N_LETTERS = 5
_LOW_HALF = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_RANGE = np.uint64(1 << 32)


@compiled
def _below(state: Any, n: Any) -> Any:
    """Draw an integer from 0 to n - 1 without bias: Lemire's product, rejected where it would favour some."""
    bound = np.uint64(n)
    while True:
        product = (random_bits(state) >> _HALF) * bound
        low = product & _LOW_HALF
        if low >= bound or low >= (_RANGE - bound) % bound:
            return np.int64(product >> _HALF)


@compiled
def shuffle_rows(codes: Any, lengths: Any, seeds: Any) -> None:
    """Rewrite every row as a uniformly random Euler path through its letters.

    Every dinucleotide is an edge from its first letter to its second. A path leaves each letter but the last for the
    last time by an edge, and these edges are a tree towards the last letter. Any such tree, with any order of the other
    edges, is one path (the BEST theorem). So: a uniform tree by Wilson's loop-erased random walk, then a uniform order.
    A sequence is the same number of paths as any other with its counts, hence uniform too.
    """
    successors = np.empty(codes.shape[1], dtype=np.uint8)
    state = np.empty(1, dtype=np.uint64)
    start = np.empty(_N_LETTERS + 1, dtype=np.int64)
    left = np.empty(_N_LETTERS, dtype=np.int64)
    last_exit = np.empty(_N_LETTERS, dtype=np.int64)
    in_tree = np.empty(_N_LETTERS, dtype=np.bool_)
    for row in range(codes.shape[0]):
        length = lengths[row]
        if length < 4:
            continue
        state[0] = seeds[row]
        root = codes[row, length - 1]

        start[:] = 0
        for i in range(length - 1):
            start[codes[row, i] + 1] += 1
        for letter in range(_N_LETTERS):
            left[letter] = 0
            in_tree[letter] = start[letter + 1] == 0 or letter == root
            start[letter + 1] += start[letter]
        for i in range(length - 1):
            letter = codes[row, i]
            successors[start[letter] + left[letter]] = codes[row, i + 1]
            left[letter] += 1

        for first in range(_N_LETTERS):
            letter = first
            while not in_tree[letter]:
                last_exit[letter] = start[letter] + _below(state, left[letter])
                letter = successors[last_exit[letter]]
            letter = first
            while not in_tree[letter]:
                in_tree[letter] = True
                letter = successors[last_exit[letter]]
        for letter in range(_N_LETTERS):
            if left[letter] > 0 and letter != root:
                end = start[letter + 1] - 1
                exit_to = successors[last_exit[letter]]
                successors[last_exit[letter]] = successors[end]
                successors[end] = exit_to
                left[letter] -= 1

        letter = codes[row, 0]
        for i in range(1, length):
            if left[letter] > 0:
                edge = start[letter] + _below(state, left[letter])
                left[letter] -= 1
                following = successors[edge]
                successors[edge] = successors[start[letter] + left[letter]]
            else:
                following = successors[start[letter + 1] - 1]
            codes[row, i] = following
            letter = following
