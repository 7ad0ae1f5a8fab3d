"""Every engine against a float64 loop, automatic differentiation and the other engine."""

import gc
import subprocess
import sys
from dataclasses import replace

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import PARAMETERS, assert_close_gradients, known_parts, loss_and_gradients_by_loop
from strategies import draw_network, draw_targets

from skdeepprune import _engines
from skdeepprune._engines import choose_engine
from skdeepprune._engines._interface import (
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPSILON,
    COMPOSITION_RATE,
    NO_PENALTY,
    Dropout,
    Penalty,
)
from skdeepprune._network import BASE_SHARES, Network, reverse_complement_words, shared

ENGINES = pytest.mark.parametrize("engine", ["compiled", "tensorflow"])


def draw_codes(rng, n, length, share_n=0.0, unequal=False):
    codes = rng.integers(0, 4, (n, length)).astype(np.uint8)
    codes[rng.random(codes.shape) < share_n] = 4
    if unequal:
        codes[np.arange(length) >= rng.integers(1, length + 1, n)[:, None]] = 4
        codes[np.arange(length) < rng.integers(0, length + 1, n)[:, None] // 4] = 4
    return codes


@ENGINES
@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    n_kernels=st.integers(1, 9),
    kernel_length=st.integers(1, 12),
    length=st.integers(1, 40),
    both_strands=st.booleans(),
    unequal=st.booleans(),
    sharpness=st.sampled_from([2.0, np.inf]),
    word_length=st.integers(0, 6),
)
def test_gradients_equal_the_loop(
    engine, seed, n_kernels, kernel_length, length, both_strands, unequal, sharpness, word_length
):
    rng = np.random.default_rng(seed)
    kind = {"reverse_complement": both_strands, "sharpness": sharpness, "word_length": word_length}
    network = draw_network(seed, n_kernels, kernel_length, **kind)
    codes = draw_codes(rng, 12, length, share_n=0.05, unequal=unequal)
    y, weights = draw_targets(rng, 12)
    engine = choose_engine(engine, is_dna=True)
    loss, gradients = engine.gradients(network, engine.load(codes, y, weights))
    expected_loss, expected = loss_and_gradients_by_loop(network, codes, y, weights)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert_close_gradients(gradients, expected)


@pytest.mark.parametrize("sharpness", [2.0, np.inf])
@pytest.mark.parametrize(("n_channels", "both_strands"), [(1, False), (3, False), (4, False), (4, True), (6, True)])
@pytest.mark.parametrize("length", [3, 17])
@pytest.mark.parametrize("engine", ["numpy", "tensorflow"])
def test_gradients_of_real_valued_channels_equal_the_loop(rng, engine, n_channels, both_strands, length, sharpness):
    network = draw_network(3, n_channels=n_channels, reverse_complement=both_strands, sharpness=sharpness)
    X = rng.normal(size=(20, length, n_channels)).astype(np.float32)
    X[rng.random((20, length)) < 0.2] = 0
    X[rng.random((20, length)) < 0.2] = 0.25
    X[::3, 6:12] = 0
    y, weights = draw_targets(rng, 20)
    engine = choose_engine(engine, is_dna=False)
    data = engine.load(X, y, weights)
    loss, gradients = engine.gradients(network, data)
    expected_loss, expected = loss_and_gradients_by_loop(network, X, y, weights)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert_close_gradients(gradients, expected)
    scores = engine.trainer(network).scores(data, np.arange(20))
    np.testing.assert_allclose(scores, network.scores(X), atol=1e-5)


