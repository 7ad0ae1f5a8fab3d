"""Sequence logos, and a motif aligned with its kernel and its best match."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from skdeepprune._glyphs import LETTERS, outline, stack_letters
from skdeepprune.motifs._motif import relative_entropy
from skdeepprune.plots._axes import new_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

Kind = Literal["bits", "probability", "log-odds", "weights"]

# Readable on white and black backgrounds.
_COLORS = {"A": "#12924a", "C": "#2f74e0", "G": "#e08a00", "T": "#dc3c3c"}
_AXIS_LABELS = {"bits": "bits", "probability": "probability", "log-odds": "log-odds (bits)", "weights": "weight"}
_LETTER_WIDTH = 0.94


def plot_logo(
    motif: Any,
    *,
    ax: Axes | None = None,
    kind: Kind = "bits",
    reverse_complement: bool = False,
    start: int = 0,
    colors: dict[str, str] | None = None,
) -> Axes:
    """Draw a sequence logo.

    Parameters
    ----------
    motif : Motif, or array-like of shape (width, 4)
        A matrix with the columns A, C, G, T: probabilities, or weights of any sign for ``kind="weights"``.
    ax : matplotlib Axes, default=None
        By default a new figure.
    kind : {"bits", "probability", "log-odds", "weights"}, default="bits"
        Height of a letter: its probability times the information content of the position (with small-sample correction
        for a `Motif`); its probability; its log-odds against the background; or the matrix entry itself. Letters with
        negative height are drawn upside down below zero.
    reverse_complement : bool, default=False
        Draw the other strand.
    start : int, default=0
        Axis coordinate of the first position.
    colors : dict, default=None
        Colours of A, C, G, T. By default green, blue, orange and red, readable on white and black backgrounds.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If `motif` is not a matrix with four columns, or is not a probability matrix where one is needed.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from skdeepprune.datasets import load_planted_motifs
    >>> from skdeepprune.plots import plot_logo
    >>> plot_logo(load_planted_motifs()["TBP"].ppm).get_ylabel()
    'bits'
    """
    heights = letter_heights(motif, kind)
    if reverse_complement:
        heights = heights[::-1, ::-1]
    drawn = ax if ax is not None else new_rows(1, 0.9 + 0.32 * len(heights))[0]
    _draw_letters(drawn, heights, start, {**_COLORS, **(colors or {})})
    _frame(drawn, heights, start, kind)
    return drawn


def plot_match(match: Any, *, kernel: Any = None, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw a motif aligned with the known motif that it matches, and optionally with its kernel.

    Parameters
    ----------
    match : row of a DataFrame
        A row of the result of :func:`skdeepprune.motifs.tomtom`, from `iloc` or `itertuples`.
    kernel : array-like of shape (kernel_length, 4), default=None
        Convolution weights such as ``classifier.kernels_[0]``, drawn at the shift and strand where they correlate best
        with the motif, after subtracting the mean of each position. By default no kernel is drawn.
    axes : sequence of matplotlib Axes, default=None
        Two, or three with a kernel. By default a new figure.

    Returns
    -------
    list of matplotlib Axes
        For the kernel, if given, the motif, and its match.

    Raises
    ------
    ValueError, ImportError
        As `plot_logo`.

    Examples
    --------
    >>> import numpy as np
    >>> from skdeepprune.motifs import Motif, tomtom
    >>> from skdeepprune.plots import plot_match
    >>> rng = np.random.default_rng(0)
    >>> known = [Motif(f"random_{i}", rng.dirichlet([0.3] * 4, size=10) * 100, n_sites=100) for i in range(50)]
    >>> matches = tomtom(Motif("query", known[7].counts[2:9], n_sites=100), known, n_nearest=1)
    >>> [ax.get_title(loc="left") for ax in plot_match(matches.iloc[0])]
    ['query', 'random_7']
    """
    motif, target = match.query_motif, match.target_motif
    title = " ".join(filter(None, (target.name, target.accession)))
    rows: list[tuple[Any, Kind, int, str]] = [
        (motif, "bits", 0, motif.name),
        (target, "bits", -int(match.offset), title),
    ]
    if kernel is not None:
        weights, start = _align_kernel(letter_heights(kernel, "weights"), motif.ppm)
        rows.insert(0, (weights, "weights", start, "kernel"))
    first = min(start for _, _, start, _ in rows)
    last = max(start + len(letter_heights(what, kind)) for what, kind, start, _ in rows)
    drawn = list(axes) if axes is not None else new_rows(len(rows), 0.9 + 0.32 * (last - first))
    for ax, (what, kind, start, name) in zip(drawn, rows, strict=True):
        plot_logo(what, ax=ax, kind=kind, start=start)
        ax.set_title(name, loc="left", fontsize="medium")
        ax.set_xlim(first - 0.5, last - 0.5)
        ax.set_xticks([])
    return drawn


