"""The command ``track``: a model's log-odds along a genome, as bigWig."""

from __future__ import annotations

import argparse
from pathlib import Path

from skdeepprune._model_file import load_model
from skdeepprune.cli._numbers import whole_number
from skdeepprune.cli._output import log, print_json, shows_progress
from skdeepprune.cli._paths import check_outputs, check_standard_output
from skdeepprune.effects import track as write_track
from skdeepprune.effects._track import kernel_path


def add_track(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command to the parser."""
    parser = parsers.add_parser(
        "track",
        help="write a model's log-odds along a genome as bigWig",
        description="Write the log-odds of a sliding window along a genome as bigWig, for genome browsers.",
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file written by `skdeepprune fit`")
    parser.add_argument("genome", metavar="GENOME", type=Path, help="genome, FASTA, optionally gzipped")
    parser.add_argument("--regions", metavar="BED", help="only these regions; BED, narrowPeak or broadPeak")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="bigWig file to write")
    parser.add_argument(
        "--window",
        metavar="BP",
        type=whole_number(1),
        help="window length (default: that of the training sequences)",
    )
    parser.add_argument(
        "--step", metavar="BP", type=whole_number(1), default=10, help="distance between windows (default: 10)"
    )
    parser.add_argument(
        "--kernels", action="store_true", help="also write the motif scores of every kernel, to FILE.kernel_0.bw ..."
    )
    parser.set_defaults(run=track)
    return parser


def track(options: argparse.Namespace) -> None:
    """Write a model's log-odds along a genome."""
    if options.json:
        check_standard_output("--json goes")
    classifier = load_model(options.model)
    n_kernels = len(classifier.kernels_) if options.kernels else 0
    outputs = [options.out, *(kernel_path(options.out, k) for k in range(n_kernels))]
    check_outputs(outputs, options.force, inputs=[options.model, options.genome, options.regions])
    files = write_track(
        classifier,
        options.genome,
        options.out,
        options.regions,
        window=options.window,
        step=options.step,
        kernels=options.kernels,
        n_jobs=options.n_jobs,
        verbose=shows_progress(quiet=options.quiet),
    )
    if options.json:
        print_json({"files": files})
    else:
        log(f"Wrote {', '.join(map(str, files))}", quiet=options.quiet)
