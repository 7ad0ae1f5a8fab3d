"""Composition: counts, weights and table of words; in the classifier, with unknown bases, in model files."""

from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from strategies import X, draw_network, small, y

from skdeepprune import DeepPruneClassifier, OneHotDNA, load_model, save_model
from skdeepprune import _composition as module
from skdeepprune._composition import composition_table, count_words, mean_word_counts
from skdeepprune.datasets import load_simulated
from skdeepprune.sequences import encode, reverse_complement

SEQUENCES = st.lists(st.text("ACGTN", min_size=1, max_size=30), min_size=1, max_size=6)


def words_of(length):
    return ["".join(letters) for letters in product("ACGT", repeat=length)]


def counted(sequences, word_length, both_strands):
    """By a counter of letters; a word and its reverse complement are one."""
    found = Counter(s[p : p + word_length] for s in sequences for p in range(len(s) - word_length + 1))
    other = {word: reverse_complement(word) for word in words_of(word_length)}
    return [
        found[word] + (found[other[word]] if both_strands and other[word] != word else 0)
        for word in words_of(word_length)
    ]


@given(SEQUENCES, st.integers(1, 4), st.booleans(), st.integers(1, 60))
def test_counts_are_those_of_a_counter(sequences, word_length, both_strands, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BASES_PER_CHUNK", at_once)
        counts = count_words(encode(sequences), word_length, reverse_complement=both_strands)
    np.testing.assert_array_equal(counts, counted(sequences, word_length, both_strands))


@given(SEQUENCES, st.integers(0, 3), st.booleans(), st.data())
def test_mean_counts_are_by_class(sequences, word_length, both_strands, data):
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(sequences), max_size=len(sequences))))
    means = mean_word_counts(encode(sequences), labels, word_length, reverse_complement=both_strands)
    for label, found in enumerate(means):
        of_class = [s for s, one in zip(sequences, labels, strict=True) if one == label]
        expected = counted(of_class, word_length, both_strands) if word_length else []
        np.testing.assert_allclose(found, np.array(expected) / max(len(of_class), 1))


@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize("word_length", [1, 2, 3])
def test_the_table_has_a_row_per_word_the_greatest_weight_first(rng, word_length, both_strands):
    network = draw_network(0, reverse_complement=both_strands, word_length=word_length)
    counts = rng.random((2, 4**word_length))
    table = composition_table(network, counts)
    words = words_of(word_length)
    listed = [w for w in words if not both_strands or w <= reverse_complement(w)]
    assert sorted(table["word"]) == listed
    assert (np.diff(table["weight"]) <= 0).all()
    for row in table.itertuples():
        number = words.index(row.word)
        assert row.weight == network.composition[number]
        assert (row.unbound, row.bound) == tuple(counts[:, number])


def test_without_words_the_table_is_empty():
    table = composition_table(draw_network(0), np.empty((2, 0)))
    assert (list(table.columns), len(table)) == (["word", "weight", "bound", "unbound"], 0)


# In the classifier


def rich_in(word, n, seed, length=60):
    """Draw sequences; the positives have three more copies of a word, anywhere."""
    rng = np.random.default_rng(seed)
    letters, labels = rng.choice(list("ACGT"), (n, length)), rng.integers(0, 2, n)
    for row in np.flatnonzero(labels):
        for start in rng.choice(length - len(word) + 1, 3):
            letters[row, start : start + len(word)] = list(word)
    return ["".join(row) for row in letters], labels


ENGINES = pytest.mark.parametrize("engine", ["compiled", "tensorflow"])


@ENGINES
@pytest.mark.parametrize("word_length", [2, 4])
def test_enriched_words_are_learned_and_reported(engine, word_length):
    sequences, labels = rich_in("GAGA", 400, 0)
    classifier = small(composition=word_length, engine=engine, n_prunings=0, max_iter=20, mutation_rate=0)
    classifier.fit(sequences, labels)
    words = [w for w in words_of(word_length) if w <= reverse_complement(w)]
    table = classifier.composition_
    assert sorted(table["word"]) == words
    assert table["word"].iloc[0] in {2: {"AG", "GA"}, 4: {"AGAG", "GAGA"}}[word_length]
    bound = counted([s for s, label in zip(sequences, labels, strict=True) if label], word_length, True)
    means = dict(zip(words_of(word_length), np.array(bound) / labels.sum(), strict=True))
    np.testing.assert_allclose(table["bound"], [means[word] for word in table["word"]])
    decision = classifier.decision_function(sequences)
    without = decision - classifier._network.word_sum(encode(sequences))
    np.testing.assert_allclose(
        without, classifier.transform(sequences) @ classifier.coef_[0] + classifier.intercept_[0], atol=1e-4
    )
    assert roc_auc_score(labels, decision) > 0.8


@pytest.mark.parametrize("both_strands", [False, True])
def test_auto_is_six_letters_of_dna_and_none_of_numbers(rng, both_strands):
    of_dna = small(n_prunings=0, max_iter=1, reverse_complement=both_strands).fit(X, y)
    assert len(of_dna.composition_) == (2080 if both_strands else 4096)
    values = rng.normal(size=(20, 10, 4)).astype(np.float32)
    settings = {"n_prunings": 0, "max_iter": 1, "n_channels": 4, "reverse_complement": both_strands}
    of_numbers = small(**settings).fit(values, np.arange(20) % 2)
    assert of_numbers.composition_.empty
    with pytest.raises(ValueError, match="composition=3 counts DNA words"):
        small(composition=3, **settings).fit(values, np.arange(20) % 2)


@pytest.mark.filterwarnings("ignore:Pruned to")
def test_auto_keeps_words_from_64_kernels_on():
    classifier = small(n_kernels="auto", n_prunings=6, composition=3, max_iter=5).fit(X, y)
    stages = [*classifier.stages_, *classifier.rejected_stages_]
    word_lengths = {stage.n_kernels: stage.network.word_length for stage in stages}
    assert word_lengths == {256: 0, 128: 0} | {2**k: 3 for k in range(7) if 2**k in word_lengths}
    assert 64 in word_lengths
    by_stage = list(classifier.staged_predict_proba(X[:50]))
    np.testing.assert_array_equal(by_stage[-1], classifier.predict_proba(X[:50]))
    for stage, probability in zip(classifier.stages_, by_stage, strict=True):
        codes = encode(X[:50])
        decision = stage.network.decision(stage.network.scores(codes), stage.network.word_sum(codes))
        np.testing.assert_allclose(probability[:, 1], 1 / (1 + np.exp(-decision)), atol=1e-5)
    for i, stage in enumerate(classifier.stages_[:-1]):
        one = classifier.at_size(stage.n_kernels)
        np.testing.assert_array_equal(one.predict_proba(X[:50]), by_stage[i])
        assert len(one.composition_) == (32 if stage.network.word_length else 0)


@pytest.mark.parametrize(
    ("n_kernels", "n_prunings", "expected"),
    [(64, 2, [0, 0, 2]), (128, 1, [0, 2]), (128, 0, [2]), (8, 2, [0, 2, 2]), (8, 5, [0, 0, 2, 2, 2, 2])],
)
@pytest.mark.parametrize("after_pruning", ["fine-tune", "rewind", "reinitialize"])
@pytest.mark.filterwarnings("ignore:Pruned to", "ignore:The network with .* died")
def test_words_join_once_the_kernels_have_found_motifs(after_pruning, n_kernels, n_prunings, expected):
    settings = {"composition": 2, "max_iter": 1, "after_pruning": after_pruning}
    classifier = small(n_kernels=n_kernels, n_prunings=n_prunings, **settings).fit(X, y)
    assert [stage.network.word_length for stage in classifier.stages_] == expected
    assert classifier.composition_["weight"].any()


@pytest.mark.parametrize("word_length", [0, 3, 6])
def test_model_files_hold_words(tmp_path, word_length):
    classifier = small(n_prunings=6, composition=word_length, max_iter=2).fit(X, y)
    save_model(classifier, tmp_path / "model")
    model = load_model(tmp_path / "model")
    for one, other in zip(model.staged_predict_proba(X), classifier.staged_predict_proba(X), strict=True):
        np.testing.assert_array_equal(one, other)
    pd.testing.assert_frame_equal(model.composition_, classifier.composition_, check_exact=True)
    assert model.composition == word_length


def test_a_model_trained_by_any_engine_is_loaded(rng, tmp_path):
    values, labels = rng.normal(size=(30, 9, 2)).astype(np.float32), np.arange(30) % 2
    for engine in ("numpy", "tensorflow"):
        settings = {"n_channels": 2, "reverse_complement": False, "kernel_length": 3, "n_prunings": 1, "max_iter": 2}
        classifier = small(engine=engine, **settings).fit(values, labels)
        save_model(classifier, tmp_path / engine)
        model = load_model(tmp_path / engine)
        assert model.engine_ == engine
        np.testing.assert_array_equal(model.predict_proba(values), classifier.predict_proba(values))


# Schedules


@pytest.mark.parametrize("schedule", [[16, 4, 2], (16, 4, 2), np.array([16, 4, 2]), pd.Series([16, 4, 2])])
def test_schedules_of_any_kind(schedule, tmp_path):
    classifier = small(schedule=schedule, max_iter=2, composition=0).fit(X, y)
    assert [stage.n_kernels for stage in classifier.stages_] == [16, 4, 2]
    save_model(classifier, tmp_path / "model")
    assert load_model(tmp_path / "model").schedule == [16, 4, 2]


@pytest.mark.filterwarnings("ignore:Pruned to")
@pytest.mark.parametrize("schedule", ["halving", "one-shot", [128, 16, 4, 2]])
def test_at_size_has_parameters_that_fit_it(schedule):
    settings = {"schedule": schedule, "max_iter": 3, "composition": 2, "n_prunings": 6}
    classifier = small(**settings).fit(X, y)
    for stage in classifier.stages_:
        smaller = classifier.at_size(stage.n_kernels)
        again = DeepPruneClassifier(**smaller.get_params()).fit(X, y)
        assert [s.n_kernels for s in again.stages_] == [s.n_kernels for s in smaller.stages_]
        np.testing.assert_array_equal(again.kernels_, smaller.kernels_)


@pytest.mark.parametrize(
    "schedule", [[], [4, 2, 3], [8, 8, 2], [8, 4], [8.5, 2], ["a", "b"], [[8, 2]], np.array([2, 8]), [2, 0]]
)
def test_schedules_that_do_not_fall_to_n_kernels_are_refused(schedule):
    with pytest.raises(
        ValueError, match=r"schedule=.*; expected decreasing numbers of kernels ending with n_kernels=2"
    ):
        small(schedule=schedule).fit(X, y)


def test_auto_takes_no_schedule_of_arrays():
    with pytest.raises(ValueError, match=r"n_kernels='auto' always halves; got schedule=\[8, 2\]"):
        small(n_kernels="auto", schedule=np.array([8, 2])).fit(X, y)


def test_the_size_of_a_schedule_counts_not_that_of_n_prunings():
    with pytest.raises(ValueError, match="start with 5000 kernels"):
        small(n_prunings=0, schedule=[5000, 2]).fit(X, y)


# Unknown bases are no evidence


@pytest.fixture(scope="module")
def simulated():
    data = load_simulated(3, random_state=0)
    classifier = DeepPruneClassifier(n_prunings=3, max_iter=20, random_state=0)
    classifier.fit(data.X_train[:2000].tolist(), data.y_train[:2000])
    return classifier, data.X_test[data.y_test == 0][:300].tolist()


def test_unknown_bases_are_not_evidence_for_binding(simulated):
    """What is called bound is what random letters in the place of N are, in the mean."""
    classifier, unbound = simulated

    def called(sequences):
        return float((classifier.predict_proba(sequences)[:, 1] > 0.5).mean())

    rng = np.random.default_rng(0)
    letters = ["".join(rng.choice(list("ACGT"), 20)) for _ in unbound]
    for n in (10, 20):
        inside = called([s[:40] + "N" * n + s[40 + n :] for s in unbound])
        assert inside <= called([s[:40] + r[:n] + s[40 + n :] for s, r in zip(unbound, letters, strict=True)]) + 0.03
        for place in ("N" * n + "{}", "{}" + "N" * n, "N" * n + "{}" + "N" * n):
            assert called([place.format(s) for s in unbound]) == called(unbound)


def test_zeros_of_one_hot_arrays_are_unknown_bases(simulated):
    classifier, unbound = simulated
    masked = [s[: 10 + i] + "N" * 7 + s[17 + i :] for i, s in enumerate(unbound[:40])]
    matrix = OneHotDNA().fit_transform(masked)
    expected = classifier.predict_proba(masked)
    np.testing.assert_array_equal(classifier.predict_proba(matrix.reshape(len(masked), -1, 4)), expected)
