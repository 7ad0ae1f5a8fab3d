import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import roc_auc_score
from strategies import SITE, X, X_test, small, y, y_test
from tqdm import tqdm

from skdeepprune import OneHotDNA, _training
from skdeepprune._engines import _compiled
from skdeepprune._engines._compiled import CompiledEngine, CompiledTrainer
from skdeepprune._engines._interface import Trainer
from skdeepprune._interruption import InterruptedFitWarning, interruptions_raised
from skdeepprune._pruning import CRITERIA
from skdeepprune.sequences import encode, one_hot, reverse_complement


@pytest.fixture(scope="module")
def fitted():
    return small().fit(X, y)


@pytest.mark.parametrize("engine", ["compiled", "tensorflow"])
def test_learns_a_planted_site(engine):
    classifier = small(engine=engine, max_iter=40).fit(X, y)
    assert roc_auc_score(y_test, classifier.decision_function(X_test)) > 0.9
    assert classifier.engine_ == engine
    best = classifier.kernels_[np.argmax(np.abs(classifier.coef_[0]))]
    site = one_hot(encode([SITE, reverse_complement(SITE)])).reshape(2, -1)
    shifts = [np.roll(site.reshape(2, 9, 4), s, axis=1).reshape(2, -1) for s in range(-3, 4)]
    assert max(np.corrcoef(row, best.ravel())[0, 1] for shift in shifts for row in shift) > 0.6


def test_fitted_attributes(fitted):
    assert fitted.kernels_.shape == (2, 9, 4)
    assert fitted.kernel_bias_.shape == (2,)
    assert fitted.coef_.shape == (1, 2)
    assert fitted.intercept_.shape == (1,)
    assert fitted.mask_.shape == (16,)
    assert fitted.mask_.sum() == 2
    assert fitted.classes_.tolist() == [0, 1]
    assert fitted.engine_ == "compiled"
    assert [stage.n_kernels for stage in fitted.stages_] == [16, 8, 4, 2]
    assert fitted.n_iter_ == len(fitted.history_)


def test_history_has_a_row_per_epoch(fitted):
    history = fitted.history_
    assert list(history) == [
        "stage",
        "n_kernels",
        "epoch",
        "learning_rate",
        "loss",
        "val_loss",
        "val_roc_auc",
        "seconds",
    ]
    for stage, rows in history.groupby("stage"):
        assert rows["epoch"].tolist() == list(range(1, len(rows) + 1))
        assert rows["n_kernels"].unique() == [16 // 2**stage]
        assert rows["learning_rate"].max() == pytest.approx(0.01 / 1.2**stage)
        losses = rows["val_loss"].to_numpy()
        assert fitted.stages_[stage].val_loss in [pytest.approx(loss) for loss in (losses[-1], losses[:-12].min())]
    assert (history["seconds"] > 0).all()
    assert history["loss"].iloc[0] > history["loss"].iloc[-1]


def test_every_stage_keeps_the_more_important_half(fitted):
    for previous, stage in zip(fitted.stages_, fitted.stages_[1:], strict=False):
        survived = np.isin(previous.kept, stage.kept)
        assert survived.sum() == stage.n_kernels
        assert previous.importances[survived].min() >= previous.importances[~survived].max()
    np.testing.assert_array_equal(np.flatnonzero(fitted.mask_), fitted.stages_[-1].kept)


def test_early_stopping_restores_the_best_epoch():
    settings = {"n_prunings": 0, "n_kernels": 8, "n_iter_no_change": 3, "max_iter": 200, "learning_rate": "constant"}
    classifier = small(**settings).fit(X, y)
    val_loss = classifier.history_["val_loss"].to_numpy()
    assert len(val_loss) < 200
    assert val_loss.argmin() == len(val_loss) - 4
    assert classifier.stages_[0].val_loss == pytest.approx(val_loss.min())


def test_the_learning_rate_is_annealed_once_the_validation_loss_stays():
    stages = small(n_iter_no_change=2, max_iter=200).fit(X, y).stages_
    assert any(stage.val_loss == pytest.approx(stage.epochs[-1].val_loss) for stage in stages)
    for stage in stages[1:]:
        epochs = pd.DataFrame(stage.epochs)
        rates, val_loss = epochs["learning_rate"].to_numpy(), epochs["val_loss"].to_numpy()
        n_before = len(epochs) - 8
        np.testing.assert_allclose(rates[:n_before], rates[0])
        np.testing.assert_allclose(rates[n_before:], rates[0] * np.arange(8, 0, -1) / 8)
        assert val_loss[:n_before].argmin() == n_before - 3
        assert min(abs(stage.val_loss - loss) for loss in (val_loss[-1], val_loss[:n_before].min())) < 1e-6


@pytest.mark.parametrize(("max_iter", "n_annealed"), [(1, 0), (2, 1), (7, 3), (24, 8)])
def test_annealing_takes_at_most_half_of_max_iter(max_iter, n_annealed):
    history = small(n_prunings=0, max_iter=max_iter, n_iter_no_change=2, batch_size=800).fit(X, y).history_
    assert len(history) == max_iter, "one step an epoch: the loss still falls"
    rates = history["learning_rate"].to_numpy()
    whole = [0.01 / 9, 0.02 / 9, *[0.01] * 22][: max_iter - n_annealed]
    np.testing.assert_allclose(rates, [*whole, *(0.01 * np.arange(n_annealed, 0, -1) / max(n_annealed, 1))])


@pytest.mark.parametrize(("n_kernels", "n_annealed"), [(64, 8), (65, 4)])
def test_more_than_64_kernels_are_annealed_briefly(n_kernels, n_annealed):
    history = small(n_kernels=n_kernels, n_prunings=0, n_iter_no_change=2, max_iter=100).fit(X, y).history_
    assert (history["learning_rate"][2:] < 0.01).sum() == n_annealed - 1


def test_annealing_begins_with_the_best_weights(monkeypatch):
    begun = []
    begin = CompiledEngine.trainer

    def recorded(engine, network):
        begun.append(network)
        return begin(engine, network)

    settings = {"n_prunings": 0, "n_kernels": 8, "n_iter_no_change": 2, "random_state": 1}
    monkeypatch.setattr(CompiledEngine, "trainer", recorded)
    annealed = small(**settings, max_iter=200).fit(X, y)
    n_before = annealed.n_iter_ - 8
    monkeypatch.setattr(_training, "_ANNEALED_REFINED", 0)
    without = small(**settings, max_iter=n_before).fit(X, y)
    np.testing.assert_array_equal(begun[1].kernels, without.kernels_)
    assert not np.array_equal(annealed.kernels_, without.kernels_)


def test_a_network_that_annealing_made_worse_is_dropped():
    noise = np.random.default_rng(0).integers(0, 2, len(y))
    settings = {"n_prunings": 0, "n_kernels": 64, "mutation_rate": 0.0, "negatives": "given", "dropout": 0.0}
    stage = small(**settings, max_iter=200).fit(X, noise).stages_[0]
    val_loss = np.array([epoch.val_loss for epoch in stage.epochs])
    assert val_loss[-1] > val_loss.min() + 2 * stage.val_loss_se, "it has overfitted"
    assert stage.val_loss == pytest.approx(val_loss[:-40].min())


def test_an_annealed_learning_rate_begins_slowly():
    slow, constant = (
        small(learning_rate=kind, n_prunings=0, max_iter=6).fit(X, y).history_["learning_rate"]
        for kind in ("anneal", "constant")
    )
    np.testing.assert_allclose(slow[:3], [0.01 / 9, 0.02 / 9, 0.01])
    np.testing.assert_allclose(constant, 0.01)


@pytest.fixture
def dropouts(monkeypatch):
    """What is left out in every epoch, with the number of kernels."""
    seen = []
    epoch = CompiledTrainer.epoch

    def recorded(trainer, data, order, batch_size, learning_rate, dropout, penalty):
        seen.append((trainer.network.n_kernels, dropout))
        return epoch(trainer, data, order, batch_size, learning_rate, dropout, penalty)

    monkeypatch.setattr(CompiledTrainer, "epoch", recorded)
    return seen


def test_dropout_ends_at_16_kernels(dropouts):
    small(n_kernels=8, n_prunings=2, max_iter=3, dropout=0.4).fit(X, y)
    small(n_kernels=17, n_prunings=0, max_iter=1, dropout=0.4).fit(X, y)
    assert [(n_kernels, dropout.rate) for n_kernels, dropout in dropouts] == [
        *[(32, 0.4)] * 3,
        *[(16, 0.0)] * 3,
        *[(8, 0.0)] * 3,
        (17, 0.4),
    ]


def test_every_epoch_drops_others_and_every_fit_the_same(dropouts):
    fits = [small(n_kernels=32, n_prunings=0, max_iter=4, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2)]
    seeds = [dropout.seed for _, dropout in dropouts]
    assert len(set(seeds[:4])) == 4
    assert seeds[:4] == seeds[4:]
    np.testing.assert_array_equal(*(fit.kernels_ for fit in fits))


def test_probabilities_are_consistent(fitted):
    probability = fitted.predict_proba(X_test)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    np.testing.assert_allclose(np.log(probability), fitted.predict_log_proba(X_test), rtol=1e-6)
    np.testing.assert_array_equal(fitted.predict(X_test), probability.argmax(axis=1))
    scores, codes = fitted.transform(X_test), encode(X_test)
    assert scores.min() >= 0
    by_words = fitted.stages_[-1].network.word_sum(codes)
    np.testing.assert_allclose(
        scores @ fitted.coef_[0] + fitted.intercept_ + by_words, fitted.decision_function(X_test), rtol=1e-5, atol=1e-5
    )
    staged = list(fitted.staged_predict_proba(X_test))
    assert len(staged) == 4
    np.testing.assert_array_equal(staged[-1], probability)
    first = fitted.stages_[0].network
    log_odds = first.decision(first.scores(codes), first.word_sum(codes))
    np.testing.assert_allclose(staged[0][:, 1], 1 / (1 + np.exp(-log_odds)), atol=1e-6)


def test_log_probability_does_not_underflow(fitted):
    far = clone(fitted).fit(X, y)
    far.stages_[-1].network.dense_weights[:] *= 1e4
    assert np.isfinite(far.predict_log_proba(X_test)).all()
    assert far.predict_log_proba(X_test).min() < -800


def test_both_strands_are_one():
    classifier = small(n_prunings=1, max_iter=3).fit(X, y)
    np.testing.assert_allclose(
        classifier.decision_function(X_test), classifier.decision_function(reverse_complement(X_test)), atol=1e-5
    )


@pytest.mark.parametrize(
    "convert",
    [
        np.array,
        pd.Series,
        lambda X: pd.DataFrame({"sequence": X}),
        lambda X: [x.lower() for x in X],
        lambda X: np.array(X, dtype=object),
        lambda X: np.array(X, dtype=bytes),
        lambda X: OneHotDNA().fit_transform(X),
        lambda X: OneHotDNA(flatten=False).fit_transform(X).astype(float),
    ],
)
def test_all_faces_of_dna_give_the_same_bits(fitted, convert):
    again = small().fit(convert(X), y)
    np.testing.assert_array_equal(again.kernels_, fitted.kernels_)
    np.testing.assert_array_equal(again.predict_proba(convert(X_test)), fitted.predict_proba(X_test))


def test_same_seed_same_bits_whatever_n_jobs(fitted, monkeypatch):
    monkeypatch.setattr(_compiled, "_CHUNK_BYTES", 2**12)  # many chunks, for the threads to share
    again = small(n_jobs=2).fit(X, y)
    other = small(random_state=1).fit(X, y)
    np.testing.assert_array_equal(again.kernels_, fitted.kernels_)
    np.testing.assert_array_equal(again.predict_proba(X_test), fitted.predict_proba(X_test))
    assert not np.array_equal(other.kernels_, fitted.kernels_)


def test_global_seed_is_neither_read_nor_set(fitted):
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = small().fit(X, y)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.testing.assert_array_equal(again.kernels_, fitted.kernels_)


def test_unequal_lengths_and_short_sequences(fitted):
    ragged = [x[: 5 + i % 46] for i, x in enumerate(X)]
    classifier = small(max_iter=3).fit(ragged, y)
    alone = np.concatenate([classifier.decision_function([x]) for x in ragged[:50]])
    np.testing.assert_array_equal(alone, classifier.decision_function(ragged)[:50])


def test_after_pruning_variants(fitted):
    inter = small(after_pruning="none").fit(X, y)
    before, last = inter.stages_[-2:]
    assert last.epochs == []
    kept = np.isin(before.kept, last.kept)
    np.testing.assert_array_equal(last.network.kernels, before.network.kernels[kept])
    np.testing.assert_array_equal(before.network.kernels, fitted.stages_[-2].network.kernels)


@pytest.mark.filterwarnings("ignore:Pruned to")
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"n_kernels": 64, "n_prunings": 1}, [(128, np.inf), (64, 1)]),
        ({"n_kernels": 4, "n_prunings": 1}, [(8, np.inf), (4, 1)]),
        ({"n_kernels": 4, "n_prunings": 0}, [(4, np.inf)]),
        ({"n_kernels": 4, "n_prunings": 3}, [(32, np.inf), (16, 1), (8, 1), (4, 1)]),
        ({"n_kernels": 32, "n_prunings": 3}, [(256, np.inf), (128, np.inf), (64, 1), (32, 1)]),
        ({"n_kernels": 8, "n_prunings": 2, "after_pruning": "none"}, [(32, np.inf), (16, 1), (8, 1)]),
        ({"n_kernels": 8, "n_prunings": 1, "after_pruning": "none"}, [(16, np.inf), (8, np.inf)]),
        ({"n_kernels": 8, "n_prunings": 1, "after_pruning": "rewind"}, [(16, np.inf), (8, np.inf)]),
        ({"n_kernels": 8, "n_prunings": 1, "after_pruning": "reinitialize"}, [(16, np.inf), (8, np.inf)]),
        ({"n_kernels": 8, "n_prunings": 1, "pooling": "max"}, [(16, np.inf), (8, np.inf)]),
    ],
)
def test_only_pruned_and_fine_tuned_networks_pool_all_windows(parameters, expected):
    classifier = small(max_iter=1, **parameters).fit(X, y)
    assert [(stage.n_kernels, stage.network.sharpness) for stage in classifier.stages_] == expected
    z = classifier.stages_[-1].network.scores(encode(X_test))
    np.testing.assert_allclose(classifier.transform(X_test), z, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Pruned to 2 kernels")
@pytest.mark.parametrize("after_pruning", ["fine-tune", "rewind", "reinitialize"])
def test_where_training_starts_after_pruning(monkeypatch, after_pruning):
    starts = []
    train = _training.train

    def recorded(engine, network, *arguments, **options):
        starts.append(network)
        return train(engine, network, *arguments, **options)

    monkeypatch.setattr(_training, "train", recorded)
    stages = small(after_pruning=after_pruning, pooling="max", max_iter=4).fit(X, y).stages_
    initial = starts[0]
    assert not np.allclose(initial.kernels, stages[0].network.kernels, atol=1e-3), "training moved the weights"
    for previous, stage, start in zip(stages, stages[1:], starts[1:], strict=False):
        survivors = previous.network.select(np.isin(previous.kept, stage.kept))
        candidates = {"fine-tune": survivors, "rewind": initial.select(stage.kept)}
        for name, candidate in candidates.items():
            assert np.array_equal(start.kernels, candidate.kernels) == (name == after_pruning)
            assert np.array_equal(start.dense_weights, candidate.dense_weights) == (name == after_pruning)


@pytest.mark.filterwarnings("ignore:Pruned to 2 kernels")
@pytest.mark.parametrize(("after_pruning", "n_rates"), [("fine-tune", 4), ("rewind", 1), ("reinitialize", 1)])
def test_learning_rate_falls_only_when_fine_tuning(after_pruning, n_rates):
    history = small(after_pruning=after_pruning, learning_rate="constant", max_iter=1).fit(X, y).history_
    assert history["learning_rate"].nunique() == n_rates


@pytest.mark.filterwarnings("ignore:Pruned to 2 kernels")
@pytest.mark.parametrize(("after_pruning", "slow"), [("fine-tune", 1), ("rewind", 4), ("reinitialize", 4)])
def test_untrained_weights_begin_slowly(after_pruning, slow):
    history = small(after_pruning=after_pruning, max_iter=1).fit(X, y).history_
    assert (history["learning_rate"] < 0.005).sum() == slow


def test_too_many_kernels_for_the_saliency_are_refused_before_training():
    with pytest.raises(ValueError, match="start with 8192 kernels; expected at most 4096 with criterion='saliency'"):
        small(n_kernels=2, n_prunings=12).fit(X, y)


def test_a_collapse_is_not_silent():
    collapsing = small(after_pruning="reinitialize", learning_rate="constant", max_iter=1, composition=0)
    with pytest.warns(ConvergenceWarning, match=r"Pruned to 2 kernels, .* use at_size\(\d+\) of this fit") as warned:
        collapsing.fit(X, y)
    assert warned[0].filename == __file__
    aucs = [stage.val_roc_auc for stage in collapsing.stages_]
    assert aucs[-1] < max(aucs) - 0.1


def test_auto_has_no_last_pruning_to_leave_untrained():
    with pytest.raises(ValueError, match="set n_kernels to a number"):
        small(n_kernels="auto", after_pruning="none").fit(X, y)


def test_criteria_rank_differently_and_callables_work():
    def by_name(name):
        return small(criterion=name, max_iter=5).fit(X, y)

    weight, score, mine = by_name("weight"), by_name("score"), by_name(CRITERIA["score"])
    assert not np.array_equal(weight.stages_[1].kept, score.stages_[1].kept)
    np.testing.assert_array_equal(score.mask_, mine.mask_)
    with pytest.raises(ValueError, match="one finite importance for each of the 16 kernels"):
        by_name(lambda network, scores, y: np.full(network.n_kernels, np.nan))


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("engine", ["compiled", "numpy", "tensorflow"])
def test_every_engine_ranks_by_every_criterion(rng, engine, criterion):
    values, labels = (
        (X, y) if engine == "compiled" else (rng.normal(size=(40, 9, 2)).astype(np.float32), np.arange(40) % 2)
    )
    classifier = small(engine=engine, criterion=criterion, n_prunings=1, kernel_length=4, max_iter=2, n_channels="auto")
    assert classifier.fit(values, labels).mask_.sum() == 2


def test_weights_of_zero_leave_sequences_out():
    weights = np.ones(len(X))
    weights[::3] = 0
    kept = np.flatnonzero(weights)
    masked = small(max_iter=4).fit(X, y, sample_weight=weights)
    alone = small(max_iter=4).fit([X[i] for i in kept], y[kept])
    np.testing.assert_allclose(masked.kernels_, alone.kernels_, atol=1e-6)


def test_balanced_classes_count_sequences_of_positive_weight():
    rare = np.where(y == 1, np.arange(len(X)) % 8 == 0, 1.0)
    balanced = small(max_iter=10, class_weight="balanced").fit(X, y, sample_weight=rare)
    by_hand = rare * np.where(y == 1, 1 / (rare * y).sum(), 1 / (rare * (1 - y)).sum())
    np.testing.assert_allclose(
        balanced.predict_proba(X_test),
        small(max_iter=10).fit(X, y, sample_weight=by_hand).predict_proba(X_test),
        atol=1e-3,
    )


def test_weights_move_the_prediction():
    plain = small(max_iter=10).fit(X, y)
    for weighted in (
        small(max_iter=10).fit(X, y, sample_weight=np.where(y == 1, 20.0, 1.0)),
        small(max_iter=10, class_weight={0: 1, 1: 20}).fit(X, y),
    ):
        assert weighted.predict_proba(X_test)[:, 1].mean() > plain.predict_proba(X_test)[:, 1].mean() + 0.1


def test_string_labels():
    names = np.where(y == 1, "bound", "background")
    classifier = small(max_iter=5).fit(X, names)
    assert classifier.classes_.tolist() == ["background", "bound"]
    assert set(classifier.predict(X_test)) <= {"background", "bound"}


@pytest.mark.parametrize("engine", ["numpy", "tensorflow"])
def test_real_valued_channels(rng, engine):
    values = one_hot(encode(X)).astype(np.float32)
    tracks = np.concatenate([values, rng.normal(size=(len(X), 50, 1))], axis=2)
    tracks[y == 1, :, 4] += 0.5
    classifier = small(engine=engine, n_channels="auto", max_iter=15).fit(tracks, y)
    assert (classifier.engine_, classifier.n_channels_, classifier.reverse_complement_) == (engine, 5, True)
    assert roc_auc_score(y, classifier.decision_function(tracks)) > 0.8
    flat = small(engine=engine, n_channels=5, max_iter=15).fit(tracks.reshape(len(X), -1), y)
    np.testing.assert_array_equal(flat.kernels_, classifier.kernels_)


@pytest.mark.parametrize(
    ("parameters", "bad_X", "bad_y", "message"),
    [
        ({}, ["ACGT", "ACGX"] * 4, [0, 1] * 4, r"Sequence 1 has the letter 'X' at position 3"),
        ({}, ["ACGT", ""] * 4, [0, 1] * 4, r"Sequence 1 is empty"),
        ({}, ["ACGT"] * 8, [1] * 8, r"got only one"),
        ({}, ["ACGT"] * 9, [0, 1, 2] * 3, r"Only binary classification is supported\. The target has 3 classes"),
        ({}, ["ACGT"] * 8, [0, 1], r"inconsistent numbers of samples"),
        ({}, ["AC", "AG", "AT"], [0, 0, 1], r"at least 2 distinct sequences of positive weight in each class.* 1 of"),
        ({}, [], [], r"minimum of 1 is required"),
        ({"n_channels": 1, "reverse_complement": False}, [[np.nan]] * 8, [0, 1] * 4, r"contains NaN"),
        ({"n_kernels": 2**12, "n_prunings": 12}, ["ACGT"] * 8, [0, 1] * 4, r"start with 16777216 kernels"),
        ({"reverse_complement": True}, [[1.0]] * 8, [0, 1] * 4, r"set reverse_complement=False"),
        ({"n_channels": 4}, [[1.0] * 6] * 8, [0, 1] * 4, r"6 columns, not a multiple of n_channels=4"),
        ({"n_channels": 4}, np.zeros((8, 5, 3)), [0, 1] * 4, r"Set n_channels=3"),
        ({"kernel_length": 65}, ["ACGT"] * 8, [0, 1] * 4, r"longest sequence has 4 positions; expected at most 64"),
        ({"n_channels": 5}, ["ACGT"] * 8, [0, 1] * 4, r"Got DNA strings, but the classifier reads 5"),
        ({"engine": "compiled"}, [[0.5] * 8] * 8, [0, 1] * 4, r"engine='tensorflow'"),
        ({}, np.array([], dtype=str), [], r"holds no sequences"),
        ({}, np.zeros((8, 0, 4)), [0, 1] * 4, r"no positions"),
        ({"n_prunings": 10**6}, ["ACGT"] * 8, [0, 1] * 4, r"'n_prunings' parameter"),
        (
            {"class_weight": {0: -1, 1: 1}},
            ["ACGT"] * 8,
            [0, 1] * 4,
            r"class_weight=.*expected finite, non-negative",
        ),
        ({}, ["AC", "AG", "AT"], [0, 0, 1], r"1 of class 1\."),
        ({}, ["AC"] * 3, [0, 0, 1], r"that are not in the other.* 0 of class 0\."),
        ({"n_kernels": 0}, ["ACGT"] * 8, [0, 1] * 4, r"'n_kernels' parameter"),
        ({"criterion": "magnitude"}, ["ACGT"] * 8, [0, 1] * 4, r"'criterion' parameter"),
        *(({}, bad, [], r"Expected DNA strings, .*; got") for bad in (None, 3, 0.5, pd.DataFrame())),
        ({}, [[1.0], [1.0, 2.0]], [0, 1], r"rows of different lengths"),
        ({}, [[1 + 1j], [2]], [0, 1], r"Complex data not supported: X is of type complex128"),
        ({}, np.zeros((8, 2), "M8[s]"), [0, 1] * 4, r"X is of type datetime64\[s\]; expected real numbers"),
        ({}, [[1e39, 0.0]] * 8, [0, 1] * 4, r"X contains 1e\+39; expected numbers from -1e\+30 to 1e\+30"),
        ({}, [[1.0, 10**400]] * 8, [0, 1] * 4, r"X\[0\]\[1\] is .*; expected a number"),
    ],
)
def test_bad_input_is_refused(parameters, bad_X, bad_y, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(bad_X, bad_y)


@pytest.mark.parametrize(
    "container",
    [
        lambda X: pd.Series(X).array,
        lambda X: pd.Series(X).unique(),
        pd.Index,
        lambda X: pd.array(X, dtype="string"),
        lambda X: np.array(X, dtype=np.dtypes.StringDType()),
        lambda X: pd.Series(X, dtype="category"),
    ],
)
def test_strings_come_in_many_containers(container):
    few, labels = X[:60], y[:60]
    fitted = small(max_iter=1).fit(container(few), labels)
    np.testing.assert_array_equal(fitted.predict_proba(container(few)), fitted.predict_proba(few))
    np.testing.assert_array_equal(fitted.kernels_, small(max_iter=1).fit(few, labels).kernels_)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_missing_string_is_named(missing):
    for container in (list, pd.Series):
        with pytest.raises(TypeError, match="Sequence 0 is of type"):
            small().fit(container([missing, *X[1:]]), y)


def test_weights_of_any_size():
    one, huge = (small(max_iter=2).fit(X, y, sample_weight=np.full(len(X), weight)) for weight in (1, 1e307))
    np.testing.assert_array_equal(one.kernels_, huge.kernels_)


@pytest.mark.parametrize("y", [[0, pd.NA] * 4, [0, "a"] * 4, [0, None] * 4, [{1}, 2] * 4])
def test_indistinguishable_labels_are_refused(y):
    with pytest.raises((ValueError, TypeError), match=r"y has labels of types|contains NaN|Unknown label"):
        small().fit(["ACGT", "GGCA"] * 4, np.array(y, dtype=object))


def test_bad_weights_are_refused():
    with pytest.raises(ValueError, match="[Nn]egative"):
        small().fit(X, y, sample_weight=-np.ones(len(X)))


def test_predictions_refuse_input_the_network_cannot_read(fitted):
    with pytest.raises(ValueError, match="fitted on DNA, but X is not one-hot"):
        fitted.predict(np.full((3, 8), 0.5))
    with pytest.raises(NotFittedError):
        small().predict(X)
    matrix = small(max_iter=1).fit(OneHotDNA().fit_transform(X), y)
    with pytest.raises(ValueError, match="200 features"):
        matrix.predict(np.zeros((2, 8)))


def test_divergence_is_said():
    with pytest.raises(FloatingPointError, match="Lower learning_rate_init"):
        small(learning_rate_init=1e38, max_iter=50).fit(X, y)


def interrupt(monkeypatch, after):
    """Let Ctrl-C come in the epoch after so many."""
    epochs = iter(range(after + 1))
    run = CompiledTrainer.epoch

    def interrupted(self: Trainer, *arguments):
        if next(epochs) == after:
            raise KeyboardInterrupt
        return run(self, *arguments)

    monkeypatch.setattr(CompiledTrainer, "epoch", interrupted)


@pytest.mark.parametrize("previously_fitted", [False, True])
def test_a_fit_interrupted_before_the_first_size_is_not_fitted(monkeypatch, previously_fitted):
    classifier = small(max_iter=2)
    if previously_fitted:
        classifier.fit(X, y)
    interrupt(monkeypatch, after=1)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X, y)
    with pytest.raises(NotFittedError):
        classifier.predict(X)
    assert not hasattr(classifier, "kernels_")


def test_a_fit_interrupted_later_has_the_sizes_that_were_finished(monkeypatch):
    whole = small(max_iter=2).fit(X, y)
    interrupt(monkeypatch, after=5)
    with pytest.warns(InterruptedFitWarning, match=r"with 8 kernels, .* Not trained: 4, 2\.") as warned:
        classifier = small(max_iter=2).fit(X, y)
    assert warned[0].filename == __file__
    assert [stage.n_kernels for stage in classifier.stages_] == [16, 8]
    np.testing.assert_array_equal(classifier.predict_proba(X), whole.at_size(8).predict_proba(X))


def test_programs_around_a_fit_get_the_interruption_itself(monkeypatch):
    interrupt(monkeypatch, after=5)
    with interruptions_raised(), pytest.raises(KeyboardInterrupt):
        small(max_iter=2).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "bad_X", "bad_y", "weights"),
    [
        ({}, ["ACGT", "ACGX"] * 4, [0, 1] * 4, None),
        ({}, ["ACGT"] * 8, [1] * 8, None),
        ({}, np.ones((8, 3)), [0, 1, 2, 3] * 2, None),
        ({}, np.ones((8, 3)), [0, 1] * 4, [np.nan] * 8),
        ({"engine": "compiled"}, np.ones((8, 3)), [0, 1] * 4, None),
        ({"kernel_length": 1000}, ["ACGT"] * 8, [0, 1] * 4, None),
        ({"kernel_length": 0}, ["ACGT"] * 8, [0, 1] * 4, None),
        ({"mutation_rate": 0.1}, np.ones((8, 3)), [0, 1] * 4, None),
        ({"class_weight": {0: 0, 1: 1}}, ["ACGT"] * 8, [0, 1] * 4, None),
    ],
)
@pytest.mark.parametrize("earlier", [X, OneHotDNA().fit_transform(X)], ids=["strings", "matrix"])
def test_bad_input_leaves_the_earlier_fit(parameters, bad_X, bad_y, weights, earlier):
    classifier = small(max_iter=1, n_prunings=0).fit(earlier, y)
    before = {name: value for name, value in vars(classifier).items() if name.endswith("_")}
    expected = classifier.predict_proba(earlier)
    with pytest.raises(ValueError):
        classifier.set_params(**parameters).fit(bad_X, bad_y, sample_weight=weights)
    after = {name: value for name, value in vars(classifier).items() if name.endswith("_")}
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    np.testing.assert_array_equal(classifier.predict_proba(earlier), expected)


def test_a_network_that_died_is_not_silent():
    far = np.random.default_rng(0).normal(size=(60, 3)) - 1e6
    with pytest.warns(ConvergenceWarning, match="with 2 kernels died: it predicts the same"):
        small(n_prunings=0, max_iter=3, learning_rate_init=10.0).fit(far, np.arange(60) % 2)


def test_progress_bar_names_stage_kernels_epoch_and_loss(capsys):
    small(verbose=1, max_iter=2).fit(X, y)
    shown = capsys.readouterr().err
    for words in ("DeepPrune (compiled)", "4/4", "2 kernels", "epoch 2", "validation loss 0."):
        assert words in shown


def test_progress_bar_shows_the_epochs_of_every_stage(capsys, monkeypatch):
    monkeypatch.setattr("skdeepprune._classifier.tqdm", partial(tqdm, mininterval=0))
    small(verbose=1, max_iter=3).fit(X, y)
    shown = capsys.readouterr().err
    for n_kernels in (16, 8, 4, 2):
        assert f" {n_kernels} kernels, epoch 3" in shown


def test_prediction_needs_no_tensorflow(fitted, tmp_path):
    import pickle

    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    code = (
        "import pickle, sys\n"
        f"model = pickle.load(open({str(tmp_path / 'model.pickle')!r}, 'rb'))\n"
        f"print(model.predict_proba(['{X_test[0]}'])[0, 1])\n"
        "loaded = {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(run.stdout) == fitted.predict_proba(X_test[:1])[0, 1]


def test_at_size_is_the_classifier_before_further_pruning(fitted):
    staged = dict(zip((s.n_kernels for s in fitted.stages_), fitted.staged_predict_proba(X_test), strict=True))
    for size, expected in staged.items():
        smaller = fitted.at_size(size)
        np.testing.assert_array_equal(smaller.predict_proba(X_test), expected)
        assert smaller.kernels_.shape[0] == smaller.mask_.sum() == size
        assert (smaller.n_kernels, smaller.n_prunings) == (size, len(smaller.stages_) - 1)
    np.testing.assert_array_equal(small(n_kernels=4, n_prunings=2).fit(X, y).kernels_, fitted.at_size(4).kernels_)
    assert fitted.n_kernels == 2
    with pytest.raises(ValueError, match=r"one of the sizes that were trained: \[16, 8, 4, 2\]"):
        fitted.at_size(3)


def test_auto_prunes_until_the_loss_is_a_standard_error_above_the_best():
    classifier = small(n_kernels="auto", n_prunings=2, max_iter=40).fit(X, y)
    stages = [*classifier.stages_, *classifier.rejected_stages_]
    assert [stage.n_kernels for stage in stages] == [16, 8, 4, 2, 1][: len(stages)]
    best = min(stages, key=lambda stage: stage.val_loss)
    bar = best.val_loss + best.val_loss_se
    assert classifier.stages_[-1].val_loss <= bar
    assert all(stage.val_loss > bar for stage in classifier.rejected_stages_)
    assert len(stages) == 5 or classifier.rejected_stages_
    assert classifier.kernels_.shape[0] <= 4, "one planted site needs few kernels"
    for stage in classifier.rejected_stages_:
        assert classifier.at_size(stage.n_kernels).kernels_.shape[0] == stage.n_kernels
