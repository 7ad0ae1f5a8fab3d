"""Make the tables of docs/negatives.rst from what benchmarks/negatives.py wrote into benchmarks/results/negatives.csv.

python benchmarks/render_negatives.py
"""

from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
KINDS = {"shuffles": "dinucleotide shuffles", "matched": "matched regions", "random": "random regions"}
BOTH = "matched and shuffles"
KERNELS, WORDS = "16", "5-mers"
METHODS = {KERNELS: "16 kernels", "16 without composition": "16 kernels without composition", WORDS: "5-mers"}
SETS = {
    "human": "Human peaks",
    "isochores": "A simulated genome with isochores, repeats and open places",
    "yeast": "Yeast, mean over six proteins",
}


def list_table(title: str, header: list[str], rows: list[list[str]]) -> str:
    lines = [f".. list-table:: {title}", "   :header-rows: 1", "   :stub-columns: 1", ""]
    for row in [header, *rows]:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def crossed(table: pd.DataFrame, title: str) -> str:
    """A row per kind of negatives that was trained on, a column per kind that was tested on."""
    tested = [kind for kind in KINDS if (table["tested_on"] == kind).any()]
    trained = [kind for kind in [*KINDS, BOTH] if (table["trained_on"] == kind).any()]
    methods = [method for method in METHODS if (table["method"] == method).any()]
    # Methods are compared on the same seeds; the regression has no other than the first.
    seeds = set.intersection(*(set(table.loc[table["method"] == method, "seed"]) for method in methods))
    means = table[table["seed"].isin(seeds)].groupby(["trained_on", "tested_on", "method"])["roc_auc"].mean()
    rows = []
    for kind in trained:
        cells = [" / ".join(_text(means.get((kind, other, method))) for method in methods) for other in tested]
        rows.append([KINDS.get(kind, "matched regions and shuffles"), *cells])
    title = f"{title}: AUC with {' / '.join(METHODS[method] for method in methods)}"
    return list_table(title, ["trained on", *(f"against {KINDS[kind]}" for kind in tested)], rows)


def by_protein(table: pd.DataFrame) -> str:
    """AUC of each protein against the kind that was trained on, and by how much kernels are better than words."""
    rows, kinds = [], ("matched", "random")
    own = table[table["trained_on"] == table["tested_on"]]
    aucs = own.groupby(["protein", "trained_on", "method"])["roc_auc"].mean().unstack()
    aucs["difference"] = aucs[KERNELS] - aucs[WORDS]
    columns = [(kind, name) for kind in kinds for name in (KERNELS, WORDS, "difference")]
    for protein in dict.fromkeys(table["protein"]):
        rows.append([protein, *(_text(aucs.loc[(protein, kind), name], name) for kind, name in columns)])
    mean = aucs.groupby("trained_on").mean()
    rows.append(["mean", *(_text(mean.loc[kind, name], name) for kind, name in columns)])
    n_seeds = own.loc[own["method"] == KERNELS, "seed"].nunique()
    labels = {KERNELS: "16 kernels", WORDS: "5-mers", "difference": "difference"}
    header = ["protein", *(f"{KINDS[kind]}: {labels[name]}" for kind, name in columns)]
    return list_table(f"Yeast: AUC against the kind that was trained on, mean of {n_seeds} seeds", header, rows)


def origin(table: pd.DataFrame) -> str:
    commits = ", ".join(sorted(table["commit"].unique()))
    return (
        f"Measured at commit {commits} by ``benchmarks/negatives.py``; all cells are in ``negatives.csv`` beside it.\n"
    )


def _text(value: float | None, name: str = "") -> str:
    return "" if value is None else f"{value:{'+' if name == 'difference' else ''}.3f}"


def main() -> None:
    table = pd.read_csv(HERE / "results" / "negatives.csv", dtype={"method": str})
    parts = [crossed(table[table["set"] == name], title) for name, title in SETS.items()]
    parts += [by_protein(table[table["set"] == "yeast"]), origin(table)]
    (HERE.parent / "docs" / "negatives_tables.inc").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