@ENGINES
@pytest.mark.parametrize("both_strands", [False, True])
def test_gradients_equal_automatic_differentiation(rng, engine, both_strands):
    import tensorflow as tf

    network = draw_network(5, n_kernels=8, kernel_length=6, reverse_complement=both_strands)
    codes = draw_codes(rng, 64, 50, share_n=0.02)
    codes[:, [0, -1]] = 0
    y, weights = draw_targets(rng, 64)
    variables = [tf.Variable(np.asarray(getattr(network, name)), dtype=tf.float32) for name in PARAMETERS[:4]]
    with tf.GradientTape() as tape:
        kernels, kernel_bias, dense_weights, dense_bias = variables
        strands = [kernels, kernels[:, ::-1, ::-1]] if both_strands else [kernels]
        activations = [
            tf.nn.conv1d(tf.constant(BASE_SHARES[codes]), tf.transpose(k, [1, 2, 0]), 1, "VALID") for k in strands
        ]
        best = tf.reduce_max(tf.stack(activations), axis=[0, 2])
        logits = tf.linalg.matvec(tf.nn.relu(best + kernel_bias), dense_weights) + dense_bias
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.constant(y), logits=logits)
        loss = tf.reduce_mean(weights * losses)
    expected = Network(*(g.numpy() for g in tape.gradient(loss, variables)), both_strands)
    engine = choose_engine(engine, is_dna=True)
    actual_loss, actual = engine.gradients(network, engine.load(codes, y, weights))
    assert actual_loss == pytest.approx(float(loss), rel=1e-5)
    assert_close_gradients(actual, expected, rtol=1e-5)


def by_trained_words(network, by_words):
    """The gradient by what is trained of the words, which share their weights, from that by the weights."""
    n, words = network.word_length, np.arange(len(by_words))
    times = np.ones(len(words))  # tied words: the gradient stands twice
    if network.reverse_complement and n:
        times += reverse_complement_words(n) != words
    jacobian = np.stack([shared(unit, n) for unit in np.eye(len(words))], axis=1) if n else np.empty((0, 0))
    return times * (jacobian.T @ (by_words / times))


@ENGINES
@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize(
    ("word_length", "penalty"), [(0, NO_PENALTY), (3, NO_PENALTY), (4, Penalty(0.003, 0.02, 0.05)), (0, Penalty(0.01))]
)
def test_epoch_is_adam_over_batches(rng, engine, both_strands, word_length, penalty):
    network = draw_network(7, n_kernels=4, reverse_complement=both_strands, word_length=word_length)
    codes = draw_codes(rng, 50, 30, share_n=0.02)
    y, weights = draw_targets(rng, 50)
    order = rng.permutation(50)[:45]  # batches of 16, 16 and 13
    engine = choose_engine(engine, is_dna=True)
    trainer = engine.trainer(network)
    data = engine.load(codes, y, weights)
    losses = [trainer.epoch(data, order, 16, 0.01, penalty=penalty) for _ in range(2)]

    parameters = [np.asarray(getattr(network, name), dtype=np.float64) for name in PARAMETERS]
    parameters[4] = shared(parameters[4], word_length, inverse=True)
    moments = [[np.zeros_like(p), np.zeros_like(p)] for p in parameters]
    step, expected_losses = 0, []
    for _ in range(2):
        loss_sum = 0.0
        for start in range(0, 45, 16):
            rows = order[start : start + 16]
            current = Network(*parameters[:4], both_strands, np.inf, shared(parameters[4], word_length))
            loss, gradients = loss_and_gradients_by_loop(current, codes[rows], y[rows], weights[rows])
            loss_sum += loss * len(rows)
            step += 1
            for i, name in enumerate(PARAMETERS):
                gradient = np.asarray(getattr(gradients, name))
                if name == "composition":
                    gradient = by_trained_words(network, gradient) + penalty.words * parameters[i]
                elif name in ("kernels", "dense_weights"):
                    gradient = gradient + penalty.l1 * np.sign(parameters[i]) + penalty.l2 * parameters[i]
                first, second = moments[i]
                first = moments[i][0] = ADAM_BETA1 * first + (1 - ADAM_BETA1) * gradient
                second = moments[i][1] = ADAM_BETA2 * second + (1 - ADAM_BETA2) * gradient**2
                share = COMPOSITION_RATE if name == "composition" else 1
                rate = share * 0.01 * np.sqrt(1 - ADAM_BETA2**step) / (1 - ADAM_BETA1**step)
                parameters[i] = parameters[i] - rate * first / (np.sqrt(second) + ADAM_EPSILON)
        expected_losses.append(loss_sum / 45)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
    parameters[4] = shared(parameters[4], word_length)
    for name, expected in zip(PARAMETERS, parameters, strict=True):
        np.testing.assert_allclose(getattr(trainer.network, name), expected, atol=2e-5, err_msg=name)


