"""Sequences of mixed length: read in parts, with the results of one whole, and in the memory that they need."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import load_simulated
from skdeepprune.sequences import decode, dinucleotide_shuffle, encode
from skdeepprune.sequences._codes import encode_by_length

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


PREDICT = """
import resource, sys
from skdeepprune.cli import main
code = main(["predict", *sys.argv[1:], "--quiet", "--n-jobs", "1"])
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_a_long_sequence_among_short_ones_takes_little_memory(fitted, tmp_path, rng):
    from skdeepprune import save_model

    save_model(fitted, tmp_path / "model")
    short = ["".join(rng.choice(list("ACGT"), 100)) for _ in range(4000)]
    sequences = [*short[:2000], short[0] * 30_000, *short[2000:]]
    (tmp_path / "mixed.fa").write_text("".join(f">s{i}\n{text}\n" for i, text in enumerate(sequences)))
    arguments = [tmp_path / "model", tmp_path / "mixed.fa", "--out", tmp_path / "out.tsv"]
    run = subprocess.run([sys.executable, "-c", PREDICT, *arguments], capture_output=True, text=True, check=True)
    code, peak = map(int, run.stderr.split()[-2:])
    assert code == 0
    assert peak < 1500, f"{peak} MB; padded to the longest it would be over 11,000, without compiling"
    rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()[1:]]
    assert [name for name, _ in rows] == [f"s{i}" for i in range(4001)]
    expected = fitted.predict_proba(short)[:, 1]
    found = np.array([float(value) for _, value in rows])
    np.testing.assert_allclose(np.delete(found, 2000), expected, rtol=1e-5)
