"""Metrics: functions of the labels and the scores of a test set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.metrics import average_precision_score, roc_auc_score

Metric = Callable[[Any, Any], float]

METRICS: dict[str, Metric] = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
