"""Generate docs/accuracy.md, and the page of all experiments, from the CSV files of benchmarks/accuracy.py.

python benchmarks/render_accuracy.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from paper.page import write_page
from paper.results import read_results
from paper.statistics import compare
from paper.summary import computing_time

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
SIZES = (256, 64, 16, 8, 4)
VARIANTS = ("deepprune-one-shot", "deepprune-l1", "deepprune-l2")
README = HERE.parent / "README.md"
# The trial that a trial of the search is compared with, by the start of its name.
REFERENCES = {
    "from 64, rate 0.01": "from 64, rate 0.01: nothing",
    "from 64, dropout": "from 64, dropout 0.3, cut 6: nothing",
    "from 64, taken": "from 64, taken: nothing",
    "from 64, pooled": "from 64, pooled: nothing",
    "from 64, annealed": "from 64, annealed: nothing",
    "from 64": "from 64: weight",
    "taken": "taken",
    "pooled": "taken, log-sum-exp from 64, biases moved",
    **dict.fromkeys(["annealed", "cut once"], "cut once"),
    **dict.fromkeys(["warm-up", "dropout", "cut", "rate 0.02"], "saliency, rate 0.01"),
    "saliency, rate 0.01,": "saliency, rate 0.01",
    "saliency,": "saliency",
    "one strand simulated, warm-up": "one strand simulated, warm-up 2, dropout 0.3, cut 10",
    "one strand": "one strand simulated, rate 0.01",
    "": "both",
}
# FastSK's results table (Blakely et al. 2020), test AUC on these files.
FASTSK = pd.DataFrame(
    {
        "FastSK": {"CTCF": 0.9696, "EP300": 0.9907, "JUND": 0.9687},
        "gkm-SVM exact": {"CTCF": 0.9714, "EP300": 0.9895, "JUND": 0.9678},
        "GaKCo": {"CTCF": 0.9626, "EP300": 0.9880, "JUND": 0.9681},
    }
)
# Test AUC on these files: DeepBind's supplement (Alipanahi et al. 2015) and vConv (Li et al. 2022).
DEEPBIND = pd.DataFrame.from_dict(
    {
        "ARID3A K562": (0.810, 0.888, 0.911),
        "CTCFL K562": (0.973, 0.987, 0.988),
        "ELK1 GM12878": (0.948, 0.953, 0.965),
        "FOXA1 HepG2": (0.977, 0.982, 0.992),
        "GABPA GM12878": (0.970, 0.980, 0.985),
        "MYC H1-hESC": (0.855, 0.930, 0.945),
        "REST GM12878": (0.999, 0.999, 0.999),
        "SP1 GM12878": (0.898, 0.900, 0.950),
        "SRF H1-hESC": (0.939, 0.960, 0.970),
        "SUZ12 H1-hESC": (0.661, 0.658, 0.824),
        "TBP H1-hESC": (0.809, 0.734, 0.814),
        "TCF12 H1-hESC": (0.900, 0.930, 0.960),
        "USF1 HepG2": (0.995, 0.993, 0.998),
        "USF2 H1-hESC": (0.994, 0.997, 0.999),
        "YY1 H1-hESC": (0.987, 0.985, 0.988),
        "ZBTB7A HepG2": (0.801, 0.874, 0.942),
        "ZNF143 H1-hESC": (0.983, 0.982, 0.993),
    },
    orient="index",
    columns=["DeepBind", "DeepBind*", "vConv"],
)
# One-layer networks with 16 and 128 kernels (Zeng et al. 2016), and vConv.
ZENG = pd.DataFrame.from_dict(
    {"EZH2 Dnd41": (0.691, 0.741, 0.786), "CTCF WERI-Rb-1": (0.974, 0.980, 0.985)},
    orient="index",
    columns=["Zeng, 16", "Zeng, 128", "vConv"],
)
ZENG_NAMES = {
    "wgEncodeAwgTfbsBroadDnd41Ezh239875UniPk": "EZH2 Dnd41",
    "wgEncodeAwgTfbsUwWerirb1CtcfUniPk": "CTCF WERI-Rb-1",
}


def load(plan: str) -> pd.DataFrame:
    rows = read_results(HERE / "results" / f"accuracy_{plan}.csv")
    return rows.assign(dataset=[_title(*names) for names in zip(rows["collection"], rows["dataset"], strict=True)])


def _title(collection: str, dataset: str) -> str:
    if collection == "deepbind":
        return " ".join(dataset.split("_")[:2])
    return ZENG_NAMES.get(dataset, dataset)


def column(rows: pd.DataFrame, method: str, n_kernels: int | None) -> pd.Series:
    """AUC of every data set: mean over seeds, with the standard deviation if there are several."""
    of_method = rows[(rows["method"] == method) & (rows["error"] == "")]
    chosen = of_method[of_method["n_kernels"].isna() if n_kernels is None else of_method["n_kernels"] == n_kernels]
    return chosen.groupby("dataset")["roc_auc"].agg(_spread)


def _spread(values: pd.Series) -> str:
    return f"{values.mean():.3f}" + (f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else "")


def mean(rows: pd.DataFrame, method: str, n_kernels: int | None, datasets: Any = None) -> float:
    """Mean over data sets of the mean over seeds."""
    text = column(rows, method, n_kernels).str.split(" ").str[0].astype(float)
    return text.mean() if datasets is None else text.reindex(datasets).mean()


def table(frame: pd.DataFrame, digits: int = 3) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return "" if np.isnan(value) else f"{value:.{digits}f}"
        return str(value)

    lines = ["| set | " + " | ".join(map(str, frame.columns)) + " |", "|---" * (frame.shape[1] + 1) + "|"]
    lines += [
        f"| {name} | " + " | ".join(map(cell, row)) + " |"
        for name, row in zip(frame.index, frame.to_numpy(dtype=object), strict=True)
    ]
    return "\n".join(lines)


def sentence(rows: pd.DataFrame, first: tuple[str, int | None], second: tuple[str, int | None]) -> str:
    """Compare two contenders in words: wins, mean difference, and Wilcoxon's test."""
    found = compare(rows, first, second)
    differences = found.differences
    name = _name(*first)
    return (
        f"{name[0].upper()}{name[1:]} against {_name(*second)}: better on {(differences > 0).sum()} of"
        f" {len(differences)} sets, by {differences.mean():+.4f} on average, {differences.median():+.4f} in the median,"
        f" {differences.min():+.3f} at worst ({differences.idxmin()}); one-sided Wilcoxon signed-rank test over sets:"
        f" p = {found.p_value:.2g}"
    )


