"""Cost of an epoch as its input grows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import ours
import peers
import pytest
from settings import QUICK, turns

from skdeepprune.sequences import one_hot

# One parameter grows at a time from here.
USUAL = {"sequences": 5376, "length": 101, "kernels": 32, "batch size": 256}
GROWN = {
    "sequences": [672, 1344, 2688, 5376, 10752, 21504, 43008],
    "length": [51, 101, 201, 401, 801, 1601],
    "kernels": [4, 8, 16, 32, 64, 128, 256, 512],
    "batch size": [16, 32, 64, 128, 256, 512, 1024],
}
CASES = [(parameter, value) for parameter, values in GROWN.items() for value in (values[1::2] if QUICK else values)]


@cache
def prepare(method: str, parameter: str, value: int) -> Callable[[], object]:
    n_sequences, length, n_kernels, batch_size = (USUAL | {parameter: value}).values()
    if method == "compiled":
        run: Callable[[], object] = ours.epoch(method, n_sequences, length, n_kernels, batch_size)
    else:
        codes, y = ours.simulated(n_sequences, length)
        X = one_hot(codes, np.float32)
        run = peers.keras_epochs(X, y, n_kernels, ours.KERNEL_LENGTH, batch_size, ours.LEARNING_RATE, 1)
    run()
    return run


@pytest.mark.parametrize("method", ["compiled", "Keras fit, one epoch"])
@pytest.mark.parametrize(("parameter", "value"), CASES)
@turns(3)
def bench_cost(measure: Any, method: str, parameter: str, value: int) -> None:
    run = prepare(method, parameter, value)
    measure(run, method, parameter, value, rounds=3 if method == "compiled" else 1)
