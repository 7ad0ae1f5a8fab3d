import gzip
import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from skdeepprune.datasets import (
    ceiling_auc,
    list_datasets,
    load_deepbind,
    load_fastsk,
    load_planted_motifs,
    load_simulated,
    load_zeng,
    log_likelihood_ratio,
    make_motif_sequences,
)
from skdeepprune.motifs import load_jaspar
from skdeepprune.sequences import encode, read_sequences

SRF = "SRF_H1-hESC_SRF_HudsonAlpha"
EZH2 = "wgEncodeAwgTfbsBroadDnd41Ezh239875UniPk"


def likelihood_ratio_by_loops(sequence, ppms):
    """The formula of the docstring, letter by letter."""
    sequence = sequence.rstrip("N")
    ratios = []
    for ppm in ppms:
        n_places = len(sequence) - len(ppm) + 1
        total = 0.0
        for start in range(n_places):
            product = 1.0
            for i in range(len(ppm)):
                letter = sequence[start + i]
                if letter != "N":
                    product *= ppm[i]["ACGT".index(letter)] / 0.25
            total += product
        ratios.append(total / n_places if n_places > 0 else 1.0)
    return sum(ratios) / len(ratios)


@st.composite
def ppm_matrices(draw, max_width=9):
    counts = draw(arrays(np.int64, (draw(st.integers(1, max_width)), 4), elements=st.integers(0, 20)))
    counts[counts.sum(axis=1) == 0] = 1
    return counts / counts.sum(axis=1, keepdims=True)


# The embedded motifs


def test_jaspar_motifs_are_those_of_the_database(shared_data):
    text = gzip.open(shared_data / "motifs/pyjaspar_JASPAR2024_CORE_vertebrates_latest.meme.gz", "rt").read()
    database = {}
    for entry in text.split("MOTIF ")[1:]:
        header, _, *rows = entry.strip().splitlines()
        accession, name = header.split()
        database[accession] = name, np.array([row.split() for row in rows], dtype=float)
    motifs = load_planted_motifs()
    assert len(motifs) == 12
    for name, motif in motifs.items():
        assert motif.name == name == database[motif.accession][0]
        np.testing.assert_allclose(motif.ppm, database[motif.accession][1], rtol=0, atol=7e-7)


def test_the_motifs_that_are_planted_keep_the_counts_of_jaspar():
    pytest.importorskip("pyjaspar")
    database = {motif.accession: motif for motif in load_jaspar("JASPAR2024")}
    for motif in load_planted_motifs().values():
        known = database[motif.accession]
        assert motif == replace(known, notes=())


def test_jaspar_motifs_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        load_planted_motifs()["TBP"].counts[0, 0] = 1


# Making sequences


def test_instances_follow_their_matrices_and_the_rest_is_uniform():
    motifs = [load_planted_motifs()[name] for name in ("TBP", "PAX6", "Tfcp2l1")]
    planted = make_motif_sequences(motifs, 30_000, length=40, positive_share=0.6, random_state=1)
    codes = encode(planted.X)
    background = np.ones(codes.shape, dtype=bool)
    assert chisquare(np.bincount(planted.motif[planted.y == 1])).pvalue > 1e-3
    for k, motif in enumerate(motifs):
        rows = np.flatnonzero(planted.motif == k)
        width = len(motif.ppm)
        places = planted.position[rows, None] + np.arange(width)
        background[rows[:, None], places] = False
        assert chisquare(np.bincount(planted.position[rows], minlength=41 - width)).pvalue > 1e-3
        for column, probabilities in zip(codes[rows[:, None], places].T, motif.ppm, strict=True):
            counts = np.bincount(column, minlength=4)
            possible = probabilities > 0
            assert counts[~possible].sum() == 0
            assert chisquare(counts[possible], probabilities[possible] * len(rows)).pvalue > 1e-4
    assert chisquare(np.bincount(codes[background])).pvalue > 1e-3
    both = background[:, :-1] & background[:, 1:]
    pairs = (codes[:, :-1] * 4 + codes[:, 1:])[both]
    assert chisquare(np.bincount(pairs, minlength=16)).pvalue > 1e-3


def test_every_possible_sequence_is_as_frequent_as_its_likelihood_ratio_says():
    ppms = [[[0.7, 0.1, 0.2, 0.0], [0.1, 0.1, 0.1, 0.7]], [[0.0, 0.0, 0.5, 0.5]], np.full((4, 4), 0.25)]
    space = ["".join(letters) for letters in itertools.product("ACGT", repeat=4)]
    expected = np.exp(log_likelihood_ratio(space, ppms)) / len(space)
    assert expected.sum() == pytest.approx(1, abs=1e-12)
    planted = make_motif_sequences(ppms, 50_000, length=4, positive_share=1, random_state=0)
    counts = Counter(planted.X.tolist())
    assert chisquare([counts[sequence] for sequence in space], expected * 50_000).pvalue > 1e-3


