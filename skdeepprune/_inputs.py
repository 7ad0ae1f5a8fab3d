"""Input of a sequence classifier: X as DNA codes or real-valued channels, y as two classes, the hold-out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from skdeepprune._channels import count_channels
from skdeepprune._numbers import check_range, real_numbers
from skdeepprune._reading import shown
from skdeepprune.sequences import encode, from_one_hot, left_justify, reverse_complement
from skdeepprune.sequences._codes import N_CODE, encode_by_length
from skdeepprune.sequences._strings import listed, string_in

_VALUES_AT_ONCE = 2**20


def holds_strings(X: Any) -> bool:
    """Whether X is a collection of strings or records rather than numbers; a single string, record or None suffices."""
    if isinstance(X, str | bytes):
        return True
    if isinstance(X, pd.DataFrame | pd.Series | pd.Index | pd.api.extensions.ExtensionArray | np.ndarray):
        array = np.asarray(X)
        if array.dtype.kind != "O":
            return array.dtype.kind in "UST"
        X = array.ravel().tolist()
        if array.ndim > 1:
            return any(string_in(value) is not None for value in X)
    return isinstance(X, list | tuple) and any(map(_is_sequence, X))


def _is_scalar(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.ndim == 0


def _is_sequence(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(isinstance(entry, str | bytes) for entry in value) or (len(value) == 1 and _is_sequence(value[0]))
    return value is None or string_in(value) is not None


def read_input(
    estimator: BaseEstimator,
    X: Any,
    *,
    n_channels: int | Literal["auto"],
    reset: bool,
    expect_dna: bool | None = None,
) -> NDArray[Any]:
    """Read X as codes or channels, and set (`reset`) or check the number of columns of a matrix.

    Parameters
    ----------
    estimator : estimator
        `n_features_in_` (and `feature_names_in_`) are set or checked if X is a matrix of numbers.
    X : list, ndarray, Series or DataFrame of DNA strings; array-like (n, L * C); or array-like (n, L, C)
    n_channels : int or "auto"
        C: columns of a 2-D array per position. "auto" is for `fit`: see `count_channels`.
    reset : bool
        True in `fit`.
    expect_dna : bool, default=None
        Whether the network was fitted on codes (True) or channels (False). None reads one-hot arrays of four channels
        as DNA and other numbers as channels.

    Returns
    -------
    ndarray of uint8, shape (n, L), or of float32, shape (n, L, C)
        Codes if X is DNA, otherwise channels.

    Raises
    ------
    ValueError
        If X has the wrong shape, NaN or infinite values, unknown letters, or differs in kind from what the network was
        fitted on.
    """
    X = listed(X)
    if X is None or np.isscalar(X) or isinstance(X, pd.DataFrame) and not X.shape[1]:
        got = f"a DataFrame of shape {X.shape}" if isinstance(X, pd.DataFrame) else repr(X)
        raise ValueError(f"Expected DNA strings, such as ['ACGT', 'GGCA'], or an array of numbers; got {got}.")
    are_strings = holds_strings(X)
    is_column = isinstance(X, list | tuple | pd.Series | pd.Index) or (isinstance(X, np.ndarray) and X.ndim == 1)
    if (are_strings or is_column) and not _is_scalar(X) and len(X) == 0:
        raise ValueError("X holds no sequences; a minimum of 1 is required.")
    if are_strings:
        if n_channels not in (4, "auto") or expect_dna is False:
            raise ValueError(
                f"Got DNA strings, but the classifier reads {n_channels} real-valued channels per position; expected an"
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
    """Sequences in parts of similar length, so that a long one does not pad all the others.

    Attributes
    ----------
    parts : list of (ndarray of int64, ndarray)
        Rows of X, and their codes or channels.
    """

    parts: list[tuple[NDArray[np.int64], NDArray[Any]]]

    @classmethod
    def of_strings(cls, X: Any) -> Self:
        """Encode DNA strings."""
        return cls(list(encode_by_length(X)))

    def __len__(self) -> int:
        return sum(len(rows) for rows, _ in self.parts)

    def apply(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
        """Apply a function that returns one row per sequence, and return the rows in the order of X."""
        return self.in_order([function(sequences) for _, sequences in self.parts])

    def in_order(self, values: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Concatenate one array per part, with a row per sequence, in the order of X."""
        joined = np.concatenate(values)
        ordered = np.empty_like(joined)
        ordered[np.concatenate([rows for rows, _ in self.parts])] = joined
        return ordered

    def sequence(self, row: int) -> NDArray[Any]:
        """Return the sequence of a row of X, of shape (L,) or (L, C), padded like its part."""
        for rows, sequences in self.parts:
            at = np.flatnonzero(rows == row)
            if len(at):
                return np.asarray(sequences[at[0]])
        raise IndexError(f"Row {row} of {len(self)}.")


