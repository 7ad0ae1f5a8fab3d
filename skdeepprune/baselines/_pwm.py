"""The best known motif as a classifier."""

from __future__ import annotations

import os
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn_compat.base import _fit_context

from skdeepprune._auc import roc_auc
from skdeepprune._engines import scan
from skdeepprune._network import Network
from skdeepprune._parameters import ARRAY_LIKE, BOOLEAN, NONE, instance_of, interval
from skdeepprune.baselines._binary import BinarySequenceClassifier
from skdeepprune.motifs import Motif
from skdeepprune.motifs._tomtom import load_motifs

# Scores of 100,000 sequences for a batch of motifs take 25 MB.
_MOTIFS_PER_BATCH = 64


class MotifScanClassifier(BinarySequenceClassifier):
    """Score sequences by the best site of a single known motif, the one that best separates the training set.

    The score of a motif is its maximum log-odds against the background over all positions and both strands. `fit`
    selects the motif with the highest area under the ROC curve, and the threshold with the highest mean of sensitivity
    and specificity.

    Parameters
    ----------
    motifs : str, path, Motif or list of Motif, default="JASPAR2024"
        A JASPAR release, meaning its vertebrate motifs in the CORE collection (needs ``pip install
        skdeepprune[motifs]``); a motif file; or motifs.
    pseudocount : float, default=1.0
        Total added to the counts of every position before taking the logarithm, distributed like the background.
    reverse_complement : bool, default=True
        Scan both strands.
    n_jobs : int, default=None
        Threads. The result does not depend on it.

    Attributes
    ----------
    motif_ : Motif
        The selected motif.
    threshold_ : float
        Score, in bits, above which a sequence is predicted to be positive.
    ranking_ : DataFrame
        A row per motif, the best first: name, accession, width, roc_auc on the training set. The index is the position
        in `motifs`.
    classes_ : ndarray, shape (2,)
        ``classes_[1]`` is the positive class: bound.

    See Also
    --------
    GkmSVMClassifier : The opposite extreme: all gapped k-mers.
    skdeepprune.motifs.tomtom : Find the known motifs that a kernel resembles.

    Notes
    -----
    As in `DeepPruneClassifier`, N contributes the mean over the four bases to a score, N at the ends of a sequence are
    trimmed, and a sequence shorter than a motif is treated as if padded with N.

    Examples
    --------
    >>> from skdeepprune.baselines import MotifScanClassifier
    >>> from skdeepprune.datasets import load_planted_motifs, load_simulated
    >>> data = load_simulated(1, n_train=500, n_test=200, random_state=0)
    >>> classifier = MotifScanClassifier(list(load_planted_motifs().values())).fit(data.X_train, data.y_train)
    >>> classifier.motif_.name in [motif.name for motif in data.motifs]
    True
    """

    _allowed_parameters = {
        "motifs": [*map(instance_of, (str, os.PathLike, Motif)), ARRAY_LIKE],
        "pseudocount": [interval(Real, 0, None, closed="neither")],
        "reverse_complement": BOOLEAN,
        "n_jobs": [instance_of(Integral), NONE],
    }

    def __init__(
        self,
        motifs: Any = "JASPAR2024",
        pseudocount: float = 1.0,
        reverse_complement: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.motifs = motifs
        self.pseudocount = pseudocount
        self.reverse_complement = reverse_complement
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Select the motif and the threshold.

        Parameters
        ----------
        X : list, ndarray, Series or one-column DataFrame of str; or the output of `OneHotDNA`
            DNA, of any lengths.
        y : array-like, shape (n,)
            Two classes; the greater one is the positive class (bound).

        Returns
        -------
        self : MotifScanClassifier

        Raises
        ------
        ImportError
            If the JASPAR motifs are needed but not installed.
        TypeError
            If `motifs` contains anything but motifs.
        ValueError
            If X or y is invalid, or there are no motifs.
        """
        codes, classes, is_positive = self._read_training(X, y)
        motifs = load_motifs(self.motifs, "motifs")
        if not motifs:
            raise ValueError("motifs is empty; expected at least one motif.")
        aucs = np.empty(len(motifs))
        for rows in _by_width(motifs):
            scores = self._scores([motifs[i] for i in rows], codes)
            aucs[rows] = [roc_auc(is_positive, column) for column in scores.T]
        order = np.argsort(-aucs, kind="stable")
        self.classes_ = classes
        self.motif_ = motifs[order[0]]
        self.threshold_ = _best_threshold(self._scores([self.motif_], codes)[:, 0], is_positive)
        self.ranking_ = pd.DataFrame(
            {
                "name": [motif.name for motif in motifs],
                "accession": [motif.accession for motif in motifs],
                "width": [motif.width for motif in motifs],
                "roc_auc": aucs,
            }
        ).iloc[order]
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Score sequences: the log-odds of the motif's best site, in bits, minus `threshold_`.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of float64, shape (n,)
            Positive for the positive class.
        """
        sequences = self._read_fitted(X)
        return sequences.apply(lambda codes: self._scores([self.motif_], codes)[:, 0]) - self.threshold_

    def _scores(self, motifs: list[Motif], codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Log-odds (n, n_motifs) of the best sites of motifs of equal width."""
        n_motifs = len(motifs)
        network = Network(
            kernels=np.array([motif.pwm(self.pseudocount) for motif in motifs], dtype=np.float32),
            kernel_bias=np.zeros(n_motifs, dtype=np.float32),
            dense_weights=np.ones(n_motifs, dtype=np.float32),
            dense_bias=0.0,
            reverse_complement=self.reverse_complement,
        )
        return scan(network, codes, effective_n_jobs(self.n_jobs)).pooled.astype(np.float64)


def _by_width(motifs: list[Motif]) -> Iterator[NDArray[np.int64]]:
    """Yield batches of motifs of equal width, so that none has to be padded: a padded one would have fewer windows."""
    widths = np.array([motif.width for motif in motifs])
    for width in np.unique(widths):
        rows = np.flatnonzero(widths == width)
        yield from np.split(rows, range(_MOTIFS_PER_BATCH, len(rows), _MOTIFS_PER_BATCH))


def _best_threshold(scores: NDArray[np.float64], is_positive: NDArray[np.bool_]) -> float:
    """Return the midpoint between the two neighbouring scores where the classes separate best."""
    values, index = np.unique(scores, return_inverse=True)
    positives = np.bincount(index[is_positive], minlength=len(values))
    negatives = np.bincount(index[~is_positive], minlength=len(values))
    gain = np.cumsum(negatives / negatives.sum() - positives / positives.sum())[:-1]
    if len(gain) == 0:
        return float(values[0])
    best = int(gain.argmax())
    return float((values[best] + values[best + 1]) / 2)
