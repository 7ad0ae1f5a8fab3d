"""Expectation pooling and circular filters, against loops over the formulas, and beside the networks they vary."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import cell
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from strategies import dna, draw_network

from skdeepprune import DeepPruneClassifier, OneHotDNA
from skdeepprune._engines._tensorflow_variants import TensorFlowVariantEngine, Variant
from skdeepprune._network import Network
from skdeepprune.baselines import ConvolutionClassifier
from skdeepprune.datasets import load_simulated
from skdeepprune.sequences import encode

DATA = load_simulated(3, n_train=1000, n_test=500, random_state=0)
QUICK = {"max_iter": 3, "kernel_length": 8, "random_state": 0}
VARIANTS = pytest.mark.parametrize(
    "variant",
    [
        pytest.param({}, id="max"),
        pytest.param({"pooling": "expectation"}, id="expectation"),
        pytest.param({"circular": True, "n_kernels": 4}, id="circular"),
        pytest.param({"pooling": "expectation", "circular": True, "n_kernels": 2}, id="both"),
    ],
)


def activations_by_loop(network, sequence, k):
    """The ReLU of the convolution at every position, letter by letter."""
    length, sequence = network.kernel_length, sequence.strip("N")
    found = []
    for position in range(max(len(sequence) - length, 0) + 1):
        letters = sequence[position : position + length].ljust(length, "N")
        steps = [cell(network.kernels[k], i, letter) for i, letter in enumerate(letters)]
        found.append(max(sum(steps) + float(network.kernel_bias[k]), 0.0))
    return found


def expectation_by_loop(activations, m, window):
    best = [max(activations[start : start + window]) for start in range(0, len(activations), window)]
    weights = [np.exp(m * (a - max(best))) for a in best]
    return sum(w * a for w, a in zip(weights, best, strict=True)) / sum(weights)


def pool_by_loop(network, sequences, m, window):
    return [
        [expectation_by_loop(activations_by_loop(network, sequence, k), m, window) for k in range(network.n_kernels)]
        for sequence in sequences
    ]


def pool(network, sequences, m, window):
    """What the classifier that has this network makes of sequences."""
    classifier = ConvolutionClassifier(pooling="expectation", sharpness=m, local_window=window)
    classifier.network_ = network
    return np.concatenate(list(classifier._pooled(encode(sequences))))


def pool_in_training(network, sequences, variant):
    engine, n = TensorFlowVariantEngine(variant), len(sequences)
    loaded = engine.load(encode(sequences), np.zeros(n), np.ones(n))
    return engine.trainer(network).scores(loaded, np.arange(n))


def rotated(network, by, kernel_length):
    """The same network with its filters rotated, and all that belongs to the rotations with them."""
    order = np.roll(np.arange(network.n_kernels).reshape(-1, kernel_length), by, axis=1).ravel()
    filters = np.roll(network.kernels[::kernel_length], -by, axis=1)
    rotations = [np.roll(filters, -begin, axis=1) for begin in range(kernel_length)]
    return order, Network(
        np.stack(rotations, axis=1).reshape(network.kernels.shape),
        np.roll(network.kernel_bias.reshape(-1, kernel_length), -by, axis=1).ravel(),
        np.roll(network.dense_weights.reshape(-1, kernel_length), -by, axis=1).ravel(),
        network.dense_bias,
    )


# Pooling


@settings(max_examples=25)
@given(
    st.lists(dna, min_size=1, max_size=5),
    st.integers(1, 9),
    st.sampled_from([0.1, 1.0, 7.0]),
    st.integers(1, 6),
    st.integers(0, 5),
)
def test_expectations_equal_a_loop_over_letters(sequences, kernel_length, m, window, seed):
    network = draw_network(seed, kernel_length=kernel_length)
    expected = pool_by_loop(network, sequences, m, window)
    np.testing.assert_allclose(pool(network, sequences, m, window), expected, atol=1e-12)
    np.testing.assert_allclose(
        pool_in_training(network, sequences, Variant(m, window, circular=False)), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("window", [1, 5])
def test_between_mean_and_maximum(window):
    network, sequences = draw_network(1), ["ACGTTGCAATCG", "GGATTACAGATTACA", "CCN", "A"]
    maxima = network.scores(encode(sequences))
    np.testing.assert_allclose(pool(network, sequences, 1e6, window), maxima, rtol=1e-12)
    np.testing.assert_allclose(pool_in_training(network, sequences, Variant(1e6, window, False)), maxima, rtol=1e-6)
    means = [[np.mean(activations_by_loop(network, s, k)) for k in range(network.n_kernels)] for s in sequences]
    if window == 1:
        np.testing.assert_allclose(pool(network, sequences, 1e-9, 1), means, rtol=1e-6)
        np.testing.assert_allclose(pool_in_training(network, sequences, Variant(1e-9, 1, False)), means, rtol=1e-5)
    assert (pool(network, sequences, 1.0, window) <= maxima + 1e-12).all()
    assert (pool(network, sequences, 1.0, window) >= np.array(means) - 1e-12).all()


# Gradients


def loss(network, sequences, y, sample_weight, variant):
    if variant.sharpness is None:
        scores = network.scores(encode(sequences))
    else:
        scores = pool(network, sequences, variant.sharpness, variant.window)
    logits = network.decision(scores)
    return np.mean(sample_weight * (np.logaddexp(0, logits) - y * logits))


@pytest.mark.parametrize("variant", [Variant(2.0, 3, False), Variant(2.0, 1, True), Variant(None, 1, True)], ids=str)
def test_gradients_equal_differences(rng, variant):
    kernel_length = 4
    network = draw_network(0, n_kernels=8, kernel_length=kernel_length)
    if variant.circular:
        _, network = rotated(network, 0, kernel_length)
    sequences = ["".join(rng.choice(list("ACGTN"), n)) + "A" for n in rng.integers(1, 20, 15)]
    y, weights = rng.integers(0, 2, 15).astype(np.float32), rng.uniform(0.5, 2, 15).astype(np.float32)
    engine = TensorFlowVariantEngine(variant)
    value, gradients = engine.gradients(network, engine.load(encode(sequences), y, weights))
    assert value == pytest.approx(loss(network, sequences, y, weights, variant), rel=1e-5)

    def slope(**directions):
        """By how much the loss grows along a direction, in float64."""
        ends = []
        for step in (1e-6, -1e-6):
            arrays = {
                name: np.asarray(getattr(network, name), dtype=np.float64) + step * directions.get(name, 0)
                for name in ("kernels", "kernel_bias", "dense_weights", "dense_bias")
            }
            ends.append(loss(Network(**arrays), sequences, y, weights, variant))
        return (ends[0] - ends[1]) / 2e-6

    for k in range(8):
        unit = np.eye(8)[k]
        assert slope(kernel_bias=unit) == pytest.approx(gradients.kernel_bias[k], abs=1e-5)
        assert slope(dense_weights=unit) == pytest.approx(gradients.dense_weights[k], abs=1e-5)
    assert slope(dense_bias=1.0) == pytest.approx(gradients.dense_bias, abs=1e-5)
    for place in np.ndindex(8, kernel_length, 4):
        direction = np.zeros(network.kernels.shape)
        direction[place] = 1.0
        if variant.circular:  # all rotations of the filter move at once
            group, r = divmod(place[0], kernel_length)
            for other in range(kernel_length):
                i = (place[1] + r - other) % kernel_length
                direction[group * kernel_length + other, i, place[2]] = 1.0
        assert slope(kernels=direction) == pytest.approx(gradients.kernels[place], abs=1e-5)


# Circular filters


@given(by=st.integers(-9, 9), seed=st.integers(0, 5), m=st.sampled_from([None, 1.0]))
@settings(max_examples=20)
def test_rotating_a_filter_rotates_its_scores(by, seed, m):
    length = 5
    _, network = rotated(draw_network(seed, n_kernels=2 * length, kernel_length=length), 0, length)
    order, other = rotated(network, by, length)
    sequences = DATA.X_test[:20].tolist()
    scores = network.scores(encode(sequences)) if m is None else pool(network, sequences, m, 5)
    of_other = other.scores(encode(sequences)) if m is None else pool(other, sequences, m, 5)
    np.testing.assert_allclose(of_other[:, order], scores, atol=1e-12)
    np.testing.assert_allclose(other.decision(of_other), network.decision(scores), atol=1e-12)


@pytest.mark.parametrize("pooling", ["max", "expectation"])
def test_training_keeps_the_rotations_of_a_filter_equal(pooling):
    classifier = ConvolutionClassifier(n_kernels=3, circular=True, pooling=pooling, **QUICK)
    network = classifier.fit(DATA.X_train, DATA.y_train).network_
    assert network.n_kernels == 24
    np.testing.assert_array_equal(network.kernels, rotated(network, 0, 8)[1].kernels)
    initial = classifier._initial(np.random.default_rng(0))
    assert np.abs(network.kernels - initial.kernels).max() > 1e-3
    best = network.dense_weights.reshape(3, 8).argmax(axis=1)
    for filter_, kernel in enumerate(classifier.kernels_):
        np.testing.assert_array_equal(kernel, network.kernels[8 * filter_ + best[filter_]])


# The classifier


def test_plain_it_is_the_network_of_deepprune_before_pruning():
    settings = {"n_kernels": 6, "max_iter": 5, "kernel_length": 8, "random_state": 3, "batch_size": 50}
    settings["learning_rate_init"] = 0.01
    ours = ConvolutionClassifier(**settings).fit(DATA.X_train, DATA.y_train)
    theirs = DeepPruneClassifier(
        n_prunings=0,
        composition=0,
        reverse_complement=False,
        learning_rate="constant",
        pooling="max",
        mutation_rate=0,
        negatives="given",
        engine="tensorflow",
        **settings,
    )
    theirs.fit(DATA.X_train, DATA.y_train)
    np.testing.assert_allclose(ours.kernels_, theirs.kernels_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(DATA.X_test), theirs.predict_proba(DATA.X_test), atol=1e-5)
    np.testing.assert_allclose(ours.history_["val_loss"], theirs.history_["val_loss"], rtol=1e-5)


@VARIANTS
def test_it_learns(variant):
    classifier = ConvolutionClassifier(
        **{"n_kernels": 8, "max_iter": 25, "batch_size": 32, "learning_rate_init": 0.01, "random_state": 1} | variant
    )
    classifier.fit(DATA.X_train, DATA.y_train)
    assert roc_auc_score(DATA.y_test, classifier.decision_function(DATA.X_test)) > 0.75
    losses = classifier.history_["loss"]
    assert losses.iloc[-1] < losses.iloc[0] - 0.05
    assert len(losses) == classifier.n_iter_ <= 25


@VARIANTS
def test_same_seed_same_numbers_whatever_the_form_of_the_input(variant):
    classifier = ConvolutionClassifier(**QUICK | variant)
    first = classifier.fit(DATA.X_train, DATA.y_train).decision_function(DATA.X_test)
    again = clone(classifier).fit(DATA.X_train.tolist(), DATA.y_train.astype(str))
    assert again.classes_.tolist() == ["0", "1"]
    np.testing.assert_array_equal(again.decision_function(DATA.X_test), first)
    one_hot = OneHotDNA().fit(DATA.X_train)
    from_numbers = clone(classifier).fit(one_hot.transform(DATA.X_train), DATA.y_train)
    np.testing.assert_array_equal(from_numbers.decision_function(one_hot.transform(DATA.X_test)), first)
    other = clone(classifier).set_params(random_state=1).fit(DATA.X_train, DATA.y_train)
    assert np.abs(other.decision_function(DATA.X_test) - first).max() > 1e-3


@VARIANTS
def test_faces_agree(variant):
    X = [sequence[: 8 + i % 90] for i, sequence in enumerate(DATA.X_test.tolist())]  # of unequal length
    classifier = ConvolutionClassifier(**QUICK | variant).fit(DATA.X_train, DATA.y_train)
    decision, probability = classifier.decision_function(X), classifier.predict_proba(X)
    np.testing.assert_allclose(probability[:, 1], 1 / (1 + np.exp(-decision)))
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    np.testing.assert_array_equal(classifier.predict(X), (decision > 0).astype(int))
    alone = [classifier.decision_function([x])[0] for x in X[:5]]
    np.testing.assert_allclose(alone, decision[:5], atol=1e-12)


def test_predicting_from_a_pickle_needs_no_tensorflow(tmp_path):
    classifier = ConvolutionClassifier(pooling="expectation", circular=True, **QUICK).fit(DATA.X_train, DATA.y_train)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(classifier))
    X = DATA.X_test[:20].tolist()
    code = (
        "import pickle, sys\n"
        f"classifier = pickle.load(open({str(tmp_path / 'model.pkl')!r}, 'rb'))\n"
        "assert 'tensorflow' not in sys.modules\n"
        f"print(*classifier.decision_function({X}).tolist())\n"
        "assert 'tensorflow' not in sys.modules"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    np.testing.assert_array_equal(np.array(output.split(), dtype=float), classifier.decision_function(X))


def test_unreadable_input_is_refused():
    classifier = ConvolutionClassifier(**QUICK)
    with pytest.raises(ValueError, match="ConvolutionClassifier needs DNA"):
        classifier.fit(np.random.default_rng(0).normal(size=(10, 40)), [0, 1] * 5)
    with pytest.raises(ValueError, match="two classes"):
        classifier.fit(DATA.X_train[:10], [1] * 10)
    with pytest.raises(ValueError, match="at least 2 distinct sequences"):
        classifier.fit(["ACGT", "GGGG"], [0, 1])
    with pytest.raises(ValueError, match="'pooling' parameter"):
        ConvolutionClassifier(pooling="mean").fit(DATA.X_train, DATA.y_train)
