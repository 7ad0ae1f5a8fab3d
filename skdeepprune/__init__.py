"""Deepprune for scikit-learn: few, readable convolution kernels that predict protein-DNA binding."""

from skdeepprune import datasets, plots, sequences
from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._onehot import OneHotDNA

__all__ = ["DeepPruneClassifier", "OneHotDNA", "__version__", "datasets", "plots", "sequences"]

__version__ = "0.1.0"
