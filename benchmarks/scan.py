"""Speed of scanning a genome, compared with memelite's FIMO and lightmotif: docs/scanning_speed.inc.

    python benchmarks/scan.py [--mb 24] [--turns 5]

Four matrices of 16 bp, both strands, p <= 1e-4 with a uniform background, one core. The programs take turns, and the
best turn of each counts; times are CPU times, since the machine may be shared. Results are written to
benchmarks/results/scan.csv with the commit, and the table in the docs is generated from the last run.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import lightmotif
import numpy as np
import pandas as pd
from memelite import fimo

from skdeepprune import DeepPruneClassifier, Network, Stage
from skdeepprune.effects import scan_to_bed
from skdeepprune.effects._portions import PORTION, Piece
from skdeepprune.effects._pvalues import PValues
from skdeepprune.effects._search import Search
from skdeepprune.sequences import decode, one_hot

HERE = Path(__file__).parent
N_KERNELS, WIDTH, P_VALUE, PSEUDO = 4, 16, 1e-4, 1e-4


def matrices(rng):
    """Make probability matrices (4, W) with about 1.2 bits per position."""
    return {f"motif_{i}": rng.dirichlet(np.full(4, 0.3), WIDTH).T for i in range(N_KERNELS)}


def classifier_of(ppms):
    """Make a classifier whose kernels are the log-odds that FIMO computes."""
    kernels = np.stack([(np.log2(ppm + PSEUDO) + 2).T for ppm in ppms.values()]).astype(np.float32)
    zeros = np.zeros(len(kernels), np.float32)
    network = Network(kernels, zeros, zeros + 1, 0.0, reverse_complement=True)
    classifier = DeepPruneClassifier(n_kernels=len(kernels), n_prunings=0)
    classifier.stages_ = [Stage(0, np.arange(len(kernels)), network, zeros, 0.0, 0.0, 0.5, [])]
    classifier.is_dna_ = True
    return classifier, network


def ours_from_codes(network, codes):
    p_values = [PValues.of(kernel) for kernel in network.kernels]
    search = Search.of(network, p_values, P_VALUE)
    n_hits = 0
    for start in range(0, len(codes), PORTION):
        hits, _ = search([Piece(0, start, codes[start : start + PORTION + WIDTH - 1])])
        n_hits += len(hits)
        for k in range(N_KERNELS):
            p_values[k].survival[hits["index"][hits["kernel"] == k]]
    return n_hits


def lightmotif_from_codes(ppms, sequence):
    """Count hits with lightmotif, whose scanner reports positions and scores; thresholds are from its own p-values."""
    n_hits = 0
    striped = lightmotif.stripe(sequence)
    for ppm in ppms.values():
        weights = np.log2(ppm + PSEUDO) + 2
        rows = {letter: weights[i].tolist() for i, letter in enumerate("ACGT")} | {"N": [0.0] * WIDTH}
        forward = lightmotif.ScoringMatrix(rows)
        threshold = forward.score(P_VALUE)
        for matrix in (forward, forward.reverse_complement()):
            n_hits += sum(1 for _ in lightmotif.scan(matrix, striped, threshold=threshold))
    return n_hits


def memelite_from_codes(ppms, channels):
    return sum(map(len, fimo(ppms, channels, threshold=P_VALUE)))


def ours_from_fasta(classifier, path, out):
    return int(scan_to_bed(classifier, path, out, p_value=P_VALUE)["hits"].sum())


def memelite_from_fasta(ppms, path, out):
    tables = fimo(ppms, str(path), threshold=P_VALUE)
    pd.concat(tables).to_csv(out, sep="\t", index=False)
    return sum(map(len, tables))


def timed(function):
    wall, cpu = time.perf_counter(), time.process_time()
    n_hits = function()
    return n_hits, time.process_time() - cpu, time.perf_counter() - wall


def write_fasta(codes, path):
    letters = np.frombuffer(b"ACGT", np.uint8)[codes].reshape(2, -1, 60)
    with open(path, "wb") as file:
        for i, rows in enumerate(letters):
            file.write(b">chr%d\n" % (i + 1) + np.pad(rows, ((0, 0), (0, 1)), constant_values=10).tobytes())


def commit():
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=24)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    ppms = matrices(rng)
    classifier, network = classifier_of(ppms)
    n = options.mb * 10**6 // 120 * 120
    codes = rng.integers(0, 4, n, dtype=np.uint8)
    sequence = decode(codes[None])[0]
    channels = one_hot(codes[None]).transpose(0, 2, 1).astype(np.float32)  # its fastest input
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "genome.fa", Path(folder) / "hits"
        write_fasta(codes, path)
        jobs = {
            ("codes to hits", "skdeepprune"): lambda: ours_from_codes(network, codes),
            ("codes to hits", "memelite"): lambda: memelite_from_codes(ppms, channels),
            ("codes to hits", "lightmotif"): lambda: lightmotif_from_codes(ppms, sequence),
            ("FASTA to table", "skdeepprune"): lambda: ours_from_fasta(classifier, path, out),
            ("FASTA to table", "memelite"): lambda: memelite_from_fasta(ppms, path, out),
        }
        for turn in range(-1, options.turns):  # the first turn compiles
            for (task, program), job in jobs.items():
                n_hits, cpu, wall = timed(job)
                if turn >= 0:
                    rows.append((task, program, turn, n, n_hits, round(cpu, 4), round(wall, 4)))
                print(turn, task, program, f"{n / cpu / 1e6:.0f} Mb/s, {n_hits} hits", flush=True)
    table = pd.DataFrame(rows, columns=["task", "program", "turn", "bases", "hits", "cpu_seconds", "seconds"])
    table = table.assign(commit=commit(), python=sys.version.split()[0], kernels=N_KERNELS, width=WIDTH)
    table.to_csv(HERE / "results" / "scan.csv", index=False)
    render(table)


def render(table):
    """Write the table for the docs."""
    best = table.loc[table.groupby(["task", "program"], sort=False)["cpu_seconds"].idxmin()]
    lines = [
        f".. list-table:: Million bases per second on one core: {N_KERNELS} matrices of {WIDTH} bp, both strands",
        "   :header-rows: 1",
        "   :stub-columns: 1",
        "",
        "   * - Task",
        "     - Program",
        "     - Mb/s",
        "     - Hits per Mb",
    ]
    for row in best.itertuples():
        speed, density = row.bases / row.cpu_seconds / 1e6, row.hits / row.bases * 1e6
        lines += [f"   * - {row.task}", f"     - {row.program}", f"     - {speed:.0f}", f"     - {density:.0f}"]
    lines += ["", f"Generated by ``benchmarks/scan.py`` at commit {table['commit'].iloc[0]}.", ""]
    (HERE.parent / "docs" / "scanning_speed.inc").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
