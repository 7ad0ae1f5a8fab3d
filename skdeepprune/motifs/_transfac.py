"""Motifs in the TRANSFAC matrix table format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from skdeepprune._reading import shown
from skdeepprune.motifs._comments import OURS, comments, extra_of, number, parsed, pop_totals, with_comment, with_extra
from skdeepprune.motifs._lines import MotifLines, may_be_probabilities
from skdeepprune.motifs._motif import UNIFORM, Motif

_POSITION = re.compile(r"\d{1,6}", re.ASCII)


def write_transfac(motifs: Sequence[Motif], *, sites: bool) -> str:
    """Write the TRANSFAC matrix table."""
    blocks = []
    for motif in motifs:
        extra: dict[str, Any] = extra_of(motif)
        if motif.background != UNIFORM:
            extra["background"] = motif.background
        if may_be_probabilities(motif.counts):
            extra["totals"] = [float(total) for total in motif.counts.sum(axis=1)]
        rows = [
            f"{i:02d}  {' '.join(number(count).rjust(6) for count in counts)}      {letter}"
            for i, (counts, letter) in enumerate(zip(motif.counts, motif.consensus, strict=True), 1)
        ]
        lines = [
            *([f"AC  {motif.accession}", "XX"] if motif.accession else []),
            f"ID  {motif.name}",
            "XX",
            f"NA  {motif.name}",
            "XX",
            "P0       A      C      G      T",
            *rows,
            "XX",
            f"BA  {number(motif.n_sites)} sites",
            "XX",
            *(f"CC  {comment}" for comment in comments(extra, motif.sites if sites else ())),
            "//",
        ]
        blocks.append("\n".join(lines) + "\n")
    return "".join(blocks)


def read_transfac(text: MotifLines) -> list[Motif]:
    """Read the TRANSFAC matrix table."""
    motifs: list[Motif] = []
    fields: dict[str, str] = {}
    comments: list[tuple[int, str]] = []
    rows: list[list[str]] = []
    order: list[int] | None = None
    for line in text:
        key, value = [*line.split(maxsplit=1), "", ""][:2]
        value = value.strip()
        if key in ("P0", "PO"):
            if order is not None:
                text.fail(f"expected '//' before the matrix of another motif, got {shown(line)}.")
            order = text.order("".join(value.split()), line)
        elif _POSITION.fullmatch(key) and order is not None:
            expected = f"the counts of A, C, G and T at position {len(rows) + 1}"
            words = value.split()[:4]
            if int(key) not in (len(rows), len(rows) + 1) or len(words) != 4:
                text.fail(f"expected {expected}, got {shown(line)}.")
            text.numbers(words, expected)
            rows.append([words[column] for column in order])
        elif key == "CC":
            comments.append((text.at, value))
        elif key == "//":
            if rows:
                motifs.append(_motif(text, fields, rows, comments))
            elif order is not None:
                text.fail("expected the counts of a matrix between 'P0' and '//', got none.")
            fields, comments, rows, order = {}, [], [], None
        elif key and len(key) != 2:
            text.fail(f"expected a two-letter key such as AC, ID or P0, got {shown(line)}.")
        else:
            fields.setdefault(key, value)
    if order is not None:
        text.fail("the file ends before the '//' that closes its last motif.")
    if not motifs and any(line.strip() for line in text.lines):
        text.fail("the file contains no motif; expected 'P0  A  C  G  T' and a row of counts per position.")
    return motifs


def _motif(text: MotifLines, fields: dict[str, str], rows: list[list[str]], comments: list[tuple[int, str]]) -> Motif:
    accession = fields.get("AC", "")
    name = fields.get("NA") or fields.get("ID") or accession
    if not name:
        text.fail("expected a name in an 'NA', 'ID' or 'AC' line before the end of the matrix, got none.")
    basis = re.fullmatch(r"(\d\S*)\s+sites", fields.get("BA", ""))
    n_sites = text.numbers([basis[1]], "a number of sites in the 'BA' line")[0] if basis else None
    end = text.at
    extra: Any = {}
    totals = None
    for text.at, comment in comments:
        kind, _, content = comment.partition(" ")
        if kind == OURS:
            extra = parsed(text, content)
            totals = pop_totals(text, extra, len(rows))
            break
    at, text.at = text.at, end
    if totals is None:
        counts, n_sites = text.counts(rows, name, n_sites)
    else:
        counts = np.array(rows, dtype=np.float64)
    motif = Motif(name, counts, float(counts.sum(axis=1).max()) if n_sites is None else n_sites, accession=accession)
    text.at = at
    motif = with_extra(text, motif, extra)
    for text.at, comment in comments:
        if not comment.startswith(f"{OURS} "):
            motif = with_comment(text, motif, comment)
    text.at = end
    return motif
