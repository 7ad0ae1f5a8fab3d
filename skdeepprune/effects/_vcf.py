"""Reading VCF and BCF record by record, and writing the records with additional INFO fields."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from skdeepprune._reading import FileFormatError, Lines, opened, shown, source_of
from skdeepprune._writing import temporary_folder
from skdeepprune.effects._alleles import Variant

_FIXED = b"#CHROM"
_N_FIXED, _INFO = 8, 7
_BCF = b"BCF"


class Record(NamedTuple):
    """A line of a VCF file.

    Attributes
    ----------
    variant : tuple
        chrom, pos (from 1), id, ref, and alt unsplit.
    fields : list of bytes
        All columns; those after INFO are one.
    """

    variant: Variant
    fields: list[bytes]


class VariantFile:
    """An open VCF file: its header, and an iterator over its records.

    Attributes
    ----------
    header : list of bytes
        The lines that start with #, without line ends.
    """

    def __init__(self, lines: Iterable[bytes], where: Any) -> None:
        self._lines = iter(lines)
        self._where = where
        self.header: list[bytes] = []
        for line in self._lines:
            if not line.startswith(b"#"):
                raise where("a header that begins with '##fileformat=VCF' before the first record", line)
            self.header.append(line)
            if line.startswith(_FIXED):
                break
        if not self.header or not self.header[-1].startswith(_FIXED):
            raise where("a header that ends with the line '#CHROM ...'", self.header[-1] if self.header else b"nothing")
        # Some files separate the columns by spaces.
        self._separator = b"\t" if b"\t" in self.header[-1] else None

    def __iter__(self) -> Iterator[Record]:
        names: dict[bytes, str] = {}
        for line in self._lines:
            fields = line.split(self._separator, _N_FIXED)
            try:
                chrom, pos, name, ref, alt = fields[:5]
                place = int(pos)
            except ValueError as error:
                if not line.strip():
                    continue
                raise self._where("CHROM, POS (a whole number), ID, REF and ALT, separated by tabs", line) from error
            if chrom not in names:
                names[chrom] = chrom.decode("utf-8", "surrogateescape")
            text = names[chrom], place, _text(name), _text(ref), _text(alt)
            yield Record(text, fields)


def _text(field: bytes) -> str:
    return field.decode("utf-8", "surrogateescape")


@contextmanager
def rereadable(path: str | os.PathLike[str]) -> Iterator[str | os.PathLike[str]]:
    """Yield a path that can be opened more than once: a temporary copy if the input is a pipe."""
    if path != "-" and os.path.isfile(path):
        yield path
        return
    with (
        temporary_folder() as folder,
        open(sys.stdin.fileno(), "rb", closefd=False) if path == "-" else open(path, "rb") as file,
    ):
        copy = folder / "variants"
        with open(copy, "wb") as whole:
            shutil.copyfileobj(file, whole)
        yield copy


@contextmanager
def opened_variants(path: str | os.PathLike[str], source: str | None = None) -> Iterator[VariantFile]:
    """Open a VCF file (plain or gzipped), a BCF file, or standard input (``"-"``).

    Parameters
    ----------
    path : str or path
    source : str, default=None
        Its name in messages. Default: the path.

    Raises
    ------
    FileFormatError
        If it is damaged or neither VCF nor BCF.
    ImportError
        If it is BCF and pysam is missing.
    """
    source = source or source_of(path)
    # Genotypes of thousands of samples compress extremely well.
    with opened(path, limited=False, source=source) as file:
        if file.peek(len(_BCF))[: len(_BCF)] == _BCF:
            with _bcf_file(path, file) as own, _bcf_lines(own, source) as lines:
                yield VariantFile(lines, _error_without_line(source))
            return
        numbered = Lines(file, source)
        yield VariantFile(numbered, numbered.expected)


def _error_without_line(source: str) -> Any:
    def error(expected: str, got: bytes) -> FileFormatError:
        return FileFormatError(f"{source}: expected {expected}, got {shown(got)}.", source)

    return error


@contextmanager
def _bcf_file(path: str | os.PathLike[str], file: IO[bytes]) -> Iterator[str]:
    """Yield the path of a file that pysam can read: a copy if the input is a pipe or not compressed by bgzip."""
    pysam = load_pysam("BCF files")
    if path != "-" and os.path.isfile(path) and _is_bgzipped(path):
        yield os.fspath(path)
        return
    with temporary_folder() as folder:
        copy = str(folder / "variants.bcf")
        with pysam.BGZFile(copy, "wb") as packed:
            shutil.copyfileobj(file, packed)
        yield copy


def _is_bgzipped(path: str | os.PathLike[str]) -> bool:
    with open(path, "rb") as file:
        start = file.read(14)
    return start[:4] == b"\x1f\x8b\x08\x04" and start[12:] == b"BC"  # bgzip's extra field in a gzip header


@contextmanager
def _bcf_lines(path: str, source: str) -> Iterator[Iterator[bytes]]:
    """Yield the records of a BCF file as VCF lines."""

    def lines() -> Iterator[bytes]:
        try:
            with load_pysam("BCF files").VariantFile(path) as variants:
                yield from str(variants.header).encode("utf-8", "surrogateescape").splitlines()
                for record in variants:
                    yield str(record).rstrip("\n").encode("utf-8", "surrogateescape")
        except (OSError, ValueError) as error:
            raise FileFormatError(f"{source}: the BCF data are damaged ({error}).", source) from error

    yield lines()


def load_pysam(purpose: str) -> Any:
    """Import pysam; the error names the purpose."""
    try:
        import pysam
    except ImportError as error:
        raise ImportError(f"{purpose} need pysam; install it with `pip install skdeepprune[variants]`.") from error
    # Faults in files are raised as our own errors.
    pysam.set_verbosity(0)
    return pysam


@contextmanager
def opened_vcf_output(path: Path, *, packed: bool) -> Iterator[IO[bytes]]:
    """Open a VCF file for writing; `packed` compresses it with BGZF, as tabix requires."""
    if packed:
        pysam = load_pysam("Compressed VCF files")
        with pysam.BGZFile(str(path), "wb") as file:
            yield file
    else:
        with open(path, "wb") as file:
            yield file


class InfoWriter:
    """Writes records with additional INFO fields, otherwise unchanged.

    Parameters
    ----------
    file : binary file
    header : list of bytes
        Header of the input.
    fields : sequence of (name, number, type, description)
        Fields to add; existing fields with these names are replaced.
    notes : sequence of str
        Additional header lines.
    """

    def __init__(
        self,
        file: IO[bytes],
        header: Sequence[bytes],
        fields: Sequence[tuple[str, str, str, str]],
        notes: Sequence[str] = (),
    ) -> None:
        self._file = file
        self._names = {name.encode() for name, *_ in fields}
        ours = tuple(b"##INFO=<ID=" + name + b"," for name in self._names)
        kept = [line for line in header[:-1] if not line.startswith(ours)]
        self._are_there = len(kept) < len(header) - 1
        lines = [
            f'##INFO=<ID={name},Number={number},Type={kind},Description="{description}">'
            for name, number, kind, description in fields
        ]
        columns = b"\t".join(header[-1].split())
        for line in [*kept, *(line.encode() for line in [*lines, *notes]), columns]:
            self._file.write(line + b"\n")

    def write(self, record: Record, info: bytes) -> None:
        """Write a record with `info` appended to its INFO."""
        fields = record.fields
        if len(fields) < _N_FIXED:
            fields = fields + [b"."] * (_N_FIXED - len(fields))
        before = fields[_INFO]
        if self._are_there:
            kept = [entry for entry in before.split(b";") if entry.split(b"=")[0] not in self._names]
            before = b";".join(kept)
        fields[_INFO] = info if before in (b".", b"") else before + b";" + info
        self._file.write(b"\t".join(fields) + b"\n")
