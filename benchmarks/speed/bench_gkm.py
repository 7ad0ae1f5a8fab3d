"""Training on real sequences and scoring others, compared with gkm-SVM."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import gkm
import numpy as np
import pytest
from settings import DATA, FULL, QUICK, turns
from sklearn.metrics import roc_auc_score

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import list_datasets, load_deepbind

pytestmark = pytest.mark.skipif(DATA is None, reason="needs --data, the folder of the real collections")

N_SCORED = 100 if QUICK else 1000
TURNS = {100: 2, 200: 2} if QUICK else {1000: 1, 2000: 1, **({10_000: 1} if FULL else {})}


class Ours:
    """The classifier with default settings, which scan both strands as gkm-SVM does."""

    def train(self, positives: list[str], negatives: list[str]) -> DeepPruneClassifier:
        y = [1] * len(positives) + [0] * len(negatives)
        return DeepPruneClassifier(random_state=0).fit(positives + negatives, y)

    def score(self, model: DeepPruneClassifier, sequences: list[str]) -> Any:
        return model.decision_function(sequences)


TOOLS: dict[str, Any] = {"compiled": Ours(), "gkmsvm-lite": gkm.GkmsvmLite()}
if gkm.LsGkm.is_installed():
    TOOLS["LS-GKM"] = gkm.LsGkm(Path(tempfile.mkdtemp()))
TRAININGS = [(method, n_sequences) for n_sequences in TURNS for method in TOOLS]
TRAINED: dict[tuple[str, int], Any] = {}


@cache
def prepare(n_sequences: int) -> tuple[list[str], list[str], list[str], list[int]]:
    """Load positives, negatives, and the test set with its labels, without N, which gkm-SVM does not accept."""
    name = next(name for name in list_datasets(DATA)["deepbind"] if name.startswith("CTCFL"))
    data = load_deepbind(DATA, name, random_state=0)
    train_set, test_set = (
        [(sequence, label) for sequence, label in zip(X.tolist(), y.tolist(), strict=True) if "N" not in sequence]
        for X, y in ((data.X_train, data.y_train), (data.X_test, data.y_test))
    )
    positives, negatives = (
        [sequence for sequence, label in train_set if label == wanted][: n_sequences // 2] for wanted in (1, 0)
    )
    chosen = np.random.default_rng(0).permutation(len(test_set))[:N_SCORED]
    X_test, y_test = zip(*(test_set[i] for i in chosen), strict=True)
    assert (len(positives), len(negatives), len(X_test)) == (n_sequences // 2, n_sequences // 2, N_SCORED)
    return positives, negatives, list(X_test), list(y_test)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Run everything once, so that nothing remains to be compiled."""
    few = ["ACGTTGCAACGGTATTCGTA" * 5, "TTGACCGATAGGACATTCAG" * 5, "GGCATTACGACTTAGCCATG" * 5]
    for tool in TOOLS.values():
        tool.score(tool.train(few, [sequence[::-1] for sequence in few]), few)


@pytest.mark.parametrize(
    ("method", "n_sequences", "turn"), [(method, n, turn) for method, n in TRAININGS for turn in range(TURNS[n])]
)
def bench_gkm_training(measure: Any, method: str, n_sequences: int) -> None:
    positives, negatives, X_test, y_test = prepare(n_sequences)
    tool = TOOLS[method]
    TRAINED[method, n_sequences] = measure(
        lambda: tool.train(positives, negatives),
        method,
        "sequences",
        n_sequences,
        counted=lambda model: {"test AUC": roc_auc_score(y_test, tool.score(model, X_test))},
    )


@pytest.mark.parametrize(("method", "n_sequences"), TRAININGS)
@turns(1)
def bench_gkm_scoring(measure: Any, method: str, n_sequences: int) -> None:
    model, X_test = TRAINED[method, n_sequences], prepare(n_sequences)[2]
    bases = sum(map(len, X_test))
    # Milliseconds compared with minutes.
    rounds = 20 if method == "compiled" else 1
    measure(lambda: TOOLS[method].score(model, X_test), method, "trained on", n_sequences, rounds=rounds, bases=bases)
