"""Saturation mutagenesis of a sequence: a logo of contributions above a heat map of the effects of substitutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from skdeepprune.effects import Mutagenesis
from skdeepprune.plots._axes import new_rows
from skdeepprune.plots._logos import plot_logo
from skdeepprune.sequences import one_hot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES_PER_BASE = 0.14
_LETTERS = "ACGT"


def plot_mutagenesis(
    result: Mutagenesis,
    i: int = 0,
    *,
    start: int = 0,
    end: int | None = None,
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw the effect of every substitution in a sequence.

    Parameters
    ----------
    result : Mutagenesis
        Result of :func:`skdeepprune.effects.saturation_mutagenesis`, for the log-odds.
    i : int, default=0
        Index of the sequence.
    start, end : int
        Range of positions to draw, from 0, end excluded; by default the whole sequence.
    axes : two matplotlib Axes, default=None
        By default a new figure.

    Returns
    -------
    list of matplotlib Axes
        A logo of the sequence, in which the height of a base is its contribution (its log-odds minus the mean over the
        four letters); and a heat map of delta with a row per letter, the letters of the sequence marked by dots.

    Raises
    ------
    IndexError
        If `i` is out of range.
    ValueError
        If `result` contains scores instead of log-odds, or the positions are out of range.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.effects import saturation_mutagenesis
    >>> from skdeepprune.plots import plot_mutagenesis
    >>> data = load_simulated(3, n_train=1000, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=1, max_iter=5, random_state=0).fit(data.X_train, data.y_train)
    >>> logo, heat_map = plot_mutagenesis(saturation_mutagenesis(classifier, data.X_test[:1]))
    >>> heat_map.get_xlabel()
    'position'
    """
    contributions = result.importance()[i]
    codes, delta = result.codes[i], result.delta[i]
    known = np.flatnonzero(codes < 4)
    end = int(known[-1]) + 1 if end is None and len(known) else end
    if end is None or not 0 <= start < end <= len(codes):
        raise ValueError(f"start={start}, end={end}; expected 0 <= start < end <= {len(codes)}, within the sequence.")
    codes, delta, contributions = codes[start:end], delta[start:end], contributions[start:end]
    drawn = list(axes) if axes is not None else new_rows(2, max(4.0, 1.2 + _INCHES_PER_BASE * len(codes)))
    logo, heat_map = drawn
    plot_logo(contributions[:, None] * one_hot(codes[None])[0], ax=logo, kind="weights", start=start)
    logo.set_ylabel("contribution")
    limit = max(float(np.nanmax(np.abs(delta), initial=0.0)), 1e-12)
    image = heat_map.imshow(
        delta.T,
        aspect="auto",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        extent=(start - 0.5, end - 0.5, 3.5, -0.5),
        interpolation="nearest",
    )
    places = np.flatnonzero(codes < 4)
    heat_map.plot(start + places, codes[places], linestyle="none", marker=".", color="0.35", markersize=3)
    heat_map.set_yticks(range(4), list(_LETTERS))
    heat_map.set_xlim(start - 0.5, end - 0.5)
    heat_map.set_xlabel("position")
    step = 10 if len(codes) > 30 else 5
    ticks = range(-(-start // step) * step, end, step)
    heat_map.set_xticks(ticks, [str(tick) for tick in ticks])
    heat_map.spines[["top", "right"]].set_visible(False)
    figure = heat_map.get_figure(root=True)
    assert figure is not None
    figure.colorbar(image, ax=drawn, label="change in log-odds", fraction=0.02, pad=0.01)
    return drawn
