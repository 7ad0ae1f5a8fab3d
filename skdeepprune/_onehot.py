"""One-hot encoding of DNA strings as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skdeepprune.sequences import decode, encode, from_one_hot, one_hot
from skdeepprune.sequences._codes import Unknown, check_padding
from skdeepprune.sequences._strings import as_strings

_BASES = "ACGT"


class OneHotDNA(TransformerMixin, BaseEstimator):
    """One-hot encode DNA strings.

    A, C, G, T are 1000, 0100, 0010, 0001. N, the other IUPAC ambiguity codes and the right padding of shorter sequences
    are 0000. Case is ignored, and U is read as T.

    Parameters
    ----------
    length : int, default=None
        Length to which sequences are padded. By default that of the longest sequence seen in `fit`.
    flatten : bool, default=True
        Return a matrix, as scikit-learn expects. Otherwise a 3-D array.
    unknown : {"error", "N"}, default="error"
        What to do with a letter outside the IUPAC alphabet: raise an error, or read it as N.
    dtype : dtype, default=numpy.uint8
        Data type of the result.

    Attributes
    ----------
    length_ : int
        Length to which sequences are padded.
    n_features_in_ : int
        1, the column of strings.
    feature_names_in_ : ndarray of shape (1,)
        Name of that column, if `fit` saw a DataFrame.

    See Also
    --------
    skdeepprune.sequences.encode : The intermediate codes, one byte per base.

    Examples
    --------
    >>> from skdeepprune._onehot import OneHotDNA
    >>> onehot = OneHotDNA().fit(["ACG", "T"])
    >>> onehot.transform(["ACG", "T"])
    array([[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
           [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]], dtype=uint8)
    >>> onehot.inverse_transform(onehot.transform(["gat"]))
    array(['GAT'], dtype=object)
    """

    def __init__(
        self, *, length: int | None = None, flatten: bool = True, unknown: Unknown = "error", dtype: Any = np.uint8
    ) -> None:
        self.length = length
        self.flatten = flatten
        self.unknown = unknown
        self.dtype = dtype

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the length.

        Parameters
        ----------
        X : list, ndarray, Series, or DataFrame with one column
            DNA strings, of any lengths.
        y : None
            Ignored.

        Returns
        -------
        OneHotDNA

        Raises
        ------
        ValueError
            If there are no sequences, or a sequence is empty, longer than `length`, or has an unknown letter.
        TypeError
            If an entry is not a string.
        """
        if self.length is not None and (not isinstance(self.length, int | np.integer) or self.length < 1):
            raise ValueError(f"length={self.length!r}; expected a positive integer or None.")
        codes = encode(X, unknown=self.unknown, length=None if self.length is None else int(self.length))
        if len(codes) == 0:
            raise ValueError("Found no sequences in X; expected at least one.")
        validate_data(self, X, skip_check_array=True, ensure_2d=False)
        self.n_features_in_ = 1
        self.length_ = codes.shape[1]
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """One-hot encode.

        Parameters
        ----------
        X : list, ndarray, Series, or DataFrame with one column
            DNA strings of at most `length_` letters.

        Returns
        -------
        ndarray of `dtype`, shape (n_sequences, 4 * `length_`), or (n_sequences, `length_`, 4) if `flatten` is false

        Raises
        ------
        ValueError
            If a sequence is empty, longer than `length_`, or has an unknown letter.
        TypeError
            If an entry is not a string.
        """
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True, ensure_2d=False)
        X = as_strings(X)
        lengths = np.fromiter(map(len, X), np.int64, len(X))
        check_padding(lengths, self.length_, 4 * np.dtype(self.dtype).itemsize)
        encoded = one_hot(encode(X, unknown=self.unknown, length=self.length_), self.dtype)
        return encoded.reshape(len(encoded), 4 * self.length_) if self.flatten else encoded

    def inverse_transform(self, X: Any) -> NDArray[np.object_]:
        """Decode to strings.

        Parameters
        ----------
        X : array-like, shape (n_sequences, 4 * `length_`) or (n_sequences, `length_`, 4)

        Returns
        -------
        ndarray of str objects, shape (n_sequences,)
            Upper case, with ambiguity codes as N and without trailing N, which count as padding.

        Raises
        ------
        ValueError
            If `X` has another shape or is not one-hot.
        """
        check_is_fitted(self)
        encoded = np.asarray(X)
        if encoded.shape[1:] not in ((4 * self.length_,), (self.length_, 4)):
            raise ValueError(
                f"Expected X of shape (n_sequences, {4 * self.length_}) or (n_sequences, {self.length_}, 4), "
                f"got {encoded.shape}."
            )
        codes = from_one_hot(encoded.reshape(len(encoded), self.length_, 4))
        if codes is None:
            raise ValueError("X is not one-hot: expected every position to be 1000, 0100, 0010, 0001 or 0000.")
        return np.array(decode(codes), dtype=object)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns by position and base.

        Parameters
        ----------
        input_features : array-like of str or None
            Ignored.

        Returns
        -------
        ndarray of str objects, shape (4 * `length_`,)
            ``"0_A", "0_C", "0_G", "0_T", "1_A", ...``

        Raises
        ------
        ValueError
            If `flatten` is false: a 3-D array has no columns.
        """
        check_is_fitted(self)
        if not self.flatten:
            raise ValueError("Feature names need flatten=True: a 3-D array has no columns.")
        return np.array([f"{position}_{base}" for position in range(self.length_) for base in _BASES], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
