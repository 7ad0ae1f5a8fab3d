"""A grid search in one process and in two processes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor
from settings import QUICK, turns
from sklearn.model_selection import GridSearchCV

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import load_simulated

# All candidates train for the same time, so that two processes can share the work evenly: 3 * 2 * 4 fits.
GRID = {"criterion": ["weight", "score", "score-and-weight"], "learning_rate_init": [0.003, 0.01]}
N_FOLDS, N_EPOCHS = 4, 2 if QUICK else 5


def search(n_jobs: int, max_iter: int = N_EPOCHS) -> pd.DataFrame:
    data = load_simulated(3, n_train=3000, n_test=2, random_state=0)
    classifier = DeepPruneClassifier(max_iter=max_iter, n_iter_no_change=max_iter, random_state=0)
    found = GridSearchCV(classifier, GRID, cv=N_FOLDS, scoring="roc_auc", n_jobs=n_jobs, refit=False)
    return pd.DataFrame(found.fit(data.X_train, data.y_train).cv_results_)


def warm_up(n_jobs: int) -> None:
    """Make every process import and load what it needs."""
    search(n_jobs, max_iter=1)


def stop_workers() -> None:
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.parametrize(
    ("method", "n_jobs", "setup"),
    [
        ("2 processes", 2, partial(warm_up, 2)),
        ("2 processes, their start included", 2, stop_workers),
        ("1 process", 1, partial(warm_up, 1)),
    ],
)
@turns(3)
def bench_processes(measure: Any, method: str, n_jobs: int, setup: Any) -> None:
    found = measure(
        lambda: search(n_jobs),
        method,
        setup=setup,
        counted=lambda found: {"mean test AUC": found["mean_test_score"].mean()},
    )
    assert len(found) == 6
