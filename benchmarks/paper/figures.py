"""The figures of the paper, drawn from a table of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from paper.marks import (
    BETTER,
    EQUAL,
    WORSE,
    label_at_right,
    resize,
    short_names,
    size_axis,
    style,
    title_of,
)
from paper.results import over_seeds, read_results, succeeded
from paper.statistics import Comparison
from skdeepprune.plots._axes import new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CRITERIA = {
    "deepprune": "by weight",
    "deepprune-score": "by score",
    "deepprune-score-and-weight": "by score and weight",
}
# With more data sets than this, names would be too small to read.
_MAX_NAMES = 40


def plot_sizes(
    results: pd.DataFrame,
    datasets: Sequence[str] | None = None,
    *,
    methods: Sequence[str] = ("deepprune", "deepprune-inter", "direct"),
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw AUC against the number of kernels, a panel for each data set: Fig. 2 and 3 of the paper.

    Lines are means over seeds, bands one standard deviation on either side. The dashed line is the ceiling, the AUC of
    the likelihood ratio, if the table has it.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`.
    datasets : list of str, default=None
        By default all.
    methods : list of str
        Methods to draw, if the table has them.
    axes : matplotlib Axes, one for each data set, default=None
        By default a new figure.

    Returns
    -------
    list of matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If a data set has none of the methods with a number of kernels.

    Examples
    --------
    >>> import pandas as pd
    >>> from paper.figures import plot_sizes
    >>> rows = {"dataset": "CTCF", "method": "direct", "seed": 0, "n_kernels": [8, 4], "roc_auc": [0.94, 0.91]}
    >>> plot_sizes(pd.DataFrame(rows))[0].get_title(loc="left")
    'CTCF'
    """
    table, means = read_results(results), over_seeds(results).dropna(subset="n_kernels")
    means = means[means["method"].isin(methods)]
    chosen = list(means["dataset"].unique()) if datasets is None else list(datasets)
    if not chosen or not set(chosen) <= set(means["dataset"]):
        lacking = ", ".join(name for name in chosen if name not in set(means["dataset"])) or "the table"
        raise ValueError(f"There are no numbers of kernels with any of {', '.join(methods)} in {lacking}.")
    drawn = list(axes) if axes is not None else _panels(len(chosen))
    names, lows, highs, ends = short_names(chosen), [], [], []
    for ax, dataset in zip(drawn, chosen, strict=True):
        own = means[means["dataset"] == dataset]
        present = [method for method in methods if method in set(own["method"])]
        ends.append([_curve(ax, own[own["method"] == method], method) for method in present])
        lows.append(float((own["mean"] - own["spread"].fillna(0)).min()))
        highs.append(float((own["mean"] + own["spread"].fillna(0)).max()))
        if "ceiling" in table and table.loc[table["dataset"] == dataset, "ceiling"].notna().any():
            highs.append(_ceiling(ax, table.loc[table["dataset"] == dataset, "ceiling"].mean()))
        size_axis(ax, sorted(own["n_kernels"].unique()))
        ax.set_title(names[dataset], loc="left")
    margin = 0.06 * (max(highs) - min(lows)) + 1e-3
    for ax in drawn:
        ax.set_ylim(min(lows) - margin, min(max(highs) + 1.5 * margin, 1.005))
        ax.tick_params(labelleft=ax is drawn[0])
    drawn[0].set_ylabel("test ROC AUC")
    # Lines are labelled in the last of the panels with the most lines.
    labelled = max(range(len(drawn)), key=lambda i: (len(ends[i]), i))
    label_at_right(drawn[labelled], ends[labelled])
    return drawn


