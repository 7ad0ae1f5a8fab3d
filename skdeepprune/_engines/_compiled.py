"""The engine for DNA on a CPU: loops compiled by numba, over one byte per base."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdeepprune._compiling import STEP
from skdeepprune._engines._adam import adam_step
from skdeepprune._engines._interface import COMPOSITION_RATE, NO_DROPOUT, NO_PENALTY, Dropout, Penalty
from skdeepprune._engines._logits import loss_and_residuals, take_pooled, take_winners
from skdeepprune._engines._pool import pool_loops
from skdeepprune._engines._scan import scan_loops
from skdeepprune._engines._tables import TABLE_ROWS, activation_range, count_tables
from skdeepprune._engines._vectors import LANES
from skdeepprune._engines._word_weights import (
    add_to_words,
    fill_word_table,
    fold_word_gradient,
    pass_on_gradient,
    share_weights,
    sum_words,
    tie_words,
)
from skdeepprune._engines._words import WORD_LETTERS, WORD_NUMBERS, count_windows, read_letters, read_words
from skdeepprune._network import LETTER_SHARES, Network, Scan, reverse_complement_words, shared

_CHUNK_BYTES = 2**19
_CACHE_LINE = 64
_GRADIENT_ROWS = 1024
# Windows whose shares of the gradient are found at a time: 128 KB.
_SHARES_AT_ONCE = 4096
# Blocks of a part that is worth a thread: fewer take no longer than a thread takes to begin.
_MIN_SHARED = 4
_SHARES = float(LETTER_SHARES[0, 0]), float(LETTER_SHARES[0, 1])
# Exponents between which products of exponentials, their sums and inverses keep their precision.
_EXPONENTS = {np.float32: (-85.0, 40.0), np.float64: (-690.0, 320.0)}


@dataclass(frozen=True, eq=False)
class Letters:
    """Sequences as the loops read them.

    Attributes
    ----------
    letters : ndarray of uint8, shape (n_sequences, length)
        From the first known base on; 4 for N, and beyond the end.
    lengths : ndarray of int64, shape (n_sequences,)
        From the first known base to the last.
    starts : ndarray of int64, shape (n_sequences,)
        Position of the first known base.
    with_n : bool
        Whether any base between them is unknown.
    """

    letters: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]
    with_n: bool

    @classmethod
    def of(cls, codes: NDArray[np.uint8], *, overwrite: bool = False) -> Letters:
        """Read codes of shape (n_sequences, length), on request into their own memory."""
        in_place = overwrite and codes.flags.c_contiguous and codes.flags.writeable
        letters = codes if in_place else np.empty(codes.shape, dtype=np.uint8)
        lengths, starts = np.empty((2, len(codes)), dtype=np.int64)
        with_n = read_letters(_read_only(codes, np.uint8), in_place, letters, lengths, starts)
        return cls(letters, lengths, starts, bool(with_n))

    def __len__(self) -> int:
        return len(self.letters)

    def log_counts(self, network: Network) -> NDArray[np.float64]:
        """Logarithm of the number of windows, on all strands, of which at least half of the bases are known."""
        width, n_strands = network.kernel_length, 1 + network.reverse_complement
        counts = np.maximum(self.lengths - width, 0) + 1
        if self.with_n:
            count_windows(self.letters, self.lengths, width, counts)
        return np.log(n_strands * counts)


class Words:
    """Room for the words of some sequences at a time, as kernels of one length and composition words read them.

    Attributes
    ----------
    with_n : bool
        Whether any word that is read may have an unknown base.
    words : ndarray of uint16, shape (n_rows, max(length, kernel_length))
        Where the row of the word at every position begins in a table, in bytes.
    n_windows : ndarray of int64, shape (n_rows,)
    numbers : ndarray of uint16, as `words`
        Of composition words.
    n_numbers : ndarray of int64, shape (n_rows,)
    """

    def __init__(self, letters: Letters, network: Network) -> None:
        self._given = _read_only(letters.letters), letters.lengths
        self._kernel_length, self._n_letters = network.kernel_length, network.word_length
        self.with_n = letters.with_n or bool((letters.lengths < network.kernel_length).any())
        self._resize(0)

    def _resize(self, n_rows: int) -> None:
        width = max(self._given[0].shape[1], self._kernel_length)
        self.words, self.numbers = np.empty((2, n_rows, width), np.uint16)
        self.n_windows, self.n_numbers = np.empty((2, n_rows), np.int64)

    def read(self, rows: NDArray[np.int64]) -> None:
        """Read the words of those rows of the sequences."""
        if len(rows) != len(self.words):
            self._resize(len(rows))
        as_words, as_numbers = (self.words, self.n_windows), (self.numbers, self.n_numbers)
        options = self._kernel_length, self._n_letters, self.with_n, WORD_NUMBERS
        read_words(*self._given, _read_only(rows, np.int64), *options, *as_words, *as_numbers)


@dataclass(frozen=True, eq=False)
class TrainingData(Letters):
    """Sequences with labels and weights, float32 of shape (n_sequences,)."""

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
    letters_of = _letters_of(codes)
    shape = codes.shape
    pooled, position, reverse = _scan_chunks(network, letters_of, shape, n_threads, np.inf, with_positions=True)
    if network.sharpness < np.inf:
        pooled, *_ = _scan_chunks(network, letters_of, codes.shape, n_threads, network.sharpness)
    return Scan(pooled, position, reverse)


def motif_scores(network: Network, codes: NDArray[np.uint8], n_threads: int = 1) -> NDArray[np.float32]:
    """Motif scores of sequences, in float32 of shape (n_sequences, K); the parameters are those of `scan`."""
    pooled, *_ = _scan_chunks(network, _letters_of(codes), codes.shape, n_threads, network.sharpness)
    return np.maximum(pooled, 0, out=pooled)


def _letters_of(codes: NDArray[np.uint8]) -> Callable[[slice], tuple[Letters, NDArray[np.int64]]]:
    def letters_of(chunk: slice) -> tuple[Letters, NDArray[np.int64]]:
        letters = Letters.of(codes[chunk])
        return letters, np.arange(len(letters))

    return letters_of


def _scan_chunks(
    network: Network,
    letters_of: Callable[[slice], tuple[Letters, NDArray[np.int64]]],
    sequences: tuple[int, ...],
    n_threads: int,
    sharpness: float,
    *,
    with_positions: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.bool_]]:
    """Scan so many `sequences` of such a width by chunks small enough to stay in the cache.

    Returns
    -------
    pooled, position, reverse : ndarray, shape (n_sequences, K)
        The latter two are empty unless asked for.
    """
    n_sequences, width = sequences
    blocks, without_words = _read_only(_flatten(network).blocks), replace(network, composition=network.composition[:0])
    n_blocks, _, per_block = blocks.shape
    shape = (n_sequences if with_positions else 0), network.n_kernels
    pooled = np.empty((n_sequences, network.n_kernels), dtype=np.float32)
    position, reverse = np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.bool_)

    def scan_chunk(chunk: slice) -> None:
        letters, rows = letters_of(chunk)
        batch = _Room(n_blocks, letters, without_words, sharpness)
        batch.read(rows)
        batch.scan(blocks, batch.type_of_tables(blocks))
        if not with_positions:
            take_pooled(batch.best, per_block, pooled[chunk])
            return
        take_winners(batch.best, batch.position, per_block, pooled[chunk], position[chunk], reverse[chunk])
        if letters.starts.any():
            position[chunk] += letters.starts[rows, None].astype(np.int32)

    step = max(1, _CHUNK_BYTES // (max(width, network.kernel_length) + 2 * 4 * n_blocks * LANES))
    chunks = [slice(start, start + step) for start in range(0, n_sequences, step)]
    if n_threads == 1 or len(chunks) == 1:
        for chunk in chunks:
            scan_chunk(chunk)
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(scan_chunk, chunks))
    return pooled, position, reverse


def word_sums(network: Network, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Log-odds by composition of sequences, in float64 of shape (n_sequences,)."""
    step, sums = max(1, _CHUNK_BYTES // max(codes.shape[1], 1)), np.empty(len(codes))
    for start in range(0, len(codes), step):
        words = Words(Letters.of(codes[start : start + step]), network)
        words.read(np.arange(len(codes[start : start + step])))
        sums[start : start + step] = _Composition(network).sums(network.composition, words)
    return sums


class _Composition:
    """How the words of n letters are counted, and room for a table of those with N."""

    def __init__(self, network: Network) -> None:
        n = self.n_letters = network.word_length
        self.reverse_complements = (
            reverse_complement_words(n) if n and network.reverse_complement else np.empty(0, np.int64)
        )
        self._table = np.zeros(5**n if n else 0, dtype=np.float32)

    def sums(self, weights: NDArray[np.float32], words: Words) -> NDArray[np.float64]:
        """Log-odds by composition of the sequences that `words` has read."""
        sums = np.zeros(len(words.numbers))
        if self.n_letters:
            weights = _read_only(weights)
            if words.with_n:
                fill_word_table(weights, self.n_letters, self._table)
                weights = _read_only(self._table)
            sum_words(words.numbers, words.n_numbers, weights, sums)
        return sums

    def gradient(self, words: Words, residual: NDArray[np.float32], gradient: NDArray[np.float32]) -> None:
        """Write the derivative by the words' weights, as if none were tied, from that by the logits."""
        if self.n_letters:
            table = self._table if words.with_n else gradient
            table[:] = 0
            add_to_words(words.numbers, words.n_numbers, residual, table)
            if words.with_n:
                fold_word_gradient(table, self.n_letters, gradient)


class CompiledEngine:
    """Train and score networks on DNA codes with loops compiled for this CPU.

    Parameters
    ----------
    n_threads : int, default=1
        Threads for scores, and for the blocks of kernels of a batch. The result does not depend on it.
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
        """Read codes of shape (n_sequences, length), 1 byte a base; labels are 0 or 1."""
        letters = Letters.of(X, overwrite=overwrite_X)
        return TrainingData(
            letters.letters,
            letters.lengths,
            letters.starts,
            letters.with_n,
            _read_only(y, np.float32),
            _read_only(sample_weight, np.float32),
        )

    def trainer(self, network: Network) -> CompiledTrainer:
        """Begin to train `network` with a fresh optimiser."""
        return CompiledTrainer(network, self.n_threads)

    def gradients(self, network: Network, data: TrainingData) -> tuple[float, Network]:
        """Return the weighted mean loss over `data` and its gradient, in the shape of a network."""
        weights = _flatten(network)
        batch = _Batches(weights, data, network)
        total, loss = np.zeros(len(weights.values)), 0.0
        for start in range(0, len(data), _GRADIENT_ROWS):
            rows = _read_only(np.arange(start, min(start + _GRADIENT_ROWS, len(data))))
            loss += batch.gradient_of(rows, len(data), weights.composition)
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
        order, loss = _read_only(order, np.int64), 0.0
        with _threads(self._n_threads) as pool:
            batches = _Batches(self._weights, data, self._initial, pool, self._n_threads - 1, dropout)
            composition, words_gradient = np.empty_like(self._weights.composition), batches.gradient.composition
            trained = _read_only(self._weights.composition)
            parts = [*zip(self._weights.parts, batches.gradient.parts, self._moments, strict=True)]
            rates = float(learning_rate), float(COMPOSITION_RATE * learning_rate)
            pull = np.float32(penalty.words)
            # A loop in Python: in a compiled one numba would compile once more, for seconds, all that it calls.
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                if len(trained):
                    share_weights(trained, *_SHARES, composition)
                loss += batches.gradient_of(rows, len(rows), composition)
                if len(trained):
                    pass_on_gradient(trained, pull, *_SHARES, batches.reverse_complements, words_gradient)
                if penalty.l1 or penalty.l2:
                    self._weights.add_penalty(penalty, batches.gradient)
                self._n_steps += 1
                for (part, gradient, moments), rate in zip(parts, rates, strict=True):
                    adam_step(part, gradient, moments, rate, self._n_steps)
        return float(loss / len(order))

    def scores(self, data: TrainingData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Motif scores (len(rows), K) of those rows of `data` under the network as it is now."""
        network, sharpness = self.network, self._initial.sharpness
        n_threads, shape = self._n_threads, (len(rows), data.letters.shape[1])
        pooled, *_ = _scan_chunks(network, lambda chunk: (data, rows[chunk]), shape, n_threads, sharpness)
        return np.maximum(pooled, 0, out=pooled)

    def word_sums(self, data: TrainingData, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-odds by composition (len(rows),) of those rows of `data` under the network as it is now."""
        words = Words(data, self._initial)
        words.read(rows)
        return _Composition(self._initial).sums(_shared(self._weights.composition), words)


class _Part:
    """Some of the blocks, with room for the tables of one of them: what one thread computes."""

    def __init__(self, first: int, last: int, n_tables: int, sharpness: float) -> None:
        self.number, self._n_tables, self._sharpness = slice(first, last), n_tables, sharpness
        self._tables: dict[Any, tuple[NDArray[Any], NDArray[Any]]] = {}
        self._pooling = pool_loops(n_tables) if sharpness < np.inf else None
        self._scanning = scan_loops(n_tables) if sharpness == np.inf else None

    def room(self, dtype: Any) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
        """Room for the exponentials of all cells, and for a block's tables."""
        if dtype not in self._tables:
            n_blocks = self.number.stop - self.number.start if self._pooling else 0
            cells = _empty_aligned((n_blocks, WORD_LETTERS * self._n_tables, 5, LANES), dtype)
            self._tables[dtype] = cells, _empty_aligned((self._n_tables, TABLE_ROWS, LANES), dtype)
        return self._tables[dtype]

    @cached_property
    def _for_gradient(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Room for shares of the gradient, and for the gradient of a block's tables, which is 0 between blocks."""
        n_shares = _SHARES_AT_ONCE if self._pooling else 0
        tables = _empty_aligned((self._n_tables, TABLE_ROWS, LANES), np.float32)
        tables[:] = 0
        return _empty_aligned((n_shares, LANES), np.float32), tables

    def scan(self, room: _Room, blocks: NDArray[np.float32], dtype: Any, state: NDArray[np.uint64]) -> None:
        """Find the scores of these blocks."""
        words, here = room.words, self.number
        cells, tables = self.room(dtype)
        left_out, given = (float(room.dropout.rate), state), (words.words, words.n_windows)
        if self._scanning:
            found = room.best[here], room.position[here]
            self._scanning.scan_rows(*given, blocks[here], *room.known, *left_out, tables, *found)
        elif self._pooling:
            pooling, found = (room.log_counts, blocks[here], room.sharpness), (room.sums[here], room.best[here])
            logarithms = np.empty(room.best[0].size)
            as_bits = logarithms.view(np.int64), np.empty(len(logarithms), np.int64)
            rooms = cells, tables, logarithms, *as_bits
            self._pooling.pool_rows(*given, *pooling, *room.known, *left_out, *rooms, *found)

    def differentiate(
        self,
        room: _Room,
        residual: NDArray[np.float32],
        dense: NDArray[np.float32],
        dtype: Any,
        by_blocks: NDArray[np.float32],
    ) -> None:
        """Write the gradient by these blocks."""
        words, here, (shares, by_tables) = room.words, self.number, self._for_gradient
        if self._scanning:
            found = room.best[here], room.position[here]
            by_winners = self._scanning.gradient_by_winners
            by_winners(words.words, residual, *room.known, dense[here], *found, by_tables, by_blocks[here])
        elif self._pooling:
            found, (cells, tables) = (room.best[here], room.sums[here]), self.room(dtype)
            by_windows = self._pooling.gradient_by_windows
            given = words.words, words.n_windows, residual, *room.known, dense[here], *found
            by_windows(*given, cells, tables, shares, by_tables, by_blocks[here])


class _Room:
    """The words of some sequences and what all blocks find in them, with room for it."""

    def __init__(
        self,
        n_blocks: int,
        data: Letters,
        network: Network,
        sharpness: float,
        pool: ThreadPoolExecutor | None = None,
        n_others: int = 0,
        dropout: Dropout = NO_DROPOUT,
    ) -> None:
        self.words = Words(data, network)
        self.known = self.words.with_n, WORD_NUMBERS
        self.sharpness, self.dropout = float(sharpness), dropout
        n_tables, n_parts = count_tables(network.kernel_length), 1
        if n_others:
            n_parts = max(1, min(1 + n_others, n_blocks // _MIN_SHARED))
        bounds = [n_blocks * i // n_parts for i in range(n_parts + 1)]
        self._pool, self._n_others, self._n_blocks = pool, n_others, n_blocks
        self._parts = [_Part(first, last, n_tables, self.sharpness) for first, last in pairwise(bounds)]
        self._log_counts = data.log_counts(network) if sharpness < np.inf else np.empty(0)
        self._n_drawn = 0
        self._resize(0)

    def _resize(self, n_rows: int) -> None:
        shape = self._n_blocks, n_rows, LANES
        self.best = _empty_aligned(shape, np.float32)
        self.position = _empty_aligned(shape if self.sharpness == np.inf else (0, 0, LANES), np.int32)
        self.sums = _empty_aligned(shape if self.sharpness < np.inf else (0, 0, LANES), np.float64)

    def read(self, rows: NDArray[np.int64]) -> None:
        """Read the words of some sequences."""
        if len(rows) != self.best.shape[1]:
            self._resize(len(rows))
        self.words.read(rows)
        self.log_counts = self._log_counts[rows] if self.sharpness < np.inf else self._log_counts

    def type_of_tables(self, blocks: NDArray[np.float32]) -> Any:
        """The type in which these blocks' tables keep their precision."""
        return _type_of_products(blocks, self.sharpness) if self.sharpness < np.inf else np.float32

    def scan(self, blocks: NDArray[np.float32], dtype: Any) -> None:
        """Find the scores of all blocks; with dropout every block draws for every row."""
        n_rows = self.best.shape[1]
        first = [self._n_drawn + part.number.start * n_rows for part in self._parts]
        if self.dropout.rate:
            self._n_drawn += self._n_blocks * n_rows
        states = [np.array([(self.dropout.seed + n * int(STEP)) % 2**64], np.uint64) for n in first]
        self.share(lambda part: part.scan(self, blocks, dtype, states[self._parts.index(part)]))

    def share(self, task: Callable[[_Part], None]) -> None:
        """Do something with all parts: every thread takes the next one that is left.

        So a thread that gets no core, as others have them, keeps nobody waiting.
        """
        left = self._parts[::-1]

        def work() -> None:
            while left:
                try:
                    part = left.pop()
                except IndexError:  # another thread was faster
                    return
                task(part)

        n_others = min(self._n_others, len(left) - 1)
        others = [self._pool.submit(work) for _ in range(n_others)] if self._pool else []
        work()
        for other in others:
            if not other.cancel():
                other.result()


class _Batches(_Room):
    """The gradients of batches of some data."""

    def __init__(
        self,
        weights: _Weights,
        data: TrainingData,
        network: Network,
        pool: ThreadPoolExecutor | None = None,
        n_others: int = 0,
        dropout: Dropout = NO_DROPOUT,
    ) -> None:
        super().__init__(len(weights.blocks), data, network, network.sharpness, pool, n_others, dropout)
        self._blocks, self._bias = _read_only(weights.blocks), weights.dense_bias
        self._labels = data.y, data.sample_weight
        self._composition = _Composition(network)
        self.reverse_complements = self._composition.reverse_complements
        self.gradient = weights.like(np.zeros_like(weights.values))
        self._by_blocks, self._by_bias = self.gradient.blocks, self.gradient.dense_bias
        self._by_words = self.gradient.composition

    def gradient_of(self, rows: NDArray[np.int64], n_rows: int, composition: NDArray[np.float32]) -> float:
        """Find the gradient of the loss summed over `rows` and divided by `n_rows`; return the loss summed.

        With dropout blocks of kernels are left out; the others count 1 / (1 - rate) times.
        """
        self.read(rows)
        dtype = self.type_of_tables(self._blocks)
        self.scan(self._blocks, dtype)
        word_sums, residual = self._composition.sums(composition, self.words), np.empty(len(rows), np.float32)
        dense = np.float32(1 / (1 - self.dropout.rate)) * self._blocks[:, -1]
        labels = *self._labels, rows, n_rows
        loss = loss_and_residuals(self.best, dense, self._bias[0], *labels, word_sums, residual, self._by_bias)
        self.share(lambda part: part.differentiate(self, residual, dense, dtype, self._by_blocks))
        if self.dropout.rate:
            self._by_blocks[:, -1] *= np.float32(1 / (1 - self.dropout.rate))
        self._composition.gradient(self.words, residual, self._by_words)
        return float(loss)


def _threads(n_threads: int) -> AbstractContextManager[ThreadPoolExecutor | None]:
    return ThreadPoolExecutor(n_threads - 1) if n_threads > 1 else nullcontext()


def _type_of_products(blocks: NDArray[np.float32], sharpness: float) -> Any:
    """Choose the type of exponentials in which their products keep their precision."""
    lowest, highest = activation_range(_read_only(blocks))
    for dtype, (least, greatest) in _EXPONENTS.items():
        if sharpness * lowest > least and sharpness * highest < greatest:
            return dtype
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
        """Add the derivative of the penalty on kernels and dense weights to a gradient."""
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
