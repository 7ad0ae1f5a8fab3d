"""Plots of a fitted classifier and its motifs, with matplotlib. Needs the extra ``plots``."""

from skdeepprune.plots._logos import plot_logo, plot_match
from skdeepprune.plots._mutagenesis import plot_mutagenesis
from skdeepprune.plots._stages import plot_history, plot_stages

__all__ = ["plot_history", "plot_logo", "plot_match", "plot_mutagenesis", "plot_stages"]
