"""Variants in a table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from skdeepprune._reading import shown
from skdeepprune.effects._alleles import Variant

_COLUMNS = ("chrom", "pos", "ref", "alt")


def variants_of_table(table: pd.DataFrame) -> Iterator[Variant]:
    """Read a table with the columns chrom, pos (from 1), ref, alt and, optionally, id.

    Returns
    -------
    iterator of tuple
        A missing ALT is ``.``, as in VCF.

    Raises
    ------
    ValueError
        If a column is missing, or a position is not a whole number.
    """
    missing = [column for column in _COLUMNS if column not in table]
    if missing:
        raise ValueError(
            f"The table of variants has no column {', '.join(map(repr, missing))}; expected chrom, pos, ref and alt,"
            f" got {', '.join(map(repr, table.columns[:8]))}."
        )
    numbers = pd.to_numeric(table["pos"], errors="coerce").to_numpy(float, na_value=np.nan)
    if len(bad := np.flatnonzero(~(numbers == np.floor(numbers)))):
        raise ValueError(f"Variant {bad[0]} has the pos {shown(table['pos'].iloc[bad[0]])}; expected a whole number.")
    given = table["id"] if "id" in table else ["."] * len(table)
    strings = [[value if isinstance(value, str) else _text(value) for value in table[name]] for name in ("ref", "alt")]
    ids = [value if isinstance(value, str) else _text(value) for value in given]
    return zip(table["chrom"].astype(str), numbers.astype(np.int64).tolist(), ids, *strings, strict=True)


def _text(value: object) -> str:
    return "." if value is None or value is pd.NA or value != value else str(value)