@pytest.mark.parametrize(("share", "n_positives"), [(0, 0), (0.25, 25), (0.5, 50), (1, 100)])
def test_the_share_of_positives_is_exact(share, n_positives):
    planted = make_motif_sequences([np.eye(4)], 100, length=30, positive_share=share, random_state=0)
    assert planted.y.sum() == n_positives
    assert ((planted.motif >= 0) == (planted.y == 1)).all()
    assert ((planted.position >= 0) == (planted.y == 1)).all()
    assert all(x[p : p + 4] == "ACGT" for x, p in zip(planted.X, planted.position, strict=True) if p >= 0)


def test_labels_are_in_random_order():
    y = make_motif_sequences([np.eye(4)], 1000, random_state=0).y
    assert 400 < (y[1:] != y[:-1]).sum() < 600


def test_a_motif_as_wide_as_the_sequence():
    planted = make_motif_sequences([np.eye(4)], 10, length=4, positive_share=1, random_state=0)
    assert set(planted.X.tolist()) == {"ACGT"}


@pytest.mark.parametrize("make", [lambda seed: seed, np.random.default_rng, np.random.RandomState])
def test_same_seed_same_sequences(make):
    first, again, other = (make_motif_sequences([np.eye(4)], 50, random_state=make(seed)) for seed in (3, 3, 4))
    for field in ("X", "y", "motif", "position"):
        np.testing.assert_array_equal(getattr(first, field), getattr(again, field))
    assert (first.X != other.X).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"motifs": []}, "at least one motif"),
        ({"motifs": [np.ones(4)]}, r"shape \(4,\); expected \(width, 4\)"),
        ({"motifs": [np.eye(4), [[3, 1, 0, 0]]]}, r"Motif 1 has \[3.0, 1.0, 0.0, 0.0\] at position 0.*Divide counts"),
        ({"motifs": [[[1.5, -0.5, 0, 0]]]}, "four probabilities"),
        ({"motifs": [[[np.nan, 0, 0, 1]]]}, "four probabilities"),
        ({"length": 3}, "length=3; expected at least 4"),
        ({"positive_share": 50}, "from 0 to 1"),
        ({"n_samples": 0}, "expected at least 1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_motif_sequences(**{"motifs": [np.eye(4)], "n_samples": 10, **arguments})


# The likelihood ratio


@given(
    st.lists(ppm_matrices(), min_size=1, max_size=3),
    st.lists(st.text("ACGTN", min_size=1, max_size=25), min_size=1, max_size=5),
)
def test_likelihood_ratio_is_that_of_the_loops(ppms, sequences):
    expected = [likelihood_ratio_by_loops(sequence, ppms) for sequence in sequences]
    got = np.exp(log_likelihood_ratio(sequences, ppms))
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=0)


def test_likelihood_ratio_of_the_embedded_motifs_is_that_of_the_loops():
    data = load_simulated(5, n_train=2, n_test=60, random_state=0)
    ppms = [motif.ppm for motif in data.motifs]
    expected = np.log([likelihood_ratio_by_loops(sequence, ppms) for sequence in data.X_test])
    np.testing.assert_allclose(log_likelihood_ratio(data.X_test, data.motifs), expected, rtol=0, atol=1e-12)


@given(ppm_matrices(), st.text("ACGT", min_size=3, max_size=12), st.data())
def test_n_is_the_mean_over_the_four_letters(ppm, sequence, data):
    at = data.draw(st.integers(0, len(sequence) - 2))
    hidden, *known = (sequence[:at] + letter + sequence[at + 1 :] for letter in "NACGT")
    ratios = np.exp(log_likelihood_ratio([hidden, *known], [ppm]))
    assert ratios[0] == pytest.approx(ratios[1:].mean(), rel=1e-9)


def test_a_sequence_alone_scores_as_among_longer_ones():
    planted = make_motif_sequences([np.full((5, 4), 0.25)], 300, length=80, random_state=0)
    sequences = [x[: 1 + i % 80] for i, x in enumerate(planted.X)]
    motifs = load_simulated(4, n_train=2, n_test=2).motifs
    alone = np.concatenate([log_likelihood_ratio([sequence], motifs) for sequence in sequences])
    np.testing.assert_allclose(log_likelihood_ratio(sequences, motifs), alone, rtol=1e-12, atol=1e-14)


