"""Generate the page about speed, docs/benchmarks_speed.md, and its plots from the CSV files of `run.py`.

    python benchmarks/speed/render.py

All figures on the page are generated.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("svg")

from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parents[2]
PAGE = "benchmarks_speed"
COLORS = {"compiled": "#0b6e4f", "compiled, log-mean-exp": "#0b6e4f"}

# Title and text of every benchmark, in the order of the page. The texts must not depend on the results.
SECTIONS = {
    "epoch": (
        "An epoch",
        "5,376 sequences of 101 bp, kernel length 24, batch 256, one strand; including the order of the sequences,"
        " forward and backward pass, and Adam. Keras and the plain TensorFlow step get one-hot data. For a `fit` of"
        " several epochs, the time is per epoch, including one start-up.",
    ),
    "cost": (
        "How the cost of an epoch grows",
        "Starting from 5,376 sequences of 101 bp, 32 kernels of length 24 and batch 256, one parameter grows at a time."
        " The slope is that of a log-log fit to all points: 1 means proportional, 0 means no cost.",
    ),
    "fit": (
        "A whole fit",
        "6,000 sequences of the paper's third simulated set, 256 kernels to 4, the paper's settings. The number"
        " of epochs depends on early stopping, so the time per epoch is given as well; Keras runs the same loop with"
        " its own callbacks.",
    ),
    "stages": (
        "A default fit by size",
        "5,000 bound sequences of 101 bp of the paper's third simulated set and a dinucleotide shuffle of each, both"
        " strands, default settings. An epoch includes the augmentation and the score of the held-out tenth.",
    ),
    "gkm": (
        "Comparison with gkm-SVM",
        "Real sequences of 101 bp (CTCFL in K562) and shuffles; 1,000 other sequences are scored. The classifier"
        " has the default settings of the commit at the end of the page, gkm-SVM those of LS-GKM (l 11, k 7, d 3). Both"
        " scan both strands.",
    ),
    "prediction": (
        "Prediction",
        "4 kernels of length 24. `decision_function` takes strings: it encodes them, one byte per base, and scans the"
        " codes.",
    ),
    "processes": (
        "Two processes",
        "A grid search of 24 fits with `n_jobs=2` and `n_jobs=1`; all fits have the same number of epochs.",
    ),
    "memory": (
        "Memory",
        "Peak of a fit with one epoch per size, in addition to the memory before it; strings are listed separately.",
    ),
    "start": (
        "Start",
        "Start-up of a fresh process. Only a fit with the TensorFlow engine imports TensorFlow; the very first fit on a"
        " machine compiles, and caches the result on disk.",
    ),
}


def number(x: float) -> str:
    if pd.isna(x):
        return ""
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.3g}"


def markdown(table: pd.DataFrame) -> str:
    rows = [table.columns, ["---"] * table.shape[1], *table.astype(str).to_numpy()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def by_method(table: pd.DataFrame) -> pd.DataFrame:
    """Make a row per method and case, a column per measure, and the ratio of the times."""
    keys = ["benchmark", "parameter", "value", "method"]
    if table["benchmark"].nunique() == 1:
        keys.remove("benchmark")
    rows = []
    for key, cell in table.groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True))
        case = f"{row.pop('parameter')} {row.pop('value')}".strip()
        row = {"": row.pop("benchmark", "").replace("_", " ")} | {"case": case} | row
        for measure, median in zip(cell["measure"], cell["median"], strict=True):
            row[measure] = number(median)
        times = cell[cell["measure"] == "seconds"]
        row |= {"ratio": number(times["ratio"].iloc[0]), "runs": str(times["n"].iloc[0])}
        rows.append(row)
    found = pd.DataFrame(rows).fillna("")
    ends = ["ratio", "runs"]
    found = found[[*found.columns.drop(ends), *ends]]
    return found.loc[:, [column for column in found if found[column].ne("").any()]].rename(columns={"": "benchmark"})


def slopes(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for parameter, cells in table.groupby("parameter", sort=False):
        row = {"growing": parameter, "from": "", "to": ""}
        for method, cell in cells.groupby("method", sort=False):
            values = cell["value"].astype(float)
            row |= {"from": number(values.min()), "to": number(values.max())}
            row[f"slope, {method}"] = f"{np.polyfit(np.log(values), np.log(cell['median']), 1)[0]:.2f}"
        rows.append(row)
    return pd.DataFrame(rows)


def by_case(table: pd.DataFrame) -> pd.DataFrame:
    """Make a row per measure, a column per method and case."""
    table = table.assign(case=table["method"] + ", " + table["value"])
    found = table.pivot_table(index="measure", columns="case", values="median", sort=False)
    return found.map(number).reset_index()


LAYOUTS = {"cost": slopes, "memory": by_case}


def plot_cost(table: pd.DataFrame, path: Path) -> None:
    parameters = table["parameter"].unique()
    figure, axes = plt.subplots(1, len(parameters), figsize=(11, 3), sharey=True, layout="constrained")
    for ax, parameter in zip(axes, parameters, strict=True):
        for method, cell in table[table["parameter"] == parameter].groupby("method", sort=False):
            ax.loglog(cell["value"].astype(float), cell["median"], "o-", color=COLORS.get(method, "#777"), label=method)
        ticks = sorted(cell["value"].astype(int))
        ax.set_xticks(ticks[:: max(1, len(ticks) // 3)], labels=map(str, ticks[:: max(1, len(ticks) // 3)]))
        ax.minorticks_off()
        ax.set_xlabel(parameter)
        ax.grid(color="#ddd")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("seconds per epoch")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
    save(figure, path)


def plot_epoch(table: pd.DataFrame, path: Path) -> None:
    sizes, methods = table["value"].unique(), table["method"].unique()
    figure, axes = plt.subplots(1, len(sizes), figsize=(11, 2.6), sharey=True, layout="constrained")
    for ax, size in zip(axes, sizes, strict=True):
        medians = table[table["value"] == size].set_index("method")["median"]
        bars = ax.barh(methods, 1e3 * medians[methods], color=[COLORS.get(method, "#bbb") for method in methods])
        ax.bar_label(bars, [number(1e3 * x) for x in medians[methods]], padding=3, fontsize="small")
        ax.set(title=f"{size} kernels", xlabel="ms per epoch")
        ax.margins(x=0.2)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    save(figure, path)


def save(figure: plt.Figure, path: Path) -> None:
    # Without date and random names, the same figures give the same file.
    with plt.rc_context({"svg.hashsalt": path.name, "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results", help="folder of the CSV files")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder of the page")
    options = parser.parse_args()
    parts = [
        "# Speed",
        "<!-- Generated by benchmarks/speed/render.py from benchmarks/results/speed_*.csv; do not edit. -->",
        "One thread per process, methods in alternation, medians of repeated runs. A ratio is a method's time"
        " relative to that of the first one in its case. `python benchmarks/speed/run.py` reproduces all of it.",
    ]
    sources = []
    for name, (title, text) in SECTIONS.items():
        path = options.results / f"speed_{name}.csv"
        if not path.exists():
            continue
        table = pd.read_csv(path, dtype={"parameter": str, "value": str}).fillna({"parameter": "", "value": ""})
        sources.append(table[["machine", "versions", "commit"]].drop_duplicates().assign(benchmark=title))
        parts += [f"## {title}", text]
        if name in ("epoch", "cost"):
            image = f"{PAGE}_{name}.svg"
            (plot_epoch if name == "epoch" else plot_cost)(table, options.docs / image)
            parts.append(f"![{title}: {', '.join(table['method'].unique())}]({image})")
        parts.append(markdown(LAYOUTS.get(name, by_method)(table)))
    if not sources:
        raise SystemExit(f"No speed_*.csv in {options.results}; run benchmarks/speed/run.py first.")
    origin = ["machine", "versions", "commit"]
    runs = pd.concat(sources).groupby(origin, sort=False)["benchmark"].agg(", ".join).reset_index()
    runs = runs[["benchmark", *origin]].rename(columns={"benchmark": "section"})
    parts += ["## Machine and versions", markdown(runs)]
    (options.docs / f"{PAGE}.md").write_text("\n\n".join(parts) + "\n")
    print(options.docs / f"{PAGE}.md")


if __name__ == "__main__":
    main()
