"""Scores of pairs of windows, and contributions to their difference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from skdeepprune._engines import motif_scores, scan, word_sums
from skdeepprune._network import Network
from skdeepprune.effects._alleles import Windows

# Smaller changes of a kernel's contribution are rounding errors.
_NOTHING = 1e-5
GAINED, LOST = 1, 2


class AlleleScorer:
    """Scores windows with one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._best_sites = replace(network, sharpness=np.inf)

    def columns(self, windows: Windows) -> dict[str, NDArray[Any]]:
        """Score pairs of windows: the columns of `score_variants` from log_odds_ref on."""
        network = self.network
        scores, sums = zip(*(self._parts(codes) for codes in (windows.ref, windows.alt)), strict=True)
        log_odds = [network.decision(score, word_sum) for score, word_sum in zip(scores, sums, strict=True)]
        changes = scores[1].astype(np.float64) - scores[0]
        by_kernel = changes * network.dense_weights.astype(np.float64) + 0.0  # not -0.0
        columns = {
            "log_odds_ref": log_odds[0],
            "log_odds_alt": log_odds[1],
            "delta": log_odds[1] - log_odds[0],
            "probability_ref": expit(log_odds[0]),
            "probability_alt": expit(log_odds[1]),
            **{f"delta_kernel_{k}": by_kernel[:, k] for k in range(network.n_kernels)},
            "delta_composition": sums[1] - sums[0],
        }
        return {**columns, **self._sites(windows, changes, by_kernel)}

    def deltas(self, windows: Windows) -> NDArray[np.float64]:
        """Score pairs of windows: the column delta alone."""
        ref, alt = (self.network.decision(*self._parts(codes)) for codes in (windows.ref, windows.alt))
        return alt - ref

    def _parts(self, codes: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        return motif_scores(self.network, codes), word_sums(self.network, codes)

    def _sites(
        self, windows: Windows, changes: NDArray[np.float64], by_kernel: NDArray[np.float64]
    ) -> dict[str, NDArray[Any]]:
        """Find the kernel that changes most, whether its score rises, and the distance to its best site."""
        rows = np.arange(len(changes))
        kernel = np.abs(by_kernel).argmax(axis=1) if len(rows) else rows
        change = np.where(changes[rows, kernel] > 0, GAINED, LOST)
        is_none = np.abs(by_kernel[rows, kernel]) < _NOTHING
        in_alt = change == GAINED
        codes = np.where(in_alt[:, None], windows.alt, windows.ref)
        # Only the best site is needed, even if pooling is log-mean-exp.
        start = scan(self._best_sites, codes).position[rows, kernel].astype(np.int64)
        length = np.where(in_alt, windows.place[:, 2], windows.place[:, 1])
        first = (codes.shape[1] - length) // 2
        after, before = start - (first + length) + 1, start + self.network.kernel_length - first - 1
        distance = np.where(after > 0, after, np.minimum(before, 0)).astype(np.float64)
        distance[is_none] = np.nan
        return {
            "kernel": np.where(is_none, -1.0, kernel),
            "change": np.where(is_none, 0, change),
            "site_distance": distance,
        }
