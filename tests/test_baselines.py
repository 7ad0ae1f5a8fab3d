"""gkm-SVM and the motif scan against brute force, against LS-GKM, and beside the classifier."""

import pickle
import shutil
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from skdeepprune import DeepPruneClassifier, OneHotDNA
from skdeepprune._auc import roc_auc
from skdeepprune.baselines import GkmSVMClassifier, KmerCounter, MotifScanClassifier, _gkmsvm_lite
from skdeepprune.baselines._gkm_interface import GkmModel
from skdeepprune.baselines._gkmsvm_lite import GkmsvmLite
from skdeepprune.baselines._lsgkm import LsGkm, _format_model, _parse_model
from skdeepprune.baselines._pwm import _best_threshold
from skdeepprune.datasets import load_deepbind, load_planted_motifs, make_motif_sequences
from skdeepprune.motifs import Motif, load_jaspar, write_motifs
from skdeepprune.sequences import dinucleotide_shuffle, read_sequences, reverse_complement

MOTIFS = [Motif(known.name, 100 * known.ppm, n_sites=100) for known in load_planted_motifs().values()]
DATA = make_motif_sequences([load_planted_motifs()["REST"]], 320, length=50, random_state=0)
X, y = DATA.X[:200].tolist(), DATA.y[:200]
X_test, y_test = DATA.X[200:].tolist(), DATA.y[200:]

has_lite = pytest.mark.skipif(not GkmsvmLite().is_installed(), reason="gkmsvm-lite is not installed")
has_lsgkm = pytest.mark.skipif(
    not LsGkm().is_installed(), reason="LS-GKM's gkmtrain and gkmpredict are not on the PATH"
)
has_one = pytest.mark.skipif(
    not any(engine().is_installed() for engine in (GkmsvmLite, LsGkm)),
    reason="neither gkmsvm-lite nor LS-GKM is installed",
)


def gkm(**changed):
    return GkmSVMClassifier(**{"word_length": 6, "n_informative": 4, "max_mismatches": 2, **changed})


def random_sequences(rng, n, lengths, letters="ACGT"):
    return ["".join(rng.choice(list(letters), size=rng.choice(lengths))) for _ in range(n)]


# The same face

CLASSIFIERS = [
    pytest.param(
        DeepPruneClassifier(
            n_kernels=4, n_prunings=2, kernel_length=10, max_iter=60, engine="compiled", random_state=0
        ),
        id="DeepPrune",
    ),
    pytest.param(gkm(engine="gkmsvm-lite"), id="gkmsvm-lite", marks=has_lite),
    pytest.param(gkm(engine="lsgkm"), id="LS-GKM", marks=has_lsgkm),
    pytest.param(MotifScanClassifier(MOTIFS), id="MotifScan"),
]
each = pytest.mark.parametrize("classifier", CLASSIFIERS)


@each
def test_better_than_chance_in_one_pipeline(classifier):
    assert is_classifier(classifier)
    fitted = clone(classifier).fit(X, y)
    decision = fitted.decision_function(X_test)
    assert decision.shape == (len(X_test),)
    assert decision.dtype == np.float64
    assert roc_auc_score(y_test, decision) > 0.7
    np.testing.assert_array_equal(fitted.predict(X_test), fitted.classes_[(decision > 0).astype(int)])
    assert fitted.score(X, y) > 0.7


@each
def test_clone_and_pickle(classifier):
    fitted = clone(classifier).fit(X, y)
    expected = fitted.decision_function(X_test[:20])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).decision_function(X_test[:20]), expected)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(X_test)


@each
def test_reads_the_same_input_as_the_others(classifier):
    """Names for classes, lower case, U, padding with N, arrays, the output of OneHotDNA."""
    names = np.where(y == 1, "yes", "no")
    fitted = clone(classifier).fit(np.array(X), names)
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert set(fitted.predict(X_test)) <= {"no", "yes"}
    assert roc_auc_score(y_test, fitted.decision_function(X_test)) > 0.7
    expected = fitted.decision_function(X_test[:9])
    written_otherwise = [sequence.lower().replace("t", "u") + "NN" for sequence in X_test[:9]]
    np.testing.assert_array_equal(fitted.decision_function(written_otherwise), expected)
    np.testing.assert_array_equal(fitted.decision_function(OneHotDNA().fit_transform(X_test[:9])), expected)


