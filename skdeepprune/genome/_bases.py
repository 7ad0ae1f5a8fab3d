"""Properties of bases as bits: G or C, lower case (masked repeat), unknown, blocked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GC, MASKED, UNKNOWN, BLOCKED = 1, 2, 4, 8

Floats = NDArray[np.float64]


def _table() -> NDArray[np.uint8]:
    table = np.full(256, UNKNOWN, np.uint8)
    table[list(b"ATUatu")] = 0
    table[list(b"CGcg")] = GC
    table[ord("a") : ord("z") + 1] |= MASKED
    return table


_BITS_OF_LETTER = _table()


def base_bits(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Translate ASCII letters; none is blocked yet."""
    return _BITS_OF_LETTER[letters]


def gc_and_repeats(sequences: Sequence[str]) -> tuple[Floats, Floats]:
    """GC content of the known bases (NaN if none are known) and share of lower case for every sequence."""
    gc, repeats = np.empty(len(sequences)), np.empty(len(sequences))
    for i, sequence in enumerate(sequences):
        bits = base_bits(np.frombuffer(sequence.encode("ascii", "replace"), np.uint8))
        n_known = np.count_nonzero((bits & UNKNOWN) == 0)
        gc[i] = np.count_nonzero(bits & GC) / n_known if n_known else np.nan
        repeats[i] = np.count_nonzero(bits & MASKED) / max(len(bits), 1)
    return gc, repeats
