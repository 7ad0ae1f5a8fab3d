"""Make docs/benchmarks_motifs.md from what benchmarks/motifs.py wrote.

python benchmarks/render_motifs.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"


def simulated() -> str:
    rows = pd.read_csv(HERE / "results" / "motifs_simulated.csv")
    n_seeds = rows["seed"].nunique()
    column = rows["n_kernels"].astype(str).where(rows["network"] == "pruned", "4, trained directly")
    rows = rows.assign(column=pd.Categorical(column, ["4", "8", "16", "4, trained directly"]))
    rows["motif"] = rows["planted"] + " (" + rows["accession"] + ")"
    cells = rows.groupby(["set", "motif", "column"], observed=True).agg(found=("found", "sum"), E=("E", "median"))
    text = cells["found"].astype(str) + " (" + cells["E"].map("{:.1e}".format) + ")"
    totals = rows.groupby(["set", "column"], observed=True)["found"].agg(["sum", "size"])
    total_text = totals["sum"].astype(str) + " of " + totals["size"].astype(str)
    lines = []
    for number, of_set in text.unstack("column").fillna("").groupby("set"):
        lines += [f"| {number} | {name} | " + " | ".join(row) + " |" for (_, name), row in _rows(of_set)]
        lines += [
            f"| {number} | *together* | " + " | ".join(row) + " |"
            for _, row in _rows(total_text.unstack("column").fillna("").loc[[number]])
        ]
    return f"""## Planted motifs

The paper's five simulated sets, kernels of 24, {n_seeds} seeds: in how many of them a motif was found by so many
kernels that were left of 256, or that were trained directly. It counts as found where the kernel that matches it best
has it as its first match in JASPAR 2024 with an E-value below 1e-5, and letter probabilities that correlate with the
planted matrix by more than 0.95. In brackets the median of the E-value.

| set | planted | 4 | 8 | 16 | 4, trained directly |
|---|---|---|---|---|---|
{chr(10).join(lines)}

For the short motif of set 3, TBP's, the paper has an E-value of 2.27e-7, and 1.64e-2 of its directly trained network;
for the long one, PAX6's, 1.35e-23.
"""


def _rows(frame: pd.DataFrame) -> Iterator[tuple[Any, list[str]]]:
    return ((name, list(row)) for name, row in zip(frame.index, frame.to_numpy(dtype=object), strict=True))


def real() -> str:
    rows = pd.read_csv(HERE / "results" / "motifs_real.csv")
    named = rows.groupby(["set", "seed"])["expected_family"].any()
    expected = rows[rows["expected_family"]]
    best = expected.loc[expected.groupby("set", sort=False)["E"].idxmin()].set_index("set")
    lines = []
    for name, of_set in rows.groupby("set", sort=False):
        auc, n_found = of_set.groupby("seed")["auc"].first().mean(), int(named[name].sum())
        match = best.loc[name] if name in best.index else None
        what = "| |" if match is None else f"{match.best_match} ({match.accession}) | {match.E:.2g} | {match.consensus}"
        n_kernels = of_set.groupby("seed")["expected_family"].sum().mean()
        lines.append(f"| {name} | {auc:.3f} | {n_found} of {len(named[name])} | {n_kernels:.1f} | {what} |")
    by_seed = named.groupby("seed").sum()
    return f"""## Real sets

The defaults, 4 kernels, at most 5,000 positives, {named.index.get_level_values("seed").nunique()} seeds. Told is in how
many fits a kernel's best match in JASPAR 2024 is of the protein's family, how many of the 4 kernels are so, and the
best of these matches.

| set | AUC | fits | kernels | match | E | consensus |
|---|---|---|---|---|---|---|
{chr(10).join(lines)}

With a match of the family: {", ".join(f"{n} of {len(named.groupby('set'))} sets" for n in by_seed)} (by seed). The
other kernels read what binds beside the protein; so CTCF's motif is found in many sets.

![Motifs that were found, each above the known one](benchmarks_motifs.svg)
"""


def main() -> None:
    text = f"""# Motifs that were found

<!-- Made by benchmarks/render_motifs.py from what benchmarks/motifs.py wrote: do not edit. -->

{simulated()}
{real()}"""
    (DOCS / "benchmarks_motifs.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
