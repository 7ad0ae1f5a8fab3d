"""DNA strings to byte codes and back.

A base is one byte: A, C, G, T are 0, 1, 2, 3, and 4 stands for N. A set of sequences is a uint8 matrix
(n_sequences, longest length), shorter sequences padded with N on the right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdeepprune.sequences._strings import as_strings

Codes = NDArray[np.uint8]
Unknown = Literal["error", "N"]

LETTERS = "ACGTN"
N_CODE = 4
_INVALID = 255
# Letters encoded at a time, to limit temporary memory.
_CHUNK_LETTERS = 2**24
# Padding is refused beyond both limits: total bytes, and positions per letter.
_MAX_PADDED_BYTES, _MAX_POSITIONS_PER_LETTER = 2**30, 4
_IUPAC_AMBIGUOUS = "NRYSWKMBDHV"


def _letter_table() -> Codes:
    table = np.full(256, _INVALID, dtype=np.uint8)
    for letters, code in (("A", 0), ("C", 1), ("G", 2), ("TU", 3), (_IUPAC_AMBIGUOUS, N_CODE)):
        for letter in letters + letters.lower():
            table[ord(letter)] = code
    return table


_CODE_OF_LETTER = _letter_table()
_LETTER_OF_CODE = np.frombuffer(LETTERS.encode(), dtype=np.uint8)
_COMPLEMENT = np.array([3, 2, 1, 0, N_CODE], dtype=np.uint8)


def encode(X: Any, *, unknown: Unknown = "error", length: int | None = None) -> Codes:
    """Encode DNA strings as byte codes.

    Letters are read case-insensitively: A, C, G, T (and U as T) are 0 to 3. N and the other IUPAC ambiguity letters
    (R Y S W K M B D H V) are 4, an unknown base. Any other letter is an error, unless ``unknown="N"``.

    Parameters
    ----------
    X : list, ndarray, Series, or DataFrame with one column
        DNA strings, of any lengths.
    unknown : {"error", "N"}, default="error"
        What to do with a letter outside the IUPAC alphabet: raise an error, or read it as N.
    length : int, default=None
        Width of the result. By default the length of the longest sequence.

    Returns
    -------
    ndarray of uint8, shape (n_sequences, length)
        Shorter sequences are padded with N (4) on the right.

    Raises
    ------
    ValueError
        If a sequence is empty, longer than `length`, or has an unknown letter: the message names sequence, position and
        letter. Or if the longest sequence is so much longer than the others that padding takes more than 1 GiB, three
        quarters of the whole or more.
    TypeError
        If an entry is not a string.

    Examples
    --------
    >>> encode(["ACGT", "gn"])
    array([[0, 1, 2, 3],
           [2, 4, 4, 4]], dtype=uint8)
    """
    strings, lengths = _checked(X, unknown)
    longest = int(lengths.max(initial=0))
    width = longest if length is None else length
    if longest > width:
        i = int(np.flatnonzero(lengths > width)[0])
        raise ValueError(f"Sequence {i} has {lengths[i]} letters; expected at most {width}. Cut it or widen `length`.")
    check_padding(lengths, width)
    codes = np.empty((len(strings), width), dtype=np.uint8)
    step = max(1, _CHUNK_LETTERS // max(width, 1))
    for start in range(0, len(strings), step):
        rows = np.arange(start, min(start + step, len(strings)))
        _encode_rows(strings[start : start + step], lengths[rows], codes[start : start + step], unknown, rows)
    return codes


def check_padding(lengths: NDArray[np.int64], width: int, n_bytes: int = 1) -> None:
    """Raise an error if padding would take much memory because most sequences are far shorter than `width`.

    Parameters
    ----------
    lengths : ndarray of int64, shape (n_sequences,)
    width : int
    n_bytes : int, default=1
        Bytes per position.

    Raises
    ------
    ValueError
        Names the longest sequence and a remedy.
    """
    size = len(lengths) * width
    if size * n_bytes <= _MAX_PADDED_BYTES or size <= _MAX_POSITIONS_PER_LETTER * int(lengths.sum()):
        return
    longest = int(lengths.argmax())
    remedy = "Cut long sequences into windows, or leave them out." if lengths[longest] == width else "Lower `length`."
    raise ValueError(
        f"Padded to {width:,} letters, {len(lengths):,} sequences take {size * n_bytes / 1e9:.1f} GB,"
        f" {size / max(int(lengths.sum()), 1):.0f} times their content: sequence {longest} has {lengths[longest]:,}"
        f" letters, the median is {np.median(lengths):,.0f}. {remedy}"
    )


def codes_of_letters(letters: NDArray[np.uint8]) -> Codes:
    """Translate ASCII letters to codes; letters that are not IUPAC become 255."""
    return _CODE_OF_LETTER[letters]


def encode_by_length(
    X: Any, *, unknown: Unknown = "error", n_letters: int = _CHUNK_LETTERS
) -> Iterator[tuple[NDArray[np.int64], Codes]]:
    """Encode DNA strings as byte codes in groups of similar length, so that a long one does not pad the others.

    Parameters
    ----------
    X, unknown
        As in :func:`encode`.
    n_letters : int
        Maximum number of letters per group, including padding; a longer sequence is a group of its own.

    Yields
    ------
    rows : ndarray of int64
        Indices of the sequences. Each occurs once, in order of length.
    codes : ndarray of uint8, shape (len(rows), length of the longest of them)

    Raises
    ------
    ValueError, TypeError
        As :func:`encode`.

    Examples
    --------
    >>> [(rows.tolist(), codes.shape) for rows, codes in encode_by_length(["AC", "ACGTACGT", "GT"], n_letters=8)]
    [([0, 2], (2, 2)), ([1], (1, 8))]
    """
    strings, lengths = _checked(X, unknown)
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        candidates = order[first : first + max(1, n_letters // lengths[order[first]])]
        # The padded size grows with every sequence.
        padded = lengths[candidates] * np.arange(1, len(candidates) + 1)
        rows = candidates[: max(1, int(np.searchsorted(padded, n_letters, side="right")))]
        codes = np.empty((len(rows), lengths[rows[-1]]), dtype=np.uint8)
        _encode_rows([strings[row] for row in rows], lengths[rows], codes, unknown, rows)
        yield rows, codes
        first += len(rows)


def _checked(X: Any, unknown: Unknown) -> tuple[list[str], NDArray[np.int64]]:
    if unknown not in ("error", "N"):
        raise ValueError(f"unknown={unknown!r}; expected 'error' or 'N'.")
    strings = as_strings(X)
    lengths = np.fromiter(map(len, strings), dtype=np.int64, count=len(strings))
    if lengths.size and lengths.min() == 0:
        raise ValueError(f"Sequence {int(lengths.argmin())} is empty; expected at least one of A, C, G, T or N.")
    return strings, lengths


def _encode_rows(
    strings: list[str], lengths: NDArray[np.int64], out: Codes, unknown: Unknown, numbers: NDArray[np.int64]
) -> None:
    """Write the codes of some sequences; errors use their `numbers`."""
    letters = np.frombuffer("".join(strings).encode("ascii", "replace"), dtype=np.uint8)
    flat = codes_of_letters(letters)
    bad = flat == _INVALID
    if bad.any():
        if unknown == "error":
            ends = np.cumsum(lengths)
            at = int(bad.argmax())
            i = int(np.searchsorted(ends, at, side="right"))
            position = at - int(ends[i] - lengths[i])
            raise ValueError(
                f"Sequence {numbers[i]} has the letter {strings[i][position]!r} at position {position}; expected A, C,"
                " G, T or N. Write N for an unknown base, or let OneHotDNA(unknown='N') do so."
            )
        flat[bad] = N_CODE
    if lengths.min() == out.shape[1]:
        out[:] = flat.reshape(out.shape)
    else:
        out[:] = N_CODE
        out[np.arange(out.shape[1]) < lengths[:, None]] = flat


def decode(codes: ArrayLike, *, strip: bool = True) -> list[str]:
    """Decode byte codes to DNA strings.

    Parameters
    ----------
    codes : array-like of uint8, shape (n_sequences, length)
    strip : bool, default=True
        Treat N at the right end as padding and drop it.

    Returns
    -------
    list of str

    Examples
    --------
    >>> decode([[0, 1, 2, 3], [2, 4, 4, 4]])
    ['ACGT', 'G']
    """
    matrix = check_codes(codes)
    text = _LETTER_OF_CODE[matrix].tobytes().decode()
    width = matrix.shape[1]
    rows = [text[i * width : (i + 1) * width] for i in range(len(matrix))]
    return [row.rstrip("N") for row in rows] if strip else rows


def check_codes(codes: ArrayLike) -> Codes:
    """Return `codes` as a uint8 matrix, or raise an error."""
    matrix = np.asarray(codes)
    if matrix.ndim != 2:
        raise ValueError(f"Expected codes of shape (n_sequences, length), got shape {matrix.shape}.")
    if matrix.dtype.kind not in "iu":
        raise ValueError(
            f"Expected integer codes, got values of type {matrix.dtype}; encode(strings) converts strings to codes."
        )
    if matrix.size and (matrix.min() < 0 or matrix.max() > N_CODE):
        row, position = np.argwhere((matrix < 0) | (matrix > N_CODE))[0]
        raise ValueError(
            f"Expected codes from 0 to {N_CODE} (A, C, G, T, N), got {matrix[row, position]} in row {row} at position"
            f" {position}; encode(strings) converts DNA strings to codes."
        )
    return matrix.astype(np.uint8, copy=False)


def sequence_lengths(codes: Codes) -> NDArray[np.int64]:
    """Length of every sequence without its padding, the run of N at its right end.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)

    Returns
    -------
    ndarray of int64, shape (n_sequences,)

    Examples
    --------
    >>> sequence_lengths(encode(["ACGT", "NG", "CNN"]))
    array([4, 2, 1])
    """
    codes = check_codes(codes)
    if codes.shape[1] == 0:
        return np.zeros(len(codes), dtype=np.int64)
    known = codes != N_CODE
    return np.where(known.any(axis=1), codes.shape[1] - known[:, ::-1].argmax(axis=1), 0)


def left_justify(codes: Codes) -> tuple[Codes, NDArray[np.int64]]:
    """Move the run of N at the left end of every sequence to its right end, where it is padding.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)

    Returns
    -------
    codes : ndarray of uint8, shape (n_sequences, length)
        The same array if no sequence begins with N.
    starts : ndarray of int64, shape (n_sequences,)
        Original position of the first known base; 0 if there is none.

    Examples
    --------
    >>> left_justify(encode(["NNAC", "GNTT"]))
    (array([[0, 1, 4, 4],
           [2, 4, 3, 3]], dtype=uint8), array([2, 0]))
    """
    codes = check_codes(codes)
    starts = np.zeros(len(codes), dtype=np.int64)
    if codes.shape[1] == 0:
        return codes, starts
    late = np.flatnonzero(codes[:, 0] == N_CODE)
    starts[late] = (codes[late] != N_CODE).argmax(axis=1)
    late = late[starts[late] > 0]
    if len(late):
        at = starts[late, None] + np.arange(codes.shape[1])
        moved = np.take_along_axis(codes[late], np.minimum(at, codes.shape[1] - 1), axis=1)
        codes = codes.copy()
        codes[late] = np.where(at < codes.shape[1], moved, N_CODE)
    return codes, starts


def reverse_complement(X: Any) -> Any:
    """Return the reverse complement.

    Parameters
    ----------
    X : str, list of str, or ndarray of uint8 of shape (n_sequences, length)
        DNA as strings or codes. The padding of codes stays on the right.

    Returns
    -------
    str, list of str, or ndarray of uint8
        The same kind as `X`, IUPAC letters complemented, case kept.

    Examples
    --------
    >>> reverse_complement("AACGn")
    'nCGTT'
    >>> reverse_complement(encode(["AAC", "G"]))
    array([[2, 3, 3],
           [1, 4, 4]], dtype=uint8)
    """
    if isinstance(X, str):
        return X.translate(_COMPLEMENT_LETTERS)[::-1]
    if isinstance(X, np.ndarray) and X.dtype.kind in "iuf":
        X = check_codes(X)
        lengths = sequence_lengths(X)
        positions = lengths[:, None] - 1 - np.arange(X.shape[1])
        flipped = _COMPLEMENT[np.take_along_axis(X, np.maximum(positions, 0), axis=1)]
        return np.where(positions >= 0, flipped, N_CODE).astype(np.uint8)
    return [string.translate(_COMPLEMENT_LETTERS)[::-1] for string in as_strings(X)]


_COMPLEMENT_LETTERS = str.maketrans("ACGTURYSWKMBDHVNacgturyswkmbdhvn", "TGCAAYRSWMKVHDBNtgcaayrswmkvhdbn")
