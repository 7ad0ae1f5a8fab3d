"""Composition: sums of the weights of a sequence's words, their gradient, and how words share their weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune._engines._vectors import LANES, in_all_lanes, lanes_at, put_lanes, widened


@compiled
def fill_word_table(weights: Any, n_letters: int, table: Any) -> None:
    """Write the weights of the 4**n words of n letters to the 5**n with N, which have the mean of what they may be."""
    room = np.empty((2, len(table)), np.float32)
    for word in range(len(weights)):
        room[0, word] = weights[word]
    for i in range(n_letters):
        given, wider, inner = room[i % 2], room[(i + 1) % 2], 4 ** (n_letters - i - 1)
        for outer in range(5**i):
            at, to = 4 * inner * outer, 5 * inner * outer
            for j in range(inner):
                a, c, g, t = given[at + j], given[at + inner + j], given[at + 2 * inner + j], given[at + 3 * inner + j]
                wider[to + j], wider[to + inner + j] = a, c
                wider[to + 2 * inner + j], wider[to + 3 * inner + j] = g, t
                wider[to + 4 * inner + j] = np.float32(0.25) * ((a + t) + (c + g))
    for word in range(len(table)):
        table[word] = room[n_letters % 2, word]


@compiled
def fold_word_gradient(table: Any, n_letters: int, gradient: Any) -> None:
    """Pass the gradient of a table of words with N on to the weights."""
    room = np.empty((2, len(table)), np.float32)
    for word in range(len(table)):
        room[0, word] = table[word]
    for i in range(n_letters):
        given, narrower, inner = room[i % 2], room[(i + 1) % 2], 4**i
        for outer in range(5 ** (n_letters - i - 1)):
            at, to = 5 * inner * outer, 4 * inner * outer
            for letter in range(4):
                for j in range(inner):
                    share = np.float32(0.25) * given[at + 4 * inner + j]
                    narrower[to + letter * inner + j] = given[at + letter * inner + j] + share
    for word in range(len(gradient)):
        gradient[word] = room[n_letters % 2, word]


@compiled
def tie_words(reverse_complements: Any, gradient: Any) -> None:
    """Give a word and its reverse complement, which have one weight, the sum of their derivatives.

    Of one strand there are no `reverse_complements`.
    """
    for word in range(len(reverse_complements)):
        other = reverse_complements[word]
        if other > word:
            total = gradient[word] + gradient[other]
            gradient[word], gradient[other] = total, total


@compiled
def _share_letters(weights: Any, own: float, other: float) -> None:
    """Let every letter of words keep its `own` share of the weight and have that of the three `other` ones.

    Letter by letter from the last: what is written has that letter first, so that after all each has its old place.
    """
    own_share, other_share = np.float32(own - other), np.float32(other)
    given, shared = weights, np.empty(len(weights), np.float32)
    n, n_words, in_weights = len(weights) // 4, 1, True
    while n_words < len(weights):
        first, second, third, fourth = shared[:n], shared[n : 2 * n], shared[2 * n : 3 * n], shared[3 * n :]
        for j in range(n):
            a, c, g, t = given[4 * j], given[4 * j + 1], given[4 * j + 2], given[4 * j + 3]
            total = other_share * ((a + t) + (c + g))
            first[j], second[j] = own_share * a + total, own_share * c + total
            third[j], fourth[j] = own_share * g + total, own_share * t + total
        given, shared = shared, given
        n_words, in_weights = 4 * n_words, not in_weights
    if not in_weights:
        for word in range(len(weights)):
            shared[word] = given[word]


@compiled
def _center(weights: Any) -> None:
    """Take off the mean."""
    # Eight sums, as one would wait for every addition before.
    n_whole, total, sums = len(weights) // LANES, 0.0, np.empty((1, LANES))
    put_lanes(sums, 0, in_all_lanes(0.0))
    for row in range(n_whole):
        put_lanes(sums, 0, lanes_at(sums, 0) + widened(lanes_at(weights, row)))
    for lane in range(LANES):
        total += sums[0, lane]
    for j in range(LANES * n_whole, len(weights)):
        total += weights[j]
    mean = np.float32(total / len(weights))
    for j in range(len(weights)):
        weights[j] -= mean


@compiled
def share_weights(trained: Any, own: float, other: float, weights: Any) -> None:
    """Write the weights of words, of mean 0, from what is trained of them."""
    for word in range(len(weights)):
        weights[word] = trained[word]
    _share_letters(weights, own, other)
    _center(weights)


@compiled
def pass_on_gradient(
    trained: Any, penalty: float, own: float, other: float, reverse_complements: Any, gradient: Any
) -> None:
    """Pass the gradient by the weights of words, before it is tied, on to what is trained of them, and tie it.

    And add the derivative of ``penalty / 2`` times the square of what is trained.
    """
    _center(gradient)
    _share_letters(gradient, own, other)
    tie_words(reverse_complements, gradient)
    for word in range(len(gradient)):
        gradient[word] += penalty * trained[word]


@compiled
def sum_words(numbers: Any, n_numbers: Any, table: Any, sums: Any) -> None:
    """Write the sum of the table's entries for all words of every sequence."""
    for i in range(len(numbers)):
        row, n_words, p = numbers[i], n_numbers[i], 0
        # Four sums, as one would wait for every addition before.
        even, odd, even_next, odd_next = 0.0, 0.0, 0.0, 0.0
        while p + 3 < n_words:
            even += table[row[p]]
            odd += table[row[p + 1]]
            even_next += table[row[p + 2]]
            odd_next += table[row[p + 3]]
            p += 4
        while p < n_words:
            even += table[row[p]]
            p += 1
        sums[i] = (even + even_next) + (odd + odd_next)


@compiled
def add_to_words(numbers: Any, n_numbers: Any, residual: Any, table: Any) -> None:
    """Add the derivative by every logit to the table's entries for all words of its sequence."""
    for i in range(len(numbers)):
        row, slope = numbers[i], residual[i]
        for p in range(n_numbers[i]):
            table[row[p]] += slope
