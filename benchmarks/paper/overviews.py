"""Figures of all methods: costs and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from paper.marks import label_at_right, resize, size_axis, style, title_of
from paper.results import complete_runs, contenders, rows_of, succeeded
from paper.statistics import Ranking
from skdeepprune.plots._axes import new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cost = Literal["n_kernels", "fit_seconds"]


def plot_tradeoff(
    results: pd.DataFrame,
    cost: Cost = "n_kernels",
    *,
    methods: Sequence[str] | None = None,
    coverage: float = 0.5,
    ax: Axes | None = None,
) -> Axes:
    """Draw mean AUC against the number of kernels or the training time.

    The grey steps are the Pareto front: no other point has both a higher AUC and a lower cost than those on it.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`.
    cost : {"n_kernels", "fit_seconds"}, default="n_kernels"
        With "n_kernels", methods without kernels are drawn as horizontal lines.
    methods : list of str, default=None
        By default all.
    coverage : float, default=0.5
        Leave out contenders with less than this fraction of the data sets; means are over data sets that all others
        have.
    ax : matplotlib Axes, default=None
        By default a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the table has no such column, or no data set that all have.

    Examples
    --------
    >>> import pandas as pd
    >>> from paper.overviews import plot_tradeoff
    >>> rows = {"dataset": "CTCF", "method": "direct", "seed": 0, "n_kernels": [8, 4], "roc_auc": [0.94, 0.91]}
    >>> plot_tradeoff(pd.DataFrame(rows)).get_ylabel()
    'mean test ROC AUC over 1 data set'
    """
    points, n_datasets = tradeoff(results, cost, methods=methods, coverage=coverage)
    if ax is None:
        ax = new_axes(1)[0]
        resize(ax, max(4.4, 0.27 * points["method"].nunique()))
    in_seconds = cost == "fit_seconds"
    ends: list[tuple[float | None, float, str, str]] = []
    for name, own in points.groupby("method", sort=False):
        method, look = str(name), style(str(name))
        title = title_of(method)
        if own[cost].isna().all():
            (auc,) = own["mean"]
            ax.axhline(auc, color=look["color"], lw=1.3, ls=(0, (5, 3)))
            ends.append((None, float(auc), title, look["color"]))
            continue
        x, y = own[cost].to_numpy(float), own["mean"].to_numpy()
        # Against time, larger marks mean more kernels.
        areas = 14 * np.log2(own["n_kernels"].fillna(256).to_numpy(float)) if in_seconds else np.full(len(x), 44.0)
        ax.plot(x, y, color=look["color"], lw=1.6, alpha=0.8)
        ax.scatter(x, y, areas, **look, edgecolor="white", linewidth=0.8, zorder=3, label=title)
        ends.append((float(x[-1]), float(y[-1]), title, look["color"]))
    if in_seconds:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.set_xlabel("seconds of training (larger marks: more kernels)")
    else:
        size_axis(ax, sorted(points["n_kernels"].dropna().unique()))
    ax.set_ylabel(f"mean test ROC AUC over {n_datasets} data set{'' if n_datasets == 1 else 's'}")
    tidy(ax)
    best = pareto_front(points, cost)
    ax.step(best[cost].astype(float), best["mean"], where="post", color="0.6", lw=1, zorder=0)
    if in_seconds:  # lines end in the middle, where labels would overlap
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, labelcolor="linecolor", markerscale=0.9)
    else:
        ax.set_ylim(ax.get_ylim())
        label_at_right(ax, ends)
    return ax


def tradeoff(
    results: pd.DataFrame, cost: Cost = "n_kernels", *, methods: Sequence[str] | None = None, coverage: float = 0.5
) -> tuple[pd.DataFrame, int]:
    """Compute the mean AUC and cost of every method at every number of kernels, over the data sets that all have.

    Returns
    -------
    DataFrame
        ``method``, ``n_kernels``, ``mean``, and the cost: for each data set, the minimum over seeds.
    int
        Number of data sets.
    """
    table = succeeded(results, cost) if cost != "n_kernels" else succeeded(results, "roc_auc")
    if methods is not None:
        table = table[table["method"].isin(methods)]
    of = contenders(table, coverage=coverage)
    if not of:
        raise ValueError(f"The table has no runs{'' if methods is None else ' of ' + ', '.join(methods)} with {cost}.")
    runs, _ = complete_runs(table, of)
    datasets = runs.index.get_level_values("dataset").unique()
    means = runs.groupby("dataset").mean().mean()
    points = pd.DataFrame(of).assign(mean=[means[i] for i in range(len(of))]).astype({"n_kernels": "Int64"})
    if cost != "n_kernels":
        shared = table[table["dataset"].isin(datasets)]
        # The fastest of a data set's seeds, since other load on a machine can only add time.
        points[cost] = [shared[rows_of(shared, name)].groupby("dataset")[cost].min().mean() for name in of]
    return points, len(datasets)


def pareto_front(points: pd.DataFrame, cost: Cost) -> pd.DataFrame:
    """Keep the points that no other point beats in both cost and AUC, cheapest first."""
    known = points.dropna(subset=cost).sort_values([cost, "mean"], ascending=[True, False])
    return known[known["mean"] > known["mean"].cummax().shift(fill_value=-1.0)]


def plot_ranks(ranking: Ranking, *, ax: Axes | None = None) -> Axes:
    """Draw a critical-difference diagram (Demsar 2006).

    Contenders are placed at their average ranks, best on the left. Bars join those that do not differ significantly.

    Parameters
    ----------
    ranking : Ranking
        Result of `rank`.
    ax : matplotlib Axes, default=None
        By default a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    k, groups = len(ranking.average_ranks), ranking.groups
    sizes = {name.n_kernels for name in ranking.average_ranks} - {None}
    n_left = (k + 1) // 2
    below = 0.5 * len(groups) + 0.35
    if ax is None:
        ax = new_axes(1)[0]
        resize(ax, 0.9 + 0.3 * (below + n_left))
    for i in range(1, k + 1):
        ax.plot([i, i], [0, 0.18], color="0.35", lw=1)
        ax.annotate(str(i), (i, 0.18), xytext=(0, 2), textcoords="offset points", ha="center", color="0.35")
    ax.plot([1, k], [0, 0], color="0.35", lw=1)
    for i, (name, rank) in enumerate(ranking.average_ranks.items()):
        at_left = i < n_left
        title = title_of(name.method) if len(sizes) == 1 else title_of(*name)
        row = below + (i if at_left else k - 1 - i) + 0.5
        edge = 1 - 0.04 * k if at_left else k + 0.04 * k
        color = style(name.method)["color"]
        ax.plot([rank, rank, edge], [0, -row, -row], color=color, lw=1.3)
        ax.plot(rank, 0, marker="o", ms=6, color=color, mec="white", mew=0.8, zorder=4)
        ax.annotate(
            f"{title}   {rank:.2f}" if at_left else f"{rank:.2f}   {title}",
            (edge, -row),
            xytext=(-5 if at_left else 5, 0),
            textcoords="offset points",
            ha="right" if at_left else "left",
            va="center",
            color=color,
        )
    for i, group in enumerate(groups):
        spanned = [ranking.average_ranks[name] for name in group]
        ax.plot([min(spanned) - 0.05, max(spanned) + 0.05], [-0.45 - 0.5 * i] * 2, color="0.2", lw=4, zorder=3)
    level = 1.35
    end = 1 + ranking.critical_difference
    ax.plot(
        [1, 1, 1, end, end, end],
        [level - 0.15, level + 0.15, level, level, level + 0.15, level - 0.15],
        color="0.2",
        lw=1.2,
    )
    ax.annotate(
        f"critical difference {ranking.critical_difference:.2f}, {ranking.n_datasets} data sets"
        + (f", {sizes.pop()} kernels" if len(sizes) == 1 else ""),
        (end, level),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color="0.2",
    )
    ax.set_ylim(-below - n_left - 0.1, level + 0.4)
    ax.axis("off")
    return ax
