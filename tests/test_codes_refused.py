"""Functions of codes refuse other numbers and name the first one with its place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune.sequences import decode, left_justify, one_hot, reverse_complement, sequence_lengths, shuffle_codes

TAKERS = pytest.mark.parametrize(
    "take",
    [
        decode,
        left_justify,
        one_hot,
        reverse_complement,
        sequence_lengths,
        lambda codes: shuffle_codes(codes, np.random.default_rng(0)),
    ],
    ids=["decode", "left_justify", "one_hot", "reverse_complement", "sequence_lengths", "shuffle_codes"],
)


@TAKERS
@given(
    wrong=st.one_of(st.integers(-(2**31), -1), st.integers(5, 2**31 - 1)),
    row=st.integers(0, 3),
    position=st.integers(0, 6),
)
def test_numbers_beyond_the_letters_are_refused(take, wrong, row, position):
    codes = np.zeros((4, 7), dtype=np.int64)
    codes[row, position] = wrong
    with pytest.raises(ValueError, match=rf"codes from 0 to 4 .*got {wrong} in row {row} at position {position};"):
        take(codes)


@TAKERS
@pytest.mark.parametrize("wrong", [5, 255])
def test_bytes_beyond_the_letters_are_refused(take, wrong):
    with pytest.raises(ValueError, match=rf"got {wrong} in row 0 at position 1;"):
        take(np.array([[0, wrong]], dtype=np.uint8))


@TAKERS
def test_real_numbers_and_other_shapes_are_refused(take):
    with pytest.raises(ValueError, match="integer codes, got values of type float64"):
        take(np.array([[0.0, 1.5]]))
    with pytest.raises(ValueError, match=r"codes of shape \(n_sequences, length\), got shape \(3,\)"):
        take(np.array([0, 1, 2]))


@TAKERS
def test_integers_of_any_type_are_codes(take):
    codes = np.array([[0, 1, 2, 3, 4]])
    expected = take(codes.astype(np.uint8))
    for dtype in (np.int8, np.int64, np.uint32):
        for one, other in zip(take(codes.astype(dtype)), expected, strict=True):
            np.testing.assert_array_equal(one, other)
