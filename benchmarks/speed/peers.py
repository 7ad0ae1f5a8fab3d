"""Keras and plain TensorFlow, for comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

# In addition to the environment variables in `run.py`, which not all thread pools of TensorFlow read.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def keras_network(n_kernels: int, kernel_length: int, length: int, learning_rate: float) -> keras.Model:
    """The network as a user would write it in Keras."""
    model = keras.Sequential(
        [
            keras.layers.Input((length, 4)),
            keras.layers.Conv1D(n_kernels, kernel_length),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.ReLU(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(learning_rate), "binary_crossentropy")
    return model


def keras_epochs(
    X: NDArray[np.float32],
    y: NDArray[np.float32],
    n_kernels: int,
    kernel_length: int,
    batch_size: int,
    learning_rate: float,
    n_epochs: int,
) -> Callable[[], object]:
    """Make a function that calls `fit` with `n_epochs` epochs."""
    model = keras_network(n_kernels, kernel_length, X.shape[1], learning_rate)
    return lambda: model.fit(X, y, batch_size=batch_size, epochs=n_epochs, verbose=0)


def keras_deep_prune(
    X: NDArray[np.float32],
    y: NDArray[np.float32],
    sizes: Sequence[int],
    *,
    kernel_length: int,
    batch_size: int,
    max_iter: int,
    patience: int,
    learning_rate: float,
    decay: float,
    seed: int,
) -> tuple[keras.Model, int]:
    """Train, copy the kernels with the largest absolute dense weights to a new model, train again.

    Returns
    -------
    model : keras.Model
        The final model.
    n_epochs : int
        Total over all sizes.
    """
    keras.utils.set_random_seed(seed)
    rows = np.random.default_rng(seed).permutation(len(X))
    held_out, rows = rows[: len(X) // 10], rows[len(X) // 10 :]
    training, validation = (X[rows], y[rows]), (X[held_out], y[held_out])
    model, n_epochs = keras_network(sizes[0], kernel_length, X.shape[1], learning_rate), 0
    for stage, size in enumerate(sizes):
        if stage > 0:
            kernels, kernel_bias, dense, dense_bias = model.get_weights()
            kept = np.sort(np.argsort(-np.abs(dense[:, 0]), kind="stable")[:size])
            model = keras_network(size, kernel_length, X.shape[1], learning_rate / decay**stage)
            model.set_weights([kernels[:, :, kept], kernel_bias[kept], dense[kept], dense_bias])
        stopping = keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
        history = model.fit(
            *training,
            batch_size=batch_size,
            epochs=max_iter,
            validation_data=validation,
            callbacks=[stopping],
            verbose=0,
        )
        n_epochs += len(history.epoch)
    return model, n_epochs


def tensorflow_epoch(
    X: NDArray[np.float32],
    y: NDArray[np.float32],
    n_kernels: int,
    kernel_length: int,
    batch_size: int,
    learning_rate: float,
    *,
    xla: bool,
) -> Callable[[], float]:
    """Make a function that trains one epoch, each batch's gather, forward pass, tape and Adam in one compiled step."""
    X, y = tf.constant(X), tf.constant(y)
    initialise = keras.initializers.GlorotUniform(seed=0)
    weights = [
        tf.Variable(values)
        for values in (
            initialise((kernel_length, 4, n_kernels)),
            tf.zeros(n_kernels),
            initialise((n_kernels, 1)),
            tf.zeros(1),
        )
    ]
    moments = [(tf.Variable(tf.zeros_like(weight)), tf.Variable(tf.zeros_like(weight))) for weight in weights]
    time = tf.Variable(0.0)

    @tf.function(jit_compile=xla, reduce_retracing=True)
    def step(rows: Any) -> Any:
        labels = tf.gather(y, rows)
        with tf.GradientTape() as tape:
            kernels, kernel_bias, dense, dense_bias = weights
            activations = tf.nn.conv1d(tf.gather(X, rows), kernels, stride=1, padding="VALID")
            scores = tf.nn.relu(tf.reduce_max(activations, axis=1) + kernel_bias)
            logits = (scores @ dense)[:, 0] + dense_bias
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))
        time.assign_add(1.0)
        rate = learning_rate * tf.sqrt(1 - 0.999**time) / (1 - 0.9**time)
        for weight, (first, second), slope in zip(weights, moments, tape.gradient(loss, weights), strict=True):
            first.assign_add(0.1 * (slope - first))
            second.assign_add(0.001 * (slope * slope - second))
            weight.assign_sub(rate * first / (tf.sqrt(second) + 1e-7))
        return loss

    rng = np.random.default_rng(0)

    def epoch() -> float:
        order = tf.constant(rng.permutation(len(y)))
        losses = [step(order[start : start + batch_size]) for start in range(0, len(order), batch_size)]
        return float(tf.add_n(losses)) / len(losses)

    return epoch
