"""Channels per position of numeric input: four for one-hot DNA, one for other numbers, an error for damaged DNA."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune.sequences import from_one_hot

_BASES = 4
# How far from 0 and 1 the values of an intended one-hot base may be.
_TOLERANCE = 0.1
_MAX_CELLS_CHECKED = 2**22


def count_channels(X: NDArray[Any]) -> int:
    """Return the number of channels per position.

    One-hot DNA has four. So that damaged DNA is never read as plain numbers, X must not be *nearly* one-hot: at least
    half of the positions, not counting zeros at either end of a row, hold one value near 1 (within 0.1) and three near
    0. This is checked starting from each of the first four columns, because an extra column shifts the rest, and with
    the axes swapped (all A before all C). Any other matrix has one channel per position; for any other 3-D array it is
    the size of the last axis.

    Parameters
    ----------
    X : ndarray, shape (n_sequences, columns) or (n_sequences, length, channels)

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If X is nearly one-hot. The message names the first position that is not.

    Examples
    --------
    >>> import numpy as np
    >>> count_channels(np.array([[0, 0, 1, 0, 1, 0, 0, 0]]))
    4
    >>> count_channels(np.array([[0.3, 2.0, 1.0, -0.2]]))
    1
    """
    rows = X[:: max(1, X.size // _MAX_CELLS_CHECKED)]
    if X.ndim == 3:
        n_channels = X.shape[2]
        if X.shape[1] == _BASES != n_channels:
            _check_swapped(X, rows.swapaxes(1, 2), n_channels)
        if n_channels >= _BASES:
            _check_faults(X[:, :, :_BASES], rows[:, :, :_BASES], n_channels)
        return n_channels
    n_columns = X.shape[1]
    if n_columns % _BASES == 0:
        positions = X.reshape(len(X), -1, _BASES)
        if from_one_hot(positions) is not None and positions.any():
            return _BASES
        _check_faults(positions, rows.reshape(len(rows), -1, _BASES), 1)
        if n_columns > _BASES:
            _check_swapped(X, rows.reshape(len(rows), _BASES, -1).swapaxes(1, 2), 1)
    for shift in range(_BASES):
        n_positions = (n_columns - shift) // _BASES
        shifted = rows[:, shift : shift + _BASES * n_positions]
        if n_positions > 0 and _is_nearly_one_hot(shifted.reshape(len(rows), -1, _BASES)):
            raise ValueError(
                f"X has {n_columns} columns and looks like one-hot DNA from column {shift} on; expected 4 columns per"
                " position and no others. Remove the columns that are not DNA, pass DNA strings or the output of"
                " OneHotDNA; or, if these are plain numbers, one per position, set n_channels=1."
            )
    return 1


def _check_faults(positions: NDArray[Any], rows: NDArray[Any], n_channels: int) -> None:
    """Raise if `rows`, a sample of positions (n, length, 4), is nearly one-hot but some position is not."""
    if not _is_nearly_one_hot(rows):
        return
    wrong = ((positions == 1).sum(axis=2) > 1) | ((positions != 0) & (positions != 1)).any(axis=2)
    if not wrong.any():
        return
    row, position = np.argwhere(wrong)[0]
    raise ValueError(
        f"X is one-hot DNA at most positions, but row {row} has {positions[row, position].tolist()} at position"
        f" {position}; expected one 1 and three zeros, or four zeros for an unknown base. Correct it, or pass DNA"
        f" strings; or, if these are plain numbers, set n_channels={n_channels}."
    )


def _check_swapped(X: NDArray[Any], swapped: NDArray[Any], n_channels: int) -> None:
    if _is_nearly_one_hot(swapped):
        turn = "X.transpose(0, 2, 1)" if X.ndim == 3 else "X.reshape(n, 4, length).transpose(0, 2, 1)"
        raise ValueError(
            f"X, of shape {X.shape}, looks like one-hot DNA with swapped axes (all A before all C); expected the four"
            f" channels of each position next to each other: {turn}. Or, if these are plain numbers, set"
            f" n_channels={n_channels}."
        )


def _is_nearly_one_hot(positions: NDArray[Any]) -> bool:
    """Whether half of the positions (n, length, 4), not counting zeros at either end of a row, are nearly one-hot."""
    near_one = np.abs(positions - np.float32(1)) <= _TOLERANCE
    near_zero = np.abs(positions) <= _TOLERANCE
    hits = (near_one.sum(axis=2) == 1) & (near_zero.sum(axis=2) == _BASES - 1)
    occupied = (positions != 0).any(axis=2)
    inside = np.maximum.accumulate(occupied, axis=1) & np.maximum.accumulate(occupied[:, ::-1], axis=1)[:, ::-1]
    return bool(hits.any() and 2 * hits.sum() >= inside.sum())
