"""Motifs in the JASPAR format (a row per letter) and in the HOMER format (a row per position)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skdeepprune._reading import shown
from skdeepprune.motifs._comments import number
from skdeepprune.motifs._lines import DEFAULT_N_SITES, SUM_TOLERANCE, MotifLines, is_number, products
from skdeepprune.motifs._motif import Motif

_HOMER_SITES = re.compile(r"T:(\d+(?:\.\d*)?)\(", re.ASCII)
_LETTERS = re.compile(r"[A-Za-z*-]{5,}")


def write_jaspar(motifs: Sequence[Motif], *, sites: bool) -> str:
    """Write the JASPAR format: name and counts."""
    blocks = []
    for motif in motifs:
        names = " ".join(filter(None, (motif.accession, motif.name)))
        columns = [[number(count) for count in row] for row in motif.counts]
        widths = [max(map(len, column)) for column in columns]
        blocks.append(f">{names}\n")
        for base, letter in enumerate("ACGT"):
            row = " ".join(column[base].rjust(width) for column, width in zip(columns, widths, strict=True))
            blocks.append(f"{letter} [ {row} ]\n")
    return "".join(blocks)


def read_jaspar(text: MotifLines) -> list[Motif]:
    """Read the JASPAR format, with or without letters and brackets."""
    motifs = []
    for line in text:
        if not line.strip():
            continue
        words = line[1:].split(maxsplit=1)
        if not line.startswith(">") or not words:
            text.fail(f"expected '>' and the name of a motif, got {shown(line)}.")
        accession, name = words if len(words) == 2 else ("", words[0])
        name = name.strip()
        _check_orientation(text, name)
        rows = []
        for letter in "ACGT":
            row = next(iter(text), "")
            if _LETTERS.fullmatch(row.strip()):
                text.fail(
                    f"expected the counts of {letter} in motif {shown(name)}, got letters; this seems to be FASTA."
                )
            rows.append(re.sub(rf"^\s*{letter.replace('T', '[TU]')}\b|[\[\]]", " ", row).split())
            text.numbers(rows[-1], f"the counts of {letter} in motif {shown(name)}")
            if not rows[-1] or len(rows[-1]) != len(rows[0]):
                text.fail(
                    f"expected {len(rows[0]) or 'some'} counts of {letter} in motif {shown(name)}, got {shown(row)}."
                )
        counts, n_sites = text.counts(list(zip(*rows, strict=True)), name)
        motifs.append(Motif(name, counts, n_sites, accession=accession))
    return motifs


def _check_orientation(text: MotifLines, name: str) -> None:
    """Fail on a motif with a row of four numbers per position, as GimmeMotifs writes it."""
    rows = _rows_below(text)
    if not rows or not all(len(row) == 4 and all(map(is_number, row)) for row in rows):
        return
    seems = (
        f"motif {shown(name)} seems to have a row per position, as GimmeMotifs writes it; expected a row per letter"
        " (JASPAR), or MEME, TRANSFAC or HOMER. Convert it to one of these."
    )
    if len(rows) != 4:
        text.fail(seems)
    matrix = np.array(rows, dtype=np.float64)
    by_position, by_letter = (_is_constant(matrix.sum(axis=axis)) for axis in (1, 0))
    if by_position and not by_letter:
        text.fail(seems)
    if by_position and by_letter and not np.array_equal(matrix, matrix.T):
        text.fail(
            f"motif {shown(name)} has four rows of four numbers, which may be letters or positions; start the rows with"
            " A, C, G and T if they are letters."
        )


def _is_constant(totals: NDArray[np.float64]) -> bool:
    return bool(np.ptp(totals) <= SUM_TOLERANCE * totals.max())


def _rows_below(text: MotifLines) -> list[list[str]]:
    rows = []
    for line in text.lines[text.at + 1 :]:
        if line.startswith(">"):
            break
        if line.strip():
            rows.append(line.split())
    return rows


def is_homer_header(line: str) -> bool:
    """Whether a line has ``>consensus``, name and threshold, separated by tabs."""
    fields = line.split("\t")
    return line.startswith(">") and len(fields) >= 3 and is_number(fields[2].strip())


def read_homer(text: MotifLines) -> list[Motif]:
    """Read the HOMER format: a header of consensus, name and threshold, and a row of probabilities per position."""
    motifs: list[Motif] = []
    for line in text:
        if not line.strip():
            continue
        if not is_homer_header(line):
            text.fail(f"expected '>consensus', name and threshold of a HOMER motif, tab-separated; got {shown(line)}.")
        fields = [field.strip() for field in line[1:].split("\t")]
        name = fields[1] or fields[0]
        if not name:
            text.fail(f"expected the name of a motif in column 2, got {shown(line)}.")
        found = _HOMER_SITES.search("\t".join(fields[3:]))
        n_sites = text.numbers([found[1]], "a number of sites after T:")[0] if found else 0.0
        rows: list[list[str]] = []
        for row in text:
            if row.startswith(">"):
                text.back()
                break
            words = row.split()
            if not words:
                continue
            expected = f"the probabilities of A, C, G and T at position {len(rows) + 1} of motif {shown(name)}"
            values = text.numbers(words, expected)
            if len(values) != 4 or abs(sum(values) - 1) > SUM_TOLERANCE:
                text.fail(f"expected {expected}, four numbers that sum to 1; got {shown(row)}.")
            rows.append(words)
        if not rows:
            text.fail(f"expected probabilities of motif {shown(name)}, got none.")
        n_sites = n_sites or DEFAULT_N_SITES
        motifs.append(Motif(name, products(rows, [n_sites] * len(rows)), n_sites))
    return motifs