def _name(method: str, n_kernels: int | None) -> str:
    titles = {
        "defaults": "Defaults",
        "defaults-direct": "the defaults trained directly",
        "deepprune": "the paper's settings",
        "direct": "the paper's network trained directly",
        "gkm-svm": "gkm-SVM",
        "kmer-logistic": "the k-mer logistic regression",
        "deepprune-one-shot": "the paper's settings pruned in one shot",
        "deepprune-l1": "the paper's settings with an L1 penalty",
        "deepprune-l2": "the paper's settings with an L2 penalty",
    }
    return titles.get(method, method) + ("" if n_kernels is None else f" with {n_kernels} kernels")


def capped() -> str:
    rows = load("capped")
    columns = {f"{size}": column(rows, "defaults", size) for size in SIZES}
    columns["paper, 4"] = column(rows, "deepprune", 4)
    for method, title in (("defaults-direct", "direct, 4"), ("direct", "paper direct, 4")):
        columns[title] = column(rows, method, 4)
    for method, title in (("gkm-svm", "gkm-SVM"), ("kmer-logistic", "k-mers")):
        if (rows["method"] == method).any():
            columns[title] = column(rows, method, None)
    seeds = rows[rows["method"] == "defaults"]["seed"].nunique()
    pairs = [
        (("defaults", 256), ("gkm-svm", None)),
        (("defaults", 64), ("gkm-svm", None)),
        (("defaults", 16), ("gkm-svm", None)),
        (("defaults", 4), ("gkm-svm", None)),
        (("defaults", 4), ("kmer-logistic", None)),
        (("gkm-svm", None), ("kmer-logistic", None)),
        (("defaults", 4), ("defaults-direct", 4)),
        (("defaults", 4), ("direct", 4)),
        (("defaults", 4), ("deepprune", 4)),
        (("defaults", 16), ("deepprune", 16)),
        (("deepprune", 4), ("direct", 4)),
        *((("deepprune", 4), (variant, 4)) for variant in VARIANTS),
        *((("deepprune", 16), (variant, 16)) for variant in VARIANTS),
    ]
    present = set(
        zip(rows["method"], rows["n_kernels"].astype(object).where(rows["n_kernels"].notna(), None), strict=True)
    )
    lines = [f"- {sentence(rows, *pair)}." for pair in pairs if present.issuperset(pair)]
    shuffled = rows[rows["collection"] != "fastsk"]
    lines += [
        f"- On the sets whose negatives are shuffles: {sentence(shuffled, *pair)}."
        for pair in pairs[:3]
        if present.issuperset(pair)
    ]
    falls = rows[rows["method"] == "defaults"].pivot_table(
        index=["dataset", "seed"], columns="n_kernels", values="roc_auc"
    )
    fall = falls[16] - falls[4]
    failed = rows[rows["error"] != ""]
    return f"""## Real sets, at most 5,000 positives

{rows["dataset"].nunique()} sets, {seeds} seeds of the defaults (kernels of 16 bp) and the paper's settings (15 bp);
gkm-SVM (LS-GKM's default kernel) on the same sequences, compared on the seeds that it was run with (a single one if no
standard deviation is given). *k-mers*: logistic regression on counts of 6-mers, both strands merged. *Direct* networks
were trained directly, without pruning.

{table(pd.DataFrame(columns))}

{chr(10).join(lines)}
- From 16 to 4 kernels, networks with default settings lose {fall.mean():.3f} on average, and at most {fall.max():.3f}
  ({fall.idxmax()[0]}, seed {fall.idxmax()[1]}).
- {len(failed)} of {len(rows)} runs failed.

FastSK's sets have genomic negatives. The published figures for the same files are:

{table(FASTSK, 4)}
"""


