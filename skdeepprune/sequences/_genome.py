"""Random access to a genome in a FASTA file."""

from __future__ import annotations

import mmap
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdeepprune._reading import BYTE_ORDER_MARK, FileFormatError, is_gzipped, shown, source_of, unpacked
from skdeepprune._writing import replacing
from skdeepprune.sequences._codes import N_CODE, Codes, codes_of_letters, reverse_complement

_CHUNK = 2**24
# Bytes of the file that may be resident in memory before they are released.
_KEPT = 2**26
_BLANKS_AT_ONCE = 2**12
_MAX_HEADER_BYTES = 2**10
_BLANKS = b"\r\n\t "
_NEWLINE, _SPACE = b"\n "
_CODES = codes_of_letters(np.arange(256, dtype=np.uint8)).tobytes()


class _Entry(NamedTuple):
    """Location of a chromosome in the file: a line of samtools' .fai."""

    length: int
    offset: int
    n_letters: int  # of a line
    n_bytes: int  # of a line, including its end

    def at(self, position: int) -> int:
        """Offset of a base in the file."""
        n_lines, rest = divmod(position, self.n_letters)
        return self.offset + n_lines * self.n_bytes + rest


class Genome:
    r"""A genome with random access to its sequence.

    Parameters
    ----------
    path : str, path, or mapping of str to str
        A FASTA file (compressed files are unpacked into a temporary file first), or a mapping from names to
        chromosomes.

    Attributes
    ----------
    lengths : dict of str to int
        bp of every chromosome, in the order of the file.

    Raises
    ------
    FileFormatError
        If the file is damaged, is not FASTA, or names a chromosome twice.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    An index next to the file (``.fai``, as written by samtools) is used if it matches the file. Otherwise it is
    rewritten, or kept in memory if that fails.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fasta = Path(folder) / "genome.fa"
    ...     _ = fasta.write_text(">chr1 of something\nACGT\nAACC\nG\n")
    ...     with Genome(fasta) as genome:
    ...         print(genome.lengths, genome.sequence("chr1", 2, 6), genome.sequence("chr1", 2, 6, "-"))
    {'chr1': 9} GTAA TTAC
    """

    def __init__(self, path: str | os.PathLike[str] | Mapping[str, str]) -> None:
        self._source = "the genome"
        self._index_path: Path | None = None
        self._is_file = isinstance(path, str | os.PathLike)
        if isinstance(path, str | os.PathLike):
            self._open(path)
        else:
            self._content = _in_memory(path)
        self._n_touched = 0
        # Letters of chromosomes with lines of uneven length.
        self._uneven: dict[str, bytes] = {}
        try:
            found = self._read_index()
            self._is_new = found is None
            self._take(self._made_index() if found is None else found)
        except BaseException:
            self.close()
            raise

    def _open(self, path: str | os.PathLike[str]) -> None:
        self._source = source_of(path)
        self._index_path = Path(f"{os.fspath(path)}.fai")
        with open(path, "rb") as file:
            if is_gzipped(file.peek(2)) or not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                self._index_path = None
                with tempfile.TemporaryFile() as whole:
                    shutil.copyfileobj(unpacked(file, self._source), whole, _CHUNK)
                    whole.flush()
                    self._content = self._mapped(whole)
            else:
                self._content = self._mapped(file)

    def __enter__(self) -> Genome:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._content.close()

    def sequence(self, chrom: str, start: int = 0, end: int | None = None, strand: str | None = None) -> str:
        """Read a stretch.

        Parameters
        ----------
        chrom : str
        start, end : int
            0-based, end excluded; by default the whole chromosome.
        strand : {"+", "-"}, default=None
            "-" returns the reverse complement.

        Returns
        -------
        str
            As in the file, lower case kept.

        Raises
        ------
        ValueError
            If the chromosome does not exist or ends before `end`.
        FileFormatError
            If the stretch contains anything but letters.
        """
        text = self._checked(chrom, start, end).decode("ascii")
        return str(reverse_complement(text)) if strand == "-" else text

    def letters(self, chrom: str, start: int = 0, end: int | None = None) -> NDArray[np.uint8]:
        """Read a stretch as ASCII bytes.

        Parameters
        ----------
        chrom, start, end
            As for :meth:`sequence`.

        Returns
        -------
        ndarray of uint8, shape (end - start,)
            Lower case (97 and above) marks repeats in many genomes.

        Raises
        ------
        ValueError, FileFormatError
            As :meth:`sequence` does.
        """
        return np.frombuffer(self._checked(chrom, start, end), np.uint8)

    def codes(self, chrom: str, start: int = 0, end: int | None = None) -> Codes:
        """Read a stretch as codes, as in :func:`skdeepprune.sequences.encode`.

        Parameters
        ----------
        chrom, start, end
            As for :meth:`sequence`.

        Returns
        -------
        ndarray of uint8, shape (end - start,)

        Raises
        ------
        ValueError, FileFormatError
            As :meth:`sequence` does; and FileFormatError if a letter is not DNA.
        """
        end = self._checked_end(chrom, start, end)
        found = np.frombuffer(self._letters(chrom, start, end, _CODES), np.uint8)
        if len(found) == end - start and found.max() <= N_CODE:
            return found.copy()
        letters = self.letters(chrom, start, end)
        codes = codes_of_letters(letters)
        bad = codes > N_CODE
        if bad.any():
            at = int(bad.argmax())
            raise FileFormatError(
                f"{self._source}, {chrom}:{start + at}: expected A, C, G, T, N or another IUPAC letter, got"
                f" {chr(letters[at])!r}.",
                self._source,
            )
        return codes

    def soft_masked(self, chrom: str, start: int = 0, end: int | None = None) -> NDArray[np.bool_]:
        """Find the bases in lower case, which marks repeats in many genomes.

        Parameters
        ----------
        chrom, start, end
            As for :meth:`sequence`.

        Returns
        -------
        ndarray of bool, shape (end - start,)

        Raises
        ------
        ValueError, FileFormatError
            As :meth:`sequence` does.
        """
        return self.letters(chrom, start, end) >= ord("a")

    def _checked_end(self, chrom: str, start: int, end: int | None) -> int:
        if chrom not in self._index:
            raise ValueError(f"{shown(chrom)} is not in {self.describe_names([chrom])}")
        length = self._index[chrom].length
        end = length if end is None else end
        if not 0 <= start < end <= length:
            raise ValueError(
                f"{shown(chrom)[1:-1]}:{start}-{end}: expected 0 <= start < end <= {length}, where the chromosome ends."
            )
        return end

    def _checked(self, chrom: str, start: int, given: int | None) -> bytes:
        end = self._checked_end(chrom, start, given)
        letters = self._letters(chrom, start, end)
        if len(letters) != end - start or not letters.isalpha():
            if not self._is_new:
                # An index of a different file can pass the spot checks.
                self._is_new = True
                self._take(self._made_index())
                return self._checked(chrom, start, given)
            other = next((letters[i : i + 1] for i in range(len(letters)) if not letters[i : i + 1].isalpha()), b"")
            raise FileFormatError(
                f"{self._source}, {shown(chrom)[1:-1]}:{start}-{end}: expected letters, got {shown(other)} among them.",
                self._source,
            )
        return letters

    def describe_names(self, unknown: Iterable[str]) -> str:
        """Describe the chromosome names, for an error about unknown ones.

        Parameters
        ----------
        unknown : iterable of str
            Unknown names.

        Returns
        -------
        str
            A clause that starts with the name of the file.
        """
        begins = f"{self._source}, which begins with {', '.join(map(shown, list(self._index)[:3]))}"
        for name in unknown:
            other = name.removeprefix("chr") if name.startswith("chr") else f"chr{name}"
            if other in self._index:
                return f"{begins} and has {shown(other)}: rename the chromosomes of one of the two."
        if any(name.startswith("chr") for name in unknown) != any(name.startswith("chr") for name in self._index):
            return f"{begins}: the two name chromosomes differently; rename those of one of them."
        return f"{begins}; expected regions of that genome."

    def _take(self, index: dict[str, _Entry]) -> None:
        self._index = index
        self.lengths = {name: entry.length for name, entry in index.items()}

    def _letters(self, chrom: str, start: int, end: int, table: bytes | None = None) -> bytes:
        """Read a stretch without line ends, optionally translated by `table`."""
        if chrom in self._uneven:
            return self._uneven[chrom][start:end].translate(table)
        entry = self._index[chrom]
        self._let_go(end - start)
        return self._content[entry.at(start) : entry.at(end - 1) + 1].translate(table, b"\r\n")

    def _let_go(self, n_bytes: int) -> None:
        """Release the pages read so far once they exceed `_KEPT`; otherwise the whole file would end up in memory."""
        self._n_touched += n_bytes
        if self._n_touched > _KEPT and self._is_file and hasattr(self._content, "madvise"):
            self._content.madvise(mmap.MADV_DONTNEED)
            self._n_touched = 0

    def _mapped(self, file: Any) -> mmap.mmap:
        if os.fstat(file.fileno()).st_size == 0:  # cannot be mapped
            raise self._empty()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def _read_index(self) -> dict[str, _Entry] | None:
        """Read the index, or return None if there is none or it does not fit the genome."""
        index: dict[str, _Entry] = {}
        if self._index_path is None:
            return None
        try:
            for line in self._index_path.read_text("utf-8").splitlines():
                name, *numbers = line.split("\t")
                if name in index:
                    return None
                index[name] = _Entry(*map(int, numbers))
        except (OSError, ValueError, TypeError):
            return None
        return index if self._fits(index) else None

    def _fits(self, index: dict[str, _Entry]) -> bool:
        """Whether the index describes consecutive records with the right names up to the end of the file."""
        content, start = self._content, self._first()
        for name, entry in index.items():
            if entry.length < 1 or entry.n_letters < 1 or not 1 <= entry.n_bytes - entry.n_letters <= 2:
                return False
            line_end = content.find(b"\n", start)
            header = content[start:line_end]
            if not header.startswith(b">") or _name(header) != name or entry.offset != line_end + 1:
                return False
            last_line = (entry.length - 1) // entry.n_letters
            if entry.at(entry.length - 1) >= len(content):
                return False
            for line in range(0, last_line, max(last_line // 8, 1)):
                if content[entry.offset + (line + 1) * entry.n_bytes - 1] != _NEWLINE:
                    return False
            start = self._after_blanks(entry.at(entry.length - 1) + 1)
        return bool(index) and start == len(content)

    def _made_index(self) -> dict[str, _Entry]:
        index = dict(self._records())
        if self._index_path is not None and not self._uneven:
            # The folder may be read-only. The format does not support uneven lines.
            with suppress(OSError, UnicodeEncodeError), replacing(self._index_path) as part:
                part.write_text(
                    "".join("\t".join(map(str, (name, *entry))) + "\n" for name, entry in index.items()), "utf-8"
                )
        return index

    def _records(self) -> Iterator[tuple[str, _Entry]]:
        """Find the chromosomes of the file."""
        content, places = self._content, dict[str, int]()
        start = self._first()
        if start == len(content):
            raise self._empty()
        while start < len(content):
            after = content.find(b"\n>", start) + 1 or len(content)
            line_end = content.find(b"\n", start, after)
            header = content[start : min(after, start + _MAX_HEADER_BYTES) if line_end < 0 else line_end]
            name = _name(header)
            if not header.startswith(b">") or not name:
                raise self._expected(start, "'>' and the name of a chromosome", header)
            if name in places:
                before = self._line(places[name])
                raise self._expected(start, f"each chromosome once, with {shown(name)} in line {before}", "it again")
            entry = self._entry(name, line_end + 1, after) if line_end > 0 else None
            if entry is None:
                raise self._expected(start, f"letters below the name {shown(name)}", "none")
            places[name] = start
            yield name, entry
            start = after

    def _entry(self, name: str, offset: int, after: int) -> _Entry | None:
        """Measure the lines from `offset` up to the next record."""
        content, end = self._content, self._without_blanks(offset, after)
        if end == offset:
            return None
        first_end = content.find(b"\n", offset, end)
        if first_end < 0:
            n_letters = end - offset
            n_bytes = n_letters + 1
        else:
            n_bytes = first_end + 1 - offset
            n_letters = n_bytes - (2 if content[first_end - 1 : first_end] == b"\r" else 1)
        n_lines, rest = divmod(end - offset, n_bytes)
        entry = _Entry(n_lines * n_letters + rest, offset, n_letters, n_bytes)
        if not self._is_even(entry, n_lines, rest):
            self._uneven[name] = content[offset:end].translate(None, _BLANKS)
            return entry._replace(length=len(self._uneven[name]))
        return entry

    def _is_even(self, entry: _Entry, n_lines: int, rest: int) -> bool:
        """Whether all lines except the last have the same length and no line contains blanks."""
        if entry.n_letters < 1 or rest > entry.n_letters:
            return False
        step = max(_CHUNK // entry.n_bytes, 1)
        for line in range(0, n_lines, step):
            first, last = (entry.offset + i * entry.n_bytes for i in (line, min(line + step, n_lines)))
            self._let_go(last - first)
            rows = np.frombuffer(self._content[first:last], np.uint8).reshape(-1, entry.n_bytes)
            if (rows[:, -1] != _NEWLINE).any() or (rows[:, : entry.n_letters] <= _SPACE).any():
                return False
        start = entry.offset + n_lines * entry.n_bytes
        return all(
            (np.frombuffer(self._content[i : min(i + _CHUNK, start + rest)], np.uint8) > _SPACE).all()
            for i in range(start, start + rest, _CHUNK)
        )

    def _first(self) -> int:
        return self._after_blanks(len(BYTE_ORDER_MARK) if self._content[:3] == BYTE_ORDER_MARK else 0)

    def _after_blanks(self, start: int) -> int:
        while start < len(self._content):
            chunk = self._content[start : start + _BLANKS_AT_ONCE]
            if rest := chunk.lstrip(_BLANKS):
                return start + len(chunk) - len(rest)
            start += len(chunk)
        return start

    def _without_blanks(self, start: int, end: int) -> int:
        while end > start:
            chunk = self._content[max(start, end - _BLANKS_AT_ONCE) : end]
            if rest := chunk.rstrip(_BLANKS):
                return end - len(chunk) + len(rest)
            end -= len(chunk)
        return end

    def _empty(self) -> FileFormatError:
        return FileFormatError(f"{self._source} is empty; expected a genome in FASTA.", self._source)

    def _line(self, place: int) -> int:
        """Line number of an offset."""
        return 1 + sum(self._content[i : min(i + _CHUNK, place)].count(b"\n") for i in range(0, place, _CHUNK))

    def _expected(self, place: int, expected: str, got: Any) -> FileFormatError:
        return FileFormatError.expected(self._source, self._line(place), expected, got)


def _in_memory(chromosomes: Mapping[str, str]) -> mmap.mmap:
    """Write chromosomes as FASTA, one line each, into memory that reads like a mapped file."""
    pieces = []
    for name, sequence in chromosomes.items():
        if not isinstance(name, str) or not isinstance(sequence, str) or name.split() != [name]:
            raise TypeError(
                "Expected a genome as the path of a FASTA file or a mapping from names without blanks to sequences; got"
                f" {shown(name)} with {str(sequence)[:20]!r}."
            )
        pieces.append(f">{name}\n{sequence}\n".encode())
    if not pieces:
        raise ValueError("The genome holds no chromosomes; expected at least one.")
    content = mmap.mmap(-1, sum(map(len, pieces)))
    content.write(b"".join(pieces))
    return content


def _name(header: bytes) -> str:
    words = header[1:].split(maxsplit=1) or [b""]
    try:
        return words[0].decode()
    except UnicodeDecodeError:
        return words[0].decode("latin-1")
