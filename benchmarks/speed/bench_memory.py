"""Peak memory of a fit, in a separate process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from settings import QUICK, turns

CASES = [
    ("compiled", 2000 if QUICK else 20_000, 1000, 6),
    ("tensorflow", 2000 if QUICK else 20_000, 1000, 6),
    ("compiled", 100_000 if QUICK else 1_000_000, 1000, 1),
]


@pytest.mark.parametrize(("engine", "n_sequences", "length", "n_prunings"), CASES)
@turns(1)
def bench_memory(measure: Any, engine: str, n_sequences: int, length: int, n_prunings: int) -> None:
    """See `footprint.py` for the counts."""
    command = [sys.executable, str(Path(__file__).with_name("footprint.py"))]
    arguments = [engine, *map(str, (n_sequences, length, n_prunings))]
    measure(
        lambda: json.loads(subprocess.run([*command, *arguments], check=True, stdout=subprocess.PIPE).stdout),
        engine,
        "sequences x length, first kernels",
        f"{n_sequences} x {length}, {4 * 2**n_prunings}",
        counted=lambda counts: counts,
    )
