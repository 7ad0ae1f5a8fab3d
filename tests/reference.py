"""The method's formulas written as plain loops in float64: the second truth that networks and engines are held to."""

from dataclasses import replace
from itertools import product

import numpy as np
from scipy.special import expit

from skdeepprune._network import Network
from skdeepprune.sequences import decode, reverse_complement

PARAMETERS = ("kernels", "kernel_bias", "dense_weights", "dense_bias", "composition")


def cell(kernel, i, letter):
    """What a letter at place i adds: an unknown one the mean of what it may be."""
    letters = "ACGT" if letter == "N" else letter
    return float(np.mean([float(kernel[i, "ACGT".index(one)]) for one in letters]))


def known_part(sequence):
    """Where the first known base is, and the sequence from there to the last."""
    known = sequence.strip("N")
    return len(sequence) - len(sequence.lstrip("N")) if known else 0, known


def n_counted_by_loop(network, sequence):
    """On how many windows the mean of pooling is: those of which at least half of the bases are known."""
    length, (_, sequence) = network.kernel_length, known_part(sequence)
    windows = [sequence[p : p + length].ljust(length, "N") for p in range(max(len(sequence) - length, 0) + 1)]
    return (1 + network.reverse_complement) * max(sum(2 * w.count("N") <= length for w in windows), 1)


def words_by_loop(network, sequence):
    """The sum of the weights of all words; one with unknown bases has the mean over all that it may be."""
    n, total = network.word_length, 0.0
    _, sequence = known_part(sequence)
    for p in range(len(sequence) - n + 1) if n else ():
        completions = ["".join(c) for c in product(*("ACGT" if s == "N" else s for s in sequence[p : p + n]))]
        numbers = [sum("ACGT".index(s) * 4 ** (n - 1 - j) for j, s in enumerate(word)) for word in completions]
        total += np.mean([float(network.composition[number]) for number in numbers])
    return total


def windows_by_loop(network, sequence):
    """The formulas of the method, letter by letter: every kernel's activations, their positions and strands."""
    n_kernels, kernel_length, _ = network.kernels.shape
    first, sequence = known_part(sequence)
    windows = []
    for k in range(n_kernels):
        candidates = []
        for position in range(max(len(sequence) - kernel_length, 0) + 1):
            window = sequence[position : position + kernel_length].ljust(kernel_length, "N")
            for reverse in (False, True) if network.reverse_complement else (False,):
                letters = reverse_complement(window) if reverse else window
                h = sum(cell(network.kernels[k], i, letter) for i, letter in enumerate(letters))
                candidates.append((h + float(network.kernel_bias[k]), first + position, reverse))
        windows.append(candidates)
    return windows


def scan_by_loop(network, sequence):
    return [max(candidates, key=lambda c: c[0]) for candidates in windows_by_loop(network, sequence)]


def known_parts(codes):
    """Where the first known base of every sequence is, and the codes from there to the last, filled up with N."""
    parts = [known_part(sequence) for sequence in decode(codes, strip=False)]
    justified = np.full(codes.shape, 4, np.uint8)
    for row, (start, part) in zip(range(len(codes)), parts, strict=True):
        justified[row, : len(part)] = codes[row, start : start + len(part)]
    return np.array([start for start, _ in parts], dtype=int), justified, [len(part) for _, part in parts]


def word_counts_by_loops(network, codes):
    """How often every word is in every sequence, in expectation; a word and its reverse complement have their sum."""
    n = network.word_length
    counts = np.zeros((len(codes), len(network.composition)))
    numbers = np.arange(4**n).reshape((4,) * n)
    other = numbers[(slice(None, None, -1),) * n].transpose()  # complements, read backwards
    _, justified, lengths = known_parts(codes)
    for i, length in enumerate(lengths):
        for p in range(length - n + 1 if n else 0):
            fitting = tuple(slice(None) if code == 4 else slice(code, code + 1) for code in justified[i, p : p + n])
            numbers_here = numbers[fitting].ravel()
            counts[i, numbers_here] += 1 / len(numbers_here)
    if network.reverse_complement and n:
        tied = counts[:, other.ravel()]
        counts = np.where(other.ravel() == np.arange(4**n), counts, counts + tied)
    return counts


