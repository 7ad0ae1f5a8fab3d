"""Input of the commands: sequences with names and labels, from sequence files or from peaks in a genome."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune._reading import opened, shown, source_of
from skdeepprune.cli._output import log
from skdeepprune.cli._peaks import COLUMNS, opened_peaks
from skdeepprune.cli._peaks import UsageError as UsageError
from skdeepprune.sequences import Region, SequenceRecord, dinucleotide_shuffle
from skdeepprune.sequences._codes import encode_by_length
from skdeepprune.sequences._files import first_word, records_of
from skdeepprune.sequences._places import Place
from skdeepprune.sequences._regions import holds_regions

Rows = Iterator[tuple[list[str], str | None]]


@dataclass(frozen=True, eq=False)
class Labeled:
    """Sequences with names, labels (1 bound, 0 unbound), and the kind of each: bound, given, matched, ..."""

    names: list[str]
    sequences: NDArray[Any]
    y: NDArray[np.int64]
    kinds: NDArray[Any] = field(default_factory=lambda: np.empty(0, object))
    places: list[Place] = field(default_factory=list)

    @classmethod
    def joined(cls, bound: Named, *unbound: Named) -> Labeled:
        """Concatenate both classes."""
        parts = [bound, *unbound]
        return cls(
            [name for part in parts for name in part.names],
            np.array(
                [sequence for part in parts for sequence in part.sequences], dtype=object
            ),  # object: a fixed-width dtype would be as wide as the longest sequence
            np.repeat([1] + [0] * len(unbound), [len(part.names) for part in parts]),
            np.repeat(["bound"] + [part.kind for part in unbound], [len(part.names) for part in parts]),
            [place for part in parts for place in part.places],
        )

    def take(self, rows: NDArray[np.bool_]) -> Labeled:
        """Return a subset."""
        chosen = np.flatnonzero(rows)
        return Labeled(
            [self.names[row] for row in chosen],
            self.sequences[rows],
            self.y[rows],
            self.kinds[rows],
            [self.places[row] for row in chosen],
        )

    def describe(self) -> str:
        """Summarise counts and lengths."""
        lengths = sorted({len(sequence) for sequence in self.sequences})
        span = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        return f"{np.sum(self.y == 1)} bound and {np.sum(self.y == 0)} unbound sequences of {span} bp"


@dataclass(frozen=True, eq=False)
class Named:
    """Sequences with names and places; labels if the file has them, regions if it is a peak file."""

    names: list[str]
    sequences: list[str]
    places: list[Place]
    labels: NDArray[np.int64] | None = None
    peaks: list[Region] | None = None
    kind: str = "given"

    def shuffled(self, rng: np.random.Generator, rows: NDArray[np.int64] | None = None) -> Named:
        """Return a dinucleotide shuffle of each sequence, or of some rows."""
        chosen = range(len(self.names)) if rows is None else rows.tolist()
        return Named(
            [f"shuffle of {self.names[row]}" for row in chosen],
            dinucleotide_shuffle([self.sequences[row] for row in chosen], random_state=rng),
            [self.places[row] for row in chosen],
            kind="shuffles",
        )


def read_named(path: str | os.PathLike[str], options: argparse.Namespace, *, labels: bool = False) -> Named:
    """Read a sequence file or a peak file; peaks that are not in the genome are left out and counted."""
    source = source_of(path)
    with opened(path) as file:
        if not holds_regions(source, file):
            return _letters(source, list(records_of(file, source, None, labels)), quiet=options.quiet)
        with opened_peaks(file, source, options) as peaks:
            found = [(peak, peak.sequence) for peak in peaks if peak.sequence is not None]
    if lost := peaks.without_sequence():
        log(f"{lost}; they are left out", quiet=False)
    return Named(
        [str(peak.cut) for peak, _ in found],
        [sequence for _, sequence in found],
        [Place(peak.cut.chrom, peak.cut.start, peak.cut.end, peak.cut.strand) for peak, _ in found],
        peaks=[peak.given for peak, _ in found],
    )


@contextmanager
def opened_rows(path: str | os.PathLike[str], options: argparse.Namespace) -> Iterator[tuple[tuple[str, ...], Rows]]:
    """Open a sequence or peak file; yield column names, and an iterator over table rows and their sequences."""
    source = source_of(path)
    with opened(path) as file:
        if not holds_regions(source, file):
            yield ("name",), (([record.name], record.sequence) for record in records_of(file, source))
            return
        with opened_peaks(file, source, options) as peaks:
            yield COLUMNS, ((peak.row(), peak.sequence) for peak in peaks)
    if lost := peaks.without_sequence():
        log(f"{lost}; no probability for these", quiet=options.quiet)


def read_letters(path: str | os.PathLike[str], *, labels: bool, quiet: bool) -> Named:
    """Read a sequence file, and check that all letters are DNA."""
    source = source_of(path)
    with opened(path) as file:
        return _letters(source, list(records_of(file, source, None, labels)), quiet=quiet)


def _letters(source: str, records: list[SequenceRecord], *, quiet: bool) -> Named:
    names, sequences = [record.name for record in records], [record.sequence for record in records]
    try:
        for _ in encode_by_length(sequences):
            pass
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    labels = [record.label for record in records if record.label is not None] or _labels_in(source, names)
    if labels and records[0].label is None:
        log(f"{source}: the headers start with labels, {sum(labels)} of 1 and {labels.count(0)} of 0", quiet=quiet)
    places = [Place(record.chrom, record.start, record.end, record.strand) for record in records]
    return Named(names, sequences, places, np.array(labels, dtype=np.int64) if labels else None)


def _labels_in(source: str, names: list[str]) -> list[int]:
    """Parse the first word of every name as a label, if all of them are labels."""
    words = list(map(first_word, names))
    n_labels = sum(word in ("0", "1") for word in words)
    if n_labels == len(words):
        return list(map(int, words))
    # If names are numbers, two of them may look like labels.
    if n_labels > 2:
        other = next(i for i, word in enumerate(words) if word not in ("0", "1"))
        raise ValueError(
            f"{source}: the headers of {n_labels} sequences start with a label (0 or 1), but that of sequence {other}"
            f" starts with {shown(words[other])}; expected a label in all of them or in none."
        )
    return []


def read_unbound(given: Named, options: argparse.Namespace) -> Named:
    """Read the --negatives file, given that all sequences in `given` are bound."""
    if is_mixed(given):
        raise UsageError(
            f"{options.positives} already has bound and unbound sequences, but --negatives is given; expected one or"
            " the other."
        )
    negatives = read_named(options.negatives, options)
    if negatives.labels is not None and negatives.labels.any():
        raise UsageError(
            f"--negatives {options.negatives} has {int(negatives.labels.sum())} sequences labeled as bound; expected"
            " only unbound ones."
        )
    return negatives


def is_mixed(given: Named) -> bool:
    """Whether a file has labels and not all of them are bound."""
    return given.labels is not None and not (given.labels == 1).all()


def labeled(given: Named) -> Labeled:
    """Use the labels of a file that has them."""
    assert given.labels is not None
    kinds = np.where(given.labels == 1, "bound", "given")
    return Labeled(given.names, np.array(given.sequences, dtype=object), given.labels, kinds, given.places)


def with_negatives(given: Named, rng: np.random.Generator) -> Labeled:
    """Use the labels of a file if it has both classes; otherwise add a shuffle of each sequence as unbound."""
    return labeled(given) if is_mixed(given) else Labeled.joined(given, given.shuffled(rng))


def check_classes(data: Labeled, path: Any) -> None:
    """Stop before training if the test sequences are all of one class, for which there is no AUC."""
    n_bound = int((data.y == 1).sum())
    if n_bound in (0, len(data.y)):
        kind = "bound" if n_bound else "unbound"
        raise ValueError(f"--test {path}: all {len(data.y)} sequences are {kind}; expected both classes.")
