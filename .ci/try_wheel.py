"""Try an installed wheel as a user would: fit, save, load, report, and the command."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import skdeepprune
from skdeepprune import DeepPruneClassifier, load_model, save_model
from skdeepprune.datasets import load_simulated
from skdeepprune.report import write_report

assert "site-packages" in skdeepprune.__file__, f"not the installed package: {skdeepprune.__file__}"
data = load_simulated(3, n_train=400, n_test=100, random_state=0)
classifier = DeepPruneClassifier(2, n_prunings=1, max_iter=3, random_state=0).fit(data.X_train, data.y_train)
with tempfile.TemporaryDirectory() as folder:
    model, report = Path(folder) / "model.safetensors", Path(folder) / "report.html"
    save_model(classifier, model)
    assert np.array_equal(load_model(model).predict_proba(data.X_test), classifier.predict_proba(data.X_test))
    write_report(classifier, data.X_train, data.y_train, report, targets=None)
    assert report.stat().st_size > 10_000
    command = Path(sys.executable).parent / "skdeepprune"
    said = subprocess.run([command, "--version"], check=True, capture_output=True, text=True).stdout
    assert skdeepprune.__version__ in said
    subprocess.run([command, "predict", model, "-"], input=">a\nACGTACGTACGTACGTACGT\n", check=True, text=True)
print(f"skdeepprune {skdeepprune.__version__} works from {Path(skdeepprune.__file__).parent}")
