"""The engine for small sets of real-valued channels: plain NumPy, which has nothing to import, trace or compile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import ThreadpoolController

from skdeepprune._engines._interface import (
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPSILON,
    NO_DROPOUT,
    NO_PENALTY,
    Dropout,
    Penalty,
)
from skdeepprune._network import Network, reverse_complement_kernels

# Numbers in the windows and activations of the sequences that are looked at together: 32 MB of float32.
_CELLS_AT_ONCE = 2**23


class NumpyData(NamedTuple):
    """Channels (n, L, C), labels and weights (n,), in float32."""

    X: NDArray[np.float32]
    y: NDArray[np.float32]
    sample_weight: NDArray[np.float32]

    def rows(self, rows: NDArray[np.int64]) -> NumpyData:
        """Take some of them."""
        return NumpyData(*(values[rows] for values in self))

    def parts(self, kernel_length: int, n_kernels: int) -> Iterator[slice]:
        """Slices of few enough sequences for `n_kernels`, counted on all strands."""
        cells = self.X.shape[1] * (kernel_length * self.X.shape[2] + 3 * n_kernels)
        step = max(1, _CELLS_AT_ONCE // cells)
        return (slice(start, start + step) for start in range(0, len(self.X), step))


class _Weights(NamedTuple):
    """The weights of a network, or their gradient, as views into one vector, so that Adam needs one step for all."""

    vector: NDArray[np.float32]
    kernels: NDArray[np.float32]
    kernel_bias: NDArray[np.float32]
    dense_weights: NDArray[np.float32]
    dense_bias: NDArray[np.float32]

    @classmethod
    def zeros(cls, shape: tuple[int, int, int]) -> _Weights:
        n_cells, n_kernels = int(np.prod(shape)), shape[0]
        vector = np.zeros(n_cells + 2 * n_kernels + 1, dtype=np.float32)
        kernels, kernel_bias, dense_weights, dense_bias = np.split(vector, n_cells + n_kernels * np.arange(3))
        return cls(vector, kernels.reshape(shape), kernel_bias, dense_weights, dense_bias)

    @classmethod
    def of(cls, network: Network) -> _Weights:
        weights = cls.zeros(network.kernels.shape)
        weights.kernels[:] = network.kernels
        weights.kernel_bias[:] = network.kernel_bias
        weights.dense_weights[:] = network.dense_weights
        weights.dense_bias[:] = network.dense_bias
        return weights

    def network(self, like: Network) -> Network:
        return Network(
            self.kernels.copy(),
            self.kernel_bias.copy(),
            self.dense_weights.copy(),
            float(self.dense_bias[0]),
            like.reverse_complement,
            like.sharpness,
        )


class NumpyEngine:
    """Trains on one thread of a CPU, in float32.

    It holds the activations at all positions, as TensorFlow does. What it saves is TensorFlow's start, and the second
    or so in which TensorFlow traces each size of the network.
    """

    name = "numpy"
    n_threads = 1

    def load(
        self, X: NDArray[Any], y: NDArray[np.float32], sample_weight: NDArray[np.float32], *, overwrite_X: bool = False
    ) -> NumpyData:
        """Keep channels (n, L, C), labels and weights as float32."""
        return NumpyData(*(np.ascontiguousarray(values, dtype=np.float32) for values in (X, y, sample_weight)))

    def trainer(self, network: Network) -> NumpyTrainer:
        """Begin to train `network` with a fresh Adam."""
        return NumpyTrainer(network)

    def gradients(self, network: Network, data: NumpyData) -> tuple[float, Network]:
        """The weighted mean loss over `data` and its gradient, in the shape of a network."""
        with _one_thread():
            loss, gradient = _loss_and_gradient(_Weights.of(network), data, network, None)
        return loss / len(data.y), gradient.network(network)


class NumpyTrainer:
    """A network in training, with Adam's moments."""

    def __init__(self, network: Network) -> None:
        self._initial = network
        self._weights = _Weights.of(network)
        self._moments = np.zeros((2, len(self._weights.vector)), dtype=np.float32)
        self._n_steps = 0

    @property
    def network(self) -> Network:
        """The network as it is now."""
        return self._weights.network(self._initial)

    def epoch(
        self,
        data: NumpyData,
        order: NDArray[np.int64],
        batch_size: int,
        learning_rate: float,
        dropout: Dropout = NO_DROPOUT,
        penalty: Penalty = NO_PENALTY,
    ) -> float:
        """Run Adam once over `data` in the given order; return the mean loss seen on the way."""
        rng, loss = np.random.default_rng(dropout.seed), 0.0
        with _one_thread(), np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                kept = None
                if dropout.rate:
                    draws = rng.random((len(rows), self._initial.n_kernels), dtype=np.float32)
                    kept = np.where(draws < dropout.rate, 0, 1 / (1 - dropout.rate)).astype(np.float32)
                batch_loss, gradient = _loss_and_gradient(self._weights, data.rows(rows), self._initial, kept)
                loss += batch_loss
                self._adam_step(gradient, learning_rate, penalty)
        return loss / len(order)

    def _adam_step(self, gradient: _Weights, learning_rate: float, penalty: Penalty) -> None:
        if penalty.l1 or penalty.l2:
            for name in ("kernels", "dense_weights"):
                weight = getattr(self._weights, name)
                getattr(gradient, name)[:] += penalty.l1 * np.sign(weight) + penalty.l2 * weight
        self._n_steps += 1
        first, second = self._moments
        first += (1 - ADAM_BETA1) * (gradient.vector - first)
        second += (1 - ADAM_BETA2) * (gradient.vector * gradient.vector - second)
        rate = learning_rate * np.sqrt(1 - ADAM_BETA2**self._n_steps) / (1 - ADAM_BETA1**self._n_steps)
        self._weights.vector[:] -= np.float32(rate) * first / (np.sqrt(second) + np.float32(ADAM_EPSILON))

    def scores(self, data: NumpyData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Motif scores (len(rows), K) of those rows of `data`, as `Network.scores` has them."""
        with _one_thread():
            return self.network.scores(data.X[rows]).astype(np.float32)

    def word_sums(self, data: NumpyData, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Channels have no words: 0 for each of the rows."""
        return np.zeros(len(rows))


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def _one_thread() -> Any:
    """Keep matrix products on one thread: so the bits do not depend on how many there are."""
    return _libraries().limit(limits=1, user_api="blas")


def _loss_and_gradient(
    weights: _Weights, data: NumpyData, network: Network, kept: NDArray[np.float32] | None
) -> tuple[float, _Weights]:
    """Summed loss, and the gradient of the mean loss; `kept` (n, K) multiplies the scores. `network` tells the kind."""
    n_kernels, kernel_length, n_channels = weights.kernels.shape
    strands = [weights.kernels, *([reverse_complement_kernels(weights.kernels)] if network.reverse_complement else [])]
    kernels = np.concatenate(strands).reshape(len(strands) * n_kernels, -1)
    loss, gradient = 0.0, _Weights.zeros((n_kernels, kernel_length, n_channels))
    by_strands = np.zeros_like(kernels)
    for part in data.parts(kernel_length, len(kernels)):
        X, y, sample_weight = (values[part] for values in data)
        windows, n_counted = _windows(X, kernel_length, network.reverse_complement)
        n, n_positions, _ = windows.shape
        windows = windows.reshape(n * n_positions, -1)
        activations = (windows @ kernels.T).reshape(n, n_positions, len(strands), n_kernels)
        # Strands before positions, so that of equals the first on the given strand is the best.
        activations = activations.swapaxes(1, 2).reshape(n, -1, n_kernels)
        pooled, by_activations = _pool(activations, n_counted * len(strands), network.sharpness)
        best = pooled + weights.kernel_bias
        scores, slopes = np.maximum(best, 0), np.where(best > 0, weights.dense_weights, np.float32(0))
        if kept is not None:
            scores, slopes = scores * kept[part], slopes * kept[part]
        logits = scores @ weights.dense_weights + weights.dense_bias[0]
        loss += float(sample_weight @ (np.logaddexp(0, logits) - y * logits))
        by_logit = sample_weight * (expit(logits) - y) / np.float32(len(data.y))
        by_best = by_logit[:, None] * slopes
        gradient.kernel_bias[:] += by_best.sum(axis=0)
        gradient.dense_weights[:] += by_logit @ scores
        gradient.dense_bias[:] += by_logit.sum()
        by_activations *= by_best[:, None]
        by_activations = by_activations.reshape(n, len(strands), n_positions, n_kernels).swapaxes(1, 2)
        by_strands += by_activations.reshape(n * n_positions, -1).T @ windows
    by_strands = by_strands.reshape(len(strands), *weights.kernels.shape)
    gradient.kernels[:] += by_strands[0]
    if network.reverse_complement:
        gradient.kernels[:] += reverse_complement_kernels(by_strands[1])
    return loss, gradient


def _windows(
    X: NDArray[np.float32], kernel_length: int, reverse_complement: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Windows (n, positions, W * C) of channels as `Network.scan` fills them, and how many of them count (n,)."""
    n, length, n_channels = X.shape
    values = np.pad(X, ((0, 0), (0, max(kernel_length - length, 0)), (0, 0)))
    n_positions = values.shape[1] - kernel_length + 1
    n_counted = np.full(n, n_positions)
    if reverse_complement:
        values[~values[:, :, :4].any(axis=2), :4] = 0.25
    if n_channels >= 4:
        known = (values[:, :, :4] != 0.25).any(axis=2)
        n_known = np.lib.stride_tricks.sliding_window_view(known, kernel_length, axis=1).sum(axis=2)
        n_counted = np.maximum((2 * n_known >= kernel_length).sum(axis=1), 1)
    steps = values.strides
    return np.lib.stride_tricks.as_strided(values, (n, n_positions, kernel_length * n_channels), steps), n_counted


def _pool(
    activations: NDArray[np.float32], n_counted: NDArray[np.int64], sharpness: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pool activations (n, windows, K) to (n, K); and the derivatives by each of them."""
    if sharpness == np.inf:
        best = activations.argmax(axis=1)[:, None]
        slopes = np.zeros_like(activations)
        np.put_along_axis(slopes, best, 1, axis=1)
        return np.take_along_axis(activations, best, axis=1)[:, 0], slopes
    exponents = np.float32(sharpness) * activations
    highest = exponents.max(axis=1, keepdims=True)
    slopes = np.exp(exponents - highest)
    sums = slopes.sum(axis=1, keepdims=True)
    slopes /= sums
    log_means = (np.log(sums) + highest)[:, 0] - np.log(n_counted).astype(np.float32)[:, None]
    return log_means / np.float32(sharpness), slopes
