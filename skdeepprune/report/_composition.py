"""The composition term of a network, evaluated on sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdeepprune._auc import roc_auc
from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune.report._kernels import widened
from skdeepprune.sequences import reverse_complement

_MAX_WORDS = 20
_N_BINS = 30
# Composition explains nearly all if its AUC alone is above the first, and kernels add less than the second.
_MIN_AUC_ALONE, _MAX_ADDED_AUC = 0.65, 0.01


@dataclass(frozen=True)
class WordGroup:
    """Words that overlap by all but one letter, merged.

    Attributes
    ----------
    letters : str
        The merged sequence.
    words : tuple of str
        The one with the largest weight first.
    weight : float
        Largest weight.
    """

    letters: str
    words: tuple[str, ...]
    weight: float


@dataclass(frozen=True, eq=False)
class CompositionReading:
    """The composition term on the evaluated sequences.

    Attributes
    ----------
    words_auc, kernels_auc, auc : float
        ROC AUC of the log-odds from composition alone, from kernels alone, and from both.
    means : dict of str to (float, float)
        Mean log-odds from "composition" and from "kernels" (with the intercept), in bound and in unbound sequences.
    edges, bound_sums, unbound_sums : ndarray
        Histogram of the log-odds from composition: bin edges, and shares of each class.
    favoured, disfavoured : list of WordGroup
        Words with the largest positive and negative weights.
    words : DataFrame
        All words, as in `composition_`.
    """

    words_auc: float
    kernels_auc: float
    auc: float
    means: dict[str, tuple[float, float]]
    edges: NDArray[np.float64]
    bound_sums: NDArray[np.float64]
    unbound_sums: NDArray[np.float64]
    favoured: list[WordGroup]
    disfavoured: list[WordGroup]
    words: pd.DataFrame

    @property
    def explains_nearly_all(self) -> bool:
        """Whether composition alone separates the classes, and the kernels add next to nothing."""
        return self.words_auc > _MIN_AUC_ALONE and self.auc - self.words_auc < _MAX_ADDED_AUC


def read_composition(
    classifier: DeepPruneClassifier,
    scores: NDArray[np.floating],
    word_sums: NDArray[np.float64],
    bound: NDArray[np.bool_],
) -> CompositionReading | None:
    """Evaluate the composition term of the last network; return None if it has none.

    Parameters
    ----------
    classifier : DeepPruneClassifier
    scores : ndarray, shape (n_sequences, K)
    word_sums : ndarray, shape (n_sequences,)
    bound : ndarray of bool, shape (n_sequences,)
    """
    network = classifier.stages_[-1].network
    if not len(network.composition):
        return None
    by_kernels = network.decision(scores)
    parts = {"composition": word_sums, "kernels": by_kernels}
    edges = np.linspace(*widened(word_sums.min(), word_sums.max()), _N_BINS + 1)
    table = classifier.composition_
    ends = table[table["weight"] > 0].head(_MAX_WORDS), table[table["weight"] < 0].tail(_MAX_WORDS)[::-1]
    favoured, disfavoured = (
        group_words(dict(zip(part["word"], part["weight"], strict=True)), both_strands=network.reverse_complement)
        for part in ends
    )
    return CompositionReading(
        words_auc=roc_auc(bound, word_sums),
        kernels_auc=roc_auc(bound, by_kernels),
        auc=roc_auc(bound, by_kernels + word_sums),
        means={name: (float(part[bound].mean()), float(part[~bound].mean())) for name, part in parts.items()},
        edges=edges,
        bound_sums=np.histogram(word_sums[bound], edges)[0] / bound.sum(),
        unbound_sums=np.histogram(word_sums[~bound], edges)[0] / (~bound).sum(),
        favoured=favoured,
        disfavoured=disfavoured,
        words=table,
    )


def group_words(weights: dict[str, float], *, both_strands: bool) -> list[WordGroup]:
    """Merge words that overlap by all but one letter, starting from the first.

    Parameters
    ----------
    weights : dict of str to float
        In descending order of absolute weight. All words have the same length.
    both_strands : bool
        Whether a word may be replaced by its reverse complement.

    Examples
    --------
    >>> [group.letters for group in group_words({"TATAA": 3.0, "ATAAA": 2.0, "GGCCG": 1.0}, both_strands=False)]
    ['TATAAA', 'GGCCG']
    """
    left, groups = list(weights), []
    while left:
        first = left.pop(0)
        letters, members = first, [first]
        while (found := _neighbour(letters, left, len(first) - 1, both_strands)) is not None:
            word, letters = found
            left.remove(word)
            members.append(word)
        groups.append(WordGroup(letters, tuple(members), weights[first]))
    return groups


def _neighbour(letters: str, words: list[str], overlap: int, both_strands: bool) -> tuple[str, str] | None:
    """Find a word that extends the letters at either end; return it and the extended letters."""
    for word in words:
        for read in (word, reverse_complement(word)) if both_strands else (word,):
            if overlap and letters.endswith(read[:overlap]):
                return word, letters + read[-1]
            if overlap and letters.startswith(read[-overlap:]):
                return word, read[0] + letters
    return None
