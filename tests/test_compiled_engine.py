import pickle
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core.dispatcher import Dispatcher
from reference import known_parts, log_odds_by_words, n_counted_by_loop, word_counts_by_loops, words_by_loop
from strategies import draw_words

from skdeepprune._engines import _compiled
from skdeepprune._engines._compiled import CompiledEngine, Letters, Words, motif_scores, scan, word_sums
from skdeepprune._engines._interface import ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON, Dropout, Penalty
from skdeepprune._engines._pool import pool_loops
from skdeepprune._engines._scan import scan_loops
from skdeepprune._network import BASE_SHARES, Network, reverse_complement_kernels, reverse_complement_words
from skdeepprune.sequences import decode, dinucleotide_shuffle, encode

_COMPILED_LOOPS = [loop for loop in vars(_compiled).values() if isinstance(loop, Dispatcher)]
A_KERNEL_LENGTH = st.one_of(st.integers(1, 12), st.sampled_from([15, 16, 24, 25, 35, 36, 37, 50]))


def random_network(rng, n_kernels, kernel_length, both_strands, sharpness=np.inf, word_length=0):
    return Network(
        kernels=rng.normal(size=(n_kernels, kernel_length, 4)).astype(np.float32),
        kernel_bias=rng.normal(size=n_kernels).astype(np.float32),
        dense_weights=rng.normal(size=n_kernels).astype(np.float32),
        dense_bias=float(np.float32(rng.normal())),
        reverse_complement=both_strands,
        sharpness=sharpness,
        composition=draw_words(rng, word_length, reverse_complement=both_strands),
    )


def random_codes(rng, n_sequences, length, n_share=0.1):
    codes = rng.integers(0, 4, (n_sequences, length), dtype=np.uint8)
    codes[rng.random(codes.shape) < n_share] = 4
    shortened = rng.random(n_sequences) < 0.5
    for row in np.flatnonzero(shortened):
        codes[row, rng.integers(0, length + 1) :] = 4
        codes[row, : rng.integers(0, length + 1) // 3] = 4
    return codes


@st.composite
def networks_and_codes(draw, whole_numbers=False):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, 19)), draw(A_KERNEL_LENGTH), draw(st.booleans())
    word_length = draw(st.integers(0, 6))
    network = random_network(rng, *shape, draw(st.sampled_from([np.inf, 2.0, 0.5, 3.0])), word_length)
    if whole_numbers:  # also their quarters, of unknown bases
        network = replace(network, kernels=4 * network.kernels.round(), kernel_bias=network.kernel_bias.round())
    codes = random_codes(rng, draw(st.integers(1, 6)), draw(st.integers(1, 70)), draw(st.sampled_from([0, 0.02, 0.3])))
    return network, codes


@st.composite
def training_sets(draw):
    network, codes = draw(networks_and_codes())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = rng.integers(0, 2, len(codes)).astype(np.float32)
    return network, codes, labels, rng.uniform(0, 2, len(codes)).astype(np.float32)


def windows_by_loops(network, codes):
    """Return [(activation, position, reverse), ...] of every sequence and kernel, as one would on paper."""
    strands = [network.kernels]
    if network.reverse_complement:
        strands.append(reverse_complement_kernels(network.kernels))
    windows = []
    _, justified, lengths = known_parts(codes)
    for sequence, length in zip(justified, lengths, strict=True):
        for k in range(network.n_kernels):
            windows.append([])
            for reverse, kernels in enumerate(strands):
                for start in range(max(length - network.kernel_length, 0) + 1):
                    total = 0.0
                    for w in range(network.kernel_length):
                        known = start + w < length and sequence[start + w] < 4
                        total += float(kernels[k, w, sequence[start + w]] if known else kernels[k, w].mean())
                    windows[-1].append((total, start, bool(reverse)))
    return windows


