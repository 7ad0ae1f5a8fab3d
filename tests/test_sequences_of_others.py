"""Sequences as other programs hold them are taken, or refused with an error about sequences."""

import numpy as np
import pandas as pd
import pytest
from Bio.Seq import MutableSeq, Seq
from Bio.SeqRecord import SeqRecord

from skdeepprune import DeepPruneClassifier, OneHotDNA
from skdeepprune._inputs import holds_strings, read_input
from skdeepprune.baselines import GkmSVMClassifier
from skdeepprune.sequences import as_strings, decode
from skdeepprune.sequences._files import SequenceRecord, SequenceSet
from skdeepprune.sequences._strings import listed

STRINGS = ["ACGT", "GGA", "TTTTA"]
FORMS = {
    "Seq": [Seq(s) for s in STRINGS],
    "MutableSeq": [MutableSeq(s) for s in STRINGS],
    "SeqRecord": [SeqRecord(Seq(s), id="x") for s in STRINGS],
    "SequenceRecord": [SequenceRecord("x", s) for s in STRINGS],
    "SequenceSet": SequenceSet(["a", "b", "c"], STRINGS),
    "lists of one": [[s] for s in STRINGS],
    "lists of one Seq": [[Seq(s)] for s in STRINGS],
    "tuples": tuple(STRINGS),
    "values of a dict": dict(enumerate(STRINGS)).values(),
    "mixed": [STRINGS[0], Seq(STRINGS[1]), STRINGS[2].encode()],
    "Series of Seq": pd.Series([Seq(s) for s in STRINGS]),
}


def read(X):
    return read_input(DeepPruneClassifier(), X, n_channels="auto", reset=True)


@pytest.mark.parametrize("X", FORMS.values(), ids=FORMS)
def test_taken(X):
    assert as_strings(X) == STRINGS
    assert holds_strings(listed(X))
    np.testing.assert_array_equal(read(X), read(STRINGS))
    np.testing.assert_array_equal(OneHotDNA().fit_transform(X), OneHotDNA().fit_transform(STRINGS))


def test_an_iterator_is_taken():
    assert as_strings(Seq(s) for s in STRINGS) == STRINGS
    np.testing.assert_array_equal(read(s for s in STRINGS), read(STRINGS))


@pytest.mark.parametrize("form", [lambda X: [SeqRecord(Seq(s)) for s in X], lambda X: SequenceSet(X, X), iter])
def test_a_classifier_takes_them_throughout(form, rng):
    X = decode(rng.integers(0, 4, (40, 20)))
    y = np.arange(40) % 2
    classifier = DeepPruneClassifier(n_kernels=4, n_prunings=0, max_iter=2, random_state=0)
    expected = classifier.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(classifier.fit(form(X), y).predict_proba(form(X)), expected)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([None], TypeError, "Sequence 0 is of type NoneType.*expected a DNA string, a Seq or SeqRecord"),
        ([None, "ACGT"], TypeError, "Sequence 0 is of type NoneType"),
        (["ACGT", 5], TypeError, "Sequence 1 is of type int"),
        ([["ACGT", "GG"], ["ACGT", "GG"]], TypeError, "Sequence 0 is of type list"),
        (np.array([None, None]), TypeError, "Sequence 0 is of type NoneType"),
        ([], ValueError, "X holds no sequences"),
        (np.array([]), ValueError, "X holds no sequences"),
        (np.array([], dtype=object), ValueError, "X holds no sequences"),
        (iter([]), ValueError, "X holds no sequences"),
        (SequenceSet([], []), ValueError, "X holds no sequences"),
        ([SeqRecord(Seq(""))], ValueError, "Sequence 0 is empty"),
        (dict(enumerate(STRINGS)), TypeError, r"got a mapping; write list\(X.values\(\)\)"),
        (set(STRINGS), TypeError, r"got a set, which has no order; write sorted\(X\)"),
        (Seq("ACGT"), TypeError, r"got one Seq of 4 letters; write \[sequence\]"),
        (SeqRecord(Seq("ACGT")), TypeError, r"got one SeqRecord of 4 letters; write \[sequence\]"),
        (SequenceRecord("x", "ACGT"), TypeError, r"got one SequenceRecord of 4 letters; write \[sequence\]"),
        ("ACGT", TypeError, r"write \[sequence\]"),
    ],
)
def test_refused_as_sequences(X, error, message):
    with pytest.raises(error, match=message):
        read(X)


def test_a_mapping_is_refused():
    with pytest.raises(TypeError, match=r"got a mapping; write list\(X\.values\(\)\)"):
        as_strings({"peak": "ACGT"})


def test_channels_first_are_told_to_transpose():
    X = np.eye(4)[np.random.default_rng(0).integers(0, 4, (5, 101))].transpose(0, 2, 1)
    for n_channels in ("auto", 4):
        with pytest.raises(ValueError, match="transpose"):
            read_input(DeepPruneClassifier(), X, n_channels=n_channels, reset=True)


def test_gkm_svm_says_that_a_sequence_is_n_alone():
    with pytest.raises(ValueError, match="Sequence 1 consists only of N.*Leave these sequences out"):
        GkmSVMClassifier(word_length=4, n_informative=3, max_mismatches=1).fit(["ACGTACGT", "NNNNNNNN"], [0, 1])
