"""Baselines for comparison: gkm-SVM, k-mer counts, the best motif in a database, other one-layer networks."""

from skdeepprune.baselines._convolution import ConvolutionClassifier
from skdeepprune.baselines._gkm import GkmSVMClassifier
from skdeepprune.baselines._kmers import KmerCounter
from skdeepprune.baselines._pwm import MotifScanClassifier

__all__ = ["ConvolutionClassifier", "GkmSVMClassifier", "KmerCounter", "MotifScanClassifier"]
