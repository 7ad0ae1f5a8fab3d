"""Hits along the yeast genome and ChIP-exo peaks, compared with memelite's FIMO and JASPAR's matrix.

    python benchmarks/scan_yeast.py DATA [--seeds 3]

DATA is the folder genome/ of the real data sets. For every protein, a classifier with four kernels is trained on 101 bp
around the peaks and on matched regions, without chromosomes IV, XIII and XVI. On these three, the hits of its most
important kernel with a positive weight are compared with the peaks: precision is the fraction of hits with a peak
within 50 bp, recall the fraction of peaks with a hit within 50 bp; for all hits, and for those around which the
classifier's log-odds are positive. FIMO searches for the protein's JASPAR 2024 matrix, which is from other experiments.
Results are written to benchmarks/results/scan_yeast.csv and docs/scanning_yeast.inc.
"""

import argparse
import os
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from memelite import fimo

from skdeepprune import DeepPruneClassifier
from skdeepprune.effects import scan
from skdeepprune.genome import region_sequences, region_table, sample_negatives
from skdeepprune.motifs import load_jaspar
from skdeepprune.sequences import Genome, encode, one_hot, read_regions

HERE = Path(__file__).parent
PROTEINS = ["Reb1", "Abf1", "Rap1"]
HELD_OUT = ["IV", "XIII", "XVI"]
P_VALUES = [1e-3, 1e-4, 1e-5, 1e-6]
WIDTH, DISTANCE = 101, 50
KERNEL, BOTH, JASPAR = "kernel", "kernel, log-odds > 0", "JASPAR"
ROMAN = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI".split()


def trained(peaks, excluded, genome, seed):
    """Train a classifier without the held-out chromosomes."""
    own = peaks[~peaks["chrom"].isin(HELD_OUT)].reset_index(drop=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        negatives = sample_negatives(
            own, genome, 3, exclude=[peaks, excluded], margin=300, same_chromosome=True, random_state=seed
        )
        X = region_sequences(own, genome) + negatives["sequence"].tolist()
        y = np.repeat([1, 0], [len(own), len(negatives)])
        return DeepPruneClassifier(n_kernels=4, random_state=seed).fit(X, y)


def binding_kernel(classifier):
    """Name of the most important kernel with a positive weight."""
    importances = np.where(classifier.coef_[0] > 0, classifier.stages_[-1].importances, -np.inf)
    return f"kernel_{int(np.argmax(importances))}"


def is_called(classifier, hits, genome):
    """Whether the classifier calls the region around each hit bound."""
    middles = (hits["start"] + hits["end"]) // 2
    starts = (middles - WIDTH // 2).clip(lower=0)
    ends = np.minimum(starts + WIDTH, hits["chrom"].map(genome.lengths))
    around = hits[["chrom"]].assign(start=starts, end=ends)
    return classifier.decision_function(region_sequences(around, genome)) > 0


def jaspar_hits(ppm, genome):
    """Find hits on the held-out chromosomes with FIMO."""
    tables = []
    for chrom in HELD_OUT:
        channels = one_hot(encode([genome.sequence(chrom)])).transpose(0, 2, 1).astype(np.float32)
        (found,) = fimo({"motif": ppm.T}, channels, threshold=max(P_VALUES))
        tables.append(
            pd.DataFrame({"chrom": chrom, "start": found["start"], "end": found["end"], "p": found["p-value"]})
        )
    return pd.concat(tables, ignore_index=True)


def compared(hits, points):
    """Yield precision, recall and number of hits at every p-value; the same position on both strands counts once."""
    for p_value in P_VALUES:
        near_hits = n_hits = near_peaks = n_peaks = 0
        for chrom in HELD_OUT:
            own = hits[(hits["chrom"] == chrom) & (hits["p"] <= p_value)]
            middles = np.unique(((own["start"] + own["end"]) // 2).to_numpy())
            summits = np.sort(points.loc[points["chrom"] == chrom, "start"].to_numpy())
            near_hits += int((distances(middles, summits) <= DISTANCE).sum())
            near_peaks += int((distances(summits, middles) <= DISTANCE).sum())
            n_hits, n_peaks = n_hits + len(middles), n_peaks + len(summits)
        yield {
            "p_value": p_value,
            "hits": n_hits,
            "peaks": n_peaks,
            "precision": near_hits / n_hits if n_hits else np.nan,
            "recall": near_peaks / n_peaks,
        }


def distances(places, others):
    """Distance from every position to the nearest of the others."""
    if not len(others):
        return np.full(len(places), np.inf)
    at = np.searchsorted(others, places)
    return np.minimum(
        np.abs(places - others[np.minimum(at, len(others) - 1)]), np.abs(places - others[np.maximum(at - 1, 0)])
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    folder, rows = options.data / "yeast", []
    names = {f"chr{i}": name for i, name in enumerate(ROMAN, start=1)}
    excluded = region_table(folder / "excluded_arabic_names.bed")
    excluded = excluded.assign(chrom=excluded["chrom"].map(names)).dropna(subset="chrom")
    matrices = {motif.name.upper(): motif for motif in load_jaspar("JASPAR2024", tax_group="fungi")}
    with Genome(folder / "S_cerevisiae.R64-1-1.fa.gz") as genome:
        on = pd.DataFrame({"chrom": HELD_OUT, "start": 0, "end": [genome.lengths[chrom] for chrom in HELD_OUT]})
        for protein in PROTEINS:
            points = read_regions(folder / "peaks" / f"{protein}.bed")
            peaks = region_table(point.resized(WIDTH) for point in points)
            inside = (peaks["start"] >= 0) & (peaks["end"] <= peaks["chrom"].map(genome.lengths))
            peaks, points = peaks[inside].reset_index(drop=True), region_table(points)[inside.to_numpy()]
            motif = matrices[protein.upper()]
            for row in compared(jaspar_hits(motif.ppm, genome), points):
                rows.append({"protein": protein, "method": JASPAR, "seed": 0, **row})
            for seed in range(options.seeds):
                classifier = trained(peaks, excluded, genome, seed)
                hits = scan(classifier, genome, on, p_value=max(P_VALUES))
                own = hits[hits["kernel"] == binding_kernel(classifier)]
                for method, some in ((KERNEL, own), (BOTH, own[is_called(classifier, own, genome)])):
                    for row in compared(some, points):
                        rows.append({"protein": protein, "method": method, "seed": seed, **row})
                print(pd.DataFrame(rows[-2 * len(P_VALUES) :]).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    table.to_csv(HERE / "results" / "scan_yeast.csv", index=False, float_format="%.4f")
    render(table)


def render(table):
    """Write the table for the docs: means over seeds."""
    means = table.groupby(["protein", "p_value", "method"])[["hits", "precision", "recall"]].mean()
    lines = [
        ".. list-table:: Precision / recall (hits) on yeast chromosomes IV, XIII and XVI",
        "   :header-rows: 1",
        "   :stub-columns: 2",
        "",
        "   * - Protein",
        "     - p at most",
        "     - A kernel",
        "     - where log-odds > 0",
        "     - JASPAR's matrix with FIMO",
    ]
    for protein in PROTEINS:
        for p_value in P_VALUES:
            cells = [protein, f"{p_value:.0e}"]
            for method in (KERNEL, BOTH, JASPAR):
                row = means.loc[(protein, p_value, method)]
                share = f"{row['precision']:.2f} / {row['recall']:.2f}" if row["hits"] else "none"
                cells.append(f"{share} ({row['hits']:.0f})")
            lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(cells)]
    (HERE.parent / "docs" / "scanning_yeast.inc").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
