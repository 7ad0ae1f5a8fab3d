from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from skdeepprune._network import Network
from skdeepprune._pruning import CRITERIA, kernel_schedule, most_important, saliency, weight_importance


@pytest.fixture
def network():
    return Network(
        kernels=np.zeros((3, 2, 4), np.float32),
        kernel_bias=np.zeros(3, np.float32),
        dense_weights=np.array([-2.0, 0.5, 1.0], np.float32),
        dense_bias=0.0,
    )


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [("weight", [2, 0.5, 1]), ("score", [1, 4, 0]), ("score-and-weight", [2, 2, 0])],
)
def test_criteria_by_hand(network, criterion, expected):
    scores = np.array([[1.0, 0, 3], [3, 0, 3], [1, 3, 3], [1, 5, 3]])
    y = np.array([1, 1, 0, 0])
    np.testing.assert_allclose(CRITERIA[criterion](network, scores, y), expected)


def least_loss(scores, y):
    """The least cross-entropy of a dense layer on these scores, by scikit-learn."""
    if scores.shape[1] == 0:
        return np.log(2)
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(scores, y)
    return log_loss(y, fitted.predict_proba(scores))


def as_network(dense, bias):
    n_kernels = len(dense)
    return Network(np.zeros((n_kernels, 2, 4), np.float32), np.zeros(n_kernels, np.float32), dense, bias)


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_saliency_is_the_loss_of_the_best_dense_layer(seed):
    rng = np.random.default_rng(seed)
    scores = np.abs(rng.normal(size=(4000, 4)))
    scores[:, 3] = scores[:, 2] + 0.5 * scores[:, 3]
    y = (rng.random(4000) < expit(scores @ [0.4, -0.25, 0.2, 0.1])).astype(int)
    fitted = LogisticRegression(C=np.inf, tol=1e-8).fit(scores, y)
    network = as_network(fitted.coef_[0].astype(np.float32), fitted.intercept_[0])
    importances = saliency(network, scores.astype(np.float32), y)
    before, removed = least_loss(scores, y), []
    for k in np.argsort(importances):
        removed.append(k)
        left = np.setdiff1d(range(4), removed)
        assert importances[k] == pytest.approx(least_loss(scores[:, left], y) - before, rel=0.15, abs=1e-3) or not len(
            left
        )


def test_saliency_keeps_one_of_two_kernels_that_read_the_same_and_drops_dead_ones(rng):
    scores = rng.exponential(size=(1000, 4)).astype(np.float32)
    scores[:, 1] = scores[:, 0] * 1.01
    scores[:, 3] = 0
    network = as_network(np.array([1.0, 1.0, 0.6, 50.0], np.float32), -1.0)
    y = rng.integers(0, 2, 1000)
    assert most_important(weight_importance(network, scores, y), 2).tolist() != [0, 2]
    importances = saliency(network, scores, y)
    assert importances[3] == pytest.approx(0, abs=1e-6)
    assert set(most_important(importances, 2)) in ({0, 2}, {1, 2})


def test_removing_several_at_once_keeps_nearly_the_same(rng, monkeypatch):
    scores = np.abs(rng.normal(size=(600, 40)) @ rng.normal(size=(40, 40)))
    network = as_network(rng.normal(size=40).astype(np.float32), 0.0)
    exact = most_important(saliency(network, scores, np.zeros(600)), 20)
    monkeypatch.setattr("skdeepprune._pruning._REMOVED_ONE_BY_ONE", 8)
    quick = saliency(network, scores, np.zeros(600))
    assert len(np.unique(quick)) == 40
    assert len(np.intersect1d(exact, most_important(quick, 20))) >= 17


def test_saliency_does_not_depend_on_the_scale_of_a_kernel(rng):
    scores, dense = rng.exponential(size=(500, 5)), rng.normal(size=5)
    factors = np.array([0.01, 1, 3, 100, 7])
    y = np.zeros(500)
    one = saliency(as_network(dense.astype(np.float32), 0.3), scores, y)
    other = saliency(as_network((dense / factors).astype(np.float32), 0.3), scores * factors, y)
    np.testing.assert_allclose(one, other, rtol=1e-4)


def penalised_loss(scores, y):
    """The least mean cross-entropy of a dense layer, by scikit-learn, with the penalty that the ranking has."""
    scaled = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    fit = LogisticRegression(C=1 / (0.001 * len(y)), tol=1e-8, max_iter=1000).fit(scaled, y)
    return log_loss(y, fit.predict_proba(scaled)[:, 1]) + 0.0005 * np.square(fit.coef_).sum()


@pytest.fixture
def redundant(rng):
    """Draw scores of kernels that partly read the same, of sequences in no order of class, and a dense layer."""

    def draw(n_kernels, n=900):
        scores = np.abs(rng.normal(size=(n, n_kernels)) @ rng.normal(size=(n_kernels, n_kernels)))
        dense = rng.normal(size=n_kernels) / scores.std(axis=0)
        y = (rng.random(n) < expit((scores - scores.mean(axis=0)) @ dense)).astype(int)
        return as_network(dense.astype(np.float32), 0.0), scores, y

    return draw


