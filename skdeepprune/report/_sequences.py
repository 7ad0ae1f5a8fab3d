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
from skdeepprune._inputs import InputParts, read_parts
from skdeepprune.sequences import sequence_lengths


@dataclass(frozen=True, eq=False)
class Sequences:
    """Labeled sequences, encoded.

    Attributes
    ----------
    codes : InputParts
    bound : ndarray of bool, shape (n,)
    names : sequence of str
    lengths : ndarray of int, shape (n,)
    gc : ndarray, shape (n,)
        Share of G and C among the letters that are not N.
    """

    codes: InputParts
    bound: NDArray[np.bool_]
    names: Sequence[str]
    lengths: NDArray[np.int64]
    gc: NDArray[np.float64]

    @classmethod
    def read(
        cls, classifier: DeepPruneClassifier, X: Any, y: ArrayLike, names: Sequence[str] | None, what: str
    ) -> Sequences:
        """Read the input of a classifier, and check that both classes are present."""
        codes = read_parts(classifier, X, n_channels=classifier.n_channels_, expect_dna=True)
        labels = column_or_1d(y)
        names = [f"sequence_{i}" for i in range(len(codes))] if names is None else list(names)
        check_consistent_length(range(len(codes)), labels, names)
        bound = labels == classifier.classes_[1]
        if bound.all() or not (bound | (labels == classifier.classes_[0])).all() or not bound.any():
            raise ValueError(
                f"{what} has classes {np.unique(labels).tolist()[:5]}; expected sequences of both classes in `fit`,"
                f" {classifier.classes_.tolist()}."
            )
        return cls(codes, bound, names, codes.apply(sequence_lengths), codes.apply(_gc))

    def __len__(self) -> int:
        return len(self.codes)


def _gc(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    n_known = (codes < 4).sum(axis=1)
    return np.asarray(((codes == 1) | (codes == 2)).sum(axis=1) / np.maximum(n_known, 1))
