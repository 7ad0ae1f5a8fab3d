from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import cell, n_counted_by_loop, scan_by_loop, windows_by_loop, words_by_loop
from strategies import dna, draw_network

from skdeepprune._network import (
    LETTER_SHARES,
    Network,
    reverse_complement_kernels,
    reverse_complement_words,
    shared,
    with_unknown_bases,
)
from skdeepprune.sequences import encode, one_hot, reverse_complement


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
            score = sum(cell(network.kernels[k], i, s) for i, s in enumerate(letters)) + network.kernel_bias[k]
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
                total = sum(np.exp(sharpness * a) for a in activations)
                pooled = np.log(total / n_counted_by_loop(network, sequence)) / sharpness
            assert scores[n, k] == pytest.approx(max(pooled, 0), abs=1e-9)


def test_the_sharper_the_pooling_the_closer_to_the_maximum(rng):
    codes = rng.integers(0, 4, (20, 40)).astype(np.uint8)
    maxima = draw_network(0, reverse_complement=True).scores(codes)
    below = [maxima - draw_network(0, reverse_complement=True, sharpness=m).scores(codes) for m in (1, 10, 1000)]
    n_windows = 2 * (40 - 5 + 1)
    for m, difference in zip((1, 10, 1000), below, strict=True):
        assert (difference >= -1e-9).all(), "a mean is not above the maximum"
        assert (difference <= np.log(n_windows) / m + 1e-9).all()
    assert below[0].mean() > below[1].mean() > below[2].mean()


def test_first_of_equal_windows_and_given_strand_win():
    kernel = np.zeros((1, 2, 4), dtype=np.float32)
    kernel[0, :, [0, 3]] = 1  # reads AA, AT, TA, TT alike, on both strands
    network = Network(kernel, np.zeros(1, np.float32), np.ones(1, np.float32), 0.0, True)
    scan = network.scan(encode(["GGATTA"]))
    assert (scan.position[0, 0], scan.reverse[0, 0]) == (2, False)


@given(st.lists(dna, min_size=1, max_size=5), st.integers(0, 5), st.integers(1, 30), st.sampled_from([2.0, np.inf]))
def test_channels_equal_codes(sequences, seed, width, sharpness):
    """Zeros are unknown bases; of channels, none are trimmed."""
    codes = encode([f"A{sequence[:width]:N<{width}}T" for sequence in sequences])
    network = draw_network(seed, reverse_complement=True, sharpness=sharpness)
    quarters = np.where(one_hot(codes).any(axis=2, keepdims=True), one_hot(codes, float), 0.25)
    for channels in (one_hot(codes), quarters):
        np.testing.assert_array_equal(network.scan(codes).pooled, network.scan(channels).pooled)


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


# Unknown bases


def completions(sequence):
    return ["".join(c) for c in product(*("ACGT" if letter == "N" else letter for letter in sequence))]


few_unknown = st.builds(
    lambda parts, runs: "".join(part + "N" * run for part, run in zip(parts, runs, strict=True)) + "G",
    st.lists(st.text("ACGT", min_size=1, max_size=8), min_size=2, max_size=2),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)


@given(few_unknown, st.integers(1, 3), st.booleans(), st.integers(0, 100))
def test_an_unknown_base_never_raises_a_score_above_the_best_completion_s(sequence, width, both_strands, seed):
    network = draw_network(seed, kernel_length=width, reverse_complement=both_strands, word_length=width)
    codes, known = encode([sequence]), encode(completions(sequence))
    pooled = network.scan(known).pooled
    assert (network.scan(codes).pooled[0] <= pooled.max(axis=0) + 1e-12).all()
    assert network.word_sum(codes)[0] == pytest.approx(network.word_sum(known).mean(), abs=1e-9)


@given(few_unknown, st.integers(1, 3), st.booleans(), st.integers(0, 100))
def test_a_window_with_unknown_bases_has_the_mean_of_its_completions(sequence, width, both_strands, seed):
    network = draw_network(seed, kernel_length=width, reverse_complement=both_strands)
    activations = [next(network._activations(encode(s)))[0] for s in ([sequence], completions(sequence))]
    np.testing.assert_allclose(activations[0][0], activations[1].mean(axis=0), atol=1e-12)


@given(st.text("ACGTN", min_size=8, max_size=40), st.integers(1, 8), st.integers(0, 9), st.sampled_from([2.0, np.inf]))
def test_both_strands_see_the_same_with_unknown_bases_anywhere(sequence, width, seed, sharpness):
    if len(sequence.strip("N")) < width:
        sequence = "A" + sequence + "C"
    network = draw_network(seed, 4, width, reverse_complement=True, sharpness=sharpness, word_length=4)
    codes = encode([sequence])
    other = reverse_complement(codes)
    np.testing.assert_allclose(network.scan(codes).pooled, network.scan(other).pooled, atol=1e-12)
    np.testing.assert_allclose(network.word_sum(codes), network.word_sum(other), atol=1e-9)


