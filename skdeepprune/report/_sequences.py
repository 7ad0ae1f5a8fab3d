"""The sequences of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import column_or_1d

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._inputs import read_input
from skdeepprune.sequences import sequence_lengths


@dataclass(frozen=True, eq=False)
class Sequences:
    """Labeled sequences, encoded.

    Attributes
    ----------
    codes : ndarray of uint8, shape (n, L)
    bound : ndarray of bool, shape (n,)
    names : sequence of str
    lengths : ndarray of int, shape (n,)
    gc : ndarray, shape (n,)
        Share of G and C among the letters that are not N.
    """

    codes: NDArray[np.uint8]
    bound: NDArray[np.bool_]
    names: Sequence[str]
    lengths: NDArray[np.int64]
    gc: NDArray[np.float64]

    @classmethod
    def read(
        cls, classifier: DeepPruneClassifier, X: Any, y: ArrayLike, names: Sequence[str] | None, what: str
    ) -> Sequences:
        """Read the input of a classifier, and check that both classes are present."""
        codes = read_input(classifier, X, n_channels=classifier.n_channels_, reset=False, expect_dna=True)
        labels = column_or_1d(y)
        names = [f"sequence_{i}" for i in range(len(codes))] if names is None else list(names)
        check_consistent_length(codes, labels, names)
        bound = labels == classifier.classes_[1]
        if bound.all() or not (bound | (labels == classifier.classes_[0])).all() or not bound.any():
            raise ValueError(
                f"{what} has classes {np.unique(labels).tolist()[:5]}; expected sequences of both classes in `fit`,"
                f" {classifier.classes_.tolist()}."
            )
        known = (codes < 4).sum(axis=1)
        gc = ((codes == 1) | (codes == 2)).sum(axis=1) / np.maximum(known, 1)
        return cls(codes, bound, names, sequence_lengths(codes), gc)

    def __len__(self) -> int:
        return len(self.codes)
