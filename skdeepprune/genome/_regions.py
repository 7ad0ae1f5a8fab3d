"""Regions as a table, and their sequences."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from skdeepprune.sequences import Genome, Region, read_regions, reverse_complement

COLUMNS = ["chrom", "start", "end", "name", "strand"]

GenomeLike = Genome | str | os.PathLike[str] | Mapping[str, str]
RegionsLike = pd.DataFrame | str | os.PathLike[str] | Iterable[Region]


def region_table(regions: RegionsLike) -> pd.DataFrame:
    """Make a table of regions.

    Parameters
    ----------
    regions : DataFrame, str, path, or iterable of Region
        A table with the columns chrom, start and end, and optionally name and strand (other columns are dropped); a
        BED, narrowPeak or broadPeak file; or what :func:`skdeepprune.sequences.read_regions` returned.

    Returns
    -------
    DataFrame
        One row per region, numbered from 0: chrom, start (from 0), end (excluded), name, strand ("+" by
        default).

    Raises
    ------
    ValueError
        If a column is missing, or a region does not start before its end.

    Examples
    --------
    >>> import pandas as pd
    >>> region_table(pd.DataFrame({"chrom": ["chr1"], "start": [100], "end": [200]}))
      chrom  start  end          name strand
    0  chr1    100  200  chr1:100-200      +
    """
    if isinstance(regions, str | os.PathLike):
        regions = read_regions(regions)
    if not isinstance(regions, pd.DataFrame):
        rows = [(region.chrom, region.start, region.end, region.name, region.strand) for region in regions]
        regions = pd.DataFrame(rows, columns=COLUMNS)
    missing = [column for column in COLUMNS[:3] if column not in regions]
    if missing:
        raise ValueError(
            f"The table of regions has no column {', '.join(map(repr, missing))}; expected chrom, start and end, got"
            f" {', '.join(map(repr, regions.columns[:8]))}."
        )
    table = regions.reset_index(drop=True)
    places = {}
    for column in ("start", "end"):
        numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(float, na_value=np.nan)
        if len(bad := np.flatnonzero(~(numbers == np.floor(numbers)))):
            raise ValueError(
                f"Region {bad[0]} has the {column} {table[column].iloc[bad[0]]!r}; expected a whole number."
            )
        places[column] = numbers.astype(np.int64)
    start, end = places["start"], places["end"]
    if len(bad := np.flatnonzero((start < 0) | (start >= end))):
        raise ValueError(
            f"Region {bad[0]} is {table['chrom'].iloc[bad[0]]}:{start[bad[0]]}-{end[bad[0]]}; expected 0 <= start <"
            " end."
        )
    chrom = table["chrom"].astype(str)
    strand = table["strand"].where(table["strand"].isin(["+", "-"]), "+") if "strand" in table else "+"
    place = [f"{c}:{s}-{e}" for c, s, e in zip(chrom, start, end, strict=True)]
    if "name" in table:
        given = table["name"]
        name = [own if isinstance(own, str) else here for own, here in zip(given, place, strict=True)]
    else:
        name = place
    columns = {"chrom": chrom, "start": start, "end": end, "name": name, "strand": strand}
    return pd.DataFrame(columns, index=table.index).astype({"strand": str})


def region_sequences(regions: RegionsLike, genome: GenomeLike) -> list[str]:
    """Read the sequences of regions, each on its strand.

    Parameters
    ----------
    regions : DataFrame, str, path, or iterable of Region
        As for :func:`region_table`.
    genome : Genome, str, path, or mapping of str to str
        As for :class:`skdeepprune.sequences.Genome`.

    Returns
    -------
    list of str
        With the case of the genome.

    Raises
    ------
    ValueError
        If a region is on an unknown chromosome or ends beyond its chromosome.

    Examples
    --------
    >>> import pandas as pd
    >>> regions = pd.DataFrame({"chrom": ["chr1"] * 2, "start": [0, 3], "end": [4, 6], "strand": ["+", "-"]})
    >>> region_sequences(regions, {"chr1": "ACGTTTaa"})
    ['ACGT', 'AAA']
    """
    table = region_table(regions)
    with opened(genome) as source:
        check_within(table, source, "regions")
        sequences = [
            source.sequence(chrom, start, end)
            for chrom, start, end in zip(table["chrom"], table["start"].tolist(), table["end"].tolist(), strict=True)
        ]
    return [
        str(reverse_complement(sequence)) if strand == "-" else sequence
        for sequence, strand in zip(sequences, table["strand"], strict=True)
    ]


@contextmanager
def opened(genome: GenomeLike) -> Iterator[Genome]:
    """Open a genome, and close it at the end unless it was already open."""
    if isinstance(genome, Genome):
        yield genome
    else:
        with Genome(genome) as own:
            yield own


def check_within(table: pd.DataFrame, genome: Genome, what: str) -> None:
    """Raise an error, which calls the regions `what`, if they are not in the genome."""
    length = table["chrom"].map(genome.lengths)
    unknown = table.loc[length.isna(), "chrom"]
    if len(unknown):
        names = unknown.unique().tolist()
        raise ValueError(
            f"{len(unknown)} of {len(table)} {what} are on chromosomes such as {names[0]!r}, not in"
            f" {genome.describe_names(names)}"
        )
    beyond = table[table["end"] > length]
    if len(beyond):
        first: Any = beyond.iloc[0]
        raise ValueError(
            f"{len(beyond)} of {len(table)} {what} reach beyond their chromosome, such as"
            f" {first['chrom']}:{first['start']}-{first['end']}; {first['chrom']} has"
            f" {genome.lengths[first['chrom']]} bp. Expected regions of this assembly."
        )
