"""The standard streams: closed, broken, or in an encoding that does not have every name."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def writable_names() -> Iterator[None]:
    """Let the standard output take any name: what is not UTF-8 as it was, what its encoding lacks as an escape."""
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
def lasting_errors() -> Iterator[None]:
    """Let progress and messages be lost rather than end the work if nobody reads the standard error any more."""
    stream = sys.stderr
    if stream is None:
        yield
        return
    sys.stderr = _Lasting(stream)
    try:
        yield
    finally:
        sys.stderr = stream


class _Lasting:
    """A text stream whose writes do not fail."""

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
    """Write what the buffer of the standard output holds; if that fails, drop it, lest it fail at exit once more.

    Returns
    -------
    bool
        Whether all is written, or the reader has closed a pipe because it has enough.
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