def scan_by_loops(network, codes):
    """Return (best, position, reverse) of every kernel and sequence."""
    results = [max(windows, key=lambda window: window[0]) for windows in windows_by_loops(network, codes)]
    best, position, reverse = (
        np.reshape(values, (len(codes), network.n_kernels)) for values in zip(*results, strict=True)
    )
    return best + network.kernel_bias, position + known_parts(codes)[0][:, None], reverse


def pooled_by_loops(network, codes):
    """Return the pooled activations (n, K), and for each of them every window's share: [(share, position, reverse)]."""
    pooled, shares = [], []
    n_counted = [n_counted_by_loop(network, sequence) for sequence in decode(codes, strip=False)]
    n_counted = np.repeat(n_counted, network.n_kernels)
    for windows, n in zip(windows_by_loops(network, codes), n_counted, strict=True):
        activations = np.array([window[0] for window in windows])
        if network.sharpness == np.inf:
            pooled.append(activations.max())
            parts = np.arange(len(windows)) == activations.argmax()
        else:
            total = np.logaddexp.reduce(network.sharpness * activations)
            pooled.append((total - np.log(n)) / network.sharpness)
            parts = np.exp(network.sharpness * activations - total)
        shares.append([(part, *window[1:]) for part, window in zip(parts, windows, strict=True)])
    return np.reshape(pooled, (len(codes), network.n_kernels)) + network.kernel_bias, shares


def gradients_by_loops(network, codes, labels, weights):
    """Return the loss and its gradients (kernels, kernel bias, dense weights, dense bias, words) in float64."""
    best, shares = pooled_by_loops(network, codes)
    scores = np.maximum(best, 0)
    counts = word_counts_by_loops(network, codes)
    by_words = log_odds_by_words(network, codes)
    logits = scores @ network.dense_weights.astype(float) + network.dense_bias + by_words
    loss = np.mean(weights * (np.logaddexp(0, logits) - logits * labels))
    residual = weights * (1 / (1 + np.exp(-logits)) - labels) / len(codes)
    kernels = np.zeros((2, *network.kernels.shape))
    upstream = residual[:, None] * network.dense_weights * (best > 0)
    justified = np.pad(known_parts(codes)[1], ((0, 0), (0, network.kernel_length)), constant_values=4)
    for i, k in np.argwhere(best > 0):
        for share, position, reverse in shares[i * network.n_kernels + k]:
            for w, code in enumerate(justified[i, position:][: network.kernel_length]):
                cells = (slice(None), 0.25) if code == 4 else (code, 1)
                kernels[int(reverse), k, w, cells[0]] += cells[1] * share * upstream[i, k]
    kernels = kernels[0] + reverse_complement_kernels(kernels[1])
    return loss, (kernels, upstream.sum(axis=0), residual @ scores, residual.sum(), residual @ counts)


def as_arrays(network):
    return network.kernels, network.kernel_bias, network.dense_weights, network.dense_bias, network.composition


def assert_same_scan(scan_, other):
    for name in ("pooled", "position", "reverse"):
        np.testing.assert_array_equal(getattr(scan_, name), getattr(other, name))


@given(networks_and_codes(whole_numbers=True))
def test_scan_equals_loops(case):
    """In whole numbers, where sums are exact and ties frequent."""
    network, codes = case
    found = scan(replace(network, sharpness=np.inf), codes)
    values = found.pooled, found.position, found.reverse
    for value, expected in zip(values, scan_by_loops(network, codes), strict=True):
        np.testing.assert_array_equal(value, expected)


@given(networks_and_codes())
def test_scan_equals_the_network_s_own(case):
    network, codes = case
    found, expected = scan(network, codes), network.scan(codes)
    assert (found.pooled.dtype, found.position.dtype, found.reverse.dtype) == (np.float32, np.int32, np.bool_)
    np.testing.assert_allclose(found.pooled, expected.pooled, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found.scores, motif_scores(network, codes))


