"""Peaks in a genome: every line of a BED file with its sequence, or the reason why there is none."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from skdeepprune._reading import FileFormatError, shown
from skdeepprune.cli._output import log
from skdeepprune.sequences import Genome, Region
from skdeepprune.sequences._regions import regions_of

COLUMNS = ("name", "chrom", "start", "end", "strand", "scored_start", "scored_end", "status")
_UNKNOWN, _BEYOND = "chromosome not in genome", "beyond chromosome"


class UsageError(ValueError):
    """Invalid or inconsistent options."""


@dataclass(frozen=True, slots=True)
class Peak:
    """A line of a peak file.

    Attributes
    ----------
    given, cut : Region
        As in the file, and as scored.
    status : str
        "ok", or why the sequence is missing.
    sequence : str or None
        On the strand given in the file.
    """

    given: Region
    cut: Region
    status: str
    sequence: str | None

    def row(self) -> list[str]:
        """Return the values of `COLUMNS`."""
        given = self.given
        scored = [str(self.cut.start), str(self.cut.end)] if self.sequence is not None else ["", ""]
        place = [given.chrom, str(given.start), str(given.end), given.strand or "."]
        return [given.name or str(given), *place, *scored, self.status]


class Peaks:
    """Iterator over the peaks of an open file, which counts those without a sequence by reason."""

    def __init__(self, regions: Iterator[Region], genome: Genome, source: str, genome_path: Path, width: int) -> None:
        self._regions = regions
        self.genome = genome
        self._genome_path = genome_path
        self._source = source
        self._width = width
        self.n_of_status: dict[str, int] = {}

    def __iter__(self) -> Iterator[Peak]:
        unknown = None
        for given in self._regions:
            cut = given.resized(self._width)
            length = self.genome.lengths.get(cut.chrom)
            if length is None:
                status, unknown = _UNKNOWN, unknown or given
            else:
                status = "ok" if 0 <= cut.start and cut.end <= length else _BEYOND
            self.n_of_status[status] = self.n_of_status.get(status, 0) + 1
            found = self.genome.sequence(cut.chrom, cut.start, cut.end, cut.strand) if status == "ok" else None
            yield Peak(given, cut, status, found)
        if not self.n_of_status:
            raise FileFormatError(f"{self._source} contains no peaks; expected at least one.", self._source)
        if "ok" not in self.n_of_status:
            self._fail(unknown)

    def _fail(self, unknown: Region | None) -> None:
        if unknown is None:
            raise ValueError(f"{self._source} contains no peaks within {self._genome_path}; expected at least one.")
        raise FileFormatError.at(
            self._source,
            unknown.line,
            f"{shown(unknown.chrom)} is not in {self.genome.describe_names([unknown.chrom])} No other peak is either.",
        )

    def without_sequence(self) -> str:
        """Message with the number of peaks without a sequence; "" if there are none."""
        counts = [f"{n} {status}" for status, n in self.n_of_status.items() if status != "ok"]
        n = sum(self.n_of_status.values())
        return f"{self._source}: of {n} peaks {', '.join(counts)}" if counts else ""


@contextmanager
def opened_peaks(file: io.BufferedReader, source: str, options: argparse.Namespace) -> Iterator[Peaks]:
    """Open the genome that an open file of peaks refers to."""
    if options.genome is None:
        raise UsageError(f"{source} contains regions, not sequences; give the genome's FASTA file with --genome.")
    if options.width < 0:
        raise UsageError(f"--width {options.width}: expected a number of bp, or 0 for peaks as they are.")
    with Genome(options.genome) as genome:
        yield Peaks(
            _log_width(regions_of(file, source), source, options), genome, source, options.genome, options.width
        )


def _log_width(regions: Iterator[Region], source: str, options: argparse.Namespace) -> Iterator[Region]:
    """Log on the first region whether regions are centred on summits or midpoints."""
    for i, region in enumerate(regions):
        if i == 0 and options.width:
            around = "midpoint" if region.summit is None else "summit"
            log(f"{source}: {options.width} bp around the {around} of every peak", quiet=options.quiet)
        yield region
