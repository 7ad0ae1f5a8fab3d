"""Running a benchmark: data sets x methods x seeds, one job each, resumable."""

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
    """Measure every method on every data set with every seed, skipping results that are in the store.

    Parameters
    ----------
    datasets : iterable of BenchmarkDataset
        See `find_datasets`.
    methods : mapping of str to callable
        ``method(dataset, seed)`` returns an unfitted scikit-learn classifier of strings with `decision_function` or
        `predict_proba`; or a dictionary from numbers of kernels to classifiers, one cell each. `METHODS` has the
        built-in ones.
    seeds : iterable of int
    store : str or path
        Folder of the results; created if missing.
    metrics : mapping of str to callable, default=METRICS
        ``metric(y, scores)`` on the test set.
    n_jobs : int, default=None
        Number of processes with one thread each; None and 1 use this process, -1 all cores.
    backend : {"loky", "dask", "ray"}, default="loky"
        Backend that runs the jobs.
    scheduler : str, default=None
        Address of a running Dask scheduler, for ``backend="dask"``. `n_jobs` is then ignored.
    retry_failed : bool, default=False
        Also repeat cells that failed before.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    DataFrame
        Rows of these cells, as returned by `read_store`.

    Raises
    ------
    ImportError
        If the backend is not installed.
    TypeError
        If a method does not return a classifier.

    Notes
    -----
    A cell is written to disk as soon as it is finished. When called again, only missing cells run. A cell that raises
    an error, or whose process dies, becomes a row with the error.

    Cells are identified by everything that determines their results: the data set with its parameters, the method
    with all parameters of its classifier (except `n_jobs` and `verbose`), the seed, and the names of the metrics;
    not by the package's version, which the rows carry.

    Cells run in random order. Each is skipped if another run has finished it in the meantime, so that simultaneous runs
    share the work; and the finished part is a random sample at any time.

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
                bar.set_postfix_str(_summary(rows[-1]), refresh=False)
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
    """List the cells of `run_benchmark`, and whether they are in the store.

    Parameters
    ----------
    datasets, methods, seeds, store, metrics
        As in `run_benchmark`. Nothing is changed.

    Returns
    -------
    DataFrame
        One row per cell: collection, dataset, method, n_kernels (if the size is a cell of its own), seed, and state:
        "done", "failed" or "missing".

    Examples
    --------
    >>> from skdeepprune.bench import METHODS, find_datasets, list_cells
    >>> methods = {"deepprune": METHODS["deepprune"]}
    >>> cells = list_cells(find_datasets(["simulated"]), methods, range(5), "results")
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
    """Restore missing cells of a store from a table of results, so that a benchmark can be resumed from the table.

    Parameters
    ----------
    store : str or path
        Folder; created if missing. Existing cells are kept.
    table : DataFrame, or path of a CSV file
        As returned by `read_store` and `run_benchmark`. Rows of other cells are ignored; a changed parameter makes a
        different cell.
    datasets, methods, seeds, metrics
        As in `run_benchmark`.

    Raises
    ------
    ValueError
        If the table has no column with the cells.

    Examples
    --------
    >>> import tempfile
    >>> from skdeepprune.bench import METHODS, find_datasets, list_cells, restore_store, run_benchmark
    >>> arguments = find_datasets(["simulated-3"], n_positives=200), {"pwm-scan": METHODS["pwm-scan"]}, range(2)
    >>> with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
    ...     table = run_benchmark(*arguments, one)
    ...     restore_store(other, table, *arguments)
    ...     list_cells(*arguments, other)["state"].tolist()
    ['done', 'done']
    """
    table = table if isinstance(table, pd.DataFrame) else pd.read_csv(table)
    if "cell" not in table:
        raise ValueError(
            f"The table has no column 'cell'; expected one returned by read_store, got {', '.join(map(str, table))}."
        )
    Store(store).restore(make_cells(datasets, methods, list(seeds), metrics), table)


def _run_if_missing(job: tuple[Cell, Path]) -> list[Row] | None:
    """Run a cell, unless another run has finished it in the meantime."""
    cell, path = job
    return None if path.exists() else run_cell(cell)


def _summary(row: Row) -> str:
    outcome = row.get("error") or f"AUC {row.get('roc_auc', float('nan')):.3f}"
    return f"{row['dataset']} {row['method']} seed {row['seed']}: {outcome[:60]}"
