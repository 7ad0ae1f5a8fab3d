"""Portions of a genome or of sequences, and their parallel processing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray

from skdeepprune.genome._regions import RegionsLike, check_within, opened, region_table
from skdeepprune.sequences import Genome
from skdeepprune.sequences._codes import encode, listed

Codes = NDArray[np.uint8]
Task = TypeVar("Task")
Result = TypeVar("Result")

# Bases per portion.
PORTION = 2**22


class Stretch(NamedTuple):
    """A part of a chromosome."""

    chrom: int
    start: int
    end: int


class Piece(NamedTuple):
    """The codes of a stretch, and its position."""

    chrom: int
    start: int
    codes: Codes


@dataclass(frozen=True, eq=False)
class Source:
    """The sequences to scan.

    Attributes
    ----------
    names : list of str
        Names of chromosomes or sequences.
    lengths : list of int
    read : callable
        Returns the codes of a stretch.
    stretches : list of Stretch
        Whole chromosomes or regions, in order, without overlaps.
    """

    names: list[str]
    lengths: list[int]
    read: Callable[[int, int, int], Codes]
    stretches: list[Stretch]

    def all_codes(self) -> Iterator[Codes]:
        """Yield all codes, including those outside the regions."""
        for chrom, length in enumerate(self.lengths):
            for start in range(0, length, PORTION):
                yield read_only(self.read(chrom, start, min(start + PORTION, length)))

    def portions(self, width: int, step: int = 1) -> Iterator[list[Piece]]:
        """Yield portions of about `PORTION` bases that contain every `step`-th window exactly once."""
        portion: list[Piece] = []
        n_bases, size = 0, max(PORTION // step, 1) * step
        for chrom, start, end in self.stretches:
            for first in range(start, end - width + 1, size):
                stop = min(first + size - step + width, end)
                portion.append(Piece(chrom, first, self.read(chrom, first, stop)))
                n_bases += stop - first
                if n_bases >= PORTION:
                    yield portion
                    portion, n_bases = [], 0
        if portion:
            yield portion


def read_only(codes: Codes) -> Codes:
    """Return a read-only view: numba would compile again for writable arrays."""
    view = codes.view()
    view.flags.writeable = False
    return view


@contextmanager
def opened_source(source: Any, regions: RegionsLike | None = None) -> Iterator[Source]:
    """Open a genome, or wrap sequences.

    Parameters
    ----------
    source : Genome, str, path, mapping of str to str, or list, array or Series of DNA strings
        A path to a FASTA file; a list may also contain named records.
    regions : DataFrame, str, path, or iterable of Region, default=None
        Regions of a genome.
    """
    if isinstance(source, Genome | str | os.PathLike | Mapping):
        with opened(source) as genome:
            yield _of_genome(genome, regions)
        return
    if regions is not None:
        raise ValueError("regions refer to a genome, but the sequences are a list; expected one or the other.")
    yield _of_sequences(source)


def _of_genome(genome: Genome, regions: RegionsLike | None) -> Source:
    names, lengths = list(genome.lengths), list(genome.lengths.values())
    stretches = [Stretch(i, 0, length) for i, length in enumerate(lengths)]
    if regions is not None:
        table = region_table(regions)
        check_within(table, genome, "regions")
        number = {name: i for i, name in enumerate(names)}
        rows = zip(table["chrom"].map(number).tolist(), table["start"].tolist(), table["end"].tolist(), strict=True)
        stretches = _merged(sorted(rows))
    return Source(names, lengths, lambda i, start, end: genome.codes(names[i], start, end), stretches)


def _merged(rows: list[tuple[int, int, int]]) -> list[Stretch]:
    """Join regions that overlap or touch."""
    found: list[Stretch] = []
    for chrom, start, end in rows:
        if found and found[-1].chrom == chrom and start <= found[-1].end:
            found[-1] = Stretch(chrom, found[-1].start, max(end, found[-1].end))
        else:
            found.append(Stretch(chrom, start, end))
    return found


def _of_sequences(given: Any) -> Source:
    X = listed(given)
    names = [str(getattr(one, "name", i)) if not isinstance(one, str) else str(i) for i, one in enumerate(X)]
    codes = [encode([one])[0] for one in X]
    if not codes:
        raise ValueError("There are no sequences to scan; expected at least one.")
    lengths = list(map(len, codes))
    stretches = [Stretch(i, 0, length) for i, length in enumerate(lengths)]
    return Source(names, lengths, lambda i, start, end: codes[i][start:end], stretches)


def each_in_order(
    function: Callable[[Task], Result], tasks: Iterator[Task], n_jobs: int | None
) -> Iterator[tuple[Task, Result]]:
    """Call a function for every task, and yield tasks and results in order.

    Parameters
    ----------
    function : callable
    tasks : iterator
        Consumed a few at a time.
    n_jobs : int or None
        Number of threads, or of workers of the configured joblib backend.
    """
    n_together = 2 * effective_n_jobs(n_jobs)
    if n_together <= 2:
        for task in tasks:
            yield task, function(task)
        return
    with Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
        while some := list(islice(tasks, n_together)):
            yield from zip(some, parallel(delayed(function)(task) for task in some), strict=True)
