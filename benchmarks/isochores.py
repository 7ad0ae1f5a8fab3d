"""A simulated genome whose unbound regions have structure, and the peaks of a protein in it.

It has what makes real negatives heterogeneous: GC content changes every 20 kb; frequencies of six-letter words are
unequal, beyond those of dinucleotides; repeats of a few families, in lower case, make up a quarter of the genome; and
open regions, GC-rich and with motifs of other proteins, are bound only if they contain the protein's own motif.
"""

import numpy as np
import pandas as pd

from skdeepprune.datasets import load_planted_motifs

N_CHROMOSOMES, LENGTH, ISOCHORE = 8, 2_000_000, 20_000
OPEN, N_OPEN, N_BOUND, WIDTH = 202, 1500, 700, 101
PROTEIN, OTHERS = "FOSL1::JUND", 5
WORD = 6


def simulate(seed: int = 11) -> tuple[dict[str, str], pd.DataFrame]:
    """Make the chromosomes chr1 to chr8, and a table of peaks, 101 bp around the centres of bound regions."""
    rng = np.random.default_rng(seed)
    motifs = load_planted_motifs()
    own = motifs.pop(PROTEIN).ppm
    others = [motif.ppm for motif in list(motifs.values())[:OTHERS]]
    words = np.stack(np.meshgrid(*[np.arange(4)] * WORD, indexing="ij"), axis=-1).reshape(-1, WORD)
    n_strong = np.isin(words, (1, 2)).sum(axis=1)
    frequency = rng.lognormal(0, 1, len(words))

    def dna(length, gc):
        share = frequency * (gc / 2) ** n_strong * ((1 - gc) / 2) ** (WORD - n_strong)
        chosen = rng.choice(len(words), -(-length // WORD), p=share / share.sum())
        return words[chosen].ravel()[:length]

    def plant(bases, ppm):
        site = (rng.random((len(ppm), 1)) > ppm.cumsum(axis=1)).sum(axis=1).clip(max=3)
        at = len(bases) // 4 + rng.integers(0, len(bases) // 2 - len(ppm))
        bases[at : at + len(ppm)] = site if rng.random() < 0.5 else 3 - site[::-1]

    families = [dna(300, 0.5) for _ in range(10)]
    genome, rows = {}, []
    for number in range(1, N_CHROMOSOMES + 1):
        gc = np.clip(rng.normal(0.41, 0.08, LENGTH // ISOCHORE), 0.28, 0.65)
        bases = np.concatenate([dna(ISOCHORE, share) for share in gc])
        masked = np.zeros(LENGTH, bool)
        for place in rng.integers(0, LENGTH - 300, LENGTH // 1000):
            copy = families[rng.integers(len(families))].copy()
            changed = rng.random(300) < 0.15
            copy[changed] = rng.integers(0, 4, changed.sum())
            bases[place : place + 300], masked[place : place + 300] = copy, True
        # Open regions overlap neither each other nor repeats, and are more frequent where GC content is high.
        places = np.arange(0, LENGTH - OPEN, 2 * OPEN)
        places = places[~np.logical_or.reduceat(masked, np.arange(0, LENGTH, 2 * OPEN))[: len(places)]]
        weight = gc[places // ISOCHORE] ** 3
        for rank, place in enumerate(rng.choice(places, N_OPEN, replace=False, p=weight / weight.sum())):
            opened = dna(OPEN, min(gc[place // ISOCHORE] + 0.1, 0.7))
            for ppm in others:
                if rng.random() < 0.3:
                    plant(opened, ppm)
            if rank < N_BOUND:
                plant(opened, own)
                middle = place + OPEN // 2
                rows.append((f"chr{number}", middle - WIDTH // 2, middle + WIDTH - WIDTH // 2))
            bases[place : place + OPEN] = opened
        letters = np.frombuffer(b"ACGT", np.uint8)[bases] | np.where(masked, 32, 0).astype(np.uint8)
        genome[f"chr{number}"] = letters.tobytes().decode()
    return genome, pd.DataFrame(rows, columns=["chrom", "start", "end"])
