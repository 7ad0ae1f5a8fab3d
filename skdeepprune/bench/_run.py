"""Running a benchmark: data sets x methods x seeds, a job each, so that it can be stopped and gone on with."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from skdeepprune.bench._backends import Backend, each_finished
from skdeepprune.bench._cell import Cell, Row, failed_row, make_cells, run_cell
from skdeepprune.bench._datasets import BenchmarkDataset
from skdeepprune.bench._methods import Method
from skdeepprune.bench._metrics import METRICS, Metric
from skdeepprune.bench._store import Store


def run_benchmark(
    datasets: Iterable[BenchmarkDataset],
    methods: Mapping[str, Method],
    seeds: Iterable[int],
    store: str | os.PathLike[str],
    *,
    metrics: Mapping[str, Metric] = METRICS,
    n_jobs: int | None = None,
    backend: Backend = "loky",
    scheduler: str | None = None,
    retry_failed: bool = False,
    verbose: int = 0,
) -> pd.DataFrame:
    """Measure every method on every data set with every seed, as far as the store does not have it yet.

    Parameters
    ----------
    datasets : iterable of BenchmarkDataset
        `find_datasets` finds them.
    methods : mapping of str to callable
        ``method(dataset, seed)`` makes a classifier of strings, not fitted: any of scikit-learn's kind, with
        `decision_function` or `predict_proba`. It may make a dictionary from numbers of kernels to classifiers, a cell
        each. `METHODS` has what the package knows.
    seeds : iterable of int
    store : str or path
        Folder to keep the results in; made if it is not there.
    metrics : mapping of str to callable, default=METRICS
        ``metric(y, scores)`` of the test set.
    n_jobs : int, default=None
        Processes with one thread each; None and 1 mean this one, -1 all cores.
    backend : {"loky", "dask", "ray"}, default="loky"
        What runs the jobs.
    scheduler : str, default=None
        Address of a running Dask scheduler, for ``backend="dask"``. Then `n_jobs` does not count.
    retry_failed : bool, default=False
        Also run what has failed before.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    DataFrame
        Rows as of `read_store`, of these cells.

    Raises
    ------
    ImportError
        If the backend is not installed.
    TypeError
        If a method makes no classifier.

    Notes
    -----
    A cell is on disk, complete, as soon as it has ended, and stays there whatever happens to the processes. Run again,
    what is missing runs. A cell that raises an error, or whose process dies, becomes a row with the error.

    Cells are identified by everything that determines their numbers: the data set with its parameters, the method
    with all parameters of its classifier (but for `n_jobs` and `verbose`), the seed, and the names of the metrics;
    not by the package's version, which the rows carry.

    The cells run in random order: so two runs at once, which look whether a cell is there before they begin with it,
    hardly do the same, and what there is of a run at any time is a fair sample of it.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skdeepprune.bench import find_datasets, run_benchmark
    >>> datasets = find_datasets(["simulated-3"], n_positives=200)
    >>> methods = {}
    >>> methods["mine"] = lambda dataset, seed: make_pipeline(
    ...     CountVectorizer(analyzer="char", ngram_range=(5, 5)), LogisticRegression())
    >>> with tempfile.TemporaryDirectory() as store:
    ...     table = run_benchmark(datasets, methods, range(2), store)
    >>> table[["dataset", "method", "seed", "error"]]
           dataset method  seed error
    0  simulated-3   mine     0
    1  simulated-3   mine     1
    """
    kept = Store(store)
    cells = list({kept.path(cell): cell for cell in make_cells(datasets, methods, list(seeds), metrics)}.values())
    kept.check_slots(cells)
    kept.folder.mkdir(parents=True, exist_ok=True)
    missing = kept.prepare(cells, retry_failed=retry_failed)
    random.SystemRandom().shuffle(missing)
    jobs = [(cell, kept.path(cell)) for cell in missing]
    finished = each_finished(_run_if_missing, jobs, backend=backend, n_jobs=n_jobs, scheduler=scheduler)
    n_done = len(cells) - len(jobs)
    with closing(finished), tqdm(total=len(cells), initial=n_done, unit="cell", disable=not verbose) as bar:
        for (cell, _), rows in finished:
            if isinstance(rows, Exception):
                rows = [failed_row(cell, rows)]
            if rows is not None:
                kept.put(cell, rows)
                bar.set_postfix_str(_in_short(rows[-1]), refresh=False)
            bar.update()
    return kept.read(cells)


def list_cells(
    datasets: Iterable[BenchmarkDataset],
    methods: Mapping[str, Method],
    seeds: Iterable[int],
    store: str | os.PathLike[str],
    *,
    metrics: Mapping[str, Metric] = METRICS,
) -> pd.DataFrame:
    """List the cells that `run_benchmark` would see to, and whether the store has them.

    Parameters
    ----------
    datasets, methods, seeds, store, metrics
        As in `run_benchmark`. Nothing is changed.

    Returns
    -------
    DataFrame
        A row per cell: collection, dataset, method, n_kernels (where it is a cell of its own), seed, and state: "done",
        "failed" or "missing".

    Examples
    --------
    >>> from skdeepprune.bench import METHODS, find_datasets, list_cells
    >>> methods = {"deepprune": METHODS["deepprune"]}
    >>> cells = list_cells(find_datasets(["simulated"]), methods, range(5), "a store to be")
    >>> cells["state"].value_counts().to_dict()
    {'missing': 25}
    """
    kept = Store(store)
    return pd.DataFrame(
        {
            "collection": cell.dataset.collection,
            "dataset": cell.dataset.name,
            "method": cell.method,
            "n_kernels": cell.size,
            "seed": cell.seed,
            "state": kept.state(cell),
        }
        for cell in make_cells(datasets, methods, list(seeds), metrics)
    ).astype({"n_kernels": "Int64"})


def restore_store(
    store: str | os.PathLike[str],
    table: pd.DataFrame | str | os.PathLike[str],
    datasets: Iterable[BenchmarkDataset],
    methods: Mapping[str, Method],
    seeds: Iterable[int],
    *,
    metrics: Mapping[str, Metric] = METRICS,
) -> None:
    """Give a store the cells it lacks from a table of results, so that a benchmark goes on where the table ends.

    Parameters
    ----------
    store : str or path
        Folder; made if it is not there. What it has stays as it is.
    table : DataFrame, or path of a CSV file
        As `read_store` and `run_benchmark` return it. Rows of cells that are not among those asked for are left out: a
        changed parameter is another cell.
    datasets, methods, seeds, metrics
        As in `run_benchmark`.

    Raises
    ------
    ValueError
        If the table does not tell the cells of its rows.

    Examples
    --------
    >>> import tempfile
    >>> from skdeepprune.bench import METHODS, find_datasets, list_cells, restore_store, run_benchmark
    >>> asked = find_datasets(["simulated-3"], n_positives=200), {"pwm-scan": METHODS["pwm-scan"]}, range(2)
    >>> with tempfile.TemporaryDirectory() as there, tempfile.TemporaryDirectory() as here:
    ...     table = run_benchmark(*asked, there)
    ...     restore_store(here, table, *asked)
    ...     list_cells(*asked, here)["state"].tolist()
    ['done', 'done']
    """
    table = table if isinstance(table, pd.DataFrame) else pd.read_csv(table)
    if "cell" not in table:
        raise ValueError(
            f"The table has no column 'cell'; expected one of read_store, got {', '.join(map(str, table))}."
        )
    Store(store).restore(make_cells(datasets, methods, list(seeds), metrics), table)


def _run_if_missing(job: tuple[Cell, Path]) -> list[Row] | None:
    """Run a cell, unless another run has done so meanwhile, as far as this process can see the store."""
    cell, path = job
    return None if path.exists() else run_cell(cell)


def _in_short(row: Row) -> str:
    outcome = row.get("error") or f"AUC {row.get('roc_auc', float('nan')):.3f}"
    return f"{row['dataset']} {row['method']} seed {row['seed']}: {outcome[:60]}"
