"""DNA sequences: byte codes, the other strand, shuffles, files."""

from skdeepprune._reading import FileFormatError
from skdeepprune.sequences._codes import decode, encode, left_justify, reverse_complement, sequence_lengths
from skdeepprune.sequences._files import SequenceRecord, SequenceSet, iter_sequences, read_sequences
from skdeepprune.sequences._genome import Genome
from skdeepprune.sequences._one_hot import from_one_hot, one_hot
from skdeepprune.sequences._regions import Region, read_regions
from skdeepprune.sequences._shuffle import dinucleotide_shuffle, shuffle_codes
from skdeepprune.sequences._strings import as_strings

__all__ = [
    "FileFormatError",
    "Genome",
    "Region",
    "SequenceRecord",
    "SequenceSet",
    "as_strings",
    "decode",
    "dinucleotide_shuffle",
    "encode",
    "from_one_hot",
    "iter_sequences",
    "left_justify",
    "one_hot",
    "read_regions",
    "read_sequences",
    "reverse_complement",
    "sequence_lengths",
    "shuffle_codes",
]
