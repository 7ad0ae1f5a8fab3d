"""The arguments of the command line."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from skdeepprune._version import __version__
from skdeepprune.cli._bench import add_bench
from skdeepprune.cli._demo import demo
from skdeepprune.cli._fit import fit
from skdeepprune.cli._motifs import motifs
from skdeepprune.cli._mutate import add_mutate
from skdeepprune.cli._numbers import threads, whole_number
from skdeepprune.cli._predict import predict
from skdeepprune.cli._read import UsageError
from skdeepprune.cli._regions import negatives
from skdeepprune.cli._report import report
from skdeepprune.cli._scan import add_scan
from skdeepprune.cli._sets import MADE
from skdeepprune.cli._track import add_track
from skdeepprune.cli._variants import add_variants

__all__ = ["UsageError", "make_parser"]

_SEQUENCES = (
    "FASTA, FASTQ, DeepBind .seq or .data of the collection of 690 sets; or BED, narrowPeak or broadPeak with --genome;"
    " optionally gzipped"
)


def make_parser() -> argparse.ArgumentParser:
    """Make the argument parser, from which the reference page is generated."""
    parser = argparse.ArgumentParser(
        prog="skdeepprune",
        description="Learn a few interpretable motif detectors from DNA sequences.",
        epilog="Exit codes: 0 success, 1 bad data, 2 bad usage, 130 interrupted, 143 terminated, 129 terminal closed.",
    )
    parser.add_argument("--version", action="version", version=f"skdeepprune {__version__}")
    parsers = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for add in (_add_fit, _add_predict, _add_motifs, _add_report, _add_negatives, add_variants, add_mutate):
        add(parsers)
    for add_own in (add_scan, add_track):
        _add_common(add_own(parsers), seed=False)
    for add in (_add_demo, add_bench):
        add(parsers)
    return parser


def _add_fit(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "fit",
        help="train on a file of sequences; write model, motifs and report to a folder",
        description="Train a large network, prune it to a few kernels, and write model.safetensors, history.csv,"
        " stages.csv, motifs.meme, tomtom.csv and report.html to a folder.",
    )
    parser.add_argument("positives", metavar="SEQUENCES", help=f"bound sequences, or labeled ones; {_SEQUENCES}")
    _add_labels(parser)
    parser.add_argument("--out", metavar="FOLDER", type=Path, required=True, help="output folder")
    _add_training(parser)
    _add_targets(parser)
    parser.add_argument("--title", help="title of the report (default: the file name)")
    _add_use(parser)
    _add_common(parser)
    parser.set_defaults(run=fit)


def _add_predict(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "predict",
        help="write the binding probability of every sequence",
        description="Write a tab-separated table with the name and binding probability of every sequence, in the order"
        " of the file. For peaks it also has their coordinates, the scored region, and the reason if there is no"
        " probability. Reads in batches, so files can be of any size.",
    )
    _add_model(parser)
    parser.add_argument("sequences", metavar="SEQUENCES", help=f"{_SEQUENCES}; - for standard input")
    _add_genome(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write (default: standard output)")
    parser.add_argument("--scores", action="store_true", help="add a column with the score of every kernel")
    _add_common(parser, json=False, seed=False)
    parser.set_defaults(run=predict)


def _add_motifs(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "motifs",
        help="extract the motifs of a model's kernels from sequences",
        description="Align and count the sites of every kernel, compare the motifs with known ones, and write them.",
    )
    _add_model(parser)
    parser.add_argument("sequences", metavar="SEQUENCES", help=f"sequences to find sites in; {_SEQUENCES}; - for stdin")
    _add_genome(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write (default: standard output)")
    parser.add_argument("--format", choices=["meme", "jaspar", "transfac"], default="meme", help="(default: meme)")
    parser.add_argument("--matches", metavar="FILE", type=Path, help="also write the closest known motifs as CSV")
    _add_targets(parser)
    _add_common(parser, seed=False)
    parser.set_defaults(run=motifs)


def _add_report(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "report",
        help="write a report on a model for given sequences",
        description="Report what a model has learned, and how well it predicts the given sequences, in one HTML file.",
    )
    _add_model(parser)
    parser.add_argument("positives", metavar="SEQUENCES", help=f"bound sequences, or labeled ones; {_SEQUENCES}")
    _add_labels(parser, test=False)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="HTML file to write")
    _add_targets(parser)
    parser.add_argument("--title", help="(default: the file name)")
    _add_use(parser)
    _add_common(parser)
    parser.set_defaults(run=report)


def _add_negatives(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "negatives",
        help="sample unbound regions of a genome that resemble peaks",
        description="Sample regions of a genome that match the peaks in length, GC content and repeats (lower case) and"
        " do not overlap the peaks, excluded regions or each other; write them and report how well they match.",
    )
    parser.add_argument("peaks", metavar="PEAKS", help="BED, narrowPeak or broadPeak, optionally gzipped")
    _add_genome(parser)
    _add_regions(parser)
    parser.add_argument(
        "--match",
        choices=["gc", "repeats", "both", "nothing", "dinucleotide"],
        default="both",
        help="what to match besides length; dinucleotide writes dinucleotide shuffles of the peaks instead of regions,"
        " as FASTA (default: both)",
    )
    parser.add_argument(
        "--tolerance", metavar="SHARE", type=_share, default=0.02, help="maximum difference (default: 0.02)"
    )
    parser.add_argument(
        "--any-chromosome", action="store_true", help="sample from all chromosomes, not only that of the peak"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write (default: standard output)")
    parser.add_argument("--format", choices=["bed", "fasta"], default="bed", help="(default: bed)")
    _add_common(parser)
    parser.set_defaults(run=negatives)


def _add_regions(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("genomic regions as unbound sequences")
    group.add_argument(
        "--ratio",
        metavar="N",
        type=_above_0,
        default=1.0,
        help="number of unbound sequences of each kind per peak (default: 1)",
    )
    group.add_argument(
        "--exclude",
        metavar="BED",
        type=Path,
        action="append",
        default=[],
        help="regions to avoid, such as a blacklist or other peaks; can be repeated",
    )
    group.add_argument(
        "--margin",
        metavar="BP",
        type=whole_number(0),
        default=0,
        help="minimum distance from peaks and excluded regions (default: 0)",
    )


def _add_use(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("intended use, for the precision in the report")
    group.add_argument(
        "--recall",
        metavar="SHARE",
        type=_share_above_0,
        default=0.5,
        help="share of bound sequences to find (default: 0.5)",
    )
    group.add_argument(
        "--prevalence",
        metavar="SHARE",
        type=_share_between,
        default=0.01,
        help="share of bound sequences among those to be predicted (default: 0.01)",
    )


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return number


def _share_above_0(text: str) -> float:
    number = _share(text)
    if number == 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def _share_between(text: str) -> float:
    number = _share_above_0(text)
    if number == 1:
        raise argparse.ArgumentTypeError(f"expected a number below 1, got {text!r}")
    return number


def _chromosomes(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _add_demo(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "demo",
        help="train 256 kernels, prune them to 4, show the AUC at every size, write a report",
        description="Train 256 kernels, prune them to 4, show the AUC at every size, and write a report. Uses a"
        " simulated data set if no files are given.",
    )
    parser.add_argument(
        "--train",
        metavar="FILE",
        type=Path,
        help="training sequences, with 1 or 0 as the first word of every FASTA header; if all are bound, shuffles are"
        " added",
    )
    parser.add_argument("--test", metavar="FILE", type=Path, help="test sequences")
    parser.add_argument(
        "--kernels", metavar="N", type=whole_number(1), default=4, help="final number of kernels (default: 4)"
    )
    parser.add_argument("--engine", choices=["auto", "compiled", "tensorflow"], default="auto", help="(default: auto)")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="plot AUC and loss at every size to this file")
    parser.add_argument(
        "--report",
        metavar="FILE",
        type=Path,
        help="report file (default: skdeepprune-demo.html, or the next unused name)",
    )
    _add_common(parser, json=False)
    parser.set_defaults(run=demo, targets=None, recall=0.5, prevalence=0.01)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file written by `skdeepprune fit`")


def _add_labels(parser: argparse.ArgumentParser, *, test: bool = True) -> None:
    group = parser.add_argument_group("negatives" + (" and test sequences" if test else ""))
    group.add_argument(
        "--negatives",
        metavar="FILE",
        help="unbound sequences (default: those labeled 0, otherwise one dinucleotide shuffle of each bound sequence;"
        " for peaks also genomic regions)",
    )
    group.add_argument(
        "--labels",
        action="store_true",
        help="the first word of every FASTA header is a label, 1 bound or 0 unbound (detected if all headers have one)",
    )
    if test:
        group.add_argument("--test", metavar="FILE", help="test sequences, labeled or all bound")
        group.add_argument(
            "--test-share",
            metavar="SHARE",
            type=float,
            default=0.1,
            help="without --test, hold out about this share of the sequences for testing: whole chromosomes if at least"
            " four are known from peaks or headers, otherwise random sequences (default: 0.1)",
        )
        group.add_argument(
            "--test-chromosomes",
            metavar="NAMES",
            type=_chromosomes,
            default=[],
            help="chromosomes to test on, such as chr8,chr9",
        )
        group.add_argument(
            "--validation-chromosomes",
            metavar="NAMES",
            type=_chromosomes,
            default=[],
            help="chromosomes to validate on for early stopping (default: a tenth of the training sequences)",
        )
    group.add_argument(
        "--make",
        choices=MADE,
        help="unbound sequences to generate if none are given: shuffles; for peaks also genomic regions matched in GC"
        " content and repeats, both, or random regions (default: both for peaks, otherwise shuffles)",
    )
    _add_regions(parser)
    _add_genome(parser)


def _add_genome(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("peaks in a genome")
    group.add_argument("--genome", metavar="FASTA", type=Path, help="genome that peak files refer to")
    group.add_argument(
        "--width",
        metavar="BP",
        type=whole_number(0),
        default=101,
        help="bp around the summit, or else the midpoint, of every peak; 0 uses peaks as they are (default: 101)",
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network and training")
    group.add_argument(
        "--kernels",
        metavar="N",
        type=_number_or_auto,
        default=4,
        help="final number of kernels, or auto for the fewest that predict as well as the best size (default: 4)",
    )
    group.add_argument(
        "--prunings",
        metavar="N",
        type=whole_number(0, 100),
        default=6,
        help="number of times the kernels are halved (default: 6)",
    )
    group.add_argument("--kernel-length", metavar="BP", type=whole_number(1), default=16, help="(default: 16)")
    group.add_argument("--one-strand", action="store_true", help="scan the given strand only")
    group.add_argument(
        "--max-iter", metavar="N", type=whole_number(1), default=1000, help="maximum epochs per size (default: 1000)"
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
        help="known motifs to compare with: a MEME, JASPAR or TRANSFAC file, a JASPAR release with a taxonomic group,"
        " such as JASPAR2024:fungi or JASPAR2024:all, or none (default: JASPAR2024:vertebrates if pyjaspar is"
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
            help="random seed (default: 0)",
        )
    group.add_argument(
        "--n-jobs", metavar="N", type=threads, default=-1, help="threads; -1 for all cores (default: -1)"
    )
    group.add_argument("--force", action="store_true", help="overwrite existing files")
    group.add_argument("--quiet", action="store_true", help="show no progress")
    if json:
        group.add_argument("--json", action="store_true", help="print a summary as JSON")
