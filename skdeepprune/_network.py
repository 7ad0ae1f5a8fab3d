"""The network as a value, and its function in plain NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from skdeepprune.sequences import one_hot, sequence_lengths

_CHUNK_BYTES = 32 * 2**20


@dataclass(frozen=True, eq=False)
class Scan:
    """The best window of every kernel in every sequence.

    Attributes
    ----------
    pooled : ndarray, shape (n_sequences, n_kernels)
        Pooled activations before the ReLU, kernel bias included: those of the best windows, where the network takes the
        maximum.
    position : ndarray of int, shape (n_sequences, n_kernels)
        Where that window starts, counted on the given strand; the first of equals.
    reverse : ndarray of bool, shape (n_sequences, n_kernels)
        True where the window was read on the other strand. On ties the given strand wins.
    """

    pooled: NDArray[Any]
    position: NDArray[Any]
    reverse: NDArray[np.bool_]

    @property
    def scores(self) -> NDArray[Any]:
        """The motif scores: the ReLU of `pooled`."""
        return np.maximum(self.pooled, 0)


@dataclass(frozen=True, eq=False)
class Network:
    """A one-layer convolutional network: convolution, global pooling, ReLU, dense, sigmoid.

    The shape names are K kernels, W kernel length, C channels.

    Attributes
    ----------
    kernels : ndarray of float32, shape (K, W, C)
    kernel_bias : ndarray of float32, shape (K,)
    dense_weights : ndarray of float32, shape (K,)
    dense_bias : float
    reverse_complement : bool
        Whether a kernel's score is over both strands.
    sharpness : float
        m of log-sum-exp pooling: a kernel's activations a at all positions become log(sum(exp(m a))) / m. Infinite: the
        maximum.
    """

    kernels: NDArray[np.float32]
    kernel_bias: NDArray[np.float32]
    dense_weights: NDArray[np.float32]
    dense_bias: float
    reverse_complement: bool = False
    sharpness: float = np.inf

    @classmethod
    def initial(
        cls,
        n_kernels: int,
        kernel_length: int,
        n_channels: int,
        *,
        reverse_complement: bool,
        rng: np.random.Generator,
    ) -> Network:
        """Draw a network with Glorot-uniform weights and zero biases."""
        limit = np.sqrt(6 / (kernel_length * (n_channels + n_kernels)))
        dense_limit = np.sqrt(6 / (n_kernels + 1))
        return cls(
            kernels=rng.uniform(-limit, limit, (n_kernels, kernel_length, n_channels)).astype(np.float32),
            kernel_bias=np.zeros(n_kernels, dtype=np.float32),
            dense_weights=rng.uniform(-dense_limit, dense_limit, n_kernels).astype(np.float32),
            dense_bias=0.0,
            reverse_complement=reverse_complement,
        )

    def redrawn(self, n_kernels: int, rng: np.random.Generator) -> Network:
        """Draw a new network of this kind with `n_kernels` kernels."""
        _, kernel_length, n_channels = self.kernels.shape
        return Network.initial(
            n_kernels, kernel_length, n_channels, reverse_complement=self.reverse_complement, rng=rng
        )

    @property
    def n_kernels(self) -> int:
        """Number of kernels, K."""
        return len(self.kernels)

    @property
    def kernel_length(self) -> int:
        """Number of positions that a kernel sees, W."""
        return self.kernels.shape[1]

    def select(self, kept: ArrayLike) -> Network:
        """Return the network with only the kernels `kept` (indices or a mask): the pruned network."""
        index = np.asarray(kept)
        return replace(
            self,
            kernels=self.kernels[index],
            kernel_bias=self.kernel_bias[index],
            dense_weights=self.dense_weights[index],
        )

    def decision(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Log-odds of the positive class from motif scores of shape (n_sequences, K)."""
        # Not a matrix product: BLAS rounds a row differently in batches of different size.
        return np.einsum("nk,k->n", scores, self.dense_weights.astype(np.float64), optimize=False) + self.dense_bias

    def probability(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Probability of the positive class from motif scores of shape (n_sequences, K)."""
        return expit(self.decision(scores))

    def scan(self, X: NDArray[Any]) -> Scan:
        """Find every kernel's best window in every sequence, and pool them all, in float64.

        Parameters
        ----------
        X : ndarray of uint8, shape (n_sequences, length), or of reals, shape (n_sequences, length, C)
            DNA codes, or channels. N and what lies beyond the end of a sequence add 0 to a window.

        Returns
        -------
        Scan
        """
        parts = [self._scan(activations) for activations in self._activations(X)]
        return Scan(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def scores(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Motif scores (n_sequences, K) of sequences as in `scan`, in float64."""
        return self.scan(X).scores

    def _activations(self, X: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
        """Yield activations without the bias, of shape (n, positions, strands, K); -inf beyond a sequence's end."""
        strands = (
            [self.kernels, reverse_complement_kernels(self.kernels)] if self.reverse_complement else [self.kernels]
        )
        kernels = np.concatenate(strands).reshape(-1, self.kernels[0].size).astype(np.float64)
        for values, lengths in self._chunks(X):
            windows = np.lib.stride_tricks.sliding_window_view(values, self.kernel_length, axis=1)
            windows = windows.transpose(0, 1, 3, 2).reshape(*windows.shape[:2], kernels.shape[1])
            activations = windows @ kernels.T
            beyond = np.arange(windows.shape[1]) > (lengths - self.kernel_length)[:, None]
            beyond[:, 0] = False
            activations[beyond] = -np.inf
            yield activations.reshape(*windows.shape[:2], len(strands), self.n_kernels)

    def _chunks(self, X: NDArray[Any]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
        """Yield the sequences as float64 channels, at least W positions long, with their lengths."""
        is_dna = X.ndim == 2
        width = max(X.shape[1], self.kernel_length)
        row_bytes = 8 * width * max(self.kernel_length * self.kernels.shape[2], 2 * self.n_kernels)
        step = max(1, _CHUNK_BYTES // row_bytes)
        for start in range(0, max(len(X), 1), step):
            rows = X[start : start + step]
            values = one_hot(rows, np.float64) if is_dna else rows.astype(np.float64)
            lengths = sequence_lengths(rows) if is_dna else np.full(len(rows), rows.shape[1])
            yield np.pad(values, ((0, 0), (0, width - X.shape[1]), (0, 0))), lengths

    def _scan(self, activations: NDArray[np.float64]) -> tuple[NDArray[Any], ...]:
        position = activations.argmax(axis=1)
        pooled = np.take_along_axis(activations, position[:, None], axis=1)[:, 0]
        strand = pooled.argmax(axis=1)[:, None]
        pooled, position = (np.take_along_axis(array, strand, axis=1)[:, 0] for array in (pooled, position))
        if self.sharpness < np.inf:
            n, n_positions, n_strands, n_kernels = activations.shape
            exponents = self.sharpness * activations.reshape(n, n_positions * n_strands, n_kernels)
            pooled = np.logaddexp.reduce(exponents, axis=1) / self.sharpness
        return pooled + self.kernel_bias, position, strand[:, 0] == 1


def reverse_complement_kernels(kernels: NDArray[Any]) -> NDArray[Any]:
    """Turn kernels (K, W, C) so that they read the other strand.

    The first four channels are A, C, G, T and are complemented; any further ones are tracks along the sequence and only
    reversed.
    """
    n_channels = kernels.shape[2]
    return kernels[:, ::-1, [3, 2, 1, 0, *range(4, n_channels)]]
