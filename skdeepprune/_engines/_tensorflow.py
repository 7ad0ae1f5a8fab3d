"""The TensorFlow engine: any real-valued channels, on a CPU or a GPU. The only file that imports TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdeepprune._engines._interface import (
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPSILON,
    COMPOSITION_RATE,
    NO_DROPOUT,
    NO_PENALTY,
    Dropout,
    Penalty,
)
from skdeepprune._network import BASE_SHARES, LETTER_SHARES, Network, reverse_complement_words, shared
from skdeepprune.sequences import left_justify, sequence_lengths

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf  # noqa: E402

__all__ = ["TensorFlowData", "TensorFlowEngine", "TensorFlowTrainer", "tf"]

# Sequences x positions x kernels of one forward pass when only scores are wanted.
_SCORE_CELLS = 2**25
# Multiply-adds of an epoch from which on it pays to compile with XLA, about a second for every shape of a batch.
_XLA_PAYS = 2**30
# Kernels from which on TensorFlow's own convolution is faster than XLA's.
_MANY_KERNELS = 128


class TensorFlowData(NamedTuple):
    """Sequences, labels and weights on the device; DNA stays one byte a base."""

    X: Any
    lengths: Any
    y: Any
    sample_weight: Any

    def rows(self, rows: Any) -> TensorFlowData:
        """Take some of them."""
        return TensorFlowData(*(tf.gather(values, rows) for values in self))


class _Kind(NamedTuple):
    """What graphs are traced for. Not for shapes of weights: a graph may have been traced for any."""

    reverse_complement: bool
    word_length: int


class _Step(NamedTuple):
    """Inputs of a training step besides its sequences."""

    learning_rate: Any
    dropout: Any
    seed: Any
    penalty: Penalty


class TensorFlowEngine:
    """Trains with whole epochs inside one compiled graph.

    The gradient of a global maximum reaches one window per kernel and sequence, so its backward pass gathers the
    winning windows instead of differentiating the convolution, as it does where all windows are pooled.
    """

    name = "tensorflow"
    n_threads = 1

    def load(
        self, X: NDArray[Any], y: NDArray[np.float32], sample_weight: NDArray[np.float32], *, overwrite_X: bool = False
    ) -> TensorFlowData:
        """Put codes (n, L) or channels (n, L, C), labels and weights on the device."""
        is_dna = X.ndim == 2
        X = left_justify(X)[0] if is_dna else X
        lengths = sequence_lengths(X) if is_dna else np.full(len(X), X.shape[1])
        return TensorFlowData(
            X=tf.constant(X, dtype=tf.uint8 if is_dna else tf.float32),
            lengths=tf.constant(lengths, dtype=tf.int32),
            y=tf.constant(y, dtype=tf.float32),
            sample_weight=tf.constant(sample_weight, dtype=tf.float32),
        )

    def trainer(self, network: Network) -> TensorFlowTrainer:
        """Begin to train `network` with a fresh Adam."""
        return TensorFlowTrainer(network)

    def gradients(self, network: Network, data: TensorFlowData) -> tuple[float, Network]:
        """The weighted mean loss over `data` and its gradient, in the shape of a network."""
        kind = _Kind(network.reverse_complement, network.word_length)
        loss_sum, gradients = _loss_and_gradients(_weights(network), data, tf.constant(1.0), kind, network.sharpness)
        gradients = *gradients[:4], _tied_words(gradients[4], kind)
        return float(loss_sum) / len(data.y), _network(gradients, network.reverse_complement, network.sharpness)


class TensorFlowTrainer:
    """A network in training on the device."""

    def __init__(self, network: Network) -> None:
        self._kind = _Kind(network.reverse_complement, network.word_length)
        self._sharpness = network.sharpness
        # What is trained of the words are the weights that they share.
        unshared = shared(network.composition, network.word_length, inverse=True)
        self._weights = _weights(replace(network, composition=unshared))
        self._moments = tuple(tf.zeros_like(weight) for weight in 2 * self._weights)
        self._n_steps = tf.constant(0, dtype=tf.int32)

    @property
    def network(self) -> Network:
        """The network as it is now."""
        weights = _with_shared_words(self._weights, self._kind.word_length)
        return _network(weights, self._kind.reverse_complement, self._sharpness)

    def epoch(
        self,
        data: TensorFlowData,
        order: NDArray[np.int64],
        batch_size: int,
        learning_rate: float,
        dropout: Dropout = NO_DROPOUT,
        penalty: Penalty = NO_PENALTY,
    ) -> float:
        """Run Adam once over `data` in the given order; return the mean loss seen on the way."""
        kernels = self._weights[0]
        multiply_adds = len(order) * data.X.shape[1] * int(tf.size(kernels)) * (1 + self._kind.reverse_complement)
        step = _Step(
            tf.constant(learning_rate, dtype=tf.float32),
            tf.constant(dropout.rate, dtype=tf.float32),
            tf.constant(dropout.seed, dtype=tf.int64),
            Penalty(*(tf.constant(strength, dtype=tf.float32) for strength in penalty)),
        )
        loss_sum, self._weights, self._moments, self._n_steps = _epoch(
            self._adam_step(multiply_adds),
            self._weights,
            self._moments,
            self._n_steps,
            data,
            tf.constant(order, dtype=tf.int32),
            tf.constant(batch_size, dtype=tf.int32),
            step,
            self._kind,
        )
        return float(loss_sum) / len(order)

    def _adam_step(self, multiply_adds: int) -> Any:
        """Choose what XLA compiles: nothing, the step, or, next to a large convolution, the gradient alone."""
        if self._sharpness < np.inf:
            return _adam_step_pooled(self._sharpness)
        if multiply_adds < _XLA_PAYS:
            return _adam_step
        n_kernels = self._weights[0].shape[0] * (1 + self._kind.reverse_complement)
        return _adam_step_xla if n_kernels < _MANY_KERNELS else _adam_step_xla_gradient

    def scores(self, data: TensorFlowData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Motif scores (len(rows), K) of those rows of `data`."""
        n_kernels = self._weights[0].shape[0]
        step, parts = max(1, _SCORE_CELLS // (data.X.shape[1] * n_kernels)), [np.empty((0, n_kernels), np.float32)]
        for start in range(0, len(rows), step):
            chunk = tf.constant(rows[start : start + step], dtype=tf.int32)
            X, lengths = tf.gather(data.X, chunk), tf.gather(data.lengths, chunk)
            parts.append(_scores(self._weights, X, lengths, self._kind.reverse_complement, self._sharpness).numpy())
        return np.concatenate(parts)

    def word_sums(self, data: TensorFlowData, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-odds by composition (len(rows),) of those rows of `data`."""
        step = max(1, _SCORE_CELLS // data.X.shape[1])
        n_letters, parts = self._kind.word_length, [np.empty(0)]
        composition = _with_shared_words(self._weights, n_letters)[4]
        for start in range(0, len(rows), step):
            chunk = tf.constant(rows[start : start + step], dtype=tf.int32)
            X, lengths = tf.gather(data.X, chunk), tf.gather(data.lengths, chunk)
            parts.append(_sums_of_words(composition, n_letters, X, lengths).numpy().astype(np.float64))
        return np.concatenate(parts)


def _weights(network: Network) -> tuple[Any, ...]:
    return tuple(
        tf.constant(values, dtype=tf.float32)
        for values in (
            network.kernels,
            network.kernel_bias,
            network.dense_weights,
            network.dense_bias,
            network.composition,
        )
    )


def _network(weights: tuple[Any, ...], reverse_complement: bool, sharpness: float = np.inf) -> Network:
    kernels, kernel_bias, dense_weights, dense_bias, composition = (weight.numpy() for weight in weights)
    return Network(kernels, kernel_bias, dense_weights, float(dense_bias), reverse_complement, sharpness, composition)


def _channels(X: Any, kernel_length: Any, reverse_complement: bool) -> Any:
    """Sequences as float32 channels, at least one kernel long; of DNA an unknown base is a quarter of each."""
    missing = tf.maximum(kernel_length - tf.shape(X)[1], 0)
    if X.dtype == tf.uint8:
        return tf.gather(BASE_SHARES, tf.cast(tf.pad(X, [[0, 0], [0, missing]], constant_values=4), tf.int32))
    values = tf.pad(X, [[0, 0], [0, missing], [0, 0]])
    if not reverse_complement:
        return values
    unknown = tf.reduce_all(values[:, :, :4] == 0, axis=2, keepdims=True)
    return tf.concat([tf.where(unknown, 0.25, values[:, :, :4]), values[:, :, 4:]], axis=2)


def _with_shared_words(weights: tuple[Any, ...], n_letters: int) -> tuple[Any, ...]:
    """Weights of which those of the words are shared, as by `shared`."""
    if not n_letters:
        return weights
    composition = _share_letters(weights[4], n_letters)
    return *weights[:4], composition - tf.reduce_mean(composition)


def _gradient_of_shared_words(gradients: tuple[Any, ...], kind: _Kind) -> tuple[Any, ...]:
    """The gradient by what is trained of the words, from that by their weights."""
    if not kind.word_length:
        return gradients
    by_trained = _share_letters(gradients[4] - tf.reduce_mean(gradients[4]), kind.word_length)
    return *gradients[:4], _tied_words(by_trained, kind)


def _tied_words(gradient: Any, kind: _Kind) -> Any:
    """The gradient where a word and its reverse complement have one weight."""
    if not (kind.reverse_complement and kind.word_length):
        return gradient
    other = reverse_complement_words(kind.word_length)
    return gradient + tf.where(other == np.arange(len(other)), 0.0, tf.gather(gradient, other))


def _share_letters(weights: Any, n_letters: int) -> Any:
    table = tf.reshape(weights, [4] * n_letters)
    for _ in range(n_letters):
        table = tf.tensordot(table, tf.constant(LETTER_SHARES, tf.float32), axes=[[0], [0]])
    return tf.reshape(table, [-1])


def _words(X: Any, lengths: Any, n_letters: int) -> tuple[Any, Any]:
    """The number of the word that starts at every position, in an alphabet of five, and whether it is inside."""
    codes = tf.cast(tf.pad(X, [[0, 0], [0, n_letters - 1]], constant_values=4), tf.int32)
    width = tf.shape(X)[1]
    number = tf.add_n([codes[:, j : j + width] * 5 ** (n_letters - 1 - j) for j in range(n_letters)])
    return number, tf.range(width) <= lengths[:, None] - n_letters


def _word_sums(composition: Any, n_letters: int, X: Any, lengths: Any) -> Any:
    """Sum of the weights of all words (B,)."""
    if not n_letters:
        return tf.zeros(tf.shape(X)[:1])
    table = tf.reshape(composition, [4] * n_letters)
    for _ in range(n_letters):  # as `with_unknown_bases`
        table = tf.tensordot(table, BASE_SHARES, axes=[[0], [1]])
    number, inside = _words(X, lengths, n_letters)
    return tf.reduce_sum(tf.where(inside, tf.gather(tf.reshape(table, [-1]), number), 0.0), axis=1)


_sums_of_words = tf.function(_word_sums, reduce_retracing=True)


def _composition_gradient(n_letters: int, X: Any, lengths: Any, by_logit: Any) -> Any:
    """The derivative by the words' weights (4**n,), as if none were tied."""
    if not n_letters:
        return tf.zeros([0])
    number, inside = _words(X, lengths, n_letters)
    slopes = tf.where(inside, by_logit[:, None], 0.0)
    table = tf.math.unsorted_segment_sum(tf.reshape(slopes, [-1]), tf.reshape(number, [-1]), 5**n_letters)
    table = tf.reshape(table, [5] * n_letters)
    for _ in range(n_letters):
        table = tf.tensordot(table, BASE_SHARES, axes=[[0], [0]])
    return tf.reshape(table, [-1])


def _activations(kernels: Any, values: Any, lengths: Any, reverse_complement: bool) -> Any:
    """Activations (B, positions, K), or 2 K of them for both strands, without the bias; -inf beyond the ends."""
    kernel_length = tf.shape(kernels)[1]
    if reverse_complement:
        kernels = tf.concat([kernels, _reverse_complement(kernels)], axis=0)
    activations = tf.nn.conv1d(values, tf.transpose(kernels, [1, 2, 0]), stride=1, padding="VALID")
    positions = tf.range(tf.shape(activations)[1])
    beyond = (positions > (lengths - kernel_length)[:, None]) & (positions > 0)
    return tf.where(beyond[:, :, None], -np.inf, activations)


def _pooled(kernels: Any, values: Any, lengths: Any, reverse_complement: bool, sharpness: float) -> Any:
    """Log-mean-exp (B, K) of the activations, without the bias; the mean over windows half of which is known."""
    activations = _activations(kernels, values, lengths, reverse_complement)
    by_strand = tf.reshape(activations, [tf.shape(values)[0], -1, tf.shape(kernels)[0]])
    width, n_strands = tf.shape(kernels)[1], 1 + reverse_complement
    windows = tf.range(tf.shape(activations)[1]) <= tf.maximum(lengths - width, 0)[:, None]
    known = tf.reduce_any(values[:, :, :4] != 0.25, axis=2) | (tf.shape(values)[2] < 4)
    sums = tf.cumsum(tf.pad(tf.cast(known, tf.int32), [[0, 0], [1, 0]]), axis=1)
    windows &= 2 * (sums[:, width:] - sums[:, :-width]) >= width
    counts = tf.maximum(tf.reduce_sum(tf.cast(windows, tf.float32), axis=1), 1.0)
    return (tf.reduce_logsumexp(sharpness * by_strand, axis=1) - tf.math.log(n_strands * counts)[:, None]) / sharpness


def _best_windows(
    weights: tuple[Any, ...], values: Any, lengths: Any, reverse_complement: bool
) -> tuple[Any, Any, Any]:
    """Best activation (B, K), its position, and whether it was read on the other strand."""
    kernels, kernel_bias = weights[:2]
    n_kernels = tf.shape(kernels)[0]
    activations = _activations(kernels, values, lengths, reverse_complement)
    best = tf.reduce_max(activations, axis=1)
    position = tf.argmax(activations, axis=1, output_type=tf.int32)
    reverse = tf.zeros([tf.shape(values)[0], n_kernels], dtype=tf.bool)
    if reverse_complement:
        reverse = best[:, n_kernels:] > best[:, :n_kernels]
        best = tf.where(reverse, best[:, n_kernels:], best[:, :n_kernels])
        position = tf.where(reverse, position[:, n_kernels:], position[:, :n_kernels])
    return best + kernel_bias, position, reverse


def _reverse_complement(kernels: Any) -> Any:
    """Turn the last two axes, positions and channels; only A, C, G, T have complements."""
    flipped = tf.reverse(kernels, axis=[-2])
    return tf.concat([tf.reverse(flipped[..., :4], axis=[-1]), flipped[..., 4:]], axis=-1)


def _kernel_gradient(
    kernels: Any, values: Any, position: Any, reverse: Any, by_best: Any, reverse_complement: bool
) -> Any:
    """Sum the winning windows of every kernel, weighted by the derivatives of their sequences."""
    windows = tf.gather(values, position[:, :, None] + tf.range(tf.shape(kernels)[1]), batch_dims=1)
    if reverse_complement:
        windows = tf.where(reverse[:, :, None, None], _reverse_complement(windows), windows)
    return tf.einsum("bk,bkwc->kwc", by_best, windows)


_kernel_gradient_xla = tf.function(_kernel_gradient, jit_compile=True, reduce_retracing=True)


def _loss_and_gradients(
    weights: tuple[Any, ...],
    data: TensorFlowData,
    kept: Any,
    kind: _Kind,
    sharpness: float = np.inf,
    kernel_gradient: Any = _kernel_gradient,
) -> tuple[Any, tuple[Any, ...]]:
    """Summed loss, and the gradient of the mean loss by every weight. `kept` multiplies the scores."""
    kernels, kernel_bias, dense_weights, dense_bias, composition = weights
    reverse_complement, n_letters = kind
    values = _channels(data.X, tf.shape(kernels)[1], reverse_complement)
    if sharpness == np.inf:
        best, position, reverse = _best_windows(weights, values, data.lengths, reverse_complement)
    else:
        with tf.GradientTape() as tape:
            tape.watch(kernels)
            pooled = _pooled(kernels, values, data.lengths, reverse_complement, sharpness)
        best = pooled + kernel_bias
    scores = kept * tf.nn.relu(best)
    word_sums = _word_sums(composition, n_letters, data.X, data.lengths)
    logits = tf.linalg.matvec(scores, dense_weights) + word_sums + dense_bias
    losses = data.sample_weight * tf.nn.sigmoid_cross_entropy_with_logits(labels=data.y, logits=logits)

    n_rows = tf.cast(tf.shape(data.y)[0], tf.float32)
    by_logit = data.sample_weight * (tf.sigmoid(logits) - data.y) / n_rows
    by_best = tf.where(best > 0, kept * by_logit[:, None] * dense_weights, 0.0)
    if sharpness == np.inf:
        by_kernels = kernel_gradient(kernels, values, position, reverse, by_best, reverse_complement)
    else:
        by_kernels = tape.gradient(pooled, kernels, output_gradients=by_best)
    gradients = (
        by_kernels,
        tf.reduce_sum(by_best, axis=0),
        tf.linalg.matvec(scores, by_logit, transpose_a=True),
        tf.reduce_sum(by_logit),
        _composition_gradient(n_letters, data.X, data.lengths, by_logit),
    )
    return tf.reduce_sum(losses), gradients


@tf.function(reduce_retracing=True)
def _scores(weights: tuple[Any, ...], X: Any, lengths: Any, reverse_complement: bool, sharpness: float) -> Any:
    kernels, kernel_bias = weights[:2]
    values = _channels(X, tf.shape(kernels)[1], reverse_complement)
    if sharpness < np.inf:
        return tf.nn.relu(_pooled(kernels, values, lengths, reverse_complement, sharpness) + kernel_bias)
    best, _, _ = _best_windows(weights, values, lengths, reverse_complement)
    return tf.nn.relu(best)


def _adam_step(
    weights: tuple[Any, ...],
    moments: tuple[Any, ...],
    n_steps: Any,
    data: TensorFlowData,
    step: _Step,
    kept: Any,
    kind: _Kind,
    sharpness: float = np.inf,
    kernel_gradient: Any = _kernel_gradient,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    loss_sum, gradients = _loss_and_gradients(
        _with_shared_words(weights, kind.word_length), data, kept, kind, sharpness, kernel_gradient
    )
    by_trained = _gradient_of_shared_words(gradients, kind)
    return loss_sum, *_adam(weights, moments, by_trained, n_steps, step)


def _adam(
    weights: tuple[Any, ...], moments: tuple[Any, ...], gradients: tuple[Any, ...], n_steps: Any, step: _Step
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Update weights and moments by the gradients and the penalty: first all first moments, then all second ones."""
    n_weights, penalty = len(weights), step.penalty
    kernels, _, dense_weights, _, composition = weights
    pull = (
        penalty.l1 * tf.sign(kernels) + penalty.l2 * kernels,
        0.0,
        penalty.l1 * tf.sign(dense_weights) + penalty.l2 * dense_weights,
        0.0,
        penalty.words * composition,
    )
    gradients = tuple(gradient + more for gradient, more in zip(gradients, pull, strict=True))
    first = tuple(ADAM_BETA1 * m + (1 - ADAM_BETA1) * g for m, g in zip(moments[:n_weights], gradients, strict=True))
    second = tuple(
        ADAM_BETA2 * v + (1 - ADAM_BETA2) * g * g for v, g in zip(moments[n_weights:], gradients, strict=True)
    )
    time = tf.cast(n_steps, tf.float32)
    rate = step.learning_rate * tf.sqrt(1 - ADAM_BETA2**time) / (1 - ADAM_BETA1**time)
    rates = rate, rate, rate, rate, COMPOSITION_RATE * rate
    weights = tuple(
        weight - rate * m / (tf.sqrt(v) + ADAM_EPSILON)
        for weight, rate, m, v in zip(weights, rates, first, second, strict=True)
    )
    return weights, first + second


_adam_step_xla = tf.function(_adam_step, jit_compile=True, reduce_retracing=True)
_adam_step_xla_gradient = partial(_adam_step, kernel_gradient=_kernel_gradient_xla)


@lru_cache
def _adam_step_pooled(sharpness: float) -> Callable[..., Any]:
    """Give the same function for the same sharpness, so that TensorFlow traces it once."""
    return partial(_adam_step, sharpness=sharpness)


def _kept_scores(shape: Any, dropout: Any, seed: Any) -> Any:
    """Draw what to multiply scores with: 0 with probability `dropout`, otherwise 1 / (1 - dropout)."""

    def draw() -> Any:
        return tf.where(tf.random.stateless_uniform(shape, seed) < dropout, 0.0, 1 / (1 - dropout))

    return tf.cond(dropout > 0, draw, lambda: tf.ones(shape))


@tf.function(reduce_retracing=True)
def _epoch(
    adam_step: Any,
    weights: tuple[Any, ...],
    moments: tuple[Any, ...],
    n_steps: Any,
    data: TensorFlowData,
    order: Any,
    batch_size: Any,
    step: _Step,
    kind: _Kind,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...], Any]:
    loss_sum = tf.constant(0.0)
    for start in tf.range(0, tf.shape(order)[0], batch_size):
        rows = order[start : start + batch_size]
        n_steps += 1
        shape, seed = [tf.shape(rows)[0], tf.shape(weights[2])[0]], [step.seed, tf.cast(n_steps, tf.int64)]
        # A single kernel would otherwise be broadcast to an unknown number.
        kept = tf.ensure_shape(_kept_scores(shape, step.dropout, seed), [None, weights[2].shape[0]])
        batch_loss, weights, moments = adam_step(weights, moments, n_steps, data.rows(rows), step, kept, kind)
        loss_sum += batch_loss
    return loss_sum, weights, moments, n_steps
