"""Held-out sequences, given or split off, are not trained on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import X, X_test, small, y, y_test

from skdeepprune._inputs import copy_marks, hold_out
from skdeepprune._problem import Problem
from skdeepprune._training import LabeledData
from skdeepprune.sequences import dinucleotide_shuffle, encode, one_hot, reverse_complement

CLASSES = np.array([0, 1])
SEQUENCES = st.text("ACGTN", min_size=1, max_size=6).filter(lambda s: s.strip("N"))


@given(st.lists(SEQUENCES, min_size=1, max_size=30), st.integers(0, 9))
def test_copies_have_the_same_mark_on_either_strand_and_at_any_width(sequences, more):
    codes = encode(sequences)
    marks = copy_marks(codes)
    wider = np.pad(codes, ((0, 0), (0, more)), constant_values=4)
    np.testing.assert_array_equal(marks, copy_marks(wider))
    np.testing.assert_array_equal(marks, copy_marks(encode(reverse_complement(sequences))))
    known = [sequence.strip("N") for sequence in sequences]
    same = [min(sequence, reverse_complement(sequence)) for sequence in known]
    for i in range(len(same)):
        for j in range(i):
            assert (marks[i] == marks[j]) == (same[i] == same[j])


@given(st.data(), st.floats(0.05, 0.9), st.integers(0, 99))
def test_no_copy_lies_on_both_sides(data, fraction, seed):
    different = data.draw(st.lists(st.text("ACGT", min_size=8, max_size=8), min_size=8, max_size=8, unique=True))
    chosen = data.draw(st.lists(st.integers(0, 7), min_size=4, max_size=60))
    labels = np.array([i % 2 for i in chosen])
    sequences = [reverse_complement(different[i]) if data.draw(st.booleans()) else different[i] for i in chosen]
    weights = np.array([data.draw(st.sampled_from([0.0, 1.0, 2.0])) for _ in chosen])
    codes = encode(sequences)
    marks = copy_marks(codes)
    used = [set(marks[(labels == label) & (weights > 0)]) for label in (0, 1)]
    both = used[0] & used[1]
    rng = np.random.default_rng(seed)
    if min(len(one - both) for one in used) < 2:
        with pytest.raises(ValueError, match="at least 2 distinct sequences of positive weight in each class"):
            hold_out(codes, labels, weights, fraction, CLASSES, rng)
        return
    training, held_out = hold_out(codes, labels, weights, fraction, CLASSES, rng)
    assert sorted([*training, *held_out]) == np.flatnonzero(weights > 0).tolist()
    assert not set(marks[training]) & set(marks[held_out])
    for part in (training, held_out):
        assert set(labels[part]) == {0, 1}


def test_without_copies_the_share_of_each_class_is_exact(rng):
    codes = rng.integers(0, 4, (1000, 30)).astype(np.uint8)
    labels = (np.arange(1000) < 300).astype(int)
    _, held_out = hold_out(codes, labels, np.ones(1000), 0.1, CLASSES, rng)
    assert np.bincount(labels[held_out]).tolist() == [70, 30]
    many = np.repeat(codes, 3, axis=0)
    _, held_out = hold_out(many, np.repeat(labels, 3), np.ones(3000), 0.1, CLASSES, rng)
    assert np.bincount(np.repeat(labels, 3)[held_out]).tolist() == [210, 90]


def test_channels_have_copies_too(rng):
    values = rng.normal(size=(40, 5, 3)).astype(np.float32)
    values[0] = 0.0
    doubled = np.concatenate([values, np.where(values == 0, -0.0, values)]).astype(np.float32)
    marks = copy_marks(doubled)
    np.testing.assert_array_equal(marks[:40], marks[40:])
    assert len(set(marks)) == 40
    training, held_out = hold_out(doubled, np.tile(np.arange(40) % 2, 2), np.ones(80), 0.2, CLASSES, rng)
    assert not set(marks[training]) & set(marks[held_out]) and len(held_out) == 16


class Spy:
    """What a fit trains on and what it holds out."""

    def __init__(self, monkeypatch):
        self.parts = []
        original = Problem.load

        def load(*arguments, **keywords):
            self.parts = list(original(*arguments, **keywords))
            return tuple(self.parts)

        monkeypatch.setattr(Problem, "load", load)


@pytest.mark.parametrize("augmented", [False, True])
def test_exactly_the_given_sequences_are_held_out(monkeypatch, augmented):
    spy = Spy(monkeypatch)
    settings = {} if augmented else {"mutation_rate": 0, "negatives": "given"}
    weights = np.linspace(1, 3, len(X_test))
    fitted = small(max_iter=3, n_prunings=1, **settings).fit(
        X, y, X_val=X_test, y_val=y_test, sample_weight_val=weights
    )
    training, validation = spy.parts
    assert isinstance(training, LabeledData) != augmented
    assert len(training.rows) == len(X) and len(validation.rows) == len(X_test)
    np.testing.assert_array_equal(validation.y, y_test)
    # Only their ratios count.
    np.testing.assert_allclose(validation.sample_weight / validation.sample_weight[0], weights, rtol=1e-6)
    logits = fitted.decision_function(X_test)
    losses = np.logaddexp(0, logits) - np.asarray(y_test) * logits
    assert fitted.stages_[-1].val_loss == pytest.approx(np.average(losses, weights=weights), rel=1e-4)


def test_held_out_sequences_may_be_of_another_length_and_form():
    cut = [sequence[3:-2] for sequence in X_test]
    once = small(max_iter=2, n_prunings=0).fit(X, y, X_val=cut, y_val=y_test)
    again = small(max_iter=2, n_prunings=0).fit(X, y, X_val=one_hot(encode(cut)), y_val=y_test)
    np.testing.assert_array_equal(once.kernels_, again.kernels_)
    names = np.where(np.asarray(y) == 1, "yes", "no")
    named = small(max_iter=2, n_prunings=0).fit(X, names, X_val=cut, y_val=np.where(np.asarray(y_test), "yes", "no"))
    np.testing.assert_array_equal(once.kernels_, named.kernels_)


def test_positives_alone_are_held_out_with_their_shuffles(monkeypatch):
    spy = Spy(monkeypatch)
    positives, held_out = ([x for x, label in zip(*part, strict=True) if label] for part in ((X, y), (X_test, y_test)))
    small(max_iter=1, n_prunings=0, negatives="dinucleotide").fit(
        positives, np.ones(len(positives)), X_val=held_out, y_val=np.ones(len(held_out))
    )
    assert np.bincount(spy.parts[1].y.astype(int)).tolist() == [len(held_out)] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X_val": X_test}, "X_val and y_val together"),
        ({"y_val": y_test}, "X_val and y_val together"),
        ({"sample_weight_val": [1.0]}, "X_val and y_val together"),
        ({"X_val": X_test, "y_val": y_test[:3]}, "X_val, y_val: .*inconsistent numbers"),
        ({"X_val": X_test, "y_val": np.zeros(len(X_test))}, "X_val, y_val: Expected two classes"),
        ({"X_val": X_test, "y_val": 2 * np.asarray(y_test)}, r"y_val has classes \[0, 2\], y has classes \[0, 1\]"),
        ({"X_val": ["ACX"], "y_val": [1]}, "X_val, y_val: Sequence 0 has the letter 'X'"),
        (
            {"X_val": X_test, "y_val": y_test, "sample_weight_val": np.asarray(y_test, float)},
            "X_val, y_val: sample_weight is zero for all sequences of class 0",
        ),
    ],
)
def test_impossible_hold_outs_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(max_iter=1).fit(X, y, **arguments)


def test_the_held_out_sequences_decide_when_to_stop():
    """Held out as what is trained on, the loss never stops falling as early as on sequences without a motif."""
    shuffles = dinucleotide_shuffle(list(X_test), random_state=0)
    settings = {"n_prunings": 0, "max_iter": 60, "n_iter_no_change": 3, "learning_rate": "constant"}
    nothing = small(**settings).fit(X, y, X_val=shuffles, y_val=y_test)
    same = small(**settings).fit(X, y, X_val=X, y_val=y)
    assert nothing.n_iter_ < same.n_iter_
