"""Base class of the baselines: DNA in, two classes out."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skdeepprune._inputs import InputParts, read_input, read_parts, read_target
from skdeepprune._parameters import CheckedParametersMixin


class BinarySequenceClassifier(CheckedParametersMixin, ClassifierMixin, BaseEstimator):
    """A classifier of DNA whose decision function is positive for `classes_[1]`."""

    @abstractmethod
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Score sequences."""

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray, shape (n,)
            `classes_[1]` where the decision function is positive, else `classes_[0]`.
        """
        decision = self.decision_function(X)
        return self.classes_[(decision > 0).astype(int)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _read_training(self, X: Any, y: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[np.bool_]]:
        """Read X and y: codes, the classes, and whether each sequence is in the positive class."""
        codes = read_input(self, X, n_channels=4, reset=True)
        if codes.ndim != 2:
            raise ValueError(
                f"{type(self).__name__} needs DNA, but X contains other numbers; expected strings or the output of"
                " OneHotDNA."
            )
        classes, y_binary = read_target(self, y, codes)
        return codes, classes, y_binary == 1

    def _read_fitted(self, X: Any) -> InputParts:
        """Read X as codes, as in `fit`, but by length."""
        check_is_fitted(self)
        return read_parts(self, X, n_channels=4, expect_dna=True)