@each
def test_a_score_does_not_depend_on_the_batch(classifier):
    fitted = clone(classifier).fit(X, y)
    of_unequal_length = [sequence[: 30 + 2 * i] for i, sequence in enumerate(X_test[:12])]
    together = fitted.decision_function(of_unequal_length)
    alone = [fitted.decision_function([sequence])[0] for sequence in of_unequal_length]
    np.testing.assert_array_equal(together, alone)


@each
def test_cross_validation_and_grid_search_on_lists_of_strings(classifier):
    grid = {"kernel_length": [8, 10]} if isinstance(classifier, DeepPruneClassifier) else {"reverse_complement": [0, 1]}
    grid = {name: [bool(v) if name == "reverse_complement" else v for v in values] for name, values in grid.items()}
    assert np.isfinite(cross_val_score(classifier, X, y, cv=2, scoring="roc_auc")).all()
    search = GridSearchCV(classifier, grid, cv=2, scoring="roc_auc").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict(X_test[:5]).shape == (5,)


@each
@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X, np.arange(len(X)) % 3, "Only binary classification"),
        (X, np.ones(len(X)), "got only one"),
        (X, y[:-1], "inconsistent numbers of samples"),
        (X, None, "y to be passed"),
        ([], [], "no sequences"),
        ([*X[:-1], "ACGT!"], y, rf"Sequence {len(X) - 1} has the letter '!' at position 4"),
        ([*X[:-1], ""], y, "is empty"),
    ],
)
def test_errors_name_what_is_wrong(classifier, X, y, message):
    with pytest.raises(ValueError, match=message):
        clone(classifier).fit(X, y)


@pytest.mark.parametrize(
    "classifier",
    [
        GkmSVMClassifier(kernel="linear"),
        GkmSVMClassifier(word_length=17),
        GkmSVMClassifier(C=0),
        GkmSVMClassifier(engine="svmlight"),
        MotifScanClassifier(pseudocount=0),
        MotifScanClassifier(motifs=3),
    ],
)
def test_parameters_are_checked(classifier):
    with pytest.raises(ValueError, match="parameter of"):
        classifier.fit(X, y)


@pytest.mark.parametrize("classifier", [gkm(), MotifScanClassifier(MOTIFS)], ids=["gkm", "scan"])
def test_numbers_that_are_not_dna_are_refused(classifier, rng):
    with pytest.raises(ValueError, match="needs DNA"):
        classifier.fit(rng.normal(size=(6, 40)), [0, 1] * 3)


@has_one
def test_probabilities_by_calibration():
    calibrated = CalibratedClassifierCV(gkm(), cv=2).fit(np.array(X), y)
    assert roc_auc_score(y_test, calibrated.predict_proba(X_test)[:, 1]) > 0.7


# gkm-SVM


def gapped_kmers(sequence, word_length, n_informative):
    """Count (positions, letters) of all words without N."""
    counts = {}
    for start in range(len(sequence) - word_length + 1):
        word = sequence[start : start + word_length]
        if "N" in word:
            continue
        for positions in combinations(range(word_length), n_informative):
            key = positions, "".join(word[i] for i in positions)
            counts[key] = counts.get(key, 0) + 1
    return counts


def count_kernel(first, second, word_length, n_informative, both_strands):
    tables = {s: gapped_kmers(s, word_length, n_informative) for s in {*first, *second}}
    turned = {s: gapped_kmers(reverse_complement(s), word_length, n_informative) for s in {*first, *second}}

    def product(a, b):
        strands = [tables[b], turned[b]] if both_strands else [tables[b]]
        return sum(n * table.get(key, 0) for key, n in tables[a].items() for table in strands)

    norm = {s: np.sqrt(product(s, s)) for s in tables}
    return np.array([[product(a, b) / norm[a] / norm[b] for b in second] for a in first])


@has_lite
@pytest.mark.parametrize("both_strands", [True, False])
def test_unequal_lengths_and_n_against_explicit_gapped_kmers(both_strands, rng):
    sequences = random_sequences(rng, 24, [9, 12, 13, 30], "ACGTACGTACGTACGTACGTN")
    labels = np.arange(24) % 2
    sequences = ["ACGAC" + sequence for sequence in sequences]  # a word for each
    test = ["TTGCA" + sequence for sequence in random_sequences(rng, 7, [8, 20, 25])]
    machine = SVC(kernel="precomputed", C=0.7).fit(count_kernel(sequences, sequences, 5, 3, both_strands), labels)
    fitted = GkmSVMClassifier(
        5, 3, 2, C=0.7, kernel="gkm-count", reverse_complement=both_strands, engine="gkmsvm-lite"
    ).fit(sequences, labels)
    np.testing.assert_allclose(
        fitted.decision_function(test),
        machine.decision_function(count_kernel(test, sequences, 5, 3, both_strands)),
        atol=1e-8,
    )


