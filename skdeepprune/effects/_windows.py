"""The log-odds of windows that slide along sequences. Imported on first use, since numba is slow to load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdeepprune._engines import decide, motif_scores
from skdeepprune._network import Network, reverse_complement_kernels
from skdeepprune.effects._loops import any_unknown
from skdeepprune.effects._portions import Codes, Piece, read_only
from skdeepprune.effects._slide import count_unknown, slide_kernels, slide_words
from skdeepprune.effects._vectors import LANES, SHORT_LETTERS

Floats = NDArray[np.float64]

_CODES_AT_ONCE = 2**22
# Within these bounds, exponentials and sums of a million of them are finite in float64.
_EXPONENTS = (-690.0, 690.0)


@dataclass(frozen=True, eq=False)
class SlidingWindow:
    """Scores windows that slide along sequences.

    Attributes
    ----------
    network : Network
    length : int
    step : int
    with_scores : bool
        Whether to compute motif scores as well.
    """

    network: Network
    length: int
    step: int
    with_scores: bool

    def __call__(self, portion: list[Piece]) -> list[Floats]:
        """Compute an array (n, 1 or 1 + K) of log-odds and motif scores for every piece of at least the window length.

        NaN if more than half of the bases are unknown.
        """
        return [self._values(read_only(codes)) for _, _, codes in portion]

    def _values(self, codes: Codes) -> Floats:
        n, n_kernels = (len(codes) - self.length) // self.step + 1, self.network.n_kernels
        values = np.empty((n, 1 + n_kernels if self.with_scores else 1))
        n_unknown = np.zeros(n, np.int64)
        if any_unknown(codes):
            count_unknown(codes, self.length, self.step, n_unknown)
        # A window shorter than a kernel is padded with unknown bases.
        by_itself = n_unknown > 0 if self.length >= self.network.kernel_length else np.ones(n, np.bool_)
        if not by_itself.all():
            scores = self._scores(codes, n)
            values[:, 0] = self.network.decision(scores, self._word_sums(codes, n))
            values[:, 1:] = scores if self.with_scores else 0
        unclear = 2 * n_unknown > self.length
        values[unclear] = np.nan
        rows = np.flatnonzero(by_itself & ~unclear)
        for some in np.array_split(rows, -(-len(rows) * self.length // _CODES_AT_ONCE)) if len(rows) else []:
            windows = np.lib.stride_tricks.sliding_window_view(codes, self.length)[some * self.step]
            values[some, 0] = decide(self.network, windows)
            if self.with_scores:
                values[some, 1:] = motif_scores(self.network, windows)
        return values

    def _scores(self, codes: Codes, n: int) -> Floats:
        """Motif scores (n, K), valid where all bases are known."""
        network, scores = self.network, np.empty((n, self.network.n_kernels))
        n_positions = self.length - network.kernel_length + 1
        n_strands = 1 + network.reverse_complement
        pools_sum = network.sharpness < np.inf
        block = np.empty((n, LANES))
        for i, tables in enumerate(self._tables()):
            slide_kernels(codes, tables, network.kernel_length, pools_sum, n_positions, self.step, block)
            own = scores[:, i * LANES // n_strands : (i + 1) * LANES // n_strands]
            pooled = block[:, : n_strands * own.shape[1]]
            if network.reverse_complement:
                (np.add if pools_sum else np.maximum)(pooled[:, ::2], pooled[:, 1::2], out=own)
            else:
                own[:] = pooled
        if pools_sum:
            np.log(scores, out=scores)
            scores -= np.log(n_strands * n_positions)
            scores /= network.sharpness
        scores += network.kernel_bias
        return np.maximum(scores, 0, out=scores)

    def _tables(self) -> list[Floats]:
        """Arrange the kernels in blocks of LANES, with both strands of a kernel adjacent."""
        network = self.network
        strands = [network.kernels]
        if network.reverse_complement:
            strands.append(reverse_complement_kernels(network.kernels))
        cells = np.stack(strands, axis=1).reshape(-1, network.kernel_length, 4).astype(np.float64)
        cells = np.pad(cells, ((0, -len(cells) % LANES), (0, -network.kernel_length % SHORT_LETTERS), (0, 0)))
        a, b, c = cells.reshape(len(cells), -1, SHORT_LETTERS, 4).transpose(2, 0, 1, 3)
        words = a[:, :, :, None, None] + b[:, :, None, :, None] + c[:, :, None, None, :]
        tables = words.reshape(len(cells), -1, 4**SHORT_LETTERS)
        if network.sharpness < np.inf:
            limits = tables.min(axis=2).sum(axis=1).min(), tables.max(axis=2).sum(axis=1).max()
            lowest, highest = network.sharpness * limits[0], network.sharpness * limits[1]
            if not (_EXPONENTS[0] < lowest and highest < _EXPONENTS[1]):
                raise FloatingPointError(
                    f"The kernels are too large for log-mean-exp pooling: their activations may lie between"
                    f" {limits[0]:.3g} and {limits[1]:.3g}."
                )
            tables = np.exp(network.sharpness * tables)
        blocks = tables.reshape(-1, LANES, *tables.shape[1:]).transpose(0, 2, 3, 1)
        return [np.ascontiguousarray(block) for block in blocks]

    def _word_sums(self, codes: Codes, n: int) -> Floats:
        """Log-odds from composition (n,), valid where all bases are known."""
        network, sums = self.network, np.zeros(n)
        if 0 < network.word_length <= self.length:
            slide_words(
                codes, network.composition.astype(np.float64), network.word_length, self.length, self.step, sums
            )
        return sums
