"""Deepprune for scikit-learn: predict protein-DNA binding with a few interpretable convolution kernels."""

from __future__ import annotations

from skdeepprune._version import __version__

# Not imported from typing: that takes milliseconds, during which the command line does not handle interruptions.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from skdeepprune import (
        baselines,
        bench,
        datasets,
        effects,
        genome,
        model_selection,
        motifs,
        plots,
        report,
        sequences,
    )
    from skdeepprune._classifier import DeepPruneClassifier
    from skdeepprune._interruption import InterruptedFitWarning
    from skdeepprune._model_file import load_model, save_model
    from skdeepprune._network import Network
    from skdeepprune._onehot import OneHotDNA
    from skdeepprune._paper import PAPER_SETTINGS
    from skdeepprune._pruning import saliency, score_and_weight_importance, score_importance, weight_importance
    from skdeepprune._training import Epoch, Stage

__all__ = [
    "PAPER_SETTINGS",
    "DeepPruneClassifier",
    "Epoch",
    "InterruptedFitWarning",
    "Network",
    "OneHotDNA",
    "Stage",
    "__version__",
    "baselines",
    "bench",
    "datasets",
    "effects",
    "genome",
    "load_model",
    "model_selection",
    "motifs",
    "plots",
    "report",
    "saliency",
    "save_model",
    "score_and_weight_importance",
    "score_importance",
    "sequences",
    "weight_importance",
]

# Imported lazily, so that the command line handles interruptions from the start.
_HOMES = {
    "DeepPruneClassifier": "_classifier",
    "Epoch": "_training",
    "InterruptedFitWarning": "_interruption",
    "Network": "_network",
    "OneHotDNA": "_onehot",
    "PAPER_SETTINGS": "_paper",
    "Stage": "_training",
    "load_model": "_model_file",
    "saliency": "_pruning",
    "save_model": "_model_file",
    "score_and_weight_importance": "_pruning",
    "score_importance": "_pruning",
    "weight_importance": "_pruning",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        value = getattr(import_module(f"skdeepprune.{_HOMES[name]}"), name)
    elif name in __all__:
        value = import_module(f"skdeepprune.{name}")
    else:
        raise AttributeError(f"module 'skdeepprune' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
