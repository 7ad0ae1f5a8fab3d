"""Unbound regions that resemble bound ones."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdeepprune._random import RandomState, as_generator
from skdeepprune.genome._bases import BLOCKED, base_bits, gc_and_repeats
from skdeepprune.genome._regions import (
    GenomeLike,
    RegionsLike,
    check_within,
    opened,
    region_sequences,
    region_table,
)
from skdeepprune.sequences import Genome, dinucleotide_shuffle

_FEATURES = ("gc", "repeats")
_TRIES = 500
_ANY = -1.0

Starts = NDArray[np.int64]


def sample_negatives(
    peaks: RegionsLike,
    genome: GenomeLike,
    ratio: float = 1,
    match: str | Sequence[str] = ("gc", "repeats"),
    *,
    tolerance: float = 0.02,
    max_unknown: float = 0.1,
    exclude: RegionsLike | Sequence[RegionsLike] = (),
    margin: int = 0,
    same_chromosome: bool = True,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Choose unbound regions of a genome that match the peaks in length, GC content and repeats.

    Parameters
    ----------
    peaks : DataFrame, str, path, or iterable of Region
        Bound regions, as for :func:`region_table`. Cut them to the width that the classifier will read first.
    genome : Genome, str, path, or mapping of str to str
        As for :class:`skdeepprune.sequences.Genome`. Chromosomes are read one at a time.
    ratio : float, default=1
        Negatives per peak.
    match : {"dinucleotide"} or subset of {"gc", "repeats"}, default=("gc", "repeats")
        Features of a negative to match to its peak, besides the length: GC content of the known bases, share of lower
        case. () allows any region. "dinucleotide" shuffles the peak's sequence instead of choosing a region.
    tolerance : float, default=0.02
        Maximum difference of each share. The closest of several random windows is chosen.
    max_unknown : float, default=0.1
        Maximum share of letters other than A, C, G and T.
    exclude : regions as for `peaks`, or a list of such, default=()
        Other regions to avoid, such as a blacklist or the peaks of other experiments.
    margin : int, default=0
        Minimum distance in bp between negatives and peaks or excluded regions.
    same_chromosome : bool, default=True
        Choose the negatives of a peak on its own chromosome, so that folds of chromosomes stay balanced. Otherwise
        anywhere, with chromosomes weighted by length.
    random_state : int, Generator, RandomState or None, default=None

    Returns
    -------
    DataFrame
        One row per negative, sorted by peak: chrom, start, end, name, strand, sequence (on that strand, lower case
        kept), peak (row of the matched peak). Negatives do not overlap. The strand is that of the peak.

    Raises
    ------
    ValueError
        If a region is not in the genome, or a parameter is out of range.

    Warns
    -----
    UserWarning
        If there are too few matching regions; those that were found are returned.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> genome = {"chr1": "".join(np.random.default_rng(0).choice(list("ACGT"), 10_000))}
    >>> peaks = pd.DataFrame({"chrom": "chr1", "start": [500, 7000], "end": [600, 7100]})
    >>> negatives = sample_negatives(peaks, genome, ratio=2, random_state=0)
    >>> negatives.shape, set(negatives["end"] - negatives["start"])
    ((4, 7), {100})
    """
    features = _checked(ratio, match, tolerance, max_unknown, margin)
    rng = as_generator(random_state)
    bound = region_table(peaks)
    if bound.empty:
        raise ValueError("There are no peaks; expected at least one.")
    with opened(genome) as source:
        check_within(bound, source, "peaks")
        sequences = region_sequences(bound, source)
        wanted = _wanted(len(bound), ratio, rng)
        if features is None:
            return _shuffles(bound, sequences, np.sort(wanted), rng)
        blocked = pd.concat([bound, *_excluded(exclude, source)])
        targets = np.column_stack(gc_and_repeats(sequences))
        targets[:, [feature not in features for feature in _FEATURES]] = _ANY
        search = _Search(source, blocked, margin, tolerance, max_unknown, rng)
        found = search.run(bound, targets, wanted, same_chromosome)
        unbound = found.assign(sequence=region_sequences(found, source))
    if len(unbound) < len(wanted):
        warnings.warn(
            f"Found {len(unbound)} of {len(wanted)} negatives: for {len(wanted) - len(unbound)} there is no region left"
            f" that matches within {tolerance:g}. Raise tolerance, match less, lower ratio, or set"
            " same_chromosome=False.",
            UserWarning,
            stacklevel=2,
        )
    return unbound[["chrom", "start", "end", "name", "strand", "sequence", "peak"]]


def _checked(
    ratio: float, match: str | Sequence[str], tolerance: float, max_unknown: float, margin: int
) -> tuple[str, ...] | None:
    """Check the parameters, and return the features to match; None for shuffles."""
    if not 0 < ratio < np.inf:
        raise ValueError(f"ratio={ratio!r}; expected a number of negatives per peak above 0.")
    if not 0 <= tolerance <= 1 or not 0 <= max_unknown <= 1:
        raise ValueError(f"tolerance={tolerance!r} and max_unknown={max_unknown!r}; expected shares from 0 to 1.")
    if margin < 0:
        raise ValueError(f"margin={margin!r}; expected a number of bp from 0.")
    features = (match,) if isinstance(match, str) else tuple(match)
    if features == ("dinucleotide",):
        return None
    if not set(features) <= set(_FEATURES):
        raise ValueError(f"match={match!r}; expected 'dinucleotide', or some of 'gc' and 'repeats'.")
    return features


