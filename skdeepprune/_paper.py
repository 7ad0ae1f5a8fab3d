"""Settings of the paper (Luo, Chi and Deng, Front. Genet. 10:1145, 2019); not the defaults of the package."""

from __future__ import annotations

from typing import Any

# Includes settings that equal the defaults, so that this remains the paper's method if the defaults change.
PAPER_SETTINGS: dict[str, Any] = {
    "n_kernels": 4,
    "n_prunings": 6,
    "composition": 0,
    "reverse_complement": False,
    "pooling": "max",
    "criterion": "weight",
    "after_pruning": "fine-tune",
    "schedule": "halving",
    "learning_rate": "constant",
    "learning_rate_init": 0.01,
    "learning_rate_decay": 1.2,
    "batch_size": 256,
    "max_iter": 1000,
    "n_iter_no_change": 15,
    "validation_fraction": 0.1,
    "alpha": 0.0,
    "l1_ratio": 0.0,
    "dropout": 0.0,
    "mutation_rate": 0.0,
    "negatives": "given",
    "n_channels": 4,
}
