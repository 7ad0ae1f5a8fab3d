"""Splits by whole chromosomes, so that test sequences are never close to training sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupKFold

__all__ = ["ChromosomeKFold"]

# The test chromosomes of the five folds for which ENCODE publishes models of the human genome.
_ENCODE = ("1 3 6", "2 8 9 16", "4 11 12 15 Y", "5 10 14 18 20 22", "7 13 17 19 21 X")


class ChromosomeKFold(GroupKFold):
    """Folds of whole chromosomes.

    Parameters
    ----------
    n_splits : int, default=5
    folds : {"size", "encode"} or sequence of sequence of str, default="size"
        "size" balances the number of sequences per fold. "encode" uses the five folds of the human genome for which
        ENCODE publishes models. A sequence gives the chromosomes of each fold. Chromosomes in none of the folds are in
        every training set.

    Raises
    ------
    ValueError
        By :meth:`split`, if there are fewer chromosomes than folds, a fold would be empty, or a sequence has no
        chromosome.

    See Also
    --------
    sklearn.model_selection.GroupKFold : The same for any groups.

    Examples
    --------
    >>> import numpy as np
    >>> from skdeepprune.model_selection import ChromosomeKFold
    >>> chromosomes = np.repeat(["chr1", "chr2", "chr3", "chr4"], [4, 3, 2, 1])
    >>> for training, test in ChromosomeKFold(2).split(chromosomes, groups=chromosomes):
    ...     print(sorted(set(chromosomes[test].tolist())), len(test))
    ['chr1', 'chr4'] 5
    ['chr2', 'chr3'] 5
    """

    def __init__(self, n_splits: int = 5, *, folds: str | Sequence[Sequence[str]] = "size") -> None:
        self.folds = folds
        named = self._named()
        if named is not None and len(named) != n_splits:
            raise ValueError(f"n_splits={n_splits}, but folds={folds!r} has {len(named)}; expected the same number.")
        super().__init__(n_splits)

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the indices of training and test sequences.

        Parameters
        ----------
        X : array-like of n sequences
        y : ignored
        groups : array-like of str, shape (n,)
            The chromosome of every sequence, such as `SequenceSet.chrom`.

        Yields
        ------
        training, test : ndarray of int
        """
        if groups is None:
            raise ValueError("ChromosomeKFold needs groups, the chromosome of every sequence; got None.")
        chromosomes = pd.Series(np.asarray(groups, dtype=object))
        if chromosomes.isna().any():
            raise ValueError(
                f"groups has no chromosome for {int(chromosomes.isna().sum())} of {len(chromosomes)} sequences; the"
                f" first is number {int(chromosomes.isna().argmax())}. Leave them out."
            )
        found = chromosomes.unique()
        if self._named() is None and len(found) < self.n_splits:
            raise ValueError(
                f"{self.n_splits} folds need at least as many chromosomes; groups has {len(found)}:"
                f" {', '.join(map(str, found))}. Lower n_splits."
            )
        yield from super().split(X, y, chromosomes.astype(str).to_numpy())

    def _iter_test_indices(self, X: Any, y: Any, groups: NDArray[Any]) -> Iterator[NDArray[np.int64]]:
        named = self._named()
        if named is None:
            yield from super()._iter_test_indices(X, y, groups)
            return
        plain = pd.Series(groups).str.removeprefix("chr")
        for number, names in enumerate(named):
            test = np.flatnonzero(plain.isin([str(name).removeprefix("chr") for name in names]))
            if not len(test):
                given = ", ".join(map(str, np.unique(groups)[:8]))
                raise ValueError(f"Fold {number} ({', '.join(names)}) has no sequences; groups contains {given}.")
            if len(test) == len(groups):
                raise ValueError(f"Fold {number} ({', '.join(names)}) has all sequences; none are left for training.")
            yield test

    def _named(self) -> list[list[str]] | None:
        """List the chromosomes of every fold, or return None for folds by size."""
        if not isinstance(self.folds, str):
            names = [list(fold) for fold in self.folds]
            everything = [name for fold in names for name in fold]
            if len(set(everything)) < len(everything):
                raise ValueError(
                    f"folds={self.folds!r} contains a chromosome twice; expected each in at most one fold."
                )
            return names
        if self.folds == "encode":
            return [[f"chr{name}" for name in fold.split()] for fold in _ENCODE]
        if self.folds == "size":
            return None
        raise ValueError(f"folds={self.folds!r}; expected 'size', 'encode' or the chromosomes of every fold.")
