"""Atomic file writing: a file is complete or does not exist. Temporary folders that do not outlive the process."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

# Bytes of the target's name in the name of its part file, which must not become too long.
_MAX_STEM_BYTES = 100
_RANDOM_LETTERS = 8
_FOLDER_PREFIX, _LOCK = "skdeepprune-", ".lock"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write to a temporary file in the same folder, and rename it once it is complete.

    Temporary files that killed runs have left behind for the same target are removed.

    Parameters
    ----------
    path : str or path
        An existing file stays unchanged until the new one replaces it, and for good if writing fails.

        Links are followed; a device or a pipe is written to directly.

    Yields
    ------
    Path
        An empty file to write to, with the permissions of an ordinary new file, or those of the existing one if they
        are stricter.
    """
    target = _target(path)
    if target.exists() and not target.is_file():
        yield target
        return
    with _part_of(target) as part:
        yield part
        _rename(part, target)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise an OSError if `replacing` could not write this file, as far as can be known in advance.

    Temporary files that killed runs have left behind are removed.
    """
    target = _target(path)
    through = f" (it is a link to {target})" if os.path.islink(path) else ""
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder{through}; expected the name of a file.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"The folder {target.parent} for {Path(path).name} does not exist{through}.")
    with suppress(FileNotFoundError):
        target.lstat()  # a name that is too long
    if target.exists() and not target.is_file():
        if not os.access(target, os.W_OK):
            raise PermissionError(f"{path} cannot be written{through}.")
        return
    try:
        with _part_of(target):
            pass
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; {target.parent} cannot be written", str(path)) from error


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a temporary folder that only this user may enter; remove those of killed runs.

    Yields
    ------
    Path
    """
    root = Path(tempfile.gettempdir())
    for leftover in root.glob(f"{_FOLDER_PREFIX}*"):
        _remove_unlocked(leftover)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=root))
        try:
            handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            continue  # removed as a leftover by another run
        if sys.platform == "win32":
            os.close(handle)  # Windows cannot remove an open file
            break
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            break
        os.close(handle)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if sys.platform != "win32":
            os.close(handle)


def _remove_unlocked(folder: Path) -> None:
    """Remove a temporary folder of this user that no process has locked."""
    if sys.platform == "win32":
        return
    with suppress(OSError):  # locked, already gone, or another user's
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return
        if not (folder / _LOCK).exists():
            folder.rmdir()  # unless it is not empty
            return
        handle = os.open(folder / _LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(handle)


def _target(path: str | os.PathLike[str]) -> Path:
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """Make a part file next to the target, locked while it is being written; remove it at the end if still there."""
    _remove_leftovers(target)
    part, handle = _new_part(target)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def _new_part(target: Path) -> tuple[Path, int | None]:
    # The system applies the umask; reading it would require changing it, for all threads.
    mode = target.stat().st_mode & 0o666 | 0o600 if target.exists() else 0o666
    while True:
        part = target.with_name(f"{_stem(target)}{secrets.token_hex(_RANDOM_LETTERS // 2)}.part")
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        if sys.platform == "win32":
            os.close(handle)  # Windows cannot rename an open file
            return part, None
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return part, handle
        os.close(handle)  # removed as a leftover by another run between the two calls


def _remove_leftovers(target: Path) -> None:
    """Remove part files of this target that no process has locked: their writers were killed."""
    if sys.platform == "win32":
        return
    pattern = glob.escape(_stem(target)) + "[0-9a-f]" * _RANDOM_LETTERS + ".part"
    for part in target.parent.glob(pattern):
        with suppress(OSError):  # locked, already gone, or another user's
            handle = os.open(part, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()
            finally:
                os.close(handle)


def _stem(target: Path) -> str:
    return f".{os.fsencode(target.name)[:_MAX_STEM_BYTES].decode(errors='ignore')}."


def _rename(part: Path, target: Path) -> None:
    try:
        os.replace(part, target)
    except OSError as error:
        # A bind-mounted file (containers) cannot be replaced by renaming, nor can another user's in a sticky folder.
        if error.errno not in (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES) or not target.is_file():
            raise
        shutil.copyfile(part, target)
