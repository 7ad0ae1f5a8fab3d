"""
Hits in a genome
================

Where in a genome does a kernel have hits, and how many of them are due to chance? This example plants sites of CTCF in
a simulated genome, searches for them with the kernels of a classifier, and shows what p- and q-values guarantee.
"""

# %%
# A classifier
# ------------
#
# Four kernels are trained on simulated peaks of CTCF, and their motifs are compared with JASPAR's.

import numpy as np

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import load_planted_motifs, make_motif_sequences
from skdeepprune.motifs import extract_motifs, tomtom

rng = np.random.default_rng(0)
ctcf = load_planted_motifs()["CTCF"]
peaks = make_motif_sequences([ctcf], 4000, random_state=rng)
classifier = DeepPruneClassifier(n_kernels=4, n_prunings=3, random_state=0).fit(peaks.X, peaks.y)

matches = tomtom(extract_motifs(classifier, peaks.X, peaks.y), "JASPAR2024")
best = matches.sort_values("E").drop_duplicates("query").set_index("query")
best[["target", "E", "correlation"]].sort_index()

# %%
# A genome with sites
# -------------------
#
# Two AT-rich chromosomes of 1 Mb with 200 sites each, and an assembly gap.

genome, planted = {}, {}
for name in ("chr1", "chr2"):
    bases = rng.choice(list("ACGT"), 1_000_000, p=[0.3, 0.2, 0.2, 0.3])
    planted[name] = np.sort(rng.choice(np.arange(100, 999_800, 100), 200, replace=False))
    sites = make_motif_sequences([ctcf], 200, length=35, positive_share=1, random_state=rng)
    for start, site in zip(planted[name], sites.X, strict=True):
        bases[start : start + 35] = list(site)
    bases[400_000:450_000] = "N"
    planted[name] = planted[name][(planted[name] < 399_965) | (planted[name] > 450_000)]
    genome[name] = "".join(bases)

# %%
# The scan
# --------
#
# :func:`~skdeepprune.effects.scan` estimates the background from the genome, computes for every kernel the activation
# that a random sequence exceeds with a probability of 1e-4, and lists the windows above it on both strands. For a real
# genome, the second argument is the path of a FASTA file, :func:`~skdeepprune.effects.scan_to_bed` writes a file, and
# ``skdeepprune scan`` does so on the command line.

from skdeepprune.effects import scan

names = [f"kernel_{k}" for k in range(4)]
names = [f"{name}:{best.target[name]}" if name in best.index and best.E[name] < 0.05 else name for name in names]
hits = scan(classifier, genome, names=names, p_value=1e-4)
hits.sort_values("p").head()

# %%
# Which of them are real
# ----------------------
#
# A hit is real here if it overlaps a planted site. Most of those with a p-value just below 1e-4 are not: 400 of
# four million windows reach it by chance. A lower threshold increases the share of real hits, but finds fewer of the
# sites. The dashed line is the guarantee of the q-value: a share of at least 1 - q is real.

import matplotlib.pyplot as plt

kernel = names[int(best["E"].idxmin().removeprefix("kernel_"))]
own = hits[hits["kernel"] == kernel].sort_values("p", ignore_index=True)
places = zip(own["chrom"], own["end"], strict=True)
site = np.array([planted[chrom][max(np.searchsorted(planted[chrom], end) - 1, 0)] for chrom, end in places])
is_real = (own["start"] < site + 35) & (own["end"] > site)
is_new = is_real & ~own.assign(site=site, is_real=is_real).duplicated(["chrom", "site", "is_real"])
n_sites = sum(map(len, planted.values()))

_, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
rank = np.arange(1, len(own) + 1)
left.plot(own["p"], is_real.cumsum() / rank, color="C0", label="share of hits that are real")
left.plot(own["p"], 1 - own["q"], "--", color="C0", label="1 - q")
left.plot(own["p"], is_new.cumsum() / n_sites, color="C1", label="share of sites that are found")
left.set(xscale="log", xlabel="hits with a p-value of at most", ylim=(0, 1.02), title=kernel)
left.legend(frameon=False, loc="center left", bbox_to_anchor=(0, 0.65))

bins = np.linspace(own["activation"].min(), own["activation"].max(), 40)
right.hist([own["activation"][~is_real], own["activation"][is_real]], bins, stacked=True, color=["0.75", "C0"])
right.set(xlabel="activation", ylabel="hits", title="chance (grey) and planted sites")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
