"""Start-up of a fresh process: imports, the first prediction, the first fit."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from settings import turns

from skdeepprune import DeepPruneClassifier

FOLDER = Path(tempfile.mkdtemp())
MODEL = FOLDER / "classifier.pickle"
MODEL.write_bytes(
    pickle.dumps(
        DeepPruneClassifier(n_prunings=1, max_iter=1, random_state=0).fit(["ACGT" * 25, "TTCA" * 25] * 5, [0, 1] * 5)
    )
)
NO_TENSORFLOW = "import sys; assert 'tensorflow' not in sys.modules"
FIT = f"""
from skdeepprune import DeepPruneClassifier
DeepPruneClassifier(max_iter=1, random_state=0).fit(["ACGT" * 25, "TTCA" * 25] * 5, [0, 1] * 5)
{NO_TENSORFLOW}
"""
PROGRAMS = {
    "import skdeepprune": f"import skdeepprune; {NO_TENSORFLOW}",
    "import, unpickle and predict": f"""
import pickle
with open({str(MODEL)!r}, "rb") as file:
    pickle.load(file).predict(["ACGT" * 25])
{NO_TENSORFLOW}
""",
    "import and a small fit": FIT,
    "import and the first fit of all, which compiles": FIT,
    "Python alone": "pass",
    "import numpy, scipy, pandas, sklearn, numba": "import numpy, scipy, pandas, sklearn.base, sklearn.metrics, numba",
    "import tensorflow": "import tensorflow",
}


@pytest.mark.parametrize("program", PROGRAMS)
@turns(7)
def bench_start(measure: Any, program: str) -> None:
    environment = dict(os.environ)
    if "compiles" in program:
        environment["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(dir=FOLDER)
    measure(lambda: subprocess.run([sys.executable, "-c", PROGRAMS[program]], check=True, env=environment), program)
