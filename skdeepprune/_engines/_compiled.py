"""The engine for DNA on a CPU: loops compiled by numba, over one byte per base."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune._engines._interface import NO_DROPOUT, Dropout
from skdeepprune._engines._loops import (
    LANES,
    N_WORDS,
    activation_range,
    adam_step,
    compare_with_labels,
    count_tables,
    gradient_by_windows,
    gradient_by_winners,
    pool_rows,
    read_words,
    scan_rows,
    take_winners,
)
from skdeepprune._network import Network, Scan

_CHUNK_BYTES = 2**19
_CACHE_LINE = 64
_GRADIENT_ROWS = 1024
# Exponents between which products of exponentials, their sums and inverses keep their precision.
_EXPONENTS = {np.float32: (-85.0, 40.0), np.float64: (-690.0, 320.0)}


@dataclass(frozen=True, eq=False)
class Words:
    """Sequences as the loops read them: at every position the three letters that start there, as one byte.

    Attributes
    ----------
    words : ndarray of uint8, shape (n_sequences, max(length, 1))
    lengths : ndarray of int64, shape (n_sequences,)
        Lengths without the padding.
    """

    words: NDArray[np.uint8]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, codes: NDArray[np.uint8], *, overwrite: bool = False) -> Words:
        """Read the words of codes of shape (n_sequences, length), on request into the memory of the codes."""
        n_sequences, width = codes.shape
        in_place = overwrite and width > 0 and codes.flags.c_contiguous and codes.flags.writeable
        words = codes if in_place else np.empty((n_sequences, max(width, 1)), dtype=np.uint8)
        lengths = np.empty(n_sequences, dtype=np.int64)
        read_words(_read_only(codes, np.uint8), words, lengths)
        return cls(words, lengths)

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, eq=False)
class TrainingData(Words):
    """Words with labels and weights, float32 of shape (n_sequences,)."""

    y: NDArray[np.float32]
    sample_weight: NDArray[np.float32]


def scan(network: Network, codes: NDArray[np.uint8], n_threads: int = 1) -> Scan:
    """Find every kernel's best window in every sequence, and pool them all, in float32.

    Parameters
    ----------
    network : Network
        A network for DNA: 4 channels.
    codes : ndarray of uint8, shape (n_sequences, length)
        N and what lies beyond the end of a sequence add 0 to a window.
    n_threads : int, default=1
        Threads over chunks of the sequences. The result is the same, bit for bit.

    Returns
    -------
    Scan
        `pooled` in float32, `position` in int32.
    """
    found = _scan_codes(network, codes, n_threads, np.inf)
    if network.sharpness == np.inf:
        return found
    return replace(found, pooled=_scan_codes(network, codes, n_threads, network.sharpness).pooled)


def motif_scores(network: Network, codes: NDArray[np.uint8], n_threads: int = 1) -> NDArray[np.float32]:
    """Motif scores of sequences, in float32 of shape (n_sequences, K); the parameters are those of `scan`."""
    return np.maximum(_scan_codes(network, codes, n_threads, network.sharpness).pooled, 0)


def _scan_codes(network: Network, codes: NDArray[np.uint8], n_threads: int, sharpness: float) -> Scan:
    def words_of(chunk: slice) -> tuple[Words, NDArray[np.int64]]:
        words = Words.of(codes[chunk])
        return words, np.arange(len(words))

    return _scan_chunks(network, words_of, codes.shape, n_threads, sharpness)


def _scan_chunks(
    network: Network,
    words_of: Callable[[slice], tuple[Words, NDArray[np.int64]]],
    sequences: tuple[int, ...],
    n_threads: int,
    sharpness: float,
) -> Scan:
    """Scan so many `sequences` of such a width by chunks small enough to stay in the cache.

    With a finite sharpness there are no positions.
    """
    n_sequences, width = sequences
    n_kernels = network.n_kernels
    theta, shape = _flatten(network)
    blocks, (n_blocks, _, per_block) = theta[:-1].reshape(shape), shape
    found = Scan(
        pooled=np.empty((n_sequences, n_kernels), dtype=np.float32),
        position=np.empty((n_sequences, n_kernels), dtype=np.int32),
        reverse=np.empty((n_sequences, n_kernels), dtype=np.bool_),
    )

    def scan_chunk(chunk: slice) -> None:
        words, rows = words_of(chunk)
        best, position = _room(n_blocks, len(rows))
        rows = _read_only(rows, np.int64)
        _scan_or_pool(words, rows, blocks, sharpness, NO_DROPOUT, _state(NO_DROPOUT), best, position)
        take_winners(best, position, per_block, found.pooled[chunk], found.position[chunk], found.reverse[chunk])

    step = max(1, _CHUNK_BYTES // (width + 2 * 4 * n_blocks * LANES))
    chunks = [slice(start, start + step) for start in range(0, n_sequences, step)]
    if n_threads == 1 or len(chunks) == 1:
        for chunk in chunks:
            scan_chunk(chunk)
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(scan_chunk, chunks))
    return found


class CompiledEngine:
    """Train and score networks on DNA codes with loops compiled for this CPU.

    Parameters
    ----------
    n_threads : int, default=1
        Threads for scores. An epoch takes one: its batches last milliseconds, too short to share, and further cores
        do more for further fits in processes of their own.
    """

    name = "compiled"

    def __init__(self, n_threads: int = 1) -> None:
        self.n_threads = n_threads

    def load(
        self,
        X: NDArray[np.uint8],
        y: NDArray[np.float32],
        sample_weight: NDArray[np.float32],
        *,
        overwrite_X: bool = False,
    ) -> TrainingData:
        """Read codes of shape (n_sequences, length) as words, 1 byte a base; labels are 0 or 1."""
        words = Words.of(X, overwrite=overwrite_X)
        return TrainingData(
            words.words, words.lengths, _read_only(y, np.float32), _read_only(sample_weight, np.float32)
        )

    def trainer(self, network: Network) -> CompiledTrainer:
        """Begin to train `network` with a fresh optimiser."""
        return CompiledTrainer(network, self.n_threads)

    def gradients(self, network: Network, data: TrainingData) -> tuple[float, Network]:
        """Return the weighted mean loss over `data` and its gradient, in the shape of a network."""
        theta, shape = _flatten(network)
        total, gradient, loss = np.zeros(len(theta)), np.empty_like(theta), 0.0
        for start in range(0, len(data), _GRADIENT_ROWS):
            rows = _read_only(np.arange(start, min(start + _GRADIENT_ROWS, len(data))))
            room, weights = _room(shape[0], len(rows)), (theta, shape, network.sharpness)
            loss += _batch_gradient(data, rows, len(data), *weights, NO_DROPOUT, _state(NO_DROPOUT), room, gradient)
            total += gradient
        return loss / len(data), _unflatten(total.astype(np.float32), network)


class CompiledTrainer:
    """A network in training, as one vector, with Adam's moments."""

    def __init__(self, network: Network, n_threads: int = 1) -> None:
        self._initial = network
        self._n_threads = n_threads
        self._theta, self._shape = _flatten(network)
        self._moments = np.zeros((2, len(self._theta)), dtype=np.float32)
        self._n_steps = 0

    @property
    def network(self) -> Network:
        """The network as it is now."""
        return _unflatten(self._theta, self._initial)

    def epoch(
        self,
        data: TrainingData,
        order: NDArray[np.int64],
        batch_size: int,
        learning_rate: float,
        dropout: Dropout = NO_DROPOUT,
    ) -> float:
        """Run Adam once over `data` in the given order, in batches; return the mean loss seen on the way."""
        order = _read_only(order, np.int64)
        gradient = np.empty_like(self._theta)
        room = _room(self._shape[0], min(batch_size, len(order)))
        weights = self._theta, self._shape, self._initial.sharpness
        state, loss = _state(dropout), 0.0
        # A loop in Python: in a compiled one numba would compile once more, for seconds, all that it calls.
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            if len(rows) < batch_size:
                room = _room(self._shape[0], len(rows))
            loss += _batch_gradient(data, rows, len(rows), *weights, dropout, state, room, gradient)
            self._n_steps += 1
            adam_step(self._theta, gradient, self._moments, float(learning_rate), self._n_steps)
        return float(loss / len(order))

    def scores(self, data: TrainingData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Motif scores (len(rows), K) of those rows of `data` under the network as it is now."""
        network, shape = self.network, (len(rows), data.words.shape[1])
        found = _scan_chunks(network, lambda chunk: (data, rows[chunk]), shape, self._n_threads, network.sharpness)
        return np.maximum(found.pooled, 0)


def _batch_gradient(
    data: TrainingData,
    rows: NDArray[np.int64],
    n_rows: int,
    theta: NDArray[np.float32],
    shape: tuple[int, int, int],
    sharpness: float,
    dropout: Dropout,
    state: NDArray[np.uint64],
    room: tuple[NDArray[np.float32], NDArray[np.int32]],
    gradient: NDArray[np.float32],
) -> float:
    """Write the gradient of the loss summed over `rows` and divided by `n_rows`; return the loss summed.

    `theta`, `gradient` and `shape` are as `_flatten` lays them out. With `dropout` blocks of kernels are left out by
    draws from `state`; the others count 1 / (1 - rate) times.
    """
    best, position = room
    blocks, by_blocks = theta[:-1].reshape(shape), gradient[:-1].reshape(shape)
    _scan_or_pool(data, rows, blocks, sharpness, dropout, state, best, position)
    residual, rate = np.empty(len(rows), np.float32), float(dropout.rate)
    labels = data.y, data.sample_weight, rows, n_rows
    loss = compare_with_labels(best, blocks, theta[-1], *labels, rate, residual, gradient[-1:])
    if sharpness == np.inf:
        gradient_by_winners(data.words, rows, residual, blocks, best, position, rate, by_blocks)
    else:
        sequences = data.words, data.lengths, rows
        tables = _room_for_products(data.words, blocks, sharpness)
        gradient_by_windows(*sequences, residual, blocks, float(sharpness), best, rate, tables, by_blocks)
    return float(loss)


def _scan_or_pool(
    data: Words,
    rows: NDArray[np.int64],
    blocks: NDArray[np.float32],
    sharpness: float,
    dropout: Dropout,
    state: NDArray[np.uint64],
    best: NDArray[np.float32],
    position: NDArray[np.int32],
) -> None:
    sequences, left_out = (data.words, data.lengths, rows), (float(dropout.rate), state)
    if sharpness == np.inf:
        scan_rows(*sequences, blocks, *left_out, best, position)
    else:
        tables = _room_for_products(data.words, blocks, sharpness)
        pool_rows(*sequences, blocks, float(sharpness), *left_out, tables, best)


def _room_for_products(
    words: NDArray[np.uint8], blocks: NDArray[np.float32], sharpness: float
) -> NDArray[np.floating[Any]]:
    """Make room for a block's tables of exponentials, in a type in which their products keep their precision."""
    lowest, highest = activation_range(blocks)
    for dtype, (least, greatest) in _EXPONENTS.items():
        if sharpness * lowest > least and sharpness * highest < greatest:
            return _empty_aligned((count_tables(blocks.shape[1] // 4, words), N_WORDS, LANES), dtype)
    raise FloatingPointError(
        f"The kernels are too large for log-sum-exp pooling: their activations may lie between {lowest:.3g} and"
        f" {highest:.3g}. Lower learning_rate_init, or set pooling='max'."
    )


def _empty_aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Make room that begins a cache line; NumPy's begins anywhere, and then every second row of LANES lies in two."""
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(n_bytes + _CACHE_LINE, np.uint8)
    start = -room.ctypes.data % _CACHE_LINE
    return room[start : start + n_bytes].view(dtype).reshape(shape)


def _state(dropout: Dropout) -> NDArray[np.uint64]:
    """Begin the random numbers that say what is left out."""
    return np.array([dropout.seed], np.uint64)


def _room(n_blocks: int, n_rows: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Make room for the best scores and positions of a scan."""
    return np.empty((n_blocks, n_rows, LANES), dtype=np.float32), np.empty((n_blocks, n_rows, LANES), dtype=np.int32)


def _flatten(network: Network) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    """Lay a network out for the loops.

    Returns
    -------
    theta : ndarray of float32
        Blocks of kernels, then the dense bias. A block is a matrix (4 W + 2, kernels per block): cells, kernel bias,
        dense weights. The last block is filled up with kernels that no sequence makes positive, which stay so.
    shape : tuple of int
        Of the blocks: their number, 4 W + 2, kernels per block.
    """
    n_cells = 4 * network.kernel_length
    per_block = LANES // 2 if network.reverse_complement else LANES
    n_blocks = -(-network.n_kernels // per_block)
    parts = network.kernels.reshape(-1, n_cells), network.kernel_bias[:, None], network.dense_weights[:, None]
    rows = np.zeros((n_blocks * per_block, n_cells + 2), dtype=np.float32)
    rows[network.n_kernels :, n_cells] = -np.inf
    rows[: network.n_kernels] = np.hstack(parts)
    blocks = rows.reshape(n_blocks, per_block, -1).transpose(0, 2, 1)
    return np.append(blocks.ravel(), np.float32(network.dense_bias)), blocks.shape


def _unflatten(theta: NDArray[np.float32], like: Network) -> Network:
    per_block = LANES // 2 if like.reverse_complement else LANES
    blocks = theta[:-1].reshape(-1, 4 * like.kernel_length + 2, per_block)
    rows = blocks.transpose(0, 2, 1).reshape(-1, blocks.shape[1])[: like.n_kernels]
    return Network(
        kernels=rows[:, :-2].reshape(like.kernels.shape).copy(),
        kernel_bias=rows[:, -2].copy(),
        dense_weights=rows[:, -1].copy(),
        dense_bias=float(theta[-1]),
        reverse_complement=like.reverse_complement,
        sharpness=like.sharpness,
    )


def _read_only(array: NDArray[Any], dtype: Any = None) -> NDArray[Any]:
    """Return a contiguous view that is never writable: to numba writable or not are two types, to compile twice."""
    view = np.ascontiguousarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view
