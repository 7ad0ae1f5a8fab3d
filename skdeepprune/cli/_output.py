"""What the commands write: files that are whole or not there, tables, JSON, and what they say on the way."""

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
    """Open a file that is there once it is complete, or the standard output."""
    if path is None:
        yield sys.stdout
        return
    # Names that are not UTF-8 are written as they were read.
    with replacing(path) as part, open(part, "w", encoding="utf-8", errors="surrogateescape") as file:
        yield file


def print_json(summary: Any) -> None:
    """Print as JSON; what is not a finite number becomes null."""
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


def tell(text: str, *, quiet: bool) -> None:
    """Say on the standard error what is being done; work goes on if nobody reads it."""
    if not quiet and sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def shows_progress(*, quiet: bool) -> int:
    """Whether to draw progress bars, as `verbose`: for a terminal, which alone can draw over a line."""
    return int(not quiet and sys.stderr is not None and sys.stderr.isatty())