@given(networks_and_codes(), st.integers(1, 5))
def test_a_sequence_scans_to_the_same_bits_in_any_company(case, n_threads):
    network, codes = case
    company = np.concatenate([codes, random_codes(np.random.default_rng(0), 3, codes.shape[1])])
    together, scores = scan(network, company), motif_scores(network, company)
    for i in range(len(codes)):
        np.testing.assert_array_equal(motif_scores(network, codes[i : i + 1], n_threads)[0], scores[i])
        alone = scan(network, codes[i : i + 1], n_threads)
        np.testing.assert_array_equal(alone.pooled[0], together.pooled[i])
        np.testing.assert_array_equal(alone.position[0], together.position[i])


@pytest.mark.parametrize("both_strands", [False, True])
def test_padding_changes_no_bit(rng, both_strands):
    network = random_network(rng, 5, 11, both_strands)
    codes = random_codes(rng, 20, 40)
    padded = np.pad(codes, ((0, 0), (0, 13)), constant_values=4)
    assert_same_scan(scan(network, codes), scan(network, padded))
    pooling = replace(network, sharpness=2.0)
    np.testing.assert_array_equal(motif_scores(pooling, codes), motif_scores(pooling, padded))


@pytest.mark.parametrize("sharpness", [np.inf, 2.0])
def test_threads_change_no_bit(rng, sharpness):
    network = random_network(rng, 9, 10, True, sharpness)
    codes = random_codes(rng, 30_000, 100)  # several chunks
    assert_same_scan(scan(network, codes, n_threads=1), scan(network, codes, n_threads=3))
    labels = np.zeros(len(codes), np.float32)
    alone, threaded = CompiledEngine(), CompiledEngine(n_threads=3)
    data = alone.load(codes, labels, labels)
    rows = rng.permutation(len(codes))
    scores = alone.trainer(network).scores(data, rows)
    np.testing.assert_array_equal(scores, threaded.trainer(network).scores(data, rows))
    np.testing.assert_array_equal(scores, motif_scores(network, codes[rows]))


def test_the_first_window_and_the_given_strand_win_ties():
    kernel = np.zeros((1, 4, 4), np.float32)
    kernel[0, [0, 1, 2, 3], [0, 1, 2, 3]] = 1  # ACGT, its own reverse complement
    one, bias = np.ones(1, np.float32), np.zeros(1, np.float32)
    found = scan(Network(kernel, bias, one, 0.0, reverse_complement=True), encode(["TTACGTACGTACGT", "TTTT", "NNNNNN"]))
    assert found.position.ravel().tolist() == [2, 0, 0]
    assert found.reverse.ravel().tolist() == [False, False, False]
    assert found.pooled.ravel().tolist() == [4, 1, 1], "N is a quarter of every letter"


def test_long_sequence(rng):
    network = random_network(rng, 3, 24, True)
    codes = random_codes(rng, 2, 100_000, n_share=0)
    codes[0, 99_990:] = 4
    found, expected = scan(network, codes), network.scan(codes)
    np.testing.assert_array_equal(found.position, expected.position)
    np.testing.assert_array_equal(found.reverse, expected.reverse)
    pooling = replace(network, sharpness=2.0)
    np.testing.assert_allclose(motif_scores(pooling, codes), pooling.scores(codes), atol=1e-3)


