"""The lines of a motif file: current line, and parsing of numbers, letters and counts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from skdeepprune._reading import FileFormatError, shown

# What the MEME suite assumes if a file of probabilities does not give it.
DEFAULT_N_SITES = 20.0
SUM_TOLERANCE = 0.02
# Fractional numbers that sum to less than this are unlikely to be counts.
MIN_TOTAL_COUNT = 1.5
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d+", re.ASCII)


@dataclass
class MotifLines:
    """The lines of a file, and the index of the line read last."""

    source: str
    lines: Sequence[str]
    at: int = field(default=-1)

    def __iter__(self) -> Iterator[str]:
        while self.at + 1 < len(self.lines):
            self.at += 1
            yield self.lines[self.at]

    def back(self) -> None:
        """Step back, so that the last line is read again."""
        self.at -= 1

    def fail(self, problem: str) -> NoReturn:
        """Raise an error about the line read last."""
        raise FileFormatError.at(self.source, self.at + 1, problem)

    def numbers(self, words: Sequence[Any], expected: str) -> list[float]:
        """Parse words as non-negative numbers."""
        texts = [str(word) for word in words]
        if not all(map(is_number, texts)):
            self.fail(f"expected {expected}, got {shown(' '.join(texts))}.")
        values = [float(text) for text in texts]
        if not all(math.isfinite(value) and value >= 0 for value in values):
            self.fail(f"expected {expected}, none of them negative, infinite or NaN; got {shown(' '.join(texts))}.")
        return values

    def order(self, letters: str, line: str) -> list[int]:
        """Return the columns of A, C, G and T, given the letters in the order of the file."""
        dna = letters.upper().replace("U", "T")
        if sorted(dna) != list("ACGT"):
            self.fail(f"expected the four letters A, C, G and T, or U, got {shown(line)}; only DNA motifs can be read.")
        return [dna.index(base) for base in "ACGT"]

    def counts(
        self, rows: Sequence[Sequence[str]], name: str, n_sites: float | None = None
    ) -> tuple[NDArray[np.float64], float]:
        """Parse counts and their number of sites; if they sum to 1 at every position, as probabilities of 20 sites."""
        counts = np.array(rows, dtype=np.float64)
        totals = total_counts(counts)
        if not all(_WHOLE.fullmatch(word) for row in rows for word in row):
            wrong = np.abs(totals - 1)
            if wrong.max() <= SUM_TOLERANCE:
                n_sites = n_sites or DEFAULT_N_SITES
                return products(rows, [n_sites] * len(rows)), n_sites
            if totals.max() < MIN_TOTAL_COUNT:
                self.fail(
                    f"expected counts of motif {shown(name)}, or probabilities that sum to 1 at every position; at"
                    f" position {wrong.argmax() + 1} they sum to {totals[wrong.argmax()]:.3g}."
                )
        return counts, float(totals.max()) if n_sites is None else n_sites


def is_number(text: str) -> bool:
    """Whether a word is a number, including nan and inf."""
    return _NUMBER.fullmatch(text) is not None or text.lower().lstrip("+-") in ("nan", "inf", "infinity")


def total_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the counts at every position; infinite on overflow."""
    with np.errstate(over="ignore"):
        return counts.sum(axis=1)


def may_be_probabilities(counts: NDArray[np.float64]) -> bool:
    """Whether counts look like probabilities: fractions of a single site or less."""
    return bool((counts % 1 != 0).any() and total_counts(counts).max() < MIN_TOTAL_COUNT)


def products(rows: Sequence[Sequence[str]], totals: Sequence[float]) -> NDArray[np.float64]:
    """Counts from probabilities in a file: exact products, rounded once."""
    return np.array(
        [[float(Decimal(word) * Decimal(total)) for word in row] for row, total in zip(rows, totals, strict=True)]
    )
