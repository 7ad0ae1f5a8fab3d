"""The commands, one function each."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._model_file import load_model, save_model
from skdeepprune._writing import replacing
from skdeepprune.cli._output import log, opened_output, print_json, shows_progress
from skdeepprune.cli._paths import check_folder, check_outputs, check_standard_output, prepared_folder
from skdeepprune.cli._read import (
    Labeled,
    Rows,
    UsageError,
    opened_rows,
    read_letters,
    read_named,
    with_negatives,
)
from skdeepprune.cli._regions import (
    SET_FILES,
    describe_negatives,
    describe_sets,
    leakage_messages,
    sample_for_peaks,
    write_regions,
    write_sets,
)
from skdeepprune.cli._sets import read_sets, read_with_negatives
from skdeepprune.datasets import SimulatedDataset, load_simulated
from skdeepprune.motifs import Motif, extract_motifs, load_jaspar, read_motifs, tomtom, write_motifs
from skdeepprune.report import write_report
from skdeepprune.report._report import orient_all_to_matches

FILES = (
    *("model.safetensors", "history.csv", "stages.csv", "motifs.meme", "tomtom.csv", "report.html"),
    *SET_FILES,
)
_DEFAULT_TARGETS = "JASPAR2024:vertebrates"
# Maximum number of sequences and letters that `predict` reads at a time.
_BATCH_SEQUENCES, _BATCH_LETTERS = 20_000, 2**25


def fit(options: argparse.Namespace) -> None:
    """Train on a file, and write model, tables, motifs and report to a folder."""
    start = time.perf_counter()
    inputs = [options.positives, options.negatives, options.test, options.genome, options.targets, *options.exclude]
    check_folder(options.out, FILES, options.force, inputs=inputs)
    if options.json:
        check_standard_output("--json goes")
    targets = _targets(options)
    classifier = _classifier(options)
    sets = read_sets(options, np.random.default_rng(options.seed))
    train, validation, test = sets.train, sets.validation, sets.test
    if test is not None:
        _check_classes(test, options.test)
    if sets.kind == "shuffles" and options.ratio == 1:
        classifier.set_params(negatives="dinucleotide")
    with prepared_folder(options.out, FILES) as folder, _log_partial_results(options.out):
        log(f"Training on {train.describe()}", quiet=options.quiet)
        if validation is not None:
            log(f"Validating on {validation.describe()}", quiet=options.quiet)
        for message in leakage_messages(train, validation, test):
            log(message, quiet=False)
        held_out = {} if validation is None else {"X_val": validation.sequences, "y_val": validation.y}
        classifier.fit(train.sequences, train.y, **held_out)
        save_model(classifier, folder / "model.safetensors")
        # The remaining files of an earlier model would be inconsistent with this one.
        for name in FILES[1:]:
            (folder / name).unlink(missing_ok=True)
        _write_table(classifier.history_, folder / "history.csv")
        measured = train if test is None else test
        stages = stage_table(classifier, measured.sequences, measured.y)
        by_kind = auc_by_kind(classifier, measured)
        if test is None:
            stages = stages.drop(columns="test AUC")
        _write_table(stages, folder / "stages.csv")
        motifs, matches = _motifs(classifier, train, targets)
        write_motifs(motifs, folder / "motifs.meme")
        if matches is not None:
            _write_table(_without_matrices(matches), folder / "tomtom.csv")
        if sets.kind is not None and options.genome is not None:
            write_sets(folder, sets)
        notes = describe_sets(sets, options)
        notes |= _aucs(by_kind)
        about = {"negatives": describe_negatives(sets.kind, options), "match": sets.match}
        _report(options, classifier, train, test, motifs, matches, folder / "report.html", notes, **about)
        written = [name for name in FILES if (folder / name).exists()]
    seconds = time.perf_counter() - start
    if options.json:
        print_json(
            {
                "folder": options.out,
                "files": written,
                "n_train": len(train.y),
                "n_test": 0 if test is None else len(test.y),
                "negatives": sets.kind or "given",
                "tested_on": sets.tested_on,
                "auc_by_kind": by_kind,
                "engine": classifier.engine_,
                "stages": stages.to_dict("records"),
                "motifs": _summary(motifs, matches).to_dict("records"),
                "seconds": round(seconds, 2),
            }
        )
        return
    if sets.match is not None:
        print(f"Matched regions: {sets.match}")
    print(_as_text(stages))
    if len(by_kind) > 1:
        print(", ".join(f"AUC {auc:.3f} against {kind}" for kind, auc in by_kind.items()))
    print(_as_text(_summary(motifs, matches)))
    print(f"Wrote {', '.join(written)} to {options.out} ({seconds:.0f} s)")


def negatives(options: argparse.Namespace) -> None:
    """Sample unbound regions of a genome for peaks, and write them as BED or FASTA."""
    check_outputs([options.out], options.force, inputs=[options.peaks, options.genome, *options.exclude])
    if options.json and options.out is None:
        raise UsageError("--json and the regions both go to standard output; name a file for the regions with --out.")
    if options.json or options.out is None:
        check_standard_output("--json goes" if options.json else "The regions go")
    match, table = sample_for_peaks(options)
    with opened_output(options.out) as file:
        write_regions(table, file, as_fasta=options.format == "fasta")
    if options.json:
        values = {} if match is None else asdict(match)
        tables = {name: value.to_dict("records") for name, value in values.items() if isinstance(value, pd.DataFrame)}
        print_json({"file": options.out, **values, **tables})
    elif match is not None:
        log(str(match), quiet=options.quiet)


def predict(options: argparse.Namespace) -> None:
    """Write the binding probability of every sequence in a file."""
    check_outputs([options.out], options.force, inputs=[options.model, options.sequences, options.genome])
    if options.out is None:
        check_standard_output("The table goes")
    classifier = _loaded(options)
    first = 1
    with opened_rows(options.sequences, options) as (columns, rows), opened_output(options.out) as file:
        kernels = [f"kernel_{k}" for k in range(len(classifier.kernels_))] if options.scores else []
        for batch in _batches(rows):
            sequences = [sequence for _, sequence in batch if sequence is not None]
            try:
                numbers = iter(_numbers(classifier, sequences, scores=options.scores))
            except ValueError as error:
                where = "" if first == 1 else f" (counted from sequence {first} of the file)"
                raise ValueError(f"{options.sequences}: {error}{where}") from error
            if first == 1:
                file.write("\t".join([*columns, "probability", *kernels]) + "\n")
            nothing = [""] * (1 + len(kernels))
            for row, sequence in batch:
                scored = nothing if sequence is None else [f"{value:.6g}" for value in next(numbers)]
                file.write("\t".join([*(" ".join(value.split()) for value in row), *scored]) + "\n")
            first += len(batch)
            log(f"{first - 1:,} sequences", quiet=options.quiet or len(batch) < _BATCH_SEQUENCES)


def _batches(rows: Rows) -> Iterator[list[tuple[list[str], str | None]]]:
    """Yield rows and sequences in batches of limited size."""
    batch: list[tuple[list[str], str | None]] = []
    n_letters = 0
    for row, sequence in rows:
        batch.append((row, sequence))
        n_letters += len(sequence or "")
        if len(batch) == _BATCH_SEQUENCES or n_letters >= _BATCH_LETTERS:
            yield batch
            batch, n_letters = [], 0
    if batch:
        yield batch


def _numbers(classifier: DeepPruneClassifier, sequences: list[str], *, scores: bool) -> list[list[float]]:
    """Return the probability, and optionally the scores, of each sequence."""
    if not sequences:
        return []
    numbers = classifier.predict_proba(sequences)[:, 1:]
    return (np.column_stack([numbers, classifier.transform(sequences)]) if scores else numbers).tolist()


def motifs(options: argparse.Namespace) -> None:
    """Extract the motifs of a model's kernels from sequences, and write them."""
    inputs = [options.model, options.sequences, options.genome, options.targets]
    check_outputs([options.out, options.matches], options.force, inputs=inputs)
    if options.json and options.out is None:
        raise UsageError("--json and the motifs both go to standard output; name a file for the motifs with --out.")
    if options.json or options.out is None:
        check_standard_output("--json goes" if options.json else "The motifs go")
    targets = _targets(options)
    if options.matches is not None and targets is None:
        raise UsageError(f"--matches {options.matches}: there are no known motifs to compare with.")
    classifier = _loaded(options)
    given = read_named(options.sequences, options)
    y = None if given.labels is None or len(set(given.labels)) < 2 else given.labels
    found = extract_motifs(classifier, given.sequences, y, names=given.names)
    found, matches = _matched(found, targets)
    with opened_output(options.out) as file:
        write_motifs(found, file, options.format)
    if options.matches is not None and matches is not None:
        _write_table(_without_matrices(matches), options.matches)
    if options.json:
        print_json({"file": options.out, "motifs": _summary(found, matches).to_dict("records")})
    else:
        log(_as_text(_summary(found, matches)), quiet=options.quiet)


