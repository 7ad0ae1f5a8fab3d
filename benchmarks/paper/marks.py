"""Names, colours and markers of methods in figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import isotonic_regression

from skdeepprune.plots._axes import tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BETTER, WORSE, EQUAL = "#0072b2", "#d55e00", "#777777"
# Title, colour and marker. Methods in the same figure differ in both, for every type of colour vision.
_METHODS = {
    "deepprune": ("Deepprune", BETTER, "o"),
    "deepprune-inter": ("Deepprune-inter", "#009e73", "^"),
    "direct": ("trained directly", WORSE, "s"),
    "deepprune-score": ("Deepprune by score", "#b57900", "s"),
    "deepprune-score-and-weight": ("Deepprune by score and weight", "#008b8b", "^"),
    "winning-tickets": ("winning tickets", "#b5508f", "D"),
    "reinitialized": ("reinitialized", "#8a6d00", "v"),
    "deepprune-one-shot": ("Deepprune in one shot", "#c2185b", ">"),
    "deepprune-l1": ("Deepprune with L1 penalty", "#5d7d2b", "<"),
    "deepprune-l2": ("Deepprune with L2 penalty", "#3f51b5", "d"),
    "defaults": ("package defaults", "#5b4bb7", "p"),
    "defaults-direct": ("package defaults, trained directly", "#8b1a4a", "<"),
    "gkm-svm": ("gkm-SVM", "#333333", "*"),
    "kmer-logistic": ("k-mer logistic regression", "#6d4c41", "H"),
    "pwm-scan": ("PWM scan", "#777777", "X"),
    "circular": ("circular filters", "#a0522d", "P"),
    "expectation-pooling": ("expectation pooling", "#4f7a00", "h"),
}
_OTHERS = (("#00838f", ">"), ("#2f4f9f", "d"), ("#b04a00", "H"))
COLORS = sorted({color for _, color, _ in _METHODS.values()} | {color for color, _ in _OTHERS} | {EQUAL})


def title_of(method: str, n_kernels: int | None = None) -> str:
    """Return the display name of a method."""
    title = _METHODS[method][0] if method in _METHODS else _plain(method)
    return title if n_kernels is None else f"{title}, {n_kernels} kernels"


def style(method: str) -> dict[str, Any]:
    """Colour and marker of a method, always the same."""
    if method in _METHODS:
        _, color, marker = _METHODS[method]
    else:
        color, marker = _OTHERS[sum(method.encode()) % len(_OTHERS)]
    return {"color": color, "marker": marker}


def short_names(datasets: Sequence[str]) -> dict[str, str]:
    """Shorten names of public data sets to factor and cell line, if they remain unique."""
    short = {}
    for name in datasets:
        encode = re.fullmatch(r"wgEncodeAwgTfbs[A-Z][a-z]+(.+?)UniPk", name)
        parts = name.split("_")
        if encode:
            short[name] = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", encode[1])
        elif len(parts) > 2:
            short[name] = " ".join(parts[:2])
        else:
            short[name] = re.sub(r"^simulated-(\d+)$", r"simulated set \1", name)
    found = list(short.values())
    return {name: _plain(value if found.count(value) == 1 else name) for name, value in short.items()}


def _plain(name: str, max_length: int = 36) -> str:
    """Escape a name, so that it is not parsed as a formula, and truncate it if it is long."""
    cut = name if len(name) <= max_length else f"{name[: max_length // 2]}…{name[-max_length // 2 + 1 :]}"
    return cut.replace("$", r"\$")


def size_axis(ax: Axes, sizes: Iterable[Any]) -> None:
    """Set up the horizontal axis for the number of kernels, decreasing to the right as in pruning."""
    numbers = [int(size) for size in sizes]
    ax.set_xscale("log", base=2)
    ax.set_xticks(numbers, [str(number) for number in numbers])
    ax.minorticks_off()
    if not ax.xaxis_inverted():
        ax.invert_xaxis()
    ax.set_xlabel("kernels")
    tidy(ax)


def resize(ax: Axes, height: float, width: float = 7.6) -> None:
    """Set the size of the figure of an axes in inches; by default it is as wide as a page."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.set_size_inches(width, height)


def label_at_right(ax: Axes, ends: Sequence[tuple[float | None, float, str, str]]) -> None:
    """Write labels at the right ends of lines, moved apart if they would overlap.

    Parameters
    ----------
    ax : matplotlib Axes
        Its limits must be final.
    ends : list of (x, y, text, colour)
        End of each line; x=None means the right edge.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    low, high = ax.get_ylim()
    ends = sorted(ends, key=lambda end: end[1])
    wanted = np.array([(y - low) / (high - low) for _, y, _, _ in ends])
    # A line of text is 13 points high, and the axes take up about four fifths of the figure.
    gap = 13 / (0.8 * 72 * figure.get_size_inches()[1])
    steps = gap * np.arange(len(ends))
    # Clipped before adding the steps, labels stay apart and within the axes.
    places = np.clip(isotonic_regression(wanted - steps).x, 0, max(1 - steps[-1], 0)) + steps
    for (x, y, text, color), place in zip(ends, places, strict=True):
        right_edge = x is None
        ax.annotate(
            text,
            (1.0 if right_edge else x, y),
            xycoords=("axes fraction" if right_edge else "data", "data"),
            xytext=(1.035, place),
            textcoords="axes fraction",
            va="center",
            color=color,
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.8, "alpha": 0.5, "shrinkA": 1, "shrinkB": 5},
        )
