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
from skdeepprune.cli._output import log
from skdeepprune.cli._parser import UsageError, make_parser
from skdeepprune.cli._streams import flushed_output, lenient_stderr, lenient_stdout

__all__ = ["main", "make_parser"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, default=None
        Without the program name. By default those of the process.

    Returns
    -------
    int
        Exit code: 0 success, 1 bad data, 2 bad usage, 130 interrupted, 143 terminated, 129 terminal closed.
    """
    with lenient_stdout(), lenient_stderr():
        code = _run(arguments)
        if flushed_output() or code:
            return code
        return _failed(OSError("cannot write to standard output"), 1)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = make_parser().parse_args(arguments)
        with _unwinding_signals(), interruptions_raised(), _warnings_as_lines():
            options.run(options)
            if sys.stdout is not None:
                sys.stdout.flush()
    except SystemExit as error:  # argparse, after --help or bad usage; or termination
        return error.code if isinstance(error.code, int) else 1
    except UsageError as error:
        return _failed(error, 2)
    except BrokenPipeError:  # the reader has closed the pipe
        return 0
    except (OSError, ValueError, ImportError, ArithmeticError, MemoryError, RecursionError) as error:
        return _failed(error, 1)
    except KeyboardInterrupt:
        log("skdeepprune: interrupted", quiet=False)
        return 130
    return 0


def _failed(error: BaseException, code: int) -> int:
    text = " ".join(str(error).split()) or ("out of memory" if isinstance(error, MemoryError) else repr(error))
    log(f"skdeepprune: {text}", quiet=False)
    return code


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Write a warning as a line, without the place in the package that it comes from."""

    def write(message: Warning | str, *_: Any, **__: Any) -> None:
        log(f"warning: {' '.join(str(message).split())}", quiet=False)

    with warnings.catch_warnings():
        warnings.showwarning = write
        yield


@contextmanager
def _unwinding_signals() -> Iterator[None]:
    """Make SIGTERM and SIGHUP unwind the stack like an interruption, so that temporary files are removed."""
    timers: list[threading.Timer] = []

    def stop(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    def send_again(unraisable: Any) -> None:
        # An exception that a handler raises within a callback from C, such as LLVM's, does not propagate.
        number = {SystemExit: signal.SIGTERM, KeyboardInterrupt: signal.SIGINT}.get(unraisable.exc_type)
        if number is None:
            hook_before(unraisable)
            return
        timers.append(threading.Timer(0.1, os.kill, (os.getpid(), number)))
        timers[-1].daemon = True
        timers[-1].start()

    # Signals ignored by the parent process (nohup) stay ignored.
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
