"""Ctrl-C during training: keep the finished sizes with a warning, or raise KeyboardInterrupt."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class InterruptedFitWarning(UserWarning):
    """Training was interrupted; the classifier keeps the sizes that were finished."""


def warn_of_interruption(n_kernels: int, sizes: Sequence[int]) -> None:
    """Warn at which size a fit was interrupted. If the warning is turned into an error, raise KeyboardInterrupt."""
    left = [size for size in sizes if size < n_kernels]
    try:
        warnings.warn(
            f"Training was interrupted; the classifier is fitted with {n_kernels} kernels, the last size that was"
            f" finished. Not trained: {', '.join(map(str, left))}.",
            InterruptedFitWarning,
            stacklevel=5,
        )
    except InterruptedFitWarning:
        raise KeyboardInterrupt from None


@contextmanager
def interruptions_raised() -> Iterator[None]:
    """Make Ctrl-C raise KeyboardInterrupt even if some sizes are finished."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", InterruptedFitWarning)
        yield
