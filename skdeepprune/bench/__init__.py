"""Resumable benchmarks: data sets x methods x seeds, on one machine or a cluster."""

from skdeepprune.bench._datasets import BenchmarkDataset, find_datasets
from skdeepprune.bench._methods import METHODS, find_methods
from skdeepprune.bench._metrics import METRICS
from skdeepprune.bench._run import list_cells, restore_store, run_benchmark
from skdeepprune.bench._store import read_store

__all__ = [
    "METHODS",
    "METRICS",
    "BenchmarkDataset",
    "find_datasets",
    "find_methods",
    "list_cells",
    "read_store",
    "restore_store",
    "run_benchmark",
]
