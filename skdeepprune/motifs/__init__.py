"""Motifs: extract them from kernels, read and write motif files, compare them with known motifs."""

from skdeepprune.motifs._align import Alignment, best_alignment
from skdeepprune.motifs._extract import extract_motifs
from skdeepprune.motifs._files import read_motifs, write_motifs
from skdeepprune.motifs._motif import Motif, Site
from skdeepprune.motifs._tomtom import load_jaspar, orient_to_match, tomtom

__all__ = [
    "Alignment",
    "Motif",
    "Site",
    "best_alignment",
    "extract_motifs",
    "load_jaspar",
    "orient_to_match",
    "read_motifs",
    "tomtom",
    "write_motifs",
]