@has_lite
def test_both_strands_score_alike(rng):
    fitted = gkm(engine="gkmsvm-lite").fit(X, y)
    np.testing.assert_allclose(
        fitted.decision_function(reverse_complement(X_test[:20])), fitted.decision_function(X_test[:20]), atol=1e-12
    )
    one_strand = gkm(engine="gkmsvm-lite", reverse_complement=False).fit(X, y)
    turned = one_strand.decision_function(reverse_complement(X_test[:20]))
    assert np.abs(turned - one_strand.decision_function(X_test[:20])).max() > 0.1


@has_lite
def test_class_weights_multiply_c():
    def fit(**changed):
        return gkm(engine="gkmsvm-lite", **changed).fit(X, y).decision_function(X_test)

    np.testing.assert_allclose(fit(class_weight={0: 0.5, 1: 0.5}), fit(C=0.5))
    assert fit(class_weight={1: 5}).mean() > fit().mean()
    with pytest.raises(ValueError, match="expected both above 0"):
        fit(class_weight={0: 0})


@has_lite
def test_threads_change_nothing():
    import numba

    before = numba.get_num_threads()
    one, two = (gkm(engine="gkmsvm-lite", n_jobs=n).fit(X, y).decision_function(X_test) for n in (None, 2))
    np.testing.assert_array_equal(one, two)
    assert numba.get_num_threads() == before


@has_lite
def test_fits_in_threads_do_not_end_the_process():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        fitted = list(pool.map(lambda _: gkm(engine="gkmsvm-lite").fit(X[:40], y[:40]), range(4)))
    assert len({tuple(one.dual_coef_[0]) for one in fitted}) == 1


@has_lite
@has_lsgkm
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"word_length": 11, "n_informative": 7, "max_mismatches": 3},
        {"kernel": "gkm-full"},
        {"kernel": "gkm-count"},
        {"kernel": "gkm-rbf", "gamma": 2.0, "C": 10.0},
        {"reverse_complement": False},
        {"class_weight": {0: 2.0, 1: 0.7}},
    ],
    ids=str,
)
def test_the_engines_agree(changed):
    unequal = [sequence[: 40 + i % 20] for i, sequence in enumerate(X)]
    fine = {"tol": 1e-5, **changed}
    by_lite, by_lsgkm = (gkm(engine=engine, **fine).fit(unequal, y) for engine in ("gkmsvm-lite", "lsgkm"))
    expected = by_lite.decision_function(X_test)
    np.testing.assert_allclose(by_lsgkm.decision_function(X_test), expected, atol=1e-4)
    np.testing.assert_allclose(by_lsgkm.intercept_, by_lite.intercept_, atol=1e-4)
    # What one has trained the other can score.
    by_lsgkm.engine_, by_lsgkm.engine = "gkmsvm-lite", "auto"
    np.testing.assert_allclose(by_lsgkm.decision_function(X_test), expected, atol=1e-4)
    by_lite.engine_ = "lsgkm"
    np.testing.assert_allclose(by_lite.decision_function(X_test), expected, atol=1e-4)


@has_lsgkm
@pytest.mark.parametrize("kernel", ["wgkm", "wgkm-rbf"])
def test_weighted_kernels_of_lsgkm(kernel):
    fitted = gkm(kernel=kernel, half_life=10.0).fit(X, y)
    assert fitted.engine_ == "lsgkm"
    assert roc_auc_score(y_test, fitted.decision_function(X_test)) > 0.7


@has_lite
@has_lsgkm
def test_auto_avoids_lsgkm_where_it_lacks_a_feature(monkeypatch):
    fitted = gkm().fit(X, y)
    assert fitted.engine_ == "lsgkm"
    with_n = "N" + X_test[0][1:]
    score = fitted.decision_function([with_n])
    monkeypatch.setenv("PATH", "")
    np.testing.assert_array_equal(fitted.decision_function([with_n]), score)
    np.testing.assert_allclose(score, fitted.decision_function([X_test[0][1:]]), atol=1e-12)
    assert gkm().fit(X, y).engine_ == "gkmsvm-lite"