@pytest.mark.parametrize("shape", [(0, 30), (3, 0)])
def test_nothing_to_scan(rng, shape):
    network = random_network(rng, 3, 5, True)
    unknown = network.kernel_bias + network.kernels.mean(axis=2).sum(axis=1)
    for sharpness in (np.inf, 2.0):
        pooling = replace(network, sharpness=sharpness)
        found = scan(pooling, np.empty(shape, np.uint8))
        np.testing.assert_allclose(found.pooled, np.broadcast_to(unknown, (shape[0], 3)), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(motif_scores(pooling, np.empty(shape, np.uint8)), found.scores)
    assert (
        word_sums(random_network(rng, 1, 5, True, word_length=3), np.empty(shape, np.uint8)).tolist() == [0] * shape[0]
    )


def test_read_only_and_strided_codes(rng):
    network = random_network(rng, 3, 5, True)
    codes = random_codes(rng, 10, 30)
    expected = scan(network, codes[::2])
    codes.flags.writeable = False
    assert_same_scan(scan(network, codes[::2]), expected)
    assert_same_scan(scan(network, np.asfortranarray(codes)[::2]), expected)


@given(networks_and_codes())
def test_letters_know_lengths_and_starts(case):
    _, codes = case
    letters = Letters.of(codes)
    starts, justified, lengths = known_parts(codes)
    np.testing.assert_array_equal(letters.letters, justified)
    np.testing.assert_array_equal(letters.lengths, lengths)
    np.testing.assert_array_equal(letters.starts, starts)
    assert letters.with_n == any((row[:length] == 4).any() for row, length in zip(justified, lengths, strict=True))


@given(networks_and_codes(), st.integers(0, 2**32))
def test_words_are_read_as_by_loops(case, seed):
    network, codes = case
    letters = Letters.of(codes)
    words = Words(letters, network)
    rows = np.random.default_rng(seed).integers(0, len(codes), 9)
    words.read(rows)
    n, with_n = network.word_length, words.with_n
    assert words.words.shape == (9, max(codes.shape[1], network.kernel_length))
    assert with_n or (not letters.with_n and letters.lengths.min() >= network.kernel_length)
    for i, row in enumerate(rows):
        length = letters.lengths[row]
        assert words.n_windows[i] == max(1, length - network.kernel_length + 1)
        assert words.n_numbers[i] == (max(0, length - n + 1) if n else 0)
        for p in range(length if with_n else length - 3):
            word = [*letters.letters[row, p : p + 4], 4, 4, 4, 4][:4]
            number = words.words[i, p] // 32
            assert words.words[i, p] % 32 == 0
            if 4 in word:
                assert number >= 256
                assert number == 256 + sum(4 in other for other in np.ndindex(5, 5, 5, 5) if other < tuple(word))
            else:
                assert number == np.ravel_multi_index(word, (4,) * 4)
        for p in range(words.n_numbers[i]):
            expected = np.ravel_multi_index(letters.letters[row, p : p + n], ((5 if with_n else 4),) * n)
            assert words.numbers[i, p] == expected


@given(networks_and_codes())
def test_windows_are_counted_as_by_loops(case):
    network, codes = case
    counts = [n_counted_by_loop(network, sequence) for sequence in decode(codes, strip=False)]
    np.testing.assert_allclose(Letters.of(codes).log_counts(network), np.log(counts), atol=1e-12)


@given(networks_and_codes())
def test_word_sums_equal_loops(case):
    network, codes = case
    expected = log_odds_by_words(network, codes)
    np.testing.assert_allclose(word_sums(network, codes), expected, atol=1e-4)
    np.testing.assert_allclose(network.word_sum(codes), expected, atol=1e-4)
    if network.word_length < 4:
        by_letters = [words_by_loop(network, sequence) for sequence in decode(codes, strip=False)]
        np.testing.assert_allclose(expected, by_letters, atol=1e-4)


@given(networks_and_codes())
def test_both_strands_have_the_same_bits(case):
    """Also with unknown bases anywhere, of sequences at least as long as the kernels."""
    network, codes = case
    network = replace(network, reverse_complement=True, composition=np.empty(0, np.float32))
    codes = np.pad(codes, ((0, 0), (network.kernel_length, 1)), constant_values=2)
    other = np.ascontiguousarray(np.where(codes < 4, 3 - codes, 4)[:, ::-1]).astype(np.uint8)
    tolerance = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(scan(network, codes).pooled, scan(network, other).pooled, **tolerance)


@given(networks_and_codes())
def test_words_of_both_strands_have_the_same_sum(case):
    _, codes = case
    network = random_network(np.random.default_rng(0), 1, 3, True, word_length=6)
    other = np.ascontiguousarray(np.where(codes < 4, 3 - codes, 4)[:, ::-1]).astype(np.uint8)
    np.testing.assert_allclose(word_sums(network, codes), word_sums(network, other), atol=1e-4)


@given(networks_and_codes())
def test_scores_equal_loops(case):
    network, codes = case
    scores = motif_scores(network, codes)
    np.testing.assert_allclose(scores, np.maximum(pooled_by_loops(network, codes)[0], 0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("scale", "dtype"), [(0.5, np.float32), (1, np.float32), (4, np.float64), (10, np.float64)])
def test_kernels_of_any_size_are_pooled(scale, dtype):
    rng = np.random.default_rng(0)
    network = random_network(rng, 6, 12, True, sharpness=2.0)
    network = replace(network, kernels=network.kernels * np.float32(scale))
    codes = random_codes(rng, 20, 60)
    assert _compiled._type_of_products(_compiled._flatten(network).blocks, 2.0) is dtype
    expected = np.maximum(pooled_by_loops(network, codes)[0], 0)
    np.testing.assert_allclose(motif_scores(network, codes), expected, rtol=1e-5, atol=1e-5)
    engine = CompiledEngine()
    labels, weights = rng.integers(0, 2, 20).astype(np.float32), np.ones(20, np.float32)
    loss, gradient = engine.gradients(network, engine.load(codes, labels, weights))
    expected_loss, expected = gradients_by_loops(network, codes, labels, weights)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for found, wanted in zip(as_arrays(gradient)[:-1], expected[:-1], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("value", [100, np.inf, np.nan])
def test_kernels_without_measure_are_not_pooled_silently(rng, value):
    network = random_network(rng, 6, 12, True, sharpness=2.0)
    network.kernels[:] = value
    with pytest.raises(FloatingPointError, match="pooling='max'"):
        motif_scores(network, random_codes(rng, 20, 60))


@given(training_sets())
def test_gradients_equal_loops(case):
    network, codes, labels, weights = case
    engine = CompiledEngine()
    loss, gradient = engine.gradients(network, engine.load(codes, labels, weights))
    expected_loss, expected = gradients_by_loops(network, codes, labels, weights)
    assert loss == pytest.approx(expected_loss, rel=1e-5, abs=1e-5)
    for found, wanted in zip(as_arrays(gradient), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sharpness", [np.inf, 2.0])
@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize("word_length", [0, 1, 2, 3])
def test_gradients_equal_finite_differences(rng, both_strands, sharpness, word_length):
    network = random_network(rng, 3, 7, both_strands, sharpness, word_length)
    codes = random_codes(rng, 8, 30)
    labels, weights = rng.integers(0, 2, 8).astype(np.float32), rng.uniform(0.5, 1.5, 8).astype(np.float32)

    def loss_at(*arrays):
        there = Network(*arrays[:4], both_strands, sharpness, arrays[4])
        logits = there.decision(there.scores(codes), there.word_sum(codes))
        return np.mean(weights * (np.logaddexp(0, logits) - logits * labels))

    arrays = [np.array(array, dtype=float) for array in as_arrays(network)]
    engine = CompiledEngine()
    _, gradient = engine.gradients(network, engine.load(codes, labels, weights))
    for array, found in zip(arrays, as_arrays(gradient), strict=True):
        expected = np.empty_like(array)
        for index in np.ndindex(array.shape):
            step = np.zeros_like(array)
            step[index] = 1e-6
            if array is arrays[4] and both_strands:  # a word and its reverse complement move as one
                step[reverse_complement_words(word_length)[index]] = 1e-6
            array += step
            above = loss_at(*arrays)
            array -= 2 * step
            expected[index] = (above - loss_at(*arrays)) / 2e-6
            array += step
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_gradients_equal_tensorflow_s(rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tf = pytest.importorskip("tensorflow")
    engine = CompiledEngine()
    for n_kernels, kernel_length, both_strands, sharpness, word_length in [
        (4, 24, False, np.inf, 6),
        (4, 24, True, np.inf, 6),
        (11, 7, True, np.inf, 0),
        (19, 16, False, np.inf, 5),
        (4, 24, False, 2.0, 4),
        (11, 7, True, 2.0, 2),
    ]:
        network = random_network(rng, n_kernels, kernel_length, both_strands, sharpness, word_length)
        codes = random_codes(rng, 30, 60)
        labels, weights = rng.integers(0, 2, 30).astype(np.float32), rng.uniform(0, 2, 30).astype(np.float32)
        kernels, *rest = (tf.Variable(array, dtype=tf.float32) for array in as_arrays(network)[:4])
        bias, dense, dense_bias = rest
        other = reverse_complement_words(word_length) if both_strands and word_length else np.arange(4**word_length)
        canonical, place = np.unique(np.minimum(other, np.arange(4**word_length)), return_inverse=True)
        assert not (both_strands and word_length == 6) or len(canonical) == 2080
        words = tf.Variable(network.composition[canonical] if word_length else np.zeros(1, np.float32))
        counts = word_counts_by_loops(replace(network, reverse_complement=False), codes).astype(np.float32)
        _, justified, lengths = known_parts(codes)
        beyond = np.arange(60 - kernel_length + 1) > np.maximum(np.array(lengths) - kernel_length, 0)[:, None]
        n_counted = [n_counted_by_loop(network, sequence) for sequence in decode(codes, strip=False)]
        with tf.GradientTape() as tape:
            filters = [tf.transpose(kernels, (1, 2, 0))]
            if both_strands:
                filters.append(filters[0][::-1, ::-1])
            convolutions = [tf.nn.conv1d(BASE_SHARES[justified], filter_, 1, "VALID") for filter_ in filters]
            activations = tf.concat([c - 1e9 * beyond[:, :, None].astype(np.float32) for c in convolutions], axis=1)
            if sharpness == np.inf:
                pooled = tf.reduce_max(activations, axis=1)
            else:
                total = tf.reduce_logsumexp(sharpness * activations, axis=1)
                pooled = (total - np.log(n_counted, dtype=np.float32)[:, None]) / sharpness
            scores = tf.nn.relu(pooled + bias)
            logits = tf.linalg.matvec(scores, dense) + dense_bias
            if word_length:
                logits += tf.linalg.matvec(counts, tf.gather(words, place))
            loss = tf.reduce_mean(weights * tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))
        *expected, by_words = tape.gradient(loss, [kernels, bias, dense, dense_bias, words])
        expected.append(tf.convert_to_tensor(by_words).numpy()[place] if word_length else np.empty(0))
        found_loss, found = engine.gradients(network, engine.load(codes, labels, weights))
        assert found_loss == pytest.approx(float(loss), rel=1e-5)
        for array, wanted in zip(as_arrays(found), expected, strict=True):
            np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-6)


@given(training_sets(), st.integers(1, 5))
def test_epochs_equal_keras_s_adam_over_the_gradients(case, batch_size):
    network, codes, labels, weights = case
    network = replace(network, composition=np.empty(0, np.float32))  # test_engines has words
    engine = CompiledEngine()
    trainer = engine.trainer(network)
    data = engine.load(codes, labels, weights)
    order = np.random.default_rng(0).permutation(len(codes))[: max(1, len(codes) - 1)]
    moments = [[np.zeros(np.shape(array))] * 2 for array in as_arrays(network)]
    n_steps = 0
    for rate in (0.01, 0.002):
        now = trainer.network
        losses = []
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            loss, gradient = engine.gradients(now, engine.load(codes[rows], labels[rows], weights[rows]))
            losses.append(loss * len(rows))
            n_steps += 1
            scale = rate * np.sqrt(1 - ADAM_BETA2**n_steps) / (1 - ADAM_BETA1**n_steps)
            arrays = []
            for i, (array, slope) in enumerate(zip(as_arrays(now), as_arrays(gradient), strict=True)):
                first = ADAM_BETA1 * moments[i][0] + (1 - ADAM_BETA1) * slope
                second = ADAM_BETA2 * moments[i][1] + (1 - ADAM_BETA2) * np.square(slope, dtype=float)
                moments[i] = [first, second]
                arrays.append(np.float32(array - scale * first / (np.sqrt(second) + ADAM_EPSILON)))
            now = Network(*arrays[:4], network.reverse_complement, network.sharpness)
        assert trainer.epoch(data, order, batch_size, rate) == pytest.approx(sum(losses) / len(order), rel=1e-4)
        for found, wanted in zip(as_arrays(trainer.network), as_arrays(now), strict=True):
            # Where a gradient is rounding noise, Adam turns it into a whole step; few cells may be there.
            np.testing.assert_allclose(found, wanted, atol=2e-5)


@pytest.mark.parametrize("sharpness", [np.inf, 2.0])
@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_an_epoch_repeats_itself_bit_by_bit_on_any_number_of_threads(rng, sharpness, rate):
    network = random_network(rng, 70, 9, True, sharpness, 3)  # 18 blocks
    codes = random_codes(rng, 500, 50)
    labels, weights = rng.integers(0, 2, 500).astype(np.float32), np.ones(500, np.float32)
    order = rng.permutation(500)
    networks = []
    for engine in (CompiledEngine(), CompiledEngine(n_threads=2), CompiledEngine(n_threads=5)):
        trainer = engine.trainer(network)
        data = engine.load(codes, labels, weights)
        losses = [trainer.epoch(data, order, 64, 0.01, Dropout(rate, 3)) for _ in range(3)]
        networks.append((losses, trainer.network))
    for losses, trained in networks[1:]:
        assert losses == networks[0][0]
        for one, other in zip(as_arrays(networks[0][1]), as_arrays(trained), strict=True):
            np.testing.assert_array_equal(one, other)


def test_weights_count_as_copies(rng):
    network = random_network(rng, 4, 8, False)
    codes = random_codes(rng, 10, 30)
    labels = rng.integers(0, 2, 10).astype(np.float32)
    copies = rng.integers(0, 4, 10)
    engine = CompiledEngine()
    loss, gradient = engine.gradients(
        network, engine.load(codes, labels, (copies * 10 / copies.sum()).astype(np.float32))
    )
    repeated = np.repeat(np.arange(10), copies)
    data = engine.load(codes[repeated], labels[repeated], np.ones(len(repeated), np.float32))
    expected_loss, expected = engine.gradients(network, data)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for found, wanted in zip(as_arrays(gradient), as_arrays(expected), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_training_learns_a_planted_word(rng):
    codes = rng.integers(0, 4, (600, 60), dtype=np.uint8)
    labels = (np.arange(600) % 2).astype(np.float32)
    for row in codes[1::2]:
        start = rng.integers(0, 52)
        row[start : start + 8] = encode(["TGACTCAG"])[0]
    engine = CompiledEngine()
    data = engine.load(codes, labels, np.ones(600, np.float32))
    trainer = engine.trainer(Network.initial(16, 10, 4, reverse_complement=False, rng=rng))
    losses = [trainer.epoch(data, rng.permutation(600), 50, 0.01) for _ in range(15)]
    assert losses[0] > 0.5
    assert losses[-1] < 0.1
    predicted = trainer.network.decision(trainer.scores(data, np.arange(600))) > 0
    assert np.mean(predicted == labels) > 0.98


def test_extreme_logits_keep_the_loss_finite(rng):
    network = random_network(rng, 2, 4, False)
    far = Network(network.kernels, np.float32([1e4, 1e4]), np.float32([1, 1]), 0.0)
    engine = CompiledEngine()
    loss, gradient = engine.gradients(far, engine.load(random_codes(rng, 4, 20), np.zeros(4), np.ones(4)))
    assert loss == pytest.approx(2e4, rel=1e-2)
    assert np.isfinite(gradient.kernels).all()


def test_loading_copies_no_more_than_a_byte_a_base(rng):
    codes = random_codes(rng, 50, 40)
    data = CompiledEngine().load(codes, np.zeros(50), np.ones(50))
    assert data.letters.nbytes == codes.nbytes
    assert len(pickle.dumps(data)) < codes.nbytes + 50 * (8 + 4 + 4) + 1000


def test_compiled_code_comes_from_the_disk(rng):
    """Another process finds what this one compiled, and importing compiles nothing."""
    Letters.of(random_codes(rng, 1, 3))
    code = (
        "import numpy as np\n"
        "from skdeepprune._engines._compiled import Letters, read_letters\n"
        "assert not read_letters.signatures\n"
        "Letters.of(np.zeros((1, 3), np.uint8))\n"
        "print(sum(read_letters.stats.cache_hits.values()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(found.stdout) == 1


def test_every_loop_compiles_once(rng):
    """Arrays that differ in nothing but layout or access must not be compiled for anew: it takes seconds."""
    networks = [
        random_network(rng, 3, 5, both_strands, sharpness, word_length)
        for both_strands, sharpness, word_length in [(True, np.inf, 6), (True, 2, 3), (False, np.inf, 0), (False, 2, 4)]
    ]
    codes = random_codes(rng, 10, 30)
    codes.flags.writeable = False
    loops = [*_COMPILED_LOOPS, *scan_loops(2), *pool_loops(2)]
    before = [len(loop.signatures) for loop in loops]  # other tests call some themselves
    engine = CompiledEngine()
    for labels in (np.zeros(10), np.zeros(20, dtype=np.float32)[::2], [0] * 10):
        data = engine.load(np.asfortranarray(codes), labels, np.ones(10, dtype=np.float32))
        for network in networks:
            trainer = engine.trainer(network)
            trainer.epoch(data, np.arange(20)[::2] // 2, np.int64(4), np.float32(0.01))
            trainer.epoch(data, np.arange(10), 4, 0.01, Dropout(np.float32(0.3), 1), Penalty(1e-3, np.float32(0.1), 1))
            engine.gradients(network, data)
            trainer.scores(data, np.arange(10, dtype=np.int32)[::-1])
            trainer.word_sums(data, np.arange(10, dtype=np.int32)[::-1])
            word_sums(trainer.network, codes)
            scan(trainer.network, codes)
    for loop, known in zip(loops, before, strict=True):
        # Products of exponentials may need float64, once.
        assert loop.signatures, loop
        assert len(loop.signatures) - known <= (2 if loop in pool_loops(2) else 1), loop


@given(st.integers(1, 80), st.integers(0, 10**6))
def test_words_may_take_the_memory_of_the_codes(width, seed):
    codes = random_codes(np.random.default_rng(seed), 50, width)
    y, weights = np.zeros(50, np.float32), np.ones(50, np.float32)
    apart = CompiledEngine().load(codes, y, weights)
    owned = codes.copy()
    in_place = CompiledEngine().load(owned, y, weights, overwrite_X=True)
    np.testing.assert_array_equal(in_place.letters, apart.letters)
    for name in ("lengths", "starts", "with_n"):
        np.testing.assert_array_equal(getattr(in_place, name), getattr(apart, name))
    assert in_place.letters is owned


def test_without_a_cache_folder_it_still_compiles():
    code = (
        "import numba.core.caching as caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "import numpy as np\n"
        "from skdeepprune.sequences import dinucleotide_shuffle\n"
        "from skdeepprune._engines import _compiled\n"
        "print(dinucleotide_shuffle(['ACAGATA'], random_state=1)[0])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == dinucleotide_shuffle(["ACAGATA"], random_state=1)[0]
