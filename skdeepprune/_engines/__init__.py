"""Engines: what trains a network and scores sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune._engines._interface import SCORES_AT_ONCE, Engine
from skdeepprune._network import Network, Scan

# Multiply-adds of an epoch up to which NumPy is faster than TensorFlow on two cores, also without TensorFlow's start of
# 3 seconds and the second in which it traces a size: epochs of 0.05 seconds.
SMALL = 2**29


def choose_engine(name: str, *, is_dna: bool, n_threads: int = 1, multiply_adds: float = np.inf) -> Engine:
    """Make the engine called `name`.

    Parameters
    ----------
    name : {"auto", "compiled", "numpy", "tensorflow"}
        "auto" takes the compiled engine for DNA, also where TensorFlow has a GPU; NumPy for a small set of real-valued
        channels, and TensorFlow for a larger one.
    is_dna : bool
        Whether the input is codes.
    n_threads : int, default=1
        For the compiled engine.
    multiply_adds : float, default=inf
        Of the convolution in an epoch of the unpruned network, by which "auto" tells what is small.
    """
    if name == "auto":
        if is_dna:
            name = "compiled"
        else:
            name = "numpy" if multiply_adds <= SMALL else "tensorflow"
    if name == "numpy":
        if is_dna:
            raise ValueError(
                "engine='numpy' reads real-valued channels only, but X is DNA; set engine='compiled' (or 'auto')."
            )
        from skdeepprune._engines._numpy import NumpyEngine

        return NumpyEngine()
    if name == "tensorflow":
        from skdeepprune._engines._tensorflow import TensorFlowEngine

        return TensorFlowEngine()
    if not is_dna:
        raise ValueError(
            "engine='compiled' reads DNA only, but X holds real-valued channels; pass strings or one-hot DNA, or set"
            " engine='numpy' or engine='tensorflow' (or 'auto')."
        )
    from skdeepprune._engines._compiled import CompiledEngine

    return CompiledEngine(n_threads)


def scan(network: Network, sequences: NDArray[Any], n_threads: int = 1) -> Scan:
    """Find every kernel's best window, and pool all: compiled for codes, in NumPy for channels, never with TensorFlow.

    Parameters
    ----------
    network : Network
    sequences : ndarray of uint8, shape (n, L), or of reals, shape (n, L, C)
    n_threads : int, default=1
        For codes.
    """
    if sequences.ndim == 3:
        return network.scan(sequences)
    from skdeepprune._engines._compiled import scan

    return scan(network, sequences, n_threads)


def motif_scores(network: Network, sequences: NDArray[Any], n_threads: int = 1) -> NDArray[Any]:
    """Motif scores (n, K). The parameters are those of `scan`."""
    if sequences.ndim == 3:
        return network.scores(sequences)
    from skdeepprune._engines._compiled import motif_scores

    return motif_scores(network, sequences, n_threads)


def decide(network: Network, sequences: NDArray[Any], n_threads: int = 1) -> NDArray[np.float64]:
    """Log-odds of the positive class, without holding all motif scores at once.

    Parameters
    ----------
    network : Network
    sequences : ndarray of uint8, shape (n, L), or of reals, shape (n, L, C)
    n_threads : int, default=1
        For codes.
    """
    step = max(1, SCORES_AT_ONCE // network.n_kernels)
    blocks = [sequences[start : start + step] for start in range(0, max(len(sequences), 1), step)]
    return np.concatenate(
        [network.decision(motif_scores(network, block, n_threads), word_sums(network, block)) for block in blocks]
    )


def word_sums(network: Network, sequences: NDArray[Any]) -> NDArray[np.float64]:
    """Log-odds by composition (n,); 0 where the network has none. The parameters are those of `scan`."""
    if not len(network.composition):
        return np.zeros(len(sequences))
    from skdeepprune._engines._compiled import word_sums

    return word_sums(network, sequences)
