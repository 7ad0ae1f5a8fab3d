"""One NumPy generator from whatever scikit-learn calls a random state."""

from __future__ import annotations

from typing import Any

import numpy as np

RandomState = int | np.integer[Any] | np.random.Generator | np.random.RandomState | None


def as_generator(random_state: RandomState) -> np.random.Generator:
    """Make the generator that all randomness of a call comes from.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None
        An int gives the same generator again, None another one every time. A Generator is used as it is; from a
        RandomState a seed is drawn.

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
