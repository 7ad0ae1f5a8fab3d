"""Sequences of mixed length: read in parts, with the results of one whole, and in the memory that they need."""

import subprocess
import sys
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune import DeepPruneClassifier, OneHotDNA
from skdeepprune.baselines import ConvolutionClassifier, MotifScanClassifier
from skdeepprune.datasets import load_simulated
from skdeepprune.motifs import Motif, extract_motifs
from skdeepprune.sequences import decode, dinucleotide_shuffle, encode
from skdeepprune.sequences._codes import check_padding, encode_by_length

SEQUENCES = st.lists(st.text("ACGTNacgtn", min_size=1, max_size=40), min_size=1, max_size=30)


@given(SEQUENCES, st.integers(1, 200))
def test_every_sequence_comes_once_and_whole(strings, n_letters):
    found = {}
    for rows, codes in encode_by_length(strings, n_letters=n_letters):
        assert codes.size <= n_letters or len(rows) == 1
        for row, letters in zip(rows.tolist(), decode(codes, strip=False), strict=True):
            assert row not in found and set(letters[len(strings[row]) :]) <= {"N"}
            found[row] = letters[: len(strings[row])]
    assert [found[i] for i in range(len(strings))] == [string.upper() for string in strings]


def test_equal_lengths_are_not_reordered():
    parts = list(encode_by_length(["ACGT", "GGGG", "TTTT"], n_letters=8))
    assert [rows.tolist() for rows, _ in parts] == [[0, 1], [2]]


@pytest.mark.parametrize("bad", [["ACGT" * 9, "AC", "AXG", "A"], ["A" * 30, "A" * 50, "AX", "A"]])
def test_an_error_names_the_sequence_by_its_place(bad):
    with pytest.raises(ValueError, match="Sequence 2 has the letter 'X' at position 1"):
        list(encode_by_length(bad, n_letters=3))
    with pytest.raises(ValueError, match="Sequence 1 is empty"):
        list(encode_by_length(["A", "", "AX"], n_letters=3))


@pytest.fixture(scope="module")
def fitted():
    data = load_simulated(3, n_train=300, n_test=200, random_state=0)
    return DeepPruneClassifier(n_kernels=2, n_prunings=0, max_iter=3, random_state=0).fit(data.X_train, data.y_train)


@given(strings=SEQUENCES, n_letters=st.integers(1, 300))
def test_predictions_do_not_depend_on_the_parts(fitted, strings, n_letters):
    with pytest.MonkeyPatch.context() as patch:
        parts = list(encode_by_length(strings, n_letters=n_letters))
        patch.setattr("skdeepprune._inputs.encode_by_length", lambda X: parts)
        scores, decision = fitted.transform(strings), fitted.decision_function(strings)
        staged = list(fitted.staged_predict_proba(strings))
        patch.setattr("skdeepprune._inputs.encode_by_length", lambda X: [(np.arange(len(X)), encode(X))])
        np.testing.assert_array_equal(scores, fitted.transform(strings))
        np.testing.assert_array_equal(decision, fitted.decision_function(strings))
        np.testing.assert_array_equal(staged, list(fitted.staged_predict_proba(strings)))


def test_shuffles_do_not_depend_on_the_parts(monkeypatch, rng):
    strings = ["".join(rng.choice(list("ACGT"), n)) for n in rng.integers(1, 60, 50)]
    whole = dinucleotide_shuffle(strings, random_state=3)
    monkeypatch.setattr("skdeepprune.sequences._shuffle.encode_by_length", lambda X: encode_by_length(X, n_letters=100))
    assert dinucleotide_shuffle(strings, random_state=3) == whole


