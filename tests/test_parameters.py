"""Parameters are taken and refused as scikit-learn does, with its words."""

from decimal import Decimal
from numbers import Integral, Real

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from skdeepprune import DeepPruneClassifier
from skdeepprune._parameters import (
    ARRAY_LIKE,
    BOOLEAN,
    CALLABLE,
    NONE,
    RANDOM_STATE,
    VERBOSE,
    CheckedParametersMixin,
    InvalidParameterError,
    instance_of,
    interval,
    options,
)
from skdeepprune.baselines import ConvolutionClassifier, GkmSVMClassifier, KmerCounter, MotifScanClassifier

VALUES = [
    *(
        None,
        True,
        False,
        0,
        1,
        2,
        5,
        6,
        -1,
        0.0,
        1.0,
        0.5,
        1.5,
        1e308,
        float("nan"),
        float("inf"),
        -float("inf"),
        2**32,
    ),
    *(np.int8(1), np.uint64(2**63), np.float32(0.5), np.bool_(True), np.float64("nan"), 1j),
    *("auto", "max", b"auto", "", "AUTO", [], [1], (), np.arange(3), np.array(1), np.array([1.0]), pd.Series([1]), {}),
    *(csr_array((2, 2)), len, int, object(), Decimal(1), np.random.RandomState(0), np.random.default_rng(0)),
]
ENDS = ["left", "right", "both", "neither"]
BOUNDS = [(Integral, 0, 6), (Real, 0, 1), (Real, 0, 1.5)]
PAIRS = [
    *(([interval(*bounds, closed=end)], [Interval(*bounds, closed=end)]) for bounds in BOUNDS for end in ENDS),
    *(
        ([interval(kind, 1, None, closed=end)], [Interval(kind, 1, None, closed=end)])
        for kind in (Integral, Real)
        for end in ("left", "neither")
    ),
    ([options("auto")], [StrOptions({"auto"})]),
    ([instance_of(dict), NONE], [dict, None]),
    ([instance_of(Integral), NONE], [Integral, None]),
    ([instance_of(np.random.Generator)], [np.random.Generator]),
    ([CALLABLE, options("max")], [callable, StrOptions({"max"})]),
    ([ARRAY_LIKE], ["array-like"]),
    ([*BOOLEAN, options("auto")], ["boolean", StrOptions({"auto"})]),
    (VERBOSE, ["verbose"]),
    (RANDOM_STATE, ["random_state", np.random.Generator]),
]


@pytest.mark.parametrize(("allowed", "constraints"), PAIRS, ids=lambda value: ", ".join(map(str, value)))
def test_accepted_values_and_messages_are_scikit_learns(allowed, constraints):
    class Estimator(CheckedParametersMixin):
        _allowed_parameters = {"x": allowed}

    for Estimator.x in VALUES:
        expected = None
        try:
            validate_parameter_constraints({"x": constraints}, {"x": Estimator.x}, "Estimator")
        except ValueError as error:
            expected = str(error).replace(" or ", ", ")
        try:
            Estimator()._validate_params()
        except InvalidParameterError as error:
            assert str(error).replace(" or ", ", ") == expected
        else:
            assert expected is None, Estimator.x


@pytest.mark.parametrize(("value", "shown"), [(10**400, "Got 1000"), ("x" * 9999, "Got 'xxx"), (-(10**400), "Got -1")])
def test_numbers_beyond_float64_are_refused_and_long_values_cut(value, shown):
    with pytest.raises(InvalidParameterError, match=shown) as error:
        DeepPruneClassifier(learning_rate_init=value)._validate_params()
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    "estimator",
    [DeepPruneClassifier(), ConvolutionClassifier(), GkmSVMClassifier(), KmerCounter(), MotifScanClassifier("x.meme")],
    ids=lambda estimator: type(estimator).__name__,
)
def test_every_parameter_is_checked_and_its_default_taken(estimator):
    assert estimator._allowed_parameters.keys() == estimator.get_params().keys()
    estimator._validate_params()
    for name in estimator.get_params():
        bad = type(estimator)(**{**estimator.get_params(), name: object()})
        with pytest.raises(
            InvalidParameterError, match=f"^The '{name}' parameter of {type(estimator).__name__} must be"
        ):
            bad.fit(["ACGT"] * 4, [0, 1, 0, 1])


def test_checks_are_skipped_where_scikit_learn_is_told_to():
    with config_context(skip_parameter_validation=True), pytest.raises(ValueError, match="X holds no sequences"):
        DeepPruneClassifier(learning_rate_init="fast").fit([], [])
