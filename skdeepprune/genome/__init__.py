"""Regions of a genome, their sequences, and negatives that match them."""

from skdeepprune.genome._match import Match, describe_match
from skdeepprune.genome._negatives import sample_negatives
from skdeepprune.genome._regions import region_sequences, region_table

__all__ = ["Match", "describe_match", "region_sequences", "region_table", "sample_negatives"]
