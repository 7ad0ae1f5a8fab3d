import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdeepprune._network import Network
from skdeepprune._pruning import CRITERIA, kernel_schedule, most_important


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
