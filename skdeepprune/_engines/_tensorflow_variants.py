"""The TensorFlow engine for other one-layer networks: expectation pooling, circular filters, or both."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdeepprune._engines._tensorflow import (
    _SCORE_CELLS,
    TensorFlowData,
    TensorFlowEngine,
    TensorFlowTrainer,
    _adam,
    _channels,
    _Kind,
    _network,
    _weights,
    tf,
)
from skdeepprune._engines._tensorflow import _loss_and_gradients as _loss_and_gradients_of_maxima
from skdeepprune._network import Network


class Variant(NamedTuple):
    """What is other than in the network of the method.

    Attributes
    ----------
    sharpness : float or None
        m of expectation pooling. None pools by the maximum.
    window : int
        Positions of which the maximum is taken before expectation pooling.
    circular : bool
        Whether the kernels are tied: W in a row are the W rotations of one filter, each beginning one position later.
    """

    sharpness: float | None
    window: int
    circular: bool


class TensorFlowVariantEngine(TensorFlowEngine):
    """Trains a variant. A network with circular filters is one whose kernels begin as rotations and stay so."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant

    def trainer(self, network: Network) -> TensorFlowVariantTrainer:
        """Begin to train `network` with a fresh Adam."""
        return TensorFlowVariantTrainer(network, self._variant)

    def gradients(self, network: Network, data: TensorFlowData) -> tuple[float, Network]:
        """The weighted mean loss over `data` and its gradient: of tied kernels by what they share."""
        loss_sum, gradients = _loss_and_gradients(self._variant, _weights(network), data, tf.constant(1.0))
        return float(loss_sum) / len(data.y), _network(gradients, reverse_complement=False)


class TensorFlowVariantTrainer(TensorFlowTrainer):
    """A variant in training on the device."""

    def __init__(self, network: Network, variant: Variant) -> None:
        super().__init__(network)
        self._variant = variant

    def _adam_step(self, multiply_adds: int) -> Any:
        return _adam_step_of(self._variant)

    def scores(self, data: TensorFlowData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Pooled activations (len(rows), K) of those rows of `data`."""
        if self._variant.sharpness is None:
            return super().scores(data, rows)
        sharpness, window = tf.constant(self._variant.sharpness, tf.float32), tf.constant(self._variant.window)
        n_kernels = self._weights[0].shape[0]
        step, parts = max(1, _SCORE_CELLS // (data.X.shape[1] * n_kernels)), [np.empty((0, n_kernels), np.float32)]
        for start in range(0, len(rows), step):
            chunk = tf.constant(rows[start : start + step], dtype=tf.int32)
            X, lengths = tf.gather(data.X, chunk), tf.gather(data.lengths, chunk)
            parts.append(_expectations(self._weights, X, lengths, sharpness, window).numpy())
        return np.concatenate(parts)


@tf.function(reduce_retracing=True)
def _expectations(weights: tuple[Any, ...], X: Any, lengths: Any, sharpness: Any, window: Any) -> Any:
    """Expectation pooling (B, K): the mean of the windows' maxima a, weighted by exp(m a)."""
    kernels, kernel_bias = weights[:2]
    n_kernels, kernel_length, _ = tf.unstack(tf.shape(kernels))
    values = _channels(X, kernel_length, False)
    activations = tf.nn.conv1d(values, tf.transpose(kernels, [1, 2, 0]), stride=1, padding="VALID")
    activations = tf.nn.relu(activations + kernel_bias)
    positions = tf.range(tf.shape(activations)[1])
    beyond = (positions > (lengths - kernel_length)[:, None]) & (positions > 0)
    activations = tf.where(beyond[:, :, None], -np.inf, activations)
    missing = -tf.shape(activations)[1] % window
    activations = tf.pad(activations, [[0, 0], [0, missing], [0, 0]], constant_values=-np.inf)
    best = tf.reduce_max(tf.reshape(activations, [tf.shape(X)[0], -1, window, n_kernels]), axis=2)
    shares = tf.nn.softmax(sharpness * best, axis=1)
    return tf.reduce_sum(shares * tf.nn.relu(best), axis=1)  # the ReLU makes 0 of -inf


def _loss_and_gradients(
    variant: Variant, weights: tuple[Any, ...], data: TensorFlowData, kept: Any
) -> tuple[Any, tuple[Any, ...]]:
    """Summed loss, and the gradient of the mean loss by every weight."""
    if variant.sharpness is None:
        loss_sum, gradients = _loss_and_gradients_of_maxima(
            weights, data, kept, _Kind(reverse_complement=False, word_length=0)
        )
    else:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            scores = kept * _expectations(weights, data.X, data.lengths, variant.sharpness, variant.window)
            logits = tf.linalg.matvec(scores, weights[2]) + weights[3]
            losses = data.sample_weight * tf.nn.sigmoid_cross_entropy_with_logits(labels=data.y, logits=logits)
            loss = tf.reduce_mean(losses)
        loss_sum = tf.reduce_sum(losses)
        gradients = tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    if variant.circular:
        gradients = _tied(gradients[0]), *gradients[1:]
    return loss_sum, gradients


def _tied(gradient: Any) -> Any:
    """Sum the gradients of the rotations of a filter, place by place, and give the sum to all of them."""
    n_kernels, kernel_length, n_channels = tf.unstack(tf.shape(gradient))
    places = tf.range(kernel_length)
    # Place j of the filter is place j - r of its rotation r.
    where = places[:, None] * kernel_length + (places - places[:, None]) % kernel_length
    by_rotation = tf.reshape(gradient, [-1, kernel_length * kernel_length, n_channels])
    by_filter = tf.reduce_sum(tf.gather(by_rotation, where, axis=1), axis=1)
    tied = tf.gather(by_filter, (places + places[:, None]) % kernel_length, axis=1)
    return tf.reshape(tied, [n_kernels, kernel_length, n_channels])


@lru_cache
def _adam_step_of(variant: Variant) -> Callable[..., Any]:
    """Give the same function for the same variant, so that TensorFlow traces it once."""
    return partial(_adam_step, variant)


def _adam_step(
    variant: Variant,
    weights: tuple[Any, ...],
    moments: tuple[Any, ...],
    n_steps: Any,
    data: TensorFlowData,
    step: Any,
    kept: Any,
    kind: _Kind,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    loss_sum, gradients = _loss_and_gradients(variant, weights, data, kept)
    return loss_sum, *_adam(weights, moments, gradients, n_steps, step)
