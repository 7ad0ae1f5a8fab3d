"""The command ``demo``: the method on simulated sequences, or on two files."""

from __future__ import annotations

import argparse
from itertools import count
from pathlib import Path

import numpy as np

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._writing import replacing
from skdeepprune.cli._motifs import find_motifs, known_motifs
from skdeepprune.cli._output import shows_progress
from skdeepprune.cli._paths import check_outputs
from skdeepprune.cli._read import (
    Labeled,
    UsageError,
    check_classes,
    read_letters,
    with_negatives,
)
from skdeepprune.cli._report import write_page
from skdeepprune.cli._tables import (
    as_text,
    motif_table,
    stage_table,
)
from skdeepprune.datasets import SimulatedDataset, load_simulated


def demo(options: argparse.Namespace) -> None:
    """Train on a simulated data set or on files, show the AUC at every size, and write a report."""
    if (options.train is None) != (options.test is None):
        raise UsageError("Expected both --train and --test, or neither of them for a simulated data set.")
    report_path = options.report or _free_name("skdeepprune-demo", ".html")
    check_outputs([options.plot, report_path], options.force, inputs=[options.train, options.test])
    if options.plot is not None:
        _check_drawable(options.plot)
    targets = known_motifs(options)
    simulated = load_simulated(3, random_state=options.seed) if options.train is None else None
    train, test = _simulated(simulated) if simulated is not None else _demo_files(options)
    check_classes(test, options.test)
    print(f"Training on {train.describe()}, testing on {test.describe()}", flush=True)
    classifier = DeepPruneClassifier(
        n_kernels=options.kernels,
        engine=options.engine,
        n_jobs=options.n_jobs,
        random_state=options.seed,
        verbose=shows_progress(quiet=options.quiet),
    )
    classifier.fit(train.sequences, train.y)
    print(as_text(stage_table(classifier, test.sequences, test.y)))
    if simulated is not None:
        names = " and ".join(motif.name for motif in simulated.motifs)
        print(
            f"The planted motifs are {names}; their likelihood ratio, the optimal classifier, has AUC"
            f" {simulated.ceiling:.3f}."
        )
    found, matches = find_motifs(classifier, train, targets)
    print(as_text(motif_table(found, matches)))
    if options.plot is not None:
        from skdeepprune.plots import plot_stages

        figure = plot_stages(classifier, test.sequences, test.y)[0].get_figure(root=True)
        assert figure is not None
        with replacing(options.plot) as part:
            figure.savefig(part, format=options.plot.suffix[1:].lower())
        print(f"Wrote {options.plot}")
    options.title = options.train.name if simulated is None else f"Simulated sequences with {names}"
    write_page(options, classifier, train, test, found, matches, report_path, {})
    print(f"Wrote the report: {report_path.resolve()}")


def _check_drawable(path: Path) -> None:
    """Stop before training if matplotlib is not installed or does not support the format."""
    from matplotlib.backend_bases import FigureCanvasBase

    formats = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix[1:].lower() not in formats:
        raise UsageError(f"--plot {path}: expected a name that ends in one of .{', .'.join(formats)}.")


def _simulated(data: SimulatedDataset) -> tuple[Labeled, Labeled]:
    train, test = (
        Labeled([f"{part}_{i}" for i in range(len(y))], X, y)
        for part, X, y in (("training", data.X_train, data.y_train), ("test", data.X_test, data.y_test))
    )
    return train, test


def _demo_files(options: argparse.Namespace) -> tuple[Labeled, Labeled]:
    rng = np.random.default_rng(options.seed)
    train, test = (
        with_negatives(read_letters(path, labels=False, quiet=options.quiet), rng)
        for path in (options.train, options.test)
    )
    return train, test


def _free_name(stem: str, suffix: str) -> Path:
    """Find an unused file name in the working directory."""
    names = (Path(f"{stem}{f'-{i}' if i > 1 else ''}{suffix}") for i in count(1))
    return next(path for path in names if not path.exists())
