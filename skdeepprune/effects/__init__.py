"""Applying a fitted classifier to a genome: effects of variants and single bases, hits of kernels, tracks."""

from skdeepprune.effects._mutagenesis import Mutagenesis, saturation_mutagenesis
from skdeepprune.effects._scan import scan, scan_to_bed
from skdeepprune.effects._track import track
from skdeepprune.effects._variants import score_variants

__all__ = ["Mutagenesis", "saturation_mutagenesis", "scan", "scan_to_bed", "score_variants", "track"]
