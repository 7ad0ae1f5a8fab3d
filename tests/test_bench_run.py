import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline

from skdeepprune import PAPER_SETTINGS, DeepPruneClassifier
from skdeepprune.bench import (
    METHODS,
    METRICS,
    BenchmarkDataset,
    find_datasets,
    find_methods,
    list_cells,
    read_store,
    restore_store,
    run_benchmark,
)
from skdeepprune.bench._backends import each_finished
from skdeepprune.bench._conditions import forget_peak_memory, one_thread, peak_memory
from skdeepprune.bench._description import changed_parameters, describe
from skdeepprune.bench._methods import GROUPS
from skdeepprune.cli import main
from skdeepprune.datasets import load_deepbind, load_simulated

# Of networks as small as these, some get worse as they are pruned.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

COLUMNS = (
    "collection dataset method seed n_kernels roc_auc average_precision ceiling n_train n_test epochs fit_seconds"
    " score_seconds peak_mb parameters version commit threads machine started cell error"
).split()
# What differs from run to run.
CIRCUMSTANCES = ["fit_seconds", "score_seconds", "peak_mb", "commit", "started"]


def load(seed):
    return load_simulated(3, n_train=120, n_test=80, random_state=seed)


TINY = BenchmarkDataset(collection="simulated", name="tiny", load=load, kernel_length=8)


def words(dataset, seed):
    return make_pipeline(CountVectorizer(analyzer="char", ngram_range=(3, 3)), LogisticRegression())


def pruned(dataset, seed):
    return DeepPruneClassifier(2, n_prunings=2, kernel_length=dataset.kernel_length, max_iter=3, random_state=seed)


class Counting(ClassifierMixin, BaseEstimator):
    """Scores by the share of C, and counts how often it was fitted."""

    fitted = []

    def __init__(self, sign=1, on_fit=None):
        self.sign = sign
        self.on_fit = on_fit

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        Counting.fitted.append(self.sign)
        if self.on_fit is not None:
            self.on_fit()
        return self

    def decision_function(self, X):
        return self.sign * np.array([x.count("C") for x in X])


@pytest.fixture
def fitted():
    """What `Counting` has fitted since the test began."""
    Counting.fitted.clear()
    return Counting.fitted


def cell_files(store):
    return sorted(path.relative_to(store) for path in store.glob("cells/*/*/*.json"))


# --- rows


def test_rows(tmp_path):
    direct = {
        size: DeepPruneClassifier(size, n_prunings=0, kernel_length=8, max_iter=2, random_state=0) for size in (2, 4)
    }
    methods = {"pruned": pruned, "words": words, "direct": lambda dataset, seed: direct}
    table = run_benchmark([TINY], methods, [7], tmp_path)
    assert list(table.columns) == COLUMNS
    assert table["method"].tolist() == ["direct", "direct", "pruned", "pruned", "pruned", "words"]
    assert table["n_kernels"].tolist() == [4, 2, 8, 4, 2, pd.NA]
    assert (table["seed"] == 7).all() and (table["error"] == "").all() and (table["threads"] == 1).all()
    assert (table["n_train"] == 120).all() and (table["n_test"] == 80).all()
    assert table["epochs"].tolist() == [2, 2, 3, 3, 3, pd.NA]
    np.testing.assert_array_equal(table["ceiling"], load(7).ceiling)
    seconds = table[table["method"] == "pruned"]["fit_seconds"]
    assert seconds.is_monotonic_increasing and (table["fit_seconds"] > 0).all() and (table["score_seconds"] > 0).all()
    assert json.loads(table["parameters"][0]) == {"kernel_length": 8, "max_iter": 2, "n_prunings": 0}
    assert json.loads(table["parameters"][5])["steps"][1][1] == {"class": "sklearn.LogisticRegression"}
    assert table["peak_mb"].between(50, 50_000).all()
    assert pd.to_datetime(table["started"]).dt.tz is not None


def test_numbers_are_those_of_fitting_and_scoring_by_hand(tmp_path):
    table = run_benchmark([TINY], {"pruned": pruned, "words": words}, [7], tmp_path)
    data = load(7)
    classifier = pruned(TINY, 7).fit(data.X_train, data.y_train)
    scores = [probability[:, 1] for probability in classifier.staged_predict_proba(data.X_test)]
    scores.append(words(TINY, 7).fit(data.X_train, data.y_train).decision_function(data.X_test))
    assert table["roc_auc"].tolist() == [roc_auc_score(data.y_test, score) for score in scores]
    assert table["average_precision"].tolist() == [average_precision_score(data.y_test, score) for score in scores]
    history = classifier.history_
    assert table["epochs"].tolist()[:3] == history.groupby("stage")["epoch"].max().tolist()


def test_probabilities_will_do_and_own_metrics(tmp_path):
    method = {"bayes": lambda dataset, seed: make_pipeline(CountVectorizer(analyzer="char"), BernoulliNB())}
    metrics = METRICS | {"accuracy": lambda y, score: balanced_accuracy_score(y, score > 0.5)}
    table = run_benchmark([TINY], method, [0], tmp_path, metrics=metrics)
    assert list(table.columns) == [*COLUMNS[:7], "accuracy", *COLUMNS[7:]]
    assert 0 <= table["accuracy"][0] <= 1
    assert run_benchmark([TINY], method, [0], tmp_path)["started"][0] is not None
    assert len(read_store(tmp_path)) == 1  # without the metric it is another cell, which supersedes that with it


def test_a_metric_that_is_not_a_number_is_an_error(tmp_path):
    metrics = {"roc_auc": lambda y, score: float("nan")}
    table = run_benchmark([TINY], {"words": words}, [0], tmp_path, metrics=metrics)
    assert table["error"].tolist() == ["ValueError: The metric 'roc_auc' is nan; expected a number."]


def test_the_order_of_the_cells_does_not_matter(tmp_path):
    one = run_benchmark([TINY], {"pruned": pruned}, range(3), tmp_path / "one")
    other = pd.concat([run_benchmark([TINY], {"pruned": pruned}, [s], tmp_path / "other") for s in (2, 0, 1)])
    other = other.sort_values("seed", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(one.drop(columns=CIRCUMSTANCES), other.drop(columns=CIRCUMSTANCES))


# --- the store


def test_only_missing_cells_run(tmp_path, fitted):
    methods = {"count": lambda dataset, seed: Counting()}
    first = run_benchmark([TINY], methods, range(2), tmp_path)
    assert len(fitted) == 2
    second = run_benchmark([TINY], methods, range(3), tmp_path)
    assert len(fitted) == 3
    pd.testing.assert_frame_equal(second[:2], first)
    pd.testing.assert_frame_equal(read_store(tmp_path), second)


def test_a_changed_parameter_is_another_cell_which_supersedes_the_first(tmp_path, fitted):
    def run(sign):
        return run_benchmark([TINY], {"count": lambda dataset, seed: Counting(sign)}, range(2), tmp_path)

    first = run(1)
    second = run(-1)
    assert fitted == [1, 1, -1, -1]
    np.testing.assert_allclose(second["roc_auc"], 1 - first["roc_auc"])
    pd.testing.assert_frame_equal(read_store(tmp_path), second)
    pd.testing.assert_frame_equal(run(1), first)
    assert len(fitted) == 4
    pd.testing.assert_frame_equal(read_store(tmp_path), first)


def test_a_changed_data_set_is_another_cell(tmp_path, fitted):
    for n in (10, 20, 10):
        dataset = BenchmarkDataset(collection="c", name="n", load=load, parameters={"n_positives": n})
        run_benchmark([dataset], {"count": lambda dataset, seed: Counting()}, [0], tmp_path)
    assert len(fitted) == 2 and len(read_store(tmp_path)) == 1


def test_a_failing_cell_becomes_a_row_and_is_retried_on_request(tmp_path, fitted):
    broken = tmp_path / "broken"
    broken.touch()

    def on_fit():
        if broken.exists():
            raise RuntimeError("no\nluck")

    methods = {"count": lambda dataset, seed: {4: Counting(on_fit=on_fit)}, "words": words}
    store = tmp_path / "store"
    table = run_benchmark([TINY], methods, [0], store)
    assert table["error"].tolist() == ["RuntimeError: no luck", ""]
    assert table["n_kernels"].tolist() == [4, pd.NA] and table["roc_auc"].notna().tolist() == [False, True]
    assert list_cells([TINY], methods, [0], store)["state"].tolist() == ["failed", "done"]
    broken.unlink()
    assert run_benchmark([TINY], methods, [0], store)["error"][0] and len(fitted) == 1
    assert not run_benchmark([TINY], methods, [0], store, retry_failed=True)["error"].any()
    assert len(fitted) == 2


def test_a_data_set_that_cannot_be_read_is_a_row(tmp_path):
    def fail(seed):
        raise FileNotFoundError("gone")

    table = run_benchmark([BenchmarkDataset(collection="c", name="n", load=fail)], {"words": words}, [0], tmp_path)
    assert table["error"].tolist() == ["FileNotFoundError: gone"]


def test_two_runs_at_once_share_the_work(tmp_path, fitted):
    def run(on_fit):
        return run_benchmark([TINY], {"count": lambda dataset, seed: Counting(on_fit=on_fit)}, range(6), tmp_path)

    def while_the_first_cell_runs():
        if len(fitted) == 1:
            run(while_the_first_cell_runs)

    table = run(while_the_first_cell_runs)
    assert len(fitted) == 7  # the cell that was begun already runs twice, the others once
    assert table["seed"].tolist() == list(range(6))


def test_damaged_cells_run_again_and_leftovers_are_ignored(tmp_path, fitted):
    methods = {"count": lambda dataset, seed: Counting()}
    first = run_benchmark([TINY], methods, range(3), tmp_path)
    files = cell_files(tmp_path)
    (tmp_path / files[1]).write_bytes((tmp_path / files[1]).read_bytes()[:100])
    (tmp_path / files[0].parent / f".{files[0].name}.x7.part").write_text("{")
    with pytest.warns(UserWarning, match=f"{re.escape(files[1].name)} is damaged .* as missing"):
        assert len(read_store(tmp_path)) == 2
    with pytest.warns(UserWarning, match="is damaged"):
        assert list_cells([TINY], methods, range(3), tmp_path)["state"].tolist() == ["done", "missing", "done"]
    with pytest.warns(UserWarning, match="is damaged .* as missing"):
        second = run_benchmark([TINY], methods, range(3), tmp_path)
    assert len(fitted) == 4
    pd.testing.assert_frame_equal(first.drop(columns=CIRCUMSTANCES), second.drop(columns=CIRCUMSTANCES))


def test_a_folder_with_the_name_of_a_cell_is_moved_aside(tmp_path, fitted):
    methods = {"count": lambda dataset, seed: Counting()}
    first = run_benchmark([TINY], methods, range(3), tmp_path)
    path = tmp_path / cell_files(tmp_path)[1]
    path.unlink()
    path.mkdir()
    (path / "notes").write_text("mine")
    with pytest.warns(UserWarning, match=f"{re.escape(path.name)} is damaged .* as missing"):
        assert len(read_store(tmp_path)) == 2
    second = run_benchmark([TINY], methods, range(3), tmp_path)
    assert len(fitted) == 4 and path.is_file()
    pd.testing.assert_frame_equal(first.drop(columns=CIRCUMSTANCES), second.drop(columns=CIRCUMSTANCES))
    assert [found.read_text() for found in (tmp_path / "superseded").rglob("notes")] == ["mine"]


def test_a_file_in_place_of_a_folder_is_named_before_anything_runs(tmp_path, fitted):
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "simulated").write_text("mine")
    with pytest.raises(OSError, match="cells/simulated"):
        run_benchmark([TINY], {"count": lambda dataset, seed: Counting()}, range(3), tmp_path)
    assert fitted == []


def test_names_that_no_file_could_have(tmp_path, fitted):
    dataset = BenchmarkDataset(collection="a/b", name="../x y(1)", load=load)
    methods = {"m@4": lambda dataset, seed: Counting(), "m": lambda dataset, seed: {4: Counting()}}
    assert len(run_benchmark([dataset], methods, [0], tmp_path)) == len(cell_files(tmp_path)) == len(fitted) == 2
    assert sorted(read_store(tmp_path)["method"]) == ["m", "m@4"]


@pytest.mark.parametrize(
    "name", ["..", ".", "", "/", "a/../../b", "~", "x" * 300, "x" * 300 + "y", "é" * 200, ".hidden"]
)
def test_no_name_leaves_the_store_or_vanishes(tmp_path, fitted, name):
    store = tmp_path / "store"
    dataset = BenchmarkDataset(collection=name, name=name, load=load)
    methods = {name: lambda dataset, seed: Counting(), name + "x": lambda dataset, seed: Counting()}
    table = run_benchmark([dataset], methods, [0], store)
    assert len(cell_files(store)) == 2 and set(table["dataset"]) == {name} and (table["error"] == "").all()
    assert list(tmp_path.iterdir()) == [store]
    assert not any(path.name.startswith(".") or len(path.name) > 200 for path in store.rglob("*"))
    pd.testing.assert_frame_equal(run_benchmark([dataset], methods, [0], store), table)
    assert len(fitted) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [],
        lambda rows: None,
        lambda rows: 5,
        lambda rows: [1],
        lambda rows: [{}],
        lambda rows: [rows[0] | {"seed": "abc"}],
        lambda rows: [rows[0] | {"seed": 10**30}],
        lambda rows: [rows[0] | {"seed": 0.5}],
        lambda rows: [rows[0] | {"roc_auc": "high"}],
        lambda rows: [rows[0] | {"roc_auc": [1]}],
        lambda rows: [rows[0] | {"method": None}],
        lambda rows: [rows[0] | {"parameters": 3}],
        lambda rows: [rows[0] | {"error": None}],
    ],
)
def test_a_bad_cell_file_names_itself_and_does_not_block_the_rest(tmp_path, fitted, change):
    methods = {"count": lambda dataset, seed: Counting()}
    run_benchmark([TINY], methods, range(3), tmp_path)
    bad = tmp_path / cell_files(tmp_path)[1]
    content = json.loads(bad.read_text())
    bad.write_text(json.dumps(content | {"rows": change(content["rows"])}))
    with pytest.warns(UserWarning, match=re.escape(bad.name)):
        assert len(read_store(tmp_path)) == 2
    with pytest.warns(UserWarning, match=re.escape(bad.name)):
        assert len(run_benchmark([TINY], methods, range(3), tmp_path)) == 3
    assert len(fitted) == 4


