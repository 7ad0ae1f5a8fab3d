"""What the command line takes."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from skdeepprune._version import __version__
from skdeepprune.cli import _commands as commands
from skdeepprune.cli._bench import add_bench
from skdeepprune.cli._numbers import threads, whole_number
from skdeepprune.cli._read import UsageError
from skdeepprune.cli._sets import MADE

__all__ = ["UsageError", "make_parser"]

_SEQUENCES = (
    "FASTA, FASTQ, DeepBind's .seq or the .data of the 690-set collection, or BED, narrowPeak or broadPeak with"
    " --genome; each also gzipped"
)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line, from which its reference is generated."""
    parser = argparse.ArgumentParser(
        prog="skdeepprune",
        description="Learn a handful of readable motif detectors from DNA sequences.",
        epilog="Exit codes: 0 success, 1 bad data, 2 bad usage, 130 interrupted, 143 terminated, 129 terminal closed.",
    )
    parser.add_argument("--version", action="version", version=f"skdeepprune {__version__}")
    parsers = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for add in (_add_fit, _add_predict, _add_motifs, _add_report, _add_negatives, _add_demo, add_bench):
        add(parsers)
    return parser


def _add_fit(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "fit",
        help="train on a file of sequences; write model, motifs and report into a folder",
        description="Train a large network, prune it to a few kernels, and write model.safetensors, history.csv,"
        " stages.csv, motifs.meme, tomtom.csv and report.html into a folder.",
    )
    parser.add_argument("positives", metavar="SEQUENCES", help=f"bound sequences, or labeled ones; {_SEQUENCES}")
    _add_labels(parser)
    parser.add_argument("--out", metavar="FOLDER", type=Path, required=True, help="folder to write into")
    _add_training(parser)
    _add_targets(parser)
    parser.add_argument("--title", help="of the report (default: the name of the file)")
    _add_use(parser)
    _add_common(parser)
    parser.set_defaults(run=commands.fit)


