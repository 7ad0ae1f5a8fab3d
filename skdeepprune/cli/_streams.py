"""Standard streams that are closed, broken, or in an encoding that cannot represent every name."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def lenient_stdout() -> Iterator[None]:
    """Make standard output accept any name: invalid UTF-8 unchanged, unencodable characters escaped."""
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper):
        yield
        return
    errors_before = stream.errors
    is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
    stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
    try:
        yield
    finally:
        stream.reconfigure(errors=errors_before)


@contextmanager
def lenient_stderr() -> Iterator[None]:
    """Ignore errors in writing to standard error, so that a closed terminal or pipe does not stop the work."""
    stream = sys.stderr
    if stream is None:
        yield
        return
    sys.stderr = _IgnoringErrors(stream)
    try:
        yield
    finally:
        sys.stderr = stream


class _IgnoringErrors:
    """A text stream whose writes never fail."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            pass


def flushed_output() -> bool:
    """Flush standard output; if that fails, discard the buffer, so that it does not fail again at exit.

    Returns
    -------
    bool
        Whether everything was written or the reader has closed the pipe.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
        return True
    except (OSError, ValueError) as error:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (OSError, ValueError):  # a stream without a descriptor
            pass
        return isinstance(error, BrokenPipeError)
