"""Numbers on the command line, each within its range."""

from __future__ import annotations

import argparse
from collections.abc import Callable

_MOST_THREADS = 4096
_LARGEST = 2**31 - 1


def whole_number(least: int, most: int = _LARGEST) -> Callable[[str], int]:
    """Make a reader of whole numbers from `least` to `most`, both included."""

    def read(text: str) -> int:
        digits = text.lstrip("0") or "0"
        is_number = text.isdecimal()
        is_too_large = is_number and (len(digits) > len(str(most)) or int(digits) > most)
        if not is_number or is_too_large or int(digits) < least:
            limit = f" to {most}" if is_too_large else ""
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}{limit}, got {text[:40]!r}")
        return int(digits)

    return read


def threads(text: str) -> int:
    """Read a number of threads, or -1 for all cores."""
    return -1 if text == "-1" else whole_number(1, _MOST_THREADS)(text)
