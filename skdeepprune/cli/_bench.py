"""The command ``bench``: run methods on data sets, skipping runs that are already done."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

from skdeepprune._writing import check_writable
from skdeepprune.bench import (
    METHODS,
    find_datasets,
    find_methods,
    list_cells,
    read_store,
    run_benchmark,
)
from skdeepprune.cli._numbers import threads, whole_number
from skdeepprune.cli._output import log, opened_output, print_json, shows_progress
from skdeepprune.cli._paths import check_standard_output
from skdeepprune.cli._read import UsageError

_MAX_SEEDS = 100_000


def add_bench(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = parsers.add_parser(
        "bench",
        help="run methods on data sets; resumes where it was stopped",
        description="Run every method on every data set with every seed, one job each. Finished runs are stored in a"
        " folder; when repeated, only missing ones are run. Writes results.csv to the folder and prints the mean AUC.",
    )
    parser.add_argument("--out", metavar="STORE", type=Path, required=True, help="folder to store the results in")
    parser.add_argument(
        "--datasets",
        metavar="NAME",
        nargs="+",
        default=[],
        help="collections (simulated, deepbind, zeng, fastsk, or the name of a folder of data sets) or single data sets"
        " (default: simulated, and all in --data)",
    )
    parser.add_argument("--data", metavar="FOLDER", type=Path, help="folder with the real collections")
    parser.add_argument(
        "--methods",
        metavar="NAME",
        nargs="+",
        default=["deepprune", "direct"],
        help=f"{', '.join(METHODS)}; paper, all; or module:function for your own (default: deepprune direct)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=_seeds,
        default=range(5),
        help="number of seeds, or FIRST-LAST (default: 5, from 0)",
    )
    parser.add_argument(
        "--n-positives",
        metavar="N",
        type=whole_number(1),
        help="train on at most this many bound sequences (default: all)",
    )
    parser.add_argument("--retry-failed", action="store_true", help="also repeat runs that failed before")
    parser.add_argument("--list", action="store_true", help="only list finished and missing runs")
    group = parser.add_argument_group("execution")
    group.add_argument(
        "--n-jobs",
        metavar="N",
        type=threads,
        default=-1,
        help="processes, one thread each; -1 for all cores (default: -1)",
    )
    group.add_argument("--backend", choices=["loky", "dask", "ray"], help="(default: loky, local processes)")
    group.add_argument("--scheduler", metavar="ADDRESS", help="run on the workers of this Dask scheduler")
    group = parser.add_argument_group("general")
    group.add_argument("--quiet", action="store_true", help="show no progress")
    group.add_argument("--json", action="store_true", help="print a summary as JSON")
    parser.set_defaults(run=bench)


def bench(options: argparse.Namespace) -> None:
    """Run the missing cells, write all results to CSV, and print mean AUCs."""
    if options.scheduler is not None and options.backend not in (None, "dask"):
        raise UsageError(f"--scheduler needs --backend dask, got --backend {options.backend}; leave out one of them.")
    if options.json:
        check_standard_output("--json goes")
    results = options.out / "results.csv"
    if options.out.exists():
        check_writable(results)
    start = time.perf_counter()
    datasets = find_datasets(options.datasets, options.data, n_positives=options.n_positives)
    methods = find_methods(options.methods)
    if options.list:
        _show_states(list_cells(datasets, methods, options.seeds, options.out), options)
        return
    table = run_benchmark(
        datasets,
        methods,
        options.seeds,
        options.out,
        n_jobs=options.n_jobs,
        backend=options.backend or ("loky" if options.scheduler is None else "dask"),
        scheduler=options.scheduler,
        retry_failed=options.retry_failed,
        verbose=shows_progress(quiet=options.quiet),
    )
    with opened_output(results) as file:
        read_store(options.out).to_csv(file, index=False, lineterminator="\n")
    failed = table[table["error"] != ""]
    if len(failed):
        log(
            f"{len(failed)} runs failed; their errors are in results.csv, --retry-failed repeats them. The first:",
            quiet=False,
        )
        log(f"{failed['dataset'].iloc[0]} {failed['method'].iloc[0]}: {failed['error'].iloc[0]}", quiet=False)
    by_size = table[table["error"] == ""].groupby(["collection", "method", "n_kernels"], dropna=False)
    means = by_size["roc_auc"].mean().reset_index()
    if options.json:
        print_json(
            {
                "file": results,
                "rows": len(table),
                "failed": len(failed),
                "mean_roc_auc": means.to_dict("records"),
                "seconds": round(time.perf_counter() - start, 2),
            }
        )
        return
    print(_as_text(means))
    print(f"Wrote {results}")


def _seeds(text: str) -> range:
    """Parse "5" as the first five seeds, "100-104" as a range."""
    first, dash, last = text.partition("-")
    try:
        numbers = [whole_number(0, 2**32 - 1)(part) for part in ((first, last) if dash else (first,))]
        seeds = range(numbers[0], numbers[1] + 1) if dash else range(numbers[0])
    except argparse.ArgumentTypeError:
        seeds = range(0)
    if not 0 < len(seeds) <= _MAX_SEEDS:
        raise argparse.ArgumentTypeError(
            f"expected a number of seeds, such as 5, or FIRST-LAST, at most {_MAX_SEEDS}; got {text[:40]!r}"
        )
    return seeds


def _show_states(cells: pd.DataFrame, options: argparse.Namespace) -> None:
    counts = cells.groupby(["collection", "method", "state"], sort=False).size().unstack("state", fill_value=0)
    counts = counts.reindex(columns=["done", "failed", "missing"], fill_value=0).reset_index()
    if options.json:
        print_json(counts.to_dict("records"))
    else:
        print(counts.to_string(index=False))


def _as_text(means: pd.DataFrame) -> str:
    """Tabulate the mean AUC: a row per collection and method, a column per number of kernels."""
    sizes = sorted(means["n_kernels"].dropna().unique(), reverse=True)
    means = means.assign(n_kernels=means["n_kernels"].astype(object).where(means["n_kernels"].notna(), "-"))
    table = means.pivot(index=["collection", "method"], columns="n_kernels", values="roc_auc")
    table = table.reindex(columns=[*sizes, *(["-"] if "-" in table else [])])
    table.columns.name = "mean AUC at n_kernels"
    return table.to_string(float_format="{:.3f}".format, na_rep="")