def figures() -> str:
    """Make the table of the README: mean AUC over the real sets, at most 5,000 positives each."""
    rows = load("capped")
    contenders = {
        "skdeepprune, 64 kernels": ("defaults", 64),
        "skdeepprune, 16 kernels": ("defaults", 16),
        "skdeepprune, 4 kernels": ("defaults", 4),
        "gkm-SVM (LS-GKM)": ("gkm-svm", None),
        "logistic regression on 6-mers": ("kmer-logistic", None),
        "Deepprune as published, 4 kernels": ("deepprune", 4),
        "network of 4 kernels, not pruned": ("direct", 4),
    }
    lines = [f"| mean test AUC, {rows['dataset'].nunique()} ChIP-seq sets | |", "|---|---|"]
    lines += [f"| {name} | {mean(rows, *contender):.3f} |" for name, contender in contenders.items()]
    return "\n".join(lines)


def write_figures(text: str) -> None:
    """Insert the table between the markers in the README."""
    begin, end = "<!-- figures: written by benchmarks/render_accuracy.py -->", "<!-- end of figures -->"
    before, rest = README.read_text(encoding="utf-8").split(begin)
    README.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def complete() -> str:
    rows = load("all")
    n_seeds = rows["seed"].nunique()
    ours = pd.DataFrame({f"{size}": column(rows, "defaults", size) for size in SIZES})
    deepbind = ours.join(DEEPBIND, how="inner")
    names = deepbind.index
    means = ", ".join(f"{mean(rows, 'defaults', size, names):.3f} with {size}" for size in SIZES)
    published = ", ".join(f"{name} {DEEPBIND.loc[names, name].mean():.3f}" for name in DEEPBIND)
    commits, others = (_commits(plan) for plan in ("all", "capped"))
    note = "" if commits == others else f" Measured at commit {commits}, those above at {others}."
    return f"""## Real sets, all positives, and published figures

The defaults, {n_seeds} {"seed" if n_seeds == 1 else "seeds"}, on all positives and their dinucleotide shuffles;
the test files are the ones used for the published figures.{note}

{table(deepbind)}

Means over these {len(names)} sets: {means} kernels; {published}.

{table(ours.join(ZENG, how="inner"))}
"""