def _add_predict(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "predict",
        help="write the probability of binding for every sequence",
        description="Write a table, separated by tabs: name and probability of binding of every sequence, in the order"
        " of the file; of peaks also where they are, what was scored, and why where there is no probability. Reads in"
        " portions, so that files of any size will do.",
    )
    _add_model(parser)
    parser.add_argument("sequences", metavar="SEQUENCES", help=f"{_SEQUENCES}; - for standard input")
    _add_genome(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write (default: standard output)")
    parser.add_argument("--scores", action="store_true", help="add a column for the score of every kernel")
    _add_common(parser, json=False, seed=False)
    parser.set_defaults(run=commands.predict)


def _add_motifs(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "motifs",
        help="write the motifs that a model's kernels read in sequences",
        description="Align and count the sites of every kernel, compare the motifs with known ones, and write them.",
    )
    _add_model(parser)
    parser.add_argument("sequences", metavar="SEQUENCES", help=f"sequences to find sites in; {_SEQUENCES}; - for stdin")
    _add_genome(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write (default: standard output)")
    parser.add_argument("--format", choices=["meme", "jaspar", "transfac"], default="meme", help="(default: meme)")
    parser.add_argument("--matches", metavar="FILE", type=Path, help="write the closest known motifs as CSV, too")
    _add_targets(parser)
    _add_common(parser, seed=False)
    parser.set_defaults(run=commands.motifs)


def _add_report(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "report",
        help="write a report of a model on sequences",
        description="Write what a model has learned, and how well it predicts the given sequences, as one HTML file.",
    )
    _add_model(parser)
    parser.add_argument("positives", metavar="SEQUENCES", help=f"bound sequences, or labeled ones; {_SEQUENCES}")
    _add_labels(parser, test=False)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="HTML file to write")
    _add_targets(parser)
    parser.add_argument("--title", help="(default: the name of the file)")
    _add_use(parser)
    _add_common(parser)
    parser.set_defaults(run=commands.report)


def _add_negatives(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "negatives",
        help="choose unbound regions of a genome that resemble peaks",
        description="Choose regions of a genome that are as long as the peaks and like them in GC content and repeats"
        " (lower case), overlap neither them nor what is excluded nor each other, and write them; say how well they"
        " match.",
    )
    parser.add_argument("peaks", metavar="PEAKS", help="BED, narrowPeak or broadPeak, also gzipped")
    _add_genome(parser)
    _add_regions(parser)
    parser.add_argument(
        "--match",
        choices=["gc", "repeats", "both", "nothing", "dinucleotide"],
        default="both",
        help="what a region has in common with its peak besides the length; dinucleotide gives no regions, but shuffles"
        " of the peaks, as FASTA (default: both)",
    )
    parser.add_argument(
        "--tolerance", metavar="SHARE", type=_share, default=0.02, help="by how much it may differ (default: 0.02)"
    )
    parser.add_argument(
        "--any-chromosome", action="store_true", help="look on all chromosomes, not on that of the peak alone"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write (default: standard output)")
    parser.add_argument("--format", choices=["bed", "fasta"], default="bed", help="(default: bed)")
    _add_common(parser)
    parser.set_defaults(run=commands.negatives)


def _add_regions(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("regions of a genome as unbound sequences")
    group.add_argument(
        "--ratio",
        metavar="N",
        type=_above_0,
        default=1.0,
        help="unbound sequences, of each kind, per peak (default: 1)",
    )
    group.add_argument(
        "--exclude",
        metavar="BED",
        type=Path,
        action="append",
        default=[],
        help="where no unbound region may be, such as a blacklist or other peaks; may be given several times",
    )
    group.add_argument(
        "--margin", metavar="BP", type=whole_number(0), default=0, help="distance from peaks and from what is excluded"
    )


def _add_use(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("use, for the precision in the report")
    group.add_argument(
        "--recall",
        metavar="SHARE",
        type=_share_above_0,
        default=0.5,
        help="of the bound sequences to find (default: 0.5)",
    )
    group.add_argument(
        "--prevalence",
        metavar="SHARE",
        type=_share_between,
        default=0.01,
        help="of bound sequences among all that will be predicted (default: 0.01)",
    )


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, got {text!r}")
    return number


def _share_above_0(text: str) -> float:
    number = _share(text)
    if number == 0:
        raise argparse.ArgumentTypeError(f"expected a share above 0, got {text!r}")
    return number


def _share_between(text: str) -> float:
    number = _share_above_0(text)
    if number == 1:
        raise argparse.ArgumentTypeError(f"expected a share below 1, got {text!r}")
    return number


def _chromosomes(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _add_demo(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "demo",
        help="train 256 kernels, prune them to 4, show the AUC at every size, write a report",
        description="Train 256 kernels, prune them to 4, show the AUC at every size, and write a report. Without files"
        " on a simulated set.",
    )
    parser.add_argument(
        "--train",
        metavar="FILE",
        type=Path,
        help="training sequences, with 1 or 0 as the first word of every FASTA header; to bound ones alone shuffles are"
        " added",
    )
    parser.add_argument("--test", metavar="FILE", type=Path, help="test sequences")
    parser.add_argument(
        "--kernels", metavar="N", type=whole_number(1), default=4, help="kernels left in the end (default: 4)"
    )
    parser.add_argument("--engine", choices=["auto", "compiled", "tensorflow"], default="auto", help="(default: auto)")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw AUC and loss at every size into this file")
    parser.add_argument(
        "--report",
        metavar="FILE",
        type=Path,
        help="file of the report (default: skdeepprune-demo.html, or the next free name)",
    )
    _add_common(parser, json=False)
    parser.set_defaults(run=commands.demo, targets=None, recall=0.5, prevalence=0.01)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file that `skdeepprune fit` wrote")


def _add_labels(parser: argparse.ArgumentParser, *, test: bool = True) -> None:
    group = parser.add_argument_group("negatives" + (" and test sequences" if test else ""))
    group.add_argument(
        "--negatives",
        metavar="FILE",
        help="unbound sequences (default: those labeled 0, or else one dinucleotide shuffle of each bound sequence;"
        " for peaks regions of the genome, too)",
    )
    group.add_argument(
        "--labels",
        action="store_true",
        help="the first word of every FASTA header is a label, 1 bound or 0 unbound (found by itself where all are)",
    )
    if test:
        group.add_argument("--test", metavar="FILE", help="labeled sequences, or bound ones, to test on")
        group.add_argument(
            "--test-share",
            metavar="SHARE",
            type=float,
            default=0.1,
            help="without --test, keep about this share out of training and test on it: whole chromosomes, if at least"
            " four are known from peaks or headers, else sequences at random (default: 0.1)",
        )
        group.add_argument(
            "--test-chromosomes", metavar="NAMES", type=_chromosomes, default=[], help="test on these: chr8,chr9"
        )
        group.add_argument(
            "--validation-chromosomes",
            metavar="NAMES",
            type=_chromosomes,
            default=[],
            help="hold out these to tell when to stop (default: a tenth of the training sequences)",
        )
    group.add_argument(
        "--make",
        choices=MADE,
        help="unbound sequences to make where none are given: for peaks regions of the genome that match them in GC"
        " content and repeats, dinucleotide shuffles, both, or random regions (default: both for peaks, else"
        " shuffles)",
    )
    _add_regions(parser)
    _add_genome(parser)


def _add_genome(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("peaks of a genome")
    group.add_argument("--genome", metavar="FASTA", type=Path, help="genome that files of peaks refer to")
    group.add_argument(
        "--width",
        metavar="BP",
        type=whole_number(0),
        default=101,
        help="bp around the summit, or the middle, of every peak; 0 takes peaks as they are (default: 101)",
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network and training")
    group.add_argument(
        "--kernels",
        metavar="N",
        type=_number_or_auto,
        default=4,
        help="kernels left in the end, or auto for as few as predict as well as the best size (default: 4)",
    )
    group.add_argument(
        "--prunings", metavar="N", type=whole_number(0, 100), default=6, help="how often half is pruned (default: 6)"
    )
    group.add_argument("--kernel-length", metavar="BP", type=whole_number(1), default=16, help="(default: 16)")
    group.add_argument("--one-strand", action="store_true", help="read the given strand only")
    group.add_argument(
        "--max-iter", metavar="N", type=whole_number(1), default=1000, help="most epochs per size (default: 1000)"
    )
    group.add_argument("--batch-size", metavar="N", type=whole_number(1), default=256, help="(default: 256)")
    group.add_argument("--learning-rate", metavar="RATE", type=_above_0, default=0.01, help="(default: 0.01)")
    group.add_argument("--engine", choices=["auto", "compiled", "tensorflow"], default="auto", help="(default: auto)")


def _number_or_auto(text: str) -> int | str:
    return text if text == "auto" else whole_number(1)(text)


def _above_0(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def _add_targets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--targets",
        metavar="MOTIFS",
        help="known motifs to compare with: a MEME, JASPAR or TRANSFAC file, a release of JASPAR with a group of"
        " species, such as JASPAR2024:fungi or JASPAR2024:all, or none (default: JASPAR2024:vertebrates if pyjaspar is"
        " installed)",
    )


def _add_common(parser: argparse.ArgumentParser, *, json: bool = True, seed: bool = True) -> None:
    group = parser.add_argument_group("general")
    if seed:
        group.add_argument(
            "--seed",
            metavar="N",
            type=whole_number(0, 2**32 - 1),
            default=0,
            help="determines everything random (default: 0)",
        )
    group.add_argument(
        "--n-jobs", metavar="N", type=threads, default=-1, help="threads; -1 for all cores (default: -1)"
    )
    group.add_argument("--force", action="store_true", help="overwrite files that are there")
    group.add_argument("--quiet", action="store_true", help="show no progress")
    if json:
        group.add_argument("--json", action="store_true", help="print a summary as JSON")
