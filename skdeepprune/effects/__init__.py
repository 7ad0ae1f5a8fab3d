"""What a fitted classifier says of a genome: effects of variants and of single bases."""

from skdeepprune.effects._mutagenesis import Mutagenesis, saturation_mutagenesis
from skdeepprune.effects._variants import score_variants

__all__ = ["Mutagenesis", "saturation_mutagenesis", "score_variants"]
