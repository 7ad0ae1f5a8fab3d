"""What Ctrl-C during training comes to: a smaller fit with a warning, or, for programs around it, the interruption."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class InterruptedFitWarning(UserWarning):
    """Training was interrupted; the fit has the sizes that were finished."""


def warn_of_interruption(n_kernels: int, sizes: Sequence[int]) -> None:
    """Say at which size an interrupted fit is. Where this warning is an error, the interruption itself is raised."""
    left = [size for size in sizes if size < n_kernels]
    try:
        warnings.warn(
            f"Training was interrupted; the classifier is fitted with {n_kernels} kernels, the last size that was"
            f" finished. Not trained: {', '.join(map(str, left))}.",
            InterruptedFitWarning,
            stacklevel=4,
        )
    except InterruptedFitWarning:
        raise KeyboardInterrupt from None


@contextmanager
def interruptions_raised() -> Iterator[None]:
    """Let Ctrl-C end also a fit that could keep some sizes, as a KeyboardInterrupt."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", InterruptedFitWarning)
        yield
