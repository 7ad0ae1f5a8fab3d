import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skdeepprune.sequences import (
    as_strings,
    decode,
    encode,
    from_one_hot,
    one_hot,
    reverse_complement,
    sequence_lengths,
)
from skdeepprune.sequences._codes import check_codes

IUPAC = "ACGTUNRYSWKMBDHV"
COMPLEMENT = dict(zip("ACGTUNRYSWKMBDHV", "TGCAANYRSWMKVHDB", strict=True))

dna = st.text("ACGT", min_size=1, max_size=30)
sets = st.lists(dna, min_size=1, max_size=8)
codes = hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 20)), elements=st.integers(0, 4))


@given(sets)
def test_decoding_undoes_encoding(strings):
    assert decode(encode(strings)) == strings


@given(sets, st.integers(0, 5))
def test_encoding_undoes_decoding(strings, extra):
    matrix = encode(strings, length=max(map(len, strings)) + extra)
    np.testing.assert_array_equal(encode(decode(matrix, strip=False)), matrix)


@given(st.lists(st.text(IUPAC + IUPAC.lower(), min_size=1, max_size=20), min_size=1, max_size=5))
def test_encoding_letter_by_letter(strings):
    expected = [["ACGT".find(letter.upper().replace("U", "T")) % 5 for letter in string] for string in strings]
    matrix = encode(strings)
    assert matrix.dtype == np.uint8
    assert matrix.shape == (len(strings), max(map(len, strings)))
    for row, codes in zip(matrix.tolist(), expected, strict=True):
        assert row == codes + [4] * (len(row) - len(codes))


@given(codes)
def test_reading_one_hot_undoes_writing_it(matrix):
    encoded = one_hot(matrix)
    assert encoded.dtype == np.uint8
    assert encoded.shape == (*matrix.shape, 4)
    np.testing.assert_array_equal(from_one_hot(encoded), matrix)
    np.testing.assert_array_equal(from_one_hot(one_hot(matrix, np.float32)), matrix)


@pytest.mark.parametrize(
    "values",
    [[0.5, 0.5, 0, 0], [1, 1, 0, 0], [2, 0, 0, 0], [-1, 1, 1, 0], [np.nan, 0, 0, 0], [1, np.nan, 0, 0], [1, -1, 1, 0]],
)
def test_invalid_one_hot(values):
    assert from_one_hot(np.array([[[1, 0, 0, 0], values]])) is None


@pytest.mark.parametrize("shape", [(3, 4), (3, 5, 5), (2, 3, 4, 4)])
def test_shapes_that_are_not_one_hot(shape):
    assert from_one_hot(np.zeros(shape)) is None


@given(st.lists(st.text("ACGTNRYSWKMBDHVacgtnryswkmbdhv", min_size=1), max_size=4))
def test_the_other_strand_of_the_other_strand(strings):
    assert reverse_complement(reverse_complement(strings)) == strings


@given(st.text(IUPAC, min_size=1))
def test_the_other_strand_letter_by_letter(string):
    assert reverse_complement(string) == "".join(COMPLEMENT[letter] for letter in reversed(string))
    assert reverse_complement(string.lower()) == reverse_complement(string).lower()


@given(st.lists(st.text("ACGTN", min_size=1, max_size=20).map(lambda string: "A" + string), min_size=1, max_size=5))
def test_the_other_strand_in_codes(strings):
    matrix = encode(strings)
    flipped = reverse_complement(matrix)
    assert decode(flipped) == [reverse_complement(string.rstrip("N")) for string in strings]
    np.testing.assert_array_equal(reverse_complement(flipped), matrix)


@given(codes)
def test_lengths_are_those_of_the_stripped_strings(matrix):
    assert sequence_lengths(matrix).tolist() == [len(string) for string in decode(matrix)]


