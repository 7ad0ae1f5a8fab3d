"""How arrays of numbers are read, and the engine that trains on few of them."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import assert_close_gradients, loss_and_gradients_by_loop
from strategies import draw_network, draw_targets

from skdeepprune import DeepPruneClassifier, OneHotDNA
from skdeepprune._channels import count_channels
from skdeepprune._engines import SMALL, choose_engine
from skdeepprune._engines._interface import Dropout, Penalty
from skdeepprune.sequences import one_hot

PARAMETERS = ("kernels", "kernel_bias", "dense_weights", "dense_bias")
SEQUENCES = ["".join(row) for row in np.random.default_rng(0).choice(list("ACGT"), (60, 20))]
LABELS = np.arange(60) % 2
ONE_HOT = OneHotDNA(dtype=float).fit_transform(SEQUENCES)


def tiny(**parameters):
    defaults = dict(n_kernels=2, n_prunings=1, kernel_length=4, max_iter=3, random_state=0)
    return DeepPruneClassifier(**(defaults | parameters))


@pytest.mark.parametrize("X", [SEQUENCES, ONE_HOT, ONE_HOT.astype(bool), ONE_HOT.reshape(60, 20, 4)])
def test_dna_has_four_channels_and_both_strands(X):
    classifier = tiny().fit(X, LABELS)
    assert (classifier.n_channels_, classifier.reverse_complement_, classifier.is_dna_) == (4, True, True)
    np.testing.assert_array_equal(classifier.predict_proba(X), tiny().fit(SEQUENCES, LABELS).predict_proba(SEQUENCES))


@pytest.mark.parametrize("n_columns", [1, 3, 4, 8, 30])
def test_other_numbers_have_one_channel_and_one_strand(rng, n_columns):
    X = rng.normal(size=(60, n_columns))
    classifier = tiny().fit(X, LABELS)
    assert (classifier.n_channels_, classifier.reverse_complement_, classifier.engine_) == (1, False, "numpy")
    assert classifier.kernels_.shape == (2, min(4, n_columns), 1)


def test_random_bits_and_constants_are_numbers(rng):
    assert count_channels(rng.integers(0, 2, (50, 40))) == 1
    assert count_channels((rng.random((50, 400)) < 0.05).astype(int)) == 1
    assert count_channels(np.zeros((5, 8))) == 1
    assert count_channels(np.ones((5, 8))) == 1


def damaged(name):
    X = ONE_HOT.copy()
    if name == "two":
        X[17, 8:12] = [0, 2, 0, 0]
    elif name == "two bases":
        X[17, 8:12] = [1, 1, 0, 0]
    elif name == "quarters":
        X[17, 8:12] = 0.25
    elif name == "smoothed":
        X = 0.02 + 0.94 * X
    elif name == "negative":
        X[17, 8:12] = [-1, 0, 0, 0]
    elif name == "a column too few":
        X = X[:, :-1]
    elif name == "a column too many":
        X = np.column_stack([X, np.arange(60.0)])
    elif name == "numbered rows":
        X = np.column_stack([np.arange(60.0), X])
    elif name == "four columns more":
        X = np.column_stack([np.arange(60.0), X, X[:, :3]])
    elif name == "axes swapped":
        X = X.reshape(60, 20, 4).swapaxes(1, 2).reshape(60, 80)
    elif name == "3-D, axes swapped":
        X = X.reshape(60, 20, 4).swapaxes(1, 2)
    elif name == "3-D":
        X = X.reshape(60, 20, 4)
        X[17, 2] = [0, 2, 0, 0]
    elif name == "tracks":
        X = np.concatenate([X.reshape(60, 20, 4), np.full((60, 20, 1), 0.3)], axis=2)
        X[17, 2, 1] = 2
    return X


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("two", r"row 17 has \[0.0, 2.0, 0.0, 0.0\] at position 2"),
        ("two bases", r"row 17 has \[1.0, 1.0, 0.0, 0.0\] at position 2"),
        ("quarters", r"row 17 has \[0.25, 0.25, 0.25, 0.25\] at position 2"),
        ("negative", r"row 17 has \[-1.0, 0.0, 0.0, 0.0\] at position 2"),
        ("smoothed", r"row 0 has .* at position 0"),
        ("a column too few", r"79 columns and looks like one-hot DNA from column 0 on"),
        ("a column too many", r"81 columns and looks like one-hot DNA from column 0 on"),
        ("numbered rows", r"81 columns and looks like one-hot DNA"),
        ("four columns more", r"84 columns and looks like one-hot DNA|one-hot DNA at most positions"),
        ("axes swapped", r"with swapped axes"),
        ("3-D, axes swapped", r"with swapped axes"),
        ("3-D", r"row 17 has .* at position 2.*set n_channels=4"),
        ("tracks", r"row 17 has .* at position 2.*set n_channels=5"),
    ],
)
def test_damaged_one_hot_dna_is_refused(name, message):
    X = damaged(name)
    with pytest.raises(ValueError, match=message):
        tiny().fit(X, LABELS)
    n_channels = 1 if X.ndim == 2 else X.shape[2]
    assert tiny(n_channels=n_channels).fit(X, LABELS).n_channels_ == n_channels


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(0, 3), st.floats(0, 0.4))
def test_one_hot_dna_with_one_wrong_number_is_never_numbers(seed, length, padding, share_unknown):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (12, length)).astype(np.uint8)
    codes[:, 1:-1][rng.random(codes[:, 1:-1].shape) < share_unknown] = 4
    X = one_hot(np.pad(codes, ((0, 0), (0, padding)), constant_values=4), float).reshape(12, -1)
    assert count_channels(X) == 4
    row, column = rng.integers(12), rng.integers(X.shape[1])
    X[row, column] = rng.choice([2, -1, 0.5, 255, 0.9, 3e38])
    with pytest.raises(ValueError, match=f"row {row} has .* at position {column // 4}"):
        count_channels(X)


def test_a_long_kernel_is_refused_before_it_costs_time():
    with pytest.raises(ValueError, match=r"kernel_length=1000000000, but the longest sequence has 20"):
        tiny(kernel_length=10**9).fit(SEQUENCES, LABELS)
    assert tiny(kernel_length=30).fit(SEQUENCES, LABELS).kernels_.shape[1] == 30


@pytest.mark.parametrize("sharpness", [2.0, np.inf])
@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize("n_channels", [1, 3, 4, 6])
@pytest.mark.parametrize("kernel_length", [1, 5, 20])
def test_gradients_equal_tensorflows(rng, n_channels, kernel_length, both_strands, sharpness):
    network = draw_network(
        3,
        kernel_length=kernel_length,
        n_channels=n_channels,
        reverse_complement=both_strands and n_channels >= 4,
        sharpness=sharpness,
    )
    X = rng.normal(size=(20, 17, n_channels)).astype(np.float32)
    X[3, 4] = X[5, :15] = 0
    y, weights = draw_targets(rng, 20)
    found = []
    for name in ("numpy", "tensorflow"):
        engine = choose_engine(name, is_dna=False)
        found.append(engine.gradients(network, engine.load(X, y, weights)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert_close_gradients(found[0][1], found[1][1])


@pytest.mark.parametrize("sharpness", [1.0, np.inf])
def test_gradients_are_finite_differences(rng, sharpness):
    network = draw_network(4, n_kernels=4, n_channels=5, reverse_complement=True, sharpness=sharpness)
    X = rng.normal(size=(30, 12, 5)).astype(np.float32)
    y, weights = draw_targets(rng, 30)
    engine = choose_engine("numpy", is_dna=False)
    _, gradient = engine.gradients(network, engine.load(X, y, weights))

    def loss(change, name):
        values = np.asarray(getattr(network, name), dtype=np.float64) + change
        changed = type(network)(**{**network.__dict__, name: values})
        logits = changed.decision(changed.scores(X))
        return np.mean(weights * (np.logaddexp(0, logits) - y * logits))

    for name in PARAMETERS:
        shape = np.shape(getattr(network, name))
        for _ in range(8):
            change = np.zeros(shape)
            place = tuple(rng.integers(0, shape)) if shape else ()
            change[place] = 1e-5
            slope = (loss(change, name) - loss(-change, name)) / 2e-5
            assert np.asarray(getattr(gradient, name))[place] == pytest.approx(slope, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("sharpness", [1.0, np.inf])
@pytest.mark.parametrize("penalty", [Penalty(), Penalty(l1=0.01, l2=0.02)])
def test_epochs_are_tensorflows(rng, sharpness, penalty):
    network = draw_network(7, n_kernels=6, n_channels=2, sharpness=sharpness)
    X = rng.normal(size=(50, 20, 2)).astype(np.float32)
    targets, order, found = draw_targets(rng, 50), rng.permutation(50)[:45], []
    for name in ("numpy", "tensorflow"):
        engine = choose_engine(name, is_dna=False)
        trainer, data = engine.trainer(network), engine.load(X, *targets)
        losses = [trainer.epoch(data, order, 16, 0.01, penalty=penalty) for _ in range(3)]
        found.append((losses, trainer.network))
        np.testing.assert_allclose(trainer.scores(data, order), trainer.network.scores(X[order]), rtol=1e-5, atol=1e-5)
        assert not trainer.word_sums(data, order).any()
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
    for name in PARAMETERS:
        np.testing.assert_allclose(getattr(found[0][1], name), getattr(found[1][1], name), atol=1e-5, err_msg=name)


def test_dropout_leaves_out_scores_of_a_share_of_kernels(rng):
    network = draw_network(11, n_kernels=200, n_channels=1)
    network = type(network)(**{**network.__dict__, "kernel_bias": np.full(200, 9, np.float32)})
    X, y, weights = rng.normal(size=(1, 20, 1)), np.ones(1, np.float32), np.full(1, 1e-6, np.float32)
    engine = choose_engine("numpy", is_dna=False)
    trainer = engine.trainer(network)
    loss = trainer.epoch(engine.load(X, y, weights), np.zeros(1, np.int64), 1, 1.0, Dropout(0.25, 3))
    kept = np.flatnonzero(trainer.network.dense_weights != network.dense_weights)
    assert 120 < len(kept) < 180
    rest = network.select(kept)
    rest = type(network)(**{**rest.__dict__, "dense_weights": rest.dense_weights / np.float32(0.75)})
    expected, _ = loss_and_gradients_by_loop(rest, X, y, weights)
    assert loss == pytest.approx(expected, rel=1e-4)


def test_blocks_do_not_change_the_gradient(rng, monkeypatch):
    network = draw_network(2, n_channels=3)
    engine = choose_engine("numpy", is_dna=False)
    data = engine.load(rng.normal(size=(40, 15, 3)), *draw_targets(rng, 40))
    whole = engine.gradients(network, data)
    monkeypatch.setattr("skdeepprune._engines._numpy._CELLS_AT_ONCE", 1000)
    in_blocks = engine.gradients(network, data)
    assert in_blocks[0] == pytest.approx(whole[0], rel=1e-6)
    assert_close_gradients(in_blocks[1], whole[1])


def test_the_size_chooses_the_engine():
    assert choose_engine("auto", is_dna=False, multiply_adds=SMALL).name == "numpy"
    assert choose_engine("auto", is_dna=False, multiply_adds=SMALL + 1).name == "tensorflow"
    with pytest.raises(ValueError, match="engine='numpy' reads real-valued channels only"):
        tiny(engine="numpy").fit(SEQUENCES, LABELS)


def test_few_numbers_need_no_tensorflow():
    code = """
import sys
import numpy as np
from skdeepprune import DeepPruneClassifier
X = np.random.default_rng(0).normal(size=(40, 6))
DeepPruneClassifier(1, n_prunings=1, max_iter=2, random_state=0).fit(X, X[:, 0] > 0).predict(X)
assert "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
