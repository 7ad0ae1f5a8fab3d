"""Saturation mutagenesis: the effect of every single-base replacement in a sequence."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from numpy.typing import NDArray

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._inputs import read_parts
from skdeepprune._network import BASE_SHARES, Network, reverse_complement_kernels, with_unknown_bases
from skdeepprune._writing import replacing
from skdeepprune.effects._fitted import dna_network
from skdeepprune.sequences import one_hot
from skdeepprune.sequences._codes import LETTERS, Codes

Output = Literal["log-odds", "scores"]
_ROWS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Mutagenesis:
    """Effects of every single-base replacement.

    Attributes
    ----------
    delta : ndarray of float64, shape (n, L, 4), or (n, L, 4, n_kernels) with ``output="scores"``
        Change of the log-odds, or of the motif scores, when A, C, G or T replaces the base: 0 for the base itself, NaN
        beyond the ends of a sequence.
    codes : ndarray of uint8, shape (n, L)
        The sequences: 0 to 3 for A, C, G, T, 4 for an unknown base and beyond the end.
    log_odds : ndarray of float64, shape (n,)
        Log-odds of the original sequences.
    """

    delta: NDArray[np.float64]
    codes: Codes
    log_odds: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.codes)

    def to_frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Tabulate the replacements, one row each.

        Parameters
        ----------
        names : sequence of str, default=None
            Names of the sequences; by default their numbers.

        Returns
        -------
        DataFrame
            Columns sequence, position (from 0), ref, alt, delta; or delta_kernel_0, ... in place of delta.
        """
        is_change = ~np.isnan(self.delta.reshape(*self.codes.shape, 4, -1)[..., 0])
        is_change &= self.codes[:, :, None] != np.arange(4)
        row, position, alt = np.nonzero(is_change)
        letters = np.array(list(LETTERS), dtype=object)
        values = self.delta[row, position, alt]
        by_kernel = {f"delta_kernel_{k}": column for k, column in enumerate(values.T)} if values.ndim > 1 else {}
        return pd.DataFrame(
            {
                "sequence": row if names is None else np.array(names, dtype=object)[row],
                "position": position,
                "ref": letters[self.codes[row, position]],
                "alt": letters[alt],
                **(by_kernel or {"delta": values}),
            }
        )

    def hypothetical_contributions(self) -> NDArray[np.float64]:
        """Contribution that each letter would have at each position: its delta minus the mean of the four.

        Returns
        -------
        ndarray of float64, shape (n, L, 4)
            0 beyond the ends of a sequence.

        Raises
        ------
        ValueError
            If the changes are those of scores rather than log-odds.
        """
        if self.delta.ndim > 3:
            raise ValueError("Contributions refer to the log-odds; expected a result of output='log-odds'.")
        centred = self.delta - self.delta.mean(axis=2, keepdims=True)
        return np.nan_to_num(centred, nan=0.0)

    def importance(self) -> NDArray[np.float64]:
        """Contribution of the actual base: its log-odds minus the mean over the four letters.

        Returns
        -------
        ndarray of float64, shape (n, L)
            0 for unknown bases and beyond the ends.
        """
        return (self.hypothetical_contributions() * one_hot(self.codes)).sum(axis=2)

    def write_modisco(self, one_hot_path: str | os.PathLike[str], contributions_path: str | os.PathLike[str]) -> None:
        """Write the input of ``modisco motifs -s ONE_HOT -a CONTRIBUTIONS`` (tfmodisco-lite).

        Parameters
        ----------
        one_hot_path, contributions_path : str or path
            Files ending in .npz; each with one array ``arr_0`` of float32, shape (n, 4, L).

        Raises
        ------
        ValueError
            If the sequences differ in length, or a name does not end in .npz.
        """
        contributions = self.hypothetical_contributions()
        is_known = self.codes < 4
        if not (is_known.any(axis=0).all() and (~np.isnan(self.delta[:, :, 0])).all()):
            raise ValueError(
                "The sequences differ in length, or begin or end with unknown bases; TF-MoDISco expects equal lengths."
                " Cut them to one length."
            )
        for path, array in ((one_hot_path, one_hot(self.codes)), (contributions_path, contributions)):
            if Path(path).suffix != ".npz":
                raise ValueError(f"{path}: expected a name that ends in .npz.")
            with replacing(path) as part, open(part, "wb") as file:
                np.savez_compressed(file, array.transpose(0, 2, 1).astype(np.float32))