def log_odds_by_words(network, codes):
    """The sum of word weights, each word counting once: of tied ones the counts are those of both."""
    counts = word_counts_by_loops(replace(network, reverse_complement=False), codes)
    return counts @ network.composition


def read_by_loop(network, X):
    """Sequences as channels, an unknown base a quarter of each, without what is trimmed; known places; lengths."""
    if X.ndim == 2:
        _, codes, lengths = known_parts(X)
        values = np.vstack([np.eye(4), np.full(4, 0.25)])[codes]
    else:
        values, lengths = X.astype(float), [X.shape[1]] * len(X)
        if network.reverse_complement:
            values[(values[:, :, :4] == 0).all(axis=2), :4] = 0.25
    missing = ((0, 0), (0, network.kernel_length))
    unknown = np.zeros(values.shape[:2], bool) if values.shape[2] < 4 else (values[:, :, :4] == 0.25).all(axis=2)
    is_unknown = np.pad(unknown, missing, constant_values=X.ndim == 2 or network.reverse_complement)
    values = np.pad(values, (*missing, (0, 0)))
    if X.ndim == 2 or network.reverse_complement:
        values[is_unknown, :4] = 0.25
    return values, is_unknown, lengths


def loss_and_gradients_by_loop(network, X, y, sample_weight):
    """Backpropagation in float64, one sequence and one kernel at a time."""
    values, is_unknown, lengths = read_by_loop(network, X)
    n_kernels, kernel_length, n_channels = network.kernels.shape
    by_kernels, by_kernel_bias = np.zeros(network.kernels.shape), np.zeros(n_kernels)
    by_weights, by_bias, loss = np.zeros(n_kernels), 0.0, 0.0
    by_words, counts = np.zeros(len(network.composition)), np.zeros((len(X), 0))
    word_sums = np.zeros(len(X))
    if network.word_length:
        counts, word_sums = word_counts_by_loops(network, X), log_odds_by_words(network, X)
    for n in range(len(X)):
        strands = (False, True) if network.reverse_complement else (False,)
        scores, shares = np.empty(n_kernels), []
        starts = range(max(lengths[n] - kernel_length, 0) + 1)
        windows = [values[n, start : start + kernel_length] for start in starts]
        n_counted = len(strands) * max(
            sum(2 * is_unknown[n, s : s + kernel_length].sum() <= kernel_length for s in starts), 1
        )
        windows += [window[::-1, [3, 2, 1, 0, *range(4, n_channels)]] for window in windows if len(strands) == 2]
        for k in range(n_kernels):
            activations = np.array([(window * network.kernels[k]).sum() for window in windows])
            if network.sharpness < np.inf:
                exponentials = np.exp(network.sharpness * activations)
                pooled = np.log(exponentials.sum() / n_counted) / network.sharpness
                shares.append(exponentials / exponentials.sum())
            else:
                pooled = activations.max()
                shares.append(np.arange(len(windows)) == activations.argmax())
            scores[k] = max(pooled + network.kernel_bias[k], 0)
        logit = scores @ network.dense_weights + network.dense_bias + word_sums[n]
        loss += sample_weight[n] * (np.logaddexp(0, logit) - y[n] * logit) / len(X)
        by_logit = sample_weight[n] * (expit(logit) - y[n]) / len(X)
        by_bias += by_logit
        by_weights += by_logit * scores
        by_words = by_words + by_logit * counts[n]
        for k in np.flatnonzero(scores > 0):
            by_kernel_bias[k] += by_logit * network.dense_weights[k]
            for share, window in zip(shares[k], windows, strict=True):
                by_kernels[k] += share * by_logit * network.dense_weights[k] * window
    gradients = by_kernels, by_kernel_bias, by_weights, by_bias, network.reverse_complement, network.sharpness, by_words
    return loss, Network(*gradients)


def assert_close_gradients(actual, expected, rtol=1e-5):
    for name in PARAMETERS:
        truth = np.asarray(getattr(expected, name))
        scale = max(np.abs(truth).max(initial=0), 1e-2)
        np.testing.assert_allclose(getattr(actual, name), truth, atol=rtol * scale, err_msg=name)
