"""The command ``variants``: score the variants in a file, and write them as a table or VCF."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from skdeepprune._model_file import load_model
from skdeepprune._reading import source_of
from skdeepprune._writing import replacing
from skdeepprune.cli._numbers import threads, whole_number
from skdeepprune.cli._output import log, opened_output, print_json, shows_progress
from skdeepprune.cli._paths import check_outputs, check_standard_output
from skdeepprune.cli._read import UsageError
from skdeepprune.effects._alleles import STATUSES, Alleles, described
from skdeepprune.effects._variants import VariantScorer, messages_of, portions
from skdeepprune.effects._vcf import (
    InfoWriter,
    Record,
    VariantFile,
    load_pysam,
    opened_variants,
    opened_vcf_output,
    rereadable,
)
from skdeepprune.sequences import Genome

Columns = dict[str, NDArray[Any]]
_CHANGES = ("", "gained", "lost")
_VCF, _PACKED = (".vcf",), (".vcf.gz", ".vcf.bgz")
# INFO fields with their types, columns and descriptions.
_FIELDS = (
    ("SDP_STATUS", "String", "status", "Why an ALT allele has no scores, or ok"),
    ("SDP_REF", "Float", "log_odds_ref", "Log-odds of binding, REF allele in the middle of the window"),
    ("SDP_ALT", "Float", "log_odds_alt", "Log-odds of binding, ALT allele in the middle of the window"),
    ("SDP_DELTA", "Float", "delta", "SDP_ALT - SDP_REF"),
    ("SDP_KERNEL", "Integer", "kernel", "Kernel, from 0, that most of SDP_DELTA comes from"),
    ("SDP_CHANGE", "String", "change", "Whether a site of that kernel is gained or lost"),
    ("SDP_DISTANCE", "Integer", "site_distance", "bp from the variant to that site, 0 where they overlap"),
)
_P_FIELD = ("SDP_P", "Float", "p", "Share of random variants of the kind with as large an absolute SDP_DELTA")


def add_variants(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = parsers.add_parser(
        "variants",
        help="score the effects of variants",
        description="Score both alleles of every variant in a window of the genome, and write the difference in"
        " log-odds: as a tab-separated table with a row per ALT allele, or as VCF with additional INFO fields. Variants"
        " that cannot be scored stay in the output, with a status that says why.",
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file written by `skdeepprune fit`")
    parser.add_argument("variants", metavar="VARIANTS", help="VCF, optionally gzipped, or BCF; - for standard input")
    parser.add_argument("--genome", metavar="FASTA", type=Path, required=True, help="genome that REF refers to")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="file to write: VCF if its name ends in .vcf or .vcf.gz, otherwise a table (default: a table, to standard"
        " output)",
    )
    parser.add_argument(
        "--window",
        metavar="BP",
        type=whole_number(1),
        help="length of the window centred on an allele (default: the mean length of the bound training sequences)",
    )
    parser.add_argument(
        "--background",
        metavar="N",
        type=whole_number(0),
        default=0,
        help="number of random variants of every kind to draw for p-values; 0 for no p-values (default: 0)",
    )
    group = parser.add_argument_group("general")
    group.add_argument(
        "--seed",
        metavar="N",
        type=whole_number(0, 2**32 - 1),
        default=0,
        help="random seed of the background (default: 0)",
    )
    group.add_argument(
        "--n-jobs", metavar="N", type=threads, default=-1, help="threads; -1 for all cores (default: -1)"
    )
    group.add_argument("--force", action="store_true", help="overwrite an existing file")
    group.add_argument("--quiet", action="store_true", help="show no progress")
    group.add_argument("--json", action="store_true", help="print a summary as JSON")
    parser.set_defaults(run=variants)


def variants(options: argparse.Namespace) -> None:
    """Score the variants in a file."""
    check_outputs([options.out], options.force, inputs=[options.model, options.variants, options.genome])
    if options.json and options.out is None:
        raise UsageError("--json and the table both go to standard output; name a file for the table with --out.")
    if options.json or options.out is None:
        check_standard_output("--json goes" if options.json else "The table goes")
    is_vcf = options.out is not None and options.out.name.endswith((*_VCF, *_PACKED))
    _check_kind(options.out)
    scorer = VariantScorer(
        load_model(options.model),
        window=options.window,
        background=options.background,
        random_state=options.seed,
        n_jobs=options.n_jobs,
    )
    counts: Counter[str] = Counter()
    names: dict[str, None] = {}
    twice = rereadable if options.background else nullcontext
    source = source_of(options.variants)
    with Genome(options.genome) as genome, twice(options.variants) as path:
        if options.background:
            with opened_variants(path, source) as file, _progress("Drawing", options) as bar:
                scorer.draw_background((alleles for _, alleles in _portions(file, scorer, bar)), genome)
        with opened_variants(path, source) as file:
            opened = _vcf_writer if is_vcf else _table_writer
            with opened(options, file, scorer) as write, _progress("Scoring", options) as bar:
                for records, alleles, columns in scorer.scored(_portions(file, scorer, bar), genome):
                    write(records, alleles, columns)
                    numbers = np.bincount(columns["status"], minlength=len(STATUSES))
                    counts.update({status: int(n) for status, n in zip(STATUSES, numbers, strict=True) if n})
                    names.update(dict.fromkeys(alleles.chrom))
        messages = messages_of(dict(counts), genome, list(names))
    for message in messages:
        log(message, quiet=False)
    if options.json:
        print_json({"file": options.out, "window": scorer.window, "alleles": dict(counts), "warnings": messages})
    else:
        log(f"{source}: {described(dict(counts))}; windows of {scorer.window} bp", quiet=options.quiet)


def _portions(file: VariantFile, scorer: VariantScorer, bar: Any) -> Iterator[tuple[list[Record], Alleles]]:
    for records in portions(file, scorer.portion):
        yield records, Alleles.of(record.variant for record in records)
        bar.update(len(records))


def _progress(what: str, options: argparse.Namespace) -> Any:
    return tqdm(desc=what, unit=" variants", unit_scale=True, disable=not shows_progress(quiet=options.quiet))


def _check_kind(path: Path | None) -> None:
    """Raise an error before anything is computed if the format in the file name is not supported."""
    if path is None:
        return
    if path.name.endswith(_PACKED):
        load_pysam("Compressed VCF files")
    elif path.suffix == ".bcf":
        raise UsageError(
            f"--out {path}: BCF is read, but not written; expected .vcf, .vcf.gz, or another ending for a table, such"
            " as .tsv. `bcftools view -Ob` converts .vcf.gz."
        )
    elif path.suffix in (".gz", ".bgz"):
        raise UsageError(f"--out {path}: expected .vcf, .vcf.gz, or another ending for a table, such as .tsv.")


Write = Callable[[list[Record], Alleles, Columns], None]


@contextmanager
def _table_writer(options: argparse.Namespace, file: VariantFile, scorer: VariantScorer) -> Iterator[Write]:
    given = ("chrom", "pos", "id", "ref", "alt")
    with opened_output(options.out) as output:
        is_first = True

        def write(records: list[Record], alleles: Alleles, columns: Columns) -> None:
            nonlocal is_first
            if is_first:
                output.write("\t".join([*given, *columns]) + "\n")
                is_first = False
            cells = [*(getattr(alleles, name) for name in given), *map(_values, columns, columns.values())]
            # One format a row: a call for every number takes most of the time there is.
            line = "\t".join(["%s"] * len(given) + list(map(_form_of, columns))) + "\n"
            n_given = len(given) + 1
            blank = "\t".join(["%s"] * n_given) + "\t" * (len(cells) - n_given) + "\n"
            is_ok = (columns["status"] == 0).tolist()
            rows = zip(*cells, strict=True)
            output.write(
                "".join([line % row if ok else blank % row[:n_given] for row, ok in zip(rows, is_ok, strict=True)])
            )

        yield write
        if is_first:
            write([], Alleles.of([]), scorer.no_columns())


@contextmanager
def _vcf_writer(options: argparse.Namespace, file: VariantFile, scorer: VariantScorer) -> Iterator[Write]:
    fields = (*_FIELDS, _P_FIELD) if options.background else _FIELDS
    header = [(name, "." if name == "SDP_STATUS" else "A", kind, text) for name, kind, _, text in fields]
    note = f"##skdeepprune_variants=model={options.model};genome={options.genome};window={scorer.window}"
    names, forms = [name for name, *_ in fields], [_form_of(column) for _, _, column, _ in fields]
    one_allele = ";".join(f"{name}={form}" for name, form in zip(names, forms, strict=True))

    def info_of(rows: list[tuple[Any, ...]], is_ok: list[bool]) -> str:
        """Write a record with the values of its alleles."""
        if len(rows) == 1 and is_ok[0]:
            return one_allele % rows[0]
        status = f"{names[0]}=" + ",".join(row[0] for row in rows)
        if not any(is_ok):
            return status
        values = [
            ",".join([form % row[i] if ok else "." for row, ok in zip(rows, is_ok, strict=True)])
            for i, form in enumerate(forms)
        ]
        return ";".join([status, *(f"{name}={value}" for name, value in zip(names[1:], values[1:], strict=True))])

    with replacing(options.out) as part:
        # The name of the part does not show its format.
        with opened_vcf_output(part, packed=options.out.name.endswith(_PACKED)) as output:
            writer = InfoWriter(output, file.header, header, [note])

            def write(records: list[Record], alleles: Alleles, columns: Columns) -> None:
                cells = [_values(column, columns[column]) for _, _, column, _ in fields]
                cells = [[value if value != "" else "." for value in cell] for cell in cells]
                cells[0] = [status.replace(" ", "_") for status in cells[0]]
                rows, is_ok = list(zip(*cells, strict=True)), (columns["status"] == 0).tolist()
                ends = np.flatnonzero(np.diff(alleles.variant, append=len(records))) + 1
                start = 0
                for record, end in zip(records, ends.tolist(), strict=True):
                    writer.write(record, info_of(rows[start:end], is_ok[start:end]).encode())
                    start = end

            yield write


_TEXTS = ("status", "kernel", "change", "site_distance")


def _form_of(column: str) -> str:
    return "%s" if column in _TEXTS else "%.6g"


def _values(name: str, column: NDArray[Any]) -> list[Any]:
    """Numbers, or texts where they are not; "" for missing ones."""
    values = column.tolist()
    if name == "status":
        return [STATUSES[number] for number in values]
    if name == "change":
        return [_CHANGES[number] for number in values]
    if name == "kernel":
        return [int(number) if number >= 0 else "" for number in values]
    if name == "site_distance":
        return [int(number) if number == number else "" for number in values]
    return values
