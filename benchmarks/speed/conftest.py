"""The fixture `measure`, which times every benchmark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def measure(benchmark: Any, turn: int) -> Callable[..., Any]:
    def measure(
        work: Callable[[], Any],
        method: str,
        parameter: str = "",
        value: object = "",
        *,
        rounds: int = 1,
        setup: Callable[[], None] | None = None,
        epochs: int = 1,
        bases: int = 0,
        counted: Callable[[Any], dict[str, float]] = lambda result: {},
    ) -> Any:
        """Time `work()`, which trains `epochs` epochs or reads `bases` bases.

        `counted` extracts further measures from its result; a measure "seconds" replaces the measured time.
        """
        result = benchmark.pedantic(work, setup=setup, rounds=rounds)
        benchmark.extra_info.update(
            method=method, parameter=parameter, value=str(value), epochs=epochs, bases=bases, counted=counted(result)
        )
        return result

    return measure
