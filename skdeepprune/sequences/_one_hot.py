"""Byte codes to one-hot arrays and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune.sequences._codes import N_CODE, Codes, check_codes

_ONE_HOT = np.vstack([np.eye(4, dtype=np.uint8), np.zeros((1, 4), dtype=np.uint8)])


def one_hot(codes: Codes, dtype: Any = np.uint8) -> NDArray[Any]:
    """One-hot encode: A, C, G, T are 1000, 0100, 0010, 0001, and N is 0000.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    dtype : dtype, default=uint8

    Returns
    -------
    ndarray, shape (n_sequences, length, 4)

    Examples
    --------
    >>> from skdeepprune.sequences import encode
    >>> one_hot(encode(["GN"])).tolist()
    [[[0, 0, 1, 0], [0, 0, 0, 0]]]
    """
    return _ONE_HOT.astype(dtype)[check_codes(codes)]


def from_one_hot(X: NDArray[Any]) -> Codes | None:
    """Convert a one-hot array to codes, or return None if it is anything else.

    Parameters
    ----------
    X : ndarray, shape (n_sequences, length, 4)

    Returns
    -------
    ndarray of uint8, shape (n_sequences, length), or None

    Examples
    --------
    >>> import numpy as np
    >>> from_one_hot(np.array([[[0, 0, 1, 0], [0, 0, 0, 0]]]))
    array([[2, 4]], dtype=uint8)
    >>> from_one_hot(np.array([[[0.5, 0.5, 0, 0]]])) is None
    True
    """
    if X.ndim != 3 or X.shape[2] != 4:
        return None
    hits = X == 1
    if not (hits.sum(axis=2, dtype=np.uint8) == (X != 0).sum(axis=2, dtype=np.uint8)).all():
        return None
    n_hits = hits.sum(axis=2, dtype=np.uint8)
    if n_hits.max(initial=0) > 1:
        return None
    return np.where(n_hits == 1, hits.argmax(axis=2), N_CODE).astype(np.uint8)
