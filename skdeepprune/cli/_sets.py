"""Training, validation and test set of `fit`: the unbound sequences, and the split by chromosomes."""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdeepprune._inputs import hold_out
from skdeepprune._reading import shown
from skdeepprune.cli._output import log
from skdeepprune.cli._peaks import UsageError
from skdeepprune.cli._read import Labeled, Named, is_mixed, labeled, read_named, read_unbound
from skdeepprune.genome import Match, describe_match, region_table, sample_negatives
from skdeepprune.genome._regions import COLUMNS
from skdeepprune.sequences import Genome, encode
from skdeepprune.sequences._codes import check_padding
from skdeepprune.sequences._places import Place

MADE = ("both", "matched", "random", "shuffles")
# With fewer chromosomes, each holds too many sequences to leave out of training.
_MIN_CHROMOSOMES = 4


@dataclass(frozen=True, eq=False)
class Sets:
    """Training, validation and test set, and how they were made.

    Attributes
    ----------
    train : Labeled
    validation, test : Labeled or None
    kind : {"both", "matched", "random", "shuffles"} or None
        Kind of the generated unbound sequences; None if they were given.
    match : Match or None
        How well the sampled regions match the bound sequences.
    tested_on : str
        Description of `test`.
    """

    train: Labeled
    validation: Labeled | None
    test: Labeled | None
    kind: str | None
    match: Match | None
    tested_on: str


@dataclass(frozen=True, eq=False)
class WithNegatives:
    """Sequences of both classes, and the origin of the unbound ones.

    Attributes
    ----------
    data : Labeled
    source : ndarray of int, shape (n,)
        Index of the sequence that each one has to stay with in a split: for a generated negative, its bound sequence.
    kind, match
        As in `Sets`.
    """

    data: Labeled
    source: NDArray[np.int64]
    kind: str | None
    match: Match | None


def read_sets(options: argparse.Namespace, rng: np.random.Generator) -> Sets:
    """Read sequences or peaks, generate unbound ones if there are none, and split off validation and test set."""
    if not 0 <= options.test_share < 1:
        raise UsageError(f"--test-share {options.test_share}: expected a share of at least 0 and below 1.")
    if options.test is not None and options.test_chromosomes:
        raise UsageError("--test and --test-chromosomes exclude each other; leave one of them out.")
    separate = None if options.test is None else read_named(options.test, options, labels=options.labels)
    made = read_with_negatives(options, rng, separate)
    everything = made.data
    _check_lengths(everything)
    if separate is not None:
        other = _with_test_negatives(separate, everything, options, rng).data
        is_test, tested_on = np.zeros(len(everything.y), bool), str(options.test)
    else:
        other = None
        is_test, tested_on = _test_rows(everything, made.source, options, rng)
    is_validation = _on_chromosomes(options.validation_chromosomes, everything, "--validation-chromosomes")
    if both := set(options.test_chromosomes) & set(options.validation_chromosomes):
        raise UsageError(
            f"{', '.join(sorted(both))} cannot be both in --validation-chromosomes and --test-chromosomes."
        )
    is_test &= ~is_validation
    parts = {"training": ~(is_test | is_validation), "validation": is_validation, "test": is_test}
    found: dict[str, Labeled | None] = {}
    for name, rows in parts.items():
        found[name] = everything.take(rows) if rows.any() else None
        labels = set(everything.y[rows].tolist())
        if rows.any() and len(labels) < 2 or name == "training" and not rows.any():
            raise UsageError(
                f"The {name} set has {'no sequences' if not labels else 'sequences of one class only'}; choose other"
                " chromosomes."
            )
    assert found["training"] is not None
    return Sets(found["training"], found["validation"], other or found["test"], made.kind, made.match, tested_on)


def _check_lengths(data: Labeled) -> None:
    """Refuse data that would mostly be padding in training, and name the longest sequence."""
    lengths = np.fromiter(map(len, data.sequences), np.int64, len(data.sequences))
    try:
        check_padding(lengths, int(lengths.max()))
    except ValueError as error:
        raise ValueError(f"{shown(data.names[int(lengths.argmax())])} is too long: {error}") from error


def read_with_negatives(
    options: argparse.Namespace, rng: np.random.Generator, separate: Named | None = None
) -> WithNegatives:
    """Read sequences or peaks; if there are no unbound ones, generate them, avoiding the peaks in `separate`."""
    given = read_named(options.positives, options, labels=options.labels)
    if options.negatives is not None or is_mixed(given):
        if options.make is not None:
            raise UsageError(f"--make {options.make}: unbound sequences are already given; leave it out.")
        both = Labeled.joined(given, read_unbound(given, options)) if options.negatives else labeled(given)
        return WithNegatives(both, np.arange(len(both.y)), None, None)
    kind = options.make or ("shuffles" if given.peaks is None else "both")
    if kind != "shuffles" and given.peaks is None:
        raise UsageError(f"--make {kind} samples regions of a genome; expected peaks and --genome.")
    avoided = [] if separate is None or separate.peaks is None else [region_table(separate.peaks)]
    return _with_negatives(given, kind, options, rng, avoided)


def _with_test_negatives(
    given: Named, train: Labeled, options: argparse.Namespace, rng: np.random.Generator
) -> WithNegatives:
    """Generate unbound sequences for --test, unless it has some, avoiding the training regions."""
    if is_mixed(given):
        return WithNegatives(labeled(given), np.arange(len(given.names)), None, None)
    kind = "shuffles" if given.peaks is None else options.make or "both"
    used = [place[:3] for place in train.places if kind != "shuffles" and place.start is not None]
    return _with_negatives(given, kind, options, rng, [pd.DataFrame(used, columns=COLUMNS[:3])] if used else [])


