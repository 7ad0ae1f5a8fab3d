"""Baselines with the face of the classifier: gkm-SVM, and the best motif of a database."""

from skdeepprune.baselines._gkm import GkmSVMClassifier
from skdeepprune.baselines._pwm import MotifScanClassifier

__all__ = ["GkmSVMClassifier", "MotifScanClassifier"]
