import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import classifier_of, dna, network_of, networks

from skdeepprune.effects import saturation_mutagenesis
from skdeepprune.sequences import encode, one_hot


def in_float64(network, sequences):
    """Motif scores and log-odds of written-out sequences, by plain NumPy in float64."""
    codes = encode(sequences)
    scores = network.scores(codes)
    return scores, network.decision(scores, network.word_sum(codes))


def by_writing_out(network, sequence):
    """Changes of scores (L, 4, K) and log-odds (L, 4), from all sequences that differ in one base."""
    known = sequence.strip("N")
    start = len(sequence) - len(sequence.lstrip("N"))
    scores, log_odds = np.full((len(sequence), 4, network.n_kernels), np.nan), np.full((len(sequence), 4), np.nan)
    places = range(start, start + len(known))
    written = [sequence[:i] + base + sequence[i + 1 :] for i in places for base in "ACGT"]
    (own_scores,), (own,) = in_float64(network, [sequence])
    all_scores, all_log_odds = in_float64(network, written)
    scores[start : start + len(known)] = (all_scores - own_scores).reshape(-1, 4, network.n_kernels)
    log_odds[start : start + len(known)] = (all_log_odds - own).reshape(-1, 4)
    return scores, log_odds


@given(networks, st.lists(dna, min_size=1, max_size=4))
def test_equals_written_out_sequences(network, sequences):
    classifier = classifier_of(network)
    result = saturation_mutagenesis(classifier, sequences)
    by_score = saturation_mutagenesis(classifier, sequences, output="scores")
    for i, sequence in enumerate(sequences):
        scores, log_odds = by_writing_out(network, sequence)
        length = len(sequence)
        np.testing.assert_allclose(result.delta[i, :length], log_odds, atol=1e-9)
        np.testing.assert_allclose(by_score.delta[i, :length], scores, atol=1e-9)
        assert np.isnan(result.delta[i, length:]).all()


@pytest.mark.parametrize("is_mean", [False, True])
@pytest.mark.parametrize("both_strands", [False, True])
def test_equals_the_decision_function(both_strands, is_mean, rng):
    network = network_of(1, both_strands, is_mean, 6, n_kernels=6, kernel_length=16)
    classifier = classifier_of(network)
    (sequence,) = ["".join(rng.choice(list("ACGT"), 101))]
    written = [sequence[:i] + base + sequence[i + 1 :] for i in range(101) for base in "ACGT"]
    by_brute_force = classifier.decision_function(written) - classifier.decision_function([sequence])
    found = saturation_mutagenesis(classifier, [sequence]).delta[0]
    # The compiled engine's scores are float32.
    np.testing.assert_allclose(found, by_brute_force.reshape(101, 4), atol=2e-6)


def test_one_hot_and_threads_give_the_same(rng):
    network = network_of(2, True, True, 4)
    sequences = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(200)]
    first = saturation_mutagenesis(classifier_of(network), sequences).delta
    for X, n_jobs in ((one_hot(encode(sequences)), None), (sequences, 3)):
        np.testing.assert_array_equal(saturation_mutagenesis(classifier_of(network, n_jobs=n_jobs), X).delta, first)


def test_frame():
    network = network_of(3, True, False, 2)
    result = saturation_mutagenesis(classifier_of(network), ["NACNG", "ACGTACG"])
    table = result.to_frame(["one", "two"])
    assert len(table) == 4 + 3 * 3 + 3 * 7
    assert table.iloc[0][["sequence", "position", "ref", "alt"]].tolist() == ["one", 1, "A", "C"]
    for row in table.itertuples():
        i = ["one", "two"].index(row.sequence)
        assert row.delta == result.delta[i, row.position, "ACGT".index(row.alt)]
        assert row.ref != row.alt
    scores = saturation_mutagenesis(classifier_of(network), ["ACGTACG"], output="scores").to_frame()
    assert scores.columns.tolist()[3:] == ["alt", "delta_kernel_0", "delta_kernel_1", "delta_kernel_2"]


