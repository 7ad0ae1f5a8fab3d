"""Unusable weights are named; all others, however large or small, lead to a finite fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdeepprune import DeepPruneClassifier
from skdeepprune._weights import read_weights, weigh_classes

SEQUENCES = ["".join(row) for row in np.random.default_rng(0).choice(list("ACGT"), (40, 20))]
LABELS = np.arange(40) % 2


def tiny(**parameters):
    defaults = dict(n_kernels=2, n_prunings=1, kernel_length=4, max_iter=2, random_state=0)
    return DeepPruneClassifier(**(defaults | parameters))


def weights_with(value, place=5):
    weights = np.ones(40)
    weights[place] = value
    return weights


@pytest.mark.parametrize(
    ("sample_weight", "class_weight", "message"),
    [
        (weights_with(np.nan), None, r"sample_weight\[5\] is nan; .* the first is NaN"),
        (weights_with(np.inf), None, r"sample_weight\[5\] is inf; .* the first is infinite"),
        (weights_with(-1), None, r"sample_weight\[5\] is -1; .* the first is negative"),
        (np.ones(39), None, r"sample_weight has shape \(39,\); expected one weight per sequence"),
        (np.ones((40, 2)), None, r"sample_weight has shape \(40, 2\)"),
        (np.zeros(40), None, r"sample_weight is zero for all sequences of class 0"),
        (LABELS * 1.0, None, r"sample_weight is zero for all sequences of class 0"),
        (weights_with(1e40), None, r"sequence 5 has sample_weight 1e\+40, sequence 0 has 1"),
        (weights_with(1e-40), None, r"sequence 5 has 1e-40"),
        (weights_with(1e-320), None, r"sequence 5 has 9\.99.*e-321"),
        (None, {0: np.nan, 1: 1}, r"class_weight=.* has nan for class 0"),
        (None, {0: 1, 1: np.inf}, r"class_weight=.* has inf for class 1"),
        (None, {0: 1, 1: -2}, r"class_weight=.* has -2 for class 1"),
        (None, {0: 1, 1: "heavy"}, r"class_weight=.* has 'heavy' for class 1"),
        (None, {0: 0, 1: 1}, r"class_weight=.* gives class 0 weight 0"),
        (None, {0: 1e-40, 1: 1}, r"differ by a factor of more than 1e\+30.*class_weight="),
        (weights_with(1e20), {0: 1e-20, 1: 1}, r"differ by a factor of more than 1e\+30"),
    ],
)
def test_bad_weights_are_named(sample_weight, class_weight, message):
    with pytest.raises(ValueError, match=message):
        tiny(class_weight=class_weight).fit(SEQUENCES, LABELS, sample_weight=sample_weight)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1.7e308])
def test_the_unit_of_weights_is_of_no_account(scale):
    weights = np.random.default_rng(1).uniform(0.1, 1, 40)
    fits = [tiny().fit(SEQUENCES, LABELS, sample_weight=weights * factor) for factor in (1, scale)]
    np.testing.assert_allclose(fits[1].decision_function(SEQUENCES), fits[0].decision_function(SEQUENCES), rtol=1e-4)
    large = tiny(class_weight={0: 1e308, 1: 1e308}).fit(SEQUENCES, LABELS, sample_weight=weights * scale)
    np.testing.assert_allclose(large.decision_function(SEQUENCES), fits[0].decision_function(SEQUENCES), rtol=1e-4)


@settings(max_examples=15)
@given(st.lists(st.floats(0, allow_infinity=False), min_size=40, max_size=40), st.sampled_from([None, "balanced"]))
def test_any_weights_give_an_error_that_names_them_or_finite_losses(weights, class_weight):
    try:
        fitted = tiny(max_iter=1, class_weight=class_weight).fit(SEQUENCES, LABELS, sample_weight=weights)
    except ValueError as error:
        assert "weight" in str(error)
    else:
        assert np.isfinite(fitted.history_[["loss", "val_loss", "val_roc_auc"]].to_numpy()).all()
        assert np.isfinite(fitted.decision_function(SEQUENCES)).all()


@given(st.lists(st.floats(1e-10, 1e10), min_size=4, max_size=20), st.floats(1e-5, 1e5), st.floats(1e-5, 1e5))
def test_products_keep_their_ratios(weights, of_first, of_second):
    y = (np.arange(len(weights)) % 2).astype(np.float32)
    product = weigh_classes(read_weights(weights, len(y)), {"a": of_first, "b": of_second}, np.array(["a", "b"]), y)
    expected = np.array(weights) * np.where(y == 1, of_second, of_first)
    np.testing.assert_allclose(product, expected / expected.max(), rtol=1e-12)


def test_the_weights_given_stay_as_they_were():
    weights = np.linspace(1, 2, 40)
    tiny(class_weight="balanced").fit(SEQUENCES, LABELS, sample_weight=weights)
    np.testing.assert_array_equal(weights, np.linspace(1, 2, 40))
