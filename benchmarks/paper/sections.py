"""The sections of the benchmark page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from paper.claims import (
    CRITERIA,
    DEEPPRUNE,
    DIRECT,
    N_DATASETS,
    N_WINS,
    P_VALUE,
    TICKETS,
    TICKETS_MEAN_AUC,
    beside_paper,
)
from paper.drawing import picture
from paper.figures import plot_criteria, plot_differences, plot_sizes
from paper.marks import short_names, title_of
from paper.overviews import plot_ranks, plot_tradeoff
from paper.results import contenders, failures, is_simulated, over_seeds, rows_of
from paper.statistics import compare, rank
from paper.summary import computing_time, summarize
from skdeepprune.report._format import counted, scientific, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Methods with fewer data sets would remove data sets from figures of all methods.
_COVERAGE = 0.5
# They cost the same as Deepprune, and would overlap with it.
_VARIANTS = (*CRITERIA[1:], "deepprune-inter", "reinitialized")
_N_CORES = 100
_MAX_ROWS = 1000


@dataclass
class Section:
    """A section of the page; if `missing` has a reason, only that is shown."""

    id: str
    title: str
    intro: str = ""
    figures: list[tuple[str, str, Markup]] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    folded: list[dict[str, Any]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    missing: str = ""


def make_sections(results: pd.DataFrame, weights: pd.DataFrame | None) -> list[Section]:
    """Make all sections of the page; those without data say what is missing."""
    simulated, real = results[is_simulated(results)], results[~is_simulated(results)]
    return [
        _section("paper", "Comparison with the paper", lambda section: _paper(section, results)),
        _section("simulated", "Simulated sets", lambda section: _simulated(section, simulated)),
        _section("criteria", "Three pruning criteria", lambda section: _criteria(section, simulated)),
        _section("real", "Real sets", lambda section: _real(section, real)),
        _section("lost", "Where it loses", lambda section: _lost(section, real)),
        _section("tickets", "Winning tickets", lambda section: _tickets(section, real)),
        _section("methods", "All methods", lambda section: _methods(section, results)),
        _section("cost", "Costs", lambda section: _cost(section, results)),
        _section("weights", "Weights by stage", lambda section: _weights(section, weights)),
        _section("making", "Conditions", lambda section: _making(section, results)),
    ]


def _section(id: str, title: str, fill: Callable[[Section], None]) -> Section:
    section = Section(id, title)
    try:
        fill(section)
    except ValueError as error:
        return Section(id, title, missing=str(error))
    return section


def _paper(section: Section, results: pd.DataFrame) -> None:
    rows = beside_paper(results)
    section.intro = (
        "Luo, Chi and Deng, Frontiers in Genetics 10:1145 (2019), used 690 ENCODE sets and simulated sets with motifs"
        " from TRANSFAC. The sets here are similar but not the same."
    )
    rows["here"] = rows["here"].where(rows["here"] != "", "not run")
    section.tables.append(table("The paper and here", "paper.csv", rows.drop(columns="missing")))
    if (rows["missing"] != "").any():
        lacking = pd.DataFrame({"where": rows["where"], "what is missing": rows["missing"]})[rows["missing"] != ""]
        section.folded.append(table("Not run", "missing.csv", lacking.drop_duplicates()))


def _simulated(section: Section, simulated: pd.DataFrame) -> None:
    names = sorted(simulated["dataset"].unique())
    if not names:
        raise ValueError("No simulated set; run deepprune, deepprune-inter and direct on simulated-1 to simulated-5.")
    section.intro = (
        "Mean and standard deviation over seeds, by number of kernels. The ceiling is the AUC of the exact likelihood"
        " ratio, which no classifier can be expected to exceed."
    )
    for figure, chosen in (("Fig. 2", names[:3]), ("Fig. 3", names[3:])):
        if chosen:
            label = f"AUC against the number of kernels on {', '.join(short_names(chosen).values())}"
            section.figures.append((f"As {figure}", "", picture(plot_sizes(simulated, chosen)[0], label)))
    section.folded.append(_means_table("simulated.csv", simulated))


def _criteria(section: Section, simulated: pd.DataFrame) -> None:
    names = sorted(simulated.loc[simulated["method"].isin(CRITERIA[1:]), "dataset"].unique())[:3]
    if not names:
        raise ValueError(f"No run of {' or '.join(CRITERIA[1:])} on a simulated set.")
    section.intro = "Kernels are ranked by the dense layer’s weight, by their score, or by both."
    drawing = picture(plot_criteria(simulated, names)[0], "AUC of three pruning criteria at 16, 8 and 4 kernels")
    section.figures.append(("As Fig. 4", "Dots: seeds. Markers: mean and standard deviation.", drawing))


def _real(section: Section, real: pd.DataFrame) -> None:
    found = compare(real, DEEPPRUNE, DIRECT)
    left_out = f" Left out, since only one was run: {', '.join(found.left_out)}." if found.left_out else ""
    section.intro = (
        f"Deepprune with four kernels compared with four kernels trained directly: better on {found.wins}, worse on"
        f" {found.losses}, equal on {found.ties}; by {found.mean_difference:+.4f} on average, p ="
        f" {scientific(found.p_value)} (one-sided Wilcoxon signed-rank test over sets). The paper: better on {N_WINS}"
        f" of {N_DATASETS}, p = {scientific(P_VALUE)}.{left_out}"
    )
    label = f"Differences of the AUC on {len(found.differences)} real sets"
    section.figures.append(("As Fig. 6", "Bars: means. Dots: seeds.", picture(plot_differences(found), label)))
    means = over_seeds(real)
    columns = {
        title_of(*name): means[rows_of(means, name)].set_index("dataset")["mean"]
        for name in contenders(real, smallest=True)
    }
    wide = pd.DataFrame(columns).round(4).rename_axis("dataset")
    section.tables.append(_readable(table("Mean AUC by data set", "real.csv", wide.reset_index())))
    section.folded.append(_means_table("real_all_sizes.csv", real))


def _lost(section: Section, real: pd.DataFrame) -> None:
    found = compare(real, DEEPPRUNE, DIRECT)
    lost = found.runs[found.runs < 0].index.get_level_values("dataset").unique()
    n_seeds = found.runs.groupby("dataset").size().max()
    if n_seeds < 2:
        raise ValueError("One seed only; run deepprune and direct with more.")
    recovered = int((found.differences[lost] > 0).sum())
    section.intro = (
        f"On {counted(len(lost), 'set')} Deepprune loses with at least one seed; on {counted(recovered, 'set')} of"
        " them it is better in the mean over the seeds."
    )
    if len(lost):
        drawing = picture(plot_differences(found, list(lost)), "Sets on which Deepprune loses with at least one seed")
        section.figures.append(("As Fig. S2", "Bars: means. Dots: seeds.", drawing))


def _tickets(section: Section, real: pd.DataFrame) -> None:
    found = compare(real, TICKETS, DEEPPRUNE)
    methods = ["winning-tickets", "deepprune", "reinitialized", "direct"]
    section.intro = (
        "After pruning, the remaining kernels are reset to their initial weights and retrained. Compared with"
        f" fine-tuning, at four kernels: {found.mean_difference:+.4f}, better on {found.wins} of"
        f" {len(found.differences)} sets, p = {scientific(found.p_value)}. The paper: slightly better, mean AUC"
        f" {TICKETS_MEAN_AUC} over {N_DATASETS} sets."
    )
    section.figures = [
        ("Mean over sets", "", picture(plot_tradeoff(real, methods=methods), "Winning tickets, AUC at every size")),
        ("As Fig. S1", "", picture(plot_differences(found), "Winning tickets minus fine-tuning, set by set")),
    ]


def _methods(section: Section, results: pd.DataFrame) -> None:
    section.tables.append(_readable(table("Every method and size", "summary.csv", _rounded(summarize(results)))))
    chosen = contenders(results, smallest=True, coverage=_COVERAGE)
    other = {name.method for name in contenders(results)} - {name.method for name in chosen}
    try:
        found = rank(results, chosen)
    except ValueError as error:
        section.intro = str(error)
        return
    section.intro = (
        f"Average ranks over the {found.n_datasets} data sets that all have ({len(found.left_out)} left out), each"
        f" method at its smallest size. Friedman’s test: p = {scientific(found.friedman_p)}. Bars join methods that do"
        f" not differ significantly by Nemenyi’s test at {100 * found.alpha:g} %."
    )
    if other:
        section.intro += f" Measured on too few sets to rank: {', '.join(map(title_of, sorted(other)))}."
    drawing = picture(plot_ranks(found), "Critical-difference diagram of all methods")
    section.figures.append(("Critical differences", "Average rank; 1 is best.", drawing))


def _cost(section: Section, results: pd.DataFrame) -> None:
    section.figures.append(
        _tradeoff("Against the number of kernels", plot_tradeoff(results, "n_kernels", coverage=_COVERAGE))
    )
    main = [method for method in results["method"].unique() if method not in _VARIANTS]
    try:
        in_seconds = plot_tradeoff(results, "fit_seconds", methods=main, coverage=_COVERAGE)
        section.figures.append(_tradeoff("Against training time", in_seconds))
        time = computing_time(results, n_datasets=N_DATASETS, n_cores=_N_CORES)
    except ValueError as error:
        section.intro = f"Computing times are not available. {error}"
        return
    alone, many = time["hours_on_1_core"].sum(), time[f"hours_on_{_N_CORES}_cores"].sum()
    section.intro = (
        f"All runs took {format_hours(time['hours'].sum())} on one core. {N_DATASETS} sets like the real ones here, all"
        f" methods, one seed each, would take {format_hours(alone)} on one core and {format_hours(many)} on {_N_CORES}."
    )
    time.columns = ["method", "hours here", "seconds a set", f"hours, {N_DATASETS} sets", f"on {_N_CORES} cores"]
    section.tables.append(_readable(table("Computing time", "hours.csv", _rounded(time))))


def _tradeoff(caption: str, ax: Axes) -> tuple[str, str, Markup]:
    return caption, "Grey: the Pareto front.", picture(ax, f"Mean AUC {caption.lower()}")


def _weights(section: Section, weights: pd.DataFrame | None) -> None:
    if weights is None:
        raise ValueError("Needs a trained classifier; pass the result of dense_weights() as `weights`.")
    section.intro = (
        "Absolute weights of the dense layer after training at each number of kernels, for kernels that are kept and"
        " some that were pruned last. The paper: the weights of the kept kernels grow stage by stage."
    )
    shown = weights.round(4).assign(kept=weights["kept"].map({True: "kept", False: "pruned"}))
    section.tables.append(_readable(table("As Table 3", "weights.csv", shown)))


def _making(section: Section, results: pd.DataFrame) -> None:
    lost = failures(results)
    section.intro = (
        f"{counted(len(lost), 'run').capitalize()} failed and {'is' if len(lost) == 1 else 'are'} not in any mean."
        if len(lost)
        else "No run failed."
    )
    if len(lost):
        section.tables.append(_readable(table("Failures", "failures.csv", lost)))
    for column in ("version", "commit", "machine", "threads", "seed", "n_train", "n_test"):
        if column in results:
            values = sorted(results[column].dropna().unique())
            told = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
            section.facts.append((column, ", ".join(told) if len(told) <= 6 else f"{told[0]} to {told[-1]}"))
    if "started" in results:
        times = results["started"].dropna().astype(str)
        section.facts.append(("started", f"{times.min()} to {times.max()}"))
    if "parameters" in results:
        given = results[["method", "parameters"]].dropna().drop_duplicates()
        section.folded.append(table("Non-default parameters", "parameters.csv", given))


def _means_table(file: str, results: pd.DataFrame) -> dict[str, Any]:
    return _readable(table("All means", file, _rounded(over_seeds(results))))


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Round times to two digits, AUCs to four."""
    coarse = {column: 2 for column in frame if column not in ("mean", "spread")}
    return frame.round({**coarse, "mean": 4, "spread": 4})


def _readable(content: dict[str, Any]) -> dict[str, Any]:
    """Leave unknown cells empty, and show only the beginning of a long table; the file has all rows."""
    rows = content["rows"]
    if len(rows) > _MAX_ROWS:
        content["title"] += f": the first {_MAX_ROWS} of {len(rows):,} rows"
    content["rows"] = [["" if cell in ("nan", "<NA>") else cell for cell in row] for row in rows[:_MAX_ROWS]]
    return content


def format_hours(hours: float) -> str:
    """Format a time in a suitable unit."""
    if hours >= 48:
        return f"{hours / 24:,.1f} days"
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"