def read_parts(estimator: BaseEstimator, X: Any, *, n_channels: int, expect_dna: bool) -> InputParts:
    """Read X like `read_input`, with strings grouped by length; for computations on single sequences."""
    X = listed(X)
    if holds_strings(X) and not _is_scalar(X) and len(X) and n_channels == 4 and expect_dna:
        return InputParts.of_strings(X)
    sequences = read_input(estimator, X, n_channels=n_channels, reset=False, expect_dna=expect_dna)
    return InputParts([(np.arange(len(sequences)), sequences)])


def _read_numbers(estimator: BaseEstimator, X: Any, n_channels: int | Literal["auto"], reset: bool) -> NDArray[Any]:
    X = real_numbers(X, "X")
    with np.errstate(all="ignore"):  # sums in the checks
        channels = _read_channels(estimator, X, n_channels, reset)
    check_range(channels, "X")
    return channels


def _read_channels(estimator: BaseEstimator, X: Any, n_channels: int | Literal["auto"], reset: bool) -> NDArray[Any]:
    if isinstance(X, np.ndarray) and X.ndim == 3:
        channels = check_array(X, allow_nd=True, dtype="numeric")
        if n_channels != "auto" and channels.shape[2] != n_channels:
            remedy = (
                "Write X.transpose(0, 2, 1)"
                if channels.shape[1] == n_channels
                else f"Set n_channels={channels.shape[2]} if the last axis holds the channels"
            )
            raise ValueError(
                f"X has shape {channels.shape}; expected (n_sequences, length, {n_channels}), since"
                f" n_channels={n_channels}. {remedy}."
            )
        if channels.shape[1] == 0:
            raise ValueError(f"X has shape {channels.shape}: no positions; a minimum of 1 is required.")
        if n_channels == "auto":
            count_channels(channels)
        return channels
    matrix = validate_data(estimator, X, reset=reset, dtype="numeric")
    if n_channels == "auto":
        n_channels = count_channels(matrix)
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
        Named in the error if y is missing.
    y : array-like, shape (n,)
    sequences : array-like of n
    positives_alone : bool, default=False
        Also accept a y of ones only.

    Returns
    -------
    classes : ndarray, shape (2,)
    y_binary : ndarray of float32, shape (n,)
        1 where y is ``classes[1]``, otherwise 0.

    Raises
    ------
    ValueError
        If y is missing, not finite, or has the wrong length or number of classes.
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    y = column_or_1d(y, warn=True)
    check_consistent_length(sequences, y)
    try:
        with np.errstate(all="ignore"):  # casts in the checks
            assert_all_finite(y, input_name="y")
            check_classification_targets(y)
            classes, y_binary = np.unique(y, return_inverse=True)
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in y.tolist()})
        if "bytes" in str(error):  # scikit-learn says what to do
            raise
        raise TypeError(
            f"y has labels of types {', '.join(kinds)}, which cannot be compared ({error}); expected labels of"
            " one type, such as 0 and 1, and none missing."
        ) from error
    if len(classes) > 2:
        raise ValueError(
            f"Only binary classification is supported. The target has {len(classes)} classes:"
            f" {', '.join(map(shown, classes[:5]))}{' ...' if len(classes) > 5 else ''}. Wrap the classifier in"
            " OneVsRestClassifier for more."
        )
    if len(classes) == 2:
        return classes, y_binary.astype(np.float32)
    if positives_alone and classes[0] == 1:
        return np.array([0, 1], dtype=classes.dtype), np.ones(len(y), dtype=np.float32)
    remedy = " To train on positives and their shuffles alone, pass a y of ones and set negatives='dinucleotide'."
    raise ValueError(
        f"Expected two classes in y, got only one class: {classes.tolist()[0]!r}."
        f"{remedy if hasattr(estimator, 'negatives') else ''}"
    )


