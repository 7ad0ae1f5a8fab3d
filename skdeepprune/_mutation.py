"""Random substitutions, compiled. Imported on first use, since numba is slow to load."""

from typing import Any

import numpy as np

from skdeepprune._compiling import STEP, compiled, mixed

_LOW_HALF, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@compiled
def substitute_bases(codes: Any, limit: Any, seed: Any) -> None:
    """Replace each base of a flat array, with probability limit / 2**32, with one of the other three; N stays.

    Each draw of 64 bits serves two bases. The code does not branch on draws, which no CPU could predict.
    """
    third, two_thirds = limit // np.uint64(3), np.uint64(2) * limit // np.uint64(3)
    for i in range(len(codes)):
        bits = mixed(seed + STEP * np.uint64(i >> 1))
        draw = bits >> _HALF if i & 1 else bits & _LOW_HALF
        # Given that it is below the limit, a draw is uniform below it.
        other = np.uint8((codes[i] + 1 + (draw >= third) + (draw >= two_thirds)) & 3)
        codes[i] = other if draw < limit and codes[i] < 4 else codes[i]
