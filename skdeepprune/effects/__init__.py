"""What a model says of a genome: where its kernels have hits, and the log-odds along it."""

from skdeepprune.effects._scan import scan, scan_to_bed
from skdeepprune.effects._track import track

__all__ = ["scan", "scan_to_bed", "track"]
