"""Deepprune for scikit-learn: few, readable convolution kernels that predict protein-DNA binding."""

from skdeepprune import baselines, bench, datasets, genome, model_selection, motifs, plots, report, sequences
from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._interruption import InterruptedFitWarning
from skdeepprune._model_file import load_model, save_model
from skdeepprune._network import Network
from skdeepprune._onehot import OneHotDNA
from skdeepprune._pruning import saliency, score_and_weight_importance, score_importance, weight_importance
from skdeepprune._training import Epoch, Stage

__all__ = [
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

__version__ = "0.1.0"
