"""What the commands read: sequences with names and labels, from files of sequences or from peaks of a genome."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune._reading import opened, source_of
from skdeepprune.cli._output import tell
from skdeepprune.cli._peaks import COLUMNS, opened_peaks
from skdeepprune.cli._peaks import UsageError as UsageError
from skdeepprune.sequences import SequenceRecord, dinucleotide_shuffle, encode
from skdeepprune.sequences._files import first_word, records_of
from skdeepprune.sequences._regions import holds_regions

Rows = Iterator[tuple[list[str], str | None]]


@dataclass(frozen=True, eq=False)
class Labeled:
    """Sequences with names and labels (1 bound, 0 unbound)."""

    names: list[str]
    sequences: NDArray[np.str_]
    y: NDArray[np.int64]

    @classmethod
    def joined(cls, bound: Named, unbound: Named) -> Labeled:
        """Put both classes into one."""
        return cls(
            bound.names + unbound.names,
            np.array(bound.sequences + unbound.sequences),
            np.repeat([1, 0], [len(bound.names), len(unbound.names)]),
        )

    def take(self, rows: NDArray[np.bool_]) -> Labeled:
        """Return some of them."""
        return Labeled([self.names[row] for row in np.flatnonzero(rows)], self.sequences[rows], self.y[rows])

    def describe(self) -> str:
        """Count them, with their lengths."""
        lengths = sorted({len(sequence) for sequence in self.sequences})
        span = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        return f"{np.sum(self.y == 1)} bound and {np.sum(self.y == 0)} unbound sequences of {span} bp"


@dataclass(frozen=True, eq=False)
class Named:
    """Sequences with names, and labels where a file has them."""

    names: list[str]
    sequences: list[str]
    labels: NDArray[np.int64] | None = None

    def take(self, rows: NDArray[np.bool_]) -> Named:
        """Return some of them, without labels."""
        kept = np.flatnonzero(rows)
        return Named([self.names[row] for row in kept], [self.sequences[row] for row in kept])

    def shuffled(self, rng: np.random.Generator) -> Named:
        """Shuffle each, keeping its dinucleotides."""
        return Named(
            [f"shuffle of {name}" for name in self.names], dinucleotide_shuffle(self.sequences, random_state=rng)
        )


def read_named(path: str | os.PathLike[str], options: argparse.Namespace, *, labels: bool = False) -> Named:
    """Read a file of sequences, or of peaks; peaks that are not in the genome are left out and counted."""
    source = source_of(path)
    with opened(path) as file:
        if not holds_regions(source, file):
            return _letters(source, list(records_of(file, source, None, labels)), quiet=options.quiet)
        with opened_peaks(file, source, options) as peaks:
            found = [(str(peak.cut), peak.sequence) for peak in peaks if peak.sequence is not None]
    if lost := peaks.without_sequence():
        tell(f"{lost}; they are left out", quiet=False)
    return Named([name for name, _ in found], [sequence for _, sequence in found])


@contextmanager
def opened_rows(path: str | os.PathLike[str], options: argparse.Namespace) -> Iterator[tuple[tuple[str, ...], Rows]]:
    """Open a file of sequences, or of peaks, as the rows of a table and the sequence of each, with the column names."""
    source = source_of(path)
    with opened(path) as file:
        if not holds_regions(source, file):
            yield ("name",), (([record.name], record.sequence) for record in records_of(file, source))
            return
        with opened_peaks(file, source, options) as peaks:
            yield COLUMNS, ((peak.row(), peak.sequence) for peak in peaks)
    if lost := peaks.without_sequence():
        tell(f"{lost}; they have no probability", quiet=options.quiet)


def read_letters(path: str | os.PathLike[str], *, labels: bool, quiet: bool) -> Named:
    """Read a file of sequences, and see to it that all its letters are those of DNA."""
    source = source_of(path)
    with opened(path) as file:
        return _letters(source, list(records_of(file, source, None, labels)), quiet=quiet)


def _letters(source: str, records: list[SequenceRecord], *, quiet: bool) -> Named:
    names, sequences = [record.name for record in records], [record.sequence for record in records]
    try:
        encode(sequences)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    labels = [record.label for record in records if record.label is not None] or _labels_in(source, names)
    if labels and records[0].label is None:
        tell(f"{source}: the headers begin with labels, {sum(labels)} of 1 and {labels.count(0)} of 0", quiet=quiet)
    return Named(names, sequences, np.array(labels, dtype=np.int64) if labels else None)


def _labels_in(source: str, names: list[str]) -> list[int]:
    """Read the first word of every name as a label, if all of them can be one."""
    words = list(map(first_word, names))
    n_labels = sum(word in ("0", "1") for word in words)
    if n_labels == len(words):
        return list(map(int, words))
    # Where names are numbers, two of them may look like labels.
    if n_labels > 2:
        other = next(i for i, word in enumerate(words) if word not in ("0", "1"))
        raise ValueError(
            f"{source}: the headers of {n_labels} sequences begin with 0 or 1 as with a label, but that of sequence"
            f" {other} with {words[other]!r}; expected a label in all of them or in none."
        )
    return []


def read_labeled(options: argparse.Namespace, rng: np.random.Generator) -> tuple[Labeled, bool]:
    """Read both classes, from two files or from the labels of one, or else shuffle; and whether the latter."""
    given = read_named(options.positives, options, labels=options.labels)
    return _labeled(given, options, rng), options.negatives is None and not _is_mixed(given)


def read_split(options: argparse.Namespace, rng: np.random.Generator) -> tuple[Labeled, Labeled | None, bool]:
    """Read sequences to train on, others to test on, and whether the negatives are shuffles.

    A shuffle goes where its sequence goes.
    """
    if not 0 <= options.test_share < 1:
        raise UsageError(f"--test-share {options.test_share}: expected a share from 0 up to, but below, 1.")
    given = read_named(options.positives, options, labels=options.labels)
    shuffled = options.negatives is None and not _is_mixed(given)
    if options.test is not None:
        test = with_negatives(read_named(options.test, options, labels=options.labels), rng)
        return _labeled(given, options, rng), test, shuffled
    if shuffled:
        held_out = _held_out(np.ones(len(given.names)), options.test_share, rng)
        parts = [with_negatives(given.take(rows), rng) for rows in (~held_out, held_out) if rows.any()]
    else:
        data = _labeled(given, options, rng)
        held_out = _held_out(data.y, options.test_share, rng)
        parts = [data.take(rows) for rows in (~held_out, held_out) if rows.any()]
    return parts[0], parts[1] if len(parts) > 1 else None, shuffled


def _labeled(given: Named, options: argparse.Namespace, rng: np.random.Generator) -> Labeled:
    if options.negatives is None:
        return with_negatives(given, rng)
    if _is_mixed(given):
        raise UsageError(
            f"{options.positives} has bound and unbound sequences, and --negatives names more; expected"
            " one or the other."
        )
    negatives = read_named(options.negatives, options)
    if negatives.labels is not None and negatives.labels.any():
        raise UsageError(
            f"--negatives {options.negatives} has {int(negatives.labels.sum())} sequences labeled as bound; expected"
            " unbound ones alone."
        )
    return Labeled.joined(given, negatives)


def _held_out(y: NDArray[Any], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose a share of each class."""
    chosen = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        n = min(max(round(share * len(rows)), 1), len(rows) - 1) if share > 0 else 0
        chosen[rows[:n]] = True
    return chosen


def _is_mixed(given: Named) -> bool:
    return given.labels is not None and not (given.labels == 1).all()


def with_negatives(given: Named, rng: np.random.Generator) -> Labeled:
    """Take the file's labels if it has both, or else one shuffle of each sequence for the unbound ones."""
    if _is_mixed(given):
        assert given.labels is not None
        return Labeled(given.names, np.array(given.sequences), given.labels)
    return Labeled.joined(given, given.shuffled(rng))
