"""What a classifier learns from different negatives: the tables of the page "Which negatives?".

    python benchmarks/negatives.py human|yeast|isochores DATA [--seeds N] [--out negatives.csv]

Each row (set, protein, negatives trained on, settings, seed) is written as soon as it is finished; when run again, only
missing rows are computed. DATA is the folder genome/ of the real data sets; "isochores" simulates its genome. Every
classifier is tested on the same held-out chromosomes, against every kind of negatives.

human
    13,382 peaks of one protein, and genomic negatives selected by gkmSVM's genNullSeqs, which serve as "matched"
    because the genome is not included. chr1, chr8 and chr21 are held out.
yeast
    ChIP-exo peaks of six proteins, 101 bp around each; three genomic negatives per peak, more than 300 bp from peaks
    and excluded regions. IV, XIII and XVI are held out.
isochores
    The simulated genome of isochores.py: isochores, repeats, and open regions with motifs of other proteins. chr1 and
    chr8 are held out.
"""

import argparse
import csv
import os
import re
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from isochores import simulate
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline

from skdeepprune import DeepPruneClassifier
from skdeepprune.bench._conditions import commit
from skdeepprune.genome import region_sequences, region_table, sample_negatives
from skdeepprune.sequences import Genome, dinucleotide_shuffle, read_regions, read_sequences, reverse_complement

FIELDS = [
    "set",
    "protein",
    "trained_on",
    "method",
    "seed",
    "n_train",
    "tested_on",
    "roc_auc",
    "average_precision",
    "seconds",
    "commit",
]
METHODS = {
    "16": {"n_kernels": 16, "n_prunings": 4},
    "4": {"n_kernels": 4},
    "16 without composition": {"n_kernels": 16, "n_prunings": 4, "composition": 0},
}
WIDTH = 101
HUMAN_TEST = {"chr1", "chr8", "chr21"}
YEAST_TEST = {"IV", "XIII", "XVI"}
ISOCHORE_TEST = {"chr1", "chr8"}
PROTEINS = ["Reb1", "Abf1", "Rap1", "Cbf1", "Ume6", "Hsf1"]


def human(data, n_positives):
    """Training and test sequences of the human peaks, by kind."""
    parts = {}
    for kind, name in (("bound", "posSet.fa.gz"), ("matched", "negSet.fa.gz")):
        found = read_sequences(data / name)
        held_out = np.isin(np.array(found.chrom, object), list(HUMAN_TEST))
        sequences = np.array(found.sequences)
        rows = np.random.default_rng(0).permutation(np.flatnonzero(~held_out))[:n_positives]
        parts[kind] = (sequences[np.sort(rows)].tolist(), sequences[held_out].tolist())
    yield "human" if n_positives else "human, all", parts


def yeast(data, n_positives):
    folder = data / "yeast"
    roman = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI".split()
    names = {f"chr{i}": name for i, name in enumerate(roman, start=1)}
    excluded = region_table(folder / "excluded_arabic_names.bed")
    excluded = excluded.assign(chrom=excluded["chrom"].map(names)).dropna(subset="chrom")
    with Genome(folder / "S_cerevisiae.R64-1-1.fa.gz") as genome:
        for protein in PROTEINS:
            points = read_regions(folder / "peaks" / f"{protein}.bed")
            peaks = region_table(point.resized(WIDTH) for point in points)
            lengths = peaks["chrom"].map(genome.lengths)
            peaks = peaks[(peaks["start"] >= 0) & (peaks["end"] <= lengths)].reset_index(drop=True)
            yield protein, from_genome(peaks, genome, YEAST_TEST, ratio=3, exclude=[excluded], margin=300)


def isochores(data, n_positives):
    genome, peaks = simulate()
    yield "simulated", from_genome(peaks, Genome(genome), ISOCHORE_TEST)


