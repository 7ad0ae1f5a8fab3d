from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score
from strategies import draw_network

from skdeepprune import DeepPruneClassifier, _training
from skdeepprune._auc import roc_auc
from skdeepprune._augmentation import Augmentation
from skdeepprune._engines import choose_engine
from skdeepprune._training import (
    DrawnAhead,
    LabeledData,
    Stage,
    StreamedData,
    evaluate,
    is_worse,
    smallest_good_size,
    with_sharpness,
)
from skdeepprune.datasets import load_simulated


def labeled(y, weights):
    return LabeledData(None, np.arange(len(y)), np.float32(y), np.float32(weights))


def test_evaluation_is_scikit_learns(rng):
    network = draw_network(0)
    decision = network.decision(rng.exponential(size=(200, 3)), rng.normal(size=200))
    y, weights = rng.integers(0, 2, 200), rng.uniform(0.1, 3, 200)
    loss, _, roc_auc = evaluate(decision, labeled(y, weights))
    probability = expit(decision)
    assert loss == pytest.approx(log_loss(y, probability, sample_weight=weights), rel=1e-6)
    assert roc_auc == pytest.approx(roc_auc_score(y, probability, sample_weight=weights), rel=1e-6)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3), st.floats(0.1, 5)), min_size=2, max_size=50))
def test_roc_auc_is_scikit_learns_also_with_ties(rows):
    y, decision, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    y[:2] = 0, 1
    assert roc_auc(y, decision, weights) == pytest.approx(roc_auc_score(y, decision, sample_weight=weights), abs=1e-12)


def test_worse_is_a_paired_comparison(rng):
    y = rng.integers(0, 2, 400)
    data = labeled(y, np.ones(400))
    logits = rng.normal(size=400)
    losses = np.logaddexp(0, logits) - y * logits
    all_a_little_worse = logits - 0.05 * (2 * y - 1)
    assert evaluate(all_a_little_worse, data).loss < losses.mean() + losses.std() / 20, "within an error of the loss"
    assert is_worse(all_a_little_worse, logits, data)
    assert not is_worse(logits, all_a_little_worse, data)
    assert not is_worse(logits, logits, data)
    counted = labeled(y, np.arange(400) < 200)
    assert not is_worse(np.where(np.arange(400) < 200, logits, all_a_little_worse), logits, counted)


def test_one_in_six_equally_good_networks_is_called_worse(rng):
    data = labeled(np.repeat([0, 1], 100), np.ones(200))
    share = np.mean([is_worse(one, other, data) for one, other in rng.normal(size=(2000, 2, 200))])
    assert share == pytest.approx(0.159, abs=0.03)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("n_epochs", [0, 1, 3])
def test_drawing_ahead_changes_no_draw(dropout, n_epochs):
    codes, y = np.random.default_rng(0).integers(0, 4, (40, 30), dtype=np.uint8), np.repeat(np.float32([0, 1]), 20)
    engine = choose_engine("compiled", is_dna=True)
    augmentation = Augmentation(0.1, "dinucleotide")
    data = StreamedData(engine, codes, np.arange(40), y, np.ones(40, np.float32), augmentation)
    drawn, left = [], []
    for n_threads in (1, 2):
        rng = np.random.default_rng(1)
        with DrawnAhead(data, 8, dropout, rng, n_threads) as ahead:
            epochs = [list(ahead.epoch()) for _ in range(n_epochs)]
        drawn.append(
            [(loaded.letters.tolist(), order.tolist(), out) for blocks in epochs for loaded, order, out in blocks]
        )
        left.append(rng.integers(2**63))
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == n_epochs
    assert left[0] == left[1], "the generator is where it would be"


