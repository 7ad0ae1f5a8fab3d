"""Speed of effects: variants per second from a VCF file, and mutagenesis compared with scoring every mutated sequence.

    python benchmarks/effects.py [--out benchmarks/results/effects.csv]

Times are CPU seconds of one thread. Methods are compared in alternation, and the ratio is the median over the turns, so
that a busy machine slows both equally. The networks are random, since their output does not affect their cost. The
genome of 2 million bases and its 100,000 variants (85 % substitutions, the rest insertions and deletions) are
simulated; both are in memory or in the file system cache. A table is printed as well.
"""

import argparse
import csv
import os
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from skdeepprune import DeepPruneClassifier, Network, Stage
from skdeepprune._engines import decide
from skdeepprune._model_file import save_model
from skdeepprune.cli import main as command
from skdeepprune.effects import saturation_mutagenesis, score_variants
from skdeepprune.sequences import Genome, decode

FIELDS = ["measure", "kernels", "pooling", "length", "value", "unit", "ratio_to", "ratio", "commit"]
N_VARIANTS, GENOME_LENGTH, WINDOW = 100_000, 2_000_000, 101
HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def main() -> None:
    """Measure everything, print a table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "effects.csv")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    rows = []
    for n_kernels in (4, 16):
        rows += variants(rng, n_kernels, options.turns)
        for pooling in ("log-mean-exp", "max"):
            for length, n in ((101, 300), (1000, 40)):
                rows.append(mutagenesis(rng, n_kernels, pooling, length, n, options.turns))
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()
    with open(options.out, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "commit": commit} for row in rows)
    print("| " + " | ".join(FIELDS[:-1]) + " |\n" + "|---" * (len(FIELDS) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(str(row[name]) for name in FIELDS[:-1]) + " |")


def classifier_of(rng, n_kernels: int, pooling: str) -> DeepPruneClassifier:
    """Make a classifier with a random network: kernels of 16 bp, both strands, words of six letters."""
    network = Network(
        kernels=rng.normal(0, 0.5, (n_kernels, 16, 4)).astype(np.float32),
        kernel_bias=rng.normal(0, 1, n_kernels).astype(np.float32),
        dense_weights=rng.normal(0, 1, n_kernels).astype(np.float32),
        dense_bias=0.0,
        reverse_complement=True,
        sharpness=1.0 if pooling == "log-mean-exp" else np.inf,
        composition=rng.normal(0, 0.01, 4**6).astype(np.float32),
    )
    classifier = DeepPruneClassifier(n_kernels, n_prunings=0)
    kept = np.arange(n_kernels)
    classifier.stages_ = [Stage(0, kept, network, np.ones(n_kernels), 0.5, 0.1, 0.9, [])]
    classifier.rejected_stages_, classifier.is_dna_, classifier.classes_ = [], True, np.array([0, 1])
    classifier.engine_, classifier.negatives_ = "compiled", "given"
    classifier.word_counts_ = np.zeros((2, 4**6))
    return classifier


def seconds(function) -> float:
    """CPU time of a call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def variants(rng, n_kernels: int, turns: int) -> list[dict]:
    """Alleles per second from VCF to a table, to TSV and to VCF; and the ratio to scoring the windows alone."""
    classifier = classifier_of(rng, n_kernels, "log-mean-exp")
    letters = decode(rng.integers(0, 4, (1, GENOME_LENGTH), dtype=np.uint8))[0]
    windows = rng.integers(0, 4, (N_VARIANTS, WINDOW), dtype=np.uint8)
    network = classifier.stages_[-1].network

    def scoring() -> None:
        for _ in range(2):
            decide(network, windows)

    with tempfile.TemporaryDirectory() as folder:
        path, fasta, model = (Path(folder) / name for name in ("a.vcf", "a.fa", "a.safetensors"))
        path.write_text(HEADER + "".join(records(rng, letters)))
        fasta.write_text(f">chr1\n{letters}\n")
        save_model(classifier, model)
        given = [str(model), str(path), "--genome", str(fasta), "--window", str(WINDOW), "--quiet", "--force"]
        with Genome(fasta) as genome:
            ways = {
                "variants to a table": lambda: score_variants(classifier, path, genome, window=WINDOW),
                "variants to a TSV file": lambda: command(["variants", *given, "--out", f"{folder}/out.tsv"]),
                "variants to a VCF file": lambda: command(["variants", *given, "--out", f"{folder}/out.vcf"]),
            }
            rows = []
            for name, way in ways.items():
                way()
                scoring()
                times = [(seconds(way), seconds(scoring)) for _ in range(turns)]
                rows.append(
                    {
                        "measure": name,
                        "kernels": n_kernels,
                        "pooling": "log-mean-exp",
                        "length": WINDOW,
                        "value": f"{N_VARIANTS / min(own for own, _ in times):.0f}",
                        "unit": "alleles/s",
                        "ratio_to": "decision_function of the windows as codes",
                        "ratio": f"{np.median([other / own for own, other in times]):.2f}",
                    }
                )
    return rows


def records(rng, letters: str) -> list[str]:
    """Make the lines of a VCF file."""
    lines = []
    for place in np.sort(rng.integers(200, len(letters) - 200, N_VARIANTS)):
        ref, other = letters[place], "ACGT"["ACGT".index(letters[place]) - 1]
        kind = rng.random()
        if kind < 0.07:
            ref, other = letters[place : place + 4], letters[place]
        elif kind < 0.15:
            other = ref + "GAT"
        lines.append(f"chr1\t{place + 1}\trs{place}\t{ref}\t{other}\t100\tPASS\tAC=1;AF=0.01;AN=5008\n")
    return lines


def mutagenesis(rng, n_kernels: int, pooling: str, length: int, n: int, turns: int) -> dict:
    """Sequences per second, compared with scoring all mutated sequences as codes."""
    classifier = classifier_of(rng, n_kernels, pooling)
    network = classifier.stages_[-1].network
    codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
    sequences = decode(codes, strip=False)
    places = np.repeat(np.arange(length), 3)
    shifts = np.tile([1, 2, 3], length).astype(np.uint8)

    def by_brute_force(number: int):
        own = decide(network, codes[:1])
        for row in codes[:number]:
            written = np.repeat(row[None], 3 * length, axis=0)
            written[np.arange(3 * length), places] = (written[np.arange(3 * length), places] + shifts) % 4
            decide(network, written) - own

    n_written = max(n // 10, 1)
    saturation_mutagenesis(classifier, sequences)
    by_brute_force(1)
    times = [
        (seconds(lambda: saturation_mutagenesis(classifier, sequences)), seconds(lambda: by_brute_force(n_written)))
        for _ in range(turns)
    ]
    return {
        "measure": "saturation mutagenesis",
        "kernels": n_kernels,
        "pooling": pooling,
        "length": length,
        "value": f"{n / min(own for own, _ in times):.0f}",
        "unit": "sequences/s",
        "ratio_to": "decision_function of all replacements as codes",
        "ratio": f"{np.median([other / n_written * n / own for own, other in times]):.1f}",
    }


if __name__ == "__main__":
    main()
