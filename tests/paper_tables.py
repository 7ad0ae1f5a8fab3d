"""Made-up benchmark results in the runner's shape, for the paper's tables and pages."""

import json

import numpy as np
import pandas as pd

SIZES = (256, 128, 64, 32, 16, 8, 4)

# Method: shift of its AUC at 256 and at 4 kernels, spread over seeds, seconds of a fit at 256 kernels.
PRUNED = {
    "deepprune": (0.0, -0.015, 0.008, 6.0),
    "deepprune-score": (0.0, -0.025, 0.009, 6.4),
    "deepprune-score-and-weight": (0.0, -0.020, 0.009, 6.3),
    "winning-tickets": (-0.002, -0.010, 0.009, 14.0),
    "deepprune-l1": (-0.001, -0.016, 0.009, 6.2),
    "deepprune-l2": (0.001, -0.014, 0.009, 6.2),
    "reinitialized": (-0.002, -0.070, 0.030, 15.0),
    "defaults": (0.012, 0.004, 0.006, 11.0),
}

SINGLE = {
    "direct": (-0.004, -0.080, 0.035, 4.0),
    "deepprune-inter": (0.0, -0.045, 0.018, 5.0),
    "deepprune-one-shot": (0.0, -0.040, 0.020, 3.0),
}

WITHOUT_SIZES = {
    "gkm-svm": (0.010, 0.004, 210.0),
    "kmer-logistic": (-0.030, 0.006, 3.0),
    "pwm-scan": (-0.110, 0.010, 0.8),
}


def made_row(method, n_kernels, auc, seconds, parameters):
    auc = float(np.clip(auc, 0.4, 0.9995))
    return {
        "method": method,
        "n_kernels": n_kernels,
        "roc_auc": round(auc, 5),
        "average_precision": round(auc**1.2, 5),
        "epochs": None if n_kernels is None else 30,
        "fit_seconds": round(seconds, 3),
        "score_seconds": 20.0 if n_kernels is None else 0.05,
        "parameters": json.dumps(parameters),
        "peak_mb": 310.0,
        "version": "0.2.0",
        "commit": "abc1234",
        "threads": 1,
        "machine": "AMD EPYC, 2 cores, Python 3.11.7",
        "error": None,
    }


def make_results(n_simulated=5, n_real=20, n_seeds=3):
    """Make up a table of the runner's shape: plausible numbers, always the same."""
    rng = np.random.default_rng(6)
    rows = []
    names = [f"simulated-{i}" for i in range(1, n_simulated + 1)]
    factors = ["ELK1", "GABPA", "MYC", "REST", "SRF", "TCF12", "USF2", "YY1", "SP1", "FOXA1", "TBP", "SUZ12", "USF1"]
    for i in range(n_real):
        factor, cell = factors[i % len(factors)], ("GM12878", "K562", "H1-hESC")[i // len(factors) % 3]
        names.append(f"{factor}_{cell}_{factor}_(sc-{100 + i})_Stanford")
    for i, name in enumerate(names):
        simulated = name.startswith("simulated")
        base = (0.80, 0.87, 0.91, 0.83, 0.72)[i % 5] if simulated else rng.uniform(0.72, 0.985)
        room = 3 * (1 - base)
        liking = rng.normal(0, 0.012)
        for seed in range(n_seeds):
            common = {
                "collection": "simulated" if simulated else "deepbind",
                "dataset": name,
                "seed": seed,
                "n_train": 6000 if simulated else 10000,
                "n_test": 6000 if simulated else 1000,
                "ceiling": round(base + 0.04, 5) if simulated else np.nan,
            }
            common["started"] = f"2026-01-02T{(i * n_seeds + seed) // 60:02d}:{(i * n_seeds + seed) % 60:02d}:00+00:00"
            for method, (at_256, at_4, spread, seconds) in PRUNED.items():
                luck = rng.normal(0, spread)
                for j, size in enumerate(SIZES):
                    auc = base + room * (at_256 + (at_4 - at_256) * (j / 6) ** 2 + luck) + rng.normal(0, 0.002)
                    row = made_row(method, size, auc, seconds * (1 + 0.5 * (1 - 0.5**j)), {"kernel_length": 15})
                    rows.append(common | row)
            for method, (at_256, at_4, spread, seconds) in SINGLE.items():
                for j, size in enumerate(SIZES):
                    if method == "deepprune-inter" and size == 256:
                        continue
                    luck = rng.normal(0, spread * (0.3 + 0.7 * j / 6))
                    auc = base + room * (at_256 + (at_4 - at_256) * (j / 6) ** 2 + luck) + liking * (method == "direct")
                    row = made_row(method, size, auc, seconds * (size / 256) ** 0.7 + 0.2, {"n_kernels": size})
                    rows.append(common | row)
            for method, (shift, spread, seconds) in WITHOUT_SIZES.items():
                row = made_row(method, None, base + room * (shift + rng.normal(0, spread)), seconds, {})
                rows.append(common | row)
    table = pd.DataFrame(rows)
    if n_real > 2:
        lost = (table["dataset"] == names[-3]) & (table["seed"] == 1) & (table["method"] == "gkm-svm")
        table.loc[lost, ["roc_auc", "average_precision", "fit_seconds", "score_seconds"]] = np.nan
        table.loc[lost, "error"] = "MemoryError: <kernel> matrix of 20000 x 20000"
    return table


def simple(aucs, **columns):
    """Table of given AUCs: a dict of method to list, one value a data set."""
    wide = pd.DataFrame(
        aucs, index=pd.Index([f"set-{i}" for i in range(len(next(iter(aucs.values()))))], name="dataset")
    )
    long = wide.melt(var_name="method", value_name="roc_auc", ignore_index=False).reset_index()
    return long.assign(**{"seed": 0, "n_kernels": 4} | columns)
