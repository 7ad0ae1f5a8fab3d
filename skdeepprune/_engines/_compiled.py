"""The engine for DNA on a CPU: loops compiled by numba, over one byte per base."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune._engines._interface import NO_DROPOUT, Dropout
from skdeepprune._engines._loops import LANES, batch_gradient, read_words, run_epoch, scan_rows, take_winners
from skdeepprune._network import Network, Scan

_CHUNK_BYTES = 2**19
_GRADIENT_ROWS = 1024
_NOTHING_LEFT_OUT = 0.0, np.zeros(1, np.uint64)


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
    """Find every kernel's best window in every sequence, in float32.

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
        `best` in float32, `position` in int32.
    """

    def words_of(chunk: slice) -> tuple[Words, NDArray[np.int64]]:
        words = Words.of(codes[chunk])
        return words, np.arange(len(words))

    return _scan_chunks(network, words_of, codes.shape, n_threads, np.inf)


def motif_scores(network: Network, codes: NDArray[np.uint8], n_threads: int = 1) -> NDArray[np.float32]:
    """Motif scores of sequences, in float32 of shape (n_sequences, K); the parameters are those of `scan`."""

    def words_of(chunk: slice) -> tuple[Words, NDArray[np.int64]]:
        words = Words.of(codes[chunk])
        return words, np.arange(len(words))

    return np.maximum(_scan_chunks(network, words_of, codes.shape, n_threads, network.sharpness).best, 0)


def _scan_chunks(
    network: Network,
    words_of: Callable[[slice], tuple[Words, NDArray[np.int64]]],
    shape: tuple[int, ...],
    n_threads: int,
    sharpness: float,
) -> Scan:
    """Scan sequences, `shape` of them, by chunks small enough to stay in the cache.

    With a finite sharpness what is called the best is what all windows are pooled to.
    """
    n_sequences, width = shape
    n_kernels = network.n_kernels
    theta, (n_blocks, _, per_block) = _flatten(network)
    blocks = theta[:-1].reshape(n_blocks, -1, per_block)
    found = Scan(
        best=np.empty((n_sequences, n_kernels), dtype=np.float32),
        position=np.empty((n_sequences, n_kernels), dtype=np.int32),
        reverse=np.empty((n_sequences, n_kernels), dtype=np.bool_),
    )

    def scan_chunk(chunk: slice) -> None:
        words, rows = words_of(chunk)
        best, position = _room(n_blocks, len(rows))
        rows = _read_only(rows, np.int64)
        settings = network.kernel_length, float(sharpness), *_NOTHING_LEFT_OUT
        scan_rows(words.words, words.lengths, rows, blocks, *settings, best, position)
        take_winners(best, position, per_block, found.best[chunk], found.position[chunk], found.reverse[chunk])

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
        sharpness = float(network.sharpness)
        total = np.zeros(len(theta))
        gradient = np.empty_like(theta)
        loss = 0.0
        for start in range(0, len(data), _GRADIENT_ROWS):
            rows = np.arange(start, min(start + _GRADIENT_ROWS, len(data)))
            best, position = _room(shape[0], len(rows))
            batch = *_arrays(data), _read_only(rows), len(data)
            loss += batch_gradient(*batch, shape, sharpness, theta, gradient, best, position, *_NOTHING_LEFT_OUT)
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
        loss = run_epoch(
            *_arrays(data),
            _read_only(order, np.int64),
            int(batch_size),
            float(learning_rate),
            self._shape,
            float(self._initial.sharpness),
            self._theta,
            self._moments,
            self._n_steps,
            float(dropout.rate),
            np.array([dropout.seed], np.uint64),
        )
        self._n_steps += -(-len(order) // batch_size)
        return float(loss / len(order))

    def scores(self, data: TrainingData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Motif scores (len(rows), K) of those rows of `data` under the network as it is now."""
        network, shape = self.network, (len(rows), data.words.shape[1])
        found = _scan_chunks(network, lambda chunk: (data, rows[chunk]), shape, self._n_threads, network.sharpness)
        return np.maximum(found.best, 0)


def _arrays(data: TrainingData) -> tuple[NDArray[Any], ...]:
    return data.words, data.lengths, data.y, data.sample_weight


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
        Number of blocks, cells of a kernel, kernels per block.
    """
    n_cells = 4 * network.kernel_length
    per_block = LANES // 2 if network.reverse_complement else LANES
    n_blocks = -(-network.n_kernels // per_block)
    parts = network.kernels.reshape(-1, n_cells), network.kernel_bias[:, None], network.dense_weights[:, None]
    rows = np.zeros((n_blocks * per_block, n_cells + 2), dtype=np.float32)
    rows[network.n_kernels :, n_cells] = -np.inf
    rows[: network.n_kernels] = np.hstack(parts)
    blocks = rows.reshape(n_blocks, per_block, -1).transpose(0, 2, 1)
    return np.append(blocks.ravel(), np.float32(network.dense_bias)), (n_blocks, n_cells, per_block)


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
