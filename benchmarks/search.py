"""The search for defaults: variants tried, data sets, and results.

    python benchmarks/search.py --data FOLDER                      # all trials: hours
    python benchmarks/search.py --data FOLDER --trials both "both, batch 64"
    python benchmarks/search.py --summary                          # means of existing rows

Every trial is a way to train and prune, run on simulated sets and on ChIP-seq sets with at most 3,000 positives. Its
test AUC at every size is a row of benchmarks/results/search.csv, whether the variant was adopted or not. Existing rows
are not computed again. The variants are implemented here, on top of the package's engine; the successful ones were
moved into the package.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skdeepprune._augmentation import Augmentation
from skdeepprune._engines._compiled import CompiledEngine
from skdeepprune._engines._interface import Dropout, Engine
from skdeepprune._inputs import hold_out
from skdeepprune._network import Network
from skdeepprune._pruning import CRITERIA, most_important, saliency, second_order_increase
from skdeepprune._training import LabeledData, decide, evaluate, is_worse, with_sharpness
from skdeepprune.datasets import list_datasets, load_deepbind, load_fastsk, load_simulated
from skdeepprune.sequences import encode

RESULTS = Path(__file__).parent / "results" / "search.csv"
SIMULATED = ("simulated-3", "simulated-4", "simulated-5")
REAL = ("ELK1", "MYC", "TCF12", "SRF", "SERBP1")
# Sets with genomic negatives.
FASTSK = ("CTCF", "EP300", "JUND")
# Trials that also run on these.
ON_FASTSK = ("taken", "pooled", "from 64, pooled", "cut once", "annealed", "from 64, annealed")
ENGINE = CompiledEngine()
Scores = NDArray[Any]


@dataclass(frozen=True)
class Trial:
    """A way to train and prune; the defaults are the starting point of the search, after adding both augmentations."""

    learning_rate: float = 0.003
    decay: float = 1.2
    batch_size: int = 256
    mutation_rate: float = 0.1
    fresh_shuffles: bool = True
    # In sets whose negatives are not shuffles, shuffle half of the negatives in every epoch.
    mixed_negatives: bool = False
    held_out: float = 0.1
    patience: int = 15
    patience_below_32: int | None = None
    # Weight of the current epoch in a running average of the weights; the average is evaluated and kept.
    averaging: float = 1.0
    # Epochs without gain after which the learning rate is halved.
    plateau: int | None = None
    first: int = 256
    kernel_length: int = 16
    criterion: str = "weight"
    # Number of trainings at every size; the one with the lowest held-out loss is kept.
    restarts: int = 1
    # Weight of the unpruned network's probabilities in the labels (distillation).
    teacher: float = 0.0
    # Number of initial kernels that match 8-mers enriched in positives.
    enriched: int = 0
    # Start from kernels with the motifs planted in a simulated set: an upper bound.
    true_motifs: bool = False
    # Scan both strands of simulated sequences, whose motifs are on one.
    both_strands_simulated: bool = True
    # Number of N added on either side of a sequence, so that kernels can extend beyond its ends.
    padding: int = 0
    # Fraction of the motif scores dropped in training, with more kernels than the floor.
    dropout: float = 0.0
    dropout_floor: int = 16
    # Epochs without improvement after which training continues from the best network at a quarter of the rate; how
    # often.
    cut_after: int | None = None
    n_cuts: int = 1
    # Epochs after that in which the rate decays to 0. The last network is kept, regardless of its held-out loss or
    # unless that is worse than the best one before.
    n_annealed: int = 0
    unless_worse: bool = False
    # Warm-up epochs, in which the rate rises to its full value: for the unpruned network, and for pruned ones.
    warm_up: int = 0
    warm_up_pruned: int = 0
    # Mutation rate with 32 kernels or fewer, if different.
    mutation_rate_below_64: float | None = None
    # Number of steps per pruning, with an epoch of training between them.
    pruning_steps: int = 1
    # Number of rankings of the kernels, all but the first on a tenth of the sequences. Each selection is trained for
    # four epochs, and the network with the lowest training loss is kept.
    rankings: int = 1
    # Whether to refit the dense layer to its optimum before training a pruned network.
    refitted: bool = False
    # Use log(sum(exp(sharpness a))) / sharpness instead of the maximum, with at most `pooled` kernels.
    sharpness: float = np.inf
    pooled: int = 32
    # Whether to adjust the biases then, so that the mean of positive scores stays the same.
    biases_moved: bool = False
    # Another sharpness to try at half of that size, and to keep if the held-out loss is lower.
    tried_sharpness: float | None = None
    # Sharpness from there on, without trying, if different.
    sharpness_below: float | None = None
    # Pool only this many best windows; slope of a leaky ReLU; softplus instead of ReLU.
    n_windows: int | None = None
    slope: float = 0.0
    soft: bool = False
    # The trial whose networks of 64 kernels this one starts from.
    after: str | None = None


BOTH = Trial()
SALIENCY = replace(BOTH, criterion="saliency")
FASTER = replace(SALIENCY, learning_rate=0.01)
WITH_CUT = replace(FASTER, dropout=0.3, cut_after=6, patience=6)
ONE_STRAND = replace(FASTER, both_strands_simulated=False)
TAKEN = replace(WITH_CUT, warm_up=2, cut_after=10, patience=10)
POOLED = replace(TAKEN, sharpness=2.0, pooled=64, biases_moved=True)
CUT = replace(POOLED, tried_sharpness=1.0, criterion="saliency, halves fitted")
ANNEALED = replace(CUT, n_cuts=0, n_annealed=40)
LESS_MUTATED = replace(ANNEALED, mutation_rate_below_64=0.05)
UNLESS_WORSE = replace(LESS_MUTATED, tried_sharpness=None, sharpness_below=1.0, unless_worse=True)
SMALL = replace(BOTH, after="both")
SMALL_TAKEN = replace(TAKEN, after="taken")
TRIALS: dict[str, Trial] = {
    "no augmentation": replace(BOTH, mutation_rate=0.0, fresh_shuffles=False),
    "substitutions": replace(BOTH, fresh_shuffles=False),
    "both": BOTH,
    "both, weights averaged": replace(BOTH, averaging=0.2),
    "both, rate halved on a plateau": replace(BOTH, plateau=5),
    "both, batch 64": replace(BOTH, batch_size=64),
    "both, rate 0.01, halved on a plateau": replace(BOTH, learning_rate=0.01, plateau=5),
    "both, rate 0.01, weights averaged": replace(BOTH, learning_rate=0.01, averaging=0.2),
    **{
        f"from 64: {name}": replace(SMALL, criterion=name)
        for name in ("weight", "score", "score-and-weight", "saliency")
    },
    "from 64: weight x deviation": replace(SMALL, criterion="weight-and-deviation"),
    "from 64: loss without the kernel": replace(SMALL, criterion="leave-one-out"),
    "from 64: patience 40": replace(SMALL, patience=40),
    "from 64: rate 0.01": replace(SMALL, learning_rate=0.01, decay=1.0),
    "from 64: rate 0.01, weights averaged": replace(SMALL, learning_rate=0.01, decay=1.0, averaging=0.2),
    "from 64: saliency, weights averaged": replace(SMALL, criterion="saliency", averaging=0.2),
    "from 64: saliency, rate 0.01": replace(SMALL, criterion="saliency", learning_rate=0.01, decay=1.0),
    "from 64: saliency, best of 3": replace(SMALL, criterion="saliency", restarts=3),
    "from 64: saliency, half a teacher": replace(SMALL, criterion="saliency", teacher=0.5),
    "saliency": SALIENCY,
    "saliency, 128 enriched words": replace(SALIENCY, enriched=128),
    "saliency, rate 0.01": FASTER,
    "saliency, rate 0.01, patience 7": replace(FASTER, patience=7),
    "saliency, rate 0.01, patience 7, 30 below 32": replace(FASTER, patience=7, patience_below_32=30),
    "saliency, rate 0.01, patience 7, batch 128": replace(FASTER, patience=7, batch_size=128),
    "saliency, rate 0.01, batch 64": replace(FASTER, batch_size=64),
    "saliency, rate 0.01, 0.2 substituted": replace(FASTER, mutation_rate=0.2),
    "saliency, rate 0.01, 64 first": replace(FASTER, first=64),
    **{
        f"dropout {dropout}, cut {epochs}": replace(WITH_CUT, dropout=dropout, cut_after=epochs, patience=epochs)
        for dropout in (0.3, 0.5)
        for epochs in (4, 6, 8)
    },
    "warm-up 2, dropout 0.3, cut 6": replace(WITH_CUT, warm_up=2),
    "warm-up 2, dropout 0, cut 6": replace(WITH_CUT, warm_up=2, dropout=0.0),
    "warm-up 2 everywhere, dropout 0.3, cut 6": replace(WITH_CUT, warm_up=2, warm_up_pruned=2),
    "warm-up 2, dropout 0.3, cut 10": TAKEN,
    "taken": TAKEN,
    "taken, mixed": replace(TAKEN, mixed_negatives=True),
    "taken, kernels of 12": replace(TAKEN, kernel_length=12),
    "taken, kernels of 24": replace(TAKEN, kernel_length=24),
    "taken, 0.05 substituted": replace(TAKEN, mutation_rate=0.05),
    "taken, dropout 0.5": replace(TAKEN, dropout=0.5),
    "taken, weights averaged": replace(TAKEN, averaging=0.15),
    "taken, halved in 8 steps": replace(TAKEN, pruning_steps=8),
    "taken, log-sum-exp": replace(TAKEN, sharpness=2.0),
    **{
        f"taken, log-sum-exp from {first}{', sharpness ' * (m != 2)}{m if m != 2 else ''}": replace(
            TAKEN, sharpness=float(m), pooled=first
        )
        for first, m in ((64, 2), (128, 2), (64, 1), (64, 4))
    },
    "taken, log-sum-exp from 64, biases moved": POOLED,
    "pooled, 0.05 held out": replace(POOLED, held_out=0.05),
    "pooled, 0.2 held out": replace(POOLED, held_out=0.2),
    "cut once": CUT,
    "annealed": ANNEALED,
    "annealed, 0.05 substituted below 64": LESS_MUTATED,
    "annealed, 0.05 substituted below 64, sharpness 1": replace(
        LESS_MUTATED, tried_sharpness=None, sharpness_below=1.0
    ),
    "annealed unless worse, 0.05 substituted below 64, sharpness 1": UNLESS_WORSE,
    **{
        f"from 64, annealed: {name}": replace(
            UNLESS_WORSE, after="annealed unless worse, 0.05 substituted below 64, sharpness 1", **changes
        )
        for name, changes in {
            "nothing": {},
            "whatever the loss": {"unless_worse": False},
            "80 epochs": {"n_annealed": 80},
            "rate 0.005": {"learning_rate": 0.005},
            "rate 0.02": {"learning_rate": 0.02},
            "batch 128": {"batch_size": 128},
            "0.03 substituted": {"mutation_rate_below_64": 0.03},
            "0.07 substituted": {"mutation_rate_below_64": 0.07},
            "sharpness 2": {"sharpness_below": 2.0},
            "halved in 4 steps": {"pruning_steps": 4},
            "ranked by weight x deviation": {"criterion": "weight-and-deviation"},
            "soft rectifier": {"sharpness": 1.0, "soft": True, "biases_moved": False},
        }.items()
    },
    **{
        f"from 64, pooled: {name}": replace(POOLED, after="taken, log-sum-exp from 64, biases moved", **changes)
        for name, changes in {
            "nothing": {},
            "rate 0.02": {"learning_rate": 0.02},
            "sharpness 1": {"sharpness": 1.0},
            "sharpness 0.5": {"sharpness": 0.5},
            "sharpness 1 tried": {"tried_sharpness": 1.0},
            "sharpness 1 tried, halves fitted": {"tried_sharpness": 1.0, "criterion": "saliency, halves fitted"},
        }.items()
    },
    "from 64, dropout 0.3, cut 6: nothing": replace(WITH_CUT, after="dropout 0.3, cut 6"),
    "from 64, dropout 0.3, cut 6: dropout above 8": replace(WITH_CUT, after="dropout 0.3, cut 6", dropout_floor=8),
    "from 64, dropout 0.3, cut 6: dropout above 4": replace(WITH_CUT, after="dropout 0.3, cut 6", dropout_floor=4),
    "cut 4": replace(FASTER, cut_after=4, patience=4),
    "cut 7": replace(FASTER, cut_after=7, patience=7),
    "rate 0.02, cut 4 twice": replace(FASTER, learning_rate=0.02, cut_after=4, patience=4, n_cuts=2),
    **{
        f"from 64, rate 0.01: {name}": replace(FASTER, after="saliency, rate 0.01", **changes)
        for name, changes in {
            "nothing": {},
            "0.03 substituted": {"mutation_rate_below_64": 0.03},
            "none substituted": {"mutation_rate_below_64": 0.0},
            "cut 5 twice": {"cut_after": 5, "patience": 5, "n_cuts": 2},
            "cut 15": {"cut_after": 15, "n_cuts": 1},
            "batch 64, cut 5 twice": {"batch_size": 64, "cut_after": 5, "patience": 5, "n_cuts": 2},
            "rate 0.003": {"learning_rate": 0.003},
            "patience 40": {"patience": 40},
            "weights averaged": {"averaging": 0.2},
        }.items()
    },
    **{
        f"from 64, taken: {name}": replace(SMALL_TAKEN, **changes)
        for name, changes in {
            "nothing": {},
            "dense layer refitted": {"refitted": True},
            "ranked with refits": {"criterion": "saliency-refitted"},
            "best of 4 rankings": {"rankings": 4},
            "leaky ReLU 0.1": {"slope": 0.1},
            "leaky ReLU 0.5": {"slope": 0.5},
            "log-sum-exp": {"sharpness": 2.0},
            "log-sum-exp, sharpness 1": {"sharpness": 1.0},
            "log-sum-exp, 4 windows": {"sharpness": 2.0, "n_windows": 4},
        }.items()
    },
    "one strand simulated, rate 0.01": ONE_STRAND,
    "one strand simulated, dropout 0.3, cut 6, above 8": replace(
        WITH_CUT, both_strands_simulated=False, dropout_floor=8
    ),
    "one strand simulated, rate 0.01, dropout 0.3, cut 6": replace(ONE_STRAND, dropout=0.3, cut_after=6, patience=6),
    "one strand simulated, rate 0.01, dropout 0.5, cut 6": replace(ONE_STRAND, dropout=0.5, cut_after=6, patience=6),
    "one strand simulated, warm-up 2, dropout 0.3, cut 10": replace(TAKEN, both_strands_simulated=False),
    "one strand simulated, warm-up 2, dropout 0.3, cut 10, mixed": replace(
        TAKEN, both_strands_simulated=False, mixed_negatives=True
    ),
    "one strand simulated, rate 0.01, padding": replace(ONE_STRAND, padding=8),
    "one strand simulated, rate 0.01, true motifs": replace(ONE_STRAND, first=8, true_motifs=True),
    "one strand simulated, rate 0.01, true motifs, padding": replace(ONE_STRAND, first=8, true_motifs=True, padding=8),
    "one strand simulated, rate 0.01, padding, length 20": replace(ONE_STRAND, padding=10, kernel_length=20),
}


class Sequences:
    """A data set, split and loaded for the engine."""

    def __init__(self, name: str, folder: Path | None, trial: Trial, seed: int) -> None:
        data: Any
        self.engine: Engine = ENGINE
        if trial.slope or trial.n_windows or trial.soft:
            from search_pooling import Pooling, PoolingEngine  # here, since TensorFlow takes seconds to load

            self.engine = PoolingEngine(Pooling(trial.slope, trial.sharpness, trial.n_windows, trial.soft))
        self.is_simulated = name.startswith("simulated")
        if self.is_simulated:
            data = load_simulated(int(name[-1]), random_state=seed)
        elif name in FASTSK:
            data = load_fastsk(folder or "", name)
        else:
            full_name = next(other for other in list_datasets(folder or "")["deepbind"] if other.startswith(name))
            data = load_deepbind(folder or "", full_name, n_positives=3000, random_state=seed)
        self.motifs = data.motifs if self.is_simulated else ()
        codes, y = encode(data.X_train), np.asarray(data.y_train, dtype=np.float32)
        ones, self.padding = np.ones(len(y), np.float32), trial.padding
        rows, held_out = hold_out(
            codes, y, ones.astype(float), trial.held_out, np.array([0, 1]), np.random.default_rng(seed + 1000)
        )
        self.codes, self.y, self.y_test = codes[rows], y[rows], np.asarray(data.y_test)
        loaded = self._loaded(codes, y)
        self.training = LabeledData(loaded, rows, y[rows], ones[rows])
        self.validation = LabeledData(loaded, held_out, y[held_out], ones[held_out])
        self.test = self._loaded(encode(data.X_test), self.y_test.astype(np.float32))
        negatives = "mixed" if trial.mixed_negatives else "given"
        if trial.fresh_shuffles and name in REAL:
            negatives = "dinucleotide"
        self.augmentation = Augmentation(trial.mutation_rate, negatives)

    def _loaded(self, codes: NDArray[np.uint8], y: NDArray[np.float32]) -> Any:
        if self.padding:
            # Letters at the ends, since N at the ends would be trimmed.
            between, end = np.full((len(codes), self.padding), 4, np.uint8), np.zeros((len(codes), 1), np.uint8)
            codes = np.hstack([end, between, codes, between, end])
        return self.engine.load(codes, y, np.ones(len(y), np.float32))

    def draw(self, rng: np.random.Generator, mutation_rate: float) -> tuple[Any, NDArray[np.int64]]:
        augmentation = replace(self.augmentation, mutation_rate=mutation_rate)
        if not augmentation:
            return next(self.training.blocks(len(self.y), rng))
        sources = augmentation.sources(self.y, rng)
        codes = augmentation.apply(self.codes[sources], self.y, rng)
        return self._loaded(codes, self.y), rng.permutation(len(self.y))

    def scores(self, network: Network) -> Scores:
        return self.engine.trainer(network).scores(self.training.loaded, self.training.rows)

    def loss(self, network: Network, of: LabeledData) -> float:
        return evaluate(decide(self.engine.trainer(network), of).logits, of).loss

    def test_auc(self, network: Network) -> float:
        scores = self.engine.trainer(network).scores(self.test, np.arange(len(self.y_test)))
        return float(roc_auc_score(self.y_test, network.decision(scores)))


def by_deviation(network: Network, scores: Scores, y: Scores) -> Scores:
    return np.abs(network.dense_weights) * scores.std(axis=0)


def by_leaving_out(network: Network, scores: Scores, y: Scores) -> Scores:
    logits = network.decision(scores)[:, None] - scores * network.dense_weights
    return (np.logaddexp(0, logits) - y[:, None] * logits).mean(axis=0)


def refitted(network: Network, scores: Scores, y: Scores) -> Network:
    """Refit the dense layer of a network to its scores."""
    scale = scores.std(axis=0) + 1e-9
    fit = LogisticRegression(C=100.0, max_iter=1000).fit(scores / scale, y)
    return replace(
        network,
        dense_weights=(fit.coef_[0] / scale).astype(np.float32),
        dense_bias=float(fit.intercept_[0]),
    )


def by_refitted_saliency(network: Network, scores: Scores, y: Scores) -> Scores:
    """Order of removal, an eighth of the kernels at a time, refitting the dense layer in between."""
    rank, left = np.zeros(network.n_kernels), np.arange(network.n_kernels)
    while len(left):
        of_left = refitted(network.select(left), scores[:, left], y)
        order = np.argsort(second_order_increase(of_left, scores[:, left], np.zeros(len(scores))), kind="stable")
        removed = left[order[: -(-len(left) // 8)]]
        rank[removed] = network.n_kernels - len(left) + np.arange(len(removed))
        left = np.setdiff1d(left, removed)
    return rank


def by_second_order(network: Network, scores: Scores, y: Scores) -> Scores:
    return second_order_increase(network, scores, np.zeros(len(scores)))


IMPORTANCES = {
    **CRITERIA,
    # The saliency at every size when all trials but one were run.
    "saliency": by_second_order,
    "saliency, halves fitted": saliency,
    "weight-and-deviation": by_deviation,
    "leave-one-out": by_leaving_out,
    "saliency-refitted": by_refitted_saliency,
}


def averaged(one: Network, other: Network, share: float) -> Network:
    def mix(a: Any, b: Any) -> Any:
        return ((1 - share) * a + share * b).astype(np.float32)

    return replace(
        one,
        kernels=mix(one.kernels, other.kernels),
        kernel_bias=mix(one.kernel_bias, other.kernel_bias),
        dense_weights=mix(one.dense_weights, other.dense_weights),
        dense_bias=float((1 - share) * one.dense_bias + share * other.dense_bias),
    )


def enriched_words(
    codes: NDArray[np.uint8], y: NDArray[np.float32], n_words: int, length: int = 8
) -> NDArray[np.int64]:
    """Words enriched in positives, on either strand, each different from earlier ones in at least two letters."""
    n, n_windows = 4**length, codes.shape[1] - length + 1
    windows = np.lib.stride_tricks.sliding_window_view(codes.astype(np.int64), length, axis=1)
    places = 4 ** np.arange(length - 1, -1, -1)
    words = np.minimum(windows, 3) @ places
    letters = np.array(np.unravel_index(np.arange(n), (4,) * length)).T
    other_strand = (3 - letters[:, ::-1]) @ places
    words = np.minimum(words, other_strand[words])
    in_sequence = np.repeat(np.arange(len(codes)), n_windows).reshape(words.shape)

    def count(chosen: NDArray[np.bool_]) -> Scores:
        usable = chosen[:, None] & (windows.max(axis=2) < 4)
        counts = np.bincount(np.unique((in_sequence * n + words)[usable]) % n, minlength=n).astype(float)
        cube = np.maximum(counts, counts[other_strand]).reshape((4,) * length)
        return (cube + sum(0.5 * (cube.sum(axis=i, keepdims=True) - cube) for i in range(length))).ravel()

    positive, negative = count(y == 1), count(y == 0)
    excess = (positive - negative * (y == 1).sum() / (y == 0).sum()) / np.sqrt(positive + negative + 1)
    found = []
    for _ in range(n_words):
        found.append(int(excess.argmax()))
        for word in (found[-1], other_strand[found[-1]]):
            excess[(letters != letters[word]).sum(axis=1) <= 1] = -np.inf
    return letters[found]


def initial_network(data: Sequences, trial: Trial, rng: np.random.Generator) -> Network:
    both = trial.both_strands_simulated or not data.is_simulated
    network = Network.initial(trial.first, trial.kernel_length, 4, reverse_complement=both, rng=rng)
    if trial.enriched:
        words = enriched_words(data.codes, data.y, trial.enriched)
        start = (trial.kernel_length - words.shape[1]) // 2
        reading = np.full((*words.shape, 4), -0.1, np.float32)
        np.put_along_axis(reading, words[:, :, None], 0.3, axis=2)
        network.kernels[: len(words), start : start + words.shape[1]] += reading
        network.dense_weights[: len(words)] = np.abs(network.dense_weights[: len(words)])
    if trial.true_motifs:
        for kernel, motif in zip(network.kernels, data.motifs, strict=False):
            width = min(len(motif.ppm), trial.kernel_length)
            start, cut = (trial.kernel_length - width) // 2, (len(motif.ppm) - width) // 2
            kernel[:] = 0
            kernel[start : start + width] = 0.5 * np.log2(motif.ppm[cut : cut + width] / 0.26 + 0.04)
        network = replace(network, kernel_bias=network.kernel_bias - 1, dense_weights=np.abs(network.dense_weights))
    return network


def train(
    network: Network,
    data: Sequences,
    trial: Trial,
    rate: float,
    teacher: Network | None,
    rng: np.random.Generator,
) -> tuple[Network, float, int]:
    """Train one size; return the network with the lowest held-out loss, the loss, and the number of epochs."""
    trainer, average = data.engine.trainer(network), None
    best, best_loss, n_worse, n_flat, n_epochs = network, np.inf, 0, 0, 0
    patience = trial.patience if network.n_kernels > 16 else trial.patience_below_32 or trial.patience
    dropout = trial.dropout if network.n_kernels > trial.dropout_floor else 0.0
    n_warm_up = trial.warm_up if network.n_kernels == trial.first else trial.warm_up_pruned
    n_cuts = trial.n_cuts if trial.cut_after else 0
    mutation_rate = trial.mutation_rate
    if network.n_kernels < 64 and trial.mutation_rate_below_64 is not None:
        mutation_rate = trial.mutation_rate_below_64

    def run_epoch(share: float) -> None:
        nonlocal n_epochs
        loaded, order = data.draw(rng, mutation_rate)
        if teacher is not None:
            taught = expit(teacher.decision(data.engine.trainer(teacher).scores(loaded, np.arange(len(loaded)))))
            loaded = replace(loaded, y=((1 - trial.teacher) * loaded.y + trial.teacher * taught).astype(np.float32))
        trainer.epoch(loaded, order, trial.batch_size, share * rate, Dropout(dropout, n_epochs))
        n_epochs += 1

    while n_worse < patience:
        run_epoch((n_epochs + 1) / (3 * n_warm_up + 3) if n_epochs < n_warm_up else 1)
        average = trainer.network if average is None else averaged(average, trainer.network, trial.averaging)
        loss = data.loss(average, data.validation)
        if loss < best_loss:
            best, best_loss, n_worse, n_flat = average, loss, 0, 0
        else:
            n_worse, n_flat = n_worse + 1, n_flat + 1
            if n_flat == trial.plateau:
                rate, n_flat = rate / 2, 0
            if n_cuts and n_worse == trial.cut_after:
                trainer, average, rate, n_cuts, n_worse = data.engine.trainer(best), None, rate / 4, n_cuts - 1, 0
    if trial.n_annealed:
        trainer = data.engine.trainer(best)
        for share in np.linspace(1, 0, trial.n_annealed, endpoint=False):
            run_epoch(share)
        annealed = trainer.network
        logits, before = (decide(data.engine.trainer(one), data.validation).logits for one in (annealed, best))
        if not (trial.unless_worse and is_worse(logits, before, data.validation)):
            best, best_loss = annealed, evaluate(logits, data.validation).loss
    return best, best_loss, n_epochs


def pruned(
    network: Network, size: int, data: Sequences, trial: Trial, rate: float, rng: np.random.Generator
) -> Network:
    """Halve a network in the steps of the trial, with an epoch of training between them."""
    for left in np.geomspace(network.n_kernels, size, trial.pruning_steps + 1).round().astype(int)[1:]:
        scores, importance = data.scores(network), IMPORTANCES[trial.criterion]
        kept = {tuple(most_important(importance(network, scores, data.y), int(left)))}
        for _ in range(trial.rankings - 1):
            some = rng.random(len(scores)) < 0.1
            kept.add(tuple(most_important(importance(network, scores[some], data.y[some]), int(left))))
        candidates = [network.select(np.array(chosen)) for chosen in sorted(kept)]
        if trial.refitted:
            candidates = [refitted(candidate, data.scores(candidate), data.y) for candidate in candidates]
        if left > size:
            candidates = [after_epochs(1, candidate, data, trial, rate, rng) for candidate in candidates]
        if len(candidates) > 1:
            candidates = [after_epochs(4, candidate, data, trial, rate, rng) for candidate in candidates]
        network = min(candidates, key=lambda candidate: data.loss(candidate, data.training))
    return network


def after_epochs(
    n: int, network: Network, data: Sequences, trial: Trial, rate: float, rng: np.random.Generator
) -> Network:
    trainer = data.engine.trainer(network)
    for _ in range(n):
        loaded, order = data.draw(rng, trial.mutation_rate)
        trainer.epoch(loaded, order, trial.batch_size, rate, Dropout(0.0, 0))
    return trainer.network


def pooled(network: Network, size: int, data: Sequences, trial: Trial) -> list[Network]:
    """Set the sharpness for a size; more than one network if the trial tries several."""
    sharpness = trial.sharpness_below if trial.sharpness_below and size < trial.pooled else trial.sharpness
    sharpnesses = [sharpness if size <= trial.pooled else np.inf]
    if trial.tried_sharpness and size == trial.pooled // 2:
        sharpnesses.append(trial.tried_sharpness)
    elif trial.tried_sharpness and size < trial.pooled // 2:
        sharpnesses = [network.sharpness]
    if trial.biases_moved:
        return [with_sharpness(sharpness, data.engine, network, data.training) for sharpness in sharpnesses]
    return [replace(network, sharpness=sharpness) for sharpness in sharpnesses]


@lru_cache(maxsize=4)
def networks(name: str, dataset: str, folder: Path | None, seed: int) -> list[tuple[Network, dict[str, Any]]]:
    """Run a trial on a data set; return the network at every size, with its row."""
    trial = TRIALS[name]
    data, rng = Sequences(dataset, folder, trial, seed), np.random.default_rng(seed)
    found: list[tuple[Network, dict[str, Any]]] = []
    if trial.after is not None:
        found = [pair for pair in networks(trial.after, dataset, folder, seed) if pair[0].n_kernels >= 64]
        rng = np.random.default_rng(seed + 77)
    network = found[-1][0] if found else initial_network(data, trial, rng)
    teacher = found[0][0] if trial.teacher else None
    n_found = len(found)
    size = network.n_kernels // 2 if found else trial.first
    while size >= 4:
        began, rate = time.process_time(), trial.learning_rate / trial.decay ** np.log2(256 / size)
        if found:
            network = pruned(network, size, data, trial, rate, rng)
        starts = [start for start in pooled(network, size, data, trial) for _ in range(trial.restarts)]
        trainings = [train(start, data, trial, rate, teacher, rng) for start in starts]
        network, loss, n_epochs = min(trainings, key=lambda training: training[1])
        row = {"n_kernels": size, "auc": data.test_auc(network), "val_loss": loss, "epochs": n_epochs}
        row["seconds"] = time.process_time() - began
        row["train_loss"] = data.loss(network, data.training)
        row["dead_kernels"] = int((data.scores(network).max(axis=0) <= 0).sum())
        found.append((network, row))
        size //= 2
    return found[n_found:]


def job(name: str, dataset: str, folder: Path | None, seed: int) -> pd.DataFrame:
    rows = pd.DataFrame([row for _, row in networks(name, dataset, folder, seed)])
    rows.insert(0, "trial", name)
    rows.insert(1, "dataset", dataset)
    rows.insert(2, "seed", seed)
    return rows.round({"auc": 5, "val_loss": 5, "train_loss": 5, "seconds": 2})


def missing(trials: list[str], datasets: list[str], seeds: range) -> Iterator[tuple[str, str, int]]:
    done: set[Any] = set()
    if RESULTS.exists():
        done = set(pd.read_csv(RESULTS)[["trial", "dataset", "seed"]].itertuples(index=False, name=None))
    cells = ((trial, dataset, seed) for seed in seeds for dataset in datasets for trial in trials)
    return (
        (trial, dataset, seed)
        for trial, dataset, seed in cells
        if (trial, dataset, seed) not in done
        and (dataset in SIMULATED or not TRIALS[trial].true_motifs)
        and (dataset not in FASTSK or trial.startswith(ON_FASTSK))
        and (dataset not in REAL or not TRIALS[trial].mixed_negatives)
    )


def summary() -> str:
    """Mean AUC of every trial. Only trials on the same sets are comparable."""
    rows = pd.read_csv(RESULTS)
    kind = np.where(rows["dataset"].str.startswith("simulated"), "simulated", "real")
    means = rows.assign(kind=kind).pivot_table(index="trial", columns=["kind", "n_kernels"], values="auc", sort=False)
    sets = rows.groupby("trial", sort=False)["dataset"].nunique()
    means.index = means.index + " (" + sets[means.index].astype(str) + " sets)"
    return means.round(3).to_string(na_rep="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real collections; without it only simulated sets")
    parser.add_argument("--trials", nargs="+", choices=TRIALS, metavar="NAME", default=list(TRIALS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--summary", action="store_true", help="only show the means")
    options = parser.parse_args()
    if not options.summary:
        datasets = [*SIMULATED, *((*REAL, *FASTSK) if options.data else ())]
        cells = list(missing(options.trials, datasets, range(options.seeds)))
        work: Callable[..., Any] = delayed(job)
        jobs = (work(trial, dataset, options.data, seed) for trial, dataset, seed in cells)
        for rows in Parallel(options.n_jobs, return_as="generator_unordered")(jobs):
            rows.to_csv(RESULTS, mode="a", header=not RESULTS.exists(), index=False)
            print(rows.to_string(index=False, header=False), flush=True)
    print(summary())


if __name__ == "__main__":
    # Worker processes must be able to import the module of the functions they run.
    import search

    search.main()