def from_genome(peaks, genome, held_out, **settings):
    """Training and test sequences by kind: bound ones, and matched and random regions of the genome."""
    parts = {"bound": (peaks, region_sequences(peaks, genome))}
    for kind, match in (("matched", ("gc", "repeats")), ("random", ())):
        with warnings.catch_warnings(record=True) as caught:
            negatives = sample_negatives(peaks, genome, match=match, random_state=0, **settings)
        for warning in caught:
            print(f"{kind}: {warning.message}", flush=True)
        parts[kind] = (negatives, negatives["sequence"].tolist())
    return {kind: split(*part, held_out) for kind, part in parts.items()}


def split(table, sequences, held_out):
    is_test = table["chrom"].isin(held_out).to_numpy()
    return [[s for s, t in zip(sequences, is_test, strict=True) if t == part] for part in (False, True)]


def with_shuffles(parts):
    """Add shuffles, as many per bound sequence as there are other negatives."""
    bound, matched = parts["bound"], parts["matched"]
    rng = np.random.default_rng(5)
    shuffles = []
    for one, other in zip(bound, matched, strict=True):
        n = max(1, round(len(other) / len(one)))
        shuffles.append(dinucleotide_shuffle(one * n, random_state=rng))
    return {**parts, "shuffles": shuffles}


def five_mers():
    """Logistic regression on counts of 5-mers, a word and its reverse complement counted together.

    The penalty is the best of seven for the mean of the six yeast proteins.
    """

    def words(sequence):
        forward = sequence.upper()
        backward, n = reverse_complement(forward), len(forward)
        return [min(forward[i : i + 5], backward[n - 5 - i : n - i]) for i in range(n - 4)]

    return make_pipeline(CountVectorizer(analyzer=words), LogisticRegression(C=0.01, max_iter=3000))


def made(method, seed):
    if method == "5-mers":
        return five_mers()
    return DeepPruneClassifier(**METHODS[method], random_state=seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("set", choices=["human", "yeast", "isochores"])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=["16", "5-mers"])
    parser.add_argument("--n-positives", type=int, help="number of human peaks to train on (default: all)")
    parser.add_argument("--trained-on", nargs="+", default=None)
    parser.add_argument("--out", type=Path, default=Path("negatives.csv"))
    options = parser.parse_args()
    done = set()
    if options.out.exists():
        table = pd.read_csv(options.out, dtype={"method": str})
        done = set(
            zip(table["set"], table["protein"], table["trained_on"], table["method"], table["seed"], strict=True)
        )
    for protein, parts in {"human": human, "yeast": yeast, "isochores": isochores}[options.set](
        options.data, options.n_positives
    ):
        parts = with_shuffles(parts)
        kinds = [kind for kind in parts if kind != "bound"]
        sets = {kind: [kind] for kind in kinds} | {"matched and shuffles": ["matched", "shuffles"]}
        for trained_on in options.trained_on or sets:
            for method in options.methods:
                for seed in range(options.seeds if method != "5-mers" else 1):
                    key = (options.set, protein, trained_on, method, seed)
                    if key in done:
                        continue
                    rows = measured(parts, sets[trained_on], kinds, method, seed)
                    write(options.out, [dict(zip(FIELDS, (*key, *row), strict=True)) for row in rows])


def measured(parts, trained_on, kinds, method, seed):
    bound = parts["bound"]
    negatives = [sequence for kind in trained_on for sequence in parts[kind][0]]
    X, y = bound[0] + negatives, np.repeat([1, 0], [len(bound[0]), len(negatives)])
    start = time.perf_counter()
    fitted = made(method, seed).fit(X, y)
    seconds = time.perf_counter() - start
    for kind in kinds:
        unbound = parts[kind][1]
        scores = fitted.decision_function(bound[1] + unbound)
        labels = np.repeat([1, 0], [len(bound[1]), len(unbound)])
        row = (len(y), kind, roc_auc_score(labels, scores), average_precision_score(labels, scores), seconds)
        print(trained_on, method, seed, *(re.sub(r"(\.\d{3})\d*", r"\1", str(x)) for x in row), flush=True)
        yield (*row, commit())


def write(path, rows):
    is_new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
