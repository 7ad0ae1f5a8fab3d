import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # what the tests compare is the CPU's arithmetic

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
        pytest.skip(f"no real sets: {folder} is no folder; set SKDEEPPRUNE_DATA to the one that holds deepbind/ etc.")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """A fresh generator, the same in every test."""
    return np.random.default_rng(0)
