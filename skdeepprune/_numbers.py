"""Real numbers from whatever holds them, or an error that says what is in the way and where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdeepprune._reading import shown

# Sums of float32 numbers are to stay in its range, as are products with weights.
MAX_NUMBER = 1e30


def real_numbers(values: Any, name: str) -> Any:
    """Turn what holds real numbers into an array of them; frames, sparse matrices and numbers stay as they are.

    Parameters
    ----------
    values : array-like
    name : str
        For the error.

    Returns
    -------
    ndarray, or what was given
        Not checked for NaN, infinity, or its shape.

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
        _name_the_first(array, name)
        raise ValueError(f"{name} is not an array of real numbers: {shown(error)[1:-1]}.") from error
    return pd.DataFrame(numbers, values.index, values.columns) if isinstance(values, pd.DataFrame) else numbers


def _name_the_first(array: NDArray[Any], name: str) -> None:
    """Raise the error of the first entry that is not a real number."""
    for place, value in np.ndenumerate(array):
        try:
            if isinstance(value, np.ndarray | pd.Series):
                raise TypeError("it holds several")
            float(value)
        except (ValueError, TypeError, OverflowError) as error:
            index = "".join(f"[{i}]" for i in place)
            raise (TypeError if isinstance(error, TypeError) else ValueError)(
                f"{name}{index} is {shown(value)}, a {type(value).__name__}; the argument must be a string of DNA or a"
                f" number: {shown(error)[1:-1]}."
            ) from error


def check_range(numbers: NDArray[Any], name: str) -> None:
    """Refuse numbers that sums and products in float32 would leave the range with."""
    if numbers.dtype.kind == "b" or not numbers.size:
        return
    low, high = float(numbers.min()), float(numbers.max())
    if max(-low, high) > MAX_NUMBER:
        far = low if -low > high else high
        raise ValueError(f"{name} holds {far:g}; expected numbers from -{MAX_NUMBER:g} to {MAX_NUMBER:g}. Scale them.")
