"""Fetchers: the published collections of ChIP-seq sets, downloaded once and kept."""

from __future__ import annotations

import lzma
import os
import shutil
import zlib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from urllib.parse import quote
from zipfile import BadZipFile, ZipFile

from sklearn.datasets import get_data_home

from skdeepprune._random import RandomState
from skdeepprune._writing import replacing
from skdeepprune.datasets._collections import SequenceDataset, load_deepbind, load_zeng
from skdeepprune.datasets._download import download, is_intact, remember
from skdeepprune.sequences import read_sequences

_ZENG_URL = "http://cnn.csail.mit.edu/motif_discovery/"
_DEEPBIND_URL = "http://tools.genes.toronto.edu/deepbind/"
# Of a set's file, compressed; the published ones have a few megabytes.
_MAX_MEMBER_BYTES = 2**28
_DEEPBIND_ARCHIVE = "nbtcode/nbt3300-supplementary-software.zip"


def fetch_zeng(
    name: str,
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    base_url: str = _ZENG_URL,
    checksums: Mapping[str, str] | None = None,
    n_retries: int = 3,
    delay: float = 1.0,
) -> SequenceDataset:
    r"""Load one of the 690 ENCODE ChIP-seq sets of Zeng et al. [1]_, from the web if it is not there yet.

    Parameters
    ----------
    name : str
        The name of its folder on the server, such as "wgEncodeAwgTfbsBroadDnd41CtcfUniPk"; `base_url` in a browser
        lists them.
    data_home : str or path, default=None
        Where scikit-learn keeps its data sets, by default `~/scikit_learn_data`. The files are
        ``zeng/NAME.train.data`` and ``zeng/NAME.test.data`` in it, as :func:`load_zeng` reads them.
    download_if_missing : bool, default=True
        If False, never use the network.
    base_url : str
        Where the sets are: ``base_url/NAME/train.data`` and ``test.data``. Another one is a mirror.
    checksums : mapping of str to str, default=None
        SHA-256 by ``"NAME/train.data"`` and ``"NAME/test.data"``; another sum is written ``"md5:..."``. None is
        published. The sum of every file is written beside it when it comes (``NAME.train.data.sha256``), and from then
        on the file is checked against that.
    n_retries : int, default=3
        How often to try again when the connection breaks; the download goes on where it stopped. So it does in a later
        call.
    delay : float, default=1.0
        Seconds between tries.

    Returns
    -------
    SequenceDataset
        As published, negatives and all.

    Raises
    ------
    FileNotFoundError
        If the server has no such set, or the set is not there and ``download_if_missing=False``.
    ConnectionError
        If the server cannot be reached.
    ValueError
        If a file has another checksum than it should, or is malformed.
    ImportError
        If something must be downloaded and pooch is not installed (``pip install skdeepprune[fetch]``).

    Warns
    -----
    UserWarning
        If a file was changed since it came. It is downloaded again.

    See Also
    --------
    load_zeng : The same from any local folder.

    References
    ----------
    .. [1] H. Zeng, M. D. Edwards, G. Liu and D. K. Gifford, "Convolutional neural network architectures for predicting
       DNA-protein binding", Bioinformatics 32, 2016.

    Examples
    --------
    >>> from skdeepprune.datasets import fetch_zeng
    >>> data = fetch_zeng("wgEncodeAwgTfbsBroadDnd41CtcfUniPk")  # doctest: +SKIP
    """
    _check_name(name)
    folder = Path(get_data_home(data_home)) / "zeng"
    base_url = base_url.rstrip("/")
    for part in ("train.data", "test.data"):
        path = folder / f"{name}.{part}"
        by_hand = f"Or put the file there by hand: {path}. load_zeng reads the sets of any local folder."
        checksum = (checksums or {}).get(f"{name}/{part}")
        _check_network(path, checksum, download_if_missing, by_hand)
        download(
            f"{base_url}/{quote(name)}/{part}",
            path,
            checksum=checksum,
            n_retries=n_retries,
            delay=delay,
            if_absent=f"Is {name!r} the name of a set? {base_url}/ lists them.",
            by_hand=by_hand,
            check=lambda part: read_sequences(part, format="data"),
        )
    return load_zeng(folder, name)