def _align_kernel(kernel: NDArray[np.float64], ppm: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Centre a kernel and orient it like a motif; also return the motif position at which it starts."""
    centred, profile = kernel - kernel.mean(axis=1, keepdims=True), ppm - 0.25
    found = []
    for strand in (centred, centred[::-1, ::-1]):
        products = np.sum([np.correlate(profile[:, base], strand[:, base], "full") for base in range(4)], axis=0)
        at = int(np.argmax(products))
        found.append((products[at], strand, at - len(kernel) + 1))
    _, strand, start = max(found, key=lambda candidate: candidate[0])
    return strand, start


def letter_heights(motif: Any, kind: Kind) -> NDArray[np.float64]:
    """Heights of A, C, G and T at each position, shape (width, 4)."""
    if kind not in _AXIS_LABELS:
        raise ValueError(f"kind={kind!r}; expected one of {', '.join(map(repr, _AXIS_LABELS))}.")
    if kind != "weights" and hasattr(motif, "letter_heights"):
        return np.asarray(motif.letter_heights(kind))
    matrix = np.asarray(getattr(motif, "ppm", motif), dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != 4 or len(matrix) == 0:
        raise ValueError(f"Expected a matrix of shape (width, 4), the columns A, C, G, T; got shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("Expected a matrix of finite numbers, got NaN or infinity.")
    if kind == "weights":
        return matrix
    sums = matrix.sum(axis=1)
    if (matrix < 0).any() or not np.allclose(sums, 1, atol=1e-2):
        raise ValueError(
            f"kind={kind!r} needs probabilities; expected rows that sum to 1, got sums from {sums.min():g} to"
            f" {sums.max():g}. Divide counts by their sums, or pass kind='weights'."
        )
    if kind == "probability":
        return matrix
    if kind == "log-odds":
        return np.asarray(np.log2(np.where(matrix > 0, matrix, 1e-3) / 0.25))
    return matrix * relative_entropy(matrix)[:, None]


@cache
def _glyph(letter: str) -> Path:
    from matplotlib.path import Path

    codes = {"M": [Path.MOVETO], "L": [Path.LINETO], "C": [Path.CURVE4] * 3, "Z": [Path.CLOSEPOLY]}
    vertices, kinds = [], []
    for command, points in outline(letter):
        vertices.append(points if len(points) else np.zeros((1, 2)))
        kinds += codes[command]
    return Path(np.concatenate(vertices), kinds)


def _draw_letters(ax: Axes, heights: NDArray[np.float64], start: int, colors: dict[str, str]) -> None:
    """Draw all letters as one collection with one path per base."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    tallest = max(np.abs(heights).sum(axis=1).max(), 1e-12)
    stack = stack_letters(heights, least=1e-3 * tallest)
    paths, shades = [], []
    for code, letter in enumerate(LETTERS):
        mine = stack.letter == code
        if not mine.any():
            continue
        glyph = _glyph(letter)
        left = start + stack.position[mine] - _LETTER_WIDTH / 2
        corner = np.column_stack([left, stack.bottom[mine]])[:, None]
        size = np.column_stack([np.full(mine.sum(), _LETTER_WIDTH), stack.height[mine]])[:, None]
        vertices = (corner + glyph.vertices * size).reshape(-1, 2)
        paths.append(Path(vertices, np.tile(np.asarray(glyph.codes), mine.sum())))
        shades.append(colors[letter])
    ax.add_collection(PathCollection(paths, facecolors=shades, edgecolors="none"), autolim=False)


def _frame(ax: Axes, heights: NDArray[np.float64], start: int, kind: Kind) -> None:
    width = len(heights)
    top = {"bits": 2.0, "probability": 1.0}.get(kind, 1.05 * np.maximum(heights, 0).sum(axis=1).max())
    bottom = 1.05 * np.minimum(heights, 0).sum(axis=1).min()
    if top <= bottom:
        top, bottom = 1.0, 0.0
    ax.set_xlim(start - 0.5, start + width - 0.5)
    ax.set_ylim(bottom, max(top, 0))
    ax.set_ylabel(_AXIS_LABELS[kind])
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.tick_params(axis="x", length=0)
    # A single tick takes as long to draw as all letters.
    numbers = range(1, width + 1) if width <= 10 else [1, *range(5, width + 1, 5)]
    ax.set_xticks([start + number - 1 for number in numbers], [str(number) for number in numbers], fontsize="small")
    ax.locator_params(axis="y", nbins=3)
    if bottom < 0:
        ax.axhline(0, color="0.5", linewidth=0.6)
