"""Ways to scan and differentiate in TensorFlow: convolution, matrix product or table look-ups; with and without XLA.

    python benchmarks/speed/tensorflow_ways.py

One batch of 256 sequences of 101 bp, kernel length 24, one thread on a CPU (or the GPU if there is one). Results
are median milliseconds for the 21 batches of an epoch, written to benchmarks/results/tensorflow_ways.csv.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

N, L, W, BATCHES, REPEATS = 256, 101, 24, 21, 7
P = L - W + 1
RESULTS = Path(__file__).parents[1] / "results" / "tensorflow_ways.csv"


def best(activations: Any) -> tuple[Any, Any]:
    return tf.reduce_max(activations, 1), tf.argmax(activations, 1, output_type=tf.int32)


def windows(codes: Any) -> Any:
    cells = tf.range(P)[:, None] * 4 + tf.range(W * 4)
    return tf.reshape(tf.gather(tf.reshape(tf.one_hot(codes, 4), [N, L * 4]), cells, axis=1), [N * P, W * 4])


def scan_by_convolution(codes: Any, kernels: Any) -> tuple[Any, Any]:
    return best(tf.nn.conv1d(tf.one_hot(codes, 4), tf.transpose(kernels, [1, 2, 0]), 1, "VALID"))


def scan_by_matrix_product(codes: Any, kernels: Any) -> tuple[Any, Any]:
    flat = tf.reshape(kernels, [-1, W * 4])
    return best(tf.reshape(tf.matmul(windows(codes), flat, transpose_b=True), [N, P, -1]))


def scan_by_tables(codes: Any, kernels: Any) -> tuple[Any, Any]:
    letters = tf.cast(codes, tf.int32)
    words = letters[:, :-3] * 64 + letters[:, 1:-2] * 16 + letters[:, 2:-1] * 4 + letters[:, 3:]
    quads = tf.reshape(kernels, [-1, W // 4, 4, 4])
    tables = (
        quads[:, :, 0, :, None, None, None]
        + quads[:, :, 1, None, :, None, None]
        + quads[:, :, 2, None, None, :, None]
        + quads[:, :, 3, None, None, None, :]
    )
    tables = tf.transpose(tf.reshape(tables, [-1, W // 4, 256]), [1, 2, 0])
    return best(tf.add_n([tf.gather(tables[i], words[:, 4 * i : 4 * i + P]) for i in range(W // 4)]))


def gradient_of_winners(codes: Any, position: Any, gradient: Any) -> Any:
    picked = tf.gather(tf.one_hot(codes, 4), position[:, :, None] + tf.range(W), batch_dims=1)
    return tf.einsum("bk,bkwc->kwc", gradient, picked)


def gradient_of_winners_by_segments(codes: Any, position: Any, gradient: Any) -> Any:
    n_kernels = gradient.shape[1]
    letters = tf.gather(tf.cast(codes, tf.int32), position[:, :, None] + tf.range(W), batch_dims=1)
    cells = (tf.range(n_kernels)[:, None] * W + tf.range(W)) * 4 + letters
    values = tf.broadcast_to(gradient[:, :, None], [N, n_kernels, W])
    return tf.math.unsorted_segment_sum(tf.reshape(values, [-1]), tf.reshape(cells, [-1]), n_kernels * W * 4)


def gradient_by_matrix_product(codes: Any, position: Any, gradient: Any) -> Any:
    spread = tf.reshape(tf.one_hot(position, P, axis=1) * gradient[:, None, :], [N * P, -1])
    return tf.matmul(spread, windows(codes), transpose_a=True)


def forward_and_autodiff(codes: Any, kernels: Any, gradient: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(kernels)
        total = tf.reduce_sum(gradient * scan_by_convolution(codes, kernels)[0])
    return tape.gradient(total, kernels)


def milliseconds(function: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    def run() -> float:
        start = time.perf_counter()
        for tensor in tf.nest.flatten(function(*arguments)):
            tensor.numpy()
        return time.perf_counter() - start

    run()
    return float(np.median([run() for _ in range(REPEATS)]) * BATCHES * 1e3)


def main() -> None:
    rng = np.random.default_rng(0)
    codes = tf.constant(rng.integers(0, 4, (N, L)).astype(np.uint8))
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    rows = []
    for n_kernels in (256, 32, 4):
        kernels = tf.constant(rng.normal(size=(n_kernels, W, 4)).astype(np.float32))
        gradient = tf.constant(rng.normal(size=(N, n_kernels)).astype(np.float32))
        position = scan_by_convolution(codes, kernels)[1]
        for way, arguments in {
            scan_by_convolution: (codes, kernels),
            scan_by_matrix_product: (codes, kernels),
            scan_by_tables: (codes, kernels),
            gradient_of_winners: (codes, position, gradient),
            gradient_of_winners_by_segments: (codes, position, gradient),
            gradient_by_matrix_product: (codes, position, gradient),
            forward_and_autodiff: (codes, kernels, gradient),
        }.items():
            for xla in (False, True):
                elapsed = milliseconds(tf.function(way, jit_compile=xla), arguments)
                rows.append((way.__name__, n_kernels, "XLA" if xla else "plain", device, round(elapsed, 1)))
                print(*rows[-1], flush=True)
    frame = pd.DataFrame(rows, columns=["way", "n_kernels", "compiler", "device", "ms_per_epoch"])
    RESULTS.parent.mkdir(exist_ok=True)
    frame.to_csv(RESULTS, index=False)


if __name__ == "__main__":
    main()
