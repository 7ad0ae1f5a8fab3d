"""Summaries: results and computing time of every method, and weights of a few kernels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from paper.results import Contender, contenders, is_simulated, over_seeds, read_results, rows_of, succeeded
from skdeepprune._classifier import DeepPruneClassifier


def summarize(results: pd.DataFrame) -> pd.DataFrame:
    """Summarise every method at every number of kernels, including failures.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`.

    Returns
    -------
    DataFrame
        ``method``, ``n_kernels``, ``n_datasets``, ``n_runs``, ``n_failed`` (a failed run counts at all sizes that it
        would have had), ``mean`` over data sets, ``spread`` over seeds (mean of the data sets' standard deviations),
        and ``fit_seconds``, ``peak_mb`` (means) if the table has them.
    """
    table, by = read_results(results), ["method", "n_kernels"]
    names = contenders(results)
    names += [Contender(method) for method in table["method"].unique() if method not in {name.method for name in names}]
    means = over_seeds(results).groupby(by, dropna=False)
    aucs = means.agg(
        n_datasets=("mean", "size"), n_runs=("n_seeds", "sum"), mean=("mean", "mean"), spread=("spread", "mean")
    )
    failed, done = table[table["error"] != ""], table[table["error"] == ""]
    costs = done.groupby(by, dropna=False)[[column for column in ("fit_seconds", "peak_mb") if column in table]].mean()
    summary = pd.DataFrame(names).astype({"n_kernels": "Int64"})
    summary = summary.merge(aucs.reset_index(), how="left", on=by).merge(costs.reset_index(), how="left", on=by)
    of_any_size = failed["n_kernels"].isna()
    n_failed = [
        int(((failed["method"] == name.method) & (of_any_size | rows_of(failed, name))).sum()) for name in names
    ]
    summary.insert(4, "n_failed", n_failed)
    return summary.fillna({"n_datasets": 0, "n_runs": 0}).astype({"n_datasets": int, "n_runs": int})


def computing_time(results: pd.DataFrame, *, n_datasets: int = 690, n_cores: int = 100) -> pd.DataFrame:
    """Compute the hours that every method took, and an extrapolation to more data sets.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`, with ``fit_seconds`` and ``parameters``: rows with the same data set, method, seed and
        parameters are from one training, which counts once.
    n_datasets, n_cores : int, default=690 and 100
        Number of data sets and cores to extrapolate to, with the same mean size and one seed each; based on the real
        data sets, if there are any.

    Returns
    -------
    DataFrame
        ``method``, ``hours`` (of all runs), ``seconds`` (a data set and seed), ``hours_on_1_core`` and
        ``hours_on_{n_cores}_cores``. Times are multiplied by the number of threads. For each data set, the fastest seed
        counts, since other load on a machine can only add time.

    Raises
    ------
    ValueError
        If one of the columns is missing.
    """
    table = succeeded(results, "fit_seconds")
    if "parameters" not in table:
        raise ValueError("The table has no column 'parameters', which identifies rows of the same training.")
    table["parameters"] = table["parameters"].astype(object).where(table["parameters"].notna(), "")
    threads = table["threads"] if "threads" in table else 1.0
    scoring = table["score_seconds"].fillna(0) if "score_seconds" in table else 0.0
    table = table.assign(fitting=table["fit_seconds"] * threads, scoring=scoring * threads)
    trainings = table.groupby(["dataset", "method", "seed", "parameters"], sort=False)
    seconds = trainings["fitting"].max() + trainings["scoring"].sum()
    runs = seconds.groupby(["dataset", "method", "seed"], sort=False).sum().rename("seconds").reset_index()
    real = runs[~is_simulated(runs)]
    least = (real if len(real) else runs).groupby(["method", "dataset"], sort=False)["seconds"].min()
    a_run = least.groupby("method", sort=False).mean()
    total = runs.groupby("method", sort=False)["seconds"].sum()
    hours = n_datasets * a_run / 3600
    columns = {
        "hours": total / 3600,
        "seconds": a_run,
        "hours_on_1_core": hours,
        f"hours_on_{n_cores}_cores": hours / n_cores,
    }
    return pd.DataFrame(columns).loc[total.index].rename_axis("method").reset_index()


def dense_weights(classifier: DeepPruneClassifier, *, n_kept: int = 4, n_pruned: int = 2) -> pd.DataFrame:
    """Follow the dense layer's weights of a few kernels over the stages: Table 3 of the paper.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted, with at least one pruning.
    n_kept, n_pruned : int, default=4 and 2
        Number of remaining kernels, and of kernels pruned last; in each case those with the largest weights.

    Returns
    -------
    DataFrame
        A row for each kernel, ``kernel`` (its index among the initial ones) and ``kept``, and a column for each number
        of kernels: the weight's absolute value after training; missing once the kernel is pruned.

    Raises
    ------
    ValueError
        If nothing was pruned.
    """
    stages = classifier.stages_
    if len(stages) < 2:
        raise ValueError("The classifier was never pruned (n_prunings=0); expected at least one pruning.")
    weights = pd.DataFrame(
        {
            stage.n_kernels: pd.Series(np.abs(stage.network.dense_weights).astype(float), index=stage.kept)
            for stage in stages
        }
    )
    kept = weights.index.isin(stages[-1].kept)
    lost_last = weights.index.isin(stages[-2].kept) & ~kept
    largest = [
        weights[kept].nlargest(n_kept, stages[-1].n_kernels),
        weights[lost_last].nlargest(n_pruned, stages[-2].n_kernels),
    ]
    table = pd.concat(largest)
    table.insert(0, "kept", table.index.isin(stages[-1].kept))
    return table.rename_axis("kernel").reset_index()
