"""Output of the commands: files that are written atomically, JSON, and messages on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from skdeepprune._writing import replacing


@contextmanager
def opened_output(path: Path | None) -> Iterator[IO[str]]:
    """Open a file that appears once it is complete, or standard output."""
    if path is None:
        yield sys.stdout
        return
    # Names that are not valid UTF-8 are written as they were read.
    with replacing(path) as part, open(part, "w", encoding="utf-8", errors="surrogateescape") as file:
        yield file


def print_json(summary: Any) -> None:
    """Print as JSON; NaN and infinity become null."""
    print(json.dumps(_finite(summary), indent=2))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def log(text: str, *, quiet: bool) -> None:
    """Print a message to standard error; errors in doing so are ignored."""
    if not quiet and sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def shows_progress(*, quiet: bool) -> int:
    """Value of `verbose`: progress bars only on a terminal, which can overwrite a line."""
    return int(not quiet and sys.stderr is not None and sys.stderr.isatty())
