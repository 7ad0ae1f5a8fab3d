"""Random Euler paths, compiled. Imported on first use, since numba is slow to load."""

from typing import Any

import numpy as np

from skdeepprune._compiling import STEP, compiled, mixed

_N_LETTERS = 5
# Paths walked side by side: a step depends on the one before, so the CPU can interleave several paths.
_TOGETHER = 4
# NumPy types, so that `_step` is compiled once and not for every literal.
_WALKERS = tuple(np.arange(_TOGETHER))
_LOW_HALF = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_RANGE = np.uint64(1 << 32)


@compiled
def _below(counter: Any, n: Any) -> Any:
    """Draw an unbiased integer from 0 to n - 1; also return the next counter.

    Lemire's multiplication with rejection.
    """
    bound = np.uint64(n)
    while True:
        counter += STEP
        product = (mixed(counter) >> _HALF) * bound
        low = product & _LOW_HALF
        if low >= bound or low >= (_RANGE - bound) % bound:
            return np.int64(product >> _HALF), counter


@compiled
def _draw_order(row: Any, length: int, seed: Any, successors: Any, room: Any) -> None:
    """Write the successors of each letter in the order of a random path, one column per letter.

    The last edges by which a path leaves each letter (except the final one) form a tree towards the final letter, drawn
    uniformly by Wilson's loop-erased random walk. All other edges come before, in uniformly random order.
    """
    counter = seed
    n_after, last_exit, in_tree = room
    n_after[:] = 0
    for i in range(length - 1):
        letter = row[i]
        successors[letter, n_after[letter]] = row[i + 1]
        n_after[letter] += 1
    root = row[length - 1]
    for letter in range(_N_LETTERS):
        in_tree[letter] = n_after[letter] == 0 or letter == root
    for first in range(_N_LETTERS):
        letter = first
        while not in_tree[letter]:
            last_exit[letter], counter = _below(counter, n_after[letter])
            letter = successors[letter, last_exit[letter]]
        letter = first
        while not in_tree[letter]:
            in_tree[letter] = 1
            letter = successors[letter, last_exit[letter]]
    for letter in range(_N_LETTERS):
        edges, n_free = successors[letter], n_after[letter]
        if n_free > 0 and letter != root:
            n_free -= 1
            edges[last_exit[letter]], edges[n_free] = edges[n_free], edges[last_exit[letter]]
        for i in range(n_free - 1, 0, -1):
            j, counter = _below(counter, i + 1)
            edges[np.uint64(i)], edges[np.uint64(j)] = edges[np.uint64(j)], edges[np.uint64(i)]


@compiled
def _step(edges: Any, places: Any, walker: int, letter: Any) -> Any:
    """Take the next edge from a letter."""
    here = np.uint64(_N_LETTERS * walker + letter)
    following = edges[np.uint64(places[here])]
    places[here] += 1
    return following


@compiled
def _walk_together(codes: Any, first: int, n_common: int, edges: Any, places: Any) -> None:
    """Walk the first steps of four paths side by side, since their steps do not depend on each other."""
    one, two, three, four = codes[first], codes[first + 1], codes[first + 2], codes[first + 3]
    a, b, c, d = one[0], two[0], three[0], four[0]
    for i in range(1, n_common):
        a, b = _step(edges, places, _WALKERS[0], a), _step(edges, places, _WALKERS[1], b)
        c, d = _step(edges, places, _WALKERS[2], c), _step(edges, places, _WALKERS[3], d)
        one[i], two[i], three[i], four[i] = a, b, c, d


@compiled
def shuffle_rows(codes: Any, lengths: Any, seeds: Any) -> None:
    """Rewrite every row as a uniformly random Euler path through its letters.

    Every dinucleotide is an edge from its first letter to its second. Any tree of last edges, with any order of the
    others, is one path (the BEST theorem). Every sequence with these counts corresponds to the same number of
    paths, so sequences are uniform as well.
    """
    width = codes.shape[1]
    successors = np.empty((_TOGETHER, _N_LETTERS, width), np.uint8)
    edges, room = successors.reshape(-1), np.empty((3, _N_LETTERS), np.int64)
    places = np.empty(_TOGETHER * _N_LETTERS, np.int64)
    for first in range(0, len(codes), _TOGETHER):
        n_here = min(_TOGETHER, len(codes) - first)
        n_common = width if n_here == _TOGETHER else 1
        for j in range(n_here):
            length = lengths[first + j]
            n_common = min(n_common, length)
            if length >= 4:
                _draw_order(codes[first + j], length, seeds[first + j], successors[j], room)
        for j in range(len(places)):
            places[j] = width * j
        if n_common < 4:
            n_common = 1
        if n_common > 1:
            _walk_together(codes, first, n_common, edges, places)
        for j in range(n_here):
            row, length = codes[first + j], lengths[first + j]
            if length >= 4:
                letter = row[n_common - 1]
                for i in range(n_common, length):
                    letter = _step(edges, places, j, letter)
                    row[i] = letter