def report(options: argparse.Namespace) -> None:
    """Write a report on a model for given sequences."""
    inputs = [options.model, options.positives, options.negatives, options.genome, options.targets, *options.exclude]
    check_outputs([options.out], options.force, inputs=inputs)
    if options.json:
        check_standard_output("--json goes")
    targets = _targets(options)
    classifier = _loaded(options)
    made = read_with_negatives(options, np.random.default_rng(options.seed))
    data = made.data
    log(f"Reading {data.describe()}", quiet=options.quiet)
    found, matches = _motifs(classifier, data, targets)
    by_kind = auc_by_kind(classifier, data)
    notes = {"model": options.model, "sequences": options.positives, **_aucs(by_kind)}
    about = {"negatives": describe_negatives(made.kind, options), "match": made.match}
    _report(options, classifier, data, None, found, matches, options.out, notes, **about)
    if options.json:
        print_json(
            {
                "file": options.out,
                "negatives": made.kind or "given",
                "auc_by_kind": by_kind,
                "motifs": _summary(found, matches).to_dict("records"),
            }
        )
    else:
        print(f"Wrote {options.out}")


def demo(options: argparse.Namespace) -> None:
    """Train on a simulated data set or on files, show the AUC at every size, and write a report."""
    if (options.train is None) != (options.test is None):
        raise UsageError("Expected both --train and --test, or neither of them for a simulated data set.")
    report_path = options.report or _free_name("skdeepprune-demo", ".html")
    check_outputs([options.plot, report_path], options.force, inputs=[options.train, options.test])
    if options.plot is not None:
        _check_drawable(options.plot)
    targets = _targets(options)
    simulated = load_simulated(3, random_state=options.seed) if options.train is None else None
    train, test = _simulated(simulated) if simulated is not None else _demo_files(options)
    _check_classes(test, options.test)
    print(f"Training on {train.describe()}, testing on {test.describe()}", flush=True)
    classifier = DeepPruneClassifier(
        n_kernels=options.kernels,
        engine=options.engine,
        n_jobs=options.n_jobs,
        random_state=options.seed,
        verbose=shows_progress(quiet=options.quiet),
    )
    classifier.fit(train.sequences, train.y)
    print(_as_text(stage_table(classifier, test.sequences, test.y)))
    if simulated is not None:
        names = " and ".join(motif.name for motif in simulated.motifs)
        print(
            f"The planted motifs are {names}; their likelihood ratio, the optimal classifier, has AUC"
            f" {simulated.ceiling:.3f}."
        )
    found, matches = _motifs(classifier, train, targets)
    print(_as_text(_summary(found, matches)))
    if options.plot is not None:
        from skdeepprune.plots import plot_stages

        figure = plot_stages(classifier, test.sequences, test.y)[0].get_figure(root=True)
        assert figure is not None
        with replacing(options.plot) as part:
            figure.savefig(part, format=options.plot.suffix[1:].lower())
        print(f"Wrote {options.plot}")
    options.title = options.train.name if simulated is None else f"Simulated sequences with {names}"
    _report(options, classifier, train, test, found, matches, report_path, {})
    print(f"Wrote the report: {report_path.resolve()}")