@ENGINES
@pytest.mark.parametrize("sharpness", [2.0, np.inf])
@pytest.mark.parametrize("both_strands", [False, True])
def test_dropout_leaves_out_scores_and_scales_the_others(rng, engine, both_strands, sharpness):
    network = draw_network(11, n_kernels=32, reverse_complement=both_strands, sharpness=sharpness)
    network = replace(network, kernel_bias=np.full(32, 5, np.float32))  # every score is positive
    codes = draw_codes(rng, 1, 30)
    y, weights = np.ones(1, np.float32), np.full(1, 1e-6, np.float32)
    engine = choose_engine(engine, is_dna=True)
    data, order = engine.load(codes, y, weights), np.zeros(1, np.int64)
    all_kept = []
    for seed in range(150):
        trainer = engine.trainer(network)
        loss = trainer.epoch(data, order, 1, 1.0, Dropout(0.25, seed))
        after = trainer.network
        kept = np.flatnonzero(after.dense_weights != network.dense_weights)
        all_kept.append(np.isin(np.arange(32), kept))
        rest = network.select(kept)
        rest = replace(rest, dense_weights=rest.dense_weights / 0.75)
        expected_loss, expected = loss_and_gradients_by_loop(rest, codes, y, weights)
        assert loss == pytest.approx(expected_loss, rel=1e-4)
        # With gradients as small as its epsilon Adam's first step tells how large they were.
        for name, factor in (("kernels", 1), ("kernel_bias", 1), ("dense_weights", 1 / 0.75)):
            changes = np.asarray(getattr(network, name)) - getattr(after, name)
            assert not np.delete(changes, kept, axis=0).any()
            gradient = np.asarray(getattr(expected, name)) * factor
            steps = gradient / (np.abs(gradient) + ADAM_EPSILON / np.sqrt(1 - ADAM_BETA2))
            np.testing.assert_allclose(changes[kept], steps, atol=2e-4)
    np.testing.assert_allclose(np.mean(all_kept, axis=0), 0.75, atol=0.15)
    again = engine.trainer(network)
    again.epoch(data, order, 1, 1.0, Dropout(0.25, 149))
    np.testing.assert_array_equal(again.network.kernels, after.kernels)


