import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune._network import Network, reverse_complement_kernels
from skdeepprune.sequences import encode, one_hot, reverse_complement, sequence_lengths

dna = st.text("ACGTN", min_size=1, max_size=30).filter(lambda s: s.strip("N") != "")


def draw_network(seed, n_kernels=3, kernel_length=5, n_channels=4, *, reverse_complement=False, sharpness=np.inf):
    rng = np.random.default_rng(seed)
    network = Network.initial(n_kernels, kernel_length, n_channels, reverse_complement=reverse_complement, rng=rng)
    return Network(
        network.kernels,
        rng.normal(size=n_kernels).astype(np.float32),
        network.dense_weights,
        0.3,
        reverse_complement,
        sharpness,
    )


def windows_by_loop(network, sequence):
    """The formulas of the method, letter by letter: every kernel's activations, their positions and strands."""
    n_kernels, kernel_length, _ = network.kernels.shape
    sequence = sequence.rstrip("N")
    windows = []
    for k in range(n_kernels):
        candidates = []
        for position in range(max(len(sequence) - kernel_length, 0) + 1):
            window = sequence[position : position + kernel_length].ljust(kernel_length, "N")
            for reverse in (False, True) if network.reverse_complement else (False,):
                letters = reverse_complement(window) if reverse else window
                h = sum(
                    float(network.kernels[k, i, "ACGT".index(letter)])
                    for i, letter in enumerate(letters)
                    if letter != "N"
                )
                candidates.append((h + float(network.kernel_bias[k]), position, reverse))
        windows.append(candidates)
    return windows


def scan_by_loop(network, sequence):
    return [max(candidates, key=lambda c: c[0]) for candidates in windows_by_loop(network, sequence)]


@given(st.lists(dna, min_size=1, max_size=5), st.integers(1, 9), st.booleans(), st.integers(0, 5))
def test_scan_equals_a_loop_over_letters(sequences, kernel_length, both_strands, seed):
    network = draw_network(seed, kernel_length=kernel_length, reverse_complement=both_strands)
    scan = network.scan(encode(sequences))
    for n, sequence in enumerate(sequences):
        expected = scan_by_loop(network, sequence)
        np.testing.assert_allclose(scan.pooled[n], [e[0] for e in expected], atol=1e-12)
        for k in range(network.n_kernels):
            window = sequence.rstrip("N")[scan.position[n, k] :][:kernel_length].ljust(kernel_length, "N")
            letters = reverse_complement(window) if scan.reverse[n, k] else window
            one = encode([letters + "A"])[:, :-1]
            score = (one_hot(one, float)[0] * network.kernels[k]).sum() + network.kernel_bias[k]
            assert score == pytest.approx(scan.pooled[n, k], abs=1e-6)


@given(
    st.lists(dna, min_size=1, max_size=5),
    st.integers(1, 9),
    st.booleans(),
    st.integers(0, 5),
    st.sampled_from([0.5, 2.0, np.inf]),
)
def test_scores_equal_a_loop_over_letters(sequences, kernel_length, both_strands, seed, sharpness):
    network = draw_network(seed, kernel_length=kernel_length, reverse_complement=both_strands, sharpness=sharpness)
    scores = network.scores(encode(sequences))
    for n, sequence in enumerate(sequences):
        for k, windows in enumerate(windows_by_loop(network, sequence)):
            activations = [window[0] for window in windows]
            pooled = max(activations)
            if np.isfinite(sharpness):
                pooled = np.log(sum(np.exp(sharpness * a) for a in activations)) / sharpness
            assert scores[n, k] == pytest.approx(max(pooled, 0), abs=1e-9)


def test_the_sharper_the_pooling_the_closer_to_the_maximum(rng):
    codes = rng.integers(0, 4, (20, 40)).astype(np.uint8)
    maxima = draw_network(0, reverse_complement=True).scores(codes)
    above = [draw_network(0, reverse_complement=True, sharpness=m).scores(codes) - maxima for m in (1, 10, 1000)]
    n_windows = 2 * (40 - 5 + 1)
    for m, difference in zip((1, 10, 1000), above, strict=True):
        assert (difference >= -1e-9).all()
        assert (difference[maxima > 0] <= np.log(n_windows) / m + 1e-9).all()
    assert above[0].mean() > above[1].mean() > above[2].mean()


def test_first_of_equal_windows_and_given_strand_win():
    kernel = np.zeros((1, 2, 4), dtype=np.float32)
    kernel[0, :, [0, 3]] = 1  # reads AA, AT, TA, TT alike, on both strands
    network = Network(kernel, np.zeros(1, np.float32), np.ones(1, np.float32), 0.0, True)
    scan = network.scan(encode(["GGATTA"]))
    assert (scan.position[0, 0], scan.reverse[0, 0]) == (2, False)


@given(st.lists(dna, min_size=1, max_size=5), st.integers(0, 5))
def test_channels_give_what_codes_give(sequences, seed):
    codes = encode(sequences)
    codes = codes[sequence_lengths(codes) == codes.shape[1]]
    network = draw_network(seed, reverse_complement=True)
    if len(codes):
        np.testing.assert_array_equal(network.scan(codes).pooled, network.scan(one_hot(codes)).pooled)


@pytest.mark.parametrize("sharpness", [2.0, np.inf])
def test_both_strands_see_the_same(rng, sharpness):
    codes = rng.integers(0, 4, (20, 40)).astype(np.uint8)
    network = draw_network(0, reverse_complement=True, sharpness=sharpness)
    np.testing.assert_allclose(network.scores(codes), network.scores(reverse_complement(codes)), atol=1e-12)
    np.testing.assert_allclose(network.scan(codes).pooled, network.scan(reverse_complement(codes)).pooled, atol=1e-12)


def test_extra_channels_are_reversed_and_not_complemented():
    kernels = np.arange(12.0).reshape(1, 2, 6)
    turned = reverse_complement_kernels(kernels)
    assert turned[0].tolist() == [[9, 8, 7, 6, 10, 11], [3, 2, 1, 0, 4, 5]]


@pytest.mark.parametrize("sharpness", [2.0, np.inf])
@pytest.mark.parametrize("n_kernels", [1, 4, 7, 64])
def test_rows_do_not_depend_on_their_batch(rng, n_kernels, sharpness):
    codes = rng.integers(0, 5, (300, 50)).astype(np.uint8)
    network = draw_network(1, n_kernels=n_kernels, reverse_complement=True, sharpness=sharpness)
    together = network.decision(network.scores(codes))
    alone = np.concatenate([network.decision(network.scores(row[None])) for row in codes])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("sharpness", [2.0, np.inf])
def test_selected_network_is_the_masked_network(rng, sharpness):
    codes = rng.integers(0, 4, (10, 30)).astype(np.uint8)
    network = draw_network(2, n_kernels=6, sharpness=sharpness)
    mask = np.array([1, 0, 1, 1, 0, 0], dtype=bool)
    masked_scores = network.scores(codes) * mask
    pruned = network.select(mask)
    np.testing.assert_allclose(network.decision(masked_scores), pruned.decision(pruned.scores(codes)), atol=1e-12)


@pytest.mark.parametrize("sharpness", [2.0, np.inf])
def test_no_sequences_give_no_scores(sharpness):
    assert draw_network(0, sharpness=sharpness).scores(np.zeros((0, 9), np.uint8)).shape == (0, 3)