def stage_table(classifier: DeepPruneClassifier, X: Any, y: Any) -> pd.DataFrame:
    """Tabulate the stages of a classifier: kernels, epochs, seconds, validation AUC, and AUC on X, y."""
    probabilities = classifier.staged_predict_proba(X)
    positive = np.asarray(y) == classifier.classes_[1]
    return pd.DataFrame(
        {
            "kernels": stage.n_kernels,
            "epochs": len(stage.epochs),
            "seconds": sum(epoch.seconds for epoch in stage.epochs),
            "validation AUC": stage.val_roc_auc,
            "test AUC": roc_auc_score(positive, probability[:, 1]),
        }
        for stage, probability in zip(classifier.stages_, probabilities, strict=True)
    )


def auc_by_kind(classifier: DeepPruneClassifier, data: Labeled) -> dict[str, float]:
    """Compute the AUC of bound sequences against each kind of unbound ones."""
    decision = classifier.decision_function(data.sequences)
    bound = data.y == 1
    aucs = {}
    for kind in dict.fromkeys(data.kinds[~bound].tolist()):
        rows = bound | (data.kinds == kind)
        aucs[str(kind)] = float(roc_auc_score(bound[rows], decision[rows]))
    return aucs


def _aucs(by_kind: dict[str, float]) -> dict[str, str]:
    """Notes for the report; empty if there is only one kind."""
    return {f"AUC against {kind}": f"{auc:.3f}" for kind, auc in by_kind.items()} if len(by_kind) > 1 else {}