# Minutes, since the sequences are long: 1.5e11 pairs of words.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "tolerance"),
    [pytest.param("gkmsvm-lite", 1e-3, marks=has_lite), pytest.param("lsgkm", 1e-5, marks=has_lsgkm)],
)
def test_agrees_with_the_outputs_that_come_with_lsgkm(engine, tolerance, shared_data):
    stem = shared_data / "lsgkm" / "wgEncodeSydhTfbsGm12878Nfe2hStdAlnRep0"
    positives, negatives, test_positives, test_negatives = (
        list(read_sequences(f"{stem}.{part}.fa.gz").sequences) for part in ("tr", "neg.tr", "test", "neg.test")
    )
    expected = np.concatenate([np.loadtxt(f"{stem}.{part}.pred.txt", usecols=1) for part in ("test", "neg.test")])
    fitted = GkmSVMClassifier(10, 6, 3, engine=engine)
    fitted.fit(positives + negatives, [1] * len(positives) + [0] * len(negatives))
    scores = fitted.decision_function(test_positives + test_negatives)
    np.testing.assert_allclose(scores, expected, atol=tolerance)


@pytest.mark.parametrize("kernel", ["gkm", "gkm-rbf", "wgkm-rbf"])
def test_model_text_round_trips(kernel, rng):
    codes = rng.integers(0, 4, (5, 30)).astype(np.uint8)
    model = GkmModel(codes, np.array([-0.25, 1.0, 1e-17, -1.0, 1 / 3]), -0.1)
    again = _parse_model(_format_model(gkm(kernel=kernel, reverse_complement=False)._settings(), model))
    order = [1, 2, 4, 0, 3]
    np.testing.assert_array_equal(again.support, codes[order])
    np.testing.assert_array_equal(again.coef, model.coef[order])
    assert again.intercept == model.intercept


def test_without_any_engine_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(_gkmsvm_lite, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    for engine in ("auto", "lsgkm", "gkmsvm-lite"):
        with pytest.raises(ImportError, match=r"pip install skdeepprune\[baselines\]"):
            gkm(engine=engine).fit(X, y)


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def broken_lsgkm(monkeypatch, tmp_path):
    """Programs that fail."""
    program(tmp_path, "gkmtrain", "echo out of memory >&2; exit 3")
    program(tmp_path, "gkmpredict", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_a_program_that_fails_is_quoted(broken_lsgkm):
    with pytest.raises(RuntimeError, match="gkmtrain .* failed with exit status 3. Its output was: out of memory"):
        gkm(engine="lsgkm").fit(X, y)


@pytest.mark.parametrize(
    ("changed", "sequence", "message"),
    [
        ({"word_length": 13}, "A" * 30, "word_length=13; it supports 3 to 12"),
        ({"word_length": 8, "max_mismatches": 5}, "A" * 30, "max_mismatches=5; it supports at most 4"),
        ({}, "ACGTACGTNACGTACGT", "sequence 200 has N at position 8, which it would read as A"),
        ({}, "A" * 2048, "sequence 200 has 2048 bp; it supports at most 2047"),
    ],
)
def test_settings_that_lsgkm_lacks_are_refused(changed, sequence, message, broken_lsgkm):
    with pytest.raises(ValueError, match=message):
        gkm(engine="lsgkm", **changed).fit([*X, sequence], [*y, 0])


@has_lite
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kernel": "wgkm"}, "lsgkm is not installed"),
        ({"kernel": "gkm-count", "max_mismatches": 1}, "set max_mismatches=2"),
    ],
)
def test_settings_that_gkmsvm_lite_lacks_are_refused(changed, message, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=message):
        gkm(**changed).fit(X, y)


@pytest.mark.parametrize("sequence", ["ACGTA", "ACGTANACGTA", "ACGTANNNNNN"])
def test_a_sequence_without_a_word_is_refused(sequence):
    with pytest.raises(ValueError, match="Sequence 1 of .* bp has no word of word_length=6"):
        gkm().fit([X[0], sequence], [0, 1])


def test_more_informative_letters_than_letters_are_refused():
    with pytest.raises(ValueError, match="neither above word_length=6"):
        gkm(n_informative=7).fit(X, y)