def _with_negatives(
    given: Named, kind: str, options: argparse.Namespace, rng: np.random.Generator, avoided: list[pd.DataFrame]
) -> WithNegatives:
    n = len(given.names)
    unbound, sources, match = [], [np.arange(n)], None
    if kind != "shuffles":
        regions, of_peak = _sample_regions(given, kind, options, rng, avoided)
        match = describe_match(given.sequences, regions.sequences)
        unbound.append(regions)
        sources.append(of_peak)
    if kind in ("shuffles", "both"):
        n_shuffles = max(1, round(options.ratio * n))
        while n_shuffles:
            rows = np.arange(n) if n_shuffles >= n else np.sort(rng.permutation(n)[:n_shuffles])
            unbound.append(given.shuffled(rng, rows))
            sources.append(rows)
            n_shuffles -= len(rows)
    return WithNegatives(Labeled.joined(given, *unbound), np.concatenate(sources), kind, match)


def _sample_regions(
    given: Named, kind: str, options: argparse.Namespace, rng: np.random.Generator, avoided: list[pd.DataFrame]
) -> tuple[Named, NDArray[np.int64]]:
    """Sample regions for the peaks; also return the index of each one's peak."""
    rows = [(*place[:3], name, place.strand) for place, name in zip(given.places, given.names, strict=True)]
    peaks = pd.DataFrame(rows, columns=COLUMNS)
    assert given.peaks is not None
    with warnings.catch_warnings(record=True) as caught, Genome(options.genome) as genome:
        warnings.simplefilter("always")
        found = sample_negatives(
            peaks,
            genome,
            options.ratio,
            match=() if kind == "random" else ("gc", "repeats"),
            # Excludes the full peaks, including what was cut off.
            exclude=[region_table(given.peaks), *avoided, *options.exclude],
            margin=options.margin,
            random_state=rng,
        )
    for warning in caught:
        log(str(warning.message), quiet=False)
    if found.empty:
        raise ValueError("No region of the genome matches a peak; use --make shuffles.")
    places = [Place(*place) for place in found[["chrom", "start", "end", "strand"]].itertuples(index=False, name=None)]
    named = Named(found["name"].tolist(), found["sequence"].tolist(), places, kind=kind.replace("both", "matched"))
    return named, found["peak"].to_numpy()


def _test_rows(
    data: Labeled, source: NDArray[np.int64], options: argparse.Namespace, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], str]:
    """Choose the test set: given chromosomes, random ones, or random sequences if too few chromosomes are known."""
    if options.test_chromosomes:
        return _on_chromosomes(options.test_chromosomes, data, "--test-chromosomes"), ", ".join(
            options.test_chromosomes
        )
    if options.test_share == 0:
        return np.zeros(len(data.y), bool), "none"
    chromosomes = [place.chrom for place in data.places]
    free = [chrom for chrom in chromosomes if chrom not in options.validation_chromosomes]
    if None not in chromosomes and len(set(free)) >= _MIN_CHROMOSOMES:
        named = choose_chromosomes(free, options.test_share, rng)
        return _on_chromosomes(named, data, "--test-chromosomes"), ", ".join(named)
    # Copies of a sequence, and what was generated from or for it, stay in the same set.
    own = source == np.arange(len(source))
    labels = np.where(data.y[own] == 1, 1, 0)
    classes = np.unique(labels)
    codes = encode(data.sequences[own])
    positions = np.searchsorted(classes, labels)
    _, held_out = hold_out(codes, positions, np.ones(len(labels)), options.test_share, classes, rng)
    is_test = np.isin(source, np.flatnonzero(own)[held_out])
    return is_test, f"{options.test_share:.0%} of the sequences, at random"


def _on_chromosomes(chromosomes: list[str], data: Labeled, option: str) -> NDArray[np.bool_]:
    """Which sequences are on these chromosomes, each of which must have at least one."""
    own = [place.chrom for place in data.places]
    nowhere = [row for row, chrom in enumerate(own) if chrom is None]
    if chromosomes and nowhere:
        raise UsageError(
            f"{option}: the chromosome of {len(nowhere)} of {len(own)} sequences, such as"
            f" {shown(data.names[nowhere[0]])}, is unknown; expected peaks, or headers such as chr1:100-200."
        )
    known = list(dict.fromkeys(own))
    for name in chromosomes:
        if name not in known:
            others = ", ".join(shown(chrom)[1:-1] for chrom in known[:8])
            raise UsageError(
                f"{option}: no sequence is on {name!r}; they are on {others}{' ...' if len(known) > 8 else ''}."
            )
    return np.array([chrom in chromosomes for chrom in own], bool)


def choose_chromosomes(groups: list[Any], share: float, rng: np.random.Generator) -> list[str]:
    """Choose some chromosomes, but not all, that together contain about this share of the sequences.

    Parameters
    ----------
    groups : list of str
        The chromosome of every sequence, of at least two.
    share : float
        Above 0 and below 1.
    rng : Generator

    Returns
    -------
    list of str
        In the order of `groups`.
    """
    counts = pd.Series(groups, dtype=object).value_counts(sort=False)
    wanted = share * counts.sum()
    chosen: list[str] = []
    n = 0
    for number in rng.permutation(len(counts)):
        name, size = counts.index[number], int(counts.iloc[number])
        if abs(n + size - wanted) < abs(n - wanted) and len(chosen) < len(counts) - 1:
            chosen.append(name)
            n += size
    return [name for name in counts.index if name in chosen] or [str(counts.idxmin())]
