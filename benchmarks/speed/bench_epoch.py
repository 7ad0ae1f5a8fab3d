"""A complete epoch: order, forward and backward pass, Adam."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import ours
import peers
import pytest
from settings import turns

from skdeepprune.sequences import one_hot

N_SEQUENCES, LENGTH, BATCH_SIZE = 5376, 101, 256
KERAS_EPOCHS = 5
POOLED = "compiled, log-mean-exp"
METHODS = [
    "compiled",
    POOLED,
    "tensorflow",
    "Keras fit, one epoch",
    f"Keras fit, {KERAS_EPOCHS} epochs",
    "TensorFlow step",
    "TensorFlow step, XLA",
]


@cache
def prepare(method: str, n_kernels: int) -> tuple[Callable[[], object], int]:
    """Make the function to time and run it once; also return its number of epochs."""
    n_epochs = KERAS_EPOCHS if "epochs" in method else 1
    if method in ("compiled", POOLED, "tensorflow"):
        sharpness = 2.0 if method == POOLED else np.inf
        run = ours.epoch(method.partition(",")[0], N_SEQUENCES, LENGTH, n_kernels, BATCH_SIZE, sharpness)
    else:
        codes, y = ours.simulated(N_SEQUENCES, LENGTH)
        arguments = one_hot(codes, np.float32), y, n_kernels, ours.KERNEL_LENGTH, BATCH_SIZE, ours.LEARNING_RATE
        if method.startswith("Keras"):
            run = peers.keras_epochs(*arguments, n_epochs)
        else:
            run = peers.tensorflow_epoch(*arguments, xla="XLA" in method)
    run()
    return run, n_epochs


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_kernels", [256, 32, 4])
@turns(9)
def bench_epoch(measure: Any, method: str, n_kernels: int) -> None:
    run, n_epochs = prepare(method, n_kernels)
    measure(run, method, "kernels", n_kernels, rounds=3 if n_epochs == 1 else 1, epochs=n_epochs)
