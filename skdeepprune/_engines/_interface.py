"""What every engine does: an epoch of Adam over given batches, and the scores of given sequences."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skdeepprune._network import Network

ADAM_BETA1 = 0.9
ADAM_BETA2 = 0.999
ADAM_EPSILON = 1e-7
# Share of the learning rate that the words' weights have: there are many, and each is seen in few sequences.
COMPOSITION_RATE = 0.3
# Motif scores to hold at a time where only what follows from them is wanted: 16 MB.
SCORES_AT_ONCE = 2**22


class Dropout(NamedTuple):
    """What training leaves out: motif scores of every sequence, each with probability `rate`, drawn from `seed`.

    Some kernels may go together. What is left counts 1 / (1 - rate) times.
    """

    rate: float = 0.0
    seed: int = 0


NO_DROPOUT = Dropout()


class Penalty(NamedTuple):
    """What training adds to the mean loss of a batch, for every weight w: l1 * abs(w) + l2 / 2 * w**2.

    `l1` and `l2` are for kernels and dense weights, not for biases; `words` is the l2 of the words' weights.
    """

    l1: float = 0.0
    l2: float = 0.0
    words: float = 0.0


NO_PENALTY = Penalty()


class Trainer(Protocol):
    """A network in training: its weights and its optimiser's moments, wherever the engine keeps them."""

    @property
    def network(self) -> Network:
        """The network as it is now."""

    def epoch(
        self,
        data: Any,
        order: NDArray[np.int64],
        batch_size: int,
        learning_rate: float,
        dropout: Dropout = NO_DROPOUT,
        penalty: Penalty = NO_PENALTY,
    ) -> float:
        """Run Adam once over the rows `order` of `data`, in batches; return the mean loss seen on the way."""

    def scores(self, data: Any, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Motif scores (len(rows), K) of those rows of `data` under the network as it is now."""

    def word_sums(self, data: Any, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-odds by composition (len(rows),) of those rows of `data` under the network as it is now."""


class Engine(Protocol):
    """A way to compute. Engines differ in speed and in the inputs they take, not in what they find."""

    name: str
    n_threads: int

    def load(
        self, X: NDArray[Any], y: NDArray[np.float32], sample_weight: NDArray[np.float32], *, overwrite_X: bool = False
    ) -> Any:
        """Put sequences (codes or channels), labels 0 or 1 and weights where the engine computes.

        With `overwrite_X` the engine may keep its own form of the sequences in the memory of X.
        """

    def trainer(self, network: Network) -> Trainer:
        """Begin to train `network` with a fresh optimiser."""

    def gradients(self, network: Network, data: Any) -> tuple[float, Network]:
        """The weighted mean loss over `data` and its gradient, in the shape of a network."""
