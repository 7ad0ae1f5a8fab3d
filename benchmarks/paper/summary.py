"""Summaries: every method, the hours that it takes, and the weights of a few kernels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from paper.results import Contender, contenders, is_simulated, over_seeds, read_results, rows_of, succeeded
from skdeepprune._classifier import DeepPruneClassifier


def summarize(results: pd.DataFrame) -> pd.DataFrame:
    """Sum up every method at every number of kernels, failures included.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`.

    Returns
    -------
    DataFrame
        ``method``, ``n_kernels``, ``n_datasets``, ``n_runs``, ``n_failed`` (a run that failed counts at all sizes that
        it would have had), ``mean`` over data sets, ``spread`` over seeds (mean of the data sets' standard deviations),
        and ``fit_seconds``, ``peak_mb`` (means) where the table has them.
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
    """Compute the hours that every method took, and would take for more data sets.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`, with ``fit_seconds`` and ``parameters``: rows that share data set, method, seed and
        parameters come from one training, whose seconds count once.
    n_datasets, n_cores : int, default=690 and 100
        Hours are projected for this many data sets of the mean size of those here, one seed each, on one core and on
        this many. They are estimated from the data sets that are not simulated, if there are any.

    Returns
    -------
    DataFrame
        ``method``, ``hours`` (of all runs), ``seconds`` (a data set and seed), ``hours_on_1_core`` and
        ``hours_on_{n_cores}_cores``. Where several threads were used, a second counts for each. Of a data set's seeds
        the quickest counts: what else a machine does only adds.

    Raises
    ------
    ValueError
        If one of the columns is missing.
    """
    table = succeeded(results, "fit_seconds")
    if "parameters" not in table:
        raise ValueError("The table has no column 'parameters', by which runs of one training are known.")
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
        So many of the kernels that are left, and of those that were pruned last: each time those of the largest weight.

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