def _commits(plan: str) -> str:
    rows = load(plan)
    return ", ".join(sorted(rows.loc[rows["method"] == "defaults", "commit"].unique()))


def simulated() -> str:
    rows = load("simulated")
    ceiling = rows.groupby("dataset")["ceiling"].mean()
    columns: dict[str, Any] = {"ceiling": ceiling, **{f"{size}": column(rows, "defaults", size) for size in SIZES}}
    for title, method in {"direct, 4": "defaults-direct", "paper, 4": "deepprune", "paper direct, 4": "direct"}.items():
        columns[title] = column(rows, method, 4)
    for method, title in (("gkm-svm", "gkm-SVM"), ("kmer-logistic", "k-mers")):
        if (rows["method"] == method).any():
            columns[title] = column(rows, method, None)
    gap = {size: ceiling - column(rows, "defaults", size).str.split(" ").str[0].astype(float) for size in (16, 8)}
    gaps = "; ".join(
        f"with {size} kernels " + ", ".join(f"{name[-1]}: {value:.3f}" for name, value in gap[size].items())
        for size in gap
    )
    return f"""## Simulated sets

6,000 training and 6,000 test sequences of 101 bp, {rows["seed"].nunique()} seeds. The defaults scan the one
strand on which the motifs are planted, with kernels of 16 bp; the paper's settings use 24. The ceiling is the AUC of
the exact likelihood ratio.

{table(pd.DataFrame(columns))}

Gap of the defaults to the ceiling, by set, {gaps}.
"""


def collapsed(*tables: pd.DataFrame) -> str:
    """Count the networks with the paper's settings in which all kernels are dead, by method."""
    rows = pd.concat(tables)
    rows = rows[(rows["n_kernels"] <= 32) & rows["roc_auc"].notna()]
    dead = rows["roc_auc"] == 0.5
    counts = [
        f"{int(dead[of].sum())} of {int(of.sum())} {title}"
        for title, of in (
            ("winning tickets", rows["method"] == "winning-tickets"),
            ("reinitialized", rows["method"] == "reinitialized"),
            ("trained directly", rows["method"] == "direct"),
            ("fine-tuned", rows["method"] == "deepprune"),
        )
    ]
    return f"""## Networks that die

With the paper's settings, some networks of 32 kernels or fewer have an AUC of exactly 0.5, even if the next smaller one
has 0.99: {", ".join(counts)}. This is a property of the method, not a bug. Adam's first steps change
every weight by the full learning rate, 0.01, whatever the gradient. So within the first epoch, all kernels of an
untrained network may lose their positive scores on every sequence; behind a ReLU they then have no gradient, and never
recover. Fine-tuned networks are already trained and rarely die. Winning tickets rewound to the same weights survive
with the low initial rate of ``learning_rate="anneal"``: AUC 0.974 instead of 0.500 on GABPA (seed 2, 32 kernels),
0.860 and 0.862 on simulated set 2 (seed 100, 16 and 8 kernels). The figures here use the paper's constant rate. (The
authors' script has a leaky ReLU, which cannot die.)
"""


