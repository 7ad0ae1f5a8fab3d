"""Random substitutions, compiled. Imported on first use, because numba takes its time to load."""

from typing import Any

from skdeepprune._compiling import compiled, random_unit


@compiled
def substitute_bases(codes: Any, rate: float, state: Any) -> None:
    """Rewrite every base of a flat array, with probability `rate`, as one of the three others; N stays."""
    for i in range(len(codes)):
        draw = random_unit(state)
        if draw < rate and codes[i] < 4:
            # Given that it is below the rate, the draw is uniform below it.
            codes[i] = (codes[i] + 1 + int(3 * (draw / rate))) % 4
