"""Data sets of the benchmark: how each is loaded for a seed, and its identity."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from skdeepprune.datasets import (
    SequenceDataset,
    list_datasets,
    load_deepbind,
    load_fastsk,
    load_simulated,
    load_zeng,
)
from skdeepprune.datasets._collections import _files
from skdeepprune.sequences import read_sequences

_AS_PUBLISHED = {"zeng": load_zeng, "fastsk": load_fastsk}
# The paper's kernel lengths for motifs of up to 20 bp and for ChIP-seq.
_KERNEL_LENGTH_SIMULATED = 24
_KERNEL_LENGTH_REAL = 15


@dataclass(frozen=True, eq=False, kw_only=True)
class BenchmarkDataset:
    """A data set of the benchmark.

    Attributes
    ----------
    collection, name : str
    load : callable
        ``load(seed)`` returns an object with `X_train`, `y_train`, `X_test`, `y_test` and, if known, `ceiling`, the
        best possible AUC. It is called in the process that runs the cell, so that no sequences are transferred.
    kernel_length : int, default=15
        The paper's setting for sets of this kind.
    both_strands : bool, default=True
        Whether sites occur on both strands; not in the simulated sets.
    parameters : mapping, default={}
        JSON-serialisable values that determine the sequences, besides the seed. Changing them makes new cells.

    Examples
    --------
    >>> from skdeepprune.bench import BenchmarkDataset
    >>> from skdeepprune.datasets import load_simulated
    >>> BenchmarkDataset(collection="mine", name="hard", load=lambda seed: load_simulated(1, random_state=seed)).name
    'hard'
    """

    collection: str
    name: str
    load: Callable[[int], Any] = field(repr=False)
    kernel_length: int = _KERNEL_LENGTH_REAL
    both_strands: bool = True
    parameters: Mapping[str, Any] = field(default_factory=dict)


def find_datasets(
    wanted: Sequence[str] = (), folder: str | os.PathLike[str] | None = None, *, n_positives: int | None = None
) -> list[BenchmarkDataset]:
    """Find the simulated data sets and those in a folder.

    Parameters
    ----------
    wanted : sequence of str, default=()
        Names of collections ("simulated", "deepbind", "zeng", "fastsk", or a folder's) or of single sets. By default
        all available ones.
    folder : str or path, default=None
        Folder with collections as `skdeepprune.datasets` loads them, or folders of sets in the format of the 690-set
        collection: ``NAME/train.data`` and ``NAME/test.data``, gzipped or not. Workers need it at the same path.
    n_positives : int, default=None
        Train on a random subset of at most this many positives, and the same fraction of the negatives.

    Returns
    -------
    list of BenchmarkDataset

    Raises
    ------
    ValueError
        If a collection or set does not exist.
    NotADirectoryError
        If the folder does not exist.

    Examples
    --------
    >>> from skdeepprune.bench import find_datasets
    >>> [dataset.name for dataset in find_datasets(["simulated"])]
    ['simulated-1', 'simulated-2', 'simulated-3', 'simulated-4', 'simulated-5']
    """
    if n_positives is not None and n_positives < 1:
        raise ValueError(f"n_positives={n_positives}; expected at least 1, or None for all.")
    available = list(_simulated(n_positives))
    if folder is not None:
        available += _known_formats(Path(folder).resolve(), n_positives)
        available += _folders(Path(folder).resolve(), n_positives)
    for name in wanted:
        if not any(name in (dataset.collection, dataset.name) for dataset in available):
            raise ValueError(_unknown(name, available, folder))
    return [dataset for dataset in available if not wanted or {dataset.collection, dataset.name} & set(wanted)]


def _simulated(n_positives: int | None) -> Iterator[BenchmarkDataset]:
    for number in range(1, 6):
        yield BenchmarkDataset(
            collection="simulated",
            name=f"simulated-{number}",
            load=partial(_load_simulated, number, n_positives),
            kernel_length=_KERNEL_LENGTH_SIMULATED,
            both_strands=False,
            parameters={"n_positives": n_positives},
        )


def _known_formats(folder: Path, n_positives: int | None) -> Iterator[BenchmarkDataset]:
    for collection, names in list_datasets(folder).items():
        for name in names:
            load = _load_deepbind if collection == "deepbind" else partial(_load_as_published, collection)
            yield BenchmarkDataset(
                collection=collection,
                name=name,
                load=partial(load, folder, name, n_positives),
                parameters={"n_positives": n_positives, "bytes": _sizes(*_files(folder, collection, name))},
            )


def _folders(folder: Path, n_positives: int | None) -> Iterator[BenchmarkDataset]:
    """Find sets that are folders, directly or one level down; the parent folder names the collection."""
    for name in sorted({path.parent for path in (*folder.glob("*/train.data*"), *folder.glob("*/*/train.data*"))}):
        yield BenchmarkDataset(
            collection=name.parent.name,
            name=name.name,
            load=partial(_load_folder, name, n_positives),
            parameters={"n_positives": n_positives, "bytes": _sizes(_part(name, "train"), _part(name, "test"))},
        )


def _sizes(*paths: Path) -> list[int]:
    """File sizes, which change with the content but not with the location. Missing files are omitted."""
    return [path.stat().st_size for path in paths if path.exists()]


def _load_simulated(number: int, n_positives: int | None, seed: int) -> SequenceDataset:
    return _with_at_most(load_simulated(number, random_state=seed), n_positives, seed)


def _load_deepbind(folder: Path, name: str, n_positives: int | None, seed: int) -> SequenceDataset:
    return load_deepbind(folder, name, n_positives=n_positives, random_state=seed)


def _load_as_published(collection: str, folder: Path, name: str, n_positives: int | None, seed: int) -> SequenceDataset:
    return _with_at_most(_AS_PUBLISHED[collection](folder, name), n_positives, seed)


def _load_folder(folder: Path, n_positives: int | None, seed: int) -> SequenceDataset:
    train, test = (read_sequences(_part(folder, part), format="data") for part in ("train", "test"))
    assert train.labels is not None and test.labels is not None  # the format has a column for them
    data = SequenceDataset(
        name=folder.name,
        X_train=np.array(train.sequences),
        y_train=train.labels,
        X_test=np.array(test.sequences),
        y_test=test.labels,
    )
    return _with_at_most(data, n_positives, seed)


def _part(folder: Path, part: str) -> Path:
    plain = folder / f"{part}.data"
    return plain if plain.exists() else folder / f"{part}.data.gz"


def _with_at_most(data: SequenceDataset, n_positives: int | None, seed: int) -> SequenceDataset:
    """Draw training sequences, the same fraction of both classes, in the original order."""
    n_available = int((data.y_train == 1).sum())
    if n_positives is None or n_available <= n_positives:
        return data
    rng = np.random.default_rng([seed, 0])
    of_class = [np.flatnonzero(data.y_train == label) for label in (0, 1)]
    rows = np.concatenate([rng.choice(of, len(of) * n_positives // n_available, replace=False) for of in of_class])
    rows.sort()
    return replace(data, X_train=data.X_train[rows], y_train=data.y_train[rows])


def _unknown(name: str, available: list[BenchmarkDataset], folder: str | os.PathLike[str] | None) -> str:
    collections = ", ".join(dict.fromkeys(dataset.collection for dataset in available))
    near = get_close_matches(name, [dataset.name for dataset in available], 3, 0.3)
    return (
        f"There is no collection or data set {name!r}; expected a collection ({collections}) or a set"
        f"{', such as ' + ', '.join(near) if near else ''}."
        + (" Pass the folder of the real sets." if folder is None else f" The folder of the real sets is {folder}.")
    )
