"""Reading files, plain or gzipped, as bytes or lines, with one exception for all faults."""

from __future__ import annotations

import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

_GZIP = b"\x1f\x8b"
_GZIP_WITH_HEADER = 31  # window bits with which zlib reads the gzip header and verifies the checksum
_CHUNK = 2**18
_LINES_AT_ONCE = 2**16  # bytes
# DNA compresses four- to fivefold, a run of one letter a thousandfold.
_MAX_EXPANSION = 100
_EXPANSION_FREE = 2**23
_MAX_SHOWN = 60
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class FileFormatError(ValueError):
    """A file is damaged or has the wrong content.

    Raised for all faults in files of sequences, peaks, motifs, or genomes. The message names the file and the line, or
    the byte if there are no lines.

    Attributes
    ----------
    source : str
        The file.
    line : int or None
        Counted from 1.
    """

    def __init__(self, message: str, source: str = "", line: int | None = None) -> None:
        super().__init__(message)
        self.source = source
        self.line = line

    @classmethod
    def at(cls, source: str, line: int, problem: str) -> FileFormatError:
        """Make the error for a line."""
        return cls(f"{source}, line {line}: {problem}", source, line)

    @classmethod
    def expected(cls, source: str, line: int, expected: str, got: Any) -> FileFormatError:
        """Make the error for a line with unexpected content."""
        return cls.at(source, line, f"expected {expected}, got {shown(got)}.")


def shown(value: Any) -> str:
    """Format a value for a message, truncated if long."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return repr(text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "...")


def source_of(path: str | os.PathLike[str]) -> str:
    """Name a file in messages."""
    return "<stdin>" if path == "-" else os.fspath(path)


@contextmanager
def opened(
    path: str | os.PathLike[str], *, limited: bool = True, source: str | None = None
) -> Iterator[io.BufferedReader]:
    """Open a file, or standard input for ``"-"``; gzipped content is recognised by its first bytes and unpacked.

    If `limited`, content that expands far more than sequences do is refused. Messages name `source`, by default the
    path.
    """
    with open(sys.stdin.fileno(), "rb", closefd=False) if path == "-" else open(path, "rb") as file:
        yield unpacked(file, source or source_of(path), limited=limited)


def unpacked(file: io.BufferedReader, source: str, *, limited: bool = True) -> io.BufferedReader:
    """Unpack a file if it starts with the gzip magic number."""
    return io.BufferedReader(_Inflated(file, source, limited), _CHUNK) if is_gzipped(file.peek(2)) else file


def is_gzipped(content: bytes) -> bool:
    """Whether bytes start with the gzip magic number."""
    return content[:2] == _GZIP


class _Inflated(io.RawIOBase):
    """Unpacked content of a gzip file. Unlike `gzip.GzipFile`, it reports where data are damaged and refuses bombs."""

    def __init__(self, file: BinaryIO, source: str, limited: bool) -> None:
        self._file = file
        self._source = source
        self._limited = limited
        self._member = zlib.decompressobj(_GZIP_WITH_HEADER)
        self._packed = b""
        self._n_packed = self._n_unpacked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._member.eof or self._next_member():
            packed = self._packed or self._read()
            try:
                content = self._member.decompress(packed, len(buffer))
            except zlib.error as error:
                raise self._damaged(str(error)) from error
            self._packed = self._member.unconsumed_tail
            if content:
                buffer[: len(content)] = content
                self._n_unpacked += len(content)
                self._refuse_bombs()
                return len(content)
            if not packed and not self._member.eof:
                raise self._damaged("they are truncated")
        return 0

    def _read(self) -> bytes:
        packed = self._file.read(_CHUNK)
        self._n_packed += len(packed)
        return packed

    def _next_member(self) -> bool:
        """Continue with the next member (bgzip writes many); the end of a file may be padded with zeros."""
        packed = self._member.unused_data
        while not (rest := packed.lstrip(b"\0")):
            packed = self._read()
            if not packed:
                return False
        self._packed = rest
        self._member = zlib.decompressobj(_GZIP_WITH_HEADER)
        return True

    def _refuse_bombs(self) -> None:
        if self._limited and self._n_unpacked > max(_EXPANSION_FREE, _MAX_EXPANSION * self._n_packed):
            raise FileFormatError(
                f"{self._source}: the first {self._n_packed:,} bytes unpack to {self._n_unpacked:,}, more"
                f" than {_MAX_EXPANSION} times as many; expected sequences, which compress less. If you trust the file,"
                " unpack it with gunzip.",
                self._source,
            )

    def _damaged(self, why: str) -> FileFormatError:
        return FileFormatError(
            f"{self._source}: the gzip data are damaged after {self._n_unpacked:,} unpacked bytes ({why});"
            " download or write the file again.",
            self._source,
        )


class Lines:
    """The lines of a file without line ends, and the number of the last one read.

    Parameters
    ----------
    file : binary file
    source : str
        Name of the file, for errors.

    Raises
    ------
    FileFormatError
        While reading, if a line is not text.
    """

    def __init__(self, file: io.BufferedReader, source: str) -> None:
        self._file = file
        self.source = source
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        pieces: list[bytes] = []
        while chunk := self._file.read1(_LINES_AT_ONCE):
            first, *others = chunk.split(b"\n")
            pieces.append(first)
            if not others:
                self._refuse_zeros(chunk)  # checked now, since the line may have no end
                continue
            last = others.pop()
            yield self._next(b"".join(pieces), is_odd=True)
            is_odd = b"\r" in chunk or b"\0" in chunk
            for line in others:
                yield self._next(line, is_odd)
            pieces = [last]
            if is_odd:
                self._refuse_zeros(last)
        if rest := b"".join(pieces):
            yield self._next(rest, is_odd=True)

    def _next(self, line: bytes, is_odd: bool) -> bytes:
        """Return the next line, checked for forbidden bytes if `is_odd`."""
        if is_odd:
            self._refuse_zeros(line)
            line = line.rstrip(b"\r")
            if self.number == 0:
                line = line.removeprefix(BYTE_ORDER_MARK)
        self.number += 1
        if is_odd and b"\r" in line:
            raise self.expected("\\n at the end of every line", line)
        return line

    def _refuse_zeros(self, part: bytes) -> None:
        """Raise an error if part of the next line contains a zero byte."""
        if b"\0" not in part:
            return
        self.number += 1
        if self.number == 1 and part.startswith(_UTF16):
            raise FileFormatError.at(self.source, 1, "expected UTF-8, got UTF-16; save it as UTF-8.")
        raise FileFormatError.at(self.source, self.number, "expected text, got a zero byte.")

    def text(self, line: bytes) -> str:
        """Decode the last line read."""
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise self.expected("UTF-8", f"byte {line[error.start]:#x}") from error

    def expected(self, expected: str, got: Any, number: int | None = None) -> FileFormatError:
        """Make the error for the last line read, or another one."""
        return FileFormatError.expected(self.source, self.number if number is None else number, expected, got)
