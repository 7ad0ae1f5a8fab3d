"""The figures of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune.motifs._motif import relative_entropy
from skdeepprune.report._composition import CompositionReading
from skdeepprune.report._examples import Example
from skdeepprune.report._kernels import KernelReading
from skdeepprune.report._performance import GRID
from skdeepprune.report._results import Results
from skdeepprune.report._svg import Chart, drawing, element, label_of, letters, number, ticks
from skdeepprune.sequences._codes import LETTERS

_COLUMN = 24
_ROW = 84
_MARGIN = 26
_EXAMPLE_COLUMN, _EXAMPLE_ROW = 8, 40
# If a match is much longer than the motif, this many extra positions are shown on either side.
_OVERHANG = 6
# Size of figures shown three in a row.
SMALL: dict[str, Any] = {"width": 300, "height": 240}


@dataclass(frozen=True, eq=False)
class Match:
    """A database motif that is similar to a motif, aligned with it.

    Attributes
    ----------
    name, accession : str
    p, e, q : float
    correlation : float
    offset : int
        Position in the motif at which the match starts, in the orientation of `ppm`.
    orientation : {"+", "-"}
    ppm : ndarray, shape (width, 4)
        In the orientation of the motif.
    """

    name: str
    accession: str
    p: float
    e: float
    q: float
    correlation: float
    offset: int
    orientation: str
    ppm: NDArray[np.float64]


def logos(reading: KernelReading, match: Match | None) -> Markup:
    """Draw a kernel's weights, its motif, and the best match of the motif, stacked and aligned."""
    kernel = np.asarray(reading.kernel, dtype=float)
    rows: list[tuple[str, int, NDArray[Any], bool]] = [
        (
            "kernel, reverse complement: weights" if reading.kernel_flipped else "kernel: weights",
            reading.kernel_offset,
            # The mean over the four letters of a position does not distinguish sequences.
            kernel - kernel.mean(axis=1, keepdims=True),
            False,
        )
    ]
    label = f"Logos of kernel {reading.index}"
    if reading.motif is not None:
        rows.append((f"motif of {reading.motif.n_sites:,g} sites: bits", 0, reading.motif.letter_heights("bits"), True))
        label += f", of its motif {reading.motif.consensus}"
    first = min(start for _, start, _, _ in rows)
    last = max(start + len(heights) for _, start, heights, _ in rows)
    if match is not None:
        skipped = max(first - _OVERHANG - match.offset, 0)
        heights = (match.ppm * relative_entropy(match.ppm)[:, None])[skipped : last + _OVERHANG - match.offset]
        name = " ".join(filter(None, (match.name, match.accession)))
        rows.append((f"{name}: bits", match.offset + skipped, heights, True))
        label += f" and of its match {name}, aligned"
        first, last = min(first, match.offset + skipped), max(last, match.offset + skipped + len(heights))
    right = _MARGIN + (last - first) * _COLUMN
    parts, top = [], 0.0
    for title, start, heights, in_bits in rows:
        parts += _logo_row(title, heights, top, _MARGIN + (start - first) * _COLUMN, right, in_bits)
        top += _ROW + 30
    return drawing(right + 4, top, parts, label=label, class_="logo")


def _logo_row(title: str, heights: NDArray[Any], top: float, left: float, right: float, in_bits: bool) -> list[Markup]:
    above = 2.0 if in_bits else max(float(np.maximum(heights, 0).sum(axis=1).max()), 1e-9)
    below = 0.0 if in_bits else float(np.minimum(heights, 0).sum(axis=1).min())
    scale = _ROW / (above - below)
    zero = top + 20 + scale * above
    parts = [element("text", title, x=float(_MARGIN), y=float(top + 11), class_="axis-label")]
    if in_bits:
        for value in (0, 1, 2):
            at = zero - scale * value
            parts.append(element("path", d=f"M{_MARGIN - 6} {number(at)}h4", class_="axis"))
            parts.append(element("text", value, x=float(_MARGIN - 10), y=at + 4, text_anchor="end", class_="tick"))
    parts.append(element("path", d=f"M{_MARGIN} {number(zero)}H{number(right)}", class_="grid"))
    return parts + letters(heights, left=left, zero=zero, scale=scale, column=_COLUMN)


