"""Cards for kernels and composition, and the example sequences of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdeepprune.report import _figures as figures
from skdeepprune.report._composition import CompositionReading, WordGroup
from skdeepprune.report._examples import Example
from skdeepprune.report._figures import Match
from skdeepprune.report._format import percent, scientific, signed, table
from skdeepprune.report._kernels import KernelReading
from skdeepprune.report._results import Results

# A match with a higher E-value or lower correlation is listed, but not used as the title of the card.
SIGNIFICANT_E, CLOSE_CORRELATION = 0.05, 0.6
_MAX_SITES = 12
# If this share of unbound sequences has a site, the kernel does not read a binding site.
_COMMON = 0.5
# Word groups named on the card; the tables have all.
_N_GROUPS_SHOWN = 8
_GROUP_COLUMNS = ["letters", "largest weight", "words"]


def named_match(matches: Sequence[Match]) -> Match | None:
    if matches and matches[0].e <= SIGNIFICANT_E and matches[0].correlation >= CLOSE_CORRELATION:
        return matches[0]
    return None


def card(reading: KernelReading, matches: Sequence[Match], results: Results) -> dict[str, Any]:
    motif, match = reading.motif, named_match(matches)
    consensus = "" if motif is None else motif.consensus
    return {
        "index": reading.index,
        "color": reading.index % 8,
        "sign": "binding" if reading.weight > 0 else "repelling" if reading.weight < 0 else "silent",
        "title": match.name if match is not None else consensus or "No motif",
        "accession": match.accession if match is not None else "",
        "consensus": consensus if match is not None else "",
        "notes": _notes(reading, matches),
        "logos": figures.logos(reading, matches[0] if matches else None),
        "facts": _facts(reading, matches, results),
        "positions": figures.positions(reading),
        "scores": figures.scores(reading),
        "has_threshold": motif is not None,
        "tables": _tables(reading, matches),
    }


def _facts(reading: KernelReading, matches: Sequence[Match], results: Results) -> list[tuple[str, str]]:
    drop = results.performance.auc_drops[reading.index]
    facts = [
        ("Weight", signed(reading.weight, 2)),
        ("Importance", f"{reading.importance:.2g}"),
        ("Adds to log-odds", signed(reading.contribution, 2)),
        ("AUC without it", signed(results.performance.roc_auc.value - drop.value)),
    ]
    if reading.motif is not None:
        facts += [
            ("Sites", f"{reading.motif.n_sites:,g}"),
            ("In bound", percent(reading.bound_share)),
            ("In unbound", percent(reading.unbound_share)),
        ]
    if matches:
        facts += [("E-value", scientific(matches[0].e)), ("Correlation", f"{matches[0].correlation:.2f}")]
    return facts


def _tables(reading: KernelReading, matches: Sequence[Match]) -> list[dict[str, Any]]:
    motif, prefix, tables = reading.motif, f"kernel_{reading.index}", []
    if matches:
        frame = pd.DataFrame(
            [(m.name, m.accession, m.p, m.e, m.q, m.correlation, m.offset, m.orientation) for m in matches],
            columns=["match", "accession", "p", "E", "q", "correlation", "offset", "orientation"],
        )
        tables.append(table("Closest known motifs", f"{prefix}_matches.csv", frame))
    if motif is not None:
        counts = _matrix(np.round(motif.counts, 2))
        counts["bits"] = motif.information_content.round(3)
        tables.append(table("Counts at every position", f"{prefix}_counts.csv", counts))
    if motif is not None and motif.sites:
        sites = pd.DataFrame(
            [(s.name, s.position + 1, s.strand, round(s.score, 3), s.letters) for s in motif.sites[:_MAX_SITES]],
            columns=["sequence", "from (bp)", "strand", "score", "letters"],
        )
        title = f"Best {len(sites)} sites" if len(sites) < len(motif.sites) else "Sites"
        tables.append(table(title, f"{prefix}_sites.csv", sites))
    if matches:
        closest = _matrix(matches[0].ppm.round(4))
        tables.append(table(f"Probabilities of {matches[0].name}", f"{prefix}_closest.csv", closest))
    tables.append(table("Weights, as drawn", f"{prefix}_weights.csv", _matrix(reading.kernel.round(4))))
    tables.append(_distributions(reading))
    return tables


def composition_card(reading: CompositionReading) -> dict[str, Any]:
    """Describe the composition term, like `card` for a kernel."""
    facts = [
        ("AUC alone", f"{reading.words_auc:.3f}"),
        ("AUC, kernels", f"{reading.kernels_auc:.3f}"),
        ("AUC, both", f"{reading.auc:.3f}"),
    ]
    names = {"composition": "Adds to log-odds", "kernels": "Kernels add"}
    facts += [(names[part], signed(bound - unbound, 2)) for part, (bound, unbound) in reading.means.items()]
    tables = [
        table(
            title,
            file,
            pd.DataFrame([(g.letters, round(g.weight, 3), " ".join(g.words)) for g in groups], columns=_GROUP_COLUMNS),
        )
        for title, file, groups in (
            ("Words for binding, grouped by overlap", "words_favoured.csv", reading.favoured),
            ("Words against binding", "words_disfavoured.csv", reading.disfavoured),
        )
        if groups
    ]
    tables.append(table("All words", "composition.csv", reading.words.round(4)))
    return {
        "favoured": _listed(reading.favoured),
        "disfavoured": _listed(reading.disfavoured),
        "means": [
            (f"from {part}" + " and intercept" * (part == "kernels"), signed(bound, 2), signed(unbound, 2))
            for part, (bound, unbound) in reading.means.items()
        ],
        "facts": facts,
        "drawing": figures.word_sums(reading),
        "tables": tables,
    }


def _listed(groups: list[WordGroup]) -> str:
    return ", ".join(f"{group.letters} ({signed(group.weight, 2)})" for group in groups[:_N_GROUPS_SHOWN]) or "no word"


def _matrix(values: NDArray[Any]) -> pd.DataFrame:
    frame = pd.DataFrame(values, columns=list("ACGT"))
    frame.insert(0, "position", range(1, len(frame) + 1))
    return frame


def _notes(reading: KernelReading, matches: Sequence[Match]) -> list[str]:
    if reading.motif is None:
        return ["This kernel is not active in any of these sequences, so there are no sites to align."]
    notes = [note[0].upper() + note[1:] + "." for note in reading.motif.notes]
    if reading.word is not None:
        notes.append(
            f"This kernel reads little more than {reading.word}, and {percent(reading.unbound_share)} of unbound"
            " sequences have a site: sequence composition rather than a binding site."
        )
    elif reading.unbound_share >= _COMMON:
        notes.append(
            f"{percent(reading.unbound_share)} of unbound sequences also have a site: this kernel reads sequence"
            " composition rather than a binding site."
        )
    if matches and named_match(matches) is None:
        nearest = matches[0]
        notes.append(
            f"No known motif is similar; the closest is shown ({nearest.name}, E-value {nearest.e:.2g}, correlation"
            f" {nearest.correlation:.2f})."
        )
    return notes


def _distributions(reading: KernelReading) -> dict[str, Any]:
    frame = pd.DataFrame(
        {
            "position from (bp)": reading.position_edges[:-1].round(1),
            "sites, bound": reading.bound_positions.round(5),
            "sites, unbound": reading.unbound_positions.round(5),
            "activation from": reading.score_edges[:-1].round(3),
            "activation, bound": reading.bound_scores.round(5),
            "activation, unbound": reading.unbound_scores.round(5),
        }
    )
    return table("Both distributions, as shares of each class", f"kernel_{reading.index}_distributions.csv", frame)


def example_groups(examples: Sequence[Example]) -> list[dict[str, Any]]:
    titles = {
        "bound": "Bound, from the more probable half",
        "unlikely": "Bound, least probable",
        "false": "Unbound, most probable",
    }
    groups = []
    for kind, title in titles.items():
        items = [
            {
                "name": e.name,
                "probability": _probability(e.probability),
                "runs": _runs(e),
                "drawing": figures.base_importance(e),
            }
            for e in examples
            if e.kind == kind
        ]
        if items:
            groups.append({"title": title, "examples": items})
    return groups


def _probability(value: float) -> str:
    return "above 0.999" if value > 0.9995 else "below 0.001" if value < 0.0005 else f"{value:.3f}"


def _runs(example: Example) -> list[dict[str, Any]]:
    """Split an example into runs of letters by kernel; where sites overlap, the larger contribution has priority."""
    owner = np.full(len(example.letters), -1)
    for i, mark in reversed(list(enumerate(example.marks))):
        owner[mark.start : mark.stop] = i
    starts = np.flatnonzero(np.diff(owner, prepend=-2))
    runs: list[dict[str, Any]] = []
    labelled = set()
    for start, stop in zip(starts, [*starts[1:], len(owner)], strict=True):
        i = int(owner[start])
        run: dict[str, Any] = {"letters": example.letters[start:stop], "kernel": None}
        if i >= 0:
            mark = example.marks[i]
            strand = "+" if mark.strand == "+" else "\N{MINUS SIGN}"
            title = (
                f"{mark.start + 1} to {mark.stop} bp, {strand} strand: best site of kernel {mark.kernel},"
                f" which adds {signed(mark.share, 2)} to the log-odds"
            )
            label = "" if i in labelled else f"{mark.kernel}{strand}"
            labelled.add(i)
            run.update(kernel=mark.kernel, color=mark.kernel % 8, title=title, label=label)
        runs.append(run)
    return runs
