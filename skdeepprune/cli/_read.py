"""What the commands read: sequences with names and labels, from files of sequences or from peaks of a genome."""

from __future__ import annotations

import argparse
import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune.cli._output import tell
from skdeepprune.sequences import dinucleotide_shuffle, iter_sequences, read_sequences
from skdeepprune.sequences._codes import encode_by_length

_PEAK_EXTENSIONS = (".bed", ".narrowpeak")
# Of a line of narrowPeak, where the summit stands, counted from the start of the peak.
_SUMMIT_COLUMN = 9


class UsageError(ValueError):
    """Options that do not fit together."""


@dataclass(frozen=True, eq=False)
class Labeled:
    """Sequences with names and labels (1 bound, 0 unbound)."""

    names: list[str]
    sequences: NDArray[Any]
    y: NDArray[np.int64]

    @classmethod
    def joined(cls, bound: Named, unbound: Named) -> Labeled:
        """Put both classes into one."""
        return cls(
            bound.names + unbound.names,
            np.array(bound.sequences + unbound.sequences, dtype=object),  # one is as wide as it is long
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
    """Read a file of sequences, or of peaks."""
    if _holds_peaks(path):
        return _read_peaks(Path(path), options.genome, options.width, quiet=options.quiet)
    return read_letters(path, labels=labels)


def iter_named(path: str, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Read names and sequences one by one; those of peaks at once."""
    if _holds_peaks(path):
        found = read_named(path, options)
        yield from zip(found.names, found.sequences, strict=True)
        return
    for record in iter_sequences(path):
        yield record.name, record.sequence


def _holds_peaks(path: str | os.PathLike[str]) -> bool:
    return Path(str(path).lower().removesuffix(".gz")).suffix in _PEAK_EXTENSIONS


def read_letters(path: str | os.PathLike[str], *, labels: bool) -> Named:
    """Read a file of sequences, and see to it that all its letters are those of DNA."""
    found = read_sequences(path, labels_in_names=labels)
    try:
        for _ in encode_by_length(found.sequences):
            pass
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Named(found.names, found.sequences, found.labels)


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
        return Labeled(given.names, np.array(given.sequences, dtype=object), given.labels)
    return Labeled.joined(given, given.shuffled(rng))


def _read_peaks(path: Path, genome: Path | None, width: int, *, quiet: bool) -> Named:
    """Cut peaks out of a genome."""
    if genome is None:
        raise UsageError(f"{path} holds places, not sequences; name the genome's FASTA file with --genome.")
    if width < 0:
        raise UsageError(f"--width {width}: expected a number of bp, or 0 for peaks as they are.")
    try:
        import pyfaidx
    except ImportError as error:
        raise ImportError("BED files need pyfaidx; install it with `pip install skdeepprune[genome]`.") from error
    names, sequences, n_beyond = [], [], 0
    try:
        with pyfaidx.Fasta(str(genome), as_raw=True) as chromosomes:
            for line, chromosome, start, stop in _intervals(path, width):
                if chromosome not in chromosomes:
                    raise ValueError(
                        f"{path}, line {line}: {chromosome!r} is not in {genome}, which begins with"
                        f" {', '.join(map(repr, list(chromosomes.keys())[:3]))}; expected peaks of that genome."
                    )
                if start < 0 or stop > len(chromosomes[chromosome]):
                    n_beyond += 1
                    continue
                names.append(f"{chromosome}:{start}-{stop}")
                sequences.append(chromosomes[chromosome][start:stop])
    except pyfaidx.FastaIndexingError as error:
        raise ValueError(f"{genome}: {error}") from error
    if n_beyond:
        tell(f"{path}: {n_beyond} peaks that reach beyond their chromosome are left out", quiet=quiet)
    if not names:
        raise ValueError(f"{path} holds no peaks within the genome; expected at least one.")
    return Named(names, sequences)


def _intervals(path: Path, width: int) -> Iterator[tuple[int, str, int, int]]:
    """Yield line, chromosome, start and stop (from 0, stop excluded) of the peaks, cut to `width` if that is not 0."""
    opened: Any = gzip.open if path.suffix == ".gz" else open
    is_narrow_peak = ".narrowpeak" in path.name.lower()
    with opened(path, "rt") as lines:
        for number, text in enumerate(lines, start=1):
            fields = text.split()
            if not fields or text.startswith(("#", "track", "browser")):
                continue
            try:
                start, stop = int(fields[1]), int(fields[2])
                summit = int(fields[_SUMMIT_COLUMN]) if is_narrow_peak else -1
            except (IndexError, ValueError):
                wanted = "the ten columns of narrowPeak" if is_narrow_peak else "chromosome, start and end"
                raise ValueError(f"{path}, line {number}: expected {wanted}, got {text.strip()[:60]!r}.") from None
            if not 0 <= start < stop:
                raise ValueError(f"{path}, line {number}: expected 0 <= start < end, got {start} and {stop}.")
            if width:
                middle = start + summit if summit >= 0 else (start + stop) // 2
                start = middle - width // 2
                stop = start + width
            yield number, fields[0], start, stop
