"""Make the tables of docs/negatives.rst from what benchmarks/negatives.py wrote into benchmarks/results/negatives.csv.

python benchmarks/render_negatives.py
"""

from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
KINDS = {"shuffles": "dinucleotide shuffles", "matched": "matched regions", "random": "random regions"}
BOTH = "matched and shuffles"
METHODS = {"16": "16 kernels", "16 without composition": "without composition", "5-mers": "regression of 5-mers"}


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
    means = table.groupby(["trained_on", "tested_on", "method"])["roc_auc"].mean()
    rows = []
    for kind in trained:
        cells = [" / ".join(_text(means.get((kind, other, method))) for method in methods) for other in tested]
        rows.append([KINDS.get(kind, "matched regions and shuffles"), *cells])
    return list_table(title, ["trained on", *(f"against {KINDS[kind]}" for kind in tested)], rows)


def by_protein(table: pd.DataFrame) -> str:
    """AUC of each protein of yeast against matched regions."""
    columns = [
        ("16 kernels, matched", "16", "matched"),
        ("16 kernels, matched and shuffles", "16", BOTH),
        ("5-mers, matched", "5-mers", "matched"),
    ]
    rows = []
    of = table[table["tested_on"] == "matched"].groupby(["protein", "method", "trained_on"])["roc_auc"].mean()
    proteins = list(dict.fromkeys(table["protein"]))
    for protein in proteins:
        rows.append([protein, *(_text(of.get((protein, method, kind))) for _, method, kind in columns)])
    mean = of.groupby(["method", "trained_on"]).mean()
    rows.append(["mean", *(_text(mean.get((method, kind))) for _, method, kind in columns)])
    return list_table("AUC against matched regions", ["protein", *(name for name, *_ in columns)], rows)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def main() -> None:
    table = pd.read_csv(HERE / "results" / "negatives.csv", dtype={"method": str})
    parts = []
    for name, title in (
        ("human", "Human peaks"),
        ("yeast", "Yeast, mean over six proteins"),
        ("isochores", "A simulated genome with isochores and repeats"),
    ):
        of_set = table[table["set"] == name]
        if len(of_set):
            methods = [label for method, label in METHODS.items() if (of_set["method"] == method).any()]
            parts.append(crossed(of_set, f"{title}: AUC with {' / '.join(methods)}"))
    yeast = table[table["set"] == "yeast"]
    if len(yeast):
        parts.append(by_protein(yeast))
    (HERE.parent / "docs" / "negatives_tables.inc").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