def test_a_single_kernel_trains_in_a_fresh_process():
    # In this one the graph may have been traced for any number of kernels already.
    code = """
import numpy as np
from skdeepprune import DeepPruneClassifier
X = np.random.default_rng(0).normal(size=(40, 6))
DeepPruneClassifier(
    1, n_prunings=0, kernel_length=3, max_iter=1, engine="tensorflow", random_state=0
).fit(X, X[:, 0] > 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@ENGINES
def test_every_sequence_has_a_dropout_of_its_own(rng, engine):
    network = draw_network(11, n_kernels=32, reverse_complement=True)
    network = replace(network, kernel_bias=np.full(32, 5, np.float32))
    codes = draw_codes(rng, 60, 30)
    engine = choose_engine(engine, is_dna=True)
    trainer = engine.trainer(network)
    trainer.epoch(engine.load(codes, *draw_targets(rng, 60)), np.arange(60), 60, 0.01, Dropout(0.8, 1))
    assert (trainer.network.dense_weights != network.dense_weights).all()


@ENGINES
def test_every_batch_has_a_dropout_of_its_own(rng, engine):
    network = draw_network(11, n_kernels=32, reverse_complement=True)
    network = replace(network, kernel_bias=np.full(32, 5, np.float32))
    engine = choose_engine(engine, is_dna=True)
    data = engine.load(draw_codes(rng, 1, 30), np.ones(1, np.float32), np.ones(1, np.float32))
    never_kept = []
    for n_batches in (1, 8):
        trainer = engine.trainer(network)
        trainer.epoch(data, np.zeros(n_batches, np.int64), 1, 0.01, Dropout(0.7, 5))
        never_kept.append((trainer.network.dense_weights == network.dense_weights).sum())
    assert never_kept[0] > 8
    assert never_kept[1] < never_kept[0] / 2


@ENGINES
@pytest.mark.parametrize("sharpness", [2.0, np.inf])
@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize("word_length", [0, 1, 3, 6])
def test_scores_of_rows(rng, engine, sharpness, both_strands, word_length):
    kind = {"reverse_complement": both_strands, "sharpness": sharpness, "word_length": word_length}
    network = draw_network(8, n_kernels=5, **kind)
    codes = draw_codes(rng, 40, 30, share_n=0.05, unequal=True)
    engine = choose_engine(engine, is_dna=True)
    data = engine.load(codes, *draw_targets(rng, 40))
    rows = rng.permutation(40)[:23]
    trainer = engine.trainer(network)
    np.testing.assert_allclose(trainer.scores(data, rows), network.scores(codes[rows]), atol=1e-5)
    word_sums = trainer.word_sums(data, rows)
    assert word_sums.dtype == np.float64
    np.testing.assert_allclose(word_sums, network.word_sum(codes[rows]), atol=1e-4)
    assert trainer.scores(data, rows[:0]).shape == (0, 5)
    np.testing.assert_array_equal(trainer.word_sums(data, rows[:0]), [])
    np.testing.assert_allclose(trainer.network.composition, network.composition, atol=1e-5)


@ENGINES
def test_words_of_any_length_train_after_each_other(rng, engine):
    """Whatever shapes TensorFlow has traced its graphs for."""
    engine, codes = choose_engine(engine, is_dna=True), draw_codes(rng, 40, 30)
    data = engine.load(codes, *draw_targets(rng, 40))
    for word_length in (0, 1, 2, 0, 3, 1):
        network = draw_network(1, reverse_complement=True, word_length=word_length)
        trainer = engine.trainer(network)
        trainer.epoch(data, np.arange(40), 20, 0.01)
        assert trainer.network.composition.shape == network.composition.shape
        assert (trainer.network.composition != network.composition).all()
        np.testing.assert_allclose(trainer.word_sums(data, np.arange(40)), trainer.network.word_sum(codes), atol=1e-4)


@ENGINES
@pytest.mark.parametrize("sharpness", [2.0, np.inf])
def test_same_start_gives_the_same_bits(rng, engine, sharpness):
    kind = {"reverse_complement": True, "sharpness": sharpness, "word_length": 6}
    network = draw_network(9, n_kernels=16, kernel_length=8, **kind)
    codes = draw_codes(rng, 500, 60)
    engine = choose_engine(engine, is_dna=True)
    data = engine.load(codes, *draw_targets(rng, 500))
    order = rng.permutation(500)
    trainers = [engine.trainer(network) for _ in range(2)]
    for trainer in trainers:
        for _ in range(3):
            trainer.epoch(data, order, 64, 0.01)
    for name in PARAMETERS:
        np.testing.assert_array_equal(*(getattr(trainer.network, name) for trainer in trainers))


@pytest.mark.parametrize("sharpness", [2.0, np.inf])
def test_engines_train_alike(rng, sharpness):
    kind = {"reverse_complement": True, "sharpness": sharpness, "word_length": 6}
    network = draw_network(10, n_kernels=8, kernel_length=7, **kind)
    codes = draw_codes(rng, 600, 40)
    y = (network.select([0]).scores(codes)[:, 0] > 1.5).astype(np.float32)
    weights = np.ones_like(y)
    curves = []
    for name in ("compiled", "tensorflow"):
        engine = choose_engine(name, is_dna=True)
        trainer, data = engine.trainer(network), engine.load(codes, y, weights)
        order = np.random.default_rng(0)
        curves.append([trainer.epoch(data, order.permutation(600), 64, 0.003) for _ in range(5)])
    np.testing.assert_allclose(*curves, rtol=1e-4)


@pytest.mark.parametrize(("xla_pays", "sharpness"), [(2**60, np.inf), (0, np.inf), (0, 2.0)])
def test_a_hundred_networks_leave_no_traces_and_no_memory(rng, monkeypatch, xla_pays, sharpness):
    from skdeepprune._engines import _tensorflow

    monkeypatch.setattr(_tensorflow, "_XLA_PAYS", xla_pays)
    engine = choose_engine("tensorflow", is_dna=True)
    codes = draw_codes(rng, 200, 50)
    data = engine.load(codes, *draw_targets(rng, 200))
    order = np.arange(200)

    def train(n_kernels):
        trainer = engine.trainer(
            draw_network(0, n_kernels, kernel_length=10, reverse_complement=True, sharpness=sharpness)
        )
        trainer.epoch(data, order, 64, 0.01)
        trainer.scores(data, order)

    for n_kernels in (2, 3, 4):
        train(n_kernels)
    traces = _tensorflow._epoch.experimental_get_tracing_count(), _tensorflow._scores.experimental_get_tracing_count()
    gc.collect()
    memory = psutil.Process().memory_info().rss
    for i in range(100):
        train(2 + i % 3)
    gc.collect()
    assert traces == (
        _tensorflow._epoch.experimental_get_tracing_count(),
        _tensorflow._scores.experimental_get_tracing_count(),
    )
    assert psutil.Process().memory_info().rss - memory < 30e6


def test_compiled_engine_refuses_real_values():
    with pytest.raises(ValueError, match="engine='tensorflow'"):
        choose_engine("compiled", is_dna=False)


@pytest.mark.parametrize(("is_dna", "expected"), [(True, "compiled"), (False, "tensorflow")])
def test_auto_takes_the_compiled_engine_for_dna(is_dna, expected):
    assert choose_engine("auto", is_dna=is_dna).name == expected


@pytest.mark.parametrize("sharpness", [2.0, np.inf])
@pytest.mark.parametrize("n_kernels", [1, 5, 40])
def test_log_odds_by_blocks_are_those_of_all_at_once(monkeypatch, rng, n_kernels, sharpness):
    network = draw_network(4, n_kernels, reverse_complement=True, sharpness=sharpness, word_length=4)
    codes = draw_codes(rng, 100, 20, share_n=0.05)
    together = network.decision(_engines.motif_scores(network, codes), network.word_sum(codes))
    monkeypatch.setattr(_engines, "SCORES_AT_ONCE", 64)
    np.testing.assert_allclose(_engines.decide(network, codes), together, atol=1e-5)
    alone = np.concatenate([_engines.decide(network, row[None]) for row in codes])
    np.testing.assert_array_equal(_engines.decide(network, codes), alone)
    assert _engines.decide(network, codes[:0]).shape == (0,)


@pytest.mark.parametrize("n_kernels", [3, 130])
def test_xla_does_not_change_the_training(rng, monkeypatch, n_kernels):
    from skdeepprune._engines import _tensorflow

    engine = choose_engine("tensorflow", is_dna=True)
    codes = draw_codes(rng, 64, 30, unequal=True)
    data = engine.load(codes, *draw_targets(rng, 64))
    trained = []
    for xla_pays in (2**60, 0):
        monkeypatch.setattr(_tensorflow, "_XLA_PAYS", xla_pays)
        trainer = engine.trainer(draw_network(2, n_kernels, reverse_complement=True, word_length=5))
        trainer.epoch(data, np.arange(64), 32, 0.01)
        trained.append(trainer.network)
    for name in PARAMETERS:
        np.testing.assert_allclose(*(getattr(network, name) for network in trained), atol=1e-5, err_msg=name)


def test_lengths_reach_the_engine(rng):
    """A padded sequence has the scores of the sequence alone."""
    network = draw_network(11, reverse_complement=True)
    codes = draw_codes(rng, 30, 25, unequal=True)
    engine = choose_engine("tensorflow", is_dna=True)
    y, weights = draw_targets(rng, 30)
    together = engine.trainer(network).scores(engine.load(codes, y, weights), np.arange(30))
    starts, _, lengths = known_parts(codes)
    for n, (start, length) in enumerate(zip(starts, np.maximum(lengths, 1), strict=True)):
        alone = engine.load(codes[n : n + 1, start : start + length], y[:1], weights[:1])
        np.testing.assert_allclose(engine.trainer(network).scores(alone, np.arange(1))[0], together[n], atol=1e-6)


@ENGINES
@pytest.mark.parametrize("n_kernels", [1, 4, 8, 16, 17])
@pytest.mark.parametrize("both_strands", [False, True])
def test_a_network_taken_from_training_stays_as_it_was(rng, engine, n_kernels, both_strands):
    engine = choose_engine(engine, is_dna=True)
    trainer = engine.trainer(draw_network(1, n_kernels, reverse_complement=both_strands, word_length=3))
    data = engine.load(draw_codes(rng, 40, 20), *draw_targets(rng, 40))
    taken = trainer.network
    copies = [np.array(getattr(taken, name)) for name in PARAMETERS]
    trainer.epoch(data, np.arange(40), 8, 0.1)
    for name, copied in zip(PARAMETERS, copies, strict=True):
        np.testing.assert_array_equal(getattr(taken, name), copied)
