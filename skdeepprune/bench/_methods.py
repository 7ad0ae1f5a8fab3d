"""Methods of the benchmark: functions that make a classifier for a data set and a seed."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._paper import PAPER_SETTINGS
from skdeepprune.baselines import ConvolutionClassifier, GkmSVMClassifier, KmerCounter, MotifScanClassifier
from skdeepprune.bench._datasets import BenchmarkDataset

Method = Callable[[BenchmarkDataset, int], Any]

SIZES = (4, 8, 16, 32, 64, 128, 256)
# Penalty strengths, which the paper does not state: the strongest that still train. With an L1 penalty ten times as
# strong, the kernels of some sets never leave zero.
_L1, _L2 = 1e-4, 1e-3


def _paper(dataset: BenchmarkDataset, seed: int, **changes: Any) -> DeepPruneClassifier:
    """Make the classifier with the paper's settings."""
    return DeepPruneClassifier(kernel_length=dataset.kernel_length, random_state=seed, **(PAPER_SETTINGS | changes))


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
    """Make the classifier with its defaults, except for the strands, which the data set determines."""
    strands: Any = "auto" if dataset.both_strands else False
    return DeepPruneClassifier(reverse_complement=strands, random_state=seed, **changes)


def _defaults_direct(dataset: BenchmarkDataset, seed: int) -> Mapping[int, Any]:
    return {size: _defaults(dataset, seed, n_kernels=size, n_prunings=0) for size in (4, 16)}


def _convolution(dataset: BenchmarkDataset, seed: int, **variant: Any) -> Mapping[int, Any]:
    return {4: ConvolutionClassifier(4, kernel_length=dataset.kernel_length, random_state=seed, **variant)}


def _one_shot(dataset: BenchmarkDataset, seed: int) -> Mapping[int, Any]:
    """Prune from 256 kernels to a size in one step."""
    return {
        size: _paper(dataset, seed, n_kernels=size, n_prunings=step, schedule="one-shot")
        for size, step in ((4, 6), (16, 4))
    }


def _kmer_logistic(dataset: BenchmarkDataset, seed: int) -> Any:
    """Make scikit-learn's logistic regression on 6-mer counts, with the penalty chosen by cross-validation."""
    regression = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": [0.001, 0.003, 0.01, 0.03, 0.1]},
        scoring="neg_log_loss",
        cv=StratifiedKFold(5, shuffle=True, random_state=seed),
    )
    return make_pipeline(KmerCounter(6), regression)


METHODS: dict[str, Method] = {
    "deepprune": _variant(),
    "deepprune-score": _variant(criterion="score"),
    "deepprune-score-and-weight": _variant(criterion="score-and-weight"),
    "deepprune-inter": _inter,
    "winning-tickets": _variant(after_pruning="rewind"),
    "reinitialized": _variant(after_pruning="reinitialize"),
    "direct": _direct,
    "deepprune-one-shot": _one_shot,
    "deepprune-l1": _variant(alpha=_L1, l1_ratio=1.0),
    "deepprune-l2": _variant(alpha=_L2),
    "defaults": _defaults,
    "defaults-direct": _defaults_direct,
    "circular": partial(_convolution, circular=True),
    "expectation-pooling": partial(_convolution, pooling="expectation"),
    "kmer-logistic": _kmer_logistic,
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
        "deepprune-one-shot",
        "deepprune-l1",
        "deepprune-l2",
    ),
    "all": tuple(METHODS),
}


def find_methods(names: Iterable[str]) -> dict[str, Method]:
    """Find methods by name.

    Parameters
    ----------
    names : iterable of str
        Keys of `METHODS`; "paper" for those of the paper, or "all"; or ``"module:function"`` for one of your own, named
        after the function. Modules are also searched for in the working directory.

    Returns
    -------
    dict of str to callable

    Raises
    ------
    ValueError
        If a method does not exist.
    ImportError
        If a module or function does not exist.

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
