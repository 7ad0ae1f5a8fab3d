"""Parsers of numbers on the command line, with ranges."""

from __future__ import annotations

import argparse
from collections.abc import Callable

_MAX_THREADS = 4096
_MAX_INT = 2**31 - 1


def whole_number(minimum: int, maximum: int = _MAX_INT) -> Callable[[str], int]:
    """Make a parser of whole numbers from `minimum` to `maximum`, both included."""

    def read(text: str) -> int:
        digits = text.lstrip("0") or "0"
        is_number = text.isdecimal()
        is_too_large = is_number and (len(digits) > len(str(maximum)) or int(digits) > maximum)
        if not is_number or is_too_large or int(digits) < minimum:
            limits = f"from {minimum} to {maximum}" if is_too_large else f">= {minimum}"
            raise argparse.ArgumentTypeError(f"expected a whole number {limits}, got {text[:40]!r}")
        return int(digits)

    return read


def threads(text: str) -> int:
    """Parse a number of threads, or -1 for all cores."""
    return -1 if text == "-1" else whole_number(1, _MAX_THREADS)(text)
