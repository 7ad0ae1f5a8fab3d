"""The likelihood ratio of the model behind the simulated data sets: the optimal classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

from skdeepprune.sequences import sequence_lengths
from skdeepprune.sequences._codes import Codes, encode_by_length
from skdeepprune.sequences._strings import as_strings

_BACKGROUND = 0.25
_WORD = 4
_CELLS_PER_BATCH = 1 << 20


def log_likelihood_ratio(X: Any, motifs: Sequence[Any]) -> NDArray[np.float64]:
    r"""Score sequences by how much more likely they are with a planted motif than without.

    The exact log likelihood ratio of the model of `make_motif_sequences`,

    .. math::  \log \frac{1}{M} \sum_{m=1}^{M} \frac{1}{P_m} \sum_{p=1}^{P_m} \prod_{i=1}^{W_m}
               \frac{\mathrm{ppm}_m[i, x_{p + i}]}{1/4}

    where :math:`P_m` is the number of positions where motif m fits. By the Neyman-Pearson lemma no other score
    separates the two classes better.

    Parameters
    ----------
    X : list, ndarray, Series, or DataFrame with one column
        DNA strings, of any lengths. N has ratio 1, and so has a motif that is wider than the sequence.
    motifs : sequence of array-like of shape (width, 4), or of objects with an attribute `ppm`
        Probabilities of A, C, G and T at each position.

    Returns
    -------
    ndarray of float64, shape (n_sequences,)
        In nats. Minus infinity if the sequence cannot contain any of the motifs.

    Raises
    ------
    ValueError
        If a matrix is not a probability matrix, or there are no motifs.

    Examples
    --------
    >>> from skdeepprune.datasets import load_planted_motifs, log_likelihood_ratio
    >>> log_likelihood_ratio(["GGTATAAAAGG", "GGTATNNNNGG", "GGGGGGGGGGG"], [load_planted_motifs()["TBP"]]).round(2)
    array([6.62, 2.19, -inf])
    """
    ppms = check_probabilities(motifs)
    sequences = as_strings(X)
    ratios = np.empty((len(ppms), len(sequences)))
    for rows, codes in encode_by_length(sequences, n_letters=_CELLS_PER_BATCH):
        words, lengths = _words(codes), sequence_lengths(codes)
        for k, ppm in enumerate(ppms):
            ratios[k, rows] = _log_ratio(words, lengths, ppm)
    mixed: NDArray[np.float64] = np.logaddexp.reduce(ratios, axis=0) - np.log(len(ppms))
    return mixed


def _words(codes: Codes) -> NDArray[np.int16]:
    """Encode the four-letter word at each position as a base-5 number, padding the end with N."""
    length = codes.shape[1]
    padded = np.pad(codes, ((0, 0), (0, _WORD - 1)), constant_values=4).astype(np.int16)
    words = np.zeros(codes.shape, dtype=np.int16)
    for i in range(_WORD):
        words = words * np.int16(5) + padded[:, i : i + length]
    return words


def _log_ratio(words: NDArray[np.int16], lengths: NDArray[np.int64], ppm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the log likelihood ratio of one motif, by one table look-up per four motif positions."""
    n_places = words.shape[1] - len(ppm) + 1
    if n_places < 1:
        return np.zeros(len(words))
    n_tables = -(-len(ppm) // _WORD)
    letters = np.zeros((n_tables * _WORD, 5))
    with np.errstate(divide="ignore"):
        letters[: len(ppm), :4] = np.log(ppm / _BACKGROUND)
    windows = np.zeros((len(words), n_places))
    for start in range(0, len(letters), _WORD):
        a, b, c, d = letters[start : start + _WORD]
        table = (a[:, None, None, None] + b[:, None, None] + c[:, None] + d).ravel()
        windows += table[words[:, start : start + n_places]]
    fitting = np.clip(lengths - len(ppm) + 1, 0, n_places)
    windows[np.arange(n_places) >= fitting[:, None]] = -np.inf
    best = np.nan_to_num(windows.max(axis=1), neginf=0.0)
    windows -= best[:, None]
    with np.errstate(divide="ignore"):
        ratio = best + np.log(np.exp(windows, out=windows).sum(axis=1)) - np.log(np.maximum(fitting, 1))
    return np.where(fitting > 0, ratio, 0.0)


def ceiling_auc(X: Any, y: ArrayLike, motifs: Sequence[Any]) -> float:
    """Compute the AUC of the exact likelihood ratio, which no classifier exceeds except by chance.

    Parameters
    ----------
    X : list, ndarray, Series, or DataFrame with one column
        DNA strings, as from `make_motif_sequences`.
    y : array-like of shape (n_sequences,)
        Labels: 1 with a motif, 0 without.
    motifs : sequence of array-like of shape (width, 4), or of objects with an attribute `ppm`
        The planted motifs.

    Returns
    -------
    float

    Examples
    --------
    >>> from skdeepprune.datasets import ceiling_auc, load_planted_motifs, make_motif_sequences
    >>> motifs = [load_planted_motifs()["Tfcp2l1"]]
    >>> planted = make_motif_sequences(motifs, 2000, random_state=0)
    >>> round(ceiling_auc(planted.X, planted.y, motifs), 3)
    0.977
    """
    scores = np.maximum(log_likelihood_ratio(X, motifs), np.finfo(np.float64).min)
    return float(roc_auc_score(y, scores))


def check_probabilities(motifs: Sequence[Any]) -> list[NDArray[np.float64]]:
    """Return the probability matrices of `motifs`, normalised, or raise an error that says what is wrong."""
    ppms = []
    for k, motif in enumerate(motifs):
        ppm = np.asarray(getattr(motif, "ppm", motif), dtype=np.float64)
        if ppm.ndim != 2 or ppm.shape[1] != 4 or len(ppm) == 0:
            raise ValueError(f"Motif {k} has shape {ppm.shape}; expected (width, 4), the columns A, C, G, T.")
        totals = ppm.sum(axis=1)
        bad = (ppm < 0).any(axis=1) | ~(np.abs(totals - 1) < 1e-3)
        if bad.any():
            at = int(bad.argmax())
            raise ValueError(
                f"Motif {k} has {ppm[at].tolist()} at position {at}; expected four probabilities that sum to 1. "
                "Divide counts by their sum."
            )
        ppms.append(ppm / totals[:, None])
    if not ppms:
        raise ValueError("Expected at least one motif, got none.")
    return ppms
