"""The command ``mutate``: the effects of all single-base substitutions in sequences."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._model_file import load_model
from skdeepprune._writing import replacing
from skdeepprune.cli._numbers import threads, whole_number
from skdeepprune.cli._output import log, opened_output, shows_progress
from skdeepprune.cli._paths import check_outputs, check_standard_output
from skdeepprune.cli._read import Named, UsageError, read_named
from skdeepprune.effects import Mutagenesis, saturation_mutagenesis
from skdeepprune.effects._mutagenesis import Output

# Sequences per batch of rows.
_BATCH = 500
_MODISCO = ("one_hot.npz", "contributions.npz")


def add_mutate(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = parsers.add_parser(
        "mutate",
        help="write the effects of all single-base substitutions in sequences",
        description="Substitute every base of every sequence by each of the others, and write the change in log-odds: a"
        " tab-separated table with a row per substitution, or a NumPy .npz file with the arrays names, delta"
        " (sequences, positions, 4), codes and log_odds.",
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file written by `skdeepprune fit`")
    parser.add_argument(
        "sequences", metavar="SEQUENCES", help="FASTA or FASTQ, or BED or narrowPeak with --genome; - for stdin"
    )
    parser.add_argument("--genome", metavar="FASTA", type=Path, help="genome that peak files refer to")
    parser.add_argument(
        "--width",
        metavar="BP",
        type=whole_number(0),
        default=101,
        help="bp around the summit, or else the midpoint, of every peak; 0 uses peaks as they are (default: 101)",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="file to write: arrays if its name ends in .npz, otherwise a table (default: a table, to standard output)",
    )
    parser.add_argument(
        "--scores", action="store_true", help="changes in the score of every kernel instead of the log-odds"
    )
    parser.add_argument(
        "--modisco",
        metavar="FOLDER",
        type=Path,
        help=f"also write {' and '.join(_MODISCO)}, the input of TF-MoDISco, to this folder",
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="also plot one sequence to this file")
    parser.add_argument("--sequence", metavar="NAME", help="the sequence to plot (default: the first)")
    group = parser.add_argument_group("general")
    group.add_argument(
        "--n-jobs", metavar="N", type=threads, default=-1, help="threads; -1 for all cores (default: -1)"
    )
    group.add_argument("--force", action="store_true", help="overwrite existing files")
    group.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=mutate)


def mutate(options: argparse.Namespace) -> None:
    """Write the effects of all single-base substitutions."""
    modisco = [] if options.modisco is None else [options.modisco / name for name in _MODISCO]
    if options.modisco is not None and not options.modisco.is_dir():
        raise UsageError(f"--modisco {options.modisco}: the folder does not exist; create it first.")
    inputs = [options.model, options.sequences, options.genome]
    check_outputs([options.out, options.plot, *modisco], options.force, inputs=inputs)
    if options.scores and (modisco or options.plot is not None):
        raise UsageError("--modisco and --plot need changes in log-odds; leave out --scores.")
    if options.out is None:
        check_standard_output("The table goes")
    classifier = load_model(options.model).set_params(n_jobs=options.n_jobs, verbose=0)
    given = read_named(options.sequences, options)
    drawn = _row_of(options, given)
    if options.out is not None and options.out.suffix == ".npz":
        result = saturation_mutagenesis(classifier, given.sequences, output=_output(options))
        with replacing(options.out) as part, open(part, "wb") as file:
            names = np.array(given.names)
            np.savez_compressed(file, names=names, delta=result.delta, codes=result.codes, log_odds=result.log_odds)
    else:
        _write_table(options, classifier, given)
    if modisco:
        saturation_mutagenesis(classifier, given.sequences).write_modisco(*modisco)
    if options.plot is not None:
        _draw(options.plot, saturation_mutagenesis(classifier, [given.sequences[drawn]]), given.names[drawn])
    written = [path for path in (options.out, *modisco, options.plot) if path is not None]
    if written:
        log(f"Wrote {', '.join(map(str, written))}", quiet=options.quiet)


def _output(options: argparse.Namespace) -> Output:
    return "scores" if options.scores else "log-odds"


def _row_of(options: argparse.Namespace, given: Named) -> int:
    """Find the sequence to plot."""
    if options.sequence is None:
        return 0
    if options.sequence not in given.names:
        names = ", ".join(map(repr, given.names[:3]))
        raise UsageError(
            f"--sequence {options.sequence}: {options.sequences} has no sequence of that name, but {names}."
        )
    return given.names.index(options.sequence)


def _write_table(options: argparse.Namespace, classifier: DeepPruneClassifier, given: Named) -> None:
    n = len(given.names)
    bar = tqdm(total=n, unit=" sequences", disable=not shows_progress(quiet=options.quiet))
    with opened_output(options.out) as file, bar:
        for start in range(0, n, _BATCH):
            part = slice(start, start + _BATCH)
            result = saturation_mutagenesis(classifier, given.sequences[part], output=_output(options))
            table = result.to_frame(given.names[part])
            table.to_csv(file, sep="\t", index=False, header=start == 0, float_format="%.6g", lineterminator="\n")
            bar.update(len(result))


def _draw(path: Path, result: Mutagenesis, name: str) -> None:
    from skdeepprune.plots import plot_mutagenesis

    axes = plot_mutagenesis(result)
    axes[0].set_title(name, loc="left", fontsize="medium")
    figure = axes[0].get_figure(root=True)
    assert figure is not None
    with replacing(path) as part:
        figure.savefig(part, format=path.suffix[1:].lower() or "png")
