"""Classifiers with random weights, fitted to nothing: for what reads a network."""

import numpy as np

from skdeepprune import DeepPruneClassifier, Network, Stage
from skdeepprune._network import reverse_complement_words


def random_network(
    rng,
    *,
    n_kernels=3,
    width=5,
    both_strands=True,
    word_length=0,
    sharpness=np.inf,
    scale=1.0,
):
    """Draw a network whose kernels and words all matter; words are tied where both strands are read."""
    words = rng.normal(0, 0.1, 4**word_length if word_length else 0)
    if both_strands and word_length:
        words = (words + words[reverse_complement_words(word_length)]) / 2
    return Network(
        kernels=rng.normal(0, scale, (n_kernels, width, 4)).astype(np.float32),
        kernel_bias=rng.normal(0, 0.5, n_kernels).astype(np.float32),
        dense_weights=rng.normal(0, 1, n_kernels).astype(np.float32),
        dense_bias=float(np.float32(rng.normal())),
        reverse_complement=both_strands,
        sharpness=sharpness,
        composition=words.astype(np.float32),
    )


def classifier_of(network, mean_words=0.0):
    """Give a classifier that has this network; its training sequences had so many words on average."""
    classifier = DeepPruneClassifier(n_kernels=network.n_kernels, n_prunings=0)
    nothing = np.zeros(network.n_kernels)
    classifier.stages_ = [Stage(0, np.arange(network.n_kernels), network, nothing, 0.0, 0.0, 0.5, [])]
    classifier.rejected_stages_ = []
    classifier.classes_, classifier.is_dna_, classifier.engine_ = np.array([0, 1]), True, "compiled"
    classifier.negatives_ = "given"
    n_words = len(network.composition)
    classifier.word_counts_ = np.full((2, n_words), mean_words / max(n_words, 1))
    return classifier


def random_sequence(rng, length, unknown=0.0):
    """Draw a sequence with that share of N, half of it in runs."""
    letters = rng.choice(list("ACGTacgt"), length)
    letters[rng.random(length) < unknown / 2] = "N"
    for start in np.flatnonzero(rng.random(length) < unknown / 20):
        letters[start : start + rng.integers(1, 20)] = "N"
    return "".join(letters)
