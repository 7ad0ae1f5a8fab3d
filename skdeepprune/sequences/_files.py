"""Files of sequences: FASTA, FASTQ, DeepBind's .seq and the .data of the 690-set collection, plain or gzipped."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skdeepprune._reading import BYTE_ORDER_MARK, FileFormatError, Lines, opened, shown, source_of
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
# FASTA headers may look like this, but are followed by letters.
_DATA_LINES = re.compile(rb">\S+[ \t]+[A-Za-z]+[ \t]+[01][ \t]*\r?(\n>|\n?$)")
_SEQ_HEADER = ["FoldID", "EventID", "seq", "Bound"]


@dataclass(frozen=True, slots=True)
class SequenceRecord:
    """One sequence of a file.

    Attributes
    ----------
    name : str
        The whole header, or the event or position in a table.
    sequence : str
        As in the file, lower case kept.
    label : int or None
        1 bound, 0 unbound, None if unknown.
    chrom : str or None
        Chromosome, if the name contains it as ``chr1:100-200``, ``chr1:100-200(-)`` or the like.
    start, end : int or None
        0-based, end excluded, even if the name counts from 1.
    strand : {"+", "-"} or None
        Strand of `sequence`.
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
        1 bound, 0 unbound, None if unknown.
    chrom, start, end, strand : list, or None
        Attributes of the records. None if no record has them.
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
        The file, gzipped or not, regardless of its name. ``"-"`` is standard input.
    format : {"fasta", "fastq", "seq", "data"}, default=None
        By default determined by the extension: .fa, .fasta, .fna; .fq, .fastq; .seq, the table of DeepBind with the
        columns FoldID, EventID, seq and Bound; .data, the lines ``>name SEQUENCE LABEL`` of the 690-set collection;
        each may be followed by .gz. For other names and standard input, it is determined by the first lines.
    labels_in_names : bool, default=False
        The first word of every FASTA or FASTQ header is a label, 0 or 1. Tables have a label column,
        which is always read.

    Returns
    -------
    SequenceSet

    Raises
    ------
    FileFormatError
        If the file has no sequences, is damaged, or a line is malformed: the message names file and line. It is a
        ValueError.
    FileNotFoundError
        If the file does not exist.

    See Also
    --------
    iter_sequences : Reads one by one, in constant memory.

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
    FileFormatError, FileNotFoundError
        As :func:`read_sequences`, when the fault is reached.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".data") as file:
    ...     _ = file.write(">chr1:5-9 ACGT 1\n")
    ...     file.flush()
    ...     list(iter_sequences(file.name))
    [SequenceRecord(name='chr1:5-9', sequence='ACGT', label=1, chrom='chr1', start=5, end=9, strand=None)]
    """
    with opened(path) as file:
        yield from records_of(file, source_of(path), format, labels_in_names)


def records_of(
    file: io.BufferedReader, source: str, format: Format | None = None, labels_in_names: bool = False
) -> Iterator[SequenceRecord]:
    """Read the sequences of an open file; see :func:`iter_sequences`."""
    lines = Lines(file, source)
    found = format_of(source, file, format)
    rows = _ROWS[found](lines)
    n_records = 0
    for number, name, sequence, label in rows:
        if not sequence:
            raise lines.expected("a record with a sequence", name, number)
        if labels_in_names and found in ("fasta", "fastq"):
            label = first_word(name)
        if label not in (None, "0", "1"):
            raise lines.expected("a label, 0 or 1", label, number)
        n_records += 1
        place = place_in(name, len(sequence))
        yield SequenceRecord(name, sequence, None if label is None else int(label), *place)
    if n_records == 0:
        raise FileFormatError(f"{source} holds no sequences; expected at least one.", source)


def format_of(source: str, file: io.BufferedReader, format: Format | None = None) -> Format:
    """Determine the format of a file: as given, by its extension, or by its first lines."""
    if format is not None:
        if format not in _ROWS:
            raise ValueError(f"format={format!r}; expected 'fasta', 'fastq', 'seq' or 'data'.")
        return format
    extension = os.path.splitext(source.lower().removesuffix(".gz"))[1]
    if extension in _FORMAT_OF_EXTENSION:
        return _FORMAT_OF_EXTENSION[extension]
    head = file.peek(1).removeprefix(BYTE_ORDER_MARK).lstrip()
    first = head.partition(b"\n")[0]
    if first.startswith(b"FoldID\t"):
        return "seq"
    if first.startswith(b">"):
        return "data" if _DATA_LINES.match(head) else "fasta"
    if first.startswith(b"@"):
        return "fastq"
    if not first and not file.peek(1):
        raise FileFormatError(f"{source} is empty; expected sequences.", source)
    raise FileFormatError.expected(
        source, 1, "sequences in FASTA ('>'), FASTQ ('@') or a table of DeepBind ('FoldID')", first
    )


def _fasta_rows(lines: Lines) -> Rows:
    header, name = 0, ""
    pieces: list[str] = []
    for line in lines:
        if line.startswith(b">"):
            if header:
                yield header, name, "".join(pieces), None
            header, name = lines.number, _name(line)
            pieces = []
        elif stripped := line.strip():
            if line.startswith((b";", b"#")):
                continue
            if not header:
                raise lines.expected("'>' and a name before the first sequence", line)
            pieces.append(_letters(lines, stripped, name))
    if header:
        yield header, name, "".join(pieces), None


def _fastq_rows(lines: Lines) -> Rows:
    rest = iter(lines)
    for line in rest:
        if not line.strip():
            continue
        if not line.startswith(b"@"):
            raise lines.expected("'@' and a name", line)
        header, name = lines.number, _name(line)
        record = [next(rest, None) for _ in range(3)]
        sequence, plus, qualities = record
        if sequence is None or plus is None or qualities is None:
            raise FileFormatError.at(lines.source, lines.number, f"the file ends within the record of {shown(name)}.")
        if not plus.startswith(b"+"):
            raise lines.expected("'+' after a sequence on one line", plus, header + 2)
        if len(sequence) != len(qualities):
            raise lines.expected(f"{len(sequence)} qualities, one for each base", f"{len(qualities)}")
        yield header, name, _letters(lines, sequence, name, header + 1) if sequence else "", None


def first_word(name: str) -> str:
    """Return the part of a name before the first space or tab."""
    return (name.split(maxsplit=1) or [""])[0]


def _name(header: bytes) -> str:
    """Decode a header. Programs disagree on the encoding, which does not affect the sequence."""
    try:
        return header[1:].decode().strip()
    except UnicodeDecodeError:
        return header[1:].decode("latin-1").strip()


def _letters(lines: Lines, letters: bytes, name: str, number: int | None = None) -> str:
    if not letters.isalpha():
        other = next(letters[i : i + 1] for i in range(len(letters)) if not letters[i : i + 1].isalpha())
        raise lines.expected(f"letters in the sequence of {shown(name)}", other, number)
    return letters.decode("ascii")


def _seq_rows(lines: Lines) -> Rows:
    texts = _texts(lines)
    for text in texts:
        if text.split("\t") != _SEQ_HEADER:
            raise lines.expected(f"the header {' '.join(_SEQ_HEADER)}, separated by tabs", text)
        break
    for text in texts:
        fields = text.split("\t")
        if len(fields) != 4 or not _is_word(fields[2]):
            raise lines.expected("FoldID, EventID, sequence and label, separated by tabs", text)
        yield lines.number, fields[1], fields[2], fields[3]


def _data_rows(lines: Lines) -> Rows:
    for text in _texts(lines):
        fields = text.split()
        if len(fields) != 3 or not text.startswith(">") or not _is_word(fields[1]):
            raise lines.expected("'>name', sequence and label, separated by spaces", text)
        yield lines.number, fields[0][1:], fields[1], fields[2]


def _texts(lines: Lines) -> Iterator[str]:
    return (lines.text(line) for line in lines if line.strip())


def _is_word(text: str) -> bool:
    return text.isascii() and text.isalpha()


_ROWS: dict[str, Callable[[Lines], Rows]] = {
    "fasta": _fasta_rows,
    "fastq": _fastq_rows,
    "seq": _seq_rows,
    "data": _data_rows,
}
