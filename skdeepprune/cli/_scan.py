"""The command ``scan``: hits of a model's kernels in a genome, as BED."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from skdeepprune._model_file import load_model
from skdeepprune.cli._output import log, opened_output, print_json, shows_progress
from skdeepprune.cli._paths import check_outputs, check_standard_output
from skdeepprune.cli._read import UsageError
from skdeepprune.effects import scan_to_bed

_MATCHES = "tomtom.csv"
# Maximum E-value for naming a kernel after a known motif.
_MAX_E = 0.05


def add_scan(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command to the parser."""
    parser = parsers.add_parser(
        "scan",
        help="write the hits of a model's kernels in a genome as BED",
        description="Write the windows of a genome, or of sequences, where a kernel has an activation with a low"
        " p-value, as BED: chrom, start, end, name, score (-10 log10 p), strand, activation, p, q.",
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file written by `skdeepprune fit`")
    parser.add_argument("genome", metavar="GENOME", type=Path, help="genome or sequences, FASTA, optionally gzipped")
    parser.add_argument("--regions", metavar="BED", help="scan only these regions; BED, narrowPeak or broadPeak")
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write (default: standard output)")
    parser.add_argument(
        "--p-value", metavar="P", type=_probability, default=1e-4, help="maximum p-value of a hit (default: 1e-4)"
    )
    parser.add_argument(
        "--background",
        metavar="A,C,G,T",
        type=_background,
        help="background frequencies, or uniform (default: those of the whole genome)",
    )
    parser.add_argument("--no-q", action="store_true", help="leave out q-values")
    parser.add_argument(
        "--matches",
        metavar="CSV",
        type=Path,
        help=f"known motifs to name kernels after, as written by `fit`, if the E-value is at most {_MAX_E} (default:"
        f" {_MATCHES} in the folder of MODEL, if it exists)",
    )
    parser.set_defaults(run=scan)
    return parser


def scan(options: argparse.Namespace) -> None:
    """Write the hits of a model's kernels."""
    inputs = [options.model, options.genome, options.regions, options.matches]
    check_outputs([options.out], options.force, inputs=inputs)
    if options.json and options.out is None:
        raise UsageError("--json and the hits both go to standard output; name a file for the hits with --out.")
    if options.json or options.out is None:
        check_standard_output("--json goes" if options.json else "The hits go")
    classifier = load_model(options.model)
    with opened_output(options.out) as file:
        found = scan_to_bed(
            classifier,
            options.genome,
            file,
            options.regions,
            p_value=options.p_value,
            background=options.background,
            q_values=not options.no_q,
            names=_kernel_names(options, len(classifier.kernels_)),
            n_jobs=options.n_jobs,
            verbose=shows_progress(quiet=options.quiet),
        )
    if options.json:
        print_json({"file": options.out, "kernels": found.to_dict("records")})
    else:
        log(found.to_string(index=False, float_format="{:.6g}".format), quiet=options.quiet)


def _kernel_names(options: argparse.Namespace, n_kernels: int) -> list[str]:
    """Name the kernels by index, with their best known motifs if there are any."""
    names = [f"kernel_{k}" for k in range(n_kernels)]
    path = options.matches or options.model.with_name(_MATCHES)
    if options.matches is None and not path.is_file():
        return names
    try:
        matches = pd.read_csv(path)[["query", "target", "E"]]
    except (KeyError, ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{path}: expected a table with the columns query, target and E ({error}).") from error
    best = matches[matches["E"] <= _MAX_E].sort_values("E", kind="stable").drop_duplicates("query")
    known = dict(zip(best["query"], best["target"].astype(str), strict=True))
    return [f"{name}:{'_'.join(known[name].split())}" if name in known else name for name in names]


def _probability(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"expected a probability above 0 and at most 1, got {text!r}")
    return number


def _background(text: str) -> str | list[float]:
    if text == "uniform":
        return text
    try:
        shares = [float(share) for share in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) != 4 or not all(0 < share < float("inf") for share in shares):
        raise argparse.ArgumentTypeError(f"expected four numbers above 0 such as 0.3,0.2,0.2,0.3, got {text!r}")
    return shares
