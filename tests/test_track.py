"""The log-odds along a genome, against `decision_function` on every window."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from strategies import classifier_of, random_network, random_sequence

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import load_simulated
from skdeepprune.effects import _portions as portions
from skdeepprune.effects import track
from skdeepprune.effects._windows import SlidingWindow
from skdeepprune.sequences import encode

pytest.importorskip("figwig", reason="the extra tracks is not installed")
bigwig = pytest.importorskip("pyBigWig", reason="pyBigWig is not installed")


def windows_of(sequence, length, step):
    starts = np.arange(0, len(sequence) - length + 1, step)
    return starts, [sequence[start : start + length] for start in starts]


@given(
    seed=st.integers(0, 2**32 - 1),
    n_kernels=st.integers(1, 9),
    width=st.integers(1, 30),
    both_strands=st.booleans(),
    word_length=st.integers(0, 4),
    sharpness=st.sampled_from([np.inf, 1.0, 2.0]),
    length=st.integers(1, 60),
    step=st.integers(1, 15),
    unknown=st.sampled_from([0.0, 0.0, 0.2]),
    more=st.integers(0, 200),
)
def test_values_are_those_of_decision_function(
    seed, n_kernels, width, both_strands, word_length, sharpness, length, step, unknown, more
):
    rng = np.random.default_rng(seed)
    network = random_network(
        rng,
        n_kernels=n_kernels,
        width=width,
        both_strands=both_strands,
        word_length=word_length,
        sharpness=sharpness,
    )
    sequence = random_sequence(rng, length + more, unknown)
    (values,) = SlidingWindow(network, length, step, True)([portions.Piece(0, 0, encode([sequence])[0])])
    starts, windows = windows_of(sequence, length, step)
    is_known = np.array([2 * sum(letter in "Nn" for letter in window) <= length for window in windows])
    assert values.shape == (len(starts), 1 + n_kernels)
    assert np.isnan(values).all(axis=1).tolist() == (~is_known).tolist()
    if is_known.any():
        known, classifier = [w for w, good in zip(windows, is_known, strict=True) if good], classifier_of(network)
        np.testing.assert_allclose(values[is_known, 0], classifier.decision_function(known), atol=1e-5)
        np.testing.assert_allclose(values[is_known, 1:], classifier.transform(known), atol=1e-5)


def read(path, chrom, length):
    with bigwig.open(str(path)) as file:
        return np.array(file.values(chrom, 0, length))


@pytest.mark.parametrize(("length", "step"), [(30, 1), (31, 4), (24, 5), (20, 20)])
def test_the_file_has_them_around_the_middle_of_their_windows(length, step, rng, tmp_path, monkeypatch):
    monkeypatch.setattr(portions, "PORTION", 103)
    network = random_network(rng, word_length=3, sharpness=1.0)
    classifier = classifier_of(network)
    genome = {
        "chr2": random_sequence(rng, 500),
        "chr10": random_sequence(rng, 200) + 70 * "N" + random_sequence(rng, 100),
        "chr1": random_sequence(rng, 19),
    }
    files = track(classifier, genome, tmp_path / "track.bw", window=length, step=step, kernels=True)
    assert [file.name for file in files] == ["track.bw", *(f"track.kernel_{k}.bw" for k in range(3))]
    with bigwig.open(str(files[0])) as file:
        assert file.isBigWig() and file.chroms() == {name: len(sequence) for name, sequence in genome.items()}
    for chrom, sequence in genome.items():
        expected = np.full((len(files), len(sequence)), np.nan)
        for start, window in zip(*windows_of(sequence, length, step), strict=True):
            if 2 * window.count("N") <= length:
                first = start + length // 2 - step // 2
                values = [classifier.decision_function([window])[0], *classifier.transform([window])[0]]
                expected[:, first : first + step] = np.array(values)[:, None]
        for path, values in zip(files, expected, strict=True):
            np.testing.assert_allclose(read(path, chrom, len(sequence)), values, atol=1e-5)


def test_regions(rng, tmp_path):
    classifier = classifier_of(random_network(rng))
    genome = {"chr1": random_sequence(rng, 500)}
    regions = pd.DataFrame({"chrom": ["chr1"] * 3, "start": [300, 103, 150], "end": [310, 160, 200]})
    track(classifier, genome, tmp_path / "track.bw", regions, window=20, step=5)
    found = read(tmp_path / "track.bw", "chr1", 500)
    # From the middle of the first window, which begins with the region, in steps of 5 as far as they fit.
    assert np.flatnonzero(~np.isnan(found)).tolist() == list(range(111, 111 + 5 * 16))
    assert found[111] == pytest.approx(classifier.decision_function([genome["chr1"][103:123]])[0], abs=1e-5)


def test_the_window_is_as_long_as_the_training_sequences(tmp_path):
    data = load_simulated(3, n_train=300, n_test=100, random_state=0)
    classifier = DeepPruneClassifier(n_prunings=1, max_iter=3, random_state=0).fit(data.X_train, data.y_train)
    length = len(data.X_train[0])
    genome = {"c": "".join(data.X_test)}
    (path,) = track(classifier, genome, tmp_path / "track.bw")
    found = read(path, "c", len(genome["c"]))
    known = np.flatnonzero(~np.isnan(found))
    assert known[0] == length // 2 - 5
    assert found[known[0]] == pytest.approx(classifier.decision_function([genome["c"][:length]])[0], abs=1e-5)
    plain = DeepPruneClassifier(n_prunings=1, max_iter=3, composition=0, random_state=0)
    with pytest.raises(ValueError, match="pass window"):
        track(plain.fit(data.X_train, data.y_train), genome, tmp_path / "other.bw")


@pytest.fixture
def scattered(rng, monkeypatch):
    """A classifier, and a genome that is read in many portions."""
    monkeypatch.setattr(portions, "PORTION", 2**10)
    genome = {f"chr{i}": random_sequence(rng, int(rng.integers(10, 4000)), 0.05) for i in range(12)}
    return classifier_of(random_network(rng, sharpness=2.0, word_length=2)), genome


def test_threads_dask_and_one_process_give_the_same_bytes(scattered, tmp_path):
    distributed = pytest.importorskip("distributed")
    classifier, genome = scattered

    def content(**arguments):
        track(classifier, genome, tmp_path / "track.bw", window=30, **arguments)
        return (tmp_path / "track.bw").read_bytes()

    one = content()
    assert content(n_jobs=2) == one
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
        parallel_config("dask", client=client),
    ):
        assert content() == one


def test_zoomed_out_values_and_the_range_are_right(rng, tmp_path):
    classifier, genome = classifier_of(random_network(rng)), {"c": random_sequence(rng, 200_000)}
    track(classifier, genome, tmp_path / "track.bw", window=20, step=1)
    values = read(tmp_path / "track.bw", "c", 200_000)
    with bigwig.open(str(tmp_path / "track.bw")) as file:
        assert file.header()["nLevels"] > 2
        means = np.array(file.stats("c", 20, 180_020, nBins=50))
        assert file.stats("c", type="max")[0] == pytest.approx(np.nanmax(values))
    np.testing.assert_allclose(means, values[20:180_020].reshape(50, -1).mean(axis=1), atol=0.02)


def test_an_interrupted_run_leaves_nothing(rng, tmp_path, monkeypatch):
    classifier = classifier_of(random_network(rng))
    calls = []

    def interrupted(self, codes):
        calls.append(codes)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return np.zeros((len(codes) - 29, 1))

    monkeypatch.setattr(SlidingWindow, "_values", interrupted)
    with pytest.raises(KeyboardInterrupt):
        genome = {"a": random_sequence(rng, 100), "b": random_sequence(rng, 100)}
        track(classifier, genome, tmp_path / "track.bw", window=30, step=1)
    assert len(calls) == 2 and list(tmp_path.iterdir()) == []


def test_invalid_tracks_are_refused(rng, tmp_path):
    classifier, genome, out = classifier_of(random_network(rng)), {"chr1": "ACGTACGTACGT"}, tmp_path / "track.bw"
    with pytest.raises(ValueError, match="expected 1 <= step <= window"):
        track(classifier, genome, out, window=5, step=6)
    with pytest.raises(ValueError, match="No window of 50 bp with at least half of its bases known fits"):
        track(classifier, genome, out, window=50)
    with pytest.raises(ValueError, match="No window of 50 bp with at least half of its bases known fits"):
        track(classifier, {"chr1": 100 * "N"}, out, window=50)
    with pytest.raises(ValueError, match="pass window"):
        track(classifier, genome, out)
    with pytest.raises(ValueError, match="has 'chr1': rename"):
        track(classifier, genome, out, pd.DataFrame({"chrom": ["1"], "start": [0], "end": [5]}), window=3, step=1)
    assert list(tmp_path.iterdir()) == []
