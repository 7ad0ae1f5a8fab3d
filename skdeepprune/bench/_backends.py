"""Backends that run jobs: local processes through joblib, or a Dask or Ray cluster."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any, Literal, TypeVar

from joblib import Parallel, delayed, effective_n_jobs, parallel_config

Item = TypeVar("Item")
Result = TypeVar("Result")
Backend = Literal["loky", "dask", "ray"]

# One job per task; results are returned as soon as they are ready.
_ONE_BY_ONE = {"return_as": "generator_unordered", "batch_size": 1}


def each_finished(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    backend: Backend = "loky",
    n_jobs: int | None = None,
    scheduler: str | None = None,
) -> Generator[tuple[Item, Result | Exception], None, None]:
    """Call a function for every item, in other processes.

    Parameters
    ----------
    function : callable
        Must not raise: an error ends the whole run.
    items : sequence
    backend : {"loky", "dask", "ray"}, default="loky"
    n_jobs : int, default=None
        Processes; -1 for all cores. With loky, 1 is this process.
    scheduler : str, default=None
        Address of a Dask scheduler; its workers determine the number of parallel jobs.

    Yields
    ------
    item, result
        In order of completion. The result is an error if the process died.
    """
    if not items:
        return
    calls = [(function, i, item) for i, item in enumerate(items)]
    with _running(backend, n_jobs, scheduler) as run, closing(run(calls)) as results:
        for i, result in results:
            yield items[i], result


def _call(function: Callable[[Any], Any], i: int, item: Any) -> tuple[int, Any]:
    return i, function(item)


def _end_with(parent: int) -> None:
    """End this process when its parent ends, even if that is killed by SIGKILL."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _running(backend: str, n_jobs: int | None, scheduler: str | None) -> Iterator[Callable[[Any], Any]]:
    """Prepare a backend; yield the function that runs calls on it."""
    if scheduler is not None and backend != "dask":
        raise ValueError(f"backend={backend!r} has no scheduler; expected backend='dask'.")
    match backend:
        case "loky":
            yield lambda calls: _run_on_loky(calls, n_jobs)
        case "dask":
            dask = _dask()
            with _dask_client(dask, n_jobs, scheduler) as client:
                yield lambda calls: _run_on_dask(calls, client, dask.as_completed)
        case "ray":
            ray = _ray()
            yield lambda calls: _run_on_ray(calls, n_jobs, ray)
        case _:
            raise ValueError(f"backend={backend!r}; expected 'loky', 'dask' or 'ray'.")


def _run_on_loky(calls: Any, n_jobs: int | None) -> Iterator[tuple[int, Any]]:
    """Run on local processes. If one dies, find the call that killed it, and continue with the others."""
    with parallel_config(backend="loky", inner_max_num_threads=1, initializer=_end_with, initargs=(os.getpid(),)):
        parallel = Parallel(n_jobs, **_ONE_BY_ONE)
        apart = Parallel(2)  # joblib would run a single job in this process
    left = {call[1]: call for call in calls}
    while left:
        try:
            with closing(parallel([delayed(_call)(*call) for call in left.values()])) as results:
                for i, result in results:
                    del left[i]
                    yield i, result
        except BrokenProcessPool:
            # Calls are dispatched in order, with one waiting for each that runs.
            for i in list(islice(left, 2 * effective_n_jobs(n_jobs))):
                try:
                    ((_, result),) = apart([delayed(_call)(*left[i])])
                except BrokenProcessPool as error:
                    result = error
                del left[i]
                yield i, result


def _run_on_dask(calls: Any, client: Any, as_completed: Any) -> Iterator[tuple[int, Any]]:
    """Submit all calls to the scheduler at once, so that workers that join later get some.

    joblib's Dask backend would wait forever for a call that Dask has given up on (whose workers have died more often
    than the scheduler's ``allowed-failures``, 3 by default). Here the result of that call is the error.
    """
    numbers = {client.submit(_call, *call, pure=False): call[1] for call in calls}
    ended = as_completed(numbers, loop=client.loop, with_results=True, raise_errors=False)
    for future, result in ended:
        if future.cancelled():
            raise ConnectionError(f"Lost the Dask scheduler: {result} Run again to resume.")
        i = numbers.pop(future)
        error = future.exception()
        # A result kept on a worker would be recomputed if that worker died.
        future.release()
        yield result if error is None else (i, error)


def _run_on_ray(calls: Any, n_jobs: int | None, ray: Any) -> Iterator[tuple[int, Any]]:
    """Keep `n_jobs` tasks running. joblib's Ray backend would return no result before the last one is done."""
    n_running = None if n_jobs == -1 else n_jobs or 1
    task, waiting = ray.remote(_call), iter(calls)
    running = {task.remote(*call): call[1] for call in islice(waiting, n_running)}
    while running:
        (done,), _ = ray.wait(list(running))
        i = running.pop(done)
        try:
            result = ray.get(done)
        except ray.exceptions.RayError as error:
            result = i, error
        running |= {task.remote(*call): call[1] for call in islice(waiting, 1)}
        yield result


def _dask() -> Any:
    try:
        return importlib.import_module("dask.distributed")
    except ImportError as error:
        raise ImportError("backend='dask' needs dask.distributed: `pip install skdeepprune[dask]`.") from error


@contextmanager
def _dask_client(dask: Any, n_jobs: int | None, scheduler: str | None) -> Iterator[Any]:
    if scheduler is not None:
        with dask.Client(scheduler, set_as_default=False) as client:
            for worker, n_threads in client.nthreads().items():
                if n_threads > 1:
                    raise ValueError(
                        f"The Dask worker {worker} has {n_threads} threads; expected one, since each job needs its"
                        " own process. Start workers with `--nthreads 1`, and `--nworkers` for more of them."
                    )
            yield client
        return
    n_workers = effective_n_jobs(n_jobs)
    with (
        dask.LocalCluster(n_workers=n_workers, threads_per_worker=1, memory_limit=0, dashboard_address=None) as cluster,
        dask.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ImportError("backend='ray' needs Ray: `pip install ray`.") from error