# The motif scan


def best_site(motif, sequence, both_strands):
    pwm = np.hstack([motif.pwm(), motif.pwm().mean(axis=1, keepdims=True)])
    best = -np.inf
    sequence = sequence.strip("N").ljust(motif.width, "N")
    for strand in (sequence, reverse_complement(sequence)) if both_strands else (sequence,):
        for start in range(len(strand) - motif.width + 1):
            letters = ["ACGTN".index(letter) for letter in strand[start : start + motif.width]]
            best = max(best, pwm[np.arange(motif.width), letters].sum())
    return best


@pytest.mark.parametrize("both_strands", [True, False])
def test_scores_against_loops(both_strands, rng):
    """Every window counts for every motif, however wide the others are."""
    sequences = random_sequences(rng, 40, [21, 25, 33], "ACGTACGTACGTN")
    for motif in MOTIFS:
        fitted = MotifScanClassifier(motif, reverse_complement=both_strands).fit(sequences, np.arange(40) % 2)
        expected = [best_site(motif, sequence, both_strands) for sequence in sequences]
        np.testing.assert_allclose(fitted.decision_function(sequences) + fitted.threshold_, expected, atol=1e-4)


def test_the_best_of_all_motifs_is_chosen(rng):
    sequences, labels = random_sequences(rng, 60, [30, 40]), np.arange(60) % 2
    fitted = MotifScanClassifier(MOTIFS).fit(sequences, labels)
    expected = [
        roc_auc_score(labels, np.float32([best_site(motif, sequence, True) for sequence in sequences]))
        for motif in MOTIFS
    ]
    np.testing.assert_allclose(fitted.ranking_["roc_auc"].sort_index(), expected, atol=2e-3)
    assert fitted.motif_ is MOTIFS[fitted.ranking_.index[0]]
    assert fitted.ranking_["roc_auc"].is_monotonic_decreasing
    assert fitted.ranking_["name"].iloc[0] == fitted.motif_.name


def test_a_motif_at_the_very_end_is_found(rng):
    """A short motif that ends with the sequence, beside wide ones."""
    short = next(motif for motif in MOTIFS if motif.width == min(motif.width for motif in MOTIFS))
    site = "".join("ACGT"[base] for base in short.counts.argmax(axis=1))
    sequences = random_sequences(rng, 100, [60])
    labels = np.arange(100) % 2
    planted = [s[: -len(site)] + site if label else s for s, label in zip(sequences, labels, strict=True)]
    fitted = MotifScanClassifier(MOTIFS).fit(planted, labels)
    assert fitted.motif_.name == short.name
    assert fitted.score(planted, labels) > 0.9


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30))
def test_area_and_threshold_against_all_pairs_and_all_thresholds(pairs):
    scores = np.array([score for score, _ in pairs], dtype=float)
    is_positive = np.array([positive for _, positive in pairs])
    if is_positive.all() or not is_positive.any():
        return
    higher = scores[is_positive][:, None] - scores[~is_positive]
    assert roc_auc(is_positive, scores) == pytest.approx(((higher > 0) + 0.5 * (higher == 0)).mean())

    def balanced_accuracy(threshold):
        return (scores[is_positive] > threshold).mean() + (scores[~is_positive] <= threshold).mean()

    if len(set(scores)) > 1:
        best = max(map(balanced_accuracy, sorted(set(scores))[:-1]))
        assert balanced_accuracy(_best_threshold(scores, is_positive)) == pytest.approx(best)


def test_motifs_from_a_file_and_from_jaspar(tmp_path):
    write_motifs(MOTIFS, tmp_path / "known.meme")
    from_file = MotifScanClassifier(tmp_path / "known.meme").fit(X, y)
    from_list = MotifScanClassifier(MOTIFS).fit(X, y)
    assert from_file.motif_.name == from_list.motif_.name
    np.testing.assert_allclose(from_file.ranking_["roc_auc"], from_list.ranking_["roc_auc"], atol=0.02)
    pytest.importorskip("pyjaspar")
    fitted = MotifScanClassifier("jaspar2024").fit(X[:40], y[:40])
    assert len(fitted.ranking_) == len(load_jaspar("JASPAR2024")) == 879
    assert fitted.ranking_["roc_auc"].iloc[0] > 0.7