def hold_out(
    sequences: NDArray[Any],
    y: NDArray[Any],
    weights: NDArray[Any],
    fraction: float,
    classes: NDArray[Any],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split into training and held-out rows, stratified; rows of weight 0 are in neither.

    Copies of a sequence or its reverse complement stay together; copies with both labels are used for training.

    Parameters
    ----------
    sequences : ndarray of uint8, shape (n, L), or of float32, shape (n, L, C)
        Codes or channels. For channels, only equal rows are copies.
    y : ndarray, shape (n,)
        0 or 1.
    weights : ndarray, shape (n,)
    fraction : float
        Fraction of each class to hold out: at least one sequence, but not all.
    classes : ndarray, shape (2,)
        Names of the classes, for the error.
    rng : Generator

    Returns
    -------
    training_rows, held_out_rows : ndarray of int64, sorted

    Raises
    ------
    ValueError
        If a class has fewer than two distinct sequences of positive weight that are not in the other class.
    """
    used = weights > 0
    group = np.unique(copy_marks(sequences), return_inverse=True)[1]
    n_groups = int(group.max(initial=-1)) + 1
    in_class = [np.bincount(group[used & (y == label)], minlength=n_groups) > 0 for label in (0, 1)]
    in_both = in_class[0] & in_class[1]
    held_out = np.zeros(n_groups, np.bool_)
    for label, class_name in enumerate(classes.tolist()):
        rows = rng.permutation(np.flatnonzero((y == label) & used))
        _, first, size = np.unique(group[rows], return_index=True, return_counts=True)
        order = np.argsort(first)
        names, sizes = group[rows][first[order]], size[order]
        eligible = ~in_both[names]
        names, sizes = names[eligible], sizes[eligible]
        if len(names) < 2:
            raise ValueError(
                "Expected at least 2 distinct sequences of positive weight in each class that are not in the other, to"
                f" train on one and hold out one; got {len(names)} of class {class_name!r}."
            )
        n_held_out = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
        held_out[names[_up_to(n_held_out, sizes)]] = True
    is_held_out = used & held_out[group]
    return np.flatnonzero(used & ~is_held_out), np.flatnonzero(is_held_out)


def _up_to(n: int, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose groups, in order, with at most about `n` rows in total: at least one group, but not all."""
    chosen: list[int] = []
    total = 0
    for i, size in enumerate(sizes.tolist()):
        if total + size <= n and len(chosen) < len(sizes) - 1:
            chosen.append(i)
            total += size
        if total == n:
            break
    return np.array(chosen or [int(sizes.argmin())], np.int64)


def copy_marks(sequences: NDArray[Any]) -> NDArray[np.int64]:
    """Hash every sequence so that copies and reverse complements get the same number.

    Parameters
    ----------
    sequences : ndarray of uint8, shape (n, L), or of float32, shape (n, L, C)
        Codes or channels. For channels, only equal rows are copies.

    Returns
    -------
    ndarray of int64, shape (n,)
        Equal for equal sequences, also in other arrays; collisions have a probability of 2^-64.

    Examples
    --------
    >>> from skdeepprune.sequences import encode
    >>> one, other, third, copy = copy_marks(encode(["AAC", "GTT", "AAG", "AAC"])).tolist()
    >>> one == other == copy, one == third
    (True, False)
    """
    flat = sequences.reshape(len(sequences), -1)
    rng = np.random.default_rng(0)
    marks = np.empty(len(flat), np.int64)
    step = max(1, _VALUES_AT_ONCE // max(flat.shape[1], 1))
    if sequences.ndim == 3:
        number_at = rng.integers(-(2**63), 2**63, flat.shape[1])
        for start in range(0, len(flat), step):
            # Adding 0.0 turns -0.0 into 0.0.
            bits = (flat[start : start + step] + np.float32(0)).view(np.int32).astype(np.int64)
            marks[start : start + step] = (bits * number_at).sum(axis=1)
        return marks
    number_of = rng.integers(-(2**63), 2**63, (flat.shape[1], N_CODE + 1))
    number_of[:, N_CODE] = 0
    place = np.arange(flat.shape[1])
    for start in range(0, len(flat), step):
        forward = left_justify(flat[start : start + step])[0]
        both = [number_of[place, codes].sum(axis=1) for codes in (forward, reverse_complement(forward))]
        marks[start : start + step] = np.minimum(*both)
    return marks
