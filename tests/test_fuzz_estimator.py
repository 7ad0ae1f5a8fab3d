"""Given any input, the classifier fits and predicts finite numbers, or raises an error of its own that says why not.

An error of NumPy's, from somewhere below, is not one of its own. After one, what was fitted before is as it was.
`make fuzz` runs SKDEEPPRUNE_FUZZ of them; a number always makes the same input.
"""

import array
import collections
import datetime
import linecache
import pickle
import signal
import time
import traceback
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from fuzzing import MAX_SECONDS, N_INPUTS, limits
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

import skdeepprune
from skdeepprune import DeepPruneClassifier, OneHotDNA, load_model, save_model
from skdeepprune._pruning import CRITERIA

N_SHORT = 300
N, LENGTH = 16, 10
# The first network with so many tables compiles its loops.
SECONDS_TO_COMPILE = 60
ODD = [
    *(None, "", "ACGX", "ACGT", "acgu\n", b"ACGT", "A" * 3000, "\u00c4", "\ud800", ["ACGT"], [], (1, 2), {}, {1}),
    *(float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 5e-324, 1e-30, 1e30, 1e38, 1e39, 1e300, 1j, 2**31, 2**63),
    *(-(2**70), 10**400, True, np.nan, pd.NA, pd.NaT, np.datetime64("NaT"), np.float16(0.1), np.longdouble("1e4000")),
    *(Decimal("0.1"), Decimal("NaN"), Fraction(1, 3), datetime.date(2020, 1, 1), object(), len, int, np.zeros((2, 2))),
]
DTYPES = ["i1", "u1", "u8", "f2", "f4", ">f8", ">i4", "g", "?", "c16", "O", "U", "S", "M8[s]", "m8[s]", "V8"]
PARAMETERS = {
    "n_kernels": [1, 2, 3, 0, -1, "auto", 2**20, 2**40, 10**30, np.int8(2), True, 1.0],
    "n_prunings": [0, 1, 2, 20, 21, 40, -1, np.uint8(1), 10**9],
    "kernel_length": [1, 2, 3, 9, 10, 11, 40, 64, 65, 10**6, 2**63, 0, np.int64(3)],
    "composition": [0, 1, 2, 6, 7, -1, "auto", False],
    "reverse_complement": [True, False, "auto", np.bool_(True), 1, "yes"],
    "pooling": ["max", "log-mean-exp", "mean"],
    "criterion": [*CRITERIA, lambda network, *_: np.arange(network.n_kernels), "x"],
    "after_pruning": ["fine-tune", "rewind", "reinitialize", "none", "no"],
    "schedule": ["halving", "one-shot", [], [4, 2], [2, 4], [2], [4, 2.5], ["a"], [[4, 2]], np.array([4, 2]), [8, 8]],
    "learning_rate": ["anneal", "constant", "adaptive"],
    "learning_rate_init": [0.01, 1e-320, 1e300, 1, np.float32(0.1), Fraction(1, 10), float("inf"), 0],
    "learning_rate_decay": [1, 1.2, 1e300, float("nan"), Fraction(3, 2), 0.5],
    "batch_size": [1, 3, 256, 2**62, 2**70, 0],
    "max_iter": [1, 2, 3, 0, 1.0],
    "n_iter_no_change": [1, 5, 2**70],
    "validation_fraction": [0.1, 0.5, 0.999, 1e-300, 1, Fraction(1, 3)],
    "alpha": [0, 0.1, 1e10, 1e300, 5e-324, float("inf"), Fraction(1, 3)],
    "l1_ratio": [0, 1, 0.5, -0.0, 1.5],
    "dropout": [0, 0.5, 0.999999999999, 5e-324, 1],
    "mutation_rate": ["auto", 0, 1, 0.5, 5e-324, 0.9999999, Fraction(1, 2)],
    "negatives": ["auto", "given", "dinucleotide", "mixed", "none"],
    "class_weight": [None, "balanced", {}, {0: 1, 1: 5}, {0: 0}, {1: 1e300, 0: 1e-300}, {7: 1}, {"a": 1}, {0: "x"}],
    "n_channels": ["auto", 1, 2, 4, 5, 0, 10**9],
    "engine": ["auto", "numpy", "compiled", "cuda"],
    "n_jobs": [None, 1, 2, 0, -1, 2**70],
    "random_state": [None, 0, 2**32 - 1, 2**32, -1, np.random.default_rng(0), np.random.RandomState(0), np.int64(3)],
    "verbose": [0, -1, False],
}


