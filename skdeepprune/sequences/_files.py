"""Files of sequences: FASTA, FASTQ, DeepBind's .seq and the .data of the 690-set collection, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, Literal, cast

import dnaio
import numpy as np
from numpy.typing import NDArray

from skdeepprune.sequences._places import place_in

Format = Literal["fasta", "fastq", "seq", "data"]
Rows = Iterator[tuple[int, str, str, str | None]]

_FORMAT_OF_EXTENSION: dict[str, Format] = {
    ".fa": "fasta",
    ".fasta": "fasta",
    ".fna": "fasta",
    ".fq": "fastq",
    ".fastq": "fastq",
    ".seq": "seq",
    ".data": "data",
}
_SEQ_HEADER = ["FoldID", "EventID", "seq", "Bound"]


@dataclass(frozen=True, slots=True)
class SequenceRecord:
    """One sequence of a file.

    Attributes
    ----------
    name : str
        The whole header, or the event or place of a table.
    sequence : str
        As the file has it, lower case kept.
    label : int or None
        1 bound, 0 unbound, None where the file does not say.
    chrom : str or None
        Chromosome, where the name says it as ``chr1:100-200``, ``chr1:100-200(-)`` or the like.
    start, end : int or None
        From 0, the end excluded, also where the name counts from 1.
    strand : {"+", "-"} or None
        Which strand `sequence` is read on.
    """

    name: str
    sequence: str
    label: int | None = None
    chrom: str | None = None
    start: int | None = None
    end: int | None = None
    strand: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SequenceSet:
    """All sequences of a file.

    Attributes
    ----------
    names : list of str
    sequences : list of str
    labels : ndarray of int64, shape (n_sequences,), or None
        1 bound, 0 unbound, None where the file does not say.
    chrom, start, end, strand : list, or None
        What the records have under these names. None if no record has it.
    """

    names: list[str]
    sequences: list[str]
    labels: NDArray[np.int64] | None = None
    chrom: list[str | None] | None = None
    start: list[int | None] | None = None
    end: list[int | None] | None = None
    strand: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.sequences)


def read_sequences(
    path: str | os.PathLike[str], *, format: Format | None = None, labels_in_names: bool = False
) -> SequenceSet:
    r"""Read a file of sequences.

    Parameters
    ----------
    path : str or path
        The file, gzipped or not. ``"-"`` is the standard input.
    format : {"fasta", "fastq", "seq", "data"}, default=None
        By default the extension says it: .fa, .fasta, .fna; .fq, .fastq; .seq, the table of DeepBind with the columns
        FoldID, EventID, seq and Bound; .data, the lines ``>name SEQUENCE LABEL`` of the 690-set collection; each may be
        followed by .gz. The standard input is FASTA.
    labels_in_names : bool, default=False
        The first word of every FASTA or FASTQ header is a label, 0 or 1. Tables have a column for labels, which is
        read in any case.

    Returns
    -------
    SequenceSet

    Raises
    ------
    ValueError
        If the format is unknown, the file holds no sequence, or a line is malformed: the message names file and line.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    iter_sequences : The same one by one, in constant memory.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".fa") as file:
    ...     _ = file.write(">1 CTCF\nACGT\nGG\n>0 shuffled\nccaa\n")
    ...     file.flush()
    ...     peaks = read_sequences(file.name, labels_in_names=True)
    >>> peaks.sequences, peaks.labels.tolist()
    (['ACGTGG', 'ccaa'], [1, 0])
    """
    names, sequences, labels, places = [], [], [], []
    for record in iter_sequences(path, format=format, labels_in_names=labels_in_names):
        names.append(record.name)
        sequences.append(record.sequence)
        if record.label is not None:
            labels.append(record.label)
        places.append((record.chrom, record.start, record.end, record.strand))
    columns: list[Any] = [
        list(column) if any(x is not None for x in column) else None for column in zip(*places, strict=True)
    ]
    return SequenceSet(names, sequences, np.array(labels, dtype=np.int64) if labels else None, *columns)


def iter_sequences(
    path: str | os.PathLike[str], *, format: Format | None = None, labels_in_names: bool = False
) -> Iterator[SequenceRecord]:
    r"""Read a file of sequences one by one.

    Parameters
    ----------
    path, format, labels_in_names
        As in :func:`read_sequences`.

    Yields
    ------
    SequenceRecord

    Raises
    ------
    ValueError, FileNotFoundError
        As :func:`read_sequences`, once reading comes to the place.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".data") as file:
    ...     _ = file.write(">chr1:5-9 ACGT 1\n")
    ...     file.flush()
    ...     list(iter_sequences(file.name))
    [SequenceRecord(name='chr1:5-9', sequence='ACGT', label=1, chrom='chr1', start=5, end=9, strand=None)]
    """
    source = "<stdin>" if path == "-" else os.fspath(path)
    n_records = 0
    with _opened(path) as file:
        lines = _CountedLines(file, source)
        match _format_of(source, format):
            case "seq":
                rows = _seq_rows(lines)
            case "data":
                rows = _data_rows(lines)
            case flat:
                rows = _flat_rows(lines, flat, labels_in_names)
        try:
            for line, name, sequence, label in rows:
                if not sequence:
                    raise lines.malformed(line, "a record with a sequence", name)
                if label not in (None, "0", "1"):
                    raise lines.malformed(line, "a label, 0 or 1", label)
                n_records += 1
                place = place_in(name, len(sequence))
                yield SequenceRecord(name, sequence, None if label is None else int(label), *place)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            where = f"somewhere after line {lines.n_lines}"
            raise ValueError(f"{source}: the gzip data break off {where} ({error}).") from error
    if n_records == 0:
        raise ValueError(f"{source} holds no sequences; expected at least one.")


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    with open(sys.stdin.fileno(), "rb", closefd=False) if path == "-" else open(path, "rb") as file:
        if file.peek(2)[:2] == b"\x1f\x8b":
            with gzip.open(file) as unzipped:
                yield unzipped
        else:
            yield file


def _format_of(source: str, format: Format | None) -> Format:
    if format is not None:
        if format not in _FORMAT_OF_EXTENSION.values():
            raise ValueError(f"format={format!r}; expected 'fasta', 'fastq', 'seq' or 'data'.")
        return format
    if source == "<stdin>":
        return "fasta"
    extension = os.path.splitext(source.lower().removesuffix(".gz"))[1]
    if extension not in _FORMAT_OF_EXTENSION:
        raise ValueError(
            f"{source}: the extension {extension!r} is none of {', '.join(_FORMAT_OF_EXTENSION)} (.gz); "
            "name it by what it holds, or pass format='fasta', 'fastq', 'seq' or 'data'."
        )
    return _FORMAT_OF_EXTENSION[extension]


class _CountedLines(io.BufferedIOBase):
    """A file of bytes that knows the line it is at.

    dnaio names the line of some errors only, and of no record. So it reads from here; a text reader gets line by line.
    """

    def __init__(self, file: IO[bytes], source: str) -> None:
        self._file = file
        self.source = source
        self.n_lines = 0
        self.headers: deque[int] = deque()

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        number = self.n_lines + 1
        line = self._counted(self._file.readline())
        if b"\r" in line.rstrip(b"\r\n"):
            raise self.malformed(number, "\\n at the end of every line", line.decode("ascii"))
        if line.decode("ascii").lstrip().startswith(">"):
            self.headers.append(number)
        return line

    def read(self, size: int | None = -1, /) -> bytes:
        return self._counted(self._file.read(-1 if size is None else size))

    def _counted(self, chunk: bytes) -> bytes:
        if not chunk.isascii():
            at = next(i for i, byte in enumerate(chunk) if byte > 127)
            line = self.n_lines + chunk.count(b"\n", 0, at) + 1
            raise self.malformed(line, "ASCII text", f"byte {chunk[at]:#x}")
        self.n_lines += chunk.count(b"\n")
        return chunk

    def texts(self) -> Iterator[tuple[int, str]]:
        """Yield the lines that are not blank, with their numbers from 1."""
        for number, line in enumerate(iter(self.read1, b""), start=1):
            if line.strip():
                yield number, line.decode("ascii").rstrip("\r\n")

    def malformed(self, line: int, expected: str, found: Any) -> ValueError:
        shown = repr(found) if len(str(found)) <= 60 else repr(str(found)[:57] + "...")
        return ValueError(f"{self.source}, line {line}: expected {expected}, got {shown}.")


def _flat_rows(lines: _CountedLines, format: str, labels_in_names: bool) -> Rows:
    try:
        with dnaio.open(cast(BinaryIO, lines), fileformat=format) as records:
            for i, record in enumerate(records):
                line = lines.headers.popleft() if format == "fasta" else 4 * i + 1
                if not record.sequence.isalpha() and record.sequence:
                    other = next(letter for letter in record.sequence if not letter.isalpha())
                    raise lines.malformed(line, f"letters in the sequence of {record.name!r}", other)
                yield line, record.name, record.sequence, record.name.partition(" ")[0] if labels_in_names else None
    except dnaio.FileFormatError as error:
        raise ValueError(f"{lines.source}: {error}") from error


def _seq_rows(lines: _CountedLines) -> Rows:
    texts = lines.texts()
    for line, text in texts:
        if text.split("\t") != _SEQ_HEADER:
            raise lines.malformed(line, f"the header {' '.join(_SEQ_HEADER)}, separated by tabs", text)
        break
    for line, text in texts:
        fields = text.split("\t")
        if len(fields) != 4 or not fields[2].isalpha():
            raise lines.malformed(line, "FoldID, EventID, sequence and label, separated by tabs", text)
        yield line, fields[1], fields[2], fields[3]


def _data_rows(lines: _CountedLines) -> Rows:
    for line, text in lines.texts():
        fields = text.split()
        if len(fields) != 3 or not text.startswith(">") or not fields[1].isalpha():
            raise lines.malformed(line, "'>name', sequence and label, separated by spaces", text)
        yield line, fields[0][1:], fields[1], fields[2]
