"""What the composition term does on the sequences: the words beside the kernels."""

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
# Composition alone has to be no guess, and the kernels to add next to nothing.
_EXPLAINS, _ADDS = 0.65, 0.01


@dataclass(frozen=True)
class WordGroup:
    """Words that overlap by all but one letter, put together.

    Attributes
    ----------
    letters : str
        Of all of them, laid over each other.
    words : tuple of str
        The one with the greatest weight first.
    weight : float
        Of that one.
    """

    letters: str
    words: tuple[str, ...]
    weight: float


@dataclass(frozen=True, eq=False)
class CompositionReading:
    """What the composition term does on the sequences that are measured.

    Attributes
    ----------
    words_auc, kernels_auc, auc : float
        ROC AUC of the log-odds by composition alone, by kernels alone, and of both.
    means : dict of str to (float, float)
        Mean log-odds by "composition" and by "kernels" (with the intercept), of bound and of unbound sequences.
    edges, bound_sums, unbound_sums : ndarray
        Histogram of the log-odds by composition: bin edges, and shares of each class.
    favoured, disfavoured : list of WordGroup
        Of the words with the largest weights above and below 0.
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
        """Whether composition alone tells the classes apart, and the kernels add next to nothing."""
        return self.words_auc > _EXPLAINS and self.auc - self.words_auc < _ADDS


def read_composition(
    classifier: DeepPruneClassifier,
    scores: NDArray[np.floating],
    word_sums: NDArray[np.float64],
    bound: NDArray[np.bool_],
) -> CompositionReading | None:
    """Measure the composition term of the last network, or return None where it has none.

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
    """Lay words that overlap by all but one letter over each other, the first ones first.

    Parameters
    ----------
    weights : dict of str to float
        From the largest on. All words are of one length.
    both_strands : bool
        Whether a word may be read as its reverse complement.

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
    """Find a word that continues the letters at either end, and give them with it."""
    for word in words:
        for read in (word, reverse_complement(word)) if both_strands else (word,):
            if overlap and letters.endswith(read[:overlap]):
                return word, letters + read[-1]
            if overlap and letters.startswith(read[-overlap:]):
                return word, read[0] + letters
    return None
