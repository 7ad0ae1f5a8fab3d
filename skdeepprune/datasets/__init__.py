"""Data sets: simulated ones with known ground truth, and published ChIP-seq collections, local or downloaded."""

from skdeepprune.datasets._collections import SequenceDataset, list_datasets, load_deepbind, load_fastsk, load_zeng
from skdeepprune.datasets._fetch import fetch_deepbind, fetch_zeng
from skdeepprune.datasets._jaspar import load_planted_motifs
from skdeepprune.datasets._likelihood import ceiling_auc, log_likelihood_ratio
from skdeepprune.datasets._simulated import PlantedSequences, SimulatedDataset, load_simulated, make_motif_sequences

__all__ = [
    "PlantedSequences",
    "SequenceDataset",
    "SimulatedDataset",
    "ceiling_auc",
    "fetch_deepbind",
    "fetch_zeng",
    "list_datasets",
    "load_deepbind",
    "load_fastsk",
    "load_planted_motifs",
    "load_simulated",
    "load_zeng",
    "log_likelihood_ratio",
    "make_motif_sequences",
]
