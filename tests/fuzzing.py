"""Limits that every fuzzed call has to keep, and how many inputs to try."""

import contextlib
import os
import signal
import sys

N_INPUTS = int(os.environ.get("SKDEEPPRUNE_FUZZ", "100000"))
MAX_SECONDS = 10
MAX_BYTES = 10**9


@contextlib.contextmanager
def limits():
    """Stop after MAX_SECONDS of computing, and refuse more than MAX_BYTES of memory, where the system can."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import resource

    def stop(*_):
        raise AssertionError(f"more than {MAX_SECONDS} s of computing")

    with open("/proc/self/statm") as file:
        in_use = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, stop)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MAX_BYTES, before[1]))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)
