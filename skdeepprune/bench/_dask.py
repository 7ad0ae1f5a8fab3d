"""joblib's backend for Dask, as a long run needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from joblib._dask import DaskDistributedBackend


class DaskBackend(DaskDistributedBackend):
    """Dask's backend that outlives workers, and waits for the first one.

    Dask gives a job up when its workers have died more often than the scheduler's setting ``allowed-failures`` says
    (3). Of this joblib's own backend never hears, and waits forever; here the job's result is the error.
    """

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Two or more, as joblib would run the jobs itself on a cluster of one, to which others may come."""
        return max(2, sum(self.client.ncores().values()))

    def submit(self, func: Any, callback: Callable[[Any], Any] | None = None) -> Any:
        """Schedule a batch of one call."""
        future = super().submit(func, callback)
        ((_, (_, i, *_), _),) = func.items

        def on_done(done: Any) -> None:
            error = done.exception()
            if error is not None and callback is not None:
                callback([(i, error)])

        future.add_done_callback(on_done)
        return future
