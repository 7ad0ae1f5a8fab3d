"""Generate the tables of docs/negatives.rst from benchmarks/results/negatives.csv.

python benchmarks/render_negatives.py
"""

from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
KINDS = {"shuffles": "dinucleotide shuffles", "matched": "matched regions", "random": "random regions"}
BOTH = "matched and shuffles"
KERNELS, WITHOUT, WORDS = "16", "16 without composition", "5-mers"
METHODS = {KERNELS: "16 kernels", WITHOUT: "16 kernels without composition", WORDS: "5-mers"}
SETS = {
    "human": "Human peaks",
    "isochores": "A simulated genome with isochores, repeats and accessible regions",
    "yeast": "Yeast, mean over six proteins",
}


def list_table(title: str, header: list[str], rows: list[list[str]]) -> str:
    lines = [f".. list-table:: {title}", "   :header-rows: 1", "   :stub-columns: 1", ""]
    for row in [header, *rows]:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def crossed(table: pd.DataFrame, title: str) -> str:
    """Make a table with a row per kind of negatives in training, a column per kind in testing."""
    tested = [kind for kind in KINDS if (table["tested_on"] == kind).any()]
    trained = [kind for kind in [*KINDS, BOTH] if (table["trained_on"] == kind).any()]
    # Methods are compared on the same proteins and seed; the regression has only one seed.
    cells = table[table["seed"] == 0].pivot_table(
        index=["protein", "trained_on", "tested_on"], columns="method", values="roc_auc"
    )
    methods = [method for method in METHODS if method in cells and cells[method].notna().all()]
    means = cells[methods].groupby(["trained_on", "tested_on"]).mean()
    rows = []
    for kind in trained:
        aucs = [" / ".join(_text(means.loc[(kind, other), method]) for method in methods) for other in tested]
        rows.append([KINDS.get(kind, "matched regions and shuffles"), *aucs])
    title = f"{title}: AUC with {' / '.join(METHODS[method] for method in methods)}"
    text = list_table(title, ["trained on", *(f"against {KINDS[kind]}" for kind in tested)], rows)
    return text + (composition(means) if WITHOUT in methods else "")


def composition(means: pd.DataFrame) -> str:
    """Describe the effect of composition in the cells of a table."""
    changes = means[KERNELS] - means[WITHOUT]
    return (
        f"\nComposition changes the AUC by {_text(changes.min(), 'difference')} to"
        f" {_text(changes.max(), 'difference')}, {_text(changes.mean(), 'difference')} on average, and increases"
        f" it in {(changes > 0).sum()} of {len(changes)} cells.\n"
    )


def by_protein(table: pd.DataFrame) -> str:
    """Make a table of the AUC of each protein against the kind used in training, and the gain of kernels over words."""
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
    return list_table(f"Yeast: AUC against the kind used in training, mean of {n_seeds} seeds", header, rows)


def origin(table: pd.DataFrame) -> str:
    commits = ", ".join(sorted(table["commit"].unique()))
    return f"Measured at commit {commits}; all cells are in ``benchmarks/results/negatives.csv``.\n"


def _text(value: float, name: str = "") -> str:
    return f"{value:{'+' if name == 'difference' else ''}.3f}"


def main() -> None:
    table = pd.read_csv(HERE / "results" / "negatives.csv", dtype={"method": str})
    parts = [crossed(table[table["set"] == name], title) for name, title in SETS.items()]
    parts += [by_protein(table[table["set"] == "yeast"]), origin(table)]
    (HERE.parent / "docs" / "negatives_tables.inc").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