@pytest.mark.parametrize(
    ("motifs", "error", "message"),
    [
        ([], ValueError, "motifs is empty"),
        ("no/such/file.meme", ValueError, "neither a motif file nor a release"),
        ([load_planted_motifs()["TBP"].ppm], TypeError, r"motifs\[0\] is of type ndarray; expected a Motif"),
    ],
)
def test_motifs_that_cannot_be_read(motifs, error, message):
    with pytest.raises(error, match=message):
        MotifScanClassifier(motifs).fit(X, y)


def test_scores_that_are_all_equal():
    """Nothing to choose by: the threshold is that score, so nothing is positive."""
    fitted = MotifScanClassifier(MOTIFS[0]).fit(["ACGT" * 10] * 4, [0, 1, 0, 1])
    assert fitted.ranking_["roc_auc"].tolist() == [0.5]
    assert fitted.predict(["ACGT" * 10]).tolist() == [0]


# --- counts of k-mers

sequences_with_n = st.lists(st.text(alphabet="ACGTacgtUNR", min_size=1, max_size=40), min_size=1, max_size=5)


@given(X=sequences_with_n, word_length=st.integers(1, 6), both_strands=st.booleans())
def test_words_against_a_counter(X, word_length, both_strands):
    counter = KmerCounter(word_length, reverse_complement=both_strands).fit(X)
    names = list(counter.get_feature_names_out())
    counts = counter.transform(X)
    assert counts.shape == (len(X), len(names)) and counts.has_canonical_format
    for sequence, row in zip(X, counts.toarray(), strict=True):
        letters = sequence.upper().replace("U", "T")
        words = [letters[i : i + word_length] for i in range(len(letters) - word_length + 1)]
        known = [word for word in words if set(word) <= set("ACGT")]
        if both_strands:
            known = [min(word, reverse_complement(word)) for word in known]
        expected = Counter(known)
        assert set(expected) <= set(names)
        np.testing.assert_array_equal(row, [expected[name] for name in names])


def test_words_of_many_sequences_are_those_of_each(rng, monkeypatch):
    X = ["".join(row) for row in rng.choice(list("ACGTN"), (30, 20), p=[0.24] * 4 + [0.04])]
    whole = KmerCounter(3).fit(X).transform(X)
    monkeypatch.setattr("skdeepprune._composition._BASES_PER_CHUNK", 50)
    np.testing.assert_array_equal(KmerCounter(3).fit(X).transform(X).toarray(), whole.toarray())
    np.testing.assert_array_equal(KmerCounter(3).fit(X).transform(X[7:8]).toarray(), whole[[7]].toarray())


def test_both_strands_have_the_same_words():
    X = ["GATTACAGGNA", "CCATG"]
    counter = KmerCounter(4).fit(X)
    other = counter.transform([reverse_complement(x) for x in X])
    np.testing.assert_array_equal(counter.transform(X).toarray(), other.toarray())


def test_words_of_one_hot_dna():
    X = ["GATTACAGGNA", "CCATG"]
    pipeline = make_pipeline(OneHotDNA(), KmerCounter(2)).fit(X)
    np.testing.assert_array_equal(pipeline.transform(X).toarray(), KmerCounter(2).fit_transform(X).toarray())


def test_words_of_something_else_are_refused(rng):
    with pytest.raises(ValueError, match="KmerCounter needs DNA, but X contains other numbers"):
        KmerCounter().fit(rng.random((5, 8)))
    with pytest.raises(ValueError, match="word_length"):
        KmerCounter(13).fit(["ACGT"])
    with pytest.raises(NotFittedError):
        KmerCounter().transform(["ACGT"])


def test_logistic_regression_on_words_as_measured_elsewhere(shared_data):
    """TCF12 with two shuffles of each of 5,000 positives has 0.950 as computed without this package."""
    dataset = load_deepbind(shared_data / "deepbind", "TCF12_H1-hESC_TCF12_HudsonAlpha", random_state=0)
    positives = [str(sequence) for sequence in dataset.X_train[dataset.y_train == 1]][:5000]
    X = [*positives, *dinucleotide_shuffle(positives + positives, random_state=0)]
    y = np.repeat([1, 0, 0], 5000)
    classifier = make_pipeline(KmerCounter(), LogisticRegression(C=0.01, max_iter=1000)).fit(X, y)
    roc_auc = roc_auc_score(dataset.y_test, classifier.decision_function(dataset.X_test))
    assert roc_auc == pytest.approx(0.95, abs=0.005)
