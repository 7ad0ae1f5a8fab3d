"""Example sequences, with the sites that contribute for or against binding."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._network import Network, Scan
from skdeepprune.effects import saturation_mutagenesis
from skdeepprune.report._sequences import Sequences
from skdeepprune.sequences import decode

_N_EXAMPLES = {"bound": 6, "unlikely": 3, "false": 3}
_MAX_MEDIAN_LENGTHS = 10
# Letters that are legible in one line.
_MAX_DRAWN = 250


@dataclass(frozen=True)
class Mark:
    """A kernel's site in an example: the letters from start to stop."""

    kernel: int
    start: int
    stop: int
    strand: str
    share: float


@dataclass(frozen=True)
class Example:
    """A sequence with the sites that contribute for or against binding."""

    kind: str
    name: str
    letters: str
    probability: float
    marks: tuple[Mark, ...]
    importance: NDArray[np.float64] | None = None


def choose_examples(
    network: Network, data: Sequences, found: Scan, decision: NDArray[np.float64], kernel_flipped: NDArray[np.bool_]
) -> list[Example]:
    """Choose bound sequences of high probability, the least probable bound ones, and the most probable unbound ones.

    Strands are those of the motifs as shown: opposite to the kernel's where `kernel_flipped`.
    """
    found = replace(found, reverse=found.reverse ^ kernel_flipped)
    probability = expit(decision)
    ranked = np.argsort(-decision, kind="stable")
    # Nobody reads a chromosome among peaks.
    ranked = ranked[data.lengths[ranked] <= _MAX_MEDIAN_LENGTHS * np.median(data.lengths)]
    bound = [row for row in ranked if data.bound[row]]
    unbound = [row for row in ranked if not data.bound[row]]
    # Evenly spaced over the upper half: the top ones all look alike.
    shown = bound[: max(len(bound) // 2, 1)]
    step = max(len(shown) // _N_EXAMPLES["bound"], 1)
    chosen = [
        ("bound", shown[::step][: _N_EXAMPLES["bound"]]),
        ("unlikely", bound[::-1][: min(_N_EXAMPLES["unlikely"], len(bound) // 2)]),
        ("false", unbound[: min(_N_EXAMPLES["false"], len(unbound))]),
    ]
    return [
        Example(
            kind, str(data.names[row]), _letters(data, row), float(probability[row]), _marks(network, data, found, row)
        )
        for kind, rows in chosen
        for row in rows
    ]


def with_importance(classifier: DeepPruneClassifier, examples: list[Example]) -> list[Example]:
    """Add to examples of at most 250 bases what each base adds to the log-odds, compared with the mean of all four."""
    drawn = [example for example in examples if len(example.letters) <= _MAX_DRAWN]
    if not drawn:
        return examples
    importance = saturation_mutagenesis(classifier, [example.letters for example in drawn]).importance()
    found = {id(example): row[: len(example.letters)] for example, row in zip(drawn, importance, strict=True)}
    return [replace(example, importance=found.get(id(example))) for example in examples]


def _letters(data: Sequences, row: int) -> str:
    return decode(data.codes.sequence(row)[None, : data.lengths[row]], strip=False)[0]


def _marks(network: Network, data: Sequences, found: Scan, row: int) -> tuple[Mark, ...]:
    """Sites that contribute at least a tenth of the largest contribution to the log-odds."""
    parts = found.scores[row] * network.dense_weights
    minimum = 0.1 * np.abs(parts).max()
    marks = []
    for k in np.argsort(-np.abs(parts), kind="stable").tolist():
        if parts[k] != 0 and abs(parts[k]) >= minimum:
            start = int(found.position[row, k])
            stop = min(start + network.kernel_length, int(data.lengths[row]))
            marks.append(Mark(k, start, stop, "-" if found.reverse[row, k] else "+", float(parts[k])))
    return tuple(marks)