def test_batches_do_not_show(monkeypatch):
    data = load_simulated(2, n_train=2, n_test=50, random_state=0)
    whole = log_likelihood_ratio(data.X_test, data.motifs)
    monkeypatch.setattr("skdeepprune.datasets._likelihood._CELLS_PER_BATCH", 700)
    np.testing.assert_array_equal(log_likelihood_ratio(data.X_test, data.motifs), whole)


def test_wide_motifs_neither_overflow_nor_vanish():
    ppm = np.array([[1 - 3e-9, 1e-9, 1e-9, 1e-9]] * 600)
    ratios = log_likelihood_ratio(["A" * 600, "C" * 600], [ppm])
    np.testing.assert_allclose(ratios, 600 * np.log([4.0, 4e-9]), rtol=1e-8)


# The ceiling and the five sets


def best_window(sequences, ppm):
    """Scan with one log-odds matrix and keep the maximum, as motif scanners do."""
    pwm = np.log2((ppm + 1e-3) / (0.25 + 1e-3))
    codes = encode(sequences)
    n_places = codes.shape[1] - len(ppm) + 1
    return sum(pwm[i][codes[:, i : i + n_places]] for i in range(len(ppm))).max(axis=1)


@pytest.mark.parametrize(("number", "ceiling"), [(1, 0.854), (2, 0.909), (3, 0.949), (4, 0.918), (5, 0.881)])
def test_ceilings(number, ceiling):
    data = load_simulated(number, random_state=0)
    assert data.ceiling == pytest.approx(ceiling, abs=0.012)
    assert data.y_train.mean() == data.y_test.mean() == 0.5
    assert data.ceiling == ceiling_auc(data.X_test, data.y_test, data.motifs)
    scans = np.array([best_window(data.X_test, motif.ppm) for motif in data.motifs])
    for score in (*scans, scans.max(axis=0), np.logaddexp.reduce(scans, axis=0)):
        assert roc_auc_score(data.y_test, score) < data.ceiling
    other_strand = [motif.ppm[::-1, ::-1] for motif in data.motifs]
    assert ceiling_auc(data.X_test, data.y_test, other_strand) < data.ceiling - 0.1


def test_the_ceiling_where_no_motif_fits_most_negatives():
    planted = make_motif_sequences([np.eye(4)], 400, length=12, random_state=0)
    ratios = log_likelihood_ratio(planted.X, [np.eye(4)])
    assert np.isneginf(ratios).sum() > 100
    share = (["ACGT" in x for x in planted.X] * (planted.y == 0)).sum() / 200
    assert ceiling_auc(planted.X, planted.y, [np.eye(4)]) == pytest.approx(1 - share / 2, abs=0.01)


def test_the_hardest_set_has_the_most_diffuse_motifs():
    def bits_per_position(number):
        entropies = []
        for motif in load_simulated(number, n_train=2, n_test=2).motifs:
            p = motif.ppm
            entropies.append(2 + (p * np.log2(np.where(p > 0, p, 1))).sum() / len(p))
        return np.mean(entropies)

    assert min(range(1, 6), key=bits_per_position) == 1


def test_simulated_test_set_does_not_depend_on_the_size_of_the_training_set():
    small, large, other = (
        load_simulated(3, n_train=n, n_test=100, random_state=s) for n, s in [(10, 7), (99, 7), (10, 8)]
    )
    np.testing.assert_array_equal(small.X_test, large.X_test)
    assert len(large.X_train) == 99
    assert (small.X_test != other.X_test).all()
    assert not set(large.X_train) & set(large.X_test)


def test_sequences_split_like_any_array():
    data = load_simulated(1, n_train=200, n_test=2, random_state=0)
    X_train, X_test, y_train, _ = train_test_split(data.X_train, data.y_train, stratify=data.y_train, random_state=0)
    assert (len(X_train), len(X_test), y_train.sum()) == (150, 50, 75)
    assert data.X_train[data.y_train == 1].shape == (100,)


@pytest.mark.parametrize("number", [0, 6, "3"])
def test_there_are_five_sets(number):
    with pytest.raises(ValueError, match="expected one of 1, 2, 3, 4, 5"):
        load_simulated(number)


def test_the_record_prints_in_a_line():
    assert len(repr(load_simulated(3, n_train=2, n_test=2))) < 250


# Folders of the real collections


def dinucleotides(sequence):
    return sequence[0], sequence[-1], tuple(sorted(Counter(itertools.pairwise(sequence)).items()))


