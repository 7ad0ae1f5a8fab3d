"""Fetchers: the published collections of ChIP-seq data sets, downloaded once and cached."""

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
from skdeepprune.datasets._download import download, is_intact, record_checksum
from skdeepprune.sequences import read_sequences

_ZENG_URL = "http://cnn.csail.mit.edu/motif_discovery/"
_DEEPBIND_URL = "http://tools.genes.toronto.edu/deepbind/"
# Size limit for a compressed file of a data set; the published ones have a few megabytes.
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
    r"""Load one of the 690 ENCODE ChIP-seq data sets of Zeng et al. [1]_, downloading it if necessary.

    Parameters
    ----------
    name : str
        Name of its folder on the server, such as "wgEncodeAwgTfbsBroadDnd41CtcfUniPk"; for a list, open `base_url` in
        a browser.
    data_home : str or path, default=None
        scikit-learn's data folder, by default `~/scikit_learn_data`. The files are ``zeng/NAME.train.data`` and
        ``zeng/NAME.test.data`` in it, as :func:`load_zeng` reads them.
    download_if_missing : bool, default=True
        If False, never use the network.
    base_url : str
        URL of the server or of a mirror: the files are ``base_url/NAME/train.data`` and ``base_url/NAME/test.data``.
    checksums : mapping of str to str, default=None
        SHA-256 of ``"NAME/train.data"`` and ``"NAME/test.data"``; other checksums are written ``"md5:..."``. None are
        published, so by default the checksum of a file is stored next to it when it is downloaded
        (``NAME.train.data.sha256``), and verified from then on.
    n_retries : int, default=3
        Number of retries after a connection error. The download resumes where it stopped, as it does in a later call.
    delay : float, default=1.0
        Seconds before each retry.

    Returns
    -------
    SequenceDataset
        As published, including the negatives.

    Raises
    ------
    FileNotFoundError
        If the server does not have the data set, or it is missing and ``download_if_missing=False``.
    ConnectionError
        If the server cannot be reached.
    ValueError
        If a file has the wrong checksum or is malformed.
    ImportError
        If a download is necessary and pooch is not installed (``pip install skdeepprune[fetch]``).

    Warns
    -----
    UserWarning
        If a file has changed since it was downloaded. It is downloaded again.

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
        by_hand = f"Or place the file there yourself: {path}. load_zeng reads data sets from any folder."
        checksum = (checksums or {}).get(f"{name}/{part}")
        _check_network(path, checksum, download_if_missing, by_hand)
        download(
            f"{base_url}/{quote(name)}/{part}",
            path,
            checksum=checksum,
            n_retries=n_retries,
            delay=delay,
            if_absent=f"Is {name!r} the name of a data set? {base_url}/ lists them.",
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
    r"""Load one of the ChIP-seq data sets published with DeepBind [1]_, downloading them if necessary.

    Parameters
    ----------
    name : str
        The file name in the archive without ``_AC.seq.gz``, such as "SRF_H1-hESC_SRF_HudsonAlpha". If the data set does
        not exist, the error suggests similar names.
    n_positives : int, default=None
        Maximum number of training positives, sampled at random. By default all.
    random_state : int, Generator, RandomState or None, default=None
        Controls the sampling, the negatives and the order, as in :func:`load_deepbind`.
    data_home : str or path, default=None
        scikit-learn's data folder, by default `~/scikit_learn_data`. The archive and the data sets extracted from it
        are in its folder ``deepbind``.
    download_if_missing : bool, default=True
        If False, never use the network.
    base_url : str
        URL of the DeepBind server or of a mirror.
    archive : str
        Path of the zip file below `base_url`; the data sets may be in any folder of it. The default is the one that
        other publications give. If the data sets have moved, see the server's page ``nbtcode/`` for the new file.
    checksums : mapping of str to str, default=None
        SHA-256 of `archive`, by its name; other checksums are written ``"md5:..."``. None is published, so by default
        the checksums of the archive and of the extracted files are stored next to them (``.sha256``), and verified from
        then on.
    n_retries : int, default=3
        Number of retries after a connection error. The download resumes where it stopped, as it does in a later call.
    delay : float, default=1.0
        Seconds before each retry.

    Returns
    -------
    SequenceDataset
        The training negatives are one dinucleotide shuffle of each positive, as in the papers, and the training
        sequences are in random order. The test set is as published.

    Raises
    ------
    FileNotFoundError
        If the server does not have the archive, or it is missing and ``download_if_missing=False``.
    ConnectionError
        If the server cannot be reached.
    ValueError
        If the archive does not have the data set, or a file has the wrong checksum or is malformed.
    ImportError
        If a download is necessary and pooch is not installed (``pip install skdeepprune[fetch]``).

    Warns
    -----
    UserWarning
        If the archive has changed since it was downloaded. It is downloaded again.

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
            f"Or place the archive there yourself: {path}; or the two files of the data set: {files[0]} and"
            f" {files[1].name}. load_deepbind reads data sets from any folder."
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
            if_absent=f"Find the archive with {name!r} on {base_url}/, and pass its path as `archive`. {by_hand}",
            by_hand=by_hand,
            check=_check_archive,
        )
        try:
            _extract(path, name, files)
        except (BadZipFile, RuntimeError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            # Damaged, encrypted or unsupported; for damaged bzip2 it is an OSError without errno.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ValueError(f"{path} cannot be unpacked ({error}); delete it to download it again.") from error
    return load_deepbind(folder, name, n_positives=n_positives, random_state=random_state)


def _check_name(name: str) -> None:
    if not name or name.startswith(".") or set(name) & set("/\\"):
        raise ValueError(f"Expected the name of a data set, got {name!r}.")


def _check_network(path: Path, checksum: str | None, download_if_missing: bool, by_hand: str) -> None:
    if not download_if_missing and not is_intact(path, checksum):
        state = "has changed since it was downloaded" if path.exists() else "is missing"
        raise FileNotFoundError(f"{path} {state}, and download_if_missing=False. {by_hand}")


def _check_archive(path: Path) -> None:
    try:
        ZipFile(path).close()
    except (BadZipFile, NotImplementedError) as error:
        raise ValueError(f"it is not an intact zip file ({error}).") from error


def _extract(archive: Path, name: str, files: list[Path]) -> None:
    """Extract the files of a data set from the archive."""
    with ZipFile(archive) as opened:
        members = {PurePosixPath(member).name: member for member in opened.namelist()}
        if missing := [file.name for file in files if file.name not in members]:
            names = [member.removesuffix("_AC.seq.gz") for member in members if member.endswith("_AC.seq.gz")]
            near = get_close_matches(name, names, 5, 0.3) or names[:5]
            raise ValueError(
                f"{archive} has no {missing[0]}. It has {len(names)} data sets{', such as ' if near else ''}"
                f"{', '.join(map(repr, near))}. If the data set is in another archive, pass that as `archive`."
            )
        for file in files:
            size = opened.getinfo(members[file.name]).file_size
            if size > _MAX_MEMBER_BYTES:
                found = f"{members[file.name]} has {size:,} bytes"
                raise ValueError(f"{archive}: {found}; expected at most {_MAX_MEMBER_BYTES:,}.")
            with replacing(file) as part:
                # zipfile reads no more than this; excess data would fail the CRC check.
                with opened.open(members[file.name]) as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target)
                read_sequences(part, format="seq")
            record_checksum(file)
