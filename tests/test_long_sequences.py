"""Predictions for sequences of any length equal those in float64."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import draw_network

from skdeepprune._engines import decide, motif_scores
from skdeepprune._engines._compiled import CompiledEngine

LENGTHS = pytest.mark.parametrize("length", [1, 3, 255, 256, 257, 1000, 20_000, 1_000_000])
POOLINGS = pytest.mark.parametrize("sharpness", [1.0, 2.0, np.inf])


def draw_long(rng, length, kind):
    if kind == "A":
        return np.zeros((1, length), np.uint8)
    codes = rng.integers(0, 4, (1, length)).astype(np.uint8)
    if kind == "with N":
        codes[rng.random(codes.shape) < 0.3] = 4
    return codes


@LENGTHS
@POOLINGS
@pytest.mark.parametrize("kind", ["A", "random", "with N"])
@pytest.mark.parametrize("both_strands", [False, True])
def test_scores_and_log_odds_are_those_of_float64(rng, length, sharpness, kind, both_strands):
    network = draw_network(5, n_kernels=2, kernel_length=4, reverse_complement=both_strands, sharpness=sharpness)
    composition = rng.normal(size=16)
    composition = (composition + composition.reshape(4, 4)[::-1, ::-1].T.ravel()) / max(length, 1)
    network = replace(network, kernel_bias=np.full(2, 5, np.float32), composition=composition.astype(np.float32))
    codes = draw_long(rng, length, kind)
    expected = network.scores(codes)
    np.testing.assert_allclose(motif_scores(network, codes), expected, rtol=1e-5)
    logits = network.decision(expected, network.word_sum(codes))
    np.testing.assert_allclose(decide(network, codes), logits, rtol=1e-5, atol=1e-5)


@POOLINGS
def test_training_scores_of_long_sequences_are_those_of_float64(rng, sharpness):
    network = draw_network(5, n_kernels=2, kernel_length=4, reverse_complement=True, sharpness=sharpness)
    network = replace(network, kernel_bias=np.full(2, 5, np.float32))
    codes = np.concatenate([draw_long(rng, 300_000, kind) for kind in ("A", "random")])
    engine = CompiledEngine()
    data = engine.load(codes, np.ones(2, np.float32), np.ones(2, np.float32))
    np.testing.assert_allclose(engine.trainer(network).scores(data, np.arange(2)), network.scores(codes), rtol=1e-5)