def test_contributions_and_importance():
    result = saturation_mutagenesis(classifier_of(network_of(4, True, True, 3)), ["ACGTNACG", "ACGT"])
    contributions = result.hypothetical_contributions()
    np.testing.assert_allclose(contributions.sum(axis=2), 0, atol=1e-12)
    # The difference of two letters is that of the log-odds.
    np.testing.assert_allclose(
        contributions[0, 2, 1] - contributions[0, 2, 3], result.delta[0, 2, 1] - result.delta[0, 2, 3]
    )
    importance = result.importance()
    assert importance[0, 0] == contributions[0, 0, 0] and importance[0, 4] == 0 and not importance[1, 4:].any()
    assert importance[0, 1] == pytest.approx(-result.delta[0, 1].mean())


def test_files_for_modisco(tmp_path, rng):
    sequences = ["".join(rng.choice(list("ACGT"), 20)) for _ in range(3)]
    result = saturation_mutagenesis(classifier_of(network_of(5, True, True, 3)), sequences)
    result.write_modisco(tmp_path / "ohe.npz", tmp_path / "contributions.npz")
    ohe, contributions = (np.load(tmp_path / f"{name}.npz")["arr_0"] for name in ("ohe", "contributions"))
    assert ohe.shape == contributions.shape == (3, 4, 20)
    assert ohe.dtype == contributions.dtype == np.float32
    np.testing.assert_array_equal(ohe.transpose(0, 2, 1), one_hot(encode(sequences)))
    np.testing.assert_allclose((ohe * contributions).sum(axis=1), result.importance(), atol=1e-6)
    with pytest.raises(ValueError, match="end in .npz|ends in .npz"):
        result.write_modisco(tmp_path / "ohe.txt", tmp_path / "contributions.npz")
    uneven = saturation_mutagenesis(classifier_of(network_of(5, True, True, 3)), ["ACGT", "AC"])
    with pytest.raises(ValueError, match="differ in length"):
        uneven.write_modisco(tmp_path / "a.npz", tmp_path / "b.npz")


def test_refused():
    classifier = classifier_of(network_of(6, True, True, 3))
    with pytest.raises(ValueError, match="'log-odds' or 'scores'"):
        saturation_mutagenesis(classifier, ["ACGT"], output="probability")
    with pytest.raises(ValueError, match="output='log-odds'"):
        saturation_mutagenesis(classifier, ["ACGT"], output="scores").importance()
    with pytest.raises(TypeError, match="Expected a DeepPruneClassifier, got Network"):
        saturation_mutagenesis(classifier.stages_[-1].network, ["ACGT"])
    classifier.is_dna_ = False
    with pytest.raises(ValueError, match="expected one fitted on DNA"):
        saturation_mutagenesis(classifier, ["ACGT"])


def test_picture():
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    from skdeepprune.plots import plot_mutagenesis

    result = saturation_mutagenesis(classifier_of(network_of(7, True, True, 3)), ["ACGTNACGTTA", "ACGTA"])
    logo, heat_map = plot_mutagenesis(result)
    (image,) = heat_map.get_images()
    np.testing.assert_array_equal(image.get_array(), result.delta[0].T)
    assert -image.get_clim()[0] == image.get_clim()[1] == np.abs(result.delta[0]).max()
    assert [label.get_text() for label in heat_map.get_yticklabels()] == list("ACGT")
    (dots,) = heat_map.get_lines()
    assert dots.get_xdata().tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10]
    assert dots.get_ydata().tolist() == ["ACGT".index(base) for base in "ACGTACGTTA"]
    # The short one is drawn without what pads it, and a part of one where it is.
    assert plot_mutagenesis(result, 1)[1].get_xlim() == (-0.5, 4.5)
    part = plot_mutagenesis(result, 0, start=5, end=9)
    assert part[0].get_xlim() == part[1].get_xlim() == (4.5, 8.5)
    np.testing.assert_array_equal(part[1].get_images()[0].get_array(), result.delta[0, 5:9].T)
    with pytest.raises(ValueError, match="start=9, end=5; expected 0 <= start < end <= 11"):
        plot_mutagenesis(result, start=9, end=5)
