"""Deepprune for scikit-learn: few, readable convolution kernels that predict protein-DNA binding."""

__version__ = "0.1.0"