def test_a_table_that_is_doubled_or_restored_twice_gives_no_double_rows(tmp_path):
    table = run_benchmark([TINY], {"pruned": pruned}, [0], tmp_path / "first")
    doubled = pd.concat([table, table], ignore_index=True)
    for _ in range(2):
        restore_store(tmp_path / "again", doubled, [TINY], {"pruned": pruned}, [0])
    pd.testing.assert_frame_equal(read_store(tmp_path / "again"), table)


def test_other_folders_are_not_stores(tmp_path):
    with pytest.raises(NotADirectoryError, match="expected the store of a benchmark"):
        read_store(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert list(read_store(tmp_path / "empty").columns) == COLUMNS


def test_a_store_is_restored_from_its_table(tmp_path, fitted):
    def fail():
        raise RuntimeError("no luck")

    methods = {"count": lambda dataset, seed: Counting(), "broken": lambda dataset, seed: Counting(on_fit=fail)}
    table = run_benchmark([TINY], methods, range(3), tmp_path / "there")
    table.to_csv(tmp_path / "table.csv", index=False)
    fitted.clear()
    restore_store(tmp_path / "here", tmp_path / "table.csv", [TINY], methods, range(2))
    pd.testing.assert_frame_equal(
        read_store(tmp_path / "here"), table[table["seed"] < 2].reset_index(drop=True), check_exact=False
    )
    again = run_benchmark([TINY], methods, range(3), tmp_path / "here")
    assert len(fitted) == 2  # those of the third seed
    pd.testing.assert_frame_equal(again.drop(columns=CIRCUMSTANCES), table.drop(columns=CIRCUMSTANCES))


def test_restoring_keeps_existing_cells_and_needs_their_column(tmp_path):
    asked = [TINY], {"words": words}, [0]
    table = run_benchmark(*asked, tmp_path)
    restore_store(tmp_path, table.assign(roc_auc=0.5), *asked)
    pd.testing.assert_frame_equal(read_store(tmp_path), table)
    with pytest.raises(ValueError, match="no column 'cell'; expected one returned by read_store, got collection"):
        restore_store(tmp_path, table.drop(columns="cell"), *asked)


# --- parameters


def test_descriptions_are_plain_and_the_same_in_every_process():
    code = (
        "import json\n"
        "from skdeepprune import PAPER_SETTINGS, DeepPruneClassifier\n"
        "from skdeepprune.bench._description import describe\n"
        "value = [DeepPruneClassifier(criterion=len, n_jobs=2), set('abcdef'), object(), {'x': (1,)}]\n"
        "text = json.dumps(describe(value))\n"
    )
    here: dict[str, str] = {}
    exec(code, here)
    run = subprocess.run([sys.executable, "-c", code + "print(text)"], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == here["text"]
    estimator, letters, thing, mapping = json.loads(here["text"])
    assert estimator["criterion"] == "builtins.len" and "n_jobs" not in estimator
    assert (letters, thing, mapping) == (list("abcdef"), "<object object>", {"x": [1]})


def test_changed_parameters_go_into_nested_estimators():
    assert changed_parameters(DeepPruneClassifier(n_kernels=4, max_iter=3, n_jobs=2, random_state=1)) == {"max_iter": 3}
    changed = changed_parameters(make_pipeline(CountVectorizer(ngram_range=(2, 2)), LogisticRegression(C=2)))
    vectorizer = {"class": "sklearn.CountVectorizer", "ngram_range": [2, 2]}
    assert [step for _, step in changed["steps"]] == [vectorizer, {"class": "sklearn.LogisticRegression", "C": 2}]
    assert describe(np.float64(0.5)) == 0.5 and describe(np.arange(2)) == [0, 1]


# --- data sets and methods


@pytest.fixture
def folder(tmp_path):
    """Sets in the formats of DeepBind and of the 690 sets, plain and gzipped."""
    rng = np.random.default_rng(0)

    def sequences(n):
        return ["".join(rng.choice(list("ACGT"), size=30)) for _ in range(n)]

    rows = "".join(f"A\te{i}\t{x}\t1\n" for i, x in enumerate(sequences(40)))
    (tmp_path / "deepbind").mkdir()
    for part in ("AC", "B"):
        (tmp_path / "deepbind" / f"REST_{part}.seq").write_text("FoldID\tEventID\tseq\tBound\n" + rows)
    for name, opened, end in (("CTCF", open, ""), ("GATA", gzip.open, ".gz")):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for part, n in (("train", 60), ("test", 20)):
            with opened(tmp_path / "mine" / name / f"{part}.data{end}", "wt") as file:
                file.writelines(f">chr1:{i}-{i} {x} {int(i % 3 == 0)}\n" for i, x in enumerate(sequences(n)))
    return tmp_path


def test_data_sets_of_a_folder(folder):
    found = {dataset.name: dataset for dataset in find_datasets((), folder)}
    assert [(name, dataset.collection) for name, dataset in found.items() if dataset.collection != "simulated"] == [
        ("REST", "deepbind"),
        ("CTCF", "mine"),
        ("GATA", "mine"),
    ]
    assert (found["simulated-1"].kernel_length, found["REST"].kernel_length) == (24, 15)
    rest, by_hand = found["REST"].load(3), load_deepbind(folder, "REST", random_state=3)
    np.testing.assert_array_equal(rest.X_train, by_hand.X_train)
    for name in ("CTCF", "GATA"):
        data = found[name].load(0)
        assert (len(data.y_train), sum(data.y_train), len(data.y_test)) == (60, 20, 20)
    assert [dataset.name for dataset in find_datasets(["mine"], folder / "mine")] == ["CTCF", "GATA"]
    assert [dataset.name for dataset in find_datasets(["GATA", "simulated-2"], folder)] == ["simulated-2", "GATA"]


def test_at_most_so_many_positives(folder):
    for dataset in find_datasets(["mine", "deepbind", "simulated-1"], folder, n_positives=5):
        data, again, other = dataset.load(0), dataset.load(0), dataset.load(1)
        assert (sum(data.y_train == 1), sum(data.y_train == 0)) == (5, 10 if dataset.collection == "mine" else 5)
        np.testing.assert_array_equal(data.X_train, again.X_train)
        assert set(data.X_train) != set(other.X_train)
    whole, drawn = (find_datasets(["CTCF"], folder, n_positives=n)[0].load(0) for n in (None, 5))
    assert (
        dict(zip(drawn.X_train, drawn.y_train, strict=True)).items()
        <= dict(zip(whole.X_train, whole.y_train, strict=True)).items()
    )


def test_a_file_that_has_grown_makes_another_cell_and_one_that_has_moved_does_not(folder, tmp_path, fitted):
    def run(folder):
        return run_benchmark(find_datasets(["CTCF"], folder), methods, [0], tmp_path / "store")

    methods = {"count": lambda dataset, seed: Counting()}
    run(folder)
    (folder / "other").mkdir()
    (folder / "mine").rename(folder / "other" / "mine")
    run(folder / "other")
    assert len(fitted) == 1
    with open(folder / "other" / "mine" / "CTCF" / "train.data", "a") as file:
        file.write(">chr2:1-2 ACGTACGTAGCATCAGCAT 1\n")
    run(folder / "other")
    assert len(fitted) == 2


def test_unknown_names(folder):
    with pytest.raises(ValueError, match=r"no collection or data set 'GAT'; expected a collection \(simulated, .*GATA"):
        find_datasets(["GAT"], folder)
    with pytest.raises(ValueError, match="Pass the folder of the real sets"):
        find_datasets(["deepbind"])
    with pytest.raises(ValueError, match="n_positives=0"):
        find_datasets(n_positives=0)
    with pytest.raises(ValueError, match="no method 'deep'; expected one of deepprune, "):
        find_methods(["deep"])
    with pytest.raises(TypeError, match="'mine' made 3; expected a scikit-learn classifier"):
        list_cells([TINY], {"mine": lambda dataset, seed: 3}, [0], "nowhere")


def test_groups_of_methods():
    assert find_methods(["all"]) == METHODS
    assert list(find_methods(["paper"])) == [name for name in METHODS if name in GROUPS["paper"]]
    assert list(find_methods(["gkm-svm", "paper"]))[:2] == ["gkm-svm", "deepprune"]


def test_the_papers_methods():
    cells = list_cells([TINY], METHODS, [0], "nowhere")
    sizes = cells.groupby("method", sort=False)["n_kernels"].agg(lambda sizes: sorted(sizes.dropna()))
    assert sizes["direct"] == [4, 8, 16, 32, 64, 128, 256] and sizes["deepprune-inter"] == [4, 8, 16, 32, 64, 128]
    assert sizes["deepprune"] == [] and len(sizes) == len(METHODS)
    for size, estimator in METHODS["deepprune-inter"](TINY, 0).items():
        assert estimator.n_kernels == size and estimator._sizes()[0] == 256 and estimator.after_pruning == "none"
    for size, estimator in METHODS["direct"](TINY, 0).items():
        assert estimator._sizes() == [size]
    paper = METHODS["deepprune"](TINY, 3)
    expected = (0.01, 1.2, "weight", 0.0, "given", False, 8, 3)
    names = "learning_rate_init learning_rate_decay criterion mutation_rate negatives reverse_complement kernel_length"
    assert tuple(getattr(paper, name) for name in [*names.split(), "random_state"]) == expected
    assert paper._sizes() == [256, 128, 64, 32, 16, 8, 4]
    for name, change in {
        "deepprune-score": {"criterion": "score"},
        "deepprune-score-and-weight": {"criterion": "score-and-weight"},
        "winning-tickets": {"after_pruning": "rewind"},
        "reinitialized": {"after_pruning": "reinitialize"},
        "deepprune-l1": {"alpha": 1e-4, "l1_ratio": 1.0},
        "deepprune-l2": {"alpha": 1e-3},
    }.items():
        assert METHODS[name](TINY, 3).get_params() == paper.get_params() | change
    for size, estimator in METHODS["deepprune-one-shot"](TINY, 0).items():
        assert estimator._sizes() == [256, size]
    assert paper.get_params().items() >= PAPER_SETTINGS.items()
    assert changed_parameters(METHODS["defaults"](TINY, 0)) == {}


def test_the_papers_settings_leave_nothing_to_defaults():
    chosen = {"kernel_length", "class_weight", "engine", "n_jobs", "random_state", "verbose"}
    assert set(PAPER_SETTINGS) == set(DeepPruneClassifier().get_params()) - chosen


def test_of_inter_the_last_size_alone_counts(tmp_path):
    def inter(dataset, seed):
        return {
            2: DeepPruneClassifier(
                2, n_prunings=2, kernel_length=8, max_iter=2, after_pruning="none", random_state=seed
            )
        }

    table = run_benchmark([TINY], {"inter": inter}, [0], tmp_path)
    assert (table["n_kernels"].tolist(), table["epochs"].tolist()) == ([2], [0])


# --- conditions and backends


def test_one_thread_within_and_as_before_after():
    before = dict(os.environ)
    with one_thread():
        assert os.environ["TF_NUM_INTRAOP_THREADS"] == os.environ["OMP_NUM_THREADS"] == "1"
        assert effective_n_jobs(None) == effective_n_jobs(-1) == 1
    assert dict(os.environ) == before and effective_n_jobs(2) == 2


def test_peak_memory_is_that_since_it_was_forgotten():
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("the system counts from the start of the process")
    forget_peak_memory()
    before = peak_memory()
    block = np.ones(25_000_000)
    assert 150 < peak_memory() - before < 300
    del block
    forget_peak_memory()
    assert peak_memory() < before + 100


@pytest.mark.parametrize(("backend", "module"), [("dask", "dask.distributed"), ("ray", "ray")])
def test_a_backend_that_is_not_installed(monkeypatch, tmp_path, backend, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"backend='{backend}' needs .*`pip install "):
        run_benchmark([TINY], {"words": words}, [0], tmp_path, backend=backend)


def test_backends_that_are_none():
    with pytest.raises(ValueError, match="expected 'loky', 'dask' or 'ray'"):
        list(each_finished(len, [()], backend="slurm"))
    with pytest.raises(ValueError, match="expected backend='dask'"):
        list(each_finished(len, [()], scheduler="tcp://localhost:1"))


# --- the command line

MODULE = """
import time

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skdeepprune import PAPER_SETTINGS, DeepPruneClassifier


class Slow(DeepPruneClassifier):
    def fit(self, X, y):
        time.sleep(0.3)
        return super().fit(X, y)


def triplets(dataset, seed):
    return make_pipeline(CountVectorizer(analyzer="char", ngram_range=(3, 3)), LogisticRegression())


def slow(dataset, seed):
    return Slow(2, n_prunings=1, kernel_length=8, max_iter=3, random_state=seed)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working folder with a module of own methods."""
    (tmp_path / "methods_of_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("methods_of_mine", None)


def command(*arguments):
    named = ["--datasets", "simulated-3", "simulated-4", "--n-positives", "50", "--quiet"]
    return ["bench", "--out", "store", *named, *map(str, arguments)]


def test_command_line_with_a_method_of_ones_own(project, capsys):
    arguments = ["--methods", "methods_of_mine:triplets", "--n-jobs", "1"]
    assert main(command(*arguments, "--seeds", "2", "--list")) == 0
    assert capsys.readouterr().out.split()[-5:] == ["simulated", "triplets", "0", "0", "4"]
    assert not (project / "store").exists()
    assert main(command(*arguments, "--seeds", "2")) == 0
    out = capsys.readouterr().out
    assert "triplets" in out and out.endswith("Wrote store/results.csv\n")
    table = pd.read_csv("store/results.csv")
    assert list(table.columns) == COLUMNS and len(table) == 4
    assert main(command(*arguments, "--seeds", "1-3", "--json")) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["rows"], summary["failed"]) == (6, 0)
    (mean,) = summary["mean_roc_auc"]
    shown = pd.read_csv("store/results.csv")
    assert mean["roc_auc"] == pytest.approx(shown[shown["seed"] > 0]["roc_auc"].mean())
    assert main(command(*arguments, "--seeds", "1-3", "--list", "--json")) == 0
    (counts,) = json.loads(capsys.readouterr().out)
    assert (counts["done"], counts["missing"]) == (6, 0)


def test_cells_that_differ_in_parameters_alone_are_refused(tmp_path):
    datasets = find_datasets(["simulated-3"], n_positives=20) + find_datasets(["simulated-3"], n_positives=30)
    with pytest.raises(ValueError, match=r"1 cells occur twice .* simulated/simulated-3/mine.seed-0. Give"):
        run_benchmark(datasets, {"mine": lambda dataset, seed: DeepPruneClassifier()}, [0], tmp_path)


def test_command_line_names_failed_cells(project, capsys):
    (project / "failing.py").write_text(
        "from sklearn.svm import SVC\n\ndef svm(dataset, seed):\n    return SVC(C=-1)\n"
    )
    assert main(command("--methods", "failing:svm", "--seeds", "1", "--n-jobs", "1")) == 0
    assert "2 runs failed; their errors are in results.csv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--seeds", "x"], 2, "expected a number of seeds"),
        (["--seeds", "3-2"], 2, "expected a number of seeds"),
        (["--methods", "deep"], 1, "no method 'deep'"),
        (["--methods", "methods_of_mine:none"], 1, "has no function 'none'"),
        (["--methods", "no_such_module:f"], 1, "No module named"),
        (["--scheduler", "tcp://x:1", "--backend", "ray"], 2, "--scheduler needs --backend dask"),
    ],
)
def test_bad_usage(project, capsys, arguments, code, said):
    assert main(command(*arguments)) == code
    assert said in capsys.readouterr().err


# --- processes that die, and several of them

SLOW = ["--methods", "methods_of_mine:slow", "methods_of_mine:triplets"]


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=os.environ | {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_until(condition, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.02)


def undisturbed(project, *arguments):
    assert main(command("--n-jobs", "1", *SLOW, *arguments)) == 0
    (project / "store").rename(project / "undisturbed")
    table = without_circumstances(project / "undisturbed")
    assert not table["error"].any()
    return table


def without_circumstances(store):
    return read_store(store).drop(columns=CIRCUMSTANCES)


@pytest.mark.slow
def test_killed_ten_times_the_table_is_that_of_an_undisturbed_run(project):
    expected = undisturbed(project, "--seeds", "20")
    n_cells = len(cell_files(project / "undisturbed"))
    arguments = ["skdeepprune", *command("--n-jobs", "2", "--seeds", "20", *SLOW)]
    n_after = []
    for moment in range(10):
        process = start(*arguments)
        n_before = len(cell_files(project / "store"))
        # From before the first cell on: most of the time is that which the processes take to start.
        if moment % 3:
            wait_until(lambda n=n_before: len(cell_files(project / "store")) > n, process)
        time.sleep(random.uniform(0, 1))
        process.kill()
        process.communicate()
        n_after.append(len(cell_files(project / "store")))
    assert 0 < n_after[3] < n_after[-1] < n_cells
    process = start(*arguments)
    assert process.wait(300) == 0, process.communicate()[1]
    process.communicate()
    pd.testing.assert_frame_equal(without_circumstances("store"), expected)
    assert not list((project / "store").glob("superseded"))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_it_at_once_and_keeps_finished_cells(project, number, code):
    process = start("skdeepprune", *command("--n-jobs", "2", "--seeds", "50", *SLOW))
    wait_until(lambda: len(cell_files(project / "store")) > 2, process)
    process.send_signal(number)
    begin = time.monotonic()
    _, error = process.communicate(timeout=60)
    assert process.returncode == code and time.monotonic() - begin < 20
    assert "Traceback" not in error
    files = cell_files(project / "store")
    assert len(files) > 2 and all(json.loads((project / "store" / file).read_text())["rows"] for file in files)


@pytest.mark.slow
def test_the_workers_end_with_a_runner_that_was_killed(project):
    psutil = pytest.importorskip("psutil")
    process = start("skdeepprune", *command("--n-jobs", "2", "--seeds", "50", *SLOW))
    wait_until(lambda: len(cell_files(project / "store")) > 2, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.kill()
    process.communicate()
    assert psutil.wait_procs(workers, timeout=20)[1] == []


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_own_cell_alone(project):
    (project / "dying.py").write_text(
        "import os\nfrom sklearn.linear_model import LogisticRegression\n\n"
        "class Dying(LogisticRegression):\n    def fit(self, X, y):\n        os.kill(os.getpid(), 9)\n\n"
        "def dying(dataset, seed):\n    return Dying()\n"
    )
    arguments = ["skdeepprune", *command("--n-jobs", "2", "--seeds", "3", "--methods", "dying:dying"), SLOW[2]]
    process = start(*arguments)
    assert process.wait(300) == 0
    process.communicate()
    table = read_store("store")
    failed = table[table["error"] != ""]
    assert failed["method"].tolist() == 6 * ["dying"] and len(table) == 12
    assert failed["error"].str.startswith("TerminatedWorkerError").all()


@pytest.mark.slow
def test_two_runs_at_once_in_processes(project):
    expected = undisturbed(project, "--seeds", "10")
    both = [start("skdeepprune", *command("--n-jobs", "1", "--seeds", "10", *SLOW)) for _ in range(2)]
    assert [process.wait(300) for process in both] == [0, 0]
    for process in both:
        process.communicate()
    pd.testing.assert_frame_equal(without_circumstances("store"), expected)


class Cluster:
    """A Dask scheduler and its workers, a process each."""

    def __init__(self, folder):
        file = folder / "scheduler.json"
        arguments = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
        self.processes = [start("distributed.cli.dask_scheduler", *map(str, arguments))]
        wait_until(lambda: file.exists() and file.stat().st_size > 0, self.processes[0])
        self.address = json.loads(file.read_text())["address"]

    def add_worker(self, n_threads=1):
        arguments = ["--nthreads", n_threads, "--no-dashboard", "--memory-limit", "0", "--local-directory", "workers"]
        process = start("distributed.cli.dask_worker", self.address, *map(str, arguments))
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def cluster(project):
    pytest.importorskip("distributed")
    cluster = Cluster(project)
    yield cluster
    cluster.stop()


@pytest.mark.slow
def test_one_process_loky_and_dask_give_the_same_bits(project, cluster):
    expected = undisturbed(project, "--seeds", "4")
    for _ in range(2):
        cluster.add_worker()
    for where in (["--n-jobs", "2"], ["--scheduler", cluster.address]):
        process = start("skdeepprune", *command("--seeds", "4", *SLOW, *where))
        assert process.wait(300) == 0, process.communicate()[1]
        process.communicate()
        pd.testing.assert_frame_equal(without_circumstances("store"), expected, check_exact=True)
        (project / "store").rename(project / f"store{where[0]}")


@pytest.mark.slow
def test_dask_workers_may_die_and_come(project, cluster):
    expected = undisturbed(project, "--seeds", "15")
    first = cluster.add_worker()
    process = start("skdeepprune", *command("--seeds", "15", *SLOW, "--scheduler", cluster.address))
    wait_until(lambda: len(cell_files(project / "store")) > 2, process)
    second = cluster.add_worker()
    time.sleep(4)  # so that the first has begun another
    os.killpg(first.pid, signal.SIGKILL)
    n_when_killed = len(cell_files(project / "store"))
    assert n_when_killed < len(cell_files(project / "undisturbed"))
    assert process.wait(300) == 0, process.communicate()[1]
    process.communicate()
    assert first.wait() == -signal.SIGKILL and second.poll() is None
    pd.testing.assert_frame_equal(without_circumstances("store"), expected, check_exact=True)


@pytest.mark.slow
def test_dask_workers_with_threads_are_refused(project, cluster):
    cluster.add_worker(n_threads=2)
    time.sleep(5)
    process = start("skdeepprune", *command("--seeds", "1", *SLOW, "--scheduler", cluster.address))
    _, error = process.communicate(timeout=120)
    assert process.returncode == 1 and "has 2 threads; expected one" in error
