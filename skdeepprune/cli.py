"""The command line: ``skdeepprune``, or ``python -m skdeepprune``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune.datasets import SequenceDataset, SimulatedDataset, load_simulated
from skdeepprune.sequences import dinucleotide_shuffle, read_sequences


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, default=None
        Without the program's name. By default those it was called with.

    Returns
    -------
    int
        Exit code: 0 for success, 1 for bad data, 130 when interrupted. Bad usage exits with 2.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError, ImportError) as error:
        print(f"skdeepprune: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("skdeepprune: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skdeepprune", description="Learn a handful of readable motif detectors from DNA sequences."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="train 256 kernels, prune them to 4, show the AUC at every size",
        description="Train 256 kernels, prune them to 4, show the AUC at every size. Without files on a simulated set.",
    )
    demo.add_argument("--train", metavar="FILE", type=Path, help="training sequences; without negatives, shuffles are")
    demo.add_argument("--test", metavar="FILE", type=Path, help="test sequences")
    demo.add_argument("--kernels", metavar="N", type=int, default=4, help="kernels left in the end (default: 4)")
    demo.add_argument("--engine", choices=["auto", "compiled", "tensorflow"], default="auto")
    demo.add_argument("--seed", type=int, default=0, help="determines everything random (default: 0)")
    demo.add_argument("--plot", metavar="FILE", type=Path, help="draw AUC and loss at every size into this file")
    demo.set_defaults(run=_demo)
    return parser


def _demo(options: argparse.Namespace) -> None:
    if (options.train is None) != (options.test is None):
        raise ValueError("Expected both --train and --test, or neither of them for a simulated set.")
    if options.train is None:
        data: SequenceDataset = load_simulated(3, random_state=options.seed)
    else:
        data = _read_dataset(options.train, options.test, options.seed)
    print(f"Training on {_counts(data.X_train, data.y_train)}, testing on {_counts(data.X_test, data.y_test)}")
    classifier = DeepPruneClassifier(
        n_kernels=options.kernels, engine=options.engine, random_state=options.seed, verbose=1
    )
    classifier.fit(data.X_train, data.y_train)
    print(stage_table(classifier, data.X_test, data.y_test).to_string(index=False, float_format="{:.3f}".format))
    if isinstance(data, SimulatedDataset):
        names = " and ".join(motif.name for motif in data.motifs)
        print(
            f"{names} are planted here; their likelihood ratio, which no classifier beats, has AUC {data.ceiling:.3f}."
        )
    if options.plot is not None:
        from skdeepprune.plots import plot_stages

        figure = plot_stages(classifier, data.X_test, data.y_test)[0].get_figure(root=True)
        assert figure is not None
        figure.savefig(options.plot)
        print(f"Wrote {options.plot}")


def stage_table(classifier: DeepPruneClassifier, X: Any, y: Any) -> pd.DataFrame:
    """Tabulate what the classifier reaches at every size: kernels, epochs, seconds, AUC held out and on X, y."""
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


def _read_dataset(train: Path, test: Path, seed: int) -> SequenceDataset:
    rng = np.random.default_rng(seed)
    X_train, y_train = _read_labeled(train, rng)
    X_test, y_test = _read_labeled(test, rng)
    return SequenceDataset(name=train.name, X_train=X_train, y_train=y_train, X_test=X_test, y_test=y_test)


def _read_labeled(path: Path, rng: np.random.Generator) -> tuple[Any, Any]:
    """Sequences and labels of a file; for positives alone, with their shuffles as negatives."""
    found = read_sequences(path, labels_in_names=True)
    labels = found.labels
    sequences = np.array(found.sequences)
    if labels is None or (labels == 1).all():
        shuffles = dinucleotide_shuffle(found.sequences, random_state=rng)
        sequences = np.concatenate([sequences, shuffles])
        labels = np.repeat([1, 0], len(shuffles))
    return sequences, labels


def _counts(X: Any, y: Any) -> str:
    lengths = sorted({len(sequence) for sequence in X})
    span = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    return f"{np.sum(y == 1)} bound and {np.sum(y == 0)} unbound sequences of {span} bp"
