"""Options of `run.py`, as seen by the benchmarks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

QUICK = os.environ.get("SPEED_QUICK") == "1"
FULL = os.environ.get("SPEED_FULL") == "1"
DATA = Path(os.environ["SPEED_DATA"]) if "SPEED_DATA" in os.environ else None


def turns(n: int) -> Any:
    """Run all methods once per turn: A B A B, not A A B B. Must be the last decorator, which varies slowest."""
    return pytest.mark.parametrize("turn", range(min(n, 2) if QUICK else n))
