"""The table of results: reading and validation, and the rows to compare."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

REQUIRED = ("dataset", "method", "seed", "n_kernels", "roc_auc")
_CELL = ["dataset", "method", "seed", "n_kernels"]


class Contender(NamedTuple):
    """A method at a number of kernels; None for methods without kernels."""

    method: str
    n_kernels: int | None = None

    def __str__(self) -> str:
        return self.method if self.n_kernels is None else f"{self.method} with {self.n_kernels} kernels"


def read_results(source: pd.DataFrame | str | os.PathLike[str]) -> pd.DataFrame:
    """Read and validate a table of results.

    Parameters
    ----------
    source : DataFrame, or path of a CSV file
        A row for every data set, method, seed and number of kernels. Required columns are ``dataset``, ``method``,
        ``seed``, ``n_kernels`` (empty for methods without kernels) and ``roc_auc`` (empty if a run failed). Other
        columns (``error``, ``ceiling``, ``fit_seconds``, ...) are required only by functions that use them.

    Returns
    -------
    DataFrame
        A copy, with ``n_kernels`` as Int64, and ``error`` in every row, empty for successful runs. If several
        collections (column ``collection``) have a data set of the same name, the collection is added to the name.

    Raises
    ------
    ValueError
        If a required column is missing, a value is invalid, or a run occurs twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from paper.results import read_results
    >>> rows = {"dataset": ["CTCF", "REST"], "method": "direct", "seed": 0, "n_kernels": 4, "roc_auc": [0.91, None]}
    >>> read_results(pd.DataFrame(rows))["error"].tolist()
    ['', 'no roc_auc']
    """
    table = source.copy() if isinstance(source, pd.DataFrame) else pd.read_csv(source)
    for column in REQUIRED:
        if column not in table:
            raise ValueError(
                f"The table has no column {column!r}; expected {', '.join(REQUIRED)}, got {', '.join(map(str, table))}."
            )
    table = table.reset_index(drop=True)
    for column in ("dataset", "method", "seed"):
        _refuse(table, table[column].isna(), f"{column} is empty")
    for column in ("n_kernels", "roc_auc"):
        numbers = pd.to_numeric(table[column], errors="coerce")
        _refuse(table, numbers.isna() & table[column].notna(), f"expected a number as {column}")
        table[column] = numbers.astype(float)
    table[["dataset", "method"]] = table[["dataset", "method"]].astype(str)
    if "collection" in table:
        n_collections = table.groupby("dataset")["collection"].transform("nunique")
        full = table["dataset"] + " (" + table["collection"].astype(str) + ")"
        table["dataset"] = table["dataset"].where(n_collections < 2, full)
    sizes = table["n_kernels"]
    _refuse(table, sizes.notna() & ((sizes < 1) | (sizes % 1 != 0)), "expected a whole number above 0 as n_kernels")
    _refuse(table, ~table["roc_auc"].dropna().between(0, 1), "expected a roc_auc from 0 to 1")
    table["n_kernels"] = sizes.astype("Int64")
    errors = table["error"] if "error" in table else pd.Series("", index=table.index)
    errors = errors.astype(object).where(errors.notna(), "").astype(str)
    table["error"] = errors.where((errors != "") | table["roc_auc"].notna(), "no roc_auc")
    done = table[table["error"] == ""]
    repeated = done[done.duplicated(_CELL, keep=False)]
    if len(repeated):
        raise ValueError(
            f"{_place(repeated.iloc[0])}: there is more than one row. Keep one row per run, or give runs with different"
            " parameters different method names."
        )
    return table


def failures(results: pd.DataFrame) -> pd.DataFrame:
    """List failed runs: data set, method, seed, number of kernels if known, and error."""
    table = read_results(results)
    return table.loc[table["error"] != "", [*_CELL, "error"]].reset_index(drop=True)


def over_seeds(results: pd.DataFrame, metric: str = "roc_auc") -> pd.DataFrame:
    """Compute mean and spread over seeds.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`.
    metric : str, default="roc_auc"
        Column of the table.

    Returns
    -------
    DataFrame
        A row for every data set, method and number of kernels: ``mean``, ``spread`` (standard deviation, missing for
        one seed) and ``n_seeds``.
    """
    by = succeeded(results, metric).groupby(["dataset", "method", "n_kernels"], sort=False, dropna=False)[metric]
    return by.agg(mean="mean", spread="std", n_seeds="size").reset_index()


def contenders(results: pd.DataFrame, *, smallest: bool = False, coverage: float = 0.0) -> list[Contender]:
    """List the methods with their numbers of kernels, in the order of the table, larger sizes first.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`.
    smallest : bool, default=False
        Only the smallest number of kernels of each method.
    coverage : float, default=0
        Leave out contenders with less than this fraction of the data sets, since comparisons use the data sets that all
        of them have.
    """
    table = succeeded(results, "roc_auc")
    n_datasets = table["dataset"].nunique()
    found = []
    for method, rows in table.groupby("method", sort=False):
        measured = rows.groupby("n_kernels", dropna=False)["dataset"].nunique().sort_index(ascending=False)
        measured = measured[measured >= coverage * n_datasets]
        names = [Contender(str(method), None if pd.isna(size) else int(size)) for size in measured.index]
        sized = [name for name in names if name.n_kernels is not None]
        found += sized[-1:] or names[:1] if smallest else names
    return found


def complete_runs(
    results: pd.DataFrame, of: Sequence[Contender], metric: str = "roc_auc"
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Collect the runs that all contenders have.

    Returns
    -------
    runs : DataFrame
        A row per data set and seed (the index), a column per contender, by position.
    left_out : tuple of str
        Data sets that some contenders have, but without a seed that all have.

    Raises
    ------
    ValueError
        If no data set has all of them.
    """
    table = succeeded(results, metric)
    places = {tuple(name): i for i, name in enumerate(of)}
    sizes = [None if pd.isna(size) else size for size in table["n_kernels"]]
    table["place"] = [places.get(name, -1) for name in zip(table["method"], sizes, strict=True)]
    wide = table[table["place"] >= 0].pivot(index=["dataset", "seed"], columns="place", values=metric)
    runs = wide.reindex(columns=range(len(of)))
    complete = runs.dropna()
    if len(complete) == 0:
        raise ValueError(f"No data set has a seed with each of {', '.join(map(str, of))}.")
    have = complete.index.get_level_values("dataset").unique()
    return complete, tuple(runs.index.get_level_values("dataset").unique().difference(have, sort=False))


