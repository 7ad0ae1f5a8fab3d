"""
Which variants change binding
=============================

A genome contains sites of a protein, and an individual's genome has variants. Which of them change binding? Here the
data are simulated, so the truth is known.
"""

# %%
# A genome with sites
# -------------------
#
# A protein binds sites like TGACGTCA. The classifier is trained on 3,000 sequences of 101 bp; half of them contain a
# site, in which each letter matches with a probability of 0.9.

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
letters, site = np.array(list("ACGT")), np.array(list("TGACGTCA"))


def with_site(bases, at):
    """Plant a site in which most letters match."""
    bases[at : at + 8] = np.where(rng.random(8) < 0.9, site, rng.choice(letters, 8))
    return bases


sequences = rng.choice(letters, (3000, 101))
bound = np.arange(3000) % 2
for row in np.flatnonzero(bound):
    with_site(sequences[row], rng.integers(0, 93))
X = ["".join(row) for row in sequences]

from skdeepprune import DeepPruneClassifier

classifier = DeepPruneClassifier(n_kernels=4, n_prunings=4, kernel_length=12, random_state=0).fit(X, bound)

# %%
# The genome has a perfect site every 200 bp.

genome = rng.choice(letters, 200_000)
starts = np.arange(500, 199_500, 200)
for start in starts:
    genome[start : start + 8] = site

# %%
# Variants
# --------
#
# Random substitutions, and some deletions and insertions. `score_variants` also reads VCF files.

from skdeepprune.effects import score_variants

places = np.sort(rng.choice(np.arange(300, 199_000), 20_000, replace=False))
rows = []
for place in places:
    ref = "".join(genome[place : place + (4 if place % 10 == 0 else 1)])
    other = letters[(list("ACGT").index(ref[0]) + rng.integers(1, 4)) % 4]
    alt = {0: ref[0], 1: ref + "GATC"}.get(place % 10, other)
    rows.append(("chr1", place + 1, ref, alt))
variants = pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"])
table = score_variants(classifier, variants, {"chr1": "".join(genome)}, background=5000, random_state=0)
table[["pos", "ref", "alt", "delta", "kernel", "change", "site_distance", "p"]].iloc[:5]

# %%
# Substitutions in sites lower the log-odds; others change little, except where they turn a near miss into a site.

import matplotlib.pyplot as plt

is_snv = (table["ref"].str.len() == 1) & (table["alt"].str.len() == 1)
offset = (table["pos"] - 1 - starts[0]) % 200
in_site = offset < 8
fig, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
bins = np.linspace(table.loc[is_snv, "delta"].min(), table.loc[is_snv, "delta"].max(), 80)
ax.hist(table.loc[is_snv & ~in_site, "delta"], bins, label="elsewhere", color="0.6", log=True)
ax.hist(table.loc[is_snv & in_site, "delta"], bins, label="in a site", color="#d55e00", log=True)
ax.set_xlabel("delta: change in log-odds")
ax.set_ylabel("substitutions")
ax.legend(frameon=False)

# %%
# The p-values say how unusual a change is among random variants of the same kind. They are low in sites.

table[is_snv].groupby(in_site.map({True: "in a site", False: "elsewhere"}))["p"].describe().round(4)

# %%
# Which base matters
# ------------------
#
# `saturation_mutagenesis` replaces every base of a sequence with each of the others. The logo shows the
# contribution of each base around a site, the heat map the effect of each substitution.

from skdeepprune.effects import saturation_mutagenesis
from skdeepprune.plots import plot_mutagenesis

around = "".join(genome[starts[10] - 46 : starts[10] + 55])
result = saturation_mutagenesis(classifier, [around])
plot_mutagenesis(result, start=25, end=75)
plt.show()
