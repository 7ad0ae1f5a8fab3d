"""Loaders for local copies of published collections of ChIP-seq data sets."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skdeepprune._random import RandomState, as_generator
from skdeepprune.sequences import dinucleotide_shuffle, read_sequences

# Suffixes of the training and the test file.
_SUFFIXES = {
    "deepbind": ("_AC.seq", "_B.seq"),
    "zeng": (".train.data", ".test.data"),
    "fastsk": (".train.fasta", ".test.fasta"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class SequenceDataset:
    """Training and test sequences with their labels.

    Attributes
    ----------
    name : str
    X_train, X_test : ndarray of str, shape (n_sequences,)
    y_train, y_test : ndarray of int64, shape (n_sequences,)
        1 for bound sequences, 0 for others.
    """

    name: str
    X_train: NDArray[np.str_] = field(repr=False)
    y_train: NDArray[np.int64] = field(repr=False)
    X_test: NDArray[np.str_] = field(repr=False)
    y_test: NDArray[np.int64] = field(repr=False)


def list_datasets(folder: str | os.PathLike[str]) -> dict[str, list[str]]:
    """List the data sets in a folder or in its subfolders.

    Parameters
    ----------
    folder : str or path

    Returns
    -------
    dict of str to list of str
        Names by loader: "deepbind" for :func:`load_deepbind`, "zeng", "fastsk".

    Raises
    ------
    NotADirectoryError
        If the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdeepprune.datasets import list_datasets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "CTCF.train.fasta.gz").touch()
    ...     Path(folder, "CTCF.test.fasta.gz").touch()
    ...     list_datasets(folder)
    {'deepbind': [], 'zeng': [], 'fastsk': ['CTCF']}
    """
    return {collection: list(_training_files(folder, collection)) for collection in _SUFFIXES}


def load_deepbind(
    folder: str | os.PathLike[str], name: str, *, n_positives: int | None = None, random_state: RandomState = None
) -> SequenceDataset:
    r"""Load a ChIP-seq data set in the format published with DeepBind [1]_.

    Parameters
    ----------
    folder : str or path
        Folder with ``NAME_AC.seq.gz`` (training positives) and ``NAME_B.seq.gz`` (test), or its parent.
    name : str
        NAME; :func:`list_datasets` lists them.
    n_positives : int, default=None
        Maximum number of training positives, sampled at random. By default all.
    random_state : int, Generator, RandomState or None, default=None
        Controls the sampling, the negatives and the order. An int makes them reproducible.

    Returns
    -------
    SequenceDataset
        The training negatives are one dinucleotide shuffle of each positive, as in the papers, and the training
        sequences are in random order. The test set is as published.

    Raises
    ------
    ValueError
        If the folder does not contain the data set, or a file is malformed.
    NotADirectoryError, FileNotFoundError
        If the folder or the test file does not exist.

    References
    ----------
    .. [1] B. Alipanahi, A. Delong, M. T. Weirauch and B. J. Frey, "Predicting the sequence specificities of DNA- and
       RNA-binding proteins by deep learning", Nature Biotechnology 33, 2015.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdeepprune.datasets import load_deepbind
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for end, rows in (("AC", "A e1 GATTACA 1"), ("B", "A e2 CATTAGA 1")):
    ...         text = "FoldID EventID seq Bound\n" + rows + "\n"
    ...         _ = Path(folder, f"toy_{end}.seq").write_text(text.replace(" ", "\t"))
    ...     data = load_deepbind(folder, "toy", random_state=0)
    >>> list(zip(data.X_train.tolist(), data.y_train.tolist()))
    [('GATTACA', 1), ('GACATTA', 0)]
    """
    train_file, test_file = _files(folder, "deepbind", name)
    X, y = _read(train_file)
    positives = X[y == 1]
    rng = as_generator(random_state)
    if n_positives is not None and n_positives < len(positives):
        if n_positives < 1:
            raise ValueError(f"n_positives={n_positives}; expected at least 1, or None for all.")
        positives = rng.choice(positives, n_positives, replace=False)
    X_train = np.concatenate([positives, np.array(dinucleotide_shuffle(positives, random_state=rng))])
    order = rng.permutation(len(X_train))
    X_test, y_test = _read(test_file)
    return SequenceDataset(
        name=name,
        X_train=X_train[order],
        y_train=(order < len(positives)).astype(np.int64),
        X_test=X_test,
        y_test=y_test,
    )


def load_zeng(folder: str | os.PathLike[str], name: str) -> SequenceDataset:
    r"""Load one of the 690 ENCODE ChIP-seq data sets of Zeng et al. [1]_.

    Parameters
    ----------
    folder : str or path
        Folder with ``NAME.train.data`` and ``NAME.test.data``, gzipped or not, or its parent.
    name : str
        NAME; :func:`list_datasets` lists them.

    Returns
    -------
    SequenceDataset
        As published, including the negatives.

    Raises
    ------
    ValueError
        If the folder does not contain the data set, or a file is malformed.
    NotADirectoryError, FileNotFoundError
        If the folder or the test file does not exist.

    References
    ----------
    .. [1] H. Zeng, M. D. Edwards, G. Liu and D. K. Gifford, "Convolutional neural network architectures for predicting
       DNA-protein binding", Bioinformatics 32, 2016.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdeepprune.datasets import load_zeng
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in ("train", "test"):
    ...         _ = Path(folder, f"toy.{part}.data").write_text(">chr1:5-9 ACGT 1\n>chr1:5-9_shuf CAGT 0\n")
    ...     data = load_zeng(folder, "toy")
    >>> data.X_test.tolist(), data.y_test.tolist()
    (['ACGT', 'CAGT'], [1, 0])
    """
    return _as_published(folder, "zeng", name)


def load_fastsk(folder: str | os.PathLike[str], name: str) -> SequenceDataset:
    r"""Load one of the data sets published with FastSK [1]_.

    Parameters
    ----------
    folder : str or path
        Folder with ``NAME.train.fasta`` and ``NAME.test.fasta``, gzipped or not, or its parent.
    name : str
        NAME; :func:`list_datasets` lists them.

    Returns
    -------
    SequenceDataset
        As published, including lower case.

    Raises
    ------
    ValueError
        If the folder does not contain the data set, or a file is malformed.
    NotADirectoryError, FileNotFoundError
        If the folder or the test file does not exist.

    References
    ----------
    .. [1] D. Blakely et al., "FastSK: fast sequence analysis with gapped string kernels", Bioinformatics 36, 2020.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdeepprune.datasets import load_fastsk
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in ("train", "test"):
    ...         _ = Path(folder, f"toy.{part}.fasta").write_text(">1\nACGT\n>0\nggca\n")
    ...     data = load_fastsk(folder, "toy")
    >>> data.X_train.tolist(), data.y_train.tolist()
    (['ACGT', 'ggca'], [1, 0])
    """
    return _as_published(folder, "fastsk", name)


def _as_published(folder: str | os.PathLike[str], collection: str, name: str) -> SequenceDataset:
    train_file, test_file = _files(folder, collection, name)
    X_train, y_train = _read(train_file)
    X_test, y_test = _read(test_file)
    return SequenceDataset(name=name, X_train=X_train, y_train=y_train, X_test=X_test, y_test=y_test)


def _read(path: Path) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    found = read_sequences(path, labels_in_names=True)
    assert found.labels is not None  # tables have a label column, and FASTA is read with labels_in_names
    return np.array(found.sequences), found.labels


def _training_files(folder: str | os.PathLike[str], collection: str) -> dict[str, Path]:
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is not a folder; expected the folder with the data sets, or its parent.")
    end = _SUFFIXES[collection][0]
    paths = [*root.glob(f"*{end}*"), *root.glob(f"*/*{end}*")]
    found = {path.name.removesuffix(".gz").removesuffix(end): path for path in paths if _ends(path, end)}
    return dict(sorted(found.items()))


def _ends(path: Path, end: str) -> bool:
    return path.name.removesuffix(".gz").endswith(end)


def _files(folder: str | os.PathLike[str], collection: str, name: str) -> tuple[Path, Path]:
    """Find the training and the test file of a data set."""
    found = _training_files(folder, collection)
    train_end, test_end = _SUFFIXES[collection]
    if name not in found:
        raise ValueError(f"{folder} has no file {name}{train_end}.gz; {_suggest(name, list(found), train_end)}")
    train_file = found[name]
    zipped = ".gz" if train_file.name.endswith(".gz") else ""
    return train_file, train_file.with_name(f"{name}{test_end}{zipped}")


def _suggest(name: str, names: list[str], end: str) -> str:
    if not names:
        return f"nor any other NAME{end}(.gz). Pass the folder with the data sets, or its parent."
    near = [other for other in names if name.lower() in other.lower()] or get_close_matches(name, names, 5, 0.3)
    listed = ", ".join(map(repr, (near or names)[:5]))
    if near:
        return f"did you mean {listed}?"
    return f"it has {len(names)} data sets, such as {listed}. list_datasets(folder) lists them all."
