"""The paper's results (Luo, Chi and Deng, Front. Genet. 10:1145, 2019), and the same from a table of results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from paper.results import Contender, complete_runs, is_simulated, over_seeds, read_results, rows_of
from paper.statistics import compare

N_DATASETS, N_WINS, N_LOSSES, P_VALUE = 690, 532, 158, 1.02e-58
TICKETS_MEAN_AUC = 0.8035
DEEPPRUNE, DIRECT, TICKETS = (Contender(method, 4) for method in ("deepprune", "direct", "winning-tickets"))
INTER = Contender("deepprune-inter", 4)
ONE_SHOT = Contender("deepprune-one-shot", 4)
PENALTIES = ("deepprune-l1", "deepprune-l2")
CRITERIA = ("deepprune", "deepprune-score", "deepprune-score-and-weight")


@dataclass(frozen=True)
class Claim:
    """A result reported in the paper.

    Attributes
    ----------
    where : str
        Location in the paper.
    what : str
    paper : str
        The paper's number, or its wording if it gives none.
    datasets : tuple of int
        Numbers of the simulated sets concerned; empty for the real sets.
    here : callable
        Computes the same from a table of results on these sets.
    """

    where: str
    what: str
    paper: str
    datasets: tuple[int, ...]
    here: Callable[[pd.DataFrame], str]


def beside_paper(results: pd.DataFrame) -> pd.DataFrame:
    """Compare a table of results with the paper.

    Parameters
    ----------
    results : DataFrame
        As for `read_results`. All data sets except ``simulated-1`` to ``simulated-5`` are real ones.

    Returns
    -------
    DataFrame
        ``where`` in the paper, ``what``, ``paper``, ``here``, and ``missing``: the reason if there is no result here.
    """
    table = read_results(results)
    rows = []
    for claim in CLAIMS:
        about = table["dataset"].isin([f"simulated-{number}" for number in claim.datasets])
        here = missing = ""
        try:
            here = claim.here(table[about if claim.datasets else ~is_simulated(table)])
        except ValueError as error:
            missing = str(error)
        rows.append({"where": claim.where, "what": claim.what, "paper": claim.paper, "here": here, "missing": missing})
    return pd.DataFrame(rows)


def _means(table: pd.DataFrame, *of: Contender) -> list[float]:
    """Mean AUC of each contender over the data sets that all have."""
    runs, _ = complete_runs(table, of)
    return list(map(float, runs.groupby("dataset").mean().mean()))


def _share(n: int, total: int) -> str:
    return f"{n} of {total} ({100 * n / total:.2f} %)"


def _signed(difference: float) -> str:
    return f"{difference:+.4f}".replace("-", "\N{MINUS SIGN}")


def _wins(table: pd.DataFrame) -> str:
    found = compare(table, DEEPPRUNE, DIRECT)
    return _share(found.wins, len(found.differences))


def _losses(table: pd.DataFrame) -> str:
    found = compare(table, DEEPPRUNE, DIRECT)
    return _share(found.losses, len(found.differences))


def _p_value(table: pd.DataFrame) -> str:
    return f"{compare(table, DEEPPRUNE, DIRECT).p_value:.2e}"


def _tickets_mean(table: pd.DataFrame) -> str:
    complete_runs(table, [TICKETS])
    means = over_seeds(table)
    own = means.loc[rows_of(means, TICKETS), "mean"]
    return f"{own.mean():.4f} over {len(own)} sets"


def _tickets_gain(table: pd.DataFrame) -> str:
    found = compare(table, TICKETS, DEEPPRUNE)
    return (
        f"{_signed(found.mean_difference)}; better on {found.wins} of {len(found.differences)}, p = {found.p_value:.2g}"
    )


def _change(method: str) -> Callable[[pd.DataFrame], str]:
    def change(table: pd.DataFrame) -> str:
        large, small = _means(table, Contender(method, 256), Contender(method, 4))
        return f"{large:.3f} to {small:.3f}"

    return change


def _spreads(table: pd.DataFrame) -> str:
    runs, _ = complete_runs(table, [DEEPPRUNE, DIRECT])
    spreads = runs.groupby("dataset").std().mean()
    if spreads.isna().any():
        raise ValueError("A spread needs at least two seeds.")
    return f"{spreads[0]:.3f}, {spreads[1]:.3f}"


def _inter(table: pd.DataFrame) -> str:
    found = compare(table, INTER, DEEPPRUNE)
    return f"{_signed(found.mean_difference)}; poorer on {found.losses} of {len(found.differences)}"


def _iterative_gain(table: pd.DataFrame) -> str:
    found = compare(table, DEEPPRUNE, ONE_SHOT)
    return f"{_signed(found.mean_difference)}; better on {found.wins} of {len(found.differences)}"


def _penalty_gains(table: pd.DataFrame) -> str:
    found = [compare(table, Contender(name, 4), DEEPPRUNE) for name in PENALTIES]
    return ", ".join(_signed(one.mean_difference) for one in found)


def _direct_by_set(table: pd.DataFrame) -> str:
    runs, _ = complete_runs(table, [DIRECT])
    return ", ".join(f"{auc:.3f}" for auc in runs[0].groupby("dataset").mean())


def _criteria_apart(table: pd.DataFrame) -> str:
    apart = []
    for size in (8, 16):
        runs, _ = complete_runs(table, [Contender(name, size) for name in CRITERIA])
        apart.append(float(np.ptp(runs.groupby("dataset").mean().to_numpy(), axis=1).max()))
    return f"at most {max(apart):.3f} apart"


def _criteria_at_4(table: pd.DataFrame) -> str:
    return ", ".join(f"{auc:.3f}" for auc in _means(table, *(Contender(name, 4) for name in CRITERIA)))


CLAIMS = (
    Claim(
        "Table 2",
        "real sets on which Deepprune with 4 kernels has a higher AUC than 4 kernels trained directly",
        _share(N_WINS, N_DATASETS),
        (),
        _wins,
    ),
    Claim("Fig. 6", "real sets on which it has a lower AUC", _share(N_LOSSES, N_DATASETS), (), _losses),
    Claim("Table 2", "p of the one-sided Wilcoxon signed-rank test", f"{P_VALUE:.2e}", (), _p_value),
    Claim("Results, Real Datasets", "real sets, Deepprune, 256 to 4 kernels", "falls", (), _change("deepprune")),
    Claim(
        "Fig. S1",
        "real sets, mean AUC of winning tickets with 4 kernels",
        f"{TICKETS_MEAN_AUC} over {N_DATASETS} sets",
        (),
        _tickets_mean,
    ),
    Claim("Fig. S1", "winning tickets minus fine-tuning, 4 kernels", "slightly better", (), _tickets_gain),
    Claim("Fig. 2", "simulated sets 1 to 3, trained directly, 256 to 4 kernels", "falls", (1, 2, 3), _change("direct")),
    Claim("Fig. 2", "simulated sets 1 to 3, Deepprune, 256 to 4 kernels", "rises", (1, 2, 3), _change("deepprune")),
    Claim(
        "Fig. 2",
        "simulated sets 1 to 3, 4 kernels, standard deviation over seeds: Deepprune, trained directly",
        "Deepprune more robust",
        (1, 2, 3),
        _spreads,
    ),
    Claim(
        "Fig. 2, 3", "Deepprune-inter minus Deepprune, 4 kernels, all five", "always poorer", (1, 2, 3, 4, 5), _inter
    ),
    Claim("Fig. 3", "simulated sets 4 and 5, trained directly, 4 kernels", "close to guessing", (4, 5), _direct_by_set),
    Claim("Fig. 3", "simulated set 5, Deepprune, 256 to 4 kernels", "drops only a little", (5,), _change("deepprune")),
    Claim("Fig. 4", "three criteria, 8 and 16 kernels", "almost identical", (1, 2, 3), _criteria_apart),
    Claim(
        "Fig. 4", "simulated set 1, 4 kernels: by weight, by score, by both", "by weight superior", (1,), _criteria_at_4
    ),
    Claim("Discussion", "real sets, L1, L2 penalty minus none, 4 kernels", "little difference", (), _penalty_gains),
    Claim(
        "Discussion",
        "real sets, iterative pruning minus pruning from 256 to 4 kernels at once",
        "iterative superior",
        (),
        _iterative_gain,
    ),
    Claim(
        "Discussion",
        "simulated sets 1 to 3, iterative pruning minus pruning from 256 to 4 kernels at once",
        "iterative superior",
        (1, 2, 3),
        _iterative_gain,
    ),
)