COMMAND = """
import resource, sys
from skdeepprune.cli import main
code = main([*sys.argv[1:], "--quiet"])
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


def run_in_little_memory(*arguments, code=0):
    """Run a command and return its output."""
    run = subprocess.run([sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, check=True)
    *said, found, peak = run.stderr.split()
    assert int(found) == code, run.stderr
    assert int(peak) < 1500, f"{peak} MB; padded to the longest it would be over 11,000, without compiling"
    return " ".join(said)


@pytest.fixture(scope="module")
def mixed(fitted, tmp_path_factory):
    """A folder with a model, and with 4,000 sequences of 100 bp around one of 3 Mb."""
    from skdeepprune import save_model

    folder, rng = tmp_path_factory.mktemp("mixed"), np.random.default_rng(0)
    save_model(fitted, folder / "model")
    short = ["".join(rng.choice(list("ACGT"), 100)) for _ in range(4000)]
    sequences = [*short[:2000], short[0] * 30_000, *short[2000:]]
    (folder / "mixed.fa").write_text("".join(f">s{i}\n{text}\n" for i, text in enumerate(sequences)))
    (folder / "short.fa").write_text("".join(f">s{i}\n{text}\n" for i, text in enumerate(short[:50])))
    return folder, short


in_little_memory = pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")


@in_little_memory
def test_predictions_of_a_long_sequence_among_short_ones(fitted, mixed, tmp_path):
    folder, short = mixed
    run_in_little_memory("predict", folder / "model", folder / "mixed.fa", "--out", tmp_path / "out.tsv")
    rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()[1:]]
    assert [name for name, _ in rows] == [f"s{i}" for i in range(4001)]
    expected = fitted.predict_proba(short)[:, 1]
    found = np.array([float(value) for _, value in rows])
    np.testing.assert_allclose(np.delete(found, 2000), expected, rtol=1e-5)


@in_little_memory
def test_motifs_and_report_of_a_long_sequence_among_short_ones(mixed, tmp_path):
    folder, _ = mixed
    run_in_little_memory(
        "motifs", folder / "model", folder / "mixed.fa", "--out", tmp_path / "motifs", "--targets=none"
    )
    assert "MOTIF kernel_0" in (tmp_path / "motifs").read_text()
    arguments = [folder / "mixed.fa", "--negatives", folder / "short.fa", "--targets=none"]
    run_in_little_memory("report", folder / "model", *arguments, "--out", tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "3000000" in text and len(text) < 10**6, "the long one is counted, but not written out"


@in_little_memory
def test_training_on_a_long_sequence_among_short_ones_is_refused(mixed, tmp_path):
    folder, _ = mixed
    arguments = [folder / "mixed.fa", "--out", tmp_path / "out", "--targets=none"]
    said = run_in_little_memory("fit", *arguments, code=1)
    assert (
        "'s2000' is too long: Padded" in said
        and "sequence 2000 has 3,000,000 letters, the median is 100. Cut" in said
        and said.count("\n") == 0
    )


@pytest.mark.parametrize("estimator", [DeepPruneClassifier(), OneHotDNA(), OneHotDNA(length=10**9)])
def test_excessive_padding_is_refused_before_it_takes_memory(estimator):
    X = ["ACGT" * 25] * 4000 + ["A" * 3_000_000]
    with pytest.raises(ValueError, match=r"take [\d.]+ GB, .* sequence 4000 has 3,000,000 letters.*(Cut|Lower)"):
        estimator.fit(X, [0, 1] * 2000 + [1])


def test_moderate_padding_is_accepted():
    with pytest.raises(ValueError, match="GB"):
        check_padding(np.array([2**29, 1, 1, 1, 1]), 2**29)
    check_padding(np.array([2**29, 2**29, 1, 1, 1]), 2**29)
    check_padding(np.array([2**27, 1, 1, 1, 1]), 2**27)


@given(strings=SEQUENCES, n_letters=st.integers(1, 300))
def test_motifs_do_not_depend_on_the_parts(fitted, strings, n_letters):
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of kernels without a site
        patch.setattr("skdeepprune._inputs.encode_by_length", partial(encode_by_length, n_letters=n_letters))
        found = extract_motifs(fitted, strings)
        patch.setattr("skdeepprune._inputs.encode_by_length", lambda X: [(np.arange(len(X)), encode(X))])
        expected = extract_motifs(fitted, strings)
    for motif, other in zip(found, expected, strict=True):
        assert motif.sites == other.sites
        np.testing.assert_array_equal(motif.counts, other.counts)


@pytest.mark.parametrize(
    "classifier",
    [
        MotifScanClassifier([Motif("m", np.eye(4) + 0.1, 9)]),
        *(ConvolutionClassifier(pooling=p) for p in ("max", "expectation")),
    ],
)
def test_predictions_of_baselines_do_not_depend_on_the_parts(classifier, monkeypatch, rng):
    strings = ["".join(rng.choice(list("ACGT"), n)) for n in rng.integers(5, 60, 50)]
    if hasattr(classifier, "max_iter"):
        classifier.set_params(max_iter=1, random_state=0)
    classifier.fit(strings, [0, 1] * 25)
    whole = classifier.decision_function(strings)
    monkeypatch.setattr("skdeepprune._inputs.encode_by_length", partial(encode_by_length, n_letters=100))
    np.testing.assert_allclose(classifier.decision_function(strings), whole, rtol=1e-6)
