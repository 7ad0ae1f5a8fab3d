"""The command line: ``skdeepprune``, or ``python -m skdeepprune``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from skdeepprune._interruption import interruptions_raised
from skdeepprune.cli._parser import UsageError, make_parser

__all__ = ["main", "make_parser"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, default=None
        Without the program's name. By default those it was called with.

    Returns
    -------
    int
        Exit code: 0 for success, 1 for bad data, 2 for bad usage, 130 when interrupted, 143 when told to terminate, 129
        when the terminal was closed.
    """
    parser = make_parser()
    try:
        options = parser.parse_args(arguments)
        with _terminable(), interruptions_raised():
            options.run(options)
            sys.stdout.flush()
    except SystemExit as error:  # argparse, after --help or bad usage; or termination
        return error.code if isinstance(error.code, int) else 1
    except UsageError as error:
        print(f"skdeepprune: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has enough. What is left in the buffer must not raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, ValueError, ImportError, FloatingPointError, MemoryError) as error:
        print(f"skdeepprune: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("skdeepprune: interrupted", file=sys.stderr)
        return 130
    return 0


@contextmanager
def _terminable() -> Iterator[None]:
    """Let the signals of batch systems and closed terminals unwind like an interruption, so that nothing is left."""
    timers: list[threading.Timer] = []

    def stop(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    def send_again(unraisable: Any) -> None:
        # What a handler raises within a callback from C, as LLVM's while it compiles, gets no further.
        number = {SystemExit: signal.SIGTERM, KeyboardInterrupt: signal.SIGINT}.get(unraisable.exc_type)
        if number is None:
            hook_before(unraisable)
            return
        timers.append(threading.Timer(0.1, os.kill, (os.getpid(), number)))
        timers[-1].daemon = True
        timers[-1].start()

    # Where nohup has a closed terminal ignored, it stays so.
    numbers = [
        n for n in (signal.SIGTERM, getattr(signal, "SIGHUP", None)) if n and signal.getsignal(n) != signal.SIG_IGN
    ]
    try:
        handlers_before = {n: signal.signal(n, stop) for n in numbers}
    except ValueError:  # not in the main thread
        yield
        return
    hook_before, sys.unraisablehook = sys.unraisablehook, send_again
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        sys.unraisablehook = hook_before
        for n, handler in handlers_before.items():
            signal.signal(n, handler)
