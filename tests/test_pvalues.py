"""P-values against the enumeration of all words, and against other programs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune.effects._pvalues import UNIFORM, PValues, read_background

SKEWED = (0.1, 0.2, 0.3, 0.4)


def every_word(width):
    return np.array(list(itertools.product(range(4), repeat=width)))


def enumerated(kernel, background):
    """Sums of all words, and the probability of each word."""
    words = every_word(len(kernel))
    sums = sum(kernel[w, words[:, w]] for w in range(len(kernel)))
    return sums, np.prod(np.asarray(background)[words], axis=1)


def probability(sums, shares, at_least):
    """The probability of a sum of so much or more."""
    order = np.argsort(sums)
    tail = np.append(np.cumsum(shares[order][::-1])[::-1], 0.0)
    return tail[np.searchsorted(sums[order], at_least, side="left")]


@pytest.mark.parametrize("background", [UNIFORM, SKEWED])
@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_exact_where_the_grid_has_the_cells(width, background, rng):
    kernel = rng.integers(-64, 65, (width, 4)) / 16  # ties, too
    sums, shares = enumerated(kernel, background)
    np.testing.assert_allclose(PValues.of(kernel, background)(sums), probability(sums, shares, sums), rtol=1e-12)


@given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 7), background=st.sampled_from([UNIFORM, SKEWED]))
def test_never_too_small_and_hardly_too_large(seed, width, background):
    rng = np.random.default_rng(seed)
    kernel = (rng.normal(size=(width, 4)) * 10.0 ** rng.integers(-3, 4)).astype(np.float32).astype(float)
    sums, shares = enumerated(kernel, background)
    p_values = PValues.of(kernel, background)
    found = p_values(sums)
    assert (found >= probability(sums, shares, sums) * (1 - 1e-12)).all()
    assert (found <= probability(sums, shares, sums - p_values.error) * (1 + 1e-12)).all()
    span = (kernel.max(axis=1) - kernel.min(axis=1)).sum()
    assert p_values.error <= (width + 1) * span / 2**17


@given(seed=st.integers(0, 2**32 - 1), p_value=st.floats(1e-6, 1))
def test_the_threshold_is_where_p_values_are_low_enough(seed, p_value):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(6, 4))
    p_values = PValues.of(kernel)
    sums, _ = enumerated(kernel, UNIFORM)
    is_hit = p_values(sums) <= p_value
    threshold = p_values.threshold(p_value)
    assert np.array_equal(is_hit, sums > threshold) if is_hit.any() else not (sums > threshold).any()


def test_all_words_of_a_kernel_without_weights_have_1():
    p_values = PValues.of(np.zeros((4, 4)))
    assert p_values(np.array([0.0])).tolist() == [1.0]
    assert np.isnan(p_values.threshold(0.5))


def test_the_best_word_of_a_long_kernel(rng):
    kernel = rng.normal(size=(40, 4))
    np.testing.assert_allclose(PValues.of(kernel)(kernel.max(axis=1).sum()[None]), 0.25**40, rtol=1e-9)


def words_of(ppm, rng, n):
    """Random words, and as many as the motif has them."""
    background = rng.integers(0, 4, (n, len(ppm)))
    own = np.stack([rng.choice(4, n, p=row) for row in ppm], axis=1)
    return np.concatenate([background, own])


def test_agrees_with_memelite(rng):
    tools = pytest.importorskip("memelite.fimo", reason="the extra motifs is not installed")
    ppm = rng.dirichlet(np.full(4, 0.4), 12)
    weights, step = np.log2(ppm + 1e-4) - np.log2(0.25), 0.001
    words = words_of(ppm, rng, 1000)
    sums = sum(weights[w, words[:, w]] for w in range(12))
    smallest, log_p = tools._pwm_to_mapping(weights.T.copy(), step)

    def theirs(scores):
        return 2.0 ** log_p[np.clip(np.rint(scores / step).astype(int) - smallest, 0, len(log_p) - 1)]

    found = PValues.of(weights)(sums)
    # They round cells to the step: by half of it each.
    assert (found >= theirs(sums + 12 * step) * (1 - 1e-9)).all()
    assert (found <= theirs(sums - 12 * step) * (1 + 1e-9)).all()
    assert np.abs(np.log(found / theirs(sums))).mean() < 0.01


def test_agrees_with_lightmotif(rng):
    lightmotif = pytest.importorskip("lightmotif", reason="lightmotif is not installed")
    ppm = rng.dirichlet(np.full(4, 0.4), 12)
    weights = (np.log2(ppm + 1e-4) - np.log2(0.25)).astype(np.float32).astype(float)
    words = words_of(ppm, rng, 1000)
    sums = sum(weights[w, words[:, w]] for w in range(12))
    columns = {letter: weights[:, i].tolist() for i, letter in enumerate("ACGT")} | {"N": [0.0] * 12}
    matrix = lightmotif.ScoringMatrix(columns)
    theirs = np.array([matrix.pvalue(score) for score in sums])
    found = PValues.of(weights)(sums)
    # Their distribution has a thousand steps.
    difference = np.abs(np.log(found / theirs))
    assert difference.mean() < 0.02 and difference.max() < 0.5


@pytest.mark.parametrize("bad", [(1, 2, 3), (0, 1, 1, 1), "AC", {"A": 1}, (np.nan, 1, 1, 1), 3])
def test_a_background_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match="the frequencies of A, C, G and T"):
        read_background(bad, both_strands=True)


def test_both_strands_have_one_background():
    assert read_background((4, 1, 3, 2), both_strands=True) == pytest.approx([0.3, 0.2, 0.2, 0.3])
    assert read_background((4, 1, 3, 2), both_strands=False) == pytest.approx([0.4, 0.1, 0.3, 0.2])