def fetch_deepbind(
    name: str,
    *,
    n_positives: int | None = None,
    random_state: RandomState = None,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    base_url: str = _DEEPBIND_URL,
    archive: str = _DEEPBIND_ARCHIVE,
    checksums: Mapping[str, str] | None = None,
    n_retries: int = 3,
    delay: float = 1.0,
) -> SequenceDataset:
    r"""Load one of the ChIP-seq sets that DeepBind [1]_ was published with, from the web if it is not there yet.

    Parameters
    ----------
    name : str
        What comes before ``_AC.seq.gz`` in the archive, such as "SRF_H1-hESC_SRF_HudsonAlpha". If there is no such set,
        the error names some that there are.
    n_positives : int, default=None
        Train on a random choice of at most so many positives. By default on all.
    random_state : int, Generator, RandomState or None, default=None
        Decides on the choice, the negatives and the order, as in :func:`load_deepbind`.
    data_home : str or path, default=None
        Where scikit-learn keeps its data sets, by default `~/scikit_learn_data`. The archive, and the sets that were
        taken from it, are in ``deepbind`` in it.
    download_if_missing : bool, default=True
        If False, never use the network.
    base_url : str
        Where DeepBind is. Another one is a mirror.
    archive : str
        The zip file with the sets, from `base_url`. The sets may be in any folder of it. The default is the address
        that other publications give. The server's page ``nbtcode/`` is the authority: if the sets have moved to another
        file there, name it.
    checksums : mapping of str to str, default=None
        The SHA-256 of `archive`, by its name; another sum is written ``"md5:..."``. None is published. The sum of the
        archive, and of the files taken from it, is written beside them (``.sha256``), and from then on they are checked
        against that.
    n_retries : int, default=3
        How often to try again when the connection breaks; the download goes on where it stopped. So it does in a later
        call.
    delay : float, default=1.0
        Seconds between tries.

    Returns
    -------
    SequenceDataset
        The training negatives are one dinucleotide shuffle of each positive, as in the papers, and the training
        sequences are in random order. The test set is as published.

    Raises
    ------
    FileNotFoundError
        If the server has no such archive, or it is not there and ``download_if_missing=False``.
    ConnectionError
        If the server cannot be reached.
    ValueError
        If the archive has no such set, a file has another checksum than it should, or is malformed.
    ImportError
        If the archive must be downloaded and pooch is not installed (``pip install skdeepprune[fetch]``).

    Warns
    -----
    UserWarning
        If the archive was changed since it came. It is downloaded again.

    See Also
    --------
    load_deepbind : The same from any local folder.

    References
    ----------
    .. [1] B. Alipanahi, A. Delong, M. T. Weirauch and B. J. Frey, "Predicting the sequence specificities of DNA- and
       RNA-binding proteins by deep learning", Nature Biotechnology 33, 2015.

    Examples
    --------
    >>> from skdeepprune.datasets import fetch_deepbind
    >>> data = fetch_deepbind("SRF_H1-hESC_SRF_HudsonAlpha", random_state=0)  # doctest: +SKIP
    """
    _check_name(name)
    folder = Path(get_data_home(data_home)) / "deepbind"
    files = [folder / f"{name}_{part}.seq.gz" for part in ("AC", "B")]
    if not all(map(is_intact, files)):
        path = folder / PurePosixPath(archive).name
        by_hand = (
            f"Or put the archive there by hand: {path}; or the set's two files: {files[0]} and {files[1].name}."
            " load_deepbind reads the sets of any local folder."
        )
        checksum = (checksums or {}).get(archive)
        _check_network(path, checksum, download_if_missing, by_hand)
        base_url = base_url.rstrip("/")
        download(
            f"{base_url}/{quote(archive)}",
            path,
            checksum=checksum,
            n_retries=n_retries,
            delay=delay,
            if_absent=f"Name another `archive` of {base_url}/ for the set {name!r}. {by_hand}",
            by_hand=by_hand,
            check=_check_archive,
        )
        try:
            _take_out(path, name, files)
        except (BadZipFile, RuntimeError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            # Damaged, encrypted or exotic; of bzip2 damage is an OSError without a number.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ValueError(f"{path} cannot be unpacked ({error}); delete it, to download it again.") from error
    return load_deepbind(folder, name, n_positives=n_positives, random_state=random_state)


def _check_name(name: str) -> None:
    if not name or name.startswith(".") or set(name) & set("/\\"):
        raise ValueError(f"Expected the name of a set, got {name!r}.")


def _check_network(path: Path, checksum: str | None, download_if_missing: bool, by_hand: str) -> None:
    if not download_if_missing and not is_intact(path, checksum):
        state = "was changed since it came" if path.exists() else "is missing"
        raise FileNotFoundError(f"{path} {state}, and download_if_missing=False. {by_hand}")


def _check_archive(path: Path) -> None:
    try:
        ZipFile(path).close()
    except (BadZipFile, NotImplementedError) as error:
        raise ValueError(f"it is not an intact zip file ({error}).") from error


def _take_out(archive: Path, name: str, files: list[Path]) -> None:
    """Copy a set's files out of the archive."""
    with ZipFile(archive) as opened:
        members = {PurePosixPath(member).name: member for member in opened.namelist()}
        if missing := [file.name for file in files if file.name not in members]:
            names = [member.removesuffix("_AC.seq.gz") for member in members if member.endswith("_AC.seq.gz")]
            near = get_close_matches(name, names, 5, 0.3) or names[:5]
            raise ValueError(
                f"{archive} has no {missing[0]}. It has {len(names)} sets{', such as ' if near else ''}"
                f"{', '.join(map(repr, near))}. If the set is in another file of the server, name it as `archive`."
            )
        for file in files:
            size = opened.getinfo(members[file.name]).file_size
            if size > _MAX_MEMBER_BYTES:
                said = f"{members[file.name]} says that it has {size:,} bytes"
                raise ValueError(f"{archive}: {said}; expected {_MAX_MEMBER_BYTES:,} at most.")
            with replacing(file) as part:
                # Not more than it said, or it is damaged.
                with opened.open(members[file.name]) as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target)
                read_sequences(part, format="seq")
            remember(file)
