"""What random variants of a kind change: the background of p-values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skdeepprune.effects._alleles import Written, read_windows
from skdeepprune.effects._scores import AlleleScorer
from skdeepprune.sequences import Genome

_BASES_AT_ONCE = 2**23


class Background:
    """Random variants of every kind that is met, near the scored ones of the portion in which it first is.

    Parameters
    ----------
    scorer : AlleleScorer
    n : int
        Of each kind.
    rng : Generator
    """

    def __init__(self, scorer: AlleleScorer, n: int, rng: np.random.Generator) -> None:
        self._scorer = scorer
        self._n = n
        self._rng = rng
        self._sizes: dict[tuple[int, int], NDArray[np.float64]] = {}

    def p_values(
        self, delta: NDArray[np.float64], chrom: list[str], place: NDArray[np.int64], genome: Genome, window: int
    ) -> NDArray[np.float64]:
        """Tell how often random variants change the log-odds as much: (1 + those that do) / (1 + all)."""
        p = np.full(len(delta), np.nan)
        kinds, kind = np.unique(place[:, 1:], axis=0, return_inverse=True)
        for i, (n_ref, n_alt) in enumerate(kinds.tolist()):
            if (n_ref, n_alt) not in self._sizes:
                self._sizes[n_ref, n_alt] = self._drawn(n_ref, n_alt, chrom, place[:, 0], genome, window)
            sizes, rows = self._sizes[n_ref, n_alt], kind.ravel() == i
            n_as_large = len(sizes) - np.searchsorted(sizes, np.abs(delta[rows]), side="left")
            p[rows] = (1 + n_as_large) / (1 + len(sizes))
        return p

    def _drawn(
        self, n_ref: int, n_alt: int, chrom: list[str], places: NDArray[np.int64], genome: Genome, window: int
    ) -> NDArray[np.float64]:
        """Draw variants in random places of the scored windows, and sort the absolute deltas."""
        from skdeepprune.effects._allele_loops import FROM_GENOME, SHIFTED

        found = []
        step = max(1, _BASES_AT_ONCE // window)
        for start in range(0, self._n, step):
            n = min(step, self._n - start)
            rows = self._rng.integers(len(chrom), size=n)
            near = places[rows] + self._rng.integers(-(window // 2), window // 2 + 1, size=n)
            # A substituted base becomes one of the three others; what is inserted is any.
            letters = self._rng.integers(0, 4, n * n_alt)
            if n_ref == n_alt:
                letters = SHIFTED + 1 + self._rng.integers(0, 3, n * n_alt)
            ends = np.arange(1, n + 1)
            written = Written(
                np.full(n * n_ref, FROM_GENOME, np.uint8), n_ref * ends, letters.astype(np.uint8), n_alt * ends
            )
            names = [chrom[row] for row in rows]
            windows = read_windows(genome, names, near, written, np.zeros(n, np.uint8), window, drawn=True)
            # Where the genome is unknown, or both alleles are the same, there is no variant.
            is_variant = (windows.status == 0) & ((n_ref + n_alt == 0) | (windows.place[:, 1:].any(axis=1)))
            found.append(np.abs(self._scorer.deltas(windows.take(is_variant))))
        return np.sort(np.concatenate(found))
