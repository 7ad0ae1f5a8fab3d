"""The classifier among scikit-learn's tools."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, check_cv, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from strategies import X_test, plant, small, y_test

from skdeepprune import DeepPruneClassifier, OneHotDNA

X, y = plant(400)
X = np.array(X)

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "repeating a sequence is not weighting it when batches are drawn and a part is held out; and of the sequences"
        " that some versions of the check leave a weight, one class has a single one, too few to hold one out"
    ),
}


def test_scikit_learns_own_checks():
    results = check_estimator(
        DeepPruneClassifier(), expected_failed_checks=EXPECTED_FAILURES, on_fail="raise", on_skip=None
    )
    by_status = pd.DataFrame(results).groupby("status")["check_name"].agg(list)
    assert len(by_status["passed"]) >= 50
    assert set(by_status.get("xfail", [])) == set(EXPECTED_FAILURES), "an expected failure passed: take it off the list"
    # SCIPY_ARRAY_API is an environment variable that has to be set before SciPy is imported.
    assert set(by_status.get("skipped", [])) <= {"check_array_api_input"}


def test_cross_validation_stratifies():
    assert is_classifier(small())
    assert isinstance(check_cv(3, y, classifier=is_classifier(small())), StratifiedKFold)


def test_cross_val_score_on_strings_and_in_a_pipeline():
    scores = cross_val_score(small(), X, y, cv=3, scoring="roc_auc")
    assert scores.mean() > 0.8
    piped = cross_val_score(make_pipeline(OneHotDNA(), small()), X, y, cv=3, scoring="roc_auc")
    np.testing.assert_allclose(piped, scores)


def test_grid_search_in_two_processes():
    grid = {"criterion": ["weight", "score"], "n_kernels": [2, 4]}
    search = GridSearchCV(small(max_iter=8), grid, cv=2, n_jobs=2, scoring="roc_auc").fit(list(X), y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict(X_test).shape == (len(X_test),)
    serial = GridSearchCV(small(max_iter=8), grid, cv=2, scoring="roc_auc").fit(list(X), y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"])


def test_calibration():
    calibrated = CalibratedClassifierCV(small(max_iter=25), cv=2).fit(OneHotDNA().fit_transform(X), y)
    probabilities = calibrated.predict_proba(OneHotDNA().fit_transform(X_test))
    assert roc_auc_score(y_test, probabilities[:, 1]) > 0.8


def test_one_vs_rest():
    three = np.where(np.arange(len(y)) % 3 == 0, 2, y)
    wrapped = OneVsRestClassifier(small()).fit(OneHotDNA().fit_transform(X), three)
    assert set(wrapped.classes_) == {0, 1, 2}
    probabilities = wrapped.predict_proba(OneHotDNA().fit_transform(X_test))
    assert roc_auc_score(y_test, probabilities[:, 1]) > 0.8


def test_scores_are_features_for_other_estimators():
    pipeline = make_pipeline(small(max_iter=10), LogisticRegression()).fit(X, y)
    assert pipeline.score(X_test, y_test) > 0.7
    scores = small(max_iter=2).set_output(transform="pandas").fit(X, y).transform(X_test)
    assert list(scores) == ["deeppruneclassifier0", "deeppruneclassifier1"]


def test_clone_keeps_parameters_and_drops_the_fit():
    fitted = small(max_iter=1, n_kernels=3).fit(X, y)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "kernels_")


@pytest.mark.parametrize("engine", ["compiled", "tensorflow"])
def test_pickle_joblib_and_skops_round_trips(engine, tmp_path):
    import skops.io

    fitted = small(max_iter=2, engine=engine).fit(X, y)
    expected = fitted.predict_proba(X_test)
    joblib.dump(fitted, tmp_path / "model.joblib")
    skops.io.dump(fitted, tmp_path / "model.skops")
    untrusted = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
    assert all(name.startswith("skdeepprune.") for name in untrusted), untrusted
    for again in (
        pickle.loads(pickle.dumps(fitted)),
        joblib.load(tmp_path / "model.joblib"),
        skops.io.load(tmp_path / "model.skops", trusted=untrusted),
    ):
        np.testing.assert_array_equal(again.predict_proba(X_test), expected)
        pd.testing.assert_frame_equal(again.history_, fitted.history_)


def test_pandas_in_and_out():
    frame = pd.DataFrame({"sequence": X})
    fitted = small(max_iter=2).fit(frame, pd.Series(y))
    np.testing.assert_array_equal(fitted.predict(frame), small(max_iter=2).fit(X, y).predict(X))
    onehot = OneHotDNA().set_output(transform="pandas").fit_transform(frame)
    fitted = small(max_iter=2).fit(onehot, y)
    assert fitted.feature_names_in_.tolist() == list(onehot)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(onehot[onehot.columns[::-1]])


def test_sample_weight_is_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        weighted = small(max_iter=2).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(OneHotDNA(), weighted)
        weights = np.where(y == 1, 5.0, 1.0)
        routed = pipeline.fit(X, y, sample_weight=weights).predict_proba(X_test)
    direct = small(max_iter=2).fit(X, y, sample_weight=weights).predict_proba(X_test)
    np.testing.assert_array_equal(routed, direct)


def test_callbacks_see_the_stages():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")

    class Recorder:
        def __init__(self):
            self.seen = []

        def setup(self, estimator, context):
            self.seen.append("setup")

        def on_fit_task_begin(self, estimator, context):
            self.seen.append(f"begin {context.task_name}")

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            self.seen.append((context.task_name, fitted_estimator.kernels_.shape[0]))
            return context.task_name == "stage" and fitted_estimator.kernels_.shape[0] <= 4

        def teardown(self, estimator, context):
            self.seen.append("teardown")

    assert isinstance(Recorder(), callback.FitCallback)
    recorder = Recorder()
    fitted = small(max_iter=1).set_callbacks(recorder).fit(X, y)
    stages = [event for event in recorder.seen if event[0] == "stage"]
    assert stages == [("stage", 16), ("stage", 8), ("stage", 4)], "stopped by the callback before 2 kernels"
    assert recorder.seen[0] == "setup"
    assert recorder.seen[-2:] == [("fit", 4), "teardown"]
    assert fitted.kernels_.shape[0] == 4


def test_scoring_monitor_follows_the_stages():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
    monitor = callback.ScoringMonitor(scoring="roc_auc")
    small(max_iter=1).set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    assert [row["task_name"] for row in rows].count("stage") == 4
