"""Sampled regions, and training, validation and test sets, as BED and FASTA."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

import pandas as pd

from skdeepprune._inputs import InputParts
from skdeepprune._reading import opened, source_of
from skdeepprune.cli._output import log, opened_output, print_json
from skdeepprune.cli._paths import check_outputs, check_standard_output
from skdeepprune.cli._peaks import UsageError, opened_peaks
from skdeepprune.cli._read import Labeled
from skdeepprune.cli._sets import Sets
from skdeepprune.genome import Match, describe_match, region_table, sample_negatives
from skdeepprune.report._leakage import find_leakage
from skdeepprune.sequences._places import NOWHERE, Place

_PARTS = ("training", "validation", "test")
SET_FILES = tuple(f"{part}.{form}" for part in _PARTS for form in ("bed", "fa"))
_MATCHED: dict[str, str | tuple[str, ...]] = {
    "dinucleotide": "dinucleotide",
    "gc": ("gc",),
    "repeats": ("repeats",),
    "both": ("gc", "repeats"),
    "nothing": (),
}


def sample_for_peaks(options: argparse.Namespace) -> tuple[Match | None, pd.DataFrame]:
    """Sample regions for the peaks in a file; also return how well they match, if there are any."""
    if options.match == "dinucleotide" and options.format == "bed":
        raise UsageError("--match dinucleotide makes sequences that are not in the genome; add --format fasta.")
    source = source_of(options.peaks)
    with opened(options.peaks) as file, opened_peaks(file, source, options) as peaks:
        found = [(peak, peak.sequence) for peak in peaks if peak.sequence is not None]
        if lost := peaks.without_sequence():
            log(f"{lost}; they are left out", quiet=False)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = sample_negatives(
                [peak.cut for peak, _ in found],
                peaks.genome,
                options.ratio,
                _MATCHED[options.match],
                tolerance=options.tolerance,
                exclude=[region_table(peak.given for peak, _ in found), *options.exclude],
                margin=options.margin,
                same_chromosome=not options.any_chromosome,
                random_state=options.seed,
            )
    for warning in caught:
        log(str(warning.message), quiet=False)
    bound = [sequence for _, sequence in found]
    return describe_match(bound, table["sequence"].tolist()) if len(table) else None, table


def write_regions(table: pd.DataFrame, file: IO[str], *, as_fasta: bool) -> None:
    """Write regions as BED, or their sequences as FASTA, on their strand."""
    columns = (table[name] for name in ("chrom", "start", "end", "name", "strand", "sequence"))
    for chrom, start, end, name, strand, sequence in zip(*columns, strict=True):
        place = f"{chrom}:{start}-{end}"
        if as_fasta:
            file.write(f">{f'{place}({strand})' if name == place else name}\n{sequence}\n")
        else:
            file.write(f"{chrom}\t{start}\t{end}\t{name}\t0\t{strand}\n")


def write_sets(folder: Path, sets: Sets) -> None:
    """Write training, validation and test set: regions as BED, all sequences as FASTA with labels."""
    for name, part in zip(_PARTS, (sets.train, sets.validation, sets.test), strict=True):
        if part is not None:
            (folder / f"{name}.bed").write_text("".join(_bed_lines(part)), encoding="utf-8")
            (folder / f"{name}.fa").write_text("".join(_fasta_lines(part)), encoding="utf-8")


def _bed_lines(data: Labeled) -> Iterator[str]:
    for kind, place in zip(data.kinds, data.places, strict=True):
        if kind != "shuffles" and place.start is not None:
            yield f"{place.chrom}\t{place.start}\t{place.end}\t{kind}\t0\t{place.strand or '.'}\n"


def _fasta_lines(data: Labeled) -> Iterator[str]:
    for label, name, kind, sequence in zip(data.y, data.names, data.kinds, data.sequences, strict=True):
        yield f">{label} {name} {kind}\n{sequence}\n"


def describe_negatives(made: str | None, options: argparse.Namespace) -> str:
    """Describe the origin of the unbound sequences."""
    if made is None:
        return f"those in {options.negatives}" if options.negatives else "those labeled as such"
    regions = f"regions of {options.genome}"
    matched = f"{regions} matched in GC content and repeats"
    text = {
        "shuffles": "dinucleotide shuffles of the bound ones",
        "matched": matched,
        "random": f"random {regions}",
        "both": f"{matched}, and dinucleotide shuffles of the bound ones",
    }[made]
    return f"{text} ({options.ratio:g}{' of each kind' * (made == 'both')} per bound sequence)"


def describe_sets(sets: Sets, options: argparse.Namespace) -> dict[str, object]:
    """Describe the sets for the report."""
    notes: dict[str, object] = {"sequences": options.positives}
    if options.exclude:
        notes["excluded"] = ", ".join(map(str, options.exclude))
    if sets.validation is not None:
        notes["validated on"] = ", ".join(options.validation_chromosomes)
    if sets.test is not None:
        notes["tested on"] = sets.tested_on
    return notes


def leakage_messages(train: Labeled, validation: Labeled | None, test: Labeled | None) -> list[str]:
    """Report how much of the held-out sequences overlaps or duplicates training sequences."""
    messages = []
    for what, part in (("validation", validation), ("test", test)):
        if part is not None:
            ours, own = map(InputParts.of_strings, (train.sequences, part.sequences))
            found = find_leakage(ours, _own_places(train), own, _own_places(part))
            messages += [message.replace("test sequences", f"{what} sequences") for message in found.messages()]
    return messages


def _own_places(data: Labeled) -> list[Place]:
    """Genomic places of the sequences; shuffles have none."""
    return [NOWHERE if kind == "shuffles" else place for kind, place in zip(data.kinds, data.places, strict=True)]


def negatives(options: argparse.Namespace) -> None:
    """Sample unbound regions of a genome for peaks, and write them as BED or FASTA."""
    check_outputs([options.out], options.force, inputs=[options.peaks, options.genome, *options.exclude])
    if options.json and options.out is None:
        raise UsageError("--json and the regions both go to standard output; name a file for the regions with --out.")
    if options.json or options.out is None:
        check_standard_output("--json goes" if options.json else "The regions go")
    match, table = sample_for_peaks(options)
    with opened_output(options.out) as file:
        write_regions(table, file, as_fasta=options.format == "fasta")
    if options.json:
        values = {} if match is None else asdict(match)
        tables = {name: value.to_dict("records") for name, value in values.items() if isinstance(value, pd.DataFrame)}
        print_json({"file": options.out, **values, **tables})
    elif match is not None:
        log(str(match), quiet=options.quiet)
