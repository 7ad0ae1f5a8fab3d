"""Speed: one thread, methods in alternation, medians; one CSV file per benchmark.

    python benchmarks/speed/run.py --data FOLDER          # all, except training gkm-SVM on 10,000 sequences
    python benchmarks/speed/run.py --data FOLDER --full   # all: two hours
    python benchmarks/speed/run.py --only epoch fit
    python benchmarks/speed/run.py --quick                # a test run of minutes; CSV files in a temporary folder

Needs the extra `benchmarks`. pytest-benchmark runs the files bench_NAME.py, each in its own process. `render.py`
generates the page of the documentation from the CSV files. LS-GKM is included if gkmtrain and gkmpredict are on the
PATH.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from skdeepprune import __version__

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
BENCHMARKS = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
KEY = ["benchmark", "method", "parameter", "value", "measure"]
LIBRARIES = ["numpy", "numba", "tensorflow", "keras", "scikit-learn", "gkmsvm-lite"]

ONE_THREAD = {
    **dict.fromkeys(
        [
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "NUMBA_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
        ],
        "1",
    ),
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def run(name: str, settings: dict[str, str]) -> dict[str, Any] | None:
    """Run bench_NAME.py and return the report of pytest-benchmark, None if a test failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            sys.executable,
            "-m",
            "pytest",
            str(HERE / f"bench_{name}.py"),
            "-q",
            "--no-header",
            "-p",
            "no:cacheprovider",
        ]
        overridden = ["addopts=", "filterwarnings=", "python_files=bench_*.py", "python_functions=bench_*"]
        for option in overridden:
            command += ["-o", option]
        command += ["--benchmark-only", "--benchmark-save-data", "--benchmark-disable-gc", "--benchmark-quiet"]
        command += ["--benchmark-columns=median", f"--benchmark-json={report}"]
        code = subprocess.run(command, env={**os.environ, **ONE_THREAD, **settings}, cwd=HERE).returncode
        return json.loads(report.read_text()) if code == 0 else None


def tidy(report: dict[str, Any]) -> pd.DataFrame:
    """Medians over turns and rounds, a row per measure.

    Ratios are relative to the first method, for measures where lower is better: seconds and MB.
    """
    rows = [row for record in report["benchmarks"] for row in _rows(record)]
    table = pd.DataFrame(rows, columns=[*KEY, "x"])
    table = table.groupby(KEY, sort=False)["x"].agg(median="median", n="size").reset_index()
    first = table.groupby(["benchmark", "parameter", "value", "measure"])["median"].transform("first")
    is_cost = table["measure"].str.startswith(("seconds", "MB"))
    machine, commit = report["machine_info"], report["commit_info"]
    return table.assign(
        ratio=(table["median"] / first).where(is_cost),
        machine=f"{machine['cpu']['brand_raw']}, {machine['cpu']['count']} cores, Python {machine['python_version']}",
        versions=f"skdeepprune {__version__}, " + ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
        commit=commit["id"][:12] + ("+" if commit["dirty"] else ""),
    )


def _rows(record: dict[str, Any]) -> list[tuple[Any, ...]]:
    info = record["extra_info"]
    benchmark = record["name"].split("[")[0].removeprefix("bench_")
    measures = [("seconds", seconds / info["epochs"]) for seconds in record["stats"]["data"]]
    counted = info["counted"]
    if "seconds" in counted:
        measures = []
    if "epochs" in counted:
        measures += [("seconds an epoch", seconds / counted["epochs"]) for _, seconds in measures]
    if info["bases"]:
        measures += [("million bases a second", info["bases"] / seconds / 1e6) for _, seconds in measures]
    return [(benchmark, info["method"], info["parameter"], info["value"], *m) for m in [*measures, *counted.items()]]


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS)
    )
    parser.add_argument("--quick", action="store_true", help="2 turns, small sizes")
    parser.add_argument("--full", action="store_true", help="also train gkm-SVM on 10,000 sequences")
    parser.add_argument("--data", type=Path, help="folder of the real collections; without it gkm-SVM is left out")
    parser.add_argument("--results", type=Path, help="folder of the CSV files; benchmarks/results unless --quick")
    options = parser.parse_args()
    results = options.results or (Path(tempfile.mkdtemp()) if options.quick else RESULTS)
    results.mkdir(parents=True, exist_ok=True)
    settings = {"SPEED_QUICK": str(int(options.quick)), "SPEED_FULL": str(int(options.full))}
    if options.data:
        settings["SPEED_DATA"] = str(options.data.resolve())
    failed = []
    for name in options.only:
        if name == "gkm" and not options.data:
            print("gkm: left out, needs --data")
            continue
        report = run(name, settings)
        if report is None:
            failed.append(name)
            continue
        table = tidy(report)
        path = results / f"speed_{name}.csv"
        table.to_csv(path, index=False, float_format="%.6g")
        print(table[[*KEY[1:], "median", "n", "ratio"]].to_string(index=False), path, sep="\n", flush=True)
    if failed:
        raise SystemExit(f"Failed, see above: {', '.join(failed)}")


if __name__ == "__main__":
    main()
