"""A file from the web: kept, checked, and where the connection broke, continued."""

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

# Where a connection breaks, the chunk on its way is lost.
_CHUNK_BYTES = 2**13
_TIMEOUT_SECONDS = 30
# A download that gets less than this in so many seconds is given up; what came is kept for the next one.
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
    """Download a file unless it is there.

    The file has its name only once it is complete and right. Its SHA-256 is written beside it, as `sha256sum` does.

    Parameters
    ----------
    url : str
    path : Path
        Where it goes. An incomplete download waits there as ``NAME.part``, to be continued.
    checksum : str or None
        What the file must have: SHA-256, or any other as ``"algorithm:digest"``. By default, whatever it had when it
        was downloaded first.
    n_retries : int
        How often to try again when the connection fails or the server does (5xx).
    delay : float
        Seconds to wait before that.
    if_absent : str
        What to say if the server has no such file.
    by_hand : str
        What else can be done, for the errors.
    check : callable
        Is given the complete download under another name, before it is kept, and raises a ValueError if it is not what
        was asked for: such as a page that a server sends instead.

    Raises
    ------
    FileNotFoundError
        If the server has no such file.
    ConnectionError
        If the server cannot be reached, breaks off, or sends less than 64 KiB in a minute, every time.
    ValueError
        If the server's file has another checksum or does not pass the check. Nothing is kept of it.
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
    with _alone(path.parent):
        if is_intact(path, checksum):  # now that another process is done
            return
        _remove_leftovers(path.parent)
        expected = checksum or _remembered(path)
        if path.exists():
            warnings.warn(f"{path} does not have the checksum {expected}; it is downloaded again.", stacklevel=3)
        keeper = pooch.create(path.parent, base_url="", registry={path.name: expected}, urls={path.name: url})
        try:
            keeper.fetch(path.name, downloader=_ResumingDownloader(path, n_retries, delay, check))
        except requests.RequestException as error:
            if error.response is not None and error.response.status_code in (404, 410):
                raise FileNotFoundError(f"{url} is not there ({error.response.status_code}). {if_absent}") from error
            raise ConnectionError(
                f"{url} could not be downloaded with n_retries={n_retries}: {error}. {by_hand}"
            ) from error
        except UnfitError as error:
            raise ValueError(f"{url} sent something else than was asked for: {error} {by_hand}") from error
        except ValueError as error:
            accept = "Correct `checksums`" if checksum else f"To accept it, delete {_sum_file(path)}"
            raise ValueError(f"{url} is another file than expected: {error} {accept}.") from error
        remember(path)


def is_intact(path: Path, checksum: str | None = None) -> bool:
    """Whether a file is there and has the checksum, or else the one that it had when it came."""
    if not path.exists():
        return False
    expected = checksum or _remembered(path)
    if expected is None:
        return True
    algorithm, _, digest = expected.rpartition(":")
    return _digest(path, algorithm or "sha256") == digest.lower()


def remember(path: Path) -> None:
    """Write the SHA-256 of a file beside it."""
    with replacing(_sum_file(path)) as part:
        part.write_text(f"{_digest(path, 'sha256')}  {path.name}\n")


def _remembered(path: Path) -> str | None:
    sum_file = _sum_file(path)
    if not sum_file.exists():
        return None
    words = sum_file.read_text(encoding="utf-8", errors="replace").split()
    if not words or not re.fullmatch("[0-9a-fA-F]{64}", words[0]):
        raise ValueError(
            f"{sum_file} does not hold a SHA-256; delete it to take {path.name} as it is, or both to download it again."
        )
    return words[0]


def _sum_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time download to a folder; the system ends the lock with the process."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_leftovers(folder: Path) -> None:
    """Remove the empty files in which pooch waits for a download, of runs that were killed: nobody else waits here."""
    for path in folder.glob("tmp*"):
        if re.fullmatch(r"tmp[a-z0-9_]{8}", path.name) and path.is_file() and path.stat().st_size == 0:
            path.unlink(missing_ok=True)


class UnfitError(ValueError):
    """A file that is not what was asked for."""


class _ResumingDownloader:
    """Downloads for pooch, going on where an earlier try, or process, was cut off.

    Beside the part lies the server's name for that version of the file (ETag or date): of another version the server
    sends all.
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
                self._receive_in_time(url)
                break
            except requests.RequestException as error:
                if n_left == 0 or not _may_pass(error):
                    raise
            time.sleep(self._delay)
        self._version.unlink(missing_ok=True)
        try:
            self._check(self._part)
        except ValueError as error:
            self._part.unlink()
            raise UnfitError(str(error)) from error
        os.replace(self._part, output_file)

    def _receive_in_time(self, url: str) -> None:
        """Receive in a thread that is left behind if nothing comes: a server that drips bytes passes all timeouts."""
        import requests

        failures: list[BaseException] = []
        is_left = threading.Event()

        def receive() -> None:
            try:
                self._receive(url, is_left)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        size, since = 0, time.monotonic()
        try:
            while thread.is_alive():
                thread.join(min(1.0, _STALL_SECONDS / 4))
                now_there = self._part.stat().st_size if self._part.exists() else 0
                if not size <= now_there < size + _MIN_BYTES:
                    size, since = now_there, time.monotonic()
                elif thread.is_alive() and time.monotonic() - since > _STALL_SECONDS:
                    raise requests.Timeout(f"less than {_MIN_BYTES:,} bytes came in {_STALL_SECONDS} seconds")
        finally:
            is_left.set()
        if failures:
            raise failures[0]

    def _receive(self, url: str, is_left: threading.Event) -> None:
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
                return self._receive(url, is_left)
            response.raise_for_status()
            if not continues:
                self._begin(_version_of(response))
            with self._part.open("ab", buffering=0) as file:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    if is_left.is_set():
                        return
                    file.write(chunk)
            if (expected := _total_length(response)) not in (None, self._part.stat().st_size):
                raise requests.ConnectionError(f"{url} ended after {self._part.stat().st_size} of {expected} bytes")

    def _so_far(self) -> tuple[int, str]:
        """Bytes that can be kept, and the version of the file that they are of."""
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
    """Bytes of the whole file, where the server tells."""
    if response.status_code == 206:
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        total = response.headers.get("Content-Length", "")
    return int(total) if total.isdigit() else None


def _may_pass(error: Any) -> bool:
    """Whether the next try may do better."""
    import requests

    if error.response is not None:
        return error.response.status_code >= 500
    return isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)