def test_deepbind_set(shared_data):
    data = load_deepbind(shared_data / "deepbind", SRF, random_state=0)
    assert (len(data.X_train), data.y_train.sum(), len(data.X_test), data.y_test.sum()) == (9210, 4605, 1000, 500)
    positives = data.X_train[data.y_train == 1].tolist()
    negatives = data.X_train[data.y_train == 0].tolist()
    assert Counter(positives) == Counter(read_sequences(shared_data / "deepbind" / f"{SRF}_AC.seq.gz").sequences)
    assert Counter(map(dinucleotides, positives)) == Counter(map(dinucleotides, negatives))
    assert len(set(positives) & set(negatives)) < 5
    assert data.X_test.tolist() == read_sequences(shared_data / "deepbind" / f"{SRF}_B.seq.gz").sequences


def test_deepbind_subset_and_seed(shared_data):
    def load(seed, **options):
        return load_deepbind(shared_data, SRF, random_state=seed, **options)

    first, again, other = load(0, n_positives=100), load(0, n_positives=100), load(1, n_positives=100)
    np.testing.assert_array_equal(first.X_train, again.X_train)
    np.testing.assert_array_equal(first.y_train, again.y_train)
    assert (len(first.X_train), first.y_train.sum()) == (200, 100)
    assert set(first.X_train[first.y_train == 1]) != set(other.X_train[other.y_train == 1])
    np.testing.assert_array_equal(first.X_test, other.X_test)
    assert load(0, n_positives=10**6).y_train.sum() == 4605
    with pytest.raises(ValueError, match="n_positives=0"):
        load(0, n_positives=0)


def test_zeng_set(shared_data):
    data = load_zeng(shared_data, EZH2)
    assert np.bincount(data.y_train).tolist() == [1352, 1328]
    assert np.bincount(data.y_test).tolist() == [322, 348]
    assert {len(x) for x in data.X_train} == {101}


def test_fastsk_set(shared_data):
    data = load_fastsk(shared_data, "CTCF")
    assert len(data.X_train) == len(data.X_test) == 2000
    assert data.y_train.sum() == data.y_test.sum() == 1000
    assert any(x != x.upper() for x in data.X_train)
    assert encode(data.X_train).shape == (2000, 100)


def test_list_datasets(shared_data):
    found = list_datasets(shared_data)
    assert {collection: len(names) for collection, names in found.items()} == {"deepbind": 18, "zeng": 2, "fastsk": 3}
    assert found["fastsk"] == ["CTCF", "EP300", "JUND"]
    assert SRF in found["deepbind"]
    assert list_datasets(shared_data / "zeng") == {"deepbind": [], "zeng": found["zeng"], "fastsk": []}


@pytest.mark.parametrize("gz", ["", ".gz"])
def test_zipped_or_not(tmp_path, gz):
    for part in ("train", "test"):
        with (gzip.open if gz else open)(tmp_path / f"a.b.{part}.data{gz}", "wt") as file:
            file.write(">x ACGT 1\n>y GG 0\n")
    (tmp_path / "a.b.train.database").touch()
    assert list_datasets(tmp_path)["zeng"] == ["a.b"]
    data = load_zeng(tmp_path, "a.b")
    assert (data.X_test.tolist(), data.y_test.tolist()) == (["ACGT", "GG"], [1, 0])


def test_a_missing_set_is_met_with_its_near_matches(tmp_path):
    with pytest.raises(ValueError, match=r"no file SRF\.train\.data.*nor any other"):
        load_zeng(tmp_path, "SRF")
    for name in ("USF1_HepG2", "USF2_H1", "CTCF_K562"):
        (tmp_path / f"{name}.train.data").touch()
    with pytest.raises(ValueError, match=r"did you mean 'USF1_HepG2', 'USF2_H1'\?"):
        load_zeng(tmp_path, "usf")
    with pytest.raises(ValueError, match="did you mean 'CTCF_K562'"):
        load_zeng(tmp_path, "CTFC_K562")
    with pytest.raises(ValueError, match="it has 3 data sets, such as 'CTCF_K562'"):
        load_zeng(tmp_path, "§§§")
    with pytest.raises(NotADirectoryError, match="not a folder"):
        load_zeng(tmp_path / "nowhere", "SRF")


def test_a_missing_test_file(tmp_path):
    (tmp_path / "a.train.fasta").write_text(">1\nACGT\n")
    with pytest.raises(FileNotFoundError, match=r"a\.test\.fasta"):
        load_fastsk(tmp_path, "a")


def test_unbound_rows_of_a_training_file_are_not_positives(tmp_path):
    header = "FoldID\tEventID\tseq\tBound\n"
    (tmp_path / "a_AC.seq").write_text(header + "A\te\tGATTACAGATC\t1\nA\te\tCCCCCCCCCCC\t0\n")
    (tmp_path / "a_B.seq").write_text(header + "A\te\tGATTACAGATC\t1\n")
    data = load_deepbind(tmp_path, "a", random_state=0)
    assert sorted(data.y_train) == [0, 1]
    assert "CCCCCCCCCCC" not in data.X_train