def _classifier(options: argparse.Namespace) -> DeepPruneClassifier:
    return DeepPruneClassifier(
        n_kernels=options.kernels,
        n_prunings=options.prunings,
        kernel_length=options.kernel_length,
        reverse_complement=not options.one_strand,
        learning_rate_init=options.learning_rate,
        batch_size=options.batch_size,
        max_iter=options.max_iter,
        engine=options.engine,
        n_jobs=options.n_jobs,
        random_state=options.seed,
        verbose=shows_progress(quiet=options.quiet),
    )


def _loaded(options: argparse.Namespace) -> DeepPruneClassifier:
    return load_model(options.model).set_params(n_jobs=options.n_jobs, verbose=0)


def _targets(options: argparse.Namespace) -> list[Motif] | None:
    """Load the known motifs to compare with; missing ones stop the command before it does anything."""
    name = options.targets or _DEFAULT_TARGETS
    if name.lower() == "none":
        return None
    if name.upper().startswith("JASPAR") and not Path(name).exists():
        release, _, group = name.partition(":")
        if find_spec("pyjaspar") is not None:
            group = group.lower() or "vertebrates"
            return load_jaspar(release.upper(), tax_group=None if group == "all" else group)
        if options.targets:
            raise ImportError(f"--targets {name} needs pyjaspar; install it with `pip install skdeepprune[motifs]`.")
        log(
            "Motifs are not compared with known ones; for JASPAR: pip install skdeepprune[motifs].",
            quiet=options.quiet,
        )
        return None
    if not Path(name).is_file():
        raise FileNotFoundError(f"--targets {name}: expected a motif file, a release of JASPAR, or none.")
    motifs = read_motifs(name)
    if not motifs:
        raise ValueError(f"--targets {name}: the file contains no motifs; use another file, or --targets none.")
    return motifs


def _check_classes(data: Labeled, path: Any) -> None:
    """Stop before training if the test sequences are all of one class, for which there is no AUC."""
    n_bound = int((data.y == 1).sum())
    if n_bound in (0, len(data.y)):
        kind = "bound" if n_bound else "unbound"
        raise ValueError(f"--test {path}: all {len(data.y)} sequences are {kind}; expected both classes.")


