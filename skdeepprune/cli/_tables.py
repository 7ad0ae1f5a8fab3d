"""Tables that the commands write and print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune.cli._output import opened_output
from skdeepprune.cli._read import (
    Labeled,
)
from skdeepprune.motifs import Motif


def stage_table(classifier: DeepPruneClassifier, X: Any, y: Any) -> pd.DataFrame:
    """Tabulate the stages of a classifier: kernels, epochs, seconds, validation AUC, and AUC on X, y."""
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


def auc_by_kind(classifier: DeepPruneClassifier, data: Labeled) -> dict[str, float]:
    """Compute the AUC of bound sequences against each kind of unbound ones."""
    decision = classifier.decision_function(data.sequences)
    bound = data.y == 1
    aucs = {}
    for kind in dict.fromkeys(data.kinds[~bound].tolist()):
        rows = bound | (data.kinds == kind)
        aucs[str(kind)] = float(roc_auc_score(bound[rows], decision[rows]))
    return aucs


def auc_notes(by_kind: dict[str, float]) -> dict[str, str]:
    """Notes for the report; empty if there is only one kind."""
    return {f"AUC against {kind}": f"{auc:.3f}" for kind, auc in by_kind.items()} if len(by_kind) > 1 else {}


def motif_table(found: list[Motif], matches: pd.DataFrame | None) -> pd.DataFrame:
    """A row per motif, with its best match."""
    rows = []
    for motif in found:
        row = {
            "motif": motif.name,
            "weight": motif.weight,
            "sites": int(motif.n_sites),
            "consensus": motif.consensus,
        }
        if matches is not None:
            best = matches[matches["query"] == motif.name].iloc[0]
            row |= {
                "match": best.target,
                "accession": best.target_accession,
                "E": best.E,
                "correlation": best.correlation,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def without_matrices(matches: pd.DataFrame) -> pd.DataFrame:
    return matches.drop(columns=["query_motif", "target_motif"])


def write_table(table: pd.DataFrame, path: Path) -> None:
    with opened_output(path) as file:
        table.to_csv(file, index=False, lineterminator="\n")


def as_text(table: pd.DataFrame) -> str:
    if table.empty:
        return "No kernel has a motif."
    return table.to_string(index=False, formatters={"E": "{:.1e}".format}, float_format="{:.3f}".format)