@pytest.mark.parametrize(
    "X",
    [
        ["ACGT", "gn"],
        ("ACGT", "gn"),
        iter(["ACGT", "gn"]),
        [b"ACGT", "gn"],
        [np.str_("ACGT"), "gn"],
        np.array(["ACGT", "gn"]),
        np.array([["ACGT"], ["gn"]]),
        np.array(["ACGT", "gn"], dtype=object),
        np.array([b"ACGT", b"gn"]),
        pd.Series(["ACGT", "gn"], index=[7, 3]),
        pd.Series(["ACGT", "gn"], dtype=object),
        pd.DataFrame({"seq": ["ACGT", "gn"]}),
    ],
    ids=lambda X: type(X).__name__,
)
def test_containers_of_strings(X):
    strings = as_strings(X)
    assert strings == ["ACGT", "gn"]
    assert {type(string) for string in strings} == {str}


def test_no_sequences():
    assert encode([]).shape == (0, 0)
    assert encode([], length=7).shape == (0, 7)
    assert decode(encode([], length=7)) == []
    assert sequence_lengths(encode([], length=7)).shape == (0,)


@pytest.mark.parametrize("letter", ["X", "-", "*", " ", "1", "é", "𝒜"])
def test_an_unknown_letter_is_named_with_its_place(letter):
    with pytest.raises(ValueError, match=f"Sequence 2 has the letter {re.escape(repr(letter))} at position 3"):
        encode(["A", "CCCCCCCC", f"ACG{letter}T", "XX"])


@pytest.mark.parametrize("letter", ["X", "-", "é", "𝒜"])
def test_an_unknown_letter_read_as_n(letter):
    assert decode(encode([f"AC{letter}T"], unknown="N")) == ["ACNT"]


def test_an_empty_string_is_named():
    with pytest.raises(ValueError, match="Sequence 1 is empty"):
        encode(["A", "", "C"])


@pytest.mark.parametrize("entry", [None, np.nan, pd.NA, 3, ["A", "C"]])
def test_an_entry_that_is_not_a_string_is_named(entry):
    with pytest.raises(TypeError, match=f"Sequence 1 is of type {type(entry).__name__}"):
        encode(["ACGT", entry])


@pytest.mark.parametrize("entry", [None, np.nan])
def test_a_missing_entry_of_a_series_is_named(entry):
    # What a missing string is depends on pandas.
    with pytest.raises(TypeError, match=r"Sequence 1 is of type (float \(nan\)|NoneType \(None\))"):
        encode(pd.Series(["ACGT", entry], dtype="str"))


@pytest.mark.parametrize("X", ["ACGT", b"ACGT"])
def test_one_bare_string(X):
    with pytest.raises(TypeError, match="got one string of 4 letters"):
        encode(X)


@pytest.mark.parametrize("X", [np.array([["A", "C"]]), pd.DataFrame({"a": ["A"], "b": ["C"]}), np.array("ACGT")])
def test_not_one_column(X):
    with pytest.raises(ValueError, match="Expected one column of DNA strings, got an array of shape"):
        encode(X)


def test_a_sequence_too_long_for_the_length():
    with pytest.raises(ValueError, match="Sequence 1 has 3 letters; expected at most 2"):
        encode(["AC", "ACG"], length=2)


def test_unknown_is_checked():
    with pytest.raises(ValueError, match="unknown='skip'; expected 'error' or 'N'"):
        encode(["ACGT"], unknown="skip")


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([0, 1], r"shape \(n_sequences, length\), got shape \(2,\)"),
        ([[0, 5]], "codes from 0 to 4 .*, got 5 in row 0"),
        ([[-1, 0]], "codes from 0 to 4 .*, got -1 in row 0"),
        ([[1.5, 0]], "integer codes, got values of type float64"),
    ],
)
def test_invalid_codes(matrix, message):
    with pytest.raises(ValueError, match=message):
        check_codes(matrix)


def test_chunks_of_sequences_read_like_one(monkeypatch, rng):
    from skdeepprune.sequences import _codes

    strings = ["".join(rng.choice(list("ACGTN"), n)) for n in rng.integers(1, 30, 100)]
    together = encode(strings)
    monkeypatch.setattr(_codes, "_CHUNK_LETTERS", 64)
    np.testing.assert_array_equal(encode(strings), together)
    with pytest.raises(ValueError, match="Sequence 77 has the letter 'X' at position 2"):
        encode([*strings[:77], "ACXT", *strings[78:]])
