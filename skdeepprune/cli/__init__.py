"""The command line: ``skdeepprune``, or ``python -m skdeepprune``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from skdeepprune._interruption import interruptions_raised
from skdeepprune.cli._output import tell
from skdeepprune.cli._parser import UsageError, make_parser
from skdeepprune.cli._streams import flushed_output, lasting_errors, writable_names

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
    with writable_names(), lasting_errors():
        code = _run(arguments)
        if flushed_output() or code:
            return code
        return _failed(OSError("the standard output cannot be written"), 1)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = make_parser().parse_args(arguments)
        with _terminable(), interruptions_raised(), _warnings_told():
            options.run(options)
            if sys.stdout is not None:
                sys.stdout.flush()
    except SystemExit as error:  # argparse, after --help or bad usage; or termination
        return error.code if isinstance(error.code, int) else 1
    except UsageError as error:
        return _failed(error, 2)
    except BrokenPipeError:  # whoever read our output has enough
        return 0
    except (OSError, ValueError, ImportError, ArithmeticError, MemoryError, RecursionError) as error:
        return _failed(error, 1)
    except KeyboardInterrupt:
        tell("skdeepprune: interrupted", quiet=False)
        return 130
    return 0


def _failed(error: BaseException, code: int) -> int:
    text = " ".join(str(error).split()) or ("out of memory" if isinstance(error, MemoryError) else repr(error))
    tell(f"skdeepprune: {text}", quiet=False)
    return code


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Write a warning as a line, without the place in the package that it comes from."""

    def told(message: Warning | str, *_: Any, **__: Any) -> None:
        tell(f"warning: {' '.join(str(message).split())}", quiet=False)

    with warnings.catch_warnings():
        warnings.showwarning = told
        yield


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
