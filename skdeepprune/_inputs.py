"""What the classifier takes as X, read as DNA codes or as real-valued channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, validate_data

from skdeepprune.sequences import encode, from_one_hot


def holds_strings(X: Any) -> bool:
    """Whether X is a collection of strings rather than of numbers."""
    if isinstance(X, pd.DataFrame | pd.Series | np.ndarray):
        array = np.asarray(X)
        if array.dtype.kind in "US":
            return True
        if array.dtype.kind != "O" or array.size == 0:
            return False
        return isinstance(array.flat[0], str | bytes)
    return isinstance(X, str | bytes) or (isinstance(X, list | tuple) and len(X) > 0 and isinstance(X[0], str | bytes))


def read_input(
    estimator: BaseEstimator, X: Any, *, n_channels: int, reset: bool, expect_dna: bool | None = None
) -> NDArray[Any]:
    """Read X as codes or channels, and learn (`reset`) or check the number of columns of a matrix.

    Parameters
    ----------
    estimator : estimator
        Gets `n_features_in_` (and `feature_names_in_`) set or checked if X is a matrix of numbers.
    X : list, ndarray, Series or DataFrame of DNA strings; array-like (n, L * C); or array-like (n, L, C)
    n_channels : int
        C, by which the columns of a 2-D array are grouped into positions.
    reset : bool
        True in `fit`.
    expect_dna : bool, default=None
        What the network was fitted on: codes (True) or channels (False). None takes a one-hot array of four channels
        for DNA and other numbers for channels.

    Returns
    -------
    ndarray of uint8, shape (n, L), or of float32, shape (n, L, C)
        Codes if X is DNA, else channels.

    Raises
    ------
    ValueError
        If X has the wrong shape, NaN or infinite values, unknown letters, or is not what the network was fitted on.
    """
    if isinstance(X, list | tuple | pd.Series) and len(X) == 0:
        raise ValueError("X holds no sequences; a minimum of 1 is required.")
    if holds_strings(X):
        if n_channels != 4 or expect_dna is False:
            raise ValueError(
                f"Got DNA strings, but the classifier reads {n_channels} real-valued channels a position; expected an"
                f" array of shape (n_sequences, length, {n_channels}), or n_channels=4 and a classifier fitted on DNA."
            )
        if reset:
            estimator.__dict__.pop("n_features_in_", None)
            estimator.__dict__.pop("feature_names_in_", None)
        return encode(X)
    channels = _read_numbers(estimator, X, n_channels, reset)
    if expect_dna is not False:
        codes = from_one_hot(channels)
        if codes is not None:
            return codes
    if expect_dna:
        raise ValueError(
            "The classifier was fitted on DNA, but X is not one-hot; expected strings, the output of OneHotDNA, or an"
            " array in which every position has at most one 1 among zeros."
        )
    return channels.astype(np.float32, copy=False)


def _read_numbers(estimator: BaseEstimator, X: Any, n_channels: int, reset: bool) -> NDArray[Any]:
    if isinstance(X, np.ndarray) and X.ndim == 3:
        channels = check_array(X, allow_nd=True, dtype="numeric")
        if channels.shape[2] != n_channels:
            raise ValueError(
                f"X has shape {channels.shape}; expected (n_sequences, length, {n_channels}), since"
                f" n_channels={n_channels}. Set n_channels={channels.shape[2]} if the last axis holds the channels."
            )
        return channels
    matrix = validate_data(estimator, X, reset=reset, dtype="numeric")
    if matrix.shape[1] % n_channels:
        raise ValueError(
            f"X has {matrix.shape[1]} columns, not a multiple of n_channels={n_channels}; expected the output of"
            " OneHotDNA (4 columns a position), DNA strings, or an array (n_sequences, length, channels). For other"
            " numbers set n_channels, e.g. n_channels=1 for one value a position."
        )
    return matrix.reshape(len(matrix), -1, n_channels)
