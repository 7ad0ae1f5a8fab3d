"""Run the command line: ``python -m skdeepprune``."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in typing

if TYPE_CHECKING:
    import signal
    from typing import Any, NoReturn
else:
    # The enumerations of `signal` take milliseconds to load, during which interruptions are not handled.
    import _signal as signal


def main() -> int:
    """Load the command line, which takes a few seconds, and run it."""
    # There is nothing to clean up yet, and the modules being imported must not catch the interruption.
    with_handler = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if with_handler:
        signal.signal(signal.SIGINT, _end_at_once)
    _occupy_closed_descriptors()
    from skdeepprune.cli import main as run

    try:
        try:
            if with_handler:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            return run()
        finally:
            if with_handler:
                signal.signal(signal.SIGINT, _end_at_once)
    except KeyboardInterrupt:
        _end_at_once()


def _end_at_once(*_: Any) -> NoReturn:
    try:
        os.write(2, b"skdeepprune: interrupted\n")
    finally:
        os._exit(130)


def _occupy_closed_descriptors() -> None:
    """Open the null device for closed standard streams, so that no other file gets their descriptors.

    `sys.stdout` stays None, so that writing to it is an error instead of lost output.
    """
    for descriptor, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)  # gets the lowest free number
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)


if __name__ == "__main__":
    sys.exit(main())