def base_importance(example: Example) -> Markup | None:
    """Draw the letters of an example, as high as they contribute to its log-odds."""
    if example.importance is None:
        return None
    heights = np.array([np.array(list(LETTERS)) == letter for letter in example.letters]) * example.importance[:, None]
    above, below = max(float(heights.max()), 0.0), min(float(heights.min()), 0.0)
    scale, right = _EXAMPLE_ROW / max(above - below, 1e-9), float(len(heights) * _EXAMPLE_COLUMN)
    zero = scale * above
    line = element("path", d=f"M0 {number(zero)}H{number(right)}", class_="grid")
    drawn = letters(heights, left=0.0, zero=zero, scale=scale, column=_EXAMPLE_COLUMN)
    label = f"What each base of {example.name} contributes to the log-odds"
    return drawing(right, float(_EXAMPLE_ROW), [line, *drawn], label=label, class_="logo")


def stage_curve(classifier: DeepPruneClassifier, results: Results) -> Markup:
    """Draw the AUC at every size."""
    sizes = [stage.n_kernels for stage in classifier.stages_]
    x = np.arange(len(sizes), dtype=float)
    validation = [stage.val_roc_auc for stage in classifier.stages_]
    values = [*validation, *results.stage_aucs]
    margin = max(0.1 * (max(values) - min(values)), 0.003)
    chart = Chart((-0.3, max(len(sizes) - 0.7, 0.3)), (min(values) - margin, max(values) + margin), left=56, **SMALL)
    chart.axes("kernels", "ROC AUC", x_ticks=[(i, str(size)) for i, size in enumerate(sizes)])
    for y, class_, name in (
        (validation, "quiet", "validation"),
        (results.stage_aucs, "strong", measured_name(results)),
    ):
        chart.line(x, y, class_)
        titles = [f"{size} kernels: {name} AUC {value:.4f}" for size, value in zip(sizes, y, strict=True)]
        chart.dots(x, y, class_, titles)
    return chart.finish(
        f"ROC AUC against the number of kernels: {results.stage_aucs[0]:.3f} at {sizes[0]},"
        f" {results.stage_aucs[-1]:.3f} at {sizes[-1]}."
    )


def measured_name(results: Results) -> str:
    """Name of the sequences on which the classifier is evaluated."""
    return "test" if results.has_test else "these sequences"


def roc(results: Results) -> Markup:
    """Draw the ROC curve with its confidence band."""
    curve = results.performance.roc
    chart = Chart((0, 1), (0, 1), **SMALL)
    chart.axes("false positive rate", "true positive rate")
    chart.line([0, 1], [0, 1], "guess")
    x = np.append(0, GRID)
    chart.area(x, np.append(0, curve.low), np.append(0, curve.high), "strong")
    chart.line(x, np.append(0, curve.value), "strong")
    return chart.finish(f"ROC curve, area {results.performance.roc_auc.value:.3f}.")


def precision_recall(results: Results) -> Markup:
    """Draw the precision-recall curve with its confidence band."""
    curve, share = results.performance.precision_recall, results.performance.positive_share
    chart = Chart((0, 1), (0, 1), **SMALL)
    chart.axes("recall", "precision")
    chart.line([0, 1], [share, share], "guess")
    chart.area(GRID, curve.low, curve.high, "strong")
    chart.line(GRID, curve.value, "strong")
    return chart.finish(f"Precision-recall curve, average precision {results.performance.average_precision.value:.3f}.")


def auc_drops(results: Results) -> Markup:
    """Draw the drop in AUC without each kernel, with confidence intervals."""
    drops = [results.performance.auc_drops[reading.index] for reading in results.kernels]
    low = min(0.0, *(drop.low for drop in drops)) if len(drops) > 1 else min(0.0, drops[0].low)
    high = max(0.001, *(drop.high for drop in drops))
    n = len(drops)
    chart = Chart(
        (low - 0.04 * (high - low), high * 1.04), (n - 0.4, -0.6), width=420, height=56 + 30.0 * n, left=66, top=4
    )
    chart.axes("drop in ROC AUC", "", y_ticks=[(i, f"kernel {r.index}") for i, r in enumerate(results.kernels)])
    for i, (reading, drop) in enumerate(zip(results.kernels, drops, strict=True)):
        chart.bar(i, 0, drop.value, 14, f"k{reading.index % 8} bar")
        chart.bar(i, drop.low, drop.high, 1.5, "whisker")
    chart.rule(x=0, class_="axis")
    best = max(zip(drops, results.kernels, strict=True), key=lambda pair: pair[0].value)
    return chart.finish(f"The AUC drops most, by {best[0].value:.3f}, without kernel {best[1].index}.")