def searched() -> str:
    rows = pd.read_csv(HERE / "results" / "search.csv")
    aucs = rows.pivot_table(index=["dataset", "seed"], columns=["trial", "n_kernels"], values="auc", sort=False)
    lines = {}
    for trial in rows["trial"].unique():
        reference = next(name for start, name in REFERENCES.items() if trial.startswith(start))
        if trial != reference:
            difference = (aucs[trial] - aucs[reference]).dropna(how="all")
            means = {
                str(size): f"{difference[size].mean():+.3f}" for size in SIZES if size in difference.dropna(axis=1)
            }
            lines[trial] = {"against": reference, "sets": str(len(difference)), **means}
    return f"""## The search for defaults

How the defaults were chosen: mean change in AUC, by size, relative to another trial on the same sets (simulated sets 3
to 5, and ELK1, MYC, TCF12, SRF and SERBP1 with at most 3,000 positives; for *taken* and *pooled* also FastSK's three
sets; one or two seeds, so a change below 0.005 means little). Measured by `benchmarks/search.py`. Trials *from 64*
vary only the small networks: all start from the same network of 64 kernels.

{table(pd.DataFrame(lines).T.fillna("")).replace("| set |", "| trial |")}

Adopted were both augmentations, the saliency, and a learning rate of 0.01, which gives the same result in less time.
With 256 kernels that rate permanently leaves many without a positive score on any sequence, so the first two epochs
have a lower rate. Initially the rate was then cut once, after 10 epochs without improvement, with a dropout of 0.3
above 16 kernels (*warm-up 2, dropout 0.3, cut 10*): better with many kernels, in about the same time. Less patience is
faster and slightly worse. Averaged weights, restarts, distillation, and initial kernels made from enriched words were
rejected. Starting with 64 kernels is three times as fast and hardly worse at 16 kernels or fewer. At 32 kernels or
fewer the rate makes little difference. Nor do changes to the adopted settings (*taken*): shorter kernels, fewer
substitutions, more dropout, averaged weights, halving in eight steps. Longer kernels are worse. If the negatives are
not shuffles of the positives, as in the simulated sets, shuffling half of them (*mixed*) helps at every size above 4,
and slightly on FastSK's genomic negatives as well.

For the small networks of *taken*, refitting the dense layer before training, ranking with such refits, and choosing the
best of four rankings make no difference or are worse, as is a leaky ReLU: {_dead(rows)} kernels have no positive
score on any training sequence. What does help is *log-sum-exp* over all windows instead of the maximum, which counts
several sites. (The package now uses the mean instead of the sum, which is the same network for sequences of one
length.) It was adopted for 64 kernels or fewer, with a sharpness of 2
(1 since composition joins there, too). For 128 it takes longer and gains nothing. A
sharpness of 1 helps small networks on real sets, but hurts at 64 kernels, where the scores jump; 4 helps less, and
pooling the best *4 windows* has part of the effect. In the package the biases are adjusted with the pooling, so that
the scores stay the same. With few kernels the second-order saliency is not accurate enough: on one set, SP1, it removed
the kernel that identifies the strongest peaks. So with 16 kernels or fewer the dense layer is refitted to candidate
*halves*. *Holding out* a twentieth of the sequences instead of a tenth slightly helps large networks and hurts small
ones; a fifth is worse.

The last change is to the end of training. Instead of being *cut once*, the rate decays to zero (*annealed*). This helps
on real sets and hurts on simulated ones, which the network overfits. So the best epoch is restored if the annealed
network's held-out loss is worse in a paired comparison (*unless worse*; only the package anneals networks of more than
64 kernels for fewer epochs, and shuffles half of the negatives of simulated sets). Mean change in AUC relative to *cut
once*:

{_annealed(rows)}

Networks of fewer than 64 kernels overfit less, so half as many bases are substituted. With annealing, there is no need
to try two sharpnesses at 32 kernels: it is 1 there, which takes half the time. Variations of these settings (*from 64,
annealed*) again make no significant difference: the rate, the batch size, twice the epochs, other mutation rates, and
softplus instead of ReLU. A sharpness of 2, halving in four steps and a simpler ranking are worse.

What limits performance on real sets can be seen from the cross-entropy (nats) of *taken* on the training sequences,
without augmentation, and on the held-out sequences:

{_losses(rows)}

With 256 kernels the loss is much lower on training sequences than on others: more data would help. From 64 kernels to
16 and 4, the training loss increases even more than the held-out loss: these networks lack capacity, and neither slower
halving nor longer kernels compensate for that.

What limits performance on simulated sets can be seen from networks of 8 kernels trained from the *true motifs*: pruned
networks come close to them. A kernel cannot extend beyond the end of a sequence; adding N around the sequences
(*padding*) gains 0.02 on set 4 at 8 kernels. It gains nothing on real sets, whose motifs are in the centre.
"""


