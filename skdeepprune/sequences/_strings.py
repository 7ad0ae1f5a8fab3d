"""Extraction of DNA strings from lists, arrays, tables and records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse


def as_strings(X: Any) -> list[str]:
    """Return the DNA strings in a list, array, table or other container.

    Parameters
    ----------
    X : list, iterator, ndarray of shape (n,) or (n, 1), Series, DataFrame with one column, or SequenceSet
        DNA strings (`str`, or `bytes` in ASCII), each alone or in a list of one; Biopython's `Seq` or `SeqRecord`; or
        :class:`SequenceRecord`.

    Returns
    -------
    list of str

    Raises
    ------
    TypeError
        If X is a single string or a mapping, or an entry is not a sequence.
    ValueError
        If X has more than one column.

    Examples
    --------
    >>> import numpy as np
    >>> as_strings(np.array([["ACGT"], ["GG"]]))
    ['ACGT', 'GG']
    """
    X = listed(X)
    values: Sequence[Any]
    if isinstance(X, pd.DataFrame | pd.Series | np.ndarray):
        array = np.asarray(X)
        if array.ndim == 0 or array.ndim > 2 or (array.ndim == 2 and array.shape[1] != 1):
            raise ValueError(
                f"Expected one column of DNA strings, got an array of shape {array.shape}; select the column first."
            )
        values = array.ravel().tolist()
    else:
        if not isinstance(X, Iterable):
            raise TypeError(f"Expected a list of DNA strings, got {X!r}, of type {type(X).__name__}.")
        values = list(X)
    if set(map(type, values)) <= {str}:
        return values
    return [_as_string(value, i) for i, value in enumerate(values)]


def listed(X: Any) -> Any:
    """Convert an iterator, the values of a mapping or a `SequenceSet` to a list; return anything else unchanged.

    Raises
    ------
    TypeError
        If X is one sequence, a mapping, or a set, which has no order.
    """
    if not isinstance(X, list | tuple) and (sequence := string_in(X)) is not None:
        kind = "string" if isinstance(X, str | bytes) else type(X).__name__
        raise TypeError(f"Expected a list of DNA strings, got one {kind} of {len(sequence)} letters; write [sequence].")
    if isinstance(X, Mapping) and not issparse(X):
        raise TypeError(
            "Expected a list of DNA strings, got a mapping; write list(X.values()) if the values are the sequences."
        )
    if isinstance(X, Set):
        raise TypeError("Expected a list of DNA strings, got a set, which has no order; write sorted(X).")
    if isinstance(X, Iterator | ValuesView):
        return list(X)
    sequences = getattr(X, "sequences", None)
    return sequences if isinstance(sequences, list) else X


def string_in(value: Any) -> str | None:
    """Return the DNA string of an entry, a record or a list of one string, or None."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    value = getattr(value, "sequence", getattr(value, "seq", value))
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    is_biopython = any(kind.__module__ == "Bio.Seq" for kind in type(value).__mro__)
    return str(value) if isinstance(value, str) or is_biopython else None


def _as_string(value: Any, i: int) -> str:
    string = string_in(value)
    if string is None:
        raise TypeError(
            f"Sequence {i} is of type {type(value).__name__} ({repr(value)[:60]}); expected a DNA string, a Seq or"
            " SeqRecord of Biopython, or a SequenceRecord."
        )
    return string
