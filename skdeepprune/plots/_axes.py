"""Axes to draw on, and the common style of all plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def new_axes(n: int) -> list[Axes]:
    """Make a figure with `n` axes side by side."""
    return _subplots(1, n, (4.5 * n, 3.2))


def new_rows(n: int, width: float) -> list[Axes]:
    """Make a figure, `width` inches wide, with `n` axes stacked vertically that share the x axis."""
    return _subplots(n, 1, (width, 0.35 + 1.35 * n))


def _subplots(n_rows: int, n_columns: int, size: tuple[float, float]) -> list[Axes]:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Plots need matplotlib; install it with `pip install skdeepprune[plots]`.") from error
    _, axes = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", squeeze=False, sharex=n_columns == 1)
    return list(axes.flat)


def tidy(ax: Axes) -> None:
    """Hide the top and right spines, and draw light horizontal grid lines."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", alpha=0.3)