def _dead(rows: pd.DataFrame) -> str:
    of_small = rows[rows["trial"] == "from 64, taken: nothing"]
    return f"{of_small['dead_kernels'].sum():.0f} of their {of_small['n_kernels'].sum():,}"


def _annealed(rows: pd.DataFrame) -> str:
    trials = [trial for trial in rows["trial"].unique() if trial.startswith("annealed")]
    aucs = rows.pivot_table(index=["dataset", "seed"], columns=["trial", "n_kernels"], values="auc", sort=False)
    changes = pd.concat({trial: aucs[trial] - aucs["cut once"] for trial in trials}, names=["trial"]).dropna(how="all")
    is_simulated = changes.index.get_level_values("dataset").str.startswith("simulated")
    kinds = np.where(is_simulated, "simulated", "real")
    means = changes.groupby(["trial", kinds], sort=False)[[256, 64, 32, 16, 8, 4]].mean().map("{:+.4f}".format)
    means.index = [f"{trial}: {kind}" for trial, kind in means.index]
    return table(means).replace("| set |", "| trial: sets |")


def _losses(rows: pd.DataFrame) -> str:
    taken = rows[rows["trial"] == "taken"]
    kinds = np.where(taken["dataset"].str.startswith("simulated"), "simulated", "real")
    means = taken.groupby([kinds, "n_kernels"])[["train_loss", "val_loss"]].mean().stack().unstack("n_kernels")
    means.index = [f"{kind}, {'training' if loss == 'train_loss' else 'held out'}" for kind, loss in means.index]
    return table(means[list(SIZES)]).replace("| set |", "| sets |")


def main() -> None:
    together = pd.concat([read_results(HERE / "results" / f"accuracy_{plan}.csv") for plan in ("simulated", "capped")])
    weights = pd.read_csv(HERE / "results" / "dense_weights.csv")
    write_page(together, DOCS / "_static" / "benchmark.html", weights=weights)
    hours = computing_time(together)
    text = f"""<!-- Generated by benchmarks/render_accuracy.py; do not edit. -->
# Accuracy

Every figure is a test AUC, given as mean ± standard deviation over seeds, measured by
`benchmarks/accuracy.py` with {{doc}}`skdeepprune bench <bench>`. A seed determines the data (simulated), the choice of
training positives and their shuffles (ChIP-seq), the hold-out, the initial weights and the order of the
sequences. *Defaults* is `DeepPruneClassifier()` with its default settings.

The [paper's experiments, with these numbers next to the paper's](_static/benchmark.html), are on a separate page.

{capped()}
{complete() if (HERE / "results" / "accuracy_all.csv").exists() else ""}
{simulated()}
{collapsed(load("simulated"), load("capped"))}
{searched()}
## Computing time

Hours on one core, for the results above and extrapolated to 690 sets of the same mean size with one seed each. The
hours of gkm-SVM are for runs of LS-GKM as published. Other runs, without times in the tables, used a build whose kernel
function compares 64 sequences at a time; on the two sets run with both, the AUC is identical.

{_hours(hours)}
"""
    (DOCS / "accuracy.md").write_text(text)
    write_figures(figures())
    print(text)


def _hours(hours: pd.DataFrame) -> str:
    frame = hours.set_index(hours.columns[0])
    return table(frame, 2).replace("| set |", f"| {hours.columns[0]} |")


if __name__ == "__main__":
    main()