def saturation_mutagenesis(classifier: DeepPruneClassifier, X: Any, *, output: Output = "log-odds") -> Mutagenesis:
    """Compute the effect of replacing every base with each of the others.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted on DNA.
    X : as in `DeepPruneClassifier.fit`
        DNA strings or one-hot.
    output : {"log-odds", "scores"}, default="log-odds"
        The change of the log-odds, or of the motif score of every kernel.

    Returns
    -------
    Mutagenesis

    Raises
    ------
    ValueError
        If the classifier was not fitted on DNA, or X is not DNA.

    Notes
    -----
    Only the windows and words that contain a base are recomputed. The result equals that of `decision_function` on all
    3 L mutated sequences, in float64, and takes a fraction of the time. Unknown bases at either end are not part of a
    sequence; those inside can be replaced as well.

    Examples
    --------
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.effects import saturation_mutagenesis
    >>> data = load_simulated(3, n_train=1000, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=1, max_iter=5, random_state=0).fit(data.X_train, data.y_train)
    >>> result = saturation_mutagenesis(classifier, data.X_test[:10])
    >>> result.delta.shape
    (10, 101, 4)
    >>> result.to_frame().columns.tolist()
    ['sequence', 'position', 'ref', 'alt', 'delta']
    """
    network = dna_network(classifier)
    if output not in ("log-odds", "scores"):
        raise ValueError(f"output={output!r}; expected 'log-odds' or 'scores'.")
    log_odds = classifier.decision_function(X)
    parts = read_parts(classifier, X, n_channels=4, expect_dna=True).parts
    longest, n = max(codes.shape[1] for _, codes in parts), len(log_odds)
    all_codes = np.full((n, longest), 4, dtype=np.uint8)
    delta = np.full((n, longest, 4, *((network.n_kernels,) if output == "scores" else ())), np.nan)
    mutate = _mutation_of(network, output)
    with ThreadPoolExecutor(effective_n_jobs(classifier.n_jobs)) as pool:
        for rows, codes in parts:
            all_codes[rows, : codes.shape[1]] = codes
            chunks = [slice(start, start + _ROWS_AT_ONCE) for start in range(0, len(rows), _ROWS_AT_ONCE)]
            for chunk, changes in zip(chunks, pool.map(mutate, [codes[chunk] for chunk in chunks]), strict=True):
                delta[rows[chunk], : codes.shape[1]] = changes
    return Mutagenesis(delta, all_codes, log_odds)


def _mutation_of(network: Network, output: Output) -> Callable[[Codes], NDArray[np.float64]]:
    """Make the function that computes the changes (n, L, 4) or (n, L, 4, K) of sequences, NaN beyond their ends."""
    from skdeepprune.effects._mutation_loops import mutate_rows
    from skdeepprune.effects._vectors import LANES

    strands = [network.kernels, reverse_complement_kernels(network.kernels)][: 1 + network.reverse_complement]
    cells = (np.concatenate(strands) @ BASE_SHARES.T.astype(np.float64)).transpose(1, 2, 0)
    cells = np.ascontiguousarray(np.pad(cells, ((0, 0), (0, 0), (0, -cells.shape[2] % LANES))))
    lowered, raised = np.ascontiguousarray(-cells.transpose(1, 0, 2)), np.ascontiguousarray(cells[:, :4])
    is_mean = network.sharpness < np.inf
    if is_mean:
        lowered, raised = np.exp(network.sharpness * lowered), np.exp(network.sharpness * raised)
    n_letters, composition = network.word_length, network.composition.astype(np.float64)
    table = with_unknown_bases(composition, n_letters) if n_letters else composition
    bias, weights = network.kernel_bias.astype(np.float64), network.dense_weights.astype(np.float64)

    def mutate(codes: Codes) -> NDArray[np.float64]:
        by_scores = output == "scores"
        delta = np.full((*codes.shape, 4, network.n_kernels if by_scores else 1), np.nan)
        pooling = cells, lowered, raised, len(strands), float(network.sharpness if is_mean else 0.0)
        mutate_rows(np.ascontiguousarray(codes), *pooling, bias, weights, table, n_letters, by_scores, delta)
        return delta if by_scores else delta[..., 0]

    return mutate
