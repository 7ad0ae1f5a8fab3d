"""A whole fit from 256 kernels to 4 with the paper's settings, compared with the same loop in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import peers
import pytest
from settings import QUICK, turns
from sklearn.metrics import roc_auc_score

from skdeepprune import PAPER_SETTINGS, DeepPruneClassifier
from skdeepprune.datasets import load_simulated
from skdeepprune.sequences import encode, one_hot

KERNEL_LENGTH = 24
MAX_ITER = 3 if QUICK else 1000


class Ours:
    def __init__(self, engine: str, seed: int) -> None:
        changes = {"kernel_length": KERNEL_LENGTH, "max_iter": MAX_ITER, "engine": engine, "random_state": seed}
        self.classifier = DeepPruneClassifier(**(PAPER_SETTINGS | changes))

    def fit(self, X: Any, y: Any) -> int:
        return self.classifier.fit(X, y).n_iter_

    def scores(self, X: Any) -> Any:
        return self.classifier.decision_function(X)


class Keras:
    def __init__(self, engine: str, seed: int) -> None:
        self.seed = seed

    def fit(self, X: Any, y: Any) -> int:
        self.model, n_epochs = peers.keras_deep_prune(
            one_hot(encode(X), np.float32),
            y.astype(np.float32),
            [256, 128, 64, 32, 16, 8, 4],
            kernel_length=KERNEL_LENGTH,
            batch_size=PAPER_SETTINGS["batch_size"],
            max_iter=MAX_ITER,
            patience=PAPER_SETTINGS["n_iter_no_change"],
            learning_rate=PAPER_SETTINGS["learning_rate_init"],
            decay=PAPER_SETTINGS["learning_rate_decay"],
            seed=self.seed,
        )
        return n_epochs

    def scores(self, X: Any) -> Any:
        return self.model.predict(one_hot(encode(X), np.float32), verbose=0)[:, 0]


@pytest.mark.parametrize("method", ["compiled", "tensorflow", "Keras"])
@turns(3)
def bench_fit(measure: Any, method: str, turn: int) -> None:
    data = load_simulated(3, random_state=turn)
    tool = (Keras if method == "Keras" else Ours)(method, turn)
    measure(
        lambda: tool.fit(data.X_train, data.y_train),
        method,
        counted=lambda n_epochs: {
            "epochs": n_epochs,
            "test AUC": roc_auc_score(data.y_test, tool.scores(data.X_test)),
        },
    )
