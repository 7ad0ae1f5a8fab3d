"""The engine for DNA on a CPU: loops compiled by numba, over one byte per base."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skdeepprune._engines._interface import COMPOSITION_RATE, NO_DROPOUT, NO_PENALTY, Dropout, Penalty
from skdeepprune._engines._loops import (
    LANES,
    N_WORDS,
    WORD_LETTERS,
    activation_range,
    adam_step,
    add_to_words,
    compare_with_labels,
    count_tables,
    count_windows,
    fill_word_table,
    fold_word_gradient,
    gradient_by_windows,
    gradient_by_winners,
    pool_rows,
    read_words,
    scan_rows,
    share_gradient,
    share_weights,
    sum_words,
    take_winners,
    tie_words,
)
from skdeepprune._network import LETTER_SHARES, Network, Scan, reverse_complement_words, shared

_CHUNK_BYTES = 2**19
_CACHE_LINE = 64
_GRADIENT_ROWS = 1024
_SHARES = float(LETTER_SHARES[0, 0]), float(LETTER_SHARES[0, 1])
# Exponents between which products of exponentials, their sums and inverses keep their precision.
_EXPONENTS = {np.float32: (-85.0, 40.0), np.float64: (-690.0, 320.0)}


@dataclass(frozen=True, eq=False)
class Words:
    """Sequences as the loops read them: at every position the three letters that start there, as one byte.

    Attributes
    ----------
    words : ndarray of uint8, shape (n_sequences, max(length, 1))
        From the first known base on.
    lengths : ndarray of int64, shape (n_sequences,)
        From the first known base to the last.
    starts : ndarray of int64, shape (n_sequences,)
        Position of the first known base.
    with_n : bool
        Whether any base between them is unknown.
    """

    words: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]
    with_n: bool

    @classmethod
    def of(cls, codes: NDArray[np.uint8], *, overwrite: bool = False) -> Words:
        """Read the words of codes of shape (n_sequences, length), on request into the memory of the codes."""
        n_sequences, width = codes.shape
        in_place = overwrite and width > 0 and codes.flags.c_contiguous and codes.flags.writeable
        words = codes if in_place else np.empty((n_sequences, max(width, 1)), dtype=np.uint8)
        lengths, starts = np.empty((2, n_sequences), dtype=np.int64)
        with_n = read_words(_read_only(codes, np.uint8), words, lengths, starts)
        return cls(words, lengths, starts, bool(with_n))

    def __len__(self) -> int:
        return len(self.words)

    def log_counts(self, network: Network) -> NDArray[np.float64]:
        """Logarithm of the number of windows, on all strands, of which at least half of the bases are known."""
        width, n_strands = network.kernel_length, 1 + network.reverse_complement
        counts = np.maximum(self.lengths - width, 0) + 1
        if self.with_n:
            count_windows(self.words, self.lengths, width, counts)
        return np.log(n_strands * counts)

    def at_least(self, width: int) -> Self:
        """Give the same, filled up with N where it is narrower than a kernel."""
        missing = width - self.words.shape[1]
        if missing <= 0:
            return self
        return replace(self, words=np.pad(self.words, ((0, 0), (0, missing)), constant_values=N_WORDS - 1))


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
    blocks = _flatten(network).blocks
    n_blocks, _, per_block = blocks.shape
    found = Scan(
        pooled=np.empty((n_sequences, n_kernels), dtype=np.float32),
        position=np.empty((n_sequences, n_kernels), dtype=np.int32),
        reverse=np.empty((n_sequences, n_kernels), dtype=np.bool_),
    )

    def scan_chunk(chunk: slice) -> None:
        words, rows = words_of(chunk)
        words = words.at_least(network.kernel_length)
        log_counts = words.log_counts(network) if sharpness < np.inf else np.empty(0)
        best, position = _room(n_blocks, len(rows))
        rows = _read_only(rows, np.int64)
        _scan_or_pool(words, log_counts, rows, blocks, sharpness, NO_DROPOUT, _state(NO_DROPOUT), best, position)
        take_winners(best, position, per_block, found.pooled[chunk], found.position[chunk], found.reverse[chunk])
        if words.starts.any():
            found.position[chunk] += words.starts[rows, None].astype(np.int32)

    step = max(1, _CHUNK_BYTES // (max(width, network.kernel_length) + 2 * 4 * n_blocks * LANES))
    chunks = [slice(start, start + step) for start in range(0, n_sequences, step)]
    if n_threads == 1 or len(chunks) == 1:
        for chunk in chunks:
            scan_chunk(chunk)
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(scan_chunk, chunks))
    return found


def word_sums(network: Network, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Log-odds by composition of sequences, in float64 of shape (n_sequences,)."""
    step, sums = max(1, _CHUNK_BYTES // max(codes.shape[1], 1)), np.empty(len(codes))
    composition = _Composition.of(network)
    for start in range(0, len(codes), step):
        words = Words.of(codes[start : start + step])
        sums[start : start + step] = composition.sums(network.composition, words, np.arange(len(words)))
    return sums


@dataclass(frozen=True, eq=False)
class _Composition:
    """How the words of n letters are numbered, and room for a table of them."""

    n_letters: int
    firsts: NDArray[np.int64]
    seconds: NDArray[np.int64]
    places: NDArray[np.int64]
    reverse_complements: NDArray[np.int64]
    table: NDArray[np.float32]

    @classmethod
    def of(cls, network: Network) -> _Composition:
        n = network.word_length
        byte, word, places = np.arange(N_WORDS), np.arange(4**n if n else 0), np.zeros(4**n if n else 0, np.int64)
        for j in reversed(range(n)):
            places = 5 * places + word // 4**j % 4
        return cls(
            n_letters=n,
            firsts=byte // 5 ** (WORD_LETTERS - n) if n < WORD_LETTERS else byte * 5 ** (n - WORD_LETTERS),
            seconds=byte // 5 ** (2 * WORD_LETTERS - n) if n > WORD_LETTERS else 0 * byte,
            places=places,
            reverse_complements=reverse_complement_words(n) if n and network.reverse_complement else word[:0],
            table=np.zeros(5**n if n else 0, dtype=np.float32),
        )

    def sums(self, weights: NDArray[np.float32], words: Words, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-odds by composition of those rows of some words."""
        sums = np.zeros(len(rows))
        if self.n_letters:
            fill_word_table(_read_only(weights), self.n_letters, self.places, words.with_n, self.table)
            rows = _read_only(rows, np.int64)
            sum_words(words.words, words.lengths, rows, self.table, self.n_letters, self.firsts, self.seconds, sums)
        return sums

    def gradient(
        self, words: Words, rows: NDArray[np.int64], residual: NDArray[np.float32], gradient: NDArray[np.float32]
    ) -> None:
        """Write the derivative by the words' weights, as if none were tied, from that by the logits of `rows`."""
        if self.n_letters:
            self.table[:] = 0
            numbers = self.n_letters, self.firsts, self.seconds
            add_to_words(words.words, words.lengths, rows, residual, *numbers, self.table)
            fold_word_gradient(self.table, self.n_letters, self.places, words.with_n, gradient)


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
            words.words,
            words.lengths,
            words.starts,
            words.with_n,
            _read_only(y, np.float32),
            _read_only(sample_weight, np.float32),
        )

    def trainer(self, network: Network) -> CompiledTrainer:
        """Begin to train `network` with a fresh optimiser."""
        return CompiledTrainer(network, self.n_threads)

    def gradients(self, network: Network, data: TrainingData) -> tuple[float, Network]:
        """Return the weighted mean loss over `data` and its gradient, in the shape of a network."""
        weights, data = _flatten(network), data.at_least(network.kernel_length)
        batch = _Batches(weights, data, network)
        total, loss = np.zeros(len(weights.values)), 0.0
        for start in range(0, len(data), _GRADIENT_ROWS):
            rows = _read_only(np.arange(start, min(start + _GRADIENT_ROWS, len(data))))
            loss += batch.gradient_of(rows, len(data), weights.composition, NO_DROPOUT, _state(NO_DROPOUT))
            total += batch.gradient.values
        weights = weights.like(total.astype(np.float32))
        tie_words(batch.reverse_complements, weights.composition)
        return loss / len(data), _unflatten(weights, network)


class CompiledTrainer:
    """A network in training, as one vector, with Adam's moments."""

    def __init__(self, network: Network, n_threads: int = 1) -> None:
        self._initial = network
        self._n_threads = n_threads
        # What is trained of the words are the weights that they share.
        unshared = shared(network.composition, network.word_length, inverse=True)
        self._weights = _flatten(replace(network, composition=unshared))
        self._moments = [np.zeros((2, len(part)), dtype=np.float32) for part in self._weights.parts]
        self._n_steps = 0

    @property
    def network(self) -> Network:
        """The network as it is now."""
        network = _unflatten(self._weights, self._initial)
        return replace(network, composition=_shared(network.composition))

    def epoch(
        self,
        data: TrainingData,
        order: NDArray[np.int64],
        batch_size: int,
        learning_rate: float,
        dropout: Dropout = NO_DROPOUT,
        penalty: Penalty = NO_PENALTY,
    ) -> float:
        """Run Adam once over `data` in the given order, in batches; return the mean loss seen on the way."""
        order = _read_only(order, np.int64)
        batches = _Batches(self._weights, data.at_least(self._initial.kernel_length), self._initial)
        state, loss = _state(dropout), 0.0
        # A loop in Python: in a compiled one numba would compile once more, for seconds, all that it calls.
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            loss += batches.gradient_of(rows, len(rows), _shared(self._weights.composition), dropout, state)
            share_gradient(*_SHARES, batches.gradient.composition)
            tie_words(batches.reverse_complements, batches.gradient.composition)
            self._weights.add_penalty(penalty, batches.gradient)
            self._n_steps += 1
            rates = float(learning_rate), float(COMPOSITION_RATE * learning_rate)
            parts = zip(self._weights.parts, batches.gradient.parts, self._moments, rates, strict=True)
            for part, gradient, moments, rate in parts:
                adam_step(part, gradient, moments, rate, self._n_steps)
        return float(loss / len(order))

    def scores(self, data: TrainingData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Motif scores (len(rows), K) of those rows of `data` under the network as it is now."""
        network, shape = self.network, (len(rows), data.words.shape[1])
        data = data.at_least(network.kernel_length)
        found = _scan_chunks(network, lambda chunk: (data, rows[chunk]), shape, self._n_threads, network.sharpness)
        return np.maximum(found.pooled, 0)

    def word_sums(self, data: TrainingData, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-odds by composition (len(rows),) of those rows of `data` under the network as it is now."""
        return _Composition.of(self._initial).sums(_shared(self._weights.composition), data, rows)


class _Batches:
    """The gradients of batches of some data: room for them, and what is the same for all."""

    def __init__(self, weights: _Weights, data: TrainingData, network: Network) -> None:
        self._weights, self._data, self._sharpness = weights, data, network.sharpness
        self._composition = _Composition.of(network)
        self._log_counts = data.log_counts(network) if network.sharpness < np.inf else np.empty(0)
        self.reverse_complements = self._composition.reverse_complements
        self._room = _room(0, 0)
        self.gradient = weights.like(np.zeros_like(weights.values))

    def gradient_of(
        self,
        rows: NDArray[np.int64],
        n_rows: int,
        composition: NDArray[np.float32],
        dropout: Dropout,
        state: NDArray[np.uint64],
    ) -> float:
        """Find the gradient of the loss summed over `rows` and divided by `n_rows`; return the loss summed.

        With `dropout` blocks of kernels are left out by draws from `state`; the others count 1 / (1 - rate) times.
        """
        data, weights, sharpness, rate = self._data, self._weights, self._sharpness, float(dropout.rate)
        blocks, by_blocks = weights.blocks, self.gradient.blocks
        if self._room[0].shape[1] != len(rows):
            self._room = _room(len(blocks), len(rows))
        best, position = self._room
        _scan_or_pool(data, self._log_counts, rows, blocks, sharpness, dropout, state, best, position)
        word_sums = self._composition.sums(composition, data, rows)
        residual, labels = np.empty(len(rows), np.float32), (data.y, data.sample_weight, rows, n_rows)
        by_bias = self.gradient.dense_bias
        bias = weights.dense_bias[0]
        loss = compare_with_labels(best, blocks, bias, *labels, rate, word_sums, residual, by_bias)
        if sharpness == np.inf:
            gradient_by_winners(data.words, rows, residual, blocks, best, position, rate, by_blocks)
        else:
            sequences = data.words, data.lengths, self._log_counts, rows
            tables = _room_for_products(blocks, sharpness)
            gradient_by_windows(*sequences, residual, blocks, float(sharpness), best, rate, tables, by_blocks)
        self._composition.gradient(data, rows, residual, self.gradient.composition)
        return float(loss)


def _scan_or_pool(
    data: Words,
    log_counts: NDArray[np.float64],
    rows: NDArray[np.int64],
    blocks: NDArray[np.float32],
    sharpness: float,
    dropout: Dropout,
    state: NDArray[np.uint64],
    best: NDArray[np.float32],
    position: NDArray[np.int32],
) -> None:
    left_out = float(dropout.rate), state
    if sharpness == np.inf:
        scan_rows(data.words, data.lengths, rows, blocks, *left_out, best, position)
    else:
        tables = _room_for_products(blocks, sharpness)
        pool_rows(data.words, data.lengths, log_counts, rows, blocks, float(sharpness), *left_out, tables, best)


def _room_for_products(blocks: NDArray[np.float32], sharpness: float) -> NDArray[np.floating[Any]]:
    """Make room for a block's tables of exponentials, in a type in which their products keep their precision."""
    lowest, highest = activation_range(blocks)
    for dtype, (least, greatest) in _EXPONENTS.items():
        if sharpness * lowest > least and sharpness * highest < greatest:
            return _empty_aligned((count_tables(blocks.shape[1] // 4), N_WORDS, LANES), dtype)
    raise FloatingPointError(
        f"The kernels are too large for log-mean-exp pooling: their activations may lie between {lowest:.3g} and"
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


def _shared(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `shared` gives, quickly."""
    found = np.empty_like(weights)
    share_weights(_read_only(weights), *_SHARES, found)
    return found


class _Weights(NamedTuple):
    """The weights of a network, or their gradient, as the loops read them: in one vector.

    Attributes
    ----------
    values : ndarray of float32
        Blocks of kernels, the dense bias, the words' weights. A block is a matrix (4 W + 2, kernels per block): cells,
        kernel bias, dense weights. The last block is filled up with kernels that no sequence makes positive, which stay
        so.
    shape : tuple of int
        Of the blocks: their number, 4 W + 2, kernels per block.
    """

    values: NDArray[np.float32]
    shape: tuple[int, int, int]

    def like(self, values: NDArray[np.float32]) -> _Weights:
        """Give others in the same layout."""
        return _Weights(values, self.shape)

    @property
    def blocks(self) -> NDArray[np.float32]:
        return self.values[: math.prod(self.shape)].reshape(self.shape)

    @property
    def dense_bias(self) -> NDArray[np.float32]:
        """Of one entry, to be written to."""
        return self.parts[0][-1:]

    @property
    def composition(self) -> NDArray[np.float32]:
        return self.parts[1]

    @property
    def parts(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What Adam trains at the whole rate, and the words' weights."""
        end = math.prod(self.shape) + 1
        return self.values[:end], self.values[end:]

    def add_penalty(self, penalty: Penalty, gradient: _Weights) -> None:
        """Add the derivative of the penalty on these weights to a gradient."""
        if penalty.words:
            gradient.composition[:] += np.float32(penalty.words) * self.composition
        if penalty.l1 or penalty.l2:
            n_cells = self.shape[1] - 2
            for rows in (slice(n_cells), slice(n_cells + 1, None)):  # all but the kernel biases
                weights = self.blocks[:, rows]
                pull = np.float32(penalty.l1) * np.sign(weights) + np.float32(penalty.l2) * weights
                gradient.blocks[:, rows] += pull


def _flatten(network: Network) -> _Weights:
    """Lay a network out for the loops."""
    n_cells = 4 * network.kernel_length
    per_block = LANES // 2 if network.reverse_complement else LANES
    n_blocks = -(-network.n_kernels // per_block)
    parts = network.kernels.reshape(-1, n_cells), network.kernel_bias[:, None], network.dense_weights[:, None]
    rows = np.zeros((n_blocks * per_block, n_cells + 2), dtype=np.float32)
    rows[network.n_kernels :, n_cells] = -np.inf
    rows[: network.n_kernels] = np.hstack(parts)
    blocks = rows.reshape(n_blocks, per_block, -1).transpose(0, 2, 1)
    values = np.concatenate(
        [blocks.ravel(), np.array([network.dense_bias], np.float32), network.composition.astype(np.float32)]
    )
    return _Weights(values, blocks.shape)


def _unflatten(weights: _Weights, like: Network) -> Network:
    blocks = weights.blocks
    rows = blocks.transpose(0, 2, 1).reshape(-1, blocks.shape[1])[: like.n_kernels]
    return replace(
        like,
        kernels=rows[:, :-2].reshape(like.kernels.shape).copy(),
        kernel_bias=rows[:, -2].copy(),
        dense_weights=rows[:, -1].copy(),
        dense_bias=float(weights.dense_bias[0]),
        composition=weights.composition.copy(),
    )


def _read_only(array: NDArray[Any], dtype: Any = None) -> NDArray[Any]:
    """Return a contiguous view that is never writable: to numba writable or not are two types, to compile twice."""
    view = np.ascontiguousarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view
