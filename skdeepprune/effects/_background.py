"""Effects of random variants: the background of p-values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from skdeepprune.effects._alleles import Windows, Written, read_windows
from skdeepprune.effects._portions import each_in_order
from skdeepprune.effects._scores import AlleleScorer
from skdeepprune.sequences import Genome

# Lengths of REF and ALT after trimming.
Kind = tuple[int, int]

_BASES_AT_ONCE = 2**23
_MAX_LENGTH_BITS = np.uint64(40)  # of a chromosome


class Background:
    """Random variants of every kind, at random positions near the scored ones.

    First all scored variants are added, then the random ones are drawn. They depend on which places are scored, but not
    on how often or in which order they were added.

    Parameters
    ----------
    n : int
        Number of variants of each kind.
    seed : int
        At most 64 bits.
    """

    def __init__(self, n: int, seed: int) -> None:
        self._n = n
        self._seed = seed
        self._kinds: set[Kind] = set()
        # For up to n places: the random key that chose it, index of the chromosome, position.
        self._keys = np.empty(0, np.uint64)
        self._places = np.empty((0, 2), np.int64)
        self._sizes: dict[Kind, NDArray[np.float64]] = {}

    def add(self, chrom: list[str], windows: Windows, genome: Genome) -> None:
        """Add the kinds and the positions of scored variants; windows to draw from are centred on them."""
        from skdeepprune._compiling import mixed

        is_ok = windows.status == 0
        self._kinds.update(map(tuple, np.unique(windows.place[is_ok, 1:], axis=0).tolist()))
        number_of = {name: i for i, name in enumerate(genome.lengths)}
        numbers = [number_of[name] for name, good in zip(chrom, is_ok.tolist(), strict=True) if good]
        places = np.column_stack([np.array(numbers, np.int64), windows.place[is_ok, 0]])
        numbered = (places[:, 0].astype(np.uint64) << _MAX_LENGTH_BITS) | places[:, 1].astype(np.uint64)
        # A place always has the same key; the n lowest keys are a random sample.
        keys = mixed.py_func(mixed.py_func(numbered) ^ np.uint64(self._seed))
        keys, rows = np.unique(np.concatenate([self._keys, keys]), return_index=True)
        self._keys, self._places = keys[: self._n], np.concatenate([self._places, places])[rows[: self._n]]

    def draw(self, scorer: AlleleScorer, genome: Genome, window: int, n_jobs: int | None) -> None:
        """Draw variants of all kinds that were added, and sort the absolute values of delta."""
        kinds: list[Kind] = []

        def blocks() -> Iterator[Windows]:
            for kind in sorted(self._kinds):
                for block in self._drawn(*kind, genome, window):
                    kinds.append(kind)
                    yield block

        found: dict[Kind, list[NDArray[np.float64]]] = {kind: [] for kind in self._kinds}
        for i, (_, delta) in enumerate(each_in_order(scorer.deltas, blocks(), n_jobs)):
            found[kinds[i]].append(np.abs(delta))
        self._sizes = {kind: np.sort(np.concatenate(sizes)) for kind, sizes in found.items()}

    def p_values(self, delta: NDArray[np.float64], place: NDArray[np.int64]) -> NDArray[np.float64]:
        """Fraction of random variants that change the log-odds at least as much; 1 is added to both counts."""
        p = np.full(len(delta), np.nan)
        kinds, kind = np.unique(place[:, 1:], axis=0, return_inverse=True)
        for i, (n_ref, n_alt) in enumerate(kinds.tolist()):
            if (n_ref, n_alt) not in self._sizes:
                raise ValueError(
                    "Some variants were not present when the background was drawn; expected the same variants on the"
                    " second reading. Do not change the file while it is being read."
                )
            sizes, rows = self._sizes[n_ref, n_alt], kind.ravel() == i
            n_as_large = len(sizes) - np.searchsorted(sizes, np.abs(delta[rows]), side="left")
            p[rows] = (1 + n_as_large) / (1 + len(sizes))
        return p

    def _drawn(self, n_ref: int, n_alt: int, genome: Genome, window: int) -> Iterator[Windows]:
        """Draw variants of a kind in the windows around the places, and yield the windows of the variants."""
        from skdeepprune.effects._allele_loops import FROM_GENOME, SHIFTED

        rng, names = np.random.default_rng([self._seed, n_ref, n_alt]), list(genome.lengths)
        step = max(1, _BASES_AT_ONCE // window)
        for start in range(0, self._n, step):
            n = min(step, self._n - start)
            rows = rng.integers(len(self._places), size=n)
            near = self._places[rows, 1] + rng.integers(-(window // 2), window // 2 + 1, size=n)
            # A substituted base becomes one of the three others; inserted bases are uniform.
            letters = rng.integers(0, 4, n * n_alt)
            if n_ref == n_alt:
                letters = SHIFTED + 1 + rng.integers(0, 3, n * n_alt)
            ends = np.arange(1, n + 1)
            written = Written(
                np.full(n * n_ref, FROM_GENOME, np.uint8), n_ref * ends, letters.astype(np.uint8), n_alt * ends
            )
            chrom = [names[number] for number in self._places[rows, 0].tolist()]
            windows = read_windows(genome, chrom, near, written, np.zeros(n, np.uint8), window, drawn=True)
            # Drop draws with unknown bases or identical alleles.
            is_variant = (windows.status == 0) & ((n_ref + n_alt == 0) | (windows.place[:, 1:].any(axis=1)))
            yield windows.take(is_variant)
