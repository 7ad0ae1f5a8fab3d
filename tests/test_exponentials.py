"""Compiled exponentials and logarithms, against NumPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdeepprune.effects._exponentials import take_exponentials, take_logarithms


def taken(function, values):
    own = np.array(values, np.float64)
    function(own)
    return own


@given(arrays(np.float64, st.integers(0, 40), elements=st.floats(allow_nan=False)))
def test_exponentials(values):
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_allclose(taken(take_exponentials, values), np.exp(values), rtol=1e-15)


@given(arrays(np.float64, st.integers(0, 40), elements=st.floats(min_value=0)))
def test_logarithms(values):
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(taken(take_logarithms, values), np.log(values), rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("function", [take_exponentials, take_logarithms])
def test_what_is_no_number_stays_so(function):
    assert np.isnan(taken(function, [1.0, np.nan, 2.0])).tolist() == [False, True, False]


def test_many_numbers(rng):
    values = rng.uniform(-700, 700, 10**6)
    np.testing.assert_allclose(taken(take_exponentials, values), np.exp(values), rtol=5e-16)
    near_1 = np.concatenate([np.exp(values), rng.uniform(0.5, 2, 10**6)])
    np.testing.assert_allclose(taken(take_logarithms, near_1), np.log(near_1), rtol=5e-16, atol=5e-16)
