"""Genomic positions in FASTA headers."""

from __future__ import annotations

import re
from typing import NamedTuple

# chr1:100-200, chr1:100-200(-), name::chr1:100-200(+) (bedtools), chr1:100-200_shuf (the 690 sets).
_COLON = re.compile(r"(?:\S*::)?([^\s:>]+):(\d{1,18})-(\d{1,18})(?:\(([+-])\)|(?=[_\s]|$))", re.ASCII)
# chr1_100_200 and chr1_100_200_neg_1 (gkmSVM).
_UNDERSCORE = re.compile(r"(\S+?)_(\d{1,18})_(\d{1,18})(?=_|\s|$)", re.ASCII)
# hg38_ct_x range=chr1:101-200 5'pad=0 3'pad=0 strand=- (UCSC).
_UCSC = re.compile(r"range=([^\s:]+):(\d{1,18})-(\d{1,18})\b(?:.*\bstrand=([+-]))?", re.ASCII)


class Place(NamedTuple):
    """A stretch of a chromosome; unknown parts are None.

    Attributes
    ----------
    chrom : str or None
    start, end : int or None
        0-based, end excluded.
    strand : {"+", "-"} or None
    """

    chrom: str | None = None
    start: int | None = None
    end: int | None = None
    strand: str | None = None


NOWHERE = Place()


def place_in(header: str, length: int) -> Place:
    """Parse the position in the header of a sequence of `length` bp.

    Some programs count positions from 0 and exclude the end, others from 1 and include it: the length decides. If
    it fits neither, only the chromosome is used, and nothing from ``chr1_100_200``, which may be any name.

    Examples
    --------
    >>> place_in("chr1:100-200(-)", 100)
    Place(chrom='chr1', start=100, end=200, strand='-')
    >>> place_in("chr1:101-200 peak 7", 100)
    Place(chrom='chr1', start=100, end=200, strand=None)
    """
    if found := _UCSC.search(header):
        return _counted(found, length) or Place(found[1], strand=found[4])
    # The first word may be a label.
    for word in (header, *header.split(maxsplit=1)[1:]):
        if found := _COLON.match(word):
            return _counted(found, length) or Place(found[1], strand=found[4])
        if found := _UNDERSCORE.match(word):
            return _counted(found, length) or NOWHERE
    return NOWHERE


def _counted(found: re.Match[str], length: int) -> Place | None:
    start, end = int(found[2]), int(found[3])
    strand = found[4] if found.re.groups == 4 else None
    if end - start == length:
        return Place(found[1], start, end, strand)
    if end - start + 1 == length and start > 0:
        return Place(found[1], start - 1, end, strand)
    return None
