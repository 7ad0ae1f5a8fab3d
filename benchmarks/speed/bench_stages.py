"""Time by size of a default fit of 10,000 sequences, both strands."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import pytest
from settings import QUICK, turns

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import load_simulated
from skdeepprune.sequences import dinucleotide_shuffle

SIZES = [256, 128, 64, 32, 16, 8, 4]
MAX_ITER = 3 if QUICK else 1000


@cache
def stages(turn: int) -> dict[str, dict[str, float]]:
    """Seconds and epochs of a fit by size, and the time outside epochs: reading, ranking, refits."""
    data = load_simulated(3, n_train=10_000, n_test=2, random_state=turn)
    bound = data.X_train[data.y_train == 1].tolist()
    X, y = [*bound, *dinucleotide_shuffle(bound, random_state=turn)], [1] * len(bound) + [0] * len(bound)
    DeepPruneClassifier(n_jobs=1, max_iter=2, random_state=0).fit(X[:: len(X) // 500], y[:: len(X) // 500])
    start = time.perf_counter()
    classifier = DeepPruneClassifier(n_jobs=1, max_iter=MAX_ITER, random_state=turn).fit(X, y)
    whole = time.perf_counter() - start
    found = {"whole fit": {"seconds": whole, "epochs": classifier.n_iter_}}
    for size, epochs in classifier.history_.groupby("n_kernels", sort=False)["seconds"]:
        found[str(size)] = {"seconds": epochs.sum(), "epochs": len(epochs), "seconds an epoch": epochs.median()}
        whole -= epochs.sum()
    return found | {"besides epochs": {"seconds": whole}}


@pytest.mark.parametrize("part", ["whole fit", *map(str, SIZES), "besides epochs"])
@turns(3)
def bench_stages(measure: Any, part: str, turn: int) -> None:
    parameter = "kernels" if part.isdigit() else ""
    measure(lambda: stages(turn)[part], "compiled", parameter, part, counted=lambda found: found)
