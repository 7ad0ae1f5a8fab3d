"""Measure the memory of a fit with one epoch per size, in MB, and print it as JSON. Linux only.

python footprint.py ENGINE N_SEQUENCES LENGTH N_PRUNINGS
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import numpy as np

from skdeepprune import DeepPruneClassifier

MB = 1e6


def resident(field: str) -> float:
    """Resident memory: current (VmRSS), or the peak since `forget_peak` (VmHWM)."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024 / MB


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def random_strings(n_sequences: int, length: int) -> list[str]:
    rng = np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    return [letters[rng.integers(0, 4, length)].tobytes().decode() for _ in range(n_sequences)]


def main(engine: str, n_sequences: int, length: int, n_prunings: int) -> dict[str, float]:
    imported = resident("VmRSS")
    classifier = DeepPruneClassifier(
        n_prunings=n_prunings, kernel_length=24, reverse_complement=False, max_iter=1, engine=engine, random_state=0
    )
    # Excludes compilation, or TensorFlow itself.
    classifier.fit(random_strings(1000, 100), [0, 1] * 500)
    ready = resident("VmRSS")
    X = random_strings(n_sequences, length)
    y = np.arange(n_sequences) % 2
    before = resident("VmRSS")
    forget_peak()
    start = time.perf_counter()
    classifier.fit(X, y)
    seconds = time.perf_counter() - start
    fit = resident("VmHWM") - before
    data = n_sequences * length / MB
    return {
        "seconds": seconds,
        "MB of the process after import": imported,
        "MB more after a small fit": ready - imported,
        "MB of the strings": before - ready,
        "MB of the bases, 1 byte each": data,
        "MB of the fit at its peak": fit,
        "MB of the fit beyond its bases": fit - data,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))))
