"""Prediction with 4 kernels, by step."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from settings import turns

from skdeepprune import DeepPruneClassifier
from skdeepprune._engines import scan
from skdeepprune.datasets import load_simulated
from skdeepprune.sequences import encode

N_SEQUENCES, KERNEL_LENGTH = 100_000, 24


@cache
def sequences(length: int) -> list[str]:
    n_sequences = N_SEQUENCES * 101 // length
    return load_simulated(3, n_train=n_sequences, n_test=2, length=length, random_state=0).X_train.tolist()


@cache
def prepare(work: str, length: int, n_strands: int) -> Callable[[], object]:
    strings = sequences(length)
    codes = encode(strings)
    classifier = DeepPruneClassifier(
        n_kernels=4, n_prunings=0, kernel_length=KERNEL_LENGTH, reverse_complement=n_strands == 2, max_iter=1
    ).fit(strings[:100], [0, 1] * 50)
    network = classifier.stages_[-1].network
    run = {
        "scan of codes": lambda: scan(network, codes),
        "strings to codes": lambda: encode(strings),
        "decision_function of strings": lambda: classifier.decision_function(strings),
    }[work]
    run()
    return run


CASES = [
    (length, n_strands, work)
    for length in (101, 1001)
    for n_strands in (1, 2)
    for work in ("scan of codes", "strings to codes", "decision_function of strings")
    if (n_strands, work) != (2, "strings to codes")
]


@pytest.mark.parametrize(("length", "n_strands", "work"), CASES)
@turns(7)
def bench_prediction(measure: Any, length: int, n_strands: int, work: str) -> None:
    run, bases = prepare(work, length, n_strands), sum(map(len, sequences(length)))
    value = f"{length} bp, {n_strands} strand{'s' * (n_strands > 1)}"
    measure(run, work, "sequences of", value, rounds=3, bases=bases)
