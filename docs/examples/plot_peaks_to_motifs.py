"""
From peaks to motifs
====================

A ChIP-seq experiment yields a file of peaks: sequences that a protein bound, and nothing else. This example goes from
such a file to the motifs in it, to the known motifs that they resemble, and to a report that can be shared.
"""

# %%
# The peaks
# ---------
#
# The peaks are simulated, so that the truth is known, and as noisy as real ones: most contain a site of CTCF or AP-1
# (FOSL1::JUND) on either strand; one in ten contains none.

import tempfile
from pathlib import Path

import numpy as np

from skdeepprune.datasets import load_planted_motifs, make_motif_sequences
from skdeepprune.sequences import reverse_complement

rng = np.random.default_rng(0)
jaspar = load_planted_motifs()
factors = [jaspar["CTCF"], jaspar["FOSL1::JUND"]]
planted = make_motif_sequences(factors, 3000, positive_share=0.9, random_state=rng)
sequences = np.where(rng.random(3000) < 0.5, planted.X, reverse_complement(planted.X))

folder = Path(tempfile.mkdtemp())
records = [f">peak_{i}\n{sequence}\n" for i, sequence in enumerate(sequences)]
(folder / "peaks.fa").write_text("".join(records))
print((folder / "peaks.fa").read_text()[:220])

# %%
# From here on, only the file is used. :func:`~skdeepprune.sequences.read_sequences` reads it, and a dinucleotide
# shuffle of each peak serves as its negative. A third of the peaks and their shuffles is held out for testing.

from skdeepprune.sequences import dinucleotide_shuffle, read_sequences

peaks = read_sequences(folder / "peaks.fa")


def with_shuffles(bound):
    return bound + dinucleotide_shuffle(bound, random_state=rng), np.repeat([1, 0], len(bound))


X_train, y_train = with_shuffles(peaks.sequences[:2000])
X_test, y_test = with_shuffles(peaks.sequences[2000:])

# %%
# Four kernels
# ------------
#
# The fit starts with 64 kernels, reads both strands and prunes four times.

from sklearn.metrics import roc_auc_score

from skdeepprune import DeepPruneClassifier

classifier = DeepPruneClassifier(n_kernels=4, n_prunings=4, random_state=0)
classifier.fit(X_train, y_train)
print(f"test AUC {roc_auc_score(y_test, classifier.decision_function(X_test)):.3f}")

# %%
# Their motifs
# ------------
#
# The windows in which a kernel is active are its sites; aligned and counted, they make its motif (see :doc:`/motifs`).
# Notes point out motifs that are copies of others.

import pandas as pd

from skdeepprune.motifs import extract_motifs

names = peaks.names[:2000] + [f"shuffle of {name}" for name in peaks.names[:2000]]
motifs = extract_motifs(classifier, X_train, y_train, names=names)
table = pd.DataFrame(
    {
        "motif": motif.name,
        "weight": motif.weight,
        "sites": motif.n_sites,
        "consensus": motif.consensus,
        "notes": "; ".join(motif.notes),
    }
    for motif in motifs
)
table.style.format(precision=2).hide()

# %%
# Every site is available, with its position, strand and letters.

strongest = max(motifs, key=lambda motif: motif.weight)
pd.DataFrame(list(strongest.sites[:5])).style.format(precision=2).hide()

# %%
# Known motifs
# ------------
#
# Tomtom compares them with all vertebrate motifs of JASPAR.

from skdeepprune.motifs import tomtom

matches = tomtom(motifs, "JASPAR2024", n_nearest=3)
table = matches.drop(columns=["query_motif", "target_motif"])
table.style.format("{:.1e}", subset=["p", "E", "q"]).hide()

# %%
# The kernel, its motif and the best match, aligned: the kernel's weights are drawn minus their mean at each position.

from skdeepprune.plots import plot_logo, plot_match

# sphinx_gallery_thumbnail_number = 1
best = matches[matches["query"] == strongest.name].iloc[0]
_ = plot_match(best, kernel=classifier.kernels_[strongest.kernel])

# %%
# All four, in the orientation of their best matches:

import matplotlib.pyplot as plt

from skdeepprune.motifs import orient_to_match

oriented = [orient_to_match(motif, matches) for motif in motifs]
_, axes = plt.subplots(len(oriented), 1, figsize=(7, 6), layout="constrained")
for ax, motif in zip(axes, oriented, strict=True):
    plot_logo(motif, ax=ax)
    target = matches[matches["query"] == motif.name].iloc[0]
    ax.set_title(f"{motif.name}: {target.target}, E = {target.E:.1e}", loc="left", fontsize="medium")

# %%
# Output
# ------
#
# The motifs as a MEME file for other programs, the classifier as a file that is safe to load, and an HTML report.

from skdeepprune import save_model
from skdeepprune.motifs import write_motifs
from skdeepprune.report import write_report

write_motifs(oriented, folder / "motifs.meme")
save_model(classifier, folder / "model.safetensors")
write_report(
    classifier,
    X_train,
    y_train,
    folder / "report.html",
    X_test=X_test,
    y_test=y_test,
    motifs=motifs,
    targets=matches,
    title="Peaks with CTCF and AP-1",
)
for path in sorted(folder.iterdir()):
    print(f"{path.name:18} {path.stat().st_size / 1000:6.0f} kB")

# %%
# The same on the command line: ``skdeepprune fit peaks.fa --out results``.
