"""Benchmarks that can be stopped and gone on with: data sets x methods x seeds, on one machine or a cluster."""

from skdeepprune.bench._datasets import BenchmarkDataset, find_datasets
from skdeepprune.bench._figures import plot_criteria, plot_differences, plot_sizes
from skdeepprune.bench._methods import METHODS, find_methods
from skdeepprune.bench._metrics import METRICS
from skdeepprune.bench._overviews import plot_ranks, plot_tradeoff
from skdeepprune.bench._page import write_benchmark_page
from skdeepprune.bench._paper import beside_paper
from skdeepprune.bench._run import list_cells, restore_store, run_benchmark
from skdeepprune.bench._statistics import Comparison, Ranking, compare, rank
from skdeepprune.bench._store import read_store
from skdeepprune.bench._summary import computing_time, dense_weights, summarize
from skdeepprune.bench._tidy import Contender, failures, over_seeds, read_results

__all__ = [
    "METHODS",
    "METRICS",
    "BenchmarkDataset",
    "Comparison",
    "Contender",
    "Ranking",
    "beside_paper",
    "compare",
    "computing_time",
    "dense_weights",
    "failures",
    "find_datasets",
    "find_methods",
    "list_cells",
    "over_seeds",
    "plot_criteria",
    "plot_differences",
    "plot_ranks",
    "plot_sizes",
    "plot_tradeoff",
    "rank",
    "read_results",
    "read_store",
    "restore_store",
    "run_benchmark",
    "summarize",
    "write_benchmark_page",
]