def is_simulated(results: pd.DataFrame) -> pd.Series:
    """Whether a row is of one of the paper's simulated sets: simulated-1, simulated-2, ..."""
    return results["dataset"].str.fullmatch(r"simulated-\d+")


def succeeded(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the successful rows that have the metric."""
    table = read_results(results)
    if metric not in table:
        raise ValueError(f"The table has no column {metric!r}; it has {', '.join(map(str, table))}.")
    return table[(table["error"] == "") & table[metric].notna()].copy()


def rows_of(table: pd.DataFrame, name: Contender) -> pd.Series:
    """Whether a row is of a contender."""
    if "collection" in table:
        n_collections = table.groupby("dataset")["collection"].transform("nunique")
        full = table["dataset"] + " (" + table["collection"].astype(str) + ")"
        table["dataset"] = table["dataset"].where(n_collections < 2, full)
    sizes = table["n_kernels"]
    right_size = sizes.isna() if name.n_kernels is None else (sizes == name.n_kernels).fillna(False).astype(bool)
    return (table["method"] == name.method) & right_size


def _place(row: pd.Series) -> str:
    size = "" if pd.isna(row["n_kernels"]) else f", n_kernels {row['n_kernels']}"
    return f"Data set {row['dataset']}, method {row['method']}, seed {row['seed']}{size}"


def _refuse(table: pd.DataFrame, wrong: pd.Series, what: str) -> None:
    rows = wrong.index[wrong.astype(bool)]
    if len(rows):
        row = table.loc[rows[0]]
        raise ValueError(f"Row {rows[0]} of the table ({row['dataset']}, {row['method']}): {what}.")
