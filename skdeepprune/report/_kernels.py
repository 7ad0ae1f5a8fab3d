"""The kernels of a network, evaluated on sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._network import Scan, reverse_complement_kernels
from skdeepprune.motifs import Motif
from skdeepprune.motifs._extract import scan_parts
from skdeepprune.report._sequences import Sequences

_MAX_BINS = 30
# A kernel reads a short word if at most _MAX_WORD_LENGTH bases contain a share of _MIN_VARIANCE of the variance of its
# weights; the word is frequent if a share of _MIN_UNBOUND of unbound sequences has a site.
_MAX_WORD_LENGTH, _MIN_VARIANCE, _MIN_UNBOUND = 6, 0.9, 0.1


@dataclass(frozen=True, eq=False)
class KernelReading:
    """A kernel on the evaluated sequences.

    Attributes
    ----------
    index : int
    weight, importance : float
    contribution : float
        Weight times the difference in mean score, bound minus unbound: the kernel's part of the difference in log-odds.
    kernel : ndarray, shape (W, 4)
    motif : Motif or None
        None if the kernel has no sites.
    kernel_offset : int
        Position in the motif at which the kernel starts.
    kernel_flipped : bool
        Whether the motif is the reverse complement of the kernel.
    score_edges, bound_scores, unbound_scores : ndarray
        Histogram of the pooled activations: bin edges, and shares of each class.
    position_edges, bound_positions, unbound_positions : ndarray
        Histogram of site positions relative to the centre of the sequence: bin edges in bp, and shares of each class.
    bound_share, unbound_share : float
        Share of the class with a score of at least the motif's threshold.
    word : str or None
        The short word that is all the kernel reads, if it is also frequent in unbound sequences.
    """

    index: int
    weight: float
    importance: float
    contribution: float
    kernel: NDArray[np.float32]
    motif: Motif | None
    kernel_offset: int
    kernel_flipped: bool
    score_edges: NDArray[np.float64]
    bound_scores: NDArray[np.float64]
    unbound_scores: NDArray[np.float64]
    position_edges: NDArray[np.float64]
    bound_positions: NDArray[np.float64]
    unbound_positions: NDArray[np.float64]
    bound_share: float
    unbound_share: float
    word: str | None


def read_kernels(
    classifier: DeepPruneClassifier,
    data: Sequences,
    measured: Sequences,
    found: Scan,
    motifs: Sequence[Motif],
    n_threads: int,
) -> list[KernelReading]:
    stage = classifier.stages_[-1]
    network = stage.network
    by_kernel = {motif.kernel: motif for motif in motifs}
    source = found if measured is data else scan_parts(network, data.codes, n_threads)
    readings = []
    for k in range(network.n_kernels):
        motif = by_kernel.get(k)
        score = found.scores[:, k]
        gap = score[measured.bound].mean() - score[~measured.bound].mean()
        offset, flipped = (0, False) if motif is None else kernel_placement(motif, source, k, network.kernel_length)
        kernels = network.kernels[k : k + 1]
        kernel = (reverse_complement_kernels(kernels) if flipped else kernels)[0]
        spread = _spread(found, k, motif, measured, network.kernel_length)
        is_frequent = motif is not None and spread["unbound_share"] >= _MIN_UNBOUND
        readings.append(
            KernelReading(
                index=k,
                weight=float(network.dense_weights[k]),
                importance=float(stage.importances[k]),
                contribution=float(network.dense_weights[k] * gap),
                kernel=kernel,
                motif=motif,
                kernel_offset=offset,
                kernel_flipped=flipped,
                word=short_word(kernel) if is_frequent else None,
                **spread,
            )
        )
    return readings


def _spread(found: Scan, k: int, motif: Motif | None, measured: Sequences, kernel_length: int) -> dict[str, Any]:
    """Histograms of activations and site positions in both classes, and the shares of sequences with a site."""
    n_bins = int(np.clip(np.sqrt(len(measured)), 8, _MAX_BINS))
    pooled = found.pooled[:, k]
    threshold = motif.threshold if motif is not None and np.isfinite(motif.threshold) else 0.0
    has_site = (pooled > 0) & (pooled >= threshold)
    from_centre = found.position[:, k] + kernel_length / 2 - measured.lengths / 2
    reach = max(5.0, np.ceil(np.abs(from_centre).max()))
    spread: dict[str, Any] = {
        "score_edges": np.linspace(*widened(pooled.min(), pooled.max()), n_bins + 1),
        "position_edges": np.linspace(-reach, reach, n_bins + 1),
    }
    for name, rows in (("bound", measured.bound), ("unbound", ~measured.bound)):
        spread[f"{name}_scores"] = np.histogram(pooled[rows], spread["score_edges"])[0] / rows.sum()
        positions = np.histogram(from_centre[has_site & rows], spread["position_edges"])[0]
        spread[f"{name}_positions"] = positions / rows.sum()
        spread[f"{name}_share"] = float(has_site[rows].mean())
    return spread


def short_word(kernel: NDArray[np.float32]) -> str | None:
    """Return the word of at most six bases that a kernel reads, or None if it reads more.

    Parameters
    ----------
    kernel : ndarray, shape (W, 4)

    Returns
    -------
    str or None
        The best letters at the positions with 90 % of the variance of the weights (over equally frequent letters).

    Examples
    --------
    >>> kernel = np.zeros((8, 4), np.float32)
    >>> kernel[[2, 3, 4], [3, 0, 3]] = 1.0
    >>> short_word(kernel)
    'TAT'
    """
    variance = kernel.var(axis=1, dtype=np.float64)
    for width in range(1, min(_MAX_WORD_LENGTH, len(kernel)) + 1):
        inside = np.convolve(variance, np.ones(width), "valid")
        start = int(inside.argmax())
        if 0 < _MIN_VARIANCE * variance.sum() <= inside[start]:
            return "".join("ACGT"[i] for i in kernel[start : start + width].argmax(axis=1))
    return None


def widened(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def kernel_placement(motif: Motif, found: Scan, k: int, kernel_length: int) -> tuple[int, bool]:
    """Locate a kernel in its motif, which may be trimmed, extended or reverse-complemented.

    Parameters
    ----------
    motif : Motif
        With sites in the sequences of `found`.
    found : Scan
    k : int
        The kernel.
    kernel_length : int

    Returns
    -------
    offset : int
        Position in the motif at which the kernel, in the orientation of the motif, starts.
    flipped : bool
        Whether the motif is the reverse complement of the kernel.
    """
    for site in motif.sites:
        row = site.sequence
        if row >= len(found.pooled) or not np.isclose(site.score, found.pooled[row, k], atol=1e-4):
            continue  # the motif is from other sequences
        start, reverse = int(found.position[row, k]), bool(found.reverse[row, k])
        if site.strand == "+":
            return start - site.position, reverse
        return site.position + motif.width - start - kernel_length, not reverse
    return 0, False
