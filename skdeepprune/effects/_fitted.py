"""What is asked of a fitted classifier: its network, and how long the sequences were that it has seen."""

from __future__ import annotations

from sklearn.utils.validation import check_is_fitted

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._network import Network


def dna_network(classifier: DeepPruneClassifier) -> Network:
    """Return the network of a classifier that was fitted on DNA.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    TypeError
        If it is not a `DeepPruneClassifier`.
    ValueError
        If it reads real-valued channels.
    """
    if not isinstance(classifier, DeepPruneClassifier):
        raise TypeError(
            f"Expected a DeepPruneClassifier, got {type(classifier).__name__}; of a pipeline or a search pass the"
            " classifier within."
        )
    check_is_fitted(classifier)
    if not classifier.is_dna_:
        raise ValueError(
            f"The classifier was fitted on {classifier.n_channels_} real-valued channels a position; expected one"
            " fitted on DNA alone, whose bases can be replaced."
        )
    return classifier.stages_[-1].network


def fitted_length(classifier: DeepPruneClassifier) -> int:
    """Tell how many bp the bound sequences had, on average, that a classifier was fitted on.

    Raises
    ------
    ValueError
        If it does not know: it has no composition.
    """
    network = dna_network(classifier)
    if not network.word_length:
        raise ValueError(
            "The classifier has no composition, from which the length of its training sequences would follow; pass"
            " window, their length in bp."
        )
    return round(float(classifier.composition_["bound"].sum())) + network.word_length - 1
