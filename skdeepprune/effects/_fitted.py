"""Network and sequence length of a fitted classifier."""

from __future__ import annotations

from sklearn.utils.validation import check_is_fitted

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._network import Network


def dna_network(classifier: DeepPruneClassifier) -> Network:
    """Return the network of a classifier that was fitted on DNA.

    Raises
    ------
    NotFittedError
        If the classifier is not fitted.
    TypeError
        If it is not a `DeepPruneClassifier`.
    ValueError
        If it was fitted on real-valued channels.
    """
    if not isinstance(classifier, DeepPruneClassifier):
        raise TypeError(
            f"Expected a DeepPruneClassifier, got {type(classifier).__name__}; for a pipeline or a search,"
            " pass the classifier inside it."
        )
    check_is_fitted(classifier)
    if not classifier.is_dna_:
        raise ValueError(
            f"The classifier was fitted on {classifier.n_channels_} real-valued channels per position; expected one"
            " fitted on DNA alone, whose bases can be replaced."
        )
    return classifier.stages_[-1].network


def fitted_length(classifier: DeepPruneClassifier) -> int:
    """Mean length in bp of the bound sequences that a classifier was fitted on.

    Raises
    ------
    ValueError
        If the classifier has no composition, from which the length follows.
    """
    network = dna_network(classifier)
    if not network.word_length:
        raise ValueError(
            "The classifier has no composition, so the length of its training sequences is unknown; pass window,"
            " their length in bp."
        )
    return round(float(classifier.composition_["bound"].sum())) + network.word_length - 1
