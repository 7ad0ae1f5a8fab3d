"""
From peaks to an honest report
==============================

Given only peaks and a genome, which sequences are *not* bound, and what should the classifier be tested on? This
example samples unbound regions that match the peaks, holds out whole chromosomes for testing, and shows what a
classifier learns from other negatives.
"""

# %%
# A genome and its peaks
# ----------------------
#
# Both are simulated, so that the example needs no download: six chromosomes whose GC content changes every 5 kb, with
# unequal frequencies of 5-mers, as in real genomes; a third of the bases are repeats in lower case.
# The protein binds sites similar to TGACGTCA, more often in GC-rich regions than elsewhere.

from itertools import product

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
words = np.array(["".join(letters) for letters in product("ACGT", repeat=5)])
frequency = rng.lognormal(0, 1.2, len(words))
n_strong = np.array([word.count("C") + word.count("G") for word in words])


def dna(length, gc):
    """Letters of a stretch with about this GC content."""
    share = frequency * gc**n_strong * (1 - gc) ** (5 - n_strong)
    return list("".join(rng.choice(words, length // 5, p=share / share.sum())))


width, length = 101, 500_000
genome, rows = {}, []
for number in range(1, 7):
    gc = rng.uniform(0.25, 0.65, length // 5000)
    bases = np.concatenate([dna(5000, share) for share in gc])
    places = np.arange(200, length - 200, 202)
    weight = gc[places // 5000] ** 6
    for place in np.sort(rng.choice(places, 250, replace=False, p=weight / weight.sum())):
        at = place + rng.integers(0, width - 8)
        bases[at : at + 8] = np.where(rng.random(8) < 0.8, list("TGACGTCA"), rng.choice(list("ACGT"), 8))
        rows.append((f"chr{number}", place, place + width))
    is_repeat = np.repeat(rng.random(length // 200) < 0.33, 200)
    genome[f"chr{number}"] = "".join(np.where(is_repeat, np.char.lower(bases), bases))
peaks = pd.DataFrame(rows, columns=["chrom", "start", "end"])
peaks.head()

# %%
# Matched regions
# ---------------
#
# For each peak, sample one region of the same chromosome with the same length, GC content and share of repeats that
# does not overlap a peak. With real data, `genome` is the path of a FASTA file and `peaks` that of a BED file;
# `exclude` avoids a blacklist.

from skdeepprune.genome import describe_match, region_sequences, sample_negatives

bound = region_sequences(peaks, genome)
matched = sample_negatives(peaks, genome, random_state=0)
random = sample_negatives(peaks, genome, match=(), random_state=0)
shuffles = sample_negatives(peaks, genome, match="dinucleotide", random_state=0)
matches = {
    name: describe_match(bound, regions["sequence"]) for name, regions in (("matched", matched), ("random", random))
}
fields = ["gc_means", "gc_distance", "repeat_means", "repeat_distance"]
pd.DataFrame({name: {field: getattr(match, field) for field in fields} for name, match in matches.items()})

# %%
# Means of bound and unbound sequences, and Kolmogorov-Smirnov distances. Matched regions have the GC content of the
# peaks, random ones do not:

import matplotlib.pyplot as plt

_, axes = plt.subplots(1, 2, figsize=(8, 2.6), sharey=True, layout="constrained")
for ax, (name, match) in zip(axes, matches.items(), strict=True):
    gc = match.gc
    ax.stairs(gc["bound"], [*gc["from"], 1], fill=True, alpha=0.4, label="bound")
    ax.stairs(gc["unbound"], [*gc["from"], 1], label=name, linewidth=2)
    ax.set(xlabel="GC content", title=f"{name} regions")
    ax.legend()

# %%
# Whole chromosomes
# -----------------
#
# Neighbouring regions resemble each other, so a random split leaks training data into the test set. Here one fold of
# :class:`~skdeepprune.model_selection.ChromosomeKFold` is the test set and another one the validation set for early
# stopping.

from skdeepprune.model_selection import ChromosomeKFold

folds = [test for _, test in ChromosomeKFold(6).split(peaks, groups=peaks["chrom"])]
test_chromosomes, validation_chromosomes = (set(peaks["chrom"].iloc[fold]) for fold in folds[:2])
print("tested on", *test_chromosomes, "and validated on", *validation_chromosomes)


def part(chromosomes, *kinds):
    """Bound sequences and negatives of some chromosomes."""
    positives = [s for s, chrom in zip(bound, peaks["chrom"], strict=True) if chrom in chromosomes]
    negatives = [s for kind in kinds for s in kind.loc[kind["chrom"].isin(chromosomes), "sequence"]]
    return positives + negatives, np.repeat([1, 0], [len(positives), len(negatives)])


# %%
# What the classifier learns from different negatives
# ---------------------------------------------------
#
# Four classifiers, trained on shuffles, on matched regions, on random regions, and on matched regions and shuffles
# together (with new shuffles in every epoch), each tested against each kind. Every classifier is worse against
# negatives it was not trained on; the last one loses least.

from sklearn.metrics import roc_auc_score

from skdeepprune import DeepPruneClassifier

kinds = {
    "shuffles": [shuffles],
    "matched": [matched],
    "random": [random],
    "matched and shuffles": [matched, shuffles],
}
training_chromosomes = set(genome) - test_chromosomes - validation_chromosomes
table, fitted = {}, {}
for trained_on, negatives in kinds.items():
    X, y = part(training_chromosomes, *negatives)
    X_val, y_val = part(validation_chromosomes, *negatives)
    classifier = DeepPruneClassifier(n_kernels=4, n_prunings=3, max_iter=60, random_state=0)
    fitted[trained_on] = classifier.fit(X, y, X_val=X_val, y_val=y_val)
    table[trained_on] = {}
    for tested_on in ("shuffles", "matched", "random"):
        X_test, y_test = part(test_chromosomes, *kinds[tested_on])
        scores = classifier.decision_function(X_test)
        table[trained_on][f"against {tested_on}"] = roc_auc_score(y_test, scores)
pd.DataFrame(table).T.style.format("{:.3f}")

# %%
# The report
# ----------
#
# It shows how well the regions match. Beside the AUC it reports the average precision, including that for one bound
# sequence in a thousand, as in a genome rather than a test set.

import tempfile
from pathlib import Path

from skdeepprune.report import write_report

X, y = part(training_chromosomes, *kinds["matched and shuffles"])
X_test, y_test = part(test_chromosomes, *kinds["matched and shuffles"])
page = Path(tempfile.mkdtemp()) / "report.html"
write_report(
    fitted["matched and shuffles"],
    X,
    y,
    page,
    X_test=X_test,
    y_test=y_test,
    negatives="matched regions and dinucleotide shuffles",
    match=matches["matched"],
    targets=None,
    prevalence=0.001,
    title="Peaks of a simulated genome",
)
print(f"{page.name}: {page.stat().st_size / 1000:.0f} kB")

# %%
# The same on the command line: ``skdeepprune fit peaks.bed --genome genome.fa --out results``.
