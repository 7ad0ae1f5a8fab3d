"""Which sequences a block of kernels sees."""

from __future__ import annotations

from typing import Any

from skdeepprune._compiling import compiled, random_unit


@compiled
def keep_rows(dropout: float, state: Any, kept: Any) -> int:
    """Write which rows are not left out, as each is with probability `dropout`, and return how many they are."""
    n_kept = 0
    for i in range(len(kept)):
        # A list, as no CPU predicts who is left out.
        kept[n_kept] = i
        n_kept += dropout <= 0 or random_unit(state) >= dropout
    return n_kept
