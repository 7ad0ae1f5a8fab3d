"""Deepprune for scikit-learn: few, readable convolution kernels that predict protein-DNA binding."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skdeepprune import baselines, bench, datasets, motifs, plots, report, sequences
    from skdeepprune._classifier import DeepPruneClassifier
    from skdeepprune._model_file import load_model, save_model
    from skdeepprune._onehot import OneHotDNA

__all__ = [
    "DeepPruneClassifier",
    "OneHotDNA",
    "__version__",
    "baselines",
    "bench",
    "datasets",
    "load_model",
    "motifs",
    "plots",
    "report",
    "save_model",
    "sequences",
]

__version__ = "0.1.0"

# Loaded when they are asked for, so that the command line can answer an interruption from its first moment on.
_HOMES = {
    "DeepPruneClassifier": "_classifier",
    "OneHotDNA": "_onehot",
    "load_model": "_model_file",
    "save_model": "_model_file",
}


def __getattr__(name: str) -> Any:
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
