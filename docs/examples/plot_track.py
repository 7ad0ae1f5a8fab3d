"""
Log-odds along a genome
=======================

A track shows where along a genome a classifier predicts binding, for genome browsers or for a figure as here. This
example trains on simulated peaks, slides a window along a chromosome, and plots the log-odds and the planted sites.
"""

# %%
# A classifier and a chromosome
# -----------------------------
#
# Peaks of 101 bp, half of them with a site of CTCF or PAX6 somewhere; and 30 kb with twelve sites.

import tempfile
from pathlib import Path

import numpy as np

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import load_planted_motifs, make_motif_sequences

rng = np.random.default_rng(1)
jaspar = load_planted_motifs()
factors = [jaspar["CTCF"], jaspar["PAX6"]]
peaks = make_motif_sequences(factors, 6000, random_state=rng)
classifier = DeepPruneClassifier(n_kernels=4, n_prunings=3, random_state=0).fit(peaks.X, peaks.y)

bases = rng.choice(list("ACGT"), 30_000)
places = np.sort(rng.choice(np.setdiff1d(np.arange(500, 29_500, 500), np.arange(14_000, 15_000)), 12, replace=False))
sites = make_motif_sequences(factors, 12, length=30, positive_share=1, random_state=rng)
for place, site in zip(places, sites.X, strict=True):
    bases[place : place + 30] = list(site)
bases[14_000:14_800] = "N"
genome = {"chr1": "".join(bases)}

# %%
# The track
# ---------
#
# :func:`~skdeepprune.effects.track` writes bigWig. By default, the window has the length of the
# training sequences. For a real genome, the second argument is the path of a FASTA file; on the command line it is
# ``skdeepprune track model.safetensors genome.fa --out track.bw``.

from skdeepprune.effects import track

folder = Path(tempfile.mkdtemp())
files = track(classifier, genome, folder / "track.bw", step=5, kernels=True)
print([file.name for file in files])

# %%
# Any bigWig reader can open it, here figwig. Windows with mostly unknown bases have no value.

import matplotlib.pyplot as plt
from figwig import read_bigwig

values = [read_bigwig(file, ["chr1"], [0], 30_000, missing=np.nan)[0] for file in files]

figure, axes = plt.subplots(1 + len(values[1:]), 1, figsize=(9, 6), sharex=True, layout="constrained")
kilobases = np.arange(30_000) / 1000
for ax, own, name in zip(axes, values, ["log-odds", *(f"kernel_{k}" for k in range(4))], strict=True):
    ax.plot(kilobases, own, color="C0" if name == "log-odds" else "0.4", linewidth=0.8)
    ax.set_ylabel(name)
    ax.spines[["top", "right"]].set_visible(False)
    for place in places:
        ax.axvspan((place - 50) / 1000, (place + 80) / 1000, color="C1", alpha=0.25, linewidth=0)
figure.align_ylabels(axes)
axes[0].axhline(0, color="0.7", linewidth=0.6)
axes[-1].set_xlabel("kb (planted sites in orange; unknown from 14.0 to 14.8)")
plt.show()

# %%
# The values in the file are the log-odds of the windows:

place = places[0]
start = (place // 5) * 5
window = genome["chr1"][start : start + 101]
print(values[0][start + 50].round(4), classifier.decision_function([window])[0].round(4))
