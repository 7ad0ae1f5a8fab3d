"""Regions of a genome from BED, narrowPeak and broadPeak files."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from skdeepprune._reading import BYTE_ORDER_MARK, FileFormatError, Lines, opened, source_of

RegionFormat = Literal["bed", "narrowPeak", "broadPeak"]
EXTENSIONS: dict[str, RegionFormat] = {".bed": "bed", ".narrowpeak": "narrowPeak", ".broadpeak": "broadPeak"}
N_COLUMNS = {"narrowPeak": 10, "broadPeak": 9}

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_SUMMIT = re.compile(r"-1|\d{1,18}", re.ASCII)
_REAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|nan|inf|\.", re.ASCII | re.IGNORECASE)
_FIRST_LINE = re.compile(rb"\S+[\t ]+\d+[\t ]+\d+([\t ].*)?$")
_NOT_REGIONS = re.compile(r"#|(track|browser)(\s|$)")


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of a chromosome, a line of a file.

    Attributes
    ----------
    chrom : str
    start, end : int
        0-based, end excluded.
    name : str or None
    strand : {"+", "-"} or None
    summit : int or None
        Highest point of a narrowPeak region, in the coordinates of `start`.
    line : int
        Line in the file, from 1.
    """

    chrom: str
    start: int
    end: int
    name: str | None = None
    strand: str | None = None
    summit: int | None = None
    line: int = 0

    def __str__(self) -> str:
        return f"{self.chrom}:{self.start}-{self.end}" + ("(-)" if self.strand == "-" else "")

    def resized(self, width: int) -> Region:
        """Resize to `width` bp around the summit or, without one, the middle; 0 returns the region unchanged.

        The start may become negative.
        """
        if not width:
            return self
        middle = (self.start + self.end) // 2 if self.summit is None else self.summit
        start = middle - width // 2
        return replace(self, start=start, end=start + width)


def read_regions(path: str | os.PathLike[str], format: RegionFormat | None = None) -> list[Region]:
    r"""Read the regions of a BED, narrowPeak or broadPeak file.

    Parameters
    ----------
    path : str or path
        The file, gzipped or not, regardless of its name. ``"-"`` is standard input.
    format : {"bed", "narrowPeak", "broadPeak"}, default=None
        By default determined by the extension; a BED file whose first region has ten columns, the last one a summit, is
        read as narrowPeak.

    Returns
    -------
    list of Region

    Raises
    ------
    FileFormatError
        If the file is damaged, or a line is malformed: the message names file and line.
    FileNotFoundError
        If the file does not exist.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".bed") as file:
    ...     _ = file.write("chr1\t100\t200\tpeak_1\t0\t-\n")
    ...     file.flush()
    ...     read_regions(file.name)
    [Region(chrom='chr1', start=100, end=200, name='peak_1', strand='-', summit=None, line=1)]
    """
    with opened(path) as file:
        return list(regions_of(file, source_of(path), format))


def regions_of(file: io.BufferedReader, source: str, format: RegionFormat | None = None) -> Iterator[Region]:
    """Read the regions of an open file one by one; see :func:`read_regions`."""
    lines = Lines(file, source)
    format = format or region_format(source)
    for line in lines:
        text = lines.text(line).strip()
        if not text or _NOT_REGIONS.match(text):
            continue
        fields = text.split("\t") if "\t" in text else text.split()
        if format is None:
            format = "narrowPeak" if _is_narrow_peak(fields) else "bed"
        yield _region(lines, text, fields, format)


def region_format(source: str) -> RegionFormat | None:
    """Format by file name; None if it may be BED or narrowPeak."""
    extension = os.path.splitext(source.lower().removesuffix(".gz"))[1]
    found = EXTENSIONS.get(extension)
    return None if found == "bed" else found


def holds_regions(source: str, file: io.BufferedReader) -> bool:
    """Whether a file contains regions rather than sequences, by its extension or its first lines."""
    extension = os.path.splitext(source.lower().removesuffix(".gz"))[1]
    if extension in EXTENSIONS:
        return True
    for line in file.peek(1).removeprefix(BYTE_ORDER_MARK).splitlines():
        text = line.strip()
        if text and not _NOT_REGIONS.match(text[:10].decode("latin-1")):
            return _FIRST_LINE.match(text) is not None
    return False


def _is_narrow_peak(fields: list[str]) -> bool:
    """Ten columns with a summit within the peak; BED may have up to nine, or twelve."""
    if len(fields) != N_COLUMNS["narrowPeak"] or not all(map(_REAL.fullmatch, fields[6:9])):
        return False
    numbers = [field for field in (fields[1], fields[2], fields[9]) if _SUMMIT.fullmatch(field)]
    return len(numbers) == 3 and -1 <= int(numbers[2]) < int(numbers[1]) - int(numbers[0])


def _region(lines: Lines, text: str, fields: list[str], format: RegionFormat) -> Region:
    n_columns = N_COLUMNS.get(format, 3)
    if len(fields) < n_columns or not (_NUMBER.fullmatch(fields[1]) and _NUMBER.fullmatch(fields[2]) and fields[0]):
        wanted = "chromosome, start and end" if format == "bed" else f"the {n_columns} columns of {format}"
        raise lines.expected(f"{wanted}, separated by tabs", text)
    start, end = int(fields[1]), int(fields[2])
    if start >= end:
        raise FileFormatError.at(lines.source, lines.number, f"expected a start before the end, got {start} and {end}.")
    name = fields[3] if len(fields) > 3 and fields[3] not in (".", "") else None
    strand = fields[5] if len(fields) > 5 else "."
    if strand not in ("+", "-", ".", "*", ""):
        raise lines.expected("the strand '+', '-' or '.' in column 6", strand)
    summit = None
    if format == "narrowPeak":
        if not _SUMMIT.fullmatch(fields[9]) or int(fields[9]) >= end - start:
            raise lines.expected(f"a summit from 0 to {end - start - 1}, or -1, in column 10", fields[9])
        summit = start + int(fields[9]) if fields[9] != "-1" else None
    return Region(fields[0], start, end, name, strand if strand in ("+", "-") else None, summit, lines.number)
