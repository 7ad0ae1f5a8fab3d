"""k-mer counts as features for scikit-learn classifiers."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from sklearn_compat.base import _fit_context

from skdeepprune._composition import count_words_in_each, word_names
from skdeepprune._inputs import read_input
from skdeepprune._parameters import BOOLEAN, CheckedParametersMixin, interval

# Words of length 12 give 17 million columns.
_MAX_WORD_LENGTH = 12


class KmerCounter(CheckedParametersMixin, TransformerMixin, BaseEstimator):
    """Count all words of a given length (k-mers) in DNA: features for scikit-learn classifiers.

    Parameters
    ----------
    word_length : int, default=6
        k, at most 12.
    reverse_complement : bool, default=True
        Count a word and its reverse complement together.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of X, if X was a 2-D array of numbers.

    See Also
    --------
    GkmSVMClassifier : Gapped k-mers with a support vector machine.
    sklearn.feature_extraction.text.CountVectorizer : Counts only words seen in `fit`, on one strand, including N.

    Notes
    -----
    Letters are read as everywhere in this package: lower case as upper case, U as T, and ambiguity codes as N. Words
    with an N are not counted.

    Examples
    --------
    A simple baseline is a logistic regression on the counts:

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skdeepprune.baselines import KmerCounter
    >>> from skdeepprune.datasets import load_simulated
    >>> data = load_simulated(3, n_train=1000, n_test=500, random_state=0)
    >>> classifier = make_pipeline(KmerCounter(), LogisticRegression(C=0.01)).fit(data.X_train, data.y_train)
    >>> round(classifier.score(data.X_test, data.y_test), 1)
    0.7

    >>> counter = KmerCounter(word_length=2).fit(["ACGT"])
    >>> counter.get_feature_names_out()
    array(['AA', 'AC', 'AG', 'AT', 'CA', 'CC', 'CG', 'GA', 'GC', 'TA'],
          dtype=object)
    >>> counter.transform(["ACGT", "TTN"]).toarray()
    array([[0., 2., 0., 0., 0., 0., 1., 0., 0., 0.],
           [1., 0., 0., 0., 0., 0., 0., 0., 0., 0.]])
    """

    _allowed_parameters = {
        "word_length": [interval(Integral, 1, _MAX_WORD_LENGTH, closed="both")],
        "reverse_complement": BOOLEAN,
    }

    def __init__(self, word_length: int = 6, reverse_complement: bool = True) -> None:
        self.word_length = word_length
        self.reverse_complement = reverse_complement

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Validate the sequences; nothing is learned.

        Parameters
        ----------
        X : list, ndarray, Series or one-column DataFrame of str; or the output of `OneHotDNA`
            DNA, of any lengths.
        y : None
            Ignored.

        Returns
        -------
        self : KmerCounter

        Raises
        ------
        ValueError
            If X is invalid.
        """
        self._read(X, reset=True)
        self._is_fitted = True
        return self

    def transform(self, X: Any) -> csr_array:
        """Count words.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        csr_array of float64, shape (n, n_words)
            Columns in the order of `get_feature_names_out`.
        """
        check_is_fitted(self)
        codes = self._read(X, reset=False)
        return count_words_in_each(codes, self.word_length, reverse_complement=self.reverse_complement)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the column names: the words in alphabetical order.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of object, shape (n_words,)
            With `reverse_complement`, only the first of a word and its reverse complement.
        """
        return word_names(self.word_length, reverse_complement=self.reverse_complement)

    def _read(self, X: Any, *, reset: bool) -> NDArray[np.uint8]:
        codes = read_input(self, X, n_channels=4, reset=reset)
        if codes.ndim != 2:
            raise ValueError(
                f"{type(self).__name__} needs DNA, but X contains other numbers; expected strings or the output of"
                " OneHotDNA."
            )
        return codes

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_is_fitted")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags
