"""Downloads: cached, verified, and resumed after a broken connection."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skdeepprune._writing import replacing

# If a connection breaks, the chunk in transit is lost.
_CHUNK_BYTES = 2**13
_TIMEOUT_SECONDS = 30
# A download that receives less than this in that time has stalled. It is aborted, but can be resumed.
_MIN_BYTES, _STALL_SECONDS = 2**16, 60.0
_MISSING_POOCH = "Downloads need pooch; install it with `pip install skdeepprune[fetch]`."


def download(
    url: str,
    path: Path,
    *,
    checksum: str | None,
    n_retries: int,
    delay: float,
    if_absent: str,
    by_hand: str,
    check: Callable[[Path], object],
) -> None:
    """Download a file unless it exists.

    The file gets its name only once it is complete and verified. Its SHA-256 is written next to it, in the format of
    `sha256sum`.

    Parameters
    ----------
    url : str
    path : Path
        Destination. An incomplete download is kept next to it as ``NAME.part``, and resumed later.
    checksum : str or None
        Expected SHA-256, or another checksum as ``"algorithm:digest"``. None means the one it had when it was first
        downloaded.
    n_retries : int
        Number of retries after a connection error or a server error (5xx).
    delay : float
        Seconds before each retry.
    if_absent : str
        Advice for the error if the server does not have the file.
    by_hand : str
        Alternative to the download, for errors.
    check : callable
        Called with the complete download before it gets its name; raises a ValueError if the content is wrong, such as
        an HTML page sent instead of the file.

    Raises
    ------
    FileNotFoundError
        If the server does not have the file.
    ConnectionError
        If on every try the server cannot be reached, disconnects, or sends less than 64 KiB in a minute.
    ValueError
        If the download has the wrong checksum or fails the check. It is then deleted.
    ImportError
        If pooch is not installed.
    """
    if is_intact(path, checksum):
        return
    try:
        import pooch
        import requests
    except ImportError as error:
        raise ImportError(f"{_MISSING_POOCH} {by_hand}") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.parent):
        if is_intact(path, checksum):  # another process may have downloaded it in the meantime
            return
        _remove_leftovers(path.parent)
        expected = checksum or _recorded(path)
        if path.exists():
            warnings.warn(f"{path} does not have the checksum {expected}; downloading it again.", stacklevel=3)
        cache = pooch.create(path.parent, base_url="", registry={path.name: expected}, urls={path.name: url})
        try:
            cache.fetch(path.name, downloader=_ResumingDownloader(path, n_retries, delay, check))
        except requests.RequestException as error:
            if error.response is not None and error.response.status_code in (404, 410):
                raise FileNotFoundError(f"{url} does not exist ({error.response.status_code}). {if_absent}") from error
            raise ConnectionError(
                f"{url} could not be downloaded with n_retries={n_retries}: {error}. {by_hand}"
            ) from error
        except WrongContentError as error:
            raise ValueError(f"{url} returned unexpected content: {error} {by_hand}") from error
        except ValueError as error:
            accept = "Correct `checksums`" if checksum else f"To accept it, delete {_sum_file(path)}"
            raise ValueError(f"{url} is not the expected file: {error} {accept}.") from error
        record_checksum(path)


def is_intact(path: Path, checksum: str | None = None) -> bool:
    """Whether a file exists and has the checksum; by default, the one recorded when it was downloaded."""
    if not path.exists():
        return False
    expected = checksum or _recorded(path)
    if expected is None:
        return True
    algorithm, _, digest = expected.rpartition(":")
    return _digest(path, algorithm or "sha256") == digest.lower()


def record_checksum(path: Path) -> None:
    """Write the SHA-256 of a file next to it."""
    with replacing(_sum_file(path)) as part:
        part.write_text(f"{_digest(path, 'sha256')}  {path.name}\n")


def _recorded(path: Path) -> str | None:
    sum_file = _sum_file(path)
    if not sum_file.exists():
        return None
    words = sum_file.read_text(encoding="utf-8", errors="replace").split()
    if not words or not re.fullmatch("[0-9a-fA-F]{64}", words[0]):
        raise ValueError(
            f"{sum_file} does not contain a SHA-256; delete it to accept {path.name} as it is, or delete both files to"
            " download again."
        )
    return words[0]


def _sum_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time download to a folder; the lock ends with the process."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_leftovers(folder: Path) -> None:
    """Remove the empty temporary files of pooch that killed runs have left; no other process is downloading here."""
    for path in folder.glob("tmp*"):
        if re.fullmatch(r"tmp[a-z0-9_]{8}", path.name) and path.is_file() and path.stat().st_size == 0:
            path.unlink(missing_ok=True)


class WrongContentError(ValueError):
    """A downloaded file with the wrong content."""


class _ResumingDownloader:
    """Downloads for pooch, resuming where an earlier try or process was interrupted.

    The server's version of the file (ETag or date) is stored next to the partial download; if it has changed, the
    server sends the whole file.
    """

    def __init__(self, path: Path, n_retries: int, delay: float, check: Callable[[Path], object]) -> None:
        self._part = path.with_name(f"{path.name}.part")
        self._version = path.with_name(f"{path.name}.part.version")
        self._n_retries = n_retries
        self._delay = delay
        self._check = check

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        import requests

        for n_left in reversed(range(self._n_retries + 1)):
            try:
                self._receive_or_stall(url)
                break
            except requests.RequestException as error:
                if n_left == 0 or not _is_temporary(error):
                    raise
            time.sleep(self._delay)
        self._version.unlink(missing_ok=True)
        try:
            self._check(self._part)
        except ValueError as error:
            self._part.unlink()
            raise WrongContentError(str(error)) from error
        os.replace(self._part, output_file)

    def _receive_or_stall(self, url: str) -> None:
        """Receive in a thread that is abandoned if the download stalls: a trickle of bytes defeats all timeouts."""
        import requests

        failures: list[BaseException] = []
        is_abandoned = threading.Event()

        def receive() -> None:
            try:
                self._receive(url, is_abandoned)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        size, since = 0, time.monotonic()
        try:
            while thread.is_alive():
                thread.join(min(1.0, _STALL_SECONDS / 4))
                new_size = self._part.stat().st_size if self._part.exists() else 0
                if not size <= new_size < size + _MIN_BYTES:
                    size, since = new_size, time.monotonic()
                elif thread.is_alive() and time.monotonic() - since > _STALL_SECONDS:
                    raise requests.Timeout(f"received less than {_MIN_BYTES:,} bytes in {_STALL_SECONDS} seconds")
        finally:
            is_abandoned.set()
        if failures:
            raise failures[0]

    def _receive(self, url: str, is_abandoned: threading.Event) -> None:
        import requests

        n_received, version = self._so_far()
        headers = {"Accept-Encoding": "identity"}
        if n_received:
            headers |= {"Range": f"bytes={n_received}-", "If-Range": version}
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as response:
            status = response.status_code
            continues = status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {n_received}-")
            if n_received and status in (206, 416) and not continues:
                self._begin("")
                return self._receive(url, is_abandoned)
            response.raise_for_status()
            if not continues:
                self._begin(_version_of(response))
            with self._part.open("ab", buffering=0) as file:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    if is_abandoned.is_set():
                        return
                    file.write(chunk)
            if (expected := _total_length(response)) not in (None, self._part.stat().st_size):
                raise requests.ConnectionError(f"{url} ended after {self._part.stat().st_size} of {expected} bytes")

    def _so_far(self) -> tuple[int, str]:
        """Bytes already received, and the version of the file that they belong to."""
        version = self._version.read_text() if self._version.exists() else ""
        return self._part.stat().st_size if version and self._part.exists() else 0, version

    def _begin(self, version: str) -> None:
        self._part.unlink(missing_ok=True)
        self._version.write_text(version)


def _version_of(response: Any) -> str:
    etag = response.headers.get("ETag", "")
    promises_equal_bytes = etag.startswith('"')  # W/"..." does not
    return etag if promises_equal_bytes else response.headers.get("Last-Modified", "")


def _total_length(response: Any) -> int | None:
    """Size of the whole file in bytes, if the server gives it."""
    if response.status_code == 206:
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        total = response.headers.get("Content-Length", "")
    return int(total) if total.isdigit() else None


def _is_temporary(error: Any) -> bool:
    """Whether a retry may succeed."""
    import requests

    if error.response is not None:
        return error.response.status_code >= 500
    return isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)
