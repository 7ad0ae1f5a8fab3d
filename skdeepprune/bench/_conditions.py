"""Conditions of a cell: one thread; machine, version and memory are recorded."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from joblib import cpu_count, parallel_config
from threadpoolctl import threadpool_limits

N_THREADS = 1
# Read when a library starts its threads. threadpoolctl limits libraries that have started theirs already.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit numerical libraries and joblib to one thread."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(N_THREADS)))
    try:
        with threadpool_limits(N_THREADS), parallel_config(backend="sequential"):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def forget_peak_memory() -> None:
    """Reset `peak_memory`. Only on Linux; elsewhere it keeps counting from the start of the process."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def peak_memory() -> float | None:
    """Peak resident memory of this process since `forget_peak_memory`, in MB (10^6 bytes), if available."""
    try:
        status = Path("/proc/self/status").read_text()
        return round(int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6, 1)
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


@cache
def machine() -> str:
    """Describe processor and Python.

    Examples
    --------
    >>> machine()  # doctest: +ELLIPSIS
    '..., ... cores, Python 3...'
    """
    return f"{_processor()}, {cpu_count()} cores, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


@cache
def commit() -> str | None:
    """Commit of the package, with "-dirty" appended if files have changed; None outside a checkout."""
    package = Path(__file__).resolve().parents[1]

    def git(*arguments: str) -> str:
        run = subprocess.run(["git", "-C", package, *arguments], capture_output=True, text=True, check=True)
        return run.stdout.strip()

    try:
        # An installed package may be inside the checkout of another project.
        git("ls-files", "--error-unmatch", "__init__.py")
        return git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return None