@given(dna, st.integers(0, 9), st.integers(0, 9), st.sampled_from([2.0, np.inf]), st.booleans())
def test_unknown_bases_at_either_end_change_nothing(sequence, left, right, sharpness, both_strands):
    network = draw_network(1, reverse_complement=both_strands, sharpness=sharpness, word_length=3)
    scan, longer = network.scan(encode([sequence])), network.scan(encode(["N" * left + sequence + "N" * right]))
    np.testing.assert_allclose(longer.pooled, scan.pooled, atol=1e-12)
    np.testing.assert_array_equal(longer.position, scan.position + left)
    np.testing.assert_array_equal(longer.reverse, scan.reverse)
    padded = encode(["N" * left + sequence + "N" * right])
    assert network.word_sum(padded)[0] == pytest.approx(network.word_sum(encode([sequence]))[0], abs=1e-9)


def test_on_one_strand_zero_channels_are_zeros(rng):
    X = rng.normal(size=(4, 12, 4))
    X[:, 3:6] = 0
    network = draw_network(0, sharpness=2.0)
    for n, k in np.ndindex(4, 3):
        sums = [(X[n, p : p + 5] * network.kernels[k]).sum() for p in range(8)]
        expected = np.log(np.mean(np.exp(2 * np.array(sums)))) / 2 + network.kernel_bias[k]
        assert network.scan(X).pooled[n, k] == pytest.approx(expected, abs=1e-6)


# Composition


@given(st.lists(dna, min_size=1, max_size=4), st.integers(0, 4), st.booleans(), st.integers(0, 5))
def test_word_sums_equal_a_loop_over_letters(sequences, word_length, both_strands, seed):
    network = draw_network(seed, reverse_complement=both_strands, word_length=word_length)
    assert network.word_length == word_length
    expected = [words_by_loop(network, sequence) for sequence in sequences]
    np.testing.assert_allclose(network.word_sum(encode(sequences)), expected, atol=1e-5)


@pytest.mark.parametrize("word_length", [1, 2, 3])
def test_a_word_with_unknown_bases_has_the_mean_of_its_completions(rng, word_length):
    weights = rng.normal(size=4**word_length)
    table = with_unknown_bases(weights, word_length)
    words = ["".join(letters) for letters in product("ACGT", repeat=word_length)]
    by_word = dict(zip(words, weights, strict=True))
    for word, value in zip(product("ACGTN", repeat=word_length), table, strict=True):
        assert value == pytest.approx(np.mean([by_word[other] for other in completions(word)]))


@pytest.mark.parametrize("word_length", [1, 2, 3, 6])
def test_reverse_complements_of_words(word_length):
    words = ["".join(letters) for letters in product("ACGT", repeat=word_length)]
    others = [words[other] for other in reverse_complement_words(word_length)]
    assert others == [reverse_complement(word) for word in words]


@pytest.mark.parametrize("word_length", [1, 2, 3])
def test_words_share_their_weights_by_the_letters_in_which_they_differ(rng, word_length):
    trained = rng.normal(size=4**word_length)
    words = list(product(range(4), repeat=word_length))
    shares = np.array(
        [
            [np.prod([LETTER_SHARES[a, b] for a, b in zip(*pair, strict=True)]) for pair in product([word], words)]
            for word in words
        ]
    )
    found = shared(trained, word_length)
    np.testing.assert_allclose(found, shares @ trained - (shares @ trained).mean(), atol=1e-12)
    assert found.mean() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(shared(shared(found, word_length, inverse=True), word_length), found, atol=1e-12)
    np.testing.assert_allclose((LETTER_SHARES**2).sum(axis=1), 1)


def test_words_are_of_dna_alone(rng):
    with pytest.raises(ValueError, match="DNA codes"):
        draw_network(0, word_length=2).word_sum(rng.normal(size=(2, 9, 4)))


def test_a_new_draw_has_words_of_weight_0():
    network = draw_network(0, reverse_complement=True, word_length=5)
    redrawn = network.redrawn(2, np.random.default_rng(0))
    assert (redrawn.n_kernels, redrawn.word_length, redrawn.composition.any()) == (2, 5, False)
    np.testing.assert_array_equal(network.select([1]).composition, network.composition)
    assert replace(network, composition=np.empty(0, np.float32)).word_length == 0
