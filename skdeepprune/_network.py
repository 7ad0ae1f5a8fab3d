"""The network as an immutable record, and its forward pass in plain NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdeepprune.sequences import left_justify, sequence_lengths

_CHUNK_BYTES = 32 * 2**20
# Base composition of each code: an unknown base is a quarter of each.
BASE_SHARES = np.vstack([np.eye(4, dtype=np.float32), np.full((1, 4), 0.25, dtype=np.float32)])
# Fraction of a weight that letters of composition words share with each other letter; the rows have unit norm.
_LETTER_SHARE = 0.1
LETTER_SHARES = ((1 - _LETTER_SHARE) * np.eye(4) + _LETTER_SHARE) / np.sqrt(1 + 3 * _LETTER_SHARE**2)


@dataclass(frozen=True, eq=False)
class Scan:
    """The best window of every kernel in every sequence.

    Attributes
    ----------
    pooled : ndarray, shape (n_sequences, n_kernels)
        Pooled activations before the ReLU, including the kernel bias; with max pooling, those of the best windows.
    position : ndarray of int, shape (n_sequences, n_kernels)
        Start of the best window on the given strand; the first in case of ties.
    reverse : ndarray of bool, shape (n_sequences, n_kernels)
        True if the best window is on the reverse strand. Ties go to the given strand.
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
    """A one-layer convolutional network: convolution, global pooling, ReLU, dense, sigmoid; plus a composition term.

    The log-odds are ``dense_bias + dense_weights @ scores + (sum of the weights of all words)``. In shapes, K is the
    number of kernels, W the kernel length, C the number of channels.

    Attributes
    ----------
    kernels : ndarray of float32, shape (K, W, C)
    kernel_bias : ndarray of float32, shape (K,)
    dense_weights : ndarray of float32, shape (K,)
    dense_bias : float
    reverse_complement : bool
        Whether scores are pooled over both strands.
    sharpness : float
        m of log-mean-exp pooling: a kernel's activations a at all positions become log(sum(exp(m a)) / n) / m, where n
        is the number of windows with at least half of their bases known. Infinity means max pooling.
    composition : ndarray of float32, shape (4**word_length,) or (0,)
        Weight of every word, in alphabetical order; with both strands equal to that of its reverse complement. Empty
        if the network has no composition term.
    """

    kernels: NDArray[np.float32]
    kernel_bias: NDArray[np.float32]
    dense_weights: NDArray[np.float32]
    dense_bias: float
    reverse_complement: bool = False
    sharpness: float = np.inf
    composition: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))

    @classmethod
    def initial(
        cls,
        n_kernels: int,
        kernel_length: int,
        n_channels: int,
        *,
        reverse_complement: bool,
        rng: np.random.Generator,
        word_length: int = 0,
    ) -> Network:
        """Draw a network with Glorot-uniform weights, zero biases and zero word weights."""
        limit = np.sqrt(6 / (kernel_length * (n_channels + n_kernels)))
        dense_limit = np.sqrt(6 / (n_kernels + 1))
        return cls(
            kernels=rng.uniform(-limit, limit, (n_kernels, kernel_length, n_channels)).astype(np.float32),
            kernel_bias=np.zeros(n_kernels, dtype=np.float32),
            dense_weights=rng.uniform(-dense_limit, dense_limit, n_kernels).astype(np.float32),
            dense_bias=0.0,
            reverse_complement=reverse_complement,
            composition=np.zeros(4**word_length if word_length else 0, dtype=np.float32),
        )

    def redrawn(self, n_kernels: int, rng: np.random.Generator) -> Network:
        """Draw a new network of this kind with `n_kernels` kernels."""
        _, kernel_length, n_channels = self.kernels.shape
        return Network.initial(
            n_kernels,
            kernel_length,
            n_channels,
            reverse_complement=self.reverse_complement,
            rng=rng,
            word_length=self.word_length,
        )

    @property
    def n_kernels(self) -> int:
        """Number of kernels, K."""
        return len(self.kernels)

    @property
    def kernel_length(self) -> int:
        """Kernel length in positions, W."""
        return self.kernels.shape[1]

    @property
    def word_length(self) -> int:
        """Word length of the composition term; 0 if there is none."""
        return (len(self.composition).bit_length() - 1) // 2 if len(self.composition) else 0

    def select(self, kept: ArrayLike) -> Network:
        """Return the network pruned to the kernels `kept` (indices or a mask)."""
        index = np.asarray(kept)
        return replace(
            self,
            kernels=self.kernels[index],
            kernel_bias=self.kernel_bias[index],
            dense_weights=self.dense_weights[index],
        )

    def decision(self, scores: NDArray[Any], word_sums: ArrayLike = 0.0) -> NDArray[np.float64]:
        """Log-odds of the positive class.

        Parameters
        ----------
        scores : ndarray, shape (n_sequences, K)
            Motif scores.
        word_sums : array-like, shape (n_sequences,), default=0
            Result of :meth:`word_sum`.
        """
        # Not a matrix product: BLAS rounds a row differently depending on the batch size.
        by_kernels = np.einsum("nk,k->n", scores, self.dense_weights.astype(np.float64), optimize=False)
        return by_kernels + word_sums + self.dense_bias

    def word_sum(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Log-odds from composition: the summed weights of all words in each sequence.

        Parameters
        ----------
        X : ndarray of uint8, shape (n_sequences, length), or of reals, shape (n_sequences, length, C)

        Returns
        -------
        ndarray of float64, shape (n_sequences,)
            0 if the network has no composition term. A word with unknown bases has the mean weight of all words that it
            could be.
        """
        n_words = X.shape[1] - self.word_length + 1
        sums = np.zeros(len(X))
        if not len(self.composition) or n_words < 1:
            return sums
        if X.ndim != 2:
            raise ValueError("Expected DNA codes to count words in, got real-valued channels.")
        codes, _ = left_justify(X)
        table = with_unknown_bases(self.composition.astype(np.float64), self.word_length)
        number = np.zeros((len(codes), n_words), dtype=np.int64)
        for j in range(self.word_length):
            number = 5 * number + codes[:, j : j + n_words]
        inside = np.arange(n_words) <= (sequence_lengths(codes) - self.word_length)[:, None]
        return np.where(inside, table[number], 0.0).sum(axis=1)

    def scan(self, X: NDArray[Any]) -> Scan:
        """Find every kernel's best window in every sequence and pool the activations, in float64.

        Parameters
        ----------
        X : ndarray of uint8, shape (n_sequences, length), or of reals, shape (n_sequences, length, C)
            DNA codes, or channels. An unknown base contributes the mean of a kernel's four weights at its position;
            unknown bases at either end of a sequence are trimmed. A sequence shorter than a kernel is padded with
            unknown bases on the right, so its reverse complement may have other scores. In channels, a position is an
            unknown base if the first four are 1/4 each or, with both strands, 0; these are not trimmed.

        Returns
        -------
        Scan
        """
        parts = [self._scan(*part) for part in self._activations(X)]
        return Scan(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def scores(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Motif scores (n_sequences, K) of sequences as in `scan`, in float64."""
        return self.scan(X).scores

    def _activations(
        self, X: NDArray[Any]
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]]:
        """Yield activations without the bias (n, positions, strands, K), starts of sequences, and window counts.

        Activations beyond the end of a sequence are -inf. Only windows with at least half of their bases known are
        counted, on all strands.
        """
        strands = (
            [self.kernels, reverse_complement_kernels(self.kernels)] if self.reverse_complement else [self.kernels]
        )
        kernels = np.concatenate(strands).reshape(-1, self.kernels[0].size).astype(np.float64)
        for values, lengths, starts in self._chunks(X):
            windows = np.lib.stride_tricks.sliding_window_view(values, self.kernel_length, axis=1)
            windows = windows.transpose(0, 1, 3, 2).reshape(*windows.shape[:2], kernels.shape[1])
            activations = windows @ kernels.T
            beyond = np.arange(windows.shape[1]) > (lengths - self.kernel_length)[:, None]
            beyond[:, 0] = False
            activations[beyond] = -np.inf
            counted = ~beyond
            if values.shape[2] >= 4:
                known = (values[:, :, :4] != 0.25).any(axis=2)
                counted &= 2 * _window_sums(known, self.kernel_length) >= self.kernel_length
            n_windows = len(strands) * np.maximum(counted.sum(axis=1), 1)
            yield activations.reshape(*windows.shape[:2], len(strands), self.n_kernels), starts, n_windows

    def _chunks(self, X: NDArray[Any]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the sequences as float64 channels, at least W positions long, with their lengths and starts."""
        width = max(X.shape[1], self.kernel_length)
        row_bytes = 8 * width * max(self.kernel_length * self.kernels.shape[2], 2 * self.n_kernels)
        step = max(1, _CHUNK_BYTES // row_bytes)
        for start in range(0, max(len(X), 1), step):
            rows = X[start : start + step]
            if X.ndim == 2:
                rows, starts = left_justify(rows)
                lengths = sequence_lengths(rows)
                rows = np.pad(rows, ((0, 0), (0, width - X.shape[1])), constant_values=4)
                yield BASE_SHARES.astype(np.float64)[rows], lengths, starts
            else:
                values = np.pad(rows.astype(np.float64), ((0, 0), (0, width - X.shape[1]), (0, 0)))
                if self.reverse_complement:
                    values[~values[:, :, :4].any(axis=2), :4] = 0.25
                yield values, np.full(len(rows), rows.shape[1]), np.zeros(len(rows), dtype=np.int64)

    def _scan(
        self, activations: NDArray[np.float64], starts: NDArray[np.int64], n_counted: NDArray[np.int64]
    ) -> tuple[NDArray[Any], ...]:
        position = activations.argmax(axis=1)
        pooled = np.take_along_axis(activations, position[:, None], axis=1)[:, 0]
        strand = pooled.argmax(axis=1)[:, None]
        pooled, position = (np.take_along_axis(array, strand, axis=1)[:, 0] for array in (pooled, position))
        if self.sharpness < np.inf:
            n, n_positions, n_strands, n_kernels = activations.shape
            exponents = self.sharpness * activations.reshape(n, n_positions * n_strands, n_kernels)
            pooled = (np.logaddexp.reduce(exponents, axis=1) - np.log(n_counted)[:, None]) / self.sharpness
        return pooled + self.kernel_bias, position + starts[:, None], strand[:, 0] == 1


def _window_sums(values: NDArray[Any], width: int) -> NDArray[np.int64]:
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    return sums[:, width:] - sums[:, :-width]


def reverse_complement_kernels(kernels: NDArray[Any]) -> NDArray[Any]:
    """Reverse-complement kernels (K, W, C), so that they read the other strand.

    The first four channels are A, C, G, T and are complemented; any others are tracks along the sequence and are only
    reversed.
    """
    n_channels = kernels.shape[2]
    return kernels[:, ::-1, [3, 2, 1, 0, *range(4, n_channels)]]


def with_unknown_bases(weights: NDArray[Any], word_length: int) -> NDArray[Any]:
    """Extend the weights of words over A, C, G, T to words over A, C, G, T, N.

    Parameters
    ----------
    weights : ndarray, shape (4**word_length,)
    word_length : int

    Returns
    -------
    ndarray, shape (5**word_length,)
        A word with N has the mean weight of all words that it could be.
    """
    table = weights.reshape((4,) * word_length)
    for _ in range(word_length):
        # Each step moves the first axis to the end, so that the final order is the original one.
        table = np.tensordot(table, BASE_SHARES.astype(table.dtype), axes=(0, 1))
    return table.ravel()


def shared(weights: NDArray[Any], word_length: int, *, inverse: bool = False) -> NDArray[Any]:
    """Smooth weights over words that differ in a few letters: each letter shares a tenth with each of the others.

    Training works on the weights before smoothing, so that a word is also learned from its neighbours, as with a
    mismatch string kernel. The mean is subtracted, so that random sequence adds nothing, whatever its length.

    Parameters
    ----------
    weights : ndarray, shape (4**word_length,)
    word_length : int
    inverse : bool, default=False
        Undo the smoothing.

    Returns
    -------
    ndarray of float64, shape (4**word_length,)
    """
    if not word_length:
        return weights
    by_letter = np.linalg.inv(LETTER_SHARES) if inverse else LETTER_SHARES
    table = weights.astype(np.float64).reshape((4,) * word_length)
    for _ in range(word_length):
        table = np.tensordot(table, by_letter, axes=(0, 0))
    return (table - table.mean()).ravel()


def reverse_complement_words(word_length: int) -> NDArray[np.int64]:
    """Index of every word's reverse complement; words are in alphabetical order.

    Examples
    --------
    >>> reverse_complement_words(1)
    array([3, 2, 1, 0])
    """
    rest, reverse = np.arange(4**word_length), np.zeros(4**word_length, dtype=np.int64)
    for _ in range(word_length):
        reverse, rest = 4 * reverse + 3 - rest % 4, rest // 4
    return reverse