def plot_criteria(
    results: pd.DataFrame,
    datasets: Sequence[str] | None = None,
    *,
    sizes: Sequence[int] = (16, 8, 4),
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw the AUC of the three pruning criteria at a few sizes: Fig. 4 of the paper.

    Small dots are runs, marks are means over seeds, lines one standard deviation on either side.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`.
    datasets : list of str, default=None
        By default all that have one of the criteria.
    sizes : list of int, default=(16, 8, 4)
    axes : matplotlib Axes, one for each data set, default=None
        By default a new figure.

    Returns
    -------
    list of matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the table has none of the criteria at any of the sizes.
    """
    table = succeeded(results, "roc_auc")
    table = table[table["method"].isin(CRITERIA) & table["n_kernels"].isin(sizes)]
    chosen = list(table["dataset"].unique()) if datasets is None else list(datasets)
    if not set(chosen) & set(table["dataset"]):
        raise ValueError(f"No data set has any of {', '.join(CRITERIA)} at {', '.join(map(str, sizes))} kernels.")
    drawn = list(axes) if axes is not None else _panels(len(chosen))
    for ax, dataset in zip(drawn, chosen, strict=True):
        own = table[table["dataset"] == dataset]
        for j, (method, title) in enumerate(CRITERIA.items()):
            look = style(method)
            for i, size in enumerate(sizes):
                aucs = own.loc[(own["method"] == method) & (own["n_kernels"] == size), "roc_auc"].to_numpy()
                at = i + 0.22 * (j - 1)
                ax.plot(np.full(len(aucs), at - 0.07), aucs, ".", color=look["color"], ms=4, alpha=0.55)
                if len(aucs):
                    spread = aucs.std(ddof=1) if len(aucs) > 1 else None
                    ax.errorbar(at, aucs.mean(), spread, **look, ms=8, mec="white", mew=0.8, elinewidth=1.8)
            ax.plot([], [], **look, ls="none", ms=8, mec="white", label=title if ax is drawn[0] else None)
        ax.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        ax.set_xlim(-0.5, len(sizes) - 0.5)
        ax.set_xlabel("kernels")
        ax.set_title(short_names(chosen)[dataset], loc="left")
        tidy(ax)
    # The same scale with different offsets, so that differences can be compared between panels.
    limits = np.array([ax.get_ylim() for ax in drawn])
    half = np.ptp(limits, axis=1).max() / 2
    for ax, middle in zip(drawn, limits.mean(axis=1), strict=True):
        ax.set_ylim(middle - half, middle + half)
    drawn[0].set_ylabel("test ROC AUC")
    if axes is None:
        drawn[0].figure.legend(loc="outside upper left", ncols=3, frameon=False, labelcolor="markerfacecolor")
    else:
        drawn[0].legend(frameon=False, labelcolor="markerfacecolor")
    return drawn


def plot_differences(comparison: Comparison, datasets: Sequence[str] | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the differences between two contenders by data set: Fig. 6, S1 and S2 of the paper.

    Bars are means over seeds, dots are seeds; with more than 40 data sets, only the sorted means are drawn.

    Parameters
    ----------
    comparison : Comparison
        Result of `compare`.
    datasets : list of str, default=None
        Data sets to draw. By default all.
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
    means = comparison.differences
    if datasets is not None:
        means = means[means.index.isin(list(datasets))]
    n, wins, losses = len(means), int((means > 0).sum()), int((means < 0).sum())
    named = n <= _MAX_NAMES
    if ax is None:
        ax = new_axes(1)[0]
        resize(ax, 1.1 + 0.24 * n if named else 3.6)
    tidy(ax)
    if named:
        _named_bars(ax, means, comparison)
    else:
        _steps(ax, means, comparison)
    # Better ones are on the right of the bars, and on the left of the steps.
    for count, word, color, at_left in ((wins, "better", BETTER, not named), (losses, "worse", WORSE, named)):
        if count:
            ax.annotate(
                f"{word} on {count} of {n}",
                (0.02 if at_left else 0.98, 1),
                xycoords="axes fraction",
                xytext=(0, 4),
                textcoords="offset points",
                ha="left" if at_left else "right",
                color=color,
                weight="bold",
            )
    return ax


def _curve(ax: Axes, own: pd.DataFrame, method: str) -> tuple[float, float, str, str]:
    """Draw the means of a method with their spread; return the end of the line, at the smallest size, and its label."""
    own = own.sort_values("n_kernels")
    sizes, mean, spread = own["n_kernels"].to_numpy(float), own["mean"].to_numpy(), own["spread"].fillna(0).to_numpy()
    look = style(method)
    ax.fill_between(sizes, mean - spread, np.minimum(mean + spread, 1), color=look["color"], alpha=0.16, lw=0)
    ax.plot(sizes, mean, **look, lw=2, ms=6, mec="white", mew=0.8)
    return sizes[0], mean[0], title_of(method), look["color"]


def _ceiling(ax: Axes, auc: float) -> float:
    ax.axhline(auc, color="0.45", lw=1.2, ls=(0, (4, 3)), zorder=1)
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "xytext": (0, 3), "textcoords": "offset points"}
    ax.annotate(f"ceiling {auc:.3f}", (0.01, auc), **place, color="0.4", fontsize="small")
    return auc


def _named_bars(ax: Axes, means: pd.Series, comparison: Comparison) -> None:
    """Draw a bar for each data set, and a dot for each seed."""
    places = np.arange(len(means))
    colors = np.where(means > 0, BETTER, np.where(means < 0, WORSE, EQUAL))
    ax.barh(places, means, color=colors, alpha=0.3, height=0.72)
    for place, dataset, color in zip(places, means.index, colors, strict=True):
        runs = comparison.runs[[dataset]].to_numpy()
        ax.plot(runs, np.full(len(runs), place), "o", color=color, ms=4.5, mec="white", mew=0.6)
    ax.axvline(0, color="0.3", lw=1)
    ax.set_yticks(places, list(short_names(list(means.index)).values()))
    ax.set_ylim(len(means) - 0.4, -0.6)
    ax.set_xlabel(_difference_title(comparison))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)


def _steps(ax: Axes, means: pd.Series, comparison: Comparison) -> None:
    """Draw the sorted means of many data sets, without names."""
    places = np.arange(len(means))
    for better, color in ((means > 0, BETTER), (means < 0, WORSE)):
        ax.fill_between(places, 0, means.where(better, 0), step="mid", color=color, alpha=0.75, lw=0)
    ax.axhline(0, color="0.3", lw=1)
    ax.set_xlim(-0.5, len(means) - 0.5)
    ax.set_xlabel("data sets, sorted")
    ax.set_ylabel(_difference_title(comparison).replace(" minus", "\nminus"))


def _panels(n: int) -> list[Axes]:
    axes = new_axes(n)
    resize(axes[0], 3.1, 1.2 + 3.1 * n)
    return axes


def _difference_title(comparison: Comparison) -> str:
    first, second = comparison.first, comparison.second
    if first.n_kernels is not None and first.n_kernels == second.n_kernels:
        return f"AUC with {first.n_kernels} kernels: {title_of(first.method)} minus {title_of(second.method)}"
    return f"AUC: {title_of(*first)} minus {title_of(*second)}"
