"""The command ``fit``: train, and write model, tables, motifs and report."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._model_file import save_model
from skdeepprune.cli._motifs import find_motifs, known_motifs
from skdeepprune.cli._output import log, print_json, shows_progress
from skdeepprune.cli._paths import check_folder, check_standard_output, prepared_folder
from skdeepprune.cli._read import (
    check_classes,
)
from skdeepprune.cli._regions import (
    SET_FILES,
    describe_negatives,
    describe_sets,
    leakage_messages,
    write_sets,
)
from skdeepprune.cli._report import write_page
from skdeepprune.cli._sets import Sets, read_sets
from skdeepprune.cli._tables import (
    as_text,
    auc_by_kind,
    auc_notes,
    motif_table,
    stage_table,
    without_matrices,
    write_table,
)
from skdeepprune.genome import Match
from skdeepprune.motifs import Motif, write_motifs

FILES = (
    *("model.safetensors", "history.csv", "stages.csv", "motifs.meme", "tomtom.csv", "report.html"),
    *SET_FILES,
)


def fit(options: argparse.Namespace) -> None:
    """Train on a file, and write model, tables, motifs and report to a folder."""
    start = time.perf_counter()
    inputs = [options.positives, options.negatives, options.test, options.genome, options.targets, *options.exclude]
    check_folder(options.out, FILES, options.force, inputs=inputs)
    if options.json:
        check_standard_output("--json goes")
    targets = known_motifs(options)
    classifier = _classifier(options)
    sets = read_sets(options, np.random.default_rng(options.seed))
    if sets.test is not None:
        check_classes(sets.test, options.test)
    if sets.kind == "shuffles" and options.ratio == 1:
        classifier.set_params(negatives="dinucleotide")
    with prepared_folder(options.out, FILES) as folder, _log_partial_results(options.out):
        _train(classifier, sets, quiet=options.quiet)
        save_model(classifier, folder / "model.safetensors")
        # The remaining files of an earlier model would be inconsistent with this one.
        for name in FILES[1:]:
            (folder / name).unlink(missing_ok=True)
        results = _write_results(folder, classifier, sets, targets, options)
        written = [name for name in FILES if (folder / name).exists()]
    seconds = time.perf_counter() - start
    if options.json:
        print_json(
            {
                "folder": options.out,
                "files": written,
                **results.summary(sets),
                "seconds": round(seconds, 2),
            }
        )
    else:
        results.print(sets.match)
        print(f"Wrote {', '.join(written)} to {options.out} ({seconds:.0f} s)")


class _Results(NamedTuple):
    """Tables and motifs of a trained classifier."""

    engine: str
    stages: pd.DataFrame
    by_kind: dict[str, float]
    motifs: list[Motif]
    matches: pd.DataFrame | None

    def summary(self, sets: Sets) -> dict[str, Any]:
        """Summarise for JSON."""
        return {
            "n_train": len(sets.train.y),
            "n_test": 0 if sets.test is None else len(sets.test.y),
            "negatives": sets.kind or "given",
            "tested_on": sets.tested_on,
            "auc_by_kind": self.by_kind,
            "engine": self.engine,
            "stages": self.stages.to_dict("records"),
            "motifs": motif_table(self.motifs, self.matches).to_dict("records"),
        }

    def print(self, match: Match | None) -> None:
        """Print the tables."""
        if match is not None:
            print(f"Matched regions: {match}")
        print(as_text(self.stages))
        if len(self.by_kind) > 1:
            print(", ".join(f"AUC {auc:.3f} against {kind}" for kind, auc in self.by_kind.items()))
        print(as_text(motif_table(self.motifs, self.matches)))


def _train(classifier: DeepPruneClassifier, sets: Sets, *, quiet: bool) -> None:
    log(f"Training on {sets.train.describe()}", quiet=quiet)
    held_out = {}
    if sets.validation is not None:
        log(f"Validating on {sets.validation.describe()}", quiet=quiet)
        held_out = {"X_val": sets.validation.sequences, "y_val": sets.validation.y}
    for message in leakage_messages(sets.train, sets.validation, sets.test):
        log(message, quiet=False)
    classifier.fit(sets.train.sequences, sets.train.y, **held_out)


def _write_results(
    folder: Path, classifier: DeepPruneClassifier, sets: Sets, targets: list[Motif] | None, options: argparse.Namespace
) -> _Results:
    """Write each file as soon as its content is computed, so that an error loses as little as possible."""
    write_table(classifier.history_, folder / "history.csv")
    measured = sets.train if sets.test is None else sets.test
    stages = stage_table(classifier, measured.sequences, measured.y)
    by_kind = auc_by_kind(classifier, measured)
    if sets.test is None:
        stages = stages.drop(columns="test AUC")
    write_table(stages, folder / "stages.csv")
    motifs, matches = find_motifs(classifier, sets.train, targets)
    write_motifs(motifs, folder / "motifs.meme")
    if matches is not None:
        write_table(without_matrices(matches), folder / "tomtom.csv")
    if sets.kind is not None and options.genome is not None:
        write_sets(folder, sets)
    notes = describe_sets(sets, options) | auc_notes(by_kind)
    about = {"negatives": describe_negatives(sets.kind, options), "match": sets.match}
    write_page(options, classifier, sets.train, sets.test, motifs, matches, folder / "report.html", notes, **about)
    return _Results(classifier.engine_, stages, by_kind, motifs, matches)


def _classifier(options: argparse.Namespace) -> DeepPruneClassifier:
    return DeepPruneClassifier(
        n_kernels=options.kernels,
        n_prunings=options.prunings,
        kernel_length=options.kernel_length,
        reverse_complement=not options.one_strand,
        learning_rate_init=options.learning_rate,
        batch_size=options.batch_size,
        max_iter=options.max_iter,
        engine=options.engine,
        n_jobs=options.n_jobs,
        random_state=options.seed,
        verbose=shows_progress(quiet=options.quiet),
    )


@contextmanager
def _log_partial_results(folder: Path) -> Iterator[None]:
    """If something fails after the model has been written, say which files exist."""
    try:
        yield
    except Exception:
        if written := [name for name in FILES if (folder / name).exists()]:
            log(f"Results written before the error are kept: {', '.join(written)} in {folder}", quiet=False)
        raise
