"""A TensorFlow engine with pooling of the best windows and leaky activations, for trials of search.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdeepprune._engines._tensorflow import (
    TensorFlowData,
    TensorFlowEngine,
    TensorFlowTrainer,
    _adam,
    _channels,
    _Kind,
    _reverse_complement,
    _Step,
    tf,
)
from skdeepprune._network import Network


class Pooling(NamedTuple):
    """How a kernel's activations become its motif score.

    Attributes
    ----------
    slope : float
        Slope of the activation below zero.
    sharpness : float
        m of log(sum(exp(m a))) / m over the positions of both strands. Infinity means the maximum.
    n_windows : int or None
        Number of best windows to pool. None means all.
    soft : bool
        Whether to use the softplus log(1 + exp(m z)) / m instead of the ReLU; `sharpness` must be finite.
    """

    slope: float = 0.0
    sharpness: float = np.inf
    n_windows: int | None = None
    soft: bool = False


class PoolingEngine(TensorFlowEngine):
    """Trains networks with a different pooling; the results are their kernels and dense layers."""

    def __init__(self, pooling: Pooling) -> None:
        self._pooling = pooling

    def trainer(self, network: Network) -> PoolingTrainer:
        return PoolingTrainer(network, self._pooling)


class PoolingTrainer(TensorFlowTrainer):
    """A network with a different pooling in training."""

    def __init__(self, network: Network, pooling: Pooling) -> None:
        super().__init__(network)
        self._pooling = pooling

    def _adam_step(self, multiply_adds: int) -> Any:
        return _adam_step_of(self._pooling)

    def scores(self, data: TensorFlowData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        parts = []
        for chunk in np.array_split(rows, -(-len(rows) // 1024)):
            X, lengths = tf.gather(data.X, chunk), tf.gather(data.lengths, chunk)
            parts.append(_scores_of(self._pooling)(self._weights, X, lengths, self._kind.reverse_complement).numpy())
        return np.concatenate(parts)


def _scores(pooling: Pooling, weights: tuple[Any, ...], X: Any, lengths: Any, reverse_complement: bool) -> Any:
    kernels, kernel_bias = weights[:2]
    kernel_length = tf.shape(kernels)[1]
    values = _channels(X, kernel_length, reverse_complement)
    strands = [kernels, _reverse_complement(kernels)] if reverse_complement else [kernels]
    activations = tf.concat(
        [tf.nn.conv1d(values, tf.transpose(strand, [1, 2, 0]), stride=1, padding="VALID") for strand in strands], axis=1
    )
    positions = tf.tile(tf.range(tf.shape(values)[1] - kernel_length + 1), [len(strands)])
    beyond = (positions > (lengths - kernel_length)[:, None]) & (positions > 0)
    activations = tf.where(beyond[:, :, None], -1e9, activations)
    if pooling.n_windows is not None:
        activations = tf.transpose(activations, [0, 2, 1])
        activations = tf.transpose(tf.math.top_k(activations, pooling.n_windows, sorted=False).values, [0, 2, 1])
    if pooling.sharpness == np.inf:
        pooled = tf.reduce_max(activations, axis=1)
    else:
        pooled = tf.reduce_logsumexp(pooling.sharpness * activations, axis=1) / pooling.sharpness
    pooled += kernel_bias
    if pooling.soft:
        return tf.math.softplus(pooling.sharpness * pooled) / pooling.sharpness
    return tf.maximum(pooled, pooling.slope * pooled)


@lru_cache
def _scores_of(pooling: Pooling) -> Callable[..., Any]:
    return tf.function(partial(_scores, pooling), reduce_retracing=True)


@lru_cache
def _adam_step_of(pooling: Pooling) -> Callable[..., Any]:
    """Return the same function for the same pooling, so that TensorFlow traces it once."""
    return partial(_adam_step, pooling)


def _adam_step(
    pooling: Pooling,
    weights: tuple[Any, ...],
    moments: tuple[Any, ...],
    n_steps: Any,
    data: TensorFlowData,
    step: _Step,
    kept: Any,
    kind: _Kind,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    with tf.GradientTape() as tape:
        tape.watch(weights)
        scores = kept * _scores(pooling, weights, data.X, data.lengths, kind.reverse_complement)
        logits = tf.linalg.matvec(scores, weights[2]) + weights[3]
        losses = data.sample_weight * tf.nn.sigmoid_cross_entropy_with_logits(labels=data.y, logits=logits)
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return tf.reduce_sum(losses), *_adam(weights, moments, gradients, n_steps, step)
