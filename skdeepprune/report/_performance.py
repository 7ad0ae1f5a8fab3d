"""Performance of a classifier with bootstrap intervals, and the contribution of each kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdeepprune._network import Network

Floats = NDArray[np.float64]

# False positive rates or recalls at which curves are evaluated; denser at the left, where ROC curves rise.
GRID: Floats = np.round(np.concatenate([np.linspace(0, 0.1, 41), np.linspace(0.12, 1, 45)]), 4)
N_BOOTSTRAPS = 200
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve with its pointwise 95 % bootstrap interval, evaluated on `GRID`."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Use:
    """Intended use of the predictions: the share of bound sequences to find, and the share of all that are bound."""

    recall: float = 0.5
    prevalence: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.recall <= 1 or not 0 < self.prevalence < 1:
            raise ValueError(
                f"recall={self.recall!r}, prevalence={self.prevalence!r}; expected a recall above 0 and at most 1, and"
                " a prevalence between 0 and 1."
            )

    def precisions(self, recall: Floats, fall_out: Floats) -> Floats:
        """Precision at each threshold if a share `prevalence` of all sequences is bound; 1 if none are above it."""
        bound, unbound = self.prevalence * recall, (1 - self.prevalence) * fall_out
        return np.where(bound + unbound > 0, bound / np.maximum(bound + unbound, 1e-300), 1.0)


@dataclass(frozen=True, eq=False)
class Performance:
    """ROC and precision-recall curves with the areas under them.

    Attributes
    ----------
    roc_auc, average_precision : Estimate
    roc : Curve
        True positive rate at false positive rates.
    precision_recall : Curve
        Precision at recalls.
    use : Use
    precision_in_use, average_precision_in_use : Estimate
        Precision at the recall and the prevalence of `use`, and average precision at that prevalence.
    positive_share : float
        Share of bound sequences: the precision of a random classifier.
    auc_drops : list of Estimate
        Drop in ROC AUC when a kernel is left out, for each kernel.
    """

    roc_auc: Estimate
    average_precision: Estimate
    roc: Curve
    precision_recall: Curve
    use: Use
    precision_in_use: Estimate
    average_precision_in_use: Estimate
    positive_share: float
    auc_drops: list[Estimate]


@dataclass(frozen=True, eq=False)
class _Ranking:
    """Sequences in descending order of score, with ties grouped."""

    order: NDArray[np.int64]
    is_bound: NDArray[np.bool_]
    group_ends: NDArray[np.int64]

    @classmethod
    def of(cls, bound: NDArray[np.bool_], score: Floats) -> _Ranking:
        order = np.argsort(-score, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
        return cls(order, bound[order], ends)

    def counts(self, weights: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cumulative counts of bound and unbound sequences after each group, starting from (0, 0)."""
        ordered = weights[self.order]
        seen = np.cumsum(ordered)[self.group_ends]
        seen_bound = np.cumsum(np.where(self.is_bound, ordered, 0))[self.group_ends]
        return np.append(0, seen_bound), np.append(0, seen - seen_bound)


def measure(
    network: Network,
    scores: Floats,
    word_sums: Floats,
    bound: NDArray[np.bool_],
    *,
    random_state: int,
    n_bootstraps: int = N_BOOTSTRAPS,
    use: Use | None = None,
) -> Performance:
    """Measure the performance of a network, given motif scores and log-odds from composition.

    Parameters
    ----------
    network : Network
    scores : ndarray, shape (n_sequences, K)
    word_sums : ndarray, shape (n_sequences,)
    bound : ndarray of bool, shape (n_sequences,)
    random_state : int
        Seed of the bootstrap, which is stratified by class.
    n_bootstraps : int, default=200
    use : Use, default=Use()

    Returns
    -------
    Performance
    """
    use = Use() if use is None else use
    decision = network.decision(scores, word_sums)
    rankings = [_Ranking.of(bound, decision)]
    for k in range(network.n_kernels):
        without = decision - scores[:, k] * network.dense_weights[k]
        # Rounded, so that rounding errors do not break ties.
        rankings.append(_Ranking.of(bound, np.round(without, 9)))
    rng = np.random.default_rng(random_state)
    replicates = [_measure_once(rankings, weights, use) for weights in _resampled(bound, n_bootstraps, rng)]
    whole, *resampled = replicates
    low, high = ([np.percentile(values, q, axis=0) for values in zip(*resampled, strict=True)] for q in _INTERVAL)
    aucs, precision, roc, precision_recall, in_use, average_in_use = whole
    drop_replicates = np.array([found[0][0] - found[0][1:] for found in resampled])
    drops = aucs[0] - aucs[1:]
    drop_low, drop_high = (np.percentile(drop_replicates, q, axis=0) for q in _INTERVAL)
    return Performance(
        roc_auc=Estimate(float(aucs[0]), float(low[0][0]), float(high[0][0])),
        average_precision=Estimate(float(precision), float(low[1]), float(high[1])),
        roc=Curve(roc, low[2], high[2]),
        precision_recall=Curve(precision_recall, low[3], high[3]),
        use=use,
        precision_in_use=Estimate(in_use, float(low[4]), float(high[4])),
        average_precision_in_use=Estimate(average_in_use, float(low[5]), float(high[5])),
        positive_share=float(bound.mean()),
        auc_drops=[Estimate(*map(float, three)) for three in zip(drops, drop_low, drop_high, strict=True)],
    )


def _resampled(bound: NDArray[np.bool_], n: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield multiplicities of the sequences: all 1 first, then those of `n` bootstrap samples."""
    yield np.ones(len(bound), dtype=np.int64)
    classes = [np.flatnonzero(bound), np.flatnonzero(~bound)]
    for _ in range(n):
        weights = np.zeros(len(bound), dtype=np.int64)
        for rows in classes:
            weights[rows] = np.bincount(rng.integers(len(rows), size=len(rows)), minlength=len(rows))
        yield weights


def _measure_once(
    rankings: list[_Ranking], weights: NDArray[np.int64], use: Use
) -> tuple[Floats, float, Floats, Floats, float, float]:
    """AUCs of all rankings; for the first, average precision, ROC, precision-recall, and the precisions for `use`."""
    counts = [ranking.counts(weights) for ranking in rankings]
    aucs = np.array([_area(*pair) for pair in counts])
    true, false = counts[0]
    recall, fall_out = true / true[-1], false / false[-1]
    seen = true + false
    precision = np.where(seen > 0, true / np.maximum(seen, 1), 1.0)
    average = float(np.sum(np.diff(recall) * precision[1:]))
    # The best precision at this recall or higher, which avoids a sawtooth curve.
    envelope = np.maximum.accumulate(precision[:0:-1])[::-1]
    reached = np.searchsorted(recall[1:], GRID - 1e-12).clip(max=len(envelope) - 1)
    in_use = use.precisions(recall, fall_out)
    wanted = int(np.searchsorted(recall, use.recall - 1e-12))
    average_in_use = float(np.sum(np.diff(recall) * in_use[1:]))
    # At vertical steps, NumPy returns the upper value.
    return aucs, average, np.interp(GRID, fall_out, recall), envelope[reached], float(in_use[wanted]), average_in_use


def _area(true: NDArray[np.int64], false: NDArray[np.int64]) -> float:
    """Area under the ROC curve by the trapezoidal rule, so that ties count half."""
    return float(np.sum(np.diff(false) * (true[1:] + true[:-1])) / 2 / (float(true[-1]) * float(false[-1])))
