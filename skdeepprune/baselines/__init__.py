"""Baselines with the face of the classifier: gkm-SVM, the best motif of a database, other one-layer networks."""

from skdeepprune.baselines._convolution import ConvolutionClassifier
from skdeepprune.baselines._gkm import GkmSVMClassifier
from skdeepprune.baselines._pwm import MotifScanClassifier

__all__ = ["ConvolutionClassifier", "GkmSVMClassifier", "MotifScanClassifier"]
