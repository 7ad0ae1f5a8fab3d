"""Simulated data sets: random sequences with planted motifs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune._random import RandomState, as_generator
from skdeepprune.datasets._collections import SequenceDataset
from skdeepprune.datasets._jaspar import load_planted_motifs
from skdeepprune.datasets._likelihood import ceiling_auc, check_probabilities
from skdeepprune.motifs._motif import Motif
from skdeepprune.sequences import decode

_MOTIFS_OF_SET = {
    1: ("FOSL1::JUND", "ZBTB24"),
    2: ("SOX9", "Prdm5"),
    3: ("TBP", "PAX6"),
    4: ("Tfcp2l1", "Runx1", "Hnf1A", "PAX5"),
    5: ("FOSL1::JUND", "ZBTB24", "SOX9", "TBP", "PAX6", "Tfcp2l1", "REST", "CTCF"),
}


@dataclass(frozen=True, eq=False)
class PlantedSequences:
    """Random sequences with a motif instance in each positive one, and the ground truth.

    Attributes
    ----------
    X : ndarray of str, shape (n_samples,)
    y : ndarray of int64, shape (n_samples,)
        1 if an instance was planted, else 0.
    motif : ndarray of int64, shape (n_samples,)
        Index of the planted motif; -1 for negatives.
    position : ndarray of int64, shape (n_samples,)
        Start of the instance, from 0; -1 for negatives.
    """

    X: NDArray[np.str_]
    y: NDArray[np.int64]
    motif: NDArray[np.int64]
    position: NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class SimulatedDataset(SequenceDataset):
    """A simulated set: training and test sequences, the motifs in them, and the best possible AUC.

    Attributes
    ----------
    name : str
    X_train, X_test : ndarray of str, shape (n_sequences,)
    y_train, y_test : ndarray of int64, shape (n_sequences,)
        1 for sequences with a motif, 0 for those without.
    motifs : tuple of Motif
    ceiling : float
        AUC of the exact likelihood ratio on the test set. No classifier does better, except by chance.
    """

    motifs: tuple[Motif, ...]
    ceiling: float


def make_motif_sequences(
    motifs: Sequence[Any],
    n_samples: int = 12_000,
    *,
    length: int = 101,
    positive_share: float = 0.5,
    random_state: RandomState = None,
) -> PlantedSequences:
    """Make random sequences, and plant one motif in each positive one.

    The background is i.i.d. uniform over A, C, G, T. Each positive sequence contains one instance of one motif: the
    motif is chosen uniformly, the instance is sampled from its matrix, and its position is uniform over all positions
    where it fits, always on the given strand.

    Parameters
    ----------
    motifs : sequence of array-like of shape (width, 4), or of objects with an attribute `ppm`
        Probabilities of A, C, G and T at each position.
    n_samples : int, default=12000
    length : int, default=101
        Sequence length in bp.
    positive_share : float, default=0.5
        Fraction of positives, exact up to rounding.
    random_state : int, Generator, RandomState or None, default=None
        An int makes the sequences reproducible.

    Returns
    -------
    PlantedSequences
        In random order.

    Raises
    ------
    ValueError
        If a matrix is not a probability matrix, a motif is wider than `length`, or there are no motifs.

    See Also
    --------
    load_simulated : Five sets with fixed motifs.
    log_likelihood_ratio : The optimal classifier of such sequences.

    Examples
    --------
    >>> from skdeepprune.datasets import load_planted_motifs, make_motif_sequences
    >>> planted = make_motif_sequences([load_planted_motifs()["TBP"]], 4, length=12, random_state=0)
    >>> for sequence, label, position in zip(planted.X, planted.y, planted.position):
    ...     print(sequence, label, position)
    CGTTTAGAAAAG 1 4
    TGACGTTCGACA 0 -1
    ATCTATAAAGTA 1 3
    CCATCACGCCGT 0 -1
    """
    ppms = check_probabilities(motifs)
    widest = max(map(len, ppms))
    if length < widest:
        raise ValueError(f"length={length}; expected at least {widest}, the width of the widest motif.")
    if n_samples < 1:
        raise ValueError(f"n_samples={n_samples}; expected at least 1.")
    if not 0 <= positive_share <= 1:
        raise ValueError(f"positive_share={positive_share}; expected a number from 0 to 1.")
    rng = as_generator(random_state)
    codes = rng.integers(4, size=(n_samples, length), dtype=np.uint8)
    y = rng.permutation(np.arange(n_samples) < round(n_samples * positive_share))
    motif = np.where(y, rng.integers(len(ppms), size=n_samples), -1)
    position = np.full(n_samples, -1)
    for k, ppm in enumerate(ppms):
        rows = np.flatnonzero(motif == k)
        position[rows] = rng.integers(length - len(ppm) + 1, size=len(rows))
        for i, probabilities in enumerate(ppm):
            codes[rows, position[rows] + i] = rng.choice(4, size=len(rows), p=probabilities)
    return PlantedSequences(np.array(decode(codes, strip=False)), y.astype(np.int64), motif, position)


def load_simulated(
    number: int,
    *,
    n_train: int = 6000,
    n_test: int = 6000,
    length: int = 101,
    random_state: RandomState = None,
) -> SimulatedDataset:
    """Make one of the five simulated data sets of the Deepprune paper [1]_, with motifs from JASPAR.

    ======  ================================================================  =======
    number  motifs                                                            ceiling
    ======  ================================================================  =======
    1       two, the most diffuse: FOSL1::JUND, ZBTB24                        0.85
    2       two, clearer: SOX9, Prdm5                                         0.91
    3       two, one of them short: TBP (7 bp), PAX6 (14 bp)                  0.95
    4       four: Tfcp2l1, Runx1, Hnf1A, PAX5                                 0.92
    5       eight: FOSL1::JUND, ZBTB24, SOX9, TBP, PAX6, Tfcp2l1, REST, CTCF  0.88
    ======  ================================================================  =======

    The paper used motifs from TRANSFAC, which is not free; these are similar.

    Parameters
    ----------
    number : {1, 2, 3, 4, 5}
    n_train, n_test : int, default=6000
        Number of sequences, half of them positive.
    length : int, default=101
        Sequence length in bp.
    random_state : int, Generator, RandomState or None, default=None
        An int makes the sequences reproducible, and the test set independent of `n_train`.

    Returns
    -------
    SimulatedDataset

    Raises
    ------
    ValueError
        If `number` is not one of these.

    See Also
    --------
    make_motif_sequences : The same with your own motifs.

    References
    ----------
    .. [1] X. Luo, W. Chi and M. Deng, "Deepprune: Learning efficient and interpretable convolutional networks through
       weight pruning for predicting DNA-protein binding", Frontiers in Genetics 10, 2019.

    Examples
    --------
    >>> from skdeepprune.datasets import load_simulated
    >>> data = load_simulated(3, random_state=0)
    >>> [motif.name for motif in data.motifs]
    ['TBP', 'PAX6']
    >>> len(data.X_train), round(data.ceiling, 3)
    (6000, 0.949)
    """
    if number not in _MOTIFS_OF_SET:
        raise ValueError(f"number={number!r}; expected one of {', '.join(map(str, _MOTIFS_OF_SET))}.")
    jaspar = load_planted_motifs()
    motifs = tuple(jaspar[name] for name in _MOTIFS_OF_SET[number])
    seeds = as_generator(random_state).integers(2**63, size=2)
    train, test = (
        make_motif_sequences(motifs, n, length=length, random_state=seed)
        for n, seed in zip((n_train, n_test), seeds, strict=True)
    )
    return SimulatedDataset(
        name=f"simulated {number}",
        X_train=train.X,
        y_train=train.y,
        X_test=test.X,
        y_test=test.y,
        motifs=motifs,
        ceiling=ceiling_auc(test.X, test.y, motifs),
    )
