"""The search for windows of a chromosome, compiled. Imported on first use, since numba is slow to load."""

from typing import Any

import numpy as np

from skdeepprune._compiling import compiled, random_bits
from skdeepprune.genome._bases import BLOCKED, GC, MASKED, UNKNOWN

_BLOCK = 64


@compiled
def prefix_sums(bits: Any) -> Any:
    """Cumulative numbers of G or C, masked and unknown bases before every 64th base."""
    n = len(bits) // _BLOCK
    sums = np.zeros((n + 1, 3), np.int32)
    for block in range(n):
        gc, masked, unknown = 0, 0, 0
        for i in range(block * _BLOCK, (block + 1) * _BLOCK):
            gc += bits[i] & GC
            masked += (bits[i] & MASKED) >> 1
            unknown += (bits[i] & UNKNOWN) >> 2
        sums[block + 1, 0] = sums[block, 0] + gc
        sums[block + 1, 1] = sums[block, 1] + masked
        sums[block + 1, 2] = sums[block, 2] + unknown
    return sums


@compiled
def count_between(bits: Any, sums: Any, start: int, end: int) -> tuple[int, int, int]:
    """Numbers of G or C, masked and unknown bases in a window."""
    first, last = (start + _BLOCK - 1) // _BLOCK, end // _BLOCK
    gc, masked, unknown = 0, 0, 0
    before, after = end, end
    if first < last:
        gc = sums[last, 0] - sums[first, 0]
        masked = sums[last, 1] - sums[first, 1]
        unknown = sums[last, 2] - sums[first, 2]
        before, after = first * _BLOCK, last * _BLOCK
    for i in range(start, before):
        gc += bits[i] & GC
        masked += (bits[i] & MASKED) >> 1
        unknown += (bits[i] & UNKNOWN) >> 2
    for i in range(after, end):
        gc += bits[i] & GC
        masked += (bits[i] & MASKED) >> 1
        unknown += (bits[i] & UNKNOWN) >> 2
    return gc, masked, unknown


@compiled
def distance(
    gc: int, masked: int, unknown: int, length: int, target: Any, tolerance: float, most_unknown: float
) -> float:
    """Distance of a window from its target: the largest difference of a share, infinite if the window is not allowed.

    The target is the GC content (of known bases) and the masked share; negative values match anything.
    """
    if unknown > most_unknown * length or unknown == length:
        return np.inf
    found = 0.0
    if target[0] >= 0:
        found = abs(gc / (length - unknown) - target[0])
    if target[1] >= 0:
        found = max(found, abs(masked / length - target[1]))
    return found if found <= tolerance else np.inf


@compiled
def pick_windows(
    bits: Any,
    lengths: Any,
    targets: Any,
    kinds: Any,
    tolerance: float,
    most_unknown: float,
    n_tries: int,
    state: Any,
) -> Any:
    """Choose a window for each target, without overlaps with blocked bases or each other.

    The closest of `n_tries` random windows is chosen; the search stops early at a difference below one base. If none is
    allowed, the first allowed window from a random position on is chosen; if there is none, this and all later targets
    of the same kind get -1. Chosen windows become blocked.
    """
    n = len(bits)
    sums = prefix_sums(bits)
    starts = np.full(len(lengths), -1, np.int64)
    is_exhausted = np.zeros(kinds.max() + 1 if len(kinds) else 0, np.bool_)
    for i in range(len(lengths)):
        length = lengths[i]
        n_starts = n - length + 1
        if n_starts < 1 or is_exhausted[kinds[i]]:
            continue
        best: Any = -1
        closest = np.inf
        for _ in range(n_tries):
            start = np.int64(random_bits(state) % np.uint64(n_starts))
            gc, masked, unknown = count_between(bits, sums, start, start + length)
            found = distance(gc, masked, unknown, length, targets[i], tolerance, most_unknown)
            if found < closest:
                is_free = True
                for j in range(start, start + length):
                    if bits[j] & BLOCKED:
                        is_free = False
                        break
                if is_free:
                    best, closest = start, found
                    if found * length < 1.0:
                        break
        if best < 0:
            start = np.int64(random_bits(state) % np.uint64(n_starts))
            best = first_window(bits, start, n_starts, length, targets[i], tolerance, most_unknown)
            if best < 0:
                best = first_window(bits, 0, start, length, targets[i], tolerance, most_unknown)
            is_exhausted[kinds[i]] = best < 0
        starts[i] = best
        if best >= 0:
            for j in range(best, best + length):
                bits[j] |= BLOCKED
    return starts


@compiled
def first_window(
    bits: Any, first: int, stop: int, length: int, target: Any, tolerance: float, most_unknown: float
) -> int:
    """Find the first start in [`first`, `stop`) of a free and close enough window, or -1."""
    gc, masked, unknown, blocked = 0, 0, 0, 0
    if first >= stop:
        return -1
    for i in range(first, first + length):
        gc += bits[i] & GC
        masked += (bits[i] & MASKED) >> 1
        unknown += (bits[i] & UNKNOWN) >> 2
        blocked += (bits[i] & BLOCKED) >> 3
    for start in range(first, stop):
        if blocked == 0 and distance(gc, masked, unknown, length, target, tolerance, most_unknown) <= tolerance:
            return start
        if start + 1 < stop:
            out, into = bits[start], bits[start + length]
            gc += (into & GC) - (out & GC)
            masked += ((into & MASKED) >> 1) - ((out & MASKED) >> 1)
            unknown += ((into & UNKNOWN) >> 2) - ((out & UNKNOWN) >> 2)
            blocked += ((into & BLOCKED) >> 3) - ((out & BLOCKED) >> 3)
    return -1
