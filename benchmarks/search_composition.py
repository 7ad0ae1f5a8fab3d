"""The search for the composition term's defaults: variants tried, data sets, and results.

    python benchmarks/search_composition.py --data FOLDER                  # all trials: hours
    python benchmarks/search_composition.py --data FOLDER --trials "as the package" "no composition"
    python benchmarks/search_composition.py --summary

Every trial is the package's classifier with one internal change. Its test AUC at every size is a row of
benchmarks/results/search_composition.csv, whether the change was adopted or not. Existing rows are not computed again.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from skdeepprune import DeepPruneClassifier, _network, _training, _word_penalty
from skdeepprune._engines import _compiled
from skdeepprune._pruning import saliency
from skdeepprune.datasets import list_datasets, load_deepbind, load_fastsk, load_simulated

RESULTS = Path(__file__).parent / "results" / "search_composition.csv"
SETS = ("simulated-1", "simulated-5", "SERBP1", "SUZ12", "TBP", "TCF12", "ZBTB7A", "JUND")
Change = Callable[[ExitStack], None]


def setting(module: Any, name: str, value: Any) -> Change:
    return lambda stack: stack.enter_context(patch.object(module, name, value))


def fixed(precision: float) -> Change:
    """The same strength at all sizes: a Gaussian prior with this precision."""

    class Fixed(_word_penalty.WordPenalty):
        def __init__(self, n_sequences: int) -> None:
            self.strength = precision / n_sequences

        def tune(self, *held_out: Any) -> None:
            pass

    def change(stack: ExitStack) -> None:
        stack.enter_context(patch.object(_training, "WordPenalty", Fixed))

    return change


def letters_share(share: float) -> Change:
    shares = ((1 - share) * np.eye(4) + share) / np.sqrt(1 + 3 * share**2)

    def change(stack: ExitStack) -> None:
        for module in (_network, _compiled):
            stack.enter_context(patch.object(module, "LETTER_SHARES", shares))
        stack.enter_context(patch.object(_compiled, "_SHARES", (float(shares[0, 0]), float(shares[0, 1]))))

    return change


def ranked_without_words(stack: ExitStack) -> None:
    stack.enter_context(
        patch.object(_training, "saliency", lambda network, scores, y, words: saliency(network, scores, y))
    )


TRIALS: dict[str, tuple[dict[str, Any], list[Change]]] = {
    "no composition": ({"composition": 0}, []),
    "as the package": ({}, []),
    **{f"words of {n} letters": ({"composition": n}, []) for n in (4, 5)},
    **{f"precision {p}, fixed": ({}, [fixed(p)]) for p in (50, 200)},
    "precision 100 at first": ({}, [setting(_word_penalty, "_PRECISION", 100.0)]),
    "weakest 0.001": ({}, [setting(_word_penalty, "_MIN_STRENGTH", 0.001)]),
    "whole rate": ({}, [setting(_compiled, "COMPOSITION_RATE", 1.0)]),
    "ranked without words": ({}, [ranked_without_words]),
    "nothing shared": ({}, [letters_share(0.0)]),
    "a fifth shared": ({}, [letters_share(0.2)]),
}


def load(name: str, folder: Path | None, seed: int) -> tuple[Any, bool]:
    """Load a set; also return whether both strands are scanned."""
    if name.startswith("simulated-"):
        return load_simulated(int(name[-1]), random_state=100 + seed), False
    assert folder is not None, "real sets need --data, their folder"
    if name in list_datasets(folder)["fastsk"]:
        return load_fastsk(folder, name), True
    (full,) = (other for other in list_datasets(folder)["deepbind"] if other.startswith(f"{name}_"))
    return load_deepbind(folder, full, n_positives=5000, random_state=seed), True


def run(trial: str, name: str, seed: int, folder: Path | None) -> dict[str, Any]:
    arguments, changes = TRIALS[trial]
    data, both_strands = load(name, folder, seed)
    classifier = DeepPruneClassifier(reverse_complement=both_strands, random_state=seed, **arguments)
    start = time.perf_counter()
    with ExitStack() as stack:
        for change in changes:
            change(stack)
        classifier.fit(data.X_train, data.y_train)
    row: dict[str, Any] = {"trial": trial, "dataset": name, "seed": seed}
    for stage, probability in zip(classifier.stages_, classifier.staged_predict_proba(data.X_test), strict=True):
        row[str(stage.n_kernels)] = roc_auc_score(data.y_test, probability[:, 1])
    return {**row, "seconds": round(time.perf_counter() - start, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real collections")
    parser.add_argument("--trials", nargs="+", choices=TRIALS, default=list(TRIALS), metavar="NAME")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--summary", action="store_true", help="run nothing, print the means of existing rows")
    options = parser.parse_args()
    done = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=["trial", "dataset", "seed"])
    if options.summary:
        done["kind"] = np.where(done["dataset"].str.startswith("simulated"), "simulated", "real")
        sizes = [name for name in done if name.isdigit()]
        print(done.groupby(["kind", "trial"])[[*sizes, "seconds"]].mean().round(4).to_string())
        return
    known = set(done[["trial", "dataset", "seed"]].itertuples(index=False, name=None))
    for seed in range(options.seeds):
        for trial in options.trials:
            for name in options.sets:
                if (trial, name, seed) not in known:
                    row = pd.DataFrame([run(trial, name, seed, options.data)])
                    row.to_csv(RESULTS, mode="a", header=not RESULTS.exists(), index=False, float_format="%.5f")
                    print(row.to_string(header=False, index=False), flush=True)


if __name__ == "__main__":
    main()
