"""How well the regions sampled as negatives match the bound sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from skdeepprune.genome import Match
from skdeepprune.report._figures import SMALL, percent_ticks
from skdeepprune.report._format import percent, table
from skdeepprune.report._svg import Chart, ticks


def match_card(match: Match) -> dict[str, Any]:
    """Compare GC content, repeats and dinucleotides of both classes."""
    has_repeats = any(mean > 0 for mean in match.repeat_means)
    rows = [("GC content", *map(percent, match.gc_means), f"{match.gc_distance:.3f}")]
    panels = [_shares("GC content", "gc_match.csv", match.gc)]
    if has_repeats:
        rows.append(("repeats", *map(percent, match.repeat_means), f"{match.repeat_distance:.3f}"))
        panels.append(_shares("Repeats (lower case)", "repeats_match.csv", match.repeats))
    panels.append(_dinucleotides(match.dinucleotides))
    differences = (match.dinucleotides["bound"] - match.dinucleotides["unbound"]).abs()
    largest = match.dinucleotides.to_dict("records")[int(differences.argmax())]
    note = (
        "The distance is the Kolmogorov-Smirnov statistic, the maximum difference between the cumulative distributions;"
        f" 0 is a perfect match. The dinucleotide that differs most is {largest['dinucleotide']}:"
        f" {percent(largest['bound'])} in bound and {percent(largest['unbound'])} in unbound sequences."
    )
    if not has_repeats:
        note += " No sequence has lower case, so repeats cannot be compared."
    return {
        "title": "Match of the sampled regions",
        "intro": f"All {match.n_unbound:,} sampled regions of the genome, compared with all {match.n_bound:,} bound"
        " sequences.",
        "columns": ["", "bound", "unbound", "distance"],
        "rows": rows,
        "note": note,
        "panels": panels,
    }


def _shares(title: str, file: str, shares: pd.DataFrame) -> dict[str, Any]:
    return {"title": title, "drawing": _histogram(title, shares), "table": table("Table", file, shares.round(5))}


def _histogram(title: str, shares: pd.DataFrame) -> Markup:
    used = np.flatnonzero(shares["bound"] + shares["unbound"])
    part = shares.iloc[max(int(used[0]) - 1, 0) : int(used[-1]) + 2] if len(used) else shares
    edges = np.append(part["from"], part["to"].iloc[-1])
    top = max(part["bound"].max(), part["unbound"].max(), 1e-6)
    chart = Chart((edges[0], edges[-1]), (0, top * 1.06), left=60, **SMALL)
    x_ticks = [(value, f"{100 * value:.0f} %") for value in ticks(edges[0], edges[-1], 3)]
    chart.axes("share of letters", "share of sequences", x_ticks=x_ticks, y_ticks=percent_ticks(top))
    for name in ("unbound", "bound"):
        chart.histogram(edges, part[name].to_numpy(), name)
    return chart.finish(f"{title} of bound sequences and of the sampled regions.")


def _dinucleotides(shares: pd.DataFrame) -> dict[str, Any]:
    top = 1.08 * float(shares[["bound", "unbound"]].to_numpy().max())
    chart = Chart((0, top), (0, top), left=60, **SMALL)
    marks = percent_ticks(top)
    chart.axes("share in bound sequences", "share in unbound sequences", x_ticks=marks, y_ticks=marks)
    chart.line([0, top], [0, top], "guess")
    titles = [
        f"{row['dinucleotide']}: {percent(row['bound'])} in bound, {percent(row['unbound'])} in unbound sequences"
        for row in shares.to_dict("records")
    ]
    chart.dots(shares["bound"].to_numpy(), shares["unbound"].to_numpy(), "strong", titles)
    return {
        "title": "Dinucleotides",
        "drawing": chart.finish("Share of each dinucleotide in unbound sequences against bound sequences."),
        "table": table("Table", "dinucleotides_match.csv", shares.round(5)),
    }
