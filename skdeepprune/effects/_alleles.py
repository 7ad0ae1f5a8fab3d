"""Variants as pairs of alleles, one row per ALT, and the windows of the genome centred on each allele."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdeepprune.sequences import Genome
from skdeepprune.sequences._codes import Codes, codes_of_letters

# A variant of a table or a file: chrom, pos, id, ref, and the ALT alleles, separated by commas.
Variant = tuple[str, int, str, str, str]

OK = "ok"
_MISMATCH, _BEYOND, _TOO_LONG = "REF mismatch", "beyond chromosome", "longer than window"
UNKNOWN_CHROMOSOME = "chromosome not in genome"
_NO_ALT, _SPANNING, _SYMBOLIC, _NOT_DNA = "no ALT", "spanning deletion", "symbolic ALT", "not DNA"
# The first ones are assigned by compiled code and have its numbers.
STATUSES = (OK, _MISMATCH, _BEYOND, _TOO_LONG, UNKNOWN_CHROMOSOME, _NO_ALT, _SPANNING, _SYMBOLIC, _NOT_DNA)
_NUMBER_OF = {status: number for number, status in enumerate(STATUSES)}
# Variants closer than this are read from the genome as one stretch.
_NEAR = 2**14
_LETTERS = np.arange(256, dtype=np.uint8)
_CODE_OF_LETTER = np.where(codes_of_letters(_LETTERS) > 4, np.uint8(4), codes_of_letters(_LETTERS))


def _as_vcf() -> Codes:
    """Encode letters; IUPAC letters other than N become the first base they stand for, as in VCF."""
    table = _CODE_OF_LETTER.copy()
    for letter, base in zip("RYSWKMBDHV", "ACCAGACAAA", strict=True):
        for case in (letter, letter.lower()):
            table[ord(case)] = _CODE_OF_LETTER[ord(base)]
    return table


_CODE_AS_VCF = _as_vcf()


@dataclass(frozen=True, eq=False)
class Alleles:
    """Pairs of alleles, one row per ALT.

    Attributes
    ----------
    variant : ndarray of int64, shape (n,)
        Index of the variant.
    chrom, id, ref, alt : list of str
    pos : ndarray of int64, shape (n,)
        Counted from 1, as in VCF.
    status : ndarray of uint8, shape (n,)
        Index into `STATUSES`: OK, or a fault that the alleles alone show.
    """

    variant: NDArray[np.int64]
    chrom: list[str]
    pos: NDArray[np.int64]
    id: list[str]
    ref: list[str]
    alt: list[str]
    status: NDArray[np.uint8]

    @classmethod
    def of(cls, variants: Iterable[Variant]) -> Alleles:
        """Split variants by ALT allele."""
        rows = [
            (i, chrom, pos, name, ref, alt)
            for i, (chrom, pos, name, ref, alts) in enumerate(variants)
            for alt in (alts.split(",") if "," in alts else (alts,))
        ]
        i, chrom, pos, name, ref, alt = zip(*rows, strict=True) if rows else ((),) * 6
        alleles = cls(
            np.array(i, np.int64),
            list(chrom),
            np.array(pos, np.int64),
            list(name),
            list(ref),
            list(alt),
            np.zeros(len(rows), np.uint8),
        )
        for column in (alleles.ref, alleles.alt):
            alleles._mark_invalid(column)
        return alleles

    def __len__(self) -> int:
        return len(self.chrom)

    def _mark_invalid(self, column: list[str]) -> None:
        lengths = np.fromiter(map(len, column), np.int64, len(column))
        ends = np.cumsum(lengths)
        is_bad = codes_of_letters(_letters(column)) > 4
        n_bad = np.concatenate([[0], np.cumsum(is_bad)])
        bad = (n_bad[ends] > n_bad[ends - lengths]) | (lengths == 0)
        for row in np.flatnonzero(bad & (self.status == 0)):
            self.status[row] = _NUMBER_OF[_kind_of(column[row]) if column is self.alt else _NOT_DNA]


def _kind_of(alt: str) -> str:
    """Classify an ALT allele that is not DNA."""
    if alt in (".", ""):
        return _NO_ALT
    if alt == "*":
        return _SPANNING
    is_symbolic = alt[0] == "<" or "[" in alt or "]" in alt or alt[0] == "." or alt[-1] == "."
    return _SYMBOLIC if is_symbolic else _NOT_DNA


def _letters(strings: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("".join(strings).encode("ascii", "replace"), np.uint8)


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of pairs of alleles.

    Attributes
    ----------
    ref, alt : ndarray of uint8, shape (n, window)
        Codes; undefined in rows whose status is not OK.
    place : ndarray of int64, shape (n, 3)
        Start of the difference in its chromosome, from 0, and its lengths in REF and ALT.
    status : ndarray of uint8, shape (n,)
    """

    ref: Codes
    alt: Codes
    place: NDArray[np.int64]
    status: NDArray[np.uint8]

    def take(self, rows: NDArray[np.bool_]) -> Windows:
        """Select rows."""
        return self if rows.all() else Windows(self.ref[rows], self.alt[rows], self.place[rows], self.status[rows])


