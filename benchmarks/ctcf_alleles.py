"""Which of two alleles CTCF prefers: predictions of a model trained on peaks, and binding in another cell line.

    python benchmarks/ctcf_alleles.py DATA [--kernels 16] [--kernel-length 16] [--composition 6] [--positives N]
        [--seed 0] [--model FILE] [--out FILE.csv]

DATA is the folder of the real data sets. The model is trained on the CTCF set of zeng/ (WERI-Rb-1, 101 bp, shuffles),
and tested on the 396 pairs of genome/ctcf_asb/ (GM12878, Shi 2016): sequences of 100 bp that differ in one base, one of
which is bound more strongly. A row gives the fraction of pairs in which that one has the higher log-odds; the published
figure for deltaSVM is 83.5 % of 297 of them.
"""

import argparse
import csv
import os
import subprocess
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.metrics import roc_auc_score

from skdeepprune import DeepPruneClassifier, load_model, save_model
from skdeepprune.datasets import load_zeng
from skdeepprune.sequences import read_sequences

FIELDS = [
    "kernels",
    "kernel_length",
    "composition",
    "positives",
    "seed",
    "test_auc",
    "pairs",
    "preferred",
    "preferred_of_larger_half",
    "seconds",
    "commit",
]


def main() -> None:
    """Train or load the model, evaluate the pairs, append a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--kernels", type=int, default=16)
    parser.add_argument("--positives", type=int, help="number of training positives, and of negatives (default: all)")
    parser.add_argument("--kernel-length", type=int, default=16)
    parser.add_argument("--composition", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, help="file to load the model from, or to save it to")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "ctcf_alleles.csv")
    options = parser.parse_args()
    data = load_zeng(options.data / "zeng", "wgEncodeAwgTfbsUwWerirb1CtcfUniPk")
    start, seconds = time.perf_counter(), ""
    if options.model is not None and options.model.exists():
        classifier = load_model(options.model)
    else:
        classifier = fitted(data, options)
        seconds = f"{time.perf_counter() - start:.0f}"
    bound, unbound = (
        classifier.decision_function(
            read_sequences(options.data / "genome/ctcf_asb" / f"CTCF_{name}_alleles.fa").sequences
        )
        for name in ("binding", "nonbinding")
    )
    delta = bound - unbound
    larger = np.abs(delta) >= np.median(np.abs(delta))
    row = {
        "kernels": len(classifier.kernels_),
        "kernel_length": classifier.kernels_.shape[1],
        "composition": classifier.stages_[-1].network.word_length,
        "positives": options.positives or int(np.sum(data.y_train == 1)),
        "seed": options.seed,
        "test_auc": f"{roc_auc_score(data.y_test, classifier.decision_function(data.X_test)):.4f}",
        "pairs": len(delta),
        "preferred": f"{np.mean(delta > 0):.4f}",
        "preferred_of_larger_half": f"{np.mean(delta[larger] > 0):.4f}",
        "seconds": seconds,
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip(),
    }
    print(row)
    is_new = not options.out.exists()
    with open(options.out, "a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def fitted(data, options) -> DeepPruneClassifier:
    """Train on the whole set, or on a sample of equally many positives and negatives."""
    X, y = np.asarray(data.X_train, dtype=object), np.asarray(data.y_train)
    if options.positives is not None:
        rng = np.random.default_rng(options.seed)
        chosen = [rng.permutation(np.flatnonzero(y == label))[: options.positives] for label in (0, 1)]
        rows = np.concatenate(chosen)
        X, y = X[rows], y[rows]
    n_prunings = max(int(np.log2(256 / options.kernels)), 0)
    classifier = DeepPruneClassifier(
        options.kernels,
        n_prunings=n_prunings,
        kernel_length=options.kernel_length,
        composition=options.composition,
        random_state=options.seed,
    ).fit(X, y)
    if options.model is not None:
        save_model(classifier, options.model)
    return classifier


if __name__ == "__main__":
    main()
