"""Baselines to measure against: gkm-SVM, counts of k-mers, the best motif of a database, other one-layer networks."""

from skdeepprune.baselines._convolution import ConvolutionClassifier
from skdeepprune.baselines._gkm import GkmSVMClassifier
from skdeepprune.baselines._kmers import KmerCounter
from skdeepprune.baselines._pwm import MotifScanClassifier

__all__ = ["ConvolutionClassifier", "GkmSVMClassifier", "KmerCounter", "MotifScanClassifier"]