def _wanted(n_peaks: int, ratio: float, rng: np.random.Generator) -> Starts:
    """Peaks to match, in random order; every peak is used once before any is repeated."""
    n = max(1, round(ratio * n_peaks))
    rounds = [rng.permutation(n_peaks) for _ in range(-(-n // n_peaks))]
    return np.concatenate(rounds)[:n]


def _shuffles(bound: pd.DataFrame, sequences: list[str], wanted: Starts, rng: np.random.Generator) -> pd.DataFrame:
    chosen = bound.iloc[wanted].reset_index(drop=True)
    shuffled = dinucleotide_shuffle([sequences[i] for i in wanted], random_state=rng)
    return chosen.assign(name="shuffle of " + chosen["name"], sequence=shuffled, peak=wanted)


def _excluded(exclude: Any, genome: Genome) -> Iterator[pd.DataFrame]:
    """Yield tables of excluded regions; each must name chromosomes like the genome."""
    is_one = isinstance(exclude, pd.DataFrame) or not isinstance(exclude, Iterable) or isinstance(exclude, str)
    several = [exclude] if is_one else list(exclude)
    if several and all(hasattr(one, "chrom") and not isinstance(one, pd.DataFrame) for one in several):
        several = [several]
    for one in several:
        table = region_table(one)
        if len(table) and not table["chrom"].isin(list(genome.lengths)).any():
            check_within(table, genome, "excluded regions")
        yield table


class _Search:
    """Searches for negatives chromosome by chromosome; regions found are blocked."""

    def __init__(
        self,
        genome: Genome,
        blocked: pd.DataFrame,
        margin: int,
        tolerance: float,
        max_unknown: float,
        rng: np.random.Generator,
    ) -> None:
        self._genome = genome
        self._blocked = {
            chrom: [*zip((rows["start"] - margin).clip(lower=0).tolist(), (rows["end"] + margin).tolist(), strict=True)]
            for chrom, rows in blocked.groupby("chrom")
        }
        # Shares are ratios of integers, and equal ones may differ by rounding.
        self._tolerance, self._max_unknown = tolerance + 1e-9, max_unknown + 1e-9
        self._rng = rng

    def run(
        self, bound: pd.DataFrame, targets: NDArray[np.float64], wanted: Starts, same_chromosome: bool
    ) -> pd.DataFrame:
        """Search for a negative for every peak in `wanted`."""
        names = list(self._genome.lengths)
        number = {name: i for i, name in enumerate(names)}
        if same_chromosome:
            place, n_rounds = bound["chrom"].map(number).to_numpy()[wanted], 1
        else:
            sizes = np.array(list(self._genome.lengths.values()), float)
            place, n_rounds = self._rng.choice(len(names), len(wanted), p=sizes / sizes.sum()), len(names)
        lengths = (bound["end"] - bound["start"]).to_numpy()
        starts = np.full(len(wanted), -1)
        # Peaks without known bases have no GC content to match.
        pending = np.flatnonzero(~np.isnan(targets[wanted]).any(axis=1))
        for _ in range(n_rounds):
            for chrom in np.unique(place[pending]):
                rows = pending[place[pending] == chrom]
                peaks = wanted[rows]
                starts[rows] = self._on(names[chrom], lengths[peaks], targets[peaks])
            pending = pending[starts[pending] < 0]
            if not len(pending):
                break
            place[pending] = (place[pending] + 1) % len(names)
        rows = np.flatnonzero(starts >= 0)
        rows = rows[np.argsort(wanted[rows], kind="stable")]
        peaks = wanted[rows]
        table = pd.DataFrame(
            {
                "chrom": np.array(names, object)[place[rows]],
                "start": starts[rows],
                "end": starts[rows] + lengths[peaks],
                "strand": bound["strand"].to_numpy()[peaks],
                "peak": peaks,
            }
        )
        return table.assign(
            name=[f"{c}:{s}-{e}" for c, s, e in zip(*(table[k] for k in table.columns[:3]), strict=True)]
        )

    def _on(self, chrom: str, lengths: Starts, targets: NDArray[np.float64]) -> Starts:
        """Find the starts of windows with these lengths and shares on a chromosome; -1 if there is none."""
        from skdeepprune.genome._windows import pick_windows

        bits = base_bits(self._genome.letters(chrom))
        for start, end in self._blocked.setdefault(chrom, []):
            bits[start:end] |= BLOCKED
        alike = pd.DataFrame(targets).assign(length=lengths)
        kinds = alike.groupby(list(alike.columns), dropna=False, sort=False).ngroup().to_numpy()
        state = self._rng.integers(2**64, size=1, dtype=np.uint64)
        starts = pick_windows(bits, lengths, targets, kinds, self._tolerance, self._max_unknown, _TRIES, state)
        found = starts >= 0
        self._blocked[chrom].extend(zip(starts[found].tolist(), (starts + lengths)[found].tolist(), strict=True))
        return starts
