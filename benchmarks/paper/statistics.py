"""Paired comparisons of methods across data sets, and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, rankdata, studentized_range, wilcoxon

from paper.results import Contender, complete_runs, contenders

# Means of equal numbers may differ in the last bits, which must not decide the winner.
_DECIMALS = 12


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two contenders on the data sets that both have.

    Attributes
    ----------
    first, second : Contender
    runs : Series
        First minus second, by data set and seed (the index), for those that both have.
    left_out : tuple of str
        Data sets that only one of them has, or that have no seed in common.
    p_value : float
        One-sided Wilcoxon signed-rank test over data sets, alternative: the first is better. Ties are left out.
    """

    first: Contender
    second: Contender
    runs: pd.Series
    left_out: tuple[str, ...]
    p_value: float

    @property
    def differences(self) -> pd.Series:
        """Mean difference over the seeds for every data set, the largest first."""
        means = self.runs.groupby("dataset").mean().round(_DECIMALS)
        return means.sort_values(ascending=False, kind="stable")

    @property
    def wins(self) -> int:
        """Number of data sets on which the first is better."""
        return int((self.differences > 0).sum())

    @property
    def losses(self) -> int:
        """Number of data sets on which the second is better."""
        return int((self.differences < 0).sum())

    @property
    def ties(self) -> int:
        """Number of data sets on which both are equal."""
        return len(self.differences) - self.wins - self.losses

    @property
    def mean_difference(self) -> float:
        """Mean of the differences over data sets."""
        return float(self.differences.mean())


@dataclass(frozen=True)
class Ranking:
    """Average ranks of contenders over the data sets that all of them have (Demsar 2006).

    Attributes
    ----------
    average_ranks : dict of Contender to float
        Best (lowest rank) first.
    n_datasets : int
    left_out : tuple of str
        Data sets that some of them lack.
    friedman_p : float
        p-value of Friedman's test; null hypothesis: there are no differences.
    critical_difference : float
        Nemenyi's test: contenders whose average ranks differ by more are significantly different at the level `alpha`.
    alpha : float
    """

    average_ranks: dict[Contender, float]
    n_datasets: int
    left_out: tuple[str, ...]
    friedman_p: float
    critical_difference: float
    alpha: float

    @property
    def groups(self) -> list[list[Contender]]:
        """The maximal groups of contenders that do not differ significantly, best first."""
        names, ranks = list(self.average_ranks), list(self.average_ranks.values())
        groups, last_end = [], 0
        for start in range(len(ranks)):
            end = max(i for i, rank in enumerate(ranks) if rank - ranks[start] <= self.critical_difference) + 1
            if end > max(last_end, start + 1):
                groups.append(names[start:end])
                last_end = end
        return groups


def compare(
    results: pd.DataFrame,
    first: tuple[str, int | None],
    second: tuple[str, int | None],
    *,
    metric: str = "roc_auc",
) -> Comparison:
    """Compare two methods, each at a number of kernels, across data sets.

    Only runs on the same data set with the same seed are compared, since the seed also determines the data; each data
    set then counts once, with its mean over seeds.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`.
    first, second : (method, n_kernels)
        `n_kernels` is None for methods without kernels.
    metric : str, default="roc_auc"
        Column of the table; higher is better.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If no data set has both.

    Examples
    --------
    >>> import pandas as pd
    >>> from paper.statistics import compare
    >>> aucs = {"deepprune": [0.90, 0.88, 0.80, 0.95, 0.70], "direct": [0.85, 0.86, 0.81, 0.80, 0.60]}
    >>> rows = pd.DataFrame(aucs, index=list("abcde")).melt(var_name="method", value_name="roc_auc", ignore_index=False)
    >>> results = rows.rename_axis("dataset").reset_index().assign(seed=0, n_kernels=4)
    >>> comparison = compare(results, ("deepprune", 4), ("direct", 4))
    >>> comparison.wins, comparison.losses, comparison.ties, round(comparison.p_value, 4)
    (4, 1, 0, 0.0625)
    """
    pair = (Contender(*first), Contender(*second))
    runs, left_out = complete_runs(results, pair, metric)
    difference = (runs[0] - runs[1]).rename("difference")
    means = difference.groupby("dataset").mean().round(_DECIMALS)
    unequal = means[means != 0].to_numpy()
    p = float(wilcoxon(unequal, alternative="greater").pvalue) if len(unequal) else 1.0
    return Comparison(*pair, difference, left_out, p)


def rank(
    results: pd.DataFrame,
    of: Sequence[tuple[str, int | None]] | None = None,
    *,
    metric: str = "roc_auc",
    alpha: float = 0.05,
) -> Ranking:
    """Rank contenders on every data set and average the ranks, with Friedman's and Nemenyi's tests (Demsar 2006).

    Parameters
    ----------
    results : DataFrame
        As for `read_results`.
    of : list of (method, n_kernels), default=None
        At least three contenders. By default all methods, each at its smallest number of kernels.
    metric : str, default="roc_auc"
        Column of the table; higher is better.
    alpha : float, default=0.05
        Level of the post-hoc test.

    Returns
    -------
    Ranking

    Raises
    ------
    ValueError
        If there are fewer than three contenders, or fewer than two data sets that all of them have.
    """
    chosen = contenders(results, smallest=True) if of is None else [Contender(*name) for name in of]
    k = len(chosen)
    if k < 3:
        raise ValueError(f"A ranking needs at least three contenders, got {k}; use compare() for two.")
    runs, left_out = complete_runs(results, chosen, metric)
    means = runs.groupby("dataset").mean().round(_DECIMALS).to_numpy()
    n = len(means)
    if n < 2:
        raise ValueError(
            f"A ranking needs two data sets that all contenders have; got {n} for {', '.join(map(str, chosen))}."
        )
    ranks = rankdata(-means, axis=1).mean(axis=0)
    p = float(friedmanchisquare(*means.T).pvalue) if np.ptp(means, axis=1).any() else 1.0
    q = float(studentized_range.isf(alpha, k, np.inf)) / np.sqrt(2)
    order = np.argsort(ranks, kind="stable")
    return Ranking(
        average_ranks={chosen[i]: float(ranks[i]) for i in order},
        n_datasets=n,
        left_out=left_out,
        friedman_p=p,
        critical_difference=float(q * np.sqrt(k * (k + 1) / (6 * n))),
        alpha=alpha,
    )
