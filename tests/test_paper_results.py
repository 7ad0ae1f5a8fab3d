from itertools import product

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from paper.results import Contender, contenders, failures, over_seeds, read_results
from paper.statistics import compare, rank
from paper.summary import computing_time, dense_weights, summarize
from paper_tables import PRUNED, SINGLE, SIZES, make_results, simple
from scipy.stats import chi2, rankdata

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import load_simulated


@pytest.fixture(scope="module")
def results():
    return make_results()


def test_the_five_columns_are_enough(results):
    five = results[["dataset", "method", "seed", "n_kernels", "roc_auc"]]
    pd.testing.assert_frame_equal(over_seeds(five), over_seeds(results))
    assert failures(five)["error"].tolist() == ["no roc_auc"]
    assert compare(five, ("deepprune", 4), ("direct", 4)).wins == compare(results, ("deepprune", 4), ("direct", 4)).wins
    with pytest.raises(ValueError, match="no column 'fit_seconds'"):
        computing_time(five)


@pytest.mark.parametrize("column", ["dataset", "method", "seed", "n_kernels", "roc_auc"])
def test_a_required_column_that_is_missing_is_named(results, column):
    with pytest.raises(ValueError, match=f"no column '{column}'; expected dataset, method, seed"):
        read_results(results.drop(columns=column))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("roc_auc", 1.5, "from 0 to 1"),
        ("roc_auc", "high", "expected a number as roc_auc"),
        ("n_kernels", 2.5, "whole number above 0"),
        ("n_kernels", 0, "whole number above 0"),
        ("dataset", None, "dataset is empty"),
        ("seed", None, "seed is empty"),
    ],
)
def test_an_impossible_value_is_refused_with_its_row(column, value, message):
    table = simple({"a": [0.5, 0.6], "b": [0.5, 0.6]}).astype(object)
    table.loc[2, column] = value
    with pytest.raises(ValueError, match=rf"Row 2 of the table .*{message}"):
        read_results(table)


def test_a_run_that_is_there_twice_is_refused():
    table = simple({"a": [0.5, 0.6]})
    with pytest.raises(ValueError, match="Data set set-0, method a, seed 0, n_kernels 4: there is more than one row"):
        read_results(pd.concat([table, table.assign(roc_auc=0.7)]))
    failed = table.assign(roc_auc=np.nan, error="OSError: disk full")
    assert len(failures(pd.concat([table, failed]))) == 2


def test_sets_of_one_name_in_two_collections_stay_two():
    tables = [simple({"a": [value]}, collection=name) for name, value in (("x", 0.5), ("y", 0.7))]
    found = over_seeds(pd.concat(tables))
    assert dict(zip(found["dataset"], found["mean"], strict=True)) == {"set-0 (x)": 0.5, "set-0 (y)": 0.7}


def test_reading_a_file_is_reading_its_table(results, tmp_path):
    results.to_csv(tmp_path / "results.csv", index=False)
    read = read_results(tmp_path / "results.csv")
    pd.testing.assert_frame_equal(over_seeds(read), over_seeds(results))
    pd.testing.assert_frame_equal(summarize(read), summarize(results))
    assert failures(read)["error"].tolist() == ["MemoryError: <kernel> matrix of 20000 x 20000"]


def test_a_table_of_others():
    ours = pd.read_csv(REPOSITORY / "benchmarks" / "results" / "accuracy_capped.csv")
    table = ours[["dataset", "n_kernels", "method", "seed", "roc_auc"]].replace({"direct": "directly-trained"})
    at_4 = table[table["n_kernels"] == 4].pivot_table(index="dataset", columns="method", values="roc_auc")
    expected = at_4["deepprune"] - at_4["directly-trained"]
    comparison = compare(table, ("deepprune", 4), ("directly-trained", 4))
    assert comparison.wins == (expected > 0).sum() and comparison.left_out == ()
    assert comparison.mean_difference == pytest.approx(expected.mean())
    assert comparison.p_value == pytest.approx(exact_p(expected.to_numpy()))


def test_means_and_spreads_over_seeds():
    table = pd.concat([simple({"a": [0.5, 0.6]}, seed=seed) for seed in range(2)] + [simple({"a": [0.8]}, seed=2)])
    found = over_seeds(table).set_index("dataset")
    assert found.loc["set-0", "mean"] == pytest.approx(0.6)
    assert found.loc["set-0", "spread"] == pytest.approx(np.std([0.5, 0.5, 0.8], ddof=1))
    assert found["n_seeds"].tolist() == [3, 2]
    assert np.isnan(over_seeds(simple({"a": [0.5]}))["spread"].iloc[0])


def test_contenders_with_and_without_sizes(results):
    assert contenders(results, smallest=True) == [
        *(Contender(method, 4) for method in (*PRUNED, *SINGLE)),
        Contender("gkm-svm"),
        Contender("kmer-logistic"),
        Contender("pwm-scan"),
    ]
    assert [name.n_kernels for name in contenders(results) if name.method == "deepprune"] == list(SIZES)
    few = results[(results["method"] != "deepprune-score") | (results["collection"] == "simulated")]
    assert "deepprune-score" not in {name.method for name in contenders(few, coverage=0.5)}


def exact_p(differences):
    """One-sided p of the signed ranks by trying all signs."""
    differences = differences[differences != 0]
    ranks = rankdata(np.abs(differences))
    signs = np.array(list(product([0, 1], repeat=len(ranks))))
    return np.mean(signs @ ranks >= ranks[differences > 0].sum() - 1e-9)


@given(st.lists(st.integers(-400, 400), min_size=1, max_size=9, unique_by=abs))
def test_wilcoxon_is_that_of_all_signs(thousandths):
    differences = np.array(thousandths) / 1000
    table = simple({"a": 0.5 + differences / 2, "b": 0.5 - differences / 2})
    comparison = compare(table, ("a", 4), ("b", 4))
    assert comparison.p_value == pytest.approx(exact_p(differences))
    assert comparison.wins == (differences > 0).sum()
    assert comparison.losses == (differences < 0).sum()
    assert comparison.ties == (differences == 0).sum()
    assert comparison.mean_difference == pytest.approx(differences.mean(), abs=1e-12)


def test_equal_numbers_are_ties_whatever_their_last_bits():
    thirds = [simple({"a": [a], "b": [b]}, seed=i) for i, (a, b) in enumerate([(0.1, 0.3), (0.2, 0.2), (0.3, 0.1)])]
    comparison = compare(pd.concat(thirds), ("a", 4), ("b", 4))
    assert (comparison.wins, comparison.losses, comparison.ties) == (0, 0, 1)
    assert comparison.p_value == 1


def test_only_complete_pairs_are_compared():
    full = simple({"a": [0.9, 0.9, 0.9], "b": [0.5, 0.5, 0.5]})
    other_seed = simple({"a": [0.1, 0.1]}, seed=1)  # b has no such seed: it must not pull a's mean down
    without = full[~((full["dataset"] == "set-2") & (full["method"] == "b"))]
    comparison = compare(pd.concat([without, other_seed]), ("a", 4), ("b", 4))
    assert comparison.differences.to_dict() == pytest.approx({"set-0": 0.4, "set-1": 0.4})
    assert comparison.left_out == ("set-2",)
    with pytest.raises(ValueError, match="each of a with 4 kernels, c"):
        compare(full, ("a", 4), ("c", None))


def test_average_ranks_are_those_of_a_loop(results):
    of = [("deepprune", 4), ("direct", 4), ("gkm-svm", None), ("pwm-scan", None)]
    ranking = rank(results, of)
    totals = dict.fromkeys(of, 0.0)
    table = results[results["error"].isna()]
    complete = {
        (dataset, seed)
        for (dataset, seed), rows in table.groupby(["dataset", "seed"])
        if {"gkm-svm", "pwm-scan", "direct", "deepprune"} <= set(rows["method"])
    }
    names = {dataset for dataset, _ in complete}
    for dataset in names:
        means = []
        for method, size in of:
            own = table[(table["dataset"] == dataset) & (table["method"] == method)]
            own = own[own["n_kernels"].isna() if size is None else own["n_kernels"] == size]
            means.append(own[[(dataset, seed) in complete for seed in own["seed"]]]["roc_auc"].mean())
        for name, value in zip(of, rankdata(-np.round(means, 12)), strict=True):
            totals[name] += value / len(names)
    assert ranking.n_datasets == len(names) == 25
    assert ranking.average_ranks == pytest.approx(totals)
    assert list(ranking.average_ranks.values()) == sorted(ranking.average_ranks.values())


@pytest.mark.parametrize(
    ("k", "q"), [(3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (9, 3.102), (10, 3.164)]
)
def test_critical_difference_is_demsars(k, q):
    rng = np.random.default_rng(k)
    ranking = rank(simple({f"m{i}": rng.uniform(0.5, 1, 14) for i in range(k)}))
    assert ranking.critical_difference == pytest.approx(q * np.sqrt(k * (k + 1) / (6 * 14)), abs=0.002)


def test_demsars_example():
    # Demsar 2006, table 6: AUC of C4.5, its parameters tuned or not, on 14 data sets. Two figures printed as equal have
    # different ranks there (0.9751).
    # Its chi square, 9.28, lacks the correction for ties: one of four, three of two.
    c45 = "0.763 0.599 0.954 0.628 0.882 0.936 0.661 0.583 0.775 1.000 0.940 0.619 0.972 0.957"
    m = "0.768 0.591 0.971 0.661 0.888 0.931 0.668 0.583 0.838 1.000 0.962 0.666 0.981 0.978"
    cf = "0.771 0.590 0.968 0.654 0.886 0.916 0.609 0.563 0.866 1.000 0.965 0.614 0.9751 0.946"
    both = "0.798 0.569 0.967 0.657 0.898 0.931 0.685 0.625 0.875 1.000 0.962 0.669 0.975 0.970"
    table = simple({n: np.array(v.split(), float) for n, v in zip("cmfb", (c45, m, cf, both), strict=True)})
    ranking = rank(table)
    ranks = {name.method: value for name, value in ranking.average_ranks.items()}
    assert ranks == pytest.approx({"c": 3.143, "m": 2.000, "f": 2.893, "b": 1.964}, abs=5e-4)
    assert ranking.critical_difference == pytest.approx(1.25, abs=5e-3)
    corrected = 9.28 / (1 - (60 + 3 * 6) / (14 * (4**3 - 4)))
    assert ranking.friedman_p == pytest.approx(chi2.sf(corrected, 3), rel=0.01)
    assert [[name.method for name in group] for group in ranking.groups] == [["b", "m", "f", "c"]]


def test_groups_are_the_longest_that_hold_together():
    ranking = rank(simple({"a": [0.9] * 40, "b": [0.8, 0.7] * 20, "c": [0.7, 0.8] * 20, "d": [0.6] * 40}))
    assert [[name.method for name in group] for group in ranking.groups] == [["b", "c"]]
    equal = rank(simple({name: [0.7] * 5 for name in "abc"}))
    assert equal.friedman_p == 1 and len(equal.groups) == 1 and set(equal.average_ranks.values()) == {2.0}


def test_a_ranking_lists_omissions(results):
    few = results[(results["method"] != "gkm-svm") | (results["dataset"] != "simulated-2")]
    assert rank(few).left_out == ("simulated-2",)
    with pytest.raises(ValueError, match="at least three contenders, got 2"):
        rank(results, [("deepprune", 4), ("direct", 4)])
    with pytest.raises(ValueError, match="two data sets that all contenders have; got 1"):
        rank(simple({"a": [0.5], "b": [0.6], "c": [0.7]}))


def test_failures_are_counted(results):
    summary = summarize(results).set_index(["method", "n_kernels"])
    gkm = summary.loc[("gkm-svm", pd.NA)]
    assert (gkm["n_failed"], gkm["n_runs"], gkm["n_datasets"]) == (1, 74, 25)
    assert summary["n_failed"].sum() == 1
    broken = simple({"a": [0.5]}).assign(roc_auc=np.nan, n_kernels=np.nan, error="ImportError: no dragonn")
    lost = summarize(pd.concat([results, broken, broken.assign(method="deepprune")])).set_index(["method", "n_kernels"])
    assert lost.loc[("a", pd.NA), ["n_runs", "n_failed"]].tolist() == [0, 1]
    assert lost.loc["deepprune", "n_failed"].tolist() == [1] * len(SIZES)


def test_summary_is_the_mean_of_means(results):
    summary = summarize(results).set_index(["method", "n_kernels"])
    own = results[(results["method"] == "direct") & (results["n_kernels"] == 8)].groupby("dataset")["roc_auc"]
    assert summary.loc[("direct", 8), "mean"] == pytest.approx(own.mean().mean())
    assert summary.loc[("direct", 8), "spread"] == pytest.approx(own.std().mean())
    seconds = results.loc[results["method"] == "gkm-svm", "fit_seconds"].mean()
    assert summary.loc[("gkm-svm", pd.NA), "fit_seconds"] == pytest.approx(seconds)
    assert list(summary.index[:7]) == [("deepprune", size) for size in SIZES]


def test_a_training_with_many_sizes_takes_its_time_once(results):
    time = computing_time(results, n_datasets=690, n_cores=100).set_index("method")
    one = results[(results["dataset"] == "simulated-1") & (results["seed"] == 0)]
    pruned = one[one["method"] == "deepprune"]
    direct = one[one["method"] == "direct"]
    pruned_seconds = pruned["fit_seconds"].max() + pruned["score_seconds"].sum()
    direct_seconds = (direct["fit_seconds"] + direct["score_seconds"]).sum()
    # Every set costs the same in this table.
    assert time.loc["deepprune", "seconds"] == pytest.approx(pruned_seconds)
    assert time.loc["direct", "seconds"] == pytest.approx(direct_seconds)
    assert time.loc["direct", "hours"] == pytest.approx(75 * direct_seconds / 3600)
    assert time.loc["gkm-svm", "hours"] == pytest.approx(74 * 230 / 3600)
    assert time.loc["gkm-svm", "hours_on_1_core"] == pytest.approx(690 * 230 / 3600)
    assert time.loc["gkm-svm", "hours_on_100_cores"] == pytest.approx(6.90 * 230 / 3600)
    two = computing_time(results.assign(threads=2)).set_index("method")
    assert two["hours"].to_numpy() == pytest.approx(2 * time["hours"].to_numpy())


def test_the_projection_is_from_real_sets():
    real, simulated = simple({"a": [0.5]}), simple({"a": [0.5]}).assign(dataset="simulated-1")
    table = pd.concat([real.assign(fit_seconds=10.0), simulated.assign(fit_seconds=99.0)]).assign(parameters="{}")
    assert computing_time(table)["seconds"].tolist() == [10]
    assert computing_time(table[table["dataset"] == "simulated-1"])["seconds"].tolist() == [99]


def test_other_load_of_the_machine_does_not_count():
    quiet, busy = (simple({"a": [0.5]}).assign(seed=seed, fit_seconds=seconds) for seed, seconds in ((0, 10), (1, 30)))
    time = computing_time(pd.concat([quiet, busy]).assign(parameters="{}"), n_datasets=360)
    assert time["seconds"].tolist() == [10] and time["hours_on_1_core"].tolist() == [1]
    assert time["hours"].to_numpy() == pytest.approx(40 / 3600)


@pytest.fixture(scope="module")
def fitted():
    data = load_simulated(3, n_train=600, n_test=10, random_state=0)
    return DeepPruneClassifier(n_kernels=4, n_prunings=2, kernel_length=10, max_iter=4, random_state=0).fit(
        data.X_train, data.y_train
    )


def test_weights_are_followed_over_the_stages(fitted):
    table = dense_weights(fitted, n_kept=3, n_pruned=2)
    assert list(table) == ["kernel", "kept", 16, 8, 4]
    assert table["kept"].tolist() == [True] * 3 + [False] * 2
    for row in table.to_dict("records"):
        for stage in fitted.stages_:
            place = np.flatnonzero(stage.kept == row["kernel"])
            if len(place):
                assert row[stage.n_kernels] == pytest.approx(abs(stage.network.dense_weights[place[0]]))
            else:
                assert not row["kept"] and np.isnan(row[stage.n_kernels]) and stage.n_kernels == 4
    assert table[4].dropna().is_monotonic_decreasing


def test_weights_need_a_pruning(fitted):
    data = load_simulated(3, n_train=200, n_test=10, random_state=0)
    direct = DeepPruneClassifier(n_prunings=0, kernel_length=10, max_iter=1).fit(data.X_train, data.y_train)
    with pytest.raises(ValueError, match="never pruned"):
        dense_weights(direct)
