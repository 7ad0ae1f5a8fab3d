"""The input of a fit: sequences, labels and weights, validated, and the validation set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdeepprune._augmentation import Augmentation
from skdeepprune._composition import mean_word_counts
from skdeepprune._engines._interface import Engine
from skdeepprune._inputs import hold_out, read_input, read_target
from skdeepprune._network import Network
from skdeepprune._random import as_generator
from skdeepprune._training import LabeledData, StreamedData, TrainingData
from skdeepprune._weights import check_classes, read_weights, weigh_classes
from skdeepprune.sequences import from_one_hot, shuffle_codes

# Letters per composition word: maximum and default.
MAX_WORD_LENGTH, _WORD_LENGTH = 6, 6
# Kernel length that is allowed however short the sequences are.
_LONG_KERNEL = 64


class Labeled(NamedTuple):
    """Sequences (codes or channels), their labels (0 or 1) and weights."""

    sequences: NDArray[Any]
    y: NDArray[np.float32]
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """The input of a fit.

    Attributes
    ----------
    data : Labeled
        Weights include the class weights.
    held_out : Labeled or None
        None if a fraction of `data` is to be held out.
    classes : ndarray, shape (2,)
    n_channels, kernel_length, word_length : int
    reverse_complement : bool
    augmentation : Augmentation
    rng : Generator
        The source of all randomness of the fit.
    """

    data: Labeled
    held_out: Labeled | None
    classes: NDArray[Any]
    n_channels: int
    kernel_length: int
    word_length: int
    reverse_complement: bool
    augmentation: Augmentation
    rng: np.random.Generator

    @classmethod
    def read(
        cls, classifier: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, to_hold_out: tuple[Any, ...]
    ) -> Problem:
        """Read and check the arguments of `DeepPruneClassifier.fit`."""
        sequences = read_input(classifier, X, n_channels=classifier.n_channels, reset=True)
        is_dna = sequences.ndim == 2
        n_channels = 4 if is_dna else sequences.shape[2]
        reverse_complement = _reads_both_strands(classifier, sequences)
        kernel_length = _checked_kernel_length(classifier, sequences)
        classes, y_binary = read_target(
            classifier, y, sequences, positives_alone=classifier.negatives == "dinucleotide"
        )
        weights = read_weights(sample_weight, len(sequences))
        check_classes(weights, classes, y_binary)
        rng = as_generator(classifier.random_state)
        augmentation = Augmentation.chosen(classifier.mutation_rate, classifier.negatives, sequences, y_binary, weights)
        data = _prepared(classifier, Labeled(sequences, y_binary, weights), classes, rng)
        held_out = _read_held_out(classifier, to_hold_out, n_channels, is_dna, classes, rng)
        word_length = _word_length(classifier, is_dna)
        return cls(
            data, held_out, classes, n_channels, kernel_length, word_length, reverse_complement, augmentation, rng
        )

    @property
    def is_dna(self) -> bool:
        """Whether the sequences are codes."""
        return self.data.sequences.ndim == 2

    @property
    def multiply_adds(self) -> int:
        """Multiplications of one kernel with all sequences."""
        return self.kernel_length * self.data.sequences.size * (1 + self.reverse_complement)

    def mean_word_counts(self) -> NDArray[np.float64]:
        """Mean number of each composition word in both classes; to be called before `load`."""
        sequences, y, _ = self.data
        return mean_word_counts(sequences, y, self.word_length, reverse_complement=self.reverse_complement)

    def initial_network(self, n_kernels: int) -> Network:
        """Draw the untrained network."""
        return Network.initial(
            n_kernels,
            self.kernel_length,
            self.n_channels,
            reverse_complement=self.reverse_complement,
            rng=self.rng,
            word_length=self.word_length,
        )

    def load(self, engine: Engine, validation_fraction: float) -> tuple[TrainingData, TrainingData]:
        """Load the sequences, in place if possible, and split off a validation set unless one is given.

        Sequences of weight 0 are dropped.
        """
        data, held_out, augmentation = self.data, self.held_out, self.augmentation
        if held_out is None:
            rows, rows_val = hold_out(*data, validation_fraction, self.classes, self.rng)
        else:
            rows, rows_val = (np.flatnonzero(one.weights > 0) for one in (data, held_out))
        # Mean 1, so that weighted gradients have the same scale as unweighted ones.
        mean = data.weights[rows].mean()

        def loaded(one: Labeled) -> Callable[[NDArray[np.int64]], TrainingData]:
            scaled = (one.weights / mean).astype(np.float32)
            if augmentation:
                variants = augmentation if one is data else replace(augmentation, is_shuffle=None)
                return lambda rows: StreamedData(
                    engine, one.sequences, rows, one.y[rows], scaled[rows], variants.of_rows(rows)
                )
            held = engine.load(one.sequences, one.y, scaled, overwrite_X=True)
            return lambda rows: LabeledData(held, rows, one.y[rows], scaled[rows])

        part = loaded(data)
        return part(rows), (part if held_out is None else loaded(held_out))(rows_val)


def _reads_both_strands(classifier: Any, sequences: NDArray[Any]) -> bool:
    n_channels = 4 if sequences.ndim == 2 else sequences.shape[2]
    if classifier.reverse_complement == "auto":
        return sequences.ndim == 2 or (n_channels > 4 and from_one_hot(sequences[:, :, :4]) is not None)
    if classifier.reverse_complement and n_channels < 4:
        raise ValueError(
            f"reverse_complement=True needs the four channels of DNA, but X has {n_channels} per position; set"
            " reverse_complement=False (or 'auto')."
        )
    return bool(classifier.reverse_complement)


def _checked_kernel_length(classifier: Any, sequences: NDArray[Any]) -> int:
    """Kernel length; for real-valued channels at most the number of positions."""
    longest = sequences.shape[1]
    if classifier.kernel_length > max(_LONG_KERNEL, 2 * longest):
        raise ValueError(
            f"kernel_length={classifier.kernel_length}, but the longest sequence has {longest} positions; expected at"
            f" most {max(_LONG_KERNEL, 2 * longest)}: the larger of {_LONG_KERNEL} and twice that length."
        )
    return int(classifier.kernel_length if sequences.ndim == 2 else min(classifier.kernel_length, longest))


def _prepared(classifier: Any, data: Labeled, classes: NDArray[Any], rng: np.random.Generator) -> Labeled:
    """Add shuffles if there are only positives, and multiply the weights by the class weights."""
    sequences, y, weights = data
    if not (y == 0).any():
        sequences = np.concatenate([sequences, shuffle_codes(sequences, rng)])
        y, weights = np.repeat(np.array([1, 0], dtype=np.float32), len(y)), np.tile(weights, 2)
    return Labeled(sequences, y, weigh_classes(weights, classifier.class_weight, classes, y))


def _read_held_out(
    classifier: Any,
    given: tuple[Any, ...],
    n_channels: int,
    is_dna: bool,
    classes: NDArray[Any],
    rng: np.random.Generator,
) -> Labeled | None:
    X, y, sample_weight = given
    if X is None and y is None and sample_weight is None:
        return None
    if X is None or y is None:
        raise ValueError("Expected X_val and y_val together, or neither of them and no sample_weight_val.")
    try:
        sequences = read_input(classifier, X, n_channels=n_channels, reset=False, expect_dna=is_dna)
        own, y_binary = read_target(classifier, y, sequences, positives_alone=classifier.negatives == "dinucleotide")
        weights = read_weights(sample_weight, len(sequences))
        check_classes(weights, own, y_binary)
    except ValueError as error:
        raise ValueError(f"X_val, y_val: {error}") from error
    if own.tolist() != classes.tolist():
        raise ValueError(f"y_val has classes {own.tolist()}, y has classes {classes.tolist()}; expected the same.")
    return _prepared(classifier, Labeled(sequences, y_binary, weights), classes, rng)


def _word_length(classifier: Any, is_dna: bool) -> int:
    if classifier.composition == "auto":
        return _WORD_LENGTH if is_dna else 0
    if classifier.composition and not is_dna:
        raise ValueError(
            f"composition={classifier.composition} counts DNA words, but X has real-valued channels; set"
            " composition=0 (or 'auto')."
        )
    return int(classifier.composition)