def _check_drawable(path: Path) -> None:
    """Stop before training if matplotlib is not installed or does not support the format."""
    from matplotlib.backend_bases import FigureCanvasBase

    formats = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix[1:].lower() not in formats:
        raise UsageError(f"--plot {path}: expected a name that ends in one of .{', .'.join(formats)}.")


@contextmanager
def _log_partial_results(folder: Path) -> Iterator[None]:
    """If something fails after the model has been written, say which files exist."""
    try:
        yield
    except Exception:
        if written := [name for name in FILES if (folder / name).exists()]:
            log(f"Results written before the error are kept: {', '.join(written)} in {folder}", quiet=False)
        raise


def _write_table(table: pd.DataFrame, path: Path) -> None:
    with opened_output(path) as file:
        table.to_csv(file, index=False, lineterminator="\n")


def _motifs(
    classifier: DeepPruneClassifier, data: Labeled, targets: list[Motif] | None
) -> tuple[list[Motif], pd.DataFrame | None]:
    return _matched(extract_motifs(classifier, data.sequences, data.y, names=data.names), targets)


def _matched(found: list[Motif], targets: list[Motif] | None) -> tuple[list[Motif], pd.DataFrame | None]:
    return (found, None) if targets is None else orient_all_to_matches(found, tomtom(found, targets))


def _without_matrices(matches: pd.DataFrame) -> pd.DataFrame:
    return matches.drop(columns=["query_motif", "target_motif"])


def _summary(found: list[Motif], matches: pd.DataFrame | None) -> pd.DataFrame:
    """A row per motif, with its best match."""
    rows = []
    for motif in found:
        row = {
            "motif": motif.name,
            "weight": motif.weight,
            "sites": int(motif.n_sites),
            "consensus": motif.consensus,
        }
        if matches is not None:
            best = matches[matches["query"] == motif.name].iloc[0]
            row |= {
                "match": best.target,
                "accession": best.target_accession,
                "E": best.E,
                "correlation": best.correlation,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _report(
    options: argparse.Namespace,
    classifier: DeepPruneClassifier,
    data: Labeled,
    test: Labeled | None,
    found: list[Motif],
    matches: pd.DataFrame | None,
    path: Path,
    notes: dict[str, Any],
    **about: Any,
) -> None:
    write_report(
        classifier,
        data.sequences,
        data.y,
        path,
        X_test=None if test is None else test.sequences,
        y_test=None if test is None else test.y,
        names=data.names,
        test_names=None if test is None else test.names,
        motifs=found,
        targets=matches,
        title=options.title or ("Standard input" if options.positives == "-" else Path(options.positives).name),
        notes=notes if matches is None else {**notes, "compared with": options.targets or _DEFAULT_TARGETS},
        recall=options.recall,
        prevalence=options.prevalence,
        random_state=options.seed,
        **about,
    )


def _simulated(data: SimulatedDataset) -> tuple[Labeled, Labeled]:
    train, test = (
        Labeled([f"{part}_{i}" for i in range(len(y))], X, y)
        for part, X, y in (("training", data.X_train, data.y_train), ("test", data.X_test, data.y_test))
    )
    return train, test


def _demo_files(options: argparse.Namespace) -> tuple[Labeled, Labeled]:
    rng = np.random.default_rng(options.seed)
    train, test = (
        with_negatives(read_letters(path, labels=False, quiet=options.quiet), rng)
        for path in (options.train, options.test)
    )
    return train, test


def _free_name(stem: str, suffix: str) -> Path:
    """Find an unused file name in the working directory."""
    names = (Path(f"{stem}{f'-{i}' if i > 1 else ''}{suffix}") for i in count(1))
    return next(path for path in names if not path.exists())


def _as_text(table: pd.DataFrame) -> str:
    if table.empty:
        return "No kernel has a motif."
    return table.to_string(index=False, formatters={"E": "{:.1e}".format}, float_format="{:.3f}".format)
