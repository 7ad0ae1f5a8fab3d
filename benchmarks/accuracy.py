"""Accuracy: the results behind docs/accuracy.md, measured by `skdeepprune.bench`.

    python benchmarks/accuracy.py simulated              # the paper's five simulated sets, all methods
    python benchmarks/accuracy.py capped --data FOLDER   # real sets, at most 5,000 positives, all methods
    python benchmarks/accuracy.py all --data FOLDER      # real sets, all positives, the defaults
    python benchmarks/accuracy.py weights                # dense weights from stage to stage, simulated set 3

Finished cells are kept in benchmarks/store, and all rows are written to benchmarks/results/. When run again, only
missing cells run; a store that lacks rows of benchmarks/results/, as in a fresh clone, is first restored from there.
LS-GKM is included if gkmtrain and gkmpredict are on the PATH. `render_accuracy.py` generates the page.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paper.summary import dense_weights

from skdeepprune.bench import (
    METHODS,
    BenchmarkDataset,
    find_datasets,
    read_store,
    restore_store,
    run_benchmark,
)

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def direct_few(dataset: BenchmarkDataset, seed: int) -> Mapping[int, Any]:
    """Train directly at the two sizes that the tables compare."""
    return {size: classifier for size, classifier in METHODS["direct"](dataset, seed).items() if size in (4, 16)}


PAPER = ("deepprune", "deepprune-score", "deepprune-score-and-weight", "deepprune-inter")
VARIANTS = ("deepprune-one-shot", "deepprune-l1", "deepprune-l2")
OTHERS = ("winning-tickets", "reinitialized", "circular", "expectation-pooling", "kmer-logistic", "pwm-scan")
OURS = {name: METHODS[name] for name in ("defaults", "defaults-direct")}
# A plan: data sets, maximum number of positives, and methods with their seeds. gkm-SVM itself is deterministic, and
# takes most of the time.
REAL = ["deepbind", "zeng", "fastsk"]
PLANS: dict[str, tuple[list[str], int | None, list[tuple[dict[str, Any], range]]]] = {
    "simulated": (
        ["simulated"],
        None,
        [
            ({**OURS, **{name: METHODS[name] for name in (*PAPER, "direct", *VARIANTS, *OTHERS)}}, range(100, 105)),
            ({"gkm-svm": METHODS["gkm-svm"]}, range(100, 105)),
        ],
    ),
    "capped": (
        REAL,
        5000,
        [
            # In order of priority.
            ({**OURS, "deepprune": METHODS["deepprune"], "direct": direct_few}, range(3)),
            ({name: METHODS[name] for name in (*PAPER[1:], *VARIANTS, *OTHERS)}, range(3)),
            ({"gkm-svm": METHODS["gkm-svm"]}, range(3)),
        ],
    ),
    "all": (REAL[:2], None, [({"defaults": METHODS["defaults"]}, range(3))]),
}


def weights() -> None:
    dataset = find_datasets(["simulated-3"])[0]
    data = dataset.load(100)
    classifier = METHODS["deepprune"](dataset, 100).fit(data.X_train, data.y_train)
    dense_weights(classifier).to_csv(RESULTS / "dense_weights.csv", index=False, float_format="%.6g")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", choices=[*PLANS, "weights"])
    parser.add_argument("--data", type=Path, help="folder of the real collections")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="only these methods of the plan")
    parser.add_argument("--seeds", type=int, metavar="N", help="only the first N seeds of the plan")
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--collect", action="store_true", help="run nothing, write the existing rows")
    options = parser.parse_args()
    if options.plan == "weights":
        weights()
        return
    names, n_positives, parts = PLANS[options.plan]
    datasets = find_datasets(names, options.data, n_positives=n_positives)
    store = HERE / "store" / options.plan
    path = RESULTS / f"accuracy_{options.plan}.csv"
    for methods, seeds in parts:
        if path.exists():
            restore_store(store, path, datasets, methods, seeds)
        chosen = {name: method for name, method in methods.items() if name in (options.methods or methods)}
        if chosen and not options.collect:
            run_benchmark(datasets, chosen, seeds[: options.seeds], store, n_jobs=options.n_jobs, verbose=1)
    results = read_store(store).sort_values(["collection", "dataset", "method", "seed"], kind="stable")
    results.to_csv(path, index=False, float_format="%.6g")
    print(f"Wrote {len(results)} rows to {path}")


if __name__ == "__main__":
    main()
