"""A cell of the benchmark (method, data set and seed): its identity and its measurement."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skdeepprune._interruption import interruptions_raised
from skdeepprune._version import __version__
from skdeepprune.bench._conditions import (
    N_THREADS,
    commit,
    forget_peak_memory,
    machine,
    one_thread,
    peak_memory,
)
from skdeepprune.bench._datasets import BenchmarkDataset
from skdeepprune.bench._description import changed_parameters, describe
from skdeepprune.bench._methods import Method
from skdeepprune.bench._metrics import Metric

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Cell:
    """A job: an unfitted classifier for a data set and a seed.

    Attributes
    ----------
    dataset : BenchmarkDataset
    method : str
    size : int or None
        Number of kernels if the method has a cell per size; then only the network of that size is scored.
    seed : int
    estimator : estimator
    metrics : mapping of str to callable
    """

    dataset: BenchmarkDataset
    method: str
    size: int | None
    seed: int
    estimator: Any
    metrics: Mapping[str, Metric]

    def identity(self) -> dict[str, Any]:
        """Describe everything that determines the results, except the package version and the machine."""
        return {
            "collection": self.dataset.collection,
            "dataset": self.dataset.name,
            "dataset_parameters": describe(self.dataset.parameters),
            "method": self.method,
            "size": self.size,
            "estimator": describe(self.estimator),
            "seed": self.seed,
            "metrics": sorted(self.metrics),
        }

    @cached_property
    def key(self) -> str:
        """Hash of the identity."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()[:12]


def make_cells(
    datasets: Iterable[BenchmarkDataset],
    methods: Mapping[str, Method],
    seeds: Sequence[int],
    metrics: Mapping[str, Metric],
) -> Iterator[Cell]:
    """Yield a cell for every method, data set and seed."""
    for dataset in datasets:
        for name, make in methods.items():
            for seed in seeds:
                made = make(dataset, seed)
                for size, estimator in (made if isinstance(made, Mapping) else {None: made}).items():
                    if not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
                        raise TypeError(f"Method {name!r} made {estimator!r}; expected a scikit-learn classifier.")
                    yield Cell(dataset, name, size, seed, estimator, metrics)


class _Scored(NamedTuple):
    """A classifier at one size, and its scores on the test set."""

    n_kernels: int | None
    scores: NDArray[np.float64]
    epochs: int | None
    fit_seconds: float
    score_seconds: float


def run_cell(cell: Cell) -> list[Row]:
    """Fit, score and measure.

    Returns
    -------
    list of dict
        One row per size of the network; if something fails, one row with the error. Peak memory is that of the process
        during the cell, including memory allocated earlier.
    """
    start = datetime.now(UTC).isoformat(timespec="seconds")
    forget_peak_memory()
    try:
        with one_thread():
            rows = list(_measure(cell))
    except Exception as error:  # errors in users' methods or files must not end the run
        rows = [failed_row(cell, error)]
    circumstances = {"peak_mb": peak_memory(), "started": start}
    return [row | circumstances for row in rows]


def failed_row(cell: Cell, error: Exception) -> Row:
    """Make the row of a cell that failed."""
    return _row(cell, n_kernels=cell.size, error=" ".join(f"{type(error).__name__}: {error}".split()))


def _measure(cell: Cell) -> Iterator[Row]:
    data = cell.dataset.load(cell.seed)
    estimator = clone(cell.estimator)
    start = time.perf_counter()
    with interruptions_raised():
        estimator.fit(data.X_train, data.y_train)
    seconds = time.perf_counter() - start
    if len(estimator.classes_) != 2:
        raise ValueError(f"The training set has the classes {estimator.classes_}; expected two.")
    positive = np.asarray(data.y_test) == estimator.classes_[1]
    sizes = list(_scored(estimator, data.X_test, seconds))
    for scored in sizes if cell.size is None else sizes[-1:]:
        numbers = {name: _number(name, metric(positive, scored.scores)) for name, metric in cell.metrics.items()}
        yield _row(
            cell,
            n_kernels=cell.size if scored.n_kernels is None else scored.n_kernels,
            **numbers,
            ceiling=getattr(data, "ceiling", None),
            n_train=len(data.y_train),
            n_test=len(data.y_test),
            epochs=scored.epochs,
            fit_seconds=scored.fit_seconds,
            score_seconds=scored.score_seconds,
        )


def _scored(estimator: Any, X: Any, seconds: float) -> Iterator[_Scored]:
    """Score the classifier at every size in `stages_`, if it has any."""
    if hasattr(estimator, "stages_"):
        seconds = 0.0
        start = time.perf_counter()
        for stage, probability in zip(estimator.stages_, estimator.staged_predict_proba(X), strict=True):
            score_seconds = time.perf_counter() - start
            seconds += sum(epoch.seconds for epoch in stage.epochs)
            yield _Scored(stage.n_kernels, probability[:, 1], len(stage.epochs), seconds, score_seconds)
            start = time.perf_counter()
        return
    start = time.perf_counter()
    if hasattr(estimator, "decision_function"):
        scores = estimator.decision_function(X)
    else:
        scores = estimator.predict_proba(X)[:, 1]
    score_seconds = time.perf_counter() - start
    epochs = getattr(estimator, "n_iter_", None)
    yield _Scored(None, scores, epochs if isinstance(epochs, int) else None, seconds, score_seconds)


def _number(name: str, value: Any) -> float:
    if not math.isfinite(value):
        raise ValueError(f"The metric {name!r} is {value}; expected a number.")
    return float(value)


def _row(cell: Cell, **measured: Any) -> Row:
    return {
        "collection": cell.dataset.collection,
        "dataset": cell.dataset.name,
        "method": cell.method,
        "seed": cell.seed,
        "error": "",
        **measured,
        "parameters": changed_parameters(cell.estimator),
        "version": __version__,
        "commit": commit(),
        "threads": N_THREADS,
        "machine": machine(),
    }
