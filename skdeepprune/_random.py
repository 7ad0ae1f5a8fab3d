"""NumPy generators from scikit-learn's random states."""

from __future__ import annotations

from typing import Any

import numpy as np

RandomState = int | np.integer[Any] | np.random.Generator | np.random.RandomState | None


def as_generator(random_state: RandomState) -> np.random.Generator:
    """Return the generator for all random numbers of a call.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None
        An int is a seed; None gives a different generator every time. A Generator is returned unchanged; a RandomState
        is used to draw a seed.

    Returns
    -------
    Generator

    Raises
    ------
    TypeError
        If `random_state` is anything else.
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**32, size=4, dtype=np.uint32))
    if random_state is None or isinstance(random_state, int | np.integer | np.random.Generator):
        return np.random.default_rng(random_state)
    raise TypeError(
        f"random_state is of type {type(random_state).__name__}; expected an int, a numpy Generator or RandomState, or"
        " None."
    )
