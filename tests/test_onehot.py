import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks, get_tags

from skdeepprune._onehot import OneHotDNA
from skdeepprune.sequences import decode, encode, one_hot, read_sequences

STRINGS = ["ACGT", "gn", "TTT"]
sets = st.lists(st.text("ACGTN", min_size=1, max_size=15), min_size=1, max_size=6)


@given(sets, st.booleans())
def test_the_inverse_undoes_the_transform(strings, flatten):
    onehot = OneHotDNA(flatten=flatten).fit(strings)
    inverse = onehot.inverse_transform(onehot.transform(strings))
    assert inverse.dtype == object
    assert inverse.shape == (len(strings),)
    assert inverse.tolist() == [string.rstrip("N") for string in strings]


@given(sets)
def test_flat_and_three_dimensions_are_the_same_numbers(strings):
    flat = OneHotDNA().fit_transform(strings)
    deep = OneHotDNA(flatten=False).fit_transform(strings)
    assert flat.dtype == deep.dtype == np.uint8
    np.testing.assert_array_equal(deep, one_hot(encode(strings)))
    np.testing.assert_array_equal(flat, deep.reshape(len(strings), -1))


def test_letter_by_letter():
    encoded = OneHotDNA(flatten=False, dtype=np.float32).fit_transform(STRINGS)
    assert encoded.dtype == np.float32
    assert encoded.shape == (3, 4, 4)
    for row, string in zip(encoded, STRINGS, strict=True):
        for position in range(4):
            letter = string[position : position + 1].upper()
            assert row[position].tolist() == [float(base == letter) for base in "ACGT"]


@pytest.mark.parametrize(
    "X",
    [
        tuple(STRINGS),
        np.array(STRINGS),
        np.array(STRINGS, dtype=object)[:, None],
        pd.Series(STRINGS, index=[5, 1, 9]),
        pd.DataFrame({"seq": STRINGS}),
    ],
    ids=["tuple", "array", "column", "Series", "DataFrame"],
)
def test_containers(X):
    onehot = OneHotDNA().fit(X)
    assert (onehot.length_, onehot.n_features_in_) == (4, 1)
    np.testing.assert_array_equal(onehot.transform(X), OneHotDNA().fit_transform(STRINGS))
    assert hasattr(onehot, "feature_names_in_") == isinstance(X, pd.DataFrame)


def test_the_name_of_the_column_is_kept_and_compared():
    onehot = OneHotDNA().fit(pd.DataFrame({"seq": STRINGS}))
    assert onehot.feature_names_in_.tolist() == ["seq"]
    with pytest.raises(ValueError, match="feature names should match"):
        onehot.transform(pd.DataFrame({"other": STRINGS}))


def test_length():
    wide = OneHotDNA(length=6).fit(STRINGS)
    assert wide.length_ == 6
    assert wide.transform(["A"]).shape == (1, 24)
    with pytest.raises(ValueError, match="Sequence 0 has 4 letters; expected at most 3"):
        OneHotDNA(length=3).fit(STRINGS)
    with pytest.raises(ValueError, match="Sequence 1 has 5 letters; expected at most 4"):
        OneHotDNA().fit(STRINGS).transform(["A", "ACGTA"])


@pytest.mark.parametrize("length", [0, -1, 2.0, "4"])
def test_a_length_that_is_none(length):
    with pytest.raises(ValueError, match="expected a positive integer or None"):
        OneHotDNA(length=length).fit(STRINGS)


def test_unknown_letters():
    message = "Sequence 1 has the letter '-' at position 1"
    with pytest.raises(ValueError, match=message):
        OneHotDNA().fit(["ACG", "A-C"])
    with pytest.raises(ValueError, match=message):
        OneHotDNA().fit(STRINGS).transform(["ACG", "A-C"])
    lenient = OneHotDNA(unknown="N").fit(["ACG", "A-C"])
    assert lenient.inverse_transform(lenient.transform(["A-C"])).tolist() == ["ANC"]
    with pytest.raises(ValueError, match="unknown='skip'; expected 'error' or 'N'"):
        OneHotDNA(unknown="skip").fit(STRINGS)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([], ValueError, "Found no sequences"),
        (["AC", ""], ValueError, "Sequence 1 is empty"),
        (["AC", None], TypeError, "Sequence 1 is of type NoneType"),
        ("ACGT", TypeError, "got one string of 4 letters"),
        (np.eye(3), ValueError, r"Expected one column of DNA strings, got an array of shape \(3, 3\)"),
        (np.array([[1.0], [2.0]]), TypeError, "Sequence 0 is of type float"),
        (pd.DataFrame({"a": ["A"], "b": ["C"]}), ValueError, "Expected one column of DNA strings"),
    ],
)
def test_bad_input(X, error, message):
    with pytest.raises(error, match=message):
        OneHotDNA().fit(X)


