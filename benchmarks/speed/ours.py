"""The package's side of the comparisons with `peers`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from skdeepprune._engines import choose_engine
from skdeepprune._network import Network
from skdeepprune.datasets import load_simulated
from skdeepprune.sequences import encode

KERNEL_LENGTH = 24
LEARNING_RATE = 0.01


@cache
def simulated(n_sequences: int, length: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Codes and labels of the paper's third simulated set."""
    data = load_simulated(3, n_train=n_sequences, n_test=2, length=length, random_state=0)
    return encode(data.X_train), data.y_train.astype(np.float32)


def epoch(
    engine_name: str, n_sequences: int, length: int, n_kernels: int, batch_size: int, sharpness: float = np.inf
) -> Callable[[], float]:
    """Make a function that trains one epoch, including drawing the order of the sequences."""
    codes, y = simulated(n_sequences, length)
    rng = np.random.default_rng(0)
    network = Network.initial(n_kernels, KERNEL_LENGTH, 4, reverse_complement=False, rng=rng)
    network = replace(network, sharpness=sharpness)
    engine = choose_engine(engine_name, is_dna=True)
    data = engine.load(codes, y, np.ones(len(y), dtype=np.float32))
    trainer = engine.trainer(network)
    return lambda: trainer.epoch(data, rng.permutation(len(y)), batch_size, LEARNING_RATE)