def test_standard_error_is_the_spread_over_repeated_samples(rng):
    network = draw_network(0)
    weights = np.ones(400)
    evaluations = [
        evaluate(network.decision(rng.exponential(size=(400, 3))), labeled(rng.integers(0, 2, 400), weights))
        for _ in range(300)
    ]
    spread = np.std([evaluation.loss for evaluation in evaluations])
    assert np.mean([evaluation.loss_se for evaluation in evaluations]) == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [([0.5, 0.4, 0.45], 2), ([0.5, 0.4, 0.6], 1), ([0.4], 0), ([0.7, 0.6, 0.3, 0.39], 3)],
)
def test_smallest_size_within_a_standard_error(losses, expected):
    network = draw_network(0)
    stages = [Stage(i, np.arange(3), network, np.ones(3), loss, 0.1, 0.5, []) for i, loss in enumerate(losses)]
    assert smallest_good_size(stages) == expected


def test_another_pooling_keeps_the_level_of_positive_scores(rng):
    engine = choose_engine("compiled", is_dna=True)
    network = draw_network(3, n_kernels=6, kernel_length=8, reverse_complement=True)
    network.kernel_bias[:] = 0, 0.3, -0.3, -0.8, -1, -100
    codes = rng.integers(0, 4, (500, 60)).astype(np.uint8)
    y, weights = rng.integers(0, 2, 500).astype(np.float32), np.ones(500, np.float32)
    data = LabeledData(engine.load(codes, y, weights), np.arange(500), y, weights)
    other = with_sharpness(2.0, engine, network, data)
    lifted = replace(network, sharpness=2.0, kernel_bias=network.kernel_bias + 1000)
    sums, maxima = lifted.scores(codes) - 1000, network.scan(codes).pooled
    expected = [(sums - maxima)[maxima[:, k] > 0, k].mean() for k in range(5)]
    np.testing.assert_allclose((network.kernel_bias - other.kernel_bias)[:5], expected, atol=1e-4)
    assert other.kernel_bias[5] == -100, "never positive"
    assert other.sharpness == 2
    for name in ("kernels", "dense_weights"):
        np.testing.assert_array_equal(getattr(other, name), getattr(network, name))


def test_another_pooling_looks_at_no_more_scores_than_there_is_room_for(rng, monkeypatch):
    seen = []

    class Counted(LabeledData):
        def terms(self, trainer, chosen):
            seen.append(len(chosen) * trainer.network.n_kernels)
            return super().terms(trainer, chosen)

    monkeypatch.setattr(_training, "SCORES_AT_ONCE", 1000)
    engine, y = choose_engine("compiled", is_dna=True), np.ones(500, np.float32)
    data = Counted(engine.load(rng.integers(0, 4, (500, 30)).astype(np.uint8), y, y), np.arange(500), y, y)
    with_sharpness(2.0, engine, draw_network(3, n_kernels=6), data)
    assert 500 < max(seen) < 1100


@pytest.mark.parametrize("n_positives", [10, 50])
def test_classes_keep_their_shares_when_sequences_exceed_the_room(monkeypatch, n_positives):
    monkeypatch.setattr(_training, "SCORES_AT_ONCE", 200)
    y = np.zeros(100, np.float32)
    y[1 : 2 * n_positives : 2] = 1  # every other one: a stride would take one class alone
    chosen = _training._as_many_as_fit(y, draw_network(0, n_kernels=4))
    assert len(chosen) == 50 and (np.diff(chosen) > 0).all()
    assert y[chosen].sum() == n_positives / 2


def test_patience_begins_after_the_warm_up():
    data = load_simulated(3, n_train=400, n_test=200, random_state=0)
    classifier = DeepPruneClassifier(2, n_prunings=0, n_iter_no_change=1, learning_rate_init=0.1, random_state=2)
    # Labels are swapped, so that what is learned makes the held-out loss worse from epoch to epoch.
    classifier.set_params(composition=0).fit(data.X_train, data.y_train, X_val=data.X_test, y_val=1 - data.y_test)
    rates, losses = classifier.history_["learning_rate"], classifier.history_["val_loss"]
    assert losses[0] < losses[1] < losses[2]
    assert rates[:3].tolist() == pytest.approx([0.1 / 9, 0.2 / 9, 0.1])
    assert len(rates) == 3 + 4, "one epoch after the warm-up, then the annealing"
