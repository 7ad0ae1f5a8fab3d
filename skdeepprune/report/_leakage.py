"""Test sequences that are not independent: duplicated or overlapping training sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdeepprune._inputs import InputParts, copy_marks
from skdeepprune.sequences._places import Place


@dataclass(frozen=True)
class Leakage:
    """How many of `n_test` sequences equal a training sequence (on either strand), and how many overlap one."""

    n_equal: int
    n_overlapping: int
    n_test: int

    def messages(self) -> list[str]:
        """Warnings for the user; empty if there is no leakage."""
        found = []
        if self.n_equal:
            found.append(
                f"{self.n_equal:,} of {self.n_test:,} test sequences are also training sequences (on either strand)."
                " Performance on them is too optimistic."
            )
        if self.n_overlapping:
            found.append(
                f"{self.n_overlapping:,} of {self.n_test:,} test sequences overlap training sequences in the genome."
                " Hold out whole chromosomes instead."
            )
        return found


def find_leakage(
    sequences: InputParts, places: Sequence[Place], test_sequences: InputParts, test_places: Sequence[Place]
) -> Leakage:
    """Count the test sequences that equal a training sequence or share genomic bases with one.

    Parameters
    ----------
    sequences, test_sequences : InputParts
    places, test_places : sequence of Place
        Genomic places; sequences without one never overlap.

    Returns
    -------
    Leakage
        Equal sequences are not counted as overlapping.
    """
    equal = np.isin(test_sequences.apply(copy_marks), sequences.apply(copy_marks))
    overlapping = _overlapping(places, test_places) & ~equal
    return Leakage(int(equal.sum()), int(overlapping.sum()), len(test_sequences))


def _overlapping(places: Sequence[Place], others: Sequence[Place]) -> NDArray[np.bool_]:
    """Which of `others` overlap one of `places`."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for chrom, start, end, _ in places:
        if chrom is not None and start is not None and end is not None:
            spans.setdefault(chrom, []).append((start, end))
    sorted_spans = {}
    for chrom, pairs in spans.items():
        starts, ends = np.array(sorted(pairs)).T
        sorted_spans[chrom] = starts, np.maximum.accumulate(ends)
    found = np.zeros(len(others), np.bool_)
    for i, (chrom, start, end, _) in enumerate(others):
        if chrom in sorted_spans and start is not None and end is not None:
            starts, reach = sorted_spans[chrom]
            n_before = int(np.searchsorted(starts, end))
            found[i] = n_before > 0 and reach[n_before - 1] > start
    return found
