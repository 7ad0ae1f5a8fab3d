"""Augmentation of the training sequences in every epoch: substituted bases, new negatives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune.sequences import sequence_lengths, shuffle_codes

Codes = NDArray[np.uint8]

_PAIRS_AT_ONCE = 2**20
# At or above this fraction of the negatives, shuffles are not a coincidence.
_SHARE_OF_SHUFFLES = 0.25
_BASES_TO_LOOK_AT = 2**21
_WORD_LENGTH = 6
# `mutation_rate="auto"` for large networks, which overfit most, and for refined ones.
_MUTATION_RATE, _REFINED_MUTATION_RATE = 0.1, 0.05


def substitute(codes: Codes, rate: float, rng: np.random.Generator) -> Codes:
    """Replace each base, with probability `rate`, with one of the other three; N stays.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    rate : float
    rng : Generator

    Returns
    -------
    ndarray of uint8, shape (n_sequences, length)

    Examples
    --------
    >>> import numpy as np
    >>> codes = np.array([[0, 1, 2, 3, 4]], dtype=np.uint8)
    >>> substitute(codes, 1.0, np.random.default_rng(0))
    array([[3, 2, 0, 2, 4]], dtype=uint8)
    """
    changed = np.array(codes, order="C")
    if rate > 0:
        from skdeepprune._mutation import substitute_bases

        limit = np.uint64(max(1, round(rate * 2**32)))
        substitute_bases(changed.reshape(-1), limit, rng.integers(2**64, dtype=np.uint64))
    return changed


def find_shuffles(codes: Codes, y: NDArray[Any]) -> NDArray[np.bool_]:
    """Find the negatives that are dinucleotide shuffles of positives.

    A shuffle has exactly the dinucleotide counts of a positive but is a different sequence; at 40 bp or more this does
    not happen by chance. Shorter sequences are ignored. Shuffles whose positive is in another fold are not found.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    y : ndarray, shape (n_sequences,)
        1 for positives, 0 for negatives, anything else for neither.

    Returns
    -------
    ndarray of bool, shape (n_sequences,)
    """
    is_shuffle = np.zeros(len(y), np.bool_)
    long_enough = _lengths(codes) >= 40
    positives, negatives = (np.flatnonzero(long_enough & (y == label)) for label in (1, 0))
    if not len(positives) or not len(negatives):
        return is_shuffle
    known, queried = (dinucleotide_fingerprints(codes, rows) for rows in (positives, negatives))
    known, first = np.unique(known, return_index=True)
    place = np.minimum(np.searchsorted(known, queried), len(known) - 1)
    found = np.flatnonzero(known[place] == queried)
    step = max(1, _PAIRS_AT_ONCE // codes.shape[1])
    for start in range(0, len(found), step):
        part = found[start : start + step]
        same = (codes[negatives[part]] == codes[positives[first[place[part]]]]).all(axis=1)
        is_shuffle[negatives[part]] = ~same
    return is_shuffle


def dinucleotide_fingerprints(codes: Codes, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Hash sequences by their dinucleotide counts: equal counts give equal numbers, different ones almost never do.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    rows : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    number_of_pair = np.random.default_rng(0).integers(-(2**63), 2**63, 25)
    fingerprints = np.zeros(len(rows), dtype=np.int64)
    step = max(1, _PAIRS_AT_ONCE // codes.shape[1])
    for start in range(0, len(rows), step):
        part = codes[rows[start : start + step]]
        fingerprints[start : start + step] = number_of_pair[5 * part[:, :-1] + part[:, 1:]].sum(axis=1)
    return fingerprints


def may_be_shuffled(codes: Codes, y: NDArray[np.float32]) -> bool:
    """Whether dinucleotide shuffles of the negatives are equally good negatives.

    A naive Bayes classifier on words of six bases, trained on one half of the sequences, scores the other half.
    Shuffling must move the scores of most positives towards the negatives, at least three times as clearly as it moves
    the negatives towards the positives. This fails if the negatives are bound by another protein or the labels are
    swapped. Both classes contribute equally many bases, since the smaller one would otherwise appear more uniform.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_sequences, length)
    y : ndarray, shape (n_sequences,)
        1 for positives, 0 for negatives.

    Returns
    -------
    bool
    """
    if (y == 0).all() or (y == 1).all():
        return False
    rng = np.random.default_rng(0)
    lengths = _lengths(codes)
    width = int(min(np.median(lengths[y == label]) for label in (0, 1)))
    n_at_most = max(1, _BASES_TO_LOOK_AT // (2 * max(width, 1)))
    sampled = []
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero((y == label) & (lengths >= width)))[:n_at_most]
        # Copies in both halves would leak.
        sampled.append(rng.permutation(np.unique(codes[:, :width][rows], axis=0)))
    n = min(map(len, sampled))
    codes = np.concatenate([sequences[:n] for sequences in sampled])
    y, half = np.repeat([0, 1], n), np.tile(np.arange(n) % 2, 2)
    words, shuffled = _words(codes), _words(shuffle_codes(codes, rng))
    moved = np.zeros(2 * n)
    for part in (0, 1):
        training, scored = half != part, half == part
        negative, positive = (
            np.bincount(words[training & (y == label)].ravel(), minlength=4**_WORD_LENGTH + 1) for label in (0, 1)
        )
        log_odds = np.log((1.0 + positive) / (1.0 + negative))
        log_odds[-1] = 0
        change = log_odds[shuffled[scored]].sum(axis=1) - log_odds[words[scored]].sum(axis=1)
        moved[scored] = np.sign(change) * np.where(y[scored] == 1, -1, 1)
    return bool(moved[y == 1].mean() > max(3 * moved[y == 0].mean(), 2 / np.sqrt(n)))


def _lengths(codes: Codes) -> NDArray[np.int64]:
    """Lengths of sequences, computed in blocks to save memory."""
    step = max(1, _PAIRS_AT_ONCE // max(codes.shape[1], 1))
    return np.concatenate([sequence_lengths(codes[start : start + step]) for start in range(0, len(codes), step)])


def _words(codes: Codes) -> NDArray[np.uint16]:
    """The word that starts at each base, as a number; the highest number stands for all words that contain N."""
    n_windows = max(0, codes.shape[1] - _WORD_LENGTH + 1)
    words = np.zeros((len(codes), n_windows), np.uint16)
    has_n = np.zeros(words.shape, np.bool_)
    for start in range(_WORD_LENGTH if n_windows else 0):
        bases = codes[:, start : start + n_windows]
        words = 4 * words + bases
        has_n |= bases > 3
    words[has_n] = 4**_WORD_LENGTH
    return words


@dataclass(frozen=True, eq=False)
class Augmentation:
    """Changes to the training sequences from epoch to epoch.

    `negatives` is "given"; "dinucleotide" (shuffles of the positives); "mixed" (about half of the given negatives,
    shuffled); or "renewed" (negatives that are shuffles are replaced with new ones, the others stay). Small networks
    may have their own mutation rate.
    """

    mutation_rate: float
    negatives: str
    refined_mutation_rate: float | None = None
    is_shuffle: NDArray[np.bool_] | None = None

    @classmethod
    def chosen(
        cls,
        mutation_rate: float | str,
        negatives: str,
        sequences: NDArray[Any],
        y: NDArray[np.float32],
        weights: NDArray[np.float64],
    ) -> Augmentation:
        """Resolve "auto" from the sequences of nonzero weight; reject settings that do not suit the sequences."""
        is_dna = sequences.ndim == 2
        if not is_dna and (mutation_rate not in ("auto", 0) or negatives not in ("auto", "given")):
            raise ValueError(
                f"mutation_rate and negatives={negatives!r} need DNA, but X holds real-valued channels; set"
                " mutation_rate=0 and negatives='given'."
            )
        rate, refined_rate = (_MUTATION_RATE, _REFINED_MUTATION_RATE) if is_dna else (0.0, None)
        if not isinstance(mutation_rate, str):
            rate, refined_rate = float(mutation_rate), None
        if negatives == "auto":
            negatives = "given"
            used = slice(None) if weights.all() else weights > 0
            is_negative = (y == 0) & (weights > 0)
            is_shuffle = find_shuffles(sequences, np.where(weights > 0, y, np.nan)) if is_dna else is_negative[:0]
            if is_shuffle.sum() >= max(1, _SHARE_OF_SHUFFLES * is_negative.sum()):
                if not is_shuffle[is_negative].all():
                    return cls(rate, "renewed", refined_rate, is_shuffle)
                negatives = "dinucleotide"
            elif is_dna and may_be_shuffled(sequences[used], y[used]):
                negatives = "mixed"
        return cls(rate, negatives, refined_rate)

    def __bool__(self) -> bool:
        return self.mutation_rate > 0 or self.negatives != "given"

    def refined(self) -> Augmentation:
        """Return the augmentation for small networks."""
        if self.refined_mutation_rate is None:
            return self
        return replace(self, mutation_rate=self.refined_mutation_rate, refined_mutation_rate=None)

    def of_rows(self, rows: NDArray[np.int64]) -> Augmentation:
        """Return the augmentation for some of the sequences."""
        return self if self.is_shuffle is None else replace(self, is_shuffle=self.is_shuffle[rows])

    def sources(self, y: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose the source of each sequence in an epoch: itself, or the positive to shuffle.

        All positives are used equally often.
        """
        sources = np.arange(len(y))
        renewed = None
        if self.negatives == "dinucleotide":
            renewed = np.flatnonzero(y == 0)
        elif self.is_shuffle is not None:
            renewed = np.flatnonzero(self.is_shuffle)
        if renewed is not None:
            sources[renewed] = np.resize(rng.permutation(np.flatnonzero(y == 1)), len(renewed))
        return sources

    def apply(
        self, codes: Codes, y: NDArray[np.float32], rng: np.random.Generator, chosen: NDArray[np.int64] | None = None
    ) -> Codes:
        """Make the sequences of an epoch from their sources: shuffle, then substitute.

        `chosen` holds their indices among all sequences; by default, all of them.
        """
        shuffled = np.zeros(len(y), np.bool_)
        if self.is_shuffle is not None:
            shuffled = self.is_shuffle if chosen is None else self.is_shuffle[chosen]
        elif self.negatives != "given":
            shuffled = y == 0
        if self.negatives == "mixed":
            shuffled &= rng.random(len(y)) < 0.5
        if shuffled.any():
            codes = codes.copy()
            codes[shuffled] = shuffle_codes(codes[shuffled], rng)
        return substitute(codes, self.mutation_rate, rng)
