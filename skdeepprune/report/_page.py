"""The page of a report: texts and tables for the template."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from importlib.resources import files
from typing import Any

import pandas as pd
from markupsafe import Markup

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._version import __version__
from skdeepprune.genome import Match as NegativeMatch
from skdeepprune.report import _figures as figures
from skdeepprune.report._cards import (
    CLOSE_CORRELATION,
    SIGNIFICANT_E,
    card,
    composition_card,
    example_groups,
    named_match,
)
from skdeepprune.report._figures import Match
from skdeepprune.report._format import counted, data_link, interval, percent, rounded, table
from skdeepprune.report._match import match_card
from skdeepprune.report._performance import GRID, Performance
from skdeepprune.report._results import GC_WARNING_AUC, Results
from skdeepprune.report._svg import glyph_definitions

_VERSIONED = ("numpy", "numba", "scikit-learn", "tensorflow", "memelite", "pyjaspar")


def render(
    classifier: DeepPruneClassifier,
    results: Results,
    matches: Mapping[int, Sequence[Match]],
    *,
    title: str,
    max_cards: int,
    downloads: Sequence[tuple[str, str, str]],
    negatives: str | None,
    match: NegativeMatch | None,
    notes: Mapping[str, Any],
    random_state: int,
) -> str:
    """Render the page.

    Parameters
    ----------
    classifier : DeepPruneClassifier
    results : Results
    matches : dict of int to sequence of Match
        For each kernel, the best first.
    title : str
    max_cards : int
        Maximum number of kernels with a card.
    downloads : sequence of (file name, MIME type, text)
    negatives : str or None
        Description of the unbound sequences.
    match : skdeepprune.genome.Match or None
    notes : dict
        Additional rows for the parameters.
    random_state : int

    Returns
    -------
    str
        HTML.
    """
    shown = results.kernels[:max_cards]
    context = {
        "version": __version__,
        "style": Markup(files(__package__).joinpath("report.css").read_text(encoding="utf-8")),
        "glyphs": glyph_definitions(),
        "title": title,
        "headline": headline(results, matches),
        "tiles": _tiles(classifier, results),
        "motifs_intro": _motifs_intro(results, matches, len(shown)),
        "cards": [card(reading, matches.get(reading.index, ()), results) for reading in shown],
        "words": None if results.composition is None else composition_card(results.composition),
        "downloads": [(name, data_link(text, kind)) for name, kind, text in downloads],
        "performance_intro": _performance_intro(results),
        "performance": _performance(classifier, results),
        "drops_intro": _drops_intro(results),
        "drops": _drops(results),
        "examples_intro": (
            "The best site of each kernel in example sequences. Labels give kernel and strand. Kernels that contribute"
            " less than a tenth of the largest contribution are not marked; where two sites overlap, the one with the"
            " larger contribution is marked. Below, the height of a base is its contribution to the log-odds, compared"
            " with the mean over all four bases in its place (saturation mutagenesis)."
        ),
        "examples": example_groups(results.examples),
        "data_intro": "The sequences that the motifs were extracted from"
        + (", and those that the network was tested on." if results.has_test else ".")
        + (f" The unbound ones are {negatives}." if negatives else ""),
        "warnings": _warnings(results),
        "classes": _classes(results),
        "composition": (
            f"As a score on its own, GC content has AUC {results.gc_auc:.3f} and length {results.length_auc:.3f}; 0.5"
            " is chance."
        ),
        "gc": _gc(results),
        "match": None if match is None else match_card(match),
        "making_intro": _making_intro(classifier),
        "history": _history(classifier),
        "parameters": _parameters(classifier, notes, random_state, __version__),
        "footer": f"Made by skdeepprune {__version__}. This file is self-contained and loads nothing from the network.",
    }
    return _environment().get_template("report.html.jinja").render(context)


def _environment() -> Any:
    import jinja2  # imported here, since most users of the package do not write reports

    return jinja2.Environment(
        loader=jinja2.PackageLoader("skdeepprune.report", package_path=""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def headline(results: Results, matches: Mapping[int, Sequence[Match]]) -> str:
    """Summarise the result in one sentence."""
    n = len(results.kernels)
    where = "held-out sequences" if results.has_test else "the given sequences"
    begin = f"{counted(n, 'kernel').capitalize()}, AUC {rounded(results.performance.roc_auc.value)} on {where}"
    if results.gc_auc >= GC_WARNING_AUC:
        begin += f" (GC content alone: {rounded(results.gc_auc)})"
    begin += ";"
    # Not the one with the largest drop in AUC: copies of a motif replace each other there.
    strongest = max(results.kernels, key=lambda reading: abs(reading.contribution))
    subject = "the strongest" if n > 1 else "it"
    match = named_match(matches.get(strongest.index, ()))
    if match is not None:
        accession = f" ({match.accession})" if match.accession else ""
        return f"{begin} {subject} reads {match.name}{accession}."
    if strongest.motif is None:
        return f"{begin} {subject} reads no motif."
    known = ", which is not similar to any known motif" if matches else ""
    return f"{begin} {subject} reads {strongest.motif.consensus}{known}."


def _tiles(classifier: DeepPruneClassifier, results: Results) -> list[dict[str, str]]:
    performance, sizes = results.performance, [stage.n_kernels for stage in classifier.stages_]
    measured = results.classes[-2:]
    kept = "trained directly" if len(sizes) == 1 else f"kept of {sizes[0]}"
    return [
        {"name": "ROC AUC", "value": f"{performance.roc_auc.value:.3f}", "note": interval(performance.roc_auc)},
        {
            "name": "Average precision",
            "value": f"{performance.average_precision.value:.3f}",
            "note": f"{percent(performance.positive_share)} are bound; if {_rare(performance)} are, it is"
            f" {performance.average_precision_in_use.value:.3f}",
        },
        {
            "name": f"Precision at recall {performance.use.recall:g}",
            "value": f"{performance.precision_in_use.value:.3f}",
            "note": f"{interval(performance.precision_in_use)}; if {_rare(performance)} are bound",
        },
        {"name": "Kernels", "value": str(sizes[-1]), "note": kept},
        {
            "name": "Tested on" if results.has_test else "Sequences",
            "value": f"{sum(part.n for part in measured):,}",
            "note": f"{measured[0].n:,} bound",
        },
    ]


def _rare(performance: Performance) -> str:
    return f"{100 * performance.use.prevalence:.3g} %"


def _motifs_intro(results: Results, matches: Mapping[int, Sequence[Match]], n_shown: int) -> str:
    text = (
        "Each kernel scans the sequences. Its motif is counted from its best windows in sequences where it is active,"
        " aligned."
    )
    if matches:
        named = sum(named_match(found) is not None for found in matches.values())
        some = counted(named, "motif").capitalize() if named else "No motif"
        text += (
            f" {some} of {len(matches)} resemble{'s' if named < 2 else ''} a known one (E-value at most"
            f" {SIGNIFICANT_E}, correlation at least {CLOSE_CORRELATION})."
        )
    if n_shown > 1:
        text += " Kernels are ordered by the drop in AUC without them."
    if n_shown < len(results.kernels):
        text += f" The first {n_shown} of {len(results.kernels)} are shown."
    return text


def _performance_intro(results: Results) -> str:
    where = (
        "Measured on sequences that were not used for training."
        if results.has_test
        else "Measured on the sequences given for this report: if the network was trained on them, expect lower"
        " performance on others."
    )
    return (
        f"{where} Bands and intervals are 95 % intervals of {results.n_bootstraps} bootstrap samples, stratified by"
        " class."
    )


def _performance(classifier: DeepPruneClassifier, results: Results) -> list[dict[str, Any]]:
    name = figures.measured_name(results)
    stages = pd.DataFrame(
        {
            "kernels": [stage.n_kernels for stage in classifier.stages_],
            "epochs": [len(stage.epochs) for stage in classifier.stages_],
            "validation AUC": [round(stage.val_roc_auc, 4) for stage in classifier.stages_],
            f"AUC, {name}": [round(value, 4) for value in results.stage_aucs],
        }
    )
    performance = results.performance
    return [
        {
            "title": "At every size",
            "note": f"Blue: {name}. Grey: validation during training.",
            "drawing": figures.stage_curve(classifier, results),
            "table": table("Table", "stages.csv", stages),
        },
        {
            "title": "ROC",
            "note": f"Area {performance.roc_auc.value:.3f} ({interval(performance.roc_auc)}). Dotted: chance.",
            "drawing": figures.roc(results),
            "table": _curve_table("roc.csv", "false positive rate", "true positive rate", performance.roc),
        },
        {
            "title": "Precision and recall",
            "note": f"Average precision {performance.average_precision.value:.3f}"
            f" ({interval(performance.average_precision)}); if {_rare(performance)} are bound,"
            f" {performance.average_precision_in_use.value:.3f} ({interval(performance.average_precision_in_use)})."
            " Dotted: chance.",
            "drawing": figures.precision_recall(results),
            "table": _curve_table("precision_recall.csv", "recall", "precision", performance.precision_recall),
        },
    ]


def _curve_table(file: str, x: str, y: str, curve: Any) -> dict[str, Any]:
    columns = {x: GRID, y: curve.value.round(4), "low": curve.low.round(4), "high": curve.high.round(4)}
    return table("Table", file, pd.DataFrame(columns))


def _drops_intro(results: Results) -> str:
    return (
        "Drop in AUC when a kernel is left out without retraining, with 95 % intervals. Kernels that read the same"
        " motif replace each other, so each of them may seem dispensable."
        if len(results.kernels) > 1
        else "Drop in AUC when the kernel is left out, with its 95 % interval."
    )


def _drops(results: Results) -> dict[str, Any]:
    drops = [results.performance.auc_drops[reading.index] for reading in results.kernels]
    frame = pd.DataFrame(
        {
            "kernel": [reading.index for reading in results.kernels],
            "drop in AUC": [round(drop.value, 4) for drop in drops],
            "low": [round(drop.low, 4) for drop in drops],
            "high": [round(drop.high, 4) for drop in drops],
            "weight": [round(reading.weight, 4) for reading in results.kernels],
            "importance": [float(f"{reading.importance:.4g}") for reading in results.kernels],
            "adds to log-odds": [round(reading.contribution, 4) for reading in results.kernels],
        }
    )
    return {"drawing": figures.auc_drops(results), "table": table("Table", "kernels.csv", frame)}


def _warnings(results: Results) -> list[str]:
    warnings = []
    if results.gc_auc >= GC_WARNING_AUC:
        warnings.append(
            f"GC content alone separates the classes with AUC {results.gc_auc:.2f}. The network may partly have learned"
            " composition. To find out, use negatives of the same composition, such as dinucleotide shuffles or matched"
            " regions of the genome."
        )
    if results.length_auc >= GC_WARNING_AUC:
        warnings.append(
            f"Length alone separates the classes with AUC {results.length_auc:.2f}. Longer sequences have more windows;"
            " cut both classes to the same length."
        )
    if results.composition is not None and results.composition.explains_nearly_all:
        warnings.append(
            f"Composition alone has AUC {results.composition.words_auc:.3f}, and the kernels add next to nothing, so"
            " the motifs mean little. Probably the negatives differ in composition; to find out, use negatives that"
            " resemble the bound sequences, such as matched regions of the genome. Or the words may have learned a"
            " short motif instead of the kernels: check the words with the largest weights."
        )
    if results.leakage is not None:
        warnings += results.leakage.messages()
    return warnings


def _classes(results: Results) -> dict[str, Any]:
    rows = []
    for part in results.classes:
        lengths = f"{part.shortest}" if part.shortest == part.longest else f"{part.shortest} to {part.longest}"
        rows.append([part.name, f"{part.n:,}", lengths, percent(part.mean_gc)])
    return {"columns": ["class", "sequences", "bp", "GC"], "rows": rows}


def _gc(results: Results) -> dict[str, Any]:
    frame = pd.DataFrame(
        {
            "GC from": results.gc_edges[:-1].round(4),
            "bound": results.bound_gc.round(5),
            "unbound": results.unbound_gc.round(5),
        }
    )
    return {"drawing": figures.gc_content(results), "table": table("Table", "gc.csv", frame)}


def _making_intro(classifier: DeepPruneClassifier) -> str:
    sizes = [stage.n_kernels for stage in classifier.stages_]
    if len(sizes) == 1:
        return f"A network with {counted(sizes[0], 'kernel')} was trained directly."
    return (
        f"A network with {sizes[0]} kernels was trained. Then its least important kernels were pruned"
        f" {counted(len(sizes) - 1, 'time')} and the others fine-tuned, down to {sizes[-1]}."
    ).replace("one time", "once")


def _history(classifier: DeepPruneClassifier) -> dict[str, Any]:
    history = classifier.history_
    return {
        "note": "Numbers at the top: kernels. Training at a size ends when the validation loss no longer improves.",
        "drawing": figures.history(classifier),
        "table": table("Table", "history.csv", history.round(5)),
    }


def _parameters(
    classifier: DeepPruneClassifier, notes: Mapping[str, Any], random_state: int, version: str
) -> list[tuple[str, str]]:
    rows = [(name, str(value)) for name, value in notes.items()]
    for name, value in classifier.get_params(deep=False).items():
        rows.append((name, getattr(value, "__name__", str(value)) if callable(value) else str(value)))
    seconds = sum(epoch.seconds for stage in classifier.stages_ for epoch in stage.epochs)
    rows += [
        ("engine used", classifier.engine_),
        ("negatives in training", classifier.negatives_),
        ("epochs", str(classifier.n_iter_)),
        ("training time (s)", f"{seconds:.1f}"),
        ("bootstrap seed", str(random_state)),
        ("skdeepprune", version),
        ("Python", platform.python_version()),
    ]
    loaded = {"scikit-learn": "sklearn"}
    for name in _VERSIONED:
        if loaded.get(name, name) in sys.modules:
            rows.append((name, metadata.version(name)))
    return rows
