"""Deepprune for scikit-learn: few, readable convolution kernels that predict protein-DNA binding."""

from skdeepprune import baselines, bench, datasets, genome, model_selection, motifs, plots, report, sequences
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
    "genome",
    "load_model",
    "model_selection",
    "motifs",
    "plots",
    "report",
    "save_model",
    "sequences",
]

__version__ = "0.1.0"
