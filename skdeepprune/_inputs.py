"""What a classifier of sequences takes: X as DNA codes or real-valued channels, y as two classes, a held-out share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from skdeepprune.sequences import encode, from_one_hot
from skdeepprune.sequences._codes import encode_by_length


def holds_strings(X: Any) -> bool:
    """Whether X is a collection of strings rather than of numbers; one string makes it so."""
    if isinstance(X, str | bytes):
        return True
    if isinstance(X, pd.DataFrame | pd.Series | pd.Index | pd.api.extensions.ExtensionArray | np.ndarray):
        array = np.asarray(X)
        if array.dtype.kind != "O":
            return array.dtype.kind in "UST"
        X = array.ravel().tolist()
    return isinstance(X, list | tuple) and any(isinstance(value, str | bytes) for value in X)


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
    are_strings = holds_strings(X)
    if (are_strings or isinstance(X, list | tuple | pd.Series | pd.Index)) and len(X) == 0:
        raise ValueError("X holds no sequences; a minimum of 1 is required.")
    if are_strings:
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


@dataclass(frozen=True, eq=False)
class InputParts:
    """Sequences in parts of similar length, so that a long one does not widen the others.

    Attributes
    ----------
    parts : list of (ndarray of int64, ndarray)
        Rows of X, and their codes or channels.
    """

    parts: list[tuple[NDArray[np.int64], NDArray[Any]]]

    def apply(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
        """Apply a function of sequences, which gives a row for each, and put its rows into the order of X."""
        joined = np.concatenate([function(sequences) for _, sequences in self.parts])
        ordered = np.empty_like(joined)
        ordered[np.concatenate([rows for rows, _ in self.parts])] = joined
        return ordered


def read_parts(estimator: BaseEstimator, X: Any, *, n_channels: int, expect_dna: bool) -> InputParts:
    """Read X as `read_input` does, strings by length: for all that is done to each sequence by itself."""
    if holds_strings(X) and len(X) and n_channels == 4 and expect_dna:
        return InputParts(list(encode_by_length(X)))
    sequences = read_input(estimator, X, n_channels=n_channels, reset=False, expect_dna=expect_dna)
    return InputParts([(np.arange(len(sequences)), sequences)])


def _read_numbers(estimator: BaseEstimator, X: Any, n_channels: int, reset: bool) -> NDArray[Any]:
    if isinstance(X, np.ndarray) and X.ndim == 3:
        channels = check_array(X, allow_nd=True, dtype="numeric")
        if channels.shape[2] != n_channels:
            raise ValueError(
                f"X has shape {channels.shape}; expected (n_sequences, length, {n_channels}), since"
                f" n_channels={n_channels}. Set n_channels={channels.shape[2]} if the last axis holds the channels."
            )
        if channels.shape[1] == 0:
            raise ValueError(f"X has shape {channels.shape}: no positions; a minimum of 1 is required.")
        return channels
    matrix = validate_data(estimator, X, reset=reset, dtype="numeric")
    if matrix.shape[1] % n_channels:
        raise ValueError(
            f"X has {matrix.shape[1]} columns, not a multiple of n_channels={n_channels}; expected the output of"
            " OneHotDNA (4 columns a position), DNA strings, or an array (n_sequences, length, channels). For other"
            " numbers set n_channels, e.g. n_channels=1 for one value a position."
        )
    return matrix.reshape(len(matrix), -1, n_channels)


def read_target(
    estimator: BaseEstimator, y: Any, sequences: Any, *, positives_alone: bool = False
) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Read the labels of two classes.

    Parameters
    ----------
    estimator : estimator
        Named where y is missing.
    y : array-like, shape (n,)
    sequences : array-like of n
    positives_alone : bool, default=False
        Take y all ones, too.

    Returns
    -------
    classes : ndarray, shape (2,)
    y_binary : ndarray of float32, shape (n,)
        1 where y is ``classes[1]``, else 0.

    Raises
    ------
    ValueError
        If y is missing, of another length, not finite, or of another number of classes.
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    check_consistent_length(sequences, y)
    check_classification_targets(y)
    classes, y_binary = np.unique(y, return_inverse=True)
    if len(classes) > 2:
        raise ValueError(
            f"Only binary classification is supported. The target has {len(classes)} classes: {classes[:5]}"
            f"{' ...' if len(classes) > 5 else ''}. Wrap the classifier in OneVsRestClassifier for more."
        )
    if len(classes) == 2:
        return classes, y_binary.astype(np.float32)
    if positives_alone and classes[0] == 1:
        return np.array([0, 1], dtype=classes.dtype), np.ones(len(y), dtype=np.float32)
    remedy = " To train on positives alone and their shuffles, let y be all ones and set negatives='dinucleotide'."
    raise ValueError(
        f"Expected two classes in y, got one class only: {classes.tolist()[0]!r}."
        f"{remedy if hasattr(estimator, 'negatives') else ''}"
    )


def hold_out(
    y: NDArray[Any], weights: NDArray[Any], fraction: float, classes: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split into training and held-out rows, stratified; rows of weight 0 are in neither.

    Parameters
    ----------
    y : ndarray, shape (n,)
        0 or 1.
    weights : ndarray, shape (n,)
    fraction : float
        Share of each class to hold out: at least one row, and not all of them.
    classes : ndarray, shape (2,)
        What 0 and 1 stand for, for the error.
    rng : Generator

    Returns
    -------
    training_rows, held_out_rows : ndarray of int64, sorted

    Raises
    ------
    ValueError
        If a class has fewer than two rows of positive weight.
    """
    training, held_out = [], []
    for label, class_name in enumerate(classes.tolist()):
        rows = rng.permutation(np.flatnonzero((y == label) & (weights > 0)))
        if len(rows) < 2:
            raise ValueError(
                "Expected at least 2 sequences of positive weight in each class, to train on and to hold out; got"
                f" {len(rows)} of class {class_name!r}."
            )
        n_held_out = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
        held_out.append(rows[:n_held_out])
        training.append(rows[n_held_out:])
    return np.sort(np.concatenate(training)), np.sort(np.concatenate(held_out))
