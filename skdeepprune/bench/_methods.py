"""Methods to measure: what makes a classifier of strings for a data set and a seed."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune.baselines import ConvolutionClassifier, GkmSVMClassifier, MotifScanClassifier
from skdeepprune.bench._datasets import BenchmarkDataset

Method = Callable[[BenchmarkDataset, int], Any]

SIZES = (4, 8, 16, 32, 64, 128, 256)
# Not the package's defaults; and where they are, they are not to change with them.
_PAPER: dict[str, Any] = {
    "n_kernels": 4,
    "n_prunings": 6,
    "reverse_complement": False,
    "pooling": "max",
    "criterion": "weight",
    "after_pruning": "fine-tune",
    "learning_rate": "constant",
    "learning_rate_init": 0.01,
    "learning_rate_decay": 1.2,
    "batch_size": 256,
    "max_iter": 1000,
    "n_iter_no_change": 15,
    "validation_fraction": 0.1,
    "dropout": 0.0,
    "mutation_rate": 0.0,
    "negatives": "given",
}


def _paper(dataset: BenchmarkDataset, seed: int, **changes: Any) -> DeepPruneClassifier:
    """Make the classifier with the paper's settings."""
    return DeepPruneClassifier(kernel_length=dataset.kernel_length, random_state=seed, **(_PAPER | changes))


def _variant(**changes: Any) -> Method:
    return lambda dataset, seed: _paper(dataset, seed, **changes)


def _inter(dataset: BenchmarkDataset, seed: int) -> Mapping[int, Any]:
    """Prune from 256 kernels to every size, the last pruning without fine-tuning."""
    return {
        size: _paper(dataset, seed, n_kernels=size, n_prunings=step, after_pruning="none")
        for step, size in enumerate(reversed(SIZES[:-1]), start=1)
    }


def _direct(dataset: BenchmarkDataset, seed: int) -> Mapping[int, Any]:
    """Train every size directly: the paper's baseline."""
    return {size: _paper(dataset, seed, n_kernels=size, n_prunings=0) for size in SIZES}


def _defaults(dataset: BenchmarkDataset, seed: int, **changes: Any) -> DeepPruneClassifier:
    """Make the classifier as it comes, told only which strands there are."""
    strands: Any = "auto" if dataset.both_strands else False
    return DeepPruneClassifier(reverse_complement=strands, random_state=seed, **changes)


def _defaults_direct(dataset: BenchmarkDataset, seed: int) -> Mapping[int, Any]:
    return {size: _defaults(dataset, seed, n_kernels=size, n_prunings=0) for size in (4, 16)}


def _convolution(dataset: BenchmarkDataset, seed: int, **variant: Any) -> Mapping[int, Any]:
    return {4: ConvolutionClassifier(4, kernel_length=dataset.kernel_length, random_state=seed, **variant)}


METHODS: dict[str, Method] = {
    "deepprune": _variant(),
    "deepprune-score": _variant(criterion="score"),
    "deepprune-score-and-weight": _variant(criterion="score-and-weight"),
    "deepprune-inter": _inter,
    "winning-tickets": _variant(after_pruning="rewind"),
    "reinitialized": _variant(after_pruning="reinitialize"),
    "direct": _direct,
    "defaults": _defaults,
    "defaults-direct": _defaults_direct,
    "circular": partial(_convolution, circular=True),
    "expectation-pooling": partial(_convolution, pooling="expectation"),
    "gkm-svm": lambda dataset, seed: GkmSVMClassifier(),
    "pwm-scan": lambda dataset, seed: MotifScanClassifier(),
}

GROUPS: dict[str, tuple[str, ...]] = {
    "paper": (
        "deepprune",
        "deepprune-score",
        "deepprune-score-and-weight",
        "deepprune-inter",
        "winning-tickets",
        "reinitialized",
        "direct",
    ),
    "all": tuple(METHODS),
}


def find_methods(names: Iterable[str]) -> dict[str, Method]:
    """Find methods by name.

    Parameters
    ----------
    names : iterable of str
        Keys of `METHODS`; "paper" for those of the paper, or "all"; or ``"module:function"`` for one of your own, which
        then has the function's name. Modules are looked for in the working folder, too.

    Returns
    -------
    dict of str to callable

    Raises
    ------
    ValueError
        If there is no such method.
    ImportError
        If there is no such module or function.

    Examples
    --------
    >>> from skdeepprune.bench import find_methods
    >>> list(find_methods(["deepprune", "gkm-svm"]))
    ['deepprune', 'gkm-svm']
    """
    return dict(_find(member) for name in names for member in GROUPS.get(name, (name,)))


def _find(name: str) -> tuple[str, Method]:
    if name in METHODS:
        return name, METHODS[name]
    module_name, colon, function_name = name.partition(":")
    if not colon:
        raise ValueError(
            f"There is no method {name!r}; expected one of {', '.join([*METHODS, *GROUPS])}, or module:function for"
            " your own."
        )
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    module = importlib.import_module(module_name)
    if not callable(getattr(module, function_name, None)):
        raise ImportError(f"{module.__file__} has no function {function_name!r}.")
    return function_name, getattr(module, function_name)
