"""Time and memory for 50,000 matched negatives in a simulated, soft-masked genome of the size of hg38 with isochores.

    python benchmarks/speed/negatives.py [FASTA]

writes the genome if it does not exist (3 GB, by default in the temporary folder; not deleted), then prints the time and
peak memory of the search, including the FASTA index.
"""

import json
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from skdeepprune.genome import describe_match, region_sequences, sample_negatives
from skdeepprune.sequences import Genome

LETTERS = np.frombuffer(b"ACGTacgt", np.uint8)
N_PEAKS, WIDTH = 50_000, 101
CHUNK, ISOCHORE, REPEAT = 12_000_000, 50_000, 300


def write_genome(path: Path) -> None:
    """Write 24 chromosomes of 248 to 11 Mb."""
    rng = np.random.default_rng(0)
    with open(path, "wb") as file:
        for number in range(1, 25):
            length = 248_000_000 - 10_300_000 * (number - 1)
            file.write(f">chr{number}\n".encode())
            for start in range(0, length, CHUNK):
                file.write(lines_of(letters(min(CHUNK, length - start), rng)))


def letters(n: int, rng: np.random.Generator) -> np.ndarray:
    shares = np.clip(rng.normal(0.41, 0.06, n // ISOCHORE + 1), 0.3, 0.65).astype(np.float32)
    is_strong = rng.random(n, dtype=np.float32) < np.repeat(shares, ISOCHORE)[:n]
    second = rng.integers(0, 2, n, dtype=np.uint8)
    is_lower = np.repeat(rng.random(n // REPEAT + 1) < 0.5, REPEAT)[:n]
    return LETTERS[np.where(is_strong, 1 + second, 3 * second) + np.uint8(4) * is_lower]


def lines_of(text: np.ndarray, width: int = 60) -> bytes:
    whole = len(text) - len(text) % width
    lines = np.full((whole // width, width + 1), ord("\n"), np.uint8)
    lines[:, :width] = text[:whole].reshape(-1, width)
    rest = text[whole:].tobytes()
    return lines.tobytes() + (rest + b"\n" if rest else b"")


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "skdeepprune_3gb.fa"
    if not path.exists():
        write_genome(path)
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    with Genome(path) as genome:
        opened = time.perf_counter() - start
        names, lengths = list(genome.lengths), np.array(list(genome.lengths.values()))
        chromosome = rng.choice(len(names), N_PEAKS, p=lengths / lengths.sum())
        place = (rng.random(N_PEAKS) * (lengths[chromosome] - WIDTH)).astype(int)
        peaks = pd.DataFrame({"chrom": np.array(names)[chromosome], "start": place, "end": place + WIDTH})
        start = time.perf_counter()
        with warnings.catch_warnings(record=True):
            negatives = sample_negatives(peaks, genome, random_state=0)
        seconds = time.perf_counter() - start
        match = describe_match(region_sequences(peaks, genome), negatives["sequence"].tolist())
    print(
        json.dumps(
            {
                "bp": int(lengths.sum()),
                "opened_s": round(opened, 1),
                "found": len(negatives),
                "of": N_PEAKS,
                "seconds": round(seconds, 1),
                "max_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
                "gc_distance": round(match.gc_distance, 4),
                "repeat_distance": round(match.repeat_distance, 4),
            }
        )
    )


if __name__ == "__main__":
    main()
