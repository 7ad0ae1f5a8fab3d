import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import chisquare

from skdeepprune.sequences import decode, dinucleotide_shuffle, encode, read_sequences, shuffle_codes

codes = hnp.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(0, 40)), elements=st.integers(0, 4))


def dinucleotides(string):
    return Counter(zip(string, string[1:], strict=False))


def all_shuffles(string):
    """List every string with the dinucleotides and the first letter of `string`, by trying all of them."""
    found = []

    def extend(prefix, left):
        if len(prefix) == len(string):
            found.append(prefix)
        for pair in [pair for pair, count in left.items() if count and pair[0] == prefix[-1]]:
            extend(prefix + pair[1], left - Counter([pair]))

    extend(string[0], dinucleotides(string))
    return [shuffle for shuffle in found if shuffle[-1] == string[-1]]


@given(codes, st.integers(0, 2**32))
def test_counts_and_ends_are_kept(matrix, seed):
    shuffled = shuffle_codes(matrix, np.random.default_rng(seed))
    assert shuffled.shape == matrix.shape
    assert shuffled.dtype == np.uint8
    for string, shuffle in zip(decode(matrix), decode(shuffled), strict=True):
        assert dinucleotides(shuffle) == dinucleotides(string)
        assert (shuffle[:1], shuffle[-1:]) == (string[:1], string[-1:])


@pytest.mark.parametrize(
    "string",
    [
        "ACACGATACA",  # a circle, one letter in the middle of it
        "AACAACAGAAT",  # equal edges and loops
        "GATTACAGATTACAT",
        "CCGCGTCGTC",
        "ACNGANCGNTNA",  # N like any other letter
        "TGCATCGACTGT",
        "AAAACAAAGAAAA",
    ],
)
def test_shuffles_are_uniform_over_all_there_are(string):
    possible = all_shuffles(string)
    assert len(possible) > 5
    n_draws = 200 * len(possible)
    drawn = Counter(decode(shuffle_codes(encode([string] * n_draws), np.random.default_rng(0))))
    assert set(drawn) == set(possible)
    assert chisquare([drawn[shuffle] for shuffle in possible]).pvalue > 0.001


@pytest.mark.parametrize("string", ["A", "AC", "ACG", "AAAAAA", "ACGT", "AAACCC"])
def test_a_sequence_with_no_other_shuffle_stays(string):
    assert all_shuffles(string) == [string]
    assert dinucleotide_shuffle([string], random_state=0) == [string]


def test_padding_stays_and_gaps_move():
    string = "ANCAGNATNNACA"
    shuffled = [dinucleotide_shuffle([string + "NNN"], random_state=seed)[0] for seed in range(30)]
    assert all(shuffle.endswith("ANNN") and len(shuffle) == len(string) + 3 for shuffle in shuffled)
    assert len({shuffle.find("N") for shuffle in shuffled}) > 1


def test_strings_give_strings_and_codes_codes():
    strings = ["acgatacagatacc", "GATTACAGATTACAT", "ACR"]
    shuffled = dinucleotide_shuffle(strings, random_state=3)
    assert [type(string) for string in shuffled] == [str, str, str]
    assert shuffled[2] == "ACN"
    assert shuffled[0] != strings[0].upper()
    assert dinucleotide_shuffle(pd.Series(strings), random_state=3) == shuffled
    of_codes = dinucleotide_shuffle(encode(strings), random_state=3)
    np.testing.assert_array_equal(of_codes, encode(shuffled))
    np.testing.assert_array_equal(dinucleotide_shuffle(encode(strings).astype(int), random_state=3), of_codes)


def test_the_input_is_left_alone(rng):
    matrix = rng.integers(0, 4, (10, 50), dtype=np.uint8)
    before = matrix.copy()
    matrix.setflags(write=False)
    assert (shuffle_codes(matrix, rng) != matrix).any()
    np.testing.assert_array_equal(matrix, before)
    np.testing.assert_array_equal(
        shuffle_codes(np.asfortranarray(matrix), np.random.default_rng(1)),
        shuffle_codes(matrix, np.random.default_rng(1)),
    )


def test_random_state(rng):
    matrix = rng.integers(0, 4, (20, 50), dtype=np.uint8)

    def shuffled(random_state):
        return dinucleotide_shuffle(matrix, random_state=random_state).tolist()

    assert shuffled(1) == shuffled(1) == shuffled(np.int64(1)) == shuffled(np.random.default_rng(1))
    assert shuffled(1) != shuffled(2)
    assert shuffled(None) != shuffled(None)
    assert shuffled(np.random.RandomState(1)) == shuffled(np.random.RandomState(1))
    one_generator, one_state = np.random.default_rng(1), np.random.RandomState(1)
    assert shuffled(one_generator) != shuffled(one_generator)
    assert shuffled(one_state) != shuffled(one_state)
    with pytest.raises(TypeError, match="random_state is of type str; expected an int"):
        shuffled("1")


def test_equal_sequences_get_shuffles_of_their_own():
    assert len(set(dinucleotide_shuffle(["ACGATACAGATACCAGTACCA"] * 20, random_state=0))) > 10


def test_codes_out_of_range(rng):
    with pytest.raises(ValueError, match="codes from 0 to 4 .*, got 9 in row 0 at position 1"):
        shuffle_codes(np.array([[0, 9, 0, 1]], dtype=np.uint8), rng)


def test_no_sequences(rng):
    assert dinucleotide_shuffle([], random_state=0) == []
    assert shuffle_codes(np.empty((0, 9), dtype=np.uint8), rng).shape == (0, 9)


def test_an_epoch_of_shuffles_takes_well_under_a_second(rng):
    matrix = rng.integers(0, 4, (5000, 200), dtype=np.uint8)
    shuffle_codes(matrix[:1], rng)
    start = time.perf_counter()
    shuffle_codes(matrix, rng)
    assert time.perf_counter() - start < 0.5


def test_numba_waits_for_the_first_shuffle():
    code = (
        "import sys; from skdeepprune.sequences import dinucleotide_shuffle; assert 'numba' not in sys.modules;"
        "dinucleotide_shuffle(['ACGT']); assert 'numba' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_negatives_of_deepbind_are_shuffles_like_ours(shared_data):
    # Its test files pair every positive with a dinucleotide shuffle; ours must keep as much, and differ as often.
    peaks = read_sequences(next((shared_data / "deepbind").glob("SRF_*_B.seq.gz")))
    positives = [string for string, label in zip(peaks.sequences, peaks.labels, strict=True) if label == 1]
    shuffled = dinucleotide_shuffle(positives, random_state=0)
    for string, shuffle in zip(positives, shuffled, strict=True):
        assert dinucleotides(shuffle) == dinucleotides(string)
    assert sum(shuffle != string for string, shuffle in zip(positives, shuffled, strict=True)) == len(positives)
