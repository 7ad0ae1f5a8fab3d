"""gkm-SVM with the package gkmsvm-lite."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from skdeepprune.baselines._gkm_interface import Codes, GkmModel, GkmSettings

_TILE_ROWS = 256
# gkmsvm-lite selects a numba threading layer that aborts the process when two threads enter it.
_NUMBA_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class _Tile:
    """Sequences with the same number of words: their rows, and their words on both strands, 2 bits per letter."""

    rows: NDArray[np.int64]
    words: NDArray[np.uint32]
    other_words: NDArray[np.uint32]


class GkmsvmLite:
    """gkm-SVM in Python: kernels from gkmsvm-lite, solver from scikit-learn.

    gkmsvm-lite's own training needs sequences of equal length. Its kernel function only needs equal numbers of words
    within each batch, so sequences are passed to it in groups with the same number of words.
    """

    name = "gkmsvm-lite"

    def is_installed(self) -> bool:
        return find_spec("gkmsvm") is not None

    def obstacle(self, settings: GkmSettings, codes: Codes) -> str | None:
        if settings.kernel.startswith("w"):
            return f"kernel={settings.kernel!r}; it weights letters in a word, not words in a sequence"
        counted = settings.word_length - settings.n_informative
        if settings.kernel == "gkm-count" and settings.max_mismatches < counted:
            return (
                f"kernel='gkm-count' with max_mismatches={settings.max_mismatches}; it always counts up to {counted}"
                f" mismatches (word_length - n_informative), so set max_mismatches={counted}"
            )
        return None

    def train(self, settings: GkmSettings, codes: Codes, is_positive: NDArray[np.bool_]) -> GkmModel:
        with _kernel(settings) as compare:
            tiles = _tiles(codes, settings.word_length)
            norms = _norms(compare, tiles, len(codes))
            gram = np.empty((len(codes), len(codes)))
            for i, tile in enumerate(tiles):
                for other in tiles[i:]:
                    block = _normalized(settings, compare(tile, other), norms[tile.rows], norms[other.rows])
                    gram[np.ix_(tile.rows, other.rows)] = block
                    gram[np.ix_(other.rows, tile.rows)] = block.T
        weights = {False: settings.C_negative, True: settings.C_positive}
        machine = SVC(
            C=1.0, kernel="precomputed", class_weight=weights, tol=settings.tol, cache_size=settings.cache_size
        ).fit(gram, is_positive)
        return GkmModel(codes[machine.support_], machine.dual_coef_[0].copy(), float(machine.intercept_[0]))

    def score(self, settings: GkmSettings, model: GkmModel, codes: Codes) -> NDArray[np.float64]:
        scores = np.full(len(codes), model.intercept)
        with _kernel(settings) as compare:
            tiles, support = _tiles(codes, settings.word_length), _tiles(model.support, settings.word_length)
            norms = _norms(compare, tiles, len(codes))
            support_norms = _norms(compare, support, len(model.support))
            for tile in tiles:
                for other in support:
                    block = _normalized(settings, compare(tile, other), norms[tile.rows], support_norms[other.rows])
                    # Not a matrix product: BLAS rounds a row differently depending on the batch size.
                    scores[tile.rows] += (block * model.coef[other.rows]).sum(axis=1)
        return scores


@contextmanager
def _kernel(settings: GkmSettings) -> Iterator[Any]:
    """Yield a function that computes the unnormalised kernel between two tiles."""
    import numba
    from gkmsvm.kernels.direct import DirectGkmKernel
    from gkmsvm.kernels.esttrunc import EstTruncGkmKernel

    options = {"normalize": False, "include_rc": settings.reverse_complement}
    if settings.kernel == "gkm-count":
        kernel = DirectGkmKernel(settings.word_length, settings.n_informative, **options)
    else:
        kernel = EstTruncGkmKernel(
            settings.word_length,
            settings.n_informative,
            d=settings.max_mismatches,
            truncate=settings.kernel != "gkm-full",
            **options,
        )

    def compare(tile: _Tile, other: _Tile) -> NDArray[np.float64]:
        similarity = kernel.pairwise_from_indices(None, None, bx_packed=tile.words, by_packed_t=other.words)
        if settings.reverse_complement:
            similarity += kernel.pairwise_from_indices(None, None, bx_packed=tile.words, by_packed_t=other.other_words)
        return similarity

    with _NUMBA_LOCK:
        n_before = numba.get_num_threads()
        numba.set_num_threads(min(max(settings.n_threads, 1), numba.config.NUMBA_NUM_THREADS))
        try:
            yield compare
        finally:
            numba.set_num_threads(n_before)


def _normalized(
    settings: GkmSettings, similarity: NDArray[np.float64], norms: NDArray[np.float64], others: NDArray[np.float64]
) -> NDArray[np.float64]:
    similarity /= norms[:, None] * others
    return np.exp(settings.gamma * (similarity - 1)) if settings.kernel.endswith("rbf") else similarity


def _norms(compare: Any, tiles: list[_Tile], n_sequences: int) -> NDArray[np.float64]:
    norms = np.empty(n_sequences)
    for tile in tiles:
        for i, row in enumerate(tile.rows):
            one = _Tile(tile.rows[i : i + 1], tile.words[i : i + 1], tile.other_words[i : i + 1])
            norms[row] = np.sqrt(compare(one, one)[0, 0])
    return norms


def _is_word(codes: Codes, word_length: int) -> NDArray[np.bool_]:
    """Whether a word without N starts at each position, shape (n, length - word_length + 1)."""
    n_unknown = np.cumsum(np.pad(codes > 3, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    before, after = n_unknown[:, : max(n_unknown.shape[1] - word_length, 0)], n_unknown[:, word_length:]
    return before == after


def has_words(codes: Codes, word_length: int) -> NDArray[np.bool_]:
    """Whether each sequence has a word without N, shape (n,)."""
    return np.asarray(_is_word(codes, word_length).any(axis=1))


def _tiles(codes: Codes, word_length: int) -> list[_Tile]:
    """Collect the words without N of all sequences, and group sequences by number of words (at least one)."""
    is_word = _is_word(codes, word_length)
    n_positions = is_word.shape[1]
    words, other_words = (np.zeros(is_word.shape, dtype=np.uint32) for _ in range(2))
    letters = np.minimum(codes, 3).astype(np.uint32)  # N is in no word
    for i in range(word_length):
        letter = letters[:, i : i + n_positions]
        words |= letter << np.uint32(2 * i)
        other_words |= (3 - letter) << np.uint32(2 * (word_length - 1 - i))
    n_words = is_word.sum(axis=1)
    tiles = []
    for n in np.unique(n_words):
        rows = np.flatnonzero(n_words == n)
        for part in np.split(rows, range(_TILE_ROWS, len(rows), _TILE_ROWS)):
            chosen = is_word[part]
            tiles.append(
                _Tile(part, *(all_words[part][chosen].reshape(len(part), n) for all_words in (words, other_words)))
            )
    return tiles