@dataclass(frozen=True, eq=False)
class Written:
    """Alleles as the loops read them: concatenated codes, and the end of each."""

    refs: Codes
    ref_ends: NDArray[np.int64]
    alts: Codes
    alt_ends: NDArray[np.int64]

    @classmethod
    def of(cls, ref: list[str], alt: list[str]) -> Written:
        """Encode strings."""
        columns = []
        for column in (ref, alt):
            columns += [
                _CODE_OF_LETTER[_letters(column)],
                np.cumsum(np.fromiter(map(len, column), np.int64, len(column))),
            ]
        return cls(*columns)

    def take(self, rows: NDArray[np.int64]) -> Written:
        """Select the alleles of some rows, in that order."""
        columns: list[NDArray[np.uint8] | NDArray[np.int64]] = []
        for codes, ends in ((self.refs, self.ref_ends), (self.alts, self.alt_ends)):
            starts = np.concatenate([[0], ends[:-1]])[rows]
            lengths = ends[rows] - starts
            own_ends = np.cumsum(lengths)
            at = np.arange(own_ends[-1] if len(rows) else 0) + np.repeat(starts - (own_ends - lengths), lengths)
            columns += [codes[at], own_ends]
        return Written(*columns)  # type: ignore[arg-type]


def read_windows(
    genome: Genome,
    chrom: list[str],
    places: NDArray[np.int64],
    written: Written,
    status: NDArray[np.uint8],
    window: int,
    *,
    drawn: bool = False,
) -> Windows:
    """Read the windows of both alleles from a genome.

    Parameters
    ----------
    genome : Genome
    chrom : list of str
    places : ndarray of int64, shape (n,)
        Start of REF, from 0.
    written : Written
        The alleles; `drawn` ones may take letters from the genome (see `_allele_loops`).
    status : ndarray of uint8, shape (n,)
        Rows whose status is not OK are left unchanged.
    window : int

    Returns
    -------
    Windows
    """
    from skdeepprune.effects._allele_loops import take_from_genome, write_windows

    n = len(chrom)
    found = Windows(
        np.empty((n, window), np.uint8),
        np.empty((n, window), np.uint8),
        np.column_stack([places, np.zeros((n, 2), np.int64)]),
        status.copy(),
    )
    lengths = np.diff(written.ref_ends, prepend=0)
    for name, rows in _by_chromosome(chrom, np.flatnonzero(status == 0)):
        length = genome.lengths.get(name)
        if length is None:
            found.status[rows] = _NUMBER_OF[UNKNOWN_CHROMOSOME]
            continue
        is_within = (places[rows] >= 0) & (places[rows] < length)
        found.status[rows[~is_within]] = _NUMBER_OF[_BEYOND]
        for near in _stretches(places, rows[is_within]):
            start = max(0, int(places[near[0]]) - window)
            end = min(length, int((places[near] + lengths[near]).max()) + window)
            letters = genome.letters(name, start, end)
            codes, own = _CODE_OF_LETTER[letters], written.take(near)
            if drawn:
                take_from_genome(codes, places[near] - start, own.refs, own.ref_ends, own.alts, own.alt_ends)
            alleles = own.refs, own.ref_ends, own.alts, own.alt_ends
            stretch = codes, _CODE_AS_VCF[letters], start, length, places[near]
            write_windows(*stretch, *alleles, near, found.ref, found.alt, found.place, found.status)
    return found


def _by_chromosome(chrom: list[str], rows: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield the rows of every chromosome."""
    numbers: dict[str, int] = {}
    number = np.fromiter((numbers.setdefault(name, len(numbers)) for name in chrom), np.int64, len(chrom))[rows]
    for name, i in numbers.items():
        own = rows[number == i]
        if len(own):
            yield name, own


def _stretches(places: NDArray[np.int64], rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield groups of rows that are close together, by position."""
    if not len(rows):
        return
    ordered = rows[np.argsort(places[rows], kind="stable")]
    yield from np.split(ordered, np.flatnonzero(np.diff(places[ordered]) > _NEAR) + 1)


def described(counts: dict[str, int]) -> str:
    """Count alleles by status, in words: ``12 alleles: 10 ok, 2 REF mismatch``."""
    n = sum(counts.values())
    parts = ", ".join(f"{counts[status]:,} {status}" for status in STATUSES if counts.get(status))
    return f"{n:,} allele{'s' if n != 1 else ''}{': ' if parts else ''}{parts}"
