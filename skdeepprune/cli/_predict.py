"""The command ``predict``: binding probabilities of the sequences in a file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune.cli._motifs import load
from skdeepprune.cli._output import log, opened_output
from skdeepprune.cli._paths import check_outputs, check_standard_output
from skdeepprune.cli._read import (
    Rows,
    opened_rows,
)

# Maximum number of sequences and letters per batch.
_BATCH_SEQUENCES, _BATCH_LETTERS = 20_000, 2**25


def predict(options: argparse.Namespace) -> None:
    """Write the binding probability of every sequence in a file."""
    check_outputs([options.out], options.force, inputs=[options.model, options.sequences, options.genome])
    if options.out is None:
        check_standard_output("The table goes")
    classifier = load(options)
    first = 1
    with opened_rows(options.sequences, options) as (columns, rows), opened_output(options.out) as file:
        kernels = [f"kernel_{k}" for k in range(len(classifier.kernels_))] if options.scores else []
        for batch in _batches(rows):
            sequences = [sequence for _, sequence in batch if sequence is not None]
            try:
                numbers = iter(_numbers(classifier, sequences, scores=options.scores))
            except ValueError as error:
                where = "" if first == 1 else f" (counted from sequence {first} of the file)"
                raise ValueError(f"{options.sequences}: {error}{where}") from error
            if first == 1:
                file.write("\t".join([*columns, "probability", *kernels]) + "\n")
            nothing = [""] * (1 + len(kernels))
            for row, sequence in batch:
                scored = nothing if sequence is None else [f"{value:.6g}" for value in next(numbers)]
                file.write("\t".join([*(" ".join(value.split()) for value in row), *scored]) + "\n")
            first += len(batch)
            log(f"{first - 1:,} sequences", quiet=options.quiet or len(batch) < _BATCH_SEQUENCES)


def _batches(rows: Rows) -> Iterator[list[tuple[list[str], str | None]]]:
    """Yield rows and sequences in batches of limited size."""
    batch: list[tuple[list[str], str | None]] = []
    n_letters = 0
    for row, sequence in rows:
        batch.append((row, sequence))
        n_letters += len(sequence or "")
        if len(batch) == _BATCH_SEQUENCES or n_letters >= _BATCH_LETTERS:
            yield batch
            batch, n_letters = [], 0
    if batch:
        yield batch


def _numbers(classifier: DeepPruneClassifier, sequences: list[str], *, scores: bool) -> list[list[float]]:
    """Return the probability, and optionally the scores, of each sequence."""
    if not sequences:
        return []
    numbers = classifier.predict_proba(sequences)[:, 1:]
    return (np.column_stack([numbers, classifier.transform(sequences)]) if scores else numbers).tolist()
