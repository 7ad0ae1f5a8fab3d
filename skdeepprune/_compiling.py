"""Compilation by numba. Imported on first use, because numba takes its time to load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Compile on first use, without the GIL; keep the machine code on disk where any folder can be written."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return njit(function, cache=True, **options)
    except RuntimeError:  # numba found no folder for its cache
        return njit(function, **options)
