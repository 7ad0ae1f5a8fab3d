import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from skdeepprune.model_selection import ChromosomeKFold

HUMAN = [f"chr{name}" for name in [*range(1, 23), "X", "Y"]]


@given(st.lists(st.sampled_from(HUMAN), min_size=2, max_size=200), st.integers(2, 6))
def test_folds_are_whole_and_never_empty(groups, n_splits):
    groups = np.array(groups)
    splitter = ChromosomeKFold(n_splits)
    if len(set(groups)) < n_splits:
        with pytest.raises(ValueError, match=f"{n_splits} folds need at least as many chromosomes; groups has"):
            list(splitter.split(groups, groups=groups))
        return
    parts = list(splitter.split(groups, groups=groups))
    assert len(parts) == splitter.get_n_splits() == n_splits
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(len(groups)))
    for training, test in parts:
        assert len(test) and len(training)
        assert not set(groups[training]) & set(groups[test])
    sizes = [len(test) for _, test in parts]
    assert max(sizes) - min(sizes) <= pd.Series(groups).value_counts().max()


@pytest.mark.parametrize("prefix", ["chr", ""])
def test_published_folds(prefix):
    groups = np.array([name.replace("chr", prefix) for name in [*HUMAN, "chrM"]])
    parts = list(ChromosomeKFold(folds="encode").split(groups, groups=groups))
    assert [groups[test].tolist() for _, test in parts][:2] == [
        [f"{prefix}{name}" for name in (1, 3, 6)],
        [f"{prefix}{name}" for name in (2, 8, 9, 16)],
    ]
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(24)), "each but chrM is tested once"
    assert all(24 in training for training, _ in parts)


def test_own_folds():
    groups = pd.Series(["I", "II", "II", "III"])
    parts = list(ChromosomeKFold(2, folds=[["I"], ["II", "IV"]]).split(groups, groups=groups))
    assert [test.tolist() for _, test in parts] == [[0], [1, 2]]


@pytest.mark.parametrize(
    ("arguments", "groups", "message"),
    [
        (
            {"folds": "encode"},
            ["chr1", "chr2", "chr7", "chr5", "chr3"],
            r"Fold 2 \(chr4, chr11, chr12, chr15, chrY\) has no sequences",
        ),
        ({"folds": [["a"], ["b"]], "n_splits": 2}, ["a", "a"], r"Fold 0 \(a\) has all sequences"),
        ({"n_splits": 2}, None, "needs groups"),
        ({"n_splits": 2}, ["a", None, "b"], "no chromosome for 1 of 3 sequences; the first is number 1"),
        ({"n_splits": 3, "folds": "encode"}, ["a"], "has 5; expected the same number"),
        ({"n_splits": 2, "folds": [["a"], ["a"]]}, ["a"], "contains a chromosome twice"),
        ({"folds": "other"}, ["a"], "folds='other'"),
    ],
)
def test_impossible_requests_are_refused(arguments, groups, message):
    with pytest.raises(ValueError, match=message):
        list(ChromosomeKFold(**arguments).split(np.zeros(3 if groups is None else len(groups)), groups=groups))


def test_it_is_a_splitter_of_scikit_learn():
    groups = np.repeat(HUMAN, 4)
    y = np.tile([0, 1], 48)
    scores = cross_val_score(DummyClassifier(), np.zeros((96, 1)), y, cv=ChromosomeKFold(3), groups=groups)
    assert len(scores) == 3
    assert repr(ChromosomeKFold(5, folds="encode")) == "ChromosomeKFold(folds='encode', n_splits=5)"