@pytest.mark.parametrize("shape", [(1, 15), (1, 4, 5), (1, 5, 4), (16,)])
def test_the_inverse_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"Expected X of shape \(n_sequences, 16\) or \(n_sequences, 4, 4\), got"):
        OneHotDNA().fit(STRINGS).inverse_transform(np.zeros(shape))


def test_the_inverse_of_invalid_one_hot():
    with pytest.raises(ValueError, match="X is not one-hot"):
        OneHotDNA().fit(STRINGS).inverse_transform(np.ones((1, 16)))


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "get_feature_names_out"])
def test_not_fitted(method):
    with pytest.raises(NotFittedError):
        getattr(OneHotDNA(), method)(STRINGS)


def test_names_of_the_columns():
    onehot = OneHotDNA().fit(STRINGS)
    names = onehot.get_feature_names_out()
    assert names[:5].tolist() == ["0_A", "0_C", "0_G", "0_T", "1_A"]
    assert len(names) == onehot.transform(STRINGS).shape[1]
    with pytest.raises(ValueError, match="need flatten=True"):
        OneHotDNA(flatten=False).fit(STRINGS).get_feature_names_out()


def test_pandas_out():
    series = pd.Series(STRINGS, index=[5, 1, 9])
    onehot = OneHotDNA().set_output(transform="pandas")
    frame = onehot.fit_transform(series)
    assert isinstance(frame, pd.DataFrame)
    assert frame.index.tolist() == [5, 1, 9]
    assert frame.columns.tolist() == onehot.get_feature_names_out().tolist()
    assert set(frame.dtypes) == {np.dtype("uint8")}
    assert onehot.inverse_transform(frame).tolist() == ["ACGT", "G", "TTT"]


def test_clone_and_pickle():
    onehot = OneHotDNA(length=7, flatten=False, unknown="N", dtype=np.float32).fit(STRINGS)
    assert clone(onehot).get_params() == onehot.get_params()
    assert not hasattr(clone(onehot), "length_")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(onehot)).transform(STRINGS), onehot.transform(STRINGS))


def test_beside_numbers():
    frame = pd.DataFrame({"seq": STRINGS, "gc": [0.5, 0.5, 0.0]})
    both = ColumnTransformer([("dna", OneHotDNA(), ["seq"]), ("rest", "passthrough", ["gc"])])
    assert both.fit_transform(frame).shape == (3, 17)
    assert both.get_feature_names_out()[[0, -1]].tolist() == ["dna__0_A", "rest__gc"]


def test_in_a_pipeline_on_real_sequences(shared_data):
    peaks = read_sequences(shared_data / "fastsk" / "CTCF.train.fasta.gz", labels_in_names=True)
    model = make_pipeline(OneHotDNA(), LogisticRegression(C=0.01))
    scores = cross_val_score(model, peaks.sequences, peaks.labels, cv=3, scoring="roc_auc")
    assert scores.shape == (3,)
    assert 0.55 < scores.mean() < 0.95
    onehot = OneHotDNA().fit(peaks.sequences)
    assert onehot.inverse_transform(onehot.transform(peaks.sequences)).tolist() == decode(encode(peaks.sequences))


def test_tags_say_strings():
    tags = get_tags(OneHotDNA())
    assert tags.input_tags.string
    assert tags.input_tags.one_d_array
    assert not tags.input_tags.two_d_array


def test_check_estimator_has_only_checks_without_data():
    # scikit-learn's other checks feed matrices of numbers, and its runner skips them for input of strings.
    with pytest.warns(SkipTestWarning, match="Can't test estimator OneHotDNA"):
        results = estimator_checks.check_estimator(OneHotDNA())
    assert {result["check_name"] for result in results if result["status"] == "passed"} == {"check_estimator_cloneable"}


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_mixin_order,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_set_params,
        estimator_checks.check_valid_tag_types,
    ],
)
def test_checks_of_scikit_learn_without_data(check):
    check("OneHotDNA", OneHotDNA())