def scores(reading: KernelReading) -> Markup:
    """Draw the distribution of a kernel's pooled activations in both classes."""
    top = max(reading.bound_scores.max(), reading.unbound_scores.max())
    chart = Chart((reading.score_edges[0], reading.score_edges[-1]), (0, top * 1.06), height=190, left=60)
    chart.axes("pooled activation", "share of the class", y_ticks=percent_ticks(top))
    chart.histogram(reading.score_edges, reading.unbound_scores, "unbound")
    chart.histogram(reading.score_edges, reading.bound_scores, "bound")
    if reading.motif is not None and reading.score_edges[0] < reading.motif.threshold < reading.score_edges[-1]:
        chart.rule(x=reading.motif.threshold)
    return chart.finish(
        f"Distribution of the pooled activation of kernel {reading.index} in bound and unbound sequences."
    )


def word_sums(reading: CompositionReading) -> Markup:
    """Draw the distribution of the log-odds from composition in both classes."""
    top = max(reading.bound_sums.max(), reading.unbound_sums.max())
    chart = Chart((reading.edges[0], reading.edges[-1]), (0, top * 1.06), height=190, left=60)
    chart.axes("log-odds from composition", "share of the class", y_ticks=percent_ticks(top))
    chart.histogram(reading.edges, reading.unbound_sums, "unbound")
    chart.histogram(reading.edges, reading.bound_sums, "bound")
    return chart.finish("Distribution of the log-odds from composition in bound and unbound sequences.")


def positions(reading: KernelReading) -> Markup:
    """Draw the distribution of the positions of a kernel's sites in both classes."""
    top = max(reading.bound_positions.max(), reading.unbound_positions.max(), 1e-6)
    chart = Chart((reading.position_edges[0], reading.position_edges[-1]), (0, top * 1.06), height=190, left=60)
    chart.axes(
        "centre of the site, bp from the centre of the sequence", "share of the class", y_ticks=percent_ticks(top)
    )
    chart.histogram(reading.position_edges, reading.unbound_positions, "unbound")
    chart.histogram(reading.position_edges, reading.bound_positions, "bound")
    return chart.finish(f"Positions of the sites of kernel {reading.index} in bound and unbound sequences.")


def gc_content(results: Results) -> Markup:
    """Draw the GC content of both classes."""
    used = np.flatnonzero(results.bound_gc + results.unbound_gc)
    first, last = max(int(used[0]) - 1, 0), min(int(used[-1]) + 2, len(results.gc_edges) - 1)
    edges = results.gc_edges[first : last + 1]
    top = max(results.bound_gc.max(), results.unbound_gc.max())
    chart = Chart((edges[0], edges[-1]), (0, top * 1.06), height=210, left=60)
    x_ticks = [(value, f"{100 * value:.0f} %") for value in ticks(edges[0], edges[-1])]
    chart.axes("GC content", "share of the class", x_ticks=x_ticks, y_ticks=percent_ticks(top))
    chart.histogram(edges, results.unbound_gc[first:last], "unbound")
    chart.histogram(edges, results.bound_gc[first:last], "bound")
    return chart.finish("GC content of bound and unbound sequences.")


def history(classifier: DeepPruneClassifier) -> Markup:
    """Draw the loss by epoch."""
    rows = classifier.history_
    epochs = np.arange(1, len(rows) + 1)
    values = rows[["loss", "val_loss"]].to_numpy()
    top, low = float(np.quantile(values, 0.995)), float(values.min())
    margin = 0.06 * (top - low) + 1e-6
    chart = Chart((0.5, len(rows) + 0.5), (low - margin, top + margin), width=760, height=240, left=52, top=26)
    chart.axes("epoch", "cross-entropy (nats)")
    for size, part in rows.groupby("n_kernels", sort=False):
        if part.index[0] > 0:
            chart.rule(x=part.index[0] + 0.5, class_="rule")
        chart.text(
            float(chart.at_x((part.index[0] + part.index[-1]) / 2 + 1)), 16, str(size), anchor="middle", class_="tick"
        )
    for column, class_ in (("loss", "quiet"), ("val_loss", "strong")):
        chart.line(epochs, rows[column].clip(upper=top + margin).to_numpy(), class_)
    return chart.finish("Training and validation loss by epoch, over all sizes of the network.")


def percent_ticks(top: float) -> list[tuple[float, str]]:
    return [(value, f"{label_of(100 * value)} %") for value in ticks(0, top, 4)]