@pytest.mark.parametrize("n_kernels", [1, 2, 5, 8])
def test_of_few_kernels_the_best_half_stays(redundant, n_kernels):
    network, scores, y = redundant(n_kernels)
    n_kept = n_kernels - n_kernels // 2
    kept = most_important(saliency(network, scores, y), n_kept)
    halves = [list(half) for half in combinations(range(n_kernels), n_kept)]
    best = min(penalised_loss(scores[:, half], y) for half in halves)
    assert penalised_loss(scores[:, kept], y) == pytest.approx(best, abs=1e-4)


def test_no_exchange_improves_the_kept_half_of_16_kernels(redundant):
    network, scores, y = redundant(16)
    kept = most_important(saliency(network, scores, y), 8)
    loss = penalised_loss(scores[:, kept], y)
    for k in kept:
        for other in np.setdiff1d(np.arange(16), kept):
            exchanged = [*np.setdiff1d(kept, [k]), other]
            assert penalised_loss(scores[:, exchanged], y) > loss - 1e-4


@pytest.mark.parametrize("n_kernels", [4, 8, 16])
def test_importances_are_how_much_the_loss_has_grown(redundant, n_kernels):
    network, scores, y = redundant(n_kernels)
    importances = saliency(network, scores, y)
    order = np.argsort(importances)
    everything = penalised_loss(scores, y)
    for i in range(n_kernels - 1):
        left = np.sort(order[i + 1 :])
        assert importances[order[i]] == pytest.approx(penalised_loss(scores[:, left], y) - everything, abs=1e-4)


@pytest.mark.parametrize("n_kernels", [4, 12])
def test_ranking_by_refits_bears_separable_classes_and_one_class(rng, n_kernels):
    y = np.repeat([0, 1], 20)
    scores = rng.exponential(size=(40, n_kernels)) + 100 * y[:, None]
    network = as_network(np.full(n_kernels, 1e3, np.float32), -1e5)
    for labels in (y, np.zeros(40)):
        importances = saliency(network, scores, labels)
        assert np.isfinite(importances).all()
        assert importances.min() > -1e-5


def test_many_sequences_of_both_classes_take_part_in_the_ranking(redundant, monkeypatch):
    network, scores, y = redundant(8, n=4000)
    alternating = np.concatenate([np.flatnonzero(y == 1)[:1500, None], np.flatnonzero(y == 0)[:1500, None]], 1).ravel()
    scores, y = scores[alternating], y[alternating]
    exact = saliency(network, scores, y)
    monkeypatch.setattr("skdeepprune._pruning._REFITTED_SEQUENCES", 1500)
    np.testing.assert_allclose(saliency(network, scores, y), exact, atol=0.05)
    assert not np.array_equal(saliency(network, scores, y), exact)


@given(arrays(float, st.integers(1, 40), elements=st.integers(0, 3).map(float)), st.data())
def test_kept_kernels_are_never_less_important_than_pruned_ones(importances, data):
    n_kept = data.draw(st.integers(1, len(importances)))
    kept = most_important(importances, n_kept)
    assert len(kept) == n_kept == len(set(kept))
    assert (np.diff(kept) > 0).all()
    pruned = np.setdiff1d(np.arange(len(importances)), kept)
    for k in pruned:
        assert importances[kept].min() >= importances[k]
        equals = kept[importances[kept] == importances[k]]
        assert (equals < k).all(), "of equals the first stay"


def test_dead_kernels_do_not_empty_the_network():
    assert most_important(np.zeros(8), 4).tolist() == [0, 1, 2, 3]


def test_schedule_halves():
    assert kernel_schedule(4, 6) == [256, 128, 64, 32, 16, 8, 4]
    assert kernel_schedule(5, 0) == [5]


@pytest.mark.parametrize("seed", range(3))
def test_growth_to_second_order_is_that_of_the_quadratic_loss(seed):
    # The loss 1/2 (w - v)' H (w - v) whose minimum has the weights of R at 0 is 1/2 v_R' (H^-1[R, R])^-1 v_R.
    rng = np.random.default_rng(seed)
    n_kernels, n_sequences = 20, 400
    scores = rng.exponential(size=(n_sequences, n_kernels)) @ rng.uniform(0, 1, (n_kernels, n_kernels))
    network = as_network(rng.normal(scale=0.1, size=n_kernels).astype(np.float32), 0.0)
    importances = saliency(network, scores, rng.integers(0, 2, n_sequences))
    probability = expit(scores @ network.dense_weights)
    share = probability * (1 - probability)
    centered = scores - np.average(scores, axis=0, weights=share)
    curvature = np.einsum("n,ni,nj->ij", share / n_sequences, centered, centered)
    inverse = np.linalg.inv(curvature + 0.01 * np.diag(np.diag(curvature)))
    removed = np.argsort(importances)
    for i in range(1, n_kernels + 1):
        v, gone = network.dense_weights[removed[:i]].astype(float), removed[:i]
        growth = v @ np.linalg.solve(inverse[np.ix_(gone, gone)], v) / 2
        assert importances[removed[i - 1]] == pytest.approx(growth, rel=1e-4)
        # None of the others would have been cheaper.
        for other in removed[i:]:
            instead = np.append(gone[:-1], other)
            v = network.dense_weights[instead].astype(float)
            assert v @ np.linalg.solve(inverse[np.ix_(instead, instead)], v) / 2 >= growth * (1 - 1e-4)
