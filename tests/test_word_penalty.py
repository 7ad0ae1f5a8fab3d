"""The penalty on composition words follows what the words are worth on held-out sequences."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from skdeepprune._word_penalty import WordPenalty, _logistic_regression


@pytest.fixture
def parts(rng):
    """Log-odds of 2,000 sequences from kernels and from composition, with labels that follow their sum."""
    by_kernels, by_words = rng.normal(size=(2, 2000))
    return by_kernels, by_words, (rng.random(2000) < expit(by_kernels + by_words)).astype(float), np.ones(2000)


def tuned(by_kernels, by_words, y, weights, n_epochs=1):
    penalty = WordPenalty(10_000)
    for _ in range(n_epochs):
        penalty.tune(by_kernels, by_words, y, weights)
    return penalty.strength


def test_the_first_strength_is_one_prior():
    assert [WordPenalty(n).strength for n in (100, 10_000, 20_000, 10**6)] == [0.1, 0.04, 0.02, 0.004]


@pytest.mark.parametrize("shrunk", [0.25, 0.5, 0.8])
def test_words_shrunk_too_much_are_penalised_less(parts, shrunk):
    by_kernels, by_words, *labels = parts
    once = tuned(by_kernels, shrunk * by_words, *labels)
    assert once == pytest.approx(0.04 * max(shrunk**0.25, 1 / 1.3), rel=0.03)
    assert tuned(by_kernels, shrunk * by_words, *labels, n_epochs=100) < once


@pytest.mark.parametrize("grown", [1.5, 3])
def test_words_that_overfit_are_penalised_more(parts, grown):
    by_kernels, by_words, *labels = parts
    assert tuned(by_kernels, grown * by_words, *labels) == pytest.approx(0.04 * min(grown**0.25, 1.3), rel=0.03)


def test_worthless_words_are_penalised_ever_more(parts, rng):
    by_kernels, _, *labels = parts
    noise = rng.normal(size=2000)
    assert tuned(by_kernels, noise, *labels) == pytest.approx(0.04 * 1.3)
    assert tuned(by_kernels, noise, *labels, n_epochs=100) == 10


@pytest.mark.parametrize("shrunk", [0.8, 1.25])
def test_few_held_out_sequences_change_nothing(rng, shrunk):
    one, other = rng.normal(size=(2, 10))
    labels = np.tile((one + other > 0) ^ (np.arange(10) < 3), 2).astype(float)
    by_kernels, by_words = np.append(one, other), np.append(other, one)  # equal slopes
    assert tuned(by_kernels, shrunk * by_words, labels, np.ones(20)) == 0.04
    many = (np.tile(part, 100) for part in (by_kernels, shrunk * by_words, labels, np.ones(20)))
    assert tuned(*many) == pytest.approx(0.04 * shrunk**0.25, rel=0.01)


def test_the_strength_stays_within_limits_and_without_words_as_it_is(parts):
    by_kernels, by_words, *labels = parts
    assert tuned(by_kernels, 0.01 * by_words, *labels, n_epochs=100) == 0.004
    assert tuned(by_kernels, 0 * by_words, *labels) == 0.04
    assert tuned(0 * by_kernels, by_words, *labels) == 0.04


def test_weights_of_sequences_count_as_copies(parts):
    *logits, y, _ = (part[:300] for part in parts)
    weights = np.tile([1.0, 2.0, 3.0], 100)
    copies = [np.repeat(part, weights.astype(int)) for part in (*logits, y)]
    design, more = np.column_stack([*logits, np.ones(300)]), np.column_stack([*copies[:2], np.ones(600)])
    _, slopes, covariance = _logistic_regression(design, y, weights)
    again = _logistic_regression(more, copies[2], np.ones(600))
    np.testing.assert_allclose(slopes, again[1], rtol=1e-9)
    np.testing.assert_allclose(covariance, again[2], rtol=1e-9)


def test_the_regression_is_that_of_scikit_learn(parts):
    by_kernels, by_words, y, weights = parts
    design = np.column_stack([by_kernels, by_words, np.ones(len(y))])
    losses, slopes, covariance = _logistic_regression(design, y, weights)
    reference = LogisticRegression(C=1e3, fit_intercept=False, tol=1e-8).fit(design, y)
    np.testing.assert_allclose(slopes, reference.coef_[0], rtol=1e-4)
    refits = []
    for seed in range(200):
        rows = np.random.default_rng(seed).integers(len(y), size=len(y))
        refits.append(_logistic_regression(design[rows], y[rows], weights)[1])
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), np.std(refits, axis=0), rtol=0.2)
    np.testing.assert_allclose(
        np.exp(-losses), reference.predict_proba(design)[np.arange(len(y)), y.astype(int)], rtol=1e-3
    )
