"""A page that compares a table of results with the paper."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from paper.claims import DEEPPRUNE, DIRECT
from paper.results import is_simulated, read_results
from paper.sections import format_hours, make_sections
from paper.statistics import compare
from paper.summary import computing_time
from skdeepprune import __version__
from skdeepprune._writing import replacing
from skdeepprune.report._format import counted

HERE = Path(__file__).parent


def write_page(
    results: pd.DataFrame | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    weights: pd.DataFrame | None = None,
    title: str = "Deepprune, measured",
) -> None:
    """Write a table of results as an HTML file: the paper's figures and tables, with these numbers next to the paper's.

    The page is self-contained, runs no code, and loads nothing from the network. A section without results says in one
    line which runs are missing.

    Parameters
    ----------
    results : DataFrame, or path of a CSV file
        As for `read_results`: five columns are enough.
    path : str or path
        Overwritten once the new file is complete.
    weights : DataFrame, default=None
        Result of `dense_weights`, for Table 3 of the paper.
    title : str, default="Deepprune, measured"

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the table lacks a required column, has an invalid value, or has no successful run.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from paper.page import write_page
    >>> rows = {"dataset": "CTCF", "method": ["deepprune", "direct"], "seed": 0, "n_kernels": 4, "roc_auc": [0.9, 0.8]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = Path(folder, "benchmark.html")
    ...     write_page(pd.DataFrame(rows), page)
    ...     "better than the same network trained directly on 1 of 1 real set" in page.read_text()
    True
    """
    page = _render(read_results(results), weights, title)
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8", errors="backslashreplace")  # names that are not valid Unicode


def _render(results: pd.DataFrame, weights: pd.DataFrame | None, title: str) -> str:
    if (results["error"] != "").all():
        raise ValueError(f"None of the {len(results)} rows has a result; expected a roc_auc in at least one.")
    sections = make_sections(results, weights)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    styles = [files("skdeepprune.report").joinpath("report.css"), HERE / "page.css"]
    return environment.get_template("page.html.jinja").render(
        version=__version__,
        style=Markup("\n".join(style.read_text(encoding="utf-8") for style in styles)),
        title=title,
        headline=_headline(results),
        tiles=_tiles(results),
        sections=sections,
        footer=f"Made by skdeepprune {__version__}. The file is self-contained and loads nothing from the network.",
    )


def _headline(results: pd.DataFrame) -> str:
    try:
        found = compare(results[~is_simulated(results)], DEEPPRUNE, DIRECT)
    except ValueError:
        methods = counted(results["method"].nunique(), "method")
        return f"{methods.capitalize()} on {counted(results['dataset'].nunique(), 'data set')}."
    n = len(found.differences)
    return (
        f"With four kernels, Deepprune is better than the same network trained directly on {found.wins} of"
        f" {counted(n, 'real set') if n == 1 else f'{n} real sets'}."
    ).replace("of one real", "of 1 real")


def _tiles(results: pd.DataFrame) -> list[dict[str, str]]:
    simulated = results.loc[is_simulated(results), "dataset"].nunique()
    n_failed = int((results["error"] != "").sum())
    tiles = [
        {"name": "Data sets", "value": f"{results['dataset'].nunique()}", "note": f"{simulated} simulated"},
        {
            "name": "Methods",
            "value": f"{results['method'].nunique()}",
            "note": counted(results["seed"].nunique(), "seed"),
        },
        {"name": "Measurements", "value": f"{len(results) - n_failed:,}", "note": f"{n_failed} failed"},
    ]
    try:
        hours = computing_time(results)["hours"].sum()
    except ValueError:
        return tiles
    return [*tiles, {"name": "Computing", "value": format_hours(hours), "note": "on one core"}]
