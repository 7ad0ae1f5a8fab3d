"""Comparison of negatives with positives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdeepprune.genome._bases import gc_and_repeats
from skdeepprune.sequences._codes import encode_by_length

_N_BINS = 20


@dataclass(frozen=True, eq=False)
class Match:
    """Similarity of bound and unbound sequences in features that should not separate them.

    Attributes
    ----------
    n_bound, n_unbound : int
    gc, repeats : DataFrame
        One row per bin: from, to, and the shares of bound and unbound sequences whose GC content, or share of lower
        case, is in the bin.
    gc_means, repeat_means : tuple of float
        Means of bound and unbound sequences.
    gc_distance, repeat_distance : float
        Kolmogorov-Smirnov statistic: the largest difference of the cumulative distributions. 0 is a perfect match.
    dinucleotides : DataFrame
        One row per dinucleotide: its frequency in bound and unbound sequences.
    """

    n_bound: int
    n_unbound: int
    gc: pd.DataFrame
    repeats: pd.DataFrame
    gc_means: tuple[float, float]
    repeat_means: tuple[float, float]
    gc_distance: float
    repeat_distance: float
    dinucleotides: pd.DataFrame

    def __str__(self) -> str:
        largest = (self.dinucleotides["bound"] - self.dinucleotides["unbound"]).abs().max()
        return (
            f"{self.n_bound} bound and {self.n_unbound} unbound sequences; GC {self.gc_means[0]:.3f} and"
            f" {self.gc_means[1]:.3f} (Kolmogorov-Smirnov statistic {self.gc_distance:.3f}), repeats"
            f" {self.repeat_means[0]:.3f} and {self.repeat_means[1]:.3f} ({self.repeat_distance:.3f}), shares of"
            f" dinucleotides differ by up to {largest:.3f}"
        )


def describe_match(bound: Sequence[str], unbound: Sequence[str]) -> Match:
    """Compare the GC content, the repeats and the dinucleotides of two sets of sequences.

    Parameters
    ----------
    bound, unbound : sequence of str
        DNA with repeats in lower case.

    Returns
    -------
    Match

    Raises
    ------
    ValueError
        If either set is empty.

    Examples
    --------
    >>> match = describe_match(["ACGT", "ggcc"], ["ACGA", "GGCC"])
    >>> match.gc_means, match.repeat_means, match.gc_distance
    ((0.75, 0.75), (0.5, 0.0), 0.0)
    """
    if not len(bound) or not len(unbound):
        raise ValueError(f"Got {len(bound)} bound and {len(unbound)} unbound sequences; expected some of both.")
    gc, repeats = zip(*map(gc_and_repeats, (bound, unbound)), strict=True)
    # A sequence of only N has no GC content.
    gc = tuple(shares[~np.isnan(shares)] for shares in gc)
    pairs = ["".join(pair) for pair in product("ACGT", repeat=2)]
    return Match(
        n_bound=len(bound),
        n_unbound=len(unbound),
        gc=_histogram(*gc),
        repeats=_histogram(*repeats),
        gc_means=_means(*gc),
        repeat_means=_means(*repeats),
        gc_distance=_distance(*gc),
        repeat_distance=_distance(*repeats),
        dinucleotides=pd.DataFrame(
            {"dinucleotide": pairs, "bound": _pair_shares(bound), "unbound": _pair_shares(unbound)}
        ),
    )


def _means(*sets: NDArray[np.float64]) -> tuple[float, float]:
    one, other = (float(values.mean()) if len(values) else float("nan") for values in sets)
    return one, other


def _histogram(bound: NDArray[np.float64], unbound: NDArray[np.float64]) -> pd.DataFrame:
    edges = np.linspace(0, 1, _N_BINS + 1)
    columns = {"from": edges[:-1], "to": edges[1:]}
    for name, values in (("bound", bound), ("unbound", unbound)):
        columns[name] = np.histogram(values, edges)[0] / max(len(values), 1)
    return pd.DataFrame(columns)


def _distance(bound: NDArray[np.float64], unbound: NDArray[np.float64]) -> float:
    if not len(bound) or not len(unbound):
        return float("nan")
    values = np.union1d(bound, unbound)
    below, below_other = (np.searchsorted(np.sort(each), values, "right") / len(each) for each in (bound, unbound))
    return float(np.abs(below - below_other).max())


def _pair_shares(sequences: Sequence[str]) -> NDArray[np.float64]:
    counts = np.zeros(25, np.int64)
    for _, codes in encode_by_length(list(sequences), unknown="N"):
        counts += np.bincount((5 * codes[:, :-1] + codes[:, 1:]).ravel(), minlength=25)
    known = counts.reshape(5, 5)[:4, :4].ravel()
    return known / max(known.sum(), 1)
