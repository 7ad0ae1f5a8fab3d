import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # what the tests compare is the CPU's arithmetic

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# A shared or slow machine must not decide whether a property holds: no deadlines.
settings.register_profile("local", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, database=None)
settings.load_profile("ci" if "CI" in os.environ else "local")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real sets: `SKDEEPPRUNE_DATA`, or `shared/data` beside the checkout."""
    folder = Path(os.environ.get("SKDEEPPRUNE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real sets: {folder} is not a folder; set SKDEEPPRUNE_DATA to the one with deepbind/ etc.")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """A fresh generator, the same in every test."""
    return np.random.default_rng(0)


@pytest.fixture
def write(tmp_path):
    """Write text or bytes to a file of that name and return its path."""

    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


# Why a test may be skipped. Any other reason fails it: an unreviewed skip hides a missing check.
SKIPS = {
    r"no real sets: .*": "the published collections are too large to be with the code",
    r"no browser: .*": ".ci/run installs one where it can",
    r"the extra \w+ is not installed": "a user may go without it; `make test` installs all",
    r"downloads need pooch": "as above",
    r"safetensors is not installed": "as above",
    r"gkmsvm-lite is not installed": "as above",
    r"(lightmotif|pyBigWig) is not installed": "as above",
    r"could not import '(psutil|distributed|pyjaspar|tensorflow)'.*": "as above",
    r".*(LS-GKM|gkmtrain).*": "a program that each user builds",
    r"scikit-learn has callbacks from 1\.9 on": "older ones are supported, too",
    r"needs a shell|no limits on files there|Windows has no .*|no /dev/full there": "Windows lacks it",
    r"permissions are POSIX('s)?|limits on the size of files are POSIX|no (such device|named pipes) there": "as above",
    r"counts memory as Linux does|the system counts from the start of the process": "other systems count otherwise",
}


def _reviewed(report):
    """Fail what is skipped for a reason that is not in the list."""
    if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not any(re.fullmatch(known, reason, re.DOTALL) for known in SKIPS):
            report.outcome = "failed"
            report.longrepr = f"Skipped for {reason!r}, which is none of the SKIPS in tests/conftest.py"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _reviewed((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _reviewed((yield))


@pytest.fixture(scope="session")
def chromium():
    """Path of a browser."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if path is None:
        pytest.skip("no browser: neither chromium nor google-chrome is on the PATH")
    return path
