"""Accuracy: data sets x methods x seeds, a row per network size and cell.

    python benchmarks/accuracy.py simulated                      # the paper's five simulated sets, its settings
    python benchmarks/accuracy.py quick --data FOLDER    # eight real ChIP-seq sets
    python benchmarks/accuracy.py fastsk --data FOLDER   # three sets with published results

A cell's rows are appended to the CSV as soon as it ends; run again, only the missing cells run.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed
from sklearn.metrics import roc_auc_score

import skdeepprune
from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import list_datasets, load_deepbind, load_fastsk, load_simulated

RESULTS = Path(__file__).parent / "results"
# METHOD.md leaves the kernel length to the data: 24 for the simulated sets, 15 for the real ones.
PAPER = {
    "learning_rate_init": 0.01,
    "learning_rate_decay": 1.2,
    "reverse_complement": False,
    "mutation_rate": 0.0,
    "negatives": "given",
}
QUICK = ("REST", "GABPA", "ELK1", "MYC", "SRF", "TCF12", "USF2", "SERBP1")

METHODS: dict[str, dict[str, Any]] = {
    "deepprune": {},
    "deepprune-inter": {"after_pruning": "none"},
    "directly-trained": {"n_prunings": 0},
}


def simulated(folder: Path | None) -> dict[str, Callable[[int], Any]]:
    return {f"simulated-{i}": lambda seed, i=i: load_simulated(i, random_state=seed) for i in range(1, 6)}


def quick(folder: Path) -> dict[str, Callable[[int], Any]]:
    names = [name for name in list_datasets(folder)["deepbind"] if name.startswith(QUICK)]
    return {
        name: lambda seed, name=name: load_deepbind(folder, name, n_positives=5000, random_state=seed) for name in names
    }


def fastsk(folder: Path) -> dict[str, Callable[[int], Any]]:
    return {name: lambda seed, name=name: load_fastsk(folder, name) for name in list_datasets(folder)["fastsk"]}


COLLECTIONS = {
    "simulated": (simulated, {"kernel_length": 24}, range(100, 105)),
    "quick": (quick, {"kernel_length": 15}, range(3)),
    "fastsk": (fastsk, {"kernel_length": 15}, range(3)),
}


def run_cell(load: Callable[[int], Any], parameters: dict[str, Any], seed: int) -> Iterator[dict[str, Any]]:
    """Train once; yield a row for the network at every size."""
    data = load(seed)
    start = time.perf_counter()
    classifier = DeepPruneClassifier(**parameters, random_state=seed).fit(data.X_train, data.y_train)
    seconds = time.perf_counter() - start
    for stage, probability in zip(classifier.stages_, classifier.staged_predict_proba(data.X_test), strict=True):
        yield {
            "n_kernels": stage.n_kernels,
            "auc": roc_auc_score(data.y_test, probability[:, 1]),
            "val_auc": stage.val_roc_auc,
            "epochs": len(stage.epochs),
            "fit_seconds": seconds,
            "ceiling": getattr(data, "ceiling", float("nan")),
            "engine": classifier.engine_,
            "version": skdeepprune.__version__,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", choices=COLLECTIONS)
    parser.add_argument("--data", type=Path, help="folder of the real collections")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--settings", choices=["paper", "defaults"], default="paper")
    parser.add_argument("--n-jobs", type=int, default=1)
    options = parser.parse_args()
    collect, parameters, seeds = COLLECTIONS[options.collection]
    settings = {**PAPER, **parameters} if options.settings == "paper" else parameters
    path = RESULTS / f"accuracy_{options.collection}_{options.settings}.csv"
    done = set()
    if path.exists():
        done = set(pd.read_csv(path)[["dataset", "method", "seed"]].itertuples(index=False, name=None))
    cells = [
        (name, load, method, seed)
        for name, load in collect(options.data).items()
        for seed in seeds
        for method in options.methods
        if (name, method, seed) not in done
    ]

    def job(name: str, load: Any, method: str, seed: int) -> pd.DataFrame:
        rows = pd.DataFrame(run_cell(load, {**settings, **METHODS[method]}, seed))
        return rows.assign(dataset=name, method=method, seed=seed)

    jobs = Parallel(n_jobs=options.n_jobs, return_as="generator_unordered")(delayed(job)(*cell) for cell in cells)
    for i, rows in enumerate(jobs):
        path.parent.mkdir(exist_ok=True)
        rows.round(5).to_csv(path, mode="a", header=not path.exists(), index=False)
        last = rows.iloc[-1]
        print(f"{i + 1}/{len(cells)}  {last.dataset} {last.method} seed {last.seed}: AUC {last.auc:.3f}", flush=True)


if __name__ == "__main__":
    main()
