"""The command ``motifs``: the motifs of a model, compared with known ones."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._model_file import load_model
from skdeepprune.cli._output import log, opened_output, print_json
from skdeepprune.cli._paths import check_outputs, check_standard_output
from skdeepprune.cli._read import (
    Labeled,
    UsageError,
    read_named,
)
from skdeepprune.cli._tables import (
    as_text,
    motif_table,
    without_matrices,
    write_table,
)
from skdeepprune.motifs import Motif, extract_motifs, load_jaspar, read_motifs, tomtom, write_motifs
from skdeepprune.report._report import orient_all_to_matches

DEFAULT_TARGETS = "JASPAR2024:vertebrates"


def motifs(options: argparse.Namespace) -> None:
    """Extract the motifs of a model's kernels from sequences, and write them."""
    inputs = [options.model, options.sequences, options.genome, options.targets]
    check_outputs([options.out, options.matches], options.force, inputs=inputs)
    if options.json and options.out is None:
        raise UsageError("--json and the motifs both go to standard output; name a file for the motifs with --out.")
    if options.json or options.out is None:
        check_standard_output("--json goes" if options.json else "The motifs go")
    targets = known_motifs(options)
    if options.matches is not None and targets is None:
        raise UsageError(f"--matches {options.matches}: there are no known motifs to compare with.")
    classifier = load(options)
    given = read_named(options.sequences, options)
    y = None if given.labels is None or len(set(given.labels)) < 2 else given.labels
    found = extract_motifs(classifier, given.sequences, y, names=given.names)
    found, matches = compare(found, targets)
    with opened_output(options.out) as file:
        write_motifs(found, file, options.format)
    if options.matches is not None and matches is not None:
        write_table(without_matrices(matches), options.matches)
    if options.json:
        print_json({"file": options.out, "motifs": motif_table(found, matches).to_dict("records")})
    else:
        log(as_text(motif_table(found, matches)), quiet=options.quiet)


def load(options: argparse.Namespace) -> DeepPruneClassifier:
    return load_model(options.model).set_params(n_jobs=options.n_jobs, verbose=0)


def known_motifs(options: argparse.Namespace) -> list[Motif] | None:
    """Load the known motifs to compare with; missing ones stop the command before it does anything."""
    name = options.targets or DEFAULT_TARGETS
    if name.lower() == "none":
        return None
    if name.upper().startswith("JASPAR") and not Path(name).exists():
        release, _, group = name.partition(":")
        if find_spec("pyjaspar") is not None:
            group = group.lower() or "vertebrates"
            return load_jaspar(release.upper(), tax_group=None if group == "all" else group)
        if options.targets:
            raise ImportError(f"--targets {name} needs pyjaspar; install it with `pip install skdeepprune[motifs]`.")
        log(
            "Motifs are not compared with known ones; for JASPAR: pip install skdeepprune[motifs].",
            quiet=options.quiet,
        )
        return None
    if not Path(name).is_file():
        raise FileNotFoundError(f"--targets {name}: expected a motif file, a release of JASPAR, or none.")
    motifs = read_motifs(name)
    if not motifs:
        raise ValueError(f"--targets {name}: the file contains no motifs; use another file, or --targets none.")
    return motifs


def find_motifs(
    classifier: DeepPruneClassifier, data: Labeled, targets: list[Motif] | None
) -> tuple[list[Motif], pd.DataFrame | None]:
    return compare(extract_motifs(classifier, data.sequences, data.y, names=data.names), targets)


def compare(found: list[Motif], targets: list[Motif] | None) -> tuple[list[Motif], pd.DataFrame | None]:
    return (found, None) if targets is None else orient_all_to_matches(found, tomtom(found, targets))
