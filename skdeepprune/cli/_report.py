"""The command ``report``: one HTML page on a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune.cli._motifs import DEFAULT_TARGETS, find_motifs, known_motifs, load
from skdeepprune.cli._output import log, print_json
from skdeepprune.cli._paths import check_outputs, check_standard_output
from skdeepprune.cli._read import (
    Labeled,
)
from skdeepprune.cli._regions import (
    describe_negatives,
)
from skdeepprune.cli._sets import read_with_negatives
from skdeepprune.cli._tables import (
    auc_by_kind,
    auc_notes,
    motif_table,
)
from skdeepprune.motifs import Motif
from skdeepprune.report import write_report


def report(options: argparse.Namespace) -> None:
    """Write a report on a model for given sequences."""
    inputs = [options.model, options.positives, options.negatives, options.genome, options.targets, *options.exclude]
    check_outputs([options.out], options.force, inputs=inputs)
    if options.json:
        check_standard_output("--json goes")
    targets = known_motifs(options)
    classifier = load(options)
    made = read_with_negatives(options, np.random.default_rng(options.seed))
    data = made.data
    log(f"Reading {data.describe()}", quiet=options.quiet)
    found, matches = find_motifs(classifier, data, targets)
    by_kind = auc_by_kind(classifier, data)
    notes = {"model": options.model, "sequences": options.positives, **auc_notes(by_kind)}
    about = {"negatives": describe_negatives(made.kind, options), "match": made.match}
    write_page(options, classifier, data, None, found, matches, options.out, notes, **about)
    if options.json:
        print_json(
            {
                "file": options.out,
                "negatives": made.kind or "given",
                "auc_by_kind": by_kind,
                "motifs": motif_table(found, matches).to_dict("records"),
            }
        )
    else:
        print(f"Wrote {options.out}")


def write_page(
    options: argparse.Namespace,
    classifier: DeepPruneClassifier,
    data: Labeled,
    test: Labeled | None,
    found: list[Motif],
    matches: pd.DataFrame | None,
    path: Path,
    notes: dict[str, Any],
    **about: Any,
) -> None:
    write_report(
        classifier,
        data.sequences,
        data.y,
        path,
        X_test=None if test is None else test.sequences,
        y_test=None if test is None else test.y,
        names=data.names,
        test_names=None if test is None else test.names,
        motifs=found,
        targets=matches,
        title=options.title or ("Standard input" if options.positives == "-" else Path(options.positives).name),
        notes=notes if matches is None else {**notes, "compared with": options.targets or DEFAULT_TARGETS},
        recall=options.recall,
        prevalence=options.prevalence,
        random_state=options.seed,
        **about,
    )