def some(rng, values):
    return values[rng.integers(len(values))]


def draw_strings(rng, length=LENGTH):
    return ["".join(letters) for letters in rng.choice(list("ACGT"), (N, length))]


def draw_X(rng, kind=None):
    """Draw sequences that can be fitted, of any kind that `fit` takes."""
    strings = draw_strings(rng)
    kind = rng.integers(9) if kind is None else kind
    if kind == 0:
        return [string[: rng.integers(2, LENGTH + 1)] for string in strings]
    if kind <= 2:
        return some(rng, [list, tuple, np.array, pd.Series, pd.DataFrame, pd.Index, iter])(strings)
    if kind == 3:
        return OneHotDNA().fit_transform(strings)
    if kind == 4:
        return OneHotDNA(flatten=False, dtype=some(rng, ["f4", "i8", "?"])).fit_transform(strings)
    if kind == 5:
        return np.concatenate(
            [OneHotDNA(flatten=False).fit_transform(strings), rng.normal(size=(N, LENGTH, 1))], axis=2
        )
    if kind == 6:
        return rng.normal(size=(N, LENGTH, 3))
    return some(rng, [np.asarray, pd.DataFrame, np.ndarray.tolist])(rng.normal(size=(N, LENGTH)))


def draw_y(rng):
    y = np.tile([0, 1], N // 2)
    return some(rng, [y, y.tolist(), pd.Series(y), y == 1, np.where(y, "b", "a"), y.astype(float), 3 - 2 * y])


def replaced(values, rng):
    """Put something odd into one place."""
    changed = np.array(values, dtype=object)
    if changed.size:
        changed[np.unravel_index(rng.integers(changed.size), changed.shape)] = some(rng, ODD)
    return some(rng, [lambda a: a, np.ndarray.tolist, lambda a: a.astype(float)])(changed)


def retyped(values, rng):
    return np.asarray(values).astype(some(rng, DTYPES))


def reshaped(values, rng):
    array = np.asarray(values)
    how = rng.integers(12)
    if how == 0:
        return array.T
    if how == 1:
        return array[..., None]
    if how == 2:
        return array[None]
    if how == 3:
        return array.ravel()
    if how == 4:
        return array[: rng.integers(0, 3)]
    if how == 5:
        return array[..., : rng.integers(0, 5)] if array.ndim > 1 else array[:0]
    if how == 6:
        return array[0]
    if how == 7:
        return np.asfortranarray(array)
    if how == 8:
        return array[::-1]
    if how == 9:
        return np.repeat(array, 2, axis=0)
    if how == 10:
        return np.concatenate([array, array[:1]])
    return np.resize(array, array.shape[:1] + (7, 4))


def scaled(values, rng):
    return np.asarray(values).astype(float) * some(rng, [1e-320, 1e-30, 1e5, 1e18, 1e30, 1e38, 1e200, 1e308, -1, 0, 2])


def wrapped(values, rng):
    """Put the values into another container."""
    listed = np.asarray(values, dtype=object).tolist()
    numbers = np.zeros(3) if np.asarray(values).dtype.kind in "OUS" else np.asarray(values)
    return some(
        rng,
        [
            lambda: iter(listed),
            lambda: dict(enumerate(listed)),
            lambda: dict(enumerate(listed)).values(),
            lambda: collections.deque(listed),
            lambda: pd.Series(listed, index=[0] * len(listed)),
            lambda: pd.DataFrame(listed, index=[0] * len(listed)),
            lambda: pd.DataFrame(listed).convert_dtypes(),
            lambda: pd.DataFrame(listed).astype("category"),
            lambda: pd.Series(map(str, listed), dtype="string"),
            lambda: pd.DataFrame({1: listed, "a": listed}),
            lambda: sparse.csr_array(numbers.reshape(len(numbers), -1)),
            lambda: np.ma.masked_array(numbers, numbers > 0),
            lambda: memoryview(np.ascontiguousarray(numbers)),
            lambda: array.array("d", [1.0, 2.0]),
            lambda: frozenset(map(str, listed)),
            lambda: range(len(listed)),
            lambda: listed[0],
            lambda: str(listed[0]),
            lambda: str(listed[0]).encode(),
            lambda: None,
            lambda: [listed, listed[:1]],
            lambda: [*listed[:-1], listed[-1:]],
            lambda: np.rec.fromarrays([np.arange(len(listed))] * 2),
        ],
    )()


def mutated(values, rng):
    """Damage values as people's own programs do; what cannot be damaged this way stays."""
    if isinstance(values, collections.abc.Iterator):
        values = list(values)
    for _ in range(some(rng, [1, 1, 1, 2])):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values = some(rng, [replaced, replaced, retyped, reshaped, scaled, wrapped])(values, rng)
        except (ValueError, TypeError, OverflowError, IndexError, AttributeError, KeyError, ArithmeticError):
            continue
    return values


def draw_parameters(rng, n):
    names = rng.choice(list(PARAMETERS), n, replace=False).tolist()
    return {name: some(rng, PARAMETERS[name] if rng.integers(8) else ODD) for name in names}


def check_own(error):
    """See that an error was raised on purpose, here or in scikit-learn's checks of input, and is readable."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    own = Path(frame.filename).is_relative_to(Path(skdeepprune.__file__).parent)
    raised = linecache.getline(frame.filename, frame.lineno).strip().startswith("raise")
    checked = Path(frame.filename).is_relative_to(Path(sklearn.__file__).parent / "utils")
    assert (own or "joblib" in frame.filename) and raised or checked, (
        f"an error from below: {type(error).__name__}: {error}"
    )
    assert 10 < len(str(error)) and (checked or len(str(error)) < 3000 or "Reshape your data" in str(error))


def predictions(classifier, X):
    return [classifier.decision_function(X), classifier.predict_proba(X), classifier.transform(X)]


BASE = {"n_kernels": 2, "n_prunings": 1, "kernel_length": 3, "max_iter": 1, "random_state": 0, "n_jobs": 1}


class Fixed:
    """A classifier that was fitted before, and what it predicted then."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.X = draw_strings(rng)
        self.classifier = DeepPruneClassifier(**BASE).fit(self.X, np.tile([0, 1], N // 2))
        self.pickled = pickle.dumps(self.classifier)
        self.predicted = predictions(self.classifier, self.X)


def fit_damaged(kind, rng, fixed, folder):
    """Fit something damaged; "fitted" or "refused"."""
    which = rng.integers(9)
    X, y, weights, held_out, parameters = draw_X(rng, which), draw_y(rng), None, {}, dict(BASE)
    if isinstance(X, collections.abc.Iterator):
        X = list(X)
    good = X
    if kind == "X":
        X = mutated(X, rng)
    elif kind == "y":
        y = mutated(y, rng)
    elif kind == "weights":
        weights = mutated(rng.random(N), rng)
        if rng.integers(2):
            parameters["class_weight"] = some(rng, PARAMETERS["class_weight"])
    elif kind == "parameters":
        parameters |= draw_parameters(rng, rng.integers(1, 4))
        if "max_iter" not in parameters or not isinstance(parameters["max_iter"], int):
            parameters["max_iter"] = 1
    else:
        held_out = {"X_val": draw_X(rng, which), "y_val": np.asarray(y), "sample_weight_val": None}
        for name in rng.choice(list(held_out), rng.integers(1, 3), replace=False):
            held_out[name] = mutated(rng.random(N) if held_out[name] is None else held_out[name], rng)
    classifier = pickle.loads(fixed.pickled)
    before = {name: value for name, value in vars(classifier).items() if name.endswith("_")}
    try:
        classifier.set_params(**parameters).fit(X, y, weights, **held_out)
    except (ValueError, TypeError) as error:
        check_own(error)
        after = {name: value for name, value in vars(classifier).items() if name.endswith("_")}
        assert after.keys() == before.keys() and all(after[name] is before[name] for name in before)
        return "refused"
    except FloatingPointError as error:
        assert "Lower learning_rate_init" in str(error)
        return "diverged"
    asked = good if kind == "X" and isinstance(X, collections.abc.Iterator) else X
    for values in predictions(classifier, asked):
        assert np.isfinite(values).all() and len(values)
    assert np.isfinite(classifier.history_.drop(columns="val_roc_auc")).all(axis=None)
    assert set(np.unique(classifier.predict(asked)).tolist()) <= set(classifier.classes_.tolist())
    if not callable(classifier.criterion):
        save_model(classifier, folder / "model")
        loaded = load_model(folder / "model")
        np.testing.assert_array_equal(loaded.decision_function(asked), classifier.decision_function(asked))
        assert loaded.classes_.tolist() == classifier.classes_.tolist()
    return "fitted"


def ask_damaged(kind, rng, fixed, folder):
    """Ask a fitted classifier about something damaged."""
    X = mutated(draw_X(rng), rng)
    if isinstance(X, collections.abc.Iterator):
        X = list(X)
    try:
        found = predictions(fixed.classifier, X)
    except (ValueError, TypeError) as error:
        check_own(error)
        outcome = "refused"
    else:
        assert all(np.isfinite(values).all() for values in found)
        outcome = "predicted"
    for values, expected in zip(predictions(fixed.classifier, fixed.X), fixed.predicted, strict=True):
        np.testing.assert_array_equal(values, expected)
    return outcome


def encode_damaged(kind, rng, fixed, folder):
    """One-hot encode something damaged, and read it back."""
    X = mutated(draw_strings(rng), rng)
    if isinstance(X, collections.abc.Iterator):
        X = list(X)
    encoder = OneHotDNA(
        unknown=some(rng, ["error", "N", "n", None]),
        length=some(rng, [None, LENGTH, 3, 0, 2**40, "3", 3.0, np.int8(10)]),
        flatten=some(rng, [True, False, 1]),
        dtype=some(rng, [np.float32, "i1", "U", "?", "O"]),
    )
    try:
        found = encoder.fit(X).transform(X)
    except (ValueError, TypeError) as error:
        check_own(error)
        return "refused"
    if encoder.dtype in (np.float32, "i1"):
        assert len(encoder.inverse_transform(found)) == len(found) and found.sum() <= found.size / 4
    return "encoded"


KINDS = {
    "X": fit_damaged,
    "y": fit_damaged,
    "weights": fit_damaged,
    "parameters": fit_damaged,
    "held out": fit_damaged,
    "X asked": ask_damaged,
    "one-hot": encode_damaged,
}


@pytest.fixture(scope="module")
def fixed():
    return Fixed()


def timed(kind, number, fixed, folder):
    """Return the outcome of an input, and its seconds of computing."""
    start = time.process_time()
    outcome = KINDS[kind](kind, np.random.default_rng([list(KINDS).index(kind), number]), fixed, folder)
    return outcome, time.process_time() - start


def fuzz(kind, fixed, folder, n_inputs):
    outcomes = collections.Counter()
    with limits(), warnings.catch_warnings():
        for category in (ConvergenceWarning, DataConversionWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", "A model file contains no code and no generators")
        for number in range(n_inputs):
            signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS + SECONDS_TO_COMPILE)
            try:
                outcome, seconds = timed(kind, number, fixed, folder)
                if seconds > MAX_SECONDS:
                    outcome, seconds = timed(kind, number, fixed, folder)
                assert seconds <= MAX_SECONDS
                outcomes[outcome] += 1
            except BaseException as error:
                error.add_note(f"{kind}, input {number}")
                raise
    assert outcomes.total() == n_inputs
    return outcomes


@pytest.mark.parametrize("kind", KINDS)
def test_some_damaged_inputs(kind, fixed, tmp_path):
    outcomes = fuzz(kind, fixed, tmp_path, N_SHORT // len(KINDS))
    assert outcomes["refused"] and len(outcomes) > 1


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_inputs(kind, fixed, tmp_path, capsys):
    n_inputs = N_INPUTS // len(KINDS)
    outcomes = fuzz(kind, fixed, tmp_path, n_inputs)
    with capsys.disabled():
        counts = ", ".join(f"{n:6} {outcome}" for outcome, n in sorted(outcomes.items()))
        print(f"\n{kind:13} {n_inputs:7} inputs: {counts}", end="")
    assert outcomes["refused"] and len(outcomes) > 1
