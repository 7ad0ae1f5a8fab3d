"""Conversion of input to real numbers, with errors that name the offending entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdeepprune._reading import shown

# Keeps sums of float32 numbers, and their products with weights, in range.
MAX_NUMBER = 1e30
_MAX_REASON = 200


def real_numbers(values: Any, name: str) -> Any:
    """Convert input to an array of real numbers; frames, sparse matrices and numeric arrays are returned unchanged.

    Parameters
    ----------
    values : array-like
    name : str
        Name of the argument, for errors.

    Returns
    -------
    ndarray, or the input
        Not checked for NaN, infinity, or shape.

    Raises
    ------
    ValueError, TypeError
        If the rows differ in length, or an entry is not a real number.

    Examples
    --------
    >>> real_numbers([[1, 2.5], [3, 4]], "X")
    array([[1. , 2.5],
           [3. , 4. ]])
    """
    if issparse(values):
        return values
    if not isinstance(values, np.ndarray | pd.DataFrame):
        try:
            values = np.asarray(values)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(
                f"{name}, of type {type(values).__name__}, is not an array of numbers: rows of different lengths, or"
                f" entries of different shapes ({error})."
            ) from error
    types = set(values.dtypes) if isinstance(values, pd.DataFrame) else {values.dtype}
    if all(getattr(one, "kind", "O") in "biuf" and isinstance(one, np.dtype) for one in types):
        return values
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} is of type {array.dtype}; expected real numbers.")
    if array.dtype.kind not in "biufOUST":
        raise ValueError(f"{name} is of type {array.dtype}; expected real numbers.")
    try:
        with np.errstate(all="ignore"):
            numbers = array.astype(np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        _raise_for_first(array, name)
        raise ValueError(f"{name} is not an array of real numbers: {shown(error)[1:-1]}.") from error
    return pd.DataFrame(numbers, values.index, values.columns) if isinstance(values, pd.DataFrame) else numbers


def _raise_for_first(array: NDArray[Any], name: str) -> None:
    """Raise an error that names the first entry that is not a real number."""
    for place, value in np.ndenumerate(array):
        try:
            if isinstance(value, np.ndarray | pd.Series):
                raise TypeError("it contains several values")
            float(value)
        except (ValueError, TypeError, OverflowError) as error:
            index = "".join(f"[{i}]" for i in place)
            raise (TypeError if isinstance(error, TypeError) else ValueError)(
                f"{name}{index} is {shown(value)}, of type {type(value).__name__}; expected a number"
                f" ({str(error)[:_MAX_REASON]})."
            ) from error


def check_range(numbers: NDArray[Any], name: str) -> None:
    """Reject numbers so large that their sums or products could overflow in float32."""
    if numbers.dtype.kind == "b" or not numbers.size:
        return
    low, high = float(numbers.min()), float(numbers.max())
    if max(-low, high) > MAX_NUMBER:
        extreme = low if -low > high else high
        raise ValueError(
            f"{name} contains {extreme:g}; expected numbers from -{MAX_NUMBER:g} to {MAX_NUMBER:g}. Scale them."
        )
