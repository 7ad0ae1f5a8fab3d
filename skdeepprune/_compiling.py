"""Compilation by numba, and random numbers for compiled loops. Imported on first use, since numba is slow to load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from skdeepprune._compile_cache import PackageCache

STEP = np.uint64(0x9E3779B97F4A7C15)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile on first use, without the GIL; cache the machine code on disk if a folder is writable."""
    dispatcher = njit(function, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
    try:
        dispatcher._cache = PackageCache(function)
    except RuntimeError:  # numba found no folder for its cache
        pass
    return dispatcher


@compiled
def mixed(counter: Any) -> Any:
    """Hash a uint64 to 64 random bits; incrementing it by STEP gives the generator splitmix64."""
    bits = (counter ^ (counter >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@compiled
def random_bits(state: Any) -> Any:
    """Advance the generator splitmix64, whose state is an array of one uint64, and return 64 random bits."""
    state[0] += STEP
    return mixed(state[0])


@compiled
def random_unit(state: Any) -> float:
    """Draw uniformly from [0, 1), with 53 bits."""
    return np.float64(random_bits(state) >> np.uint64(11)) * 2.0**-53
